//! Times and their one named mapping each. See `docs/time.md`.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Audio samples in a second, everywhere in Loa: Opus's RTP clock (RFC 7587 §4.1).
pub const SAMPLE_RATE: u32 = 48_000;

/// Nanoseconds of a clock that never steps; its zero means nothing.
///
/// Only differences are useful: deadlines and ages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoTime(u64);

impl MonoTime {
    /// Builds from nanoseconds since the clock's own zero.
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Returns nanoseconds since the clock's own zero.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Returns how long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for MonoTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(duration_ns_u64(span)))
    }
}

/// An instant of UTC: nanoseconds since 1970-01-01T00:00:00Z, leap seconds smeared away as POSIX does.
///
/// In the head-end and the receiver it is read from a clock that is slewed and
/// never stepped, so differences of two readings are durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// Builds from nanoseconds since the Unix epoch.
    pub const fn from_unix_ns(ns: i64) -> Self {
        Self(ns)
    }

    /// Builds from whole seconds since the Unix epoch.
    pub const fn from_unix_s(s: i64) -> Self {
        Self(s.saturating_mul(NS_PER_S))
    }

    /// Returns nanoseconds since the Unix epoch.
    pub const fn as_unix_ns(self) -> i64 {
        self.0
    }

    /// Returns milliseconds since the Unix epoch, rounded down.
    pub const fn as_unix_ms(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns how long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns `self - other` in nanoseconds, negative if `self` is before.
    pub const fn ns_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Moves by a signed number of nanoseconds.
    #[must_use]
    pub const fn offset_ns(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// Returns the 64-bit NTP timestamp: 32.32 fixed-point seconds since 1900.
    ///
    /// It wraps in 2036, as every NTP timestamp does.
    ///
    /// Source: RFC 5905 §6; carried in RTP by RFC 6051 §3.1.
    #[expect(
        clippy::cast_sign_loss,
        reason = "the NTP second count is modulo 2^32 by definition"
    )]
    pub const fn to_ntp64(self) -> u64 {
        let s = self.0.div_euclid(NS_PER_S).wrapping_add(NTP_UNIX_OFFSET_S);
        let ns = self.0.rem_euclid(NS_PER_S) as u64;
        // Rounded to nearest, so that `from_ntp64` gives the same nanosecond back.
        let fraction = ((ns << 32) + NS_PER_S as u64 / 2) / NS_PER_S as u64;
        (((s as u64) & 0xffff_ffff) << 32).wrapping_add(fraction)
    }

    /// Reads a 64-bit NTP timestamp, in the era (of 136 years) nearest to `near`.
    ///
    /// Source: RFC 5905 §6.
    #[expect(
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "both halves are below 2^32, and era distance is meant to wrap"
    )]
    pub const fn from_ntp64(ntp: u64, near: Self) -> Self {
        let s = (ntp >> 32) as i64 - NTP_UNIX_OFFSET_S;
        let ns = (((ntp & 0xffff_ffff) * NS_PER_S as u64 + (1 << 31)) >> 32) as i64;
        let near_s = near.0.div_euclid(NS_PER_S);
        let distance = (s - near_s) as u32 as i32 as i64;
        Self(
            (near_s.saturating_add(distance))
                .saturating_mul(NS_PER_S)
                .saturating_add(ns),
        )
    }

    /// Returns the sample of the common timeline that sounds at this instant, rounded to nearest.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "48 kHz samples of a 64-bit nanosecond count fit in 64 bits"
    )]
    pub const fn to_sample(self) -> SampleTime {
        let scaled = self.0 as i128 * SAMPLE_RATE as i128;
        SampleTime((scaled + NS_PER_S as i128 / 2).div_euclid(NS_PER_S as i128) as i64)
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        self.offset_ns(duration_ns(span))
    }
}

impl AddAssign<Duration> for WallTime {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for WallTime {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        self.offset_ns(-duration_ns(span))
    }
}

/// Prints RFC 3339 in UTC with milliseconds.
impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = chrono::DateTime::from_timestamp_nanos(self.0);
        f.write_str(&when.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

/// One sample's place on the timeline that all receivers share: 48 kHz samples since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleTime(pub i64);

impl SampleTime {
    /// Returns the instant of this sample, rounded down to a nanosecond.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "inverse of `to_sample`; years beyond 2262 are not met"
    )]
    pub const fn to_wall(self) -> WallTime {
        WallTime((self.0 as i128 * NS_PER_S as i128).div_euclid(SAMPLE_RATE as i128) as i64)
    }

    /// Moves by a signed number of samples.
    #[must_use]
    pub const fn offset(self, samples: i64) -> Self {
        Self(self.0.saturating_add(samples))
    }

    /// Returns `self - other` in samples.
    pub const fn samples_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Returns the low 32 bits, as an RTP timestamp counts (RFC 3550 §5.1).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "RTP timestamps are modulo 2^32"
    )]
    pub const fn to_rtp(self) -> u32 {
        self.0 as u32
    }
}

/// Returns the span of `samples` at 48 kHz, rounded down to a nanosecond.
pub const fn samples_to_duration(samples: u64) -> Duration {
    let s = samples / SAMPLE_RATE as u64;
    let rest = samples % SAMPLE_RATE as u64;
    Duration::new(s, (rest * NS_PER_S as u64 / SAMPLE_RATE as u64) as u32)
}

/// Returns how many whole 48 kHz samples fit best in `span`, rounded to nearest.
#[expect(clippy::cast_possible_truncation, reason = "a span of centuries is not met")]
pub const fn duration_to_samples(span: Duration) -> u64 {
    ((span.as_nanos() * SAMPLE_RATE as u128 + NS_PER_S as u128 / 2) / NS_PER_S as u128) as u64
}

fn duration_ns(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn duration_ns_u64(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

const NS_PER_S: i64 = 1_000_000_000;
/// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905, figure 4).
const NTP_UNIX_OFFSET_S: i64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ntp64_matches_published_pairs() {
        let rows: &[(&str, i64, u64)] = &[
            ("unix epoch", 0, 2_208_988_800 << 32),
            ("half a second", 500_000_000, (2_208_988_800 << 32) | 0x8000_0000),
            (
                "last second of era 0",
                2_085_978_495 * NS_PER_S,
                0xffff_ffff_0000_0000,
            ),
            ("first second of era 1", 2_085_978_496 * NS_PER_S, 0),
        ];
        for (name, unix_ns, ntp) in rows {
            let wall = WallTime::from_unix_ns(*unix_ns);
            assert_eq!(wall.to_ntp64(), *ntp, "{name}");
            assert_eq!(WallTime::from_ntp64(*ntp, wall), wall, "{name}, back");
        }
    }

    #[test]
    fn prints_rfc3339() {
        assert_eq!(
            WallTime::from_unix_ns(1_500_000_000).to_string(),
            "1970-01-01T00:00:01.500Z"
        );
    }

    proptest! {
        #[test]
        fn ntp64_round_trips_within_an_era(ns in 0i64..4_000_000_000_000_000_000, skew_s in -2_000_000_000i64..2_000_000_000) {
            let wall = WallTime::from_unix_ns(ns);
            let near = WallTime::from_unix_ns(ns.saturating_add(skew_s * NS_PER_S));
            prop_assert_eq!(WallTime::from_ntp64(wall.to_ntp64(), near), wall);
        }

        #[test]
        fn samples_round_trip(sample in 0i64..200_000_000_000_000) {
            prop_assert_eq!(SampleTime(sample).to_wall().to_sample(), SampleTime(sample));
        }

        #[test]
        fn sample_spans_round_trip(samples in 0u64..10_000_000_000) {
            prop_assert_eq!(duration_to_samples(samples_to_duration(samples)), samples);
        }
    }
}
