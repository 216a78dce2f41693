//! The passes over a file's sound: measure it, try levels on it, encode it.
//!
//! Decoding, level and encoding each have a thread, so that an import takes as
//! long as its slowest step and not as long as all of them.

use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle, scope};
use std::time::Duration;

use loa_codec::{
    AudioError, DECODED_SAMPLES_MAX, EncoderSettings, MonoFile, OggOpusWriter, OpusDecoder, OpusError, Tuning,
};
use loa_dsp::{Limiter, Loudness, db_to_gain};

use super::careful::CarefulEncoder;

/// How loud a piece is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// Integrated loudness, LUFS; none when too short or too quiet to gate.
    pub lufs: Option<f64>,
    /// True peak, dBTP.
    pub true_peak_dbtp: f64,
}

/// Decodes the whole file and returns its level, and how many samples at 48 kHz it holds.
///
/// `done` is called now and then with how many of them were measured.
pub(super) fn measure(
    path: &Path,
    limit: Duration,
    done: &mut dyn FnMut(u64),
) -> Result<(Level, u64), AudioError> {
    scope(|scope| {
        let (decoder, blocks) = decode(scope, path, limit);
        let mut loudness = Loudness::new();
        let mut samples = 0;
        for block in blocks {
            loudness.push(&block);
            samples += block.len() as u64;
            done(samples);
        }
        join(decoder)?;
        Ok((level(&loudness), samples))
    })
}

/// How to bring a piece to its level and encode it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    /// Gain, dB.
    pub gain_db: f64,
    /// Ceiling of the limiter after it, dBTP.
    pub limiter_dbtp: f64,
    /// Ceiling for what a receiver decodes, dBTP.
    pub ceiling_dbtp: f64,
    /// The encoder's settings.
    pub encoder: EncoderSettings,
}

/// Returns the level of the whole file after gain and limiter, without encoding it, for each of the `recipes` at once.
pub(super) fn try_levels(
    path: &Path,
    recipes: &[Recipe],
    done: &mut dyn FnMut(u64),
) -> Result<Vec<Level>, AudioError> {
    scope(|scope| {
        let (decoder, blocks) = decode(scope, path, Duration::MAX);
        let trials: Vec<_> = recipes
            .iter()
            .map(|recipe| {
                let (sender, receiver) = sync_channel(QUEUED_MAX);
                let levelled = apply_level(scope, receiver, recipe);
                let measuring = scope.spawn(move || {
                    let mut loudness = Loudness::new();
                    levelled.into_iter().for_each(|block| loudness.push(&block));
                    level(&loudness)
                });
                (sender, measuring)
            })
            .collect();
        let mut samples = 0;
        for block in blocks {
            samples += block.len() as u64;
            for (sender, _) in &trials {
                // A trial only ends when we let go of it.
                let _ = sender.send(block.clone());
            }
            done(samples);
        }
        join(decoder)?;
        let level = |(sender, measuring): (SyncSender<Block>, ScopedJoinHandle<'_, Level>)| {
            drop(sender);
            measuring.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        Ok(trials.into_iter().map(level).collect())
    })
}

/// Why encoding stopped.
pub(super) enum EncodeError {
    /// The file does not decode, though it did when it was measured.
    Audio(AudioError),
    /// libopus failed.
    Opus(OpusError),
    /// What was encoded cannot be written.
    Write(io::Error),
}

/// Encodes the whole file, of so many `samples`, to Ogg Opus, and returns the level of what a receiver decodes.
pub(super) fn encode(
    path: &Path,
    samples: u64,
    recipe: &Recipe,
    to: &mut impl Write,
    header: (u32, &[(&str, &str)]),
    done: &mut dyn FnMut(u64),
) -> Result<Level, EncodeError> {
    let (serial, comments) = header;
    let encoder = CarefulEncoder::new(&recipe.encoder, recipe.ceiling_dbtp).map_err(EncodeError::Opus)?;
    let pre_skip = encoder.pre_skip();
    let size = recipe.encoder.packet_samples;
    let mut file = OggOpusWriter::new(to, serial, size, pre_skip, comments).map_err(EncodeError::Write)?;
    let mut listener = Listener::new(pre_skip, samples).map_err(EncodeError::Opus)?;
    scope(|scope| {
        let (decoder, blocks) = decode(scope, path, Duration::MAX);
        let levelled = apply_level(scope, blocks, recipe);
        let (encoding, packets) = encode_blocks(scope, levelled, encoder, samples);
        for packet in packets {
            file.push(&packet).map_err(EncodeError::Write)?;
            listener.push(&packet).map_err(EncodeError::Opus)?;
            done(samples - listener.left);
        }
        join(decoder).map_err(EncodeError::Audio)?;
        join(encoding).map_err(EncodeError::Opus)
    })?;
    file.finish(samples).map_err(EncodeError::Write)?;
    Ok(level(&listener.loudness))
}

type Block = Vec<f32>;
type Stage<'scope, T, E> = (ScopedJoinHandle<'scope, Result<(), E>>, Receiver<T>);

fn decode<'scope>(
    scope: &'scope Scope<'scope, '_>,
    path: &'scope Path,
    limit: Duration,
) -> Stage<'scope, Block, AudioError> {
    stage(scope, move |sender| {
        let mut file = MonoFile::open(path, Some(limit))?;
        let mut collected = Vec::new();
        while let Some(block) = file.next_block()? {
            collected.extend_from_slice(block);
            if collected.len() >= BLOCK_SAMPLES && sender.send(std::mem::take(&mut collected)).is_err() {
                return Ok(());
            }
        }
        // Nobody listening means that a later step failed and says so.
        let _ = sender.send(collected);
        Ok(())
    })
}

/// Gain and limiter, aligned: the limiter's delay is taken off the front and drawn from the end.
fn apply_level<'scope>(
    scope: &'scope Scope<'scope, '_>,
    blocks: Receiver<Block>,
    recipe: &Recipe,
) -> Receiver<Block> {
    let gain = db_to_gain(recipe.gain_db);
    let mut limiter = match recipe.encoder.tuning {
        Tuning::Speech => Limiter::for_speech(recipe.limiter_dbtp),
        Tuning::Music => Limiter::new(recipe.limiter_dbtp),
    };
    let (_, levelled) = stage::<_, ()>(scope, move |sender| {
        let mut to_drop = limiter.delay();
        let rest = vec![0.0; to_drop];
        for mut block in blocks.into_iter().chain([rest]) {
            block.iter_mut().for_each(|sample| *sample *= gain);
            limiter.process(&mut block);
            let dropped = to_drop.min(block.len());
            block.drain(..dropped);
            to_drop -= dropped;
            if sender.send(block).is_err() {
                break;
            }
        }
        Ok(())
    });
    levelled
}

fn encode_blocks<'scope>(
    scope: &'scope Scope<'scope, '_>,
    blocks: Receiver<Block>,
    mut encoder: CarefulEncoder,
    samples: u64,
) -> Stage<'scope, Vec<u8>, OpusError> {
    stage(scope, move |sender| {
        let size = encoder.packet_samples();
        let mut left = (samples + u64::from(encoder.pre_skip())).div_ceil(size as u64);
        let mut waiting = Vec::new();
        let padding = vec![0.0; size + encoder.pre_skip() as usize];
        for block in blocks.into_iter().chain([padding]) {
            waiting.extend(block);
            let mut whole = waiting.chunks_exact(size);
            for block in whole.by_ref().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                left -= 1;
                if let Some(packet) = encoder.push(block)?
                    && sender.send(packet).is_err()
                {
                    return Ok(());
                }
            }
            let rest = whole.remainder().len();
            waiting.drain(..waiting.len() - rest);
        }
        // Nobody listening means that a later step failed and says so.
        encoder.finish().map(|packet| sender.send(packet));
        Ok(())
    })
}

/// Decodes and measures as a receiver would.
struct Listener {
    decoder: OpusDecoder,
    block: Box<[f32; DECODED_SAMPLES_MAX]>,
    loudness: Loudness,
    to_skip: usize,
    left: u64,
}

impl Listener {
    fn new(pre_skip: u32, samples: u64) -> Result<Self, OpusError> {
        Ok(Self {
            decoder: OpusDecoder::new()?,
            block: Box::new([0.0; DECODED_SAMPLES_MAX]),
            loudness: Loudness::new(),
            to_skip: pre_skip as usize,
            left: samples,
        })
    }

    fn push(&mut self, packet: &[u8]) -> Result<(), OpusError> {
        let count = self.decoder.decode(packet, &mut self.block[..])?;
        let skipped = self.to_skip.min(count);
        self.to_skip -= skipped;
        let kept = usize::try_from(self.left).map_or(count, |left| left.min(count - skipped));
        self.left -= kept as u64;
        self.loudness.push(&self.block[skipped..skipped + kept]);
        Ok(())
    }
}

/// Runs `work` on a thread of its own; what it sends waits in a short queue.
fn stage<'scope, T: Send + 'scope, E: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce(&SyncSender<T>) -> Result<(), E> + Send + 'scope,
) -> Stage<'scope, T, E> {
    let (sender, receiver) = sync_channel(QUEUED_MAX);
    (scope.spawn(move || work(&sender)), receiver)
}

fn join<E>(stage: ScopedJoinHandle<'_, Result<(), E>>) -> Result<(), E> {
    stage.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn level(loudness: &Loudness) -> Level {
    Level {
        lufs: loudness.integrated_lufs(),
        true_peak_dbtp: loudness.true_peak_dbtp(),
    }
}

/// Samples in each packet of the library: 60 ms, whose overhead of headers and signature is least.
pub(super) const PACKET_SAMPLES: u32 = 2_880;
/// What one thread hands the next, 0.2 s: large enough that waking it costs nothing.
const BLOCK_SAMPLES: usize = 9_600;
const QUEUED_MAX: usize = 16;
