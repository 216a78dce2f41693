//! The run-sheets in force: which lines are still to come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveDate;
use loa_model::{ContentHash, NextUp, OccurrenceId, Reason, RunSheet, RunSheetLine, WallTime, ZoneId};

/// Lines of the dates in force that have not begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheets {
    /// By when they begin to sound, chime included.
    upcoming: BTreeMap<(WallTime, OccurrenceId), RunSheetLine>,
    dates: BTreeMap<NaiveDate, BTreeSet<OccurrenceId>>,
    number: u32,
}

/// What a new run-sheet changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// Whether the date had no run-sheet before.
    pub(crate) first: bool,
    /// Occurrences that were planned and are no more.
    pub(crate) gone: BTreeSet<OccurrenceId>,
    /// Occurrences that were not planned before.
    pub(crate) new: BTreeSet<OccurrenceId>,
    /// Occurrences that are planned.
    pub(crate) planned: BTreeSet<OccurrenceId>,
}

impl Sheets {
    /// Takes a date's run-sheet in the place of an earlier one; `done` have begun or are over.
    pub(crate) fn take(
        &mut self,
        sheet: &RunSheet,
        chime: Duration,
        done: &BTreeMap<OccurrenceId, WallTime>,
    ) -> Change {
        let lines = sheet.lines.iter().filter(|line| !is_cancelled(line));
        let planned: BTreeSet<_> = lines.clone().map(|line| line.occurrence).collect();
        let before = self.dates.insert(sheet.date, planned.clone());
        while self.dates.len() > DATES_MAX {
            self.dates.pop_first();
        }
        self.number = sheet.number;
        let change = Change {
            first: before.is_none(),
            gone: before
                .iter()
                .flatten()
                .filter(|occurrence| !planned.contains(occurrence))
                .copied()
                .collect(),
            new: planned
                .iter()
                .filter(|occurrence| !before.iter().flatten().any(|o| o == *occurrence))
                .copied()
                .collect(),
            planned,
        };
        let before = before.unwrap_or_default();
        self.upcoming.retain(|(_, occurrence), _| {
            !before.contains(occurrence) && !change.planned.contains(occurrence)
        });
        for line in lines.filter(|line| !done.contains_key(&line.occurrence)) {
            let lead = if line.chime { chime } else { Duration::ZERO };
            self.upcoming
                .insert((line.start - lead, line.occurrence), line.clone());
        }
        change
    }

    /// Takes off the first line that begins by `by`.
    pub(crate) fn next_by(&mut self, by: WallTime) -> Option<(WallTime, RunSheetLine)> {
        let entry = self.upcoming.first_entry().filter(|entry| entry.key().0 <= by)?;
        let ((from, _), line) = entry.remove_entry();
        Some((from, line))
    }

    /// Returns when the next line begins to sound.
    pub(crate) fn next_from(&self) -> Option<WallTime> {
        self.upcoming.keys().next().map(|(from, _)| *from)
    }

    /// Walks the media of lines that begin by `by`.
    pub(crate) fn media_by(&self, by: WallTime) -> impl Iterator<Item = ContentHash> {
        let soon = self.upcoming.iter().take_while(move |((from, _), _)| *from <= by);
        soon.filter(|(_, line)| !is_missing(line))
            .map(|(_, line)| line.media)
    }

    /// Returns when the first line after `by` begins to sound.
    pub(crate) fn next_after(&self, by: WallTime) -> Option<WallTime> {
        self.upcoming
            .keys()
            .map(|(from, _)| *from)
            .find(|from| *from > by)
    }

    /// Returns the next line for each zone that its own group will carry.
    pub(crate) fn next_up(&self) -> BTreeMap<ZoneId, NextUp> {
        let mut next = BTreeMap::new();
        for line in self.upcoming.values() {
            next.entry(line.occurrence.zone).or_insert_with(|| NextUp {
                line: line.number,
                from: line.occurrence.zone,
                start: line.start,
                title: line.title.clone(),
                class: line.class,
            });
        }
        next
    }

    /// Returns the number of the newest run-sheet.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }
}

fn is_cancelled(line: &RunSheetLine) -> bool {
    line.reasons
        .iter()
        .any(|reason| matches!(reason, Reason::Cancelled { .. }))
}

/// Tells whether the library lacks what the line is to air.
pub(crate) fn is_missing(line: &RunSheetLine) -> bool {
    line.reasons.contains(&Reason::MediaMissing)
}

/// Yesterday, today and tomorrow, and one that is being replaced.
const DATES_MAX: usize = 4;
