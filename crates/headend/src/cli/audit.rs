//! `loa audit`: who did what.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use chrono::Days;
use clap::Subcommand;
use loa_model::ContentHash;
use loa_plan::local;
use loa_store::AuditVerdict;

use super::Format;
use crate::console::day_bounds;
use crate::installation::Installation;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists what was done lately.
    List {
        /// How many days back, today included.
        #[arg(long, default_value = "7", value_parser = clap::value_parser!(u64).range(1..=36_600))]
        days: u64,
        #[command(flatten)]
        format: Format,
    },
    /// Checks that no row was changed, taken out or put in.
    Verify {
        /// A head that an earlier check printed and that was kept elsewhere: finds rows that were cut off the end.
        #[arg(long)]
        head: Option<ContentHash>,
    },
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<ExitCode> {
        let store = installation.store()?;
        match self {
            Self::List { days, format } => {
                let tz = installation.config().station.time_zone;
                let today = local::local_date(tz, super::now());
                let (from, _) = day_bounds(tz, today - Days::new(days - 1));
                let rows = store.audit_rows(from, super::now() + Duration::from_secs(1))?;
                if format.json {
                    super::print_json(&rows)?;
                } else {
                    for row in rows {
                        let at = local::to_local(tz, row.at).format("%Y-%m-%d %H:%M:%S");
                        let change = if row.before.is_empty() && row.after.is_empty() {
                            String::new()
                        } else {
                            format!("  [{}] -> [{}]", row.before, row.after)
                        };
                        println!(
                            "{at}  {:<16}  {:<20}  {}{change}",
                            row.who, row.action, row.detail
                        );
                    }
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Verify { head } => {
                let verdict = store.verify_audit(head)?;
                match verdict {
                    AuditVerdict::Whole { rows, head } => {
                        println!("{rows} rows, all as they were written; head {head}");
                        return Ok(ExitCode::SUCCESS);
                    }
                    AuditVerdict::Broken { row } => eprintln!(
                        "loa: row {row} of the audit log is not what was written, or the one before it is missing; \
                         compare with a backup"
                    ),
                    AuditVerdict::Cut => eprintln!(
                        "loa: no row of the audit log has the head that was kept: rows were cut off its end, or all of \
                         it was written anew; compare with a backup"
                    ),
                }
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
