//! Music plays on quietly beneath an announcement in its zone, and is back where it would have been.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_model::duration_to_samples;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio, middle, middle_of, parts_in_place};

#[test]
fn music_ducks_under_an_announcement() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    for name in ["nhac-nen.opus", "thong-bao.aiff"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let zones = station.write("zones.toml", ZONES)?;
    station.loa(&["schedule", "import", &zones])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;

    let music_at = second_from_now(4);
    let voice_at = music_at + Duration::from_secs(4);
    let slot = |code: &str, at| {
        let at = local_seconds(at);
        format!(
            "[[slot]]\ncode = \"{code}\"\nprogramme = \"{code}\"\nzones = [\"xa-a\"]\nat = {at}\nmax_duration = \"1m\"\n"
        )
    };
    let day = format!(
        "[[programme]]\ncode = \"nhac\"\ntitle = \"Nhạc\"\nmedia = \"nhac-nen\"\nclass = \"background\"\n\
         pre_emption = \"duck\"\n\
         [[programme]]\ncode = \"thong-bao\"\ntitle = \"Thông báo\"\nmedia = \"thong-bao\"\n{}{}",
        slot("nhac", music_at),
        slot("thong-bao", voice_at),
    );
    let day = station.write("day.toml", &day)?;
    let told = station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    println!("{told}");

    let (music, voice) = (as_aired(&station, "nhac-nen")?, as_aired(&station, "thong-bao")?);
    let length = |recording: &Recording| Duration::from_secs_f64(recording.samples.len() as f64 / 48_000.0);
    sleep_until(music_at + length(&music) + Duration::from_secs(2));
    let lines = receiver.lines();
    receiver.stop()?;
    head_end.stop()?;
    let rows = station.as_run()?;
    let heard = Recording::of_receiver(&wav, &lines)?;

    // How loud the music is in a window of what was heard, as a factor of what it was made; without what is so high that
    // part of a sample's shift between two clocks counts.
    let second = Duration::from_secs(1);
    let share = |into: Duration, window: Duration| -> Result<f64> {
        let len = usize::try_from(duration_to_samples(window))?;
        let source = low(music.part(i64::try_from(duration_to_samples(into))?, len));
        let heard = low(heard.at(music_at + into, len + 96));
        let dot = |shift: usize| -> f32 { source.iter().zip(&heard[shift..]).map(|(a, b)| a * b).sum() };
        let best = (0..96).map(dot).fold(f32::MIN, f32::max);
        Ok(f64::from(
            best / source.iter().map(|sample| sample * sample).sum::<f32>(),
        ))
    };
    // In the middle one of five windows.
    let middle_share = |from: Duration, window: Duration| -> Result<f64> {
        let shares: Result<Vec<f64>> = (0..5_u32).map(|n| share(from + window * n, window)).collect();
        middle(shares?.into_iter())
    };
    let before = middle_share(second, second / 2)?;
    let beneath = middle_share(Duration::from_secs(4) + 2 * second, second)?;
    let after = middle_share(Duration::from_secs(4) + length(&voice) + second, second / 2)?;
    println!("music: {before:.3} before, {beneath:.3} beneath, {after:.3} after");
    ensure!(before > 0.9, "the music is heard before: {before}");
    ensure!(
        (0.1..0.27).contains(&beneath),
        "it plays on 15 dB down, a factor of 0.178, not {beneath}"
    );
    ensure!(
        after > 0.9,
        "it is back where it would have been: {after}; {rows:#?}"
    );

    let said = voice.part(0, voice.samples.len());
    let heard = heard.at(voice_at, said.len());
    // Five parts of 1.4 s, all but its last words.
    let parts = parts_in_place(said, heard, 67_200);
    let voice = middle_of(&parts)?;
    println!("voice: {voice:.3?} of {parts:.3?}");
    ensure!(
        parts.len() == 5 && voice.envelope > 0.95 && voice.lag.is_some_and(|lag| lag.abs() <= 48),
        "the voice is heard as it is, in its place: {voice:?}"
    );
    ensure!(rows.len() == 3, "music, voice, music: {rows:#?}");
    ensure!(
        rows[0]["ended"]["reason"]["cause"] == "pre_empted"
            && rows[1]["ended"]["reason"]["cause"] == "completed",
        "the log tells who had the air: {rows:#?}"
    );
    Ok(())
}

/// Takes the mean of each 16 samples: little above 1.5 kHz is left.
fn low(samples: &[f32]) -> Vec<f32> {
    samples
        .windows(16)
        .map(|window| window.iter().sum::<f32>() / 16.0)
        .collect()
}
