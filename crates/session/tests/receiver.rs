//! What a receiver takes, refuses and plays, with packets as a head-end writes them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Days, QuietHours, QuietPolicy, SampleTime, SessionId, Silence, WallTime, Window,
};
use loa_session::{
    Counters, MediaPacket, Playout, Receiver, ReceiverSettings, SessionOnAir, StreamStart, SwitchReason,
    ZoneStream,
};
use loa_wire::{Addressing, Certificate, Signer, public_key};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const ROOT: [u8; 32] = [1; 32];
/// A SILK packet of 20 ms as far as its first byte tells.
const OPUS: [u8; 3] = [9 << 3, 1, 2];
const PACKET: i64 = 960;

fn addressing() -> Addressing {
    Addressing::new([239, 192, 0, 0].into(), 5004).unwrap()
}

fn signer(secret: u8, root: [u8; 32], subtree: u16, highest: BulletinClass) -> Signer {
    let secret = [secret; 32];
    let expiry = T0 + Duration::from_secs(3_600);
    let certificate = Certificate::issue(&root, public_key(&secret), Channel(subtree), highest, expiry);
    Signer::new(&secret, certificate).unwrap()
}

fn station() -> Signer {
    signer(2, ROOT, 1, BulletinClass::Emergency)
}

/// One session as a head-end sends it: numbered packets of 20 ms from `start`.
struct Session {
    stream: ZoneStream,
    signer: Signer,
    on_air: SessionOnAir,
    start: SampleTime,
    /// Number of its last packet, which says so.
    last: Option<i64>,
}

impl Session {
    fn new(channel: u16, count: u32, class: BulletinClass, start_ms: i64) -> Self {
        let start = StreamStart {
            ssrc: u32::from(channel),
            sequence: 65_530,
            timestamp: 9,
        };
        Self {
            stream: ZoneStream::new(Channel(channel), addressing(), "loa", start),
            signer: station(),
            on_air: SessionOnAir {
                session: SessionId::new(5, count),
                class,
                drill: false,
                authored: false,
                playout_delay: Duration::from_millis(200),
            },
            start: T0.offset_ns(start_ms * 1_000_000).to_sample(),
            last: None,
        }
    }

    /// Writes packet `index`; packets must be written in order.
    fn packet(&mut self, index: i64) -> Vec<u8> {
        let at = self.start.offset(index * PACKET);
        let last = self.last == Some(index);
        let packet = MediaPacket {
            at,
            samples: 960,
            marker: index == 0,
            last,
            payload: &OPUS,
        };
        let mut out = Vec::new();
        self.stream
            .write_packet(&mut out, &packet, &self.on_air, &self.signer)
            .unwrap();
        out
    }

    fn beacon(&self, at: WallTime) -> Vec<u8> {
        self.beacon_saying(None, at)
    }

    fn beacon_saying(&self, quiet: Option<&QuietHours>, at: WallTime) -> Vec<u8> {
        let mut out = Vec::new();
        self.stream
            .write_beacon(
                &mut out,
                self.on_air.session.epoch(),
                None,
                None,
                quiet,
                at,
                &self.signer,
            )
            .unwrap();
        out
    }

    fn sent(&self, index: i64) -> WallTime {
        self.start.offset(index * PACKET).to_wall()
    }
}

/// A receiver in zone 3, under 2, under 1, which has heard the station's beacon.
fn receiver() -> Receiver {
    let mut receiver = deaf_receiver(true, T0.offset_ns(-1_000_000_000));
    let before = T0.offset_ns(-500_000_000);
    hear_beacon(&mut receiver, 1, before, before);
    hear_beacon(&mut receiver, 3, before, before);
    assert_eq!(receiver.counters().beacons, 2);
    receiver
}

/// The station's beacon on a group, saying that nothing restricts the zone.
fn hear_beacon(receiver: &mut Receiver, channel: u16, sent: WallTime, arrived: WallTime) {
    let session = Session::new(channel, 1, BulletinClass::Normal, 0);
    receiver.handle_rtcp(Channel(channel), &session.beacon(sent), arrived);
}

fn deaf_receiver(clock_trusted: bool, now: WallTime) -> Receiver {
    let settings = ReceiverSettings {
        chain: vec![Channel(3), Channel(2), Channel(1)],
        addressing: addressing(),
        root_public: public_key(&ROOT),
    };
    Receiver::new(settings, clock_trusted, now)
}

/// Plays until `ms` after `T0` and writes down what is heard: `s2+220` session 2 takes the air at 220 ms, `.` a frame,
/// `-` a gap, `!` a gap that the next packet may repair, and why it ended.
fn heard(receiver: &mut Receiver, until_ms: i64) -> String {
    let mut text = String::new();
    let until = T0.offset_ns(until_ms * 1_000_000).to_sample();
    while let Some(output) = receiver.playout(until) {
        match output {
            Playout::Frame(frame) => text.push_str(if frame.skip == 0 { "." } else { ":" }),
            Playout::Gap(gap) => text.push(if gap.next.is_some() { '!' } else { '-' }),
            Playout::Switch(switch) => {
                let ms = switch.at.samples_after(T0.to_sample()) / 48;
                match switch.to {
                    Some(to) => text.push_str(&format!(" s{}+{ms} ", to.key.session.0 & 0xffff)),
                    None => text.push_str(&format!(" {:?}+{ms} ", switch.why)),
                }
            }
            Playout::Volume(volume) => text.push_str(&format!(" {} dB ", volume.gain_db)),
            Playout::Withheld(_) => {}
        }
    }
    text.trim().replace("  ", " ")
}

/// Sends packets `range` of a session in time, but for those in `lost`.
fn send(receiver: &mut Receiver, session: &mut Session, range: std::ops::Range<i64>, lost: &[i64]) {
    let channel = Channel(u16::try_from(session.stream.ssrc()).unwrap());
    for index in range {
        let datagram = session.packet(index);
        if !lost.contains(&index) {
            receiver.handle_rtp(channel, &datagram, session.sent(index));
        }
    }
}

/// Each row: which of ten packets are lost, and what is heard.
#[test]
fn plays_at_ntp_plus_delay_and_conceals_what_is_missing() {
    let rows: &[(&str, &[i64], &str)] = &[
        ("nothing lost", &[], "s1+200 .......... Ended+400"),
        (
            "one lost: the next packet may hold it",
            &[4],
            "s1+200 ....!..... Ended+400",
        ),
        ("two in a row", &[4, 5], "s1+200 ....-!.... Ended+400"),
        ("the first", &[0], "s1+220 ......... Ended+400"),
    ];
    for (name, lost, expected) in rows {
        let mut receiver = receiver();
        let mut session = Session::new(2, 1, BulletinClass::Normal, 0);
        session.last = Some(9);
        send(&mut receiver, &mut session, 0..10, lost);
        assert_eq!(heard(&mut receiver, 1_000), *expected, "{name}");
        // A packet before the first one heard cannot be known to be missing.
        let known_lost = lost.iter().filter(|index| **index > 0).count() as u64;
        assert_eq!(receiver.counters().lost, known_lost, "{name}");
    }
}

#[test]
fn holds_the_air_through_a_burst_of_loss_and_then_lets_go() {
    for (class, silent_at) in [(BulletinClass::Normal, 900), (BulletinClass::Emergency, 2_400)] {
        let mut receiver = receiver();
        let mut session = Session::new(2, 1, class, 0);
        send(&mut receiver, &mut session, 0..10, &[]);
        let text = heard(&mut receiver, 3_000);
        assert!(text.starts_with("s1+200 ..........-"), "{text}");
        assert!(text.ends_with(&format!("Silent+{silent_at}")), "{text}");
    }
}

#[test]
fn the_stronger_session_takes_the_air_and_gives_it_back() {
    let mut receiver = receiver();
    let mut bulletin = Session::new(2, 1, BulletinClass::Normal, 0);
    bulletin.last = Some(29);
    let mut emergency = Session::new(1, 2, BulletinClass::Emergency, 100);
    emergency.last = Some(9);
    send(&mut receiver, &mut bulletin, 0..30, &[]);
    send(&mut receiver, &mut emergency, 0..10, &[]);
    // Back on the bulletin, the 80 ms before are decoded unheard so that the decoder has settled.
    assert_eq!(
        heard(&mut receiver, 1_000),
        "s1+200 ..... s2+300 .......... s1+500 ::::............... Ended+800"
    );
}

#[test]
fn an_urgent_session_is_not_kept_waiting_by_what_is_already_decided() {
    let mut receiver = receiver();
    let mut bulletin = Session::new(2, 1, BulletinClass::Normal, 0);
    send(&mut receiver, &mut bulletin, 0..20, &[]);
    assert_eq!(heard(&mut receiver, 301), "s1+200 ......");
    let mut emergency = Session::new(1, 2, BulletinClass::Emergency, 90);
    send(&mut receiver, &mut emergency, 0..5, &[]);
    // Its first packet began at 290; what is heard changes at the first sample not yet decided.
    assert!(
        heard(&mut receiver, 320).starts_with("s2+301 :"),
        "{:?}",
        receiver.playing()
    );
}

/// Each row: what is done to a good packet, and the one count that rises.
#[test]
fn every_refused_packet_is_counted_once_and_never_heard() {
    type Count = fn(&Counters) -> u64;
    type Deed = fn(&mut Receiver, &mut Session);
    let rows: &[(&str, Deed, Count)] = &[
        (
            "on a group not joined",
            |r, s| r.handle_rtp(Channel(9), &s.packet(0), T0),
            |c| c.not_joined,
        ),
        (
            "cut short",
            |r, s| r.handle_rtp(Channel(2), &s.packet(0)[..80], T0),
            |c| c.malformed,
        ),
        (
            "copied to another group",
            |r, s| r.handle_rtp(Channel(3), &s.packet(0), T0),
            |c| c.wrong_zone,
        ),
        (
            "one bit changed",
            |r, s| {
                let mut datagram = s.packet(0);
                *datagram.last_mut().unwrap() ^= 1;
                r.handle_rtp(Channel(2), &datagram, T0);
            },
            |c| c.forged,
        ),
        (
            "by a station for another subtree",
            |r, s| {
                s.signer = signer(3, ROOT, 3, BulletinClass::Emergency);
                r.handle_rtcp(
                    Channel(3),
                    &Session {
                        signer: signer(3, ROOT, 3, BulletinClass::Emergency),
                        ..Session::new(3, 1, BulletinClass::Normal, 0)
                    }
                    .beacon(T0),
                    T0,
                );
                r.handle_rtp(Channel(2), &s.packet(0), T0);
            },
            |c| c.unauthorised,
        ),
        (
            "in a class the station may not use",
            |r, s| {
                s.signer = signer(4, ROOT, 1, BulletinClass::Normal);
                s.on_air.class = BulletinClass::Emergency;
                r.handle_rtcp(Channel(2), &s.beacon(T0), T0);
                r.handle_rtp(Channel(2), &s.packet(0), T0);
            },
            |c| c.unauthorised,
        ),
        (
            "after the certificate expired",
            |r, s| {
                let late = T0 + Duration::from_secs(3_601);
                s.start = late.to_sample();
                r.handle_rtp(Channel(2), &s.packet(0), late);
            },
            |c| c.unauthorised,
        ),
        (
            "of an earlier run",
            |r, s| {
                s.on_air.session = SessionId::new(4, 1);
                r.handle_rtp(Channel(2), &s.packet(0), T0);
            },
            |c| c.stale,
        ),
        (
            "eleven seconds old",
            |r, s| r.handle_rtp(Channel(2), &s.packet(0), T0 + Duration::from_secs(11)),
            |c| c.stale,
        ),
        (
            "after its time to sound",
            |r, s| {
                heard(r, 300);
                r.handle_rtp(Channel(2), &s.packet(0), T0 + Duration::from_millis(300));
            },
            |c| c.late,
        ),
        (
            "for six seconds hence",
            |r, s| {
                s.on_air.playout_delay = Duration::from_secs(6);
                r.handle_rtp(Channel(2), &s.packet(0), T0);
            },
            |c| c.too_early,
        ),
    ];
    for (name, deed, count) in rows {
        let mut receiver = receiver();
        let before = receiver.counters();
        deed(&mut receiver, &mut Session::new(2, 1, BulletinClass::Normal, 0));
        let after = receiver.counters();
        assert_eq!(count(&after) - count(&before), 1, "{name}: {after:?}");
        assert_eq!(after.received, 0, "{name}");
        assert_eq!(heard(&mut receiver, 5_000), "", "{name}");
    }
}

#[test]
fn a_copy_by_the_network_is_a_duplicate_and_a_later_one_a_replay() {
    let mut receiver = receiver();
    let mut session = Session::new(2, 1, BulletinClass::Normal, 0);
    session.last = Some(0);
    let datagram = session.packet(0);
    for arrived_ms in [0, 5, 1_000] {
        receiver.handle_rtp(Channel(2), &datagram, T0 + Duration::from_millis(arrived_ms));
    }
    let counters = receiver.counters();
    assert_eq!(
        (counters.received, counters.duplicate, counters.replayed),
        (1, 1, 1)
    );
    assert_eq!(heard(&mut receiver, 2_000), "s1+200 . Ended+220");
}

#[test]
fn what_came_before_the_first_beacon_is_played_once_the_key_is_known() {
    let mut receiver = deaf_receiver(true, T0.offset_ns(-1_000_000_000));
    let mut session = Session::new(2, 1, BulletinClass::Normal, 0);
    session.last = Some(4);
    send(&mut receiver, &mut session, 0..5, &[]);
    assert_eq!(receiver.counters().received, 0);
    let at = T0 + Duration::from_millis(90);
    hear_beacon(&mut receiver, 3, at, at);
    assert_eq!(receiver.counters().received, 5);
    assert_eq!(heard(&mut receiver, 400), "s1+200 ..... Ended+300");
}

#[test]
fn a_station_for_every_zone_is_heard_in_each() {
    for channel in [1, 2, 3] {
        let mut receiver = deaf_receiver(true, T0.offset_ns(-1_000_000_000));
        let mut session = Session::new(channel, 1, BulletinClass::Normal, 0);
        session.signer = signer(2, ROOT, Channel::EVERY_ZONE.0, BulletinClass::Emergency);
        session.last = Some(0);
        hear_beacon(&mut receiver, 3, T0.offset_ns(-1), T0.offset_ns(-1));
        receiver.handle_rtcp(Channel(channel), &session.beacon(T0), T0);
        send(&mut receiver, &mut session, 0..1, &[]);
        assert_eq!(
            heard(&mut receiver, 500),
            "s1+200 . Ended+220",
            "channel {channel}"
        );
    }
}

#[test]
fn a_station_whose_certificate_is_over_is_refused_and_said_to_be() {
    let end = T0 + Duration::from_secs(3_600);
    let (before, after) = (end.offset_ns(-1_000_000_000), end.offset_ns(1_000_000_000));
    // Each row: whether the clock is trusted, when the beacon was sent, and whether the end is known.
    let rows = [
        ("still good", true, before, before, true),
        ("over", true, after, after, true),
        ("over, by a clock that may be wrong", false, after, after, false),
        ("over, and sent again by somebody", true, T0, after, false),
    ];
    for (name, trusted, sent, arrived, known) in rows {
        let mut receiver = deaf_receiver(trusted, T0);
        hear_beacon(&mut receiver, 1, sent, arrived);
        let found = receiver.certificate_ends().get(&Channel(1)).copied();
        assert_eq!(found, known.then_some(end), "{name}");
        let good = u64::from(arrived < end);
        let counters = receiver.counters();
        assert_eq!(
            (counters.beacons, counters.unauthorised),
            (good, 1 - good),
            "{name}"
        );
    }
}

#[test]
fn a_stranger_with_a_certificate_of_his_own_is_never_heard() {
    let mut receiver = receiver();
    let mut forged = Session::new(1, 9, BulletinClass::Emergency, 0);
    forged.signer = signer(7, [8; 32], 1, BulletinClass::Emergency);
    receiver.handle_rtcp(Channel(1), &forged.beacon(T0), T0);
    send(&mut receiver, &mut forged, 0..100, &[]);
    receiver.handle_rtcp(Channel(1), &forged.beacon(T0), T0 + Duration::from_secs(1));
    assert_eq!(heard(&mut receiver, 5_000), "");
    let counters = receiver.counters();
    assert_eq!((counters.forged, counters.received), (2, 0));
    // 64 are held in the hope of a beacon; each of the others was counted when it came.
    assert_eq!(counters.unknown_key, 36);
}

#[test]
fn a_receiver_without_a_clock_plays_by_arrival_and_says_so() {
    let mut session = Session::new(2, 1, BulletinClass::Normal, 0);
    session.last = Some(9);
    // Its clock is an hour behind the station's.
    let behind = |at: WallTime| at.offset_ns(-3_600_000_000_000);
    let mut receiver = deaf_receiver(false, behind(T0));
    hear_beacon(&mut receiver, 3, T0, behind(T0));
    for index in 0..10 {
        let jitter = Duration::from_millis(if index == 3 { 40 } else { 1 });
        receiver.handle_rtp(
            Channel(2),
            &session.packet(index),
            behind(session.sent(index)) + jitter,
        );
    }
    let until = behind(T0 + Duration::from_secs(1)).to_sample();
    let outputs: Vec<_> = std::iter::from_fn(|| receiver.playout(until)).collect();
    let Some(Playout::Switch(switch)) = outputs.first() else {
        panic!("{outputs:?}")
    };
    assert!(switch.to.unwrap().by_arrival);
    assert_eq!(switch.why, SwitchReason::Started);
    assert_eq!(switch.at, (behind(T0) + Duration::from_millis(201)).to_sample());
    assert_eq!(
        outputs
            .iter()
            .filter(|output| matches!(output, Playout::Frame(_)))
            .count(),
        10
    );
}

#[test]
fn clocks_that_disagree_are_noticed_and_not_a_reason_for_silence() {
    let mut receiver = deaf_receiver(true, T0.offset_ns(-1_000_000_000));
    let mut session = Session::new(2, 1, BulletinClass::Normal, 0);
    let ahead = |at: WallTime| at + Duration::from_secs(1);
    hear_beacon(&mut receiver, 3, T0, ahead(T0));
    assert!(!receiver.plays_by_clock());
    session.last = Some(4);
    for index in 0..5 {
        receiver.handle_rtp(Channel(2), &session.packet(index), ahead(session.sent(index)));
    }
    assert_eq!(heard(&mut receiver, 2_000), "s1+1200 ..... Ended+1300");
    assert_eq!(receiver.beacon_ahead_ns(), Some(-1_000_000_000));
}

#[test]
fn a_session_whose_last_packet_was_lost_does_not_keep_the_next_one_waiting() {
    let mut receiver = receiver();
    let mut first = Session::new(2, 1, BulletinClass::Normal, 0);
    let mut second = Session::new(2, 2, BulletinClass::Normal, 140);
    second.last = Some(4);
    send(&mut receiver, &mut first, 0..5, &[]);
    second.stream = first.stream;
    second
        .stream
        .write_packet(
            &mut Vec::new(),
            &MediaPacket {
                at: second.start,
                samples: 960,
                marker: false,
                last: true,
                payload: &OPUS,
            },
            &first.on_air,
            &first.signer,
        )
        .unwrap();
    send(&mut receiver, &mut second, 0..5, &[]);
    assert_eq!(
        heard(&mut receiver, 1_000),
        "s1+200 .....-- s2+340 ..... Ended+440"
    );
}

#[test]
fn an_interrupted_session_resumes_within_what_is_buffered() {
    let mut receiver = receiver();
    let mut bulletin = Session::new(2, 1, BulletinClass::Normal, 0);
    bulletin.last = Some(4);
    send(&mut receiver, &mut bulletin, 0..5, &[]);
    bulletin.last = Some(14);
    send(&mut receiver, &mut bulletin, 7..15, &[]);
    assert_eq!(heard(&mut receiver, 1_000), "s1+200 .....-!........ Ended+500");
}

#[test]
fn a_new_run_of_the_head_end_goes_on_and_the_old_one_is_over() {
    let mut receiver = receiver();
    let mut old = Session::new(2, 1, BulletinClass::Normal, 0);
    send(&mut receiver, &mut old, 0..5, &[]);
    let mut new = Session::new(2, 1, BulletinClass::Normal, 400);
    new.on_air.session = SessionId::new(6, 1);
    new.last = Some(9);
    send(&mut receiver, &mut new, 0..10, &[]);
    receiver.handle_rtp(Channel(2), &old.packet(5), old.sent(5));
    assert_eq!(receiver.counters().stale, 1);
    let text = heard(&mut receiver, 2_000);
    assert_eq!(text, "s1+200 ..... Ended+300 s1+600 .......... Ended+800");
}

/// Quiet but for the two minutes before `T0`, which is 08:00 of a Friday in UTC.
fn until_t0() -> QuietHours {
    QuietHours {
        policy: QuietPolicy {
            windows: vec![Window {
                days: Days::ALL,
                from: 478,
                to: 480,
            }],
            ..QuietPolicy::default()
        },
        utc_offset_min: 0,
    }
}

/// A receiver in zone 3 that has heard this policy a second before `T0`.
fn quiet_receiver(clock_trusted: bool, quiet: &QuietHours) -> Receiver {
    let before = T0.offset_ns(-1_000_000_000);
    let mut receiver = deaf_receiver(clock_trusted, before);
    let own = Session::new(3, 1, BulletinClass::Normal, 0);
    receiver.handle_rtcp(Channel(3), &own.beacon_saying(Some(quiet), before), before);
    receiver
}

/// Whatever its class, and whether or not a named person released it.
#[test]
fn nothing_but_an_authored_emergency_passes_quiet_hours() {
    for class in BulletinClass::ALL {
        for authored in [false, true] {
            let mut receiver = quiet_receiver(true, &until_t0());
            let mut session = Session::new(2, 1, class, 0);
            session.on_air.authored = authored;
            session.last = Some(9);
            send(&mut receiver, &mut session, 0..10, &[]);
            let text = heard(&mut receiver, 1_000);
            let counters = receiver.counters();
            if authored && class == BulletinClass::Emergency {
                assert_eq!(text, "s1+200 .......... Ended+400");
                assert_eq!(counters.quiet, 0);
            } else {
                assert_eq!(text, "", "{class} {authored}");
                assert_eq!((counters.received, counters.quiet, counters.lost), (10, 10, 0));
            }
        }
    }
}

#[test]
fn what_may_not_sound_does_not_keep_an_authored_emergency_from_the_air() {
    let mut receiver = quiet_receiver(true, &until_t0());
    // Newer and from a higher zone, it would win in any other hour.
    let mut unsigned = Session::new(1, 9, BulletinClass::Emergency, 0);
    let mut authored = Session::new(3, 2, BulletinClass::Emergency, 0);
    authored.on_air.authored = true;
    authored.last = Some(4);
    send(&mut receiver, &mut unsigned, 0..10, &[]);
    send(&mut receiver, &mut authored, 0..5, &[]);
    assert_eq!(heard(&mut receiver, 1_000), "s2+200 ..... Ended+300");
}

#[test]
fn a_session_is_cut_where_quiet_hours_begin_and_what_follows_is_told() {
    let mut receiver = quiet_receiver(true, &until_t0());
    let mut session = Session::new(2, 1, BulletinClass::Normal, -300);
    session.last = Some(9);
    send(&mut receiver, &mut session, 0..10, &[]);
    let mut outputs = Vec::new();
    while let Some(output) = receiver.playout(T0.offset_ns(1_000_000_000).to_sample()) {
        outputs.push(output);
    }
    let switch = outputs.iter().find_map(|output| match output {
        Playout::Switch(switch) if switch.to.is_none() => Some((switch.at, switch.why)),
        _ => None,
    });
    assert_eq!(switch, Some((T0.to_sample(), SwitchReason::Quiet)));
    let withheld: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Playout::Withheld(withheld) => Some(*withheld),
            _ => None,
        })
        .collect();
    assert_eq!(withheld[0].start, T0.to_sample());
    assert!(
        withheld
            .iter()
            .all(|withheld| withheld.why == Silence::QuietHours)
    );
    let samples: u64 = withheld.iter().map(|withheld| withheld.samples).sum();
    assert_eq!((samples, receiver.counters().quiet), (5 * 960, 5));
}

/// The receiver's own clock is an hour behind: by it, the window would not have come yet.
#[test]
fn without_a_trusted_clock_quiet_hours_go_by_the_stations() {
    let behind = |at: WallTime| at.offset_ns(-3_600_000_000_000);
    let mut receiver = deaf_receiver(false, behind(T0.offset_ns(-3_000_000_000)));
    let own = Session::new(3, 1, BulletinClass::Normal, 0);
    let sent = T0.offset_ns(-2_000_000_000);
    receiver.handle_rtcp(
        Channel(3),
        &own.beacon_saying(Some(&until_t0()), sent),
        behind(sent),
    );
    let mut session = Session::new(2, 1, BulletinClass::Normal, -300);
    for index in 0..10 {
        receiver.handle_rtp(Channel(2), &session.packet(index), behind(session.sent(index)));
    }
    let until = behind(T0.offset_ns(1_000_000_000)).to_sample();
    let changes: Vec<_> = std::iter::from_fn(|| receiver.playout(until))
        .filter_map(|output| match output {
            Playout::Switch(switch) => Some((switch.at, switch.why)),
            _ => None,
        })
        .collect();
    let quiet = (behind(T0).to_sample(), SwitchReason::Quiet);
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!(changes[1], quiet);
}

/// Its own clock is a day and an hour behind. Packets of a new run may come before its first beacon: until that, the
/// hour and the day are those of the run before.
#[test]
fn a_new_run_of_the_head_end_moves_no_quiet_hours_and_forgets_no_minutes() {
    let behind = |at: WallTime| at.offset_ns(-90_000 * 1_000_000_000);
    let mut receiver = deaf_receiver(false, behind(T0.offset_ns(-3_000_000_000)));
    let own = Session::new(3, 1, BulletinClass::Normal, 0);
    let sent = T0.offset_ns(-2_000_000_000);
    receiver.handle_rtcp(
        Channel(3),
        &own.beacon_saying(Some(&until_t0()), sent),
        behind(sent),
    );
    // 1.2 s of sound, until 500 ms before the quiet hours.
    let mut old = Session::new(2, 1, BulletinClass::Normal, -1_900);
    old.last = Some(59);
    for index in 0..60 {
        receiver.handle_rtp(Channel(2), &old.packet(index), behind(old.sent(index)));
    }
    let play = |receiver: &mut Receiver, until_ms: i64| {
        let until = behind(T0.offset_ns(until_ms * 1_000_000)).to_sample();
        std::iter::from_fn(|| receiver.playout(until))
            .filter(|output| matches!(output, Playout::Frame(_)))
            .count()
    };
    assert_eq!(play(&mut receiver, -400), 60);
    assert_eq!(receiver.quiet().sounded_s, 1);

    let mut new = Session::new(2, 1, BulletinClass::Normal, -500);
    new.on_air.session = SessionId::new(6, 1);
    for index in 0..10 {
        receiver.handle_rtp(Channel(2), &new.packet(index), behind(new.sent(index)));
    }
    assert_eq!(receiver.beacon_ahead_ns(), None, "no beacon of this run yet");
    receiver.set_clock_trusted(false);
    assert_eq!(receiver.quiet().silence, None);
    assert_eq!(play(&mut receiver, -100), 10);
    assert_eq!(receiver.quiet().sounded_s, 1, "the same day");
    play(&mut receiver, 100);
    assert_eq!(receiver.quiet().silence, Some(Silence::QuietHours));
}

#[test]
fn after_a_restart_an_older_beacon_is_not_believed_even_without_a_clock() {
    let own = Session::new(3, 1, BulletinClass::Normal, 0);
    let recorded = own.beacon(T0.offset_ns(-5_000_000_000));
    let mut before = quiet_receiver(false, &until_t0());
    let memory = before.poll_quiet_memory().unwrap();
    assert_eq!(before.poll_quiet_memory(), None);
    let mut receiver = deaf_receiver(false, T0);
    receiver.restore_quiet(memory.clone()).unwrap();
    receiver.handle_rtcp(Channel(3), &recorded, T0);
    assert_eq!(receiver.counters().beacons, 1, "it cannot know that it is old");
    assert_eq!(receiver.poll_quiet_memory(), None);
    let live = own.beacon(T0);
    receiver.handle_rtcp(Channel(3), &live, T0);
    assert_eq!(
        receiver.poll_quiet_memory().map(|memory| memory.quiet),
        Some(None)
    );

    let mut elsewhere = memory;
    elsewhere.channel = Channel(4);
    assert!(receiver.restore_quiet(elsewhere).is_err());
}
