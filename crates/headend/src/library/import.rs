//! One import, from a file somewhere to two files in the library, or to nothing.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::Path;

use loa_codec::{AudioFile, Tuning};
use loa_dsp::Target;
use loa_model::{ContentHash, Media};
use sha2::{Digest as _, Sha256};

use super::incoming::Incoming;
use super::levelling::Levelling;
use super::prepare::{self, EncodeError, Level, Recipe};
use super::{ImportError, Library, tags, title_of};

/// How to import a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name shown to people; the file's name without its ending if none.
    pub title: Option<String>,
    /// Opus bit rate, bit/s; the configured one if none.
    pub bitrate: Option<u32>,
    /// Encode as music: full bandwidth and no high-pass, but no in-band repair of lost packets either.
    pub music: bool,
    /// Bring it to the target loudness; if not, only peaks over the ceiling are limited.
    pub normalise: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: None,
            bitrate: None,
            music: false,
            normalise: true,
        }
    }
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The piece: add its row to the store, unless it has one.
    pub media: Media,
    /// The same bytes were there before; `media` is as it was imported then, whatever the options.
    pub already: bool,
}

impl Library {
    /// Imports the file at `path`. `progress` is called now and then with the share that is done, 0 to 1.
    ///
    /// Works in a directory of its own under `incoming/` and moves both files to
    /// their places, whole and flushed to the disk, as its last step: the
    /// original first, since an encoded file alone could not be told apart from
    /// one whose original was lost.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; library and disk are then as they were.
    pub fn import(
        &self,
        path: &Path,
        options: &Options,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Imported, ImportError> {
        let bitrate = options.bitrate.unwrap_or(self.config.bitrate);
        if !(BITRATE_MIN..=BITRATE_MAX).contains(&bitrate) {
            return Err(ImportError::Bitrate {
                bitrate,
                min: BITRATE_MIN,
                max: BITRATE_MAX,
            });
        }
        // Most of what is refused is refused here, before anything is copied.
        let opened = AudioFile::open(path, Some(self.config.limit()))
            .map_err(|error| ImportError::audio(path.to_owned(), error))?;
        let expected = opened
            .expected_frames()
            .map(|frames| frames as f64 / f64::from(opened.rate().max(1)));
        let format = opened.format();
        drop(opened);

        let work = Incoming::begin(&self.dir).map_err(|error| self.write_error(error))?;
        let original = work.path("original");
        let hash = self.copy(path, &original)?;
        if let Some(media) = self.find(hash) {
            return Ok(Imported { media, already: true });
        }
        let mut progress = Progress {
            report: progress,
            reached: 0.0,
        };
        let expected = expected.unwrap_or(0.0) * f64::from(loa_model::SAMPLE_RATE);
        let (level, samples) = progress
            .over(0.1, expected, |done| {
                prepare::measure(&original, self.config.limit(), done)
            })
            .map_err(|error| ImportError::audio(path.to_owned(), error))?;

        let mut media = Media {
            hash,
            title: options
                .title
                .clone()
                .unwrap_or_else(|| title_of(&file_name(path))),
            format: format.to_owned(),
            samples,
            loudness_lufs: level.lufs,
            true_peak_dbtp: level.true_peak_dbtp,
            gain_db: 0.0,
            bitrate,
            encoded_bytes: 0,
        };
        let files = Files {
            given: path,
            original: &original,
            encoded: &work.path("encoded"),
        };
        let tuning = if options.music {
            Tuning::Music
        } else {
            Tuning::Speech
        };
        let mut levelling = Levelling::new(level, &self.target(), options.normalise, tuning, bitrate);
        let trials = levelling.trials();
        if !trials.is_empty() {
            let levels = progress
                .over(0.1, samples as f64, |done| {
                    prepare::try_levels(&original, &trials, done)
                })
                .map_err(|error| ImportError::audio(path.to_owned(), error))?;
            levelling.tried(&trials, &levels);
        }
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS_MAX {
            let recipe = levelling.recipe();
            let round = Media {
                gain_db: recipe.gain_db,
                ..media.clone()
            };
            let next = Files {
                encoded: &work.path("next"),
                ..files
            };
            let heard = progress.over(0.95, samples as f64, |done| {
                self.encode(&next, &round, &recipe, done)
            })?;
            let miss = levelling.heard(heard);
            if miss < best {
                best = miss;
                media = round;
                fs::rename(next.encoded, files.encoded).map_err(|error| self.write_error(error))?;
            }
            if miss == 0.0 {
                break;
            }
        }
        let encoded = fs::metadata(files.encoded).map_err(|error| self.write_error(error))?;
        media.encoded_bytes = encoded.len();
        let imported = self.publish(&files, media)?;
        (progress.report)(1.0);
        Ok(imported)
    }

    /// Copies the file and returns the hash of what was copied.
    fn copy(&self, from: &Path, to: &Path) -> Result<ContentHash, ImportError> {
        let unreadable = |source| ImportError::Read {
            path: from.to_owned(),
            source,
        };
        let mut source = File::open(from).map_err(unreadable)?;
        let mut copy = File::create(to).map_err(|error| self.write_error(error))?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; COPY_BYTES];
        loop {
            let read = match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            hasher.update(&chunk[..read]);
            copy.write_all(&chunk[..read])
                .map_err(|error| self.write_error(error))?;
        }
        copy.sync_all().map_err(|error| self.write_error(error))?;
        Ok(ContentHash(hasher.finalize().into()))
    }

    /// Encodes the original, flushed to the disk, and returns the level of what is decoded from it.
    fn encode(
        &self,
        files: &Files<'_>,
        media: &Media,
        recipe: &Recipe,
        done: &mut dyn FnMut(u64),
    ) -> Result<Level, ImportError> {
        let mut file = BufWriter::new(File::create(files.encoded).map_err(|error| self.write_error(error))?);
        let comments = tags::of(media);
        let comments: Vec<(&str, &str)> = comments
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let [a, b, c, d, ..] = media.hash.0;
        let header = (u32::from_be_bytes([a, b, c, d]), &comments[..]);
        let given = || files.given.to_owned();
        let heard = prepare::encode(files.original, media.samples, recipe, &mut file, header, done).map_err(
            |error| match error {
                EncodeError::Audio(error) => ImportError::audio(given(), error),
                EncodeError::Opus(source) => ImportError::Encode {
                    path: given(),
                    source,
                },
                EncodeError::Write(error) => self.write_error(error),
            },
        )?;
        let file = file
            .into_inner()
            .map_err(|error| self.write_error(error.into_error()))?;
        file.sync_all().map_err(|error| self.write_error(error))?;
        Ok(heard)
    }

    /// Moves both files to their places, unless another import of the same bytes was faster.
    fn publish(&self, files: &Files<'_>, media: Media) -> Result<Imported, ImportError> {
        let dir = File::open(&self.dir).map_err(|error| self.write_error(error))?;
        dir.lock().map_err(|error| self.write_error(error))?;
        if let Some(media) = self.find(media.hash) {
            return Ok(Imported { media, already: true });
        }
        let original = self.original_path(media.hash);
        let was_there = original.exists();
        let moved = fs::rename(files.original, &original)
            .and_then(|()| fs::rename(files.encoded, self.encoded_path(media.hash)));
        if moved.is_err() && !was_there {
            let _ = fs::remove_file(original);
        }
        moved
            .and_then(|()| dir.sync_all())
            .map_err(|error| self.write_error(error))?;
        Ok(Imported {
            media,
            already: false,
        })
    }

    fn target(&self) -> Target {
        Target {
            lufs: self.config.target_lufs,
            ceiling_dbtp: self.config.true_peak_dbtp,
            ..Target::default()
        }
    }

    pub(super) fn write_error(&self, source: io::Error) -> ImportError {
        ImportError::write(self.dir.clone(), source)
    }
}

/// The files of one import.
#[derive(Clone, Copy)]
struct Files<'a> {
    given: &'a Path,
    original: &'a Path,
    encoded: &'a Path,
}

/// A bar that only moves forward, though how many passes there will be shows only on the way.
struct Progress<'a> {
    report: &'a mut dyn FnMut(f32),
    reached: f32,
}

impl Progress<'_> {
    /// Runs a pass over `expected` samples, which takes this share of what is left of the bar.
    fn over<T>(&mut self, share: f32, expected: f64, pass: impl FnOnce(&mut dyn FnMut(u64)) -> T) -> T {
        let (from, span) = (self.reached, (1.0 - self.reached) * share);
        let result = pass(&mut |done| {
            let along = (done as f64 / expected.max(1.0)).min(1.0) as f32;
            (self.report)(from + span * along);
        });
        self.reached = from + span;
        result
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Below this Opus speech in 60 ms packets is hard to follow, above it a packet may outgrow a datagram.
const BITRATE_MIN: u32 = 8_000;
const BITRATE_MAX: u32 = 160_000;
/// Encodings of one file: most need one, and after these the best one stays.
const ROUNDS_MAX: u32 = 3;
const COPY_BYTES: usize = 1 << 20;
