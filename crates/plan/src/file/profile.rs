//! `[[profile]]`: a kind of day on which the ordinary week does not hold.

use std::ops::Range;

use chrono::NaiveDate;
use loa_model::{DayRule, DaySpan, Mute, ProfileSpec, YearDay};
use toml::de::DeTable;

use super::fields::{Entry, Reader};
use crate::diagnostic::{Diagnostic, Placed};
use crate::said::said;

/// A `[[profile]]` table; everything is named as written.
#[derive(Clone, Debug)]
pub struct ProfileEntry {
    /// Its code.
    pub code: Placed<String>,
    /// What it says.
    pub spec: ProfileSpec<Placed<String>, Placed<String>, Placed<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn profile(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<ProfileEntry> {
        let entry = self.entry("[[profile]]", KEYS, table, span);
        self.require(&entry, "code", "\"tet\"");
        self.require(&entry, "title", "\"Tết Nguyên đán\"");
        let code = self.code(&entry, "code");
        let title = self.text(&entry, "title", "\"Tết Nguyên đán\"");
        let days = self.texts(&entry, "days", DAYS_EXAMPLE);
        let days = days.iter().filter_map(|text| self.day_rule(text)).collect();
        let zones = self.texts(&entry, "zones", "[\"xa-an-phu\"]");
        let rank = self.number(&entry, "rank", 1..100, "10");
        let mute = self.mute(&entry);
        let replace = self.named_texts(&entry, "replace", "{ nhac-chieu = \"nhac-tet\" }");
        Some(ProfileEntry {
            code: code?,
            spec: ProfileSpec {
                title: title?.value,
                days,
                zones,
                rank: rank.and_then(|rank| u8::try_from(rank).ok()).unwrap_or(1),
                mute,
                replace,
            },
        })
    }

    fn mute(&mut self, entry: &Entry<'_, 'a>) -> Mute<Placed<String>> {
        if entry.is_text("mute", "all") {
            return Mute::All;
        }
        if entry.has("mute") && entry.has("mute_class") {
            let place = entry.place_of(self, "mute_class");
            self.faults.push(Diagnostic::error(
                &place,
                said!(
                    "[[profile]] có cả mute lẫn mute_class",
                    "[[profile]] has both mute and mute_class"
                ),
                said!("giữ lại một", "keep one of them"),
            ));
            return Mute::None;
        }
        let words = &["background", "normal", "priority"];
        if let Some(word) = self.word(entry, "mute_class", words) {
            return word.value.parse().map_or(Mute::None, Mute::Class);
        }
        if !entry.has("mute") {
            return Mute::None;
        }
        let before = self.faults.len();
        let slots = self.texts(entry, "mute", "[\"nhac-chieu\"]");
        if let Some(fault) = self.faults.get_mut(before) {
            fault.remedy = said!(
                "viết mute = \"all\", hoặc kể khung giờ: mute = [\"nhac-chieu\"]",
                "write mute = \"all\", or name slots: mute = [\"nhac-chieu\"]"
            );
        }
        Mute::Slots(slots)
    }

    /// Reads "2026-12-24", "2/9", "1/1 âm" or a span of two of one kind, "23/12..3/1 âm".
    fn day_rule(&mut self, text: &Placed<String>) -> Option<DayRule> {
        let lunar = LUNAR.iter().find_map(|word| text.value.strip_suffix(word));
        let body = lunar.unwrap_or(&text.value).trim();
        let (from, to) = body.split_once("..").unwrap_or((body, body));
        let dates = || Some((from.parse::<NaiveDate>().ok()?, to.parse::<NaiveDate>().ok()?));
        let longest = if lunar.is_some() { 30 } else { 31 };
        let days = || Some((year_day(from, longest)?, year_day(to, longest)?));
        let rule = match (lunar, dates(), days()) {
            (None, Some((from, to)), _) if from <= to => Some(DayRule::Dates(DaySpan { from, to })),
            (None, None, Some((from, to))) => Some(DayRule::Solar(from, to)),
            (Some(_), None, Some((from, to))) => Some(DayRule::Lunar(from, to)),
            _ => None,
        };
        if rule.is_none() && LEAP.iter().any(|word| text.value.contains(word)) {
            let message = said!(
                "\"{}\" thuộc tháng nhuận, mà ngày âm ở đây luôn là của tháng thường",
                "\"{}\" is of a leap month, and lunar days here are always those of the month before it",
                text.value
            );
            let remedy = said!(
                "viết ngày dương của năm đó, ví dụ \"2028-07-07\"",
                "write that year's solar date, such as \"2028-07-07\""
            );
            self.faults.push(Diagnostic::error(&text.place, message, remedy));
        } else if rule.is_none() {
            let message = said!("\"{}\" không chỉ ngày nào", "\"{}\" names no days", text.value);
            let remedy = said!(
                "viết \"2026-12-24\", \"2/9\" (hằng năm) hoặc \"23/12..3/1 âm\" (hằng năm âm lịch)",
                "write \"2026-12-24\", \"2/9\" (each year) or \"23/12..3/1 âm\" (each lunar year)"
            );
            self.faults.push(Diagnostic::error(&text.place, message, remedy));
        }
        rule
    }
}

/// Reads "2/9": the second of September.
fn year_day(text: &str, longest: u8) -> Option<YearDay> {
    let (day, month) = text.trim().split_once('/')?;
    let (day, month) = (day.parse::<u8>().ok()?, month.parse::<u8>().ok()?);
    let days = match (longest, month) {
        (30, _) => 30,
        (_, 2) => 29,
        (_, 4 | 6 | 9 | 11) => 30,
        _ => 31,
    };
    ((1..=12).contains(&month) && (1..=days).contains(&day)).then_some(YearDay { month, day })
}

const KEYS: &[&str] = &[
    "code",
    "title",
    "days",
    "zones",
    "rank",
    "mute",
    "mute_class",
    "replace",
];
const DAYS_EXAMPLE: &str = "[\"28/12..3/1 âm\", \"2/9\"]";
/// What follows a day of the lunar calendar.
const LUNAR: [&str; 2] = [" âm", " lunar"];
/// What people write of a leap month.
const LEAP: [&str; 2] = ["nhuận", "leap"];
