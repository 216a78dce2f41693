//! When the packets of something that has no end of its own are due: a relay, a studio, silence.

use std::time::Duration;

use loa_model::{SampleTime, WallTime};

/// Where one packet lies on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSlot {
    /// Media time of its first sample.
    pub at: SampleTime,
    /// Samples in it.
    pub samples: u32,
    /// First packet of this part of the session.
    pub marker: bool,
    /// Last packet of this part of the session.
    pub last: bool,
}

/// Gives out one place on the timeline after another, each when it is due.
///
/// The caller fills each with the newest packet of its source; a place for which there is none stays empty, and
/// receivers conceal it. The first place begins one codec delay before the start, so that what goes into the encoder
/// from then on sounds from the start on.
#[derive(Clone, Debug)]
pub struct LivePlayer {
    starts: SampleTime,
    next: SampleTime,
    packet_samples: u32,
    /// First instant of silence.
    end: Option<SampleTime>,
    marker_due: bool,
    finished: bool,
    late_max: Duration,
    skipped: u64,
}

impl LivePlayer {
    /// Begins at media time `start`, with packets of `packet_samples` from an encoder that delays by `pre_skip`.
    ///
    /// Places whose end lies further back than `late_max` are skipped: they would come too late everywhere.
    pub fn new(start: WallTime, packet_samples: u32, pre_skip: u32, late_max: Duration) -> Self {
        let starts = start.to_sample().offset(-i64::from(pre_skip));
        Self {
            starts,
            next: starts,
            packet_samples: packet_samples.max(1),
            end: None,
            marker_due: true,
            finished: false,
            late_max,
            skipped: 0,
        }
    }

    /// Ends at the packet boundary at or after media time `at`; earlier than it was to end, never later.
    pub fn cut(&mut self, at: WallTime) {
        let cut = at.to_sample();
        self.end = Some(self.end.map_or(cut, |end| end.min(cut)));
        if self.marker_due && cut <= self.next {
            self.finished = true;
        }
    }

    /// Returns when the next place is due.
    pub fn poll_due(&self) -> Option<WallTime> {
        (!self.finished).then(|| self.next.to_wall())
    }

    /// Gives out the next place if it is due.
    pub fn next_slot(&mut self, now: WallTime) -> Option<LiveSlot> {
        while !self.finished && self.next.to_wall() <= now {
            let at = self.next;
            self.next = at.offset(i64::from(self.packet_samples));
            let last = self.end.is_some_and(|end| self.next >= end);
            self.finished = last;
            if !last && self.next.to_wall() + self.late_max <= now {
                self.skipped += 1;
                continue;
            }
            return Some(LiveSlot {
                at,
                samples: self.packet_samples,
                marker: std::mem::take(&mut self.marker_due),
                last,
            });
        }
        None
    }

    /// Takes note that there was nothing for a place: what comes next is the first packet, if this one was to be.
    pub const fn missed(&mut self, slot: LiveSlot) {
        self.marker_due = self.marker_due || slot.marker;
    }

    /// Tells whether the last place was given out.
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns the media time at which the first packet begins.
    pub const fn starts_at(&self) -> WallTime {
        self.starts.to_wall()
    }

    /// Returns how many places were skipped because the caller came too late for them.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: WallTime = WallTime::from_unix_s(1_700_000_000);

    fn player() -> LivePlayer {
        LivePlayer::new(START, 2_880, 312, Duration::from_millis(600))
    }

    fn after(ms: i64) -> WallTime {
        START.offset_ns(ms * 1_000_000)
    }

    fn drain(player: &mut LivePlayer, now: WallTime) -> String {
        let mut slots = Vec::new();
        while let Some(slot) = player.next_slot(now) {
            let (marker, last) = (
                if slot.marker { "!" } else { "" },
                if slot.last { "." } else { "" },
            );
            slots.push(format!(
                "{marker}{}{last}",
                slot.at.samples_after(START.to_sample())
            ));
        }
        slots.join(" ")
    }

    #[test]
    fn places_follow_one_another_from_one_codec_delay_before_the_start() {
        let mut player = player();
        assert_eq!(player.poll_due(), Some(START - Duration::from_micros(6_500)));
        assert_eq!(drain(&mut player, after(-7)), "");
        assert_eq!(drain(&mut player, after(120)), "!-312 2568 5448");
        player.cut(after(300));
        player.cut(after(900));
        assert_eq!(drain(&mut player, after(600)), "8328 11208 14088.");
        assert!(player.is_finished() && player.poll_due().is_none());
    }

    #[test]
    fn what_is_cut_before_its_beginning_never_begins() {
        let mut player = player();
        player.cut(after(-60));
        assert!(player.is_finished());
        assert_eq!(drain(&mut player, after(900)), "");
    }

    #[test]
    fn places_that_would_come_too_late_are_skipped_and_counted() {
        let mut player = player();
        assert_eq!(
            drain(&mut player, after(720)),
            "!5448 8328 11208 14088 16968 19848 22728 25608 28488 31368 34248"
        );
        assert_eq!(player.skipped(), 2);
    }
}
