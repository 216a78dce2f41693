//! What a programme sounds like in one zone at one time.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{
    ApprovalState, Content, ContentHash, OccurrenceId, Piece, PlaylistItem, Programme, ProgrammeId, Reason,
    Relay, Source, WallTime, WhenNone, ZoneId, ZoneTree,
};
use sha2::{Digest as _, Sha256};

use crate::library::KnownLibrary;

/// What was heard where, so that a series goes on with what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardMedia {
    /// When each piece first aired in each zone.
    pub first: BTreeMap<(ZoneId, ContentHash), WallTime>,
    /// What occurrences that have begun aired.
    pub aired: BTreeMap<OccurrenceId, Vec<ContentHash>>,
}

/// Returns what an approval of a relay is bound to: its sources in their order.
pub fn relay_hash(relay: &Relay) -> ContentHash {
    let mut hash = Sha256::new();
    hash.update(b"relay");
    for source in &relay.sources {
        hash.update([0]);
        hash.update(source.as_bytes());
    }
    hash.update([u8::from(relay.studio)]);
    ContentHash(hash.finalize().into())
}

/// Returns everything that a programme can sound like, each with its name: what an approval of it covers.
pub fn contents_of(
    programme: &Programme,
    programmes: &[Programme],
    library: &KnownLibrary,
) -> Vec<(ContentHash, String)> {
    let mut found: Vec<(ContentHash, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut left = vec![programme];
    while let Some(programme) = left.pop() {
        if !seen.insert(programme.id) {
            continue;
        }
        let mut media: Vec<ContentHash> = programme.spec.media().into_iter().copied().collect();
        match &programme.spec.source {
            Source::Series { name, .. } => media.extend(library.episodes(name)),
            Source::Relay(relay) => found.push((relay_hash(relay), programme.spec.title.clone())),
            Source::Asset { .. } | Source::Playlist(_) | Source::Silence => {}
        }
        let title = |media| {
            library
                .get(media)
                .map_or_else(|| media.to_string(), |known| known.title.clone())
        };
        found.extend(media.into_iter().map(|media| (media, title(media))));
        for other in programme.spec.others() {
            left.extend(programmes.iter().find(|known| known.id == *other));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Works out contents for one plan; remembers the episodes it gave out.
pub(crate) struct Contents<'a> {
    pub(crate) tree: &'a ZoneTree,
    pub(crate) programmes: BTreeMap<ProgrammeId, &'a Programme>,
    pub(crate) library: &'a KnownLibrary,
    pub(crate) heard: &'a HeardMedia,
    /// None where approval plays no part: when a schedule is checked.
    pub(crate) approvals: Option<&'a BTreeMap<ContentHash, ApprovalState>>,
    pub(crate) given: BTreeSet<(ZoneId, ContentHash)>,
}

/// What a line sounds like, and what people should know of it.
#[derive(Clone, Debug)]
pub(crate) struct Sounds {
    pub(crate) content: Content,
    pub(crate) reasons: Vec<Reason>,
}

impl Contents<'_> {
    /// Works out what a programme sounds like in an occurrence.
    pub(crate) fn resolve(&mut self, programme: &Programme, occurrence: OccurrenceId) -> Sounds {
        let mut sounds = Sounds {
            content: Content::Silence,
            reasons: Vec::new(),
        };
        match &programme.spec.source {
            Source::Silence => {}
            Source::Relay(relay) => {
                self.judge(
                    relay_hash(relay),
                    &programme.spec.title,
                    occurrence.zone,
                    &mut sounds,
                );
                if let Some(fill) = relay.fill {
                    self.judge_media(fill, occurrence.zone, &mut sounds);
                }
                sounds.content = Content::Relay(relay.clone());
            }
            _ => {
                let mut pieces = Vec::new();
                self.pieces(programme, occurrence, &mut pieces, &mut sounds, 0);
                sounds.content = Content::Pieces(pieces);
            }
        }
        sounds
    }

    /// Works out what a programme would sound like in an occurrence that does not air.
    pub(crate) fn resolve_unheard(&mut self, programme: &Programme, occurrence: OccurrenceId) -> Sounds {
        let given = self.given.clone();
        let mut sounds = self.resolve(programme, occurrence);
        self.given = given;
        sounds.reasons.clear();
        sounds
    }

    fn pieces(
        &mut self,
        programme: &Programme,
        occurrence: OccurrenceId,
        pieces: &mut Vec<Piece>,
        sounds: &mut Sounds,
        depth: usize,
    ) {
        // Import refuses circles; this is for a store that has one.
        if depth > PLAYLIST_DEPTH_MAX || pieces.len() >= PIECES_MAX {
            return;
        }
        match &programme.spec.source {
            Source::Asset { media, languages } => {
                let version = self
                    .tree
                    .language(occurrence.zone)
                    .and_then(|language| Some((language, languages.get(language)?)));
                if let Some((language, _)) = version {
                    sounds.reasons.push(Reason::Language {
                        language: language.to_owned(),
                    });
                }
                let media = version.map_or(*media, |(_, version)| *version);
                self.piece(media, occurrence.zone, pieces, sounds);
            }
            Source::Playlist(items) => {
                for item in items {
                    match item {
                        PlaylistItem::Media(media) => self.piece(*media, occurrence.zone, pieces, sounds),
                        PlaylistItem::Programme(other) => {
                            if let Some(other) = self.programmes.get(other).copied() {
                                self.pieces(other, occurrence, pieces, sounds, depth + 1);
                            }
                        }
                    }
                }
            }
            Source::Series { name, when_none } => {
                self.episode(name, *when_none, occurrence, pieces, sounds, depth);
            }
            // Import refuses these inside a playlist.
            Source::Relay(_) | Source::Silence => {}
        }
    }

    /// Finds the newest approved episode that the zone had not heard when the occurrence begins. One of another zone
    /// that lies neither here nor above does not count: its people have no say here.
    fn episode(
        &mut self,
        series: &str,
        when_none: WhenNone<ProgrammeId>,
        occurrence: OccurrenceId,
        pieces: &mut Vec<Piece>,
        sounds: &mut Sounds,
        depth: usize,
    ) {
        let episodes = self.library.episodes(series);
        let told = |again| Reason::Episode {
            series: series.to_owned(),
            again,
        };
        // What has begun aired what it aired, whatever came into the library since.
        if let Some(aired) = self.heard.aired.get(&occurrence) {
            let own: Vec<_> = aired
                .iter()
                .filter(|media| episodes.contains(media))
                .copied()
                .collect();
            if let Some(media) = own.first() {
                sounds.reasons.push(told(false));
                return self.piece(*media, occurrence.zone, pieces, sounds);
            }
        }
        let zone = occurrence.zone;
        let approved: Vec<ContentHash> = episodes
            .iter()
            .copied()
            .filter(|media| self.counts(*media, zone) && self.may_air(*media, zone))
            .collect();
        let heard = |media: ContentHash| {
            self.tree.chain(zone).any(|above| {
                let key = (above.id, media);
                self.given.contains(&key)
                    || self
                        .heard
                        .first
                        .get(&key)
                        .is_some_and(|at| *at < occurrence.start)
            })
        };
        if let Some(media) = approved.iter().copied().find(|media| !heard(*media)) {
            self.given.insert((zone, media));
            sounds.reasons.push(told(false));
            return self.piece(media, zone, pieces, sounds);
        }
        match (when_none, approved.first()) {
            (WhenNone::Repeat, Some(newest)) => {
                sounds.reasons.push(told(true));
                self.piece(*newest, zone, pieces, sounds);
            }
            (WhenNone::Instead(other), _) if self.programmes.contains_key(&other) => {
                let other = self.programmes[&other];
                self.pieces(other, occurrence, pieces, sounds, depth + 1);
            }
            // A playlist goes on without it.
            _ if depth > 0 => {}
            _ => sounds.reasons.push(Reason::NoEpisode {
                series: series.to_owned(),
            }),
        }
    }

    fn piece(&self, media: ContentHash, zone: ZoneId, pieces: &mut Vec<Piece>, sounds: &mut Sounds) {
        match self.library.get(media) {
            Some(known) => {
                pieces.push(Piece {
                    media,
                    duration: known.duration,
                });
                self.judge_media(media, zone, sounds);
            }
            None if sounds.reasons.contains(&Reason::MediaMissing) => {}
            None => sounds.reasons.push(Reason::MediaMissing),
        }
    }

    fn judge_media(&self, media: ContentHash, zone: ZoneId, sounds: &mut Sounds) {
        let title = self.library.get(media).map_or("?", |known| known.title.as_str());
        self.judge(media, title, zone, sounds);
    }

    fn judge(&self, content: ContentHash, what: &str, zone: ZoneId, sounds: &mut Sounds) {
        if self.may_air(content, zone) {
            return;
        }
        let state = self
            .approvals
            .and_then(|approvals| approvals.get(&content))
            .copied();
        let reason = Reason::NotApproved {
            state: state.unwrap_or_default(),
            what: what.to_owned(),
        };
        if !sounds.reasons.contains(&reason) {
            sounds.reasons.push(reason);
        }
    }

    /// Tells whether an episode is the whole station's, or of a zone that is heard here.
    fn counts(&self, media: ContentHash, zone: ZoneId) -> bool {
        let of = self.library.get(media).and_then(|known| known.zone);
        of.is_none_or(|of| self.tree.covers(of, zone))
    }

    fn may_air(&self, content: ContentHash, zone: ZoneId) -> bool {
        let Some(approvals) = self.approvals else {
            return true;
        };
        let state = approvals.get(&content).copied().unwrap_or_default();
        state == ApprovalState::Approved
            || (!self.tree.requires_approval(zone) && state != ApprovalState::Archived)
    }
}

/// Playlists inside playlists; nobody finds their way in deeper ones.
pub(crate) const PLAYLIST_DEPTH_MAX: usize = 8;
/// Bounds what one line of a run-sheet holds.
const PIECES_MAX: usize = 400;
