//! Sender and receiver state machines: packetise, authenticate, buffer, arbitrate.

mod clock;
mod live_player;
mod opus;
mod player;
mod receiver;
mod stream;

pub use clock::{ClockStep, DEAD_BAND, SLEW_MAX_PPM, STEP_MIN, StationClock};
pub use live_player::{LivePlayer, LiveSlot};
pub use opus::{PACKET_SAMPLES_MAX, packet_samples};
pub use player::{MediaPacket, Play, SegmentPlayer, TailError};
pub use receiver::{
    Counters, DropReason, Frame, Gap, Playing, Playout, QuietMemory, QuietMemoryError, QuietStatus, Receiver,
    ReceiverSettings, SessionKey, Switch, SwitchReason, Volume, Withheld,
};
pub use stream::{SessionOnAir, StreamStart, ZoneStream};
