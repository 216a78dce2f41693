//! Files of the state directory, each of which a power cut leaves whole or as it was.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `name` in `state_dir`, readable by its owner only: beside the file first, then renamed.
pub(crate) fn write(state_dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(state_dir)?;
    let path = state_dir.join(name);
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    fs::File::open(state_dir)?.sync_all()
}
