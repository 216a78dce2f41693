//! One session's packets, in the order of the timeline.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{BulletinClass, SampleTime, WallTime, duration_to_samples};

use super::event::Playing;

/// Holds what came of one session and is not over.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) playing: Playing,
    packets: BTreeMap<SampleTime, Held>,
    /// Where its first packet lies, even when that is over.
    first: SampleTime,
    /// One past the last sample of what came.
    reached: SampleTime,
    /// Where it ends, once its last packet came.
    end: Option<SampleTime>,
    /// Samples of its newest packet, for want of a better guess of a lost one's.
    packet_samples: u32,
    anchor: Option<Anchor>,
}

#[derive(Clone, Debug)]
struct Held {
    samples: u32,
    payload: Vec<u8>,
}

/// A packet, placed.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) start: SampleTime,
    pub(super) samples: u32,
    pub(super) last: bool,
    pub(super) payload: Vec<u8>,
}

/// What a track has from some sample on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A packet that covers the sample.
    Packet {
        start: SampleTime,
        samples: u32,
        payload: &'a [u8],
    },
    /// Nothing until a packet that begins later.
    Hole { until: SampleTime, next: &'a [u8] },
    /// Nothing, and nothing after it so far.
    Nothing,
}

/// How a session that plays by its arrival lies on this receiver's timeline.
#[derive(Debug)]
struct Anchor {
    /// Arrival minus sending time that stands for "in time", ns.
    transit_ns: i64,
    /// Shortest way in the running window.
    shortest_ns: i64,
    window_ends: WallTime,
}

impl Track {
    /// Begins with the place of its first packet.
    pub(super) fn new(playing: Playing, sent: WallTime, arrived: WallTime) -> Self {
        let anchor = playing.by_arrival.then(|| {
            let transit_ns = arrived.ns_after(sent);
            Anchor {
                transit_ns,
                shortest_ns: transit_ns,
                window_ends: arrived + ANCHOR_WINDOW,
            }
        });
        Self {
            playing,
            packets: BTreeMap::new(),
            first: SampleTime(i64::MAX),
            reached: SampleTime(i64::MIN),
            end: None,
            packet_samples: 0,
            anchor,
        }
    }

    /// Returns where a packet sent at `sent` sounds, and whether that changed for all of the session.
    ///
    /// By the clock it is `sent + delay`. By arrival, `sent` is first moved by what the way took for the packets that
    /// came fastest, so that a slow first packet or a clock that drifts does not stay for good.
    pub(super) fn place(&mut self, sent: WallTime, arrived: WallTime, delay: Duration) -> (SampleTime, bool) {
        let mut moved = false;
        let mut sent = sent;
        if let Some(anchor) = &mut self.anchor {
            let transit_ns = arrived.ns_after(sent);
            anchor.shortest_ns = anchor.shortest_ns.min(transit_ns);
            if arrived >= anchor.window_ends {
                moved = anchor.shortest_ns.abs_diff(anchor.transit_ns) > ANCHOR_TOLERANCE_NS;
                if moved {
                    anchor.transit_ns = anchor.shortest_ns;
                }
                anchor.shortest_ns = transit_ns;
                anchor.window_ends = arrived + ANCHOR_WINDOW;
            }
            sent = sent.offset_ns(anchor.transit_ns);
        }
        // The delay in samples is exact (whole milliseconds), so contiguous packets stay contiguous.
        let delay = i64::try_from(duration_to_samples(delay)).unwrap_or(i64::MAX);
        (sent.to_sample().offset(delay), moved)
    }

    /// Takes a packet in; false if one is there already.
    pub(super) fn insert(&mut self, packet: Placed) -> bool {
        let end = packet.start.offset(i64::from(packet.samples));
        if self.packets.contains_key(&packet.start) {
            return false;
        }
        self.first = self.first.min(packet.start);
        self.reached = self.reached.max(end);
        self.packet_samples = packet.samples;
        if self.end.is_some_and(|ended| ended <= packet.start) {
            // It was interrupted and has the air again.
            self.end = None;
        }
        if packet.last {
            self.end = Some(end);
        }
        self.packets.insert(
            packet.start,
            Held {
                samples: packet.samples,
                payload: packet.payload,
            },
        );
        true
    }

    /// Tells whether it claims the air at this sample.
    pub(super) fn holds(&self, at: SampleTime) -> bool {
        self.first <= at && at < self.holds_until()
    }

    /// Returns its first sample.
    pub(super) const fn first(&self) -> SampleTime {
        self.first
    }

    /// Returns one past the last sample that it claims: a little longer than what came, unless its last packet came.
    pub(super) fn holds_until(&self) -> SampleTime {
        self.end.unwrap_or_else(|| {
            let hold = if self.playing.class == BulletinClass::Emergency {
                HOLD_EMERGENCY
            } else {
                HOLD
            };
            self.reached
                .offset(i64::try_from(duration_to_samples(hold)).unwrap_or(0))
        })
    }

    /// Ends the claim at `at` or earlier, if packets of it reach no further.
    pub(super) fn end_by(&mut self, at: SampleTime) {
        if self.reached <= at && self.end.is_none() {
            self.end = Some(self.holds_until().min(at));
        }
    }

    /// Tells whether its last packet came.
    pub(super) const fn is_complete(&self) -> bool {
        self.end.is_some()
    }

    /// Returns what there is at `at`.
    pub(super) fn next(&self, at: SampleTime) -> Next<'_> {
        let before = self.packets.range(..=at).next_back();
        if let Some((start, held)) = before.filter(|(start, held)| start.offset(i64::from(held.samples)) > at)
        {
            return Next::Packet {
                start: *start,
                samples: held.samples,
                payload: &held.payload,
            };
        }
        match self.packets.range(at..).next() {
            Some((start, held)) => Next::Hole {
                until: *start,
                next: &held.payload,
            },
            None => Next::Nothing,
        }
    }

    /// Returns how many packets begin within a stretch.
    pub(super) fn begin_within(&self, from: SampleTime, to: SampleTime) -> u64 {
        self.packets.range(from..to).count() as u64
    }

    /// Returns where decoding should begin so that the decoder has settled at `at`: on an unbroken run of packets.
    pub(super) fn pre_roll(&self, at: SampleTime) -> SampleTime {
        let mut from = at;
        for (start, held) in self.packets.range(..at).rev() {
            let end = start.offset(i64::from(held.samples));
            if end < from || at.samples_after(*start) > PRE_ROLL + i64::from(held.samples) {
                break;
            }
            from = *start;
        }
        from
    }

    /// Returns samples of a packet of this session.
    pub(super) const fn packet_samples(&self) -> u32 {
        self.packet_samples
    }

    /// Forgets packets that can no longer be of use at `at` or after.
    pub(super) fn prune(&mut self, at: SampleTime) {
        while let Some(entry) = self.packets.first_entry() {
            if entry.key().offset(i64::from(entry.get().samples) + PRE_ROLL) > at {
                break;
            }
            entry.remove();
        }
    }

    /// Returns how many packets it holds.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Returns one past the last sample that came.
    pub(super) const fn reached(&self) -> SampleTime {
        self.reached
    }
}

/// A session without its last packet keeps the air this long after what came: a burst of loss is no end.
const HOLD: Duration = Duration::from_millis(500);
/// An emergency is not let go so easily.
const HOLD_EMERGENCY: Duration = Duration::from_secs(2);
/// Samples a decoder needs to settle: 80 ms (RFC 7845 §4.6).
const PRE_ROLL: i64 = 3_840;
/// How often a session that plays by arrival looks whether its place still fits.
const ANCHOR_WINDOW: Duration = Duration::from_secs(10);
/// Smaller differences are left alone: moving is heard, and the playout delay covers them.
const ANCHOR_TOLERANCE_NS: u64 = 20_000_000;
