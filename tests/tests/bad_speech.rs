//! What a microphone's connection must stand: a computer that falls asleep, a flood, packets that are none, a login that
//! ends in mid-sentence, a clock that is wrong, two officers at once, a page of another site. Each ends cleanly, says why
//! in the log, and leaves the station as it was.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{PASSWORD, Station};
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::import;
use serde_json::Value;

/// Speaks without a microphone: `frame` makes what is sent each 20 ms, as long as it makes something. `onceHeard` speaks
/// until that is told, which takes no 8 s, and then sends what is given it.
const SPEAK: &str = "
    window.tone = (number) => Int16Array.from({ length: 960 }, (_, n) => 9000 * Math.sin((number * 960 + n) / 20)).buffer;
    window.told = {};
    window.onceHeard = (title, then) => (n) => window.told[title].heard || n >= 400 ? then(n) : tone(n);
    window.speak = (title, zone, wish, frame) => {
      const told = window.told[title] = { refused: '', ended: '', heard: false, accepted: false, closed: false };
      const socket = new WebSocket(`ws://${location.host}/live/speak?lang=vi`);
      let timer = 0;
      let number = 0;
      const start = { type: 'start', zones: [zone], title, class: 'live', chime: false, limit_s: 60, codec: 'pcm',
        pressed_ago_ms: 0, ...wish };
      const send = () => {
        const next = frame(number++);
        if (next === undefined) return;
        for (const one of Array.isArray(next) ? next : [next]) socket.send(one);
      };
      socket.onopen = () => socket.send(JSON.stringify(start));
      socket.onmessage = ({ data }) => {
        const { type, why, heard } = JSON.parse(data);
        if (type === 'accepted') { told.accepted = true; timer = setInterval(send, 20); }
        if (type === 'refused') told.refused = why;
        if (type === 'ended') told.ended = why;
        if (heard) told.heard = true;
        if (told.ended) clearInterval(timer);
      };
      socket.onclose = () => { clearInterval(timer); told.closed = true; };
      told.release = () => { clearInterval(timer); socket.send('{\"type\":\"end\"}'); };
    };";

/// It may take a while until somebody is heard, and only then comes what is bad.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks, and waits until that is so of what was told.
fn speak(browser: &Browser, title: &str, how: &str, until: &str) -> Result<()> {
    browser.script(&format!("speak({title:?}, {how})"))?;
    wait(browser, title, until)
}

fn wait(browser: &Browser, title: &str, until: &str) -> Result<()> {
    browser
        .wait_for_within(
            PATIENCE,
            &format!("const told = window.told[{title:?}]; return {until}"),
        )
        .with_context(|| {
            let told = browser.script(&format!("return window.told[{title:?}]"));
            format!("{title}: {told:?}")
        })
}

fn at_the_microphone(station: &Station, name: &str) -> Result<Browser> {
    let browser = Browser::start()?;
    browser.log_in_as(station, name)?;
    browser.open(&station.url("/speak?lang=vi"))?;
    browser.script(SPEAK)?;
    Ok(browser)
}

/// Returns the status that a page of some site gets which would speak with somebody's cookie.
fn status_of_a_page_from(site: &str, station: &Station, cookie: &str) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, station.panel_port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET /live/speak HTTP/1.1\r\nhost: 127.0.0.1:{}\r\norigin: {site}\r\ncookie: loa_login={cookie}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        station.panel_port
    )?;
    let mut begins = [0; 12];
    stream.read_exact(&mut begins)?;
    Ok(String::from_utf8_lossy(&begins[9..]).into_owned())
}

/// Returns how a session with this title ended.
fn ended(log: &[Value], title: &str) -> String {
    let row = log.iter().find(|row| row["title"] == title);
    row.map_or_else(
        || "never on the air".to_owned(),
        |row| row["ended"]["reason"].to_string(),
    )
}

#[test]
fn whatever_comes_instead_of_a_voice_ends_cleanly_and_says_why() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let officer = ["user", "add", "lan", "--role", "announcer", "--password-stdin"];
    station.loa_with_input(&officer, PASSWORD)?;
    let mut head_end = station.start()?;
    let browser = at_the_microphone(&station, "truc-ban")?;
    let speak = |title: &str, how: &str, until: &str| speak(&browser, title, how, until);

    // What is no sound.
    let over = "told.closed || told.ended === 'stalled'";
    speak(
        "ngủ",
        "'thon-1', {}, onceHeard('ngủ', () => undefined)",
        "told.ended === 'stalled'",
    )?;
    speak(
        "ngập",
        "'thon-1', {}, onceHeard('ngập', (n) => Array.from({ length: 300 }, () => tone(n)))",
        "told.closed",
    )?;
    let noise = "(n) => crypto.getRandomValues(new Uint8Array(1 + n % 60)).fill(255, 0, 1)";
    speak("rác", &format!("'thon-1', {{ codec: 'opus' }}, {noise}"), over)?;
    speak(
        "rỗng",
        "'thon-1', { codec: 'opus' }, () => new ArrayBuffer(0)",
        over,
    )?;
    speak("lẻ", "'thon-1', {}, () => new ArrayBuffer(3)", over)?;
    speak(
        "to",
        "'thon-1', {}, onceHeard('to', () => new ArrayBuffer(100000))",
        "told.closed",
    )?;
    speak(
        "chữ",
        "'thon-1', {}, onceHeard('chữ', () => '{\"type\":\"sudo\"}')",
        "told.closed",
    )?;

    // What is no wish.
    for (title, how) in [
        ("đâu", "'xa-la', {}"),
        ("không đâu", "'', { zones: [] }"),
        ("không lúc nào", "'thon-1', { limit_s: 0 }"),
        ("mãi", "'thon-1', { limit_s: 100000 }"),
    ] {
        speak(
            title,
            &format!("{how}, tone"),
            "told.refused !== '' && !told.accepted",
        )?;
    }
    speak(
        "lạ",
        "'thon-1', { volume: 11 }, tone",
        "told.closed && !told.accepted",
    )?;

    // The browser's clock is wrong by days, either way: it is heard, and was pressed within the last minute.
    for (title, ago) in [("trễ", "1e300"), ("sớm", "-1e300")] {
        speak(
            title,
            &format!("'thon-1', {{ pressed_ago_ms: {ago} }}, tone"),
            "told.heard",
        )?;
        browser.script(&format!("window.told[{title:?}].release()"))?;
        wait(&browser, title, "told.ended === 'released'")?;
    }

    // Two at once: both are accepted, one is heard, and the other when the first has ended.
    let second = at_the_microphone(&station, "lan")?;
    speak("người một", "'thon-2', {}, tone", "told.heard")?;
    second.script("speak('người hai', 'thon-2', {}, tone)")?;
    wait(&second, "người hai", "told.accepted")?;
    std::thread::sleep(Duration::from_secs(2));
    ensure!(
        second.script("return window.told['người hai'].heard")? == false,
        "the second waits while the first speaks"
    );
    browser.script("window.told['người một'].release()")?;
    wait(&browser, "người một", "told.ended === 'released'")?;
    wait(&second, "người hai", "told.heard")?;

    // The login ends in mid-sentence.
    station.loa(&["user", "sessions", "lan", "--end-all"])?;
    wait(&second, "người hai", "told.closed")?;

    // A page of another site, with the cookie of somebody who may speak.
    let answer = ureq::post(&station.url("/api/v1/login"))
        .send_json(serde_json::json!({ "name": "truc-ban", "password": PASSWORD }))?;
    let cookie = answer
        .headers()
        .get("set-cookie")
        .context("no cookie")?
        .to_str()?;
    let cookie = cookie
        .strip_prefix("loa_login=")
        .and_then(|rest| rest.split(';').next())
        .context("another cookie")?;
    let own = station.url("");
    ensure!(status_of_a_page_from(&own, &station, cookie)? == "101");
    ensure!(status_of_a_page_from("https://elsewhere.example", &station, cookie)? == "403");
    ensure!(status_of_a_page_from("null", &station, cookie)? == "403");

    drop((browser, second));
    head_end.wait_until("the last row is written", || {
        Ok(ended(&station.as_run()?, "người hai").contains("cause"))
    })?;
    station.health()?;
    let said = head_end.log();
    ensure!(!said.contains("panicked"), "{said}");
    head_end.stop()?;

    let log = station.as_run()?;
    for (title, cause) in [
        ("ngủ", "may be asleep"),
        ("ngập", "more sound came than anybody can speak"),
        ("rác", "no sound"),
        ("rỗng", "no sound"),
        ("lẻ", "no sound"),
        ("to", "the connection broke"),
        ("chữ", "what is no request"),
        ("trễ", "completed"),
        ("sớm", "completed"),
        ("người một", "completed"),
        ("người hai", "the login is over"),
    ] {
        let reason = ended(&log, title);
        println!("{title}: {reason}");
        ensure!(reason.contains(cause), "{title}: {reason}");
    }
    Ok(())
}
