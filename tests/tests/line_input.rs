//! An input of the head-end's sound card is carried.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio, levelled_likeness};

/// A sound card whose input is a file (alsa-lib's `file` plugin). ffmpeg reads as little at a time as a card can give,
/// which of the `null` card is a single frame and most of a core; over a `rate` of 4 kHz it is twelve, and a twentieth.
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
    let card = sound_card(&station, &voice)?;
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
    let recording = Recording::of_receiver(&wav, &lines)?;
    // Nobody knows where in the file it begins; all of it comes by in this time, and hardly any of it twice.
    let heard = recording.at(start + Duration::from_secs(3), 19 * 48_000);
    let likeness = levelled_likeness(&by_ffmpeg(&voice)?.samples, heard)?;
    println!("envelope: {likeness:.3}");
    ensure!(likeness >= 0.85, "the input is heard: {likeness}");
    Ok(())
}
