//! From the timeline to the sound card's own pace: drift, volume, limiter.

use std::time::Duration;

use loa_dsp::{Correction, DriftControl, DriftResampler, Gain, Level, Limiter, Meter};
use loa_model::{SampleTime, WallTime};

/// Samples that are rendered at a time: 10 ms.
pub(crate) const BLOCK: usize = 480;

/// Reads the timeline so that each sample sounds at its time, whatever the card's crystal says.
pub(crate) struct Playback {
    resampler: DriftResampler,
    drift: DriftControl,
    gain: Gain,
    limiter: Limiter,
    meter: Meter,
    /// Timeline sample that the resampler's input sample zero stands for; none before the first block.
    base: Option<SampleTime>,
    /// Silence still to be fed before the timeline goes on.
    silence: u64,
    input: Vec<f32>,
    block: [f32; BLOCK],
}

/// What the card did since the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Card {
    /// It played on.
    Running,
    /// It began, or ran empty, or went and came back: it stands somewhere else.
    Moved,
}

/// What the playback asks of the timeline, in order.
pub(crate) trait Timeline {
    /// Passes over samples unheard.
    fn skip(&mut self, samples: u64);
    /// Reads samples on.
    fn read(&mut self, samples: &mut [f32]);
    /// Returns the sample that is read next.
    fn next(&self) -> SampleTime;
}

impl Playback {
    pub(crate) fn new(volume_db: f64, limiter_dbtp: f64) -> Self {
        let resampler = DriftResampler::new(BLOCK);
        Self {
            input: vec![0.0; resampler.needed_max()],
            resampler,
            drift: DriftControl::new(),
            gain: Gain::from_db(volume_db),
            limiter: Limiter::new(limiter_dbtp),
            meter: Meter::new(),
            base: None,
            silence: 0,
            block: [0.0; BLOCK],
        }
    }

    /// Renders the block whose first sample sounds at `due`, `elapsed` after the one before.
    pub(crate) fn block(
        &mut self,
        timeline: &mut impl Timeline,
        due: WallTime,
        elapsed: Duration,
        card: Card,
    ) -> &[f32] {
        let base = match self.base {
            Some(base) => base,
            None => self.begin(timeline, due),
        };
        let ahead = self.ahead(base, due);
        let correction = match card {
            Card::Running => self.drift.update(ahead, elapsed),
            Card::Moved => self.drift.resync(ahead),
        };
        match correction {
            Correction::Rate { ppm } => self.resampler.set_ppm(ppm),
            Correction::Resync { skip } => {
                // What was passed over, or was silence, is no input of the timeline's: zero of the input moves.
                self.base = Some(base.offset(skip));
                if skip > 0 {
                    timeline.skip(skip.unsigned_abs());
                } else {
                    self.silence += skip.unsigned_abs();
                }
            }
        }
        let needed = self.resampler.needed();
        let input = &mut self.input[..needed];
        let silent = usize::try_from(self.silence).unwrap_or(usize::MAX).min(needed);
        self.silence -= silent as u64;
        input[..silent].fill(0.0);
        timeline.read(&mut input[silent..]);
        self.resampler.process(input, &mut self.block);
        self.gain.apply(&mut self.block);
        self.limiter.process(&mut self.block);
        self.meter.push(&self.block);
        &self.block
    }

    /// Returns the level of what was rendered since the last call.
    pub(crate) fn take_level(&mut self) -> Level {
        self.meter.take()
    }

    /// Returns how fast the card runs against the clock as far as learned, ppm.
    pub(crate) fn card_ppm(&self) -> f64 {
        -self.drift.learned_ppm()
    }

    /// Returns how far what sounds is from where it should be, ms; none before the first block.
    pub(crate) fn ahead_ms(&self) -> Option<f64> {
        self.drift.ahead().map(|samples| samples / 48.0)
    }

    /// Returns how often the card had to be caught up with by a jump.
    pub(crate) fn resyncs(&self) -> u64 {
        self.drift.resyncs()
    }

    /// Returns whether what sounds is within a millisecond of where it should be.
    pub(crate) fn is_locked(&self) -> bool {
        self.drift.is_locked()
    }

    /// Places the first block: its first sample is to be the one due, less what filter and limiter hold back.
    fn begin(&mut self, timeline: &mut impl Timeline, due: WallTime) -> SampleTime {
        let held_back = self.resampler.position() - self.limiter.delay() as f64;
        let base = due.to_sample().offset(-rounded(held_back));
        let ahead = timeline.next().samples_after(base);
        if ahead > 0 {
            self.silence = ahead.unsigned_abs();
        } else {
            timeline.skip(ahead.unsigned_abs());
        }
        self.base = Some(base);
        base
    }

    /// Returns how many samples of the timeline the next one out is ahead of the one due.
    fn ahead(&self, base: SampleTime, due: WallTime) -> f64 {
        let base_ahead_ns = base.to_wall().ns_after(due) as f64;
        base_ahead_ns * 48e-6 + self.resampler.position() - self.limiter.delay() as f64
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a filter's length")]
fn rounded(samples: f64) -> i64 {
    samples.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timeline on which every full second has a click of five samples.
    struct Clicks(SampleTime);

    impl Timeline for Clicks {
        fn skip(&mut self, samples: u64) {
            self.0 = self.0.offset(i64::try_from(samples).unwrap());
        }
        fn read(&mut self, samples: &mut [f32]) {
            for sample in samples {
                *sample = if self.0.0.rem_euclid(48_000) < 5 { 0.5 } else { 0.0 };
                self.0 = self.0.offset(1);
            }
        }
        fn next(&self) -> SampleTime {
            self.0
        }
    }

    /// Runs a card that is off by `ppm` for `seconds` and returns by how many ms each click of the last ten seconds
    /// sounded beside its second. `stall` is in which second it stands still, for how many ms, and what it tells.
    fn clicks(ppm: f64, stall: Option<(u64, f64, Card)>, seconds: u64) -> Vec<f64> {
        let began = WallTime::from_unix_s(1_800_000_000);
        let mut timeline = Clicks(began.to_sample().offset(-3_000));
        let mut playback = Playback::new(0.0, -1.5);
        let ns_per_sample = 1e9 / 48_000.0 / (1.0 + ppm * 1e-6);
        let mut due_ns = 0.0;
        let mut found: Vec<f64> = Vec::new();
        let mut before = 0.0;
        for block in 0..seconds * 100 {
            let mut card = Card::Running;
            if let Some((_, ms, tells)) = stall.filter(|(at_s, ..)| block == at_s * 100) {
                due_ns += ms * 1e6;
                card = tells;
            }
            let due = began.offset_ns(due_ns as i64);
            let samples = playback.block(&mut timeline, due, Duration::from_millis(10), card);
            for (i, sample) in samples.iter().enumerate() {
                if block >= (seconds - 10) * 100 && before < 0.25 && *sample >= 0.25 {
                    let ms = (due_ns + i as f64 * ns_per_sample) / 1e6;
                    found.push(ms - (ms / 1_000.0).round() * 1_000.0);
                }
                before = *sample;
            }
            due_ns += BLOCK as f64 * ns_per_sample;
        }
        found
    }

    #[test]
    fn each_sample_sounds_at_its_time() {
        for ppm in [0.0, 80.0, -80.0] {
            let found = clicks(ppm, None, 90);
            let right = found.iter().all(|at| at.abs() < 0.1);
            assert!(
                found.len() >= 9 && right,
                "ms off with a card {ppm} ppm off: {found:?}"
            );
        }
    }

    #[test]
    fn a_stall_is_caught_up_with() {
        let late = clicks(0.0, Some((5, 90.0, Card::Running)), 40);
        assert!(
            late.len() >= 9 && late.iter().all(|at| at.abs() < 1.0),
            "{late:?}"
        );
    }

    /// The click of second four was in the filter already; each one after it is where it belongs.
    #[test]
    fn a_card_that_ran_empty_is_right_at_once() {
        let late = clicks(0.0, Some((4, 8.0, Card::Moved)), 15);
        assert!(
            late.len() >= 9 && late.iter().all(|at| at.abs() < 0.1),
            "{late:?}"
        );
    }
}
