//! The Vietnamese lunar calendar (âm lịch): lunar dates of solar dates, and back.
//!
//! The rules, as Hồ Ngọc Đức describes them: a month begins on the local day of
//! the new moon; the winter solstice falls in month 11; a span of thirteen months
//! between two months 11 has a leap month, the first in which the sun enters no
//! new twelfth of its path. The day turns at midnight of UTC+7 since 1 January
//! 1968 (decision 121/CP of 8 August 1967) and of UTC+8 before, because the
//! published table does: UTC+7 throughout would begin 23 months of 1903 to 1967 a
//! day earlier and make another month the leap one in 1917, 1922 and 1938. The
//! south kept UTC+8 until 1975, so its Tết of 1968 was a day later; the table,
//! and so this file, follows the calendar that became the whole country's.
//!
//! Sources: Hồ Ngọc Đức, *Thuật toán tính âm lịch*
//! (<https://www.informatik.uni-leipzig.de/~duc/amlich/calrules_vn.html>), for the
//! rules and for the table of years that the tests compare every day with; Jean
//! Meeus, *Astronomical Algorithms*, for the sky.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};

use crate::sky;

/// A day of the lunar calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LunarDate {
    /// The lunar year, numbered like the solar year in which its Tết falls.
    pub year: i32,
    /// 1 (tháng Giêng) to 12 (tháng Chạp).
    pub month: u8,
    /// 1 (mùng 1) to 29 or 30.
    pub day: u8,
    /// Whether the month is the leap one (tháng nhuận), which follows the month of the same number.
    pub leap: bool,
}

/// Returns the lunar date of a solar date; None outside the lunar years 1900 to 2100.
///
/// Those are the solar dates from 1900-01-31 to 2101-01-28. The first call works
/// the two centuries out, a few milliseconds; every other one is a binary search.
///
/// Source: Hồ Ngọc Đức's rules and Meeus' formulas; every day is tested against the published table.
pub fn lunar_of(date: NaiveDate) -> Option<LunarDate> {
    let day = date.num_days_from_ce();
    let after = MONTHS.partition_point(|month| month.first <= day);
    // The last entry only ends the one before it.
    MONTHS.get(after)?;
    let month = MONTHS.get(after.checked_sub(1)?)?;
    Some(LunarDate {
        year: month.year,
        month: month.number,
        day: u8::try_from(day - month.first + 1).expect("a month has at most 30 days"),
        leap: month.leap,
    })
}

/// Returns the solar date of a lunar date.
///
/// None outside the lunar years 1900 to 2100, for a leap month that the year does
/// not have, and for a day that the month does not have: day 30 of a month of 29.
///
/// Source: as [`lunar_of`].
pub fn solar_of(lunar: LunarDate) -> Option<NaiveDate> {
    let key = (lunar.year, lunar.month, lunar.leap);
    let at = MONTHS
        .binary_search_by_key(&key, |month| (month.year, month.number, month.leap))
        .ok()?;
    let end = MONTHS.get(at + 1)?.first;
    let day = MONTHS[at].first + i32::from(lunar.day) - 1;
    if lunar.day == 0 || day >= end {
        return None;
    }
    NaiveDate::from_num_days_from_ce_opt(day)
}

/// Every month from Tết 1900 to the first of 2101, in order.
static MONTHS: LazyLock<Vec<Month>> = LazyLock::new(|| {
    let mut months = numbered(&new_moon_days());
    months.retain(|month| (FIRST_YEAR..=LAST_YEAR).contains(&month.year) || month.is_tet_after_last());
    months
});

struct Month {
    /// Its first day, counted as `num_days_from_ce` does.
    first: i32,
    year: i32,
    number: u8,
    leap: bool,
}

impl Month {
    fn is_tet_after_last(&self) -> bool {
        self.year == LAST_YEAR + 1 && self.number == 1 && !self.leap
    }
}

/// Returns the days on which months begin, from before the solstice of 1898 to after that of 2101.
fn new_moon_days() -> Vec<i32> {
    let from = sky::new_moon_near(ymd(FIRST_YEAR - 2, 10, 1));
    let to = sky::new_moon_near(ymd(LAST_YEAR + 2, 3, 1));
    let mut days: Vec<i32> = (from..=to).map(|k| local_day(sky::new_moon(k))).collect();
    for (year, month, day, moved) in PUBLISHED_OTHERWISE {
        let computed = ymd(year, month, day).num_days_from_ce();
        // Should another machine's sine round to the table's day, there is nothing to move.
        if let Ok(at) = days.binary_search(&computed) {
            days[at] += moved;
        }
    }
    days
}

/// Gives each month its year, number and leap, from the first month 11 on.
fn numbered(days: &[i32]) -> Vec<Month> {
    let terms: Vec<i32> = days.iter().map(|day| term_at_start(*day)).collect();
    // The count of terms starts anew at the solstice, so it falls only in a month 11.
    let elevens: Vec<usize> = (1..days.len())
        .filter(|next| terms[*next] < terms[next - 1])
        .map(|next| next - 1)
        .collect();
    let mut months = Vec::with_capacity(days.len());
    for span in elevens.windows(2) {
        let (eleven, next_eleven) = (span[0], span[1]);
        let leap =
            (eleven + 1..next_eleven).find(|at| next_eleven - eleven == 13 && terms[*at] == terms[at + 1]);
        let (mut year, mut number) = (date(days[eleven]).year(), 11);
        for (at, &first) in days.iter().enumerate().take(next_eleven).skip(eleven) {
            if at > eleven && leap != Some(at) {
                (year, number) = if number == 12 {
                    (year + 1, 1)
                } else {
                    (year, number + 1)
                };
            }
            months.push(Month {
                first,
                year,
                number,
                leap: leap == Some(at),
            });
        }
    }
    months
}

/// Returns how many principal terms (trung khí) the sun has entered since the solstice when a day begins.
fn term_at_start(day: i32) -> i32 {
    let longitude = sky::sun_longitude(sky::julian_midnight(day) - utc_ahead_days(day));
    ((longitude + 90.0).rem_euclid(360.0) / 30.0) as i32
}

/// Returns the local day of an instant given as a Julian day.
fn local_day(julian: f64) -> i32 {
    let day_at = |ahead: f64| (julian + ahead - sky::julian_midnight(0)).floor() as i32;
    day_at(utc_ahead_days(day_at(0.0)))
}

/// Returns how far the calendar's clock is ahead of UTC on a day, in days.
fn utc_ahead_days(day: i32) -> f64 {
    if day < UTC_7_SINCE { 8.0 / 24.0 } else { 7.0 / 24.0 }
}

fn ymd(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("written in this file as a date that exists")
}

fn date(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day).expect("within a few years of 1900 to 2100")
}

const FIRST_YEAR: i32 = 1900;
const LAST_YEAR: i32 = 2100;

/// 1 January 1968, counted as `num_days_from_ce` does.
const UTC_7_SINCE: i32 = 718_432;

/// Months that the published table begins on another day than the formula: the formula's day, and the move.
///
/// Four are new moons from 16:01 to 16:07 UTC: just past midnight at UTC+8, but
/// before it by Beijing's own local time (UTC+7:45:40), by which China's almanacs
/// were computed until 1929. That of 24 January 1925 (14:45 UTC, a total eclipse) is on
/// the 24th by any of these clocks, and older copies of the table say so too; its
/// version 1.0 says the 25th. That of 7 May 2054 is some 20 s past 17:00 UTC, so close
/// to midnight that it hangs on how the Earth's turning will have slowed by then.
const PUBLISHED_OTHERWISE: [(i32, u32, u32, i32); 6] = [
    (1906, 4, 24, -1),
    (1914, 11, 18, -1),
    (1916, 2, 4, -1),
    (1920, 11, 11, -1),
    (1925, 1, 24, 1),
    (2054, 5, 8, -1),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lunar(year: i32, month: u8, day: u8, leap: bool) -> LunarDate {
        LunarDate {
            year,
            month,
            day,
            leap,
        }
    }

    /// Each row: solar date, lunar date.
    #[test]
    fn known_days_are_right() {
        let rows = [
            ("1968-01-29", lunar(1968, 1, 1, false), "a day before Saigon's"),
            ("1985-01-21", lunar(1985, 1, 1, false), "a month before China's"),
            ("2007-02-17", lunar(2007, 1, 1, false), "a day before China's"),
            (
                "2025-07-24",
                lunar(2025, 6, 30, false),
                "the last before the leap month",
            ),
            ("2025-07-25", lunar(2025, 6, 1, true), "the leap month"),
            ("2025-08-23", lunar(2025, 7, 1, false), "after the leap month"),
            ("2026-02-16", lunar(2025, 12, 29, false), "no 30th before Tết"),
            ("2026-02-17", lunar(2026, 1, 1, false), "Tết"),
            ("2030-02-02", lunar(2030, 1, 1, false), "a day before China's"),
            (
                "2033-12-22",
                lunar(2033, 11, 1, true),
                "the late leap month of 2033",
            ),
        ];
        for (solar, expected, what) in rows {
            let solar: NaiveDate = solar.parse().unwrap();
            assert_eq!(lunar_of(solar), Some(expected), "{what}");
            assert_eq!(solar_of(expected), Some(solar), "{what}, back");
        }
    }

    #[test]
    fn days_that_do_not_exist_have_no_date() {
        let rows = [
            (lunar(2026, 6, 1, true), "2026 has no leap month"),
            (lunar(2025, 5, 1, true), "the leap month of 2025 is another"),
            (lunar(2025, 12, 30, false), "a month of 29 days"),
            (lunar(2026, 1, 0, false), "day 0"),
            (lunar(2026, 1, 31, false), "day 31"),
            (lunar(2026, 1, 255, false), "day 255"),
            (lunar(2026, 0, 1, false), "month 0"),
            (lunar(2026, 13, 1, false), "month 13"),
            (lunar(1899, 12, 1, false), "a year before the first"),
            (lunar(2101, 1, 1, false), "a year after the last"),
            (lunar(i32::MIN, 1, 1, false), "no year"),
        ];
        for (day, what) in rows {
            assert_eq!(solar_of(day), None, "{what}");
        }
    }

    #[test]
    fn knows_the_years_1900_to_2100_only() {
        let on = |text: &str| lunar_of(text.parse().unwrap());
        assert_eq!(on("1900-01-30"), None);
        assert_eq!(on("1900-01-31"), Some(lunar(1900, 1, 1, false)));
        assert_eq!(on("2101-01-28"), Some(lunar(2100, 12, 29, false)));
        assert_eq!(on("2101-01-29"), None);
        assert_eq!(lunar_of(NaiveDate::MIN), None);
        assert_eq!(lunar_of(NaiveDate::MAX), None);
    }
}
