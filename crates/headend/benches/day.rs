//! What it costs to plan and to air a province: 2,000 zones, 5,000 slots, 14 days, out of a store as a station has it.
//!
//! Read the ratios, not the seconds: they hold from machine to machine. The floor of planning is the work nobody can
//! leave out, sorting as many starts as the plans have lines; the floor of a tick is walking the engine's zones once.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "day/province.rs"]
mod province;

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use common::{TZ, import, midnight};
use loa_headend::planning::Planning;
use loa_model::{BulletinClass, Content, DaySpan, OccurrenceId, RunSheet, RunSheetLine, WallTime, ZoneTree};
use loa_plan::{DayPlan, Planner, utc_offset_min};
use loa_playout::{Action, Engine, EngineSettings};
use loa_store::Store;

const DAYS: u64 = 14;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let first: NaiveDate = "2026-11-30".parse().expect("a date");
    let dates: Vec<NaiveDate> = (0..DAYS).map(|day| first + Days::new(day)).collect();
    let now = midnight(first) - Duration::from_secs(6 * 3_600);
    let (took, mut store) = timed(|| station(&dir.path().join("loa.db"), first, now));
    println!(
        "Importing {} slots of {} zones: {:.0} ms",
        province::SLOTS,
        province::ZONES,
        ms(took)
    );

    let (reading, planning) = best(|| Planning::read(&store, TZ, now).expect("a store"));
    let (cold, plans) = best(|| plan(&planning, &dates));
    let lines: usize = plans.iter().map(|plan| plan.sheet.lines.len()).sum();
    let faults: usize = plans.iter().map(|plan| plan.faults.len()).sum();
    assert_eq!(faults, 0, "a province without faults");
    let (floor, _) = best(|| {
        let lines = plans.iter().flat_map(|plan| &plan.sheet.lines);
        let mut starts: Vec<_> = lines.map(|line| line.occurrence).collect();
        starts.reverse();
        starts.sort();
        starts
    });
    println!("Planning {DAYS} days, {lines} lines (best of {ROUNDS})");
    println!("{:<52} {:>10} {:>10} {:>12}", "", "ms", "x floor", "of the whole");
    let row = |name: &str, time: Duration| {
        let ratio = |to: Duration| time.as_secs_f64() / to.as_secs_f64();
        println!(
            "{name:<52} {:>10.2} {:>10.1} {:>12.3}",
            ms(time),
            ratio(floor),
            ratio(cold)
        );
    };
    row("floor: sorting the lines", floor);
    row("reading the store", reading);
    row("from cold: the whole", cold);
    for (name, file) in province::EDITS {
        import(&mut store, &[("edit.toml", file)], now);
        let edited = Planning::read(&store, TZ, now).expect("a store");
        let touched = |date: &&NaiveDate| edited.inputs().differs_on(**date, &planning.inputs());
        let (edit, planned) = best(|| {
            let touched: Vec<NaiveDate> = dates.iter().filter(touched).copied().collect();
            plan(&edited, &touched).len()
        });
        row(&format!("{name} ({planned} days)"), edit);
        import(&mut store, &[("edit.toml", "")], now);
    }
    tick(&planning.tree, &plans[0].sheet, first);
}

/// Imports the province, switches its storm on for two days, and approves everything.
fn station(database: &std::path::Path, first: NaiveDate, now: WallTime) -> Store {
    let mut store = common::station(database, &province::lengths_ms());
    let files = [
        ("zones.toml", &*province::zones()),
        ("week.toml", &*province::week()),
    ];
    import(&mut store, &files, now);
    let storm = DaySpan {
        from: first + Days::new(3),
        to: first + Days::new(4),
    };
    store.switch_on("bao", storm, "an", now).expect("a profile");
    for number in 1..=3 {
        common::add_episode(&mut store, "ke-chuyen", 100 + number, 655_001, now);
    }
    common::approve(&mut store, now);
    store
}

fn plan(planning: &Planning, dates: &[NaiveDate]) -> Vec<DayPlan> {
    if dates.is_empty() {
        return Vec::new();
    }
    let planner = Planner::new(planning.inputs());
    dates.iter().map(|date| planner.day(*date)).collect()
}

/// A busy day on the engine: what its ticks cost beside walking its zones.
fn tick(tree: &ZoneTree, sheet: &RunSheet, date: NaiveDate) {
    let mut engine = engine(tree, date);
    let (taking, ()) = timed(|| engine.handle_run_sheet(sheet, midnight(date)));
    println!(
        "Taking {} lines into force: {:.2} ms",
        sheet.lines.len(),
        ms(taking)
    );
    let day = Ticks::until(&mut engine, midnight(date), None);
    println!("Airing a day: {} starts in {} ticks", day.starts, day.ticks);
    let (floor, _) = best(|| tree.iter().filter(|zone| black_box(zone.channel).0 > 0).count());
    let row = |name: &str, time: Duration| {
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        println!("{name:<52} {:>10.4} {ratio:>10.1}", ms(time));
    };
    row("floor: walking the zones", floor);
    row("a tick, mean", day.spent / day.ticks.max(1));
    row("the worst tick", day.worst);
    let noon = midnight(date) + Duration::from_secs(12 * 3_600);
    let rush = rush(tree, sheet, noon);
    let mut engine = self::engine(tree, date);
    engine.handle_run_sheet(&rush, midnight(date));
    let ticks = Ticks::until(&mut engine, midnight(date), Some(noon));
    assert_eq!(
        usize::try_from(ticks.starts),
        Ok(rush.lines.len()),
        "all are on the air"
    );
    println!("Airing {} lines that begin at one instant", rush.lines.len());
    row("the worst tick", ticks.worst);
    row("a snapshot while they sound", best(|| engine.snapshot(noon)).0);
}

/// One line in each village, all at one instant.
fn rush(tree: &ZoneTree, sheet: &RunSheet, start: WallTime) -> RunSheet {
    let airs = |line: &&RunSheetLine| {
        line.kept_off().is_none()
            && matches!(line.content, Content::Pieces(_))
            && line.class > BulletinClass::Background
    };
    let line = sheet.lines.iter().find(airs).expect("a line of media");
    let villages = tree.iter().filter(|zone| tree.depth(zone.id) == 2);
    let lines = (1..).zip(villages).map(|(number, village)| RunSheetLine {
        number,
        occurrence: OccurrenceId {
            zone: village.id,
            start,
            ..line.occurrence
        },
        start,
        ..line.clone()
    });
    RunSheet {
        lines: lines.collect(),
        ..sheet.clone()
    }
}

fn engine(tree: &ZoneTree, date: NaiveDate) -> Engine {
    let delay = Duration::from_millis(600);
    let settings = EngineSettings {
        utc_offset_min: utc_offset_min(TZ, midnight(date)),
        ..EngineSettings::new(None, delay, delay)
    };
    Engine::new(tree.clone(), 1, settings, midnight(date))
}

/// What an engine's ticks came to.
#[derive(Default)]
struct Ticks {
    ticks: u32,
    starts: u32,
    spent: Duration,
    worst: Duration,
}

impl Ticks {
    /// Runs an engine from one timeout to the next, up to an instant if one is given.
    fn until(engine: &mut Engine, from: WallTime, to: Option<WallTime>) -> Self {
        let mut done = Self::default();
        let mut now = from;
        let within = |due: &WallTime| to.is_none_or(|to| *due <= to);
        while let Some(due) = engine.poll_timeout().filter(within) {
            now = now.max(due);
            let begun = Instant::now();
            engine.handle_timeout(now);
            while let Some(action) = engine.poll_output() {
                match action {
                    Action::Prepare { media } => {
                        engine.handle_media(media, Ok(Duration::from_secs(600)), now);
                    }
                    Action::Start(_) => done.starts += 1,
                    other => drop(black_box(other)),
                }
            }
            let took = begun.elapsed();
            done.ticks += 1;
            done.spent += took;
            done.worst = done.worst.max(took);
        }
        done
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = black_box(work());
    (begun.elapsed(), done)
}

fn best<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let rounds = (0..ROUNDS).map(|_| timed(&mut work));
    rounds.min_by_key(|(took, _)| *took).expect("at least one round")
}

const ROUNDS: usize = 5;
