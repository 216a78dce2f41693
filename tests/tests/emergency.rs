//! Emergencies in a browser, by keyboard alone where it must be quick: a template, the alarm, all clear, two persons,
//! broken glass, a drill, a database that another program holds; and what the logs say of all that. By hand: a line drawn
//! on the map.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_headend::workbench::Station;
use loa_tests::browser::{Browser, ENTER, TAB};
use loa_tests::lock::Lock;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{local_seconds, second_from_now, sleep_until, zones_with_two_persons};
use loa_tests::sound::demo_audio;
use serde_json::{Value, json};

const SPACE: &str = " ";
const DOWN: &str = "\u{e015}";

/// Goes from control to control until one that fits has the focus.
fn tab_to(browser: &Browser, selector: &str) -> Result<()> {
    browser.press(TAB)?;
    browser.tab_to(&format!("return document.activeElement.matches({selector:?})"))
}

/// Holds the space bar for as long as it takes to arm the button, and presses the one that has the focus then.
fn arm_and_go(browser: &Browser) -> Result<()> {
    tab_to(browser, "[data-arm]")?;
    browser.hold_key(' ', true)?;
    sleep(Duration::from_millis(900));
    browser.hold_key(' ', false)?;
    ensure!(
        browser.script("return document.querySelector('[data-go]').disabled")? == true,
        "a short press arms nothing"
    );
    let began = Instant::now();
    browser.hold_key(' ', true)?;
    browser.wait_for("return document.querySelector('[data-speak]').dataset.armed === 'true'")?;
    let held = began.elapsed();
    browser.hold_key(' ', false)?;
    ensure!(held >= Duration::from_secs(2), "armed after {held:?} already");
    browser.wait_for("return document.activeElement.matches('[data-go]')")?;
    // A key that is held repeats.
    let taken = browser.script(
        "const again = new KeyboardEvent('keydown', { key: ' ', repeat: true, cancelable: true });
         return document.activeElement.dispatchEvent(again)",
    )?;
    ensure!(taken == false, "the key that arms must not go off as well");
    browser.press(ENTER)?;
    browser
        .wait_for("return document.readyState === 'complete' && !document.querySelector('[data-go]:enabled')")
}

/// Opens the emergency page and chooses a template by keyboard.
fn choose(browser: &Browser, station: &Station, title: &str) -> Result<()> {
    browser.open(&station.url("/emergency?lang=vi"))?;
    tab_to(browser, "[name=drill]")?;
    tab_to(browser, "[name=what]")?;
    browser.press(SPACE)?;
    let chosen =
        browser.script("return document.querySelector('[name=what]:checked').closest('label').innerText")?;
    ensure!(
        chosen.as_str().is_some_and(|text| text.contains(title)),
        "chosen: {chosen}"
    );
    Ok(())
}

/// Presses a button of the part that is renewed all the time, in one step.
fn press_live(browser: &Browser, selector: &str) -> Result<()> {
    browser
        .script(&format!("document.querySelector({selector:?}).click()"))
        .map(drop)
}

fn text(browser: &Browser) -> Result<String> {
    let text = browser.script("return document.querySelector('main').innerText")?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

fn until(browser: &Browser, what: &str) -> Result<()> {
    browser
        .wait_for(&format!(
            "return document.querySelector('main').innerText.includes({what:?})"
        ))
        .with_context(|| text(browser).unwrap_or_default())
}

fn titled<'a>(log: &'a [Value], title: &str) -> Vec<&'a Value> {
    log.iter().filter(|row| row["title"] == title).collect()
}

fn cause(row: &Value) -> &str {
    row["ended"]["reason"]["cause"].as_str().unwrap_or("none")
}

/// Returns where a part of the page has its middle; pixels of the window.
fn middle(browser: &Browser, selector: &str) -> Result<(i64, i64)> {
    let script = format!(
        "const box = document.querySelector({selector:?}).getBoundingClientRect();
         return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)]"
    );
    let value = browser.script(&script)?;
    let part = |index: usize| value[index].as_i64().context("no number");
    Ok((part(0)?, part(1)?))
}

/// Tells which zones are chosen, and which receivers the map shows as meant.
fn chosen(browser: &Browser) -> Result<(Value, Value)> {
    Ok((
        browser
            .script("return [...document.querySelectorAll('[name=zone]:checked')].map((one) => one.value)")?,
        browser.script(
            "return [...document.querySelectorAll('.dot.meant')].map((one) => one.dataset.zone).sort()",
        )?,
    ))
}

/// Takes every zone out of the choice; where the page stands stays.
fn nowhere(browser: &Browser) -> Result<()> {
    let script = "for (const one of document.querySelectorAll('[name=zone]:checked')) one.click()";
    browser.script(script).map(drop)
}

#[test]
fn zones_are_chosen_by_a_line_around_their_receivers() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = station(dir.path())?;
    for (number, zone, at) in [
        (1, "thon-1", "10.80,106.70"),
        (2, "thon-2", "10.79,106.71"),
        (3, "thon-3", "10.70,106.80"),
    ] {
        let (code, key) = (format!("loa-{number}"), BASE64.encode([number; 32]));
        station.loa(&[
            "receiver",
            "add",
            &code,
            "--zone",
            zone,
            "--public-key",
            &key,
            "--at",
            at,
        ])?;
    }
    let head_end = station.start()?;
    let browser = Browser::start()?;
    browser.log_in(&station)?;
    browser.resize(1_280, 1_100)?;
    browser.open(&station.url("/emergency?lang=vi"))?;
    browser.script("document.querySelector('[data-map]').scrollIntoView({ block: 'center' })")?;

    // A line means nothing until the button is pressed.
    let dots = ["thon-1", "thon-2", "thon-3"]
        .map(|zone| middle(&browser, &format!("[data-map] [data-zone={zone}]")));
    let [one, two, three] = dots;
    let (one, two, three) = (one?, two?, three?);
    let around = |(x, y): (i64, i64), (u, v): (i64, i64)| {
        let (left, right, top, foot) = (x.min(u) - 20, x.max(u) + 20, y.min(v) - 20, y.max(v) + 20);
        [(left, top), (right, top), (right, foot), (left, foot)]
    };
    browser.draw(&around(one, two))?;
    ensure!(
        chosen(&browser)? == (json!([]), json!([])),
        "{:?}",
        chosen(&browser)?
    );

    // All the receivers of a commune are the commune; a point is the nearest.
    browser.click("[data-draw]")?;
    browser.draw(&around(one, two))?;
    ensure!(
        chosen(&browser)? == (json!(["xa-a"]), json!(["thon-1", "thon-2"])),
        "{:?}",
        chosen(&browser)?
    );
    let broken_glass = || browser.script("return !document.querySelector('[data-two-only]').hidden");
    ensure!(broken_glass()? == false, "one person is enough here");
    browser.draw(&[(three.0 + 3, three.1), (three.0 + 4, three.1)])?;
    ensure!(
        chosen(&browser)? == (json!(["xa-a", "thon-3"]), json!(["thon-1", "thon-2", "thon-3"])),
        "{:?}",
        chosen(&browser)?
    );
    ensure!(broken_glass()? == true, "Xã B asks for a second person");
    let pictures = pictures()?;
    std::fs::write(pictures.join("emergency-map.png"), browser.screenshot()?)?;

    // All of them are the province, which is heard in Xã B as well: from above it takes two persons too. Who goes round
    // twice means no less.
    nowhere(&browser)?;
    let once = around(one, three);
    browser.draw(&[once, once].concat())?;
    ensure!(chosen(&browser)?.0 == json!(["tinh"]), "{:?}", chosen(&browser)?);
    ensure!(broken_glass()? == true, "what the province says is heard in Xã B");
    // A part of a commune is not the commune.
    nowhere(&browser)?;
    browser.draw(&around(two, two))?;
    ensure!(
        chosen(&browser)? == (json!(["thon-2"]), json!(["thon-2"])),
        "{:?}",
        chosen(&browser)?
    );
    ensure!(
        browser.console()?.is_empty(),
        "the console says: {:#?}",
        browser.console()?
    );
    drop(browser);
    head_end.stop()
}

fn pictures() -> Result<PathBuf> {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panel");
    std::fs::create_dir_all(&pictures)?;
    Ok(pictures)
}

/// Makes a station with a commune that takes two persons, a programme on the air, and two loudspeakers.
fn station(dir: &Path) -> Result<Station> {
    let station = Station::new(dir)?;
    station.secure()?;
    for name in ["khan-cap.wav", "thong-bao.aiff", "nhac-nen.opus"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let zones = zones_with_two_persons(&station)?;
    let at = second_from_now(5);
    let music = format!(
        "[[programme]]\ncode = \"nhac\"\ntitle = \"nhac\"\nplaylist = [{}]\n[[slot]]\ncode = \"nhac\"\nprogramme = \"nhac\"\n\
         zones = [\"xa-a\"]\nat = {}\nmax_duration = \"10m\"\n",
        vec!["\"nhac-nen\""; 30].join(", "),
        local_seconds(at)
    );
    let (zones, music) = (
        station.write("zones.toml", &zones)?,
        station.write("nhac.toml", &music)?,
    );
    station.loa(&["schedule", "import", &zones, &music])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    sleep_until(at - Duration::from_secs(2));
    Ok(station)
}

#[test]
fn an_emergency_by_keyboard_with_two_persons_drills_and_all_that_is_written_of_it() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = station(dir.path())?;
    let head_end = station.start()?;
    let speakers = [
        station.receiver("loa-1", "thon-1", "null")?,
        station.receiver("loa-3", "thon-3", "null")?,
    ];
    let browser = Browser::start()?;
    browser.log_in(&station)?;
    browser.resize(1_280, 1_100)?;

    // A template is not kept without what takes it back.
    browser.open(&station.url("/emergency/templates?lang=vi"))?;
    let without = browser.script(
        "const options = [...document.querySelectorAll('[name=warning] option')];
         const warning = options.find((one) => one.text.startsWith('khan-cap')).value;
         const body = new URLSearchParams({ title: 'Lũ', warning_text: 'Nước lên.', warning, retraction_text: '',
             zone: 'xa-a', minutes: '2', repeats: '0', signal: 'on' });
         const request = new XMLHttpRequest();
         request.open('POST', '/emergency/templates', false);
         request.setRequestHeader('accept', 'application/json');
         request.send(body);
         return request.status",
    )?;
    ensure!(without == 400, "a template without a retraction: {without}");
    for (title, zone) in [("Lũ về", "xa-a"), ("Vỡ đập", "xa-b")] {
        browser.open(&station.url("/emergency/templates?lang=vi"))?;
        browser.type_into("[name=title]", title)?;
        browser.type_into("[name=warning_text]", "Nước lên nhanh, lên chỗ cao ngay.")?;
        browser.type_into("[name=retraction_text]", "Nước đã rút.")?;
        browser.script(
            "const pick = (name, title) => {
               for (const one of document.querySelectorAll(`[name=${name}] option`)) one.selected = one.text.startsWith(title);
             };
             pick('warning', 'khan-cap'); pick('retraction', 'thong-bao')",
        )?;
        browser.click(&format!("[name=zone][value={zone}]"))?;
        browser.click("form[action='/emergency/templates'] .primary")?;
        until(&browser, title)?;
    }
    ensure!(text(&browser)?.contains("Lũ về"), "both are listed");

    // The alarm, by keyboard alone; it is repeated; then all clear in one touch.
    choose(&browser, &station, "Lũ về")?;
    until(&browser, "Sẽ nghe được: 1/1")?;
    arm_and_go(&browser)?;
    until(&browser, "1/1 cụm loa đang kêu")?;
    let pictures = pictures()?;
    std::fs::write(pictures.join("emergency-running.png"), browser.screenshot()?)?;
    sleep(Duration::from_secs(18));
    tab_to(&browser, "[data-running] .primary")?;
    browser.press(ENTER)?;
    until(&browser, "Hết báo động – Lũ về")?;
    tab_to(&browser, "[data-running] .stop")?;
    browser.press(ENTER)?;
    sleep(Duration::from_secs(2));

    // Two persons: the one who asked cannot confirm it, another can, and then exactly that sounds.
    choose(&browser, &station, "Lũ về")?;
    browser.press(DOWN)?;
    arm_and_go(&browser)?;
    until(&browser, "Chờ người thứ hai duyệt: Vỡ đập")?;
    press_live(&browser, "[data-asked] .go")?;
    until(&browser, "Phải là người khác duyệt")?;
    let second = Browser::start()?;
    second.log_in_as(&station, "lan")?;
    second.open(&station.url("/emergency?lang=vi"))?;
    until(&second, "Chờ người thứ hai duyệt: Vỡ đập")?;
    press_live(&second, "[data-asked] .go")?;
    until(&second, "1/1 cụm loa đang kêu")?;
    press_live(&second, "[data-running] .stop")?;
    sleep(Duration::from_secs(2));

    // It cannot wait: one person, a reason.
    choose(&browser, &station, "Lũ về")?;
    browser.press(DOWN)?;
    browser.click("summary")?;
    browser.click("[name=break]")?;
    browser.type_into("[name=break_glass]", "Điện thoại người trực hai mất sóng")?;
    browser.script("document.querySelector('[name=drill]').focus()")?;
    arm_and_go(&browser)?;
    until(&browser, "1/1 cụm loa đang kêu")?;
    press_live(&browser, "[data-running] .stop")?;
    sleep(Duration::from_secs(2));

    // A drill: other words, another colour, and on the air as one.
    choose(&browser, &station, "Lũ về")?;
    browser.click("[name=drill][value=true]")?;
    ensure!(
        browser.script("return document.body.classList.contains('drilling')")? == true,
        "the page is that of a drill"
    );
    ensure!(text(&browser)?.contains("PHÁT DIỄN TẬP"), "and says so");
    std::fs::write(pictures.join("emergency-drill.png"), browser.screenshot()?)?;
    arm_and_go(&browser)?;
    until(&browser, "DIỄN TẬP – Lũ về")?;
    until(&browser, "1/1 cụm loa đang kêu")?;
    sleep(Duration::from_secs(4));
    press_live(&browser, "[data-running] .stop")?;
    sleep(Duration::from_secs(2));

    // Its score, as soon as the receivers have told what they played.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        browser.open(&station.url("/time-to-air?lang=vi"))?;
        let said = text(&browser)?;
        if said.contains("100/100 DIỄN TẬP – Lũ về") {
            break;
        }
        ensure!(Instant::now() < deadline, "the drill has no score: {said}");
        sleep(Duration::from_secs(1));
    }

    // Another program holds the database: it goes out all the same.
    let lock = Lock::take(&station.path().join("data/loa.db"))?;
    sleep(Duration::from_secs(2));
    choose(&browser, &station, "Lũ về")?;
    let pressed = Instant::now();
    arm_and_go(&browser)?;
    until(&browser, "1/1 cụm loa đang kêu")?;
    println!(
        "with the database locked: sounding {:?} after the form was begun",
        pressed.elapsed()
    );
    sleep(Duration::from_secs(3));
    let rows_meanwhile = titled(&station.as_run()?, "Lũ về").len();
    drop(lock);
    sleep(Duration::from_secs(3));
    press_live(&browser, "[data-running] .stop")?;
    sleep(Duration::from_secs(3));

    let console: Vec<_> = browser
        .console()?
        .into_iter()
        .filter(|line| !line.contains("403") && !line.contains("400"))
        .collect();
    ensure!(console.is_empty(), "the console says: {console:#?}");
    drop((browser, second));
    for speaker in speakers {
        speaker.stop()?;
    }
    head_end.stop()?;

    let log = station.as_run()?;
    let flood = titled(&log, "Lũ về");
    let (first, last) = (
        flood[0]["session"].clone(),
        flood[flood.len() - 1]["session"].clone(),
    );
    let of = |session: &Value| flood.iter().filter(|row| row["session"] == *session).count();
    println!(
        "pieces of the first alarm: {}, of the last: {}",
        of(&first),
        of(&last)
    );
    ensure!(of(&first) >= 5, "it was said more than twice: {}", of(&first));
    ensure!(
        first != last && rows_meanwhile < flood.len(),
        "the last was written when the lock was gone"
    );
    ensure!(cause(flood[flood.len() - 1]) == "stopped", "{flood:#?}");
    ensure!(
        flood
            .iter()
            .all(|row| row["class"] == "emergency" && row["drill"] == false),
        "{flood:#?}"
    );
    ensure!(
        !titled(&log, "Hết báo động – Lũ về").is_empty(),
        "the retraction was on the air"
    );
    let dam: std::collections::BTreeSet<_> = titled(&log, "Vỡ đập")
        .iter()
        .map(|row| row["session"].to_string())
        .collect();
    ensure!(dam.len() == 2, "once by two persons, once by one: {dam:?}");
    let drill = titled(&log, "DIỄN TẬP – Lũ về");
    ensure!(
        !drill.is_empty()
            && drill
                .iter()
                .all(|row| row["drill"] == true && row["class"] == "live"),
        "{drill:#?}"
    );
    let music = titled(&log, "nhac");
    ensure!(
        music.iter().filter(|row| cause(row) == "pre_empted").count() >= 3,
        "the music gave way each time"
    );

    let audit = station.loa(&["audit", "list"])?;
    for (action, by) in [
        ("template-kept", "truc-ban"),
        ("emergency-released", "truc-ban"),
        ("second-person-asked", "truc-ban"),
        ("glass-broken", "truc-ban"),
        ("drill-released", "truc-ban"),
    ] {
        let found = audit
            .lines()
            .any(|line| line.contains(action) && line.contains(by));
        ensure!(found, "no row of {action} by {by}:\n{audit}");
    }
    ensure!(
        audit.contains("second Some(\"lan\")") && audit.contains("mất sóng"),
        "{audit}"
    );
    station.loa(&["audit", "verify"])?;
    let spoilt = Command::new("sqlite3")
        .arg(station.path().join("data/loa.db"))
        .arg("update audit set detail = replace(detail, 'mất sóng', 'bận') where detail like '%mất sóng%'")
        .status()?;
    ensure!(spoilt.success(), "sqlite3");
    let told = station.loa_refused(&["audit", "verify"])?;
    println!("after one row was touched: {told}");
    Ok(())
}
