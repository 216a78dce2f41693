//! The station's chime, made and not played from a file: the same on every installation, and free of anyone's rights.

use std::f64::consts::TAU;

use crate::RATE;

/// Returns the chime: three rising bell notes (G4, C5, E5), 2.4 s, peak −6 dBFS, silent at both ends.
pub fn chime() -> Vec<f32> {
    let mut sum = vec![0.0f64; LENGTH_SAMPLES];
    for (start, frequency_hz) in NOTES {
        add_bell(&mut sum, start, frequency_hz);
    }
    fade_out(&mut sum);
    let peak = sum.iter().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "audio is f32; rounding is the intent"
    )]
    sum.iter().map(|sample| (sample * PEAK / peak) as f32).collect()
}

/// Adds one struck bell: a few partials, the higher the faster gone, with an attack short of a click.
fn add_bell(sum: &mut [f64], start: usize, frequency_hz: f64) {
    for (n, out) in sum.iter_mut().skip(start).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few seconds of samples")]
        let t = n as f64 / RATE;
        let attack = (t / ATTACK_S).min(1.0);
        let partials = PARTIALS.iter().map(|(multiple, level, decay_s)| {
            level * (-t / decay_s).exp() * (TAU * frequency_hz * multiple * t).sin()
        });
        *out += attack * partials.sum::<f64>();
    }
}

fn fade_out(sum: &mut [f64]) {
    let start = sum.len().saturating_sub(FADE_SAMPLES);
    for (n, sample) in sum[start..].iter_mut().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a fraction of a second of samples")]
        let along = (n + 1) as f64 / FADE_SAMPLES as f64;
        *sample *= 0.5 + 0.5 * (along * std::f64::consts::PI).cos();
    }
}

/// 2.4 s, a whole number of 60 ms packets.
const LENGTH_SAMPLES: usize = 115_200;
const FADE_SAMPLES: usize = 14_400;
/// −6.02 dBFS.
const PEAK: f64 = 0.5;
const ATTACK_S: f64 = 0.004;
/// At which sample each note is struck, and its frequency in Hz.
const NOTES: [(usize, f64); 3] = [(0, 391.995), (26_400, 523.251), (52_800, 659.255)];
/// Multiple of the note's frequency, level, time to fall to 1/e.
const PARTIALS: [(f64, f64, f64); 4] = [
    (1.0, 1.0, 0.55),
    (2.0, 0.45, 0.35),
    (3.01, 0.2, 0.18),
    (5.4, 0.07, 0.07),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Loudness;

    #[test]
    fn sounds_for_its_length_and_ends_in_silence() {
        let chime = chime();
        assert_eq!(chime.len(), 115_200);
        assert_eq!(chime.len() % 2_880, 0);
        assert_eq!(chime[0], 0.0);
        assert!(chime[chime.len() - 1].abs() < 1e-6);
        let mut loudness = Loudness::new();
        loudness.push(&chime);
        assert!(
            (loudness.true_peak_dbtp() + 6.0).abs() < 0.3,
            "{}",
            loudness.true_peak_dbtp()
        );
        let lufs = loudness.integrated_lufs().unwrap();
        assert!((-22.0..-12.0).contains(&lufs), "{lufs} LUFS");
    }

    #[test]
    fn rises_note_by_note() {
        let chime = chime();
        let strength = |start: usize, frequency_hz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &sample) in chime[start..start + 9_600].iter().enumerate() {
                let phase = TAU * frequency_hz * n as f64 / RATE;
                re += f64::from(sample) * phase.cos();
                im += f64::from(sample) * phase.sin();
            }
            re.hypot(im)
        };
        for (index, (start, frequency_hz)) in NOTES.into_iter().enumerate() {
            let own = strength(start + 480, frequency_hz);
            for (_, later_hz) in &NOTES[index + 1..] {
                assert!(
                    own > 4.0 * strength(start + 480, *later_hz),
                    "{frequency_hz} Hz at {start}"
                );
            }
        }
    }
}
