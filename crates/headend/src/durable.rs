//! Small files that are whole whenever the power goes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

/// Replaces a small file so that after a power cut it holds either the old bytes or the new ones. Only the owner of its
/// directory may read it.
///
/// # Errors
///
/// If the disk fails; the old file stays.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    // Also if root does it for the service, which has to read it.
    if let Some(dir) = path.parent() {
        let owner = fs::metadata(dir)?;
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}
