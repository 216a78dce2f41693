//! `[[slot]]`: a rule that places a programme in the day.

use std::ops::Range;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use loa_model::{BulletinClass, MakesRoom, ORDER_DEFAULT, Overrun, Recurrence, SlotChange, SlotSpec};
use toml::de::DeTable;

use super::fields::{Entry, Reader};
use crate::cron_line::CronLine;
use crate::diagnostic::{Diagnostic, Place, Placed};
use crate::said::said;

/// A `[[slot]]` table; everything is named as written.
#[derive(Clone, Debug)]
pub struct SlotEntry {
    /// Its code.
    pub code: Placed<String>,
    /// What it says; its class holds only if [`class`](Self::class) is there.
    pub spec: SlotSpec<Placed<String>, Placed<String>, Placed<String>>,
    /// Its class, if not the programme's.
    pub class: Option<BulletinClass>,
    /// Where its rule is written.
    pub rule: Place,
    /// Changes on single dates.
    pub except: Vec<ExceptionEntry>,
}

/// One change on one date.
#[derive(Clone, Debug)]
pub struct ExceptionEntry {
    /// On which local date.
    pub date: Placed<NaiveDate>,
    /// Of several occurrences on that date, the one at this time.
    pub time: Option<NaiveTime>,
    /// What happens.
    pub change: SlotChange<Placed<String>>,
    /// Why, for people.
    pub note: String,
}

impl<'a> Reader<'a> {
    pub(super) fn slot(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<SlotEntry> {
        let entry = self.entry("[[slot]]", KEYS, table, span);
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
        let every_weeks = self.number(&entry, "every_weeks", 2..53, "2");
        let profile = self.code(&entry, "profile");
        let class = self.class(&entry);
        let order = self.number(&entry, "order", 1..1_000, "10");
        let max_duration = self.span(&entry, "max_duration", DURATION_MAX);
        let overrun = self.overrun(&entry);
        let makes_room = self.word(&entry, "makes_room", &["trim", "skip", "move"]);
        let except = self.except(&entry);
        if let (Some(from), Some(to)) = (&valid_from, &valid_to)
            && from.value > to.value
        {
            let message = said!(
                "valid_to {} trước valid_from {}",
                "valid_to {} is before valid_from {}",
                to.value,
                from.value
            );
            let remedy = said!(
                "đổi chỗ, hoặc sửa ngày sai",
                "swap them, or mend the one that is wrong"
            );
            self.faults.push(Diagnostic::error(&to.place, message, remedy));
        }
        if every_weeks.is_some() && valid_from.is_none() {
            let place = entry.place_of(self, "every_weeks");
            let message = said!(
                "every_weeks đếm từ tuần của valid_from, mà không có valid_from",
                "every_weeks counts from the week of valid_from, and there is none"
            );
            self.faults.push(Diagnostic::error(
                &place,
                message,
                said!("thêm valid_from = 2026-11-30", "add valid_from = 2026-11-30"),
            ));
        }
        let (recurrence, rule) = rule?;
        if makes_room.is_some() && matches!(recurrence, Recurrence::Cron(_)) {
            let place = entry.place_of(self, "makes_room");
            let message = said!(
                "makes_room chỉ dùng cho lượt đặc biệt, phát một lần",
                "makes_room is for a special, which airs once"
            );
            let remedy = said!(
                "viết at = 2026-11-30T17:00:00 thay cho cron, hoặc chọn giờ riêng cho chuỗi",
                "write at = 2026-11-30T17:00:00 in the place of cron, or give a series its own time"
            );
            self.faults.push(Diagnostic::error(&place, message, remedy));
        }
        Some(SlotEntry {
            code: code?,
            spec: SlotSpec {
                programme: programme?,
                zones,
                recurrence,
                every_weeks: every_weeks.and_then(|weeks| u8::try_from(weeks).ok()),
                valid_from: valid_from.map(|date| date.value),
                valid_to: valid_to.map(|date| date.value),
                profile,
                class: BulletinClass::Normal,
                order: order
                    .and_then(|order| u16::try_from(order).ok())
                    .unwrap_or(ORDER_DEFAULT),
                max_duration: max_duration?.value,
                overrun,
                makes_room: makes_room.map(|word| match word.value {
                    "trim" => MakesRoom::Trim,
                    "skip" => MakesRoom::Skip,
                    _ => MakesRoom::Move,
                }),
            },
            class: class.map(|class| class.value),
            rule,
            except,
        })
    }

    fn rule(&mut self, entry: &Entry<'_, 'a>) -> Option<(Recurrence, Place)> {
        let cron = self.cron(entry);
        let at = self.date_time(entry, "at");
        let at = at.map(|at| (Recurrence::Once(at.value), at.place));
        match (entry.has("cron"), entry.has("at")) {
            (true, true) => {
                let place = entry.place_of(self, "at");
                let remedy = said!(
                    "giữ cron nếu lặp lại, at nếu một lần; cần cả hai thì viết hai khung giờ",
                    "keep cron for a series or at for one date; for both, write two slots"
                );
                self.faults.push(Diagnostic::error(
                    &place,
                    said!("[[slot]] có cả cron lẫn at", "[[slot]] has both cron and at"),
                    remedy,
                ));
                None
            }
            (false, false) if self.unread.is_empty() => {
                let remedy = said!(
                    "thêm cron = \"0 17 * * Mon-Sat\" nếu lặp lại, hoặc at = 2026-11-30T17:00:00 nếu một lần",
                    "add cron = \"0 17 * * Mon-Sat\" for a series, or at = 2026-11-30T17:00:00 for one date"
                );
                self.faults.push(Diagnostic::error(
                    &entry.place,
                    said!(
                        "[[slot]] không có cron cũng không có at",
                        "[[slot]] has neither cron nor at"
                    ),
                    remedy,
                ));
                None
            }
            _ => cron.or(at),
        }
    }

    fn cron(&mut self, entry: &Entry<'_, 'a>) -> Option<(Recurrence, Place)> {
        let line = self.text(entry, "cron", "\"0 17 * * Mon-Sat\"")?;
        match CronLine::parse(&line.value) {
            Ok(_) => Some((Recurrence::Cron(line.value), line.place)),
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

    /// Reads "stop", "until-done", or a length of time: the grace.
    fn overrun(&mut self, entry: &Entry<'_, 'a>) -> Overrun {
        if entry.is_text("overrun", "stop") {
            return Overrun::Stop;
        }
        if entry.is_text("overrun", "until-done") {
            return Overrun::UntilDone;
        }
        let before = self.faults.len();
        let grace = self.span(entry, "overrun", DURATION_MAX);
        if let Some(fault) = self.faults.get_mut(before) {
            fault.remedy = said!(
                "viết \"stop\", \"until-done\", hoặc thời gian cho thêm, ví dụ \"90s\"",
                "write \"stop\", \"until-done\", or a grace such as \"90s\""
            );
        }
        grace.map_or(Overrun::Stop, |grace| Overrun::Grace(grace.value))
    }

    fn except(&mut self, entry: &Entry<'_, 'a>) -> Vec<ExceptionEntry> {
        let example = "[{ date = 2026-11-30, note = \"nghỉ lễ\" }]";
        let mut exceptions = Vec::new();
        for item in self.entries(entry, "except", "except", EXCEPT_KEYS, example) {
            self.require(&item, "date", "2026-11-30");
            let date = self.date(&item, "date");
            let time = self
                .text(&item, "time", "\"17:00\"")
                .and_then(|text| self.time_of_day(&text));
            let note = self.text(&item, "note", "\"nghỉ lễ\"");
            let change = self.change(&item);
            exceptions.extend(date.zip(change).map(|(date, change)| ExceptionEntry {
                date,
                time,
                change,
                note: note.map_or_else(String::new, |note| note.value),
            }));
        }
        exceptions
    }

    fn change(&mut self, item: &Entry<'_, 'a>) -> Option<SlotChange<Placed<String>>> {
        let kinds: Vec<&str> = CHANGES.iter().copied().filter(|key| item.has(key)).collect();
        if let [first, second, ..] = kinds[..] {
            let place = item.place_of(self, second);
            let message = said!(
                "except có cả {first} lẫn {second}",
                "except has both {first} and {second}"
            );
            self.faults.push(Diagnostic::error(
                &place,
                message,
                said!("giữ lại một", "keep one of them"),
            ));
            return None;
        }
        match kinds.first() {
            None => Some(SlotChange::Cancel),
            Some(&"move_to") => Some(SlotChange::Move(self.date_time(item, "move_to")?.value)),
            Some(&"programme") => Some(SlotChange::Replace(self.code(item, "programme")?)),
            Some(_) => Some(SlotChange::Trim(
                self.span(item, "max_duration", DURATION_MAX)?.value,
            )),
        }
    }
}

const KEYS: &[&str] = &[
    "code",
    "programme",
    "zones",
    "cron",
    "at",
    "every_weeks",
    "valid_from",
    "valid_to",
    "profile",
    "class",
    "order",
    "max_duration",
    "overrun",
    "makes_room",
    "except",
];
const EXCEPT_KEYS: &[&str] = &["date", "time", "move_to", "programme", "max_duration", "note"];
const CHANGES: [&str; 3] = ["move_to", "programme", "max_duration"];
/// Longest a slot may hold the air: nothing a commune airs is longer, and a slip is cut here.
const DURATION_MAX: Duration = Duration::from_secs(4 * 3_600);
