//! What can be aired.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ContentHash, ProgrammeId};
use crate::priority::BulletinClass;
use crate::relay_address::redacted;

/// A piece of media in the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// SHA-256 of the original file.
    pub hash: ContentHash,
    /// Name shown to people; the file's name unless they gave another.
    pub title: String,
    /// What it was imported as, for example "mp3".
    pub format: String,
    /// Samples at 48 kHz after resampling.
    pub samples: u64,
    /// Integrated loudness of the original, LUFS (EBU R 128). None when too quiet to gate.
    pub loudness_lufs: Option<f64>,
    /// True peak of the original, dBTP.
    pub true_peak_dbtp: f64,
    /// Gain applied before encoding, dB.
    pub gain_db: f64,
    /// Opus target bit rate, bit/s.
    pub bitrate: u32,
    /// Bytes of the encoded file.
    pub encoded_bytes: u64,
}

impl Media {
    /// Returns how long it sounds.
    pub fn duration(&self) -> Duration {
        crate::time::samples_to_duration(self.samples)
    }
}

/// Something that can be aired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    /// Its row in the store.
    pub id: ProgrammeId,
    /// Short stable name used in schedule files.
    pub code: String,
    /// What it is.
    pub spec: ProgrammeSpec<ProgrammeId>,
}

/// What a programme is; `P` names other programmes and `M` media: by what people call them where people write, by row
/// and by hash in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammeSpec<P, M = ContentHash> {
    /// Name shown to people.
    pub title: String,
    /// What sounds.
    pub source: Source<P, M>,
    /// Its class wherever a slot does not say otherwise.
    pub class: BulletinClass,
    /// The station's chime around it.
    pub chime: Chime,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
    /// Once it was kept off the air for this long, it does not come back.
    pub give_up_after: Option<Duration>,
    /// What it is about; reports count by it.
    pub topic: Option<String>,
    /// The campaign it belongs to; reports count by it.
    pub campaign: Option<String>,
}

/// Where a programme's sound comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source<P, M = ContentHash> {
    /// One piece of media from the library.
    Asset {
        /// Which.
        media: M,
        /// The same in other languages, by the name that zones choose a language by.
        #[serde(default = "BTreeMap::new")]
        languages: BTreeMap<String, M>,
    },
    /// Several things, one after another.
    Playlist(Vec<PlaylistItem<P, M>>),
    /// The newest approved episode that the zone has not heard.
    Series {
        /// Media of this series are its episodes.
        name: String,
        /// What airs when there is none.
        when_none: WhenNone<P>,
    },
    /// Another station, or a studio.
    Relay(Relay<M>),
    /// Nothing: keeps the air free.
    Silence,
}

/// One thing in a playlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaylistItem<P, M = ContentHash> {
    /// A piece of media.
    Media(M),
    /// Another programme: an asset, a playlist or a series.
    Programme(P),
}

/// What airs when a series has no episode that the zone has not heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenNone<P> {
    /// Nothing.
    #[default]
    Skip,
    /// The newest episode once more.
    Repeat,
    /// Another programme.
    Instead(P),
}

/// Another station, or a studio, carried live.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Relay<M = ContentHash> {
    /// Where it comes from, best first.
    pub sources: Vec<String>,
    /// Sounds, over and over, while no source does.
    pub fill: Option<M>,
    /// A source that is silent for this long gives way to the next.
    #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
    pub silence: Duration,
    /// Whether it is a window for a studio: nobody is called while nobody speaks.
    pub studio: bool,
}

/// Without names and passwords in the addresses: commands stand in logs.
impl<M: fmt::Debug> fmt::Debug for Relay<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.sources.iter().map(|source| redacted(source)).collect();
        f.debug_struct("Relay")
            .field("sources", &sources)
            .field("fill", &self.fill)
            .field("silence", &self.silence)
            .field("studio", &self.studio)
            .finish()
    }
}

/// The station's chime around a programme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Chime {
    /// It sounds before.
    pub before: bool,
    /// It sounds after.
    pub after: bool,
    /// How much quieter than it was made, dB: zero or less.
    #[serde(default)]
    pub gain_db: i8,
}

/// What becomes of a programme when something stronger takes the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PreEmption {
    /// Goes on from where it was cut, and so ends later.
    #[default]
    Resume,
    /// Goes on as if it had run meanwhile, and so ends on time.
    Rejoin,
    /// Plays on quietly beneath it where that is sent to the same zone, and otherwise rejoins.
    Duck,
    /// Is over.
    Drop,
}

impl PreEmption {
    /// Tells whether it goes on as if it had run meanwhile.
    pub const fn rejoins(self) -> bool {
        matches!(self, Self::Rejoin | Self::Duck)
    }
}

impl<P, M> ProgrammeSpec<P, M> {
    /// Names programmes and media in another way; the first name that stands for nothing is the error.
    ///
    /// # Errors
    ///
    /// What the functions give.
    pub fn try_map<Q, N, E>(
        self,
        mut programme: impl FnMut(P) -> Result<Q, E>,
        mut media: impl FnMut(M) -> Result<N, E>,
    ) -> Result<ProgrammeSpec<Q, N>, E> {
        let source = match self.source {
            Source::Asset {
                media: own,
                languages,
            } => Source::Asset {
                media: media(own)?,
                languages: languages
                    .into_iter()
                    .map(|(language, version)| Ok((language, media(version)?)))
                    .collect::<Result<_, E>>()?,
            },
            Source::Playlist(items) => {
                let items = items.into_iter().map(|item| match item {
                    PlaylistItem::Media(piece) => media(piece).map(PlaylistItem::Media),
                    PlaylistItem::Programme(other) => programme(other).map(PlaylistItem::Programme),
                });
                Source::Playlist(items.collect::<Result<_, E>>()?)
            }
            Source::Series { name, when_none } => Source::Series {
                name,
                when_none: match when_none {
                    WhenNone::Skip => WhenNone::Skip,
                    WhenNone::Repeat => WhenNone::Repeat,
                    WhenNone::Instead(other) => WhenNone::Instead(programme(other)?),
                },
            },
            Source::Relay(relay) => Source::Relay(Relay {
                sources: relay.sources,
                fill: relay.fill.map(media).transpose()?,
                silence: relay.silence,
                studio: relay.studio,
            }),
            Source::Silence => Source::Silence,
        };
        Ok(ProgrammeSpec {
            title: self.title,
            source,
            class: self.class,
            chime: self.chime,
            pre_emption: self.pre_emption,
            give_up_after: self.give_up_after,
            topic: self.topic,
            campaign: self.campaign,
        })
    }

    /// Returns the other programmes it names.
    pub fn others(&self) -> Vec<&P> {
        match &self.source {
            Source::Playlist(items) => {
                let others = items.iter().filter_map(|item| match item {
                    PlaylistItem::Programme(other) => Some(other),
                    PlaylistItem::Media(_) => None,
                });
                others.collect()
            }
            Source::Series {
                when_none: WhenNone::Instead(other),
                ..
            } => vec![other],
            _ => Vec::new(),
        }
    }

    /// Returns the media it names itself.
    pub fn media(&self) -> Vec<&M> {
        match &self.source {
            Source::Asset { media, languages } => std::iter::once(media).chain(languages.values()).collect(),
            Source::Playlist(items) => {
                let pieces = items.iter().filter_map(|item| match item {
                    PlaylistItem::Media(media) => Some(media),
                    PlaylistItem::Programme(_) => None,
                });
                pieces.collect()
            }
            Source::Relay(relay) => relay.fill.iter().collect(),
            Source::Series { .. } | Source::Silence => Vec::new(),
        }
    }
}
