//! A day beside the same day a week before.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Tz;
use loa_model::{RunSheet, RunSheetLine, Verdict, ZoneId};
use loa_plan::local;
use serde::Serialize;

/// What is otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// It airs on this day alone.
    Added {
        /// Number of its line.
        line: u32,
    },
    /// It aired on the other day alone.
    Gone {
        /// Code of its slot.
        slot: String,
        /// Name of the programme.
        title: String,
        /// The zone.
        zone: ZoneId,
        /// When it aired.
        time: NaiveTime,
    },
    /// It airs on both, otherwise.
    Changed {
        /// Number of its line.
        line: u32,
        /// Name of the programme on the other day.
        title: String,
        /// When it began.
        time: NaiveTime,
        /// How long it was.
        duration: Duration,
        /// Whether it aired.
        verdict: Verdict,
    },
}

/// Compares a day with another, line by line: by slot, zone and time of day.
pub fn diff(sheet: &RunSheet, other: &RunSheet, tz: Tz) -> Vec<Difference> {
    let key = |line: &RunSheetLine| {
        // As its rule has it: what makes room for another is the same occurrence.
        let time = local::to_local(tz, line.occurrence.start).time();
        (time, line.occurrence.zone, line.slot.clone())
    };
    let mut before: BTreeMap<_, &RunSheetLine> = other.lines.iter().map(|line| (key(line), line)).collect();
    let mut found = Vec::new();
    for line in &sheet.lines {
        match before.remove(&key(line)) {
            None => found.push(Difference::Added { line: line.number }),
            Some(was) => {
                let begins = |line: &RunSheetLine| local::to_local(tz, line.start).time();
                let said =
                    |line: &RunSheetLine| (line.title.clone(), begins(line), line.duration, line.verdict);
                let same = said(was) == said(line);
                found.extend((!same).then(|| Difference::Changed {
                    line: line.number,
                    title: was.title.clone(),
                    time: begins(was),
                    duration: was.duration,
                    verdict: was.verdict,
                }));
            }
        }
    }
    found.extend(
        before
            .into_iter()
            .map(|((time, zone, slot), line)| Difference::Gone {
                slot,
                title: line.title.clone(),
                zone,
                time,
            }),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, TimeDelta};
    use loa_model::{
        BulletinClass, Chime, Content, ContentHash, ORDER_DEFAULT, OccurrenceId, PreEmption, SlotId,
    };

    /// When its rule has it and when it begins, what it is, for how many minutes, and whether it airs.
    type Line = (&'static str, &'static str, &'static str, u64, Verdict);

    const TZ: Tz = Tz::Asia__Ho_Chi_Minh;

    fn sheet(date: NaiveDate, lines: &[Line]) -> RunSheet {
        let at = |clock: &str| local::to_wall(TZ, date.and_time(clock.parse().unwrap())).unwrap();
        let line = |(number, (rule, start, title, minutes, verdict)): (u32, &Line)| {
            let duration = Duration::from_secs(minutes * 60);
            RunSheetLine {
                number,
                occurrence: OccurrenceId {
                    slot: SlotId(1),
                    zone: ZoneId(1),
                    start: at(rule),
                },
                slot: "s".to_owned(),
                title: (*title).to_owned(),
                content: Content::piece(ContentHash([1; 32]), duration),
                duration,
                cut: false,
                class: BulletinClass::Normal,
                order: ORDER_DEFAULT,
                chime: Chime::default(),
                pre_emption: PreEmption::Resume,
                give_up_after: None,
                start: at(start),
                verdict: *verdict,
                reasons: Vec::new(),
            }
        };
        RunSheet {
            number: 0,
            date,
            lines: (1..).zip(lines).map(line).collect(),
        }
    }

    fn told(difference: &Difference) -> String {
        match difference {
            Difference::Added { line } => format!("+{line}"),
            Difference::Gone { title, time, .. } => format!("-{title} {time}"),
            Difference::Changed {
                line,
                title,
                time,
                duration,
                verdict,
            } => format!("~{line} was {title} {time} {}s {verdict:?}", duration.as_secs()),
        }
    }

    /// Each row: a day a week ago, the day, and what is otherwise.
    #[test]
    fn a_day_is_compared_with_the_same_day_a_week_before() {
        use Verdict::{Airs, Dropped};
        let news: Line = ("05:00:00", "05:00:00", "News", 15, Airs);
        let music: Line = ("17:00:00", "17:00:00", "Music", 40, Airs);
        let rows: &[(&str, &[Line], &[Line], &str)] = &[
            ("nothing", &[news, music], &[news, music], ""),
            ("one more", &[news], &[news, music], "+2"),
            ("one less", &[news, music], &[music], "-News 05:00:00"),
            (
                "another hour is another line",
                &[news],
                &[("06:00:00", "06:00:00", "News", 15, Airs)],
                "+1 -News 05:00:00",
            ),
            (
                "pushed back by a special",
                &[music],
                &[("17:00:00", "17:10:00", "Music", 40, Airs)],
                "~1 was Music 17:00:00 2400s Airs",
            ),
            (
                "another programme",
                &[news],
                &[("05:00:00", "05:00:00", "Weather", 15, Airs)],
                "~1 was News 05:00:00 900s Airs",
            ),
            (
                "shorter",
                &[news],
                &[("05:00:00", "05:00:00", "News", 10, Airs)],
                "~1 was News 05:00:00 900s Airs",
            ),
            (
                "dropped a week ago",
                &[("05:00:00", "05:00:00", "News", 15, Dropped)],
                &[news],
                "~1 was News 05:00:00 900s Dropped",
            ),
            ("an empty week before", &[], &[news], "+1"),
            ("an empty day", &[news], &[], "-News 05:00:00"),
        ];
        let date: NaiveDate = "2026-12-09".parse().unwrap();
        for (what, before, after, expected) in rows {
            let week_before = sheet(date - TimeDelta::days(7), before);
            let found = diff(&sheet(date, after), &week_before, TZ);
            let found: Vec<_> = found.iter().map(told).collect();
            assert_eq!(found.join(" "), *expected, "{what}");
        }
    }
}
