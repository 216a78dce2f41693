//! When to join the groups again: memberships go with an interface that is taken away, and nothing tells.

use std::time::Duration;

use loa_model::MonoTime;

/// Watches whether beacons come at all. One zone's may be missing; that no zone's comes is the interface, or the head-end.
#[derive(Debug)]
pub(crate) struct Memberships {
    beacons: u64,
    /// When a beacon was last seen to have come, or the groups were joined.
    since: MonoTime,
    silent: bool,
    joined_again: u64,
}

/// What there is to do or to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The groups are to be joined again; `first` if it is for the first time in this silence.
    Silent {
        /// Whether it is worth a line in the log.
        first: bool,
    },
    /// Beacons come again.
    Heard,
}

impl Memberships {
    pub(crate) const fn new(now: MonoTime) -> Self {
        Self {
            beacons: 0,
            since: now,
            silent: false,
            joined_again: 0,
        }
    }

    /// Takes note of how many beacons came since the start.
    pub(crate) fn look(&mut self, beacons: u64, now: MonoTime) -> Option<News> {
        if beacons != self.beacons {
            (self.beacons, self.since) = (beacons, now);
            return std::mem::take(&mut self.silent).then_some(News::Heard);
        }
        if now.since(self.since) < SILENT {
            return None;
        }
        self.since = now;
        self.joined_again += 1;
        let first = !std::mem::replace(&mut self.silent, true);
        Some(News::Silent { first })
    }

    /// Returns how often the groups were to be joined again.
    pub(crate) const fn joined_again(&self) -> u64 {
        self.joined_again
    }
}

/// Each zone of the chain has a beacon a second.
const SILENT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: seconds from the start, beacons until then, and what follows.
    #[test]
    fn ten_seconds_without_any_beacon_join_the_groups_again_and_again() {
        let first = |first| Some(News::Silent { first });
        let rows = [
            (9, 0, None),
            (10, 0, first(true)),
            (19, 0, None),
            (20, 0, first(false)),
            (21, 1, Some(News::Heard)),
            (22, 4, None),
            (31, 4, None),
            (32, 4, first(true)),
        ];
        let at = |s: u64| MonoTime::from_ns((100 + s) * 1_000_000_000);
        let mut memberships = Memberships::new(at(0));
        for (s, beacons, expected) in rows {
            assert_eq!(memberships.look(beacons, at(s)), expected, "{s} s");
        }
        assert_eq!(memberships.joined_again(), 3);
    }
}
