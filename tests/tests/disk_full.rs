//! The disk is full while the day is on the air: nobody hears it, the panel says it, and the as-run log is whole once
//! there is room again.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_tests::disk::{Full, mount_small_disk};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::sleep_until;
use loa_tests::trouble::TroubledDay;

#[test]
fn the_day_goes_on_when_the_disk_is_full() -> Result<()> {
    enter_own_network()?;
    let (disk, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    mount_small_disk(disk.path(), 24)?;
    let day = TroubledDay::begin(disk.path(), elsewhere.path(), ("thong-bao.aiff", "priority"))?;
    let full = Full::fill(disk.path())?;
    sleep_until(day.second + Duration::from_secs(4));
    let health = day.station.health()?;
    println!("while it is full: {health}");
    ensure!(
        health.contains("does not take the as-run log"),
        "the panel says what is wrong: {health}"
    );
    sleep_until(day.second + Duration::from_secs(6));
    drop(full);
    day.end()?.loa(&["check"])?;
    Ok(())
}
