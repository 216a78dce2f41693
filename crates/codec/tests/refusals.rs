//! Files that must not be aired, made from real ones, each refused with its reason.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use loa_codec::{AudioError, AudioFile, AudioStream, RefuseReason};
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

fn demo(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schedules/demo/audio")
        .join(name);
    std::fs::read(path).expect("the demo audio lies in the repository")
}

/// Decodes to the end and returns how long it sounded, or the reason against it.
fn play(bytes: Vec<u8>, limit: Option<Duration>) -> Result<Duration, RefuseReason> {
    let all = || {
        let mut file = AudioFile::from_source(Box::new(Cursor::new(bytes)), limit)?;
        while file.next_block()?.is_some() {}
        Ok(Duration::from_millis(
            file.decoded_frames() * 1_000 / u64::from(file.rate()),
        ))
    };
    all().map_err(|error: AudioError| match error {
        AudioError::Refused(reason) => reason,
        other => panic!("{other:?}"),
    })
}

fn name(reason: &RefuseReason) -> &'static str {
    match reason {
        RefuseReason::NotAudio => "not audio",
        RefuseReason::Truncated { .. } => "truncated",
        RefuseReason::Empty => "empty",
        RefuseReason::HeAac => "he-aac",
        RefuseReason::Drm => "drm",
        RefuseReason::TooLong { .. } => "too long",
        RefuseReason::Unsupported { .. } => "unsupported",
        RefuseReason::Corrupt { .. } => "corrupt",
        _ => "?",
    }
}

fn outcome(bytes: Vec<u8>) -> &'static str {
    play(bytes, None).map_or_else(|reason| name(&reason), |_| "plays")
}

const FILES: [&str; 7] = [
    "ban-tin-tinh.mp3",
    "chuyen-muc-xa-a.m4a",
    "xa-b.flac",
    "thon.ogg",
    "nhac-nen.opus",
    "khan-cap.wav",
    "thong-bao.aiff",
];

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|part| part == from)
        .expect("the file holds what is to be replaced");
    bytes.splice(at..at + from.len(), to.iter().copied());
    bytes
}

#[test]
fn whole_files_play() {
    for file in FILES {
        assert_eq!(outcome(demo(file)), "plays", "{file}");
    }
}

#[test]
fn what_is_not_audio_is_refused() {
    let noise: Vec<u8> = (0..200_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let rows: &[(&str, Vec<u8>, &str)] = &[
        ("nothing", vec![], "empty"),
        ("zeros", vec![0; 100_000], "not audio"),
        ("one byte", vec![7], "not audio"),
        (
            "a text",
            "Kính chào quý vị và các bạn. ".repeat(2_000).into_bytes(),
            "not audio",
        ),
        (
            "this program",
            std::fs::read(file!().rsplit('/').next().map_or(String::new(), |own| {
                format!("{}/tests/{own}", env!("CARGO_MANIFEST_DIR"))
            }))
            .unwrap(),
            "not audio",
        ),
        (
            "a picture",
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), noise.clone()].concat(),
            "not audio",
        ),
        (
            "a document",
            [b"PK\x03\x04\x14\0\x06\0".to_vec(), noise.clone()].concat(),
            "not audio",
        ),
        ("noise", noise, "not audio"),
        (
            "Windows Media",
            [b"\x30\x26\xb2\x75\x8e\x66\xcf\x11".to_vec(), vec![0; 5_000]].concat(),
            "unsupported",
        ),
        (
            "a voice memo",
            [b"#!AMR\n".to_vec(), vec![4; 5_000]].concat(),
            "unsupported",
        ),
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(outcome(bytes.clone()), *expected, "{name}");
    }
}

/// Whoever plays it makes a resampler for the rate that its header claims: gigabytes of it.
#[test]
fn sound_at_a_rate_that_nothing_has_is_refused_in_a_file_and_in_a_stream() {
    let rows: [(u32, &str); 6] = [
        (22_050, "plays"),
        (48_000, "plays"),
        (999_999_937, "unsupported"),
        (384_001, "unsupported"),
        (48_001, "unsupported"),
        (1, "unsupported"),
    ];
    for (rate, expected) in rows {
        let mut bytes = demo("khan-cap.wav");
        bytes[24..28].copy_from_slice(&rate.to_le_bytes());
        let stream = AudioStream::open(Box::new(Cursor::new(bytes.clone())));
        let streamed = match &stream {
            Ok(stream) => {
                assert_eq!((stream.rate(), stream.channels()), (rate, 1));
                "plays"
            }
            Err(AudioError::Refused(reason)) => name(reason),
            Err(error) => panic!("{rate} Hz: {error:?}"),
        };
        assert_eq!(outcome(bytes), expected, "a file at {rate} Hz");
        assert_eq!(streamed, expected, "a stream at {rate} Hz");
    }
}

#[test]
fn only_files_are_opened() {
    let open = |path: &Path| AudioFile::open(path, None).map(|file| file.format());
    let directory = open(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(matches!(
        directory,
        Err(AudioError::Refused(RefuseReason::NotAudio))
    ));
    let device = open(Path::new("/dev/zero"));
    assert!(matches!(device, Err(AudioError::Refused(RefuseReason::NotAudio))));
    assert!(matches!(open(Path::new("missing.mp3")), Err(AudioError::Io(_))));
}

/// A broken copy: two thirds of each file. MP3 without a length tag has no notion of being whole.
#[test]
fn files_cut_off_are_refused() {
    for file in FILES {
        let whole = demo(file);
        for share in [3, 50, 66, 95] {
            let part = whole[..whole.len() * share / 100].to_vec();
            let found = play(part, None).expect_err(&format!("{share} % of {file}"));
            assert_eq!(name(&found), "truncated", "{share} % of {file}: {found}");
        }
    }
    let RefuseReason::Truncated { at } = play(demo("khan-cap.wav")[..129_678].to_vec(), None).unwrap_err()
    else {
        panic!("a WAV cut in half is truncated");
    };
    assert!(
        at.abs_diff(Duration::from_millis(2_940)) < Duration::from_millis(20),
        "{at:?}"
    );
}

#[test]
fn a_file_without_sound_is_empty() {
    let header = |data: u32| {
        let mut bytes = demo("khan-cap.wav")[..44].to_vec();
        bytes[40..44].copy_from_slice(&data.to_le_bytes());
        bytes[4..8].copy_from_slice(&(36 + data).to_le_bytes());
        bytes
    };
    assert_eq!(&demo("khan-cap.wav")[36..40], b"data");
    assert_eq!(outcome(header(0)), "empty");
    assert_eq!(outcome(header(8_000)), "truncated");
}

#[test]
fn longer_than_the_limit_is_refused() {
    for file in FILES {
        let length = play(demo(file), None).unwrap();
        assert_eq!(
            play(demo(file), Some(length + Duration::from_secs(1))),
            Ok(length),
            "{file}"
        );
        let limit = length - Duration::from_secs(1);
        assert_eq!(
            play(demo(file), Some(limit)),
            Err(RefuseReason::TooLong { limit }),
            "{file}"
        );
    }
}

#[test]
fn protected_files_are_refused() {
    for entry in [b"drms", b"enca"] {
        assert_eq!(
            outcome(replaced(demo("chuyen-muc-xa-a.m4a"), b"mp4a", entry)),
            "drm"
        );
    }
    assert_eq!(
        outcome(replaced(demo("chuyen-muc-xa-a.m4a"), b"mp4a", b"ec-3")),
        "unsupported"
    );
}

/// The configuration of the demo's M4A is AAC-LC with the extension announced as absent: 12 10 56 e5 00.
#[test]
fn he_aac_is_refused_where_it_is_announced() {
    let m4a = || demo("chuyen-muc-xa-a.m4a");
    let rows: &[(&str, &[u8], &str)] = &[
        ("as it is", b"\x12\x10\x56\xe5\x00", "plays"),
        ("SBR in the extension", b"\x12\x10\x56\xe5\x80", "he-aac"),
        ("SBR as object type", b"\x2a\x11\x88\x00\x00", "he-aac"),
        (
            "parametric stereo as object type",
            b"\xea\x11\x88\x00\x00",
            "he-aac",
        ),
        ("AAC main", b"\x0a\x10\x56\xe5\x00", "unsupported"),
    ];
    for (name, config, expected) in rows {
        assert_eq!(
            outcome(replaced(m4a(), b"\x12\x10\x56\xe5\x00", config)),
            *expected,
            "{name}"
        );
    }
}

/// The demo's AAC packets as an ADTS stream, each with `fill` put before its end mark.
fn adts(fill: &[bool]) -> Vec<u8> {
    let source = MediaSourceStream::new(
        Box::new(Cursor::new(demo("chuyen-muc-xa-a.m4a"))),
        MediaSourceStreamOptions::default(),
    );
    let mut reader = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            source,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .expect("the demo file can be read");
    let mut stream = Vec::new();
    while let Ok(Some(packet)) = reader.next_packet() {
        let mut bits: Vec<bool> = packet
            .data
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1 == 1))
            .collect();
        while bits.pop() == Some(false) {}
        bits.truncate(bits.len() - 2); // the end mark is 111, its last bit was popped
        bits.extend(fill);
        bits.extend([true; 3]);
        let body: Vec<u8> = bits
            .chunks(8)
            .map(|byte| {
                byte.iter()
                    .enumerate()
                    .fold(0, |sum, (n, bit)| sum | u8::from(*bit) << (7 - n))
            })
            .collect();
        let len = body.len() + 7;
        // ISO/IEC 13818-7 §6.2: AAC-LC, 44.1 kHz, stereo, no checksum.
        stream.extend([
            0xff,
            0xf1,
            0x50,
            0x80 | (len >> 11) as u8,
            (len >> 3) as u8,
            (len << 5) as u8 | 0x1f,
            0xfc,
        ]);
        stream.extend(body);
    }
    stream
}

#[test]
fn he_aac_is_refused_where_only_the_packets_show_it() {
    assert_eq!(outcome(adts(&[])), "plays");
    // A fill element, 110, of 4 bytes: its type in 4 bits, then 28 bits of anything.
    let fill = |kind: u8| -> Vec<bool> {
        let head = [true, true, false, false, true, false, false];
        let kind = (0..4).rev().map(|n| kind >> n & 1 == 1);
        let rest = (0..28).map(|n| n % 3 == 1);
        head.into_iter().chain(kind).chain(rest).collect()
    };
    assert_eq!(outcome(adts(&fill(13))), "he-aac");
    assert_eq!(outcome(adts(&fill(14))), "he-aac");
    assert_eq!(outcome(adts(&fill(0))), "plays", "plain filling is no SBR");
}

#[test]
fn damage_is_refused_or_heard_as_a_short_silence() {
    // FLAC carries a checksum of the whole, so no damage passes; Ogg has one for each page.
    for (file, expected) in [
        ("xa-b.flac", "corrupt"),
        ("thon.ogg", "plays"),
        ("nhac-nen.opus", "plays"),
    ] {
        let mut bytes = demo(file);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        assert_eq!(outcome(bytes), expected, "{file}");
    }
    // Half of an MP3 overwritten: more than now and then a bad frame.
    let mut mp3 = demo("ban-tin-tinh.mp3");
    let (from, to) = (mp3.len() / 4, mp3.len() * 3 / 4);
    for (n, byte) in mp3[from..to].iter_mut().enumerate() {
        *byte = ((n * 31) >> 3) as u8;
    }
    assert!(["corrupt", "truncated"].contains(&outcome(mp3)), "half an MP3");
}
