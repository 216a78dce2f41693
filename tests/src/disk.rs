//! A disk of the test's own, so that it can be full.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use loa_headend::workbench::run;
use nix::sched::{CloneFlags, unshare};

/// Mounts a disk of so many megabytes on a directory, for the calling thread and every process it starts from here on.
/// It vanishes with the last of them.
///
/// # Errors
///
/// If this is not root.
pub fn mount_small_disk(path: &Path, megabytes: u32) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS)
        .context("this test needs root, for a disk of its own; run it with sudo")?;
    run(Command::new("mount").args(["--make-rprivate", "/"]))?;
    let size = format!("size={megabytes}m");
    run(Command::new("mount")
        .args(["-t", "tmpfs", "-o", &size, "loa-test"])
        .arg(path))?;
    Ok(())
}

/// What fills a disk, until it is dropped.
pub struct Full(PathBuf);

impl Full {
    /// Writes a file into a directory until not a byte more has room.
    ///
    /// # Errors
    ///
    /// If it fails otherwise.
    pub fn fill(dir: &Path) -> Result<Self> {
        let path = dir.join("fills-the-disk");
        let mut file = File::create(&path)?;
        for size in [1 << 16, 1] {
            loop {
                match file.write_all(&vec![0x55; size]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(Self(path))
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
