//! When a slot starts: rules, validity and exceptions turned into instants.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use loa_model::{Recurrence, Slot, SlotChange, SlotException, WallTime};

use crate::cron_line::{CronFault, CronLine};
use crate::local::{local_date, to_wall};

/// When a slot airs, in local dates and times; the time zone comes later.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    rule: Rule,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
    /// Dates taken out, and why.
    cancelled: BTreeMap<NaiveDate, String>,
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
    /// The note of the exception that cancels it.
    pub(crate) cancelled: Option<String>,
}

impl Calendar {
    pub(crate) fn new(
        recurrence: &Recurrence,
        valid_from: Option<NaiveDate>,
        valid_to: Option<NaiveDate>,
        cancelled: BTreeMap<NaiveDate, String>,
    ) -> Result<Self, Vec<CronFault>> {
        let rule = match recurrence {
            Recurrence::Cron(line) => Rule::Cron(Box::new(CronLine::parse(line)?)),
            Recurrence::Once(at) => Rule::Once(at.date(), [at.time()]),
        };
        Ok(Self {
            rule,
            valid_from,
            valid_to,
            cancelled,
        })
    }

    pub(crate) fn of_slot(slot: &Slot, exceptions: &[SlotException]) -> Result<Self, Vec<CronFault>> {
        let cancelled = exceptions
            .iter()
            .filter(|exception| exception.slot == slot.id && exception.change == SlotChange::Cancel)
            .map(|exception| (exception.date, exception.note.clone()))
            .collect();
        Self::new(&slot.recurrence, slot.valid_from, slot.valid_to, cancelled)
    }

    /// Tells whether it names this local date and is valid on it, exceptions aside.
    pub(crate) fn names(&self, date: NaiveDate) -> bool {
        let valid =
            self.valid_from.is_none_or(|from| from <= date) && self.valid_to.is_none_or(|to| date <= to);
        valid
            && match &self.rule {
                Rule::Cron(line) => line.fires_on(date),
                Rule::Once(once, _) => *once == date,
            }
    }

    pub(crate) fn airs_on(&self, date: NaiveDate) -> bool {
        self.names(date) && !self.cancelled.contains_key(&date)
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
        let first = match &self.rule {
            Rule::Once(once, _) => first.max(*once),
            Rule::Cron(_) => first.max(self.valid_from.unwrap_or(first)),
        };
        let last = self.valid_to;
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
        let mut starts: BTreeMap<WallTime, Option<String>> = BTreeMap::new();
        let eve = date - TimeDelta::days(1);
        for named in [eve, date].into_iter().filter(|named| self.names(*named)) {
            let cancelled = self.cancelled.get(&named);
            for time in self.times() {
                let at =
                    to_wall(tz, NaiveDateTime::new(named, *time)).filter(|at| local_date(tz, *at) == date);
                let Some(at) = at else { continue };
                let note = starts.entry(at).or_insert_with(|| cancelled.cloned());
                if cancelled.is_none() {
                    *note = None;
                }
            }
        }
        let start = |(at, cancelled)| Start { at, cancelled };
        starts.into_iter().map(start).collect()
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
    let calendar = Calendar::of_slot(slot, exceptions)?;
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
                due.filter(|start| start.cancelled.is_none() && start.at > after)
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
    use std::time::Duration;

    use loa_model::{BulletinClass, ProgrammeId, SlotId, ZoneId};

    fn slot(rule: &str) -> Slot {
        let recurrence = rule
            .parse()
            .map_or_else(|_| Recurrence::Cron(rule.into()), Recurrence::Once);
        Slot {
            id: SlotId(1),
            code: "s".into(),
            programme: ProgrammeId(1),
            zones: vec![ZoneId(1)],
            recurrence,
            valid_from: None,
            valid_to: None,
            class: BulletinClass::Normal,
            max_duration: Duration::from_secs(60),
        }
    }

    fn next(slot: &Slot, tz: Tz, after: &str, n: usize) -> String {
        let exception = SlotException {
            slot: SlotId(1),
            date: "2026-12-02".parse().unwrap(),
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
        short.valid_to = Some("2026-12-01".parse().unwrap());
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
            let calendar = Calendar::of_slot(&slot(rule), &[]).unwrap();
            let starts = calendar.starts_on(date.parse().unwrap(), tz);
            let texts = starts
                .iter()
                .map(|start| crate::local::to_local(tz, start.at).format("%H:%M").to_string());
            assert_eq!(texts.collect::<Vec<_>>().join(" "), expected, "{rule} on {date}");
        }
    }

    #[test]
    fn a_start_moved_past_midnight_belongs_to_the_next_date() {
        // Samoa left out 30 December 2011.
        let calendar = Calendar::of_slot(&slot("0 17 30 Dec *"), &[]).unwrap();
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
