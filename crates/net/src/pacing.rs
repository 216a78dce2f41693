//! A thread that does things at given instants of the monotonic clock.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::clock::monotonic_ns;
use crate::lateness::Lateness;
use crate::scheduling::{Scheduling, schedule_real_time};

/// How to run a pacing thread.
#[derive(Clone, Debug)]
pub struct PacingConfig {
    /// Name of the thread, as `top -H` shows it; at most 15 bytes are kept.
    pub name: String,
    /// `SCHED_FIFO` priority to ask for, 1 to 99; `None` for a normal thread.
    pub priority: Option<u8>,
}

/// A running pacing thread. Dropping it asks the thread to stop and waits for it.
#[derive(Debug)]
pub struct PacingThread {
    handle: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    lateness: Arc<Lateness>,
    scheduling: Scheduling,
}

/// What the thread's body waits with.
#[derive(Debug)]
pub struct Pacer {
    stop: Arc<AtomicBool>,
    lateness: Arc<Lateness>,
}

impl PacingThread {
    /// Starts a thread that runs `body` until it returns; it should return soon after [`Pacer::stopping`].
    ///
    /// # Errors
    ///
    /// The machine cannot start another thread. That it refuses real-time
    /// priority is no error: see [`scheduling`](Self::scheduling).
    pub fn spawn(config: PacingConfig, body: impl FnOnce(&Pacer) + Send + 'static) -> io::Result<Self> {
        let pacer = Pacer {
            stop: Arc::default(),
            lateness: Arc::default(),
        };
        let (stop, lateness) = (Arc::clone(&pacer.stop), Arc::clone(&pacer.lateness));
        let (told, hears) = mpsc::sync_channel(1);
        let PacingConfig { name, priority } = config;
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            let scheduling = match priority {
                Some(priority) => schedule_real_time(priority),
                None => Scheduling::Normal {
                    why: "not asked for".to_owned(),
                },
            };
            // The receiver waits for exactly this, so it cannot be gone.
            let _ = told.send(scheduling);
            body(&pacer);
        })?;
        let scheduling = hears.recv().map_err(io::Error::other)?;
        Ok(Self {
            handle: Some(handle),
            stop,
            lateness,
            scheduling,
        })
    }

    /// Returns how the kernel schedules the thread.
    pub fn scheduling(&self) -> &Scheduling {
        &self.scheduling
    }

    /// Returns how late the thread woke from its sleeps.
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    /// Returns whether the body has returned or panicked: the watchdog's question.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks the thread to stop and waits for it.
    ///
    /// # Errors
    ///
    /// The panic of the body, if that is how it ended.
    pub fn stop(mut self) -> std::thread::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.handle.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for PacingThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(handle) = self.handle.take() {
            // The panic has been printed by its own thread; a second one here would abort.
            let _ = handle.join();
        }
    }
}

impl Pacer {
    /// Sleeps until `deadline_ns` of the monotonic clock and returns how late it woke.
    ///
    /// Returns early, with zero and uncounted, when the thread is asked to stop.
    /// A deadline that is past counts as late but does not sleep.
    pub fn sleep_until(&self, deadline_ns: u64) -> Duration {
        loop {
            if self.stopping() {
                return Duration::ZERO;
            }
            let now_ns = monotonic_ns();
            if now_ns >= deadline_ns {
                let late = Duration::from_nanos(now_ns - deadline_ns);
                self.lateness.record(late);
                return late;
            }
            sleep_once(deadline_ns.min(now_ns.saturating_add(STOP_LATENCY_NS)));
        }
    }

    /// Returns whether the thread was asked to stop.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Regular deadlines that neither drift nor, after a standstill, come all at once. Pure.
#[derive(Clone, Debug)]
pub struct Ticker {
    deadline_ns: u64,
    period_ns: u64,
}

impl Ticker {
    /// Starts with the deadline `first_ns`; `period` is at least a nanosecond.
    pub fn new(first_ns: u64, period: Duration) -> Self {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self {
            deadline_ns: first_ns,
            period_ns,
        }
    }

    /// Returns the next deadline, ns of the monotonic clock.
    pub fn deadline_ns(&self) -> u64 {
        self.deadline_ns
    }

    /// Moves to the following deadline and returns how many were skipped.
    ///
    /// A little late, ticks follow each other at once until they have caught
    /// up. More than [`STANDSTILL_MAX`] late, the missed ones are skipped: after
    /// a suspend, minutes of them would flood the network.
    pub fn advance(&mut self, now_ns: u64) -> u64 {
        self.deadline_ns = self.deadline_ns.saturating_add(self.period_ns);
        let late_ns = now_ns.saturating_sub(self.deadline_ns);
        if late_ns <= u64::try_from(STANDSTILL_MAX.as_nanos()).unwrap_or(u64::MAX) {
            return 0;
        }
        let skipped = late_ns.div_ceil(self.period_ns);
        self.deadline_ns = self
            .deadline_ns
            .saturating_add(skipped.saturating_mul(self.period_ns));
        skipped
    }
}

fn sleep_once(until_ns: u64) {
    let until = TimeSpec::from_duration(Duration::from_nanos(until_ns));
    // A signal ends it early; the caller looks at the clock again.
    let _ = clock_nanosleep(
        ClockId::CLOCK_MONOTONIC,
        ClockNanosleepFlags::TIMER_ABSTIME,
        &until,
    );
}

/// Longest lag that is caught up tick by tick.
pub const STANDSTILL_MAX: Duration = Duration::from_millis(500);

/// How often a sleeping thread looks whether it should stop.
const STOP_LATENCY_NS: u64 = 50_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Each row: when the thread got round to it (ms), and the deadline and skips that follow. Period 20 ms.
    #[test]
    fn deadlines_neither_drift_nor_flood() {
        let rows: &[(&str, u64, u64, u64)] = &[
            ("on time", 100, 120, 0),
            ("a little late", 119, 120, 0),
            ("two periods late, caught up one by one", 145, 120, 0),
            ("at the limit", 620, 120, 0),
            ("past the limit", 621, 640, 26),
            ("after a suspend", 100_000, 100_000, 4994),
        ];
        for (name, now_ms, next_ms, skipped) in rows {
            let mut ticker = Ticker::new(100 * MS, Duration::from_millis(20));
            assert_eq!(ticker.advance(now_ms * MS), *skipped, "{name}");
            assert_eq!(ticker.deadline_ns(), next_ms * MS, "{name}");
        }
    }

    #[test]
    fn sleeps_to_the_deadline_and_counts_how_late() {
        let (sent, got) = mpsc::channel();
        let config = PacingConfig {
            name: "pacing-test".into(),
            priority: Some(10),
        };
        let thread = PacingThread::spawn(config, move |pacer| {
            for _ in 0..5 {
                let deadline = monotonic_ns() + 2 * MS;
                let late = pacer.sleep_until(deadline);
                sent.send((deadline, monotonic_ns(), late)).unwrap();
            }
        })
        .unwrap();
        for (deadline, woke, late) in got.iter().take(5) {
            assert!(
                woke >= deadline + u64::try_from(late.as_nanos()).unwrap(),
                "{deadline} {woke} {late:?}"
            );
        }
        assert_eq!(thread.lateness().summary().count, 5);
        thread.stop().unwrap();
    }

    #[test]
    fn stop_ends_a_long_sleep() {
        let config = PacingConfig {
            name: "pacing-stop".into(),
            priority: None,
        };
        let hour_ns = 3_600_000 * MS;
        let thread = PacingThread::spawn(config, move |pacer| {
            pacer.sleep_until(monotonic_ns() + hour_ns);
        })
        .unwrap();
        assert_eq!(
            *thread.scheduling(),
            Scheduling::Normal {
                why: "not asked for".into()
            }
        );
        thread.stop().unwrap();
    }

    #[test]
    fn panic_of_the_body_is_seen_by_the_owner() {
        let config = PacingConfig {
            name: "pacing-panic".into(),
            priority: None,
        };
        let thread = PacingThread::spawn(config, |_| panic!("expected by the test")).unwrap();
        assert!(thread.stop().is_err());
    }
}
