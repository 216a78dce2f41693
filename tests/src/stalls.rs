//! The moments in which the machine itself stood still, so that tests of our own pace can leave them out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use loa_model::WallTime;
use loa_net::{Pacer, PacingConfig, PacingThread, Scheduling, read_clocks};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// From when to when a core ran nothing.
type Gap = (WallTime, WallTime);

/// A witness on each core that sleeps, and notes whenever it slept far too long; they end when this is dropped.
///
/// It runs before every other thread, the head-end's air thread too: load of our own does not hold it up, only a machine
/// that stands still for a moment does. Where real-time threads are refused it says so, and is held up by load as well.
pub struct Stalls {
    gaps: Arc<Mutex<Vec<Gap>>>,
    /// Only held: each ends when it is dropped.
    _witnesses: Vec<PacingThread>,
}

impl Stalls {
    /// Begins to watch every core that this process may use.
    ///
    /// # Errors
    ///
    /// If the machine tells no cores, or starts no more threads.
    pub fn watch() -> Result<Self> {
        let cores = sched_getaffinity(Pid::from_raw(0)).context("which cores there are")?;
        let gaps = Arc::<Mutex<Vec<Gap>>>::default();
        let mut witnesses = Vec::new();
        for core in (0..CpuSet::count()).filter(|core| cores.is_set(*core).unwrap_or(false)) {
            let config = PacingConfig {
                name: format!("witness {core}"),
                priority: Some(HIGHEST),
            };
            let gaps = Arc::clone(&gaps);
            let witness = PacingThread::spawn(config, move |pacer| bear_witness(pacer, core, &gaps))?;
            if let Scheduling::Normal { why } = witness.scheduling() {
                eprintln!("load may be taken for a machine that stands still: {why}");
            }
            witnesses.push(witness);
        }
        Ok(Self {
            gaps,
            _witnesses: witnesses,
        })
    }

    /// Returns for how long, of the time between two instants, a core stood still; if several did at once, that counts
    /// once.
    pub fn within(&self, from: WallTime, to: WallTime) -> Duration {
        let gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        sum(gaps.clone(), from, to)
    }

    /// Returns how long a silence that was heard is, without what the machine stood still in it, or so shortly before
    /// that it is heard in it.
    pub fn without(&self, from: WallTime, to: WallTime) -> Duration {
        to.since(from).saturating_sub(self.within(from - ON_ITS_WAY, to))
    }
}

/// Sleeps again and again on one core, and notes each time that was far too long.
fn bear_witness(pacer: &Pacer, core: usize, gaps: &Mutex<Vec<Gap>>) {
    let mut only = CpuSet::new();
    // Refused, it sees whichever core it is on.
    let _ = only
        .set(core)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
    let mut before = read_clocks();
    while !pacer.stopping() {
        pacer.sleep_until(before.mono_ns + STEP_NS);
        let now = read_clocks();
        // A wall clock that is put right meanwhile is no gap.
        let slept = Duration::from_nanos(now.mono_ns.saturating_sub(before.mono_ns));
        if slept > LONG {
            let to = WallTime::from_unix_ns(now.wall_ns);
            gaps.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((to - slept, to));
        }
        before = now;
    }
}

/// Adds up what of the gaps lies between two instants, once where they overlap.
fn sum(mut gaps: Vec<Gap>, from: WallTime, to: WallTime) -> Duration {
    gaps.sort_unstable();
    let (mut sum, mut counted) = (Duration::ZERO, from);
    for (began, ended) in gaps {
        let ended = ended.min(to);
        sum += ended.since(began.max(counted));
        counted = counted.max(ended);
    }
    sum
}

const HIGHEST: u8 = 99;
/// 5 ms.
const STEP_NS: u64 = 5_000_000;
/// No thread that runs before all others sleeps that long by itself.
const LONG: Duration = Duration::from_millis(30);
/// Sound is heard this long after it came, at most: it is held, queued, and played with a delay.
const ON_ITS_WAY: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> WallTime {
        WallTime::from_unix_ns(ms * 1_000_000)
    }

    #[test]
    fn what_several_cores_saw_counts_once_and_as_far_as_it_lies_within() {
        let gaps = [(300, 400), (100, 200), (150, 250), (160, 180), (900, 1_100)];
        let gaps = gaps.map(|(from, to)| (ms(from), ms(to)));
        for (name, from, to, expected) in [
            ("all", 0, 2_000, 450),
            ("two that overlap, and one inside", 90, 260, 150),
            ("from the middle of one", 170, 260, 80),
            ("to the middle of one", 0, 350, 200),
            ("all of it in one", 920, 1_000, 80),
            ("between two", 500, 800, 0),
            ("after all", 1_100, 1_200, 0),
            ("the wrong way round", 400, 100, 0),
        ] {
            let found = sum(gaps.to_vec(), ms(from), ms(to));
            assert_eq!(found, Duration::from_millis(expected), "{name}");
        }
    }
}
