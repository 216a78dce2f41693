//! Audio as it is stored for air: Opus packets of one size, ready to send.

use std::time::Duration;

use crate::id::ContentHash;
use crate::time::{duration_to_samples, samples_to_duration};

/// Encoded mono Opus, one packet after another, all of one duration.
///
/// Bounded by the media length limit; shared read-only by whoever sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedAudio {
    /// What was encoded.
    pub media: ContentHash,
    /// Samples at 48 kHz in each packet: 960 for 20 ms, 2,880 for 60 ms.
    pub packet_samples: u32,
    /// Samples a decoder gives before the first real one (RFC 7845 §4.2).
    pub pre_skip: u32,
    /// Real samples, without pre-skip and end padding.
    pub samples: u64,
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl EncodedAudio {
    /// Starts with no packets.
    pub fn new(media: ContentHash, packet_samples: u32, pre_skip: u32) -> Self {
        Self {
            media,
            packet_samples,
            pre_skip,
            samples: 0,
            data: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Appends one Opus packet.
    pub fn push(&mut self, packet: &[u8]) {
        self.data.extend_from_slice(packet);
        self.ends.push(self.data.len());
    }

    /// Returns the packet with this index.
    pub fn packet(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.data[start..end])
    }

    /// Returns how many packets there are.
    pub fn packet_count(&self) -> usize {
        self.ends.len()
    }

    /// Returns how long it sounds.
    pub fn duration(&self) -> Duration {
        samples_to_duration(self.samples)
    }

    /// Returns the packet in which the real sample at `offset` lies.
    ///
    /// One past the last packet when `offset` is at or past the end.
    pub fn packet_at(&self, offset: Duration) -> usize {
        let sample = duration_to_samples(offset);
        if sample >= self.samples {
            return self.packet_count();
        }
        let index = (sample + u64::from(self.pre_skip)) / u64::from(self.packet_samples.max(1));
        usize::try_from(index).map_or(self.packet_count(), |index| index.min(self.packet_count()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_packets_by_index_and_offset() {
        let mut audio = EncodedAudio::new(ContentHash([0; 32]), 960, 312);
        for byte in 0..3u8 {
            audio.push(&vec![byte; usize::from(byte) + 1]);
        }
        audio.samples = 2_400;
        assert_eq!(audio.packet(0), Some(&[0u8][..]));
        assert_eq!(audio.packet(2), Some(&[2u8, 2, 2][..]));
        assert_eq!(audio.packet(3), None);
        let rows = [
            (0, 0),
            (13, 0),
            (14, 1),
            (33, 1),
            (34, 2),
            (49, 2),
            (50, 3),
            (9_999, 3),
        ];
        for (ms, packet) in rows {
            assert_eq!(audio.packet_at(Duration::from_millis(ms)), packet, "{ms} ms");
        }
    }
}
