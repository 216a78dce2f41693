//! What passes between the engine and those who watch or command it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::as_run::Origin;
use crate::id::{SessionId, ZoneId};
use crate::priority::BulletinClass;
use crate::run_sheet::Content;
use crate::time::WallTime;

/// An order to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Puts something on air in a zone now, over whatever is weaker.
    StartOverride {
        /// Where.
        zone: ZoneId,
        /// Name of it, for people.
        title: String,
        /// What sounds.
        content: Content,
        /// Its class.
        class: BulletinClass,
        /// Whether the chime sounds before it.
        chime: bool,
        /// It is cut after this long.
        limit: Duration,
        /// Whether it is an exercise: it airs no stronger than live, and begins with words that say so.
        drill: bool,
        /// Name of the user.
        by: String,
    },
    /// Takes a session off air whose speaker is done.
    SpeechOver {
        /// Which.
        session: SessionId,
    },
    /// Takes a session off air whose speaker can be heard no more.
    SpeakerLost {
        /// Which.
        session: SessionId,
        /// How, for people.
        why: String,
    },
    /// Takes a session off air, with a fade.
    Stop {
        /// Which.
        session: SessionId,
        /// Name of the user.
        by: String,
    },
    /// Takes everything off air in order, because the head-end is being shut down.
    ShutDown,
}

/// What the engine did with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandDone {
    /// An override is on air, or waits behind something stronger.
    OverrideStarted {
        /// Its session.
        session: SessionId,
        /// Whether it has the air at once.
        on_air: bool,
    },
    /// It is done.
    Done,
}

/// Why the engine refused a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such zone.
    #[error("zone {0} does not exist")]
    UnknownZone(ZoneId),
    /// No such session, or it is over.
    #[error("session {0} is not on air and not waiting")]
    UnknownSession(SessionId),
    /// Only an emergency with a named author sounds in quiet hours.
    #[error("zone {0} has quiet hours; only an emergency with a named author sounds then")]
    QuietHours(ZoneId),
    /// The zone has sounded for as long as it may on this day.
    #[error(
        "zone {0} has sounded for as long as it may today; only an emergency with a named author still does"
    )]
    MinutesSpent(ZoneId),
    /// The zone holds as many sessions as the engine keeps.
    #[error("zone {0} already holds {SESSIONS_PER_ZONE_MAX} sessions; stop one first")]
    TooManySessions(ZoneId),
    /// The head-end is going down.
    #[error("the head-end is shutting down")]
    ShuttingDown,
}

/// Sessions, on air and waiting, that one zone may hold; bounds the engine's memory.
pub const SESSIONS_PER_ZONE_MAX: usize = 32;

/// The engine at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// When it was taken.
    pub at: WallTime,
    /// Number of the run-sheet in force; zero before the first.
    pub run_sheet: u32,
    /// Every zone, in order of id.
    pub zones: Vec<ZoneState>,
}

/// One zone at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ZoneState {
    /// Which.
    pub zone: ZoneId,
    /// What is sent to this zone's own group.
    pub on_air: Option<SessionState>,
    /// What its receivers play, by the rule they use: this zone's or an ancestor's session.
    pub heard: Option<Heard>,
    /// Sessions of this zone that wait for the air, strongest first.
    pub waiting: Vec<SessionState>,
    /// What the run-sheet airs next in this zone or an ancestor.
    pub next: Option<NextUp>,
}

/// A session at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SessionState {
    /// Which.
    pub session: SessionId,
    /// Which stretch of it.
    pub part: u32,
    /// Why it exists.
    pub origin: Origin,
    /// Name of the programme.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
    /// When it first took the air; none while it never did.
    pub began: Option<WallTime>,
    /// When it took the air, or began to wait.
    pub since: WallTime,
    /// When it will end if nothing interrupts it.
    pub ends: WallTime,
}

/// What a zone's receivers are predicted to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heard {
    /// The session.
    pub session: SessionId,
    /// The zone it was sent to.
    pub from: ZoneId,
    /// Name of the programme.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
}

/// The next planned start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NextUp {
    /// Number of the run-sheet's line.
    pub line: u32,
    /// The zone it is sent to.
    pub from: ZoneId,
    /// When.
    pub start: WallTime,
    /// Name of the programme.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
}
