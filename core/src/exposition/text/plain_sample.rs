//! A reader of samples in plain form, which is the form in which programs write them.
//!
//! Plain form is `name value` or `name{a="b",c="d"} value`. The only blank stands before the value, the
//! only quotes stand around label values, no value has an escape, no label name is given twice or begins
//! with `__`, and there is no timestamp. A line in any other form is left to the full parser, which
//! knows all forms and finds the errors. This reader takes a quarter of the time.

use crate::exposition::text::{Cursor, parse_float};
use crate::name::{is_label_name_byte, is_metric_name_byte};

/// Reads samples in plain form. It remembers the names of the sample before, because most samples have
/// the same ones.
#[derive(Default)]
/// A sample in plain form.
pub(crate) struct PlainSampleReader<'a> {
    name: &'a str,
    /// The label names of the sample before. No two are equal.
    label_names: Vec<&'a str>,
    /// How many label names, from the first one on, are in alphabetical order.
    ordered: usize,
}

/// A sample in plain form.
pub(crate) struct PlainSample<'a> {
    pub(crate) name: &'a str,
    /// The text between the braces.
    pub(crate) labels: &'a str,
    /// Whether the labels are sorted by name.
    pub(crate) is_ordered: bool,
    pub(crate) last: Option<LastLabel<'a>>,
    pub(crate) value: f64,
}

/// The last label of a sample, which usually is a bucket's bound.
#[derive(Clone, Copy)]
pub(crate) struct LastLabel<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// The text of all labels before the last one.
    pub(crate) others: &'a str,
    pub(crate) are_others_ordered: bool,
}

impl<'a> PlainSampleReader<'a> {
    /// Reads the whole line. Returns `None` if the line is not a sample in plain form.
    #[inline]
    pub(crate) fn read(&mut self, line: &Cursor<'a>) -> Option<PlainSample<'a>> {
        if line.at() != 0 || !line.is_whole() {
            return None;
        }
        let bytes = line.line;
        let name_end = self.take_name(line)?;
        let (labels, labels_end, last) = match bytes.get(name_end)? {
            b'{' => {
                let from = name_end + 1;
                let (end, count, last) = self.take_labels(line, from)?;
                (line.text(from, end)?, end + 1, Some((from, count, last)))
            }
            _ => ("", name_end, None),
        };
        let value = bytes.get(labels_end..)?.strip_prefix(b" ").and_then(parse_float)?;
        let mut is_ordered = true;
        let last = match last {
            None => None,
            Some((from, count, (at, name))) => {
                is_ordered = self.ordered >= count;
                let are_others_ordered = self.ordered + 1 >= count;
                let value_from = at - from + name.len() + "=\"".len();
                let value = labels.get(value_from..labels.len() - 1)?;
                let others = labels.get(..(at - from).saturating_sub(1))?;
                Some(LastLabel { name, value, others, are_others_ordered })
            }
        };
        Some(PlainSample { name: self.name, labels, is_ordered, last, value })
    }

    /// Takes the metric's name, and returns where it ends.
    #[inline]
    fn take_name(&mut self, line: &Cursor<'a>) -> Option<usize> {
        let bytes = line.line;
        if let Some(rest) = bytes.strip_prefix(self.name.as_bytes())
            && matches!(rest.first(), Some(b'{' | b' '))
            && !self.name.is_empty()
        {
            return Some(self.name.len());
        }
        let end = bytes.iter().position(|byte| !is_metric_name_byte(*byte))?;
        if end == 0 || bytes[0].is_ascii_digit() {
            return None;
        }
        self.name = line.text(0, end)?;
        Some(end)
    }

    /// Reads the labels from `at` on. Returns the position of the closing brace, the number of labels,
    /// and the position and the name of the last one.
    #[inline]
    fn take_labels(
        &mut self,
        line: &Cursor<'a>,
        mut at: usize,
    ) -> Option<(usize, usize, (usize, &'a str))> {
        let bytes = line.line;
        let mut count = 0;
        loop {
            let rest = bytes.get(at..)?;
            let name = self.take_label_name(line, at, rest, count)?;
            let value_from = name.len() + "=\"".len();
            let value = rest.get(value_from..)?;
            let length = value.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            let end = at + value_from + length + 1;
            match (value[length], bytes.get(end)?) {
                (b'"', b',') => {}
                (b'"', b'}') => return Some((end, count + 1, (at, name))),
                _ => return None,
            }
            at = end + 1;
            count += 1;
        }
    }

    /// The label name at the start of `rest`, if `="` follows. `count` labels stand before it.
    #[inline]
    fn take_label_name(
        &mut self,
        line: &Cursor<'a>,
        at: usize,
        rest: &[u8],
        count: usize,
    ) -> Option<&'a str> {
        if let Some(name) = self.label_names.get(count)
            && rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=\""))
        {
            return Some(name);
        }
        let length = rest.iter().position(|byte| !is_label_name_byte(*byte))?;
        let name = line.text(at, at + length)?;
        self.label_names.truncate(count);
        self.ordered = self.ordered.min(count);
        let is_usable = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && rest[length..].starts_with(b"=\"")
            && !name.starts_with("__")
            && !self.label_names.contains(&name);
        if is_usable {
            if self.ordered == count && self.label_names.last().is_none_or(|last| *last < name) {
                self.ordered += 1;
            }
            self.label_names.push(name);
        }
        is_usable.then_some(name)
    }
}
