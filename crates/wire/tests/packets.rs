//! RTP and RTCP as they go over the network: round trips, forgeries, and any bytes at all.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddrV4;

use loa_model::{
    BulletinClass, Channel, Days, QUIET_RULES_MAX, QuietHours, QuietPolicy, SessionId, VolumeStep, WallTime,
    Window,
};
use loa_wire::{
    Addressing, Beacon, Certificate, DATAGRAM_BYTES_MAX, OnAir, PAYLOAD_BYTES_MAX, RtpHeader, SenderCounts,
    SignatureError, Signer, StationKey, WireError, public_key, read_rtcp, read_rtp, write_beacon, write_bye,
    write_rtp,
};
use proptest::prelude::*;

const NOW: WallTime = WallTime::from_unix_s(1_800_000_000);

fn signer(station: u8) -> Signer {
    let secret = [station; 32];
    let expiry = WallTime::from_unix_s(2_000_000_000);
    let certificate = Certificate::issue(
        &[1; 32],
        public_key(&secret),
        Channel(1),
        BulletinClass::Emergency,
        expiry,
    );
    Signer::new(&secret, certificate).unwrap()
}

fn key(station: u8) -> StationKey {
    signer(station)
        .certificate()
        .verify(&public_key(&[1; 32]))
        .unwrap()
}

fn to(channel: u16) -> SocketAddrV4 {
    Addressing::new([239, 192, 0, 0].into(), 5004)
        .unwrap()
        .rtp(Channel(channel))
}

fn onair() -> OnAir {
    OnAir {
        session: SessionId::new(3, 7),
        channel: Channel(2),
        class: BulletinClass::Priority,
        drill: false,
        authored: false,
        last: true,
        playout_delay_ms: 600,
    }
}

fn header() -> RtpHeader {
    RtpHeader {
        marker: true,
        sequence: 65_535,
        timestamp: 0xdead_beef,
        ssrc: 42,
    }
}

fn rtp(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_rtp(&mut out, &header(), NOW, &onair(), payload, &signer(2), to(2)).unwrap();
    out
}

/// As many rules as a policy holds.
fn quiet() -> QuietHours {
    let rules = u16::try_from(QUIET_RULES_MAX).unwrap();
    let window = |n| Window {
        days: Days(0b101),
        from: n * 60,
        to: n * 60 + 45,
    };
    let step = |n| VolumeStep {
        from: n * 90,
        gain_db: -60,
    };
    QuietHours {
        policy: QuietPolicy {
            windows: (0..rules).map(window).collect(),
            minutes_a_day: Some(1_440),
            volume: (0..rules).map(step).collect(),
        },
        utc_offset_min: 420,
    }
}

fn beacon() -> Beacon {
    Beacon {
        epoch: 3,
        at: NOW,
        channel: Channel(2),
        now: Some((SessionId::new(3, 7), BulletinClass::Normal)),
        next_start: Some(NOW + std::time::Duration::from_secs(90)),
        quiet: Some(quiet()),
    }
}

fn rtcp(sent: Option<SenderCounts>) -> Vec<u8> {
    rtcp_of(&beacon(), sent)
}

fn rtcp_of(beacon: &Beacon, sent: Option<SenderCounts>) -> Vec<u8> {
    let mut out = Vec::new();
    write_beacon(&mut out, beacon, 42, sent, "Đài truyền thanh", &signer(2), to(2)).unwrap();
    out
}

#[test]
fn an_rtp_packet_reads_back_and_verifies() {
    let datagram = rtp(b"opus");
    let packet = read_rtp(&datagram).unwrap();
    assert_eq!(
        (packet.header, packet.onair, packet.payload),
        (header(), onair(), &b"opus"[..])
    );
    assert_eq!(WallTime::from_ntp64(packet.ntp, NOW), NOW);
    assert_eq!(packet.verify(&key(2), to(2)), Ok(()));
    assert_eq!(
        packet.verify(&key(2), to(3)),
        Err(SignatureError::Mismatch),
        "another group"
    );
    assert_eq!(
        packet.verify(&key(5), to(2)),
        Err(SignatureError::OtherKey),
        "another key"
    );
}

#[test]
fn the_longest_payload_fills_a_datagram_and_no_more() {
    assert_eq!(rtp(&[7; PAYLOAD_BYTES_MAX]).len(), DATAGRAM_BYTES_MAX);
    let long = [7; PAYLOAD_BYTES_MAX + 1];
    let refused = write_rtp(
        &mut Vec::new(),
        &header(),
        NOW,
        &onair(),
        &long,
        &signer(2),
        to(2),
    );
    assert_eq!(refused, Err(WireError::PayloadTooLong(long.len())));
    assert_eq!(
        read_rtp(&[0x80; DATAGRAM_BYTES_MAX + 1]).unwrap_err(),
        WireError::TooLong
    );
}

#[test]
fn a_change_of_any_byte_is_refused() {
    let datagram = rtp(b"opus");
    for at in 0..datagram.len() {
        let mut changed = datagram.clone();
        changed[at] ^= 0x10;
        let heard = read_rtp(&changed).is_ok_and(|packet| packet.verify(&key(2), to(2)).is_ok());
        assert!(!heard, "RTP byte {at}");
    }
    let datagram = rtcp(None);
    for at in 0..datagram.len() {
        let mut changed = datagram.clone();
        changed[at] ^= 0x01;
        let heard = read_rtcp(&changed, NOW)
            .ok()
            .and_then(|read| read.beacon)
            .is_some_and(|beacon| beacon.verify(&key(2), to(2)).is_ok());
        assert!(!heard, "RTCP byte {at}");
    }
}

#[test]
fn a_beacon_reads_back_with_and_without_a_sender_report() {
    let sent = SenderCounts {
        rtp_timestamp: 5,
        packets: 6,
        octets: 7,
    };
    for sent in [None, Some(sent)] {
        let datagram = rtcp(sent);
        let read = read_rtcp(&datagram, NOW).unwrap();
        assert_eq!((read.ssrc, read.bye), (42, false));
        let signed = read.beacon.unwrap();
        assert_eq!(signed.certificate, *signer(2).certificate());
        assert_eq!(signed.verify(&key(2), to(2)), Ok(beacon()));
        assert_eq!(
            signed.verify(&key(2), to(3)),
            Err(SignatureError::Mismatch),
            "another group"
        );
    }
}

#[test]
fn a_beacon_says_whether_anything_restricts_its_zone() {
    for quiet in [None, Some(QuietHours::default()), Some(quiet())] {
        let beacon = Beacon { quiet, ..beacon() };
        let datagram = rtcp_of(&beacon, None);
        let signed = read_rtcp(&datagram, NOW).unwrap().beacon.unwrap();
        assert_eq!(signed.verify(&key(2), to(2)), Ok(beacon));
    }
    let mut never = beacon();
    never.quiet.as_mut().unwrap().policy.minutes_a_day = Some(1_441);
    let refused = write_beacon(&mut Vec::new(), &never, 42, None, "loa", &signer(2), to(2));
    assert_eq!(refused, Err(WireError::Value("quiet hours")));
}

#[test]
fn only_an_emergency_says_that_a_person_released_it() {
    for class in BulletinClass::ALL {
        let authored = OnAir {
            class,
            authored: true,
            ..onair()
        };
        let mut datagram = Vec::new();
        write_rtp(
            &mut datagram,
            &header(),
            NOW,
            &authored,
            b"opus",
            &signer(2),
            to(2),
        )
        .unwrap();
        let read = read_rtp(&datagram).map(|packet| packet.onair);
        let expected = match class {
            BulletinClass::Emergency => Ok(authored),
            _ => Err(WireError::Value("flags")),
        };
        assert_eq!(read, expected, "{class}");
    }
}

#[test]
fn a_goodbye_is_read_and_has_no_beacon() {
    let mut out = Vec::new();
    write_bye(&mut out, 42, "loa", &"x".repeat(400)).unwrap();
    let read = read_rtcp(&out, NOW).unwrap();
    assert!(read.bye && read.beacon.is_none());
}

#[test]
fn a_signer_needs_the_certificate_of_its_own_key() {
    let refused = Signer::new(&[9; 32], *signer(2).certificate());
    assert_eq!(refused.unwrap_err(), SignatureError::OtherKey);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..1_500)) {
        let _ = read_rtp(&bytes);
        let _ = read_rtcp(&bytes, NOW);
        let _ = loa_wire::read_sap(&bytes);
        let _ = Certificate::decode(&bytes);
    }

    #[test]
    fn any_policy_in_force_reads_back_and_no_other_is_sent(
        windows in prop::collection::vec((0u8..130, 0u16..1_500, 0u16..1_500), 0..14),
        steps in prop::collection::vec((0u16..1_500, -70i8..5), 0..14),
        minutes_a_day in prop::option::of(0u16..1_500),
        utc_offset_min in -1_500i16..1_500,
    ) {
        let window = |(days, from, to)| Window { days: Days(days), from, to };
        let policy = QuietPolicy {
            windows: windows.into_iter().map(window).collect(),
            minutes_a_day,
            volume: steps.into_iter().map(|(from, gain_db)| VolumeStep { from, gain_db }).collect(),
        };
        let good = policy.check().is_ok() && utc_offset_min.abs() < 1_440;
        let beacon = Beacon { quiet: Some(QuietHours { policy, utc_offset_min }), ..beacon() };
        let mut datagram = Vec::new();
        let written = write_beacon(&mut datagram, &beacon, 42, None, "loa", &signer(2), to(2));
        prop_assert_eq!(written.is_ok(), good);
        if good {
            let signed = read_rtcp(&datagram, NOW).unwrap().beacon.unwrap();
            prop_assert_eq!(signed.verify(&key(2), to(2)), Ok(beacon));
        }
    }

    #[test]
    fn damaged_packets_are_read_without_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        for mut bytes in [rtp(b"opus"), rtcp(None)] {
            for (at, value) in &edits {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let _ = read_rtp(&bytes).map(|packet| packet.verify(&key(2), to(2)));
            let _ = read_rtcp(&bytes, NOW);
            bytes.truncate(cut.index(bytes.len() + 1));
            let _ = read_rtp(&bytes).map(|packet| packet.verify(&key(2), to(2)));
            let _ = read_rtcp(&bytes, NOW);
        }
    }
}
