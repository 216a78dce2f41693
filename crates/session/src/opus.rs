//! The little that transport must know of an Opus packet: how long it sounds.

/// Returns how many 48 kHz samples an Opus packet holds, or `None` if no Opus packet begins like this.
///
/// At most [`PACKET_SAMPLES_MAX`].
///
/// Source: RFC 6716 §3.1 (the TOC byte) and §3.2 (frame packing; code 3 carries its frame count).
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms.
        config @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        // Hybrid: 10, 20 ms.
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        // CELT: 2.5, 5, 10, 20 ms.
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples))
}

/// Samples in the longest Opus packet: 120 ms.
///
/// Source: RFC 6716 §3.2.5, requirement R5.
pub const PACKET_SAMPLES_MAX: u32 = 5_760;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_toc_byte() {
        let rows: &[(&str, &[u8], Option<u32>)] = &[
            ("nothing", &[], None),
            ("SILK 10 ms", &[0x00], Some(480)),
            ("SILK wideband 20 ms", &[9 << 3, 1, 2], Some(960)),
            ("SILK wideband 60 ms", &[11 << 3, 1], Some(2_880)),
            ("hybrid 20 ms", &[15 << 3], Some(960)),
            ("CELT 2.5 ms", &[16 << 3], Some(120)),
            ("CELT full band 20 ms", &[31 << 3], Some(960)),
            ("two equal frames", &[(31 << 3) | 1, 7], Some(1_920)),
            ("two frames", &[(31 << 3) | 2, 1, 7], Some(1_920)),
            ("three frames of 20 ms", &[(9 << 3) | 3, 3], Some(2_880)),
            ("count missing", &[(9 << 3) | 3], None),
            ("no frames", &[(9 << 3) | 3, 0], None),
            ("longer than 120 ms", &[(11 << 3) | 3, 3], None),
            ("exactly 120 ms", &[(11 << 3) | 3, 2], Some(5_760)),
        ];
        for (name, packet, expected) in rows {
            assert_eq!(packet_samples(packet), *expected, "{name}");
        }
    }
}
