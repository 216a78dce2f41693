//! One day: slots, exceptions and zones turned into a numbered run-sheet with reasons.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use loa_model::{
    ApprovalState, ContentHash, MakesRoom, OccurrenceId, Overrun, Profile, Programme, ProgrammeId, Reason,
    Recurrence, RunSheet, RunSheetLine, Slot, SlotException, SlotId, Source, Verdict, ZoneId, ZoneTree,
};

use crate::content::{Contents, HeardMedia};
use crate::cron_line::CronFault;
use crate::explain::{Alone, Around, alone, explain};
use crate::library::KnownLibrary;
use crate::occurrence::{Calendar, Change, Start};
use crate::profiles::{ProfilesOfDay, Says};
use crate::quiet::keep_quiet;
use crate::special::make_room;

/// All that a day is planned from.
#[derive(Clone, Copy, Debug)]
pub struct DayInputs<'a> {
    /// Every zone.
    pub tree: &'a ZoneTree,
    /// Every programme that a slot names.
    pub programmes: &'a [Programme],
    /// The library.
    pub library: &'a KnownLibrary,
    /// Every slot.
    pub slots: &'a [Slot],
    /// Every exception, in any order.
    pub exceptions: &'a [SlotException],
    /// Every day profile.
    pub profiles: &'a [Profile],
    /// What was heard where.
    pub heard: &'a HeardMedia,
    /// What may air; none where approval plays no part: when a schedule is checked.
    pub approvals: Option<&'a BTreeMap<ContentHash, ApprovalState>>,
    /// The time zone in which the slots were written.
    pub tz: Tz,
}

impl<'a> DayInputs<'a> {
    /// Tells whether the plan of a date may be another than from earlier inputs: something that it is made of is.
    pub fn differs_on(&self, date: NaiveDate, before: &DayInputs<'_>) -> bool {
        let same = self.tz == before.tz
            && self.tree == before.tree
            && self.library == before.library
            && self.programmes == before.programmes
            && self.profiles == before.profiles
            && self.approvals == before.approvals
            && (self.heard == before.heard || !self.has_series());
        if !same {
            return true;
        }
        let (mine, others) = (self.slots_by_id(), before.slots_by_id());
        let touched = |id: &SlotId| {
            let (new, old) = (mine.get(id), others.get(id));
            let airs = |(slot, exceptions): &(&Slot, Vec<&SlotException>)| {
                Calendar::new(&slot.spec).map_or(true, |calendar| {
                    let calendar = calendar.with(exceptions.iter().copied());
                    // What begins on the days beside it may run into the date, or take the air from what does.
                    let mut dates = [eve_of(date), Some(date), morrow_of(date)].into_iter().flatten();
                    dates.any(|date| !calendar.starts_on(date, self.tz).is_empty())
                })
            };
            new != old && new.into_iter().chain(old).any(airs)
        };
        mine.keys().chain(others.keys()).any(touched)
    }

    fn has_series(&self) -> bool {
        let is_series = |programme: &Programme| matches!(programme.spec.source, Source::Series { .. });
        self.programmes.iter().any(is_series)
    }

    fn exceptions_by_slot(&self) -> BTreeMap<SlotId, Vec<&'a SlotException>> {
        let mut exceptions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for exception in self.exceptions {
            exceptions.entry(exception.slot).or_default().push(exception);
        }
        exceptions
    }

    fn slots_by_id(&self) -> BTreeMap<SlotId, (&'a Slot, Vec<&'a SlotException>)> {
        let mut exceptions = self.exceptions_by_slot();
        let own = |slot: &'a Slot| (slot.id, (slot, exceptions.remove(&slot.id).unwrap_or_default()));
        self.slots.iter().map(own).collect()
    }
}

/// A day's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPlan {
    /// The run-sheet; its number is left at zero for whoever stores it.
    pub sheet: RunSheet,
    /// What could not be planned. The rest of the day stands.
    pub faults: Vec<PlanFault>,
}

/// Why a slot, or a part of it, is not in the run-sheet.
///
/// Import refuses all of these, so each one is a fault of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// The slot's cron line cannot be read.
    #[error("slot \"{slot}\" cannot be planned: its cron line is not valid ({fault})")]
    Rule {
        /// Code of the slot.
        slot: String,
        /// The first fault of the line.
        fault: CronFault,
    },
    /// The slot's programme does not exist.
    #[error("slot \"{slot}\" cannot be planned: programme {programme} does not exist")]
    UnknownProgramme {
        /// Code of the slot.
        slot: String,
        /// What it names.
        programme: ProgrammeId,
    },
    /// A zone of the slot does not exist.
    #[error("slot \"{slot}\" is not planned in zone {zone}, which does not exist")]
    UnknownZone {
        /// Code of the slot.
        slot: String,
        /// What it names.
        zone: ZoneId,
    },
    /// A zone of the slot lies inside another zone of the slot, which reaches it already.
    #[error("slot \"{slot}\" is not planned a second time in zone {zone}: another of its zones covers it")]
    CoveredZone {
        /// Code of the slot.
        slot: String,
        /// The inner zone.
        zone: ZoneId,
    },
    /// The day has more lines than a run-sheet holds; the latest are left out.
    #[error("{0} lines are left out: a run-sheet holds at most {LINES_MAX}")]
    TooManyLines(usize),
}

/// Lines in a run-sheet; bounds the plan and everything made from it.
///
/// A province of 500 zones with 20 programmes each is half of it.
pub const LINES_MAX: usize = 20_000;

/// Plans every zone's occurrences whose start lies on a local date.
///
/// The same inputs give the same plan, whatever their order. Predictions look over
/// both midnights: what the eve still airs, and what of this date meets the day after.
pub fn plan_day(inputs: &DayInputs<'_>, date: NaiveDate) -> DayPlan {
    Planner::new(*inputs).day(date)
}

/// Plans days one after another; what they have in common is read once.
pub struct Planner<'a> {
    inputs: DayInputs<'a>,
    programmes: BTreeMap<ProgrammeId, &'a Programme>,
    /// In order of id.
    slots: Vec<Planned<'a>>,
    faults: Vec<PlanFault>,
    /// The newest date's lines and its neighbours', so that days planned one after another are each made once.
    made: RefCell<BTreeMap<NaiveDate, Rc<Made>>>,
    /// The first day whose episodes those after it do not air again; none if each day stands alone.
    counts_from: Option<NaiveDate>,
    /// What was given out by the end of each day that counts.
    given: RefCell<BTreeMap<NaiveDate, Given>>,
}

/// Episodes that were given out, each where.
type Given = BTreeSet<(ZoneId, ContentHash)>;

/// A date's lines, numbered, before it is known who yields to whom.
struct Made {
    lines: Rc<[RunSheetLine]>,
    alone: Alone,
    faults: Vec<PlanFault>,
}

/// A slot and what it says of dates.
struct Planned<'a> {
    slot: &'a Slot,
    calendar: Calendar,
}

/// A line to be, before it is known what it sounds like.
struct Draft<'a> {
    slot: &'a Slot,
    zone: ZoneId,
    start: Start,
}

impl<'a> Planner<'a> {
    /// Reads what all days have in common.
    pub fn new(inputs: DayInputs<'a>) -> Self {
        let programmes = inputs
            .programmes
            .iter()
            .map(|programme| (programme.id, programme));
        let mut exceptions = inputs.exceptions_by_slot();
        let mut faults = Vec::new();
        let mut slots = Vec::new();
        for slot in inputs.slots {
            let own = exceptions.remove(&slot.id).unwrap_or_default();
            match Calendar::new(&slot.spec) {
                Ok(calendar) => slots.push(Planned {
                    slot,
                    calendar: calendar.with(own.into_iter()),
                }),
                Err(mut found) => faults.push(PlanFault::Rule {
                    slot: slot.code.clone(),
                    fault: found.remove(0),
                }),
            }
        }
        slots.sort_by_key(|planned| planned.slot.id);
        Self {
            inputs,
            programmes: programmes.collect(),
            slots,
            faults,
            made: RefCell::default(),
            counts_from: None,
            given: RefCell::default(),
        }
    }

    /// Lets each day find what the days from `today` up to it take of a series: nobody has heard that yet.
    ///
    /// A day more than a month ahead stands alone.
    pub fn counting_from(mut self, today: NaiveDate) -> Self {
        self.counts_from = self.inputs.has_series().then_some(today);
        self
    }

    /// Plans one day.
    pub fn day(&self, date: NaiveDate) -> DayPlan {
        let made = self.made(date);
        let near = |date| (date, self.made(date));
        let eve = eve_of(date).map(near).filter(|(_, eve)| eve.alone.is_late);
        let eve = eve.map(|(date, eve)| (date, Rc::clone(&eve.lines)));
        let morrow = || {
            let (date, morrow) = morrow_of(date).map(near)?;
            Some((date, Rc::clone(&morrow.lines)))
        };
        let mut lines = made.lines.to_vec();
        explain(self.around(date), eve.as_ref(), &mut lines, &made.alone, morrow);
        DayPlan {
            sheet: RunSheet {
                number: 0,
                date,
                lines,
            },
            faults: made.faults.clone(),
        }
    }

    fn around(&self, date: NaiveDate) -> Around<'_> {
        Around {
            tree: self.inputs.tree,
            tz: self.inputs.tz,
            date,
        }
    }

    /// Makes a date's lines, or finds them.
    fn made(&self, date: NaiveDate) -> Rc<Made> {
        if let Some(made) = self.made.borrow().get(&date) {
            return Rc::clone(made);
        }
        let made = Rc::new(self.make(date));
        let mut all = self.made.borrow_mut();
        all.retain(|other, _| (*other - date).num_days().abs() < MADE_DAYS);
        all.insert(date, Rc::clone(&made));
        made
    }

    fn make(&self, date: NaiveDate) -> Made {
        let inputs = &self.inputs;
        let mut faults = self.faults.clone();
        let profiles = ProfilesOfDay::new(inputs.tree, inputs.profiles, date);
        let mut drafts = Vec::new();
        for Planned { slot, calendar, .. } in &self.slots {
            if !self.programmes.contains_key(&slot.spec.programme) {
                faults.push(PlanFault::UnknownProgramme {
                    slot: slot.code.clone(),
                    programme: slot.spec.programme,
                });
                continue;
            }
            let starts = calendar.starts_on(date, inputs.tz);
            for zone in slot_zones(inputs.tree, slot, &mut faults) {
                if profiles.adds(slot, zone) {
                    let start = |start: &Start| Draft {
                        slot,
                        zone,
                        start: start.clone(),
                    };
                    drafts.extend(starts.iter().map(start));
                }
            }
        }
        drafts.sort_by_key(|draft| (draft.start.at, draft.zone, draft.slot.id));
        if drafts.len() > LINES_MAX {
            faults.push(PlanFault::TooManyLines(drafts.len() - LINES_MAX));
            drafts.truncate(LINES_MAX);
        }
        let mut contents = Contents {
            tree: inputs.tree,
            programmes: self.programmes.clone(),
            library: inputs.library,
            heard: inputs.heard,
            approvals: inputs.approvals,
            given: self.given_before(date),
        };
        let mut lines: Vec<RunSheetLine> = drafts
            .iter()
            .map(|draft| self.line(draft, &profiles, &mut contents))
            .collect();
        if self.counts_from.is_some_and(|first| first <= date) {
            self.given.borrow_mut().insert(date, contents.given);
        }
        let room = make_room(inputs.tree, &self.specials(), &mut lines);
        keep_quiet(inputs.tree, inputs.tz, &mut lines);
        lines.sort_by_key(|line| {
            let OccurrenceId { slot, zone, start } = line.occurrence;
            (line.start, zone, slot, start)
        });
        for (number, line) in (1..).zip(&mut lines) {
            line.number = number;
        }
        room.explain(&mut lines);
        for line in &mut lines {
            if line.kept_off().is_some() {
                line.verdict = Verdict::Dropped;
            }
        }
        Made {
            alone: alone(self.around(date), &lines),
            lines: lines.into(),
            faults,
        }
    }

    /// Returns what the days that count give out before a date; they are made, each once.
    fn given_before(&self, date: NaiveDate) -> Given {
        let near = |first: &NaiveDate| *first < date && (date - *first).num_days() <= COUNTED_DAYS;
        let Some(first) = self.counts_from.filter(near) else {
            return Given::new();
        };
        let last = |given: &BTreeMap<NaiveDate, Given>| {
            let last = given.range(first..date).next_back();
            last.map(|(day, given)| (*day, given.clone()))
        };
        let known = last(&self.given.borrow());
        let next = known.and_then(|(day, _)| morrow_of(day)).unwrap_or(first);
        // In order, so that each finds what its eve leaves.
        for day in next.iter_days().take_while(|day| *day < date) {
            self.made(day);
        }
        last(&self.given.borrow()).map_or_else(Given::new, |(_, given)| given)
    }

    fn specials(&self) -> BTreeMap<SlotId, MakesRoom> {
        let special = |planned: &Planned<'_>| Some((planned.slot.id, planned.slot.spec.makes_room?));
        self.slots.iter().filter_map(special).collect()
    }

    fn line(
        &self,
        draft: &Draft<'_>,
        profiles: &ProfilesOfDay<'_>,
        contents: &mut Contents<'_>,
    ) -> RunSheetLine {
        let Draft { slot, zone, start } = draft;
        let spec = &slot.spec;
        let occurrence = OccurrenceId {
            slot: slot.id,
            zone: *zone,
            start: start.at,
        };
        let mut reasons = Vec::new();
        let mut programme = self.programmes[&spec.programme];
        let planned_code = || programme.code.clone();
        let (mut limit, mut overrun) = (spec.max_duration, spec.overrun);
        let mut replaced = None;
        match &start.change {
            Change::None => {}
            Change::Cancelled(note) => reasons.push(Reason::Cancelled { note: note.clone() }),
            Change::MovedTo(to, note) => reasons.push(Reason::MovedTo {
                to: *to,
                note: note.clone(),
            }),
            Change::MovedFrom(from, note) => reasons.push(Reason::Moved {
                from: *from,
                note: note.clone(),
            }),
            Change::Trimmed(to, note) => {
                // Whoever shortens one airing wants it to end there.
                (limit, overrun) = (*to, Overrun::Stop);
                reasons.push(Reason::Trimmed {
                    limit,
                    note: note.clone(),
                });
            }
            Change::Replaced(by, note) => {
                replaced = self.programmes.get(by).copied();
                reasons.push(Reason::Replaced {
                    programme: planned_code(),
                    note: note.clone(),
                });
            }
        }
        match profiles.says_of(slot, *zone) {
            Some(Says::Muted(profile)) => reasons.push(Reason::Muted {
                profile: profile.spec.title.clone(),
            }),
            Some(Says::ReplacedBy(profile, by)) => {
                if let Some(by) = self.programmes.get(&by).copied() {
                    replaced = Some(by);
                    reasons.push(Reason::ReplacedOn {
                        profile: profile.spec.title.clone(),
                        programme: planned_code(),
                    });
                }
            }
            None => {}
        }
        programme = replaced.unwrap_or(programme);
        if let Some(profile) = profiles.own(slot) {
            reasons.push(Reason::AddedOn {
                profile: profile.spec.title.clone(),
            });
        }
        let decided = reasons.iter().any(Reason::is_decided);
        let sounds = if decided {
            // Nobody will hear it, so no episode is spent on it.
            contents.resolve_unheard(programme, occurrence)
        } else {
            contents.resolve(programme, occurrence)
        };
        let length = sounds.content.duration();
        reasons.extend(sounds.reasons);
        let (duration, cut) = within(length, limit, overrun);
        if let Some(length) = length.filter(|length| *length > limit) {
            reasons.push(if cut {
                Reason::CutAtLimit {
                    length,
                    limit: duration,
                }
            } else {
                Reason::Overruns { limit }
            });
        }
        let rule = match &spec.recurrence {
            Recurrence::Cron(line) => line.clone(),
            Recurrence::Once(at) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        };
        reasons.push(Reason::Scheduled { rule });
        RunSheetLine {
            number: 0,
            occurrence,
            slot: slot.code.clone(),
            title: programme.spec.title.clone(),
            content: sounds.content,
            duration,
            cut,
            class: spec.class,
            // What others make room for goes before them.
            order: if spec.makes_room.is_some() { 0 } else { spec.order },
            chime: programme.spec.chime,
            pre_emption: programme.spec.pre_emption,
            give_up_after: programme.spec.give_up_after,
            start: start.at,
            verdict: Verdict::Airs,
            reasons,
        }
    }
}

fn eve_of(date: NaiveDate) -> Option<NaiveDate> {
    date.checked_sub_days(Days::new(1))
}

fn morrow_of(date: NaiveDate) -> Option<NaiveDate> {
    date.checked_add_days(Days::new(1))
}

/// Returns how long something sounds in a slot, and whether it is cut there. What has no end of its own takes it all.
fn within(length: Option<Duration>, limit: Duration, overrun: Overrun) -> (Duration, bool) {
    let Some(length) = length else {
        return (limit, true);
    };
    let allowed = match overrun {
        Overrun::Stop => limit,
        Overrun::Grace(grace) => limit + grace,
        Overrun::UntilDone => length,
    };
    (length.min(allowed), length > allowed)
}

/// Returns the slot's zones, each once and none inside another.
fn slot_zones(tree: &ZoneTree, slot: &Slot, faults: &mut Vec<PlanFault>) -> Vec<ZoneId> {
    let mut zones = slot.spec.zones.clone();
    zones.sort();
    zones.dedup();
    let all = zones.clone();
    let code = || slot.code.clone();
    zones.retain(|zone| {
        if tree.get(*zone).is_none() {
            faults.push(PlanFault::UnknownZone {
                slot: code(),
                zone: *zone,
            });
            return false;
        }
        let covered = tree.chain(*zone).skip(1).any(|above| all.contains(&above.id));
        if covered {
            faults.push(PlanFault::CoveredZone {
                slot: code(),
                zone: *zone,
            });
        }
        !covered
    });
    zones
}

/// A day, its eve and the day after.
const MADE_DAYS: i64 = 3;
/// How far ahead days are looked through for what they take of a series.
const COUNTED_DAYS: i64 = 31;
