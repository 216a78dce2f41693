//! Random plans, aired by the engine and by a model that looks at every second: the logs must be the same.
//!
//! The model knows the order of priority and nothing else, as the plan's prediction does (`crates/plan/src/air.rs`).
//! It has no chimes, and one delay for every class, so that everything happens on whole seconds.

mod common;

use std::time::Duration;

use common::{Station, line, tree};
use loa_model::{BulletinClass, PreEmption, Priority, RunSheetLine, SessionId, ZoneId};
use loa_playout::EngineSettings;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Planned {
    zone: i64,
    start: u32,
    length: u32,
    class: BulletinClass,
    pre_emption: PreEmption,
}

/// A line whose time has come and that is not over.
#[derive(Clone, Copy, Debug)]
struct Want {
    index: usize,
    offset: u32,
    since: Option<u32>,
    aired: bool,
}

/// Airs lines that are in order of their start, second by second; returns the log as [`Station::log`] prints it.
fn model(lines: &[Planned]) -> String {
    let mut wanting: Vec<Want> = Vec::new();
    let mut log: Vec<(u32, String)> = Vec::new();
    for now in 0..DAY {
        wanting.retain(|want| {
            let line = &lines[want.index];
            match want.since {
                Some(since) if since + line.length - want.offset == now => {
                    log.push(part(want, since, now, "completed"));
                    false
                }
                None if line.pre_emption.rejoins() && line.start + line.length <= now => {
                    log.extend(never(want, line));
                    false
                }
                _ => true,
            }
        });
        let begins = lines.iter().enumerate().filter(|(_, line)| line.start == now);
        wanting.extend(begins.map(|(index, _)| Want {
            index,
            offset: 0,
            since: None,
            aired: false,
        }));
        let winners: Vec<bool> = wanting.iter().map(|want| wins(want, &wanting, lines)).collect();
        let mut over = Vec::new();
        for (want, wins) in wanting.iter_mut().zip(winners) {
            let line = &lines[want.index];
            match (want.since, wins) {
                (None, true) => {
                    if line.pre_emption.rejoins() {
                        want.offset = now - line.start;
                    }
                    (want.since, want.aired) = (Some(now), true);
                }
                (Some(since), false) => {
                    log.push(part(want, since, now, "pre_empted"));
                    (want.offset, want.since) = (want.offset + now - since, None);
                }
                _ => {}
            }
            if !wins && line.pre_emption == PreEmption::Drop {
                log.extend(never(want, line));
                over.push(want.index);
            }
        }
        wanting.retain(|want| !over.contains(&want.index));
    }
    assert!(wanting.is_empty(), "the day is too short: {wanting:?}");
    log.sort();
    let lines = log.into_iter().map(|(_, text)| text);
    lines.collect::<Vec<_>>().join("\n")
}

fn wins(want: &Want, wanting: &[Want], lines: &[Planned]) -> bool {
    let tree = tree();
    let priority = |index: usize| Priority {
        class: lines[index].class,
        depth: tree.depth(ZoneId(lines[index].zone)),
        order: 0,
        session: SessionId(index as u64),
    };
    let zone = ZoneId(lines[want.index].zone);
    wanting
        .iter()
        .filter(|other| tree.covers(ZoneId(lines[other.index].zone), zone))
        .all(|other| priority(other.index) <= priority(want.index))
}

fn part(want: &Want, since: u32, now: u32, reason: &str) -> (u32, String) {
    let (offset, reached) = (want.offset, want.offset + now - since);
    let slot = want.index + 1;
    let text = format!("p{slot}@{since}.00+{offset}.00..{now}.00+{reached}.00 {reason}");
    (since, text)
}

fn never(want: &Want, line: &Planned) -> Option<(u32, String)> {
    let text = format!("p{} not aired: missed", want.index + 1);
    (!want.aired).then_some((line.start, text))
}

fn engine(lines: &[Planned]) -> String {
    let delay = Duration::from_millis(600);
    let mut station = Station::with(EngineSettings::new(None, delay, delay), 1, 0.0);
    let planned = lines.iter().zip(1..).map(|(planned, slot)| RunSheetLine {
        pre_emption: planned.pre_emption,
        ..line(
            slot,
            planned.zone,
            f64::from(planned.start),
            f64::from(planned.length),
            planned.class,
        )
    });
    station.plan(planned.collect());
    station.run(f64::from(DAY));
    station.log()
}

fn planned() -> impl Strategy<Value = Planned> {
    let policies = vec![
        PreEmption::Resume,
        PreEmption::Rejoin,
        PreEmption::Duck,
        PreEmption::Drop,
    ];
    (
        1..=5i64,
        5..60u32,
        2..30u32,
        prop::sample::select(BulletinClass::ALL.to_vec()),
        prop::sample::select(policies),
    )
        .prop_map(|(zone, start, length, class, pre_emption)| Planned {
            zone,
            start,
            length,
            class,
            pre_emption,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_engine_airs_what_the_order_of_priority_says(mut lines in prop::collection::vec(planned(), 1..12)) {
        lines.sort_by_key(|line| line.start);
        prop_assert_eq!(engine(&lines), model(&lines));
    }
}

/// Twelve lines of thirty seconds, one after another, after the last has begun.
const DAY: u32 = 60 + 12 * 30;
