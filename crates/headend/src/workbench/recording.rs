//! What a receiver wrote into its WAV file, laid on the station's time.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use loa_model::{SAMPLE_RATE, WallTime};
use serde_json::Value;

/// A mono recording at 48 kHz.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its samples, −1 to 1.
    pub samples: Vec<f32>,
    /// Which sample sounded when, in order of time; empty if that is not known.
    anchors: Vec<(i64, WallTime)>,
}

impl Recording {
    /// Takes samples of which nobody knows when they sounded.
    pub const fn new(samples: Vec<f32>) -> Self {
        Self {
            samples,
            anchors: Vec::new(),
        }
    }

    /// Reads a WAV file.
    ///
    /// # Errors
    ///
    /// If it is missing, broken, or not 16 bit at 48 kHz.
    pub fn wav(path: &Path) -> Result<Self> {
        let reader =
            hound::WavReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let spec = reader.spec();
        ensure!(
            spec.sample_rate == SAMPLE_RATE,
            "{} is at {} Hz",
            path.display(),
            spec.sample_rate
        );
        let channels = usize::from(spec.channels);
        let samples: Vec<i16> = reader.into_samples().collect::<Result<_, _>>()?;
        let mono =
            |frame: &[i16]| frame.iter().map(|s| f32::from(*s)).sum::<f32>() / channels as f32 / 32_768.0;
        Ok(Self::new(samples.chunks_exact(channels).map(mono).collect()))
    }

    /// Reads a receiver's WAV file; `lines` are the statistics it printed, which tell when which frame sounded.
    ///
    /// # Errors
    ///
    /// If the file is broken, or the lines say nothing of the output.
    pub fn of_receiver(path: &Path, lines: &[Value]) -> Result<Self> {
        let outputs = lines.iter().filter_map(|line| line.get("output"));
        let anchors = outputs.filter_map(|output| {
            Some((
                output["frame"].as_i64()?,
                WallTime::from_unix_ns(output["at"].as_i64()?),
            ))
        });
        let anchors: Vec<_> = anchors.collect();
        ensure!(
            !anchors.is_empty(),
            "the receiver of {} told nothing of its output",
            path.display()
        );
        Ok(Self {
            anchors,
            ..Self::wav(path)?
        })
    }

    /// Returns `len` samples from what sounded at `at` on; as far as there are any.
    ///
    /// Counted from the nearest moment that the receiver told of, because a card's second is not quite a second.
    pub fn at(&self, at: WallTime, len: usize) -> &[f32] {
        let nearest = self
            .anchors
            .iter()
            .min_by_key(|(_, anchor)| anchor.ns_after(at).unsigned_abs());
        let (frame, anchor) = nearest.copied().unwrap_or((0, at));
        self.part(frame + at.to_sample().samples_after(anchor.to_sample()), len)
    }

    /// Returns `len` samples from sample `from` on; as far as there are any.
    pub fn part(&self, from: i64, len: usize) -> &[f32] {
        let from = usize::try_from(from).unwrap_or(0).min(self.samples.len());
        &self.samples[from..from.saturating_add(len).min(self.samples.len())]
    }
}
