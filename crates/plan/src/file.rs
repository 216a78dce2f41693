//! One schedule file: zones, programmes and slots as written, before anything is looked up.

use std::ops::Range;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use loa_model::{BulletinClass, PreEmption};
use toml::de::{DeTable, DeValue};

use crate::cron_line::CronLine;
use crate::diagnostic::{Diagnostic, Place, Placed, Places, in_order};
use crate::fields::{Entry, Reader};
use crate::suggest::{CODE_LENGTH_MAX, code_from, nearest};

/// What one file holds, in the order written.
#[derive(Clone, Debug, Default)]
pub struct ScheduleFile {
    /// Its `[[zone]]` tables.
    pub zones: Vec<ZoneEntry>,
    /// Its `[[programme]]` tables.
    pub programmes: Vec<ProgrammeEntry>,
    /// Its `[[slot]]` tables.
    pub slots: Vec<SlotEntry>,
}

/// A `[[zone]]` table.
#[derive(Clone, Debug)]
pub struct ZoneEntry {
    /// Its code.
    pub code: Placed<String>,
    /// Name shown to people.
    pub name: String,
    /// Code of the zone it lies in.
    pub parent: Option<Placed<String>>,
    /// Its multicast channel.
    pub channel: Placed<u16>,
}

/// A `[[programme]]` table.
#[derive(Clone, Debug)]
pub struct ProgrammeEntry {
    /// Its code.
    pub code: Placed<String>,
    /// Name shown to people.
    pub title: String,
    /// Name of a file in the library, or the beginning of its content hash.
    pub media: Placed<String>,
    /// Its class wherever a slot does not say otherwise.
    pub class: BulletinClass,
    /// Whether the chime sounds before it.
    pub chime: bool,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
}

/// A `[[slot]]` table.
#[derive(Clone, Debug)]
pub struct SlotEntry {
    /// Its code.
    pub code: Placed<String>,
    /// Code of the programme.
    pub programme: Placed<String>,
    /// Codes of the zones.
    pub zones: Vec<Placed<String>>,
    /// When it airs.
    pub rule: RuleEntry,
    /// First date on which it may air.
    pub valid_from: Option<Placed<NaiveDate>>,
    /// Last date on which it may air.
    pub valid_to: Option<Placed<NaiveDate>>,
    /// Its class, if not the programme's.
    pub class: Option<Placed<BulletinClass>>,
    /// It is cut after this long.
    pub max_duration: Placed<Duration>,
    /// Dates on which it does not air, and why.
    pub except: Vec<(Placed<NaiveDate>, String)>,
}

/// When a slot airs, as written.
#[derive(Clone, Debug)]
pub enum RuleEntry {
    /// A cron line, known to be sound.
    Cron(Placed<String>),
    /// Once.
    At(Placed<NaiveDateTime>),
}

impl RuleEntry {
    /// Returns where it is written.
    pub fn place(&self) -> &Place {
        match self {
            Self::Cron(line) => &line.place,
            Self::At(at) => &at.place,
        }
    }
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
        let message = format!("the file is {} bytes, more than {FILE_BYTES_MAX}", text.len());
        reader.error(0, message, "split it into several files");
        return Err(reader.faults);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let remedy = toml_remedy(error.message(), text.get(span.clone()).unwrap_or_default());
        reader.error(span.start, error.message(), remedy);
        reader.unread.push(line_around(text, &span));
    }
    let mut file = ScheduleFile::default();
    for (key, value) in root.get_ref() {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        if !TABLES.contains(&name) {
            let remedy = nearest(name, TABLES).map_or_else(
                || "a schedule file holds [[zone]], [[programme]] and [[slot]] tables".to_owned(),
                |near| format!("did you mean [[{near}]]?"),
            );
            reader.error(at, format!("unknown table or key \"{name}\""), remedy);
            continue;
        }
        let DeValue::Array(items) = value.get_ref() else {
            reader.error(
                at,
                format!("{name} must be a table in double brackets"),
                format!("write [[{name}]]"),
            );
            continue;
        };
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                reader.error(
                    item.span().start,
                    format!("{name} must be a table"),
                    format!("write [[{name}]]"),
                );
                continue;
            };
            match name {
                "zone" => file.zones.extend(reader.zone(table, &item.span())),
                "programme" => file.programmes.extend(reader.programme(table, &item.span())),
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

impl<'a> Reader<'a> {
    fn zone(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<ZoneEntry> {
        let entry = self.entry("[[zone]]", &["code", "name", "parent", "channel"], table, span);
        self.require(&entry, "code", "\"xa-an-phu\"");
        self.require(&entry, "name", "\"Xã An Phú\"");
        self.require(&entry, "channel", "11");
        let code = self.code(&entry, "code");
        let name = self.text(&entry, "name", "\"Xã An Phú\"");
        let parent = self.code(&entry, "parent");
        let channel = self.number(&entry, "channel", 0..65_536, "11");
        Some(ZoneEntry {
            code: code?,
            name: name?.value,
            parent,
            channel: Placed {
                value: u16::try_from(channel?).ok()?,
                place: entry.place_of(self, "channel"),
            },
        })
    }

    fn programme(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<ProgrammeEntry> {
        let keys = &["code", "title", "media", "class", "chime", "pre_emption"];
        let entry = self.entry("[[programme]]", keys, table, span);
        self.require(&entry, "code", "\"ban-tin-sang\"");
        self.require(&entry, "title", "\"Bản tin buổi sáng\"");
        self.require(&entry, "media", "\"ban-tin-sang.mp3\"");
        let code = self.code(&entry, "code");
        let title = self.text(&entry, "title", "\"Bản tin buổi sáng\"");
        let media = self.text(&entry, "media", "\"ban-tin-sang.mp3\"");
        let class = self.class(&entry);
        let chime = self.flag(&entry, "chime");
        let words = &["resume", "rejoin", "drop"];
        let pre_emption = self.word(&entry, "pre_emption", words);
        Some(ProgrammeEntry {
            code: code?,
            title: title?.value,
            media: media?,
            class: class.map_or(BulletinClass::Normal, |class| class.value),
            chime: chime.unwrap_or(false),
            pre_emption: match pre_emption.map(|word| word.value) {
                Some("rejoin") => PreEmption::Rejoin,
                Some("drop") => PreEmption::Drop,
                _ => PreEmption::Resume,
            },
        })
    }

    fn slot(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<SlotEntry> {
        let entry = self.entry("[[slot]]", SLOT_KEYS, table, span);
        self.require(&entry, "code", "\"sang-thu-2-7\"");
        self.require(&entry, "programme", "\"ban-tin-sang\"");
        self.require(&entry, "zones", "[\"xa-an-phu\"]");
        self.require(&entry, "max_duration", "\"15m\"");
        let code = self.code(&entry, "code");
        let programme = self.code(&entry, "programme");
        let zones = self.texts(&entry, "zones", "[\"xa-an-phu\"]");
        let rule = self.rule(&entry);
        let valid_from = self.date(&entry, "valid_from");
        let valid_to = self.date(&entry, "valid_to");
        let class = self.class(&entry);
        let max_duration = self.span(&entry, "max_duration", DURATION_MAX);
        let except = self.except(&entry);
        if let (Some(from), Some(to)) = (&valid_from, &valid_to)
            && from.value > to.value
        {
            let message = format!("valid_to {} is before valid_from {}", to.value, from.value);
            self.faults.push(Diagnostic::error(
                &to.place,
                message,
                "swap them, or mend the one that is wrong",
            ));
        }
        Some(SlotEntry {
            code: code?,
            programme: programme?,
            zones,
            rule: rule?,
            valid_from,
            valid_to,
            class,
            max_duration: max_duration?,
            except,
        })
    }

    fn rule(&mut self, entry: &Entry<'_, 'a>) -> Option<RuleEntry> {
        let cron = self.cron(entry);
        let at = self.date_time(entry, "at").map(RuleEntry::At);
        match (entry.has("cron"), entry.has("at")) {
            (true, true) => {
                let place = entry.place_of(self, "at");
                let remedy = "keep cron for a series or at for one date; for both, write two slots";
                self.faults
                    .push(Diagnostic::error(&place, "[[slot]] has both cron and at", remedy));
                None
            }
            (false, false) if self.unread.is_empty() => {
                let remedy =
                    "add cron = \"0 17 * * Mon-Sat\" for a series, or at = 2026-11-30T17:00:00 for one date";
                self.faults.push(Diagnostic::error(
                    &entry.place,
                    "[[slot]] has neither cron nor at",
                    remedy,
                ));
                None
            }
            _ => cron.or(at),
        }
    }

    fn cron(&mut self, entry: &Entry<'_, 'a>) -> Option<RuleEntry> {
        let line = self.text(entry, "cron", "\"0 17 * * Mon-Sat\"")?;
        match CronLine::parse(&line.value) {
            Ok(_) => Some(RuleEntry::Cron(line)),
            Err(faults) => {
                for fault in faults {
                    // The opening quote stands before the line.
                    let column = line.place.column + 1 + fault.at;
                    let place = Place {
                        column,
                        ..line.place.clone()
                    };
                    self.faults
                        .push(Diagnostic::error(&place, fault.message, fault.remedy));
                }
                None
            }
        }
    }

    fn except(&mut self, entry: &Entry<'_, 'a>) -> Vec<(Placed<NaiveDate>, String)> {
        let example = "[{ date = 2026-11-30, note = \"nghỉ lễ\" }]";
        let mut exceptions = Vec::new();
        for item in self.entries(entry, "except", "except", &["date", "note"], example) {
            self.require(&item, "date", "2026-11-30");
            let date = self.date(&item, "date");
            let note = self.text(&item, "note", "\"nghỉ lễ\"");
            exceptions.extend(date.map(|date| (date, note.map_or_else(String::new, |note| note.value))));
        }
        exceptions
    }

    fn class(&mut self, entry: &Entry<'_, 'a>) -> Option<Placed<BulletinClass>> {
        let words = &["background", "normal", "priority", "emergency"];
        if entry.is_text("class", "live") {
            let place = entry.place_of(self, "class");
            let remedy = "use normal or priority; a person goes live from the panel or with an override";
            self.faults.push(Diagnostic::error(
                &place,
                "class \"live\" is a person speaking, not a file",
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

    fn word(
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
            || format!("use {}", words.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        let message = format!("{key} \"{}\" is unknown", text.value);
        self.faults.push(Diagnostic::error(&text.place, message, remedy));
        None
    }

    fn code(&mut self, entry: &Entry<'_, 'a>, key: &str) -> Option<Placed<String>> {
        let text = self.text(entry, key, "\"xa-an-phu\"")?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.value.bytes().all(plain) && text.value.len() <= CODE_LENGTH_MAX {
            return Some(text);
        }
        let message = format!(
            "{key} \"{}\" is not a code: small letters a-z, digits and hyphens, at most {CODE_LENGTH_MAX}",
            text.value
        );
        let remedy = format!("write {key} = \"{}\"", code_from(&text.value));
        self.faults.push(Diagnostic::error(&text.place, message, remedy));
        None
    }
}

/// Says what to do about text that is not TOML.
fn toml_remedy(message: &str, found: &str) -> String {
    if message.starts_with("invalid date") || message.starts_with("invalid time") {
        format!("\"{found}\" does not exist; write a real one, such as 2026-11-30 or 2026-11-30T17:00:00")
    } else if message.contains("duplicate key") {
        "remove one of the two".to_owned()
    } else {
        "check quotes, brackets and commas on this line and the one before".to_owned()
    }
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

const TABLES: [&str; 3] = ["zone", "programme", "slot"];
const SLOT_KEYS: &[&str] = &[
    "code",
    "programme",
    "zones",
    "cron",
    "at",
    "valid_from",
    "valid_to",
    "class",
    "max_duration",
    "except",
];
/// Longest a slot may hold the air: nothing a commune airs is longer, and a slip is cut here.
const DURATION_MAX: Duration = Duration::from_secs(4 * 3_600);
/// Bounds the work of reading; a province's week is a hundredth of it.
const FILE_BYTES_MAX: usize = 4 << 20;
