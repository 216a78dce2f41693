//! Cron lines as people write them, checked field by field and handed to the `cron` crate as plain lists.
//!
//! Cron programs disagree on what some lines mean. Every such line is refused,
//! with the two readings named, so that a schedule means one thing only.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use cron::TimeUnitSpec;

use crate::said::{Said, said};

/// A cron line that has been read: which local dates and which local times of day it names.
#[derive(Clone, Debug)]
pub struct CronLine {
    schedule: cron::Schedule,
    times: Vec<NaiveTime>,
    which: Which,
}

/// Which of the dates that the plain lists name, beyond what they can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    All,
    /// The last day of the month.
    LastDay,
    /// The nth such weekday of the month, from 1.
    Nth(u32),
    /// The last such weekday of the month.
    LastOfKind,
}

/// What is wrong with a cron line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; {}", message.en, remedy.en)]
pub struct CronFault {
    /// Characters of the line before the fault.
    pub at: usize,
    /// What is wrong.
    pub message: Said,
    /// What to write instead.
    pub remedy: Said,
}

impl CronLine {
    /// Reads five fields (minute, hour, day of month, month, weekday) or six (second first).
    ///
    /// `L` in the place of the day of month is the last one; `Mon#2` and `Mon#L` are the second and the last Monday
    /// of the month.
    ///
    /// # Errors
    ///
    /// Every fault of the line, in order.
    pub fn parse(line: &str) -> Result<Self, Vec<CronFault>> {
        let words = words(line);
        refuse_shapes(line, &words)?;
        let (second, rest) = if words.len() == 6 {
            (Some(words[0]), &words[1..])
        } else {
            (None, &words[..])
        };
        let (which, day, weekday) = Which::read(rest[2], rest[4])?;
        let mut faults = Vec::new();
        let mut read = |field: &Field, word: Word<'_>| match field.read(word) {
            Ok(set) => set,
            Err(fault) => {
                faults.push(fault);
                BTreeSet::new()
            }
        };
        let seconds = second.map_or_else(|| BTreeSet::from([0]), |word| read(&SECOND, word));
        let sets = [
            seconds,
            read(&MINUTE, rest[0]),
            read(&HOUR, rest[1]),
            read(&DAY, day),
            read(&MONTH, rest[3]),
            read(&WEEKDAY, weekday),
        ];
        if let Some(word) = second.filter(|_| sets[0].len() > 1) {
            faults.push(fault(
                word.at,
                said!(
                    "\"{}\" ở ô giây sẽ phát hơn một lần mỗi phút",
                    "\"{}\" in the second field airs more than once a minute",
                    word.text
                ),
                said!("ghi một giây, thường là 0", "name one second, usually 0"),
            ));
        }
        let restricted = |set: &BTreeSet<u32>, field: &Field| !set.is_empty() && !field.is_all(set);
        let day_named = restricted(&sets[3], &DAY) || which == Which::LastDay;
        if day_named && restricted(&sets[5], &WEEKDAY) {
            faults.push(fault(
                rest[4].at,
                said!(
                    "có cả ngày trong tháng \"{}\" lẫn thứ \"{}\": crontab phát khi đúng một trong hai, chương trình khác chỉ khi đúng cả hai", "day of month \"{}\" and weekday \"{}\" are both given: crontab airs when either holds, other programs only when both do",
                    rest[2].text, rest[4].text
                ),
                said!("để một ô là *; muốn \"hoặc\" thì viết hai khung giờ", "leave one of them *; for \"either\" write two slots"),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Self::from_sets(line, &sets, which)
    }

    /// Plain lists mean the same in every cron program, so nothing is left to the engine's reading.
    fn from_sets(line: &str, sets: &[BTreeSet<u32>; 6], which: Which) -> Result<Self, Vec<CronFault>> {
        let fields = [&SECOND, &MINUTE, &HOUR, &DAY, &MONTH, &WEEKDAY];
        let texts = fields.into_iter().zip(sets).map(|(field, set)| field.write(set));
        let plain = texts.collect::<Vec<_>>().join(" ");
        let schedule = cron::Schedule::from_str(&plain).map_err(|error| {
            vec![fault(
                0,
                said!(
                    "\"{line}\" không phải dòng cron: {error}",
                    "\"{line}\" is not a cron line: {error}"
                ),
                shape(),
            )]
        })?;
        let mut times = Vec::new();
        for hour in schedule.hours().iter() {
            for minute in schedule.minutes().iter() {
                for second in schedule.seconds().iter() {
                    times.extend(NaiveTime::from_hms_opt(hour, minute, second));
                }
            }
        }
        Ok(Self {
            schedule,
            times,
            which,
        })
    }

    /// Tells whether it names this local date.
    pub fn fires_on(&self, date: NaiveDate) -> bool {
        self.schedule.months().includes(date.month())
            && self.schedule.days_of_month().includes(date.day())
            && self
                .schedule
                .days_of_week()
                .includes(date.weekday().number_from_sunday())
            && self.which.holds(date)
    }

    /// Returns the local times of day at which it fires on every date it names, earliest first.
    ///
    /// At most 1,440: a line names one second of a minute.
    pub fn times(&self) -> &[NaiveTime] {
        &self.times
    }

    /// Returns the engine's own view, for checks against it.
    #[cfg(test)]
    fn engine(&self) -> &cron::Schedule {
        &self.schedule
    }
}

impl Which {
    /// Reads what the day and weekday fields say beyond lists; returns them without it.
    fn read<'a>(day: Word<'a>, weekday: Word<'a>) -> Result<(Self, Word<'a>, Word<'a>), Vec<CronFault>> {
        if day.text == "L" {
            return Ok((Self::LastDay, Word { text: "*", ..day }, weekday));
        }
        let Some((name, nth)) = weekday.text.split_once('#') else {
            return Ok((Self::All, day, weekday));
        };
        let plain = Word {
            text: name,
            ..weekday
        };
        let one = !name.contains([',', '-', '*']) && !nth.contains(',');
        let which = match nth {
            "L" if one => Self::LastOfKind,
            "1" | "2" | "3" | "4" | "5" if one => Self::Nth(nth.parse().unwrap_or(1)),
            _ => {
                let message = said!(
                    "\"{}\" không phải một thứ trong tháng",
                    "\"{}\" is not one weekday of the month",
                    weekday.text
                );
                let remedy = said!(
                    "viết Mon#1 đến Mon#5, hoặc Mon#L là cuối cùng; nhiều thứ thì viết nhiều khung giờ",
                    "write Mon#1 to Mon#5, or Mon#L for the last; for several, write several slots"
                );
                return Err(vec![fault(weekday.at, message, remedy)]);
            }
        };
        Ok((which, day, plain))
    }

    fn holds(self, date: NaiveDate) -> bool {
        let last = |days: u64| {
            date.checked_add_days(Days::new(days))
                .is_none_or(|later| later.month() != date.month())
        };
        match self {
            Self::All => true,
            Self::LastDay => last(1),
            Self::Nth(nth) => date.day0() / 7 + 1 == nth,
            Self::LastOfKind => last(7),
        }
    }
}

/// Reads "Mon-Sat" or "Mon,Wed" as a set of days whose bit 0 is Monday.
pub(crate) fn read_days(text: &str) -> Option<u8> {
    let days = WEEKDAY.read(Word { at: 0, text }).ok()?;
    Some(days.iter().fold(0, |set, day| set | 1 << (day - 1)))
}

/// One blank-separated word and how many characters stand before it.
#[derive(Clone, Copy)]
struct Word<'a> {
    at: usize,
    text: &'a str,
}

fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, (byte, character)) in line.char_indices().chain([(line.len(), ' ')]).enumerate() {
        match (start, character.is_whitespace()) {
            (None, false) => start = Some((at, byte)),
            (Some((at, from)), true) => {
                words.push(Word {
                    at,
                    text: &line[from..byte],
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Refuses lines whose fields cannot even be told apart.
fn refuse_shapes(line: &str, words: &[Word<'_>]) -> Result<(), Vec<CronFault>> {
    let refuse = |at, message, remedy| Err(vec![fault(at, message, remedy)]);
    if let Some(word) = words.iter().find(|word| word.text.starts_with('@')) {
        let message = said!(
            "\"{}\" giấu mất giờ và ngày",
            "\"{}\" hides the hour and the days",
            word.text
        );
        return refuse(word.at, message, shape());
    }
    let open =
        |word: &&Word<'_>| word.text.starts_with([',', '-', '/']) || word.text.ends_with([',', '-', '/']);
    if let Some(word) = words.iter().find(open) {
        let message = said!(
            "\"{}\" là danh sách, khoảng hay bước chưa viết xong",
            "\"{}\" is an unfinished list, range or step",
            word.text
        );
        return refuse(
            word.at,
            message,
            said!(
                "viết liền, không có dấu cách: Mon,Wed hoặc 7-9",
                "write lists and ranges without blanks: Mon,Wed or 7-9"
            ),
        );
    }
    match words.len() {
        5 | 6 => Ok(()),
        7 => refuse(
            words[6].at,
            said!(
                "\"{}\" là ô thứ bảy, ô năm",
                "\"{}\" is a seventh field, a year",
                words[6].text
            ),
            said!(
                "bỏ đi, dùng valid_from và valid_to",
                "remove it, and use valid_from and valid_to"
            ),
        ),
        count => refuse(
            0,
            said!(
                "\"{line}\" có {count} ô, dòng cron có năm",
                "\"{line}\" has {count} fields where a cron line has five"
            ),
            shape(),
        ),
    }
}

struct Field {
    name: &'static str,
    vietnamese: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

impl Field {
    fn is_all(&self, set: &BTreeSet<u32>) -> bool {
        (self.min..=self.max).all(|value| set.contains(&value))
    }

    fn read(&self, word: Word<'_>) -> Result<BTreeSet<u32>, CronFault> {
        let mut set = BTreeSet::new();
        let mut at = word.at;
        for text in word.text.split(',') {
            let item = Word { at, text };
            set.extend(self.read_item(item)?);
            at += text.chars().count() + 1;
        }
        Ok(set)
    }

    fn read_item(&self, item: Word<'_>) -> Result<Vec<u32>, CronFault> {
        let (span, step) = match item.text.split_once('/') {
            Some((span, step)) => (span, Some(self.read_step(item, step)?)),
            None => (item.text, None),
        };
        if self.is_weekday() && step.is_some() {
            let message = said!(
                "\"{}\" nhảy bước qua các thứ",
                "\"{}\" steps through weekdays",
                item.text
            );
            return Err(fault(
                item.at,
                message,
                said!("kể các thứ: Mon,Wed,Fri", "list the days: Mon,Wed,Fri"),
            ));
        }
        let values: Vec<u32> = if span == "*" {
            (self.min..=self.max).collect()
        } else if let Some((first, last)) = span.split_once('-') {
            self.range(item, self.value(item, first)?, self.value(item, last)?)?
        } else {
            let value = self.value(item, span)?;
            if step.is_some() {
                let message = said!(
                    "\"{}\" nhảy bước từ một số; mỗi chương trình hiểu chỗ kết thúc một khác",
                    "\"{}\" steps from one value; programs disagree on where it ends",
                    item.text
                );
                let remedy = said!("viết {span}-{}/…", "write {span}-{}/…", self.max);
                return Err(fault(item.at, message, remedy));
            }
            vec![value]
        };
        Ok(values.into_iter().step_by(step.unwrap_or(1)).collect())
    }

    fn read_step(&self, item: Word<'_>, step: &str) -> Result<usize, CronFault> {
        let count = step
            .parse::<u32>()
            .ok()
            .filter(|step| (1..=self.max).contains(step));
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| {
            let message = Said {
                vi: format!("\"{step}\" không phải bước của ô {}", self.vietnamese),
                en: format!("\"{step}\" is not a step of the {} field", self.name),
            };
            fault(
                item.at,
                message,
                said!("dùng số từ 1 đến {}", "use a number from 1 to {}", self.max),
            )
        })
    }

    fn range(&self, item: Word<'_>, first: u32, last: u32) -> Result<Vec<u32>, CronFault> {
        if first <= last {
            return Ok((first..=last).collect());
        }
        if self.is_weekday() {
            return Ok((first..=self.max).chain(self.min..=last).collect());
        }
        let message = said!("\"{}\" chạy ngược", "\"{}\" runs backwards", item.text);
        let remedy = said!(
            "viết {first}-{},{}-{last}",
            "write {first}-{},{}-{last}",
            self.max,
            self.min
        );
        Err(fault(item.at, message, remedy))
    }

    fn value(&self, item: Word<'_>, text: &str) -> Result<u32, CronFault> {
        if let Some(value) = self.named(text) {
            return Ok(value);
        }
        let number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u32>().ok())
            .flatten();
        match number {
            Some(_) if self.is_weekday() => Err(numbered_weekday(item)),
            Some(value) if (self.min..=self.max).contains(&value) => Ok(value),
            _ => Err(self.not_a_value(item, text)),
        }
    }

    /// Full English names are taken too, as the `cron` crate does.
    fn named(&self, text: &str) -> Option<u32> {
        let short = text.get(..3)?;
        let index = self.names.iter().position(|name| {
            name[..3].eq_ignore_ascii_case(short) && (text.len() == 3 || name.eq_ignore_ascii_case(text))
        })?;
        Some(self.min + u32::try_from(index).ok()?)
    }

    fn not_a_value(&self, item: Word<'_>, text: &str) -> CronFault {
        if let Some(sign) = text.chars().find(|sign| "LW#?".contains(*sign)) {
            let (meaning, remedy) = match sign {
                'L' => (
                    said!("\"cuối cùng\"", "\"the last\""),
                    said!(
                        "viết L một mình ở ô thứ ba, hoặc Fri#L ở ô thứ năm",
                        "write L alone in the third field, or Fri#L in the fifth"
                    ),
                ),
                'W' => (
                    said!("\"ngày làm việc gần nhất\"", "\"the nearest working day\""),
                    said!("kể ra các ngày", "name the days"),
                ),
                '#' => (
                    said!("\"thứ mấy trong tháng\"", "\"the nth weekday of the month\""),
                    said!(
                        "viết Mon#2 một mình ở ô thứ năm",
                        "write Mon#2 alone in the fifth field"
                    ),
                ),
                _ => (said!("\"bất kỳ\"", "\"any\""), said!("viết *", "write *")),
            };
            let message = Said {
                vi: format!(
                    "\"{text}\" dùng {sign} ({}), không phải chương trình cron nào cũng hiểu",
                    meaning.vi
                ),
                en: format!(
                    "\"{text}\" uses {sign} ({}), which not every cron program knows",
                    meaning.en
                ),
            };
            return fault(item.at, message, remedy);
        }
        let message = Said {
            vi: format!("\"{text}\" không hợp ô {}", self.vietnamese),
            en: format!("\"{text}\" does not fit the {} field", self.name),
        };
        let remedy = if self.is_weekday() {
            VIETNAMESE_DAYS
                .iter()
                .find(|(vietnamese, _)| vietnamese.eq_ignore_ascii_case(text))
                .map_or_else(use_names, |(_, english)| {
                    said!("viết {english}", "write {english}")
                })
        } else if self.names.is_empty() {
            said!(
                "dùng số từ {} đến {}",
                "use a number from {} to {}",
                self.min,
                self.max
            )
        } else {
            said!(
                "dùng số từ {} đến {}, hoặc tên như Jan",
                "use a number from {} to {}, or a name such as Jan",
                self.min,
                self.max
            )
        };
        fault(item.at, message, remedy)
    }

    fn is_weekday(&self) -> bool {
        self.name == WEEKDAY.name
    }

    fn write(&self, set: &BTreeSet<u32>) -> String {
        if self.is_all(set) {
            return "*".to_owned();
        }
        let texts = set.iter().map(|value| {
            if self.is_weekday() {
                // The engine counts weekdays from Sunday; names cannot be miscounted.
                let index = usize::try_from(*value - self.min).unwrap_or(0);
                self.names[index][..3].to_owned()
            } else {
                value.to_string()
            }
        });
        texts.collect::<Vec<_>>().join(",")
    }
}

/// A number in the weekday field means a different day to different programs.
fn numbered_weekday(item: Word<'_>) -> CronFault {
    let crontab = |number: u32| day_name(number % 7);
    let from_sunday = |number: u32| (1..=7).contains(&number).then(|| day_name(number - 1));
    let numbers: Vec<u32> = item
        .text
        .split('-')
        .filter_map(|part| part.parse().ok())
        .collect();
    let join = |names: Vec<&str>| names.join("-");
    let first = numbers.iter().all(|number| *number <= 7);
    let second: Option<Vec<_>> = numbers.iter().map(|number| from_sunday(*number)).collect();
    let crontab = join(numbers.iter().map(|number| crontab(*number)).collect());
    let remedy = match (first, second.map(join)) {
        (true, Some(second)) => said!(
            "viết {crontab} (theo cách hiểu của crontab) hoặc {second} (theo chương trình đếm Chủ nhật = 1)",
            "write {crontab} (as crontab reads it) or {second} (as programs that count from Sunday = 1 do)"
        ),
        (true, None) => said!(
            "viết {crontab} (theo cách hiểu của crontab)",
            "write {crontab} (as crontab reads it)"
        ),
        (false, _) => use_names(),
    };
    let message = said!(
        "\"{}\" ghi thứ bằng số, mà mỗi chương trình đếm một khác",
        "\"{}\" numbers a weekday, and programs count weekdays differently",
        item.text
    );
    fault(item.at, message, remedy)
}

/// Names a day counted from Sunday as zero.
fn day_name(from_sunday: u32) -> &'static str {
    let day = Weekday::try_from(u8::try_from((from_sunday + 6) % 7).unwrap_or(0)).unwrap_or(Weekday::Mon);
    let index = usize::try_from(day.num_days_from_monday()).unwrap_or(0);
    &WEEKDAY.names[index][..3]
}

fn fault(at: usize, message: Said, remedy: Said) -> CronFault {
    CronFault { at, message, remedy }
}

fn use_names() -> Said {
    said!(
        "dùng Mon, Tue, Wed, Thu, Fri, Sat hoặc Sun (thứ Hai đến Chủ nhật)",
        "use Mon, Tue, Wed, Thu, Fri, Sat or Sun"
    )
}

/// What a cron line looks like.
fn shape() -> Said {
    said!(
        "viết phút, giờ, ngày trong tháng, tháng, thứ: \"0 17 * * Mon-Sat\" là 17:00 từ thứ Hai đến thứ Bảy",
        "write minute, hour, day of month, month, weekday: \"0 17 * * Mon-Sat\" is 17:00 from Monday to Saturday"
    )
}

const SECOND: Field = numeric("second", "giây", 0, 59);
const MINUTE: Field = numeric("minute", "phút", 0, 59);
const HOUR: Field = numeric("hour", "giờ", 0, 23);
const DAY: Field = numeric("day of month", "ngày trong tháng", 1, 31);
const MONTH: Field = Field {
    name: "month",
    vietnamese: "tháng",
    min: 1,
    max: 12,
    names: &[
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};
/// Counted from Monday as 1, only inside this file.
const WEEKDAY: Field = Field {
    name: "weekday",
    vietnamese: "thứ",
    min: 1,
    max: 7,
    names: &[
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
};
const VIETNAMESE_DAYS: [(&str, &str); 7] = [
    ("T2", "Mon"),
    ("T3", "Tue"),
    ("T4", "Wed"),
    ("T5", "Thu"),
    ("T6", "Fri"),
    ("T7", "Sat"),
    ("CN", "Sun"),
];

const fn numeric(name: &'static str, vietnamese: &'static str, min: u32, max: u32) -> Field {
    Field {
        name,
        vietnamese,
        min,
        max,
        names: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, Utc};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Each row: the line, and its first firings from Monday 2026-11-30.
    #[test]
    fn reads_what_people_write() {
        let rows = [
            ("0 17 * * Mon-Sat", "30 17:00:00, 01 17:00:00, 02 17:00:00"),
            ("0 17 * * Sat-Sun", "05 17:00:00, 06 17:00:00, 12 17:00:00"),
            ("0 17 * * Fri-Mon", "30 17:00:00, 04 17:00:00, 05 17:00:00"),
            ("30 5,16 * * *", "30 05:30:00, 30 16:30:00, 01 05:30:00"),
            ("*/20 6 * * sunday", "06 06:00:00, 06 06:20:00, 06 06:40:00"),
            ("10-50/20 6 1 * *", "01 06:10:00, 01 06:30:00, 01 06:50:00"),
            ("15 30 6 * dec *", "01 06:30:15, 02 06:30:15, 03 06:30:15"),
            ("0 0 31 Jan,Mar *", "31 00:00:00, 31 00:00:00, 31 00:00:00"),
        ];
        for (line, expected) in rows {
            let read = CronLine::parse(line).unwrap();
            let mut found = Vec::new();
            let mut day = date("2026-11-30");
            while found.len() < 3 {
                if read.fires_on(day) {
                    found.extend(read.times().iter().map(|time| format!("{:02} {time}", day.day())));
                }
                day += TimeDelta::days(1);
            }
            assert_eq!(found[..3].join(", "), expected, "{line}");
            let start = date("2026-11-29").and_hms_opt(23, 59, 59).unwrap().and_utc();
            let engine = read.engine().after::<Utc>(&start).take(3);
            let engine: Vec<_> = engine.map(|at| at.format("%d %H:%M:%S").to_string()).collect();
            assert_eq!(engine.join(", "), expected, "{line} by the engine");
        }
    }

    /// Each row: the line, where the fault is, and what the message and the remedy say.
    #[test]
    fn refuses_what_means_two_things() {
        let rows = [
            (
                "0 17 * * 1",
                9,
                "numbers a weekday",
                "write Mon (as crontab reads it) or Sun (as programs",
            ),
            (
                "0 17 * * 1-5",
                9,
                "\"1-5\" numbers",
                "write Mon-Fri (as crontab reads it) or Sun-Thu (as",
            ),
            (
                "0 17 * * Mon,7",
                13,
                "\"7\" numbers",
                "write Sun (as crontab reads it) or Sat (as",
            ),
            (
                "0 17 * * 0",
                9,
                "\"0\" numbers",
                "write Sun (as crontab reads it)",
            ),
            ("0 17 * * 9", 9, "\"9\" numbers", "use Mon, Tue, Wed"),
            (
                "0 17 * * T2",
                9,
                "\"T2\" does not fit the weekday field",
                "write Mon",
            ),
            (
                "0 17 * * Mont",
                9,
                "\"Mont\" does not fit the weekday field",
                "use Mon, Tue",
            ),
            (
                "0 17 1 * Mon",
                9,
                "crontab airs when either holds",
                "write two slots",
            ),
            ("0 17 L,15 * *", 5, "uses L", "write L alone"),
            (
                "0 17 L * Mon",
                9,
                "crontab airs when either holds",
                "write two slots",
            ),
            ("0 17 15W * *", 5, "uses W", "name the days"),
            ("0 17 * * Mon#6", 9, "is not one weekday", "Mon#1 to Mon#5"),
            ("0 17 * * Mon-Fri#1", 9, "is not one weekday", "several slots"),
            ("0 17 1#1 * *", 5, "uses #", "alone in the fifth field"),
            ("0 17 ? * Mon", 5, "uses ?", "write *"),
            (
                "0 0 17 * * Mon 2026",
                15,
                "a seventh field, a year",
                "valid_from and valid_to",
            ),
            ("0 17 * *", 0, "has 4 fields", "minute, hour, day of month"),
            ("", 0, "has 0 fields", "minute, hour"),
            ("@daily", 0, "hides the hour", "minute, hour"),
            ("0 17 * * Mon, Wed", 9, "unfinished list", "without blanks"),
            (
                "60 17 * * *",
                0,
                "\"60\" does not fit the minute field",
                "from 0 to 59",
            ),
            (
                "0 24 * * *",
                2,
                "\"24\" does not fit the hour field",
                "from 0 to 23",
            ),
            (
                "0 17 0 * *",
                5,
                "\"0\" does not fit the day of month field",
                "from 1 to 31",
            ),
            (
                "0 17 * 13 *",
                7,
                "\"13\" does not fit the month field",
                "or a name such as Jan",
            ),
            ("0 22-5 * * *", 2, "runs backwards", "write 22-23,0-5"),
            ("5/10 17 * * *", 0, "steps from one value", "write 5-59/…"),
            ("*/0 17 * * *", 0, "\"0\" is not a step", "from 1 to 59"),
            ("*/90 17 * * *", 0, "\"90\" is not a step", "from 1 to 59"),
            ("0 17 * * Mon-Fri/2", 9, "steps through weekdays", "list the days"),
            ("0,30 0 17 * * *", 0, "more than once a minute", "name one second"),
            ("* 0 17 * * *", 0, "more than once a minute", "name one second"),
            (
                "+5 17 * * *",
                0,
                "\"+5\" does not fit the minute field",
                "from 0 to 59",
            ),
            (
                "0 17 * * Thứ",
                9,
                "\"Thứ\" does not fit the weekday field",
                "use Mon",
            ),
        ];
        for (line, at, message, remedy) in rows {
            let faults = CronLine::parse(line).unwrap_err();
            let first = &faults[0];
            assert!(first.message.en.contains(message), "{line}: {}", first.message.en);
            assert!(first.remedy.en.contains(remedy), "{line}: {}", first.remedy.en);
            assert_eq!(first.at, at, "{line}: {}", first.message.en);
            assert_eq!(faults.len(), 1, "{line}: {faults:?}");
        }
    }

    #[test]
    fn reports_every_faulty_field() {
        let faults = CronLine::parse("61 25 40 13 8").unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| fault.at).collect();
        assert_eq!(places, [0, 3, 6, 9, 12]);
    }

    /// Each row: the line, and the dates it names in January to April 2027.
    #[test]
    fn names_the_last_day_and_the_nth_weekday() {
        let rows = [
            ("0 17 L * *", "01-31 02-28 03-31 04-30"),
            ("0 17 * * Mon#1", "01-04 02-01 03-01 04-05"),
            ("0 17 * * Fri#5", "01-29 04-30"),
            ("0 17 * * Fri#L", "01-29 02-26 03-26 04-30"),
        ];
        for (line, expected) in rows {
            let read = CronLine::parse(line).unwrap();
            let days = date("2027-01-01").iter_days().take(120);
            let named: Vec<_> = days
                .filter(|day| read.fires_on(*day))
                .map(|day| day.format("%m-%d").to_string())
                .collect();
            assert_eq!(named.join(" "), expected, "{line}");
        }
    }

    #[test]
    fn dates_that_never_come_never_fire() {
        let line = CronLine::parse("0 17 30 Feb *").unwrap();
        let first = date("2026-01-01");
        assert!(!first.iter_days().take(3_000).any(|day| line.fires_on(day)));
    }
}
