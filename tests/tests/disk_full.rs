//! The disk is full while the day is on the air: nobody hears it, the panel says it, an override goes out, and the as-run
//! log is whole once there is room again.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_dsp::compare::{correlation, envelope};
use loa_headend::workbench::{Recording, Station};
use loa_tests::disk::{Full, mount_small_disk};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio};

#[test]
fn the_day_goes_on_when_the_disk_is_full() -> Result<()> {
    enter_own_network()?;
    let (disk, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    mount_small_disk(disk.path(), 24)?;
    let station = Station::new(disk.path())?;
    for name in ["chuyen-muc-xa-a.m4a", "thong-bao.aiff"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = elsewhere.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let start = second_from_now(5);
    let news = start + Duration::from_secs(8);
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
            airing("thong-bao", "thong-bao", "priority", news),
        ],
    )?;
    let sources = [
        as_aired(&station, "chuyen-muc-xa-a")?,
        as_aired(&station, "thong-bao")?,
    ];
    sleep_until(start - Duration::from_secs(1));

    let full = Full::fill(disk.path())?;
    sleep_until(news + Duration::from_secs(4));
    let health = station.health()?;
    println!("while it is full: {health}");
    ensure!(
        health.contains("does not take the as-run log"),
        "the panel says what is wrong: {health}"
    );
    sleep_until(news + Duration::from_secs(6));
    drop(full);

    sleep_until(start + Duration::from_secs(40));
    let health = station.health()?;
    ensure!(!health.contains("as-run"), "all is well again: {health}");
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;
    station.loa(&["check"])?;

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
    for (name, source, at) in [
        ("the programme", &sources[0], start),
        ("the news", &sources[1], news),
    ] {
        let source = source.part(48_000, 4 * 48_000);
        let heard = heard.at(at + Duration::from_secs(1), source.len());
        let likeness = correlation(&envelope(source, 960), &envelope(heard, 960));
        println!("{name}: envelope {likeness:.3}");
        ensure!(likeness >= 0.95, "{name} is heard: {likeness}");
    }
    Ok(())
}
