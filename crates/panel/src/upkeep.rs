//! Keeping the station: copies of its database, and how it is set up.

use std::path::PathBuf;

use loa_model::WallTime;

use crate::console::Answer;

/// The part of the console that only those who administer the whole station use.
pub trait Upkeep: Send + Sync {
    /// Returns the copies of the database that are kept on the machine, newest first, and where.
    fn backups(&self) -> Answer<'_, Backups>;
    /// Copies the database while it is in use; there is one copying at a time.
    fn back_up<'a>(&'a self, by: &'a str) -> Answer<'a, BackupItem>;
    /// Returns where a copy lies, for `by` to take it away, which is written down.
    fn take_backup<'a>(&'a self, name: &'a str, by: &'a str) -> Answer<'a, PathBuf>;
    /// Returns how the station is set up and how its machine does.
    fn settings(&self) -> Answer<'_, Settings>;
}

/// Copies of the database.
#[derive(Clone, Debug, Default)]
pub struct Backups {
    /// The directory they lie in.
    pub dir: PathBuf,
    /// What else a whole copy of the station holds: directories beside the database.
    pub beside: Vec<PathBuf>,
    /// The database itself.
    pub database: PathBuf,
    /// Newest first.
    pub items: Vec<BackupItem>,
}

/// A copy of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupItem {
    /// Name of the file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made.
    pub made: WallTime,
}

/// Why no copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupRefusal {
    /// One is being made.
    #[error("a backup is being made; wait until it is done")]
    UnderWay,
    /// The disk would be full.
    #[error("there is no room for a backup: {free} bytes are free, {needed} are needed; take old ones away")]
    NoRoom {
        /// Bytes that are free.
        free: u64,
        /// Bytes that it takes, with what must stay free.
        needed: u64,
    },
}

/// How the station is set up, and how its machine does.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Version of the head-end.
    pub version: String,
    /// Its licence, as SPDX names it.
    pub licence: String,
    /// When it was started.
    pub started: WallTime,
    /// The configuration that it read then.
    pub file: PathBuf,
    /// Why that cannot be read by now, if so: a restart would fail.
    pub file_fault: Option<String>,
    /// Every key, those of a table together.
    pub values: Vec<Setting>,
    /// The machine's clock.
    pub clock: ClockItem,
    /// Where things are kept, and the room there.
    pub disks: Vec<DiskItem>,
    /// Where the panel answers, such as `https://10.0.0.2:8443`.
    pub panel: String,
    /// Address that multicast is sent from.
    pub sends_from: String,
    /// Each zone's code and the group and port that it is sent to.
    pub groups: Vec<(String, String)>,
}

/// One key of the configuration; none of them is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Its table in the file; empty for what stands before the first.
    pub section: String,
    /// Its name there.
    pub key: String,
    /// What is in force, as the file would have it; empty if nothing is.
    pub value: String,
    /// Whether that is what it is unless somebody says otherwise.
    pub is_default: bool,
    /// What the file says by now, if that is something else: it takes a restart.
    pub in_file: Option<String>,
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockItem {
    /// A time daemon has it under control.
    pub is_synchronised: bool,
    /// The daemon's bound of its error, µs.
    pub error_us: u64,
    /// By how much it was set while the station was on the air, which is not followed, ms.
    pub step_ms: Option<i64>,
}

/// A place where something is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskItem {
    /// The directory.
    pub path: PathBuf,
    /// Bytes that are free for the head-end.
    pub free: u64,
    /// Bytes of the whole disk.
    pub total: u64,
}
