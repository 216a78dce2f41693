//! Frames into a WAV file that is valid even after `kill -9` or a power cut.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use loa_model::{MonoTime, SAMPLE_RATE};

use crate::paced::Output;

/// A WAV file: 48 kHz, mono, 16 bits; the header is brought up to date every second.
///
/// A file that is already there, or that reaches [`FILE_FRAMES_MAX`], is kept
/// as `NAME.1.wav` in place of the one before it; so the disk holds at most two.
/// When writing fails (disk full) the file ends there and stays valid; the rest is lost and counted.
pub(crate) struct WavOutput {
    path: PathBuf,
    writer: Option<Writer>,
    frames: u32,
    frames_max: u32,
    fault: Option<String>,
}

type Writer = WavWriter<BufWriter<File>>;

impl fmt::Debug for WavOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WavOutput")
            .field("path", &self.path)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl WavOutput {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Self::create_limited(path, FILE_FRAMES_MAX)
    }

    fn create_limited(path: &Path, frames_max: u32) -> io::Result<Self> {
        let writer = Some(start_file(path)?);
        Ok(Self {
            path: path.to_owned(),
            writer,
            frames: 0,
            frames_max,
            fault: None,
        })
    }

    fn try_put(&mut self, pcm: &[i16]) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Err(io::Error::other("ended earlier"));
        };
        for sample in pcm {
            writer.write_sample(*sample).map_err(from_hound)?;
        }
        let second = self.frames / SAMPLE_RATE;
        self.frames += u32::try_from(pcm.len()).map_err(io::Error::other)?;
        if self.frames / SAMPLE_RATE != second {
            writer.flush().map_err(from_hound)?;
        }
        if self.frames >= self.frames_max {
            let full = self.writer.take();
            full.map_or(Ok(()), WavWriter::finalize).map_err(from_hound)?;
            self.writer = Some(start_file(&self.path)?);
            self.frames = 0;
        }
        Ok(())
    }
}

impl Output for WavOutput {
    fn put(&mut self, pcm: &[i16], _now: MonoTime) -> u64 {
        if self.fault.is_some() {
            return pcm.len() as u64;
        }
        let Err(error) = self.try_put(pcm) else { return 0 };
        let fault = format!(
            "cannot write {}: {error}; the recording ends here",
            self.path.display()
        );
        tracing::warn!(path = %self.path.display(), %error, "recording ended");
        self.fault = Some(fault);
        self.writer = None;
        pcm.len() as u64
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }
}

fn start_file(path: &Path) -> io::Result<Writer> {
    if fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 0) {
        fs::rename(path, path.with_extension("1.wav"))?;
    }
    let mut writer = WavWriter::create(path, SPEC).map_err(from_hound)?;
    writer.flush().map_err(from_hound)?;
    Ok(writer)
}

fn from_hound(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

const SPEC: WavSpec = WavSpec {
    channels: 1,
    sample_rate: SAMPLE_RATE,
    bits_per_sample: 16,
    sample_format: SampleFormat::Int,
};

/// 3 h, about 1 GB: far below the 4 GiB that a WAV file can hold, and little enough for a memory card.
pub(crate) const FILE_FRAMES_MAX: u32 = 3 * 3600 * SAMPLE_RATE;

#[cfg(test)]
mod tests {
    use super::*;

    fn put(output: &mut WavOutput, value: i16, frames: usize) -> u64 {
        output.put(&vec![value; frames], MonoTime::default())
    }

    fn read(path: &Path) -> Vec<i16> {
        hound::WavReader::open(path)
            .unwrap()
            .into_samples()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn file_is_valid_without_being_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wav");
        let mut output = WavOutput::create(&path).unwrap();
        assert_eq!(read(&path).len(), 0, "valid from the beginning");
        for _ in 0..250 {
            put(&mut output, 7, 480);
        }
        // As after kill -9: neither finalised nor dropped.
        std::mem::forget(output);
        let samples = read(&path);
        assert!(
            (96_000..=120_000).contains(&samples.len()),
            "{} frames of 2.5 s",
            samples.len()
        );
        assert!(samples.iter().all(|s| *s == 7));
    }

    #[test]
    fn full_file_is_kept_once_and_a_new_one_begun() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wav");
        let mut output = WavOutput::create_limited(&path, 1000).unwrap();
        for value in 1..=5 {
            assert_eq!(put(&mut output, value, 500), 0);
        }
        drop(output);
        assert_eq!(read(&path), vec![5; 500]);
        assert_eq!(
            read(&dir.path().join("x.1.wav")),
            [vec![3; 500], vec![4; 500]].concat()
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn recording_of_the_run_before_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wav");
        put(&mut WavOutput::create(&path).unwrap(), 1, 10);
        put(&mut WavOutput::create(&path).unwrap(), 2, 10);
        assert_eq!(read(&dir.path().join("x.1.wav")), [1; 10]);
        assert_eq!(read(&path), [2; 10]);
    }

    #[test]
    fn full_disk_ends_the_recording_and_is_counted() {
        // The kernel's ever-full device: every write fails with "no space left".
        let file = File::options().write(true).open("/dev/full").unwrap();
        let writer = WavWriter::new(BufWriter::with_capacity(64, file), SPEC);
        let mut output = WavOutput {
            path: "/dev/full".into(),
            writer: writer.ok(),
            frames: 0,
            frames_max: FILE_FRAMES_MAX,
            fault: None,
        };
        assert_eq!(put(&mut output, 1, 480), 480);
        assert_eq!(put(&mut output, 1, 480), 480);
        let fault = output.fault().unwrap();
        assert!(fault.starts_with("cannot write /dev/full: "), "{fault}");
    }
}
