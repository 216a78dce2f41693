//! What is wrong with a schedule file, where, and what to do about it.

use std::fmt;
use std::sync::Arc;

use crate::said::{Said, said};
use crate::text::Lang;

/// Whether a fault stops the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is taken, but somebody should look.
    Warning,
}

/// A place in a schedule file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's name, as the caller gave it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// Prints as `file:line:column`, which editors and terminals make into a link.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// One fault of a schedule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name, as the caller gave it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// Whether it stops the import.
    pub severity: Severity,
    /// What is wrong.
    pub message: Said,
    /// What to do about it.
    pub remedy: Said,
}

impl Diagnostic {
    pub(crate) fn error(place: &Place, message: Said, remedy: Said) -> Self {
        Self::new(Severity::Error, place, message, remedy)
    }

    pub(crate) fn warning(place: &Place, message: Said, remedy: Said) -> Self {
        Self::new(Severity::Warning, place, message, remedy)
    }

    /// Says it as rustc's short form does, with the remedy on a line of its own.
    pub fn say(&self, lang: Lang) -> String {
        let (severity, remedy) = match (self.severity, lang) {
            (Severity::Error, Lang::Vi) => ("lỗi", "cách xử lý"),
            (Severity::Warning, Lang::Vi) => ("lưu ý", "cách xử lý"),
            (Severity::Error, Lang::En) => ("error", "remedy"),
            (Severity::Warning, Lang::En) => ("warning", "remedy"),
        };
        let Self {
            file, line, column, ..
        } = self;
        format!(
            "{file}:{line}:{column}: {severity}: {}\n  {remedy}: {}",
            self.message.get(lang),
            self.remedy.get(lang)
        )
    }

    fn new(severity: Severity, place: &Place, message: Said, remedy: Said) -> Self {
        Self {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            severity,
            message,
            remedy,
        }
    }
}

/// Orders faults as a reader meets them, and keeps at most [`DIAGNOSTICS_MAX`] with a count of the rest.
pub(crate) fn in_order(mut faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    faults.sort_by(|a, b| {
        let key = |fault: &Diagnostic| (fault.file.clone(), fault.line, fault.column, fault.severity);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    faults.dedup();
    let rest = faults.len().saturating_sub(DIAGNOSTICS_MAX);
    if rest > 0 {
        // Errors must not hide behind warnings.
        faults.sort_by_key(|fault| fault.severity);
        faults.truncate(DIAGNOSTICS_MAX);
        if let Some(last) = faults.last().cloned() {
            faults.push(Diagnostic {
                message: said!(
                    "còn {rest} lỗi nữa không hiện",
                    "{rest} more faults are not shown"
                ),
                remedy: said!(
                    "sửa những lỗi này trước, rồi kiểm tra lại",
                    "mend these first, then check again"
                ),
                ..last
            });
        }
    }
    faults
}

/// Faults reported at once; nobody mends more in one sitting.
pub(crate) const DIAGNOSTICS_MAX: usize = 200;

/// Turns byte offsets of a text into places.
pub(crate) struct Places<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where each line begins: a file has thousands of lines, and each value its place.
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(file: &str, text: &'a str) -> Self {
        Self {
            file: file.into(),
            text,
            lines: std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        }
    }

    /// Offsets past the end, or inside a character, mean the nearest earlier character.
    pub(crate) fn at(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|begins| *begins <= offset);
        Place {
            file: self.file.clone(),
            line,
            column: self.text[self.lines[line - 1]..offset]
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let places = Places::new("tuần.toml", "\u{feff}a\nbáo = 1\n");
        let rows = [
            (0, "1:1"),
            (3, "1:1"),
            (4, "1:2"),
            (5, "2:1"),
            (7, "2:2"),
            (8, "2:3"),
            (999, "3:1"),
        ];
        for (offset, expected) in rows {
            assert_eq!(
                places.at(offset).to_string(),
                format!("tuần.toml:{expected}"),
                "{offset}"
            );
        }
    }

    #[test]
    fn errors_are_shown_before_warnings_when_there_are_too_many() {
        let place = |line| Place {
            file: "f".into(),
            line,
            column: 1,
        };
        let mut faults: Vec<_> = (1..=DIAGNOSTICS_MAX)
            .map(|line| Diagnostic::warning(&place(line), said!("w", "w"), said!("r", "r")))
            .collect();
        faults.push(Diagnostic::error(&place(999), said!("e", "e"), said!("r", "r")));
        let shown = in_order(faults);
        assert_eq!(shown.len(), DIAGNOSTICS_MAX + 1);
        assert_eq!(shown[0].message.en, "e");
        assert_eq!(shown[DIAGNOSTICS_MAX].message.en, "1 more faults are not shown");
    }

    #[test]
    fn prints_like_a_compiler() {
        let place = Place {
            file: "week.toml".into(),
            line: 3,
            column: 8,
        };
        let fault = Diagnostic::error(
            &place,
            said!("không có \"xa\"", "there is no \"xa\""),
            said!("thử \"xa-a\"", "try \"xa-a\""),
        );
        let rows = [
            (
                Lang::Vi,
                "week.toml:3:8: lỗi: không có \"xa\"\n  cách xử lý: thử \"xa-a\"",
            ),
            (
                Lang::En,
                "week.toml:3:8: error: there is no \"xa\"\n  remedy: try \"xa-a\"",
            ),
        ];
        for (lang, text) in rows {
            assert_eq!(fault.say(lang), text);
        }
    }
}
