//! Raw readings of the machine's clocks. What they mean is decided by the caller's station clock.

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// The monotonic and the wall clock, read as close together as the machine allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// `CLOCK_MONOTONIC`, ns; it stands still while the machine is suspended.
    pub mono_ns: u64,
    /// `CLOCK_REALTIME`, ns since the Unix epoch, at `mono_ns`.
    pub wall_ns: i64,
    /// Half the time the reading took, ns: how far the two may be apart.
    pub uncertainty_ns: u64,
}

/// What the kernel knows about its own wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelClock {
    /// A time daemon has the clock under control.
    pub synchronised: bool,
    /// The daemon's estimate of the error, µs.
    pub estimated_error_us: u64,
    /// The bound of the error, µs; it grows while the daemon is silent.
    pub maximum_error_us: u64,
}

/// Reads `CLOCK_MONOTONIC`, ns.
pub fn monotonic_ns() -> u64 {
    u64::try_from(read_ns(ClockId::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// Reads both clocks; the tightest of a few attempts, so that being scheduled out in between does not show.
pub fn read_clocks() -> ClockPair {
    let once = || {
        let before = monotonic_ns();
        let wall_ns = read_ns(ClockId::CLOCK_REALTIME);
        let took_ns = monotonic_ns().saturating_sub(before);
        ClockPair {
            mono_ns: before + took_ns / 2,
            wall_ns,
            uncertainty_ns: took_ns / 2,
        }
    };
    let first = once();
    (1..ATTEMPTS).map(|_| once()).fold(first, |best, next| {
        if next.uncertainty_ns < best.uncertainty_ns {
            next
        } else {
            best
        }
    })
}

/// Asks the kernel whether its wall clock is kept by a time daemon (`adjtimex(2)`, reading only).
pub fn kernel_clock() -> KernelClock {
    #[expect(unsafe_code, reason = "nix has no adjtimex")]
    // SAFETY: `timex` is plain data; all zero means `modes = 0`, which only reads.
    let (state, timex) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex)
    };
    KernelClock {
        synchronised: state >= 0 && state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0,
        estimated_error_us: u64::try_from(timex.esterror).unwrap_or(0),
        maximum_error_us: u64::try_from(timex.maxerror).unwrap_or(0),
    }
}

/// Returns a `timespec` as nanoseconds, capped at the years 1678 and 2262.
pub(crate) fn timespec_ns(time: TimeSpec) -> i64 {
    time.tv_sec()
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec())
}

fn read_ns(clock: ClockId) -> i64 {
    timespec_ns(clock_gettime(clock).expect("Linux always has both clocks"))
}

/// Two are nearly always enough; a third covers an unlucky interrupt.
const ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_agrees_with_the_system_clock() {
        let before = std::time::SystemTime::now();
        let pair = read_clocks();
        let unix_ns =
            i64::try_from(before.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap();
        assert!(pair.wall_ns >= unix_ns - 1_000_000, "{pair:?} against {unix_ns}");
        assert!(
            pair.wall_ns - unix_ns < 5_000_000_000,
            "{pair:?} against {unix_ns}"
        );
    }

    #[test]
    fn monotonic_clock_never_goes_back() {
        let readings: Vec<u64> = (0..1000).map(|_| monotonic_ns()).collect();
        assert!(readings.is_sorted());
        assert!(read_clocks().mono_ns >= readings[999]);
    }

    #[test]
    fn kernel_clock_bounds_its_estimate() {
        let clock = kernel_clock();
        assert!(
            clock.estimated_error_us <= clock.maximum_error_us || !clock.synchronised,
            "{clock:?}"
        );
    }
}
