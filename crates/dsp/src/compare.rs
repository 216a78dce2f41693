//! Is this recording that programme, and where? Used by the demo's proof and by tests.

/// Where a reference lies in a recording, and how alike they are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Samples from the recording's start to the reference's start.
    pub offset: i64,
    /// Correlation, −1 to 1.
    pub correlation: f64,
}

/// Returns the RMS of each whole `frame` of samples: how loud it is over time, whatever the codec did to the wave.
pub fn envelope(samples: &[f32], frame: usize) -> Vec<f64> {
    let rms = |frame: &[f32]| {
        let energy: f64 = frame.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
        (energy / frame.len() as f64).sqrt()
    };
    samples.chunks_exact(frame).map(rms).collect()
}

/// Finds where the envelope of `reference` fits `recording` best, to one `frame` of samples.
///
/// None if the recording is the shorter one, or either is shorter than a frame.
pub fn find_by_envelope(reference: &[f32], recording: &[f32], frame: usize) -> Option<Match> {
    let (a, b) = (envelope(reference, frame), envelope(recording, frame));
    if a.is_empty() || a.len() > b.len() {
        return None;
    }
    let at = |start: usize| Match {
        offset: i64::try_from(start * frame).unwrap_or(i64::MAX),
        correlation: correlation(&a, &b[start..start + a.len()]),
    };
    (0..=b.len() - a.len())
        .map(at)
        .max_by(|x, y| x.correlation.total_cmp(&y.correlation))
}

/// Finds by how many samples `b` is later than `a`, within ± `lag_max`, from the waves themselves.
///
/// Both are taken to begin at the same instant. None if there is too little sound to say.
pub fn find_lag(a: &[f32], b: &[f32], lag_max: usize) -> Option<Match> {
    let len = a.len().min(b.len());
    let core = lag_max..len.checked_sub(lag_max).filter(|end| *end > lag_max)?;
    let energy = |s: &[f32]| s.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
    let reference = &a[core.clone()];
    let reference_energy = energy(reference);
    if reference_energy < 1e-6 {
        return None;
    }
    let at = |lag: i64| {
        let start = core.start.checked_add_signed(isize::try_from(lag).ok()?)?;
        let other = &b[start..start + reference.len()];
        let product: f32 = reference.iter().zip(other).map(|(x, y)| x * y).sum();
        let scale = (reference_energy * energy(other)).sqrt();
        Some(Match {
            offset: lag,
            correlation: if scale > 0.0 {
                f64::from(product) / scale
            } else {
                0.0
            },
        })
    };
    let lag_max = i64::try_from(lag_max).ok()?;
    (-lag_max..=lag_max)
        .filter_map(at)
        .max_by(|x, y| x.correlation.total_cmp(&y.correlation))
}

/// Pearson's correlation of two equally long series; zero if either is constant.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |s: &[f64]| s.iter().sum::<f64>() / s.len().max(1) as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut product, mut va, mut vb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        product += (x - ma) * (y - mb);
        va += (x - ma) * (x - ma);
        vb += (y - mb) * (y - mb);
    }
    if va > 0.0 && vb > 0.0 {
        product / (va * vb).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise whose loudness wanders, as speech does; the same for the same seed.
    fn babble(len: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let mut level = 0.0f32;
        (0..len)
            .map(|i| {
                if i % 4_800 == 0 {
                    level = (next() + 0.5).powi(2);
                }
                next() * level
            })
            .collect()
    }

    #[test]
    fn finds_a_programme_in_a_recording() {
        let programme = babble(96_000, 1);
        let mut recording = vec![0.0; 48_000];
        recording.extend(programme.iter().map(|s| s * 0.3));
        recording.extend(babble(48_000, 2));
        let found = find_by_envelope(&programme, &recording, 960).unwrap();
        assert_eq!(found.offset, 48_000);
        assert!(found.correlation > 0.999, "{found:?}");
        let other = find_by_envelope(&babble(96_000, 3), &recording, 960).unwrap();
        assert!(
            other.correlation < 0.8,
            "another programme must not pass: {other:?}"
        );
    }

    #[test]
    fn measures_a_lag_to_the_sample() {
        let a = babble(48_000, 7);
        for lag in [-40i64, 0, 17] {
            let b: Vec<f32> = (0..48_000i64)
                .map(|i| {
                    usize::try_from(i - lag)
                        .ok()
                        .and_then(|i| a.get(i))
                        .copied()
                        .unwrap_or(0.0)
                })
                .collect();
            let found = find_lag(&a, &b, 48).unwrap();
            assert_eq!(found.offset, lag);
            assert!(found.correlation > 0.99);
        }
        assert_eq!(find_lag(&vec![0.0; 48_000], &a, 48), None, "silence says nothing");
        assert_eq!(find_lag(&a[..50], &a, 48), None, "too short to say");
    }
}
