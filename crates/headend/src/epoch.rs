//! The epoch: number of this run of the head-end. It only grows, so receivers know a recording as old.

use std::fs;
use std::path::{Path, PathBuf};

use crate::durable::write_durably;

/// Why the epoch could not be raised. Nothing may be sent without a new one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// The file holds something else than a number.
    #[error(
        "{path} holds \"{found}\", not a number; write into it a number greater than any epoch in `loa as-run`"
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The counter is at its end, which takes a restart each second for 136 years.
    #[error("the epoch in {path} cannot grow further")]
    Exhausted {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot keep the epoch in {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Raises the epoch kept at `path` and returns it, once it is safely on disk.
///
/// `floor` is the greatest epoch known from elsewhere (the as-run log): it stands in for a lost file.
///
/// # Errors
///
/// See [`EpochError`].
pub fn next(path: &Path, floor: u32) -> Result<u32, EpochError> {
    let io = |source| EpochError::Io {
        path: path.to_owned(),
        source,
    };
    let last = match fs::read_to_string(path) {
        Ok(text) => text.trim().parse::<u32>().map_err(|_| EpochError::NotANumber {
            path: path.to_owned(),
            found: text.trim().to_owned(),
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(io(error)),
    };
    let epoch = last
        .max(floor)
        .checked_add(1)
        .ok_or_else(|| EpochError::Exhausted {
            path: path.to_owned(),
        })?;
    write_durably(path, format!("{epoch}\n").as_bytes()).map_err(io)?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("epoch");
        assert_eq!(next(&path, 0).unwrap(), 1);
        assert_eq!(next(&path, 0).unwrap(), 2);
        assert_eq!(
            next(&path, 9).unwrap(),
            10,
            "the log knows a later run than the file"
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(next(&path, 10).unwrap(), 11, "a lost file");
    }

    #[test]
    fn refuses_to_guess() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("epoch");
        fs::write(&path, "seven").unwrap();
        let message = next(&path, 3).unwrap_err().to_string();
        assert!(message.contains("holds \"seven\""), "{message}");
        fs::write(&path, u32::MAX.to_string()).unwrap();
        assert!(matches!(next(&path, 3), Err(EpochError::Exhausted { .. })));
        let gone = dir.path().join("no/such/epoch");
        assert!(matches!(next(&gone, 0), Err(EpochError::Io { .. })));
    }
}
