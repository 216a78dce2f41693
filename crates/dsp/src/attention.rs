//! The attention signal: what sounds before an emergency, so that people listen. Made and not played from a file.

use std::f64::consts::TAU;

use crate::RATE;

/// Returns the attention signal: two tones in turn, four times, 2.4 s, peak −3 dBFS, silent at both ends.
///
/// Its tones lie where small horns are loudest and old ears still hear; it is nothing like the chime.
pub fn attention_signal() -> Vec<f32> {
    (0..LENGTH_SAMPLES)
        .map(|index| {
            #[expect(clippy::cast_precision_loss, reason = "a few seconds of samples")]
            let t = (index % TONE_SAMPLES) as f64 / RATE;
            let frequency_hz = TONES_HZ[index / TONE_SAMPLES % 2];
            // Each tone begins and ends in silence, short of a click.
            let edge = (t / EDGE_S).min((TONE_S - t) / EDGE_S).clamp(0.0, 1.0);
            let sound: f64 = [(1.0, 0.8), (3.0, 0.2)]
                .iter()
                .map(|(multiple, level)| level * (TAU * frequency_hz * multiple * t).sin())
                .sum();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "audio is f32; rounding is the intent"
            )]
            let sample = (sound * edge * PEAK) as f32;
            sample
        })
        .collect()
}

const TONES_HZ: [f64; 2] = [740.0, 988.0];
const TONE_S: f64 = 0.3;
const TONE_SAMPLES: usize = 14_400;
/// A whole number of 60 ms packets.
const LENGTH_SAMPLES: usize = 8 * TONE_SAMPLES;
const EDGE_S: f64 = 0.01;
/// −3 dBFS.
const PEAK: f64 = 0.707;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_loud_within_its_peak_and_begins_and_ends_in_silence() {
        let signal = attention_signal();
        assert_eq!(signal.len() % 2_880, 0);
        let peak = signal.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.5..=0.7075).contains(&peak), "{peak}");
        assert!(signal[0].abs() < 1e-3 && signal.last().unwrap().abs() < 1e-2);
        let power = signal.iter().map(|sample| sample * sample).sum::<f32>() / signal.len() as f32;
        assert!(10.0 * power.log10() > -9.0, "{power}");
    }
}
