//! The station's chime as it is sent.

use loa_codec::{EncoderSettings, OpusEncoder, OpusError, Tuning};
use loa_model::{ContentHash, EncodedAudio};
use sha2::{Digest as _, Sha256};

use super::prepare::PACKET_SAMPLES;

/// Renders and encodes the chime at `bitrate` bit/s. Its hash is that of its samples, as 32-bit little-endian floats.
///
/// # Errors
///
/// If libopus does not accept the bit rate.
pub fn chime(bitrate: u32) -> Result<EncodedAudio, OpusError> {
    let mut samples = loa_dsp::chime();
    let mut hasher = Sha256::new();
    samples
        .iter()
        .for_each(|sample| hasher.update(sample.to_le_bytes()));
    let hash = ContentHash(hasher.finalize().into());

    let settings = EncoderSettings {
        bitrate,
        tuning: Tuning::Music,
        packet_samples: PACKET_SAMPLES,
    };
    let mut encoder = OpusEncoder::new(&settings)?;
    let mut audio = EncodedAudio::new(hash, PACKET_SAMPLES, encoder.pre_skip());
    audio.samples = samples.len() as u64;
    let packet = encoder.packet_samples();
    samples.resize(
        (samples.len() + encoder.pre_skip() as usize).next_multiple_of(packet),
        0.0,
    );
    for block in samples.chunks_exact(packet) {
        audio.push(encoder.encode(block)?);
    }
    Ok(audio)
}
