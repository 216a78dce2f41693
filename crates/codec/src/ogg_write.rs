//! Writes Ogg Opus files (RFC 7845): how encoded media is kept, and what any player opens.

use std::io::{self, Write};

use loa_model::SAMPLE_RATE;
use ogg::{PacketWriteEndInfo, PacketWriter};

/// Writes mono packets of one size as an Ogg Opus file.
///
/// Pages hold at most a second, as RFC 7845 §3 asks.
pub struct OggOpusWriter<W: Write> {
    ogg: PacketWriter<'static, W>,
    serial: u32,
    packet_samples: u64,
    pre_skip: u32,
    packets_per_page: u64,
    written: u64,
    /// The last packet, kept back because only the end tells that it is the last.
    last: Option<Vec<u8>>,
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the headers.
    ///
    /// `pre_skip` is the encoder's, in samples; `comments` are `KEY=value` tags.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn new(
        writer: W,
        serial: u32,
        packet_samples: u32,
        pre_skip: u32,
        comments: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut ogg = PacketWriter::new(writer);
        ogg.write_packet(head_packet(pre_skip), serial, PacketWriteEndInfo::EndPage, 0)?;
        ogg.write_packet(tags_packet(comments), serial, PacketWriteEndInfo::EndPage, 0)?;
        let packet_samples = u64::from(packet_samples.max(1));
        let packets_per_page = (u64::from(SAMPLE_RATE) / packet_samples).max(1);
        Ok(Self {
            ogg,
            serial,
            packet_samples,
            pre_skip,
            packets_per_page,
            written: 0,
            last: None,
        })
    }

    /// Appends a packet.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn push(&mut self, packet: &[u8]) -> io::Result<()> {
        let Some(ready) = self.last.replace(packet.to_vec()) else {
            return Ok(());
        };
        self.written += 1;
        let end = if self.written.is_multiple_of(self.packets_per_page) {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        self.ogg
            .write_packet(ready, self.serial, end, self.written * self.packet_samples)
    }

    /// Ends the file so that `samples` are heard: the rest of the last packet is trimmed (RFC 7845 §4.4).
    ///
    /// # Errors
    ///
    /// If writing fails, if there is no packet, or if the packets do not hold exactly as many samples,
    /// with the pre-skip and less than one packet of filling.
    pub fn finish(mut self, samples: u64) -> io::Result<W> {
        let end = samples + u64::from(self.pre_skip);
        let held = (self.written + 1) * self.packet_samples;
        let last = self
            .last
            .take()
            .filter(|_| end <= held && held - end < self.packet_samples);
        let last = last.ok_or_else(|| io::Error::other("the packets do not hold the samples"))?;
        self.ogg
            .write_packet(last, self.serial, PacketWriteEndInfo::EndStream, end)?;
        Ok(self.ogg.into_inner())
    }
}

impl<W: Write> std::fmt::Debug for OggOpusWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OggOpusWriter")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Builds the identification header: version 1, one channel, no gain, mapping family 0 (RFC 7845 §5.1).
pub(crate) fn head_packet(pre_skip: u32) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(u16::try_from(pre_skip).unwrap_or(u16::MAX).to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend([0, 0, 0]);
    head
}

/// Builds the comment header (RFC 7845 §5.2).
pub(crate) fn tags_packet(comments: &[(&str, &str)]) -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    let mut put = |text: &[u8]| {
        let len = u32::try_from(text.len()).unwrap_or(0);
        tags.extend(len.to_le_bytes());
        tags.extend(&text[..len as usize]);
    };
    put(VENDOR);
    let lines: Vec<String> = comments
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let count = u32::try_from(lines.len()).unwrap_or(0);
    let mut rest = Vec::new();
    for line in lines {
        rest.extend(u32::try_from(line.len()).unwrap_or(0).to_le_bytes());
        rest.extend(line.into_bytes());
    }
    tags.extend(count.to_le_bytes());
    tags.extend(rest);
    tags
}

const VENDOR: &[u8] = b"loa";
