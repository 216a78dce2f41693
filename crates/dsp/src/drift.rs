//! Keeps a sound card, whose clock is its own, on the common timeline.

use std::time::Duration;

use crate::RATE;

/// What the player must do about its card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Correction {
    /// Resample: consume this many parts per million more of the timeline than the card's samples.
    Rate {
        /// Positive plays faster. At most [`DRIFT_PPM_MAX`] either way.
        ppm: f64,
    },
    /// Too far off to glide: jump. Positive skips timeline samples, negative plays silence for as many.
    Resync {
        /// Whole samples.
        skip: i64,
    },
}

/// A bounded loop from "how far ahead is the card" to "how fast to play".
///
/// A proportional and an integral part, the second of which learns the card's
/// own error. The output is bounded by [`DRIFT_PPM_MAX`] (1.7 cents, a pitch
/// nobody hears) and moves by at most [`RATE_SLEW_PPM_PER_S`].
#[derive(Clone, Debug, Default)]
pub struct DriftControl {
    /// The measured lead, smoothed; none before the first measurement.
    ahead: Option<f64>,
    /// The learned part, ppm.
    learned_ppm: f64,
    ppm: f64,
    /// Readings in a row past [`RESYNC_SAMPLES`].
    far_readings: u32,
    resyncs: u64,
}

impl DriftControl {
    /// Starts knowing nothing about the card.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one measurement, `ahead` samples by which the card plays earlier than the timeline says
    /// (negative: later), `elapsed` after the one before, and returns what to do.
    ///
    /// Measure once per block, 5 to 500 ms apart. A measurement that is not a number is ignored.
    pub fn update(&mut self, ahead: f64, elapsed: Duration) -> Correction {
        if !ahead.is_finite() {
            return Correction::Rate { ppm: self.ppm };
        }
        if ahead.abs() > RESYNC_SAMPLES {
            self.far_readings += 1;
            if self.far_readings < FAR_READINGS {
                return Correction::Rate { ppm: self.ppm };
            }
            return self.resync(ahead);
        }
        self.far_readings = 0;
        let dt = elapsed.as_secs_f64().min(STEP_MAX_S);
        let smooth = self.smooth(ahead, dt);
        let wanted = -smooth * PPM_PER_SAMPLE + self.learned_ppm;
        // Learning while the output is at its bound would overshoot once it comes off it.
        if wanted.abs() < DRIFT_PPM_MAX {
            self.learned_ppm = bound(self.learned_ppm - smooth * PPM_PER_SAMPLE_S * dt, DRIFT_PPM_MAX);
        }
        let step = bound(bound(wanted, DRIFT_PPM_MAX) - self.ppm, RATE_SLEW_PPM_PER_S * dt);
        self.ppm = bound(self.ppm + step, DRIFT_PPM_MAX);
        Correction::Rate { ppm: self.ppm }
    }

    /// Takes the first measurement after the card began, or stood still and went on: nothing is heard of a jump
    /// that lies in silence, and gliding would leave all that follows beside its time for seconds.
    ///
    /// Units are those of [`update`](Self::update), and so is what happens to a measurement that is not a number.
    pub fn resync(&mut self, ahead: f64) -> Correction {
        if !ahead.is_finite() {
            return Correction::Rate { ppm: self.ppm };
        }
        // What was learned about the card stays true; where it stood does not.
        self.far_readings = 0;
        self.ahead = None;
        self.resyncs += 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and only for absurd input"
        )]
        let skip = -ahead.round() as i64;
        Correction::Resync { skip }
    }

    /// Returns the rate in force, ppm.
    pub fn ppm(&self) -> f64 {
        self.ppm
    }

    /// Returns the card's own error as learned so far: the rate that would hold it, ppm.
    pub fn learned_ppm(&self) -> f64 {
        self.learned_ppm
    }

    /// Returns the smoothed lead, samples; none before the first measurement and right after a resync.
    pub fn ahead(&self) -> Option<f64> {
        self.ahead
    }

    /// Returns whether the card is within 1 ms of the timeline.
    pub fn is_locked(&self) -> bool {
        self.ahead.is_some_and(|ahead| ahead.abs() < LOCKED_SAMPLES)
    }

    /// Returns how often the card was jumped to its place.
    pub fn resyncs(&self) -> u64 {
        self.resyncs
    }

    /// Smooths over a second: a card reports its position in whole periods, and that noise must not reach the pitch.
    fn smooth(&mut self, ahead: f64, dt: f64) -> f64 {
        let smooth = match self.ahead {
            None => ahead,
            Some(before) => before + (ahead - before) * (dt / (SMOOTHING_S + dt)),
        };
        self.ahead = Some(smooth);
        smooth
    }
}

fn bound(value: f64, limit: f64) -> f64 {
    value.clamp(-limit, limit)
}

/// Greatest correction, ppm. Crystals are within 100; cheap USB cards within 500.
pub const DRIFT_PPM_MAX: f64 = 1_000.0;

/// Fastest change of the correction: 0.17 cents a second, where a wobble is heard from some 5 cents.
pub const RATE_SLEW_PPM_PER_S: f64 = 100.0;

/// A lead or lag of more than 20 ms, three readings in a row, is jumped over.
pub const RESYNC_SAMPLES: f64 = 0.020 * RATE;

/// One odd reading of a card's position must not cost a jump that is heard.
const FAR_READINGS: u32 = 3;

/// 1 ms.
const LOCKED_SAMPLES: f64 = 0.001 * RATE;

/// The loop's natural frequency, rad/s: settled in half a minute, and far slower than the smoothing.
const OMEGA: f64 = 0.15;
/// Samples per second that one ppm moves.
const SAMPLES_PER_PPM_S: f64 = RATE * 1e-6;
/// Critically damped: 2ω over the plant's gain.
const PPM_PER_SAMPLE: f64 = 2.0 * OMEGA / SAMPLES_PER_PPM_S;
const PPM_PER_SAMPLE_S: f64 = OMEGA * OMEGA / SAMPLES_PER_PPM_S;
const SMOOTHING_S: f64 = 1.0;
/// After a stall, one measurement must not count for the whole of it.
const STEP_MAX_S: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A card in virtual time, as numbers only: what it has played of the timeline, and what is due.
    struct Card {
        /// Its own error: positive consumes samples too fast.
        ppm: f64,
        /// By how many samples it plays too early.
        ahead: f64,
        control: DriftControl,
        noise: u64,
        /// Half width of the error of each reading, samples.
        reading_error: f64,
    }

    const BLOCK: Duration = Duration::from_millis(20);

    impl Card {
        fn new(ppm: f64, ahead: f64, reading_error: f64) -> Self {
            Self {
                ppm,
                ahead,
                control: DriftControl::new(),
                noise: 1,
                reading_error,
            }
        }

        fn block(&mut self) -> Correction {
            self.noise = self
                .noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let error = ((self.noise >> 33) as f64 / f64::from(1u32 << 30) - 1.0) * self.reading_error;
            let correction = self.control.update(self.ahead + error, BLOCK);
            match correction {
                Correction::Rate { ppm } => {
                    self.ahead += BLOCK.as_secs_f64() * (self.ppm + ppm) * SAMPLES_PER_PPM_S;
                }
                Correction::Resync { skip } => self.ahead += skip as f64,
            }
            correction
        }

        /// Runs and returns the worst lead or lag, samples.
        fn run(&mut self, seconds: u64) -> f64 {
            let mut worst = 0.0f64;
            for _ in 0..seconds * 50 {
                self.block();
                worst = worst.max(self.ahead.abs());
            }
            worst
        }
    }

    /// Each row: the card's error, where it starts, how wrong each reading may be.
    #[test]
    fn locks_within_a_minute_and_stays() {
        let rows = [
            (0.0, 0.0, 0.0),
            (100.0, 0.0, 0.0),
            (-100.0, 0.0, 0.0),
            (100.0, 400.0, 48.0),
            (-100.0, -400.0, 48.0),
            (500.0, 0.0, 48.0),
            (-500.0, 900.0, 48.0),
            (500.0, -700.0, 240.0),
        ];
        for (ppm, ahead, reading_error) in rows {
            let name = format!("{ppm} ppm from {ahead}, readings ±{reading_error}");
            let mut card = Card::new(ppm, ahead, reading_error);
            card.run(60);
            let worst = card.run(600);
            assert!(worst < 48.0, "{name}: {worst:.1} samples");
            assert!(
                (card.control.learned_ppm() + ppm).abs() < 10.0 + reading_error / 4.0,
                "{name}: learned {}",
                card.control.learned_ppm()
            );
            assert!(card.control.is_locked(), "{name}");
            assert_eq!(card.control.resyncs(), 0, "{name}");
        }
    }

    #[test]
    fn follows_a_card_that_warms_up() {
        let mut card = Card::new(50.0, 0.0, 24.0);
        card.run(60);
        for _ in 0..600 {
            card.ppm += 0.1;
            let worst = card.run(1);
            assert!(worst < 48.0, "{worst:.1} samples at {} ppm", card.ppm);
        }
    }

    #[test]
    fn pitch_moves_no_faster_than_its_bound() {
        let mut card = Card::new(-500.0, 900.0, 48.0);
        let mut before = 0.0;
        for _ in 0..3_000 {
            let Correction::Rate { ppm } = card.block() else {
                panic!("no resync is due")
            };
            assert!(ppm.abs() <= DRIFT_PPM_MAX);
            assert!((ppm - before).abs() <= RATE_SLEW_PPM_PER_S * 0.02 + 1e-9);
            before = ppm;
        }
    }

    #[test]
    fn reading_noise_does_not_become_a_wobble() {
        let mut card = Card::new(100.0, 0.0, 48.0);
        card.run(60);
        let mut worst = 0.0f64;
        for _ in 0..3_000 {
            card.block();
            worst = worst.max((card.control.ppm() + 100.0).abs());
        }
        // 1 ms of reading noise: an eighth of a cent.
        assert!(worst < 75.0, "{worst} ppm");
    }

    #[test]
    fn jumps_when_far_off_and_keeps_what_it_learned() {
        let mut card = Card::new(200.0, 0.0, 0.0);
        card.run(120);
        let learned = card.control.learned_ppm();
        card.ahead += 1_200.0;
        let said: Vec<Correction> = (0..3).map(|_| card.block()).collect();
        assert!(
            matches!(said[..2], [Correction::Rate { .. }, Correction::Rate { .. }]),
            "{said:?}"
        );
        let Correction::Resync { skip } = said[2] else {
            panic!("{said:?}")
        };
        assert!((skip + 1_200).abs() < 5, "{skip}");
        assert_eq!(card.control.resyncs(), 1);
        assert!(card.ahead.abs() < 5.0);
        assert_eq!(card.control.learned_ppm(), learned);
        let worst = card.run(60);
        assert!(worst < 10.0, "{worst}");
    }

    #[test]
    fn one_odd_reading_is_not_followed() {
        let mut control = DriftControl::new();
        control.update(1.0, BLOCK);
        for ahead in [5_000.0, -3_000.0, 1.0, 5_000.0, 5_000.0, 1.0] {
            assert!(
                matches!(control.update(ahead, BLOCK), Correction::Rate { ppm } if ppm.abs() < 10.0),
                "{ahead}"
            );
        }
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut control = DriftControl::new();
        assert_eq!(control.update(f64::NAN, BLOCK), Correction::Rate { ppm: 0.0 });
        assert_eq!(control.ahead(), None);
        assert!(!control.is_locked());
    }
}
