//! Opus packets in the two wrappings that listeners read: Ogg (RFC 3533, RFC 7845) and WebM.

use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// An endless file with one mono Opus stream in it.
pub(crate) trait Container: Send + Default + 'static {
    /// What it is called over HTTP.
    const CONTENT_TYPE: &'static str;

    /// Returns what comes before the first packet.
    fn head(&mut self) -> Vec<u8>;

    /// Wraps a packet of `samples` at 48 kHz.
    fn packet(&mut self, opus: &[u8], samples: u64) -> Vec<u8>;
}

/// Identification header, the same in both (RFC 7845 §5.1): version 1, mono, no pre-skip, 48 kHz.
const OPUS_HEAD: &[u8] = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0";

/// For players: one page for each packet.
pub(crate) struct Ogg {
    writer: PacketWriter<'static, Vec<u8>>,
    samples: u64,
}

impl Default for Ogg {
    fn default() -> Self {
        Self {
            writer: PacketWriter::new(Vec::new()),
            samples: 0,
        }
    }
}

impl Container for Ogg {
    const CONTENT_TYPE: &'static str = "audio/ogg";

    fn head(&mut self) -> Vec<u8> {
        let tags = b"OpusTags\x03\0\0\0Loa\0\0\0\0";
        self.write(OPUS_HEAD);
        self.write(tags);
        std::mem::take(self.writer.inner_mut())
    }

    fn packet(&mut self, opus: &[u8], samples: u64) -> Vec<u8> {
        self.samples += samples;
        self.write(opus);
        std::mem::take(self.writer.inner_mut())
    }
}

impl Ogg {
    fn write(&mut self, packet: &[u8]) {
        let end = PacketWriteEndInfo::EndPage;
        self.writer
            .write_packet(packet.to_vec(), SERIAL, end, self.samples)
            .expect("writing to memory does not fail");
    }
}

const SERIAL: u32 = 0x4c6f_6101;

/// For browsers: one cluster for each packet, so that each can be played when it comes.
///
/// A browser reads a plain file in blocks of 32 KiB, many seconds of speech; what a script hands it as
/// WebM it plays at once. Source: <https://www.matroska.org/technical/elements.html>.
#[derive(Default)]
pub(crate) struct WebM {
    samples: u64,
}

impl Container for WebM {
    const CONTENT_TYPE: &'static str = "audio/webm";

    fn head(&mut self) -> Vec<u8> {
        let kind = [
            element(0x4286, &[1]), // EBML version
            element(0x42f7, &[1]), // EBML version to read it
            element(0x42f2, &[4]), // longest id
            element(0x42f3, &[8]), // longest size
            element(0x4282, b"webm"),
            element(0x4287, &[4]), // version of the kind
            element(0x4285, &[2]), // version to read it
        ];
        let info = [
            element(0x2a_d7b1, &1_000_000_u32.to_be_bytes()), // nanoseconds in a tick
            element(0x4d80, b"Loa"),                          // written by
            element(0x5741, b"Loa"),
        ];
        let sound = [
            element(0xb5, &48_000_f64.to_be_bytes()),
            element(0x9f, &[1]), // channels
        ];
        let track = [
            element(0xd7, &[1]),   // number
            element(0x73c5, &[1]), // unique number
            element(0x83, &[2]),   // audio
            element(0x86, b"A_OPUS"),
            element(0x63a2, OPUS_HEAD),
            element(0xe1, &sound.concat()),
        ];
        let mut head = element(0x1a45_dfa3, &kind.concat());
        // The segment, whose size nobody knows.
        head.extend_from_slice(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff");
        head.extend(element(0x1549_a966, &info.concat()));
        head.extend(element(0x1654_ae6b, &element(0xae, &track.concat())));
        head
    }

    fn packet(&mut self, opus: &[u8], samples: u64) -> Vec<u8> {
        let ms = self.samples / 48;
        self.samples += samples;
        // Track 1, no ticks after the cluster's time, a key frame.
        let block = [b"\x81\0\0\x80", opus].concat();
        let cluster = [element(0xe7, &ms.to_be_bytes()), element(0xa3, &block)];
        element(0x1f43_b675, &cluster.concat())
    }
}

/// Writes an EBML element: its id, the size in eight bytes, and what is in it.
fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let from = id.iter().take_while(|byte| **byte == 0).count();
    let size = (content.len() as u64 | 1 << 56).to_be_bytes();
    [&id[from..], &size, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_carry_id_size_and_content() {
        assert_eq!(element(0xe7, b"ab"), b"\xe7\x01\0\0\0\0\0\0\x02ab");
        assert_eq!(element(0x2a_d7b1, b""), b"\x2a\xd7\xb1\x01\0\0\0\0\0\0\0");
    }

    #[test]
    fn webm_counts_milliseconds() {
        let mut webm = WebM::default();
        let times = [2_880, 960, 960].map(|samples| {
            let cluster = webm.packet(b"x", samples);
            let time = cluster.iter().position(|byte| *byte == 0xe7).unwrap() + 9;
            u64::from_be_bytes(cluster[time..time + 8].try_into().unwrap())
        });
        assert_eq!(times, [0, 60, 80]);
    }
}
