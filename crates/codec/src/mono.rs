//! Any rate and number of channels to mono at 48 kHz, sample for sample where it should be.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use audioadapter_buffers::direct::InterleavedSlice;
use loa_model::SAMPLE_RATE;
use rubato::{Fft, FixedSync, Resampler};

use crate::file::AudioFile;
use crate::refuse::AudioError;

/// Mixes down and resamples. What comes out is aligned with what went in, and `round(n × 48000 / rate)` samples for `n`.
pub struct ToMono48k {
    channels: usize,
    rate: u32,
    resampler: Option<Fft<f32>>,
    waiting: VecDeque<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Output samples still to drop: the resampler's own delay.
    to_skip: usize,
    taken: u64,
    given: u64,
}

impl ToMono48k {
    /// Makes one for interleaved input of `channels` at `rate`.
    ///
    /// # Panics
    ///
    /// If either is zero.
    pub fn new(rate: u32, channels: usize) -> Self {
        assert!(rate > 0 && channels > 0, "a sound has a rate and channels");
        let resampler = (rate != SAMPLE_RATE).then(|| {
            // An odd block would put the filter's middle between two samples, and the sound off by as much.
            let least = 2 * (rate / common_divisor(rate)) as usize;
            let chunk = CHUNK.next_multiple_of(least);
            Fft::<f32>::new(rate as usize, SAMPLE_RATE as usize, chunk, 1, FixedSync::Both)
                .expect("both rates and the chunk are above zero")
        });
        let (input, output) = resampler
            .as_ref()
            .map_or((0, 0), |fft| (fft.input_frames_max(), fft.output_frames_max()));
        Self {
            channels,
            rate,
            to_skip: resampler.as_ref().map_or(0, Resampler::output_delay),
            resampler,
            waiting: VecDeque::new(),
            input: vec![0.0; input],
            output: vec![0.0; output],
            taken: 0,
            given: 0,
        }
    }

    /// Takes interleaved samples and appends what is ready to `mono`.
    pub fn push(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let frames = interleaved.chunks_exact(self.channels);
        self.taken += frames.len() as u64;
        #[expect(clippy::cast_precision_loss, reason = "a handful of channels")]
        let share = 1.0 / self.channels as f32;
        let mixed = frames.map(|frame| frame.iter().sum::<f32>() * share);
        if self.resampler.is_none() {
            mono.extend(mixed);
            self.given = self.taken;
            return;
        }
        self.waiting.extend(mixed);
        self.resample(mono);
    }

    /// Appends the rest: the sound must have ended.
    pub fn finish(&mut self, mono: &mut Vec<f32>) {
        let total = self.total();
        while self.given < total {
            let missing = self.input.len().saturating_sub(self.waiting.len());
            self.waiting.extend(std::iter::repeat_n(0.0, missing));
            self.resample(mono);
        }
        let surplus = usize::try_from(self.given - total).unwrap_or(0);
        mono.truncate(mono.len().saturating_sub(surplus));
        self.given = total;
    }

    fn resample(&mut self, mono: &mut Vec<f32>) {
        let Some(resampler) = &mut self.resampler else {
            return;
        };
        while self.waiting.len() >= self.input.len() {
            let (needed, ready) = (self.input.len(), self.output.len());
            for (slot, sample) in self.input.iter_mut().zip(self.waiting.drain(..needed)) {
                *slot = sample;
            }
            let source = InterleavedSlice::new(&self.input[..], 1, needed).expect("one channel of that many");
            let mut sink =
                InterleavedSlice::new_mut(&mut self.output[..], 1, ready).expect("one channel of that many");
            let (_, written) = resampler
                .process_into_buffer(&source, &mut sink, None)
                .expect("both have the sizes it asked for");
            let skipped = self.to_skip.min(written);
            self.to_skip -= skipped;
            mono.extend_from_slice(&self.output[skipped..written]);
            self.given += (written - skipped) as u64;
        }
    }

    /// How many samples all that was taken comes to.
    fn total(&self) -> u64 {
        at_48k(self.taken, self.rate)
    }
}

impl std::fmt::Debug for ToMono48k {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToMono48k")
            .field("rate", &self.rate)
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

/// A file as mono at 48 kHz, block by block.
#[derive(Debug)]
pub struct MonoFile {
    file: AudioFile,
    converter: Option<ToMono48k>,
    block: Vec<f32>,
    given: u64,
}

impl MonoFile {
    /// Opens the file at `path`; what is longer than `limit` will be refused.
    ///
    /// # Errors
    ///
    /// See [`AudioFile::open`].
    pub fn open(path: &Path, limit: Option<Duration>) -> Result<Self, AudioError> {
        Ok(Self::new(AudioFile::open(path, limit)?))
    }

    /// Converts an opened file from its beginning.
    pub fn new(file: AudioFile) -> Self {
        let converter = Some(ToMono48k::new(file.rate(), file.channels()));
        Self {
            file,
            converter,
            block: Vec::new(),
            given: 0,
        }
    }

    /// Returns the next samples, none at the end.
    ///
    /// # Errors
    ///
    /// See [`AudioFile::next_block`].
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        self.block.clear();
        while self.block.is_empty() {
            let Some(converter) = &mut self.converter else {
                return Ok(None);
            };
            if let Some(block) = self.file.next_block()? {
                converter.push(block, &mut self.block);
            } else {
                converter.finish(&mut self.block);
                self.converter = None;
            }
        }
        self.given += self.block.len() as u64;
        Ok(Some(&self.block))
    }

    /// Returns what the file is, see [`AudioFile::format`].
    pub fn format(&self) -> &'static str {
        self.file.format()
    }

    /// Returns how many samples were given so far.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Returns how many samples there will be in all, an estimate for some formats; none if unknown.
    pub fn expected(&self) -> Option<u64> {
        self.file
            .expected_frames()
            .map(|frames| at_48k(frames, self.file.rate()))
    }
}

/// Returns the largest number that divides both `rate` and 48,000: the larger, the smaller the resampler.
pub(crate) fn common_divisor(rate: u32) -> u32 {
    let (mut a, mut b) = (SAMPLE_RATE, rate);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn at_48k(frames: u64, rate: u32) -> u64 {
    let (frames, rate) = (u128::from(frames), u128::from(rate.max(1)));
    u64::try_from((frames * u128::from(SAMPLE_RATE) + rate / 2) / rate).unwrap_or(u64::MAX)
}

/// Samples in at a time, about; rounded to what the ratio of rates allows.
const CHUNK: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: usize = 6_000;

    fn convert(rate: u32, channels: usize, interleaved: &[f32], part: usize) -> Vec<f32> {
        let mut converter = ToMono48k::new(rate, channels);
        let mut mono = Vec::new();
        for block in interleaved.chunks(part * channels) {
            converter.push(block, &mut mono);
        }
        converter.finish(&mut mono);
        mono
    }

    #[test]
    fn counts_and_phase_are_exact() {
        for rate in [
            8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 44_056, 192_000,
        ] {
            for frames in [1usize, 100, 1_023, 50_001] {
                let wave = |at: f64| (std::f64::consts::TAU * 500.0 * at).sin();
                let input: Vec<f32> = (0..frames)
                    .map(|n| wave(n as f64 / f64::from(rate)) as f32)
                    .collect();
                let mono = convert(rate, 1, &input, 777);
                let expected = (frames as f64 * 48_000.0 / f64::from(rate)).round();
                assert_eq!(mono.len() as f64, expected, "{frames} at {rate}");
                // Away from the edges, where a resampler has both sides to look at.
                let end = mono.len().saturating_sub(EDGE);
                for (n, sample) in mono.iter().enumerate().take(end).skip(EDGE) {
                    let error = (f64::from(*sample) - wave(n as f64 / 48_000.0)).abs();
                    assert!(error < 0.01, "{rate}: sample {n} is off by {error}");
                }
            }
        }
    }

    #[test]
    fn channels_are_averaged() {
        let stereo: Vec<f32> = (0..1_000).flat_map(|_| [0.5, -0.1]).collect();
        assert!(
            convert(48_000, 2, &stereo, 333)
                .iter()
                .all(|sample| (sample - 0.2).abs() < 1e-6)
        );
        assert_eq!(convert(48_000, 3, &[0.3, 0.6, 0.0, 9.0], 1), [0.3]);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(convert(44_100, 2, &[], 10).is_empty());
    }
}
