//! The week in Chromium: a slot is moved by keyboard alone in its list, and by drag in its grid. Each shows what it
//! leads to before anything is saved, and then the run-sheet in force and the audit log have it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chrono::{Days, NaiveDate};
use loa_headend::workbench::Station;
use loa_tests::browser::{Browser, ENTER};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, now};
use loa_tests::sound::demo_audio;
use serde_json::Value;

/// Two slots a day in a commune, news and music, and the news' own in a village.
fn week(music: &str) -> String {
    let slot = |code: &str, zone: &str, cron: &str| {
        format!(
            "[[programme]]\ncode = \"{code}\"\ntitle = \"{code}\"\nmedia = \"chuyen-muc-xa-a\"\n\
             [[slot]]\ncode = \"{code}\"\nprogramme = \"{code}\"\nzones = [\"{zone}\"]\ncron = \"{cron}\"\n\
             max_duration = \"10m\"\n"
        )
    };
    slot("tin", "xa-a", "0 5 * * *") + &slot("nhac", "xa-a", music) + &slot("tin-thon", "thon-1", "0 9 * * *")
}

/// Returns when a slot begins on a date by the run-sheet in force, and the number of that run-sheet.
fn in_force(browser: &Browser, date: NaiveDate, slot: &str) -> Result<(String, u64)> {
    let sheet = browser.script(&format!(
        "const request = new XMLHttpRequest();
         request.open('GET', '/api/v1/run-sheet?date={date}', false);
         request.send();
         return JSON.parse(request.responseText)"
    ))?;
    let lines = sheet["lines"].as_array().context("no lines")?;
    let airs = |line: &&Value| line["slot"] == slot && line["verdict"] != "dropped";
    let line = lines
        .iter()
        .find(airs)
        .with_context(|| format!("no {slot}: {sheet}"))?;
    let start = line["start"].as_i64().context("no start")?;
    let local = local_seconds(loa_model::WallTime::from_unix_ns(start));
    Ok((local, sheet["number"].as_u64().context("no number")?))
}

fn text(browser: &Browser, selector: &str) -> Result<String> {
    let text = browser.script(&format!(
        "return document.querySelector('{selector}')?.innerText ?? ''"
    ))?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

/// Opens a page until it has what an import brings: the planner takes up to half a second to see one.
fn open_until(browser: &Browser, url: &str, selector: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        browser.open(url)?;
        if browser.script(&format!("return !!document.querySelector('{selector}')"))? == true {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{url} never had {selector}");
    }
}

#[test]
fn a_slot_is_moved_by_keyboard_and_by_drag_after_its_consequence_was_seen() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("chuyen-muc-xa-a.m4a").display().to_string(),
    ])?;
    let zones = station.write("zones.toml", ZONES)?;
    let file = station.write("week.toml", &week("0 7 * * *"))?;
    station.loa(&["schedule", "import", &zones, &file])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    // Tomorrow nothing has begun, whatever the time is.
    let today: NaiveDate = local_seconds(now())[..10].parse()?;
    let head_end = station.start()?;
    let browser = Browser::start()?;
    browser.log_in(&station)?;
    browser.resize(1_440, 1_000)?;

    let date = today + Days::new(1);
    let calendar = date.format("%d/%m/%Y").to_string();
    let week_of = station.url(&format!("/week?date={date}&zone=xa-a&lang=vi"));
    browser.open(&week_of)?;
    let (at, number) = in_force(&browser, date, "tin")?;
    ensure!(at == format!("{date}T05:00:00"), "{at}");

    // By keyboard alone, from the list.
    browser.tab_to(&format!(
        "const label = document.activeElement.getAttribute('aria-label') ?? '';
         return label.startsWith('Sửa: tin,') && label.includes('{calendar}')"
    ))?;
    browser.press(ENTER)?;
    browser.wait_for("return location.pathname === '/change' && document.readyState === 'complete'")?;
    browser.tab_to("return document.activeElement.name === 'to_time'")?;
    browser.press(&format!("05:45{ENTER}"))?;
    browser.wait_for("return !!document.querySelector('form.save')")?;
    let told = text(&browser, "section[aria-labelledby=foreseen]")?;
    ensure!(told.contains("dời từ 05:00:00 sang 05:45:00"), "{told}");
    ensure!(
        in_force(&browser, date, "tin")? == (at, number),
        "nothing is saved before"
    );
    browser.tab_to("return document.activeElement.matches('form.save button')")?;
    browser.press(ENTER)?;
    browser.wait_for("return location.pathname === '/week' && !!document.querySelector('.saved')")?;
    let (at, moved) = in_force(&browser, date, "tin")?;
    ensure!(at == format!("{date}T05:45:00") && moved > number, "{at} {moved}");
    let day_after = date + Days::new(1);
    let shown = station.loa(&["schedule", "show", "--date", &day_after.to_string()])?;
    ensure!(shown.contains("05:00:00"), "only this day: {shown}");

    // By drag in the grid: an hour later.
    let block = format!("a.block[data-date=\"{date}\"][data-start=\"25200\"] rect");
    browser.script(&format!(
        "document.querySelector('{block}').scrollIntoView({{ block: 'center' }})"
    ))?;
    let hour = browser.script(
        "const [one, two] = document.querySelectorAll('svg.lanes line.hour');
         return Math.round(two.getBoundingClientRect().left - one.getBoundingClientRect().left)",
    )?;
    let hour = i32::try_from(hour.as_i64().context("no hour")?)?;
    browser.drag(&block, hour, 0)?;
    browser.wait_for("return location.pathname === '/change' && !!document.querySelector('form.save')")?;
    let told = text(&browser, "section[aria-labelledby=foreseen]")?;
    ensure!(told.contains("dời từ 07:00:00 sang 08:00:00"), "{told}");
    // Somebody else moves the same slot meanwhile: what was seen is not what would be.
    let other = station.write("week.toml", &week("0 8 * * *"))?;
    station.loa(&["schedule", "import", &other])?;
    browser.click("form.save button")?;
    browser.wait_for("return document.body.innerText.includes('không còn phát vào lúc ấy')")?;
    let (at, _) = in_force(&browser, date, "tin")?;
    ensure!(
        at == format!("{date}T05:45:00"),
        "the change by hand outlives the import: {at}"
    );

    let block = format!("a.block[data-date=\"{date}\"][data-start=\"28800\"] rect");
    open_until(&browser, &week_of, &block)?;
    browser.script(&format!(
        "document.querySelector('{block}').scrollIntoView({{ block: 'center' }})"
    ))?;
    browser.drag(&block, hour, 0)?;
    browser.wait_for("return location.pathname === '/change' && !!document.querySelector('form.save')")?;
    browser.click("form.save button")?;
    browser.wait_for("return location.pathname === '/week' && !!document.querySelector('.saved')")?;
    ensure!(in_force(&browser, date, "nhac")?.0 == format!("{date}T09:00:00"));

    // What was just saved is taken back.
    browser.click(".saved button")?;
    browser.wait_for("return location.pathname === '/week' && !document.querySelector('.saved')")?;
    ensure!(in_force(&browser, date, "nhac")?.0 == format!("{date}T08:00:00"));

    // Over the news of the commune, which is no weaker: no file may say so, and neither does the page.
    browser.open(&week_of)?;
    browser.script(&format!(
        "document.querySelector('{block}').scrollIntoView({{ block: 'center' }})"
    ))?;
    browser.drag(&block, -hour * 9 / 4, 0)?;
    browser.wait_for("return location.pathname === '/change' && !!document.querySelector('[role=alert]')")?;
    ensure!(browser.script("return !document.querySelector('form.save')")? == true);

    let audit = station.loa(&["audit", "list", "--days", "2"])?;
    for expected in [
        format!("tin {date} 05:00:00: move to {date} 05:45:00, this day"),
        format!("tin {date} 05:00:00: as planned"),
        format!("nhac {date} 08:00:00: airs {date} 09:00:00"),
        "schedule undo".to_owned(),
    ] {
        ensure!(audit.contains(&expected), "{expected}: {audit}");
    }
    station.loa(&["audit", "verify"])?;
    let console = browser.console()?;
    ensure!(
        console.iter().all(|line| line.contains("409")),
        "the console says: {console:#?}"
    );
    drop(browser);
    head_end.stop()
}
