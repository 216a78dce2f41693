//! The database is locked by another program and a media file is deleted while the day is on the air: nobody hears it,
//! the panel says it, and the as-run log is whole once the lock is gone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::{correlation, envelope};
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio};

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
    let station = Station::new(dir.path())?;
    for name in ["chuyen-muc-xa-a.m4a", "khan-cap.wav"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let start = second_from_now(5);
    let alarm = start + Duration::from_secs(8);
    let airing = |code, media, class, at| Airing {
        code,
        zone: "xa-a",
        media,
        class,
        chime: false,
        at,
        max_duration: "1m",
    };
    import(
        &station,
        &[
            airing("chuyen-muc", "chuyen-muc-xa-a", "normal", start),
            airing("khan-cap", "khan-cap", "emergency", alarm),
        ],
    )?;
    let (programme, emergency) = (
        as_aired(&station, "chuyen-muc-xa-a")?,
        as_aired(&station, "khan-cap")?,
    );
    sleep_until(start - Duration::from_secs(1));

    let lock = Lock::take(&station.path().join("data/loa.db"))?;
    sleep_until(start + Duration::from_secs(2));
    for file in std::fs::read_dir(station.path().join("data/media"))? {
        let path = file?.path();
        if path.is_file() {
            std::fs::remove_file(path)?;
        }
    }
    sleep_until(alarm + Duration::from_secs(2));
    let health = station.health()?;
    println!("while it is locked: {health}");
    ensure!(
        health.contains("does not take the as-run log"),
        "the panel says what is wrong: {health}"
    );
    ensure!(station.as_run()?.is_empty(), "nothing can be written");
    sleep_until(alarm + Duration::from_secs(10));
    drop(lock);

    sleep_until(start + Duration::from_secs(40));
    let health = station.health()?;
    ensure!(!health.contains("as-run"), "all is well again: {health}");
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;

    let rows = station.as_run()?;
    let causes: Vec<_> = rows
        .iter()
        .map(|row| row["ended"]["reason"]["cause"].as_str().unwrap_or("none"))
        .collect();
    ensure!(
        causes == ["pre_empted", "completed", "completed"],
        "every part is in the log: {rows:#?}"
    );
    let heard = Recording::of_receiver(&wav, &lines)?;
    let parts = [
        (
            "the programme",
            start + Duration::from_secs(1),
            &programme,
            48_000,
            6,
        ),
        (
            "the emergency",
            alarm + Duration::from_secs(1),
            &emergency,
            48_000,
            4,
        ),
    ];
    for (name, at, source, from, seconds) in parts {
        let source = source.part(from, seconds * 48_000);
        let likeness = correlation(&envelope(source, 960), &envelope(heard.at(at, source.len()), 960));
        println!("{name}: envelope {likeness:.3}");
        ensure!(likeness >= 0.95, "{name} is heard: {likeness}");
    }
    Ok(())
}
