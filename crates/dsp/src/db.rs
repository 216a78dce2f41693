//! Decibels to factors and back.

/// What silence is called: far below any level met, and a number that JSON can carry.
pub const SILENCE_DB: f64 = -120.0;

/// Returns the factor on amplitude of `db` decibels; zero at [`SILENCE_DB`] and below.
pub fn db_to_gain(db: f64) -> f32 {
    if db <= SILENCE_DB {
        return 0.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "audio is f32; rounding is the intent"
    )]
    let gain = 10f64.powf(db / 20.0) as f32;
    gain
}

/// Returns the decibels of a factor on amplitude, never below [`SILENCE_DB`].
pub fn gain_to_db(gain: f64) -> f64 {
    if gain > 0.0 {
        (20.0 * gain.log10()).max(SILENCE_DB)
    } else {
        SILENCE_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_and_factors_agree() {
        let rows = [
            (0.0, 1.0),
            (-6.0206, 0.5),
            (20.0, 10.0),
            (-1.5, 0.841_395),
            (-120.0, 0.0),
            (-500.0, 0.0),
        ];
        for (db, gain) in rows {
            assert!((f64::from(db_to_gain(db)) - gain).abs() < 1e-5, "{db} dB");
        }
        assert_eq!(gain_to_db(0.0), SILENCE_DB);
        assert_eq!(gain_to_db(f64::NAN), SILENCE_DB);
        assert!((gain_to_db(0.5) + 6.0206).abs() < 1e-4);
    }
}
