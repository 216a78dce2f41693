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
use loa_plan::{DayInputs, local, plan_day};
use loa_store::Store;
use tracing::{error, info, warn};

use crate::on_air::OnAir;

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
    let (tree, rows) = (store.zones()?, store.schedule()?);
    let media: BTreeMap<_, _> = store
        .media()?
        .iter()
        .map(|row| (row.media.hash, row.media.duration()))
        .collect();
    let inputs = DayInputs {
        tree: &tree,
        programmes: &rows.programmes,
        media: &media,
        slots: &rows.slots,
        exceptions: &rows.exceptions,
        tz,
    };
    let plan = plan_day(&inputs, date);
    for fault in &plan.faults {
        warn!(%date, "{fault}");
    }
    Ok(store.put_run_sheet(&plan.sheet, now)?)
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
    let mut planner = Planner {
        database,
        tz,
        on_air,
        planned,
        store: None,
        seen: None,
        sheets: BTreeMap::new(),
    };
    std::thread::Builder::new().name("planner".into()).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            planner.look();
            std::thread::sleep(LOOK);
        }
    })
}

struct Planner {
    database: PathBuf,
    tz: Tz,
    on_air: OnAir,
    planned: Arc<Planned>,
    store: Option<Store>,
    /// Version of the data and local date that the newest plan was made for.
    seen: Option<(i64, NaiveDate)>,
    /// Numbers of the run-sheets in force, to hand over only what changed.
    sheets: BTreeMap<NaiveDate, u32>,
}

impl Planner {
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
        let version = store.data_version().context("look for changes")?;
        if self.seen == Some((version, today)) {
            return Ok(());
        }
        let tree = store.zones()?;
        if **self.planned.zones.load() != tree {
            let tree = Arc::new(tree);
            self.on_air.take_zones(Arc::clone(&tree))?;
            self.planned.zones.store(tree);
        }
        // Tomorrow too: its first programme may begin with a chime today.
        for date in [today, today + Days::new(1)] {
            let sheet = plan(store, self.tz, date, now)?;
            if self.sheets.insert(date, sheet.number) != Some(sheet.number) {
                info!(%date, number = sheet.number, lines = sheet.lines.len(), "planned");
                self.on_air.take_run_sheet(Arc::new(sheet))?;
            }
        }
        self.sheets.retain(|date, _| *date >= today);
        self.seen = Some((version, today));
        Ok(())
    }
}

/// Longest time from an import to its effect.
const LOOK: Duration = Duration::from_millis(500);
