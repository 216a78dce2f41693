//! `loa rehearse`: tomorrow, run through the real engine today.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{Days, NaiveDate, NaiveTime};
use clap::Args;
use loa_model::{RunSheet, ZoneId};
use loa_plan::{Lang, RunSheetText, local};
use serde::Serialize;

use super::{Format, Language};
use crate::installation::Installation;
use crate::planning::Planning;
use crate::rehearse::{Difference, Finding, FindingText, Part, Rehearsed, Wanted, heard_at, rehearse};

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
        let wanted = Wanted {
            date,
            part: zone.map_or(Part::Whole, Part::HeardIn),
            offline: self.offline || self.at.is_some(),
        };
        let Rehearsed {
            sheets: [eve, sheet, morrow],
            shown,
            aired,
            findings,
            since,
        } = rehearse(installation, &planning, wanted, now)?;

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
