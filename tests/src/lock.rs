//! A database that another program holds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A program that is not ours and holds the database's write lock until it is dropped.
pub struct Lock(Child);

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    ///
    /// If sqlite3 is missing or another program has the lock.
    pub fn take(database: &Path) -> Result<Self> {
        let mut child = Command::new("sqlite3")
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("sqlite3 cannot be started; `cargo xtask setup` installs it")?;
        let mut stdin = child.stdin.take().context("its standard input")?;
        let mut stdout = BufReader::new(child.stdout.take().context("its standard output")?);
        stdin.write_all(b".timeout 5000\nbegin immediate;\nselect 'locked';\n")?;
        stdin.flush()?;
        child.stdin = Some(stdin);
        let lock = Self(child);
        let mut told = String::new();
        stdout.read_line(&mut told)?;
        ensure!(told.trim() == "locked", "sqlite3 says {told:?}");
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
