//! Quiet hours against a head-end that airs at any hour, forged and old beacons, and power cuts.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Chime, Command, Content, ContentHash, Days, ORDER_DEFAULT, OccurrenceId,
    PreEmption, QuietHours, QuietPolicy, Reason, RunSheet, RunSheetLine, Silence, SlotId, Verdict,
    VolumeStep, WallTime, Window, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use loa_session::{StreamStart, ZoneStream};
use loa_sim::{Conditions, Datagram, Heard, Lab, Node};
use loa_wire::{Addressing, Certificate, Signer, public_key};

/// A Friday in January 2027, UTC+7.
const DAY: i64 = 20_833;

fn local(hour: i64, minute: i64, second: i64) -> WallTime {
    WallTime::from_unix_s(DAY * 86_400 + hour * 3_600 + minute * 60 + second - 7 * 3_600)
}

/// Province 1, commune 2, villages 3 and 4.
fn tree() -> ZoneTree {
    let zone = |(id, parent): (i64, Option<i64>)| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Zone {id}"),
        parent: parent.map(ZoneId),
        channel: Channel(u16::try_from(id).unwrap()),
        settings: ZoneSettings::default(),
    };
    let parents = [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(2))];
    ZoneTree::new(parents.into_iter().map(zone).collect()).unwrap()
}

/// Every day 05:00 to 22:00, softly from 21:00 to 06:00.
fn policy() -> QuietPolicy {
    let step = |hour: u16, gain_db| VolumeStep {
        from: hour * 60,
        gain_db,
    };
    QuietPolicy {
        windows: vec![Window {
            days: Days::ALL,
            from: 300,
            to: 1_320,
        }],
        minutes_a_day: None,
        volume: vec![step(6, 0), step(21, -12)],
    }
}

fn hours(policy: QuietPolicy) -> Option<QuietHours> {
    Some(QuietHours {
        policy,
        utc_offset_min: 420,
    })
}

fn never() -> Option<QuietHours> {
    hours(QuietPolicy {
        minutes_a_day: Some(0),
        ..QuietPolicy::default()
    })
}

/// A district whose zones all have this policy and that has run for three seconds before `start`.
fn lab(start: WallTime, quiet: Option<&QuietHours>) -> Lab {
    let conditions = Conditions {
        delay: Duration::from_millis(2),
        jitter: Duration::from_millis(20),
        ..Conditions::default()
    };
    let begins = start - Duration::from_secs(3);
    let mut lab = Lab::new(&tree(), &[1, 2, 3, 4].map(ZoneId), conditions, 5, begins);
    (1..=4).for_each(|zone| lab.head_end.set_quiet(ZoneId(zone), quiet.cloned()));
    for number in [1, 9] {
        lab.head_end.add_media(media(number), Duration::from_secs(300));
    }
    lab.run(Duration::from_secs(3));
    lab
}

const fn media(number: u8) -> ContentHash {
    ContentHash([number; 32])
}

/// The province's programme, planned against all policy.
fn plan(lab: &mut Lab, start: WallTime, duration: Duration) {
    let line = RunSheetLine {
        number: 1,
        occurrence: OccurrenceId {
            slot: SlotId(1),
            zone: ZoneId(1),
            start,
        },
        slot: "night".into(),
        title: "night".into(),
        content: Content::piece(media(1), duration),
        duration,
        cut: true,
        class: BulletinClass::Normal,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start,
        verdict: Verdict::Airs,
        reasons: vec![Reason::Scheduled { rule: "lab".into() }],
    };
    let sheet = RunSheet {
        number: 1,
        date: "2027-01-15".parse().unwrap(),
        lines: vec![line],
    };
    let now = lab.now();
    lab.head_end.plan(&sheet, now);
}

fn raise_emergency(lab: &mut Lab) {
    let emergency = Command::StartOverride {
        zone: ZoneId(1),
        title: "flood".into(),
        content: Content::piece(media(9), Duration::from_secs(300)),
        class: BulletinClass::Emergency,
        chime: false,
        limit: Duration::from_secs(20),
        drill: false,
        by: "officer".into(),
    };
    let now = lab.now();
    lab.head_end.command(emergency, now).unwrap();
}

/// What a node heard in a stretch that it began in silence.
fn sounds(node: &Node, from: WallTime, to: WallTime) -> Vec<Heard> {
    let within = node
        .heard()
        .iter()
        .filter(|heard| from <= heard.at && heard.at < to);
    within.filter(|heard| heard.session.is_some()).copied().collect()
}

/// How long a node heard anything, until now.
fn sounded(node: &Node, now: WallTime) -> Duration {
    let mut sum = Duration::ZERO;
    let ends = node.heard().iter().skip(1).map(|heard| heard.at).chain([now]);
    for (heard, end) in node.heard().iter().zip(ends) {
        if heard.session.is_some() {
            sum += end.since(heard.at);
        }
    }
    sum
}

#[test]
fn at_night_nobody_hears_a_programme_and_everybody_an_emergency_at_full_volume() {
    let mut lab = lab(local(3, 14, 50), hours(policy()).as_ref());
    plan(&mut lab, local(3, 15, 0), Duration::from_secs(120));
    lab.run(Duration::from_secs(70));
    for node in &lab.nodes {
        assert_eq!(node.heard(), [], "silence until 03:16");
        assert!(node.counters().quiet > 900, "{:?}", node.counters());
        assert_eq!((node.counters().lost, node.counters().late), (0, 0));
        assert_eq!(node.quiet().silence, Some(Silence::QuietHours));
        assert_eq!(node.quiet().gain_db, -12);
    }
    let pressed = lab.now();
    raise_emergency(&mut lab);
    lab.run(Duration::from_secs(40));
    for node in &lab.nodes {
        let [emergency] = sounds(node, pressed, lab.now())[..] else {
            panic!("{:?}", node.heard())
        };
        assert!(emergency.at.since(pressed) < Duration::from_millis(500));
        assert_eq!(emergency.gain_db, 0);
        let heard = sounded(node, lab.now());
        assert!(
            heard > Duration::from_secs(19) && heard < Duration::from_secs(23),
            "{heard:?}"
        );
    }
}

#[test]
fn a_window_that_opens_and_shuts_cuts_a_programme_to_the_sample() {
    let mut morning = policy();
    morning.windows[0].to = 301;
    let mut lab = lab(local(4, 59, 30), hours(morning).as_ref());
    plan(&mut lab, local(4, 59, 40), Duration::from_secs(120));
    lab.run(Duration::from_secs(150));
    for node in &lab.nodes {
        let at: Vec<_> = node
            .heard()
            .iter()
            .map(|heard| (heard.at, heard.session.is_some(), heard.gain_db))
            .collect();
        assert_eq!(at, [(local(5, 0, 0), true, -12), (local(5, 1, 0), false, 0)]);
    }
}

#[test]
fn a_change_of_policy_holds_within_two_seconds() {
    let mut lab = lab(local(12, 0, 0), None);
    plan(&mut lab, local(12, 0, 5), Duration::from_secs(60));
    lab.run(Duration::from_secs(15));
    for (quiet, sounds) in [
        (never(), false),
        (None, true),
        (hours(policy()), true),
        (never(), false),
    ] {
        (1..=4).for_each(|zone| lab.head_end.set_quiet(ZoneId(zone), quiet.clone()));
        let changed = lab.now();
        lab.run(Duration::from_secs(8));
        for node in &lab.nodes {
            let after = node.heard().iter().rfind(|heard| heard.at >= changed);
            let before = node.heard().iter().rfind(|heard| heard.at < changed).unwrap();
            let last = after.unwrap_or(before);
            assert_eq!(last.session.is_some(), sounds, "{:?}", node.heard());
            assert!(
                last.at.since(changed) < Duration::from_secs(2),
                "{:?}",
                node.heard()
            );
        }
    }
}

#[test]
fn each_receiver_keeps_the_hours_of_its_own_zone() {
    let mut lab = lab(local(12, 0, 0), None);
    lab.head_end.set_quiet(ZoneId(3), never());
    plan(&mut lab, local(12, 0, 5), Duration::from_secs(10));
    lab.run(Duration::from_secs(20));
    let heard = lab.nodes.iter().map(|node| !node.heard().is_empty());
    assert_eq!(heard.collect::<Vec<_>>(), [true, true, false, true]);
}

#[test]
fn neither_a_forged_nor_an_old_beacon_lifts_quiet_hours() {
    let mut lab = lab(local(3, 14, 30), None);
    let old: Vec<Datagram> = lab.beacons().iter().take(4).cloned().collect();
    (1..=4).for_each(|zone| lab.head_end.set_quiet(ZoneId(zone), hours(policy())));
    lab.run(Duration::from_secs(4));
    plan(&mut lab, local(3, 14, 40), Duration::from_secs(60));
    let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).unwrap();
    let secret = [66; 32];
    let expiry = lab.now() + Duration::from_secs(86_400);
    let certificate = Certificate::issue(
        &[67; 32],
        public_key(&secret),
        Channel::EVERY_ZONE,
        BulletinClass::Emergency,
        expiry,
    );
    let stranger = Signer::new(&secret, certificate).unwrap();
    for _ in 0..300 {
        for channel in [1, 2, 3, 4].map(Channel) {
            let start = StreamStart {
                ssrc: 9,
                sequence: 0,
                timestamp: 0,
            };
            let stream = ZoneStream::new(channel, addressing, "lab", start);
            let mut bytes = Vec::new();
            let (epoch, now) = (99, lab.now());
            stream
                .write_beacon(&mut bytes, epoch, None, None, None, now, &stranger)
                .unwrap();
            lab.inject(&Datagram {
                channel,
                rtcp: true,
                bytes,
            });
        }
        old.iter().for_each(|beacon| lab.inject(beacon));
        lab.run(Duration::from_millis(50));
    }
    for node in &lab.nodes {
        assert_eq!(node.heard(), []);
        let counters = node.counters();
        assert!(counters.forged >= 290 && counters.quiet > 50, "{counters:?}");
        assert!(counters.replayed + counters.stale >= 290, "{counters:?}");
    }
}

#[test]
fn a_receiver_stops_when_its_minutes_are_used_up_also_over_a_power_cut() {
    for cut in [false, true] {
        let mut lab = lab(
            local(12, 0, 0),
            hours(QuietPolicy {
                minutes_a_day: Some(2),
                ..policy()
            })
            .as_ref(),
        );
        plan(&mut lab, local(12, 0, 5), Duration::from_secs(200));
        lab.run(Duration::from_secs(80));
        if cut {
            lab.power_cut(false);
        }
        lab.run(Duration::from_secs(120));
        for node in &lab.nodes {
            let heard = sounded(node, lab.now());
            // What sounded since the last whole minute is forgotten by a power cut.
            let expected = Duration::from_secs(if cut { 135 } else { 120 });
            assert!(heard.abs_diff(expected) < Duration::from_secs(1), "{heard:?}");
            assert_eq!(node.quiet().silence, Some(Silence::MinutesUsed));
        }
        raise_emergency(&mut lab);
        let pressed = lab.now();
        lab.run(Duration::from_secs(5));
        for node in &lab.nodes {
            assert_eq!(sounds(node, pressed, lab.now()).len(), 1, "an emergency sounds");
        }
    }
}

#[test]
fn volume_follows_the_hour_within_a_programme() {
    let mut lab = lab(local(20, 59, 40), hours(policy()).as_ref());
    plan(&mut lab, local(20, 59, 50), Duration::from_secs(30));
    lab.run(Duration::from_secs(15));
    lab.run(Duration::from_secs(30));
    for node in &lab.nodes {
        let gains: Vec<_> = node
            .heard()
            .iter()
            .filter(|heard| heard.session.is_some())
            .map(|heard| (heard.at, heard.gain_db))
            .collect();
        assert_eq!(gains.len(), 2, "{gains:?}");
        assert_eq!((gains[0].1, gains[1]), (0, (local(21, 0, 0), -12)));
    }
}

#[test]
fn after_a_power_cut_what_was_kept_holds_before_the_first_beacon_of_the_zone() {
    for (hour, wiped, silence) in [
        (3, false, Some(Silence::QuietHours)),
        (3, true, Some(Silence::PolicyUnknown)),
        (12, false, None),
        (12, true, Some(Silence::PolicyUnknown)),
    ] {
        let mut lab = lab(local(hour, 14, 50), hours(policy()).as_ref());
        // The villages hear the province's beacons, and so know the station's key, but none of their own zone.
        lab.cut_beacons(Channel(3));
        lab.cut_beacons(Channel(4));
        lab.power_cut(wiped);
        let cut = lab.now();
        plan(&mut lab, local(hour, 15, 0), Duration::from_secs(60));
        lab.run(Duration::from_secs(30));
        for village in &lab.nodes[2..] {
            assert_eq!(village.quiet().silence, silence, "{hour} {wiped}");
            let heard = sounds(village, cut, lab.now());
            assert_eq!(heard.is_empty(), silence.is_some(), "{hour} {wiped}: {heard:?}");
            assert!(village.counters().received > 100);
        }
        let pressed = lab.now();
        raise_emergency(&mut lab);
        lab.run(Duration::from_secs(5));
        for village in &lab.nodes[2..] {
            let heard = sounds(village, pressed, lab.now());
            assert_eq!(heard.len(), 1, "{hour} {wiped}: an emergency sounds");
            assert_eq!(heard[0].gain_db, 0);
        }
    }
}
