//! What the planner knows of the library.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{ContentHash, WallTime, ZoneId};

/// A piece of media in the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMedia {
    /// Its content.
    pub hash: ContentHash,
    /// Its title.
    pub title: String,
    /// Name of the file it was imported from.
    pub file_name: String,
    /// How long it sounds.
    pub duration: Duration,
    /// The series of which it is an episode.
    pub series: Option<String>,
    /// Whose it is; none for the whole station's.
    pub zone: Option<ZoneId>,
    /// When it came into the library: of a series, the newest airs.
    pub added_at: WallTime,
}

/// The library, by what the planner asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLibrary {
    media: BTreeMap<ContentHash, KnownMedia>,
    /// Episodes by series, newest first.
    episodes: BTreeMap<String, Vec<ContentHash>>,
}

impl KnownLibrary {
    /// Sorts the pieces.
    pub fn new(media: impl IntoIterator<Item = KnownMedia>) -> Self {
        let media: BTreeMap<_, _> = media.into_iter().map(|media| (media.hash, media)).collect();
        let mut episodes: BTreeMap<String, Vec<&KnownMedia>> = BTreeMap::new();
        for piece in media.values() {
            if let Some(series) = &piece.series {
                episodes.entry(series.clone()).or_default().push(piece);
            }
        }
        let newest_first = |mut pieces: Vec<&KnownMedia>| {
            pieces.sort_by_key(|piece| (std::cmp::Reverse(piece.added_at), piece.hash));
            pieces.into_iter().map(|piece| piece.hash).collect()
        };
        let episodes = episodes
            .into_iter()
            .map(|(series, pieces)| (series, newest_first(pieces)))
            .collect();
        Self { media, episodes }
    }

    /// Returns a piece.
    pub fn get(&self, hash: ContentHash) -> Option<&KnownMedia> {
        self.media.get(&hash)
    }

    /// Walks all pieces.
    pub fn iter(&self) -> impl Iterator<Item = &KnownMedia> {
        self.media.values()
    }

    /// Returns the episodes of a series, newest first.
    pub fn episodes(&self, series: &str) -> &[ContentHash] {
        self.episodes.get(series).map_or(&[], Vec::as_slice)
    }
}
