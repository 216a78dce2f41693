//! Imports of the demo's audio, whole and interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder, RefuseReason};
use loa_dsp::Loudness;
use loa_model::EncodedAudio;
use tempfile::TempDir;

use super::*;

mod interrupted;

const FILES: [&str; 7] = [
    "ban-tin-tinh.mp3",
    "chuyen-muc-xa-a.m4a",
    "xa-b.flac",
    "thon.ogg",
    "nhac-nen.opus",
    "khan-cap.wav",
    "thong-bao.aiff",
];

fn demo(name: &str) -> PathBuf {
    // The workspace's root lies two above the crate's.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/headend lies in it");
    root.join("schedules/demo/audio").join(name)
}

fn library() -> (TempDir, Library) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let library = Library::open(&dir.path().join("media"), MediaConfig::default()).expect("it can be made");
    (dir, library)
}

fn import(library: &Library, path: &Path) -> Result<Imported, ImportError> {
    library.import(path, &Options::default(), &mut |_| {})
}

/// Names of everything in the library, those in `incoming` too.
fn files(library: &Library) -> Vec<String> {
    let mut names = Vec::new();
    for dir in [library.dir.clone(), library.dir.join("incoming")] {
        for entry in fs::read_dir(dir).expect("the directory is there") {
            names.push(
                entry
                    .expect("it can be read")
                    .file_name()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    names.retain(|name| name != incoming::NAME);
    names.sort();
    names
}

/// What a receiver hears of it.
fn heard(audio: &EncodedAudio) -> Vec<f32> {
    let mut decoder = OpusDecoder::new().expect("a decoder");
    let mut block = [0.0; DECODED_SAMPLES_MAX];
    let mut samples = Vec::new();
    for packet in (0..audio.packet_count()).filter_map(|index| audio.packet(index)) {
        let count = decoder.decode(packet, &mut block).expect("our packets decode");
        samples.extend_from_slice(&block[..count]);
    }
    samples.drain(..audio.pre_skip as usize);
    samples.truncate(usize::try_from(audio.samples).expect("it fits in memory"));
    samples
}

fn level(samples: &[f32]) -> (f64, f64) {
    let mut loudness = Loudness::new();
    loudness.push(samples);
    (
        loudness.integrated_lufs().unwrap_or(-99.0),
        loudness.true_peak_dbtp(),
    )
}

#[test]
fn every_format_is_imported_to_the_target() {
    let (_dir, library) = library();
    for name in FILES {
        let Imported { media, already } = import(&library, &demo(name)).unwrap();
        assert!(!already, "{name}");
        assert_eq!(media.title, name.split('.').next().unwrap());
        assert_eq!(
            media.encoded_bytes,
            fs::metadata(library.encoded_path(media.hash)).unwrap().len()
        );
        assert_eq!(
            fs::read(library.original_path(media.hash)).unwrap(),
            fs::read(demo(name)).unwrap()
        );
        let audio = library.read(media.hash).unwrap();
        assert_eq!(
            (audio.samples, audio.packet_samples),
            (media.samples, 2_880),
            "{name}"
        );
        let samples = heard(&audio);
        assert_eq!(
            samples.len() as u64,
            media.samples,
            "{name}: the end is trimmed exactly"
        );
        let (lufs, peak) = level(&samples);
        assert!((lufs + 16.0).abs() <= 0.5, "{name}: {lufs} LUFS");
        assert!(peak <= -1.5, "{name}: {peak} dBTP");
    }
    assert_eq!(files(&library).len(), 2 * FILES.len(), "and nothing is left over");
}

/// ffmpeg reads the container, trims and measures by code of its own.
#[test]
fn ffmpeg_hears_the_same() {
    let (_dir, library) = library();
    let media = import(&library, &demo("ban-tin-tinh.mp3")).unwrap().media;
    let path = library.encoded_path(media.hash);
    let ffmpeg = |arguments: &[&str]| {
        let output = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostats", "-c:a", "libopus", "-i"])
            .arg(&path)
            .args(arguments)
            .output();
        output.expect("ffmpeg is installed by `cargo xtask setup`")
    };
    let decoded = ffmpeg(&["-f", "f32le", "-"]).stdout;
    assert_eq!(
        decoded.len() as u64,
        media.samples * 4,
        "pre-skip and end are trimmed exactly"
    );
    let samples: Vec<f32> = decoded
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let ours = heard(&library.read(media.hash).unwrap());
    let off = samples
        .iter()
        .zip(&ours)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(off < 1e-3, "sample for sample, but {off}");

    let told = String::from_utf8_lossy(&ffmpeg(&["-af", "ebur128=peak=true", "-f", "null", "-"]).stderr)
        .into_owned();
    let summary = &told[told.rfind("Summary:").unwrap()..];
    let value = |key: &str| -> f64 {
        let after = &summary[summary.find(key).unwrap() + key.len()..];
        after.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!((value("I:") + 16.0).abs() <= 0.5, "{summary}");
    assert!(value("Peak:") <= -1.5, "{summary}");
    assert!(told.contains("ban-tin-tinh"), "players show the title");
}

#[test]
fn the_same_bytes_twice_find_the_first() {
    let (dir, library) = library();
    let first = import(&library, &demo("khan-cap.wav")).unwrap();
    let before = files(&library);
    let copy = dir.path().join("another name.mp3");
    fs::copy(demo("khan-cap.wav"), &copy).unwrap();
    let options = Options {
        title: Some("Other".to_owned()),
        bitrate: Some(64_000),
        ..Options::default()
    };
    let second = library.import(&copy, &options, &mut |_| {}).unwrap();
    assert_eq!(
        second,
        Imported {
            already: true,
            ..first
        }
    );
    assert_eq!(files(&library), before);
}

#[test]
fn what_is_damaged_in_the_library_is_imported_again() {
    let (_dir, library) = library();
    let media = import(&library, &demo("khan-cap.wav")).unwrap().media;
    let damage: [(&str, &dyn Fn()); 3] = [
        ("cut", &|| {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(library.encoded_path(media.hash))
                .unwrap();
            file.set_len(5_000).unwrap();
        }),
        ("encoded missing", &|| {
            fs::remove_file(library.encoded_path(media.hash)).unwrap();
        }),
        ("original missing", &|| {
            fs::remove_file(library.original_path(media.hash)).unwrap();
        }),
    ];
    for (name, damage) in damage {
        damage();
        assert_eq!(library.find(media.hash), None, "{name}");
        let again = import(&library, &demo("khan-cap.wav")).unwrap();
        assert_eq!(
            again,
            Imported {
                media: media.clone(),
                already: false
            },
            "{name}"
        );
        assert_eq!(library.find(media.hash), Some(media.clone()), "{name}");
    }
}

#[test]
fn refused_files_leave_nothing() {
    let (dir, library) = library();
    let wav = fs::read(demo("khan-cap.wav")).unwrap();
    let mut flac = fs::read(demo("xa-b.flac")).unwrap();
    flac[200_000] ^= 0xff;
    type IsExpected = fn(&RefuseReason) -> bool;
    let rows: &[(&str, Vec<u8>, IsExpected)] = &[
        ("nothing", vec![], |reason| *reason == RefuseReason::Empty),
        ("text", b"Xin ch\xc3\xa0o. ".repeat(999), |reason| {
            *reason == RefuseReason::NotAudio
        }),
        ("cut", wav[..100_000].to_vec(), |reason| {
            matches!(reason, RefuseReason::Truncated { .. })
        }),
        ("damaged near its end", flac, |reason| {
            matches!(reason, RefuseReason::Corrupt { .. })
        }),
    ];
    for (name, bytes, is_expected) in rows {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = import(&library, &path).unwrap_err();
        assert!(
            matches!(&error, ImportError::Refused { reason, .. } if is_expected(reason)),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(files(&library), [""; 0], "{name}");
    }
    let missing = import(&library, &dir.path().join("missing")).unwrap_err();
    assert!(matches!(missing, ImportError::Read { .. }), "{missing}");
    let options = Options {
        bitrate: Some(500_000),
        ..Options::default()
    };
    let rate = library
        .import(&demo("khan-cap.wav"), &options, &mut |_| {})
        .unwrap_err();
    assert!(rate.to_string().contains("choose 8000 to 160000"), "{rate}");
    let short = Library {
        config: MediaConfig {
            limit_min: 0,
            ..library.config
        },
        ..library.clone()
    };
    let long = import(&short, &demo("khan-cap.wav")).unwrap_err();
    assert!(
        matches!(
            long,
            ImportError::Refused {
                reason: RefuseReason::TooLong { .. },
                ..
            }
        ),
        "{long}"
    );
    assert_eq!(files(&library), [""; 0]);
}

#[test]
fn a_file_can_be_left_as_loud_as_it_is() {
    let (_dir, library) = library();
    let options = Options {
        normalise: false,
        music: true,
        bitrate: Some(64_000),
        ..Options::default()
    };
    let media = library
        .import(&demo("nhac-nen.opus"), &options, &mut |_| {})
        .unwrap()
        .media;
    assert_eq!((media.gain_db, media.bitrate), (0.0, 64_000));
    let (lufs, _) = level(&heard(&library.read(media.hash).unwrap()));
    assert!((lufs - media.loudness_lufs.unwrap()).abs() < 0.3, "{lufs}");
}

#[test]
fn progress_goes_forward_to_the_end() {
    let (_dir, library) = library();
    let mut steps = Vec::new();
    library
        .import(&demo("thon.ogg"), &Options::default(), &mut |share| {
            steps.push(share);
        })
        .unwrap();
    assert!(steps.is_sorted() && steps.len() > 50, "{} steps", steps.len());
    assert_eq!(steps.last(), Some(&1.0));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("media");
    fs::write(&file, "in the way").unwrap();
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/loa")] {
        let error = Library::open(&path, MediaConfig::default()).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn pieces_are_listed_and_removed() {
    let (_dir, library) = library();
    let media = import(&library, &demo("khan-cap.wav")).unwrap().media;
    let alone = ContentHash([0xab; 32]);
    fs::write(library.original_path(alone), "x").unwrap();
    fs::write(library.dir.join("notes.txt"), "not ours").unwrap();
    let both = Held {
        original: true,
        encoded: true,
    };
    let only_original = Held {
        original: true,
        encoded: false,
    };
    assert_eq!(
        library.list().unwrap(),
        BTreeMap::from([(media.hash, both), (alone, only_original)])
    );
    library.remove(media.hash).unwrap();
    library.remove(media.hash).unwrap();
    assert_eq!(library.list().unwrap(), BTreeMap::from([(alone, only_original)]));
    assert!(matches!(library.read(media.hash), Err(ReadError::Missing { .. })));
}

#[test]
fn the_chime_is_the_rendered_one() {
    let audio = chimes(32_000).unwrap()[&0].clone();
    let rendered = loa_dsp::chime();
    let heard = heard(&audio);
    assert_eq!(
        (heard.len(), audio.samples),
        (rendered.len(), rendered.len() as u64)
    );
    let product: f32 = heard.iter().zip(&rendered).map(|(a, b)| a * b).sum();
    let energies: f32 =
        heard.iter().map(|a| a * a).sum::<f32>() * rendered.iter().map(|a| a * a).sum::<f32>();
    assert!(product / energies.sqrt() > 0.99, "{}", product / energies.sqrt());
    assert_eq!(
        audio.media,
        chimes(48_000).unwrap()[&-6].media,
        "its name is that of the sound"
    );
    assert!(chimes(0).is_err());
}
