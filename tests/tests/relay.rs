//! A relay of an Icecast mount, a second one, a directory of HLS and a third mount: the first is killed, the second falls
//! silent, the HLS is corrupted while its segmenter goes on, the last is killed too; each time what comes next is heard
//! within two seconds, and the as-run log tells all of it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use loa_dsp::compare::envelope;
use loa_headend::workbench::{Recording, Station};
use loa_model::WallTime;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{ZONES, local_seconds, now, second_from_now, sleep_until};
use loa_tests::sound::demo_audio;
use loa_tests::stalls::Stalls;
use serde_json::Value;

/// A process of ours that ends with the test.
struct Ours(Child);

impl Ours {
    fn end(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ffmpeg(args: &[&str]) -> Result<Child> {
    Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .context("ffmpeg cannot be started")
}

fn icecast(dir: &Path, port: u16) -> Result<Ours> {
    let config = dir.join("icecast.xml");
    let log = dir.join("icecast");
    fs::create_dir_all(&log)?;
    let share = if Path::new("/usr/share/icecast2").is_dir() {
        "/usr/share/icecast2"
    } else {
        "/usr/share/icecast"
    };
    fs::write(
        &config,
        format!(
            "<icecast><limits><clients>50</clients><sources>5</sources><source-timeout>3</source-timeout>\
             <burst-size>16384</burst-size></limits>\
             <authentication><source-password>nguon</source-password><admin-user>a</admin-user>\
             <admin-password>b</admin-password></authentication><hostname>127.0.0.1</hostname>\
             <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>\
             <paths><basedir>{share}</basedir><logdir>{log}</logdir><webroot>{share}/web</webroot>\
             <adminroot>{share}/admin</adminroot></paths><logging><loglevel>2</loglevel></logging>\
             <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>\
             </icecast>",
            log = log.display()
        ),
    )?;
    // It gives up root's rights and still has to write its log.
    for path in [dir, &log] {
        let mut mode = fs::metadata(path)?.permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o777);
        fs::set_permissions(path, mode)?;
    }
    let child = Command::new("icecast2")
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("icecast2 cannot be started; `cargo xtask setup` installs it")?;
    let ours = Ours(child);
    wait_for("Icecast", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok(ours)
}

/// Sends a file to a mount of Icecast, at its own pace, over and over.
fn source(port: u16, mount: &str, file: &Path) -> Result<Ours> {
    let url = format!("icecast://source:nguon@127.0.0.1:{port}/{mount}");
    let file = file.display().to_string();
    let encode = [
        "-c:a",
        "libmp3lame",
        "-b:a",
        "64k",
        "-ar",
        "44100",
        "-content_type",
        "audio/mpeg",
        "-f",
        "mp3",
    ];
    let mut args = vec!["-re", "-stream_loop", "-1", "-i", &file];
    args.extend(encode);
    args.push(&url);
    Ok(Ours(ffmpeg(&args)?))
}

/// Serves a directory over HTTP, one request a connection; segments are garbage while `corrupt` is set.
fn serve(dir: PathBuf, corrupt: Arc<AtomicBool>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (dir, corrupt) = (dir.clone(), Arc::clone(&corrupt));
            std::thread::spawn(move || answer(stream, &dir, &corrupt));
        }
    });
    Ok(port)
}

fn answer(mut stream: TcpStream, dir: &Path, corrupt: &AtomicBool) -> Option<()> {
    let mut line = String::new();
    BufReader::new(stream.try_clone().ok()?)
        .read_line(&mut line)
        .ok()?;
    let name = line.split_whitespace().nth(1)?.trim_start_matches('/').to_owned();
    let mut body = fs::read(dir.join(&name));
    if let Ok(body) = &mut body
        && name.ends_with(".ts")
        && corrupt.load(Ordering::Relaxed)
    {
        body.fill(0x55);
    }
    let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .ok()?;
    stream.write_all(&body).ok()
}

fn wait_for(what: &str, done: impl Fn() -> bool) -> Result<()> {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > Duration::from_secs(15) {
            bail!("{what} did not come");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn at(row: &Value) -> Result<WallTime> {
    Ok(WallTime::from_unix_ns(
        row["at"].as_i64().context("when it began")?,
    ))
}

/// Returns from when to when nothing was heard, each time, to 100 ms.
fn silences(heard: &Recording, from: WallTime, to: WallTime) -> Vec<(WallTime, WallTime)> {
    let samples = usize::try_from(to.since(from).as_millis()).unwrap_or(0) * 48;
    let levels = envelope(heard.at(from, samples), 4_800);
    let mut silences = Vec::new();
    let mut ended = from;
    for run in levels.chunk_by(|before, level| (*before > SILENT) == (*level > SILENT)) {
        let began = ended;
        ended += Duration::from_millis(100 * run.len() as u64);
        if run[0] <= SILENT {
            silences.push((began, ended));
        }
    }
    silences
}

#[test]
fn the_next_source_is_on_the_air_within_two_seconds() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let _icecast = icecast(dir.path(), port)?;
    let music = demo_audio("nhac-nen.opus");
    // Speech for a while, and then nothing but silence: the recording at the other station failed.
    let failing = dir.path().join("failing.wav");
    let half = ["-t", "38", "-stream_loop", "-1", "-i"];
    let mut args = half.to_vec();
    let (music_path, failing_path) = (music.display().to_string(), failing.display().to_string());
    args.extend([
        &*music_path,
        "-af",
        "apad=pad_dur=200",
        "-ar",
        "48000",
        "-ac",
        "1",
        &*failing_path,
    ]);
    ensure!(ffmpeg(&args)?.wait()?.success(), "the failing source can be made");
    let hls = dir.path().join("hls");
    fs::create_dir_all(&hls)?;
    let list = hls.join("live.m3u8").display().to_string();
    let hls_args = [
        "-re",
        "-stream_loop",
        "-1",
        "-i",
        &*music_path,
        "-c:a",
        "aac",
        "-b:a",
        "64k",
        "-f",
        "hls",
        "-hls_time",
        "1",
        "-hls_list_size",
        "4",
        "-hls_flags",
        "delete_segments",
        &*list,
    ];
    let _segmenter = Ours(ffmpeg(&hls_args)?);
    let first = source(port, "a", &music)?;
    let last = source(port, "c", &music)?;
    wait_for("the HLS playlist", || hls.join("live.m3u8").exists())?;
    let corrupt = Arc::new(AtomicBool::new(false));
    let hls_port = serve(hls.clone(), Arc::clone(&corrupt))?;

    let station_dir = tempfile::tempdir()?;
    let station = Station::new(station_dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("thong-bao.aiff").display().to_string(),
    ])?;
    let zones = station.write("zones.toml", ZONES)?;
    station.loa(&["schedule", "import", &zones])?;
    let head_end = station.start()?;
    let stalls = Stalls::watch()?;
    let start = second_from_now(8);
    let second = source(port, "b", &failing)?;
    let second_began = now();
    let day = format!(
        "[[programme]]\ncode = \"tiep-am\"\ntitle = \"Tiếp âm\"\n\
         relay = [\"http://127.0.0.1:{port}/a\", \"http://nghe:bi-mat@127.0.0.1:{port}/b\", \
                  \"http://127.0.0.1:{hls_port}/live.m3u8\", \"http://127.0.0.1:{port}/c\"]\n\
         fill = \"thong-bao\"\nsilence_after = \"3s\"\n\
         [[slot]]\ncode = \"tiep-am\"\nprogramme = \"tiep-am\"\nzones = [\"xa-a\"]\nat = {}\nmax_duration = \"{WINDOW_S}s\"\n",
        local_seconds(start)
    );
    let day = station.write("day.toml", &day)?;
    station.loa(&["schedule", "import", &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let wav = station_dir.path().join("thon-1.wav");
    let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;

    // Killed.
    sleep_until(start + Duration::from_secs(10));
    let killed = now();
    first.end();
    // Silent, by itself: 38 s after it began, and what Icecast sends at once is heard earlier.
    let silent = second_began + Duration::from_secs(38);
    sleep_until(silent + Duration::from_secs(9));
    // Corrupted: the segments come, and are no audio.
    corrupt.store(true, Ordering::Relaxed);
    let corrupted = now();
    sleep_until(corrupted + Duration::from_secs(12));
    let last_killed = now();
    last.end();
    sleep_until(last_killed + Duration::from_secs(7));
    let back = source(port, "a", &music)?;
    let returned = now();
    sleep_until(start + Duration::from_secs(WINDOW_S + 3));
    let lines = receiver.lines();
    receiver.stop()?;
    let log = head_end.log();
    head_end.stop()?;
    back.end();
    second.end();

    let rows = station.as_run()?;
    let told: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row["sound"], row["ended"]["reason"]["cause"]))
        .collect();
    println!("{}", told.join("\n"));
    ensure!(!log.contains("bi-mat"), "the log holds a password");
    let sounds: Vec<&Value> = rows.iter().map(|row| &row["sound"]).collect();
    let numbers: Vec<Option<u64>> = sounds.iter().map(|sound| sound["source"].as_u64()).collect();
    let expected = [Some(0), Some(1), Some(2), Some(3), None, Some(0)];
    // At first the quickest is on the air, until the best is there.
    ensure!(numbers.ends_with(&expected), "{told:#?}\n{log}");
    let rows = &rows[rows.len() - expected.len()..];
    let causes: Vec<_> = rows
        .iter()
        .map(|row| row["ended"]["reason"]["cause"].as_str().unwrap_or(""))
        .collect();
    let [failed, back, limit] = ["source_failed", "source_back", "time_limit"];
    ensure!(
        causes == [failed, failed, failed, failed, back, limit],
        "{causes:?}"
    );
    let heard = Recording::of_receiver(&wav, &lines)?;
    // Receivers hear a switch a queue and a playout delay after it was decided.
    let around = |index: usize| -> Result<(WallTime, WallTime)> {
        let decided = at(&rows[index])?;
        Ok((decided - Duration::from_secs(5), decided + Duration::from_secs(3)))
    };
    // When the second fell silent, the recording tells: ffmpeg may have begun it late.
    let (from, to) = around(2)?;
    let longest = silences(&heard, from, to)
        .into_iter()
        .max_by_key(|(began, ended)| ended.since(*began));
    let (silence_heard, _) = longest.context("the second is never silent")?;
    let fell_silent = silence_heard - ON_ITS_WAY;
    let after =
        |index: usize, from: WallTime| -> Result<f64> { Ok(at(&rows[index])?.ns_after(from) as f64 / 1e9) };
    let (to_second, to_hls, to_third) = (after(1, killed)?, after(2, fell_silent)?, after(3, corrupted)?);
    let (to_fill, to_first) = (after(4, last_killed)?, after(5, returned)?);
    println!(
        "decided: killed {to_second:.2} s, silent {to_hls:.2} s at most (3 s of them the threshold), \
         corrupted {to_third:.2} s after the first bad segment was to be had, all gone {to_fill:.2} s; \
         back {to_first:.2} s after it returned"
    );
    // No switch is late by what the machine stood still meanwhile; nor is one early.
    let stood = |index: usize, from: WallTime| -> Result<f64> {
        Ok(stalls.within(from, at(&rows[index])?).as_secs_f64())
    };
    ensure!(
        to_second - stood(1, killed)? <= 2.0 + SENT_AHEAD_S,
        "killed: {to_second}"
    );
    ensure!(
        to_hls >= 3.0 && to_hls - stood(2, fell_silent)? <= 5.0,
        "silent: {to_hls}"
    );
    ensure!(to_fill - stood(4, last_killed)? <= 2.0, "all gone: {to_fill}");
    ensure!(to_first - stood(5, returned)? <= 8.0, "back: {to_first}");
    // What the receiver sounded: no silence that is longer than it takes to notice, and none before anything failed.
    // Each as it was heard, and without what the machine stood still.
    let quiet = |(from, to): (WallTime, WallTime)| {
        let silences = silences(&heard, from, to);
        let all = silences.iter().map(|(began, ended)| ended.since(*began));
        let ours = silences
            .iter()
            .map(|(began, ended)| stalls.without(*began, *ended));
        [all.max(), ours.max()].map(|longest| longest.unwrap_or_default().as_secs_f64())
    };
    let [untroubled, untroubled_by_us] = quiet((start + Duration::from_millis(500), killed));
    let switches = [around(1)?, around(2)?, around(3)?, around(4)?, around(5)?].map(quiet);
    let gaps = switches.map(|[all, _]| all);
    println!("longest silence: {untroubled:.1} s while all was well, and at each switch {gaps:.1?} s");
    println!("the machine stood still for {:?}", stalls.within(start, now()));
    ensure!(
        untroubled_by_us <= 0.5,
        "silent while all was well: {untroubled} s"
    );
    // The fill is speech, and pauses by itself.
    let most = [2.0, 5.5, 2.0, 2.0, 1.0];
    let within = switches.iter().zip(most).all(|([_, gap], most)| *gap <= most);
    ensure!(
        within,
        "killed, silent, corrupted, all gone, back: {gaps:?}, and not at most {most:?}"
    );
    Ok(())
}

/// What Icecast sent ahead is heard before a killed source is missed: 16 KiB at 64 kbit/s.
const SENT_AHEAD_S: f64 = 2.05;
/// How long sound is on its way from a relay's source to the loudspeaker, at most: 400 ms that are held, a queue of four
/// packets, one in the making, the playout delay of 600 ms, and a step of [`silences`].
const ON_ITS_WAY: Duration = Duration::from_millis(1_400);
/// How long the relay is on the air.
const WINDOW_S: u64 = 105;
/// Level of 100 ms below which nothing is heard: -50 dBFS.
const SILENT: f64 = 0.003;
