//! The database is locked by another program and a media file is deleted while the day is on the air: nobody hears it,
//! the panel says it, and the as-run log is whole once the lock is gone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::sleep_until;
use loa_tests::trouble::TroubledDay;

/// A program that is not ours and holds the database's write lock until it is dropped.
struct Lock(Child);

impl Lock {
    fn take(database: &Path) -> Result<Self> {
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

#[test]
fn the_day_goes_on_without_database_and_media_file() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let day = TroubledDay::begin(dir.path(), dir.path(), ("khan-cap.wav", "emergency"))?;
    let lock = Lock::take(&day.station.path().join("data/loa.db"))?;
    sleep_until(day.start + Duration::from_secs(2));
    for file in std::fs::read_dir(day.station.path().join("data/media"))? {
        let path = file?.path();
        if path.is_file() {
            std::fs::remove_file(path)?;
        }
    }
    sleep_until(day.second + Duration::from_secs(2));
    let health = day.station.health()?;
    println!("while it is locked: {health}");
    ensure!(
        health.contains("does not take the as-run log"),
        "the panel says what is wrong: {health}"
    );
    ensure!(day.station.as_run()?.is_empty(), "nothing can be written");
    sleep_until(day.second + Duration::from_secs(10));
    drop(lock);
    day.end()?;
    Ok(())
}
