//! Looks into an MP4 before it is decoded: protection, missing index, missing media data.

use std::io::{self, Read, Seek, SeekFrom};

/// What the boxes of an MP4 say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mp4Facts {
    /// Some track is encrypted.
    pub(crate) is_protected: bool,
    /// A box ends beyond the file, or there is media data without an index.
    pub(crate) is_cut: bool,
    /// Sample entries of audio tracks that nothing here decodes, for example `ac-3`.
    pub(crate) foreign_audio: Option<String>,
    /// Some audio track can be tried.
    pub(crate) has_audio: bool,
}

/// Walks the boxes. Bounded: at most [`BOXES_MAX`] boxes, and bodies are skipped, not read.
///
/// Source: ISO/IEC 14496-12 §4.2 (boxes), §8.5.2 (`stsd`), §8.12 (`sinf`); `drms` is Apple's FairPlay.
pub(crate) fn read_facts<R: Read + Seek>(source: &mut R, file_len: u64) -> io::Result<Mp4Facts> {
    let mut walk = Walk {
        facts: Mp4Facts::default(),
        boxes_left: BOXES_MAX,
        has_index: false,
        has_data: false,
    };
    walk.boxes(source, 0, file_len, true)?;
    if walk.has_data && !walk.has_index {
        walk.facts.is_cut = true;
    }
    Ok(walk.facts)
}

struct Walk {
    facts: Mp4Facts,
    boxes_left: u32,
    has_index: bool,
    has_data: bool,
}

impl Walk {
    fn boxes<R: Read + Seek>(&mut self, source: &mut R, start: u64, end: u64, top: bool) -> io::Result<()> {
        let mut at = start;
        while at + 8 <= end && self.boxes_left > 0 {
            self.boxes_left -= 1;
            source.seek(SeekFrom::Start(at))?;
            let Some((kind, header, mut len)) = read_header(source, end - at)? else {
                self.facts.is_cut |= top;
                return Ok(());
            };
            if len < header {
                return Ok(()); // Malformed: the demuxer will say so.
            }
            if at.saturating_add(len) > end {
                self.facts.is_cut |= top;
                len = end - at;
            }
            let body = at + header;
            match &kind {
                b"moov" => {
                    self.has_index = true;
                    self.boxes(source, body, at + len, false)?;
                }
                b"trak" | b"mdia" | b"minf" | b"stbl" => self.boxes(source, body, at + len, false)?,
                b"stsd" => self.sample_entries(source, body + 8, at + len)?,
                b"mdat" => self.has_data = true,
                b"moof" => self.has_index = true,
                _ => {}
            }
            at += len;
        }
        Ok(())
    }

    fn sample_entries<R: Read + Seek>(&mut self, source: &mut R, start: u64, end: u64) -> io::Result<()> {
        let mut at = start;
        while at + 8 <= end && self.boxes_left > 0 {
            self.boxes_left -= 1;
            source.seek(SeekFrom::Start(at))?;
            let Some((kind, _, len)) = read_header(source, end - at)? else {
                return Ok(());
            };
            match &kind {
                b"enca" | b"encv" | b"drms" | b"drmi" => self.facts.is_protected = true,
                b"mp4a" | b"alac" | b"fLaC" | b"Opus" | b".mp3" | b"lpcm" | b"sowt" | b"twos" | b"raw " => {
                    self.facts.has_audio = true;
                }
                b"ac-3" | b"ec-3" | b"ac-4" | b"samr" | b"sawb" | b"dtsc" | b"dtse" | b"mha1" | b"mhm1" => {
                    let name = String::from_utf8_lossy(&kind).trim().to_owned();
                    self.facts.foreign_audio.get_or_insert(name);
                }
                _ => {}
            }
            if len < 8 {
                return Ok(());
            }
            at += len;
        }
        Ok(())
    }
}

/// Reads a box header: kind, header length, whole length. None if the file ends within it.
fn read_header<R: Read>(source: &mut R, rest: u64) -> io::Result<Option<([u8; 4], u64, u64)>> {
    let mut head = [0u8; 8];
    if !read_whole(source, &mut head)? {
        return Ok(None);
    }
    let [a, b, c, d, k0, k1, k2, k3] = head;
    let kind = [k0, k1, k2, k3];
    match u32::from_be_bytes([a, b, c, d]) {
        // To the end of the file.
        0 => Ok(Some((kind, 8, rest))),
        1 => {
            let mut large = [0u8; 8];
            if !read_whole(source, &mut large)? {
                return Ok(None);
            }
            Ok(Some((kind, 16, u64::from_be_bytes(large))))
        }
        len => Ok(Some((kind, 8, u64::from(len)))),
    }
}

fn read_whole<R: Read>(source: &mut R, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// An ordinary file has some fifty; fragmented ones a few per second.
const BOXES_MAX: u32 = 100_000;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(body);
        bytes
    }

    /// A file with one track whose sample entry is `entry`.
    fn file(entry: &[u8; 4], parts: &str) -> Vec<u8> {
        let mut description = vec![0, 0, 0, 0, 0, 0, 0, 1];
        description.extend(boxed(entry, &[0; 28]));
        let mut index = boxed(b"stsd", &description);
        for kind in [b"stbl", b"minf", b"mdia", b"trak", b"moov"] {
            index = boxed(kind, &index);
        }
        let data = boxed(b"mdat", &[7; 100]);
        let mut bytes = boxed(b"ftyp", b"M4A \0\0\0\0");
        for part in parts.split(' ') {
            match part {
                "moov" => bytes.extend(&index),
                "mdat" => bytes.extend(&data),
                "cut" => bytes.truncate(bytes.len() - 40),
                other => panic!("{other}"),
            }
        }
        bytes
    }

    #[test]
    fn facts_are_read() {
        let rows = [
            ("plain", file(b"mp4a", "moov mdat"), "audio"),
            ("index last", file(b"mp4a", "mdat moov"), "audio"),
            ("protected by CENC", file(b"enca", "moov mdat"), "protected"),
            ("protected by FairPlay", file(b"drms", "moov mdat"), "protected"),
            ("Dolby", file(b"ac-3", "moov mdat"), "ac-3"),
            ("media data cut", file(b"mp4a", "moov mdat cut"), "audio cut"),
            ("index never came", file(b"mp4a", "mdat"), "cut"),
            ("cut inside the index", file(b"mp4a", "mdat moov cut"), "cut"),
            ("text track only", file(b"tx3g", "moov mdat"), ""),
        ];
        for (name, bytes, expected) in rows {
            let facts = read_facts(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
            let mut words = Vec::new();
            words.extend(facts.has_audio.then_some("audio"));
            words.extend(facts.is_protected.then_some("protected"));
            words.extend(facts.foreign_audio.as_deref());
            words.extend(facts.is_cut.then_some("cut"));
            assert_eq!(words.join(" "), expected, "{name}");
        }
    }

    #[test]
    fn hostile_sizes_end() {
        for size in [0u32, 1, 2, 7, 8, u32::MAX] {
            let mut bytes = size.to_be_bytes().to_vec();
            bytes.extend(b"moov");
            bytes.extend([0xff; 64]);
            read_facts(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
        }
    }
}
