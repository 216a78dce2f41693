//! Every demo file, each of another format, decodes to as much sound as it holds.

use std::path::{Path, PathBuf};

use loa_codec::{AudioFile, MonoFile};

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schedules/demo/audio")
        .join(name)
}

/// Each row: file, format, rate, channels, and samples at 48 kHz that `ffprobe` says it holds.
#[test]
fn every_format_is_decoded_whole() {
    let rows: &[(&str, &str, u32, usize, u64)] = &[
        ("ban-tin-tinh.mp3", "mp3", 44_100, 2, 777_404),
        ("chuyen-muc-xa-a.m4a", "m4a", 44_100, 2, 1_271_136),
        ("xa-b.flac", "flac", 22_050, 1, 664_882),
        ("thon.ogg", "ogg", 32_000, 1, 700_357),
        ("nhac-nen.opus", "opus", 48_000, 2, 768_000),
        ("khan-cap.wav", "wav", 22_050, 1, 282_196),
        ("thong-bao.aiff", "aiff", 16_000, 1, 351_999),
    ];
    for (name, format, rate, channels, samples) in rows {
        let file = AudioFile::open(&demo(name), None).unwrap();
        assert_eq!(
            (file.format(), file.rate(), file.channels()),
            (*format, *rate, *channels),
            "{name}"
        );
        let mut mono = MonoFile::new(file);
        let mut energy = 0.0;
        let mut count = 0;
        while let Some(block) = mono.next_block().unwrap() {
            count += block.len() as u64;
            energy += block.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        }
        assert_eq!(mono.given(), count, "{name}");
        // An AAC encoder's start-up and an MP3 encoder's filling are a few frames that containers count differently.
        assert!(count.abs_diff(*samples) <= 4 * 1_152, "{name}: {count}");
        let rms = (energy / count as f64).sqrt();
        assert!((0.01..0.5).contains(&rms), "{name}: {rms}");
    }
}
