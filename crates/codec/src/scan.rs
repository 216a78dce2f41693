//! A look at the file before it is decoded, for what a decoder would not tell: which container, is it whole, is it protected.

use std::io::{self, Read, Seek, SeekFrom};

use crate::mp4;
use crate::refuse::RefuseReason;

/// What the container is and says about itself.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) container: Container,
    /// The file ends before its container does. Decode to learn where.
    pub(crate) is_cut: bool,
    /// The number of samples that the demuxer gives is a promise of the file, and not an estimate or a filler.
    pub(crate) length_is_promised: bool,
}

/// The containers that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Wav,
    Aiff,
    Mp4,
    Flac,
    Ogg,
    Adts,
    Mpeg,
}

/// Looks, and leaves `source` at its start.
///
/// # Errors
///
/// The outer one if reading fails; the inner one if the file is to be refused already.
pub(crate) fn scan<R: Read + Seek>(source: &mut R) -> io::Result<Result<Scan, RefuseReason>> {
    let file_len = source.seek(SeekFrom::End(0))?;
    let found = look(source, file_len)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(found)
}

fn look<R: Read + Seek>(source: &mut R, file_len: u64) -> io::Result<Result<Scan, RefuseReason>> {
    if file_len == 0 {
        return Ok(Err(RefuseReason::Empty));
    }
    let head = read_at(source, 0, HEAD_BYTES)?;
    let starts = |magic: &[u8]| head.starts_with(magic);
    let form = head.get(8..12).unwrap_or_default();
    if let Some(codec) = foreign(&head) {
        return Ok(Err(RefuseReason::Unsupported {
            codec: codec.to_owned(),
        }));
    }
    if (starts(b"RIFF") || starts(b"RF64") || starts(b"BW64")) && form == b"WAVE" {
        if !starts(b"RIFF") {
            return Ok(Err(RefuseReason::Unsupported {
                codec: "WAV larger than 4 GB (RF64)".to_owned(),
            }));
        }
        return chunks(source, file_len, Container::Wav).map(Ok);
    }
    if starts(b"FORM") && (form == b"AIFF" || form == b"AIFC") {
        return chunks(source, file_len, Container::Aiff).map(Ok);
    }
    if head.get(4..8) == Some(b"ftyp")
        || matches!(head.get(4..8), Some(b"moov" | b"mdat" | b"free" | b"wide"))
    {
        return mp4(source, file_len);
    }
    if starts(b"OggS") {
        let is_cut = !ogg_has_end(source, file_len)?;
        return Ok(Ok(Scan {
            container: Container::Ogg,
            is_cut,
            length_is_promised: false,
        }));
    }
    // MP3, AAC and FLAC may be preceded by ID3 tags.
    let start = after_id3(source)?;
    let head = read_at(source, start, HEAD_BYTES)?;
    if head.starts_with(b"fLaC") {
        return Ok(Ok(Scan {
            container: Container::Flac,
            is_cut: false,
            length_is_promised: true,
        }));
    }
    match head[..] {
        // ADTS: 12 bits of sync, layer 00.
        [0xff, b, ..] if b & 0xf6 == 0xf0 => {
            return Ok(match head.get(2).map(|b| b >> 6) {
                Some(ADTS_LC) => Ok(Scan {
                    container: Container::Adts,
                    is_cut: false,
                    length_is_promised: false,
                }),
                Some(profile) => Err(RefuseReason::Unsupported {
                    codec: format!("AAC profile {}", profile + 1),
                }),
                None => Err(RefuseReason::Truncated {
                    at: std::time::Duration::ZERO,
                }),
            });
        }
        _ => {}
    }
    let tagged = [&b"Xing"[..], b"Info", b"VBRI"]
        .iter()
        .any(|tag| head.windows(4).any(|word| word == *tag));
    Ok(Ok(Scan {
        container: Container::Mpeg,
        is_cut: false,
        length_is_promised: tagged,
    }))
}

/// Formats that are known by their first bytes and not played, so that the refusal can name them.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let known: &[(&[u8], &str)] = &[
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
        (b"#!AMR", "AMR"),
        (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
        (b".RMF", "RealAudio"),
        (b"MThd", "MIDI"),
        (b"MAC ", "Monkey's Audio"),
        (b"wvpk", "WavPack"),
        (b"caff", "CAF"),
        (b".snd", "Sun audio"),
        (b"DSD ", "DSD"),
    ];
    known
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, name)| *name)
}

/// Walks RIFF or AIFF chunks up to the one with the samples.
///
/// Source: the RIFF and EA IFF 85 chunk layout: four letters, a 32-bit length, a body padded to even.
fn chunks<R: Read + Seek>(source: &mut R, file_len: u64, container: Container) -> io::Result<Scan> {
    let (wanted, big_endian): (&[u8], bool) = match container {
        Container::Aiff => (b"SSND", true),
        _ => (b"data", false),
    };
    let mut at = 12;
    for _ in 0..CHUNKS_MAX {
        let head = read_at(source, at, 8)?;
        let [k0, k1, k2, k3, l0, l1, l2, l3] = head[..] else {
            break;
        };
        let bytes = [l0, l1, l2, l3];
        let len = u64::from(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        });
        if [k0, k1, k2, k3] == wanted[..] {
            // A program that wrote to a pipe could not come back to fill in the length.
            let is_filler = len >= LENGTH_UNKNOWN_MIN || (len == 0 && file_len > at + 8);
            let is_cut = !is_filler && at + 8 + len > file_len;
            return Ok(Scan {
                container,
                is_cut,
                length_is_promised: !is_filler,
            });
        }
        at += 8 + len + len % 2;
    }
    Ok(Scan {
        container,
        is_cut: true,
        length_is_promised: false,
    })
}

fn mp4<R: Read + Seek>(source: &mut R, file_len: u64) -> io::Result<Result<Scan, RefuseReason>> {
    source.seek(SeekFrom::Start(0))?;
    let facts = mp4::read_facts(source, file_len)?;
    if facts.is_protected {
        return Ok(Err(RefuseReason::Drm));
    }
    if let (false, Some(codec)) = (facts.has_audio, facts.foreign_audio) {
        return Ok(Err(RefuseReason::Unsupported { codec }));
    }
    Ok(Ok(Scan {
        container: Container::Mp4,
        is_cut: facts.is_cut,
        length_is_promised: true,
    }))
}

/// Returns whether the last page is whole and marked as the end of its stream (RFC 3533 §6).
fn ogg_has_end<R: Read + Seek>(source: &mut R, file_len: u64) -> io::Result<bool> {
    let start = file_len.saturating_sub(OGG_PAGE_BYTES_MAX);
    let tail = read_at(source, start, OGG_PAGE_BYTES_MAX)?;
    let Some(page) = tail.windows(4).rposition(|word| word == b"OggS") else {
        return Ok(false);
    };
    let page = &tail[page..];
    let (Some(flags), Some(&segments)) = (page.get(5), page.get(26)) else {
        return Ok(false);
    };
    let table = page.get(27..27 + usize::from(segments));
    let is_whole = table.is_some_and(|table| {
        let body: usize = table.iter().map(|len| usize::from(*len)).sum();
        page.len() >= 27 + table.len() + body
    });
    Ok(is_whole && flags & OGG_END_OF_STREAM != 0)
}

/// Returns where the audio begins after any ID3v2 tags.
///
/// Source: ID3v2.4 §3.1, a length of four times seven bits.
fn after_id3<R: Read + Seek>(source: &mut R) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..ID3_TAGS_MAX {
        let head = read_at(source, at, 10)?;
        let (Some(b"ID3"), Some(&[l0, l1, l2, l3])) = (head.get(..3), head.get(6..10)) else {
            break;
        };
        let len = [l0, l1, l2, l3]
            .iter()
            .fold(0u64, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
        let footer = head.get(5).map_or(0, |flags| u64::from(flags & 0x10 != 0) * 10);
        at += 10 + len + footer;
    }
    Ok(at)
}

fn read_at<R: Read + Seek>(source: &mut R, at: u64, len: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Enough for the first MP3 frame and the tag within it.
const HEAD_BYTES: u64 = 1_024;
const CHUNKS_MAX: u32 = 10_000;
/// sox writes 0x7fff_f000 and ffmpeg 0xffff_ffff when the length is not known.
const LENGTH_UNKNOWN_MIN: u64 = 0x7fff_0000;
/// RFC 3533 §6: 27 + 255 + 255 × 255 bytes.
const OGG_PAGE_BYTES_MAX: u64 = 65_307;
const OGG_END_OF_STREAM: u8 = 0x04;
const ID3_TAGS_MAX: u32 = 4;
const ADTS_LC: u8 = 1;
