//! A look-ahead limiter that keeps the true peak under a ceiling.

use std::collections::VecDeque;

use crate::db::db_to_gain;

/// Keeps the 4x oversampled true peak at or under a ceiling, without audible steps.
///
/// Everything below the ceiling passes unchanged, bit for bit, only later by [`delay`](Self::delay).
///
/// Two stages. The first looks 5 ms ahead and takes off all that is over; but a
/// gain that moves while the interpolation filter spans it leaves a trace (tenths
/// of a decibel at 20 dB of reduction), which the second, short stage removes.
#[derive(Clone, Debug)]
pub struct Limiter {
    stages: Vec<Stage>,
}

impl Limiter {
    /// Makes a limiter with this ceiling in dBTP.
    pub fn new(ceiling_dbtp: f64) -> Self {
        Self {
            stages: vec![
                Stage::new(ceiling_dbtp, LOOK_AHEAD_SAMPLES, RELEASE_SHIFT),
                Stage::new(ceiling_dbtp - MARGIN_DB, POLISH_SAMPLES, RELEASE_SHIFT),
            ],
        }
    }

    /// Makes a limiter that loses less of a voice's loudness.
    ///
    /// A voice peaks at each beat of the vocal cords, every 3 to 12 ms, too often
    /// for a slow release ever to come up again. A stage before the others lets go
    /// within such a beat; what that colours lies under the voice's own overtones,
    /// but would be heard in a piano's.
    pub fn for_speech(ceiling_dbtp: f64) -> Self {
        let mut limiter = Self::new(ceiling_dbtp);
        let quick = Stage::new(ceiling_dbtp, QUICK_SAMPLES, QUICK_RELEASE_SHIFT);
        limiter.stages.insert(0, quick);
        limiter
    }

    /// Returns by how many samples what comes out is later than what went in.
    pub fn delay(&self) -> usize {
        self.stages.iter().map(Stage::delay).sum()
    }

    /// Limits `samples` in place; the first [`delay`](Self::delay) of a stream come out as silence.
    ///
    /// Feed as many zeros at the end to get the last samples.
    pub fn process(&mut self, samples: &mut [f32]) {
        for stage in &mut self.stages {
            for sample in &mut *samples {
                *sample = stage.push(*sample);
            }
        }
    }

    /// Returns by how much it turns down at this moment, dB, zero or more; without the tenths of the last stage.
    pub fn reduction_db(&self) -> f64 {
        let held: i32 = self.stages.iter().rev().skip(1).map(|stage| stage.held).sum();
        f64::from(held) / f64::from(UNITS_PER_DB)
    }
}

/// One pass: find peaks, hold the reduction they need, smooth it, apply it to the delayed signal.
///
/// Reductions are whole numbers of 1/65,536 dB, so that the running sum never
/// drifts and a limiter at rest is exactly at rest.
#[derive(Clone, Debug)]
struct Stage {
    ceiling: f32,
    /// Samples over which a reduction is reached.
    attack: usize,
    release_shift: u32,
    filter: [[f32; PHASES]; TAPS],
    /// Newest first, written twice so that a window is always one slice.
    recent: [f32; TAPS * 2],
    recent_at: usize,
    /// Samples until none in the filter could make an interpolated peak over the ceiling.
    loud_for: usize,
    /// Index of the next sample, for the ages in `maxima`.
    now: u64,
    /// Greatest reductions of the last `attack + TAPS` samples, in falling order.
    maxima: VecDeque<(u64, i32)>,
    /// The reduction after hold and release, before smoothing.
    held: i32,
    smoothing: VecDeque<i32>,
    smoothing_sum: i64,
    delayed: VecDeque<f32>,
}

impl Stage {
    fn new(ceiling_dbtp: f64, attack: usize, release_shift: u32) -> Self {
        Self {
            ceiling: db_to_gain(ceiling_dbtp),
            attack,
            release_shift,
            filter: interpolation_filter(),
            recent: [0.0; TAPS * 2],
            recent_at: 0,
            loud_for: 0,
            now: 0,
            maxima: VecDeque::with_capacity(attack + TAPS + 1),
            held: 0,
            smoothing: std::iter::repeat_n(0, attack).collect(),
            smoothing_sum: 0,
            delayed: std::iter::repeat_n(0.0, attack + TAPS - 1).collect(),
        }
    }

    /// A peak seen at sample `i` spans samples `i - TAPS + 1 ..= i`. Its reduction is held for `attack + TAPS`
    /// samples and averaged over `attack`, so it is in force in full for `TAPS` of them.
    fn delay(&self) -> usize {
        self.attack + TAPS - 1
    }

    fn push(&mut self, sample: f32) -> f32 {
        let sample = if sample.is_finite() {
            sample.clamp(-INPUT_MAX, INPUT_MAX)
        } else {
            0.0
        };
        let needed = self.reduction_needed(sample);
        let greatest = self.greatest_of_window(needed);
        // Release: a steady fall towards what is needed, by a share of the distance and at least one unit.
        let distance = self.held - greatest;
        self.held = if distance > 0 {
            self.held - (distance >> self.release_shift).max(1).min(distance)
        } else {
            greatest
        };

        // Out before in: the queues keep their length, and so their memory.
        let oldest = self.smoothing.pop_front().unwrap_or(0);
        self.smoothing.push_back(self.held);
        self.smoothing_sum += i64::from(self.held) - i64::from(oldest);

        let out = self.delayed.pop_front().unwrap_or(0.0);
        self.delayed.push_back(sample);
        if self.smoothing_sum == 0 {
            out
        } else {
            out * self.gain()
        }
    }

    fn gain(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a gain needs no more than f32 holds")]
        let reduction_db = self.smoothing_sum as f32 / (self.attack as f32 * UNITS_PER_DB as f32);
        (reduction_db * -LN_10_OVER_20).exp()
    }

    /// Returns the reduction that the interpolated peak around this sample needs.
    fn reduction_needed(&mut self, sample: f32) -> i32 {
        self.recent_at = if self.recent_at == 0 {
            TAPS - 1
        } else {
            self.recent_at - 1
        };
        self.recent[self.recent_at] = sample;
        self.recent[self.recent_at + TAPS] = sample;
        if sample.abs() * FILTER_GAIN_MAX > self.ceiling {
            self.loud_for = TAPS;
        }
        if self.loud_for == 0 {
            return 0;
        }
        self.loud_for -= 1;
        let window = &self.recent[self.recent_at..self.recent_at + TAPS];
        let mut phases = [0.0f32; PHASES];
        for (taps, sample) in self.filter.iter().zip(window) {
            for (phase, tap) in phases.iter_mut().zip(taps) {
                *phase += tap * sample;
            }
        }
        let between = phases.iter().fold(0.0f32, |peak, phase| peak.max(phase.abs()));
        let peak = between.max(sample.abs());
        if peak <= self.ceiling {
            return 0;
        }
        let over_db = (peak / self.ceiling).log10() * 20.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded by INPUT_MAX to some 60 dB"
        )]
        let units = (over_db * UNITS_PER_DB as f32).ceil() as i32;
        units
    }

    /// Returns the greatest of the last `attack + TAPS` reductions, `needed` being the newest.
    fn greatest_of_window(&mut self, needed: i32) -> i32 {
        while self
            .maxima
            .back()
            .is_some_and(|&(_, reduction)| reduction <= needed)
        {
            self.maxima.pop_back();
        }
        if needed > 0 {
            self.maxima.push_back((self.now, needed));
        }
        let window = (self.attack + TAPS) as u64;
        while self
            .maxima
            .front()
            .is_some_and(|&(at, _)| self.now - at >= window)
        {
            self.maxima.pop_front();
        }
        self.now += 1;
        self.maxima.front().map_or(0, |&(_, reduction)| reduction)
    }
}

/// The 4x interpolator of the meter that judges us: a 48-tap sinc in a Hann window, as four phases.
///
/// Source: ITU-R BS.1770-4 annex 2 asks for 4x and leaves the filter free; these are libebur128's taps.
fn interpolation_filter() -> [[f32; PHASES]; TAPS] {
    let mut filter = [[0.0; PHASES]; TAPS];
    let length = (TAPS * PHASES) as f64;
    for (index, tap) in filter.iter_mut().flatten().enumerate() {
        let window = 0.5 - 0.5 * (std::f64::consts::TAU * index as f64 / length).cos();
        let x = (index as f64 - length / 2.0) * std::f64::consts::PI / PHASES as f64;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "audio is f32; rounding is the intent"
        )]
        let value = (window * sinc) as f32;
        *tap = value;
    }
    filter
}

/// Samples that one interpolated point depends on.
const TAPS: usize = 12;
const PHASES: usize = 4;
/// Most that the filter can make of samples at one; what is quieter by this needs no look between samples.
const FILTER_GAIN_MAX: f32 = 2.1;
/// 5 ms.
const LOOK_AHEAD_SAMPLES: usize = 240;
/// 1 ms: the second stage has only tenths of a decibel to move.
const POLISH_SAMPLES: usize = 48;
/// What the second stage's own movement may leave over.
const MARGIN_DB: f64 = 0.05;
const UNITS_PER_DB: i32 = 65_536;
/// One part in 4,096 of the way per sample: a time constant of 85 ms.
const RELEASE_SHIFT: u32 = 12;
/// 1 ms, a fraction of the shortest beat of a voice.
const QUICK_SAMPLES: usize = 48;
/// One part in 256 of the way per sample: 5 ms.
const QUICK_RELEASE_SHIFT: u32 = 8;
/// +30 dBFS. Beyond it the input is broken, and the sums could be too.
const INPUT_MAX: f32 = 32.0;
const LN_10_OVER_20: f32 = std::f32::consts::LN_10 / 20.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Loudness;

    const CEILING_DBTP: f64 = -1.5;

    fn limited(samples: Vec<f32>) -> Vec<f32> {
        limited_by(Limiter::new(CEILING_DBTP), samples)
    }

    fn limited_by(mut limiter: Limiter, mut samples: Vec<f32>) -> Vec<f32> {
        samples.extend(std::iter::repeat_n(0.0, limiter.delay()));
        for block in samples.chunks_mut(731) {
            limiter.process(block);
        }
        samples.drain(..limiter.delay());
        samples
    }

    fn true_peak(samples: &[f32]) -> f64 {
        let mut loudness = Loudness::new();
        loudness.push(samples);
        // The meter's filter must run out too.
        loudness.push(&[0.0; 32]);
        loudness.true_peak_dbtp()
    }

    fn noise(seed: u64, count: usize) -> impl Iterator<Item = f32> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .take(count)
    }

    #[test]
    fn what_is_under_the_ceiling_passes_unchanged() {
        let quiet: Vec<f32> = noise(7, 20_000).map(|sample| sample * 0.3).collect();
        assert_eq!(limited(quiet.clone()), quiet);
    }

    #[test]
    fn filter_gain_is_bounded_as_assumed() {
        let filter = interpolation_filter();
        for phase in 0..PHASES {
            let sum: f32 = filter.iter().map(|taps| taps[phase].abs()).sum();
            assert!(sum <= FILTER_GAIN_MAX, "phase {phase}: {sum}");
            assert!(sum > 0.9, "phase {phase}: {sum}");
        }
    }

    #[test]
    fn is_at_rest_again_after_a_peak() {
        let mut samples: Vec<f32> = noise(7, 3 * 48_000).map(|sample| sample * 0.3).collect();
        samples[1_000] = 4.0;
        let out = limited(samples.clone());
        assert!(true_peak(&out) <= CEILING_DBTP);
        assert_eq!(out[..600], samples[..600], "before the look-ahead");
        let tail = 2 * 48_000 + 24_000;
        assert_eq!(out[tail..], samples[tail..], "once released");
    }

    #[test]
    fn broken_input_does_not_break_it() {
        let mut samples = vec![0.2; 5_000];
        samples[100] = f32::NAN;
        samples[200] = f32::INFINITY;
        samples[300] = -1e30;
        let out = limited(samples);
        assert!(out.iter().all(|sample| sample.is_finite()));
        assert!(true_peak(&out) <= CEILING_DBTP);
    }

    #[test]
    fn delay_is_what_it_says() {
        let mut limiter = Limiter::new(CEILING_DBTP);
        let mut samples = vec![0.0; 1_000];
        samples[0] = 0.5;
        limiter.process(&mut samples);
        assert_eq!(
            samples.iter().position(|&sample| sample == 0.5),
            Some(limiter.delay())
        );
        assert!(limiter.delay() <= 360, "7.5 ms at the most");
    }

    /// Beats at 120 Hz, 9 dB over, with a softer voice between them: slow release turns all of it down.
    #[test]
    fn a_voice_stays_louder_with_the_limiter_for_speech() {
        let beat = |n: usize| {
            let t = (n % 400) as f32 / 48_000.0;
            let ring = 2.4 * (-t * 2_000.0).exp() * (t * 900.0 * std::f32::consts::TAU).sin();
            ring + 0.4 * (n as f32 * 0.05).sin()
        };
        let voice: Vec<f32> = (0..3 * 48_000).map(beat).collect();
        let lufs = |samples: &[f32]| {
            let mut loudness = Loudness::new();
            loudness.push(samples);
            loudness.integrated_lufs().unwrap()
        };
        let slow = lufs(&limited(voice.clone()));
        let quick = lufs(&limited_by(Limiter::for_speech(CEILING_DBTP), voice));
        assert!(quick > slow + 1.0, "{slow} LUFS without, {quick} LUFS with");
    }

    #[test]
    fn steady_tone_keeps_its_shape() {
        // 12 dB over: after the attack it must be a clean sine at the ceiling, not a clipped one.
        let tone = |n: usize| (std::f64::consts::TAU * 400.0 * n as f64 / 48_000.0).sin();
        let out = limited((0..48_000).map(|n| (tone(n) * 4.0) as f32).collect());
        let middle = 12_000..36_000;
        let (mut with_tone, mut energy) = (0.0, 0.0);
        for n in middle.clone() {
            with_tone += f64::from(out[n]) * tone(n);
            energy += f64::from(out[n]) * f64::from(out[n]);
        }
        let amplitude = with_tone / (middle.len() as f64 / 2.0);
        let residue = energy - amplitude * amplitude * middle.len() as f64 / 2.0;
        assert!(
            (crate::gain_to_db(amplitude) - CEILING_DBTP).abs() < 0.2,
            "{amplitude}"
        );
        assert!(
            residue / energy < 1e-4,
            "distortion {:.1} dB",
            10.0 * (residue / energy).log10()
        );
    }

    #[derive(Clone, Debug)]
    enum Signal {
        Noise { seed: u64 },
        Tone { frequency_hz: f64, phase: f64 },
        Square { half_period: usize },
        Clicks { seed: u64, spacing: usize },
        Bursts { seed: u64, length: usize },
    }

    fn render(signal: &Signal, gain_db: f64) -> Vec<f32> {
        let count = 9_600;
        let gain = db_to_gain(gain_db);
        let plain: Vec<f32> = match signal {
            Signal::Noise { seed } => noise(*seed, count).collect(),
            Signal::Tone { frequency_hz, phase } => (0..count)
                .map(|n| (std::f64::consts::TAU * frequency_hz * n as f64 / 48_000.0 + phase).sin() as f32)
                .collect(),
            Signal::Square { half_period } => (0..count)
                .map(|n| if n / half_period % 2 == 0 { 1.0 } else { -1.0 })
                .collect(),
            Signal::Clicks { seed, spacing } => noise(*seed, count)
                .enumerate()
                .map(|(n, x)| if n % spacing == 0 { x } else { 0.01 * x })
                .collect(),
            Signal::Bursts { seed, length } => noise(*seed, count)
                .enumerate()
                .map(|(n, x)| if n / length % 3 == 1 { x } else { 0.05 * x })
                .collect(),
        };
        plain.into_iter().map(|sample| sample * gain).collect()
    }

    fn signal() -> impl Strategy<Value = Signal> {
        prop_oneof![
            any::<u64>().prop_map(|seed| Signal::Noise { seed }),
            (20.0..23_900.0, 0.0..6.3f64)
                .prop_map(|(frequency_hz, phase)| Signal::Tone { frequency_hz, phase }),
            (1usize..300).prop_map(|half_period| Signal::Square { half_period }),
            (any::<u64>(), 2usize..700).prop_map(|(seed, spacing)| Signal::Clicks { seed, spacing }),
            (any::<u64>(), 5usize..1_000).prop_map(|(seed, length)| Signal::Bursts { seed, length }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(192))]
        #[test]
        fn true_peak_never_exceeds_the_ceiling(signal in signal(), gain_db in -6.0..24.0f64) {
            for limiter in [Limiter::new(CEILING_DBTP), Limiter::for_speech(CEILING_DBTP)] {
                let out = limited_by(limiter, render(&signal, gain_db));
                let peak = true_peak(&out);
                prop_assert!(peak <= CEILING_DBTP, "{peak} dBTP");
            }
        }

        #[test]
        fn never_raises_a_sample(signal in signal(), gain_db in -6.0..24.0f64) {
            let samples = render(&signal, gain_db);
            let out = limited(samples.clone());
            prop_assert!(samples.iter().zip(&out).all(|(before, after)| after.abs() <= before.abs()));
        }
    }
}
