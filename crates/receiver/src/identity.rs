//! The receiver's own key, which signs its reports. It cannot sign audio.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_wire::public_key;

use crate::state_file;

/// A receiver's key pair, kept in `report.key` of its state directory.
pub struct Identity {
    secret: [u8; 32],
}

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file cannot be read, or a new one not written.
    #[error("cannot use key {path}; the receiver must be able to write its state directory")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not a key.
    #[error("key {0} is damaged; remove it, and register the receiver again with the new key")]
    Damaged(PathBuf),
    /// The system gives no random numbers.
    #[error("no random numbers for a new key")]
    Random(#[source] getrandom::Error),
}

impl Identity {
    /// Opens the key in `state_dir`, making directory and key if there are none.
    ///
    /// # Errors
    ///
    /// See [`IdentityError`].
    pub fn open(state_dir: &Path) -> Result<Self, IdentityError> {
        let path = state_dir.join(FILE);
        let failed = |source| IdentityError::File {
            path: path.clone(),
            source,
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let bytes = BASE64
                    .decode(text.trim())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok());
                let secret = bytes.ok_or_else(|| IdentityError::Damaged(path.clone()))?;
                Ok(Self { secret })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(IdentityError::Random)?;
                let text = BASE64.encode(secret) + "\n";
                state_file::write(state_dir, FILE, text.as_bytes()).map_err(failed)?;
                Ok(Self { secret })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns the public key as `loa receiver add` takes it.
    pub fn public_key_base64(&self) -> String {
        BASE64.encode(public_key(&self.secret))
    }

    pub(crate) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

const FILE: &str = "report.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_the_same_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let first = Identity::open(&state).unwrap().public_key_base64();
        assert_eq!(Identity::open(&state).unwrap().public_key_base64(), first);
        let mode = fs::metadata(state.join("report.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("report.key"), "junk").unwrap();
        let Err(error) = Identity::open(dir.path()) else {
            panic!("accepted junk")
        };
        assert!(error.to_string().contains("report.key is damaged"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("report.key")).unwrap(), "junk");
    }
}
