//! A session's parts: each is one stretch on the air.

use std::time::Duration;

use loa_model::{EndReason, Sound, WallTime};

use super::as_if_run::AsIfRun;

/// One stretch on the air.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its number in the as-run log.
    pub(crate) number: u32,
    /// The number with which it was started; a relay changes its source within one start. Zero if it never was.
    pub(crate) started_as: u32,
    pub(crate) sound: Sound,
    /// First sound of it: the chime, if it has one.
    pub(crate) from: WallTime,
    /// When `offset` sounds.
    pub(crate) at: WallTime,
    pub(crate) offset: Duration,
    /// When it ends by itself, or was decided to.
    pub(crate) ends: WallTime,
    /// Why, once that is decided.
    pub(crate) reason: Option<EndReason>,
    pub(crate) chime: bool,
    /// Where its session stood before it: if it is taken back, that goes on as if this had never been.
    pub(super) before: (Duration, Option<AsIfRun>),
    /// Whether its start stands in the as-run log.
    pub(crate) logged: bool,
}

/// A part that the sender must end: then, or as if it had never been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) part: u32,
    /// First instant of silence; none if it is taken back before its first sound.
    pub(crate) at: Option<WallTime>,
}

impl Part {
    pub(super) const fn stopped(&self) -> Stopped {
        Stopped {
            part: self.started_as,
            at: Some(self.ends),
        }
    }

    /// Returns how far into the media it is at `at`.
    pub(crate) fn position(&self, at: WallTime) -> Duration {
        self.offset + at.since(self.at)
    }

    /// Tells whether it sounds at `at`.
    pub(crate) fn sounds(&self, at: WallTime) -> bool {
        self.from <= at && at < self.ends
    }
}

/// What a part has that only tells of a piece that failed.
pub(super) const NEVER_STARTED: u32 = 0;
