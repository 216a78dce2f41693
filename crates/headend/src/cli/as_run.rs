//! `loa as-run` and `loa proof`.

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;
use loa_model::Silence;
use loa_plan::local;

use super::Format;
use crate::console::day_bounds;
use crate::installation::Installation;

/// Arguments of `loa as-run`.
#[derive(Args)]
pub(super) struct AsRun {
    /// The date; today otherwise.
    #[arg(long)]
    date: Option<NaiveDate>,
    #[command(flatten)]
    format: Format,
}

impl AsRun {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let tz = installation.config().station.time_zone;
        let (from, to) = day_bounds(
            tz,
            self.date.unwrap_or_else(|| local::local_date(tz, super::now())),
        );
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
        let clock = |at| local::to_local(tz, at).format("%H:%M:%S%.3f").to_string();
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
    /// The date; today otherwise.
    #[arg(long)]
    date: Option<NaiveDate>,
    #[command(flatten)]
    format: Format,
}

impl Proof {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let tz = installation.config().station.time_zone;
        let (from, to) = day_bounds(
            tz,
            self.date.unwrap_or_else(|| local::local_date(tz, super::now())),
        );
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
