//! The proof: what each receiver should have played, by the as-run log, against what it says and what it wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};
use loa_dsp::compare::{correlation, envelope, find_lag};
use loa_model::{
    ContentHash, EncodedAudio, Priority, SAMPLE_RATE, SessionId, Sound, WallTime, ZoneId, ZoneTree,
};
use loa_store::{AsRunRow, ProofRow};

use crate::library::Library;
use crate::workbench::Recording;

/// A stretch that a receiver should have sounded.
#[derive(Clone, Debug)]
struct Expected {
    session: SessionId,
    media: ContentHash,
    from: WallTime,
    to: WallTime,
    /// How far into the media `from` lies.
    offset: Duration,
}

/// What became of one session at one receiver.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) receiver: String,
    pub(super) title: String,
    /// What should have sounded there, without chimes.
    pub(super) planned: Duration,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) sounded: Duration,
    /// How like the source the sound was, −1 to 1: the worst of its stretches.
    pub(super) likeness: f64,
    /// How far off its time it was, ms: the worst of its stretches.
    pub(super) off_ms: f64,
    /// What is wrong; empty if nothing is.
    pub(super) faults: Vec<&'static str>,
}

/// Judges every session that a receiver should have played.
///
/// # Errors
///
/// If the library cannot be read.
pub(super) fn judge(
    receiver: &str,
    zone: ZoneId,
    tree: &ZoneTree,
    as_run: &[AsRunRow],
    proof: &[ProofRow],
    recording: &Recording,
    library: &Library,
) -> Result<Vec<Verdict>> {
    let mut sessions: BTreeMap<SessionId, Vec<Expected>> = BTreeMap::new();
    for expected in expected(zone, tree, as_run) {
        sessions.entry(expected.session).or_default().push(expected);
    }
    let mut verdicts = Vec::new();
    for (session, stretches) in sessions {
        let row = proof
            .iter()
            .find(|row| row.session == session && row.receiver == receiver);
        let receipt = row.and_then(|row| row.receipt.as_ref());
        let planned = stretches
            .iter()
            .map(|stretch| stretch.to.since(stretch.from))
            .sum::<Duration>();
        let mut verdict = Verdict {
            receiver: receiver.to_owned(),
            title: row.map_or_else(String::new, |row| row.title.clone()),
            planned,
            sent: row.and_then(|row| row.sent).unwrap_or(0),
            received: receipt.map_or(0, |receipt| receipt.packets),
            lost: receipt.map_or(0, |receipt| receipt.lost),
            sounded: receipt.map_or(Duration::ZERO, |receipt| receipt.sounded),
            likeness: 1.0,
            off_ms: 0.0,
            faults: Vec::new(),
        };
        for stretch in stretches {
            let source =
                decode(&library.read(stretch.media)?).context("the demo's own media does not decode")?;
            let (likeness, off_ms) = compare(&stretch, &source, recording);
            verdict.likeness = verdict.likeness.min(likeness);
            if off_ms.abs() > verdict.off_ms.abs() {
                verdict.off_ms = off_ms;
            }
        }
        let rules = [
            (receipt.is_none(), "no receipt"),
            (verdict.sent == 0, "nothing sent"),
            (verdict.lost > 0, "packets lost"),
            (verdict.sounded + SLACK < planned, "sounded too short"),
            (verdict.sounded > planned + CHIME + SLACK, "sounded too long"),
            (verdict.likeness < LIKENESS_MIN, "not like its source"),
            (verdict.off_ms.abs() > OFF_MS_MAX, "not at its time"),
        ];
        verdict.faults = rules
            .into_iter()
            .filter(|(broken, _)| *broken)
            .map(|(_, fault)| fault)
            .collect();
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Returns what a receiver in `zone` should have sounded: at each instant, the strongest of what was on air in its chain.
fn expected(zone: ZoneId, tree: &ZoneTree, as_run: &[AsRunRow]) -> Vec<Expected> {
    let chain: Vec<_> = as_run
        .iter()
        .filter(|row| tree.covers(row.started.zone, zone))
        .collect();
    let span = |row: &AsRunRow| {
        (
            row.started.at,
            row.ended.as_ref().map_or(row.started.ends, |ended| ended.at),
        )
    };
    let priority = |row: &AsRunRow| Priority {
        class: row.started.class,
        depth: tree.depth(row.started.zone),
        order: row.started.order,
        session: row.started.session,
    };
    let mut edges: Vec<WallTime> = chain.iter().flat_map(|row| [span(row).0, span(row).1]).collect();
    edges.sort();
    edges.dedup();
    let mut found: Vec<Expected> = Vec::new();
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let sounding = chain
            .iter()
            .filter(|row| span(row).0 <= from && to <= span(row).1);
        let Some(row) = sounding.max_by_key(|row| priority(row)) else {
            continue;
        };
        let Sound::Media(media) = row.started.sound else {
            continue;
        };
        let offset = row.started.media_offset + from.since(row.started.at);
        match found.last_mut() {
            Some(last) if last.session == row.started.session && last.to == from => last.to = to,
            _ => found.push(Expected {
                session: row.started.session,
                media,
                from,
                to,
                offset,
            }),
        }
    }
    found
}

/// Compares a stretch with its source: how alike the loudness over time, and by how many ms the wave is late.
///
/// The edges are left out: chimes and fades belong to them.
fn compare(stretch: &Expected, source: &[f32], recording: &Recording) -> (f64, f64) {
    let (from, to) = (stretch.from + EDGE, stretch.to - EDGE);
    let length = samples(to.since(from));
    let skip = samples(stretch.offset + EDGE);
    let source = &source[skip.min(source.len())..(skip + length).min(source.len())];
    let heard = recording.at(from, source.len());
    if source.len() < FRAME * 10 || heard.len() < source.len() {
        return (0.0, 0.0);
    }
    let likeness = correlation(&envelope(source, FRAME), &envelope(heard, FRAME));
    let part = source.len().min(LAG_OVER);
    let off = find_lag(&source[..part], &heard[..part], LAG_MAX)
        .map_or(f64::MAX, |lag| lag.offset as f64 * 1e3 / f64::from(SAMPLE_RATE));
    (likeness, off)
}

fn decode(audio: &EncodedAudio) -> Result<Vec<f32>> {
    let mut decoder = OpusDecoder::new()?;
    let mut block = [0.0; DECODED_SAMPLES_MAX];
    let mut samples = Vec::new();
    for index in 0..audio.packet_count() {
        let decoded = decoder.decode(audio.packet(index).unwrap_or_default(), &mut block)?;
        samples.extend_from_slice(&block[..decoded]);
    }
    samples.drain(..(audio.pre_skip as usize).min(samples.len()));
    Ok(samples)
}

fn samples(span: Duration) -> usize {
    usize::try_from(loa_model::duration_to_samples(span)).unwrap_or(usize::MAX)
}

/// 20 ms, as the envelope is measured.
const FRAME: usize = 960;
/// 20 ms either way.
const LAG_MAX: usize = 960;
/// The wave of two seconds tells its place to the sample.
const LAG_OVER: usize = 96_000;
const EDGE: Duration = Duration::from_millis(500);
/// The demo's chime is a little shorter.
const CHIME: Duration = Duration::from_secs(3);
/// Fades, and half a second of waiting for a packet that never comes.
const SLACK: Duration = Duration::from_millis(700);
const LIKENESS_MIN: f64 = 0.95;
const OFF_MS_MAX: f64 = 1.0;
