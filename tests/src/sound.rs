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
/// A machine that stands still for a moment breaks one part or two, a fault of ours most of them: judge by the
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

/// Returns how alike most parts are.
///
/// # Errors
///
/// If there is none.
pub fn middle_of(parts: &[Alike]) -> Result<Alike> {
    let middle = |measure: fn(&Alike) -> f64| median(parts.iter().map(measure));
    Ok(Alike {
        envelope: middle(|part| part.envelope)?,
        wave: middle(|part| part.wave)?,
    })
}

/// How sound that was heard lies to what it is to be, part by part: the medians.
#[derive(Clone, Copy, Debug)]
pub struct InPlace {
    /// Correlation of the envelopes.
    pub envelope: f64,
    /// By how many samples it is later, within ± 480.
    pub lag: f64,
}

/// Compares each `part` samples of two sounds that begin at one instant.
///
/// # Errors
///
/// If they hold too little sound.
pub fn in_place(source: &[f32], heard: &[f32], part: usize) -> Result<InPlace> {
    let parts = || source.chunks_exact(part).zip(heard.chunks_exact(part));
    Ok(InPlace {
        envelope: median(
            parts().map(|(source, heard)| correlation(&envelope(source, 480), &envelope(heard, 480))),
        )?,
        lag: median(parts().filter_map(|(source, heard)| Some(find_lag(source, heard, 480)?.offset as f64)))?,
    })
}

/// Returns the value in the middle.
///
/// # Errors
///
/// If there is none.
pub fn median(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was heard")
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
