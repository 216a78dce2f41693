//! Live loudness: what comes louder or quieter than the station's own programmes is brought near them, slowly.

use std::collections::VecDeque;

/// Brings a live signal towards a loudness, by a gain that changes slowly and stays within bounds.
///
/// Each source has its own: what is right for one is too loud or too quiet for another.
///
/// Loudness is taken as the mean power of the last three seconds, as the short-term loudness of EBU R 128 is, without
/// its frequency weighting: for speech and music the difference is a decibel or two, far below what people notice of a
/// gain that changes by at most 3 dB a second.
#[derive(Clone, Debug)]
pub(crate) struct Leveller {
    target_dbfs: f32,
    /// Mean power of each block of the last seconds.
    blocks: VecDeque<f32>,
    gain_db: f32,
    /// Energy and samples of what was overheard and makes no block yet.
    overheard: (f32, usize),
}

impl Leveller {
    pub(crate) fn new(target_lufs: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a level of some tens of decibels")]
        let target_dbfs = target_lufs as f32;
        Self {
            target_dbfs,
            blocks: VecDeque::with_capacity(BLOCKS),
            gain_db: 0.0,
            overheard: (0.0, 0),
        }
    }

    /// Learns from sound that nobody hears, `samples` of this mean power: once it is heard, it begins as loud as it should.
    pub(crate) fn overhear(&mut self, power: f32, samples: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a block of a few thousand samples")]
        let energy = power * samples as f32;
        self.overheard.0 += energy;
        self.overheard.1 += samples;
        if self.overheard.1 >= BLOCK {
            let (energy, samples) = std::mem::take(&mut self.overheard);
            #[expect(clippy::cast_precision_loss, reason = "a block of a few thousand samples")]
            let samples = samples as f32;
            self.learn(energy / samples, samples / 48_000.0);
        }
    }

    /// Applies the gain to one block of `span_s` seconds, and learns from it.
    pub(crate) fn process(&mut self, samples: &mut [f32], span_s: f32) {
        #[expect(clippy::cast_precision_loss, reason = "a block of a few thousand samples")]
        let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
        let from = db_to_gain(self.gain_db);
        self.learn(power, span_s);
        let to = db_to_gain(self.gain_db);
        #[expect(clippy::cast_precision_loss, reason = "a block of a few thousand samples")]
        let slope = (to - from) / samples.len().max(1) as f32;
        let mut gain = from;
        for sample in samples {
            *sample *= gain;
            gain += slope;
        }
    }

    /// Moves the gain by what a block of `span_s` seconds tells.
    fn learn(&mut self, power: f32, span_s: f32) {
        // Pauses say nothing of how loud somebody speaks.
        if power > GATE {
            if self.blocks.len() == BLOCKS {
                self.blocks.pop_front();
            }
            self.blocks.push_back(power);
        }
        if self.blocks.len() >= BLOCKS_MIN {
            #[expect(clippy::cast_precision_loss, reason = "some tens of blocks")]
            let mean = self.blocks.iter().sum::<f32>() / self.blocks.len() as f32;
            let wanted = (self.target_dbfs - 10.0 * mean.log10()).clamp(-GAIN_DB_MAX, GAIN_DB_MAX);
            let step = SLEW_DB_A_S * span_s;
            self.gain_db += (wanted - self.gain_db).clamp(-step, step);
        }
    }
}

fn db_to_gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// What is overheard is judged by 60 ms, as what is heard.
const BLOCK: usize = 2_880;
/// Three seconds of packets of 60 ms.
const BLOCKS: usize = 50;
/// Half a second must be heard before anything is changed.
const BLOCKS_MIN: usize = 8;
/// -50 dBFS.
const GATE: f32 = 1e-5;
const GAIN_DB_MAX: f32 = 15.0;
const SLEW_DB_A_S: f32 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn level_after(input_dbfs: f32, seconds: usize) -> f32 {
        heard(&mut Leveller::new(-16.0), input_dbfs, seconds)
    }

    /// Lets so many seconds be heard, and returns how loud their end is.
    fn heard(leveller: &mut Leveller, input_dbfs: f32, seconds: usize) -> f32 {
        let amplitude = db_to_gain(input_dbfs) * std::f32::consts::SQRT_2;
        let mut last = 0.0;
        for block in 0..seconds * 1_000 / 60 {
            let mut samples: Vec<f32> = (0..2_880)
                .map(|index| amplitude * ((block * 2_880 + index) as f32 * 0.05).sin())
                .collect();
            leveller.process(&mut samples, 0.06);
            let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / 2_880.0;
            last = 10.0 * power.log10();
        }
        last
    }

    #[test]
    fn loud_and_quiet_stations_come_near_the_target_within_bounds() {
        for (input, expected) in [
            (-16.0, -16.0),
            (-26.0, -16.0),
            (-6.0, -16.0),
            (-40.0, -25.0),
            (-70.0, -70.0),
        ] {
            let level = level_after(input, 12);
            assert!((level - expected).abs() < 0.5, "{input} dBFS became {level}");
        }
        let soon = level_after(-26.0, 1);
        assert!(soon < -23.0, "no faster than 3 dB a second: {soon}");
    }

    #[test]
    fn what_stood_by_begins_as_loud_as_it_should() {
        for (input, expected) in [(-28.0, -16.0), (-16.0, -16.0), (-6.0, -16.0), (-70.0, -70.0)] {
            let mut leveller = Leveller::new(-16.0);
            let power = 10f32.powf(input / 10.0);
            // Twelve seconds, in blocks that make no whole packets.
            for _ in 0..576 {
                leveller.overhear(power, 1_000);
            }
            let level = heard(&mut leveller, input, 1);
            assert!((level - expected).abs() < 0.5, "{input} dBFS begins at {level}");
        }
    }
}
