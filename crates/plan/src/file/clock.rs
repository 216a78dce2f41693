//! Times of day, wherever a schedule file writes one.

use chrono::{NaiveTime, Timelike as _};
use loa_model::MINUTES_A_DAY;

use super::fields::Reader;
use crate::diagnostic::{Diagnostic, Placed};
use crate::said::said;

impl Reader<'_> {
    /// Reads "17:00" or "17:00:30".
    pub(super) fn time_of_day(&mut self, text: &Placed<String>) -> Option<NaiveTime> {
        let time = read_time(&text.value);
        self.told(text, time, "17:00")
    }

    /// Reads "21:00" as a minute of the day.
    pub(super) fn minute_of_day(&mut self, text: &Placed<String>) -> Option<u16> {
        let minute = read_minute(&text.value).filter(|minute| *minute < MINUTES_A_DAY);
        self.told(text, minute, "21:00")
    }

    fn told<T>(&mut self, text: &Placed<String>, read: Option<T>, example: &str) -> Option<T> {
        if read.is_none() {
            let message = said!(
                "\"{}\" không phải giờ trong ngày",
                "\"{}\" is not a time of day",
                text.value
            );
            let remedy = said!("viết \"{example}\"", "write \"{example}\"");
            self.faults.push(Diagnostic::error(&text.place, message, remedy));
        }
        read
    }
}

/// Reads "05:00" as a minute of the day, up to "24:00", where a window may end.
pub(super) fn read_minute(text: &str) -> Option<u16> {
    if text == "24:00" {
        return Some(MINUTES_A_DAY);
    }
    let time = read_time(text).filter(|_| text.len() == "05:00".len())?;
    u16::try_from(time.hour() * 60 + time.minute()).ok()
}

/// Reads two digits each of hour, minute and, if it is there, second.
fn read_time(text: &str) -> Option<NaiveTime> {
    let numbers = text.split(':').map(|part| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    });
    match numbers.collect::<Option<Vec<_>>>()?[..] {
        [hour, minute] => NaiveTime::from_hms_opt(hour, minute, 0),
        [hour, minute, second] => NaiveTime::from_hms_opt(hour, minute, second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_digits_each_and_exist() {
        let rows = [
            ("05:00", Some("05:00:00"), Some(300)),
            ("23:59", Some("23:59:00"), Some(1_439)),
            ("17:00:30", Some("17:00:30"), None),
            ("24:00", None, Some(1_440)),
            ("24:01", None, None),
            ("5:00", None, None),
            ("05:60", None, None),
            ("05:00:60", None, None),
            ("+5:00", None, None),
            ("05", None, None),
            ("05:00:00:00", None, None),
            ("05.00", None, None),
            ("", None, None),
        ];
        for (text, time, minute) in rows {
            let read = read_time(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), time, "{text}");
            assert_eq!(read_minute(text), minute, "{text}");
        }
    }
}
