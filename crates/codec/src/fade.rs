//! The end of a programme that is cut: the same sound, faded out, in packets that follow on from those before.

use std::f32::consts::PI;
use std::time::Duration;

use loa_model::{EncodedAudio, duration_to_samples};

use crate::opus_packet::OpusError;
use crate::rerender::rerendered;

/// Renders what to send in place of `audio`'s packets from index `cut_packet` on: a fade from full to silence.
///
/// As many packets as the fade takes, rounded up, and no more than the audio had
/// left; none if the cut is at its end. The first takes the exact place of packet
/// `cut_packet`, and the sound lines up with what was there, so nobody hears the
/// seam.
///
/// # Errors
///
/// If the audio does not decode or libopus fails; cutting without a fade is the way then.
pub fn faded_tail(
    audio: &EncodedAudio,
    cut_packet: usize,
    fade: Duration,
) -> Result<EncodedAudio, OpusError> {
    let size = audio.packet_samples as usize;
    let fade_samples = usize::try_from(duration_to_samples(fade)).unwrap_or(usize::MAX);
    let left = audio.packet_count().saturating_sub(cut_packet);
    let count = fade_samples.div_ceil(size.max(1)).min(left);
    rerendered(audio, cut_packet, count, |samples, heard_from| {
        let start = usize::try_from(-heard_from).unwrap_or(0).min(samples.len());
        fade_out(&mut samples[start..], count * size);
        Ok(())
    })
}

fn fade_out(samples: &mut [f32], length: usize) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "fades are far below 2^24 samples, 350 s"
    )]
    for (n, sample) in samples.iter_mut().enumerate() {
        let along = (n as f32 / length as f32).min(1.0);
        *sample *= 0.5 + 0.5 * (PI * along).cos();
    }
}

#[cfg(test)]
mod tests {
    use loa_model::ContentHash;

    use super::*;
    use crate::opus_packet::{DECODED_SAMPLES_MAX, EncoderSettings, OpusDecoder, OpusEncoder, Tuning};

    fn encoded(settings: &EncoderSettings, seconds: usize) -> EncodedAudio {
        let mut encoder = OpusEncoder::new(settings).unwrap();
        let mut audio = EncodedAudio::new(ContentHash([0; 32]), settings.packet_samples, encoder.pre_skip());
        let samples: Vec<f32> = (0..seconds * 48_000)
            .map(|n| {
                let t = n as f32 / 48_000.0;
                let buzz: f32 = (1..9)
                    .map(|k| (t * 180.0 * k as f32 * 2.0 * PI).sin() / k as f32)
                    .sum();
                buzz * 0.15 * (1.0 + 0.3 * (t * 9.0).sin())
            })
            .collect();
        for block in samples.chunks_exact(encoder.packet_samples()) {
            audio.push(encoder.encode(block).unwrap());
        }
        audio.samples = samples.len() as u64 - u64::from(audio.pre_skip);
        audio
    }

    /// What a receiver hears of these packets in a row.
    fn heard<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<f32> {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        let mut samples = Vec::new();
        for packet in packets {
            let count = decoder.decode(packet, &mut block).unwrap();
            samples.extend_from_slice(&block[..count]);
        }
        samples
    }

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn the_fade_follows_on_and_ends_in_silence() {
        for (tuning, bitrate, packet_samples) in [
            (Tuning::Speech, 32_000, 2_880u32),
            (Tuning::Music, 64_000, 2_880),
            (Tuning::Speech, 32_000, 960),
        ] {
            let name = format!("{tuning:?} {packet_samples}");
            let audio = encoded(
                &EncoderSettings {
                    bitrate,
                    tuning,
                    packet_samples,
                },
                4,
            );
            let size = packet_samples as usize;
            let cut = 96_000 / size;
            let fade = Duration::from_millis(480);
            let tail = faded_tail(&audio, cut, fade).unwrap();
            let count = tail.packet_count();
            assert_eq!(count, 23_040 / size, "{name}");
            assert_eq!(
                (tail.samples, tail.pre_skip, tail.packet_samples),
                (23_040, 0, packet_samples)
            );
            let faded: Vec<&[u8]> = (0..count).filter_map(|index| tail.packet(index)).collect();
            assert!(
                faded
                    .iter()
                    .all(|packet| crate::packet_samples(packet) == Some(packet_samples)),
                "{name}"
            );

            let before = (0..cut).filter_map(|index| audio.packet(index));
            let with_fade = heard(before.chain(faded));
            let mut wanted = heard((0..cut + count).filter_map(|index| audio.packet(index)));
            assert_eq!(with_fade.len(), wanted.len(), "{name}");
            fade_out(&mut wanted[cut * size..], count * size);
            // Alignment and level at the seam and on: a shift of a few samples would ruin this.
            for part in 0..5 {
                let range = cut * size + part * 960..cut * size + (part + 1) * 960;
                let error: Vec<f32> = with_fade[range.clone()]
                    .iter()
                    .zip(&wanted[range.clone()])
                    .map(|(a, b)| a - b)
                    .collect();
                let ratio = rms(&error) / rms(&wanted[range]);
                assert!(ratio < 0.35, "{name}: part {part} differs by {ratio}");
            }
            let end = &with_fade[with_fade.len() - 480..];
            assert!(rms(end) < 0.003, "{name}: ends at {}", rms(end));
            // No click: no step at the seam is larger than the sound's own steps.
            let step = |range: std::ops::Range<usize>| {
                with_fade[range]
                    .windows(2)
                    .map(|pair| (pair[1] - pair[0]).abs())
                    .fold(0.0f32, f32::max)
            };
            let seam = cut * size;
            assert!(
                step(seam - 100..seam + 500) < 1.3 * step(seam - 9_600..seam - 100),
                "{name}"
            );
        }
    }

    #[test]
    fn near_the_end_there_is_only_so_much_to_fade() {
        let audio = encoded(&EncoderSettings::default(), 2);
        let count = audio.packet_count();
        let second = Duration::from_secs(1);
        let rows = [
            (count, 0),
            (count + 9, 0),
            (count - 1, 1),
            (count - 5, 5),
            (0, 17),
            (2, 17),
        ];
        for (cut, packets) in rows {
            assert_eq!(
                faded_tail(&audio, cut, second).unwrap().packet_count(),
                packets,
                "cut at {cut}"
            );
        }
        assert_eq!(faded_tail(&audio, 3, Duration::ZERO).unwrap().packet_count(), 0);
    }
}
