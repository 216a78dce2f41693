//! Decodes sound that comes without end and cannot be searched: another station over the network.

use std::io::Read;
use std::time::Duration;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;

use crate::aac::SbrWatch;
use crate::decoders::{codec_name, codecs, guarded, refuse_channels, refuse_he_aac, refuse_odd_sound};
use crate::refuse::{AudioError, RefuseReason};

/// An endless piece of audio being decoded, block by block: MP3, AAC-LC, Ogg Vorbis, Ogg Opus, FLAC.
pub struct AudioStream {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: u32,
    channels: usize,
    block: Vec<f32>,
    block_is_fresh: bool,
    sbr: Option<SbrWatch>,
    errors: u32,
}

impl AudioStream {
    /// Finds out what comes, and decodes its first block.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if reading fails, else [`AudioError::Refused`]: it is no audio, or of a kind that is not known,
    /// or at a rate that nothing sounds at.
    pub fn open(source: Box<dyn Read + Send + Sync>) -> Result<Self, AudioError> {
        let source = Box::new(ReadOnlySource::new(source));
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let probe = symphonia::default::get_probe();
        let probed = guarded(Duration::ZERO, || {
            probe.probe(
                &Hint::new(),
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
        })?;
        let reader = probed.map_err(|error| match error {
            Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                AudioError::Io(error)
            }
            _ => RefuseReason::NotAudio.into(),
        })?;
        let track = reader
            .default_track(TrackType::Audio)
            .or_else(|| reader.first_track(TrackType::Audio))
            .ok_or(RefuseReason::NotAudio)?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or(RefuseReason::NotAudio)?;
        refuse_he_aac(params)?;
        refuse_channels(params.channels.as_ref().map_or(1, Channels::count))?;
        let options = AudioDecoderOptions::default();
        let made = guarded(Duration::ZERO, || codecs().make_audio_decoder(params, &options))?;
        let decoder = made.map_err(|error| RefuseReason::Unsupported {
            codec: codec_name(params, &error),
        })?;
        let mut stream = Self {
            track: track.id,
            rate: params.sample_rate.unwrap_or(0),
            channels: 0,
            block: Vec::new(),
            block_is_fresh: false,
            sbr: (params.codec == CODEC_ID_AAC).then(SbrWatch::default),
            errors: 0,
            decoder,
            reader,
        };
        stream.block_is_fresh = stream.decode()?;
        if stream.block_is_fresh {
            Ok(stream)
        } else {
            Err(RefuseReason::NotAudio.into())
        }
    }

    /// Returns samples per second of each channel.
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// Returns how many channels lie interleaved in each block.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the next block of interleaved samples; none when it ended.
    ///
    /// # Errors
    ///
    /// If reading fails, if it turns into something else, or if too much of it in a row cannot be decoded.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if std::mem::take(&mut self.block_is_fresh) || self.decode()? {
            return Ok(Some(&self.block));
        }
        Ok(None)
    }

    fn decode(&mut self) -> Result<bool, AudioError> {
        loop {
            let packet = match guarded(Duration::ZERO, || self.reader.next_packet())? {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(false),
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(false);
                }
                Err(Error::IoError(error)) => return Err(AudioError::Io(error)),
                // A station that changes its title begins another Ogg stream; it is connected to anew.
                Err(Error::ResetRequired) => return Ok(false),
                Err(_) => {
                    self.count_error()?;
                    continue;
                }
            };
            if let Some(sbr) = &mut self.sbr {
                sbr.look(&packet.data);
                if sbr.is_he_aac() {
                    return Err(RefuseReason::HeAac.into());
                }
            }
            let (block, decoder) = (&mut self.block, &mut self.decoder);
            let decoded = guarded(Duration::ZERO, || {
                decoder.decode(&packet).map(|buffer| {
                    buffer.copy_to_vec_interleaved(block);
                    (buffer.spec().rate(), buffer.spec().channels().count())
                })
            });
            match decoded? {
                Ok((rate, channels)) => {
                    self.errors = 0;
                    if !self.block.is_empty() {
                        return self.keep_spec(rate, channels);
                    }
                }
                Err(_) => self.count_error()?,
            }
        }
    }

    /// Takes note of what the sound is; false if it is not what it was, which is connected to anew.
    fn keep_spec(&mut self, rate: u32, channels: usize) -> Result<bool, AudioError> {
        // A header may claim anything, and whoever asks makes a resampler for it.
        refuse_odd_sound(rate, channels)?;
        if self.channels == 0 {
            (self.rate, self.channels) = (rate, channels);
        }
        Ok((self.rate, self.channels) == (rate, channels))
    }

    fn count_error(&mut self) -> Result<(), AudioError> {
        self.errors += 1;
        if self.errors > ERRORS_MAX {
            return Err(RefuseReason::Corrupt { at: Duration::ZERO }.into());
        }
        Ok(())
    }
}

/// Packets in a row that do not decode: half a second of MP3.
const ERRORS_MAX: u32 = 20;
