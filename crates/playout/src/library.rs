//! Which media is loaded, and which will be needed.

use std::collections::BTreeMap;

use loa_model::ContentHash;

/// State of each piece of media that somebody needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    media: BTreeMap<ContentHash, MediaState>,
}

/// State of one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MediaState {
    Loading,
    Ready,
    Failed(String),
}

impl Library {
    /// Takes note that a piece is needed; tells whether it must be asked for.
    pub(crate) fn need(&mut self, media: ContentHash) -> bool {
        let new = !self.media.contains_key(&media);
        self.media.entry(media).or_insert(MediaState::Loading);
        new
    }

    /// Forgets that a piece could not be had, so that it is asked for again.
    pub(crate) fn retry(&mut self, media: ContentHash) {
        if let Some(MediaState::Failed(_)) = self.state(media) {
            self.media.remove(&media);
        }
    }

    /// Takes note of an answer; one that nobody waits for is kept too, to be released like the others.
    pub(crate) fn answer(&mut self, media: ContentHash, ready: Result<(), String>) {
        let state = ready.map_or_else(MediaState::Failed, |()| MediaState::Ready);
        self.media.insert(media, state);
    }

    pub(crate) fn state(&self, media: ContentHash) -> Option<&MediaState> {
        self.media.get(&media)
    }

    pub(crate) fn is_ready(&self, media: ContentHash) -> bool {
        self.state(media) == Some(&MediaState::Ready)
    }

    /// Forgets all that nobody needs and returns it.
    pub(crate) fn release(&mut self, needed: impl Fn(ContentHash) -> bool) -> Vec<ContentHash> {
        // What still loads is answered first, so that no answer comes for something forgotten.
        let done = self
            .media
            .iter()
            .filter(|(_, state)| **state != MediaState::Loading);
        let unneeded: Vec<_> = done
            .map(|(media, _)| *media)
            .filter(|media| !needed(*media))
            .collect();
        unneeded.iter().for_each(|media| drop(self.media.remove(media)));
        unneeded
    }
}
