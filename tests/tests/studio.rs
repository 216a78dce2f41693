//! A window for a studio that speaks late, over RTP, and is silent for a while: nobody is called and nothing takes its
//! place. A station that needs ffmpeg where there is none says so.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio, levelled_likeness};

/// What the speaker says.
const VOICE: &str = "chuyen-muc-xa-a.m4a";

/// Speaks into the studio's line: twelve seconds of voice, and then a pause in which the microphone stays open.
fn speak(port: u16) -> Result<Child> {
    let voice = demo_audio(VOICE).display().to_string();
    let to = format!("rtp://127.0.0.1:{port}");
    Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-re", "-t", "12", "-i", &voice])
        .args(["-af", "apad=pad_dur=30", "-ar", "48000", "-ac", "1"])
        .args(["-c:a", "libopus", "-f", "rtp", &to])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("ffmpeg cannot be started; `cargo xtask setup` installs it")
}

#[test]
fn a_studio_may_be_silent() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("thong-bao.aiff").display().to_string(),
    ])?;
    station.configure("[playout]\nfill = \"thong-bao\"\n")?;
    let zones = station.write("zones.toml", ZONES)?;
    station.loa(&["schedule", "import", &zones])?;
    let head_end = station.start()?;

    let start = second_from_now(4);
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let day = format!(
        "[[programme]]\ncode = \"phong-thu\"\ntitle = \"phong-thu\"\n\
         studio = [\"rtp://127.0.0.1:{port}\"]\nsilence_after = \"3s\"\n\
         [[slot]]\ncode = \"phong-thu\"\nprogramme = \"phong-thu\"\nzones = [\"xa-a\"]\nat = {}\nmax_duration = \"32s\"\n",
        local_seconds(start)
    );
    let day = station.write("day.toml", &day)?;
    station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;

    sleep_until(start + Duration::from_secs(3));
    let mut speaker = speak(port)?;
    // Five seconds of dead air and the three of the rule are long over.
    sleep_until(start + Duration::from_secs(28));
    let health = station.health()?;
    ensure!(
        !health.contains("dead_air\":true") && !health.contains("nothing is heard"),
        "{health}"
    );
    sleep_until(start + Duration::from_secs(35));
    speaker.kill()?;
    speaker.wait()?;
    let lines = receiver.lines();
    receiver.stop()?;
    let log = head_end.log();
    head_end.stop()?;

    let rows = station.as_run()?;
    let told: Vec<String> = rows
        .iter()
        .filter(|row| row["title"] == "phong-thu")
        .map(|row| format!("{} {}", row["sound"], row["ended"]["reason"]["cause"]))
        .collect();
    println!("{}", told.join("\n"));
    ensure!(
        told == ["{\"fill\":null} \"source_back\"", "{\"source\":0} \"time_limit\""],
        "nothing before the speaker, and then the studio until its end: {told:#?}\n{log}"
    );
    let recording = Recording::of_receiver(&wav, &lines)?;
    let spoken = by_ffmpeg(&demo_audio(VOICE))?;
    // All but how it begins and ends.
    let said = spoken.part(24_000, 7 * 72_000);
    let likeness = levelled_likeness(said, recording.at(start, 22 * 48_000))?;
    println!("envelope: {likeness:.3}");
    ensure!(likeness >= 0.85, "the speaker is heard: {likeness}");
    Ok(())
}

#[test]
fn a_station_that_needs_ffmpeg_says_so_where_there_is_none() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let zones = station.write("zones.toml", ZONES)?;
    let day = "[[programme]]\ncode = \"hls\"\ntitle = \"HLS\"\nrelay = [\"hls+http://127.0.0.1:1/live\"]\n\
               [[slot]]\ncode = \"hls\"\nprogramme = \"hls\"\nzones = [\"xa-a\"]\ncron = \"0 6 * * *\"\nmax_duration = \"5m\"\n";
    let day = station.write("day.toml", day)?;
    station.loa(&["schedule", "import", &zones, &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let rehearsed = Command::new(loa_headend::workbench::binary("loa")?)
        .arg("--config")
        .arg(station.config())
        .args(["rehearse", "--language", "en"])
        .env("PATH", dir.path())
        .output()?;
    let told = String::from_utf8(rehearsed.stdout)?;
    ensure!(
        told.contains("ffmpeg, which is not installed; `apt-get install ffmpeg`"),
        "{told}"
    );
    Ok(())
}
