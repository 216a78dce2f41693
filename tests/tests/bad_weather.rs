//! The database is locked by another program and a media file is deleted while the day is on the air: nobody hears it,
//! the panel says it, and the as-run log is whole once the lock is gone.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_tests::lock::Lock;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::sleep_until;
use loa_tests::trouble::TroubledDay;

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
