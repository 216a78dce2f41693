//! Gain that changes over a chosen number of samples: fades, switches and volume.

use std::f32::consts::PI;

use crate::db::db_to_gain;

/// The shape of a change of gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Equal steps. Two of them crossing sum to a constant.
    Linear,
    /// Half a cosine: no corner at either end, so no click. Two of them crossing sum to a constant.
    RaisedCosine,
}

/// A gain that moves from one value to another over an exact number of samples.
#[derive(Clone, Debug)]
pub struct Gain {
    from: f32,
    to: f32,
    curve: Curve,
    /// Samples of the ramp that have passed, up to `length`.
    passed: u32,
    length: u32,
}

impl Gain {
    /// Starts settled at `gain`.
    pub fn new(gain: f32) -> Self {
        Self {
            from: gain,
            to: gain,
            curve: Curve::Linear,
            passed: 0,
            length: 0,
        }
    }

    /// Starts settled at a volume in dB; [`SILENCE_DB`](crate::SILENCE_DB) and below is silence.
    pub fn from_db(db: f64) -> Self {
        Self::new(db_to_gain(db))
    }

    /// Begins a move from wherever it is to `gain`, which the sample after the next `samples` is the first to have.
    ///
    /// With zero samples the next sample has it.
    pub fn ramp_to(&mut self, gain: f32, samples: u32, curve: Curve) {
        self.from = self.current();
        self.to = gain;
        self.curve = curve;
        self.passed = 0;
        self.length = samples;
    }

    /// Begins a raised-cosine move to a volume in dB.
    pub fn ramp_to_db(&mut self, db: f64, samples: u32) {
        self.ramp_to(db_to_gain(db), samples, Curve::RaisedCosine);
    }

    /// Returns the gain that the next sample gets.
    pub fn current(&self) -> f32 {
        if self.passed >= self.length {
            return self.to;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "ramps are far below 2^24 samples, 350 s"
        )]
        let along = self.passed as f32 / self.length as f32;
        let share = match self.curve {
            Curve::Linear => along,
            Curve::RaisedCosine => 0.5 - 0.5 * (PI * along).cos(),
        };
        self.from + (self.to - self.from) * share
    }

    /// Returns whether no move is under way.
    pub fn is_settled(&self) -> bool {
        self.passed >= self.length
    }

    /// Returns whether what passes now is silenced, with no move under way.
    pub fn is_silent(&self) -> bool {
        self.is_settled() && self.to == 0.0
    }

    /// Applies the gain to `samples` and moves on by as many.
    pub fn apply(&mut self, samples: &mut [f32]) {
        let mut rest = samples.iter_mut();
        while !self.is_settled() {
            let Some(sample) = rest.next() else { return };
            *sample *= self.current();
            self.passed += 1;
        }
        let gain = self.to;
        for sample in rest {
            *sample *= gain;
        }
    }

    /// Adds `source` times the gain to `mix`, and moves on by as many samples.
    ///
    /// Works on the shorter of the two.
    pub fn mix_into(&mut self, source: &[f32], mix: &mut [f32]) {
        for (out, sample) in mix.iter_mut().zip(source) {
            *out += sample * self.current();
            self.passed = (self.passed + 1).min(self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(gain: &mut Gain, count: usize) -> Vec<f32> {
        let mut samples = vec![1.0; count];
        gain.apply(&mut samples);
        samples
    }

    #[test]
    fn ramps_take_exactly_their_samples() {
        let rows: &[(&str, Curve, &[f32])] = &[
            ("linear", Curve::Linear, &[1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
            (
                "raised cosine",
                Curve::RaisedCosine,
                &[1.0, 0.853_553, 0.5, 0.146_447, 0.0, 0.0],
            ),
        ];
        for (name, curve, expected) in rows {
            let mut gain = Gain::new(1.0);
            gain.ramp_to(0.0, 4, *curve);
            // Split in two calls: a block boundary must not show.
            let mut heard = applied(&mut gain, 3);
            heard.extend(applied(&mut gain, 3));
            for (got, want) in heard.iter().zip(*expected) {
                assert!((got - want).abs() < 1e-6, "{name}: {heard:?}");
            }
            assert!(gain.is_silent(), "{name}");
        }
    }

    #[test]
    fn a_new_ramp_starts_from_where_the_old_one_was() {
        let mut gain = Gain::new(0.0);
        gain.ramp_to(1.0, 100, Curve::RaisedCosine);
        applied(&mut gain, 50);
        gain.ramp_to(0.0, 100, Curve::RaisedCosine);
        assert!((gain.current() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn zero_samples_switch_at_once() {
        let mut gain = Gain::new(0.0);
        gain.ramp_to(1.0, 0, Curve::Linear);
        assert_eq!(applied(&mut gain, 2), [1.0, 1.0]);
    }

    #[test]
    fn crossing_ramps_sum_to_a_constant() {
        for curve in [Curve::Linear, Curve::RaisedCosine] {
            let mut up = Gain::new(0.0);
            let mut down = Gain::new(1.0);
            up.ramp_to(1.0, 960, curve);
            down.ramp_to(0.0, 960, curve);
            let mut mix = vec![0.0; 1_200];
            let source = vec![0.5; 1_200];
            up.mix_into(&source, &mut mix);
            down.mix_into(&source, &mut mix);
            assert!(mix.iter().all(|sample| (sample - 0.5).abs() < 1e-6), "{curve:?}");
        }
    }

    #[test]
    fn volume_in_db_silences_at_the_floor() {
        let mut volume = Gain::from_db(-6.0206);
        assert!((applied(&mut volume, 1)[0] - 0.5).abs() < 1e-5);
        volume.ramp_to_db(crate::SILENCE_DB, 10);
        assert_eq!(*applied(&mut volume, 11).last().unwrap(), 0.0);
    }
}
