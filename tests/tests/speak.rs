//! Somebody speaks into a browser: it comes out of a pole's loudspeaker, over a programme that then goes on.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio, microphone, middle_of, parts_alike, parts_in_place};
use serde_json::Value;

/// Waits until the page says this of the speech.
fn until(browser: &Browser, state: &str) -> Result<()> {
    browser.wait_for(&format!(
        "return document.querySelector('[data-talk-box]').dataset.state === '{state}'"
    ))
}

fn rows<'a>(log: &'a [Value], title: &str) -> Vec<&'a Value> {
    log.iter().filter(|row| row["title"] == title).collect()
}

fn time(row: &Value, key: &[&str]) -> Result<WallTime> {
    let value = key.iter().fold(row, |value, key| &value[*key]);
    value
        .as_i64()
        .map(WallTime::from_unix_ns)
        .with_context(|| format!("no {key:?} in {row}"))
}

#[test]
fn speech_in_the_page_comes_out_of_a_loudspeaker_and_the_programme_goes_on() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    station.loa(&["media", "add", &demo_audio("nhac-nen.opus").display().to_string()])?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;

    let said = microphone(dir.path())?;
    let browser = Browser::with_microphone(&said)?;
    browser.log_in(&station)?;
    browser.resize(1_280, 1_000)?;
    browser.open(&station.url("/speak?lang=vi"))?;
    browser.click("[data-open]")?;
    until(&browser, "ready")?;
    browser.click("input[value='xa-a']")?;

    let start = second_from_now(4);
    let music = Airing {
        code: "nhac",
        zone: "xa-a",
        media: "nhac-nen",
        class: "normal",
        chime: false,
        at: start,
        max_duration: "2m",
    };
    import(&station, &[music])?;
    let source = as_aired(&station, "nhac-nen")?;
    sleep_until(start + Duration::from_secs(4));

    // Held, with the chime.
    browser.type_into("input[name=title]", "Bão số 5")?;
    browser.hold("[data-talk]")?;
    until(&browser, "chime")?;
    until(&browser, "heard")?;
    sleep(Duration::from_secs(8));
    let counts = browser.script("return document.querySelector('[data-talk-counts]').textContent")?;
    ensure!(
        counts.as_str().is_some_and(|text| text.starts_with("1/1 ")),
        "the loudspeaker that sounds is counted: {counts}"
    );
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panel");
    std::fs::create_dir_all(&pictures)?;
    std::fs::write(pictures.join("speaking.png"), browser.screenshot()?)?;
    browser.release()?;
    until(&browser, "released")?;

    // Pressed once, without the chime, when some music was heard; then the page is gone in mid-sentence.
    sleep(Duration::from_secs(5));
    browser.script("document.querySelector('[name=title]').value = 'Đứt mạng'")?;
    browser.click("[name=chime]")?;
    browser.click("[name=latched]")?;
    browser.click("[data-talk]")?;
    until(&browser, "heard")?;
    sleep(Duration::from_secs(8));
    browser.open("about:blank")?;
    sleep(Duration::from_secs(4));
    let (console, lines) = (browser.console()?, receiver.lines());
    ensure!(console.is_empty(), "the console says: {console:#?}");
    drop(browser);
    receiver.stop()?;
    head_end.stop()?;

    let log = station.as_run()?;
    let held = rows(&log, "Bão số 5");
    let lost = rows(&log, "Đứt mạng");
    let causes = |rows: &[&Value]| -> Vec<String> {
        rows.iter()
            .map(|row| row["ended"]["reason"]["cause"].to_string())
            .collect()
    };
    ensure!(causes(&held) == ["\"completed\""], "{log:#?}");
    ensure!(causes(&lost) == ["\"speaker_lost\""], "{log:#?}");
    ensure!(
        rows(&log, "nhac").len() == 3,
        "twice interrupted, and on again each time: {log:#?}"
    );

    let heard = Recording::of_receiver(&wav, &lines)?;
    let original = Recording::wav(&said)?;
    for (name, row) in [("held", held[0]), ("lost", lost[0])] {
        let (at, ended) = (time(row, &["at"])?, time(row, &["ended", "at"])?);
        let spoken = heard.at(at + Duration::from_millis(300), 48_000 * 15 / 2);
        let parts = parts_alike(&original.samples, spoken, 48_000 * 3 / 2);
        let middle = middle_of(&parts)?;
        println!(
            "{name}: on the air for {:?}, {middle:.3?} of {parts:.3?}",
            ended.since(at)
        );
        ensure!(
            parts.len() == 5 && middle.envelope >= 0.9 && middle.wave >= 0.9,
            "{name}: what is heard is not what was said"
        );
    }

    // The music is where it was.
    let resumed = rows(&log, "nhac")[1];
    let (at, offset) = (time(resumed, &["at"])?, resumed["media_offset"].clone());
    let offset =
        offset["secs"].as_u64().unwrap_or(0) as f64 + offset["nanos"].as_u64().unwrap_or(0) as f64 / 1e9;
    // Four seconds of the pause of five, each part 0.8 s.
    let expected = source.part((offset * 48_000.0) as i64 + 24_000, 48_000 * 4);
    let again = heard.at(at + Duration::from_millis(500), expected.len());
    let parts = parts_in_place(expected, again, 38_400);
    let middle = middle_of(&parts)?;
    println!("music after it: {middle:.3?} of {parts:.3?}");
    ensure!(
        parts.len() == 5 && middle.envelope >= 0.9,
        "the music goes on where it was: {middle:?}"
    );
    Ok(())
}
