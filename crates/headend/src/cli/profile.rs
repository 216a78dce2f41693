//! `loa profile`: days on which the ordinary week does not hold.

use anyhow::{Result, ensure};
use chrono::{Days, NaiveDate};
use clap::Subcommand;
use loa_model::DaySpan;
use loa_plan::local;

use super::{Doer, Format};
use crate::installation::Installation;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the day profiles, and the days on which people switched them on.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Switches a profile on, besides its own days: a storm, mourning.
    On {
        /// Its code.
        code: String,
        /// First day; today otherwise.
        #[arg(long)]
        from: Option<NaiveDate>,
        /// How many days.
        #[arg(long, default_value = "1")]
        days: u64,
        #[command(flatten)]
        by: Doer,
    },
    /// Switches it off from a day on.
    Off {
        /// Its code.
        code: String,
        /// First day of the ordinary week; today otherwise.
        #[arg(long)]
        from: Option<NaiveDate>,
        #[command(flatten)]
        by: Doer,
    },
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        let now = super::now();
        let today = local::local_date(installation.config().station.time_zone, now);
        match self {
            Self::List { format } => {
                let profiles = store.schedule()?.profiles;
                if format.json {
                    return super::print_json(&profiles);
                }
                for profile in profiles {
                    let days = profile
                        .switched_on
                        .iter()
                        .map(|span| format!("{}..{}", span.from, span.to));
                    println!(
                        "{:<16}  {:>3}  {}  {}",
                        profile.code,
                        profile.spec.rank,
                        profile.spec.title,
                        days.collect::<Vec<_>>().join(" ")
                    );
                }
                Ok(())
            }
            Self::On { code, from, days, by } => {
                let from = from.unwrap_or(today);
                ensure!(
                    (1..=366).contains(&days),
                    "--days is {days}; a profile is switched on for 1 to 366 days"
                );
                let to = from + Days::new(days - 1);
                store.switch_on(&code, DaySpan { from, to }, &by.who, now)?;
                println!("{code}: {from}..{to}");
                Ok(())
            }
            Self::Off { code, from, by } => {
                let from = from.unwrap_or(today);
                Ok(store.switch_off(&code, from, &by.who, now)?)
            }
        }
    }
}
