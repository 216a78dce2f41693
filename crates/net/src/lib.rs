//! UDP multicast, interfaces, kernel timestamps, the pacing thread; carries bytes, knows no RTP.
//!
//! Linux only: it leans on `IP_MULTICAST_ALL`, `SO_TIMESTAMPNS` and `clock_nanosleep`.

mod clock;
mod group_set;
mod interface;
mod lateness;
mod pacing;
mod receiver;
mod scheduling;
mod sender;

pub use clock::{ClockPair, KernelClock, kernel_clock, monotonic_ns, read_clocks};
pub use group_set::{Datagram, GROUPS_MAX, GroupSet, GroupSetError};
pub use interface::{Interface, InterfaceChoice, InterfaceError, interfaces};
pub use lateness::{Lateness, LatenessSummary};
pub use pacing::{Pacer, PacingConfig, PacingThread, STANDSTILL_MAX, Ticker};
pub use receiver::{DATAGRAM_MAX, JoinError, MulticastReceiver, ReceiveCounts, ReceiverConfig};
pub use scheduling::{MemoryLock, Scheduling, lock_memory, schedule_in_background, schedule_real_time};
pub use sender::{MulticastSender, OpenError, SendCounts, SendDrop, SenderConfig};
