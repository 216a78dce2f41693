//! One station as a receiver knows it: its key, its run, and what was already heard of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use loa_model::{Channel, WallTime};
use loa_wire::StationKey;

use super::counters::DropReason;
use super::window::{Seen, SequenceWindow};

/// A station whose certificate was verified.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) key: StationKey,
    /// Highest epoch heard, signed.
    epoch: u32,
    streams: BTreeMap<Channel, Heard>,
    /// Arrival minus sending time of the newest beacons, ns.
    transits: VecDeque<i64>,
}

/// What was heard on one group in the station's current run.
#[derive(Debug, Default)]
struct Heard {
    window: SequenceWindow,
    first: Option<u64>,
    highest: u64,
    marked: u64,
    /// Newest media time, signed.
    newest: WallTime,
    beacon: WallTime,
}

/// What is known of a packet before it is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered {
    sequence: u64,
    pub(super) seen: Seen,
}

impl Station {
    pub(super) fn new(key: StationKey) -> Self {
        Self {
            key,
            epoch: 0,
            streams: BTreeMap::new(),
            transits: VecDeque::with_capacity(TRANSITS),
        }
    }

    /// Takes note of a run; an earlier one than the newest is refused.
    ///
    /// When a new one begins, returns how many packets of the run before were never heard.
    pub(super) fn take_epoch(&mut self, epoch: u32) -> Result<Option<u64>, DropReason> {
        if epoch < self.epoch {
            return Err(DropReason::Stale);
        }
        if epoch == self.epoch {
            return Ok(None);
        }
        let lost = self.lost();
        self.epoch = epoch;
        self.streams.clear();
        self.transits.clear();
        Ok(Some(lost))
    }

    /// Refuses what was signed for another time than now.
    ///
    /// Without a trusted clock, the newest time heard from the station on this group stands for now.
    pub(super) fn check_fresh(
        &self,
        channel: Channel,
        at: WallTime,
        now: WallTime,
        trusted: bool,
    ) -> Result<(), DropReason> {
        let fresh = if trusted {
            at.ns_after(now).unsigned_abs() <= ns(FRESH)
        } else {
            let newest = self
                .streams
                .get(&channel)
                .map(|heard| heard.newest.max(heard.beacon));
            newest.is_none_or(|newest| newest.since(at) <= FRESH)
        };
        if fresh { Ok(()) } else { Err(DropReason::Stale) }
    }

    /// Finds a packet's place in the order of its stream.
    pub(super) fn number(&self, channel: Channel, sequence: u16, at: WallTime) -> Numbered {
        let Some(heard) = self.streams.get(&channel) else {
            let sequence = SequenceWindow::default().extend(sequence, false);
            return Numbered {
                sequence,
                seen: Seen::Never,
            };
        };
        // Within a stream, later numbers mean later times, so time tells the way around the circle.
        let sequence = heard.window.extend(sequence, at > heard.newest);
        Numbered {
            sequence,
            seen: heard.window.check(sequence),
        }
    }

    /// Remembers a packet; tells whether a later one came before it.
    pub(super) fn mark(&mut self, channel: Channel, numbered: Numbered, at: WallTime) -> bool {
        let heard = self.streams.entry(channel).or_default();
        heard.newest = heard.newest.max(at);
        heard.highest = heard.highest.max(numbered.sequence);
        let first = heard.first.get_or_insert(numbered.sequence);
        *first = numbered.sequence.min(*first);
        heard.marked += 1;
        heard.window.mark(numbered.sequence)
    }

    /// Remembers a beacon. The same one twice is the network's doing; an earlier one was sent again by somebody.
    pub(super) fn mark_beacon(
        &mut self,
        channel: Channel,
        at: WallTime,
        arrived: WallTime,
    ) -> Result<(), DropReason> {
        let heard = self.streams.entry(channel).or_default();
        if at == heard.beacon {
            return Err(DropReason::Duplicate);
        }
        if at < heard.beacon {
            return Err(DropReason::Replayed);
        }
        heard.beacon = at;
        if self.transits.len() == TRANSITS {
            self.transits.pop_front();
        }
        self.transits.push_back(arrived.ns_after(at));
        Ok(())
    }

    /// Returns arrival minus sending time of the beacon with the shortest way lately: what the clocks differ by, plus
    /// the network's delay. Nanoseconds.
    pub(super) fn transit_ns(&self) -> Option<i64> {
        self.transits.iter().min().copied()
    }

    /// Tells whether this receiver's clock and the station's can both be right.
    pub(super) fn clocks_agree(&self) -> bool {
        self.transit_ns()
            .is_none_or(|transit| AGREE_NS.contains(&transit))
    }

    /// Returns how many packets of this run were never heard, as far as later ones prove it.
    pub(super) fn lost(&self) -> u64 {
        let lost = |heard: &Heard| {
            let expected = heard.first.map_or(0, |first| heard.highest - first + 1);
            expected.saturating_sub(heard.marked)
        };
        self.streams.values().map(lost).sum()
    }
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Further than this from now, a packet is an old recording or its sender's clock is wrong.
const FRESH: Duration = Duration::from_secs(10);
/// Beacons over which the shortest way is taken.
const TRANSITS: usize = 16;
/// Clocks kept by NTP are within milliseconds; the rest of the upper bound is the network's.
const AGREE_NS: std::ops::Range<i64> = -50_000_000..150_000_000;
