//! An encoder and a decoder that can be copied, so that a packet can be tried and taken back.
//!
//! What a codec adds to the peaks of a wave shows only in what is decoded; an
//! import tries each packet, and encodes it again from the same state if it does
//! not please. The `opus` crate keeps its pointers to itself, hence this.
#![expect(unsafe_code, reason = "opus has no way to copy a state, which libopus allows")]

use std::ffi::c_int;

use loa_model::SAMPLE_RATE;
use opusic_sys as sys;

use crate::opus_packet::{
    COMPLEXITY, EXPECTED_LOSS_PERCENT, EncoderSettings, OpusError, PACKET_BYTES_MAX, Tuning,
};

/// Like [`OpusEncoder`](crate::OpusEncoder), packet for packet, and a clone goes on from the same state.
#[derive(Clone, Debug)]
pub struct RewindEncoder {
    state: State,
    packet_samples: usize,
    pre_skip: u32,
}

impl RewindEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    ///
    /// If libopus does not know the packet size or the rate.
    pub fn new(settings: &EncoderSettings) -> Result<Self, OpusError> {
        // SAFETY: takes a number only.
        let mut state = State::new(unsafe { sys::opus_encoder_get_size(1) })?;
        // SAFETY: the state has the size that libopus asked for.
        let made = unsafe { sys::opus_encoder_init(state.pointer(), RATE, 1, sys::OPUS_APPLICATION_AUDIO) };
        check(made, "cannot set up the encoder")?;
        let is_speech = settings.tuning == Tuning::Speech;
        let signal = if is_speech {
            sys::OPUS_SIGNAL_VOICE
        } else {
            sys::OPUS_SIGNAL_MUSIC
        };
        let loss = if is_speech { EXPECTED_LOSS_PERCENT } else { 0 };
        for (request, value) in [
            (
                sys::OPUS_SET_BITRATE_REQUEST,
                i32::try_from(settings.bitrate).unwrap_or(i32::MAX),
            ),
            (sys::OPUS_SET_SIGNAL_REQUEST, signal),
            (sys::OPUS_SET_COMPLEXITY_REQUEST, COMPLEXITY),
            (sys::OPUS_SET_INBAND_FEC_REQUEST, c_int::from(is_speech)),
            (sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, loss),
        ] {
            // SAFETY: each of these requests takes one number.
            let set = unsafe { sys::opus_encoder_ctl(state.pointer(), request, value) };
            check(set, "cannot set up the encoder")?;
        }
        let mut pre_skip: i32 = 0;
        // SAFETY: this request takes a place for one number.
        let told = unsafe {
            sys::opus_encoder_ctl(
                state.pointer(),
                sys::OPUS_GET_LOOKAHEAD_REQUEST,
                &raw mut pre_skip,
            )
        };
        check(told, "cannot set up the encoder")?;
        Ok(Self {
            state,
            packet_samples: settings.packet_samples as usize,
            pre_skip: u32::try_from(pre_skip).unwrap_or(0),
        })
    }

    /// Returns how many samples the decoder gives before the first one put in (RFC 7845 §4.2).
    pub fn pre_skip(&self) -> u32 {
        self.pre_skip
    }

    /// Returns how many samples each packet takes.
    pub fn packet_samples(&self) -> usize {
        self.packet_samples
    }

    /// Encodes exactly one packet's samples, to at most [`PACKET_BYTES_MAX`] bytes.
    ///
    /// # Errors
    ///
    /// If `samples` is not one packet long.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, OpusError> {
        if samples.len() != self.packet_samples {
            return Err(OpusError::refused("cannot encode more or less than a packet"));
        }
        let mut packet = vec![0; PACKET_BYTES_MAX];
        // SAFETY: both buffers are as long as is said.
        let len = unsafe {
            sys::opus_encode_float(
                self.state.pointer(),
                samples.as_ptr(),
                length(samples.len()),
                packet.as_mut_ptr(),
                length(packet.len()),
            )
        };
        packet.truncate(check(len, "cannot encode a packet")?);
        Ok(packet)
    }
}

/// Like [`OpusDecoder`](crate::OpusDecoder), and a clone goes on from the same state.
#[derive(Clone, Debug)]
pub struct RewindDecoder {
    state: State,
}

impl RewindDecoder {
    /// Makes a decoder.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub fn new() -> Result<Self, OpusError> {
        // SAFETY: takes a number only.
        let mut state = State::new(unsafe { sys::opus_decoder_get_size(1) })?;
        // SAFETY: the state has the size that libopus asked for.
        let made = unsafe { sys::opus_decoder_init(state.pointer(), RATE, 1) };
        check(made, "cannot set up the decoder")?;
        Ok(Self { state })
    }

    /// Decodes a packet and returns how many samples it gave.
    ///
    /// # Errors
    ///
    /// If the packet is malformed or there is too little room.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            return Err(OpusError::refused("cannot decode an empty packet"));
        }
        // SAFETY: both buffers are as long as is said.
        let count = unsafe {
            sys::opus_decode_float(
                self.state.pointer(),
                packet.as_ptr(),
                length(packet.len()),
                samples.as_mut_ptr(),
                length(samples.len()),
                0,
            )
        };
        check(count, "cannot decode a packet")
    }
}

/// A codec's memory, owned by us.
///
/// "The encoder state is always continuous in memory and only a shallow copy is
/// sufficient to copy it" (opus.h; the same of the decoder's).
#[derive(Clone)]
struct State {
    memory: Vec<Aligned>,
}

/// What the strictest type in C asks for, as `malloc` gives.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Aligned([u8; 16]);

impl State {
    fn new(bytes: c_int) -> Result<Self, OpusError> {
        let bytes = usize::try_from(bytes).map_err(|_| OpusError::refused("cannot set up the codec"))?;
        Ok(Self {
            memory: vec![Aligned([0; 16]); bytes.div_ceil(16)],
        })
    }

    /// The state as libopus names it; what it points to belongs to `self` alone.
    fn pointer<T>(&mut self) -> *mut T {
        self.memory.as_mut_ptr().cast()
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} bytes)", self.memory.len() * 16)
    }
}

/// Negative numbers are libopus's errors.
fn check(result: c_int, doing: &'static str) -> Result<usize, OpusError> {
    usize::try_from(result).map_err(|_| OpusError::refused(doing))
}

/// Packets and blocks are far below 2^31; a longer one is not used to its end.
fn length(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

const RATE: i32 = SAMPLE_RATE.cast_signed();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DECODED_SAMPLES_MAX, OpusDecoder, OpusEncoder};

    fn sound(count: usize) -> Vec<f32> {
        (0..count)
            .map(|n| {
                let t = n as f32 / 48_000.0;
                let syllable = (t * 4.0 * std::f32::consts::TAU).sin().max(0.0);
                syllable * ((t * 900.0).sin() + (t * 2_700.0).sin() * 0.5 + (t * 7_100.0).sin() * 0.2) * 0.4
            })
            .collect()
    }

    #[test]
    fn packets_and_samples_are_those_of_the_usual_codec() {
        for tuning in [Tuning::Speech, Tuning::Music] {
            let settings = EncoderSettings {
                tuning,
                ..Default::default()
            };
            let mut usual = OpusEncoder::new(&settings).unwrap();
            let mut ours = RewindEncoder::new(&settings).unwrap();
            assert_eq!(
                (ours.pre_skip(), ours.packet_samples()),
                (usual.pre_skip(), 2_880)
            );
            let (mut usual_decoder, mut our_decoder) =
                (OpusDecoder::new().unwrap(), RewindDecoder::new().unwrap());
            let mut blocks = [[0.0; DECODED_SAMPLES_MAX]; 2];
            for block in sound(96_000).chunks_exact(2_880) {
                let packet = ours.encode(block).unwrap();
                assert_eq!(packet, usual.encode(block).unwrap());
                assert_eq!(usual_decoder.decode(&packet, &mut blocks[0]).unwrap(), 2_880);
                assert_eq!(our_decoder.decode(&packet, &mut blocks[1]).unwrap(), 2_880);
                assert_eq!(blocks[0], blocks[1]);
            }
        }
    }

    #[test]
    fn a_copy_goes_on_as_if_nothing_had_been_tried() {
        let settings = EncoderSettings::default();
        let mut encoder = RewindEncoder::new(&settings).unwrap();
        let mut decoder = RewindDecoder::new().unwrap();
        let mut usual = OpusEncoder::new(&settings).unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        for samples in sound(96_000).chunks_exact(2_880) {
            // Something else is tried first, on copies that are thrown away.
            let (mut trial, mut listener) = (encoder.clone(), decoder.clone());
            let louder: Vec<f32> = samples.iter().map(|sample| sample * 0.3 + 0.1).collect();
            listener
                .decode(&trial.encode(&louder).unwrap(), &mut block)
                .unwrap();
            let packet = encoder.encode(samples).unwrap();
            assert_eq!(packet, usual.encode(samples).unwrap());
            decoder.decode(&packet, &mut block).unwrap();
        }
    }

    #[test]
    fn wrong_sizes_and_bad_packets_are_refused() {
        let mut encoder = RewindEncoder::new(&EncoderSettings::default()).unwrap();
        assert!(encoder.encode(&[0.0; 100]).is_err());
        let silent = EncoderSettings {
            bitrate: 0,
            ..Default::default()
        };
        assert!(RewindEncoder::new(&silent).is_err());
        let mut decoder = RewindDecoder::new().unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        assert!(decoder.decode(&[], &mut block).is_err());
        assert!(decoder.decode(&[0xff, 0xff, 0xff], &mut block).is_err());
        assert!(decoder.decode(&[0xf8, 0xff, 0xfe], &mut block[..100]).is_err());
    }
}
