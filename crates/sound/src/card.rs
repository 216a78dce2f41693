//! A sound card made of arithmetic: consumes frames as time passes. Pure.

use loa_model::{MonoTime, SAMPLE_RATE};

/// Consumes 48 kHz frames by a clock, with a chosen error of rate.
///
/// It starts with the first frame written. When it runs empty it sounds silence
/// and goes on, so that frame numbers keep their relation to time.
#[derive(Clone, Debug)]
pub struct VirtualCard {
    capacity: u64,
    rate_uhz: u64,
    /// Since when frames have been consumed.
    started: Option<MonoTime>,
    /// Frames consumed before `started`.
    base: u64,
    written: u64,
    generation: u32,
}

/// What the card had to do because the writer was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Nothing: the writer was in time.
    None,
    /// It sounded this many frames of silence.
    Silence(u64),
    /// It stood still too long to count: frame numbers start a new relation to time.
    Restart,
}

impl VirtualCard {
    /// Makes a card that holds `capacity` frames and runs `skew_ppm` fast.
    ///
    /// `skew_ppm` is held within ±100 000; `capacity` is at least one frame.
    pub fn new(capacity: u64, skew_ppm: f64) -> Self {
        let skew = skew_ppm.clamp(-SKEW_PPM_MAX, SKEW_PPM_MAX);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the clamp keeps it far inside the range, and positive"
        )]
        let rate_uhz = (f64::from(SAMPLE_RATE) * (1e6 + skew)).round() as u64;
        Self {
            capacity: capacity.max(1),
            rate_uhz,
            started: None,
            base: 0,
            written: 0,
            generation: 0,
        }
    }

    /// Puts `frames` into the card and returns what it sounded in their absence, which comes before them.
    ///
    /// Wait for [`room_at`](Self::room_at) first; the card takes them in any case.
    pub fn write(&mut self, frames: u64, now: MonoTime) -> Gap {
        let consumed = self.consumed_unbounded(now);
        let missing = consumed.saturating_sub(self.written);
        let gap = match missing {
            _ if self.started.is_none() => {
                self.restart(now);
                Gap::None
            }
            0 => Gap::None,
            _ if missing > SILENCE_MAX => {
                self.restart(now);
                self.generation = self.generation.wrapping_add(1);
                Gap::Restart
            }
            _ => {
                self.written += missing;
                Gap::Silence(missing)
            }
        };
        self.written += frames;
        gap
    }

    /// Returns when there is room for `frames` more, no more of them than the card holds.
    pub fn room_at(&self, frames: u64) -> MonoTime {
        let Some(started) = self.started else {
            return MonoTime::default();
        };
        let frames = frames.min(self.capacity);
        let target = (self.written + frames)
            .saturating_sub(self.capacity)
            .saturating_sub(self.base);
        let ns = (u128::from(target) * UHZ_NS).div_ceil(u128::from(self.rate_uhz));
        MonoTime::from_ns(
            started
                .as_ns()
                .saturating_add(u64::try_from(ns).unwrap_or(u64::MAX)),
        )
    }

    /// Returns how many frames were written, silence included.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Returns how many frames written have not sounded at `now`.
    pub fn pending(&self, now: MonoTime) -> u64 {
        self.written.saturating_sub(self.consumed_unbounded(now))
    }

    /// Returns how often frame numbers lost their relation to time.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    fn restart(&mut self, now: MonoTime) {
        self.started = Some(now);
        self.base = self.written;
    }

    /// Frames that would have sounded by `now` had there been enough.
    fn consumed_unbounded(&self, now: MonoTime) -> u64 {
        let Some(started) = self.started else {
            return self.base;
        };
        let frames = now.since(started).as_nanos() * u128::from(self.rate_uhz) / UHZ_NS;
        self.base
            .saturating_add(u64::try_from(frames).unwrap_or(u64::MAX))
    }
}

/// Micro-hertz times nanoseconds in one frame.
const UHZ_NS: u128 = 1_000_000 * 1_000_000_000;

/// Beyond this the process was stopped, not late; filling a file with an hour of silence helps nobody.
const SILENCE_MAX: u64 = 10 * SAMPLE_RATE as u64;

/// No crystal is off by 10 %.
const SKEW_PPM_MAX: f64 = 100_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> MonoTime {
        MonoTime::from_ns(ms * 1_000_000)
    }

    /// A card of 100 ms that was given 960 frames (20 ms) at 1 s.
    fn started() -> VirtualCard {
        let mut card = VirtualCard::new(4800, 0.0);
        assert_eq!(card.write(960, at_ms(1000)), Gap::None);
        card
    }

    /// Each row: when 20 ms more are written, what sounded in between, and what is pending afterwards.
    #[test]
    fn late_writer_gets_silence() {
        let rows: &[(&str, u64, Gap, u64)] = &[
            ("at once", 1000, Gap::None, 1920),
            ("in time", 1010, Gap::None, 1440),
            ("just in time", 1020, Gap::None, 960),
            ("5 ms late", 1025, Gap::Silence(240), 960),
            ("10 s late", 11_020, Gap::Silence(480_000), 960),
            ("stopped for an hour", 3_601_000, Gap::Restart, 960),
        ];
        for (name, now_ms, gap, pending) in rows {
            let mut card = started();
            assert_eq!(card.write(960, at_ms(*now_ms)), *gap, "{name}");
            assert_eq!(card.pending(at_ms(*now_ms)), *pending, "{name}");
            assert_eq!(card.generation(), u32::from(*gap == Gap::Restart), "{name}");
        }
    }

    #[test]
    fn room_comes_as_frames_are_consumed() {
        let mut card = started();
        assert!(card.room_at(3840) <= at_ms(1000), "80 ms more fit at once");
        card.write(3840, at_ms(1000));
        assert_eq!(card.room_at(960), at_ms(1020));
        assert_eq!(card.room_at(4800), at_ms(1100));
        assert_eq!(
            card.room_at(1_000_000),
            at_ms(1100),
            "more than it holds waits for it to be empty"
        );
    }

    #[test]
    fn nothing_sounds_before_the_first_write() {
        let mut card = VirtualCard::new(4800, 0.0);
        assert_eq!(card.pending(at_ms(5000)), 0);
        assert_eq!(card.write(480, at_ms(5000)), Gap::None);
        assert_eq!(card.written(), 480);
    }

    /// Each row: skew, and frames consumed in 1000 s.
    #[test]
    fn skew_changes_the_rate() {
        for (ppm, expected) in [
            (0.0, 48_000_000),
            (100.0, 48_004_800),
            (-100.0, 47_995_200),
            (0.5, 48_000_024),
            (f64::INFINITY, 52_800_000),
        ] {
            let mut card = VirtualCard::new(4800, ppm);
            card.write(60_000_000, at_ms(0));
            assert_eq!(60_000_000 - card.pending(at_ms(1_000_000)), expected, "{ppm} ppm");
        }
    }

    #[test]
    fn numbers_grow_across_a_restart() {
        let mut card = started();
        card.write(960, at_ms(100_000));
        assert_eq!(card.written(), 1920);
        assert_eq!(card.pending(at_ms(100_010)), 480);
    }
}
