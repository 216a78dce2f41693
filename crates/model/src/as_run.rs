//! The as-run log: what was really aired, when, and why it ended.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ContentHash, OccurrenceId, SessionId, ZoneId};
use crate::priority::BulletinClass;
use crate::programme::PreEmption;
use crate::run_sheet::Content;
use crate::time::WallTime;

/// Why a session exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The run-sheet.
    Slot(OccurrenceId),
    /// A person.
    Override {
        /// Name of the user who put it on air.
        by: String,
        /// The session it began as; a restart of the head-end goes on with it as another one.
        first: SessionId,
    },
}

/// What the engine reports to the as-run log, in order.
///
/// Each started part has exactly one end with the same session and part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AsRunEvent {
    /// A session took the air, for the first time or again.
    Started(PartStarted),
    /// It left the air.
    Ended(PartEnded),
    /// A planned occurrence cannot begin at its time: something stronger has the air. It may still.
    Delayed {
        /// Which.
        occurrence: OccurrenceId,
        /// When it was to begin.
        at: WallTime,
        /// What has the air.
        by: SessionId,
    },
    /// A planned occurrence never took the air.
    NotAired {
        /// Which.
        occurrence: OccurrenceId,
        /// Name of the programme.
        title: String,
        /// When that was certain.
        at: WallTime,
        /// Why.
        reason: EndReason,
    },
}

/// A session taking the air. Part 1 is its first time; later parts follow an interruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStarted {
    /// Which session.
    pub session: SessionId,
    /// Which stretch of it, from 1.
    pub part: u32,
    /// The zone whose group it went to.
    pub zone: ZoneId,
    /// Why it exists.
    pub origin: Origin,
    /// Name of the programme.
    pub title: String,
    /// All that the session sounds like.
    pub content: Content,
    /// What of it sounds in this part.
    pub sound: Sound,
    /// Its class.
    pub class: BulletinClass,
    /// Among items of one class in one zone, the lower one goes first.
    pub order: u16,
    /// When `media_offset` sounds; a chime sounds before this.
    pub at: WallTime,
    /// How far into the content it began.
    pub media_offset: Duration,
    /// When it ends if nothing interrupts it.
    pub ends: WallTime,
    /// Whether it fades at `ends` because a time limit cuts it there.
    pub cut: bool,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
    /// Once it was kept off the air for this long, it does not come back.
    pub give_up_after: Option<Duration>,
    /// An exercise.
    pub drill: bool,
}

/// What sounds in one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// A piece of media.
    Media(ContentHash),
    /// A relay's source, by its number from 0.
    Source(usize),
    /// What a relay sounds like while no source does: a piece of media, over and over, or nothing.
    Fill(Option<ContentHash>),
    /// Somebody who speaks.
    Voice,
    /// Nothing.
    Silence,
}

/// A session leaving the air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEnded {
    /// Which session.
    pub session: SessionId,
    /// Which stretch of it.
    pub part: u32,
    /// When the last of it sounds.
    pub at: WallTime,
    /// How far into the content it came.
    pub media_offset: Duration,
    /// Why.
    pub reason: EndReason,
}

/// Why a part left the air, or never took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// All of it was sent.
    Completed,
    /// Its slot or its override has a time limit.
    TimeLimit,
    /// Something stronger took the air.
    PreEmpted {
        /// The session that took it.
        by: SessionId,
    },
    /// A person stopped it.
    Stopped {
        /// Name of the user.
        by: String,
    },
    /// Whoever spoke can be heard no more: the connection is gone, the login is over, or nothing was said for too long.
    SpeakerLost {
        /// How, for people.
        why: String,
    },
    /// The plan could not air it.
    Refused {
        /// Why, for people.
        why: String,
    },
    /// Its time passed before the air was free.
    Missed,
    /// It was kept off the air for longer than it would wait.
    GaveUp,
    /// Quiet hours began.
    QuietHours,
    /// The zone had sounded for as long as it may in a day.
    MinutesSpent,
    /// What sounded in this part failed, and something else took over.
    SourceFailed {
        /// How, for people.
        what: String,
    },
    /// A better source took over.
    SourceBack,
    /// The run-sheet that held it was replaced by one without it.
    Unplanned,
    /// The head-end was shut down in order.
    HeadEndStopped,
    /// The head-end died; the end is when it was last known to be sending.
    HeadEndLost,
    /// Something of ours failed.
    Fault {
        /// What, for people.
        what: String,
    },
}

impl EndReason {
    /// Returns the word used in the store and in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::TimeLimit => "time_limit",
            Self::PreEmpted { .. } => "pre_empted",
            Self::Stopped { .. } => "stopped",
            Self::SpeakerLost { .. } => "speaker_lost",
            Self::Refused { .. } => "refused",
            Self::Missed => "missed",
            Self::GaveUp => "gave_up",
            Self::QuietHours => "quiet_hours",
            Self::MinutesSpent => "minutes_spent",
            Self::SourceFailed { .. } => "source_failed",
            Self::SourceBack => "source_back",
            Self::Unplanned => "unplanned",
            Self::HeadEndStopped => "head_end_stopped",
            Self::HeadEndLost => "head_end_lost",
            Self::Fault { .. } => "fault",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreEmpted { by } => write!(f, "pre_empted by {by}"),
            Self::Stopped { by } => write!(f, "stopped by {by}"),
            Self::SpeakerLost { why } => write!(f, "speaker_lost: {why}"),
            Self::Refused { why } => write!(f, "refused: {why}"),
            Self::SourceFailed { what } => write!(f, "source_failed: {what}"),
            Self::Fault { what } => write!(f, "fault: {what}"),
            other => f.write_str(other.code()),
        }
    }
}
