//! A window for a studio that speaks late, over RTP, and is silent for a while: nobody is called and nothing takes its
//! place, in none of the zones that hear it. A station that needs ffmpeg where there is none says so.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio, levelled_likeness};
use loa_tests::stalls::Stalls;

/// What the speaker says.
const VOICE: &str = "chuyen-muc-xa-a.m4a";

/// What a microphone picks up: twelve seconds of voice, and then a pause in which it stays open.
fn picked_up(dir: &Path) -> Result<PathBuf> {
    let (voice, file) = (demo_audio(VOICE), dir.join("picked-up.wav"));
    let made = ffmpeg()
        .args(["-t", "12", "-i"])
        .arg(voice)
        .args(["-af", "apad=pad_dur=30"])
        .arg(&file)
        .status()?;
    ensure!(made.success(), "what is spoken can be made");
    Ok(file)
}

/// Speaks into the studio's line, as fast as people do.
fn speak(picked_up: &Path, port: u16) -> Result<Child> {
    ffmpeg()
        .args(["-re", "-i"])
        .arg(picked_up)
        .args(["-ar", "48000", "-ac", "1", "-c:a", "libopus", "-f", "rtp"])
        .arg(format!("rtp://127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .spawn()
        .context("ffmpeg cannot be started; `cargo xtask setup` installs it")
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error"]);
    command
}

#[test]
fn a_studio_may_be_silent_in_two_zones_at_once() -> Result<()> {
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
    let picked_up = picked_up(dir.path())?;
    let head_end = station.start()?;
    let stalls = Stalls::watch()?;

    let start = second_from_now(6);
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let day = format!(
        "[[programme]]\ncode = \"phong-thu\"\ntitle = \"phong-thu\"\n\
         studio = [\"rtp://127.0.0.1:{port}\"]\nsilence_after = \"3s\"\n\
         [[slot]]\ncode = \"phong-thu\"\nprogramme = \"phong-thu\"\nzones = [\"xa-a\", \"xa-b\"]\nat = {}\nmax_duration = \"32s\"\n",
        local_seconds(start)
    );
    let day = station.write("day.toml", &day)?;
    station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let wav = |village: &str| dir.path().join(format!("{village}.wav"));
    let receiver =
        |code, village| station.receiver(code, village, &format!("wav:{}", wav(village).display()));
    let receivers = [receiver("loa-1", "thon-1")?, receiver("loa-3", "thon-3")?];

    sleep_until(start + Duration::from_secs(3));
    let mut speaker = speak(&picked_up, port)?;
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
    let lines = [receivers[0].lines(), receivers[1].lines()];
    for receiver in receivers {
        receiver.stop()?;
    }
    let log = head_end.log();
    head_end.stop()?;

    let rows = station.as_run()?;
    let spoken = by_ffmpeg(&demo_audio(VOICE))?;
    // All but how it begins and ends.
    let said = spoken.part(24_000, 7 * 72_000);
    for (zone, village, lines) in [("xa-a", "thon-1", &lines[0]), ("xa-b", "thon-3", &lines[1])] {
        let told: Vec<String> = rows
            .iter()
            .filter(|row| row["title"] == "phong-thu" && row["zone_code"] == zone)
            .map(|row| format!("{} {}", row["sound"], row["ended"]["reason"]["cause"]))
            .collect();
        println!("{zone}: {}", told.join(", "));
        let expected = ["{\"fill\":null} \"source_back\"", "{\"source\":0} \"time_limit\""];
        // A machine that stands still for longer than a source may is told of as a source that does.
        let stood_still = stalls.within(start, start + Duration::from_secs(32)) > Duration::from_secs(1);
        let is_right = match &told[..] {
            [first, .., last] if stood_still => first == expected[0] && last == expected[1],
            told => told == expected,
        };
        ensure!(
            is_right,
            "{zone}: nothing before the speaker, and then the studio until its end: {told:#?}\n{log}"
        );
        let recording = Recording::of_receiver(&wav(village), lines)?;
        let likeness = levelled_likeness(said, recording.at(start, 22 * 48_000))?;
        println!("{village}: envelope: {likeness:.3}");
        ensure!(likeness >= 0.85, "the speaker is heard in {village}: {likeness}");
    }
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
