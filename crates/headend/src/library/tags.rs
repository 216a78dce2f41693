//! What the encoded file's comments say about the piece: everything the store's row does.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use loa_codec::read_ogg_opus_comments;
use loa_model::{EncodedAudio, Media};

/// Returns the comments that describe `media`. Players show the title; the rest is for [`read`].
pub(super) fn of(media: &Media) -> Vec<(&'static str, String)> {
    let mut comments = vec![
        (TITLE, media.title.clone()),
        (FORMAT, media.format.clone()),
        // Printed floats read back as the same bits.
        (TRUE_PEAK, media.true_peak_dbtp.to_string()),
        (GAIN, media.gain_db.to_string()),
        (BITRATE, media.bitrate.to_string()),
    ];
    comments.extend(media.loudness_lufs.map(|lufs| (LOUDNESS, lufs.to_string())));
    comments
}

/// Reads the description of `audio` back from the file at `path`; none if it is not one that an import wrote.
pub(super) fn read(path: &Path, audio: &EncodedAudio) -> Option<Media> {
    let file = File::open(path).ok()?;
    let encoded_bytes = file.metadata().ok()?.len();
    let comments = read_ogg_opus_comments(BufReader::new(file)).ok()?;
    let find = |key: &str| {
        comments
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    };
    Some(Media {
        hash: audio.media,
        title: find(TITLE)?.to_owned(),
        format: find(FORMAT)?.to_owned(),
        samples: audio.samples,
        loudness_lufs: find(LOUDNESS).and_then(|text| text.parse().ok()),
        true_peak_dbtp: find(TRUE_PEAK)?.parse().ok()?,
        gain_db: find(GAIN)?.parse().ok()?,
        bitrate: find(BITRATE)?.parse().ok()?,
        encoded_bytes,
    })
}

const TITLE: &str = "TITLE";
const FORMAT: &str = "LOA_FORMAT";
const LOUDNESS: &str = "LOA_LOUDNESS_LUFS";
const TRUE_PEAK: &str = "LOA_TRUE_PEAK_DBTP";
const GAIN: &str = "LOA_GAIN_DB";
const BITRATE: &str = "LOA_BITRATE";
