//! How late a thread woke: a histogram that any thread may read while another fills it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts of wake-ups by lateness, in steps of an eighth of a power of two.
#[derive(Debug)]
pub struct Lateness {
    buckets: [AtomicU64; BUCKETS],
    max_ns: AtomicU64,
}

/// The figures that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessSummary {
    /// Wake-ups counted.
    pub count: u64,
    /// Half of them were at most this late (at most 12.5 % above the true value).
    pub p50: Duration,
    /// 99 of 100 were at most this late (same precision).
    pub p99: Duration,
    /// The worst, exactly.
    pub max: Duration,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            max_ns: AtomicU64::new(0),
        }
    }
}

impl Lateness {
    /// Counts one wake-up.
    pub fn record(&self, late: Duration) {
        let ns = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(ns)].fetch_add(1, Ordering::Relaxed);
        self.max_ns.fetch_max(ns, Ordering::Relaxed);
    }

    /// Returns the figures since the start or the last [`take`](Self::take).
    pub fn summary(&self) -> LatenessSummary {
        summarise(
            self.buckets.each_ref().map(|b| b.load(Ordering::Relaxed)),
            self.max_ns.load(Ordering::Relaxed),
        )
    }

    /// Returns the figures and starts counting anew: one report's worth.
    pub fn take(&self) -> LatenessSummary {
        let counts = self.buckets.each_ref().map(|b| b.swap(0, Ordering::Relaxed));
        summarise(counts, self.max_ns.swap(0, Ordering::Relaxed))
    }
}

fn summarise(counts: [u64; BUCKETS], max_ns: u64) -> LatenessSummary {
    let count: u64 = counts.iter().sum();
    let percentile = |per_cent: u64| {
        let rank = (count * per_cent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = counts.iter().position(|n| {
            seen += n;
            seen >= rank
        });
        Duration::from_nanos(bucket.map_or(0, |b| upper_ns(b).min(max_ns)))
    };
    LatenessSummary {
        count,
        p50: percentile(50),
        p99: percentile(99),
        max: Duration::from_nanos(max_ns),
    }
}

/// Eight buckets to each power of two from 1.024 µs to 69 s; all that is shorter shares the first, longer the last.
fn bucket_of(ns: u64) -> usize {
    if ns < 1 << FIRST_POWER {
        return 0;
    }
    let power = ns.ilog2();
    let eighth = (ns >> (power - 3)) & 7;
    let bucket = (power - FIRST_POWER) as usize * 8 + eighth as usize + 1;
    bucket.min(BUCKETS - 1)
}

/// The largest lateness that falls in a bucket.
fn upper_ns(bucket: usize) -> u64 {
    let Some(above) = bucket.checked_sub(1) else {
        return (1 << FIRST_POWER) - 1;
    };
    if bucket == BUCKETS - 1 {
        return u64::MAX;
    }
    let (power, eighth) = (above / 8 + FIRST_POWER as usize, above % 8);
    ((9 + eighth as u64) << (power - 3)) - 1
}

const FIRST_POWER: u32 = 10;
const BUCKETS: usize = 26 * 8 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_is_within_an_eighth_of_the_truth() {
        let lateness = Lateness::default();
        for us in 1..=1000 {
            lateness.record(Duration::from_micros(us));
        }
        let summary = lateness.summary();
        let within = |got: Duration, true_us: u64| {
            let (got, want) = (got.as_nanos(), u128::from(true_us) * 1000);
            got >= want && got * 8 <= want * 9
        };
        assert_eq!(summary.count, 1000);
        assert!(within(summary.p50, 500), "{summary:?}");
        assert!(within(summary.p99, 990), "{summary:?}");
        assert_eq!(summary.max, Duration::from_millis(1));
    }

    #[test]
    fn edges_have_a_bucket() {
        for ns in [
            0,
            1,
            1023,
            1024,
            1025,
            u64::from(u32::MAX),
            u64::MAX / 2,
            u64::MAX,
        ] {
            let bucket = bucket_of(ns);
            assert!(upper_ns(bucket) >= ns, "{ns}");
            assert!(bucket == 0 || upper_ns(bucket - 1) < ns, "{ns}");
        }
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Lateness::default().summary(), LatenessSummary::default());
    }

    #[test]
    fn take_starts_anew() {
        let lateness = Lateness::default();
        lateness.record(Duration::from_secs(1));
        assert_eq!(lateness.take().count, 1);
        assert_eq!(lateness.take(), LatenessSummary::default());
    }
}
