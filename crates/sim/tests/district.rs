//! A small district in virtual time, on good and on bad networks: every receiver hears what the log says it should.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Chime, Command, Content, ContentHash, ORDER_DEFAULT, OccurrenceId, PreEmption,
    Reason, RunSheet, RunSheetLine, SlotId, Verdict, WallTime, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use loa_sim::{Conditions, Lab};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);

/// Province 1; communes 2 and 5; villages 3 and 4 in 2, 6 in 5.
fn tree() -> ZoneTree {
    let parents = [
        (1, None),
        (2, Some(1)),
        (3, Some(2)),
        (4, Some(2)),
        (5, Some(1)),
        (6, Some(5)),
    ];
    let zone = |(id, parent): (i64, Option<i64>)| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Zone {id}"),
        parent: parent.map(ZoneId),
        channel: Channel(u16::try_from(id).unwrap()),
        settings: ZoneSettings::default(),
    };
    ZoneTree::new(parents.into_iter().map(zone).collect()).unwrap()
}

fn media(number: i64) -> ContentHash {
    ContentHash([u8::try_from(number).unwrap(); 32])
}

fn line(slot: i64, zone: i64, start_s: u64, duration_s: u64, class: BulletinClass) -> RunSheetLine {
    let start = T0 + Duration::from_secs(start_s);
    RunSheetLine {
        number: u32::try_from(slot).unwrap(),
        occurrence: OccurrenceId {
            slot: SlotId(slot),
            zone: ZoneId(zone),
            start,
        },
        slot: format!("p{slot}"),
        title: format!("p{slot}"),
        content: Content::piece(media(slot), Duration::from_secs(duration_s)),
        duration: Duration::from_secs(duration_s),
        cut: true,
        class,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start,
        verdict: Verdict::Airs,
        reasons: vec![Reason::Scheduled { rule: "lab".into() }],
    }
}

/// A minute: the province, two communes, a village, and an emergency in commune 2 at 33 s.
fn minute(conditions: Conditions, seed: u64) -> Lab {
    let zones = [2, 3, 4, 5, 6].map(ZoneId);
    let mut lab = Lab::new(&tree(), &zones, conditions, seed, T0);
    for number in 1..=9 {
        lab.head_end.add_media(media(number), Duration::from_secs(30));
    }
    let lines = vec![
        line(1, 1, 5, 10, BulletinClass::Priority),
        line(2, 2, 10, 25, BulletinClass::Normal),
        line(3, 5, 20, 20, BulletinClass::Normal),
        line(4, 3, 25, 5, BulletinClass::Priority),
        line(5, 6, 30, 15, BulletinClass::Background),
    ];
    lab.head_end.plan(
        &RunSheet {
            number: 1,
            date: "2027-01-15".parse().unwrap(),
            lines,
        },
        T0,
    );
    lab.run(Duration::from_secs(33));
    let emergency = Command::StartOverride {
        zone: ZoneId(2),
        title: "flood".into(),
        content: Content::piece(media(9), Duration::from_secs(30)),
        class: BulletinClass::Emergency,
        chime: false,
        limit: Duration::from_secs(6),
        drill: false,
        by: "officer".into(),
    };
    let now = lab.now();
    lab.head_end.command(emergency, now).unwrap();
    lab.run(Duration::from_secs(27));
    lab
}

#[test]
fn on_a_good_network_every_receiver_hears_what_the_log_says() {
    let lab = minute(
        Conditions {
            delay: Duration::from_millis(2),
            ..Conditions::default()
        },
        1,
    );
    for (node, agreement) in lab.nodes.iter().zip(lab.agreement()) {
        assert!(agreement > 0.995, "{agreement}: {:?}", node.heard());
        let counters = node.counters();
        assert_eq!(
            (
                counters.lost,
                counters.late,
                counters.forged,
                counters.unknown_key
            ),
            (0, 0, 0, 0)
        );
    }
}

#[test]
fn on_a_bad_network_the_air_is_the_same_but_for_the_edges() {
    for seed in 0..8 {
        let conditions = Conditions {
            loss: 0.05,
            doubled: 0.02,
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(90),
        };
        let lab = minute(conditions, seed);
        for (node, agreement) in lab.nodes.iter().zip(lab.agreement()) {
            assert!(agreement > 0.96, "seed {seed}: {agreement}: {:?}", node.heard());
            let counters = node.counters();
            assert!(
                counters.lost > 0 && counters.duplicate > 0 && counters.reordered > 0,
                "seed {seed}: {counters:?}"
            );
            assert_eq!(
                (counters.forged, counters.replayed, counters.stale),
                (0, 0, 0),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn the_emergency_is_heard_within_half_a_second_of_the_button_and_nothing_weaker_while_it_lasts() {
    for seed in 0..8 {
        let conditions = Conditions {
            loss: 0.1,
            jitter: Duration::from_millis(60),
            ..Conditions::default()
        };
        let lab = minute(conditions, seed);
        for node in &lab.nodes[..3] {
            let pressed = T0 + Duration::from_secs(33);
            let taken = node
                .heard()
                .iter()
                .find(|heard| heard.at >= pressed && heard.session.is_some());
            let delay = taken.unwrap().at.since(pressed);
            assert!(delay < Duration::from_millis(500), "seed {seed}: {delay:?}");
            let until = pressed + Duration::from_secs(6);
            let meanwhile = node
                .heard()
                .iter()
                .filter(|heard| heard.at > pressed + delay && heard.at < until);
            assert_eq!(meanwhile.count(), 0, "seed {seed}: {:?}", node.heard());
        }
    }
}
