//! Random days, commands, loads and crashes: what must hold whatever happens (`docs/ARCHITECTURE.md`, invariants).

mod common;

use std::collections::BTreeSet;

use common::life::{Life, check, planned, steps, zones};
use common::{line, media, tree};
use loa_model::BulletinClass;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

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
    #[expect(
        clippy::disallowed_methods,
        reason = "a seed from the person who runs the test"
    )]
    let seed = std::env::var("LOA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(20_261_123);
    println!("LOA_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
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

#[test]
fn the_check_sees_what_it_is_for() {
    let day = [line(1, 2, 5.0, 5.0, BulletinClass::Normal)];
    let mut life = Life::new(&tree(), &day, &BTreeSet::new());
    life.plan_all();
    assert_eq!(life.end(), Ok(()));
    assert_eq!(life.log.len(), 2);
    assert!(check(&life.log).is_ok());
    assert!(check(&life.log[..1]).is_err(), "a part without an end");
    assert!(
        check(&[&life.log[..], &life.log[..]].concat()).is_err(),
        "aired twice"
    );
}
