//! A sample in the form in which programs write it, read in one pass.
//!
//! `name value` or `name{a="b",c="d"} value`: no blank but the one before the value, nothing
//! quoted but label values, nothing escaped in those, no label name twice or with `__` first, no timestamp.
//! Whatever is not so is left to the parser that knows everything and says what is wrong; this
//! one only makes the usual case a quarter as long.

use crate::exposition::text::cursor::{Cursor, parse_float};
use crate::name::{is_label_name_byte, is_metric_name_byte};

/// Reads plain samples; most look like the one before, so it remembers that one's names.
#[derive(Default)]
pub(crate) struct PlainSampleReader<'a> {
    name: &'a str,
    /// No two are the same.
    label_names: Vec<&'a str>,
    /// How many of them, from the first on, are in order.
    ordered: usize,
}

pub(crate) struct PlainSample<'a> {
    pub(crate) name: &'a str,
    /// What stands between the braces.
    pub(crate) labels: &'a str,
    /// Whether the labels are in the order of their names.
    pub(crate) is_ordered: bool,
    pub(crate) last: Option<LastLabel<'a>>,
    pub(crate) value: f64,
}

/// The label that stands last, where a bucket's bound usually stands.
#[derive(Clone, Copy)]
pub(crate) struct LastLabel<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// The labels before it.
    pub(crate) others: &'a str,
    pub(crate) are_others_ordered: bool,
}

impl<'a> PlainSampleReader<'a> {
    /// Reads the whole line; `None` if it is not in that form.
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

    /// Where the metric's name ends.
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

    /// Reads the labels from `at` on. Gives the place of the closing brace, how many there are, and
    /// where the last one begins, with its name.
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

    /// The label name at the beginning of `rest`, the `count`th of its line, if `="` follows.
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
