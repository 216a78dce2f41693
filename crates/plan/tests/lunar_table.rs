//! The lunar calendar against a published table: every day of two centuries, both ways.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{Days, NaiveDate};
use loa_plan::{LunarDate, lunar_of, solar_of};

const TABLE: &str = include_str!("lunar-years.txt");

struct Year {
    year: i32,
    tet: NaiveDate,
    leap: u8,
    lengths: Vec<u8>,
}

fn years() -> Vec<Year> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let words: Vec<&str> = row.split(' ').collect();
        Year {
            year: words[0].parse().unwrap(),
            tet: words[1].parse().unwrap(),
            leap: words[2].parse().unwrap(),
            lengths: words[3].chars().map(|c| if c == '1' { 30 } else { 29 }).collect(),
        }
    })
    .collect()
}

impl Year {
    /// Its months in the order they pass: number, leap, length.
    fn months(&self) -> Vec<(u8, bool, u8)> {
        let mut names: Vec<(u8, bool)> = (1..=12).map(|month| (month, false)).collect();
        if self.leap > 0 {
            names.insert(usize::from(self.leap), (self.leap, true));
        }
        assert_eq!(names.len(), self.lengths.len(), "{}", self.year);
        let months = names.into_iter().zip(&self.lengths);
        months
            .map(|((month, leap), length)| (month, leap, *length))
            .collect()
    }
}

#[test]
fn every_day_is_the_one_in_the_published_table() {
    let years = years();
    assert_eq!(years.len(), 201);
    let mut date: NaiveDate = "1900-01-31".parse().unwrap();
    let mut days = 0;
    for row in &years {
        assert_eq!(date, row.tet, "the year before {} does not end at Tết", row.year);
        for (month, leap, length) in row.months() {
            for day in 1..=length {
                let lunar = LunarDate {
                    year: row.year,
                    month,
                    day,
                    leap,
                };
                assert_eq!(lunar_of(date), Some(lunar), "{date}");
                assert_eq!(solar_of(lunar), Some(date), "{lunar:?}");
                date = date + Days::new(1);
                days += 1;
            }
            let beyond = LunarDate {
                year: row.year,
                month,
                day: length + 1,
                leap,
            };
            assert_eq!(solar_of(beyond), None, "{beyond:?}");
        }
    }
    assert_eq!(date.to_string(), "2101-01-29");
    assert_eq!(days, 73_412);
}

#[test]
fn a_year_has_no_leap_month_but_its_own() {
    for row in years() {
        for month in (1..=12).filter(|month| *month != row.leap) {
            let lunar = LunarDate {
                year: row.year,
                month,
                day: 1,
                leap: true,
            };
            assert_eq!(solar_of(lunar), None, "{lunar:?}");
        }
    }
}
