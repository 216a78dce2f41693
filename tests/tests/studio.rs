//! A window for a studio that speaks late, over RTP, and is silent for a while: nobody is called and nothing takes its
//! place. Beside it an input of the sound card is carried, and a station that needs ffmpeg where there is none says so.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::{correlation, envelope};
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio};

/// Speaks into the studio's line: six seconds of voice, and then a pause in which the microphone stays open.
fn speak(port: u16) -> Result<Child> {
    let voice = demo_audio("chuyen-muc-xa-a.m4a").display().to_string();
    let to = format!("rtp://127.0.0.1:{port}");
    Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-re", "-t", "6", "-i", &voice])
        .args(["-af", "apad=pad_dur=30", "-ar", "48000", "-ac", "1"])
        .args(["-c:a", "libopus", "-f", "rtp", &to])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("ffmpeg cannot be started; `cargo xtask setup` installs it")
}

/// A sound card whose input is a file (alsa-lib's `file` plugin).
fn sound_card(station: &Station, file: &std::path::Path) -> Result<String> {
    let input = station.path().join("input.raw").display().to_string();
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-stream_loop", "9", "-i"])
        .arg(file)
        .args(["-f", "s16le", "-ar", "48000", "-ac", "2", &input])
        .status()?;
    ensure!(made.success(), "the input can be made");
    station.write(
        "asound.conf",
        &format!(
            "pcm.null {{ type null }}\n\
             pcm.input {{ type file slave.pcm \"null\" file \"/dev/null\" infile \"{input}\" format \"raw\" }}\n"
        ),
    )
}

/// Returns how alike a part of a recording is to what was heard at the place where they are most alike.
fn likeness(source: &Recording, heard: &[f32]) -> f64 {
    let source = envelope(source.part(24_000, 4 * 48_000), 960);
    let heard = envelope(heard, 960);
    heard
        .windows(source.len())
        .map(|part| correlation(&source, part))
        .fold(0.0, f64::max)
}

#[test]
fn a_studio_may_be_silent_and_an_input_is_carried() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let (voice, other) = (demo_audio("chuyen-muc-xa-a.m4a"), demo_audio("ban-tin-tinh.mp3"));
    station.loa(&[
        "media",
        "add",
        &demo_audio("thong-bao.aiff").display().to_string(),
    ])?;
    station.configure("[playout]\nfill = \"thong-bao\"\n")?;
    let zones = station.write("zones.toml", ZONES)?;
    station.loa(&["schedule", "import", &zones])?;
    let card = sound_card(&station, &other)?;
    let head_end = station.start_in(&[("ALSA_CONFIG_PATH", &card)])?;

    let start = second_from_now(4);
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let slot = |code: &str, source: &str, zone: &str| {
        format!(
            "[[programme]]\ncode = \"{code}\"\ntitle = \"{code}\"\n{source}\n\
             [[slot]]\ncode = \"{code}\"\nprogramme = \"{code}\"\nzones = [\"{zone}\"]\nat = {}\nmax_duration = \"26s\"\n",
            local_seconds(start)
        )
    };
    let studio = format!("studio = [\"rtp://127.0.0.1:{port}\"]\nsilence_after = \"3s\"");
    let day = slot("phong-thu", &studio, "xa-a") + &slot("cong-vao", "relay = [\"line:input\"]", "xa-b");
    let day = station.write("day.toml", &day)?;
    station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let receiver = |code: &str, zone: &str| {
        let wav = dir.path().join(format!("{zone}.wav"));
        let receiver = station.receiver(code, zone, &format!("wav:{}", wav.display()))?;
        anyhow::Ok((receiver, wav))
    };
    let (at_studio, at_input) = (receiver("loa-1", "thon-1")?, receiver("loa-3", "thon-3")?);

    sleep_until(start + Duration::from_secs(3));
    let mut speaker = speak(port)?;
    // Five seconds of dead air and the three of the rule are long over.
    sleep_until(start + Duration::from_secs(22));
    let health = station.health()?;
    ensure!(
        !health.contains("dead_air\":true") && !health.contains("nothing is heard"),
        "{health}"
    );
    sleep_until(start + Duration::from_secs(29));
    speaker.kill()?;
    speaker.wait()?;
    let (studio_lines, input_lines) = (at_studio.0.lines(), at_input.0.lines());
    at_studio.0.stop()?;
    at_input.0.stop()?;
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
    let spoken = by_ffmpeg(&voice)?;
    let heard = |wav: &std::path::Path, lines: &[serde_json::Value], from: WallTime, s: usize| {
        let recording = Recording::of_receiver(wav, lines)?;
        anyhow::Ok(recording.at(from, s * 48_000).to_vec())
    };
    let studio = likeness(&spoken, &heard(&at_studio.1, &studio_lines, start, 16)?);
    let input = likeness(&by_ffmpeg(&other)?, &heard(&at_input.1, &input_lines, start, 24)?);
    println!("envelope: the studio {studio:.3}, the input {input:.3}");
    // Both are levelled on the way, and so never quite the same.
    ensure!(
        studio >= 0.85 && input >= 0.85,
        "both are heard: {studio} {input}"
    );
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
