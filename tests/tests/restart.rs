//! The head-end is killed in mid-programme and started again: the programme is back at the right second.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_model::{WallTime, duration_to_samples};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, now, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio, middle_of, parts_in_place};
use loa_tests::stalls::Stalls;

#[test]
fn a_killed_head_end_goes_on_at_the_right_second() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("chuyen-muc-xa-a.m4a").display().to_string(),
    ])?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let start = second_from_now(3);
    let programme = Airing {
        code: "chuyen-muc",
        zone: "xa-a",
        media: "chuyen-muc-xa-a",
        class: "normal",
        chime: false,
        at: start,
        max_duration: "1m",
    };
    import(&station, &[programme])?;
    sleep_until(start + Duration::from_secs(6));
    let stalls = Stalls::watch()?;
    let killed = now();
    head_end.kill()?;
    let head_end = station.start()?;
    sleep_until(start + Duration::from_secs(30));
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;

    let rows = station.as_run()?;
    ensure!(rows.len() == 2, "two parts, and nothing twice: {rows:#?}");
    ensure!(
        rows[0]["ended"]["reason"]["cause"] == "head_end_lost",
        "the log names the cause: {rows:#?}"
    );
    ensure!(
        rows[1]["ended"]["reason"]["cause"] == "completed",
        "the programme came to its end: {rows:#?}"
    );
    let at = WallTime::from_unix_ns(rows[1]["at"].as_i64().context("when it was back")?);
    let offset: Duration = serde_json::from_value(rows[1]["media_offset"].clone())?;
    let gap = at.since(killed);
    let beside_ms = (at - offset).ns_after(start).unsigned_abs() / 1_000_000;
    println!("back on air {gap:?} after the kill, {beside_ms} ms beside where it would have been");
    let stood = stalls.within(killed, at);
    ensure!(
        gap.saturating_sub(stood) < Duration::from_secs(3),
        "back within 3 s, not {gap:?}, of which the machine stood still for {stood:?}"
    );
    ensure!(
        beside_ms <= 20,
        "at the right second, not {beside_ms} ms beside it"
    );

    let heard = Recording::of_receiver(&wav, &lines)?;
    let source = as_aired(&station, "chuyen-muc-xa-a")?;
    let second = Duration::from_secs(1);
    for (from, seconds) in [(second, 5), (offset + second, 7)] {
        let source = source.part(i64::try_from(duration_to_samples(from))?, seconds * 48_000);
        let heard = heard.at(start + from, source.len());
        let parts = parts_in_place(source, heard, 48_000);
        let middle = middle_of(&parts)?;
        println!("from {from:?}: {middle:.3?} of {parts:.3?}");
        ensure!(
            parts.len() == seconds
                && middle.envelope >= 0.95
                && middle.lag.is_some_and(|lag| lag.abs() <= 48),
            "{from:?}: {middle:?}"
        );
    }
    Ok(())
}
