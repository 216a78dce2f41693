//! The end of a programme that is cut: the same sound, faded out, in packets that follow on from those before.

use std::f32::consts::PI;
use std::time::Duration;

use loa_model::{EncodedAudio, duration_to_samples};

use crate::opus_packet::{DECODED_SAMPLES_MAX, EncoderSettings, OpusDecoder, OpusEncoder, OpusError, Tuning};

/// Renders what to send in place of `audio`'s packets from index `cut_packet` on: a fade from full to silence.
///
/// As many packets as the fade takes, rounded up, and no more than the audio had
/// left; none if the cut is at its end. The first takes the exact place of packet
/// `cut_packet`, and the sound lines up with what was there, so nobody hears the
/// seam. Its pre-skip is zero: all of it is meant to be heard, by a decoder that
/// has just played the packets before it.
///
/// # Errors
///
/// If the audio does not decode or libopus fails; cutting without a fade is the way then.
pub fn faded_tail(
    audio: &EncodedAudio,
    cut_packet: usize,
    fade: Duration,
) -> Result<EncodedAudio, OpusError> {
    let mut tail = EncodedAudio::new(audio.media, audio.packet_samples, 0);
    let size = audio.packet_samples as usize;
    let left = audio.packet_count().saturating_sub(cut_packet);
    let fade_samples = usize::try_from(duration_to_samples(fade)).unwrap_or(usize::MAX);
    let count = fade_samples.div_ceil(size.max(1)).min(left);
    if count == 0 || size == 0 || size > DECODED_SAMPLES_MAX {
        return Ok(tail);
    }
    let first = cut_packet.saturating_sub(WARM_UP_PACKETS);
    let warm_up = cut_packet - first;
    let mut encoder = OpusEncoder::new(&settings_like(audio, cut_packet))?;
    // The encoder delays; taking what lies so much later makes up for it.
    let lead = encoder.pre_skip() as usize;
    let mut samples = decode(audio, first, warm_up + count + lead.div_ceil(size))?;
    samples.drain(..lead.min(samples.len()));
    samples.resize((warm_up + count) * size, 0.0);
    // The fade is placed where it will be heard, which for the encoder is `lead` earlier.
    let start = (warm_up * size).saturating_sub(lead);
    fade_out(&mut samples[start..], count * size);

    for (index, block) in samples.chunks_exact(size).enumerate() {
        // The receiver's decoder comes from other packets than this encoder's.
        encoder.set_independent(index == warm_up)?;
        let packet = encoder.encode(block)?;
        if index >= warm_up {
            tail.push(packet);
        }
    }
    tail.samples = (count * size) as u64;
    Ok(tail)
}

fn decode(audio: &EncodedAudio, first: usize, count: usize) -> Result<Vec<f32>, OpusError> {
    let mut decoder = OpusDecoder::new()?;
    let mut block = [0.0; DECODED_SAMPLES_MAX];
    // Before the part that is wanted, more is decoded for the decoder's own sake.
    let start = first.saturating_sub(WARM_UP_PACKETS);
    let mut samples = Vec::new();
    for index in start..first + count {
        let Some(packet) = audio.packet(index) else { break };
        let decoded = decoder.decode(packet, &mut block)?;
        if index >= first {
            samples.extend_from_slice(&block[..decoded]);
        }
    }
    Ok(samples)
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

/// Reads from the packets how they were made, well enough for a second of fade.
fn settings_like(audio: &EncodedAudio, packet: usize) -> EncoderSettings {
    let bytes: usize = (0..audio.packet_count())
        .filter_map(|index| audio.packet(index))
        .map(<[u8]>::len)
        .sum();
    let samples = audio.packet_count() as u64 * u64::from(audio.packet_samples);
    let bitrate = (bytes as u64 * 8 * u64::from(loa_model::SAMPLE_RATE))
        .checked_div(samples)
        .unwrap_or(0);
    // RFC 6716 §3.1: configurations from 16 on are pure CELT, which is how music is coded.
    let is_celt = audio
        .packet(packet)
        .and_then(<[u8]>::first)
        .is_some_and(|toc| toc >> 3 >= 16);
    EncoderSettings {
        bitrate: u32::try_from(bitrate)
            .unwrap_or(u32::MAX)
            .clamp(BITRATE_MIN, BITRATE_MAX),
        tuning: if is_celt { Tuning::Music } else { Tuning::Speech },
        packet_samples: audio.packet_samples,
    }
}

const WARM_UP_PACKETS: usize = 5;
const BITRATE_MIN: u32 = 12_000;
const BITRATE_MAX: u32 = 256_000;

#[cfg(test)]
mod tests {
    use loa_model::ContentHash;

    use super::*;

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
