//! Other stations on our air (tiếp âm): fetched, watched, levelled and encoded.
//!
//! A [`Relay`] is one worker thread, and one thread for each of its sources; relays of the same [`Inputs`] share that of
//! a source that only one can open at a time. All sources are connected and watched from the moment it is opened, so that
//! going from one to the next takes no longer than noticing that it has to be done.
//!
//! ```text
//! source 0 ─PCM─ level ─┐
//! source 1 ─PCM─ level ─┼▶ watch ▸ one of them, or the fill ▸ limit ▸ Opus ▸ queue ▶ the air thread
//! fill     ─────────────┘
//! ```
//!
//! A [`Voice`] is somebody who speaks now: one worker thread, and its sound comes as it is spoken.

mod cushion;
mod fetch;
mod fill;
mod inputs;
mod leveller;
mod pace;
mod packets;
mod pipeline;
mod probe;
mod voice;
mod watch;

pub use inputs::Inputs;
pub use loa_model::relay_address::{Address, AddressError};
pub use pipeline::{Change, Relay, RelaySpec};
pub use probe::{ProbeError, probe};
pub use voice::{Microphone, Voice, VoiceSpec};
pub use watch::{On, RelayWatch, Rules, Switch};
