//! What the engine asks of those who send.

use std::time::Duration;

use loa_model::{AsRunEvent, BulletinClass, ContentHash, SessionId, WallTime, ZoneId};

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
    pub media: ContentHash,
    /// How far into the media it begins.
    pub offset: Duration,
    /// When `offset` sounds.
    pub at: WallTime,
    /// Whether the chime sounds before `at`.
    pub chime: bool,
    /// When it ends unless stopped.
    pub ends: WallTime,
    /// Whether `ends` is before the end of the media, so that it fades.
    pub cut: bool,
    /// An exercise.
    pub drill: bool,
}
