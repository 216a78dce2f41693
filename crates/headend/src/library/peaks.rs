//! How a piece looks: the height of its wave, read once from the encoded file and kept beside it.

use std::fs;
use std::io;
use std::path::PathBuf;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};
use loa_model::{ContentHash, EncodedAudio, SAMPLE_RATE};

use super::incoming::Incoming;
use super::{Library, ReadError};

/// Heights for each second of sound.
pub const PEAKS_PER_S: u32 = 25;

impl Library {
    /// Returns the highest sample of each 1/[`PEAKS_PER_S`] s of what receivers hear; 255 is full scale.
    ///
    /// Made at the first call, in about a second for an hour of speech; read from the disk at all others.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the piece is missing or damaged.
    pub fn peaks(&self, hash: ContentHash) -> Result<Vec<u8>, ReadError> {
        let path = self.peaks_path(hash);
        if let Ok(kept) = fs::read(&path) {
            return Ok(kept);
        }
        let peaks = peaks_of(&self.read(hash)?);
        // What cannot be kept is made again the next time.
        let _ = self.keep_peaks(hash, &peaks);
        Ok(peaks)
    }

    fn keep_peaks(&self, hash: ContentHash, peaks: &[u8]) -> io::Result<()> {
        let work = Incoming::begin(&self.dir)?;
        let made = work.path("peaks");
        fs::write(&made, peaks)?;
        fs::rename(made, self.peaks_path(hash))
    }

    pub(super) fn peaks_path(&self, hash: ContentHash) -> PathBuf {
        self.dir.join(format!("{hash}.peaks"))
    }
}

fn peaks_of(audio: &EncodedAudio) -> Vec<u8> {
    let mut peaks = Vec::new();
    let Ok(mut decoder) = OpusDecoder::new() else {
        return peaks;
    };
    let mut block = vec![0.0; DECODED_SAMPLES_MAX];
    let (mut to_skip, mut left) = (audio.pre_skip as usize, audio.samples);
    let (mut highest, mut held) = (0.0f32, 0);
    for packet in (0..audio.packet_count()).map_while(|index| audio.packet(index)) {
        let count = decoder.decode(packet, &mut block).unwrap_or(0);
        let skipped = to_skip.min(count);
        to_skip -= skipped;
        let kept = usize::try_from(left).map_or(count, |left| left.min(count - skipped));
        left -= kept as u64;
        for sample in &block[skipped..skipped + kept] {
            highest = highest.max(sample.abs());
            held += 1;
            if held == SAMPLES_PER_PEAK {
                peaks.push(height(highest));
                (highest, held) = (0.0, 0);
            }
        }
    }
    if held > 0 {
        peaks.push(height(highest));
    }
    peaks
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 255 after the limits"
)]
fn height(sample: f32) -> u8 {
    (sample.clamp(0.0, 1.0) * 255.0).round() as u8
}

const SAMPLES_PER_PEAK: u32 = SAMPLE_RATE / PEAKS_PER_S;
