//! Tells HE-AAC from AAC-LC: what the container says, and what the packets themselves hold.

/// What an AudioSpecificConfig announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AacKind {
    /// AAC-LC, which can be played.
    Lc,
    /// SBR, with or without parametric stereo.
    HeAac,
    /// Another object type, by its number.
    Other(u32),
}

/// Reads the kind from an AudioSpecificConfig; none if it is too short to tell.
///
/// Source: ISO/IEC 14496-3 §1.6.2.1; the backward-compatible extension with sync word 0x2b7 in §1.6.5.
pub(crate) fn kind_of_config(config: &[u8]) -> Option<AacKind> {
    let mut bits = Bits { data: config, at: 0 };
    let object_type = bits.object_type()?;
    bits.frequency()?;
    let channels = bits.take(4)?;
    match object_type {
        OBJECT_SBR | OBJECT_PS => return Some(AacKind::HeAac),
        OBJECT_LC => {}
        other => return Some(AacKind::Other(other)),
    }
    if channels == 0 || bits.skip_ga_config().is_none() {
        return Some(AacKind::Lc);
    }
    let extended = bits.take(11) == Some(SYNC_EXTENSION)
        && bits.object_type() == Some(OBJECT_SBR)
        && bits.take(1) == Some(1);
    Some(if extended { AacKind::HeAac } else { AacKind::Lc })
}

/// Counts packets that end in an SBR extension: HE-AAC whose container does not say so.
///
/// The last element of an AAC packet before its end mark is where encoders put
/// the extension. One packet may look so by chance (about 1 in 60); nearly all
/// of them never do.
#[derive(Debug, Default)]
pub(crate) struct SbrWatch {
    seen: u32,
    with_sbr: u32,
}

impl SbrWatch {
    /// Looks at one raw packet (without ADTS header).
    pub(crate) fn look(&mut self, packet: &[u8]) {
        if self.seen < WATCHED_MAX {
            self.seen += 1;
            self.with_sbr += u32::from(ends_in_sbr(packet));
        }
    }

    /// Returns whether enough packets were seen and three quarters of them carry SBR.
    pub(crate) fn is_he_aac(&self) -> bool {
        self.seen >= WATCHED_MIN && self.with_sbr * 4 >= self.seen * 3
    }
}

/// Returns whether some fill element with SBR data reaches exactly to the packet's end mark.
///
/// Source: ISO/IEC 14496-3 table 4.4 (elements, 110 fill, 111 end), 4.11 (fill: count of bytes), 4.121 (type 13, 14).
fn ends_in_sbr(packet: &[u8]) -> bool {
    // The end mark 111 is followed by zero bits up to the byte's end.
    let Some(last) = packet.iter().rposition(|&byte| byte != 0) else {
        return false;
    };
    let end_mark = (last + 1) * 8 - packet[last].trailing_zeros() as usize;
    let Some(end) = end_mark.checked_sub(3) else {
        return false;
    };
    let at = |start: usize| Bits {
        data: packet,
        at: start,
    };
    if at(end).take(3) != Some(ELEMENT_END) {
        return false;
    }
    let first = end.saturating_sub(FILL_BITS_MAX);
    (first..end).any(|start| {
        let mut bits = at(start);
        if bits.take(3) != Some(ELEMENT_FILL) {
            return false;
        }
        let Some(mut count) = bits.take(4) else {
            return false;
        };
        if count == 15 {
            let Some(more) = bits.take(8) else { return false };
            count += more;
            count -= 1;
        }
        let body = bits.at;
        let is_sbr = matches!(bits.take(4), Some(EXTENSION_SBR | EXTENSION_SBR_CRC));
        count > 0 && is_sbr && body + count as usize * 8 == end
    })
}

/// Bits, most significant first. Reading past the end gives none.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            short => Some(short),
        }
    }

    fn frequency(&mut self) -> Option<()> {
        if self.take(4)? == 15 {
            self.take(24)?;
        }
        Some(())
    }

    fn skip_ga_config(&mut self) -> Option<()> {
        self.take(1)?;
        if self.take(1)? == 1 {
            self.take(14)?;
        }
        self.take(1)?;
        Some(())
    }
}

const OBJECT_LC: u32 = 2;
const OBJECT_SBR: u32 = 5;
const OBJECT_PS: u32 = 29;
const SYNC_EXTENSION: u32 = 0x2b7;
const ELEMENT_FILL: u32 = 0b110;
const ELEMENT_END: u32 = 0b111;
const EXTENSION_SBR: u32 = 13;
const EXTENSION_SBR_CRC: u32 = 14;
/// The longest fill element: 3 + 4 + 8 bits and 269 bytes.
const FILL_BITS_MAX: usize = 15 + 269 * 8;
const WATCHED_MIN: u32 = 12;
const WATCHED_MAX: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_tell_their_kind() {
        let rows: &[(&str, &[u8], Option<AacKind>)] = &[
            ("LC 44.1 kHz stereo", &[0x12, 0x10], Some(AacKind::Lc)),
            (
                "LC with the extension switched off, as ffmpeg writes",
                &[0x11, 0x90, 0x56, 0xe5, 0x00],
                Some(AacKind::Lc),
            ),
            (
                "LC with the extension switched on",
                &[0x11, 0x90, 0x56, 0xe5, 0x98],
                Some(AacKind::HeAac),
            ),
            (
                "SBR by object type",
                &[0x2b, 0x11, 0x88, 0x00],
                Some(AacKind::HeAac),
            ),
            (
                "parametric stereo by object type",
                &[0xeb, 0x09, 0x88, 0x00],
                Some(AacKind::HeAac),
            ),
            ("AAC main", &[0x0a, 0x10], Some(AacKind::Other(1))),
            (
                "xHE-AAC, an escaped object type",
                &[0xf9, 0x46, 0x80],
                Some(AacKind::Other(42)),
            ),
            ("one byte", &[0x12], None),
            ("nothing", &[], None),
        ];
        for (name, config, kind) in rows {
            assert_eq!(kind_of_config(config), *kind, "{name}");
        }
    }

    /// A packet of `lead` bits of anything, then maybe a fill element of `count` bytes, then the end mark.
    fn packet(lead: usize, fill: Option<(u32, usize)>) -> Vec<u8> {
        let mut bits: Vec<u8> = (0..lead).map(|n| (n % 3 == 0) as u8).collect();
        let mut put =
            |value: u32, count: usize| bits.extend((0..count).rev().map(|n| (value >> n & 1) as u8));
        if let Some((kind, count)) = fill {
            put(ELEMENT_FILL, 3);
            if count < 15 {
                put(count as u32, 4);
            } else {
                put(15, 4);
                put(count as u32 - 14, 8);
            }
            put(kind, 4);
            put(0, 4);
            (1..count).for_each(|_| put(0, 8));
        }
        put(ELEMENT_END, 3);
        bits.chunks(8)
            .map(|byte| {
                byte.iter()
                    .enumerate()
                    .fold(0, |sum, (n, bit)| sum | bit << (7 - n))
            })
            .collect()
    }

    #[test]
    fn packets_tell_their_kind() {
        for lead in 100..117 {
            assert!(ends_in_sbr(&packet(lead, Some((13, 9)))), "{lead}");
            assert!(ends_in_sbr(&packet(lead, Some((14, 60)))), "{lead}");
            assert!(!ends_in_sbr(&packet(lead, Some((0, 9)))), "{lead}: plain filling");
            assert!(!ends_in_sbr(&packet(lead, None)), "{lead}");
        }
        assert!(!ends_in_sbr(&[]));
        assert!(!ends_in_sbr(&[0, 0]));
        assert!(!ends_in_sbr(&[0x80]));
    }

    #[test]
    fn one_packet_by_chance_is_not_enough() {
        let mut watch = SbrWatch::default();
        for n in 0..WATCHED_MAX {
            let fill = (n % 4 == 0).then_some((13, 9));
            watch.look(&packet(100, fill));
        }
        assert!(!watch.is_he_aac());
        let mut watch = SbrWatch::default();
        for n in 0..WATCHED_MIN {
            assert!(!watch.is_he_aac(), "after {n}");
            watch.look(&packet(100, Some((13, 9))));
        }
        assert!(watch.is_he_aac());
    }
}
