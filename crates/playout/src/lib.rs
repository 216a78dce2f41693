//! The playout engine: the run-sheet, commands and time in, actions out. Sans-IO.
//!
//! The engine works in *sounding time*: the instant people hear something. It
//! decides a little ahead of it, so that packets can be on their way in time.

mod action;
mod agenda;
mod arbitration;
mod commands;
mod engine;
mod library;
mod lines;
mod quiet;
mod relays;
mod restore;
mod session;
mod sessions;
mod settings;
mod sheets;
mod snapshot;

pub use action::{Action, Bed, Feed, Start};
pub use engine::Engine;
pub use restore::{LastPart, Stretch};
pub use settings::{ChimeInfo, EngineSettings};
