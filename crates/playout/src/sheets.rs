//! The run-sheets in force: which lines are still to come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveDate;
use loa_model::{
    Content, ContentHash, NextUp, OccurrenceId, Reason, Relay, RunSheet, RunSheetLine, WallTime, ZoneId,
};

use crate::settings::PREPARE;

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
        let decided = |line: &RunSheetLine| line.reasons.iter().any(Reason::is_decided);
        let lines = sheet.lines.iter().filter(|line| !decided(line));
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
            let lead = if line.chime.before { chime } else { Duration::ZERO };
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
        soon.filter(|(_, line)| line.kept_off().is_none())
            .flat_map(|(_, line)| line.content.media_between(Duration::ZERO, PREPARE))
    }

    /// Walks the relays of lines that begin by `by`.
    pub(crate) fn relays_by(&self, by: WallTime) -> impl Iterator<Item = (OccurrenceId, &Relay, &str)> {
        let soon = self.upcoming.iter().take_while(move |((from, _), _)| *from <= by);
        soon.filter(|(_, line)| line.kept_off().is_none())
            .filter_map(|((_, occurrence), line)| match &line.content {
                Content::Relay(relay) => Some((*occurrence, relay, line.title.as_str())),
                _ => None,
            })
    }

    /// Tells whether an occurrence is still to come.
    pub(crate) fn is_upcoming(&self, occurrence: OccurrenceId) -> bool {
        self.upcoming.keys().any(|(_, upcoming)| *upcoming == occurrence)
    }

    /// Returns when the first line after `by` begins to sound.
    pub(crate) fn next_after(&self, by: WallTime) -> Option<WallTime> {
        self.upcoming
            .keys()
            .map(|(from, _)| *from)
            .find(|from| *from > by)
    }

    /// Returns when the first relay after `by` begins to sound.
    pub(crate) fn next_relay_after(&self, by: WallTime) -> Option<WallTime> {
        let relays = self
            .upcoming
            .iter()
            .filter(|(_, line)| matches!(line.content, Content::Relay(_)));
        relays.map(|((from, _), _)| *from).find(|from| *from > by)
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

/// Yesterday, today and tomorrow, and one that is being replaced.
const DATES_MAX: usize = 4;
