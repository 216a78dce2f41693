//! Samples as files and cards want them.

/// Converts to 16 bits, appending to `out`; returns how many samples had to be cut off.
///
/// Full scale is ±32 767, so that a limiter's ceiling means the same above and below zero.
pub(crate) fn to_pcm16(samples: &[f32], out: &mut Vec<i16>) -> u64 {
    let mut clipped = 0;
    out.extend(samples.iter().map(|sample| {
        let scaled = (sample * FULL_SCALE).round();
        clipped += u64::from(!(-FULL_SCALE..=FULL_SCALE).contains(&scaled));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and takes NaN to 0"
        )]
        let pcm = scaled as i16;
        pcm.max(-i16::MAX)
    }));
    clipped
}

const FULL_SCALE: f32 = 32_767.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_beyond_full_scale_are_cut_and_counted() {
        let rows: &[(f32, i16, u64)] = &[
            (0.0, 0, 0),
            (0.5, 16_384, 0),
            (1.0, 32_767, 0),
            (-1.0, -32_767, 0),
            (1.1, 32_767, 1),
            (-1.1, -32_767, 1),
            (f32::NAN, 0, 1),
            (f32::NEG_INFINITY, -32_767, 1),
        ];
        for (sample, pcm, clipped) in rows {
            let mut out = Vec::new();
            assert_eq!(to_pcm16(&[*sample], &mut out), *clipped, "{sample}");
            assert_eq!(out, [*pcm], "{sample}");
        }
    }
}
