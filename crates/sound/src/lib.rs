//! Where samples go: ALSA, a WAV file, a pipe, nowhere; reports frames consumed.
//!
//! All sinks take 48 kHz mono and none ever fails once it is open: a full disk,
//! a dead command or an unplugged card is logged and counted, time goes on as
//! if it sounded, and what can come back comes back. A card may also come late.

#[cfg(feature = "alsa")]
mod alsa;
mod card;
mod clock;
mod paced;
mod pcm;
mod pipe;
mod sink;
mod spec;
mod wav;

pub use card::VirtualCard;
pub use clock::{Clock, SystemClock};
pub use sink::{Position, Sink, SinkCounts};
pub use spec::{OpenError, ParseSpecError, SinkSpec, open, parse};
