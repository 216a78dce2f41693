//! The test vectors printed in `docs/wire.md` are what the code writes, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use loa_model::{
    BulletinClass, Channel, Days, QuietHours, QuietPolicy, SessionId, VolumeStep, WallTime, Window,
};
use loa_wire::{
    Addressing, Beacon, Certificate, OnAir, RtpHeader, SenderCounts, Signer, public_key, write_beacon,
    write_rtp,
};

const DOCUMENT: &str = include_str!("../../../docs/wire.md");
const AT: WallTime = WallTime::from_unix_s(1_800_000_000);

#[test]
fn the_document_prints_what_the_code_writes() {
    for (name, bytes) in vectors() {
        assert_eq!(printed(name), hex(&bytes), "vector \"{name}\" of docs/wire.md");
    }
}

/// The inputs are those that the document names.
fn vectors() -> [(&'static str, Vec<u8>); 3] {
    let (root, station) = ([1; 32], [2; 32]);
    let expiry = WallTime::from_unix_s(2_000_000_000);
    let certificate = Certificate::issue(
        &root,
        public_key(&station),
        Channel(1),
        BulletinClass::Emergency,
        expiry,
    );
    let signer = Signer::new(&station, certificate).unwrap();
    let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).unwrap();
    let session = SessionId::new(3, 7);

    let header = RtpHeader {
        marker: true,
        sequence: 1_000,
        timestamp: 0x0102_0304,
        ssrc: 0x4c6f_6131,
    };
    let onair = OnAir {
        session,
        channel: Channel(2),
        class: BulletinClass::Normal,
        drill: false,
        authored: false,
        last: false,
        playout_delay_ms: 600,
    };
    let mut rtp = Vec::new();
    let payload = [0x58, 0xff, 0xfe];
    write_rtp(
        &mut rtp,
        &header,
        AT,
        &onair,
        &payload,
        &signer,
        addressing.rtp(Channel(2)),
    )
    .unwrap();

    let beacon = Beacon {
        epoch: 3,
        at: AT,
        channel: Channel(2),
        now: Some((session, BulletinClass::Normal)),
        next_start: None,
        quiet: Some(quiet()),
    };
    let sent = SenderCounts {
        rtp_timestamp: 0x0102_0304,
        packets: 10,
        octets: 2_400,
    };
    let mut rtcp = Vec::new();
    write_beacon(
        &mut rtcp,
        &beacon,
        0x4c6f_6131,
        Some(sent),
        "loa",
        &signer,
        addressing.rtcp(Channel(2)),
    )
    .unwrap();

    [
        ("certificate", certificate.encode().to_vec()),
        ("rtp", rtp),
        ("beacon", rtcp),
    ]
}

fn quiet() -> QuietHours {
    let window = |from: u16, to: u16| Window {
        days: Days(0b11_1111),
        from: from * 60,
        to: to * 60,
    };
    let step = |hour: u16, gain_db| VolumeStep {
        from: hour * 60,
        gain_db,
    };
    QuietHours {
        policy: QuietPolicy {
            windows: vec![window(5, 7), window(17, 19)],
            minutes_a_day: Some(60),
            volume: vec![step(6, 0), step(21, -12)],
        },
        utc_offset_min: 420,
    }
}

/// Returns the hexadecimal digits of the block that begins with "```text name".
fn printed(name: &str) -> String {
    let block = DOCUMENT
        .split("```")
        .find_map(|block| block.strip_prefix(&format!("text {name}\n")));
    block
        .unwrap_or_else(|| panic!("docs/wire.md has no vector \"{name}\""))
        .split_whitespace()
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
