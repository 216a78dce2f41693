//! What it costs to plan and to air a province: 2,000 zones, 5,000 slots, 14 days.
//!
//! Read the ratios, not the seconds: they hold from machine to machine. The floor of planning is the work nobody can
//! leave out, sorting as many starts as the plans have lines; the floor of a tick is walking the engine's zones once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use loa_model::{
    BulletinClass, Channel, Chime, Content, ContentHash, ORDER_DEFAULT, Overrun, PreEmption, Programme,
    ProgrammeId, ProgrammeSpec, Recurrence, Slot, SlotId, SlotSpec, Source, WallTime, Zone, ZoneId,
    ZoneSettings, ZoneTree,
};
use loa_plan::{DayInputs, HeardMedia, KnownLibrary, KnownMedia, Planner, local};
use loa_playout::{Action, Engine, EngineSettings};

const COMMUNES: i64 = 100;
const VILLAGES: i64 = 19;
const SLOTS: i64 = 5_000;
const DAYS: u64 = 14;
const TZ: Tz = Tz::Asia__Ho_Chi_Minh;

/// A province, 100 communes of 19 villages: 2,001 zones.
fn tree() -> ZoneTree {
    let zone = |id: i64, parent: Option<i64>| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Zone {id}"),
        parent: parent.map(ZoneId),
        channel: Channel(u16::try_from(id).expect("a channel")),
        settings: ZoneSettings::default(),
    };
    let mut zones = vec![zone(1, None)];
    for commune in 0..COMMUNES {
        let id = 2 + commune * (VILLAGES + 1);
        zones.push(zone(id, Some(1)));
        zones.extend((1..=VILLAGES).map(|village| zone(id + village, Some(id))));
    }
    ZoneTree::new(zones).expect("a tree")
}

fn library() -> KnownLibrary {
    let media = (0..50_u8).map(|number| KnownMedia {
        hash: ContentHash([number; 32]),
        title: format!("m{number}"),
        file_name: format!("m{number}.mp3"),
        duration: Duration::from_millis(300_000 + u64::from(number) * 1_357),
        series: None,
        added_at: WallTime::default(),
    });
    KnownLibrary::new(media)
}

fn programmes() -> Vec<Programme> {
    let programme = |number: u8| Programme {
        id: ProgrammeId(i64::from(number)),
        code: format!("p{number}"),
        spec: ProgrammeSpec {
            title: format!("Programme {number}"),
            source: Source::Asset {
                media: ContentHash([number; 32]),
                languages: std::collections::BTreeMap::new(),
            },
            class: BulletinClass::Normal,
            chime: Chime::default(),
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            topic: None,
            campaign: None,
        },
    };
    (0..50).map(programme).collect()
}

/// Each zone's own few slots, most of them at the hours at which everybody airs.
fn slots(tree: &ZoneTree) -> Vec<Slot> {
    let zones: Vec<ZoneId> = tree.iter().map(|zone| zone.id).collect();
    let slot = |number: i64| {
        let at = usize::try_from(number).expect("an index");
        let (minute, hour) = (number % 12 * 5, [5, 6, 11, 17, 18][at % 5]);
        let days = ["*", "Mon-Fri", "Tue,Thu,Sat", "Mon-Sat"][at % 4];
        Slot {
            id: SlotId(number),
            code: format!("s{number}"),
            spec: SlotSpec {
                programme: ProgrammeId(number % 50),
                zones: vec![zones[at % zones.len()]],
                recurrence: Recurrence::Cron(format!("{minute} {hour} * * {days}")),
                every_weeks: None,
                valid_from: None,
                valid_to: None,
                profile: None,
                class: if number % 7 == 0 {
                    BulletinClass::Priority
                } else {
                    BulletinClass::Normal
                },
                order: ORDER_DEFAULT,
                max_duration: Duration::from_secs(900),
                overrun: Overrun::Stop,
                makes_room: None,
            },
        }
    };
    (1..=SLOTS).map(slot).collect()
}

fn main() {
    let (tree, library, programmes) = (tree(), library(), programmes());
    let slots = slots(&tree);
    let heard = HeardMedia::default();
    let inputs = DayInputs {
        tree: &tree,
        programmes: &programmes,
        library: &library,
        slots: &slots,
        exceptions: &[],
        profiles: &[],
        heard: &heard,
        approvals: None,
        tz: TZ,
    };
    let first: NaiveDate = "2026-11-30".parse().expect("a date");
    let dates: Vec<NaiveDate> = (0..DAYS).map(|day| first + Days::new(day)).collect();

    let (cold, sheets) = best(|| {
        let planner = Planner::new(inputs);
        dates
            .iter()
            .map(|date| planner.day(*date).sheet)
            .collect::<Vec<_>>()
    });
    let lines: usize = sheets.iter().map(|sheet| sheet.lines.len()).sum();
    let (floor, _) = best(|| {
        let mut starts: Vec<_> = sheets
            .iter()
            .flat_map(|sheet| &sheet.lines)
            .map(|line| line.occurrence)
            .collect();
        starts.reverse();
        starts.sort();
        starts
    });
    println!(
        "Planning {} zones, {SLOTS} slots, {DAYS} days: {lines} lines (best of {ROUNDS})",
        tree.iter().count()
    );
    println!("{:<44} {:>10} {:>12}", "", "ms", "x floor");
    let row = |name: &str, time: Duration, floor: Duration| {
        let (ms, ratio) = (time.as_secs_f64() * 1e3, time.as_secs_f64() / floor.as_secs_f64());
        println!("{name:<44} {ms:>10.2} {ratio:>12.1}");
    };
    row("floor: sorting the lines", floor, floor);
    row("from cold", cold, floor);

    // One slot gets another minute; the days on which it airs are planned anew.
    for (name, number) in [
        ("after an edit of a slot that airs daily", 40_usize),
        ("after an edit of a slot of one day", 41),
    ] {
        let mut edited = slots.clone();
        let slot = &mut edited[number - 1];
        slot.spec.recurrence = if number == 40 {
            Recurrence::Cron("7 9 * * *".to_owned())
        } else {
            Recurrence::Once(first.and_hms_opt(9, 7, 0).expect("a time"))
        };
        let mut before = slots.clone();
        if number == 41 {
            before[number - 1].spec.recurrence =
                Recurrence::Once(first.and_hms_opt(9, 0, 0).expect("a time"));
        }
        let before = Planner::new(DayInputs {
            slots: &before,
            ..inputs
        });
        let (edit, planned) = best(|| {
            let after = Planner::new(DayInputs {
                slots: &edited,
                ..inputs
            });
            let touched = dates.iter().filter(|date| after.differs_from(&before, **date));
            touched.map(|date| after.day(*date)).collect::<Vec<_>>().len()
        });
        row(&format!("{name} ({planned} days)"), edit, floor);
        println!(
            "{:<44} {:>22.3}",
            "  of the full plan",
            edit.as_secs_f64() / cold.as_secs_f64()
        );
    }
    tick(&tree, &sheets[0], first);
}

/// A busy day on the engine: what its ticks cost beside walking its zones.
fn tick(tree: &ZoneTree, sheet: &loa_model::RunSheet, date: NaiveDate) {
    let midnight = local::to_wall(TZ, date.and_hms_opt(0, 0, 0).expect("a time")).expect("an instant");
    let delay = Duration::from_millis(600);
    let mut engine = Engine::new(tree.clone(), 1, EngineSettings::new(None, delay, delay), midnight);
    let begun = Instant::now();
    engine.handle_run_sheet(sheet, midnight);
    let (mut ticks, mut worst, mut spent, mut starts) = (0_u32, Duration::ZERO, begun.elapsed(), 0_u32);
    println!(
        "Taking {} lines into force: {:.2} ms",
        sheet.lines.len(),
        spent.as_secs_f64() * 1e3
    );
    spent = Duration::ZERO;
    let mut now = midnight;
    while let Some(due) = engine.poll_timeout() {
        now = now.max(due);
        let begun = Instant::now();
        engine.handle_timeout(now);
        while let Some(action) = engine.poll_output() {
            match action {
                Action::Prepare { media } => engine.handle_media(media, Ok(Duration::from_secs(600)), now),
                Action::Start(_) => starts += 1,
                other => drop(black_box(other)),
            }
        }
        let took = begun.elapsed();
        (ticks, spent, worst) = (ticks + 1, spent + took, worst.max(took));
    }
    let (floor, _) = best(|| tree.iter().filter(|zone| black_box(zone.channel).0 > 0).count());
    println!("Airing a day: {starts} starts in {ticks} ticks");
    println!(
        "{:<44} {:>10.4}",
        "floor: walking the zones, ms",
        floor.as_secs_f64() * 1e3
    );
    let mean = spent / ticks.max(1);
    println!(
        "{:<44} {:>10.4} {:>12.1}",
        "a tick, mean, ms",
        mean.as_secs_f64() * 1e3,
        mean.as_secs_f64() / floor.as_secs_f64()
    );
    println!("{:<44} {:>10.4}", "the worst tick, ms", worst.as_secs_f64() * 1e3);
    black_box(Content::Silence);
}

fn best<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut least: Option<(Duration, T)> = None;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let done = black_box(work());
        let took = begun.elapsed();
        if least.as_ref().is_none_or(|(best, _)| took < *best) {
            least = Some((took, done));
        }
    }
    least.expect("at least one round")
}

const ROUNDS: usize = 5;
