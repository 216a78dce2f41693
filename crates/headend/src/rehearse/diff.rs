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
