//! Commands, and steps that say what they do and how long they took.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// Steps of one invocation, with their times.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Does one step, naming it before and timing it after.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("── {name}");
        let start = Instant::now();
        step().with_context(|| format!("step failed: {name}"))?;
        let took = start.elapsed();
        eprintln!("   {name}: {}", seconds(took));
        self.done.push((name.to_owned(), took));
        Ok(())
    }

    /// Prints every step so far with its time.
    pub(crate) fn print(&self) {
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        eprintln!();
        for (name, took) in &self.done {
            eprintln!("{:>9}  {name}", seconds(*took));
        }
        eprintln!("{:>9}  so far\n", seconds(total));
    }
}

/// Returns the workspace's directory.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("xtask is two directories below the workspace")
        .to_owned()
}

/// Returns the cargo that started us, about to run in the workspace.
///
/// What `cargo run` tells us about our own package is taken away: build scripts that watch those variables would
/// run again each time cargo is called with and without xtask in between.
pub(crate) fn cargo<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ];
        if name
            .to_str()
            .is_some_and(|name| about_us.iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, its output shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", line(command)))?;
    ensure!(status.success(), "{} ended with {status}", line(command));
    Ok(())
}

/// Returns where cargo builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let output = cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]).output()?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let directory = metadata["target_directory"]
        .as_str()
        .context("cargo metadata without target_directory")?;
    Ok(directory.into())
}

/// Returns the command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
