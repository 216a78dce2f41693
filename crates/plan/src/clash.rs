//! Slots that want the same air at the same time, found by planning the days to come.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use loa_model::{PreEmption, Reason, RunSheet, RunSheetLine, TieRule};

use crate::content::HeardMedia;
use crate::day::Planner;
use crate::diagnostic::{Diagnostic, Place};
use crate::local::to_local;
use crate::merge::Merged;
use crate::resolve::Known;

/// Plans the next days and tells, for each pair of slots of which one is new, who gives way to whom.
///
/// Nothing decides between two slots of one class in zones of one level but which came first: that is never meant,
/// and refused. `places` says where the new slots are written.
pub(crate) fn clashes(
    merged: &Merged,
    known: &Known<'_>,
    places: &BTreeMap<&str, &Place>,
) -> Vec<Diagnostic> {
    let heard = HeardMedia::default();
    let planner = Planner::new(merged.inputs(known, &heard));
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for day in 0..DAYS {
        let Some(date) = known.today.checked_add_days(Days::new(day)) else {
            break;
        };
        let sheet = planner.day(date).sheet;
        for line in &sheet.lines {
            let place = places.get(line.slot.as_str());
            if let Some((place, fault)) = place.zip(refused(merged, known, line)) {
                let silent = (line.slot.clone(), String::new());
                found.extend(
                    told.insert(silent)
                        .then(|| Diagnostic::error(place, fault.0, fault.1)),
                );
            }
            for (winner, rule, then) in yields(&sheet, line) {
                let pair = (line.slot.clone(), winner.slot.clone());
                let place = places
                    .get(line.slot.as_str())
                    .or_else(|| places.get(winner.slot.as_str()));
                if let Some(place) = place.filter(|_| told.insert(pair)) {
                    found.push(told_as(merged, known, place, line, winner, rule, then));
                }
            }
        }
    }
    found
}

/// Returns what is wrong with a line that its zone's quiet hours refuse, and the remedy.
fn refused(merged: &Merged, known: &Known<'_>, line: &RunSheetLine) -> Option<(String, String)> {
    let local = |at| to_local(known.tz, at).format("%Y-%m-%d %H:%M");
    let code = |zone| merged.tree.get(zone).map_or("?", |zone| zone.code.as_str());
    line.reasons.iter().find_map(|reason| match reason {
        Reason::QuietHours { zone, until, .. } => {
            let message = format!(
                "slot \"{}\" would sound at {} in the quiet hours of zone \"{}\"",
                line.slot,
                local(line.start),
                code(*zone)
            );
            let remedy = until.map_or_else(
                || "the zone never sounds; mend its quiet hours".to_owned(),
                |until| {
                    format!(
                        "choose a time from {} on, or have the zone's quiet hours changed",
                        local(until)
                    )
                },
            );
            Some((message, remedy))
        }
        Reason::MinutesSpent { zone, minutes } => {
            let message = format!(
                "slot \"{}\" on {} goes beyond the {minutes} minutes a day of zone \"{}\"",
                line.slot,
                local(line.start),
                code(*zone)
            );
            Some((
                message,
                "shorten it, leave out another, or have the zone's minutes changed".to_owned(),
            ))
        }
        _ => None,
    })
}

/// Walks the lines that a line gives way to.
fn yields<'a>(
    sheet: &'a RunSheet,
    line: &'a RunSheetLine,
) -> impl Iterator<Item = (&'a RunSheetLine, TieRule, PreEmption)> {
    line.reasons.iter().filter_map(|reason| match reason {
        Reason::YieldsTo { line, rule, then } => Some((sheet.line(*line)?, *rule, *then)),
        _ => None,
    })
}

fn told_as(
    merged: &Merged,
    known: &Known<'_>,
    place: &Place,
    line: &RunSheetLine,
    winner: &RunSheetLine,
    rule: TieRule,
    then: PreEmption,
) -> Diagnostic {
    let local = |at| to_local(known.tz, at).format("%Y-%m-%d %H:%M:%S");
    let zone = |line: &RunSheetLine| {
        merged
            .tree
            .get(line.occurrence.zone)
            .map_or("?", |zone| &zone.code)
    };
    let span = |line: &RunSheetLine| {
        format!(
            "\"{}\" in zone \"{}\" ({} to {})",
            line.slot,
            zone(line),
            local(line.start),
            local(line.end())
        )
    };
    if rule == TieRule::FirstCome {
        let message = format!(
            "slot {} overlaps slot {}, and neither is stronger",
            span(line),
            span(winner)
        );
        let remedy = "move one of them, shorten its max_duration, or give one a stronger class";
        return Diagnostic::error(place, message, remedy);
    }
    let becomes = match then {
        PreEmption::Resume => "goes on afterwards from where it was cut",
        PreEmption::Rejoin => "goes on afterwards as if it had run",
        PreEmption::Duck => "plays on quietly beneath it",
        PreEmption::Drop => "is dropped",
    };
    let message = format!(
        "slot {} gives way to slot {} and {becomes}",
        span(line),
        span(winner)
    );
    Diagnostic::warning(
        place,
        message,
        "nothing, if that is meant; `loa schedule show` has the day",
    )
}

/// A week, and the day after.
const DAYS: u64 = 8;
