//! Tools for the tests that are packages of Python: each in an environment of its own under the target directory, not
//! installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{run, target_directory};

/// One package, and what we want of it.
pub(super) struct Tool {
    /// What its directory under `tools` is called.
    pub(super) name: &'static str,
    /// What pip is asked for: one release for everybody, so that what a newer one finds is found when we choose to look.
    pub(super) requirement: &'static str,
    /// What pip is told besides.
    pub(super) options: &'static [&'static str],
    /// A file that is there afterwards, relative to the environment. `*` stands for Python's own version.
    pub(super) file: &'static str,
}

impl Tool {
    /// Makes sure that this release of it is there for the tests, and returns its file.
    ///
    /// # Errors
    ///
    /// If the environment cannot be made or the package cannot be fetched; the message says what to do.
    pub(super) fn install(&self) -> Result<PathBuf> {
        let there = target_directory()?.join("tools").join(self.name);
        let wanted = there.join("requirement.txt");
        let is_this = fs::read_to_string(&wanted).is_ok_and(|found| found == self.requirement);
        if let (true, Some(file)) = (is_this, self.file_in(&there)) {
            return Ok(file);
        }
        eprintln!("   installing {} in {}", self.name, there.display());
        fs::create_dir_all(&there).with_context(|| format!("cannot make {}", there.display()))?;
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&there))
        .context("Python cannot make an environment: is python3-venv installed?")?;
        fs::write(&wanted, self.requirement).with_context(|| format!("cannot write {}", wanted.display()))?;
        let install = run(Command::new(there.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(self.options)
            .arg("--requirement")
            .arg(&wanted));
        if install.is_err() {
            // Half of it is not taken for the whole the next time.
            let _ = fs::remove_file(&wanted);
        }
        install
            .with_context(|| format!("pip did not fetch {}: is the package index reachable?", self.name))?;
        let file = self.file_in(&there);
        file.with_context(|| format!("{} brings no {}", self.requirement, self.file))
    }

    fn file_in(&self, there: &Path) -> Option<PathBuf> {
        let Some((before, after)) = self.file.split_once('*') else {
            return Some(there.join(self.file)).filter(|file| file.is_file());
        };
        let (parent, begins) = before.rsplit_once('/')?;
        let entries = fs::read_dir(there.join(parent)).ok()?.flatten();
        let mut fitting = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(begins));
        fitting.find_map(|entry| {
            let file = entry.path().join(after.trim_start_matches('/'));
            file.is_file().then_some(file)
        })
    }
}
