//! `[[zone]]`: a set of receivers, and what holds in it.

use std::ops::Range;

use loa_model::{
    Days, GAIN_DB_MIN, MINUTES_A_DAY, QUIET_RULES_MAX, QuietPolicy, QuietPolicyError, VolumeStep, Window,
    ZoneSettings,
};
use toml::de::DeTable;

use super::clock::read_minute;
use super::fields::{Entry, Reader};
use crate::cron_line::read_days;
use crate::diagnostic::{Diagnostic, Placed};
use crate::said::{Said, said};

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
    /// What else is said of it.
    pub settings: ZoneSettings,
}

impl<'a> Reader<'a> {
    pub(super) fn zone(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<ZoneEntry> {
        let entry = self.entry("[[zone]]", KEYS, table, span);
        self.require(&entry, "code", "\"xa-an-phu\"");
        self.require(&entry, "name", "\"Xã An Phú\"");
        self.require(&entry, "channel", "11");
        let code = self.code(&entry, "code");
        let name = self.text(&entry, "name", "\"Xã An Phú\"");
        let parent = self.code(&entry, "parent");
        let channel = self.number(&entry, "channel", 0..65_536, "11");
        let settings = ZoneSettings {
            quiet: self.quiet(&entry),
            two_persons: self.flag(&entry, "two_persons").unwrap_or(false),
            language: self.code(&entry, "language").map(|language| language.value),
            approval: self.flag(&entry, "approval"),
        };
        Some(ZoneEntry {
            code: code?,
            name: name?.value,
            parent,
            channel: Placed {
                value: u16::try_from(channel?).ok()?,
                place: entry.place_of(self, "channel"),
            },
            settings,
        })
    }

    fn quiet(&mut self, entry: &Entry<'_, 'a>) -> Option<QuietPolicy> {
        let place = entry.place_of(self, "quiet");
        let quiet = self.table(
            entry,
            "quiet",
            &["windows", "minutes_a_day", "volume"],
            QUIET_EXAMPLE,
        )?;
        let windows = self.texts(&quiet, "windows", "[\"Mon-Sat 05:00-06:30\", \"16:30-18:30\"]");
        let windows = windows.iter().filter_map(|text| self.window(text)).collect();
        let minutes = self.number(&quiet, "minutes_a_day", 1..u32::from(MINUTES_A_DAY) + 1, "60");
        let mut volume = Vec::new();
        for step in self.entries(&quiet, "volume", "volume", &["from", "db"], VOLUME_EXAMPLE) {
            self.require(&step, "from", "\"21:00\"");
            self.require(&step, "db", "-12");
            let from = self.text(&step, "from", "\"21:00\"");
            let from = from.and_then(|text| self.minute_of_day(&text));
            let gain_db = self.decibels(&step, "db", &[]);
            volume.extend(
                from.zip(gain_db)
                    .map(|(from, gain_db)| VolumeStep { from, gain_db }),
            );
        }
        let policy = QuietPolicy {
            windows,
            minutes_a_day: minutes.and_then(|minutes| u16::try_from(minutes).ok()),
            volume,
        };
        if let Err(error) = policy.check() {
            self.faults.push(Diagnostic::error(
                &place,
                told(&error),
                said!("sửa lại giờ yên tĩnh", "mend the policy"),
            ));
        }
        Some(policy)
    }

    /// Reads "Mon-Sat 05:00-06:30"; without days it holds every day.
    fn window(&mut self, text: &Placed<String>) -> Option<Window> {
        let (days, span) = match text.value.rsplit_once(' ') {
            Some((days, span)) => (Some(days.trim()), span),
            None => (None, text.value.as_str()),
        };
        let days = match days {
            Some(days) => read_days(days).map(Days),
            None => Some(Days::ALL),
        };
        let clocks = span
            .split_once('-')
            .and_then(|(from, to)| Some((read_minute(from)?, read_minute(to)?)));
        match (days, clocks) {
            (Some(days), Some((from, to))) if from < to => Some(Window { days, from, to }),
            (Some(_), Some((from, to))) => {
                let message = said!(
                    "khoảng \"{}\" kết thúc trước khi bắt đầu",
                    "window \"{}\" does not end after it begins",
                    text.value
                );
                let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
                let remedy = said!(
                    "qua nửa đêm thì viết thành hai: \"{}-24:00\" và \"00:00-{}\"",
                    "write one across midnight as two: \"{}-24:00\" and \"00:00-{}\"",
                    clock(from),
                    clock(to)
                );
                self.faults.push(Diagnostic::error(&text.place, message, remedy));
                None
            }
            _ => {
                let message = said!(
                    "\"{}\" không phải khoảng giờ trong ngày",
                    "\"{}\" is not a window of the day",
                    text.value
                );
                let remedy = said!(
                    "viết \"Mon-Sat 05:00-06:30\", hoặc \"05:00-06:30\" cho mọi ngày",
                    "write \"Mon-Sat 05:00-06:30\", or \"05:00-06:30\" for every day"
                );
                self.faults.push(Diagnostic::error(&text.place, message, remedy));
                None
            }
        }
    }
}

fn told(error: &QuietPolicyError) -> Said {
    let vi = match error {
        QuietPolicyError::TooMany => {
            format!("giờ yên tĩnh có nhiều nhất {QUIET_RULES_MAX} khoảng và chừng ấy bậc âm lượng")
        }
        QuietPolicyError::Window => "khoảng phải kết thúc sau khi bắt đầu, trước 24:00".to_owned(),
        QuietPolicyError::Days => "khoảng phải có thứ trong tuần".to_owned(),
        QuietPolicyError::Minutes => format!("một ngày có {MINUTES_A_DAY} phút"),
        QuietPolicyError::Volume => {
            format!("bậc âm lượng phải theo thứ tự trong ngày, từ {GAIN_DB_MIN} đến 0 dB")
        }
        other => other.to_string(),
    };
    Said {
        vi,
        en: error.to_string(),
    }
}

const KEYS: &[&str] = &[
    "code",
    "name",
    "parent",
    "channel",
    "quiet",
    "two_persons",
    "language",
    "approval",
];
const QUIET_EXAMPLE: &str = "{ windows = [\"05:00-06:30\", \"16:30-18:30\"], minutes_a_day = 60 }";
const VOLUME_EXAMPLE: &str = "[{ from = \"06:00\", db = 0 }, { from = \"21:00\", db = -12 }]";
