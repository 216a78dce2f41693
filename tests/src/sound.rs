//! Audio as other programs decode it: a second opinion that is not our decoder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::{correlation, envelope, find_by_envelope, find_lag};
use loa_headend::workbench::{Recording, Station};
use serde_json::Value;

/// Decodes any file with ffmpeg.
///
/// # Errors
///
/// If ffmpeg is missing or refuses the file.
pub fn by_ffmpeg(path: &Path) -> Result<Recording> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "s16le", "-ac", "1", "-ar", "48000", "-"])
        .output()
        .context("cannot start ffmpeg; `cargo xtask setup` installs it")?;
    ensure!(
        output.status.success(),
        "ffmpeg: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
    Ok(Recording::new(
        output.stdout.chunks_exact(2).map(sample).collect(),
    ))
}

/// Decodes what a station airs of a piece, by its title.
///
/// # Errors
///
/// If there is no such piece, or ffmpeg refuses it.
pub fn as_aired(station: &Station, title: &str) -> Result<Recording> {
    let list: Value = serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?;
    let piece = list
        .as_array()
        .into_iter()
        .flatten()
        .find(|piece| piece["title"] == title);
    let hash = piece
        .and_then(|piece| piece["hash"].as_str())
        .with_context(|| format!("no media \"{title}\""))?;
    by_ffmpeg(&station.path().join(format!("data/media/{hash}.opus")))
}

/// How alike two sounds are.
#[derive(Clone, Copy, Debug)]
pub struct Alike {
    /// Correlation of their envelopes, 1 at most.
    pub envelope: f64,
    /// Correlation of their waves, with one moved to where it fits best, 1 at most.
    pub wave: f64,
    /// By how many samples what was heard is later; none if there is too little sound to say.
    pub lag: Option<i64>,
}

/// Compares two sounds of one length; their waves within ± `lag_max` samples.
fn alike(source: &[f32], heard: &[f32], lag_max: usize) -> Alike {
    let found = find_lag(source, heard, lag_max);
    Alike {
        envelope: correlation(&envelope(source, FRAME), &envelope(heard, FRAME)),
        wave: found.map_or(0.0, |found| found.correlation),
        lag: found.map(|found| found.offset),
    }
}

/// Compares what was heard to what was said in the same stretch of time, each `part` samples on their own; in order.
///
/// A machine that stands still for a moment breaks one part, a fault of ours most of them: judge by
/// [`middle_of`] them. A part holds several syllables or notes, or else any sound is like any other: 0.8 s at least.
pub fn parts_in_place(said: &[f32], heard: &[f32], part: usize) -> Vec<Alike> {
    said.chunks_exact(part)
        .zip(heard.chunks_exact(part))
        .map(|(said, heard)| alike(said, heard, 480))
        .collect()
}

/// Compares each `part` samples of what was heard to the place in `source` that they fit best; in order. Judge as for
/// [`parts_in_place`]; the lag says nothing, since the place was searched for.
pub fn parts_alike(source: &[f32], heard: &[f32], part: usize) -> Vec<Alike> {
    let compare = |part: &[f32]| {
        let found = find_by_envelope(part, source, FRAME)?;
        let from = usize::try_from(found.offset).ok()?;
        Some(alike(&source[from..from + part.len()], part, 1_200))
    };
    heard.chunks_exact(part).filter_map(compare).collect()
}

/// Returns the middle of each measure on its own.
///
/// # Errors
///
/// If there are no parts.
pub fn middle_of(parts: &[Alike]) -> Result<Alike> {
    let mut lags: Vec<_> = parts.iter().map(|part| part.lag).collect();
    lags.sort_by_key(|lag| lag.map_or(u64::MAX, i64::unsigned_abs));
    Ok(Alike {
        envelope: middle(parts.iter().map(|part| part.envelope))?,
        wave: middle(parts.iter().map(|part| part.wave))?,
        lag: lags[lags.len() / 2],
    })
}

/// Returns the value in the middle; of an even number the lesser of the two there.
///
/// # Errors
///
/// If there are no values.
pub fn middle(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values.get(values.len() / 2).copied().context("nothing was heard")
}

/// Returns how alike what was said is to what was heard, 1 at most, where nobody knows at what place: finds each second
/// and a half of it by its envelope and returns the correlation in the middle. What is levelled on the way is never
/// quite the same.
///
/// # Errors
///
/// If it is not found, or not in its order. A part that is broken, or where what is said begins anew, may be out of it.
pub fn levelled_likeness(said: &[f32], heard: &[f32]) -> Result<f64> {
    let found: Vec<_> = said
        .chunks_exact(72_000)
        .filter_map(|part| find_by_envelope(part, heard, FRAME))
        .collect();
    let back = found
        .windows(2)
        .filter(|pair| pair[1].offset <= pair[0].offset)
        .count();
    ensure!(
        4 * back < found.len(),
        "what was said is heard in another order: {found:.3?}"
    );
    middle(found.iter().map(|found| found.correlation))
}

/// Samples for one value of an envelope: 20 ms.
const FRAME: usize = 960;

/// Makes what a microphone hears: speech, as the file that Chromium takes, longer than any test. Where Chromium begins it
/// anew it leaves out a moment.
///
/// # Errors
///
/// If ffmpeg is missing or refuses.
pub fn microphone(dir: &Path) -> Result<PathBuf> {
    let wav = dir.join("microphone.wav");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "9", "-i"])
        .arg(demo_audio("ban-tin-tinh.mp3"))
        .args(["-ac", "1", "-ar", "48000", "-c:a", "pcm_s16le"])
        .arg(&wav)
        .status()
        .context("cannot start ffmpeg; `cargo xtask setup` installs it")?;
    ensure!(made.success(), "ffmpeg makes no speech");
    Ok(wav)
}

/// Returns a file of the demo's audio.
pub fn demo_audio(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../schedules/demo/audio")).join(name)
}
