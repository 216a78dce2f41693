//! The station clock: wall time that follows the system clock slowly and never jumps. See `docs/time.md`.

use std::time::Duration;

use loa_model::{MonoTime, WallTime};
use serde::Serialize;

/// Wall time read once, carried on by the monotonic clock and slewed towards the system clock.
///
/// Feed it a pair of readings about once a second with [`handle_reading`](Self::handle_reading); ask it for
/// the time as often as you like with [`now`](Self::now). Its answers never go back and never run more than
/// [`SLEW_MAX_PPM`] faster or slower than the monotonic clock.
#[derive(Clone, Debug)]
pub struct StationClock {
    /// The last readings, and what this clock said then.
    mono: MonoTime,
    wall: WallTime,
    /// What is still to be slewed away after `wall`.
    correction_ns: i64,
    /// How far the system clock was ahead at the last reading.
    system_ahead_ns: i64,
    step: Option<ClockStep>,
}

/// The system clock stands somewhere else and is not followed: a fault for people to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockStep {
    /// How far the system clock is ahead of the station clock; negative if behind.
    pub system_ahead_ns: i64,
    /// Station time at which it was first seen.
    pub since: WallTime,
}

impl StationClock {
    /// Starts from one pair of readings taken together.
    pub const fn new(mono: MonoTime, system: WallTime) -> Self {
        Self {
            mono,
            wall: system,
            correction_ns: 0,
            system_ahead_ns: 0,
            step: None,
        }
    }

    /// Compares with a pair of readings taken together and decides how to slew from here.
    ///
    /// What is slewed away is the lesser of the last two differences, so one pair that was torn apart by the
    /// scheduler moves nothing. Differences under [`DEAD_BAND`] are taken for noise. [`STEP_MIN`] or more is
    /// a [`fault`](Self::fault) and not followed. A pair older than the last one is ignored.
    pub fn handle_reading(&mut self, mono: MonoTime, system: WallTime) {
        if mono < self.mono {
            return;
        }
        self.wall = self.now(mono);
        self.mono = mono;
        let before = std::mem::replace(&mut self.system_ahead_ns, system.ns_after(self.wall));
        let ahead = self.system_ahead_ns;
        if ahead.unsigned_abs() >= ns(STEP_MIN) {
            let since = self.step.map_or(self.wall, |step| step.since);
            self.step = Some(ClockStep {
                system_ahead_ns: ahead,
                since,
            });
            self.correction_ns = 0;
            return;
        }
        self.step = None;
        let agreed = if (before < 0) == (ahead < 0) {
            before.unsigned_abs().min(ahead.unsigned_abs())
        } else {
            0
        };
        self.correction_ns = if agreed > ns(DEAD_BAND) {
            i64::try_from(agreed).unwrap_or(i64::MAX) * ahead.signum()
        } else {
            0
        };
    }

    /// Returns the station's wall time at a reading of the monotonic clock.
    ///
    /// A reading older than the last one handled gives the time of that one.
    pub fn now(&self, mono: MonoTime) -> WallTime {
        let elapsed = i64::try_from(mono.since(self.mono).as_nanos()).unwrap_or(i64::MAX);
        let slewed_max = elapsed / (1_000_000 / SLEW_MAX_PPM);
        let slewed = self.correction_ns.clamp(-slewed_max, slewed_max);
        self.wall.offset_ns(elapsed.saturating_add(slewed))
    }

    /// Returns the step of the system clock that is not followed, while there is one.
    pub const fn fault(&self) -> Option<ClockStep> {
        self.step
    }

    /// Returns how far the system clock was ahead at the last reading, in nanoseconds; negative if behind.
    pub const fn system_ahead_ns(&self) -> i64 {
        self.system_ahead_ns
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only our own constants, below a second"
)]
const fn ns(span: Duration) -> u64 {
    span.as_nanos() as u64
}

/// How much faster or slower than the monotonic clock the station clock runs at most, parts per million.
///
/// It is what the kernel's own slewing does, and below what a listener or a drift-correcting receiver notices.
pub const SLEW_MAX_PPM: i64 = 500;

/// A smaller difference is taken for noise: reading two clocks one after the other costs that much on a busy board.
pub const DEAD_BAND: Duration = Duration::from_micros(50);

/// A difference from here on is a step and not followed. A working chrony stays far below it.
pub const STEP_MIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;
    const S: i64 = 1_000_000_000;
    const START: WallTime = WallTime::from_unix_s(1_700_000_000);

    fn mono(ns: i64) -> MonoTime {
        MonoTime::from_ns(u64::try_from(ns + 5 * S).unwrap())
    }

    /// Runs `s` seconds with a reading each second; `ahead(s)` is how far the system clock is off an ideal one.
    fn run(s: i64, ahead: impl Fn(i64) -> i64) -> StationClock {
        let mut clock = StationClock::new(mono(0), START);
        for second in 1..=s {
            clock.handle_reading(mono(second * S), START.offset_ns(second * S + ahead(second)));
        }
        clock
    }

    /// Each row: how far the system clock is off after `t` seconds, after how many seconds we look, how far the
    /// station clock has moved by then (ms, to within 0.1), and whether there is a fault.
    #[test]
    fn follows_slowly_and_reports_steps() {
        type Row = (&'static str, fn(i64) -> i64, i64, f64, Option<i64>);
        let rows: &[Row] = &[
            ("true clock", |_| 0, 100, 0.0, None),
            (
                "noise in the dead band",
                |t| if t % 2 == 0 { 40_000 } else { 45_000 },
                100,
                0.0,
                None,
            ),
            (
                "one torn reading",
                |t| if t == 50 { 30 * MS } else { 0 },
                100,
                0.0,
                None,
            ),
            (
                "noise of either sign",
                |t| if t % 2 == 0 { MS } else { -MS },
                100,
                0.0,
                None,
            ),
            ("20 ppm fast", |t| t * 20_000, 1_000, 20.0, None),
            ("100 ppm slow", |t| t * -100_000, 1_000, -100.0, None),
            ("step of 10 ms, under way", |_| 10 * MS, 12, 5.0, None),
            ("step of 10 ms, done", |_| 10 * MS, 60, 10.0, None),
            ("step of -400 ms, under way", |_| -400 * MS, 402, -200.0, None),
            ("step of half a second", |_| 500 * MS, 100, 0.0, Some(500 * MS)),
            (
                "set back an hour",
                |t| if t > 10 { -3_600 * S } else { 0 },
                100,
                0.0,
                Some(-3_600 * S),
            ),
            (
                "set on an hour",
                |t| if t > 10 { 3_600 * S } else { 0 },
                100,
                0.0,
                Some(3_600 * S),
            ),
            (
                "set back and repaired",
                |t| if t == 10 { -3_600 * S } else { 0 },
                100,
                0.0,
                None,
            ),
            (
                "suspended for a minute",
                |t| if t > 10 { 60 * S } else { 0 },
                11,
                0.0,
                Some(60 * S),
            ),
        ];
        for (name, ahead, seconds, moved_ms, fault) in rows {
            let clock = run(*seconds, ahead);
            let moved = clock
                .now(mono(seconds * S))
                .ns_after(START.offset_ns(seconds * S));
            let expected = moved_ms * 1e6;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds in a test")]
            let off = (moved as f64 - expected).abs();
            // With a correction under way, the first of the two agreeing readings costs a second, and so does
            // each second's drift.
            let tolerance = if *moved_ms == 0.0 { 0.0 } else { 0.6 * 1e6 };
            assert!(off <= tolerance, "{name}: moved {moved} ns");
            assert_eq!(clock.fault().map(|step| step.system_ahead_ns), *fault, "{name}");
        }
    }

    #[test]
    fn remembers_when_a_step_was_first_seen() {
        let clock = run(100, |t| if t > 10 { -S } else { 0 });
        let step = clock.fault().expect("a second is a step");
        assert_eq!(step.since, START.offset_ns(11 * S));
    }

    #[test]
    fn corrects_no_further_than_the_difference_however_late_the_next_reading() {
        let clock = run(2, |_| 10 * MS);
        let much_later = mono(10_000 * S);
        assert_eq!(clock.now(much_later), START.offset_ns(10_000 * S + 10 * MS));
    }

    #[test]
    fn ignores_readings_that_go_back() {
        let mut clock = run(10, |_| 0);
        let before = clock.now(mono(11 * S));
        clock.handle_reading(mono(3 * S), START);
        assert_eq!(clock.now(mono(11 * S)), before);
        assert_eq!(clock.now(mono(3 * S)), START.offset_ns(10 * S));
    }

    proptest! {
        #[test]
        fn never_goes_back_nor_runs_off(
            readings in prop::collection::vec((0i64..3 * S, -2 * S..2 * S), 1..60),
        ) {
            let mut clock = StationClock::new(mono(0), START);
            let (mut at, mut last) = (0, START);
            for (gap, ahead) in readings {
                for part in 1..=4 {
                    let wall = clock.now(mono(at + gap * part / 4));
                    prop_assert!(wall >= last);
                    last = wall;
                }
                at += gap;
                clock.handle_reading(mono(at), START.offset_ns(at + ahead));
                prop_assert_eq!(clock.now(mono(at)), last);
                let off = last.ns_after(START.offset_ns(at));
                prop_assert!(off.abs() <= at / 2_000 + 1, "{} ns off after {} ns", off, at);
            }
        }
    }
}
