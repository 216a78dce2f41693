//! Ogg Opus without an end, for a browser that listens in: headers, then one page per packet.

use ogg::{PacketWriteEndInfo, PacketWriter};

use crate::ogg_write::{head_packet, tags_packet};

/// Wraps live packets for one listener, who may come at any time: their positions count from zero for each.
///
/// Send the bytes as `audio/ogg; codecs=opus`.
pub struct OggStream {
    ogg: PacketWriter<'static, Vec<u8>>,
    serial: u32,
    position: u64,
}

impl OggStream {
    /// Makes a stream whose headers are the first bytes to send, and returns them with it.
    ///
    /// `pre_skip` is in samples. Zero suits someone who joins midway, as the decoder is then warm after some packets anyway.
    pub fn new(serial: u32, pre_skip: u32) -> (Self, Vec<u8>) {
        let mut stream = Self {
            ogg: PacketWriter::new(Vec::new()),
            serial,
            position: 0,
        };
        stream.put(head_packet(pre_skip), PacketWriteEndInfo::EndPage);
        stream.put(tags_packet(&[]), PacketWriteEndInfo::EndPage);
        let headers = stream.take();
        (stream, headers)
    }

    /// Returns the page that holds this packet of `samples` at 48 kHz.
    pub fn page(&mut self, packet: &[u8], samples: u32) -> Vec<u8> {
        self.position += u64::from(samples);
        self.put(packet.to_vec(), PacketWriteEndInfo::EndPage);
        self.take()
    }

    fn put(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo) {
        self.ogg
            .write_packet(packet, self.serial, end, self.position)
            .expect("writing to memory does not fail");
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.ogg.inner_mut())
    }
}

impl std::fmt::Debug for OggStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OggStream")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{AudioFile, EncoderSettings, OpusEncoder};

    #[test]
    fn each_packet_is_one_page_at_its_position() {
        let (mut stream, mut bytes) = OggStream::new(9, 0);
        assert_eq!(bytes.windows(4).filter(|word| word == b"OggS").count(), 2);
        let mut encoder = OpusEncoder::new(&EncoderSettings::default()).unwrap();
        for n in 0..20u64 {
            let samples: Vec<f32> = (0..2_880)
                .map(|k| ((n * 2_880 + k) as f32 * 0.03).sin() * 0.2)
                .collect();
            let page = stream.page(encoder.encode(&samples).unwrap(), 2_880);
            assert_eq!(&page[..4], b"OggS");
            assert_eq!(
                u64::from_le_bytes(page[6..14].try_into().unwrap()),
                (n + 1) * 2_880
            );
            bytes.extend(page);
        }
        // A reader that is not ours plays it, up to where the connection broke.
        let mut file = AudioFile::from_source(Box::new(Cursor::new(bytes)), None).unwrap();
        let mut heard = 0;
        while let Ok(Some(block)) = file.next_block() {
            heard += block.len();
        }
        assert_eq!(heard, 20 * 2_880);
    }
}
