//! Rules that name days of the year, by the sun or by the moon.

use chrono::{Datelike, Days, NaiveDate};
use loa_model::{DayRule, Profile, YearDay};

use crate::lunar::lunar_of;

/// Tells whether a profile holds on a date: by its own days, or because people switched it on.
pub(crate) fn holds(profile: &Profile, date: NaiveDate) -> bool {
    profile.spec.days.iter().any(|rule| names(rule, date))
        || profile.switched_on.iter().any(|span| span.holds(date))
}

/// Tells whether a rule names a date. Days of a leap month are never named: the month before it is the one meant.
pub(crate) fn names(rule: &DayRule, date: NaiveDate) -> bool {
    match rule {
        DayRule::Dates(span) => span.holds(date),
        DayRule::Solar(from, to) => inside(solar_day(date), *from, *to),
        DayRule::Lunar(from, to) => lunar_days(date)
            .into_iter()
            .flatten()
            .any(|day| inside(day, *from, *to)),
    }
}

fn solar_day(date: NaiveDate) -> YearDay {
    let small = |value: u32| u8::try_from(value).unwrap_or(0);
    YearDay {
        month: small(date.month()),
        day: small(date.day()),
    }
}

/// Returns the lunar day of a date; the 29th that ends its month stands for the 30th as well.
fn lunar_days(date: NaiveDate) -> [Option<YearDay>; 2] {
    let Some(lunar) = lunar_of(date).filter(|lunar| !lunar.leap) else {
        return [None, None];
    };
    let day = |day| {
        Some(YearDay {
            month: lunar.month,
            day,
        })
    };
    let tomorrow = date.checked_add_days(Days::new(1)).and_then(lunar_of);
    let last = lunar.day == 29 && tomorrow.is_some_and(|tomorrow| tomorrow.day == 1);
    [day(lunar.day), day(30).filter(|_| last)]
}

/// A span whose end lies before its beginning runs over the turn of the year.
fn inside(day: YearDay, from: YearDay, to: YearDay) -> bool {
    if from <= to {
        from <= day && day <= to
    } else {
        from <= day || day <= to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: a rule, and the dates it names from January to March 2027. Tết 2027 is 6 February; the twelfth month
    /// before it has 30 days.
    #[test]
    fn spans_run_over_the_turn_of_the_year() {
        let day = |day, month| YearDay { month, day };
        let rows = [
            (DayRule::Solar(day(30, 12), day(2, 1)), "01-01 01-02"),
            (DayRule::Lunar(day(30, 12), day(2, 1)), "02-05 02-06 02-07"),
            (DayRule::Lunar(day(15, 1), day(15, 1)), "02-20"),
        ];
        for (rule, expected) in rows {
            let from: NaiveDate = "2027-01-01".parse().unwrap();
            let named = from.iter_days().take(90).filter(|date| names(&rule, *date));
            let named: Vec<_> = named.map(|date| date.format("%m-%d").to_string()).collect();
            assert_eq!(named.join(" "), expected, "{rule:?}");
        }
    }

    #[test]
    fn the_eve_is_the_last_day_of_the_year_whatever_its_number() {
        // The twelfth month before Tết 2026 (17 February) has 29 days.
        let eve = DayRule::Lunar(YearDay { month: 12, day: 30 }, YearDay { month: 12, day: 30 });
        assert!(names(&eve, "2026-02-16".parse().unwrap()));
        assert!(names(&eve, "2027-02-05".parse().unwrap()));
        assert!(!names(&eve, "2027-02-04".parse().unwrap()));
    }

    #[test]
    fn a_leap_month_is_not_the_month_that_is_meant() {
        // 2025 has a sixth month and a leap sixth month, from 25 July.
        let full_moon = DayRule::Lunar(YearDay { month: 6, day: 15 }, YearDay { month: 6, day: 15 });
        assert!(names(&full_moon, "2025-07-09".parse().unwrap()));
        assert!(!names(&full_moon, "2025-08-08".parse().unwrap()));
    }
}
