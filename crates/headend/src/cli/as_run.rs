//! `loa as-run` and `loa proof`.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use loa_model::{Silence, WallTime};
use loa_plan::local;

use super::Format;
use crate::console::day_bounds;
use crate::installation::Installation;

/// The days that are asked for.
#[derive(Args)]
struct Days {
    /// The date; today otherwise.
    #[arg(long)]
    date: Option<NaiveDate>,
    /// The last date of several; `--date` is the first.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
}

impl Days {
    /// Returns when they begin and end.
    fn bounds(&self, tz: Tz) -> Result<(WallTime, WallTime)> {
        let first = self.date.unwrap_or_else(|| local::local_date(tz, super::now()));
        let last = self.to.unwrap_or(first);
        ensure!(
            first <= last,
            "--to {last} is before {first}: give the first day as --date, the last as --to"
        );
        Ok((day_bounds(tz, first).0, day_bounds(tz, last).1))
    }
}

/// Arguments of `loa as-run`.
#[derive(Args)]
pub(super) struct AsRun {
    #[command(flatten)]
    days: Days,
    #[command(flatten)]
    format: Format,
}

impl AsRun {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let tz = installation.config().station.time_zone;
        let (from, to) = self.days.bounds(tz)?;
        let store = installation.store()?;
        let (aired, not_aired) = (store.as_run(from, to)?, store.not_aired(from, to)?);
        if self.format.json {
            let mut rows: Vec<serde_json::Value> = Vec::new();
            for row in &aired {
                rows.push(serde_json::to_value(row)?);
            }
            for row in &not_aired {
                rows.push(serde_json::to_value(row)?);
            }
            return super::print_json(&rows);
        }
        let planned = not_aired.iter().map(|row| row.occurrence.start);
        let starts = aired.iter().map(|row| row.started.at).chain(planned);
        let dates: BTreeSet<_> = starts.map(|at| local::local_date(tz, at)).collect();
        let written = if dates.len() > 1 {
            "%Y-%m-%d %H:%M:%S%.3f"
        } else {
            "%H:%M:%S%.3f"
        };
        let clock = |at| local::to_local(tz, at).format(written).to_string();
        for row in aired {
            let end = row
                .ended
                .as_ref()
                .map_or_else(|| "on air".to_owned(), |end| clock(end.at));
            let why = row.ended.map_or_else(String::new, |end| end.reason.to_string());
            let (at, session, part) = (clock(row.started.at), row.started.session, row.started.part);
            println!(
                "{at}  {end:<12}  {:<16}  {session} part {part}  {}  {why}",
                row.zone_code, row.started.title
            );
        }
        for row in not_aired {
            println!(
                "{}  not aired     {:<16}  {}  {}",
                clock(row.occurrence.start),
                row.zone_code,
                row.title,
                row.reason
            );
        }
        Ok(())
    }
}

/// Arguments of `loa proof`.
#[derive(Args)]
pub(super) struct Proof {
    #[command(flatten)]
    days: Days,
    #[command(flatten)]
    format: Format,
}

impl Proof {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let tz = installation.config().station.time_zone;
        let (from, to) = self.days.bounds(tz)?;
        let rows = installation.store()?.proof(from, to)?;
        if self.format.json {
            return super::print_json(&rows);
        }
        println!(
            "{:<10} {:<14} {:<18} {:>8} {:>8} {:>9} {:>9}  {:<15}  programme",
            "session", "zone", "receiver", "aired s", "sent", "received", "sounded s", "kept silent"
        );
        for row in rows {
            let sent = row.sent.map_or_else(|| "?".to_owned(), |sent| sent.to_string());
            let silenced = row.receipt.as_ref().and_then(|receipt| receipt.silenced);
            let silenced = silenced.map_or("-", |silenced| match silenced.why {
                Silence::PolicyUnknown => "policy unknown",
                Silence::QuietHours => "quiet hours",
                Silence::MinutesUsed => "minutes used",
            });
            let (received, sounded) = row.receipt.map_or(("-".to_owned(), "-".to_owned()), |receipt| {
                (
                    receipt.packets.to_string(),
                    format!("{:.1}", receipt.sounded.as_secs_f64()),
                )
            });
            let (session, aired) = (row.session.to_string(), row.aired_ns as f64 / 1e9);
            println!(
                "{session:<10} {:<14} {:<18} {aired:>8.1} {sent:>8} {received:>9} {sounded:>9}  {silenced:<15}  {}",
                row.zone, row.receiver, row.title
            );
        }
        Ok(())
    }
}
