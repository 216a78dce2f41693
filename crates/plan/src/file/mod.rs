//! One schedule file: zones, programmes, day profiles and slots as written, before anything is looked up.

mod clock;
mod fields;
mod length;
mod profile;
mod programme;
mod slot;
mod zone;

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Places, in_order};
use crate::said::{Said, said};
use crate::suggest::nearest;
use fields::Reader;
pub(crate) use length::span_text;

pub use profile::ProfileEntry;
pub use programme::{CHIME_GAINS_DB, ProgrammeEntry};
pub use slot::{ExceptionEntry, SlotEntry};
pub use zone::ZoneEntry;

/// What one file holds, in the order written.
#[derive(Clone, Debug, Default)]
pub struct ScheduleFile {
    /// Its `[[zone]]` tables.
    pub zones: Vec<ZoneEntry>,
    /// Its `[[programme]]` tables.
    pub programmes: Vec<ProgrammeEntry>,
    /// Its `[[profile]]` tables.
    pub profiles: Vec<ProfileEntry>,
    /// Its `[[slot]]` tables.
    pub slots: Vec<SlotEntry>,
}

/// Reads one schedule file. `file_name` only labels the diagnostics.
///
/// # Errors
///
/// Every fault that can be seen in the file alone, in the order of the file.
pub fn parse(file_name: &str, text: &str) -> Result<ScheduleFile, Vec<Diagnostic>> {
    let mut reader = Reader {
        places: Places::new(file_name, text),
        faults: Vec::new(),
        unread: Vec::new(),
    };
    if text.len() > FILE_BYTES_MAX {
        let message = said!(
            "tệp dài {} byte, quá {FILE_BYTES_MAX}",
            "the file is {} bytes, more than {FILE_BYTES_MAX}",
            text.len()
        );
        reader.error(
            0,
            message,
            said!("chia thành nhiều tệp", "split it into several files"),
        );
        return Err(reader.faults);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let (message, remedy) = toml_fault(error.message(), text.get(span.clone()).unwrap_or_default());
        reader.error(span.start, message, remedy);
        reader.unread.push(line_around(text, &span));
    }
    let mut file = ScheduleFile::default();
    for (key, value) in root.get_ref() {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        if !TABLES.contains(&name) {
            let remedy = nearest(name, TABLES).map_or_else(
                || {
                    said!(
                        "tệp lịch gồm các bảng [[zone]], [[programme]], [[profile]] và [[slot]]",
                        "a schedule file holds [[zone]], [[programme]], [[profile]] and [[slot]] tables"
                    )
                    .to_owned()
                },
                |near| said!("có phải là [[{near}]] không?", "did you mean [[{near}]]?"),
            );
            reader.error(
                at,
                said!(
                    "không có bảng hay khóa \"{name}\"",
                    "unknown table or key \"{name}\""
                ),
                remedy,
            );
            continue;
        }
        let DeValue::Array(items) = value.get_ref() else {
            reader.error(
                at,
                said!(
                    "{name} phải là bảng trong hai ngoặc vuông",
                    "{name} must be a table in double brackets"
                ),
                said!("viết [[{name}]]", "write [[{name}]]"),
            );
            continue;
        };
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                reader.error(
                    item.span().start,
                    said!("{name} phải là bảng", "{name} must be a table"),
                    said!("viết [[{name}]]", "write [[{name}]]"),
                );
                continue;
            };
            match name {
                "zone" => file.zones.extend(reader.zone(table, &item.span())),
                "programme" => file.programmes.extend(reader.programme(table, &item.span())),
                "profile" => file.profiles.extend(reader.profile(table, &item.span())),
                _ => file.slots.extend(reader.slot(table, &item.span())),
            }
        }
    }
    if reader.faults.is_empty() {
        Ok(file)
    } else {
        Err(in_order(reader.faults))
    }
}

/// Says what is wrong with text that is not TOML, and what to do about it.
fn toml_fault(message: &str, found: &str) -> (Said, Said) {
    let (vi, remedy) = if message.starts_with("invalid date") || message.starts_with("invalid time") {
        let remedy = said!(
            "\"{found}\" không có thật; viết ngày có thật, ví dụ 2026-11-30 hoặc 2026-11-30T17:00:00",
            "\"{found}\" does not exist; write a real one, such as 2026-11-30 or 2026-11-30T17:00:00"
        );
        ("ngày hoặc giờ sai".to_owned(), remedy)
    } else if message.contains("duplicate key") {
        let remedy = said!("bỏ một trong hai", "remove one of the two");
        ("khóa này đã có rồi".to_owned(), remedy)
    } else {
        let remedy = said!(
            "xem lại dấu nháy, ngoặc và phẩy ở dòng này và dòng trước",
            "check quotes, brackets and commas on this line and the one before"
        );
        (format!("không đúng TOML: {message}"), remedy)
    };
    let en = message.to_owned();
    (Said { vi, en }, remedy)
}

/// Widens a span to whole lines, since the rest of an unreadable line cannot be judged.
fn line_around(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text
        .get(..span.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let rest = text.get(span.end..).and_then(|after| after.find('\n'));
    start..rest.map_or(text.len(), |at| span.end + at) + 1
}

const TABLES: [&str; 4] = ["zone", "programme", "profile", "slot"];
/// Bounds the work of reading; a province's week is a hundredth of it.
const FILE_BYTES_MAX: usize = 4 << 20;
