//! Files to PCM (Symphonia), Opus encode, decode and conceal (libopus), Ogg Opus files.

mod aac;
mod bed;
mod decoders;
mod fade;
mod file;
mod mono;
mod mp4;
mod ogg_read;
mod ogg_stream;
mod ogg_write;
mod opus_packet;
mod refuse;
mod rerender;
mod rewind;
mod scan;
mod stream;

pub use bed::{BED_DB, Bed, with_bed};
pub use fade::faded_tail;
pub use file::AudioFile;
pub use mono::{MonoFile, ToMono48k};
pub use ogg_read::{OggOpusError, read_ogg_opus, read_ogg_opus_comments};
pub use ogg_stream::OggStream;
pub use ogg_write::OggOpusWriter;
pub use opus_packet::{
    DECODED_SAMPLES_MAX, EncoderSettings, OpusDecoder, OpusEncoder, OpusError, PACKET_BYTES_MAX, Tuning,
    has_redundancy, packet_samples,
};
pub use refuse::{AudioError, RefuseReason};
pub use rewind::{RewindDecoder, RewindEncoder};
pub use stream::AudioStream;
