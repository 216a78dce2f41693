//! An input of the head-end's sound card is carried.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio, levelled_likeness};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Plugs a player into `input`: it plays a file again and again, as fast as people hear it.
fn plug_in(file: &Path, input: &Path) -> Result<Child> {
    mkfifo(input, Mode::S_IRWXU)?;
    Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-loglevel",
            "error",
            "-y",
            "-re",
            "-stream_loop",
            "9",
            "-i",
        ])
        .arg(file)
        .args(["-f", "s16le", "-ar", "48000", "-ac", "2"])
        .arg(input)
        .stdin(Stdio::null())
        .spawn()
        .context("ffmpeg cannot be started; `cargo xtask setup` installs it")
}

/// A sound card with such an input (alsa-lib's `file` plugin). ffmpeg reads as little at a time as a card can give,
/// which of the `null` card is a single frame and most of a core; over a `rate` of 4 kHz it is twelve, and a twentieth.
fn sound_card(station: &Station, input: &Path) -> Result<String> {
    let input = input.display();
    station.write(
        "asound.conf",
        &format!(
            "pcm.null {{ type null }}\n\
             pcm.coarse {{ type rate slave {{ pcm \"null\" rate 4000 }} converter \"linear\" }}\n\
             pcm.input {{ type file slave.pcm \"coarse\" file \"/dev/null\" infile \"{input}\" format \"raw\" }}\n"
        ),
    )
}

#[test]
fn an_input_of_the_sound_card_is_carried() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let voice = demo_audio("ban-tin-tinh.mp3");
    let zones = station.write("zones.toml", ZONES)?;
    station.loa(&["schedule", "import", &zones])?;
    let input = dir.path().join("input.raw");
    let card = sound_card(&station, &input)?;
    let mut player = plug_in(&voice, &input)?;
    let head_end = station.start_in(&[("ALSA_CONFIG_PATH", &card)])?;

    let start = second_from_now(4);
    let day = format!(
        "[[programme]]\ncode = \"cong-vao\"\ntitle = \"Cổng vào\"\nrelay = [\"line:input\"]\n\
         [[slot]]\ncode = \"cong-vao\"\nprogramme = \"cong-vao\"\nzones = [\"xa-b\"]\nat = {}\nmax_duration = \"24s\"\n",
        local_seconds(start)
    );
    let day = station.write("day.toml", &day)?;
    station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let wav = dir.path().join("thon-3.wav");
    let receiver = station.receiver("loa-3", "thon-3", &format!("wav:{}", wav.display()))?;

    sleep_until(start + Duration::from_secs(27));
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;
    player.kill()?;
    player.wait()?;
    let recording = Recording::of_receiver(&wav, &lines)?;
    // Nobody knows where in the file it begins; all of it comes by in this time, and hardly any of it twice.
    let heard = recording.at(start + Duration::from_secs(3), 19 * 48_000);
    let likeness = levelled_likeness(&by_ffmpeg(&voice)?.samples, heard)?;
    println!("envelope: {likeness:.3}");
    ensure!(likeness >= 0.85, "the input is heard: {likeness}");
    Ok(())
}
