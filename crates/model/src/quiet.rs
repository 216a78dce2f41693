//! Quiet hours: when a zone may sound, for how long a day, and how loud.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::time::WallTime;

/// A zone's weekly rule, in local time. Without one a zone has its parent's.
///
/// Nothing but an emergency with a named author sounds outside the windows or beyond the minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietPolicy {
    /// When the zone may sound; none means at any time.
    pub windows: Vec<Window>,
    /// Minutes of sound in one local day; none means any number.
    pub minutes_a_day: Option<u16>,
    /// How loud from which minute of the day on, earliest first. Before the first the last one of the eve holds.
    pub volume: Vec<VolumeStep>,
}

/// A stretch of the day in which a zone may sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// On which days of the week.
    pub days: Days,
    /// First minute of the day.
    pub from: u16,
    /// Minute of the day at which it is over, after `from` and at most [`MINUTES_A_DAY`].
    pub to: u16,
}

/// Days of the week; bit 0 is Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(pub u8);

/// How loud receivers are from a minute of the day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VolumeStep {
    /// Minute of the day.
    pub from: u16,
    /// Gain upon the receiver's own volume, dB: zero or less.
    pub gain_db: i8,
}

/// Why a policy cannot be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuietPolicyError {
    /// More windows or steps than the beacon carries.
    #[error("a policy holds at most {QUIET_RULES_MAX} windows and as many volume steps")]
    TooMany,
    /// A window that is empty, backwards or longer than a day.
    #[error("a window must end after it begins, by 24:00; write one across midnight as two")]
    Window,
    /// No day, or an eighth one.
    #[error("a window must name days of the week")]
    Days,
    /// More minutes than a day has.
    #[error("a day has {MINUTES_A_DAY} minutes")]
    Minutes,
    /// A step out of order, beyond the day, or louder than the receiver's own volume.
    #[error("volume steps must be in order of the day, from {GAIN_DB_MIN} to 0 dB")]
    Volume,
}

impl QuietPolicy {
    /// Tells whether it can be in force.
    ///
    /// # Errors
    ///
    /// See [`QuietPolicyError`].
    pub fn check(&self) -> Result<(), QuietPolicyError> {
        if self.windows.len() > QUIET_RULES_MAX || self.volume.len() > QUIET_RULES_MAX {
            return Err(QuietPolicyError::TooMany);
        }
        for window in &self.windows {
            if window.from >= window.to || window.to > MINUTES_A_DAY {
                return Err(QuietPolicyError::Window);
            }
            if window.days.0 == 0 || window.days.0 > Days::ALL.0 {
                return Err(QuietPolicyError::Days);
            }
        }
        if self.minutes_a_day.is_some_and(|minutes| minutes > MINUTES_A_DAY) {
            return Err(QuietPolicyError::Minutes);
        }
        let in_order = self.volume.windows(2).all(|pair| pair[0].from < pair[1].from);
        let sane = |step: &VolumeStep| step.from < MINUTES_A_DAY && (GAIN_DB_MIN..=0).contains(&step.gain_db);
        if in_order && self.volume.iter().all(sane) {
            Ok(())
        } else {
            Err(QuietPolicyError::Volume)
        }
    }

    /// Tells whether a zone may sound on this day of the week (Monday is 0) at this second of the day.
    pub fn permits(&self, weekday: u8, second: u32) -> bool {
        let inside = |window: &Window| {
            let span = u32::from(window.from) * 60..u32::from(window.to) * 60;
            window.days.holds(weekday) && span.contains(&second)
        };
        self.windows.is_empty() || self.windows.iter().any(inside)
    }

    /// Returns how loud a zone is at this second of the day, dB upon its receivers' own volume.
    pub fn gain_db(&self, second: u32) -> i8 {
        let begun = self
            .volume
            .iter()
            .rev()
            .find(|step| u32::from(step.from) * 60 <= second);
        begun.or(self.volume.last()).map_or(0, |step| step.gain_db)
    }
}

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// Tells whether it holds this day of the week; Monday is 0.
    pub const fn holds(self, weekday: u8) -> bool {
        weekday < 7 && self.0 & (1 << weekday) != 0
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, "{}-{}", clock(self.from), clock(self.to))
    }
}

/// A policy in force: with the offset of local time, it needs no time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The weekly rule.
    pub policy: QuietPolicy,
    /// Local time is UTC and this many minutes, -1,439 to 1,439.
    pub utc_offset_min: i16,
}

impl QuietHours {
    /// Tells whether the zone may sound at an instant, its minutes aside.
    pub fn permits(&self, at: WallTime) -> bool {
        let (day, second) = self.local(at);
        self.policy.permits(weekday(day), second)
    }

    /// Returns how loud the zone is at an instant, dB upon its receivers' own volume.
    pub fn gain_db(&self, at: WallTime) -> i8 {
        self.policy.gain_db(self.local(at).1)
    }

    /// Returns the first instant from `at` on at which the zone may not sound; none within a week means never.
    pub fn quiet_from(&self, at: WallTime) -> Option<WallTime> {
        self.first(at, |at| !self.permits(at))
    }

    /// Returns the first instant from `at` on at which the zone may sound.
    pub fn sounds_from(&self, at: WallTime) -> Option<WallTime> {
        self.first(at, |at| self.permits(at))
    }

    /// Returns the number of an instant's local day, from 1970: what minutes are counted by.
    pub fn local_day(&self, at: WallTime) -> i64 {
        self.local(at).0
    }

    /// Returns the instant at which a local day begins.
    pub const fn day_begins(&self, day: i64) -> WallTime {
        WallTime::from_unix_s(day * DAY_S - self.utc_offset_min as i64 * 60)
    }

    /// Edges of windows are the only instants at which the answer changes.
    fn first(&self, at: WallTime, wanted: impl Fn(WallTime) -> bool) -> Option<WallTime> {
        if wanted(at) {
            return Some(at);
        }
        let today = self.local_day(at);
        let minutes = self
            .policy
            .windows
            .iter()
            .flat_map(|window| [window.from, window.to]);
        let edges = (today..=today + 7).flat_map(|day| {
            let begins = self.day_begins(day);
            let edge = move |minute: u16| begins + Duration::from_secs(u64::from(minute) * 60);
            minutes.clone().map(edge)
        });
        edges.filter(|edge| *edge > at && wanted(*edge)).min()
    }

    /// Returns local day, from 1970, and second of it.
    fn local(&self, at: WallTime) -> (i64, u32) {
        let s = at.as_unix_ns().div_euclid(1_000_000_000) + i64::from(self.utc_offset_min) * 60;
        let second = u32::try_from(s.rem_euclid(DAY_S)).unwrap_or(0);
        (s.div_euclid(DAY_S), second)
    }
}

/// 1 January 1970 was a Thursday.
fn weekday(day: i64) -> u8 {
    u8::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// Minutes in a day.
pub const MINUTES_A_DAY: u16 = 1_440;
/// Windows, and volume steps, of one policy: the beacon has to carry them.
pub const QUIET_RULES_MAX: usize = 12;
/// The quietest step, dB.
pub const GAIN_DB_MIN: i8 = -60;
const DAY_S: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    const fn window(days: u8, from: u16, to: u16) -> Window {
        Window {
            days: Days(days),
            from,
            to,
        }
    }

    /// Hà Nội's customary hours: mornings and afternoons, Monday to Saturday, UTC+7.
    fn hours() -> QuietHours {
        QuietHours {
            policy: QuietPolicy {
                windows: vec![window(0b11_1111, 300, 420), window(0b11_1111, 990, 1_080)],
                minutes_a_day: Some(60),
                volume: vec![
                    VolumeStep {
                        from: 360,
                        gain_db: 0,
                    },
                    VolumeStep {
                        from: 1_260,
                        gain_db: -12,
                    },
                ],
            },
            utc_offset_min: 420,
        }
    }

    fn at(text: &str) -> WallTime {
        let local: chrono::NaiveDateTime = text.parse().unwrap();
        WallTime::from_unix_s(local.and_utc().timestamp() - 7 * 3_600)
    }

    /// Each row: a local instant, whether it may sound, and how loud.
    #[test]
    fn windows_and_volume_follow_local_time() {
        let rows = [
            ("2026-11-30T04:59:59", false, -12),
            ("2026-11-30T05:00:00", true, -12),
            ("2026-11-30T06:00:00", true, 0),
            ("2026-11-30T07:00:00", false, 0),
            ("2026-11-30T17:59:59", true, 0),
            ("2026-11-30T21:00:00", false, -12),
            ("2026-11-29T05:30:00", false, -12),
        ];
        for (text, permits, gain_db) in rows {
            assert_eq!(hours().permits(at(text)), permits, "{text}");
            assert_eq!(hours().gain_db(at(text)), gain_db, "{text}");
        }
    }

    #[test]
    fn edges_are_found_ahead() {
        let rows = [
            (
                "2026-11-30T05:10:00",
                "2026-11-30T07:00:00",
                "2026-11-30T05:10:00",
            ),
            (
                "2026-11-30T07:00:00",
                "2026-11-30T07:00:00",
                "2026-11-30T16:30:00",
            ),
            (
                "2026-11-28T18:00:00",
                "2026-11-28T18:00:00",
                "2026-11-30T05:00:00",
            ),
        ];
        for (text, quiet, sounds) in rows {
            assert_eq!(hours().quiet_from(at(text)), Some(at(quiet)), "{text}");
            assert_eq!(hours().sounds_from(at(text)), Some(at(sounds)), "{text}");
        }
        assert_eq!(QuietHours::default().quiet_from(at("2026-11-30T05:00:00")), None);
    }

    #[test]
    fn what_cannot_be_in_force_is_refused() {
        let with = |windows| QuietPolicy {
            windows,
            ..QuietPolicy::default()
        };
        let steps = |volume| QuietPolicy {
            volume,
            ..QuietPolicy::default()
        };
        let rows = [
            (with(vec![window(1, 60, 60)]), QuietPolicyError::Window),
            (with(vec![window(1, 60, 1_441)]), QuietPolicyError::Window),
            (with(vec![window(0, 60, 120)]), QuietPolicyError::Days),
            (with(vec![window(0x80, 60, 120)]), QuietPolicyError::Days),
            (with(vec![window(1, 60, 120); 13]), QuietPolicyError::TooMany),
            (
                steps(vec![VolumeStep { from: 0, gain_db: 1 }]),
                QuietPolicyError::Volume,
            ),
            (
                steps(vec![
                    VolumeStep { from: 9, gain_db: 0 },
                    VolumeStep { from: 9, gain_db: 0 },
                ]),
                QuietPolicyError::Volume,
            ),
        ];
        for (policy, error) in rows {
            assert_eq!(policy.check(), Err(error));
        }
        assert_eq!(hours().policy.check(), Ok(()));
    }
}
