//! Tables with aligned columns.

use std::fmt;

use unicode_width::UnicodeWidthStr as _;

/// Maximum width to which a cell is padded. The cells after a longer cell move to the right.
const PADDING_MAX: usize = 60;

/// A heading and rows.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(str::to_owned)] }
    }

    pub(crate) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width_of = |column: usize| {
            self.rows.iter().map(|row| row[column].width().min(PADDING_MAX)).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width_of);
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                let padding = width.saturating_sub(cell.width()) + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["JOB", "N"]);
        table.push(["日本".to_owned(), "1".to_owned()]);
        table.push(["x".to_owned(), "20".to_owned()]);
        assert_eq!(table.to_string(), "JOB   N\n日本  1\nx     20\n");
    }
}
