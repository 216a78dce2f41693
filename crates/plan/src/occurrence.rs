//! When a slot starts: rules, validity and exceptions turned into instants.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use loa_model::{ProgrammeId, Recurrence, Slot, SlotChange, SlotException, SlotSpec, WallTime};

use crate::cron_line::{CronFault, CronLine};
use crate::local::{local_date, to_wall};

/// When a slot airs, in local dates and times; the time zone comes later.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    rule: Rule,
    every_weeks: Option<u8>,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
    /// What is otherwise on single dates: for all that its rule has there, or for one time of day.
    exceptions: BTreeMap<(NaiveDate, Option<NaiveTime>), (SlotChange<ProgrammeId>, String)>,
}

#[derive(Clone, Debug)]
enum Rule {
    Cron(Box<CronLine>),
    Once(NaiveDate, [NaiveTime; 1]),
}

/// One start on a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) at: WallTime,
    pub(crate) change: Change,
}

/// What an exception makes of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is as its rule has it.
    None,
    /// It does not air.
    Cancelled(String),
    /// It airs at another time.
    MovedTo(WallTime, String),
    /// Its rule has it at another time.
    MovedFrom(WallTime, String),
    /// Another programme airs.
    Replaced(ProgrammeId, String),
    /// It is shorter.
    Trimmed(Duration, String),
}

impl Change {
    /// Tells whether nothing airs there.
    pub(crate) const fn is_off(&self) -> bool {
        matches!(self, Self::Cancelled(_) | Self::MovedTo(..))
    }
}

impl Calendar {
    pub(crate) fn new<P, Z, D>(spec: &SlotSpec<P, Z, D>) -> Result<Self, Vec<CronFault>> {
        let rule = match &spec.recurrence {
            Recurrence::Cron(line) => Rule::Cron(Box::new(CronLine::parse(line)?)),
            Recurrence::Once(at) => Rule::Once(at.date(), [at.time()]),
        };
        Ok(Self {
            rule,
            every_weeks: spec.every_weeks,
            valid_from: spec.valid_from,
            valid_to: spec.valid_to,
            exceptions: BTreeMap::new(),
        })
    }

    /// Takes the exceptions of one slot.
    pub(crate) fn with<'a>(mut self, exceptions: impl Iterator<Item = &'a SlotException>) -> Self {
        self.exceptions.extend(exceptions.map(|exception| {
            let key = (exception.date, exception.time);
            (key, (exception.change, exception.note.clone()))
        }));
        self
    }

    /// Tells whether it names this local date and is valid on it, exceptions aside.
    pub(crate) fn names(&self, date: NaiveDate) -> bool {
        let valid =
            self.valid_from.is_none_or(|from| from <= date) && self.valid_to.is_none_or(|to| date <= to);
        valid
            && self.is_its_week(date)
            && match &self.rule {
                Rule::Cron(line) => line.fires_on(date),
                Rule::Once(once, _) => *once == date,
            }
    }

    /// Weeks begin on Monday.
    fn is_its_week(&self, date: NaiveDate) -> bool {
        let (Some(every), Some(from)) = (self.every_weeks, self.valid_from) else {
            return true;
        };
        let monday =
            |date: NaiveDate| date - TimeDelta::days(i64::from(date.weekday().num_days_from_monday()));
        let weeks = (monday(date) - monday(from)).num_weeks();
        weeks.rem_euclid(i64::from(every.max(1))) == 0
    }

    /// Tells whether something airs on a date.
    fn airs_on(&self, date: NaiveDate) -> bool {
        let cancelled = matches!(
            self.exceptions.get(&(date, None)),
            Some((SlotChange::Cancel | SlotChange::Move(_), _))
        );
        let moved = self
            .exceptions
            .values()
            .any(|(change, _)| matches!(change, SlotChange::Move(to) if to.date() == date));
        moved || (self.names(date) && !cancelled)
    }

    /// Returns local times of day, the same on each date, earliest first.
    pub(crate) fn times(&self) -> &[NaiveTime] {
        match &self.rule {
            Rule::Cron(line) => line.times(),
            Rule::Once(_, times) => times,
        }
    }

    /// Returns the dates on which it can air, from `first` on, for as long as patterns take to repeat.
    pub(crate) fn dates_from(&self, first: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let moved = self.exceptions.values().filter_map(|(change, _)| match change {
            SlotChange::Move(to) => Some(to.date()),
            _ => None,
        });
        let first = match &self.rule {
            Rule::Once(once, _) => first.max(moved.clone().fold(*once, NaiveDate::min)),
            Rule::Cron(_) => first.max(self.valid_from.unwrap_or(first)),
        };
        let last = self.valid_to.map(|to| moved.fold(to, NaiveDate::max));
        let dates = first.iter_days().take(REPEAT_DAYS);
        dates
            .take_while(move |date| last.is_none_or(|last| *date <= last))
            .filter(|date| self.airs_on(*date))
    }

    /// Returns every start whose instant lies on this local date, cancelled ones too, earliest first.
    ///
    /// A start that a clock change moves past midnight belongs to the date it
    /// is moved to. Several that a gap moves to one instant are one start.
    pub(crate) fn starts_on(&self, date: NaiveDate, tz: Tz) -> Vec<Start> {
        let mut starts: BTreeMap<WallTime, Change> = BTreeMap::new();
        let eve = date - TimeDelta::days(1);
        for named in [eve, date].into_iter().filter(|named| self.names(*named)) {
            for time in self.times() {
                let at =
                    to_wall(tz, NaiveDateTime::new(named, *time)).filter(|at| local_date(tz, *at) == date);
                let Some(at) = at else { continue };
                let change = self.change(named, *time, tz);
                let kept = starts.entry(at).or_insert_with(|| change.clone());
                if kept.is_off() {
                    *kept = change;
                }
            }
        }
        starts.extend(self.moved_to(date, tz));
        let start = |(at, change)| Start { at, change };
        starts.into_iter().map(start).collect()
    }

    fn change(&self, date: NaiveDate, time: NaiveTime, tz: Tz) -> Change {
        let exact = self.exceptions.get(&(date, Some(time)));
        let Some((change, note)) = exact.or_else(|| self.exceptions.get(&(date, None))) else {
            return Change::None;
        };
        let note = note.clone();
        match change {
            SlotChange::Cancel => Change::Cancelled(note),
            SlotChange::Move(to) => match to_wall(tz, *to) {
                Some(to) => Change::MovedTo(to, note),
                None => Change::Cancelled(note),
            },
            SlotChange::Replace(programme) => Change::Replaced(*programme, note),
            SlotChange::Trim(limit) => Change::Trimmed(*limit, note),
        }
    }

    /// Walks what exceptions move to this date.
    fn moved_to(&self, date: NaiveDate, tz: Tz) -> impl Iterator<Item = (WallTime, Change)> {
        let moves = self
            .exceptions
            .iter()
            .filter_map(move |((from, time), (change, note))| match change {
                SlotChange::Move(to) if to.date() == date && self.names(*from) => {
                    Some((*from, *time, *to, note.clone()))
                }
                _ => None,
            });
        moves.filter_map(move |(from, time, to, note)| {
            let time = time.or_else(|| self.times().first().copied())?;
            let from = to_wall(tz, NaiveDateTime::new(from, time))?;
            Some((to_wall(tz, to)?, Change::MovedFrom(from, note)))
        })
    }
}

/// Returns the next starts of a slot after an instant, at most `n` and at most 1,000.
///
/// Exceptions are left out. Fewer come back when the slot ends, or names no more
/// dates in the eight years in which calendars repeat.
///
/// # Errors
///
/// The slot's cron line is not one that schedule files accept.
pub fn next_starts(
    slot: &Slot,
    exceptions: &[SlotException],
    tz: Tz,
    after: WallTime,
    n: usize,
) -> Result<Vec<WallTime>, Vec<CronFault>> {
    let own = exceptions.iter().filter(|exception| exception.slot == slot.id);
    let calendar = Calendar::new(&slot.spec)?.with(own);
    let n = n.min(NEXT_STARTS_MAX);
    let mut starts = Vec::new();
    let first = local_date(tz, after);
    // The eve's starts may be moved past midnight, onto a date that the rule does not name.
    let dates = calendar.dates_from(first - TimeDelta::days(1));
    let mut seen = first - TimeDelta::days(1);
    for named in dates {
        for date in [named, named + TimeDelta::days(1)] {
            if date <= seen {
                continue;
            }
            seen = date;
            let due = calendar.starts_on(date, tz).into_iter();
            starts.extend(
                due.filter(|start| !start.change.is_off() && start.at > after)
                    .map(|start| start.at),
            );
        }
        if starts.len() >= n {
            break;
        }
    }
    starts.truncate(n);
    Ok(starts)
}

/// No list shown to people is longer.
const NEXT_STARTS_MAX: usize = 1_000;
/// A 29 February may be eight years away (1896 to 1904, and 2096 to 2104).
const REPEAT_DAYS: usize = 8 * 366;

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{BulletinClass, ORDER_DEFAULT, Overrun, SlotId, ZoneId};

    fn slot(rule: &str) -> Slot {
        let recurrence = rule
            .parse()
            .map_or_else(|_| Recurrence::Cron(rule.into()), Recurrence::Once);
        Slot {
            id: SlotId(1),
            code: "s".into(),
            spec: SlotSpec {
                programme: ProgrammeId(1),
                zones: vec![ZoneId(1)],
                recurrence,
                every_weeks: None,
                valid_from: None,
                valid_to: None,
                profile: None,
                class: BulletinClass::Normal,
                order: ORDER_DEFAULT,
                max_duration: Duration::from_secs(60),
                overrun: Overrun::Stop,
                makes_room: None,
            },
        }
    }

    fn next(slot: &Slot, tz: Tz, after: &str, n: usize) -> String {
        let exception = SlotException {
            slot: SlotId(1),
            date: "2026-12-02".parse().unwrap(),
            time: None,
            change: SlotChange::Cancel,
            note: String::new(),
        };
        let after = to_wall(tz, after.parse().unwrap()).unwrap();
        let starts = next_starts(slot, &[exception], tz, after, n).unwrap();
        let texts = starts
            .into_iter()
            .map(|at| crate::local::to_local(tz, at).format("%m-%dT%H:%M").to_string());
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn next_starts_leave_out_exceptions_and_the_instant_itself() {
        let tz = Tz::Asia__Ho_Chi_Minh;
        let evening = slot("0 17 * * *");
        assert_eq!(
            next(&evening, tz, "2026-11-30T17:00:00", 3),
            "12-01T17:00 12-03T17:00 12-04T17:00"
        );
        assert_eq!(next(&evening, tz, "2026-11-30T16:59:59", 1), "11-30T17:00");
        assert_eq!(next(&slot("0 0 30 Feb *"), tz, "2026-11-30T00:00:00", 3), "");
        assert_eq!(
            next(&slot("0 5 29 Feb *"), tz, "2026-11-30T00:00:00", 3),
            "02-29T05:00 02-29T05:00"
        );
        assert_eq!(
            next(&slot("2026-12-01T05:00:00"), tz, "2026-11-30T00:00:00", 3),
            "12-01T05:00"
        );
        assert_eq!(
            next(&slot("2026-12-01T05:00:00"), tz, "2026-12-02T00:00:00", 3),
            ""
        );
        let mut short = slot("0 17 * * *");
        short.spec.valid_to = Some("2026-12-01".parse().unwrap());
        assert_eq!(next(&short, tz, "2026-11-30T17:00:00", 3), "12-01T17:00");
    }

    /// Each row: rule, date, and what starts on it. New York's clocks change on 8 March and 1 November 2026.
    #[test]
    fn clock_changes_lose_no_start_and_double_none() {
        let rows = [
            ("30 2 * * *", "2026-03-08", "03:00"),
            ("*/20 2 * * *", "2026-03-08", "03:00"),
            ("*/30 1-3 * * *", "2026-03-08", "01:00 01:30 03:00 03:30"),
            ("30 1 * * *", "2026-11-01", "01:30"),
            ("0 1,2 * * *", "2026-11-01", "01:00 02:00"),
            ("30 2 * * *", "2026-03-09", "02:30"),
        ];
        let tz = Tz::America__New_York;
        for (rule, date, expected) in rows {
            let calendar = Calendar::new(&slot(rule).spec).unwrap();
            let starts = calendar.starts_on(date.parse().unwrap(), tz);
            let texts = starts
                .iter()
                .map(|start| crate::local::to_local(tz, start.at).format("%H:%M").to_string());
            assert_eq!(texts.collect::<Vec<_>>().join(" "), expected, "{rule} on {date}");
        }
    }

    /// Each row: the exceptions of 30 November 2026, a Monday, and what `*/30 17 * * *` airs then and on the day after.
    #[test]
    fn exceptions_change_one_date_or_one_time_and_leave_the_series() {
        let at = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let half: NaiveTime = "17:30:00".parse().unwrap();
        let rows: [(Option<NaiveTime>, SlotChange<ProgrammeId>, &str); 5] = [
            (None, SlotChange::Cancel, "17:00x 17:30x | 17:00 17:30"),
            (Some(half), SlotChange::Cancel, "17:00 17:30x | 17:00 17:30"),
            (
                Some(half),
                SlotChange::Move(at("2026-11-30T18:00:00")),
                "17:00 17:30x 18:00 | 17:00 17:30",
            ),
            (
                Some(half),
                SlotChange::Move(at("2026-12-01T06:00:00")),
                "17:00 17:30x | 06:00 17:00 17:30",
            ),
            (
                Some(half),
                SlotChange::Trim(Duration::from_secs(9)),
                "17:00 17:30 | 17:00 17:30",
            ),
        ];
        let tz = Tz::Asia__Ho_Chi_Minh;
        for (time, change, expected) in rows {
            let exception = SlotException {
                slot: SlotId(1),
                date: "2026-11-30".parse().unwrap(),
                time,
                change,
                note: String::new(),
            };
            let calendar = Calendar::new(&slot("*/30 17 * * *").spec)
                .unwrap()
                .with([&exception].into_iter());
            let day = |date: &str| {
                let starts = calendar.starts_on(date.parse().unwrap(), tz).into_iter();
                let texts = starts.map(|start| {
                    let off = if start.change.is_off() { "x" } else { "" };
                    format!("{}{off}", crate::local::to_local(tz, start.at).format("%H:%M"))
                });
                texts.collect::<Vec<_>>().join(" ")
            };
            assert_eq!(
                format!("{} | {}", day("2026-11-30"), day("2026-12-01")),
                expected,
                "{change:?}"
            );
        }
    }

    #[test]
    fn every_second_week_counts_from_the_week_it_is_valid_from() {
        let mut fortnightly = slot("0 17 * * Mon");
        fortnightly.spec.every_weeks = Some(2);
        fortnightly.spec.valid_from = Some("2026-12-02".parse().unwrap());
        let expected = "12-14T17:00 12-28T17:00 01-11T17:00";
        assert_eq!(next(&fortnightly, Tz::UTC, "2026-11-30T00:00:00", 3), expected);
    }

    #[test]
    fn a_start_moved_past_midnight_belongs_to_the_next_date() {
        // Samoa left out 30 December 2011.
        let calendar = Calendar::new(&slot("0 17 30 Dec *").spec).unwrap();
        let count = |date: &str| calendar.starts_on(date.parse().unwrap(), Tz::Pacific__Apia).len();
        assert_eq!((count("2011-12-30"), count("2011-12-31")), (0, 1));
        assert_eq!(
            next(
                &slot("0 17 30 Dec *"),
                Tz::Pacific__Apia,
                "2011-12-29T12:00:00",
                1
            ),
            "12-31T00:00"
        );
    }
}
