//! How loud a piece is, and by how much to change it.

use ebur128::{EbuR128, Mode};
use loa_model::SAMPLE_RATE;

use crate::db::gain_to_db;

/// Measures integrated loudness and true peak of one mono piece.
///
/// Memory does not grow with the piece: the gating blocks go into a histogram,
/// whose steps of 0.1 LU are finer than anyone hears.
pub struct Loudness {
    meter: EbuR128,
}

impl Loudness {
    /// Starts with nothing heard.
    pub fn new() -> Self {
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let meter =
            EbuR128::new(1, SAMPLE_RATE, mode).expect("one channel at 48 kHz is within the meter's range");
        Self { meter }
    }

    /// Adds samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.meter
            .add_frames_f32(samples)
            .expect("a mono slice is always whole frames");
    }

    /// Returns the integrated loudness so far in LUFS; none when all of it was too short or too quiet to gate.
    ///
    /// A mono piece is measured as one channel, so it reads 3 LU below the same
    /// signal on both channels of a stereo file.
    ///
    /// Source: EBU R 128 and ITU-R BS.1770-4.
    pub fn integrated_lufs(&self) -> Option<f64> {
        let lufs = self
            .meter
            .loudness_global()
            .expect("the meter was made with the integrated mode");
        lufs.is_finite().then_some(lufs)
    }

    /// Returns the true peak so far in dBTP, 4x oversampled; [`SILENCE_DB`](crate::SILENCE_DB) for silence.
    ///
    /// Source: ITU-R BS.1770-4 annex 2.
    pub fn true_peak_dbtp(&self) -> f64 {
        gain_to_db(
            self.meter
                .true_peak(0)
                .expect("the meter was made with the true-peak mode"),
        )
    }
}

impl Default for Loudness {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Loudness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loudness").finish_non_exhaustive()
    }
}

/// What imports are brought to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Integrated loudness, LUFS.
    pub lufs: f64,
    /// Greatest true peak, dBTP; the limiter keeps it.
    pub ceiling_dbtp: f64,
    /// No piece is raised by more, dB: what is quieter is mostly noise.
    pub gain_max_db: f64,
    /// No peak is pressed down by more, dB: what needs more would sound crushed, so it stays quieter.
    pub limiting_max_db: f64,
}

impl Default for Target {
    /// −16 LUFS under −1.5 dBTP.
    fn default() -> Self {
        Self {
            lufs: -16.0,
            ceiling_dbtp: -1.5,
            gain_max_db: 20.0,
            limiting_max_db: 9.0,
        }
    }
}

/// Returns the gain in dB that brings a piece to `target`, to be followed by a limiter at the ceiling.
///
/// A piece too short or too quiet to have a loudness is left as it is, unless its peak is above the ceiling.
pub fn normalise(loudness_lufs: Option<f64>, true_peak_dbtp: f64, target: &Target) -> f64 {
    let headroom_db = target.ceiling_dbtp - true_peak_dbtp;
    match loudness_lufs {
        None => headroom_db.min(0.0),
        Some(lufs) => {
            let wanted_db = (target.lufs - lufs).min(target.gain_max_db);
            // Turning down is never held back; only a raise is bounded by what the limiter may take off.
            wanted_db.min((headroom_db + target.limiting_max_db).max(0.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency_hz: f64, level: f64, seconds: usize) -> Vec<f32> {
        (0..seconds * 48_000)
            .map(|n| (level * (std::f64::consts::TAU * frequency_hz * n as f64 / 48_000.0).sin()) as f32)
            .collect()
    }

    /// ITU-R BS.1770-4: a 0 dBFS 1 kHz sine on one channel is −3.01 LUFS.
    #[test]
    fn reads_the_reference_tone() {
        let mut loudness = Loudness::new();
        for block in sine(997.0, 0.1, 5).chunks(1_000) {
            loudness.push(block);
        }
        let lufs = loudness.integrated_lufs().unwrap();
        assert!((lufs + 23.01).abs() < 0.1, "{lufs}");
        assert!((loudness.true_peak_dbtp() + 20.0).abs() < 0.1);
    }

    #[test]
    fn true_peak_sees_between_samples() {
        // A quarter of the rate at 45°: samples at 0.707 of the wave's real peak.
        let tone: Vec<f32> = (0..48_000u32)
            .map(|n| if n % 4 < 2 { 0.5 } else { -0.5 })
            .collect();
        let mut loudness = Loudness::new();
        loudness.push(&tone);
        assert!(loudness.true_peak_dbtp() > -3.5, "{}", loudness.true_peak_dbtp());
    }

    #[test]
    fn silence_has_no_loudness() {
        let mut loudness = Loudness::new();
        loudness.push(&[0.0; 96_000]);
        assert_eq!(loudness.integrated_lufs(), None);
        assert_eq!(loudness.true_peak_dbtp(), crate::SILENCE_DB);
    }

    #[test]
    fn decides_the_gain() {
        let rows: &[(&str, Option<f64>, f64, f64)] = &[
            ("already there", Some(-16.0), -3.0, 0.0),
            ("loud is turned down", Some(-8.0), 0.5, -8.0),
            ("quiet with headroom is raised", Some(-28.0), -15.0, 12.0),
            ("limiter takes what it may", Some(-22.0), -3.0, 6.0),
            ("peaky speech stays quieter than crushed", Some(-35.0), -5.0, 12.5),
            ("hiss is not raised without bound", Some(-60.0), -50.0, 20.0),
            (
                "peaks far above the ceiling do not turn a quiet piece down",
                Some(-20.0),
                9.0,
                0.0,
            ),
            ("too quiet to gate", None, -80.0, 0.0),
            ("too short to gate but hot", None, 1.0, -2.5),
        ];
        for (name, lufs, peak, gain) in rows {
            let got = normalise(*lufs, *peak, &Target::default());
            assert!((got - gain).abs() < 1e-9, "{name}: {got}");
        }
    }
}
