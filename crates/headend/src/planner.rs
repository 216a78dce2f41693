//! The planner thread: notices schedule changes and new days, plans, and hands run-sheets to the air.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use loa_model::{RunSheet, WallTime, ZoneTree};
use loa_plan::{Planner, local, utc_offset_min};
use loa_store::Store;
use tracing::{error, info, warn};

use crate::on_air::OnAir;
use crate::planning::Planning;

/// What the planner shows to others.
#[derive(Debug, Default)]
pub struct Planned {
    /// Every zone, as of the newest plan.
    pub zones: ArcSwap<ZoneTree>,
    /// Why the newest plan could not be made; the one before stays in force.
    pub fault: ArcSwap<Option<String>>,
}

/// Plans one day from what the store holds, and numbers the plan.
///
/// # Errors
///
/// If the store fails.
pub fn plan(store: &mut Store, tz: Tz, date: NaiveDate, now: WallTime) -> anyhow::Result<RunSheet> {
    let planning = Planning::read(store, tz, now)?;
    keep(store, &Planner::new(planning.inputs()), date, now)
}

/// Returns the plan of a day and keeps none: of a day that is past, the newest that was in force, if any was; otherwise
/// what the store leads to now, whose number is zero unless it is the newest that was kept.
///
/// # Errors
///
/// If the store fails.
pub fn look_at(store: &Store, tz: Tz, date: NaiveDate, now: WallTime) -> anyhow::Result<Option<RunSheet>> {
    let kept = store.run_sheet(date)?;
    if date < local::local_date(tz, now) {
        return Ok(kept);
    }
    let planning = Planning::read(store, tz, now)?;
    let planned = planned(&Planner::new(planning.inputs()), date);
    let same = kept.filter(|kept| kept.lines == planned.lines);
    Ok(Some(same.unwrap_or(planned)))
}

/// Plans one day, and keeps the plan with its number.
fn keep(
    store: &mut Store,
    planner: &Planner<'_>,
    date: NaiveDate,
    now: WallTime,
) -> anyhow::Result<RunSheet> {
    Ok(store.put_run_sheet(&planned(planner, date), now)?)
}

/// Plans one day, and tells what of it cannot be planned.
fn planned(planner: &Planner<'_>, date: NaiveDate) -> RunSheet {
    let plan = planner.day(date);
    for fault in &plan.faults {
        warn!(%date, "{fault}");
    }
    plan.sheet
}

/// Starts the thread; it ends soon after `stop` is set.
///
/// # Errors
///
/// If the machine cannot start another thread.
pub fn start(
    database: PathBuf,
    tz: Tz,
    on_air: OnAir,
    planned: Arc<Planned>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let mut watch = Watch {
        database,
        tz,
        on_air,
        planned,
        store: None,
        seen: None,
        utc_offset_min: None,
        sheets: BTreeMap::new(),
        planned_from: None,
    };
    std::thread::Builder::new().name("planner".into()).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            watch.look();
            std::thread::sleep(LOOK);
        }
    })
}

struct Watch {
    database: PathBuf,
    tz: Tz,
    on_air: OnAir,
    planned: Arc<Planned>,
    store: Option<Store>,
    /// Version of the data and local date that the newest plan was made for.
    seen: Option<(i64, NaiveDate)>,
    /// How far local time was ahead of UTC when the zones were handed over; quiet hours go by it.
    utc_offset_min: Option<i16>,
    /// Numbers of the run-sheets in force, to hand over only what changed.
    sheets: BTreeMap<NaiveDate, u32>,
    /// What they were planned from.
    planned_from: Option<Planning>,
}

impl Watch {
    fn look(&mut self) {
        let now = self.on_air.snapshot().at;
        if now == WallTime::default() {
            // The air thread has not looked at the clock yet.
            return;
        }
        let fault = match self.try_look(now) {
            Ok(()) => None,
            Err(error) => {
                self.store = None;
                self.seen = None;
                self.planned_from = None;
                Some(format!("{error:#}"))
            }
        };
        let before = self.planned.fault.swap(Arc::new(fault.clone()));
        match (&*before, fault) {
            (None, Some(why)) => error!("the day cannot be planned, the plan in force stays: {why}"),
            (Some(_), None) => info!("the day is planned again"),
            _ => {}
        }
    }

    fn try_look(&mut self, now: WallTime) -> anyhow::Result<()> {
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::open(&self.database)?),
        };
        let today = local::local_date(self.tz, now);
        let version = store.planning_version().context("look for changes")?;
        let offset_moved = self
            .utc_offset_min
            .is_some_and(|offset| offset != utc_offset_min(self.tz, now));
        if self.seen == Some((version, today)) && !offset_moved {
            return Ok(());
        }
        let planning = Planning::read(store, self.tz, now)?;
        let offset = utc_offset_min(self.tz, now);
        if **self.planned.zones.load() != planning.tree || self.utc_offset_min != Some(offset) {
            let tree = Arc::new(planning.tree.clone());
            self.on_air.take_zones(Arc::clone(&tree), offset)?;
            self.planned.zones.store(tree);
            self.utc_offset_min = Some(offset);
        }
        let inputs = planning.inputs();
        let before = self.planned_from.as_ref().map(Planning::inputs);
        let is_in_force = |date: &NaiveDate| {
            let same = before.is_some_and(|before| !inputs.differs_on(*date, &before));
            same && self.sheets.contains_key(date)
        };
        if self.sheets.is_empty() {
            // What of the eve still waits for the air, or was missed while nothing ran, is in its sheet alone.
            if let Some(eve) = store.run_sheet(today - Days::new(1))? {
                self.on_air.take_run_sheet(Arc::new(eve))?;
            }
        }
        // Tomorrow too: its first programme may begin with a chime today.
        let mut dates = vec![today, today + Days::new(1)];
        dates.retain(|date| !is_in_force(date));
        if !dates.is_empty() {
            let planner = Planner::new(inputs);
            for date in dates {
                let sheet = keep(store, &planner, date, now)?;
                if self.sheets.insert(date, sheet.number) != Some(sheet.number) {
                    info!(%date, number = sheet.number, lines = sheet.lines.len(), "planned");
                    self.on_air.take_run_sheet(Arc::new(sheet))?;
                }
            }
        }
        self.sheets.retain(|date, _| *date >= today);
        self.planned_from = Some(planning);
        self.seen = Some((version, today));
        Ok(())
    }
}

/// Longest time from an import to its effect.
const LOOK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use loa_plan::{read, resolve};

    use super::*;

    const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
    /// 17:12:30 on 4 December 2026 there.
    const NOW: WallTime = WallTime::from_unix_s(1_796_379_150);

    fn import(store: &mut Store, text: &str) {
        let planning = Planning::read(store, TZ, NOW).unwrap();
        let files = read(&[("day.toml".to_owned(), text.to_owned())]).unwrap();
        let resolved = resolve(&files, &planning.known(local::local_date(TZ, NOW))).unwrap();
        store.import_schedule(&resolved.schedule, "an", NOW).unwrap();
    }

    #[test]
    fn whoever_looks_at_a_day_changes_nothing_of_what_was_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
        let shown = |store: &Store, date, now| {
            let sheet = look_at(store, TZ, date, now).unwrap()?;
            Some((sheet.number, sheet.lines.len()))
        };
        import(&mut store, &format!("{ZONE}{SLOT}"));
        let today = local::local_date(TZ, NOW);
        let (eve, ahead) = (today - Days::new(1), today + Days::new(3));
        assert_eq!(shown(&store, ahead, NOW), Some((0, 1)));
        assert_eq!(store.run_sheet(ahead).unwrap(), None);
        assert_eq!(shown(&store, eve, NOW), None);
        let kept = plan(&mut store, TZ, today, NOW).unwrap();
        assert_eq!(shown(&store, today, NOW), Some((kept.number, 1)));

        import(&mut store, ZONE);
        assert_eq!(shown(&store, today, NOW), Some((0, 0)), "as it would be now");
        let tomorrow = NOW + Duration::from_secs(86_400);
        assert_eq!(
            shown(&store, today, tomorrow),
            Some((kept.number, 1)),
            "as it was"
        );
        assert_eq!(store.run_sheet(today).unwrap(), Some(kept));
    }

    const ZONE: &str = r#"
[[zone]]
code = "xa"
name = "Xã"
channel = 1
approval = false
"#;
    const SLOT: &str = r#"
[[programme]]
code = "im-lang"
title = "Giữ im lặng"
silence = true
[[slot]]
code = "im-lang"
programme = "im-lang"
zones = ["xa"]
cron = "0 5 * * *"
max_duration = "5m"
"#;
}
