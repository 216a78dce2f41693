//! What the panel may ask of the station about its schedule: days as they are planned, changes by hand, rehearsals.

use std::time::Duration;

use chrono::NaiveDate;
use loa_model::{BulletinClass, Edit, ProgrammeId, RunSheet, SlotId, WallTime, ZoneId};

use crate::console::{Answer, AsRunDay};

/// The schedule of the station as the panel sees it; a part of [`Console`](crate::Console).
///
/// Whether somebody may change what airs in a zone is decided by the panel before it asks.
pub trait Schedules: Send + Sync + 'static {
    /// Returns the plan of a date: the newest in force if there was one, else as it would be planned now. None for a
    /// past date that never had one.
    fn planned(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>>;
    /// Returns the plans of dates one after another, at most a fortnight, as [`planned`](Self::planned) does; those
    /// that never had one are left out.
    fn planned_days(&self, first: NaiveDate, days: u8) -> Answer<'_, Vec<RunSheet>>;
    /// Returns a slot.
    fn slot(&self, id: SlotId) -> Answer<'_, Option<SlotItem>>;
    /// Returns every programme that can be put into the schedule, in order of title.
    fn programmes(&self) -> Answer<'_, Vec<ProgrammeItem>>;
    /// Works out what a change would lead to; changes nothing.
    fn foresee<'a>(&'a self, edit: &'a Edit) -> Answer<'a, Consequence>;
    /// Makes a change of `by`, if it still leads to what was seen. Returns its number.
    fn save_edit<'a>(&'a self, edit: &'a Edit, seen: &'a str, by: &'a str) -> Answer<'a, i64>;
    /// Returns a change that was made.
    fn saved_edit(&self, number: i64) -> Answer<'_, Option<SavedEdit>>;
    /// Takes a change back.
    fn undo_edit<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()>;
    /// Returns what was really aired from one date to another, both included.
    fn as_run_days(&self, first: NaiveDate, last: NaiveDate) -> Answer<'_, AsRunDay>;
    /// Runs a date through the engine before it comes, and tells what somebody should look at in a zone and below it,
    /// or everywhere, in the language of this code.
    fn rehearse<'a>(
        &'a self,
        date: NaiveDate,
        zone: Option<ZoneId>,
        lang: &'a str,
    ) -> Answer<'a, RehearsalItem>;
}

/// A slot, as a form about it shows it.
#[derive(Clone, Debug)]
pub struct SlotItem {
    /// Which.
    pub id: SlotId,
    /// Its code.
    pub code: String,
    /// Name of its programme.
    pub title: String,
    /// Where it airs.
    pub zones: Vec<ZoneId>,
    /// In which class.
    pub class: BulletinClass,
    /// Its rule as it is written.
    pub rule: String,
    /// Whether it airs once only.
    pub once: bool,
    /// It may sound for this long.
    pub max_duration: Duration,
    /// Name of the schedule file that declares it; none if it was made or changed in the panel.
    pub file: Option<String>,
}

/// A programme that can be put into the schedule.
#[derive(Clone, Debug)]
pub struct ProgrammeItem {
    /// Which.
    pub id: ProgrammeId,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// How long it sounds, where that is known.
    pub duration: Option<Duration>,
}

/// What a change would lead to.
#[derive(Clone, Debug)]
pub struct Consequence {
    /// The days that it was looked for in, earliest first.
    pub days: Vec<ChangedDay>,
    /// Stands for all of it: whoever saves shows that they saw this.
    pub seen: String,
    /// The zones of every slot that is changed.
    pub zones: Vec<ZoneId>,
}

/// A day, as it is and as it would be.
#[derive(Clone, Debug)]
pub struct ChangedDay {
    /// As it is planned.
    pub before: RunSheet,
    /// As it would be planned.
    pub after: RunSheet,
    /// Numbers of the lines that are otherwise, before and after.
    pub changes: Vec<(Option<u32>, Option<u32>)>,
    /// Numbers of the lines, after, that no schedule file may have either. With one of them, nothing is saved.
    pub clashes: Vec<u32>,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct SavedEdit {
    /// Its number.
    pub number: i64,
    /// The zones that it is about.
    pub zones: Vec<ZoneId>,
    /// Whether it is about an emergency.
    pub emergency: bool,
    /// Until when it can be taken back; none if it was.
    pub until: Option<WallTime>,
}

/// What a rehearsal found.
#[derive(Clone, Debug)]
pub struct RehearsalItem {
    /// How many lines were looked at.
    pub lines: usize,
    /// What was found, and the remedy.
    pub findings: Vec<(String, String)>,
    /// What is otherwise than a week before.
    pub since: Vec<String>,
}
