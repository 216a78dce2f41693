//! Somebody speaks in an emergency, in a drill, and where it takes two persons: the button has to be armed first, the voice
//! comes out of the loudspeaker, a drill says that it is one, and a second person lets the first one speak once.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::zones_with_two_persons;
use loa_tests::sound::{microphone, middle_of, parts_alike};
use serde_json::Value;

const TALK: &str = "document.querySelector('[data-talk-box]').dataset.state";

/// Chooses to speak, where and about what, with the microphone on.
fn choose(browser: &Browser, station: &Station, zone: &str, title: &str) -> Result<()> {
    browser.open(&station.url("/emergency?lang=vi"))?;
    browser.click("[name=what][value=speech]")?;
    browser.click(&format!("[name=zone][value={zone}]"))?;
    browser.type_into("[name=title]", title)?;
    browser.script("document.querySelector('[data-open]').click()")?;
    browser.wait_for(&format!("return {TALK} === 'ready'"))
}

/// Holds the button that arms the other, until it has.
fn arm(browser: &Browser) -> Result<()> {
    browser.script("document.querySelector('[data-arm]').scrollIntoView({ block: 'center' })")?;
    browser.hold("[data-arm]")?;
    browser.wait_for("return document.querySelector('[data-speak]').dataset.armed === 'true'")?;
    browser.release()
}

/// Arms the button, speaks for so long, and lets go.
fn speak(browser: &Browser, span: Duration) -> Result<()> {
    ensure!(
        browser.script("return document.querySelector('[data-talk]').disabled")? == true,
        "nobody speaks before the button is armed"
    );
    arm(browser)?;
    browser.hold("[data-talk]")?;
    browser.wait_for(&format!("return {TALK} === 'heard'"))?;
    sleep(span);
    browser.release()?;
    browser.wait_for(&format!("return {TALK} === 'released'"))
}

fn row<'a>(log: &'a [Value], title: &str) -> Result<&'a Value> {
    let row = log.iter().rfind(|row| row["title"] == title);
    row.with_context(|| format!("{title} was never on the air: {log:#?}"))
}

#[test]
fn who_speaks_in_an_emergency_arms_the_button_first_and_a_drill_says_that_it_is_one() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    let zones = zones_with_two_persons(&station)?;
    let zones = station.write("zones.toml", &zones)?;
    station.loa(&["schedule", "import", &zones])?;
    let head_end = station.start()?;
    let wav = dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
    let said = microphone(dir.path())?;
    let browser = Browser::with_microphone(&said)?;
    browser.log_in(&station)?;
    browser.resize(1_280, 1_400)?;
    choose(&browser, &station, "xa-a", "Nước lên")?;
    speak(&browser, Duration::from_secs(8))?;
    sleep(Duration::from_secs(3));
    browser.script("document.querySelector('[name=drill][value=true]').click()")?;
    speak(&browser, Duration::from_secs(8))?;
    sleep(Duration::from_secs(3));

    // Where it takes two persons, another one lets this one speak: once, and about what was asked for.
    choose(&browser, &station, "xa-b", "Vỡ đê")?;
    arm(&browser)?;
    browser.script("document.querySelector('[data-go]').click()")?;
    browser.wait_for("return document.querySelector('[data-asked]') !== null")?;
    let second = Browser::start()?;
    second.log_in_as(&station, "lan")?;
    second.open(&station.url("/emergency?lang=vi"))?;
    second.script("document.querySelector('[data-asked] .go').click()")?;
    second
        .wait_for("return document.readyState === 'complete' && !document.querySelector('[data-asked]')")?;
    choose(&browser, &station, "xa-b", "Việc khác")?;
    speak(&browser, Duration::from_secs(2))?;
    arm(&browser)?;
    browser.hold("[data-talk]")?;
    browser.wait_for(&format!("return {TALK} === 'refused'"))?;
    browser.release()?;
    drop(second);
    let (console, lines) = (browser.console()?, receiver.lines());
    ensure!(console.is_empty(), "the console says: {console:#?}");
    drop(browser);
    receiver.stop()?;
    head_end.stop()?;

    let log = station.as_run()?;
    ensure!(row(&log, "Vỡ đê")?["class"] == "emergency", "{log:#?}");
    ensure!(row(&log, "Việc khác").is_err(), "{log:#?}");
    let heard = Recording::of_receiver(&wav, &lines)?;
    let original = Recording::wav(&said)?;
    for (title, class, drill) in [
        ("Nước lên", "emergency", false),
        ("DIỄN TẬP – Nước lên", "live", true),
    ] {
        let row = row(&log, title)?;
        ensure!(
            (&row["class"], &row["drill"]) == (&class.into(), &drill.into()),
            "{row:#}"
        );
        ensure!(row["ended"]["reason"]["cause"] == "completed", "{row:#}");
        let ended = row["ended"]["at"].as_i64().map(WallTime::from_unix_ns);
        let last_words = ended.context("no end")? - Duration::from_secs(8);
        let parts = parts_alike(
            &original.samples,
            heard.at(last_words, 48_000 * 15 / 2),
            48_000 * 3 / 2,
        );
        let middle = middle_of(&parts)?;
        println!("{title}: {middle:.3?} of {parts:.3?}");
        ensure!(
            parts.len() == 5 && middle.envelope >= 0.9,
            "{title}: what is heard is not what was said"
        );
    }
    Ok(())
}
