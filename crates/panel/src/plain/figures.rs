//! Times, dates, lengths and numbers, as people write them.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Weekday};
use chrono_tz::Tz;
use loa_model::WallTime;

use crate::lang::Lang;

/// Returns what clocks on the wall show, with the date if it is another day's.
pub(crate) fn day_and_clock(at: WallTime, now: WallTime, tz: Tz, lang: Lang) -> String {
    clock_on(at, date(now, tz), tz, lang)
}

/// Returns what clocks on the wall show, with the date if it is not this one.
pub(crate) fn clock_on(at: WallTime, day: NaiveDate, tz: Tz, lang: Lang) -> String {
    if date(at, tz) == day {
        return clock(at, tz);
    }
    format!("{} {}", calendar(date(at, tz), lang), clock(at, tz))
}

/// Returns a date as people write it.
pub(crate) fn calendar(date: NaiveDate, lang: Lang) -> String {
    let part = |format| date.format(format).to_string();
    let (day, month, year) = (part("%d"), part("%m"), part("%Y"));
    lang.say_with("date", &[("day", &day), ("month", &month), ("year", &year)])
}

/// Returns the day of the week.
pub(crate) fn weekday(date: NaiveDate, lang: Lang) -> String {
    lang.say(match date.weekday() {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    })
}

/// Returns what clocks on the wall show.
pub(crate) fn clock(at: WallTime, tz: Tz) -> String {
    local(at, tz).format("%H:%M:%S").to_string()
}

/// Returns the local date.
pub(crate) fn date(at: WallTime, tz: Tz) -> NaiveDate {
    local(at, tz).date_naive()
}

/// Returns an instant in local time.
pub(crate) fn local(at: WallTime, tz: Tz) -> DateTime<Tz> {
    DateTime::from_timestamp_nanos(at.as_unix_ns()).with_timezone(&tz)
}

/// Returns a length as `m:ss` or `h:mm:ss`.
pub(crate) fn length(span: Duration) -> String {
    let s = (span + Duration::from_millis(500)).as_secs();
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    if h > 0 {
        format!("{h}:{m:02}:{s:02}")
    } else {
        format!("{m}:{s:02}")
    }
}

/// Returns a number with one digit behind the point, as the language writes it.
pub(crate) fn decimal(number: f64, lang: Lang) -> String {
    let text = format!("{number:.1}").replace('-', "−");
    match lang {
        Lang::Vi => text.replace('.', ","),
        Lang::En => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_read_as_people_write_them() {
        let (at, tz) = (WallTime::from_unix_s(1_800_000_000), Tz::Asia__Ho_Chi_Minh);
        assert_eq!(clock(at, tz), "15:00:00");
        assert_eq!(day_and_clock(at, at, tz, Lang::Vi), "15:00:00");
        let tomorrow = at + Duration::from_secs(86_400);
        assert_eq!(day_and_clock(at, tomorrow, tz, Lang::Vi), "15/01/2027 15:00:00");
        assert_eq!(day_and_clock(at, tomorrow, tz, Lang::En), "2027-01-15 15:00:00");
        assert_eq!(weekday(date(at, tz), Lang::Vi), "Thứ Sáu");
        let rows = [
            (0, "0:00"),
            (59_600, "1:00"),
            (61_000, "1:01"),
            (3_600_000, "1:00:00"),
        ];
        for (ms, text) in rows {
            assert_eq!(length(Duration::from_millis(ms)), text);
        }
    }
}
