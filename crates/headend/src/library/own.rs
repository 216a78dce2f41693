//! What the station says by itself in an emergency: it lies in no library, and nobody can take it out of one.

use std::io::Cursor;

use loa_codec::read_ogg_opus;
use loa_model::{ContentHash, EncodedAudio, Piece};
use sha2::{Digest as _, Sha256};

use super::chime::encode;

/// The attention signal, and the words with which a drill begins.
#[derive(Clone, Debug)]
pub struct OwnSound {
    signal: EncodedAudio,
    drill: EncodedAudio,
}

impl OwnSound {
    /// Renders and reads them.
    ///
    /// # Errors
    ///
    /// If libopus fails, or the words are damaged.
    pub fn new() -> anyhow::Result<Self> {
        let samples = loa_dsp::attention_signal();
        let mut hasher = Sha256::new();
        samples
            .iter()
            .for_each(|sample| hasher.update(sample.to_le_bytes()));
        let signal = encode(ContentHash(hasher.finalize().into()), samples, BITRATE)?;
        let hash = ContentHash(Sha256::digest(DRILL).into());
        let drill = read_ogg_opus(Cursor::new(DRILL), hash, DRILL.len() as u64)?;
        Ok(Self { signal, drill })
    }

    /// Returns the attention signal as a piece.
    pub fn signal(&self) -> Piece {
        piece(&self.signal)
    }

    /// Returns the words of a drill as a piece.
    pub fn drill(&self) -> Piece {
        piece(&self.drill)
    }

    /// Finds one of them by its hash.
    pub fn find(&self, media: ContentHash) -> Option<EncodedAudio> {
        let own = [&self.signal, &self.drill].into_iter();
        own.into_iter().find(|audio| audio.media == media).cloned()
    }
}

fn piece(audio: &EncodedAudio) -> Piece {
    Piece {
        media: audio.media,
        duration: audio.duration(),
    }
}

/// "Đây là diễn tập, không phải báo động thật." ("This is a drill, not a real alarm."), spoken by espeak-ng (voice
/// `vi+m7`, 170 words a minute), −15 LUFS, Opus at 32 kbit/s; the text is ours.
const DRILL: &[u8] = include_bytes!("../../assets/drill.opus");
/// As the chime has it.
const BITRATE: u32 = 64_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_and_the_words_are_there_and_are_not_the_same() {
        let own = OwnSound::new().unwrap();
        assert_eq!(own.signal().duration.as_millis(), 2_400);
        assert!((1_500..4_000).contains(&own.drill().duration.as_millis()));
        for piece in [own.signal(), own.drill()] {
            assert_eq!(own.find(piece.media).unwrap().media, piece.media);
        }
        assert!(own.find(ContentHash([0; 32])).is_none());
    }
}
