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

/// Returns how alike four seconds of what was said are to what was heard, at the place where they are most alike: the
/// correlation of their envelopes, 1 at most. What is levelled on the way is never quite the same.
pub fn levelled_likeness(said: &Recording, heard: &[f32]) -> f64 {
    let said = envelope(said.part(24_000, 4 * 48_000), 960);
    envelope(heard, 960)
        .windows(said.len())
        .map(|part| correlation(&said, part))
        .fold(0.0, f64::max)
}

/// How alike two sounds are, 1 at most.
#[derive(Clone, Copy, Debug)]
pub struct Alike {
    /// Correlation of their envelopes.
    pub envelope: f64,
    /// Correlation of their waves, with one moved to where it fits best.
    pub wave: f64,
}

/// Compares each `part` samples of what was heard to the place in `source` that they fit best; returns the parts, least
/// alike first.
///
/// A machine that stands still for a moment breaks one part, a fault of ours most of them: judge by the
/// [`middle`](middle_of).
pub fn parts_alike(source: &[f32], heard: &[f32], part: usize) -> Vec<Alike> {
    let compare = |part: &[f32]| {
        let found = find_by_envelope(part, source, 960)?;
        let from = usize::try_from(found.offset).ok()?;
        let lag = find_lag(&source[from..from + part.len()], part, 1_200);
        Some(Alike {
            envelope: found.correlation,
            wave: lag.map_or(0.0, |lag| lag.correlation),
        })
    };
    let mut parts: Vec<_> = heard.chunks_exact(part).filter_map(compare).collect();
    parts.sort_by(|a, b| a.envelope.total_cmp(&b.envelope));
    parts
}

/// Returns the part in the middle.
///
/// # Errors
///
/// If there is none.
pub fn middle_of(parts: &[Alike]) -> Result<Alike> {
    parts.get(parts.len() / 2).copied().context("nothing was heard")
}

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
