//! chronyd, to judge our chrony configurations: unpacked under the target directory, not installed.
//!
//! Installing chrony would put it in the place of whatever keeps this machine's clock. The test only asks it
//! to read a file, and finds it under `tools/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{apt, find_program, lists_are_old};
use crate::run::{run, target_directory};

/// Makes sure that there is a chronyd for the tests, if this is Debian.
///
/// # Errors
///
/// If Debian's package cannot be fetched or unpacked; the message says what to do.
pub(super) fn unpack() -> Result<()> {
    let tools = target_directory()?.join("tools");
    if find_program("chronyd").is_some() || tools.join("usr/sbin/chronyd").is_file() {
        return Ok(());
    }
    if lists_are_old() && nix::unistd::geteuid().is_root() {
        run(&mut apt(["update"]))?;
    }
    eprintln!("   unpacking chrony in {}", tools.display());
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    run(apt(["download", "chrony"]).current_dir(&tools))
        .context("if apt has no lists: sudo apt-get update")?;
    let archive = archive_in(&tools)?;
    run(Command::new("dpkg").arg("-x").args([&archive, &tools]))?;
    fs::remove_file(&archive)?;
    ensure!(
        tools.join("usr/sbin/chronyd").is_file(),
        "Debian's chrony has no usr/sbin/chronyd"
    );
    Ok(())
}

fn archive_in(dir: &Path) -> Result<std::path::PathBuf> {
    let mut archives = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    archives
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get download left no package behind")
}
