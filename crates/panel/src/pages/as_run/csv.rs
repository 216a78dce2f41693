//! A table for spreadsheets: RFC 4180, in UTF-8 with a mark by which they know it.

/// A table as it grows.
pub(super) struct Table(String);

impl Table {
    pub(super) fn new() -> Self {
        // Without it spreadsheets read another encoding.
        Self("\u{feff}".to_owned())
    }

    pub(super) fn row<const N: usize>(&mut self, cells: &[String; N]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.0.push_str(&quoted(&harmless(cell)));
        }
        self.0.push_str("\r\n");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Keeps a spreadsheet from reading a title as a formula.
fn harmless(cell: &str) -> String {
    let looks_like_one = cell
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if looks_like_one || cell.starts_with(['\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: a cell, and how it stands in the table.
    #[test]
    fn cells_are_quoted_and_none_is_a_formula() {
        let rows = [
            ("Tin sáng", "Tin sáng"),
            ("a, b", "\"a, b\""),
            ("nói \"to\"", "\"nói \"\"to\"\"\""),
            ("hai\ndòng", "\"hai\ndòng\""),
            ("=1+1", "'=1+1"),
            ("  @sum(a1)", "'  @sum(a1)"),
            ("-2", "'-2"),
            ("\tx", "'\tx"),
            ("=cmd|' /c calc'!a1, x", "\"'=cmd|' /c calc'!a1, x\""),
            ("", ""),
        ];
        for (cell, expected) in rows {
            let mut table = Table::new();
            table.row(&[cell.to_owned(), "2".to_owned()]);
            assert_eq!(table.finish(), format!("\u{feff}{expected},2\r\n"), "{cell}");
        }
    }
}
