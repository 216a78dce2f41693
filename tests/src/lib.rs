//! Shared helpers for the whole-system tests: a station in a temporary directory, worked by its command line.
//!
//! Everything here uses the real binaries over loopback multicast, in groups and ports of the test's own.

pub mod axe;
pub mod browser;
pub mod disk;
pub mod lock;
pub mod network;
pub mod program;
pub mod schedule;
pub mod sound;
pub mod stalls;
pub mod trouble;
