//! What the engine asks of those who send.

use std::time::Duration;

use loa_model::{AsRunEvent, BulletinClass, ContentHash, Relay, RelayId, SessionId, WallTime, ZoneId};

/// One thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Load this media; [`Engine::handle_media`](crate::Engine::handle_media) tells when it is there.
    Prepare {
        /// Which.
        media: ContentHash,
    },
    /// Nothing will need this media soon.
    Release {
        /// Which.
        media: ContentHash,
    },
    /// Connect to another station; [`Engine::handle_relay`](crate::Engine::handle_relay) tells what it sounds like.
    OpenRelay {
        /// Which opening.
        relay: RelayId,
        /// Where it comes from.
        spec: Relay,
        /// Name of the programme, for people.
        title: String,
    },
    /// Nothing needs this relay any more.
    CloseRelay {
        /// Which opening.
        relay: RelayId,
    },
    /// Nobody speaks in this session any more.
    CloseVoice {
        /// Which session.
        session: SessionId,
    },
    /// Put a part of a session on air.
    Start(Start),
    /// Be silent from `at` on: fade before it if there is time, else stop there.
    ///
    /// May come again for an earlier instant. One that lies before the part's first sound takes the whole part back,
    /// and a later [`Start`] may have its number.
    Stop {
        /// Which session.
        session: SessionId,
        /// Which stretch of it.
        part: u32,
        /// The zone it is sent to.
        zone: ZoneId,
        /// First instant of silence.
        at: WallTime,
    },
    /// Write this into the as-run log.
    AsRun(AsRunEvent),
}

/// A part of a session to put on air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Which session.
    pub session: SessionId,
    /// Which stretch of it, from 1.
    pub part: u32,
    /// The zone whose group it goes to.
    pub zone: ZoneId,
    /// Its class.
    pub class: BulletinClass,
    /// What sounds.
    pub feed: Feed,
    /// When that begins to sound.
    pub at: WallTime,
    /// Whether the chime sounds before `at`.
    pub chime: bool,
    /// How much quieter than it was made the chime is, dB.
    pub chime_gain_db: i8,
    /// When it ends unless stopped.
    pub ends: WallTime,
    /// Whether `ends` is before its own end, so that it fades.
    pub cut: bool,
    /// An emergency that a named person released: the only thing that sounds in quiet hours.
    pub authored: bool,
    /// An exercise.
    pub drill: bool,
    /// What plays on quietly beneath it.
    pub bed: Option<Bed>,
}

/// Something that gave way and plays on beneath what took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bed {
    /// What sounds.
    pub media: ContentHash,
    /// How far into it that is when the part itself begins to sound.
    pub offset: Duration,
    /// When it is over, no later than the part.
    pub ends: WallTime,
}

/// What a part sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// A piece of media.
    Media {
        /// Which.
        media: ContentHash,
        /// How far into it to begin.
        offset: Duration,
    },
    /// A relay, as it comes.
    Relay(RelayId),
    /// Whoever speaks in this session.
    Voice,
    /// Silence, so that nothing weaker is heard.
    Silence,
}
