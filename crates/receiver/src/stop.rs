//! The wish to stop: SIGTERM and SIGINT, read when it suits instead of interrupting.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Takes over the signals that ask a program to end.
pub(crate) struct Stop {
    signals: SignalFd,
}

impl Stop {
    /// Blocks the signals for this thread and those it starts, and collects them instead.
    pub(crate) fn take_over() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGTERM);
        set.add(Signal::SIGINT);
        set.thread_block()?;
        Ok(Self {
            signals: SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?,
        })
    }

    /// Tells whether one came.
    pub(crate) fn is_wished(&self) -> bool {
        matches!(self.signals.read_signal(), Ok(Some(_)))
    }
}
