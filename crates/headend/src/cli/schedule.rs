//! `loa schedule` and `loa zone`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::Subcommand;
use loa_model::RunSheet;
use loa_plan::{Diagnostic, Known, KnownMedia, Lang, Resolved, RunSheetText, local, read, resolve};
use loa_store::Store;

use super::{Format, Language};
use crate::installation::Installation;
use crate::planner;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Checks schedule files against each other and the store; changes nothing.
    Check {
        /// Zones, programmes and slots, in as many files as you like.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Imports schedule files, all of them or nothing.
    Import {
        /// Zones, programmes and slots, in as many files as you like.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Prints the run-sheet of a day, with the reason for each line.
    Show {
        /// Only what this zone's receivers hear.
        #[arg(long)]
        zone: Option<String>,
        /// The date; today otherwise.
        #[arg(long)]
        date: Option<NaiveDate>,
        /// Language of the text.
        #[arg(long, value_enum, default_value = "vi")]
        language: Language,
        #[command(flatten)]
        format: Format,
    },
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<ExitCode> {
        match self {
            Self::Check { files } => match resolved(installation, &files)? {
                Ok(Resolved { warnings, .. }) => {
                    tell(&warnings);
                    Ok(ExitCode::SUCCESS)
                }
                Err(faults) => {
                    tell(&faults);
                    Ok(ExitCode::FAILURE)
                }
            },
            Self::Import { files } => import(installation, &files),
            Self::Show {
                zone,
                date,
                language,
                format,
            } => show(installation, zone.as_deref(), date, language, format).map(|()| ExitCode::SUCCESS),
        }
    }
}

fn import(installation: &Installation, files: &[PathBuf]) -> Result<ExitCode> {
    let Resolved { schedule, warnings } = match resolved(installation, files)? {
        Ok(resolved) => resolved,
        Err(faults) => {
            tell(&faults);
            eprintln!("loa: nothing was imported");
            return Ok(ExitCode::FAILURE);
        }
    };
    tell(&warnings);
    let summary = installation.store()?.import_schedule(&schedule)?;
    println!(
        "imported {} zones, {} programmes, {} slots, {} exceptions; removed {}",
        summary.zones, summary.programmes, summary.slots, summary.exceptions, summary.removed
    );
    Ok(ExitCode::SUCCESS)
}

fn resolved(installation: &Installation, files: &[PathBuf]) -> Result<Result<Resolved, Vec<Diagnostic>>> {
    let mut texts = Vec::new();
    for path in files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        texts.push((name_of(path), text));
    }
    let store = installation.store()?;
    let (zones, rows, tz) = (
        store.zones()?,
        store.schedule()?,
        installation.config().station.time_zone,
    );
    let media: Vec<_> = store
        .media()?
        .into_iter()
        .map(|row| KnownMedia {
            hash: row.media.hash,
            duration: row.media.duration(),
            title: row.media.title,
            file_name: row.file_name,
        })
        .collect();
    let known = Known {
        zones: &zones,
        media: &media,
        programmes: &rows.programmes,
        slots: &rows.slots,
        exceptions: &rows.exceptions,
        files: &rows.files,
        tz,
        today: local::local_date(tz, super::now()),
    };
    Ok(read(&texts).and_then(|files| resolve(&files, &known)))
}

fn tell(faults: &[Diagnostic]) {
    for fault in faults {
        eprintln!("{fault}");
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn show(
    installation: &Installation,
    zone: Option<&str>,
    date: Option<NaiveDate>,
    language: Language,
    format: Format,
) -> Result<()> {
    let mut store: Store = installation.store()?;
    let tz = installation.config().station.time_zone;
    let date = date.unwrap_or_else(|| local::local_date(tz, super::now()));
    let sheet: RunSheet = planner::plan(&mut store, tz, date, super::now())?;
    let tree = store.zones()?;
    let zone = match zone {
        Some(code) => Some(
            tree.by_code(code)
                .with_context(|| format!("there is no zone \"{code}\""))?
                .id,
        ),
        None => None,
    };
    if format.json {
        let lines = match zone {
            Some(zone) => sheet.heard_in(&tree, zone).cloned().collect(),
            None => sheet.lines.clone(),
        };
        return super::print_json(&RunSheet { lines, ..sheet });
    }
    let lang = match language {
        Language::Vi => Lang::Vi,
        Language::En => Lang::En,
    };
    print!(
        "{}",
        RunSheetText {
            lang,
            tz,
            tree: &tree,
            zone
        }
        .render(&sheet)
    );
    Ok(())
}

#[derive(Subcommand)]
pub(super) enum ZoneCommand {
    /// Lists the zones with their channels and groups.
    List {
        #[command(flatten)]
        format: Format,
    },
}

impl ZoneCommand {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let Self::List { format } = self;
        let (tree, addressing) = (installation.store()?.zones()?, installation.addressing()?);
        let zones: Vec<_> = tree.iter().collect();
        if format.json {
            return super::print_json(&zones);
        }
        for zone in zones {
            let indent = "  ".repeat(usize::from(tree.depth(zone.id)));
            println!(
                "{:>5}  {:<21}  {indent}{}  {}",
                zone.channel,
                addressing.rtp(zone.channel),
                zone.code,
                zone.name
            );
        }
        Ok(())
    }
}
