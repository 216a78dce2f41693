//! `loa schedule` and `loa zone`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::Subcommand;
use loa_model::{OccurrenceId, RunSheet, RunSheetLine, Zone, ZoneSettings};
use loa_plan::{
    Diagnostic, IcalEvent, Planner, Resolved, RunSheetText, SpecialDay, calendar, local, quiet_text, read,
    resolve,
};
use loa_store::QuietChange;
use serde::Serialize;

use super::{Doer, Format, Language, programme};
use crate::installation::Installation;
use crate::planner;
use crate::planning::Planning;
use crate::rehearse::{FindingText, diff};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Checks schedule files against each other and the store; changes nothing.
    Check {
        /// Zones, programmes and slots, in as many files as you like.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Language of what is told.
        #[arg(long, value_enum, default_value = "vi")]
        language: Language,
    },
    /// Imports schedule files, all of them or nothing.
    Import {
        /// Zones, programmes and slots, in as many files as you like.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        by: Doer,
        /// Language of what is told.
        #[arg(long, value_enum, default_value = "vi")]
        language: Language,
    },
    /// Writes the schedule as files; importing them gives the same schedule.
    Export {
        /// Directory; made if it is missing. Files of the same names are written anew.
        dir: PathBuf,
    },
    /// Writes the days to come as iCalendar (RFC 5545), for a calendar program.
    Ical {
        /// Only what this zone's receivers hear.
        #[arg(long)]
        zone: Option<String>,
        /// How many days, from today.
        #[arg(long, default_value = "14", value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// Prints the run-sheet of a day, with the reason for each line: of a day that is past, the one that was in force.
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
            Self::Check { files, language } => match resolved(installation, &files)? {
                Ok(resolved) => {
                    tell(&resolved.warnings, language);
                    consequences(installation, &resolved.special_days, language);
                    Ok(ExitCode::SUCCESS)
                }
                Err(faults) => {
                    tell(&faults, language);
                    Ok(ExitCode::FAILURE)
                }
            },
            Self::Import { files, by, language } => import(installation, &files, &by.who, language),
            Self::Ical { zone, days } => {
                ical(installation, zone.as_deref(), days).map(|()| ExitCode::SUCCESS)
            }
            Self::Export { dir } => export(installation, &dir).map(|()| ExitCode::SUCCESS),
            Self::Show {
                zone,
                date,
                language,
                format,
            } => show(installation, zone.as_deref(), date, language, format).map(|()| ExitCode::SUCCESS),
        }
    }
}

fn import(installation: &Installation, files: &[PathBuf], by: &str, language: Language) -> Result<ExitCode> {
    let Resolved {
        schedule,
        warnings,
        special_days,
    } = match resolved(installation, files)? {
        Ok(resolved) => resolved,
        Err(faults) => {
            tell(&faults, language);
            eprintln!("loa: nothing was imported");
            return Ok(ExitCode::FAILURE);
        }
    };
    tell(&warnings, language);
    consequences(installation, &special_days, language);
    let mut store = installation.store()?;
    let summary = store.import_schedule(&schedule, by, super::now())?;
    println!(
        "imported {} zones, {} programmes, {} day profiles, {} slots, {} exceptions; removed {}",
        summary.zones,
        summary.programmes,
        summary.profiles,
        summary.slots,
        summary.exceptions,
        summary.removed
    );
    let planning = Planning::read(&store, installation.config().station.time_zone, super::now())?;
    let imported = |code: &String| schedule.programmes.iter().any(|new| new.code == *code);
    let unapproved: Vec<_> = programme::unapproved(&planning).filter(imported).collect();
    if !unapproved.is_empty() {
        let codes = unapproved.join(" ");
        match language {
            Language::Vi => println!(
                "chưa duyệt nên chưa được phát: {codes}\n  cách xử lý: loa programme decide approve {codes}"
            ),
            Language::En => println!(
                "not approved, so not aired yet: {codes}\n  remedy: loa programme decide approve {codes}"
            ),
        }
    }
    if summary.waiting > 0 {
        println!(
            "{} changes of quiet hours wait for a second person; `loa zone list` shows them",
            summary.waiting
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn resolved(installation: &Installation, files: &[PathBuf]) -> Result<Result<Resolved, Vec<Diagnostic>>> {
    let mut texts = Vec::new();
    for path in files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        texts.push((name_of(path), text));
    }
    let tz = installation.config().station.time_zone;
    let planning = Planning::read(&installation.store()?, tz, super::now())?;
    let known = planning.known(local::local_date(tz, super::now()));
    Ok(read(&texts).and_then(|files| resolve(&files, &known)))
}

fn export(installation: &Installation, dir: &Path) -> Result<()> {
    let tz = installation.config().station.time_zone;
    let planning = Planning::read(&installation.store()?, tz, super::now())?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, text) in planning.export().files() {
        let path = dir.join(&name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Says what becomes of the days on which something airs once.
fn consequences(installation: &Installation, days: &[SpecialDay], language: Language) {
    let tz = installation.config().station.time_zone;
    for SpecialDay { before, after, tree } in days {
        let text = FindingText {
            lang: language.into(),
            sheet: after,
            tree,
            tz,
        };
        println!("{}:", after.date);
        for difference in diff(after, before, tz) {
            println!("  {}", text.differs(&difference));
        }
    }
}

/// Writes the days to come for a calendar program.
fn ical(installation: &Installation, zone: Option<&str>, days: u16) -> Result<()> {
    let tz = installation.config().station.time_zone;
    let now = super::now();
    let planning = Planning::read(&installation.store()?, tz, now)?;
    let zone = match zone {
        Some(code) => {
            let zone = planning.tree.by_code(code);
            Some(zone.with_context(|| format!("there is no zone \"{code}\""))?.id)
        }
        None => None,
    };
    let planner = Planner::new(planning.inputs());
    let first = local::local_date(tz, now);
    let mut events = Vec::new();
    for date in first.iter_days().take(usize::from(days)) {
        let sheet = planner.day(date).sheet;
        let heard =
            |line: &&RunSheetLine| zone.is_none_or(|zone| planning.tree.covers(line.occurrence.zone, zone));
        let airs = |line: &&RunSheetLine| line.kept_off().is_none();
        for line in sheet.lines.iter().filter(heard).filter(airs) {
            let zone = planning.tree.get(line.occurrence.zone);
            let OccurrenceId {
                slot,
                zone: at,
                start,
            } = line.occurrence;
            events.push(IcalEvent {
                uid: format!("{slot}-{at}-{}@loa", start.as_unix_ms()),
                start: line.start,
                duration: line.duration,
                title: line.title.clone(),
                zone: zone.map_or_else(String::new, |zone| zone.name.clone()),
                description: format!("{} · {}", line.slot, line.class),
            });
        }
    }
    print!(
        "{}",
        calendar(&installation.config().station.name, events.into_iter(), now)
    );
    Ok(())
}

fn tell(faults: &[Diagnostic], language: Language) {
    for fault in faults {
        eprintln!("{}", fault.say(language.into()));
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
    let store = installation.store()?;
    let (tz, now) = (installation.config().station.time_zone, super::now());
    let date = date.unwrap_or_else(|| local::local_date(tz, now));
    let sheet = planner::look_at(&store, tz, date, now)?.with_context(|| match language {
        Language::Vi => format!("không có lịch phát nào của ngày {date} được lưu lại"),
        Language::En => format!("no run-sheet of {date} was kept"),
    })?;
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
    print!(
        "{}",
        RunSheetText {
            lang: language.into(),
            tz,
            tree: &tree,
            zone
        }
        .render(&sheet)
    );
    Ok(())
}

/// A zone as programs see it.
#[derive(Serialize)]
struct ListedZone<'a> {
    #[serde(flatten)]
    zone: &'a Zone,
    quiet_change: Option<&'a QuietChange>,
}

/// Says what waits for a second person, and how to approve exactly that.
fn waiting_text(change: &QuietChange) -> String {
    let says = |settings: &ZoneSettings| {
        let quiet = settings
            .quiet
            .as_ref()
            .map_or_else(|| "{}".to_owned(), quiet_text);
        format!("quiet = {quiet}, two_persons = {}", settings.two_persons)
    };
    let QuietChange { zone, by, digest, .. } = change;
    let (before, after) = (says(&change.before), says(&change.after));
    format!(
        "{zone}: a change of quiet hours by {by} waits for a second person\n  in force: {before}\n  would be: {after}\n  \
         to approve it: loa zone approve-quiet {zone} {digest} --by NAME\n"
    )
}

#[derive(Subcommand)]
pub(super) enum ZoneCommand {
    /// Lists the zones with their channels and groups, and the changes of quiet hours that wait.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Puts a change of quiet hours into force, as the second person: not the one who made it.
    ApproveQuiet {
        /// Code of the zone.
        zone: String,
        /// What `loa zone list` shows with the change: exactly that is approved.
        digest: String,
        #[command(flatten)]
        by: Doer,
    },
}

impl ZoneCommand {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let format = match self {
            Self::List { format } => format,
            Self::ApproveQuiet { zone, digest, by } => {
                let mut store = installation.store()?;
                store.approve_quiet(&zone, &digest, &by.who, super::now())?;
                return Ok(());
            }
        };
        let (store, addressing) = (installation.store()?, installation.addressing()?);
        let (tree, changes) = (store.zones()?, store.quiet_changes()?);
        if format.json {
            let listed = tree.iter().map(|zone| ListedZone {
                zone,
                quiet_change: changes.iter().find(|change| change.zone == zone.code),
            });
            return super::print_json(&listed.collect::<Vec<_>>());
        }
        for zone in tree.iter() {
            let indent = "  ".repeat(usize::from(tree.depth(zone.id)));
            println!(
                "{:>5}  {:<21}  {indent}{}  {}",
                zone.channel,
                addressing.rtp(zone.channel),
                zone.code,
                zone.name
            );
        }
        for change in &changes {
            print!("{}", waiting_text(change));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use loa_model::{QuietPolicy, WallTime};

    use super::*;

    #[test]
    fn whoever_approves_quiet_hours_is_shown_the_old_and_the_new_ones() {
        let hours = |minutes| ZoneSettings {
            quiet: Some(QuietPolicy {
                minutes_a_day: Some(minutes),
                ..QuietPolicy::default()
            }),
            two_persons: true,
            ..ZoneSettings::default()
        };
        let change = QuietChange {
            zone: "xa".to_owned(),
            before: hours(60),
            after: hours(600),
            by: "an".to_owned(),
            at: WallTime::default(),
            digest: "0a1b2c3d".to_owned(),
        };
        let told = waiting_text(&change);
        let parts = [
            "xa: a change of quiet hours by an waits",
            "in force: quiet = { minutes_a_day = 60 }, two_persons = true",
            "would be: quiet = { minutes_a_day = 600 }, two_persons = true",
            "loa zone approve-quiet xa 0a1b2c3d --by NAME",
        ];
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
