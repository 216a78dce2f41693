//! How long an import takes, beside what ffmpeg takes to do the same with `loudnorm` and libopus.
//!
//! Read the ratio, not the seconds: it holds from machine to machine. The input is ten minutes of the demo's
//! audio, one piece after another, made by ffmpeg as MP3 and as FLAC.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use loa_headend::config::MediaConfig;
use loa_headend::library::{Library, Options};

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    println!("Import of {MINUTES} minutes, seconds per hour of audio (best of {ROUNDS})");
    println!("{:<8} {:>8} {:>8} {:>8}", "format", "loa", "ffmpeg", "ratio");
    for (format, codec) in [
        ("mp3", &["-c:a", "libmp3lame", "-b:a", "128k"][..]),
        ("flac", &["-c:a", "flac"]),
    ] {
        let input = dir.path().join(format!("input.{format}"));
        make_input(&input, codec);
        // One after the other and not side by side, in turns, so that a busy machine is unfair to both alike.
        let mut best = [Duration::MAX; 2];
        for round in 0..ROUNDS {
            let ours = time(|| import(&input, &dir.path().join(format!("{format}-{round}"))));
            let theirs = time(|| ffmpeg_import(&input, &dir.path().join("theirs.opus")));
            best = [best[0].min(ours), best[1].min(theirs)];
        }
        let [ours, theirs] = best.map(|time| time.as_secs_f64() * 60.0 / f64::from(MINUTES));
        println!("{format:<8} {ours:>8.1} {theirs:>8.1} {:>8.2}", ours / theirs);
    }
}

fn import(input: &Path, library: &Path) {
    let library = Library::open(library, MediaConfig::default()).expect("the library can be made");
    library
        .import(input, &Options::default(), &mut |_| {})
        .expect("the input can be imported");
}

fn ffmpeg_import(input: &Path, output: &Path) {
    let mut ffmpeg = ffmpeg();
    ffmpeg.arg("-i").arg(input).args([
        "-af",
        "loudnorm=I=-16:TP=-1.5",
        "-c:a",
        "libopus",
        "-b:a",
        "32k",
        "-ac",
        "1",
    ]);
    run(ffmpeg.arg(output));
}

/// Plays the demo's files in turn until the time is full: 44.1 kHz stereo.
fn make_input(output: &Path, codec: &[&str]) {
    let audio = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schedules/demo/audio");
    let files: Vec<PathBuf> = FILES.iter().map(|name| audio.join(name)).collect();
    let mut ffmpeg = ffmpeg();
    for file in &files {
        ffmpeg.arg("-i").arg(file);
    }
    let joined = format!(
        "concat=n={}:v=0:a=1,aresample=44100,aformat=channel_layouts=stereo,aloop=loop=-1:size=30000000",
        files.len()
    );
    ffmpeg
        .args(["-filter_complex", &joined, "-t", &(MINUTES * 60).to_string()])
        .args(codec);
    run(ffmpeg.arg(output));
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-y"])
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .expect("ffmpeg is installed by `cargo xtask setup`");
    assert!(status.success(), "{command:?}: {status}");
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

const MINUTES: u32 = 10;
const ROUNDS: u32 = 2;
const FILES: [&str; 7] = [
    "ban-tin-tinh.mp3",
    "chuyen-muc-xa-a.m4a",
    "xa-b.flac",
    "thon.ogg",
    "nhac-nen.opus",
    "khan-cap.wav",
    "thong-bao.aiff",
];
