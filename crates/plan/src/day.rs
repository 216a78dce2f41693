//! One day: slots, exceptions and zones turned into a numbered run-sheet with reasons.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_model::{
    ContentHash, OccurrenceId, Programme, ProgrammeId, Reason, Recurrence, RunSheet, RunSheetLine, Slot,
    SlotException, Source, Verdict, ZoneId, ZoneTree,
};

use crate::air::{Claim, Outcome, contend, deciding_rule};
use crate::cron_line::CronFault;
use crate::occurrence::{Calendar, Start};

/// All that a day is planned from.
#[derive(Clone, Copy, Debug)]
pub struct DayInputs<'a> {
    /// Every zone.
    pub tree: &'a ZoneTree,
    /// Every programme that a slot names.
    pub programmes: &'a [Programme],
    /// How long each piece of media in the library sounds.
    pub media: &'a BTreeMap<ContentHash, Duration>,
    /// Every slot.
    pub slots: &'a [Slot],
    /// Every exception, in any order.
    pub exceptions: &'a [SlotException],
    /// The time zone in which the slots were written.
    pub tz: Tz,
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
    /// The programme's source is of a kind that cannot be planned.
    #[error("slot \"{slot}\" cannot be planned: its programme is not a file")]
    UnknownSource {
        /// Code of the slot.
        slot: String,
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
/// The same inputs give the same plan, whatever their order. Predictions look at
/// this date alone: a programme of the eve that runs past midnight is not seen.
pub fn plan_day(inputs: &DayInputs<'_>, date: NaiveDate) -> DayPlan {
    let mut faults = Vec::new();
    let programmes = inputs
        .programmes
        .iter()
        .map(|programme| (programme.id, programme));
    let programmes: BTreeMap<_, _> = programmes.collect();
    let mut slots: Vec<&Slot> = inputs.slots.iter().collect();
    slots.sort_by_key(|slot| slot.id);
    let mut lines = Vec::new();
    for slot in slots {
        match slot_starts(inputs, &programmes, slot, date) {
            Ok((planned, starts)) => {
                for zone in slot_zones(inputs.tree, slot, &mut faults) {
                    lines.extend(starts.iter().map(|start| planned.line(slot, zone, start)));
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    lines.sort_by_key(|line: &RunSheetLine| {
        let OccurrenceId { slot, zone, start } = line.occurrence;
        (start, zone, slot)
    });
    if lines.len() > LINES_MAX {
        faults.push(PlanFault::TooManyLines(lines.len() - LINES_MAX));
        lines.truncate(LINES_MAX);
    }
    for (number, line) in (1..).zip(&mut lines) {
        line.number = number;
    }
    explain(inputs.tree, &mut lines);
    DayPlan {
        sheet: RunSheet {
            number: 0,
            date,
            lines,
        },
        faults,
    }
}

/// What all lines of a slot have in common.
struct Planned<'a> {
    programme: &'a Programme,
    media: ContentHash,
    length: Option<Duration>,
}

fn slot_starts<'a>(
    inputs: &DayInputs<'_>,
    programmes: &BTreeMap<ProgrammeId, &'a Programme>,
    slot: &Slot,
    date: NaiveDate,
) -> Result<(Planned<'a>, Vec<Start>), PlanFault> {
    let code = || slot.code.clone();
    let calendar = Calendar::of_slot(slot, inputs.exceptions).map_err(|mut faults| PlanFault::Rule {
        slot: code(),
        fault: faults.remove(0),
    })?;
    let programme = programmes
        .get(&slot.programme)
        .copied()
        .ok_or_else(|| PlanFault::UnknownProgramme {
            slot: code(),
            programme: slot.programme,
        })?;
    let Source::Asset(media) = programme.source else {
        return Err(PlanFault::UnknownSource { slot: code() });
    };
    let length = inputs.media.get(&media).copied();
    let planned = Planned {
        programme,
        media,
        length,
    };
    Ok((planned, calendar.starts_on(date, inputs.tz)))
}

/// Returns the slot's zones, each once and none inside another.
fn slot_zones(tree: &ZoneTree, slot: &Slot, faults: &mut Vec<PlanFault>) -> Vec<ZoneId> {
    let mut zones = slot.zones.clone();
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

impl Planned<'_> {
    fn line(&self, slot: &Slot, zone: ZoneId, start: &Start) -> RunSheetLine {
        let mut reasons = Vec::new();
        if let Some(note) = &start.cancelled {
            reasons.push(Reason::Cancelled { note: note.clone() });
        }
        if self.length.is_none() {
            reasons.push(Reason::MediaMissing);
        }
        let cut = self.length.is_some_and(|length| length > slot.max_duration);
        if let Some(length) = self.length.filter(|_| cut) {
            reasons.push(Reason::CutAtLimit {
                length,
                limit: slot.max_duration,
            });
        }
        let rule = match &slot.recurrence {
            Recurrence::Cron(line) => line.clone(),
            Recurrence::Once(at) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        };
        reasons.push(Reason::Scheduled { rule });
        let dropped = start.cancelled.is_some() || self.length.is_none();
        RunSheetLine {
            number: 0,
            occurrence: OccurrenceId {
                slot: slot.id,
                zone,
                start: start.at,
            },
            slot: slot.code.clone(),
            title: self.programme.title.clone(),
            media: self.media,
            duration: self.length.unwrap_or_default().min(slot.max_duration),
            cut,
            class: slot.class,
            chime: self.programme.chime,
            pre_emption: self.programme.pre_emption,
            start: start.at,
            verdict: if dropped { Verdict::Dropped } else { Verdict::Airs },
            reasons,
        }
    }
}

/// Plays the lines against each other and writes down who yields to whom, and why.
fn explain(tree: &ZoneTree, lines: &mut [RunSheetLine]) {
    let contending = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.verdict == Verdict::Airs);
    let (places, claims): (Vec<usize>, Vec<Claim>) = contending
        .map(|(place, line)| {
            let claim = Claim {
                zone: line.occurrence.zone,
                start: line.start,
                duration: line.duration,
                class: line.class,
                pre_emption: line.pre_emption,
            };
            (place, claim)
        })
        .unzip();
    let numbers: Vec<u32> = places.iter().map(|place| lines[*place].number).collect();
    for (index, outcome) in contend(tree, &claims).iter().enumerate() {
        let line = &mut lines[places[index]];
        line.verdict = match (outcome.aired, outcome.losses.is_empty()) {
            (false, _) => Verdict::Dropped,
            (true, true) => Verdict::Airs,
            (true, false) => Verdict::Shifts,
        };
        let mut reasons = outcome_reasons(tree, &claims, &numbers, index, outcome);
        reasons.append(&mut line.reasons);
        line.reasons = reasons;
    }
}

fn outcome_reasons(
    tree: &ZoneTree,
    claims: &[Claim],
    numbers: &[u32],
    index: usize,
    outcome: &Outcome,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for loss in &outcome.losses {
        reasons.extend(loss.to.iter().map(|winner| Reason::YieldsTo {
            line: numbers[*winner],
            rule: deciding_rule(tree, &claims[*winner], &claims[index]),
            then: claims[index].pre_emption,
        }));
        reasons.push(Reason::OffAir {
            from: loss.from,
            back: loss.back,
            offset: loss.offset,
        });
    }
    reasons.extend(outcome.won_from.iter().map(|loser| Reason::Outranks {
        line: numbers[*loser],
        rule: deciding_rule(tree, &claims[index], &claims[*loser]),
    }));
    reasons.extend(outcome.ceded.iter().map(|(zone, winner)| Reason::CededIn {
        zone: *zone,
        line: numbers[*winner],
        rule: deciding_rule(tree, &claims[*winner], &claims[index]),
    }));
    reasons
}
