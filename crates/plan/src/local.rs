//! Local dates and times to instants, and back. The only place where the time zone matters.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::{GapInfo, Tz};
use loa_model::WallTime;

/// Returns the instant of a local date and time.
///
/// A time that a clock change skips is moved to the first instant after the
/// gap; one that exists twice means the first. None outside the years that
/// nanoseconds since 1970 can count (1677 to 2262).
pub fn to_wall(tz: Tz, local: NaiveDateTime) -> Option<WallTime> {
    let instant = match tz.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at,
        MappedLocalTime::None => GapInfo::new(&local, &tz)?.end?,
    };
    instant.timestamp_nanos_opt().map(WallTime::from_unix_ns)
}

/// Returns what clocks on the wall show at an instant.
pub fn to_local(tz: Tz, at: WallTime) -> NaiveDateTime {
    DateTime::from_timestamp_nanos(at.as_unix_ns())
        .with_timezone(&tz)
        .naive_local()
}

/// Returns the local date of an instant.
pub fn local_date(tz: Tz, at: WallTime) -> NaiveDate {
    to_local(tz, at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: time zone, local time, instant.
    #[test]
    fn clock_changes_are_decided_once_for_all() {
        let rows = [
            (
                Tz::Asia__Ho_Chi_Minh,
                "2026-11-30T17:00:00",
                "2026-11-30T10:00:00.000Z",
                "no clock change",
            ),
            (
                Tz::America__New_York,
                "2026-03-08T01:59:59",
                "2026-03-08T06:59:59.000Z",
                "before the gap",
            ),
            (
                Tz::America__New_York,
                "2026-03-08T02:00:00",
                "2026-03-08T07:00:00.000Z",
                "first of the gap",
            ),
            (
                Tz::America__New_York,
                "2026-03-08T02:30:00",
                "2026-03-08T07:00:00.000Z",
                "inside the gap",
            ),
            (
                Tz::America__New_York,
                "2026-03-08T03:00:00",
                "2026-03-08T07:00:00.000Z",
                "after the gap",
            ),
            (
                Tz::America__New_York,
                "2026-11-01T01:30:00",
                "2026-11-01T05:30:00.000Z",
                "twice: the first",
            ),
            (
                Tz::America__New_York,
                "2026-11-01T02:00:00",
                "2026-11-01T07:00:00.000Z",
                "once again",
            ),
            (
                Tz::Australia__Lord_Howe,
                "2026-10-04T02:15:00",
                "2026-10-03T15:30:00.000Z",
                "a gap of 30 min",
            ),
            (
                Tz::Africa__Cairo,
                "2026-04-24T00:30:00",
                "2026-04-23T22:00:00.000Z",
                "a gap at midnight",
            ),
            (
                Tz::Pacific__Apia,
                "2011-12-30T12:00:00",
                "2011-12-30T10:00:00.000Z",
                "a skipped day",
            ),
        ];
        for (tz, local, instant, what) in rows {
            let at = to_wall(tz, local.parse().unwrap()).unwrap();
            assert_eq!(at.to_string(), instant, "{what}");
        }
        assert_eq!(to_wall(Tz::UTC, "9999-01-01T00:00:00".parse().unwrap()), None);
    }

    #[test]
    fn local_dates_turn_at_local_midnight() {
        let rows = [
            ("2026-11-30T23:59:59", "2026-11-30"),
            ("2026-12-01T00:00:00", "2026-12-01"),
        ];
        for (local, expected) in rows {
            let at = to_wall(Tz::Asia__Ho_Chi_Minh, local.parse().unwrap()).unwrap();
            assert_eq!(local_date(Tz::Asia__Ho_Chi_Minh, at).to_string(), expected);
        }
    }
}
