//! Which gain brings a piece to the target, found by trying: what a limiter and a codec take from a voice shows only
//! once they have done it.

use loa_codec::{EncoderSettings, Tuning};
use loa_dsp::{Target, normalise};

use super::prepare::{Level, PACKET_SAMPLES, Recipe};

/// The search for the gain.
///
/// One cheap pass without the codec tries several gains and tells what the
/// limiter leaves of each. An encoding then tells what the codec takes, and is
/// repeated with that in mind if it missed.
#[derive(Debug)]
pub(super) struct Levelling {
    encoder: EncoderSettings,
    ceiling_dbtp: f64,
    /// True peak of the original.
    true_peak_dbtp: f64,
    /// What a receiver should hear; none if the loudness is to be left alone.
    aim_lufs: Option<f64>,
    /// The difference of loudnesses, which is all that a piece without peaks needs.
    plain_db: f64,
    gain_max_db: f64,
    codec_loss_lu: f64,
    /// Gains that were tried, and the loudness behind the limiter, both rising.
    curve: Vec<(f64, f64)>,
}

impl Levelling {
    /// Begins with a piece of this `level`, to be brought to `target` if that is `wanted`.
    pub(super) fn new(level: Level, target: &Target, wanted: bool, tuning: Tuning, bitrate: u32) -> Self {
        let plain_db = if wanted {
            normalise(level.lufs, level.true_peak_dbtp, target)
        } else {
            0.0
        };
        Self {
            encoder: EncoderSettings {
                bitrate,
                tuning,
                packet_samples: PACKET_SAMPLES,
            },
            ceiling_dbtp: target.ceiling_dbtp,
            true_peak_dbtp: level.true_peak_dbtp,
            aim_lufs: level.lufs.filter(|_| wanted).map(|lufs| lufs + plain_db),
            plain_db,
            gain_max_db: (plain_db + MORE_GAIN_MAX_DB).min(target.gain_max_db + OVER_GAIN_MAX_DB),
            codec_loss_lu: if tuning == Tuning::Speech {
                SPEECH_LOSS_LU
            } else {
                0.0
            },
            curve: Vec::new(),
        }
    }

    /// Returns what to encode with.
    pub(super) fn recipe(&self) -> Recipe {
        self.recipe_with(self.gain_db())
    }

    /// Returns what to try before encoding; nothing if the limiter has nothing to do.
    pub(super) fn trials(&self) -> Vec<Recipe> {
        let first_db = self.gain_db();
        if self.aim_lufs.is_none() || self.true_peak_dbtp + first_db <= self.limiter_dbtp() {
            return Vec::new();
        }
        let mut gains: Vec<f64> = MORE_DB
            .iter()
            .map(|more_db| (first_db + more_db).min(self.gain_max_db))
            .collect();
        gains.dedup();
        gains
            .into_iter()
            .map(|gain_db| self.recipe_with(gain_db))
            .collect()
    }

    /// Takes the level that came of each of the [`trials`](Self::trials).
    pub(super) fn tried(&mut self, trials: &[Recipe], levels: &[Level]) {
        let results = trials
            .iter()
            .zip(levels)
            .filter_map(|(trial, level)| Some((trial.gain_db, level.lufs?)));
        self.curve = results.collect();
    }

    /// Takes the level that receivers hear of an encoding with the [`recipe`](Self::recipe), and returns by how much
    /// it misses, LU: nothing if it is good. If not, the next recipe is a better one.
    pub(super) fn heard(&mut self, level: Level) -> f64 {
        let short = self
            .aim_lufs
            .zip(level.lufs)
            .map_or(0.0, |(aim, lufs)| aim - lufs);
        let is_loudest = short > 0.0 && self.gain_db() >= self.gain_max_db;
        if short.abs() <= LOUDNESS_TOLERANCE_LU || is_loudest {
            return 0.0;
        }
        self.codec_loss_lu += short;
        short.abs()
    }

    fn recipe_with(&self, gain_db: f64) -> Recipe {
        Recipe {
            gain_db,
            limiter_dbtp: self.limiter_dbtp(),
            ceiling_dbtp: self.ceiling_dbtp - METERS_DIFFER_DB,
            encoder: self.encoder,
        }
    }

    fn limiter_dbtp(&self) -> f64 {
        self.ceiling_dbtp - CODEC_PEAKS_DB
    }

    fn gain_db(&self) -> f64 {
        let Some(aim_lufs) = self.aim_lufs else {
            return self.plain_db;
        };
        let gain_db = match &self.curve[..] {
            [] => self.plain_db + self.codec_loss_lu,
            [(gain_db, lufs)] => gain_db + aim_lufs + self.codec_loss_lu - lufs,
            curve => read_gain(curve, aim_lufs + self.codec_loss_lu),
        };
        gain_db.min(self.gain_max_db)
    }
}

/// Reads between the points of `curve`, of which there are two at least, which gain gives `lufs`.
fn read_gain(curve: &[(f64, f64)], lufs: f64) -> f64 {
    let pairs = curve.windows(2).map(|pair| (pair[0], pair[1]));
    let mut gain_db = curve[0].0;
    for ((gain, before), (more_gain, after)) in pairs {
        // Before the first point and after the last, the nearest line goes on.
        let slope = ((after - before) / (more_gain - gain)).clamp(SLOPE_MIN, 1.0);
        gain_db = gain + (lufs - before) / slope;
        if lufs <= after {
            break;
        }
    }
    gain_db
}

/// What libopus takes from the loudness of speech at 32 kbit/s, where it codes the wave and not the spectrum.
const SPEECH_LOSS_LU: f64 = 0.6;
/// What it adds to most peaks; those it adds more to are turned down one by one.
const CODEC_PEAKS_DB: f64 = 1.0;
/// How much more gain than the difference of loudnesses a piece may get, for what the limiter takes back.
const MORE_GAIN_MAX_DB: f64 = 12.0;
/// How much more than the target's greatest gain.
const OVER_GAIN_MAX_DB: f64 = 3.0;
/// The gains that are tried, above the first: of a voice the limiter takes back about half.
const MORE_DB: [f64; 4] = [0.0, 2.0, 4.5, 8.0];
const SLOPE_MIN: f64 = 0.25;
const LOUDNESS_TOLERANCE_LU: f64 = 0.4;
/// The meter of a whole piece and that of a packet round differently.
const METERS_DIFFER_DB: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target = Target {
        lufs: -16.0,
        ceiling_dbtp: -1.5,
        gain_max_db: 20.0,
        limiting_max_db: 9.0,
    };

    /// What a limiter and a codec make of a piece: a part of what is over the ceiling is lost, peaks come back.
    struct Piece {
        level: Level,
        kept: f64,
        codec_loss_lu: f64,
    }

    impl Piece {
        fn limited(&self, recipe: &Recipe) -> Level {
            let lufs = self.level.lufs.unwrap_or(-70.0) + recipe.gain_db;
            let peak = self.level.true_peak_dbtp + recipe.gain_db;
            let over = (peak - recipe.limiter_dbtp).max(0.0);
            Level {
                lufs: self.level.lufs.map(|_| lufs - over * (1.0 - self.kept)),
                true_peak_dbtp: peak.min(recipe.limiter_dbtp),
            }
        }

        fn heard(&self, recipe: &Recipe) -> Level {
            let limited = self.limited(recipe);
            Level {
                lufs: limited.lufs.map(|lufs| lufs - self.codec_loss_lu),
                true_peak_dbtp: recipe.ceiling_dbtp,
            }
        }

        /// Returns rounds needed, gain, and what is heard in the end.
        fn search(&self, tuning: Tuning) -> (u32, f64, Level) {
            let mut search = Levelling::new(self.level, &TARGET, true, tuning, 32_000);
            let trials = search.trials();
            let levels: Vec<Level> = trials.iter().map(|trial| self.limited(trial)).collect();
            search.tried(&trials, &levels);
            for round in 1..10 {
                let recipe = search.recipe();
                let heard = self.heard(&recipe);
                if search.heard(heard) == 0.0 {
                    return (round, recipe.gain_db, heard);
                }
            }
            panic!("it never ends");
        }
    }

    #[test]
    fn finds_the_gain_by_trying() {
        let piece = |lufs: f64, peak: f64, kept, codec_loss_lu| Piece {
            level: Level {
                lufs: Some(lufs),
                true_peak_dbtp: peak,
            },
            kept,
            codec_loss_lu,
        };
        // Each row: a piece, its tuning, and in how many rounds it is good.
        let rows = [
            ("loud, turned down", piece(-9.0, 0.5, 0.5, 0.0), Tuning::Music, 1),
            ("quiet with room", piece(-30.0, -25.0, 0.5, 0.0), Tuning::Music, 1),
            (
                "a voice as expected",
                piece(-22.0, -4.0, 0.5, 0.6),
                Tuning::Speech,
                1,
            ),
            (
                "a voice that loses more",
                piece(-22.0, -4.0, 0.5, 1.5),
                Tuning::Speech,
                2,
            ),
            (
                "a limiter that takes back most",
                piece(-22.0, -4.0, 0.3, 0.6),
                Tuning::Speech,
                1,
            ),
        ];
        for (name, piece, tuning, rounds) in rows {
            let (needed, _, heard) = piece.search(tuning);
            assert_eq!(needed, rounds, "{name}");
            let lufs = heard.lufs.unwrap();
            assert!(
                (lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU,
                "{name}: {lufs} LUFS"
            );
        }
    }

    #[test]
    fn gain_is_bounded_and_then_the_search_ends() {
        let rows = [
            ("hiss", -60.0, -50.0, 23.0),
            ("a limiter that takes all", -20.0, -1.0, 16.0),
        ];
        for (name, lufs, peak, gain_max_db) in rows {
            let level = Level {
                lufs: Some(lufs),
                true_peak_dbtp: peak,
            };
            let piece = Piece {
                level,
                kept: 0.0,
                codec_loss_lu: 0.6,
            };
            let (_, gain_db, _) = piece.search(Tuning::Speech);
            assert!(gain_db <= gain_max_db, "{name}: {gain_db} dB");
        }
    }

    #[test]
    fn a_piece_without_loudness_keeps_its_level() {
        let level = Level {
            lufs: None,
            true_peak_dbtp: -20.0,
        };
        let mut search = Levelling::new(level, &TARGET, true, Tuning::Speech, 32_000);
        assert!(search.trials().is_empty());
        assert_eq!(search.recipe().gain_db, 0.0);
        assert_eq!(search.heard(level), 0.0);
    }

    #[test]
    fn reads_the_gain_between_what_was_tried() {
        let curve = [(6.0, -20.0), (8.0, -19.0), (10.0, -18.5)];
        let rows = [
            (-21.0, 4.0),
            (-20.0, 6.0),
            (-19.5, 7.0),
            (-19.0, 8.0),
            (-18.75, 9.0),
            (-18.0, 12.0),
        ];
        for (lufs, gain_db) in rows {
            assert!((read_gain(&curve, lufs) - gain_db).abs() < 1e-9, "{lufs} LUFS");
        }
    }
}
