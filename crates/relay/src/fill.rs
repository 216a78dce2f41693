//! What sounds while no source does.

use std::collections::VecDeque;
use std::sync::Arc;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder, OpusError};
use loa_model::EncodedAudio;

/// A piece of media, over and over.
pub(crate) struct Fill {
    audio: Arc<EncodedAudio>,
    decoder: OpusDecoder,
    next: usize,
    held: VecDeque<f32>,
    block: Box<[f32; DECODED_SAMPLES_MAX]>,
}

impl Fill {
    pub(crate) fn new(audio: Arc<EncodedAudio>) -> Result<Self, OpusError> {
        Ok(Self {
            audio,
            decoder: OpusDecoder::new()?,
            next: 0,
            held: VecDeque::new(),
            block: Box::new([0.0; DECODED_SAMPLES_MAX]),
        })
    }

    /// Fills a frame with what comes next.
    pub(crate) fn read(&mut self, frame: &mut [f32]) {
        // An empty piece gives nothing, and neither does one that does not decode.
        for _ in 0..=frame.len() / 120 {
            if self.held.len() >= frame.len() || self.audio.packet_count() == 0 {
                break;
            }
            let packet = self.audio.packet(self.next).unwrap_or_default();
            self.next = (self.next + 1) % self.audio.packet_count();
            if let Ok(count) = self.decoder.decode(packet, &mut self.block[..]) {
                self.held.extend(&self.block[..count]);
            }
        }
        for sample in frame {
            *sample = self.held.pop_front().unwrap_or(0.0);
        }
    }
}
