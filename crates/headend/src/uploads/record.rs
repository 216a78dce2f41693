//! What is kept of an upload beside its bytes.

use std::fs;
use std::io;
use std::path::Path;

use loa_model::{ContentHash, WallTime, ZoneId};
use loa_panel::{Arrived, LibraryRefusal};
use serde::{Deserialize, Serialize};

/// An upload as it was announced, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// What tells the file from others of the same person; empty for nothing.
    pub key: String,
    /// Name of the file, clean.
    pub file_name: String,
    /// The title it gets, unless that is taken.
    pub title: String,
    /// Size, bytes.
    pub bytes: u64,
    /// Whose piece it becomes.
    pub zone: Option<ZoneId>,
    /// The series of which it becomes an episode.
    pub series: Option<String>,
    /// Whether it is encoded as music.
    pub music: bool,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun: WallTime,
    /// The stretch of another piece that it is made of; none for a file that is sent.
    pub cut: Option<CutOf>,
    /// What became of it, and when; none while it is under way.
    pub ended: Option<(WallTime, Outcome)>,
}

/// A stretch of a piece, in samples at 48 kHz.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct CutOf {
    pub from: ContentHash,
    pub start: u64,
    pub end: u64,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It lies in the library.
    Done(Arrived),
    /// It was not taken.
    Refused(LibraryRefusal),
}

impl Record {
    /// Reads the record in an upload's directory; none if there is none that can be read.
    pub(super) fn read(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join(NAME)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let (new, kept) = (dir.join("record.new"), dir.join(NAME));
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, kept)
    }
}

const NAME: &str = "record.json";
