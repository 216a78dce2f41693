//! The directory where imports work, and what becomes of those that never ended.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The directory's name inside the library.
pub(super) const NAME: &str = "incoming";
/// What lies in it that is not an import's: files that are still on their way here. They outlast a restart.
pub(super) const UPLOADS: &str = "uploads";

/// A directory of one import's own, gone with it.
///
/// Every import holds a shared lock on the directory above for as long as it
/// lives, and the kernel lets go of it however the process ends.
#[derive(Debug)]
pub(super) struct Incoming {
    dir: PathBuf,
    _lock: File,
}

impl Incoming {
    /// Makes one in the library at `library`.
    pub(super) fn begin(library: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let above = library.join(NAME);
        let lock = File::open(&above)?;
        lock.lock_shared()?;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let dir = above.join(format!("{}-{count}", std::process::id()));
            match fs::create_dir(&dir) {
                Ok(()) => return Ok(Self { dir, _lock: lock }),
                // Another process with our id, as containers that share the directory have.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the path of a file in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What cannot be removed is swept when the library is next opened.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Removes what killed imports left, unless some import is at work at this moment; the next time will do.
pub(super) fn sweep(library: &Path) -> io::Result<()> {
    let above = library.join(NAME);
    let lock = File::open(&above)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(&above)? {
        let entry = entry?;
        if entry.file_name() == UPLOADS {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
