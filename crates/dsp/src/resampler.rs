//! Plays a little faster or slower: the hand of [`DriftControl`](crate::DriftControl).

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::drift::DRIFT_PPM_MAX;

/// Resamples mono 48 kHz by up to ±1,000 ppm, one block of the card's samples at a time.
///
/// It knows exactly which sample of the timeline it is at: see [`position`](Self::position).
pub struct DriftResampler {
    inner: Async<f32>,
    block: usize,
    /// Timeline samples per card sample, as the last block ended and as the next will end.
    step: f64,
    target_step: f64,
    position: f64,
}

impl DriftResampler {
    /// Makes one that gives `block` samples at a time.
    ///
    /// # Panics
    ///
    /// If `block` is zero.
    pub fn new(block: usize) -> Self {
        let parameters = SincInterpolationParameters::new(SINC_TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(SINC_PHASES)
            .interpolation(SincInterpolationType::Linear);
        let inner = Async::new_sinc(1.0, RATIO_MAX, &parameters, block, 1, FixedAsync::Output)
            .expect("the ratio is one and the block is not empty");
        Self {
            inner,
            block,
            step: 1.0,
            target_step: 1.0,
            position: START,
        }
    }

    /// Returns how many samples each block gives.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Sets the rate that the next block moves to, linearly, ppm; positive consumes input faster.
    ///
    /// Bounded to ±[`DRIFT_PPM_MAX`].
    pub fn set_ppm(&mut self, ppm: f64) {
        let ppm = if ppm.is_finite() {
            ppm.clamp(-DRIFT_PPM_MAX, DRIFT_PPM_MAX)
        } else {
            0.0
        };
        let step = 1.0 + ppm * 1e-6;
        if self.inner.set_resample_ratio(1.0 / step, true).is_ok() {
            self.target_step = step;
        }
    }

    /// Returns how many input samples the next block needs.
    pub fn needed(&self) -> usize {
        self.inner.input_frames_next()
    }

    /// Returns the most input samples that any block can need.
    pub fn needed_max(&self) -> usize {
        self.inner.input_frames_max()
    }

    /// Returns which input sample the next output sample is, counted from the first one fed.
    ///
    /// A fraction. Negative at first: the filter begins before the first input.
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Turns [`needed`](Self::needed) input samples into one block.
    ///
    /// # Panics
    ///
    /// If either slice is shorter than that.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        let (needed, block) = (self.needed(), self.block);
        let source = InterleavedSlice::new(&input[..needed], 1, needed).expect("cut to size above");
        let mut sink = InterleavedSlice::new_mut(&mut output[..block], 1, block).expect("cut to size above");
        self.inner
            .process_into_buffer(&source, &mut sink, None)
            .expect("both slices have the sizes asked for");
        #[expect(clippy::cast_precision_loss, reason = "a block is far below 2^52 samples")]
        let count = block as f64;
        // The sum of a step that grows linearly and is advanced before each sample.
        let advance = count * 0.5 * (self.step + self.target_step) + 0.5 * (self.target_step - self.step);
        self.position += advance;
        self.step = self.target_step;
    }

    /// Forgets all input, and begins at the current rate as if new.
    pub fn reset(&mut self) {
        let step = self.target_step;
        self.inner.reset();
        (self.step, self.target_step, self.position) = (1.0, 1.0, START);
        self.set_ppm((step - 1.0) * 1e6);
    }
}

impl std::fmt::Debug for DriftResampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DriftResampler")
            .field("block", &self.block)
            .field("step", &self.step)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Long enough that speech and music to 20 kHz pass; there is nothing to alias at ±0.1 %.
const SINC_TAPS: usize = 64;
/// Steps between which the filter is interpolated; with linear interpolation the error is below −90 dB.
const SINC_PHASES: usize = 256;
/// A little over `DRIFT_PPM_MAX`, for rounding.
const RATIO_MAX: f64 = 1.002;
/// Where the first output lies: half a filter before the first input.
const START: f64 = -(SINC_TAPS as f64) / 2.0 + 1.0;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;
    use std::time::Duration;

    use super::*;
    use crate::drift::{Correction, DriftControl};

    const BLOCK: usize = 480;

    /// A sine that knows where it is, so that its phase tells the position.
    fn feed(resampler: &mut DriftResampler, fed: &mut u64, frequency_hz: f64, output: &mut [f32]) {
        let input: Vec<f32> = (0..resampler.needed() as u64)
            .map(|n| (TAU * frequency_hz * (*fed + n) as f64 / 48_000.0).sin() as f32 * 0.5)
            .collect();
        *fed += input.len() as u64;
        resampler.process(&input, output);
    }

    #[test]
    fn position_tells_which_sample_sounds() {
        let mut resampler = DriftResampler::new(BLOCK);
        let mut fed = 0;
        let mut output = [0.0f32; BLOCK];
        for (block, ppm) in [
            0.0, 0.0, 300.0, 1_000.0, 1_000.0, -1_000.0, -1_000.0, 120.0, 5_000.0,
        ]
        .into_iter()
        .enumerate()
        {
            resampler.set_ppm(ppm);
            let (start, step, target) = (resampler.position(), resampler.step, resampler.target_step);
            feed(&mut resampler, &mut fed, 1_000.0, &mut output);
            if block == 0 {
                continue; // The filter is still filling.
            }
            let mut at = start;
            let grow = (target - step) / BLOCK as f64;
            let mut worst = 0.0f64;
            for (n, &sample) in output.iter().enumerate() {
                let expected = 0.5 * (TAU * 1_000.0 * at / 48_000.0).sin();
                worst = worst.max((f64::from(sample) - expected).abs());
                at += step + grow * (n + 2).min(BLOCK) as f64;
            }
            assert!(worst < 2e-3, "block {block}, {ppm} ppm: off by {worst}");
        }
    }

    #[test]
    fn needs_are_bounded_and_reset_keeps_the_rate() {
        let mut resampler = DriftResampler::new(BLOCK);
        let mut fed = 0;
        let mut output = [0.0f32; BLOCK];
        resampler.set_ppm(-800.0);
        for _ in 0..200 {
            assert!(resampler.needed() <= resampler.needed_max());
            feed(&mut resampler, &mut fed, 440.0, &mut output);
        }
        // After n blocks at a steady rate it has used n blocks, less 800 ppm.
        let used = resampler.position() - START;
        assert!(
            (used - 200.0 * BLOCK as f64 * (1.0 - 800e-6)).abs() < 1.0,
            "{used}"
        );
        resampler.reset();
        assert_eq!(resampler.position(), START);
        feed(&mut resampler, &mut fed, 440.0, &mut output);
        assert!((resampler.position() - START - BLOCK as f64).abs() < 1.0);
    }

    /// Cards with a wrong clock in virtual time, moving real samples: what sounds is compared, by phase,
    /// with what the timeline says should.
    #[test]
    fn skewed_cards_stay_within_a_millisecond() {
        for card_ppm in [100.0, -100.0] {
            let mut resampler = DriftResampler::new(BLOCK);
            let mut control = DriftControl::new();
            let mut fed = 0;
            let mut output = [0.0f32; BLOCK];
            let block_s = BLOCK as f64 / (48_000.0 * (1.0 + card_ppm * 1e-6));
            let mut worst = 0.0f64;
            for block in 0..9_000 {
                let due = block as f64 * block_s * 48_000.0 + START;
                let ahead = resampler.position() - due;
                match control.update(ahead, Duration::from_secs_f64(block_s)) {
                    Correction::Rate { ppm } => resampler.set_ppm(ppm),
                    Correction::Resync { skip } => panic!("resync by {skip}"),
                }
                // 100 Hz: a phase of ±π is ±240 samples, so the answer is not ambiguous.
                feed(&mut resampler, &mut fed, 100.0, &mut output);
                if block > 6_000 {
                    worst = worst.max(heard_lead(&output, due).abs());
                }
            }
            assert!(worst < 48.0, "{card_ppm} ppm: {worst} samples");
            assert!(
                worst < 1.0,
                "the steady state is far better than the bound: {worst}"
            );
        }
    }

    /// By how many samples a block of 100 Hz leads what is due at its first sample.
    fn heard_lead(block: &[f32], due: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in block.iter().enumerate() {
            let phase = TAU * 100.0 * (due + n as f64) / 48_000.0;
            im += f64::from(sample) * phase.cos();
            re += f64::from(sample) * phase.sin();
        }
        im.atan2(re) / TAU * 480.0
    }
}
