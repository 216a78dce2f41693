//! The time source of virtual cards; injected, so that tests need not wait.

use std::time::Duration;

use loa_model::MonoTime;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// A clock that can be waited on.
pub trait Clock: Send + std::fmt::Debug {
    /// Returns the time.
    fn now(&self) -> MonoTime;
    /// Returns at `deadline` or a little later; at once if it is past.
    fn sleep_until(&self, deadline: MonoTime);
}

/// `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> MonoTime {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux always has this clock");
        let ns = time
            .tv_sec()
            .saturating_mul(1_000_000_000)
            .saturating_add(time.tv_nsec());
        MonoTime::from_ns(u64::try_from(ns).unwrap_or(0))
    }

    fn sleep_until(&self, deadline: MonoTime) {
        let until = TimeSpec::from_duration(Duration::from_nanos(deadline.as_ns()));
        let absolute = ClockNanosleepFlags::TIMER_ABSTIME;
        // A signal ends the sleep early.
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, absolute, &until) == Err(nix::errno::Errno::EINTR) {}
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Stands still until somebody sleeps or moves it.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct ManualClock(Arc<AtomicU64>);

    impl ManualClock {
        pub(crate) fn advance_ms(&self, ms: u64) {
            self.0.fetch_add(ms * 1_000_000, Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> MonoTime {
            MonoTime::from_ns(self.0.load(Ordering::Relaxed))
        }

        fn sleep_until(&self, deadline: MonoTime) {
            self.0.fetch_max(deadline.as_ns(), Ordering::Relaxed);
        }
    }

    #[test]
    fn system_clock_sleeps_to_its_deadline() {
        let deadline = SystemClock.now() + Duration::from_millis(2);
        SystemClock.sleep_until(deadline);
        assert!(SystemClock.now() >= deadline);
    }
}
