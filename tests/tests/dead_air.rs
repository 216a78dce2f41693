//! A recording that falls silent is noticed within five seconds, and the fill sounds in its place until it would have ended.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::envelope;
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::demo_audio;

#[test]
fn dead_air_is_filled() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let failed = dir.path().join("hong.wav").display().to_string();
    let voice = demo_audio("chuyen-muc-xa-a.m4a").display().to_string();
    let made = Command::new("ffmpeg")
        .args([
            "-loglevel",
            "error",
            "-t",
            "4",
            "-i",
            &voice,
            "-af",
            "apad=pad_dur=16",
            "-ac",
            "1",
            &failed,
        ])
        .status()?;
    ensure!(made.success(), "the failing recording can be made");
    station.loa(&[
        "media",
        "add",
        &failed,
        &demo_audio("thong-bao.aiff").display().to_string(),
    ])?;
    station.configure("[playout]\nfill = \"thong-bao\"\n")?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let start = second_from_now(3);
    let programme = Airing {
        code: "hong",
        zone: "xa-a",
        media: "hong",
        class: "normal",
        chime: false,
        at: start,
        max_duration: "1m",
    };
    import(&station, &[programme])?;
    sleep_until(start + Duration::from_secs(22));
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;

    let rows = station.as_run()?;
    ensure!(rows.len() >= 2, "{rows:#?}");
    let reason = &rows[0]["ended"]["reason"];
    ensure!(
        reason["cause"] == "source_failed" && reason["what"] == "dead air",
        "{rows:#?}"
    );
    let filled = WallTime::from_unix_ns(rows[1]["at"].as_i64().context("when the fill began")?);
    let after = filled.since(start + Duration::from_secs(4));
    println!("filled {after:?} after the voice ended");
    ensure!(
        after <= Duration::from_secs(7),
        "noticed in 5 s and filled a fade and a playout delay later, not {after:?}"
    );
    let heard = Recording::of_receiver(&wav, &lines)?;
    let level = |from: WallTime| {
        let loud = envelope(heard.at(from, 96_000), 96_000);
        loud.first().copied().unwrap_or(0.0)
    };
    let (silent, fill) = (
        level(start + Duration::from_secs(6)),
        level(filled + Duration::from_secs(1)),
    );
    println!("level in the silence {silent:.5}, in the fill {fill:.5}");
    ensure!(
        silent < 0.001 && fill > 0.01,
        "the fill is heard: {silent} {fill}"
    );
    Ok(())
}
