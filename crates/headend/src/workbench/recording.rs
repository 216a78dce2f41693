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
    /// When sample zero sounded, if that is known.
    pub began: Option<WallTime>,
}

impl Recording {
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
        Ok(Self {
            samples: samples.chunks_exact(channels).map(mono).collect(),
            began: None,
        })
    }

    /// Reads a receiver's WAV file; `lines` are the statistics it printed, which tell when which frame sounded.
    ///
    /// # Errors
    ///
    /// If the file is broken, or the lines say nothing of the output.
    pub fn of_receiver(path: &Path, lines: &[Value]) -> Result<Self> {
        let output = lines
            .iter()
            .rev()
            .find_map(|line| line.get("output"))
            .context("no line of statistics")?;
        let number = |name: &str| {
            output[name]
                .as_i64()
                .with_context(|| format!("no {name} in {output}"))
        };
        let (frame, at) = (number("frame")?, number("at")?);
        let began = WallTime::from_unix_ns(at).to_sample().offset(-frame).to_wall();
        Ok(Self {
            began: Some(began),
            ..Self::wav(path)?
        })
    }

    /// Returns `len` samples from what sounded at `at` on; as far as there are any.
    pub fn at(&self, at: WallTime, len: usize) -> &[f32] {
        let began = self.began.unwrap_or(at);
        let from = at.to_sample().samples_after(began.to_sample());
        self.part(from, len)
    }

    /// Returns `len` samples from sample `from` on; as far as there are any.
    pub fn part(&self, from: i64, len: usize) -> &[f32] {
        let from = usize::try_from(from).unwrap_or(0).min(self.samples.len());
        &self.samples[from..from.saturating_add(len).min(self.samples.len())]
    }
}
