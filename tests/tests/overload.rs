//! A thousand browsers follow the panel, and none of them reads, while a programme and somebody's voice are on the air:
//! nobody at a loudspeaker hears of it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{PASSWORD, Recording, Station, USER};
use loa_model::WallTime;
use loa_tests::browser::Browser;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, import, local_seconds, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio};
use loa_tests::stalls::Stalls;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

const BROWSERS: usize = 1_000;

/// Logs in and returns the cookie.
fn cookie(station: &Station) -> Result<String> {
    let answer =
        ureq::post(&station.url("/api/v1/login")).send_json(json!({ "name": USER, "password": PASSWORD }))?;
    let cookie = answer
        .headers()
        .get("set-cookie")
        .context("no cookie")?
        .to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// Begins to follow the air, and never reads more than how the answer begins; returns its status.
fn follow(station: &Station, cookie: &str) -> Result<(TcpStream, u16)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, station.panel_port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /live/air HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n\r\n"
    )?;
    let mut begins = [0; 12];
    stream.read_exact(&mut begins)?;
    let status = String::from_utf8_lossy(&begins[9..]).parse()?;
    Ok((stream, status))
}

/// Returns from when to when a recording is silent, each time, to 5 ms.
fn silences(samples: &[f32]) -> Vec<(Duration, Duration)> {
    let quiet = |block: &[f32]| block.iter().all(|sample| sample.abs() < 1e-4);
    let blocks: Vec<_> = samples.chunks(240).map(quiet).collect();
    let mut silences = Vec::new();
    let mut ended = Duration::ZERO;
    for run in blocks.chunk_by(|before, block| before == block) {
        let began = ended;
        ended += Duration::from_millis(5 * run.len() as u64);
        if run[0] {
            silences.push((began, ended));
        }
    }
    silences
}

/// Returns how long the longest silence is.
fn longest(silences: &[(Duration, Duration)]) -> Duration {
    let spans = silences.iter().map(|(began, ended)| *ended - *began);
    spans.max().unwrap_or_default()
}

/// Makes a WAV file of music without a pause, for the microphone and to compare with.
fn music(dir: &Path) -> Result<Recording> {
    let recording = by_ffmpeg(&demo_audio("nhac-nen.opus"))?;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(dir.join("microphone.wav"), spec)?;
    for sample in &recording.samples {
        wav.write_sample((sample * 32_000.0) as i16)?;
    }
    wav.finalize()?;
    Ok(recording)
}

#[test]
fn a_thousand_who_do_not_read_are_not_heard() -> Result<()> {
    enter_own_network()?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&["media", "add", &demo_audio("nhac-nen.opus").display().to_string()])?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let wav = |name: &str| dir.path().join(format!("{name}.wav"));
    let speakers = [("loa-1", "thon-1"), ("loa-3", "thon-3")]
        .map(|(code, zone)| station.receiver(code, zone, &format!("wav:{}", wav(zone).display())));
    let [programme, voice] = speakers;
    let (programme, voice) = (programme?, voice?);

    let original = music(dir.path())?;
    let browser = Browser::with_microphone(&dir.path().join("microphone.wav"))?;
    browser.log_in(&station)?;
    browser.open(&station.url("/speak?lang=vi"))?;
    browser.click("[data-open]")?;
    browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'ready'")?;
    browser.script(
        "for (const [name, on] of [['chime', false], ['latched', true]]) document.querySelector(`[name=${name}]`).checked = on;
         document.querySelector('[value=xa-b]').checked = true;
         document.querySelector('[name=latched]').dispatchEvent(new Event('change'))",
    )?;
    let start = second_from_now(4);
    let music = format!(
        "[[programme]]\ncode = \"nhac\"\ntitle = \"nhac\"\nplaylist = [{}]\n[[slot]]\ncode = \"nhac\"\nprogramme = \"nhac\"\n\
         zones = [\"xa-a\"]\nat = {}\nmax_duration = \"5m\"\n",
        ["\"nhac-nen\""; 15].join(", "),
        local_seconds(start)
    );
    let (zones, music) = (
        station.write("zones.toml", ZONES)?,
        station.write("nhac.toml", &music)?,
    );
    station.loa(&["schedule", "import", &zones, &music])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    sleep_until(start + Duration::from_secs(1));
    browser.click("[data-talk]")?;
    browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'heard'")?;
    sleep(Duration::from_secs(1));

    let stalls = Stalls::watch()?;
    let crowd = WallTime::from_unix_ns(loa_net::read_clocks().wall_ns);
    let cookie = cookie(&station)?;
    let mut followers = Vec::new();
    let (mut let_in, mut refused) = (0, 0);
    for _ in 0..BROWSERS {
        let (stream, status) = follow(&station, &cookie)?;
        match status {
            200 => let_in += 1,
            429 => refused += 1,
            other => anyhow::bail!("status {other}"),
        }
        followers.push(stream);
    }
    sleep(Duration::from_secs(6));
    let after = WallTime::from_unix_ns(loa_net::read_clocks().wall_ns);
    println!(
        "{let_in} follow and {refused} are told to come later, within {:?}",
        after.since(crowd)
    );
    ensure!(
        let_in + refused == BROWSERS && let_in >= 200,
        "{let_in} let in, {refused} refused"
    );
    // The page may say for a moment that the network is slow; that it is one speech to the end, the log tells.
    browser
        .wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'heard'")
        .context("the speech goes on")?;
    drop(followers);
    browser.click("[data-talk]")?;
    browser.wait_for("return document.querySelector('[data-talk-box]').dataset.state === 'released'")?;
    sleep(Duration::from_secs(2));

    let lines = [programme.lines(), voice.lines()];
    drop(browser);
    programme.stop()?;
    voice.stop()?;
    head_end.stop()?;
    let log = station.as_run()?;
    let spoken: Vec<_> = log.iter().filter(|row| row["class"] == "live").collect();
    ensure!(
        spoken.len() == 1 && spoken[0]["ended"]["reason"]["cause"] == "completed",
        "one speech, until it was let go: {spoken:#?}"
    );
    let pause = longest(&silences(&original.samples));
    for (zone, lines) in [("thon-1", &lines[0]), ("thon-3", &lines[1])] {
        let heard = Recording::of_receiver(&wav(zone), lines)?;
        let count = usize::try_from(after.since(crowd).as_millis())? * 48;
        let silences = silences(heard.at(crowd, count));
        let silence = longest(&silences);
        println!("{zone}: longest silence {silence:?}, {pause:?} in what was played");
        let of_ours = silences
            .iter()
            .map(|(began, ended)| stalls.without(crowd + *began, crowd + *ended))
            .max()
            .unwrap_or_default();
        // Two pieces may meet, each with a silent end.
        ensure!(
            of_ours <= 2 * pause + Duration::from_millis(60),
            "{zone} has a gap of {silence:?}; without what the machine stood still, of {of_ours:?}"
        );
    }
    println!("the machine stood still for {:?}", stalls.within(crowd, after));
    Ok(())
}
