//! Cron lines with another time of day, or another day of the week.

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _, Weekday};

use crate::cron_line::CronLine;

/// Returns the line for another time of day; none if it would say something else beside.
pub(super) fn at_time(line: &str, time: NaiveTime) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let days = words.get(words.len().checked_sub(3)?..)?.join(" ");
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let line = if second == 0 && words.len() == 5 {
        format!("{minute} {hour} {days}")
    } else {
        format!("{second} {minute} {hour} {days}")
    };
    let read = CronLine::parse(&line).ok()?;
    (read.times() == [time.with_nanosecond(0)?]).then_some(line)
}

/// Returns the line for another day of the week, if one day of the week is all that it says of dates.
pub(super) fn on_weekday(line: &str, from: NaiveDate, to: NaiveDate) -> Option<String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let last = words.pop()?;
    let name = name_of(from.weekday());
    let alone = last.eq_ignore_ascii_case(name) && words.iter().rev().take(2).all(|word| *word == "*");
    if !alone {
        return None;
    }
    words.push(name_of(to.weekday()));
    let line = words.join(" ");
    CronLine::parse(&line).ok()?.fires_on(to).then_some(line)
}

const fn name_of(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_another_time_and_keeps_its_days() {
        let rows = [
            ("0 5 * * Mon-Sat", "05:30:00", Some("30 5 * * Mon-Sat")),
            ("0 5 * * *", "05:30:15", Some("15 30 5 * * *")),
            ("0 0 5 L * *", "17:00:00", Some("0 0 17 L * *")),
            ("*/15 5 * * *", "06:00:00", Some("0 6 * * *")),
            ("no line", "06:00:00", None),
        ];
        for (line, time, expected) in rows {
            assert_eq!(
                at_time(line, time.parse().unwrap()).as_deref(),
                expected,
                "{line}"
            );
        }
    }

    /// 30 November 2026 is a Monday.
    #[test]
    fn a_line_of_one_weekday_takes_another() {
        let rows = [
            ("0 5 * * Mon", "2026-12-02", Some("0 5 * * Wed")),
            ("0 0 5 * * mon", "2026-12-06", Some("0 0 5 * * Sun")),
            ("0 5 * * Mon-Sat", "2026-12-02", None),
            ("0 5 * * *", "2026-12-02", None),
            ("0 5 * * Mon#1", "2026-12-02", None),
            ("0 5 * 11 Mon", "2026-12-02", None),
        ];
        for (line, to, expected) in rows {
            let from = "2026-11-30".parse().unwrap();
            assert_eq!(
                on_weekday(line, from, to.parse().unwrap()).as_deref(),
                expected,
                "{line}"
            );
        }
    }
}
