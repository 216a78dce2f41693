//! Random days, commands, loads and crashes: what must hold whatever happens (`docs/ARCHITECTURE.md`, invariants).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::sent::{Sent, check_order, sent};
use common::{Station, at, last_parts, line, media, not_aired, sheet};
use loa_model::{
    AsRunEvent, BulletinClass, Command, EndReason, Origin, PartEnded, PartStarted, PreEmption, RunSheetLine,
    WallTime, ZoneId,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(f64),
    Override {
        zone: i64,
        media: i64,
        class: BulletinClass,
        duration: f64,
        limit: f64,
        chime: bool,
    },
    /// Stops one of the sessions known, by index.
    Stop(prop::sample::Index),
    /// Answers for media that loads slowly.
    Load {
        media: i64,
        ready: bool,
    },
    /// The day planned anew with those of its lines whose bit is set.
    Replan(u16),
    /// The power goes, and comes back after this long.
    Crash(f64),
    /// The head-end is shut down in order, and started again after this long.
    Restart(f64),
}

fn class() -> impl Strategy<Value = BulletinClass> {
    prop::sample::select(BulletinClass::ALL.to_vec())
}

fn planned() -> impl Strategy<Value = Vec<RunSheetLine>> {
    let policies = [PreEmption::Resume, PreEmption::Rejoin, PreEmption::Drop];
    let one = (
        1..=5i64,
        0..120u32,
        1..40u32,
        class(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(policies.to_vec()),
    );
    prop::collection::vec(one, 0..14).prop_map(|lines| {
        let lines = lines.into_iter().enumerate();
        let made = lines.map(|(i, (zone, start, duration, class, chime, cut, pre_emption))| {
            let made = line(
                i64::try_from(i).unwrap() + 1,
                zone,
                f64::from(start),
                f64::from(duration),
                class,
            );
            RunSheetLine {
                chime,
                cut,
                pre_emption,
                ..made
            }
        });
        made.collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        6 => (0.0..15.0f64).prop_map(Step::Wait),
        3 => (1..=5i64, 20..24i64, class(), 1.0..30.0f64, 0.5..40.0f64, any::<bool>())
            .prop_map(|(zone, media, class, duration, limit, chime)| Step::Override { zone, media, class, duration, limit, chime }),
        2 => any::<prop::sample::Index>().prop_map(Step::Stop),
        1 => (1..24i64, any::<bool>()).prop_map(|(media, ready)| Step::Load { media, ready }),
        2 => any::<u16>().prop_map(Step::Replan),
        1 => (0.1..20.0f64).prop_map(Step::Crash),
        1 => (0.1..20.0f64).prop_map(Step::Restart),
    ];
    prop::collection::vec(one, 0..25)
}

/// One run after another of the same station, and everything in their as-run logs.
struct Life {
    station: Station,
    epoch: u32,
    /// Every line there may be, and those that are planned.
    all: Vec<RunSheetLine>,
    lines: Vec<RunSheetLine>,
    slow: BTreeSet<loa_model::ContentHash>,
    log: Vec<AsRunEvent>,
    /// What each run sent.
    sent: Vec<Result<Vec<Sent>, String>>,
}

impl Life {
    fn step(&mut self, step: &Step) {
        let now = common::s(self.station.now);
        match step {
            Step::Wait(s) => self.station.run(now + s),
            Step::Override {
                zone,
                media: number,
                class,
                duration,
                limit,
                chime,
            } => {
                // Refused when the zone is full, which is an answer too.
                let _ = self.station.command(Command::StartOverride {
                    zone: ZoneId(*zone),
                    title: format!("o{number}"),
                    media: media(*number),
                    duration: Duration::from_secs_f64(*duration),
                    class: *class,
                    chime: *chime,
                    limit: Duration::from_secs_f64(*limit),
                    by: "op".into(),
                });
            }
            Step::Stop(index) => {
                let snapshot = self.station.engine.snapshot(self.station.now);
                let known: Vec<_> = snapshot
                    .zones
                    .iter()
                    .flat_map(|state| state.on_air.iter().chain(&state.waiting))
                    .collect();
                if !known.is_empty() {
                    // It may have been ending by itself already.
                    let session = index.get(&known).session;
                    let _ = self.station.command(Command::Stop {
                        session,
                        by: "op".into(),
                    });
                }
            }
            Step::Load { media: number, ready } => {
                if self.slow.contains(&media(*number)) && self.station.is_asked(*number) {
                    self.station
                        .load(*number, if *ready { Ok(3_600.0) } else { Err("gone") });
                }
            }
            Step::Replan(bits) => {
                let kept = self.all.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
                self.lines = kept.map(|(_, line)| line.clone()).collect();
                self.station.plan(self.lines.clone());
            }
            Step::Crash(s) => self.start_again(now + s),
            Step::Restart(s) => {
                let _ = self.station.command(Command::ShutDown);
                self.station.run(now + 1.5);
                self.start_again(now + 1.5 + s);
            }
        }
    }

    /// What is not in the log by now is lost; what the log leaves open, the store closes.
    fn start_again(&mut self, back: f64) {
        let lost_at = self.station.now;
        self.collect(Some(lost_at));
        let (mut parts, not_aired) = (last_parts(&self.log), not_aired(&self.log));
        for part in &mut parts {
            if part.ended.is_none() {
                let at = lost_at.max(part.started.at);
                let ended = PartEnded {
                    session: part.started.session,
                    part: part.started.part,
                    at,
                    media_offset: part.started.media_offset + at.since(part.started.at),
                    reason: EndReason::HeadEndLost,
                };
                part.ended = Some(ended.clone());
                self.log.push(AsRunEvent::Ended(ended));
            }
        }
        self.epoch += 1;
        self.station = Station::new(self.epoch, back);
        self.station.slow = self.slow.clone();
        let now = self.station.now;
        self.station
            .engine
            .restore(&parts, &not_aired, Some(lost_at), now);
        self.station.plan(self.lines.clone());
    }

    fn collect(&mut self, lost: Option<WallTime>) {
        let events = self.station.events();
        let actions = std::mem::take(&mut self.station.actions);
        self.sent.push(sent(&actions, lost));
        self.log.extend(events);
    }
}

fn check(log: &[AsRunEvent]) -> Result<(), TestCaseError> {
    let mut parts: Vec<(PartStarted, PartEnded)> = Vec::new();
    let mut open: BTreeMap<_, PartStarted> = BTreeMap::new();
    let mut over: BTreeMap<_, u32> = BTreeMap::new();
    for event in log {
        match event {
            AsRunEvent::Started(part) => {
                prop_assert!(
                    open.insert((part.session, part.part), part.clone()).is_none(),
                    "started twice: {part:?}"
                );
            }
            AsRunEvent::Ended(end) => {
                let start = open.remove(&(end.session, end.part));
                prop_assert!(start.is_some(), "an end without a start: {end:?}");
                let start = start.unwrap();
                prop_assert!(end.media_offset >= start.media_offset, "{start:?} {end:?}");
                if let (Origin::Slot(occurrence), EndReason::Completed | EndReason::TimeLimit) =
                    (&start.origin, &end.reason)
                {
                    *over.entry(*occurrence).or_default() += 1;
                }
                parts.push((start, end.clone()));
            }
            AsRunEvent::NotAired { occurrence, .. } => *over.entry(*occurrence).or_default() += 1,
        }
    }
    prop_assert!(open.is_empty(), "no end: {open:?}");
    prop_assert!(
        over.values().all(|times| *times == 1),
        "over more than once: {over:?}"
    );
    // What sounded, from the first programme sample on; a chime before it belongs to its part, but is not in the log.
    let sounded: Vec<_> = parts.iter().filter(|(start, end)| end.at > start.at).collect();
    for (i, (start, end)) in sounded.iter().enumerate() {
        for (other, other_end) in &sounded[i + 1..] {
            let overlap = start.at < other_end.at && other.at < end.at;
            prop_assert!(
                !(overlap && start.zone == other.zone),
                "two at once: {start:?} {other:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_happens(
        lines in planned(),
        slow in prop::collection::btree_set(1..24i64, 0..4),
        steps in steps(),
    ) {
        let slow: BTreeSet<_> = slow.into_iter().map(media).collect();
        let mut station = Station::new(1, 0.0);
        station.slow = slow.clone();
        station.plan(lines.clone());
        let mut life = Life { station, epoch: 1, slow: slow.clone(), all: lines.clone(), lines, log: Vec::new(), sent: Vec::new() };
        steps.iter().for_each(|step| life.step(step));
        // The day goes on to its end, and the station is shut down in order.
        let end = common::s(life.station.now) + 200.0;
        life.station.run(end);
        let _ = life.station.command(Command::ShutDown);
        life.station.run(end + 10.0);
        prop_assert_eq!(life.station.engine.poll_timeout(), None);
        prop_assert!(life.station.asked().all(|media| slow.contains(&media)), "media kept that nobody needs");
        life.collect(None);
        check(&life.log)?;
        for run in life.sent {
            let order = run.and_then(|sent| check_order(&sent));
            prop_assert!(order.is_ok(), "{}", order.unwrap_err());
        }
    }
}

#[test]
fn the_check_sees_what_it_is_for() {
    let mut station = Station::new(1, 0.0);
    station
        .engine
        .handle_run_sheet(&sheet(vec![line(1, 2, 5.0, 5.0, BulletinClass::Normal)]), at(0.0));
    station.run(60.0);
    let mut life = Life {
        station,
        epoch: 1,
        all: vec![],
        lines: vec![],
        slow: BTreeSet::new(),
        log: Vec::new(),
        sent: Vec::new(),
    };
    life.collect(None);
    assert_eq!(life.log.len(), 2);
    assert!(check(&life.log).is_ok());
    assert!(check(&life.log[..1]).is_err(), "a part without an end");
    assert!(
        check(&[&life.log[..], &life.log[..]].concat()).is_err(),
        "aired twice"
    );
}
