//! Real-time priority and locked memory, when the machine permits them; and the truth about what was got.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use nix::sys::prctl::set_timerslack;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// How the kernel schedules a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// `SCHED_FIFO` at this priority: it runs as soon as it wakes.
    RealTime {
        /// 1 to 99.
        priority: u8,
    },
    /// As any other thread: it may wake some milliseconds late under load.
    Normal {
        /// Why not real-time, for the log.
        why: String,
    },
}

/// Whether the process's memory stays in RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryLock {
    /// Each page stays once it was touched.
    Locked,
    /// A page may have to be read back from disk just when it is needed.
    NotLocked {
        /// Why, for the log.
        why: String,
    },
}

/// Asks for `SCHED_FIFO` at `priority` for the calling thread.
///
/// Measured with four busy programs on two cores (99th percentile of waking
/// late): 38 µs with it, 8 to 12 ms without.
///
/// **Refused on one core.** There the thread would not run *beside* the rest of
/// the machine but *instead of* it: while it signs and sends a burst, neither
/// the kernel's network thread nor the decoder nor the sound card's feeder can
/// run, which costs more than waking late does. The same holds for any thread
/// that computes for more than a small part of its period, on any machine: keep
/// encoding and files off it.
///
/// Threads and processes started by the thread do not inherit the priority.
pub fn schedule_real_time(priority: u8) -> Scheduling {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let scheduling = if cores == 1 {
        Scheduling::Normal {
            why: "one core: real-time threads would hold up everything else".to_owned(),
        }
    } else {
        match set_fifo(priority) {
            Ok(()) => Scheduling::RealTime { priority },
            Err(error) => Scheduling::Normal {
                why: fifo_refusal(priority, &error),
            },
        }
    };
    if matches!(scheduling, Scheduling::Normal { .. }) {
        // Real-time threads have no slack; for the others it is 50 µs unless asked. A refusal costs those 50 µs.
        let _ = set_timerslack(1);
    }
    scheduling
}

/// Keeps the process's memory in RAM, page by page as it is touched.
///
/// Done only when there is no limit on locked memory: under a limit, allocating
/// would fail later and stop the station.
pub fn lock_memory() -> MemoryLock {
    let unlimited = || {
        matches!(getrlimit(Resource::RLIMIT_MEMLOCK), Ok((RLIM_INFINITY, _)))
            || setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok()
    };
    if !unlimited() {
        let why = "locked memory is limited: set LimitMEMLOCK=infinity in the unit file";
        return MemoryLock::NotLocked { why: why.to_owned() };
    }
    #[expect(unsafe_code, reason = "nix does not know MCL_ONFAULT")]
    // SAFETY: takes flags only.
    let done = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    match done {
        0 => MemoryLock::Locked,
        _ => MemoryLock::NotLocked {
            why: format!("the kernel refused: {}", io::Error::last_os_error()),
        },
    }
}

/// Puts the calling thread, and those it starts, behind the rest of the machine: it gets a third of a core where others
/// want all of it, and what is left where they do not.
///
/// # Errors
///
/// If the kernel refuses; nothing but speed is lost by that.
pub fn schedule_in_background() -> io::Result<()> {
    #[expect(unsafe_code, reason = "nix has no setpriority")]
    // SAFETY: takes numbers only; 0 names the calling thread.
    let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

const NICE: libc::c_int = 5;

fn set_fifo(priority: u8) -> io::Result<()> {
    #[expect(unsafe_code, reason = "nix has no sched_setscheduler")]
    // SAFETY: `param` is plain data and outlives the call; 0 names the calling thread.
    let done = unsafe {
        let mut param: libc::sched_param = std::mem::zeroed();
        param.sched_priority = priority.into();
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const param)
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn fifo_refusal(priority: u8, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            format!("not permitted: needs CAP_SYS_NICE, or LimitRTPRIO={priority} in the unit file")
        }
        Some(libc::EINVAL) => format!("priority {priority} is out of range; write 1 to 99"),
        _ => format!("the kernel refused: {error}"),
    }
}

/// Prints what an operator reads in the log.
impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealTime { priority } => write!(f, "real-time, priority {priority}"),
            Self::Normal { why } => write!(f, "normal ({why})"),
        }
    }
}

/// Prints what an operator reads in the log.
impl fmt::Display for MemoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("locked"),
            Self::NotLocked { why } => write!(f, "not locked ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks the kernel instead of believing the function.
    fn policy_of_this_thread() -> i32 {
        #[expect(unsafe_code, reason = "nix has no sched_getscheduler")]
        // SAFETY: takes a number only.
        unsafe {
            libc::sched_getscheduler(0)
        }
    }

    #[test]
    fn says_real_time_only_if_the_kernel_says_so() {
        std::thread::spawn(|| {
            let scheduling = schedule_real_time(10);
            let is_fifo = policy_of_this_thread() & !libc::SCHED_RESET_ON_FORK == libc::SCHED_FIFO;
            assert_eq!(
                matches!(scheduling, Scheduling::RealTime { .. }),
                is_fifo,
                "{scheduling}"
            );
            let child = std::thread::spawn(policy_of_this_thread).join().unwrap();
            assert_eq!(child, libc::SCHED_OTHER, "children must not inherit it");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn what_works_in_the_background_gives_way_and_so_do_its_children() {
        let nice = || {
            #[expect(unsafe_code, reason = "nix has no getpriority")]
            // SAFETY: takes numbers only.
            unsafe {
                libc::getpriority(libc::PRIO_PROCESS, 0)
            }
        };
        std::thread::spawn(move || {
            schedule_in_background().unwrap();
            assert_eq!(nice(), NICE);
            assert_eq!(std::thread::spawn(nice).join().unwrap(), NICE);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn impossible_priority_is_refused_with_the_range() {
        let refused = std::thread::spawn(|| schedule_real_time(100)).join().unwrap();
        assert!(matches!(refused, Scheduling::Normal { .. }), "{refused}");
        let invalid = io::Error::from_raw_os_error(libc::EINVAL);
        assert_eq!(
            fifo_refusal(100, &invalid),
            "priority 100 is out of range; write 1 to 99"
        );
    }

    #[test]
    fn missing_permission_names_the_remedy() {
        let denied = io::Error::from_raw_os_error(libc::EPERM);
        assert!(fifo_refusal(50, &denied).contains("LimitRTPRIO=50"));
    }
}
