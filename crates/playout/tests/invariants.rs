//! Random days, commands, loads and crashes: what must hold whatever happens (`docs/ARCHITECTURE.md`, invariants).

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::check::{Heard, check, emergencies_are_heard, minutes_are_kept, quiet_is_kept};
use common::life::{Life, Step};
use common::lives::{planned, steps, zones};
use common::{at, line, media, seed, seeded, tree};
use loa_model::{
    AsRunEvent, BulletinClass, Days, PartEnded, PartStarted, QuietPolicy, SessionId, Window, ZoneId, ZoneTree,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_happens(
        tree in zones(),
        lines in planned(),
        slow in prop::collection::btree_set(1..24i64, 0..4),
        steps in steps(),
    ) {
        let slow: BTreeSet<_> = slow.into_iter().map(media).collect();
        let mut life = Life::new(&tree, &lines, &slow);
        life.plan_all();
        for step in &steps {
            prop_assert_eq!(life.step(step), Ok(()));
        }
        prop_assert_eq!(life.end(), Ok(()));
        prop_assert_eq!(life.check(), Ok(()));
    }
}

/// The same for a million steps of one seed, which is printed; `LOA_SEED` chooses another.
#[test]
fn a_million_steps() {
    let seed = seed();
    let mut runner = seeded(seed);
    let slow = prop::collection::btree_set(1..24i64, 0..4);
    let lives = (zones(), planned(), slow, steps());
    let (mut done, mut life_number) = (0, 0);
    while done < STEPS {
        let (tree, lines, slow, steps) = lives.new_tree(&mut runner).unwrap().current();
        let slow: BTreeSet<_> = slow.into_iter().map(media).collect();
        life_number += 1;
        let mut life = Life::new(&tree, &lines, &slow);
        life.plan_all();
        let lived = steps.iter().try_for_each(|step| life.step(step));
        let lived = lived.and_then(|()| life.end()).and_then(|()| life.check());
        assert_eq!(
            lived,
            Ok(()),
            "LOA_SEED={seed}, life {life_number}: {lines:?} {steps:?}"
        );
        // Each line that comes up is a step too.
        done += steps.len() + lines.len();
    }
    println!("{life_number} lives, {done} steps");
}

/// Steps of [`a_million_steps`].
const STEPS: usize = 1_000_000;

/// A programme with an emergency in the middle: two parts of the one, and the other between them.
fn a_day() -> Vec<AsRunEvent> {
    let day = [line(1, 2, 5.0, 20.0, BulletinClass::Normal)];
    let mut life = Life::new(&tree(), &day, &BTreeSet::new());
    life.plan_all();
    let emergency = Step::Override {
        zone: 2,
        media: 20,
        class: BulletinClass::Emergency,
        duration: 5.0,
        limit: 5.0,
        chime: false,
    };
    for step in [Step::Wait(10.0), emergency] {
        assert_eq!(life.step(&step), Ok(()));
    }
    assert_eq!(life.end(), Ok(()));
    assert_eq!((life.log.len(), life.check()), (6, Ok(())));
    life.log
}

type Change = fn(&mut Vec<AsRunEvent>);

/// Each row: what is done to a log that is right, and what the check says of it.
#[test]
fn the_check_sees_what_it_is_for() {
    let rows: [(&str, Change, &str); 7] = [
        ("a part without an end", |log| drop(log.pop()), "no end"),
        (
            "an end twice",
            |log| log.extend(log.last().cloned()),
            "an end without a start",
        ),
        (
            "a start twice",
            |log| log.insert(0, log[0].clone()),
            "started twice",
        ),
        (
            "aired twice",
            |log| log.extend(log.clone()),
            "over more than once",
        ),
        (
            "resumed a little more than a frame off",
            |log| started(log, 4).media_offset += Duration::from_millis(21),
            "resumed 21ms off",
        ),
        (
            "resumed too early",
            |log| started(log, 4).at = at(12.0),
            "two at once",
        ),
        (
            "ended before it began",
            |log| ended(log, 5).media_offset = Duration::ZERO,
            "it ran backwards",
        ),
    ];
    for (name, change, expected) in rows {
        let mut log = a_day();
        change(&mut log);
        let said = check(&log).expect_err(name);
        assert!(said.contains(expected), "{name}: {said}");
    }
    let mut log = a_day();
    started(&mut log, 4).media_offset += Duration::from_millis(20);
    assert_eq!(check(&log), Ok(()), "a frame off");
}

#[test]
fn the_checks_of_a_zone_see_what_they_are_for() {
    let quiet = |from: u16, to: u16, minutes_a_day| {
        let window = Window {
            days: Days::ALL,
            from: 480 + from,
            to: 480 + to,
        };
        let all = tree();
        let zones = all.iter().cloned().map(|mut zone| {
            zone.settings.quiet = Some(QuietPolicy {
                windows: vec![window],
                minutes_a_day,
                volume: Vec::new(),
            });
            zone
        });
        ZoneTree::new(zones.collect()).unwrap()
    };
    let mut log = a_day();
    assert_eq!(quiet_is_kept(&log, &quiet(0, 1, None), 0), Ok(()));
    assert!(quiet_is_kept(&log, &quiet(1, 2, None), 0).is_err());
    assert!(
        quiet_is_kept(&log, &quiet(0, 1, None), 1).is_err(),
        "another local time"
    );
    assert_eq!(minutes_are_kept(&log, &quiet(0, 9, Some(1)), 0), Ok(()));
    ended(&mut log, 5).at = at(75.5);
    assert!(minutes_are_kept(&log, &quiet(0, 9, Some(1)), 0).is_err());
    let midnight = 16 * 60 - 1;
    assert_eq!(
        minutes_are_kept(&log, &quiet(0, 9, Some(1)), midnight),
        Ok(()),
        "two days"
    );

    let heard = |session, zone, from, to| Heard {
        session: SessionId(session),
        zone: ZoneId(zone),
        class: BulletinClass::Emergency,
        from: at(from),
        begins: at(from),
        to: at(to),
    };
    let interrupted = [heard(1, 2, 5.0, 10.0), heard(1, 2, 15.0, 20.0)];
    let by = |zone, to| [&interrupted[..], &[heard(2, zone, 10.0, to)]].concat();
    assert_eq!(emergencies_are_heard(&by(1, 15.0), &tree()), Ok(()));
    assert!(emergencies_are_heard(&interrupted, &tree()).is_err());
    assert!(emergencies_are_heard(&by(1, 14.999), &tree()).is_err());
    assert!(
        emergencies_are_heard(&by(3, 15.0), &tree()).is_err(),
        "only below"
    );
}

fn started(log: &mut [AsRunEvent], index: usize) -> &mut PartStarted {
    match &mut log[index] {
        AsRunEvent::Started(started) => started,
        other => panic!("{other:?}"),
    }
}

fn ended(log: &mut [AsRunEvent], index: usize) -> &mut PartEnded {
    match &mut log[index] {
        AsRunEvent::Ended(ended) => ended,
        other => panic!("{other:?}"),
    }
}
