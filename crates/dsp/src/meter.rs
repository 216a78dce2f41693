//! Peak and RMS over a window that the caller ends.

use crate::db::{SILENCE_DB, gain_to_db};

/// What sounded during one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Greatest sample, dBFS.
    pub peak_dbfs: f64,
    /// Root mean square, dBFS; a full-scale sine has −3.01.
    pub rms_dbfs: f64,
    /// Samples in the window.
    pub samples: u64,
}

impl Level {
    /// The level of a window in which nothing sounded.
    pub const SILENCE: Self = Self {
        peak_dbfs: SILENCE_DB,
        rms_dbfs: SILENCE_DB,
        samples: 0,
    };
}

/// Gathers a window's peak and energy.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    peak: f32,
    energy: f64,
    samples: u64,
}

impl Meter {
    /// Starts an empty window.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds samples to the window.
    pub fn push(&mut self, samples: &[f32]) {
        let mut energy = 0.0;
        for &sample in samples {
            self.peak = self.peak.max(sample.abs());
            energy += f64::from(sample) * f64::from(sample);
        }
        self.energy += energy;
        self.samples += samples.len() as u64;
    }

    /// Ends the window, returns its level, and starts the next.
    pub fn take(&mut self) -> Level {
        let Self {
            peak,
            energy,
            samples,
        } = std::mem::take(self);
        if samples == 0 {
            return Level::SILENCE;
        }
        #[expect(clippy::cast_precision_loss, reason = "windows are far below 2^52 samples")]
        let mean = energy / samples as f64;
        Level {
            peak_dbfs: gain_to_db(f64::from(peak)),
            rms_dbfs: gain_to_db(mean.sqrt()),
            samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_known_signals() {
        let sine: Vec<f32> = (0..48_000u16).map(|n| (f32::from(n) * 0.1309).sin()).collect();
        let rows: &[(&str, &[f32], f64, f64)] = &[
            ("nothing", &[], SILENCE_DB, SILENCE_DB),
            ("silence", &[0.0; 480], SILENCE_DB, SILENCE_DB),
            ("full-scale square", &[1.0, -1.0, 1.0, -1.0], 0.0, 0.0),
            ("full-scale sine", &sine, 0.0, -3.01),
            ("one click", &[0.0, -0.5, 0.0, 0.0], -6.02, -12.04),
        ];
        let mut meter = Meter::new();
        for (name, samples, peak, rms) in rows {
            for part in samples.chunks(100) {
                meter.push(part);
            }
            let level = meter.take();
            assert!((level.peak_dbfs - peak).abs() < 0.01, "{name}: {level:?}");
            assert!((level.rms_dbfs - rms).abs() < 0.01, "{name}: {level:?}");
            assert_eq!(level.samples, samples.len() as u64, "{name}");
        }
    }
}
