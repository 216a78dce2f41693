//! The playout engine: the run-sheet, commands and time in, actions out. Sans-IO.
//!
//! The engine works in *sounding time*: the instant people hear something. It
//! decides a little ahead of it, so that packets can be on their way in time.

mod action;
mod engine;
mod library;
mod session;
mod sheets;
mod snapshot;

pub use action::{Action, Start};
pub use engine::{ChimeInfo, Engine, EngineSettings, LastPart};
