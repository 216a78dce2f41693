//! Decodes a file of any accepted format to interleaved samples, and refuses what should not be aired.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use crate::aac::SbrWatch;
use crate::decoders::{
    codec_name, codecs, format_name, guarded, refuse_channels, refuse_he_aac, refuse_odd_sound,
};
use crate::refuse::{AudioError, RefuseReason};
use crate::scan::{Container, scan};

/// An audio file being decoded, block by block.
///
/// It accepts MP3, AAC-LC (ADTS or MP4), ALAC, FLAC, Ogg Vorbis, Ogg Opus, WAV and AIFF, told apart by content and not by name.
pub struct AudioFile {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    container: Container,
    format: &'static str,
    /// Samples per channel that the container gives.
    expected: Option<u64>,
    length_is_promised: bool,
    is_cut: bool,
    limit: Option<Duration>,
    /// Known from the first decoded block; containers have been seen to say otherwise.
    rate: u32,
    channels: usize,
    block: Vec<f32>,
    /// The block that opening decoded is still to be handed out.
    block_is_fresh: bool,
    decoded: u64,
    packets: u32,
    errors: u32,
    sbr: Option<SbrWatch>,
    /// Where the demuxer first left out a damaged part without a word.
    hole: Option<Duration>,
    ended: bool,
}

impl AudioFile {
    /// Opens the file at `path`; what is longer than `limit` will be refused.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if it cannot be read, else [`AudioError::Refused`].
    /// Some reasons to refuse show only while it is decoded.
    pub fn open(path: &Path, limit: Option<Duration>) -> Result<Self, AudioError> {
        // Opening a pipe would wait for someone to write into it.
        if !std::fs::metadata(path).map_err(AudioError::Io)?.is_file() {
            return Err(RefuseReason::NotAudio.into());
        }
        let file = File::open(path).map_err(AudioError::Io)?;
        Self::from_source(Box::new(file), limit)
    }

    /// Like [`open`](Self::open), from anything that can be read and searched.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_source(
        mut source: Box<dyn MediaSource>,
        limit: Option<Duration>,
    ) -> Result<Self, AudioError> {
        let scan = scan(&mut source).map_err(AudioError::Io)??;
        let cut_at_start = RefuseReason::Truncated { at: Duration::ZERO };
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let metadata = MetadataOptions::default()
            .limit_tag_bytes(Limit::Maximum(TAG_BYTES_MAX))
            .limit_visual_bytes(Limit::Maximum(TAG_BYTES_MAX));
        let probe = symphonia::default::get_probe();
        let probed = guarded(Duration::ZERO, || {
            probe.probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        })?;
        let reader = probed.map_err(|error| match error {
            Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                AudioError::Io(error)
            }
            _ if scan.is_cut => cut_at_start.clone().into(),
            Error::IoError(_) if scan.container != Container::Mpeg => cut_at_start.clone().into(),
            Error::DecodeError(_) if scan.container != Container::Mpeg => {
                RefuseReason::Corrupt { at: Duration::ZERO }.into()
            }
            Error::Unsupported(what) if scan.container != Container::Mpeg => RefuseReason::Unsupported {
                codec: what.to_owned(),
            }
            .into(),
            _ => AudioError::from(RefuseReason::NotAudio),
        })?;
        let track = reader
            .default_track(TrackType::Audio)
            .or_else(|| reader.first_track(TrackType::Audio));
        let nothing = if scan.is_cut {
            cut_at_start
        } else {
            RefuseReason::NotAudio
        };
        let track = track.ok_or_else(|| nothing.clone())?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or(nothing)?;
        refuse_he_aac(params)?;
        refuse_channels(params.channels.as_ref().map_or(1, Channels::count))?;
        let options = AudioDecoderOptions::default().verify(true);
        let made = guarded(Duration::ZERO, || codecs().make_audio_decoder(params, &options))?;
        let decoder = made.map_err(|error| RefuseReason::Unsupported {
            codec: codec_name(params, &error),
        })?;
        let mut file = Self {
            track: track.id,
            container: scan.container,
            format: format_name(scan.container, params),
            expected: track.num_frames,
            length_is_promised: scan.length_is_promised,
            is_cut: scan.is_cut,
            limit,
            rate: params.sample_rate.unwrap_or(0),
            channels: 0,
            block: Vec::new(),
            block_is_fresh: false,
            decoded: 0,
            packets: 0,
            errors: 0,
            sbr: (params.codec == CODEC_ID_AAC).then(SbrWatch::default),
            hole: None,
            ended: false,
            decoder,
            reader,
        };
        if file.length_is_promised && file.expected.is_some_and(|expected| file.is_too_long(expected)) {
            return Err(file.too_long().into());
        }
        file.block_is_fresh = file.decode_block()?;
        Ok(file)
    }

    /// Returns what it is: `mp3`, `mp2`, `aac`, `m4a`, `flac`, `ogg`, `opus`, `wav` or `aiff`.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Returns samples per second of each channel.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Returns how many channels are interleaved in each block.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns how many samples per channel there should be in all; an estimate for some formats, none if unknown.
    pub fn expected_frames(&self) -> Option<u64> {
        self.expected
    }

    /// Returns how many samples per channel were decoded so far.
    pub fn decoded_frames(&self) -> u64 {
        self.decoded
    }

    /// Returns the next interleaved samples, none at the end.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if reading fails. [`AudioError::Refused`] if the file
    /// turns out to be cut off, damaged, empty, too long or HE-AAC; what came
    /// before must then be thrown away.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if std::mem::take(&mut self.block_is_fresh) || self.decode_block()? {
            return Ok(Some(&self.block));
        }
        Ok(None)
    }

    /// Decodes until a block has samples; false at the end.
    fn decode_block(&mut self) -> Result<bool, AudioError> {
        while !self.ended {
            match guarded(self.at(), || self.reader.next_packet())? {
                Ok(Some(packet)) if packet.track_id != self.track => {}
                Ok(Some(packet)) => {
                    self.decode_packet(&packet)?;
                    if !self.block.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(None) => self.end()?,
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    // MP3 recordings often end inside a frame, and a WAV from a pipe has a length that nobody knew.
                    self.is_cut |= self.container != Container::Mpeg && !self.is_unsized();
                    self.end()?;
                }
                Err(Error::IoError(error)) => return Err(AudioError::Io(error)),
                Err(Error::ResetRequired) => {
                    let codec = "an Ogg file of several pieces in a row".to_owned();
                    return Err(RefuseReason::Unsupported { codec }.into());
                }
                Err(_) => self.count_error()?,
            }
        }
        Ok(false)
    }

    fn decode_packet(&mut self, packet: &Packet) -> Result<(), AudioError> {
        self.packets = self.packets.saturating_add(1);
        if let Some(sbr) = &mut self.sbr {
            sbr.look(&packet.data);
            if sbr.is_he_aac() {
                return Err(RefuseReason::HeAac.into());
            }
        }
        // Only FLAC's packets tell their place exactly.
        let skips = u64::try_from(packet.pts.get()).is_ok_and(|begin| begin > self.decoded);
        if self.container == Container::Flac && skips {
            let at = self.at();
            self.hole.get_or_insert(at);
        }
        let (at, block, decoder) = (self.at(), &mut self.block, &mut self.decoder);
        let decoded = guarded(at, || {
            decoder.decode(packet).map(|buffer| {
                buffer.copy_to_vec_interleaved(block);
                (buffer.spec().rate(), buffer.spec().channels().count())
            })
        });
        match decoded? {
            Ok((rate, channels)) => self.keep_spec(rate, channels)?,
            Err(Error::DecodeError(_) | Error::IoError(_)) => {
                self.count_error()?;
                // Silence in its place, so that what follows stays at its time.
                let frames = usize::try_from(packet.dur.get())
                    .unwrap_or(0)
                    .min(self.rate as usize);
                self.block.clear();
                self.block.resize(frames * self.channels, 0.0);
            }
            Err(Error::ResetRequired) => {
                return Err(RefuseReason::Unsupported {
                    codec: "a change of format midway".to_owned(),
                }
                .into());
            }
            Err(_) => return Err(RefuseReason::Corrupt { at: self.at() }.into()),
        }
        self.decoded += self.block.len().checked_div(self.channels).unwrap_or(0) as u64;
        if self.is_too_long(self.decoded) {
            return Err(self.too_long().into());
        }
        Ok(())
    }

    fn keep_spec(&mut self, rate: u32, channels: usize) -> Result<(), AudioError> {
        if self.block.is_empty() {
            return Ok(());
        }
        if self.channels == 0 {
            refuse_odd_sound(rate, channels)?;
            (self.rate, self.channels) = (rate, channels);
        }
        if (self.rate, self.channels) != (rate, channels) {
            return Err(RefuseReason::Unsupported {
                codec: "a change of format midway".to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// A few damaged packets are heard as short silences; more, and the file is refused.
    fn count_error(&mut self) -> Result<(), AudioError> {
        self.errors += 1;
        if self.errors <= ERRORS_FREE + self.packets / PACKETS_PER_ERROR {
            return Ok(());
        }
        // The MP3 reader finds its pattern in almost anything.
        if self.container == Container::Mpeg && self.at() < Duration::from_secs(1) {
            return Err(RefuseReason::NotAudio.into());
        }
        let at = self.at();
        Err(match self.is_cut {
            true => RefuseReason::Truncated { at },
            false => RefuseReason::Corrupt { at },
        }
        .into())
    }

    /// Judges the whole once its end is reached.
    fn end(&mut self) -> Result<(), AudioError> {
        self.ended = true;
        self.block.clear();
        let promised = self.expected.filter(|_| self.length_is_promised);
        let is_short = promised.is_some_and(|promised| self.decoded + self.tolerance() < promised);
        let refusal = if let Some(at) = self.hole {
            RefuseReason::Corrupt { at }
        } else if self.is_cut || is_short {
            RefuseReason::Truncated { at: self.at() }
        } else if self.decoded == 0 && self.errors > 0 {
            RefuseReason::NotAudio
        } else if self.decoded == 0 {
            RefuseReason::Empty
        } else if self.decoder.finalize().verify_ok == Some(false) {
            RefuseReason::Corrupt { at: self.at() }
        } else {
            return Ok(());
        };
        Err(refusal.into())
    }

    /// By how many samples a sound file may be shorter than it says.
    fn tolerance(&self) -> u64 {
        match self.container {
            Container::Mp4 | Container::Mpeg | Container::Adts => FRAMED_TOLERANCE,
            Container::Wav | Container::Aiff | Container::Flac | Container::Ogg => 0,
        }
    }

    fn is_unsized(&self) -> bool {
        matches!(self.container, Container::Wav | Container::Aiff) && !self.length_is_promised && !self.is_cut
    }

    fn at(&self) -> Duration {
        let rate = u64::from(self.rate.max(1));
        Duration::from_millis(self.decoded.saturating_mul(1_000) / rate)
    }

    fn is_too_long(&self, frames: u64) -> bool {
        let rate = u64::from(self.rate.max(1));
        self.limit
            .is_some_and(|limit| u128::from(frames) * 1_000 / u128::from(rate) > limit.as_millis())
    }

    fn too_long(&self) -> RefuseReason {
        RefuseReason::TooLong {
            limit: self.limit.unwrap_or_default(),
        }
    }
}

impl std::fmt::Debug for AudioFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioFile")
            .field("format", &self.format)
            .field("rate", &self.rate)
            .field("channels", &self.channels)
            .field("decoded", &self.decoded)
            .finish_non_exhaustive()
    }
}

/// Cover pictures and lyrics are not wanted; this bounds the memory they may take.
const TAG_BYTES_MAX: usize = 256 * 1_024;
const ERRORS_FREE: u32 = 3;
const PACKETS_PER_ERROR: u32 = 100;
/// Two frames of the largest coding, whose first is often only a start-up.
const FRAMED_TOLERANCE: u64 = 4_096;
