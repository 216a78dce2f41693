//! How something that is not on the air goes on as if it were.

use std::time::Duration;

use loa_model::WallTime;

/// How something would have run that was not on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsIfRun {
    /// When its beginning would have sounded.
    pub(super) zero: WallTime,
    /// From when on it would have waited for something stronger, and stays where it was.
    pub(super) kept_off: Option<WallTime>,
}

impl AsIfRun {
    pub(crate) const fn since(zero: WallTime) -> Self {
        Self { zero, kept_off: None }
    }

    /// Returns how much of it would have run by `at`.
    pub(super) fn position(self, at: WallTime) -> Duration {
        self.kept_off
            .map_or(at, |kept_off| kept_off.min(at))
            .since(self.zero)
    }

    /// Returns when `total` of it would have run; none if it would still wait.
    pub(super) fn ends(self, total: Duration) -> Option<WallTime> {
        let ends = self.zero + total;
        self.kept_off
            .is_none_or(|kept_off| ends <= kept_off)
            .then_some(ends)
    }
}
