//! The media library: audio files as they came, and beside each its encoded form, ready to send.
//!
//! ```text
//! media/<hash>.orig      the file as it was given, byte for byte
//! media/<hash>.opus      Ogg Opus: 48 kHz mono, normalised, what receivers hear
//! media/<hash>.peaks     how its wave looks, drawn once
//! media/incoming/        imports under way, and files on their way here
//! ```
//!
//! The library knows files only. Whoever imports adds the row to the store
//! *afterwards*: a row then never names a file that is not whole on the disk. A
//! kill before the row leaves two files that nobody refers to; `loa check` finds
//! them, and the next import of the same bytes takes them as they are, because
//! the encoded file's comments hold everything that the row does.

mod careful;
mod chime;
mod cut;
mod error;
mod import;
mod incoming;
mod levelling;
mod names;
mod own;
mod peaks;
mod prepare;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use loa_codec::read_ogg_opus;
use loa_model::{ContentHash, EncodedAudio, Media};

pub use chime::{chimes, silence};
pub use error::{ImportError, OpenError, ReadError};
pub use import::{Imported, Options};
pub use names::{clean_file_name, clean_title, title_of};
pub use own::OwnSound;
pub use peaks::PEAKS_PER_S;

use crate::config::MediaConfig;

/// The media directory of one installation. Any number of processes may use it at a time.
#[derive(Clone, Debug)]
pub struct Library {
    dir: PathBuf,
    config: MediaConfig,
}

impl Library {
    /// Opens the library in `dir`, which is made if it is missing, and clears what imports that were killed left behind.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if nothing can be written there.
    pub fn open(dir: &Path, config: MediaConfig) -> Result<Self, OpenError> {
        let unwritable = |source| OpenError::Unwritable {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir.join(incoming::NAME)).map_err(unwritable)?;
        incoming::sweep(dir).map_err(unwritable)?;
        // Directories on a read-only file system exist all the same: only writing tells.
        incoming::Incoming::begin(dir).map_err(unwritable)?;
        Ok(Self {
            dir: dir.to_owned(),
            config,
        })
    }

    /// Reads the packets of a piece, ready to send. About 15 MB for an hour of speech.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it is missing or damaged.
    pub fn read(&self, hash: ContentHash) -> Result<EncodedAudio, ReadError> {
        let path = self.encoded_path(hash);
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ReadError::Missing { path: path.clone() },
            _ => ReadError::Open {
                path: path.clone(),
                source,
            },
        })?;
        read_ogg_opus(BufReader::new(file), hash, ENCODED_BYTES_MAX)
            .map_err(|source| ReadError::Damaged { path, source })
    }

    /// Returns what is known about a piece, if both its files are there and the encoded one is whole.
    pub fn find(&self, hash: ContentHash) -> Option<Media> {
        let original = self.original_path(hash);
        let audio = self.read(hash).ok().filter(|_| original.is_file())?;
        tags::read(&self.encoded_path(hash), &audio)
    }

    /// Lists what lies in the library, by the files' names only.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn list(&self) -> io::Result<BTreeMap<ContentHash, Held>> {
        let mut pieces = BTreeMap::<ContentHash, Held>::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let Some((stem, kind)) = name.to_str().and_then(|name| name.split_once('.')) else {
                continue;
            };
            let Ok(hash) = stem.parse::<ContentHash>() else {
                continue;
            };
            match kind {
                ORIGINAL => pieces.entry(hash).or_default().original = true,
                ENCODED => pieces.entry(hash).or_default().encoded = true,
                _ => {}
            }
        }
        Ok(pieces)
    }

    /// Removes both files of a piece; not an error if they are not there. Remove the store's row first.
    ///
    /// # Errors
    ///
    /// If one of them is there and cannot be removed.
    pub fn remove(&self, hash: ContentHash) -> io::Result<()> {
        for path in [
            self.peaks_path(hash),
            self.encoded_path(hash),
            self.original_path(hash),
        ] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns where the file lies as it was given.
    pub fn original_path(&self, hash: ContentHash) -> PathBuf {
        self.dir.join(format!("{hash}.{ORIGINAL}"))
    }

    /// Returns where files lie that are on their way here; kept through restarts.
    pub fn uploads_path(&self) -> PathBuf {
        self.dir.join(incoming::NAME).join(incoming::UPLOADS)
    }

    /// Returns where the encoded file lies.
    pub fn encoded_path(&self, hash: ContentHash) -> PathBuf {
        self.dir.join(format!("{hash}.{ENCODED}"))
    }
}

/// Which files of a piece are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The file as it was given.
    pub original: bool,
    /// The encoded one.
    pub encoded: bool,
}

const ORIGINAL: &str = "orig";
const ENCODED: &str = "opus";
/// Seven hours at the highest rate: bounds what a damaged or foreign file can take.
const ENCODED_BYTES_MAX: u64 = 512 << 20;
