//! The station's chime as it is sent, and its silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_codec::{EncoderSettings, OpusEncoder, OpusError, Tuning};
use loa_model::{ContentHash, EncodedAudio};
use sha2::{Digest as _, Sha256};

use super::prepare::PACKET_SAMPLES;

/// Renders and encodes the chime at `bitrate` bit/s, as loud as each gain in dB that a programme may ask for.
///
/// All have one hash, that of the full samples as 32-bit little-endian floats.
///
/// # Errors
///
/// If libopus does not accept the bit rate.
pub fn chimes(bitrate: u32) -> Result<BTreeMap<i8, Arc<EncodedAudio>>, OpusError> {
    let samples = loa_dsp::chime();
    let mut hasher = Sha256::new();
    samples
        .iter()
        .for_each(|sample| hasher.update(sample.to_le_bytes()));
    let hash = ContentHash(hasher.finalize().into());
    let at = |gain_db: i8| {
        let gain = loa_dsp::db_to_gain(f64::from(gain_db));
        let quieter = samples.iter().map(|sample| sample * gain).collect();
        Ok((gain_db, Arc::new(encode(hash, quieter, bitrate)?)))
    };
    loa_plan::CHIME_GAINS_DB.into_iter().map(at).collect()
}

/// Encodes one packet of silence, to be sent over and over.
///
/// # Errors
///
/// If libopus fails.
pub fn silence() -> Result<EncodedAudio, OpusError> {
    encode(ContentHash([0; 32]), vec![0.0; 1], SILENCE_BITRATE)
}

pub(super) fn encode(
    hash: ContentHash,
    mut samples: Vec<f32>,
    bitrate: u32,
) -> Result<EncodedAudio, OpusError> {
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

/// Least that libopus takes.
const SILENCE_BITRATE: u32 = 6_000;
