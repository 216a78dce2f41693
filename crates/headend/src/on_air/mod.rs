//! On the air: the thread that runs the engine and sends, and how others reach it.
//!
//! Everything that crosses into or out of this thread is a bounded queue or a
//! latest value. It waits for its next deadline and for nothing else.

mod air;
mod beneath;
mod live_feeds;
mod loader;
mod monitor;
mod outlet;
mod plays;
mod stream;
mod tap;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use arc_swap::ArcSwap;
use loa_model::{
    Command, CommandDone, ContentHash, EncodedAudio, Refusal, RelayId, RunSheet, SessionId, Snapshot,
    WallTime, ZoneId, ZoneTree,
};
use loa_net::MulticastSender;
use loa_session::ClockStep;
use tokio::sync::oneshot;

pub use air::{AirConfig, AirThread, start};
pub use live_feeds::{Change, LivePackets, OpenRelay};
pub use loader::ReadMedia;
pub use monitor::DeadAir;
pub use outlet::OpenSender;
pub use tap::{TappedPacket, Taps};

/// What others tell the air thread.
pub(crate) enum Order {
    /// A person's command; the engine's answer goes to `reply`.
    Command {
        command: Command,
        /// Who speaks in the session that it starts.
        voice: Option<Box<dyn LivePackets>>,
        reply: oneshot::Sender<Result<CommandDone, Refusal>>,
    },
    /// A day's plan to take into force.
    RunSheet(Arc<RunSheet>),
    /// The zones, after an import changed them, and how far local time is ahead of UTC, in minutes.
    Zones(Arc<ZoneTree>, i16),
    /// The loader has read a piece of media.
    MediaReady {
        media: ContentHash,
        audio: Arc<EncodedAudio>,
    },
    /// The monitor hears nothing of a session; `unsent` if no packet of it came either.
    DeadAir { session: SessionId, unsent: bool },
    /// The loader has connected a relay.
    RelayOpened {
        relay: RelayId,
        packets: Box<dyn LivePackets>,
    },
    /// The loader could not.
    RelayFailed { relay: RelayId, why: String },
    /// The loader could not read a piece of media.
    MediaFailed { media: ContentHash, why: String },
    /// The loader has rendered packets with something beneath, the first in the place of packet `from`.
    BedReady {
        session: SessionId,
        part: u32,
        from: usize,
        packets: Arc<EncodedAudio>,
    },
    /// The loader has rendered a fade that begins in the place of packet `from`.
    FadeReady {
        session: SessionId,
        part: u32,
        from: usize,
        tail: Arc<EncodedAudio>,
    },
    /// A sender was opened in the place of one that cannot send any more.
    SenderOpened(MulticastSender),
}

/// A hand on the air thread; cheap to clone.
#[derive(Clone)]
pub struct OnAir {
    orders: SyncSender<Order>,
    shared: Arc<Shared>,
}

/// What the air thread shows to others.
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    clock_fault: ArcSwap<Option<ClockStep>>,
    /// Since when nothing that is sent leaves.
    sends_fail: ArcSwap<Option<WallTime>>,
    counts: Counts,
    taps: Taps,
    /// Zones in which something is on the air and nothing is heard.
    dead_air: ArcSwap<BTreeSet<ZoneId>>,
    /// How loud what is sent to each zone's own group is, dBFS.
    levels: ArcSwap<BTreeMap<ZoneId, f32>>,
}

/// Why a command got no answer from the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The engine said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The air thread is behind by a whole queue.
    #[error("the air thread is too busy to take the command; try again")]
    Busy,
    /// The air thread has ended.
    #[error("the air thread has ended; restart the head-end")]
    Gone,
}

impl OnAir {
    /// Gives the engine a command and waits for its answer, a few milliseconds.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub async fn command(&self, command: Command) -> Result<CommandDone, CommandError> {
        self.command_with(command, None).await
    }

    /// Gives the engine a command that starts a session in which somebody speaks.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub async fn speak(
        &self,
        command: Command,
        voice: Box<dyn LivePackets>,
    ) -> Result<CommandDone, CommandError> {
        self.command_with(command, Some(voice)).await
    }

    async fn command_with(
        &self,
        command: Command,
        voice: Option<Box<dyn LivePackets>>,
    ) -> Result<CommandDone, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Command {
            command,
            voice,
            reply,
        })?;
        Ok(answer.await.map_err(|_| CommandError::Gone)??)
    }

    /// Hands over a day's plan.
    ///
    /// # Errors
    ///
    /// [`CommandError::Busy`] or [`CommandError::Gone`].
    pub fn take_run_sheet(&self, sheet: Arc<RunSheet>) -> Result<(), CommandError> {
        self.order(Order::RunSheet(sheet))
    }

    /// Hands over the zones, and how far local time is ahead of UTC, in minutes.
    ///
    /// # Errors
    ///
    /// [`CommandError::Busy`] or [`CommandError::Gone`].
    pub fn take_zones(&self, tree: Arc<ZoneTree>, utc_offset_min: i16) -> Result<(), CommandError> {
        self.order(Order::Zones(tree, utc_offset_min))
    }

    /// Returns the engine as it was at most 200 ms ago.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Returns the step of the system clock that is not followed, while there is one.
    pub fn clock_fault(&self) -> Option<ClockStep> {
        **self.shared.clock_fault.load()
    }

    /// Returns since when the kernel has taken nothing of what is to be sent, while that lasts: about a second at least.
    pub fn sends_fail_since(&self) -> Option<WallTime> {
        **self.shared.sends_fail.load()
    }

    /// Returns the zones in which something is on the air and nothing is heard.
    pub fn dead_air(&self) -> Arc<BTreeSet<ZoneId>> {
        self.shared.dead_air.load_full()
    }

    /// Returns how loud what was sent to each zone's own group in the last quarter of a second is, dBFS; zones to which
    /// nothing is sent are not there.
    pub fn levels(&self) -> Arc<BTreeMap<ZoneId, f32>> {
        self.shared.levels.load_full()
    }

    /// Returns what was sent and dropped since the start.
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Returns the taps of all zones.
    pub fn taps(&self) -> &Taps {
        &self.shared.taps
    }

    fn order(&self, order: Order) -> Result<(), CommandError> {
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Disconnected(_) => CommandError::Gone,
        })
    }
}

/// Counts of the air thread, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// RTP packets sent.
    pub packets: AtomicU64,
    /// Beacons sent.
    pub beacons: AtomicU64,
    /// Datagrams that the kernel did not take.
    pub send_drops: AtomicU64,
    /// Packets that fit no datagram.
    pub unsendable: AtomicU64,
    /// As-run events that the journal's queue had no room for.
    pub journal_drops: AtomicU64,
    /// Requests that the loader's queue had no room for.
    pub loader_drops: AtomicU64,
    /// Packets that the monitor had no room for.
    pub monitor_drops: AtomicU64,
    /// Packets sent more than [`LATE`] after they were due.
    pub late: AtomicU64,
    /// Packets that were not sent because they would have come too late everywhere.
    pub skipped: AtomicU64,
    /// Places on the air for which there was no packet.
    pub missing: AtomicU64,
}

impl Counts {
    fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

/// Later than this a packet counts as late: half a 20 ms packet.
pub const LATE: Duration = Duration::from_millis(10);
/// Orders that may wait for the air thread's next look, at most 5 ms away.
const ORDERS_MAX: usize = 4_096;
