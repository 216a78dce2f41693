//! The schedule of the station as the panel sees it: plans, changes by hand, rehearsals.
//!
//! Days are planned here away from the threads that serve pages, and a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use loa_model::{
    BulletinClass, Deed, Edit, EditFault, PANEL_FILE, Programme, Reach, Recurrence, RowChange, RunSheet,
    SlotId, Source, WallTime, ZoneId,
};
use loa_panel::{
    Answer, AsRunDay, ChangedDay, Consequence, Console as _, ConsoleError, ProgrammeItem, RehearsalItem,
    SavedEdit, Schedules, SlotItem,
};
use loa_plan::{DayInputs, Edited, Lang, Planner, clashes_of, compare, edit, local};
use loa_store::{NewEdit, Store, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::{StationConsole, as_run_day, unavailable};
use crate::config::Config;
use crate::installation::Installation;
use crate::planning::Planning;
use crate::rehearse::{FindingText, Part, Wanted, rehearse};

/// What plans and rehearsals for people need, and how many run at once.
pub struct Desk {
    config: Config,
    planning: Arc<Semaphore>,
    rehearsing: Arc<Semaphore>,
}

impl Desk {
    /// Begins with nothing under way.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            planning: Arc::new(Semaphore::new(PLANNING_MAX)),
            rehearsing: Arc::new(Semaphore::new(REHEARSING_MAX)),
        }
    }
}

impl StationConsole {
    /// Runs something long away from the threads that serve pages, when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce() -> Result<T, ConsoleError> + Send + 'static,
    ) -> Result<T, ConsoleError> {
        let turn = tokio::time::timeout(TURN_WAIT, Arc::clone(turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(ConsoleError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| unavailable(&error))?
    }

    /// Reads all that days are planned from, and the version of it.
    async fn planning(&self) -> Result<(Planning, i64), ConsoleError> {
        let (tz, now) = (self.station.time_zone, self.now());
        let read = self.with_store(move |store| {
            // Before the rows: what changes in between makes the version old, never the rows.
            let version = store.planning_version()?;
            Ok((Planning::read(store, tz, now), version))
        });
        let (planning, version) = read.await?;
        let planning = planning.map_err(|error| ConsoleError::Unavailable(format!("{error:#}")))?;
        Ok((planning, version))
    }

    /// Works out a change and all that it leads to.
    async fn worked_out(&self, wanted: &Edit) -> Result<(Arc<Planning>, i64, WorkedOut), ConsoleError> {
        let (planning, version) = self.planning().await?;
        let (planning, wanted, now) = (Arc::new(planning), wanted.clone(), self.now());
        let shared = Arc::clone(&planning);
        let out = self.in_turn(&self.desk.planning, move || WorkedOut::of(&shared, &wanted, now));
        let out = out.await?;
        Ok((planning, version, out))
    }

    async fn days(&self, dates: Vec<NaiveDate>) -> Result<Vec<RunSheet>, ConsoleError> {
        let today = local::local_date(self.station.time_zone, self.now());
        // The planner keeps today's and tomorrow's; what is past is kept as it was in force.
        let kept = dates.clone();
        let kept = self.with_store(move |store| {
            let of_store = kept.into_iter().filter(|date| *date <= today + Days::new(1));
            of_store
                .map(|date| store.run_sheet(date))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut sheets: Vec<RunSheet> = kept.await?.into_iter().flatten().collect();
        let missing: Vec<_> = dates
            .into_iter()
            .filter(|date| *date >= today && !sheets.iter().any(|sheet| sheet.date == *date))
            .collect();
        if !missing.is_empty() {
            let (planning, _) = self.planning().await?;
            let planned = self.in_turn(&self.desk.planning, move || {
                let planner = Planner::new(planning.inputs());
                Ok(missing
                    .into_iter()
                    .map(|date| planner.day(date).sheet)
                    .collect::<Vec<_>>())
            });
            sheets.extend(planned.await?);
        }
        sheets.sort_by_key(|sheet| sheet.date);
        Ok(sheets)
    }
}

/// A change, and what it leads to.
struct WorkedOut {
    edited: Edited,
    consequence: Consequence,
    /// The first of what it changes begins then.
    until: WallTime,
}

impl WorkedOut {
    fn of(planning: &Planning, wanted: &Edit, now: WallTime) -> Result<Self, ConsoleError> {
        let inputs = planning.inputs();
        let edited = edit(&inputs, wanted, now)?;
        let (was, is) = (Planner::new(inputs), Planner::new(edited.inputs(&inputs)));
        // What a file may say is checked as if all were approved.
        let all = DayInputs {
            approvals: None,
            ..inputs
        };
        let (all_was, all_is) = (Planner::new(all), Planner::new(edited.inputs(&all)));
        let mut until: Option<WallTime> = None;
        let mut days = Vec::new();
        for date in &edited.dates {
            let (before, after) = (was.day(*date).sheet, is.day(*date).sheet);
            let changes = compare(&before, &after, &edited.twins);
            for change in &changes {
                let ours = |line: &&loa_model::RunSheetLine| edited.touched.contains(&line.occurrence.slot);
                let old = change.before.and_then(|number| before.line(number)).filter(ours);
                let new = change.after.and_then(|number| after.line(number)).filter(ours);
                let starts = old.into_iter().chain(new).map(|line| line.start);
                until = until.into_iter().chain(starts).min();
            }
            let clashes = clashes_of(
                &all_was.day(*date).sheet,
                &all_is.day(*date).sheet,
                &edited.touched,
                &edited.twins,
            );
            days.push(ChangedDay {
                before,
                after,
                changes: changes
                    .iter()
                    .map(|change| (change.before, change.after))
                    .collect(),
                clashes,
            });
        }
        let seen = fingerprint(&edited.changes, &days).map_err(|error| unavailable(&error))?;
        let touched = edited
            .slots
            .iter()
            .filter(|slot| edited.touched.contains(&slot.id));
        let zones: BTreeSet<_> = touched.flat_map(|slot| slot.spec.zones.iter().copied()).collect();
        let consequence = Consequence {
            days,
            seen,
            zones: zones.into_iter().collect(),
        };
        Ok(Self {
            edited,
            consequence,
            until: until.unwrap_or(now + UNDO_OF_NOTHING),
        })
    }
}

/// Stands for a change and what it leads to: two are the same if people see the same. Days on which nothing is otherwise are
/// not shown, and one of them may be over when it is saved.
fn fingerprint(changes: &[RowChange], days: &[ChangedDay]) -> Result<String, serde_json::Error> {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(changes)?);
    let shown = |day: &&ChangedDay| !day.changes.is_empty() || !day.clashes.is_empty();
    for day in days.iter().filter(shown) {
        hash.update(serde_json::to_vec(&(
            day.after.date,
            &day.before.lines,
            &day.after.lines,
        ))?);
        hash.update(serde_json::to_vec(&day.clashes)?);
    }
    let hash: [u8; 32] = hash.finalize().into();
    Ok(hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

impl Schedules for StationConsole {
    fn planned(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>> {
        Box::pin(async move { Ok(self.days(vec![date]).await?.pop()) })
    }

    fn planned_days(&self, first: NaiveDate, days: u8) -> Answer<'_, Vec<RunSheet>> {
        let dates = first.iter_days().take(usize::from(days.min(DAYS_MAX)));
        Box::pin(self.days(dates.collect()))
    }

    fn slot(&self, id: SlotId) -> Answer<'_, Option<SlotItem>> {
        self.with_store(move |store| {
            let rows = store.schedule()?;
            let Some(slot) = rows.slots.iter().find(|slot| slot.id == id) else {
                return Ok(None);
            };
            let file = rows
                .owners
                .iter()
                .find(|(kind, code, _)| *kind == "slot" && *code == slot.code);
            let file = file.map(|(.., file)| file.clone());
            Ok(Some(SlotItem {
                id,
                code: slot.code.clone(),
                title: title_of(&rows.programmes, slot.spec.programme),
                zones: slot.spec.zones.clone(),
                class: slot.spec.class,
                rule: match &slot.spec.recurrence {
                    Recurrence::Cron(line) => line.clone(),
                    Recurrence::Once(at) => at.to_string(),
                },
                once: matches!(slot.spec.recurrence, Recurrence::Once(_)),
                max_duration: slot.spec.max_duration,
                file: file.filter(|file| file != PANEL_FILE),
            }))
        })
    }

    fn programmes(&self) -> Answer<'_, Vec<ProgrammeItem>> {
        self.with_store(|store| {
            let lengths: BTreeMap<_, _> = store
                .media()?
                .into_iter()
                .map(|row| (row.media.hash, row.media.duration()))
                .collect();
            let item = |programme: Programme| {
                let duration = match &programme.spec.source {
                    Source::Asset { media, .. } => lengths.get(media).copied(),
                    _ => None,
                };
                ProgrammeItem {
                    id: programme.id,
                    title: programme.spec.title,
                    class: programme.spec.class,
                    duration,
                }
            };
            let mut items: Vec<_> = store.schedule()?.programmes.into_iter().map(item).collect();
            items.sort_by(|one, other| one.title.cmp(&other.title));
            Ok(items)
        })
    }

    fn foresee<'a>(&'a self, wanted: &'a Edit) -> Answer<'a, Consequence> {
        Box::pin(async move { Ok(self.worked_out(wanted).await?.2.consequence) })
    }

    fn save_edit<'a>(&'a self, wanted: &'a Edit, seen: &'a str, by: &'a str) -> Answer<'a, i64> {
        Box::pin(async move {
            let (planning, version, out) = self.worked_out(wanted).await?;
            if out.consequence.seen != seen {
                return Err(EditFault::Stale.into());
            }
            if out.consequence.days.iter().any(|day| !day.clashes.is_empty()) {
                return Err(EditFault::Clash.into());
            }
            let new = NewEdit {
                detail: detail_of(wanted, &planning),
                changes: out.edited.changes,
                version,
                zones: out.consequence.zones,
                until: out.until,
            };
            let (by, tz, now) = (by.to_owned(), self.station.time_zone, self.now());
            let number = self
                .with_store(move |store| store.edit_schedule(&new, &by, now))
                .await?;
            self.put_into_force(tz, now).await;
            Ok(number)
        })
    }

    fn saved_edit(&self, number: i64) -> Answer<'_, Option<SavedEdit>> {
        self.with_store(move |store| {
            let Some(edit) = store.schedule_edit(number)? else {
                return Ok(None);
            };
            let slots = store.schedule()?.slots;
            Ok(Some(SavedEdit {
                number,
                emergency: edit.is_of(BulletinClass::Emergency, &slots),
                zones: edit.zones,
                until: (!edit.undone).then_some(edit.until),
            }))
        })
    }

    fn undo_edit<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let (by, tz, now) = (by.to_owned(), self.station.time_zone, self.now());
            let undone = self.with_store(move |store| {
                let Some(edit) = store.schedule_edit(number)? else {
                    let (what, name) = ("change of the schedule", number.to_string());
                    return Err(StoreError::Unknown { what, name });
                };
                if edit.undone {
                    return Ok(Err(EditFault::Undone));
                }
                if edit.until <= now {
                    return Ok(Err(EditFault::TooLate));
                }
                store.undo_edit(number, &by, now)?;
                Ok(Ok(()))
            });
            undone.await??;
            self.put_into_force(tz, now).await;
            Ok(())
        })
    }

    fn as_run_days(&self, first: NaiveDate, last: NaiveDate) -> Answer<'_, AsRunDay> {
        let (from, to) = (self.day(first).0, self.day(last).1);
        self.with_store(move |store| as_run_day(store, from, to))
    }

    fn rehearse<'a>(
        &'a self,
        date: NaiveDate,
        zone: Option<ZoneId>,
        lang: &'a str,
    ) -> Answer<'a, RehearsalItem> {
        Box::pin(async move {
            let (planning, _) = self.planning().await?;
            let (config, tz, now) = (self.desk.config.clone(), self.station.time_zone, self.now());
            let lang = if lang == "en" { Lang::En } else { Lang::Vi };
            let work = move || {
                let failed = |error: anyhow::Error| ConsoleError::Unavailable(format!("{error:#}"));
                let installation = Installation::open(config).map_err(|error| unavailable(&error))?;
                let wanted = Wanted {
                    date,
                    part: zone.map_or(Part::Whole, Part::Under),
                    offline: false,
                };
                let rehearsed = rehearse(&installation, &planning, wanted, now).map_err(failed)?;
                let text = FindingText {
                    lang,
                    sheet: &rehearsed.sheets[1],
                    tree: &planning.tree,
                    tz,
                };
                Ok(RehearsalItem {
                    lines: rehearsed.shown.lines.len(),
                    findings: rehearsed
                        .findings
                        .iter()
                        .map(|finding| text.say(finding))
                        .collect(),
                    since: rehearsed.since.iter().map(|other| text.differs(other)).collect(),
                })
            };
            self.in_turn(&self.desk.rehearsing, work).await
        })
    }
}

impl StationConsole {
    /// Plans today and tomorrow at once, so that whoever saved sees what is in force; the planner would within half a
    /// second, and finds nothing to do.
    async fn put_into_force(&self, tz: chrono_tz::Tz, now: WallTime) {
        let today = local::local_date(tz, now);
        let planned = async {
            let (planning, _) = self.planning().await?;
            let sheets = self.in_turn(&self.desk.planning, move || {
                let planner = Planner::new(planning.inputs());
                Ok([today, today + Days::new(1)].map(|date| planner.day(date).sheet))
            });
            let sheets = sheets.await?;
            let keep = move |store: &mut Store| -> Result<(), StoreError> {
                for sheet in sheets {
                    store.put_run_sheet(&sheet, now)?;
                }
                Ok(())
            };
            self.with_store(keep).await
        };
        let planned: Result<(), ConsoleError> = planned.await;
        if let Err(error) = planned {
            tracing::warn!(%error, "what was saved is planned by the planner alone");
        }
    }
}

fn title_of(programmes: &[Programme], id: loa_model::ProgrammeId) -> String {
    let found = programmes.iter().find(|programme| programme.id == id);
    found.map_or_else(|| id.to_string(), |programme| programme.spec.title.clone())
}

/// Says what was done, for the audit log.
fn detail_of(wanted: &Edit, planning: &Planning) -> String {
    match wanted {
        Edit::Insert {
            programme, zone, at, ..
        } => {
            let zone = planning.tree.get(*zone).map_or("?", |zone| zone.code.as_str());
            let title = title_of(&planning.rows.programmes, *programme);
            format!("insert \"{title}\" {zone} {at}")
        }
        Edit::Change {
            slot,
            date,
            time,
            deed,
            reach,
            note,
        } => {
            let slots = planning.rows.slots.iter();
            let code = slots
                .filter(|known| known.id == *slot)
                .map(|known| known.code.as_str())
                .next();
            let deed = match deed {
                Deed::Skip => "skip".to_owned(),
                Deed::Restore => "restore".to_owned(),
                Deed::Move(to) => format!("move to {to}"),
                Deed::Resize(length) => format!("resize to {} s", length.as_secs()),
                Deed::Copy { to, .. } => format!("copy to {to}"),
            };
            let reach = match reach {
                Reach::Day => "this day",
                Reach::Onward => "from this day on",
                Reach::Always => "always",
            };
            let note = if note.is_empty() {
                String::new()
            } else {
                format!(" ({note})")
            };
            format!("{} {date} {time}: {deed}, {reach}{note}", code.unwrap_or("?"))
        }
    }
}

/// Each plans some twenty days.
const PLANNING_MAX: usize = 2;
/// Each airs three days and reads every file of them.
const REHEARSING_MAX: usize = 1;
/// A page is not kept waiting for longer.
const TURN_WAIT: Duration = Duration::from_secs(5);
const DAYS_MAX: u8 = 14;
/// What changes nothing in the days that were looked at can be taken back for this long.
const UNDO_OF_NOTHING: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_saw_is_the_same_when_a_day_on_which_nothing_changes_is_over() {
        let day = |date: u32, changes: &[(Option<u32>, Option<u32>)]| {
            let sheet = RunSheet {
                number: 0,
                date: NaiveDate::from_ymd_opt(2026, 12, date).unwrap(),
                lines: Vec::new(),
            };
            ChangedDay {
                before: sheet.clone(),
                after: sheet,
                changes: changes.to_vec(),
                clashes: Vec::new(),
            }
        };
        let seen = |days: &[ChangedDay]| fingerprint(&[], days).unwrap();
        let (today, tomorrow) = (day(4, &[]), day(5, &[(Some(1), None)]));
        assert_eq!(
            seen(&[today, tomorrow.clone()]),
            seen(std::slice::from_ref(&tomorrow))
        );
        assert_ne!(seen(&[tomorrow]), seen(&[]));
    }
}
