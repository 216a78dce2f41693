//! A mixer's encoder in the network is put on the air by the form of the panel, over a programme that then goes on: it
//! comes out of a loudspeaker, also after it was switched off and on, and what was asked stands in the logs.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, by_ffmpeg, demo_audio, middle_of, parts_alike};
use serde_json::Value;

/// What a mixer's encoder does: Opus over RTP, from before it is on the air until it is stopped. Where it begins to count
/// its packets is its own affair.
fn mixer(port: u16, first_packet: &str) -> Result<Child> {
    Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-loglevel",
            "error",
            "-re",
            "-stream_loop",
            "-1",
            "-i",
        ])
        .arg(demo_audio("chuyen-muc-xa-a.m4a"))
        .args([
            "-ar",
            "48000",
            "-ac",
            "2",
            "-c:a",
            "libopus",
            "-b:a",
            "96k",
            "-payload_type",
            "97",
            "-seq",
            first_packet,
        ])
        .args(["-f", "rtp", &format!("rtp://127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("ffmpeg cannot be started; `cargo xtask setup` installs it")
}

/// Makes two minutes of music.
fn long_music(dir: &Path) -> Result<PathBuf> {
    let file = dir.join("nhac.flac");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-stream_loop", "8", "-i"])
        .arg(demo_audio("nhac-nen.opus"))
        .arg(&file)
        .status()?;
    ensure!(made.success(), "ffmpeg makes no music");
    Ok(file)
}

fn time(row: &Value, key: &[&str]) -> Result<WallTime> {
    let value = key.iter().fold(row, |value, key| &value[*key]);
    value
        .as_i64()
        .map(WallTime::from_unix_ns)
        .with_context(|| format!("no {key:?} in {row}"))
}

#[test]
fn a_mixer_in_the_network_is_heard_until_its_limit_and_the_programme_goes_on() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    let music = long_music(dir.path())?;
    station.loa(&["media", "add", &music.display().to_string()])?;
    let start = second_from_now(20);
    let programme = Airing {
        code: "nhac",
        zone: "xa-a",
        media: "nhac",
        class: "normal",
        chime: false,
        at: start,
        max_duration: "3m",
    };
    import(&station, &[programme])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut first = mixer(port, "30000")?;

    let browser = Browser::start()?;
    browser.log_in(&station)?;
    browser.open(&station.url("/?lang=vi"))?;
    sleep_until(start + Duration::from_secs(6));
    // The level of what is sent is shown as it sounds, and who sounds.
    browser.wait_for("return Number(document.querySelector('[data-level=\"xa-a\"]')?.value) > -50")?;
    browser.wait_for(
        "return document.querySelector('#main').innerText.includes('1/1 cụm loa đang phát đúng')",
    )?;
    let form = "document.querySelector('.from-source form')";
    browser.script("document.querySelector('.from-source').open = true")?;
    browser.script(&format!("{form}.zone.value = 'xa-a'"))?;
    browser.type_into(
        ".from-source input[name=source]",
        &format!("rtp://127.0.0.1:{port}"),
    )?;
    browser.type_into(".from-source input[name=title]", "Họp dân")?;
    browser.script(&format!(
        "{form}.limit_min.value = '1'; {form}.chime.checked = false"
    ))?;
    browser.click(".from-source button")?;
    browser.accept()?;
    browser.wait_for("return document.querySelector('.title')?.innerText === 'Họp dân'")?;
    // Somebody pulls the mixer's plug, and puts it back: it counts its packets from a lower number.
    let cut = second_from_now(25);
    sleep_until(cut);
    first.kill()?;
    first.wait()?;
    let mut second = mixer(port, "100")?;
    // The rest of the minute, and what is compared of what goes on.
    std::thread::sleep(Duration::from_secs(56));
    browser.wait_for("return document.querySelector('.title')?.innerText === 'nhac'")?;
    let (console, lines) = (browser.console()?, receiver.lines());
    ensure!(console.is_empty(), "the console says: {console:#?}");
    drop(browser);
    second.kill()?;
    second.wait()?;
    receiver.stop()?;
    head_end.stop()?;

    let log = station.as_run()?;
    let of = |title: &str| log.iter().filter(|row| row["title"] == title).collect::<Vec<_>>();
    let (live, music) = (of("Họp dân"), of("nhac"));
    let last = live.last().context("nothing live in the log")?;
    ensure!(last["ended"]["reason"]["cause"] == "time_limit", "{log:#?}");
    let (from, to) = (time(live[0], &["at"])?, time(last, &["ended", "at"])?);
    let held = to.since(from).as_secs_f64();
    ensure!((held - 60.0).abs() < 1.0, "it ends at its limit: {held} s");
    ensure!(music.len() == 2, "{log:#?}");

    let recording = Recording::of_receiver(&wav, &lines)?;
    let spoken = by_ffmpeg(&demo_audio("chuyen-muc-xa-a.m4a"))?;
    // The mixer plays it over and over, from the beginning once its plug is back.
    let source = spoken.samples.repeat(2);
    let heard = |from, parts: usize| {
        let parts = parts_alike(&source, recording.at(from, parts * 144_000), 144_000);
        middle_of(&parts).map(|middle| (middle.envelope, parts))
    };
    let (before, parts) = heard(from + Duration::from_secs(4), 6)?;
    println!("envelope of the mixer: {before:.3} in the middle of {parts:.3?}, on the air for {held:.2} s");
    ensure!(parts.len() == 6 && before >= 0.9, "the mixer is heard: {parts:?}");
    let (after, parts) = heard(cut + Duration::from_secs(13), 5)?;
    println!("after its plug was pulled: {after:.3} in the middle of {parts:.3?}");
    ensure!(
        parts.len() == 5 && after >= 0.9,
        "the mixer is heard again: {parts:?}"
    );
    let music = as_aired(&station, "nhac")?;
    let after = recording.at(to + Duration::from_secs(3), 15 * 48_000);
    let back = parts_alike(&music.samples, after, 3 * 48_000);
    let middle = middle_of(&back)?.envelope;
    println!("the music after it: {middle:.3} in the middle of {back:.3?}");
    ensure!(back.len() == 5 && middle >= 0.9, "the music goes on: {back:?}");

    let audit = station.loa(&["audit", "list"])?;
    ensure!(audit.contains("Họp dân"), "{audit}");
    Ok(())
}
