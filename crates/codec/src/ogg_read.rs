//! Reads the Ogg Opus files that the library keeps, and no others (RFC 7845).

use std::io::{self, Read, Seek};

use loa_model::{ContentHash, EncodedAudio};
use ogg::PacketReader;
use ogg::reading::OggReadError;

use crate::opus_packet::packet_samples;

/// Why a file cannot be aired from the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OggOpusError {
    /// It cannot be read.
    #[error("cannot read the file")]
    Io(#[source] io::Error),
    /// Its pages are not whole, or their checksums are wrong.
    #[error("the file is damaged: {0}")]
    Corrupt(String),
    /// It does not begin as Ogg Opus does.
    #[error("not an Ogg Opus file")]
    NotOggOpus,
    /// It is Ogg Opus, but not as the library writes it.
    #[error("an Ogg Opus file, but not one of ours: {0}")]
    Foreign(&'static str),
    /// It has no end, or ends before it says.
    #[error("the file is cut off")]
    Truncated,
    /// It is larger than allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
}

/// Reads an encoded file of the library, whose original has the hash `media`.
///
/// Strict: mono, one stream, packets of one size, a marked end. Reads at most `bytes_max`.
///
/// # Errors
///
/// See [`OggOpusError`].
pub fn read_ogg_opus<R: Read + Seek>(
    mut source: R,
    media: ContentHash,
    bytes_max: u64,
) -> Result<EncodedAudio, OggOpusError> {
    let len = source.seek(io::SeekFrom::End(0)).map_err(OggOpusError::Io)?;
    source.seek(io::SeekFrom::Start(0)).map_err(OggOpusError::Io)?;
    if len > bytes_max {
        return Err(OggOpusError::TooLarge { limit: bytes_max });
    }
    let mut reader = PacketReader::new(source);
    let head = next(&mut reader)?.ok_or(OggOpusError::NotOggOpus)?;
    let pre_skip = read_head(&head.data)?;
    let serial = head.stream_serial();
    let tags = next(&mut reader)?.ok_or(OggOpusError::Truncated)?;
    if !tags.data.starts_with(b"OpusTags") {
        return Err(OggOpusError::NotOggOpus);
    }
    let mut audio: Option<EncodedAudio> = None;
    let mut ended = false;
    while let Some(packet) = next(&mut reader)? {
        if ended || packet.stream_serial() != serial {
            return Err(OggOpusError::Foreign("it holds several streams"));
        }
        let samples =
            packet_samples(&packet.data).ok_or_else(|| OggOpusError::Corrupt("a bad packet".to_owned()))?;
        let audio = audio.get_or_insert_with(|| EncodedAudio::new(media, samples, pre_skip));
        if samples != audio.packet_samples {
            return Err(OggOpusError::Foreign("its packets differ in length"));
        }
        audio.push(&packet.data);
        if packet.last_in_stream() {
            let held = audio.packet_count() as u64 * u64::from(samples);
            let end = packet.absgp_page();
            if end > held || held - end >= u64::from(samples) {
                return Err(OggOpusError::Foreign("its length does not match its packets"));
            }
            audio.samples = end
                .checked_sub(u64::from(pre_skip))
                .ok_or(OggOpusError::Truncated)?;
            ended = true;
        }
    }
    audio.filter(|_| ended).ok_or(OggOpusError::Truncated)
}

/// Reads the `KEY=value` comments of an Ogg Opus file, in the order in which they were written.
///
/// # Errors
///
/// See [`OggOpusError`].
pub fn read_ogg_opus_comments<R: Read + Seek>(source: R) -> Result<Vec<(String, String)>, OggOpusError> {
    let mut reader = PacketReader::new(source);
    let head = next(&mut reader)?.ok_or(OggOpusError::NotOggOpus)?;
    read_head(&head.data)?;
    let tags = next(&mut reader)?.ok_or(OggOpusError::Truncated)?;
    let rest = tags
        .data
        .strip_prefix(b"OpusTags")
        .ok_or(OggOpusError::NotOggOpus)?;
    let (_vendor, rest) = counted(rest)?;
    let (count, mut rest) = number(rest)?;
    let mut comments = Vec::new();
    // Nothing is reserved for what the count claims.
    for _ in 0..count {
        let (comment, after) = counted(rest)?;
        rest = after;
        if let Some((key, value)) = String::from_utf8_lossy(comment).split_once('=') {
            comments.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(comments)
}

/// Takes a 32-bit little-endian number off the front.
fn number(bytes: &[u8]) -> Result<(usize, &[u8]), OggOpusError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(OggOpusError::Truncated)?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}

/// Takes that many bytes off the front as a number before them says.
fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), OggOpusError> {
    let (len, rest) = number(bytes)?;
    rest.split_at_checked(len).ok_or(OggOpusError::Truncated)
}

fn next<R: Read + Seek>(reader: &mut PacketReader<R>) -> Result<Option<ogg::Packet>, OggOpusError> {
    reader.read_packet().map_err(|error| match error {
        OggReadError::ReadError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            OggOpusError::Truncated
        }
        OggReadError::ReadError(error) => OggOpusError::Io(error),
        OggReadError::NoCapturePatternFound => OggOpusError::NotOggOpus,
        other => OggOpusError::Corrupt(other.to_string()),
    })
}

fn read_head(head: &[u8]) -> Result<u32, OggOpusError> {
    let [
        b'O',
        b'p',
        b'u',
        b's',
        b'H',
        b'e',
        b'a',
        b'd',
        version,
        channels,
        skip_low,
        skip_high,
        _,
        _,
        _,
        _,
        gain_low,
        gain_high,
        mapping,
        ..,
    ] = head
    else {
        return Err(OggOpusError::NotOggOpus);
    };
    match (version, channels, mapping, gain_low | gain_high) {
        (1, 1, 0, 0) => Ok(u32::from(u16::from_le_bytes([*skip_low, *skip_high]))),
        (1, 2.., _, _) => Err(OggOpusError::Foreign("it is not mono")),
        (1, 1, 0, _) => Err(OggOpusError::Foreign("it asks for a gain")),
        _ => Err(OggOpusError::Foreign("its header is of another kind")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ogg::{PacketWriteEndInfo, PacketWriter};

    use super::*;
    use crate::ogg_write::{head_packet, tags_packet};
    use crate::{EncoderSettings, OggOpusWriter, OpusEncoder};

    const HASH: ContentHash = ContentHash([7; 32]);

    fn tone(count: usize) -> Vec<f32> {
        (0..count).map(|n| (n as f32 * 0.05).sin() * 0.3).collect()
    }

    /// Encodes `samples` and writes them, as the library does.
    fn written(serial: u32, samples: &[f32]) -> Vec<u8> {
        let mut encoder = OpusEncoder::new(&EncoderSettings::default()).unwrap();
        let size = encoder.packet_samples();
        let mut writer = OggOpusWriter::new(
            Vec::new(),
            serial,
            size as u32,
            encoder.pre_skip(),
            &[("TITLE", "Bản tin")],
        )
        .unwrap();
        let mut padded = samples.to_vec();
        let total = samples.len() + encoder.pre_skip() as usize;
        padded.resize(total.next_multiple_of(size), 0.0);
        for block in padded.chunks(size) {
            writer.push(encoder.encode(block).unwrap()).unwrap();
        }
        writer.finish(samples.len() as u64).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for count in [1usize, 2_568, 2_569, 48_000, 100_001] {
            let bytes = written(42, &tone(count));
            let audio = read_ogg_opus(Cursor::new(&bytes), HASH, 1 << 20).unwrap();
            assert_eq!(audio.samples, count as u64);
            assert_eq!(
                (audio.media, audio.packet_samples, audio.pre_skip),
                (HASH, 2_880, 312)
            );
            let held = audio.packet_count() as u64 * 2_880;
            assert!(
                held >= count as u64 + 312 && held < count as u64 + 312 + 2_880,
                "{count}"
            );
        }
    }

    #[test]
    fn comments_are_read_back() {
        let bytes = written(42, &tone(3_000));
        let comments = read_ogg_opus_comments(Cursor::new(&bytes)).unwrap();
        assert_eq!(comments, [("TITLE".to_owned(), "Bản tin".to_owned())]);
        let claims: &[(&str, &[u8])] = &[
            ("nothing", b""),
            ("a vendor longer than the packet", b"\xff\xff\xff\xff"),
            (
                "more comments than there are",
                b"\0\0\0\0\xff\xff\xff\xff\0\0\0\0",
            ),
        ];
        for (name, claim) in claims {
            let mut ogg = PacketWriter::new(Vec::new());
            let tags = [b"OpusTags", *claim].concat();
            ogg.write_packet(head_packet(312), 1, PacketWriteEndInfo::EndPage, 0)
                .unwrap();
            ogg.write_packet(tags, 1, PacketWriteEndInfo::EndPage, 0).unwrap();
            let read = read_ogg_opus_comments(Cursor::new(ogg.into_inner()));
            assert!(matches!(read, Err(OggOpusError::Truncated)), "{name}: {read:?}");
        }
    }

    #[test]
    fn pages_are_a_second_at_most_and_counted_right() {
        let bytes = written(42, &tone(5 * 48_000));
        let mut at = 0;
        let mut last_granule = 0;
        let mut pages = 0;
        while at < bytes.len() {
            assert_eq!(&bytes[at..at + 4], b"OggS");
            let granule = u64::from_le_bytes(bytes[at + 6..at + 14].try_into().unwrap());
            assert!(granule - last_granule <= 48_000);
            last_granule = granule;
            let segments = usize::from(bytes[at + 26]);
            at += 27
                + segments
                + bytes[at + 27..at + 27 + segments]
                    .iter()
                    .map(|n| usize::from(*n))
                    .sum::<usize>();
            pages += 1;
        }
        assert_eq!(last_granule, 5 * 48_000 + 312);
        assert_eq!(pages, 2 + 6);
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = written(42, &tone(30_000));
        for len in 0..bytes.len() {
            assert!(
                read_ogg_opus(Cursor::new(&bytes[..len]), HASH, 1 << 20).is_err(),
                "{len} of {}",
                bytes.len()
            );
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = written(42, &tone(6_000));
        let whole = read_ogg_opus(Cursor::new(&bytes), HASH, 1 << 20).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            if let Ok(audio) = read_ogg_opus(Cursor::new(&damaged), HASH, 1 << 20) {
                assert_eq!(audio, whole, "byte {at}");
            }
        }
    }

    #[test]
    fn foreign_files_are_refused_by_name() {
        let rows: &[(&str, Vec<u8>, &[u32], &str)] = &[
            (
                "stereo",
                b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0".to_vec(),
                &[960],
                "not mono",
            ),
            (
                "gain",
                b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\x01\0\0".to_vec(),
                &[960],
                "gain",
            ),
            (
                "version",
                b"OpusHead\x11\x01\x38\x01\x80\xbb\0\0\0\0\0".to_vec(),
                &[960],
                "another kind",
            ),
            (
                "vorbis",
                b"\x01vorbis\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
                &[960],
                "not an Ogg Opus",
            ),
            ("mixed", head_packet(312), &[960, 2_880, 960], "differ in length"),
        ];
        for (name, head, packets, expected) in rows {
            let mut ogg = PacketWriter::new(Vec::new());
            ogg.write_packet(head.clone(), 1, PacketWriteEndInfo::EndPage, 0)
                .unwrap();
            ogg.write_packet(tags_packet(&[]), 1, PacketWriteEndInfo::EndPage, 0)
                .unwrap();
            for (index, samples) in packets.iter().enumerate() {
                let settings = EncoderSettings {
                    packet_samples: *samples,
                    ..Default::default()
                };
                let mut encoder = OpusEncoder::new(&settings).unwrap();
                let packet = encoder.encode(&tone(*samples as usize)).unwrap().to_vec();
                let end = if index + 1 == packets.len() {
                    PacketWriteEndInfo::EndStream
                } else {
                    PacketWriteEndInfo::NormalPacket
                };
                ogg.write_packet(packet, 1, end, 960).unwrap();
            }
            let error = read_ogg_opus(Cursor::new(ogg.into_inner()), HASH, 1 << 20)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let bytes = written(42, &tone(3_000));
        assert!(matches!(
            read_ogg_opus(Cursor::new(&bytes), HASH, 100),
            Err(OggOpusError::TooLarge { limit: 100 })
        ));
        for serial in [42, 43] {
            let twice = [bytes.clone(), written(serial, &tone(3_000))].concat();
            assert!(
                read_ogg_opus(Cursor::new(twice), HASH, 1 << 20).is_err(),
                "a second stream with serial {serial}"
            );
        }
    }

    #[test]
    fn a_length_that_the_packets_do_not_hold_is_not_written() {
        for samples in [0u64, 2_568 + 1, 100_000] {
            let mut writer = OggOpusWriter::new(Vec::new(), 1, 2_880, 312, &[]).unwrap();
            if samples > 0 {
                writer.push(&[0xf8, 0xff, 0xfe]).unwrap();
            }
            assert!(writer.finish(samples).is_err(), "{samples}");
        }
    }
}
