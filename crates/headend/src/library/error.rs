//! What can go wrong in the library, by what the caller can do about it.

use std::io;
use std::path::PathBuf;

use loa_codec::{AudioError, OggOpusError, OpusError, RefuseReason};

/// Why the library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory is missing and cannot be made, or it is not ours to write.
    #[error("cannot write in the media directory {path}")]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a file was not imported. The library is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file to import cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file can be read, and is not something to air.
    #[error("{path}: {reason}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: RefuseReason,
    },
    /// An import needs room for a copy of the file and its encoded form.
    #[error("no room left in the media directory {path}; free some and import again")]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The library's directory cannot be written.
    #[error("cannot write in the media directory {path}")]
    Write {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bit rate asked for does not suit 60 ms packets of mono.
    #[error("a bit rate of {bitrate} bit/s cannot be used; choose {min} to {max}")]
    Bitrate {
        /// What was asked for, bit/s.
        bitrate: u32,
        /// The least, bit/s.
        min: u32,
        /// The most, bit/s.
        max: u32,
    },
    /// The encoder failed: a bug, or no memory.
    #[error("cannot encode {path}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// What libopus refused.
        #[source]
        source: OpusError,
    },
}

impl ImportError {
    /// Names the directory in a failure to write there.
    pub(super) fn write(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoRoom { path, source }
            }
            _ => Self::Write { path, source },
        }
    }

    /// Names the file in a failure to decode it.
    pub(super) fn audio(path: PathBuf, error: AudioError) -> Self {
        match error {
            AudioError::Io(source) => Self::Read { path, source },
            AudioError::Refused(reason) => Self::Refused { path, reason },
            other => Self::Read {
                path,
                source: io::Error::other(other),
            },
        }
    }
}

/// Why a piece cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such file.
    #[error("{path} is missing from the library; `loa check` tells what else is")]
    Missing {
        /// The encoded file.
        path: PathBuf,
    },
    /// It is there and cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The encoded file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what an import wrote.
    #[error("{path} is damaged; remove it and import the original again")]
    Damaged {
        /// The encoded file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: OggOpusError,
    },
}
