//! From a pressed button in a browser to the first sample at a receiver, 30 times; beside it the floor that the receivers'
//! playout delay sets.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use loa_headend::workbench::Station;
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::import;
use loa_tests::sound::microphone;

const PRESSES: usize = 30;

fn main() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let receiver = station.receiver("loa-1", "thon-1", "null")?;
    let said = microphone(dir.path())?;
    let browser = Browser::with_microphone(&said)?;
    browser.log_in(&station)?;
    browser.resize(1_280, 1_000)?;
    browser.open(&station.url("/speak?lang=vi"))?;
    browser.click("[data-open]")?;
    browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'ready'")?;
    browser.click("[value=xa-a]")?;
    // Without the chime, whose length would be measured too. The button under the thumb may lie over it.
    browser.script("document.querySelector('[name=chime]').click()")?;
    for _ in 0..PRESSES {
        browser.hold("[data-talk]")?;
        browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'heard'")?;
        sleep(Duration::from_millis(600));
        browser.release()?;
        browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'released'")?;
        sleep(Duration::from_millis(1_200));
    }
    // Receipts come with the next report, and figures are made of them every minute.
    sleep(Duration::from_secs(75));
    let metrics = station.get("/metrics")?;
    let figure = |quantile: &str| -> Result<f64> {
        let name = format!("loa_time_to_air_seconds{{zone=\"thon-1\",quantile=\"{quantile}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        Ok(line.context("nothing was measured")?.parse()?)
    };
    let (p50, p95) = (figure("0.5")?, figure("0.95")?);
    println!(
        "{PRESSES} presses: p50 {:.0} ms, p95 {:.0} ms; {:.2} and {:.2} of the floor, {FLOOR_MS} ms of playout delay",
        p50 * 1e3,
        p95 * 1e3,
        p50 * 1e3 / FLOOR_MS,
        p95 * 1e3 / FLOOR_MS
    );
    drop(browser);
    receiver.stop()?;
    head_end.stop()
}

/// `playout.urgent_delay_ms` as it is by default.
const FLOOR_MS: f64 = 200.0;
