//! A stretch of a piece, made into a file that can be imported as any other.

use std::io;
use std::ops::Range;
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use loa_codec::MonoFile;
use loa_model::{ContentHash, SAMPLE_RATE};

use super::{ImportError, Library};

impl Library {
    /// Writes a stretch of a piece's original, in samples at 48 kHz, to a new WAV file at `to`.
    ///
    /// What is approved is a hash, so a stretch is a piece of its own, with an approval of its own; the whole piece
    /// and its approval stay what they are. Both ends are faded over 5 ms, so that they do not click.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the original is missing or damaged, or there is no room.
    pub fn cut(&self, from: ContentHash, stretch: Range<u64>, to: &Path) -> Result<(), ImportError> {
        let original = self.original_path(from);
        let unreadable = |error| ImportError::audio(original.clone(), error);
        let unwritten = |error| match error {
            hound::Error::IoError(source) => self.write_error(source),
            other => self.write_error(io::Error::other(other)),
        };
        let spec = WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file = MonoFile::open(&original, None).map_err(unreadable)?;
        let mut wav = WavWriter::create(to, spec).map_err(unwritten)?;
        let mut at = 0;
        while at < stretch.end
            && let Some(block) = file.next_block().map_err(unreadable)?
        {
            for sample in block {
                if stretch.contains(&at) {
                    wav.write_sample(rounded(sample * fade(at, &stretch)))
                        .map_err(unwritten)?;
                }
                at += 1;
            }
        }
        wav.finalize().map_err(unwritten)
    }
}

/// Returns how much of the sample at `at` is heard.
fn fade(at: u64, stretch: &Range<u64>) -> f32 {
    let nearest = (at - stretch.start).min(stretch.end - 1 - at);
    (nearest as f32 / FADE as f32).min(1.0)
}

#[expect(clippy::cast_possible_truncation, reason = "in range after the limits")]
fn rounded(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// 5 ms at 48 kHz.
const FADE: u64 = 240;
