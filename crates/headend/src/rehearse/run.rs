//! A rehearsal from the store: the day and its neighbours planned and aired, and all that was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use chrono::{Days, NaiveDate};
use loa_model::{Content, RunSheet, WallTime, ZoneId, ZoneTree};
use loa_plan::{Planner, local, utc_offset_min};
use loa_playout::EngineSettings;

use super::findings::left_out;
use super::{Aired, Difference, Facts, Finding, air, diff, find};
use crate::console::day_bounds;
use crate::installation::Installation;
use crate::planning::Planning;
use crate::{relay, run};

/// What is rehearsed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The date.
    pub date: NaiveDate,
    /// Of which lines something is told.
    pub part: Part,
    /// Whether it is not tried if relays can be heard now.
    pub offline: bool,
}

/// Of which lines of the day something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of every one.
    Whole,
    /// Of what a zone's receivers hear.
    HeardIn(ZoneId),
    /// Of that, and of what airs in the zones below it.
    Under(ZoneId),
}

impl Part {
    /// Keeps the lines of which something is told.
    pub fn of(self, tree: &ZoneTree, mut sheet: RunSheet) -> RunSheet {
        sheet.lines.retain(|line| {
            let of = line.occurrence.zone;
            match self {
                Self::Whole => true,
                Self::HeardIn(zone) => tree.covers(of, zone),
                Self::Under(zone) => tree.covers(of, zone) || tree.covers(zone, of),
            }
        });
        sheet
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// The whole day, its eve and the day after.
    pub sheets: [RunSheet; 3],
    /// The lines of which something is told.
    pub shown: RunSheet,
    /// What the engine did.
    pub aired: Aired,
    /// What somebody should look at.
    pub findings: Vec<Finding>,
    /// What is otherwise than a week before.
    pub since: Vec<Difference>,
}

/// Rehearses a day. Takes as long as its relays do not answer, and as reading every file of the day does.
///
/// # Errors
///
/// If store, library or configuration cannot be read.
pub fn rehearse(
    installation: &Installation,
    planning: &Planning,
    wanted: Wanted,
    now: WallTime,
) -> Result<Rehearsed> {
    let (date, tree) = (wanted.date, &planning.tree);
    let today = local::local_date(planning.tz, now);
    let planner = Planner::new(planning.inputs()).counting_from(today);
    let plans = [date - Days::new(1), date, date + Days::new(1)].map(|date| planner.day(date));
    let left_out = left_out(&plans[1].faults);
    let sheets = plans.map(|plan| plan.sheet);
    let shown = wanted.part.of(tree, sheets[1].clone());
    let facts = facts(installation, &sheets, &shown, wanted.offline, now)?;
    let aired = rehearsed(installation, planning, &sheets, &facts, date)?;
    let around = [sheets[0].clone(), sheets[2].clone()];
    let mut findings = find(&shown, &around, &aired, tree, &facts);
    findings.extend(left_out);
    let last_week = planner.day(date - Days::new(7)).sheet;
    let since = diff(&shown, &wanted.part.of(tree, last_week), planning.tz);
    Ok(Rehearsed {
        sheets,
        shown,
        aired,
        findings,
        since,
    })
}

/// Airs the day, what of its eve runs into it, and what of the day after it runs into.
fn rehearsed(
    installation: &Installation,
    planning: &Planning,
    sheets: &[RunSheet],
    facts: &Facts,
    date: NaiveDate,
) -> Result<Aired> {
    let (from, to) = day_bounds(planning.tz, date);
    let mut media: BTreeMap<_, _> = planning
        .library
        .iter()
        .map(|media| (media.hash, media.duration))
        .collect();
    let chime = run::chime_info(installation.config())?;
    media.extend(chime.map(|chime| (chime.media, chime.duration)));
    let settings = EngineSettings {
        utc_offset_min: utc_offset_min(planning.tz, from),
        ..run::engine_settings(&installation.config().playout, chime)
    };
    Ok(air(
        &planning.tree,
        sheets,
        &media,
        facts,
        settings,
        from - LONGEST,
        to + LONGEST,
    ))
}

/// Gathers what the day needs: files, loudness, receivers, and the relays of what is shown.
fn facts(
    installation: &Installation,
    sheets: &[RunSheet],
    shown: &RunSheet,
    offline: bool,
    now: WallTime,
) -> Result<Facts> {
    let (store, library) = (installation.store()?, installation.library()?);
    let target = installation.config().media.target_lufs;
    let mut facts = Facts::default();
    let lines = sheets.iter().flat_map(|sheet| &sheet.lines);
    let used: BTreeSet<_> = lines.flat_map(|line| line.content.media()).collect();
    for row in store.media()? {
        let hash = row.media.hash;
        if used.contains(&hash) && library.find(hash).is_none() {
            facts.lost.insert(hash);
        }
        // What was normalised is at the target; what was imported as it is may be anywhere.
        let as_is = row.media.gain_db == 0.0;
        if let Some(loudness) = row.media.loudness_lufs.filter(|_| as_is) {
            facts.over_db.insert(hash, loudness - target);
        }
        facts.titles.insert(hash, row.media.title);
    }
    if !offline {
        let relays = shown.lines.iter().filter_map(|line| match &line.content {
            Content::Relay(relay) if line.kept_off().is_none() => Some(&relay.sources),
            _ => None,
        });
        let sources: BTreeSet<&String> = relays.flatten().collect();
        facts.unreachable.extend(relay::unreachable(sources.into_iter()));
    }
    let alive = |at: Option<WallTime>| at.is_some_and(|at| now.since(at) < HEARD_LATELY);
    let receivers = store.receivers()?;
    facts.receivers = receivers
        .iter()
        .map(|row| (row.receiver.zone, alive(row.seen_at)))
        .collect();
    Ok(facts)
}

/// Longest that something may sound: what began so long before the day may run into it.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);
/// A receiver that was not heard from for this long is not counted on.
const HEARD_LATELY: Duration = Duration::from_secs(10 * 60);
