//! Reads typed values out of TOML tables, collecting every fault with its place.

use std::ops::Range;

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Date, Datetime};

use crate::diagnostic::{Diagnostic, Place, Placed, Places};
use crate::said::{Said, said};
use crate::suggest::{code_from, nearest};
use loa_model::{BulletinClass, CODE_LENGTH_MAX, GAIN_DB_MIN, is_code};

/// Collects faults while tables are read.
pub(crate) struct Reader<'a> {
    pub(crate) places: Places<'a>,
    pub(crate) faults: Vec<Diagnostic>,
    /// Spans that TOML itself could not read; nothing more is said about them.
    pub(crate) unread: Vec<Range<usize>>,
}

/// One `[[…]]` entry, or an inline table of one.
pub(crate) struct Entry<'t, 'a> {
    table: &'t DeTable<'a>,
    /// Where it begins.
    pub(crate) place: Place,
    what: &'static str,
    keys: &'static [&'static str],
}

impl<'t, 'a> Entry<'t, 'a> {
    /// Tells whether a key is written at all, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Tells whether a key holds exactly this text.
    pub(crate) fn is_text(&self, key: &str, text: &str) -> bool {
        self.table.get(key).and_then(|value| value.get_ref().as_str()) == Some(text)
    }

    /// Returns where a key's value is, or where the entry begins.
    pub(crate) fn place_of(&self, reader: &Reader<'_>, key: &str) -> Place {
        self.table.get(key).map_or_else(
            || self.place.clone(),
            |value| reader.places.at(value.span().start),
        )
    }
}

impl<'a> Reader<'a> {
    /// Opens an entry and reports the keys it does not know.
    pub(crate) fn entry<'t>(
        &mut self,
        what: &'static str,
        keys: &'static [&'static str],
        table: &'t DeTable<'a>,
        span: &Range<usize>,
    ) -> Entry<'t, 'a> {
        for key in table.keys() {
            self.check_key(what, keys, key);
        }
        let place = self.places.at(span.start);
        Entry {
            table,
            place,
            what,
            keys,
        }
    }

    fn check_key(&mut self, what: &str, keys: &[&str], key: &Spanned<std::borrow::Cow<'_, str>>) {
        let name = key.get_ref().as_ref();
        if keys.contains(&name) {
            return;
        }
        let remedy = nearest(name, keys.iter().copied()).map_or_else(
            || said!("{what} có các khóa {}", "keys of {what} are {}", keys.join(", ")),
            |near| said!("có phải là \"{near}\" không?", "did you mean \"{near}\"?"),
        );
        self.error(
            key.span().start,
            said!(
                "{what} không có khóa \"{name}\"",
                "unknown key \"{name}\" in {what}"
            ),
            remedy,
        );
    }

    /// Reports a fault at a byte offset, unless TOML has already reported that value.
    pub(crate) fn error(&mut self, offset: usize, message: Said, remedy: Said) {
        if self.unread.iter().any(|span| span.contains(&offset)) {
            return;
        }
        let place = self.places.at(offset);
        self.faults.push(Diagnostic::error(&place, message, remedy));
    }

    fn value<'t>(&self, entry: &Entry<'t, 'a>, key: &str) -> Option<&'t Spanned<DeValue<'a>>> {
        debug_assert!(entry.keys.contains(&key), "{key} is asked for but not declared");
        entry.table.get(key)
    }

    /// Reports a key that must be there and is not.
    pub(crate) fn require(&mut self, entry: &Entry<'_, 'a>, key: &str, example: &str) {
        // A line that TOML could not read may well have held it.
        if !entry.has(key) && self.unread.is_empty() {
            let message = said!("{} thiếu {key}", "{} has no {key}", entry.what);
            self.faults.push(Diagnostic::error(
                &entry.place,
                message,
                said!("thêm {key} = {example}", "add {key} = {example}"),
            ));
        }
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: Kind, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => TEXT,
            DeValue::Integer(_) => WHOLE_NUMBER,
            DeValue::Float(_) => ("số lẻ", "a number with a fraction"),
            DeValue::Boolean(_) => TRUE_OR_FALSE,
            DeValue::Datetime(_) => ("ngày hay giờ", "a date or time"),
            DeValue::Array(_) => ("danh sách", "a list"),
            DeValue::Table(_) => ("bảng", "a table"),
        };
        let message = Said {
            vi: format!("{key} phải là {}, đây là {}", wanted.0, found.0),
            en: format!("{key} must be {}, and this is {}", wanted.1, found.1),
        };
        self.error(
            value.span().start,
            message,
            said!("viết {key} = {example}", "write {key} = {example}"),
        );
    }

    /// Reads a text without blanks at its ends. Empty texts are refused.
    pub(crate) fn text(&mut self, entry: &Entry<'_, 'a>, key: &str, example: &str) -> Option<Placed<String>> {
        let value = self.value(entry, key)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, TEXT, example);
            return None;
        };
        self.checked_text(key, text, value.span().start, example)
    }

    fn checked_text(&mut self, key: &str, text: &str, at: usize, example: &str) -> Option<Placed<String>> {
        let trimmed = text.trim();
        let fault = if trimmed.is_empty() {
            ("đang trống", "is empty")
        } else if trimmed.chars().any(char::is_control) {
            (
                "có xuống dòng hay ký tự điều khiển",
                "holds a line break or another control character",
            )
        } else if trimmed.chars().count() > TEXT_LENGTH_MAX {
            ("dài hơn 200 chữ", "is longer than 200 characters")
        } else {
            let place = self.places.at(at);
            let value = trimmed.to_owned();
            return Some(Placed { value, place });
        };
        let message = Said {
            vi: format!("{key} {}", fault.0),
            en: format!("{key} {}", fault.1),
        };
        self.error(
            at,
            message,
            said!("viết {key} = {example}", "write {key} = {example}"),
        );
        None
    }

    /// Reads a list of texts; a list with nothing in it is refused.
    pub(crate) fn texts(&mut self, entry: &Entry<'_, 'a>, key: &str, example: &str) -> Vec<Placed<String>> {
        let Some(value) = self.value(entry, key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, TEXTS, example);
            return Vec::new();
        };
        if items.is_empty() {
            self.error(
                value.span().start,
                said!("{key} đang trống", "{key} is empty"),
                said!("viết {key} = {example}", "write {key} = {example}"),
            );
        }
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => {
                    texts.extend(self.checked_text(key, text, item.span().start, example));
                }
                _ => self.wrong_type(key, item, TEXTS, example),
            }
        }
        texts
    }

    /// Reads a whole number in a range.
    pub(crate) fn number(
        &mut self,
        entry: &Entry<'_, 'a>,
        key: &str,
        range: Range<u32>,
        example: &str,
    ) -> Option<u32> {
        let value = self.value(entry, key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_type(key, value, WHOLE_NUMBER, example);
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fits = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number));
        if fits.is_none() {
            let message = said!(
                "{key} {integer} không nằm trong khoảng {} đến {}",
                "{key} {integer} is not from {} to {}",
                range.start,
                range.end - 1
            );
            self.error(
                value.span().start,
                message,
                said!("viết {key} = {example}", "write {key} = {example}"),
            );
        }
        fits
    }

    /// Reads true or false.
    pub(crate) fn flag(&mut self, entry: &Entry<'_, 'a>, key: &str) -> Option<bool> {
        let value = self.value(entry, key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(key, value, TRUE_OR_FALSE, "true");
        None
    }

    /// Reads a local date.
    pub(crate) fn date(&mut self, entry: &Entry<'_, 'a>, key: &str) -> Option<Placed<NaiveDate>> {
        let value = self.value(entry, key)?;
        let at = value.span().start;
        let found = match value.get_ref() {
            DeValue::Datetime(Datetime {
                date: Some(date),
                time: None,
                offset: None,
            }) => self.sane_date(at, *date),
            DeValue::Datetime(Datetime { date: Some(date), .. }) => {
                let message = said!(
                    "{key} chỉ là ngày, không kèm giờ",
                    "{key} must be a date alone, without a time"
                );
                self.error(at, message, said!("viết {key} = {date}", "write {key} = {date}"));
                None
            }
            _ => {
                self.wrong_type(key, value, DATE, "2026-11-30");
                None
            }
        };
        found.map(|value| Placed {
            value,
            place: self.places.at(at),
        })
    }

    /// Reads a local date and time.
    pub(crate) fn date_time(&mut self, entry: &Entry<'_, 'a>, key: &str) -> Option<Placed<NaiveDateTime>> {
        let value = self.value(entry, key)?;
        let at = value.span().start;
        let found = match value.get_ref() {
            DeValue::Datetime(Datetime {
                date: Some(date),
                time: Some(time),
                offset: None,
            }) => {
                let local = self.sane_date(at, *date);
                let second = time.second.unwrap_or(0);
                let whole = time.nanosecond.unwrap_or(0) == 0 && second < 60;
                if !whole {
                    let message = said!("{key} phải là giây chẵn", "{key} must fall on a whole second");
                    self.error(
                        at,
                        message,
                        said!(
                            "viết {key} = {date}T{:02}:{:02}:00",
                            "write {key} = {date}T{:02}:{:02}:00",
                            time.hour,
                            time.minute
                        ),
                    );
                }
                local
                    .filter(|_| whole)
                    .and_then(|local| local.and_hms_opt(time.hour.into(), time.minute.into(), second.into()))
            }
            DeValue::Datetime(Datetime {
                date: Some(date),
                time: Some(time),
                offset: Some(offset),
            }) => {
                let message = said!(
                    "{key} có lệch múi giờ ({offset}); lịch viết theo giờ của đài",
                    "{key} carries an offset ({offset}); schedules are in the station's own time"
                );
                self.error(
                    at,
                    message,
                    said!("viết {key} = {date}T{time}", "write {key} = {date}T{time}"),
                );
                None
            }
            DeValue::Datetime(Datetime { date: Some(date), .. }) => {
                let message = said!("{key} phải có cả giờ", "{key} must say the time too");
                self.error(
                    at,
                    message,
                    said!("viết {key} = {date}T17:00:00", "write {key} = {date}T17:00:00"),
                );
                None
            }
            _ => {
                self.wrong_type(key, value, DATE_TIME, "2026-11-30T17:00:00");
                None
            }
        };
        found.map(|value| Placed {
            value,
            place: self.places.at(at),
        })
    }

    /// A year far away is a slip of the fingers, and cannot be planned.
    fn sane_date(&mut self, at: usize, date: Date) -> Option<NaiveDate> {
        let local = NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into());
        let sane = local.filter(|local| YEARS.contains(&local.year()));
        if sane.is_none() {
            let message = said!(
                "năm của {date} không nằm trong khoảng {} đến {}",
                "the year of {date} is not from {} to {}",
                YEARS.start,
                YEARS.end - 1
            );
            self.error(at, message, said!("xem lại năm", "check the year"));
        }
        sane
    }

    /// Opens an inline table.
    pub(crate) fn table<'t>(
        &mut self,
        entry: &Entry<'t, 'a>,
        key: &'static str,
        keys: &'static [&'static str],
        example: &str,
    ) -> Option<Entry<'t, 'a>> {
        let value = self.value(entry, key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, TABLE, example);
            return None;
        };
        Some(self.entry(key, keys, table, &value.span()))
    }

    /// Reads a table of texts whose keys are the author's.
    pub(crate) fn named_texts(
        &mut self,
        entry: &Entry<'_, 'a>,
        key: &'static str,
        example: &str,
    ) -> Vec<(Placed<String>, Placed<String>)> {
        let Some(value) = self.value(entry, key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, TABLE, example);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (name, text) in table {
            let name = Placed {
                value: name.get_ref().as_ref().to_owned(),
                place: self.places.at(name.span().start),
            };
            match text.get_ref() {
                DeValue::String(found) => {
                    texts.extend(
                        self.checked_text(key, found, text.span().start, example)
                            .map(|text| (name, text)),
                    );
                }
                _ => self.wrong_type(key, text, TEXT_TABLE, example),
            }
        }
        texts
    }

    /// Reads how much quieter something is, dB: zero or less.
    pub(crate) fn decibels(&mut self, entry: &Entry<'_, 'a>, key: &str, allowed: &[i8]) -> Option<i8> {
        let value = self.value(entry, key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_type(key, value, WHOLE_NUMBER, "-6");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let found = number.and_then(|number| i8::try_from(number).ok());
        let fits = found.filter(|db| {
            if allowed.is_empty() {
                (GAIN_DB_MIN..=0).contains(db)
            } else {
                allowed.contains(db)
            }
        });
        if fits.is_none() {
            let list = allowed.iter().map(i8::to_string).collect::<Vec<_>>().join(", ");
            self.error(
                value.span().start,
                if allowed.is_empty() {
                    said!(
                        "{key} {integer} dB không nằm trong khoảng {GAIN_DB_MIN} đến 0",
                        "{key} {integer} dB is not from {GAIN_DB_MIN} to 0"
                    )
                } else {
                    said!(
                        "{key} {integer} dB không phải một trong {list}",
                        "{key} {integer} dB is not one of {list}"
                    )
                },
                said!("viết {key} = -6", "write {key} = -6"),
            );
        }
        fits
    }

    pub(crate) fn class(&mut self, entry: &Entry<'_, 'a>) -> Option<Placed<BulletinClass>> {
        let words = &["background", "normal", "priority", "emergency"];
        if entry.is_text("class", "live") {
            let place = entry.place_of(self, "class");
            let remedy = said!(
                "dùng normal hoặc priority; người nói trực tiếp thì dùng trang điều hành hay phát chen",
                "use normal or priority; a person goes live from the panel or with an override"
            );
            self.faults.push(Diagnostic::error(
                &place,
                said!(
                    "class \"live\" là người đang nói, không phải tệp",
                    "class \"live\" is a person speaking, not a file"
                ),
                remedy,
            ));
            return None;
        }
        let word = self.word(entry, "class", words)?;
        let value = word.value.parse().ok()?;
        Some(Placed {
            value,
            place: word.place,
        })
    }

    pub(crate) fn word(
        &mut self,
        entry: &Entry<'_, 'a>,
        key: &str,
        words: &[&'static str],
    ) -> Option<Placed<&'static str>> {
        let text = self.text(entry, key, &format!("\"{}\"", words[0]))?;
        if let Some(word) = words.iter().find(|word| **word == text.value) {
            return Some(Placed {
                value: *word,
                place: text.place,
            });
        }
        let remedy = nearest(&text.value, words.iter().copied()).map_or_else(
            || said!("dùng {}", "use {}", words.join(", ")),
            |near| said!("có phải là \"{near}\" không?", "did you mean \"{near}\"?"),
        );
        let message = said!(
            "{key} \"{}\" không có nghĩa",
            "{key} \"{}\" is unknown",
            text.value
        );
        self.faults.push(Diagnostic::error(&text.place, message, remedy));
        None
    }

    pub(crate) fn code(&mut self, entry: &Entry<'_, 'a>, key: &str) -> Option<Placed<String>> {
        let example = match key {
            "programme" => "\"ban-tin-sang\"",
            "when_none" => "\"repeat\"",
            "profile" => "\"tet\"",
            "language" => "\"mnong\"",
            _ => "\"xa-an-phu\"",
        };
        let text = self.text(entry, key, example)?;
        if is_code(&text.value) {
            return Some(text);
        }
        let message = said!(
            "{key} \"{}\" không phải mã: chỉ chữ thường không dấu a-z, số và dấu nối, nhiều nhất {CODE_LENGTH_MAX} chữ",
            "{key} \"{}\" is not a code: small letters a-z, digits and hyphens, at most {CODE_LENGTH_MAX}",
            text.value
        );
        let remedy = said!(
            "viết {key} = \"{}\"",
            "write {key} = \"{}\"",
            code_from(&text.value)
        );
        self.faults.push(Diagnostic::error(&text.place, message, remedy));
        None
    }

    /// Opens each inline table of a list.
    pub(crate) fn entries<'t>(
        &mut self,
        entry: &Entry<'t, 'a>,
        key: &str,
        what: &'static str,
        keys: &'static [&'static str],
        example: &str,
    ) -> Vec<Entry<'t, 'a>> {
        let Some(value) = self.value(entry, key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, TABLES, example);
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => entries.push(self.entry(what, keys, table, &item.span())),
                _ => self.wrong_type(key, item, TABLES, example),
            }
        }
        entries
    }
}

/// What kind of value it is, in Vietnamese and English.
type Kind = (&'static str, &'static str);
const TEXT: Kind = ("chữ trong dấu nháy", "a text in quotes");
const TEXTS: Kind = ("danh sách chữ trong dấu nháy", "a list of texts");
const WHOLE_NUMBER: Kind = ("số nguyên", "a whole number");
const TRUE_OR_FALSE: Kind = ("true hoặc false", "true or false");
const DATE: Kind = ("ngày, không có dấu nháy", "a date without quotes");
const DATE_TIME: Kind = ("ngày giờ, không có dấu nháy", "a date and time without quotes");
const TABLE: Kind = ("bảng trong ngoặc nhọn", "a table in braces");
const TEXT_TABLE: Kind = ("bảng gồm chữ trong dấu nháy", "a table of texts");
const TABLES: Kind = ("danh sách bảng", "a list of tables");

/// Longest title, name or note, in characters; a table has to hold it.
const TEXT_LENGTH_MAX: usize = 200;
/// Years a schedule may name. The engine's own cron crate ends at 2100.
const YEARS: Range<i32> = 2000..2100;
