//! `loa rehearse`: tomorrow, run through the real engine today.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{Days, NaiveDate, NaiveTime};
use clap::Args;
use loa_model::{Content, RunSheet, WallTime, ZoneId};
use loa_plan::{Lang, Planner, RunSheetText, local, utc_offset_min};
use loa_playout::EngineSettings;
use serde::Serialize;

use super::{Format, Language};
use crate::console::day_bounds;
use crate::installation::Installation;
use crate::planning::Planning;
use crate::rehearse::{Aired, Difference, Facts, Finding, FindingText, air, diff, find, heard_at};
use crate::relay;
use crate::run;

/// Arguments of `loa rehearse`.
#[derive(Args)]
pub(super) struct Rehearse {
    /// The date; tomorrow otherwise.
    #[arg(long)]
    date: Option<NaiveDate>,
    /// Only what this zone's receivers hear.
    #[arg(long)]
    zone: Option<String>,
    /// Only what this receiver hears.
    #[arg(long, conflicts_with = "zone")]
    receiver: Option<String>,
    /// Tells what is heard at this time of day, and why; needs a zone or a receiver.
    #[arg(long)]
    at: Option<NaiveTime>,
    /// Does not try whether relays can be heard now.
    #[arg(long)]
    offline: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value = "vi")]
    language: Language,
    #[command(flatten)]
    format: Format,
}

/// What a rehearsal prints as JSON.
#[derive(Serialize)]
struct Rehearsal<'a> {
    date: NaiveDate,
    sheet: &'a RunSheet,
    findings: &'a [Finding],
    since_last_week: &'a [Difference],
}

impl Rehearse {
    pub(super) fn act(self, installation: &Installation) -> Result<ExitCode> {
        let tz = installation.config().station.time_zone;
        let now = super::now();
        let store = installation.store()?;
        let planning = Planning::read(&store, tz, now)?;
        let date = self
            .date
            .unwrap_or_else(|| local::local_date(tz, now) + Days::new(1));
        let zone = self.zone(installation, &planning)?;
        let planner = Planner::new(planning.inputs());
        let sheets = [date - Days::new(1), date, date + Days::new(1)].map(|date| planner.day(date).sheet);
        let shown = only(&planning, sheets[1].clone(), zone);
        let offline = self.offline || self.at.is_some();
        let facts = facts(installation, &sheets, &shown, offline, now)?;
        let aired = self.rehearsed(installation, &planning, &sheets, &facts, date)?;
        let [eve, sheet, morrow] = sheets;

        let lang = self.language.into();
        if let Some(at) = self.at {
            let zone = zone.context("--at needs --zone or --receiver")?;
            let at = local::to_wall(tz, date.and_time(at)).context("there is no such time on that date")?;
            let text = RunSheetText {
                lang,
                tz,
                tree: &planning.tree,
                zone: Some(zone),
            };
            let heard = heard_at(text, &[sheet, eve, morrow], &aired, zone, at);
            print!("{heard}");
            return Ok(ExitCode::SUCCESS);
        }
        let findings = find(&shown, &[eve, morrow], &aired, &planning.tree, &facts);
        let last_week = planner.day(date - Days::new(7)).sheet;
        let since = diff(&shown, &only(&planning, last_week, zone), tz);
        if self.format.json {
            super::print_json(&Rehearsal {
                date,
                sheet: &shown,
                findings: &findings,
                since_last_week: &since,
            })?;
        } else {
            let text = FindingText {
                lang,
                sheet: &sheet,
                tree: &planning.tree,
                tz,
            };
            print(&text, date, &findings, &since);
        }
        Ok(if findings.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn zone(&self, installation: &Installation, planning: &Planning) -> Result<Option<ZoneId>> {
        if let Some(code) = &self.receiver {
            let rows = installation.store()?.receivers()?;
            let row = rows.iter().find(|row| row.receiver.code == *code);
            let row = row.with_context(|| {
                format!("there is no receiver \"{code}\"; `loa receiver list` shows what there is")
            })?;
            return Ok(Some(row.receiver.zone));
        }
        let Some(code) = &self.zone else { return Ok(None) };
        let zone = planning.tree.by_code(code);
        Ok(Some(
            zone.with_context(|| {
                format!("there is no zone \"{code}\"; `loa zone list` shows what there is")
            })?
            .id,
        ))
    }

    /// Airs the day, what of its eve runs into it, and what of the day after it runs into.
    fn rehearsed(
        &self,
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
}

fn only(planning: &Planning, sheet: RunSheet, zone: Option<ZoneId>) -> RunSheet {
    match zone {
        Some(zone) => RunSheet {
            lines: sheet.heard_in(&planning.tree, zone).cloned().collect(),
            ..sheet
        },
        None => sheet,
    }
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
    let used: std::collections::BTreeSet<_> = lines.flat_map(|line| line.content.media()).collect();
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
        let sources: std::collections::BTreeSet<&String> = relays.flatten().collect();
        facts.unreachable.extend(relay::unreachable(sources.into_iter()));
    }
    let alive = |at: Option<WallTime>| at.is_some_and(|at| now.since(at) < HEARD_LATELY);
    let receivers = store.receivers()?;
    facts.receivers = receivers
        .iter()
        .map(|row| (row.receiver.zone, alive(row.report_at)))
        .collect();
    Ok(facts)
}

fn print(text: &FindingText<'_>, date: NaiveDate, findings: &[Finding], since: &[Difference]) {
    let vi = text.lang == Lang::Vi;
    for finding in findings {
        let (what, remedy) = text.say(finding);
        println!(
            "- {what}\n  {}: {remedy}",
            if vi { "cách xử lý" } else { "remedy" }
        );
    }
    let lines = text.sheet.lines.len();
    match (vi, findings.len()) {
        (true, 0) => println!("{date}: {lines} lượt phát, mọi thứ đều ổn"),
        (false, 0) => println!("{date}: {lines} lines, all is well"),
        (true, found) => println!("{date}: {lines} lượt phát, {found} điều cần xem"),
        (false, found) => println!("{date}: {lines} lines, {found} findings"),
    }
    if !since.is_empty() {
        println!(
            "{}",
            if vi {
                "So với cùng thứ tuần trước:"
            } else {
                "Since the same day last week:"
            }
        );
    }
    for difference in since {
        println!("  {}", text.differs(difference));
    }
}

/// Longest that something may sound: what began so long before the day may run into it.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);
/// A receiver that was not heard from for this long is not counted on.
const HEARD_LATELY: Duration = Duration::from_secs(10 * 60);
