//! The library in a real browser: fifty files over a network that breaks, and what is not taken.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{PASSWORD, Station, USER, run};
use loa_tests::browser::Browser;
use loa_tests::network::{BadWay, enter_own_network};
use loa_tests::schedule::import;
use loa_tests::sound::{by_ffmpeg, demo_audio};
use serde_json::{Value, json};

const FILES: usize = 50;
/// Less than the smallest file: each meets at least one connection that breaks.
const CUT_AFTER: u64 = 2_000_000;
const PATIENCE: Duration = Duration::from_secs(900);

/// Makes speech of two to three minutes, each of a length and a level of its own.
fn speech(dir: &Path, number: usize) -> Result<PathBuf> {
    let base = dir.join("base.wav");
    if !base.is_file() {
        run(Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(demo_audio("ban-tin-tinh.mp3"))
            .args(["-ar", "16000", "-ac", "1"])
            .arg(&base))?;
    }
    let file = dir.join(format!("Bản tin số {number}.flac"));
    let seconds = 120 + number;
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "-1", "-i"])
        .arg(&base)
        .args([
            "-af",
            &format!("volume=-{}dB", number % 9),
            "-t",
            &seconds.to_string(),
        ])
        .args(["-compression_level", "0"])
        .arg(&file))?;
    ensure!(
        fs::metadata(&file)?.len() > CUT_AFTER,
        "{} is too small",
        file.display()
    );
    Ok(file)
}

fn log_in(browser: &Browser, base: &str) -> Result<()> {
    browser.open(&format!("{base}/login?lang=vi"))?;
    browser.type_into("input[name=name]", USER)?;
    browser.type_into("input[name=password]", PASSWORD)?;
    browser.click("main button")?;
    browser.wait_for("return location.pathname === '/'")
}

fn choose(browser: &Browser, files: &[PathBuf]) -> Result<()> {
    let paths: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    browser.type_into("input[data-files]", &paths.join("\n"))
}

/// How many files the page shows as `state`; it draws a little after it knows.
fn count(browser: &Browser, state: &str) -> Result<usize> {
    let script = format!("return document.querySelectorAll('[data-list] > li.{state}').length");
    Ok(usize::try_from(
        browser.script(&script)?.as_u64().context("no number")?,
    )?)
}

fn wait(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !done()? {
        ensure!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

fn media(station: &Station) -> Result<Vec<Value>> {
    Ok(serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?)
}

#[test]
fn fifty_files_arrive_once_each_over_a_network_that_breaks() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let given = dir.path().join("thẻ nhớ");
    fs::create_dir(&given)?;
    let files: Vec<_> = (0..FILES)
        .map(|number| speech(&given, number))
        .collect::<Result<_>>()?;

    let way = BadWay::to(station.panel_port, CUT_AFTER)?;
    let base = format!("http://127.0.0.1:{}", way.port());
    let browser = Browser::start()?;
    log_in(&browser, &base)?;
    browser.open(&format!("{base}/library?lang=vi"))?;
    choose(&browser, &files)?;
    wait("some arrive", || Ok(count(&browser, "done")? >= 5))?;

    // The network is gone for a while, which the page says, and then it goes on by itself.
    way.set_down(true);
    browser.wait_for("return document.querySelector('[data-trouble]').innerText.includes('Mất kết nối')")?;
    std::thread::sleep(Duration::from_secs(4));
    way.set_down(false);
    let before = count(&browser, "done")?;
    wait("it goes on", || Ok(count(&browser, "done")? > before + 3))?;

    // The page is closed in the middle, opened again, and given the same files.
    browser.open(&format!("{base}/library?lang=vi"))?;
    choose(&browser, &files)?;
    wait("all arrive", || {
        ensure!(
            count(&browser, "refused")? == 0,
            "{}",
            browser.script("return upload.innerText")?
        );
        Ok(count(&browser, "done")? == FILES)
    })?;
    ensure!(
        way.cuts() as usize >= FILES,
        "{} connections were cut",
        way.cuts()
    );

    let pieces = media(&station)?;
    let hashes: BTreeSet<_> = pieces.iter().filter_map(|piece| piece["hash"].as_str()).collect();
    ensure!(
        pieces.len() == FILES && hashes.len() == FILES,
        "{} pieces",
        pieces.len()
    );
    for file in &files {
        let sum = run(Command::new("sha256sum").arg(file))?;
        let hash = sum
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .trim_start_matches('\\')
            .to_owned();
        ensure!(
            hashes.contains(hash.as_str()),
            "{} is not there byte for byte",
            file.display()
        );
        let heard = by_ffmpeg(&station.path().join(format!("data/media/{hash}.opus")))?;
        let seconds = heard.samples.len() as f64 / 48_000.0;
        ensure!(
            (119.0..171.0).contains(&seconds),
            "{}: {seconds} s",
            file.display()
        );
    }
    let left = fs::read_dir(station.path().join("data/media/incoming/uploads"))?;
    for upload in left {
        ensure!(
            !upload?.path().join("data").exists(),
            "what has arrived takes room no more"
        );
    }

    // It plays in the page, from the middle as well; browsers want a click for that.
    browser.open(&format!(
        "{base}/library/{}?lang=vi",
        hashes.first().context("none")?
    ))?;
    browser.script("document.querySelector('[data-cut]').elements.start.value = 60")?;
    browser.click("[data-try]")?;
    browser.wait_for(
        "const sound = document.querySelector('[data-sound]');
         return sound.currentTime > 60.5 && sound.duration > 100",
    )?;
    browser.wait_for(
        "const wave = document.querySelector('[data-wave]');
         return wave.getContext('2d').getImageData(0, 0, wave.width, wave.height).data.some((byte) => byte > 0)",
    )?;
    drop(browser);
    head_end.stop()
}

#[test]
fn what_is_not_taken_is_said_and_ten_thousand_files_can_wait() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let given = dir.path().join("given");
    fs::create_dir(&given)?;
    let file = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
        fs::write(given.join(name), bytes)?;
        Ok(given.join(name))
    };
    let large = given.join("to.wav");
    File::create(&large)?.set_len(4 << 30)?;
    let program = fs::read(std::env::current_exe()?)?;
    let good = fs::read(demo_audio("khan-cap.wav"))?;
    let composed = "Tin khẩn ấp Đồng.wav";
    // As a Mac writes it.
    let decomposed = "Tin kha\u{302}\u{309}n a\u{302}\u{301}p \u{110}o\u{302}\u{300}ng.wav";
    let files = [
        large,
        file("trò chơi.mp3", &program[..200_000])?,
        file("rỗng.mp3", b"")?,
        file("đứt.wav", &good[..good.len() / 2])?,
        file(decomposed, &good)?,
    ];
    let browser = Browser::start()?;
    log_in(&browser, &station.url(""))?;
    browser.open(&station.url("/library?lang=vi"))?;
    choose(&browser, &files)?;
    wait("each has its answer", || {
        Ok(count(&browser, "refused")? == 4 && count(&browser, "done")? == 1)
    })?;
    let said = browser.script("return upload.innerText")?;
    let said = said.as_str().context("no text")?;
    for part in [
        "lớn quá mức",
        "Không phải tệp âm thanh",
        "0 byte",
        "Âm thanh đứt ở",
    ] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    let pieces = media(&station)?;
    ensure!(
        pieces.len() == 1 && pieces[0]["title"] == composed.trim_end_matches(".wav"),
        "{pieces:?}"
    );
    let kept = fs::read_dir(station.path().join("data/media"))?
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file()));
    ensure!(
        kept.count() <= 3,
        "original, encoding and wave of the one; what was refused left nothing"
    );

    // The same bytes under another name find the first.
    choose(&browser, &[file("bản sao.wav", &good)?])?;
    wait("it is known", || Ok(count(&browser, "done")? == 2))?;
    ensure!(media(&station)?.len() == 1);

    // Somebody drags a whole archive in.
    let rows = browser.script(
        "upload.uploads.pause();
         const files = Array.from({ length: 10000 }, (_, n) => new File([String(n)], `${n}.mp3`));
         upload.uploads.add(files, { zone: '', series: '', music: false });
         return upload.uploads.all.length",
    )?;
    ensure!(rows == json!(10_000 + files.len() + 1), "{rows}");
    browser.wait_for("return document.querySelector('[data-more]').innerText.includes('nữa')")?;
    let drawn = browser.script("return document.querySelectorAll('[data-list] > li').length")?;
    ensure!(drawn.as_u64().is_some_and(|drawn| drawn <= 60), "{drawn} rows");
    ensure!(
        browser.script("return document.querySelector('[data-summary]').innerText.includes('10006')")?
            == true
    );
    let console = browser.console()?;
    ensure!(console.is_empty(), "the console says: {console:#?}");
    drop(browser);
    head_end.stop()
}

#[test]
fn what_is_recorded_in_the_browser_lies_in_the_library_whatever_happens_on_the_way() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let way = BadWay::to(station.panel_port, u64::MAX)?;
    let base = format!("http://127.0.0.1:{}", way.port());
    let voice = dir.path().join("voice.wav");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(demo_audio("ban-tin-tinh.mp3"))
        .args(["-ar", "48000", "-ac", "1"])
        .arg(&voice))?;
    let browser = Browser::with_microphone(&voice)?;
    log_in(&browser, &base)?;
    browser.open(&format!("{base}/library?lang=vi"))?;
    browser.click("[data-begin]")?;
    let time = |seconds: u32| {
        // Each second is shown for a second, which may pass unseen.
        browser.wait_for(&format!(
            "const [minutes, rest] = document.querySelector('[data-time]').innerText.split(':').map(Number);
             return minutes * 60 + rest >= {seconds}"
        ))
    };
    time(3)?;
    // People pause when they speak.
    browser
        .wait_for("return document.querySelector('[data-level]').value > 0.2")
        .with_context(|| {
            let level = browser.script("return document.querySelector('[data-level]').value");
            format!("the meter shows {level:?}")
        })?;
    browser.click("[data-hold]")?;
    // What is on its way to the page still counts.
    std::thread::sleep(Duration::from_millis(300));
    let held = browser.script("return document.querySelector('[data-time]').innerText")?;
    std::thread::sleep(Duration::from_secs(2));
    ensure!(
        browser.script("return document.querySelector('[data-time]').innerText")? == held,
        "it pauses"
    );
    browser.click("[data-hold]")?;
    time(6)?;
    browser.click("[data-end]")?;
    browser.wait_for("return document.querySelector('[data-heard]').duration > 5")?;

    // The page is closed before anything was kept.
    browser.open(&format!("{base}/library?lang=vi"))?;
    browser.wait_for("return document.querySelector('[data-heard]').duration > 5")?;
    browser.script("document.querySelector('[data-title]').value = 'Lời chủ tịch'")?;
    // The network goes just when it is kept, and the page is closed once more while it is away.
    way.set_down(true);
    browser.click("[data-keep]")?;
    browser.wait_for("return document.querySelector('[data-trouble]').innerText.includes('Mất kết nối')")?;
    ensure!(media(&station)?.is_empty());
    way.set_down(false);
    browser.script("upload.uploads.pause()")?;
    browser.open(&format!("{base}/library?lang=vi"))?;
    wait("it arrives", || Ok(count(&browser, "done")? == 1))?;

    let pieces = media(&station)?;
    ensure!(
        pieces.len() == 1 && pieces[0]["title"] == "Lời chủ tịch",
        "{pieces:?}"
    );
    let hash = pieces[0]["hash"].as_str().context("no hash")?;
    let heard = by_ffmpeg(&station.path().join(format!("data/media/{hash}.opus")))?;
    let seconds = heard.samples.len() as f64 / 48_000.0;
    ensure!((5.0..12.0).contains(&seconds), "{seconds} s without the pause");
    let loud = heard.samples.iter().filter(|sample| sample.abs() > 0.05).count();
    ensure!(loud > 48_000 / 4, "it holds a voice");
    // The browser lets go of it once the station has it.
    let left = |of: &str| {
        browser.script(&format!(
            "return new Promise((resolve) => {{
                const request = indexedDB.open('loa-recordings');
                request.onsuccess = () => {{
                    const count = request.result.transaction('{of}').objectStore('{of}').count();
                    count.onsuccess = () => resolve(count.result);
                }};
            }})"
        ))
    };
    wait("nothing is left in the browser", || Ok(left("parts")? == 0))?;

    // What somebody else kept in this browser waits for their login; what is refused goes with its row.
    browser.script(&format!(
        "return new Promise((resolve) => {{
            const request = indexedDB.open('loa-recordings');
            request.onsuccess = () => {{
                const change = request.result.transaction('recordings', 'readwrite');
                const into = {{ zone: '', series: '', music: false }};
                for (const [begun, by] of [[1, 'lan'], [2, '{USER}']]) {{
                    change.objectStore('recordings').put({{ begun, by, title: by, into, seconds: 1, kept: true }});
                }}
                change.oncomplete = () => resolve(true);
            }};
        }})"
    ))?;
    browser.open(&format!("{base}/library?lang=vi"))?;
    wait("one's own is refused", || Ok(count(&browser, "refused")? == 1))?;
    browser.click("[data-list] > li.refused .acts button:last-child")?;
    browser.accept()?;
    wait("it is gone from the browser", || Ok(left("recordings")? == 1))?;
    ensure!(media(&station)?.len() == 1, "nothing of it was taken");
    let console = browser.console()?;
    let unexpected: Vec<_> = console
        .iter()
        .filter(|line| !line.contains("net::ERR_"))
        .collect();
    ensure!(unexpected.is_empty(), "the console says: {unexpected:#?}");
    drop(browser);
    head_end.stop()
}
