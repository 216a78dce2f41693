//! The decoders there are, what they are called, and how they are kept from taking us down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP2, CODEC_ID_OPUS};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;

use crate::aac::{AacKind, kind_of_config};
use crate::mono::common_divisor;
use crate::refuse::RefuseReason;
use crate::scan::Container;

/// Runs third-party parsing, some of which panics on bytes that no encoder would write: that too is a damaged file.
///
/// What panicked must not be used again, so the caller ends with the error.
pub(crate) fn guarded<T>(at: Duration, work: impl FnOnce() -> T) -> Result<T, RefuseReason> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| RefuseReason::Corrupt { at })
}

/// Every decoder there is, made once.
pub(crate) fn codecs() -> &'static CodecRegistry {
    static CODECS: OnceLock<CodecRegistry> = OnceLock::new();
    CODECS.get_or_init(|| {
        let mut codecs = CodecRegistry::new();
        symphonia::default::register_enabled_codecs(&mut codecs);
        codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
        codecs
    })
}

/// Refuses what the AudioSpecificConfig announces and nothing here decodes.
pub(crate) fn refuse_he_aac(params: &AudioCodecParameters) -> Result<(), RefuseReason> {
    if params.codec != CODEC_ID_AAC {
        return Ok(());
    }
    match params.extra_data.as_deref().and_then(kind_of_config) {
        Some(AacKind::HeAac) => Err(RefuseReason::HeAac),
        Some(AacKind::Other(number)) => Err(RefuseReason::Unsupported {
            codec: format!("AAC object type {number}"),
        }),
        Some(AacKind::Lc) | None => Ok(()),
    }
}

/// Refuses a number of channels that nothing broadcast has: a demuxer of raw samples reads a block for as many as it is told.
pub(crate) fn refuse_channels(channels: usize) -> Result<(), RefuseReason> {
    if channels <= CHANNELS_MAX {
        return Ok(());
    }
    let codec = format!("sound with {channels} channels");
    Err(RefuseReason::Unsupported { codec })
}

/// Refuses what decoded sound claims to be if nothing sounds like that: the resampler's memory grows with an odd rate.
pub(crate) fn refuse_odd_sound(rate: u32, channels: usize) -> Result<(), RefuseReason> {
    let is_odd = !RATES.contains(&rate) || rate / common_divisor(rate) > RATE_STEPS_MAX;
    if !is_odd && (1..=CHANNELS_MAX).contains(&channels) {
        return Ok(());
    }
    let codec = format!("sound with {channels} channels at {rate} Hz");
    Err(RefuseReason::Unsupported { codec })
}

/// Names the format in a word, for the library's list.
pub(crate) fn format_name(container: Container, params: &AudioCodecParameters) -> &'static str {
    match container {
        Container::Wav => "wav",
        Container::Aiff => "aiff",
        Container::Mp4 => "m4a",
        Container::Flac => "flac",
        Container::Ogg if params.codec == CODEC_ID_OPUS => "opus",
        Container::Ogg => "ogg",
        Container::Adts => "aac",
        Container::Mpeg if params.codec == CODEC_ID_MP2 => "mp2",
        Container::Mpeg => "mp3",
    }
}

/// Names what could not be decoded, for the refusal.
pub(crate) fn codec_name(params: &AudioCodecParameters, error: &Error) -> String {
    match (codecs().get_audio_decoder(params.codec), error) {
        (Some(known), Error::Unsupported(what)) => format!("{} ({what})", known.codec.info.long_name),
        (Some(known), _) => known.codec.info.long_name.to_owned(),
        (None, _) => "the sound coding in this file".to_owned(),
    }
}

const RATES: std::ops::RangeInclusive<u32> = 6_000..=384_000;
/// Bounds the resampler's memory: every rate up to 48 kHz, and above that the round ones.
const RATE_STEPS_MAX: u32 = 48_000;
/// Nothing that is broadcast has more.
const CHANNELS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sounds_like_something_is_resampled() {
        let rows = [
            (48_000, 1, true),
            (44_100, 2, true),
            (11_025, 1, true),
            (44_056, 2, true),
            (192_000, 8, true),
            (384_000, 1, true),
            (47_999, 1, true),
            (48_001, 1, false),
            (999_999_937, 1, false),
            (1, 1, false),
            (0, 1, false),
            (48_000, 0, false),
            (48_000, 9, false),
        ];
        for (rate, channels, expected) in rows {
            let accepted = refuse_odd_sound(rate, channels).is_ok();
            assert_eq!(accepted, expected, "{channels} channels at {rate} Hz");
        }
    }
}
