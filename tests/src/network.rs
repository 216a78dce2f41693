//! A network of the test's own.

use std::process::Command;

use anyhow::{Context as _, Result};
use loa_headend::workbench::run;
use nix::sched::{CloneFlags, unshare};

/// Moves the calling thread, and every process it starts from here on, into an empty network namespace
/// whose loopback carries multicast. It vanishes with the last of them.
///
/// # Errors
///
/// If this is not root, or `ip` (iproute2) is missing.
pub fn enter_own_network() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)
        .context("this test needs root, for a network namespace of its own; run it with sudo")?;
    for command in [
        "link set lo up",
        "link set lo multicast on",
        "route add 224.0.0.0/4 dev lo",
    ] {
        run(Command::new("ip").args(command.split(' '))).context("`cargo xtask setup` installs iproute2")?;
    }
    Ok(())
}
