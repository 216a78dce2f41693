//! Packets made once more in the place of some of a piece's own, with the sound changed on the way.

use loa_model::EncodedAudio;

use crate::opus_packet::{DECODED_SAMPLES_MAX, EncoderSettings, OpusDecoder, OpusEncoder, OpusError, Tuning};

/// Renders what to send in place of `audio`'s packets from index `from` on, `count` of them or as many as there are.
///
/// `change` gets the samples and the place, counted from the first sample of packet `from`, at which the first of them
/// is heard; it begins before that, because encoder and decoder need a run-up.
///
/// The first packet takes the exact place of packet `from`, and the sound lines up with what was there. Its pre-skip
/// is zero: all of it is meant to be heard, by a decoder that has just played the packets before it.
///
/// # Errors
///
/// If the audio does not decode or libopus fails.
pub(crate) fn rerendered(
    audio: &EncodedAudio,
    from: usize,
    count: usize,
    change: impl FnOnce(&mut [f32], i64) -> Result<(), OpusError>,
) -> Result<EncodedAudio, OpusError> {
    let mut made = EncodedAudio::new(audio.media, audio.packet_samples, 0);
    let size = audio.packet_samples as usize;
    let count = count.min(audio.packet_count().saturating_sub(from));
    if count == 0 || size == 0 || size > DECODED_SAMPLES_MAX {
        return Ok(made);
    }
    let first = from.saturating_sub(WARM_UP_PACKETS);
    let warm_up = from - first;
    let mut encoder = OpusEncoder::new(&settings_like(audio, from))?;
    // The encoder delays; taking what lies so much later makes up for it.
    let lead = encoder.pre_skip() as usize;
    let mut samples = decode(audio, first, warm_up + count + lead.div_ceil(size))?;
    samples.drain(..lead.min(samples.len()));
    samples.resize((warm_up + count) * size, 0.0);
    change(&mut samples, signed(lead) - signed(warm_up * size))?;
    for (index, block) in samples.chunks_exact(size).enumerate() {
        // The receiver's decoder comes from other packets than this encoder's.
        encoder.set_independent(index == warm_up)?;
        let packet = encoder.encode(block)?;
        if index >= warm_up {
            made.push(packet);
        }
    }
    made.samples = (count * size) as u64;
    Ok(made)
}

/// Decodes `count` packets from index `first` on, as far as there are any.
pub(crate) fn decode(audio: &EncodedAudio, first: usize, count: usize) -> Result<Vec<f32>, OpusError> {
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

/// Reads from the packets how they were made, well enough for a few seconds.
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

/// Lengths in samples, far below 2^63.
pub(crate) fn signed(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

const WARM_UP_PACKETS: usize = 5;
const BITRATE_MIN: u32 = 12_000;
const BITRATE_MAX: u32 = 256_000;
