//! The panel of a running station in Chromium: an override by hand, and the page that tells of it live.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_headend::workbench::{PASSWORD, Station, USER};
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now};
use loa_tests::sound::demo_audio;

#[test]
fn an_override_by_hand_is_told_live_and_nobody_else_is_asked() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    for name in ["chuyen-muc-xa-a.m4a", "khan-cap.wav"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let programme = Airing {
        code: "chuyen-muc",
        zone: "tinh",
        media: "chuyen-muc-xa-a",
        class: "normal",
        chime: false,
        at: second_from_now(4),
        max_duration: "1m",
    };
    import(&station, &[programme])?;
    let head_end = station.start()?;
    let receiver = station.receiver("loa-1", "thon-1", "null")?;
    let browser = Browser::start()?;

    browser.open(&station.url("/login"))?;
    let secure = browser.script("return window.isSecureContext && !!navigator.mediaDevices")?;
    ensure!(secure == true, "the browser would give a microphone");
    browser.type_into("input[name=name]", USER)?;
    browser.type_into("input[name=password]", PASSWORD)?;
    browser.click("main button")?;
    browser.wait_for("return location.pathname === '/'")?;

    browser.resize(1_280, 900)?;
    browser.open(&station.url("/?lang=vi"))?;
    browser.script("document.querySelector('select[name=zone]').value = 'xa-b'")?;
    browser.script("document.querySelector('select[name=class]').value = 'emergency'")?;
    browser.script(
        "const media = document.querySelector('select[name=media]');
         media.value = [...media.options].find((one) => one.text.startsWith('khan-cap')).value",
    )?;
    browser.click("form[action='/overrides'] button")?;
    browser.accept()?;
    // The page that the form leads to says it at once; that it goes again is told live.
    browser.wait_for("return document.querySelector('#air, main').innerText.includes('khan-cap')")?;
    browser.script("window.stayed = true")?;
    // The chime and the piece sound for nine seconds.
    browser.wait_for_within(
        Duration::from_secs(30),
        "return ![...document.querySelectorAll('.title')].some((one) => one.innerText.includes('khan-cap'))",
    )?;
    ensure!(
        browser.script("return window.stayed")? == true,
        "the table was renewed without loading the page again"
    );

    let console = browser.console()?;
    ensure!(console.is_empty(), "the console says: {console:#?}");
    let requests = browser.requests()?;
    let home = station.url("/");
    let away: Vec<_> = requests
        .iter()
        .filter(|url| !url.starts_with(&home) && !url.starts_with("data:"))
        .collect();
    ensure!(requests.len() > 5 && away.is_empty(), "asked elsewhere: {away:?}");
    drop(browser);
    receiver.stop()?;
    head_end.stop()
}
