//! `loa demo`: a fresh installation, a head-end and four receivers as processes, a day in about a minute, and the proof.

mod day;
mod proof;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use loa_model::WallTime;
use serde_json::{Value, json};

use crate::config::Config;
use crate::installation::Installation;
use crate::workbench::{ALWAYS, PASSWORD, Process, Recording, Station, USER};
use proof::Verdict;

/// Arguments of `loa demo`.
#[derive(Args)]
pub struct Options {
    /// How long the station stays on the air, seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// No sound card, no table that renews itself: for machines without people.
    #[arg(long)]
    headless: bool,
    /// Keeps installation, logs and recordings in this directory, which must be empty or missing.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Where the demo's zones and audio are.
    #[arg(long, default_value = "schedules/demo")]
    files: PathBuf,
}

/// Where the four receivers stand.
const RECEIVERS: [(&str, &str); 4] = [
    ("loa-thon-1", "thon-1"),
    ("loa-thon-2", "thon-2"),
    ("loa-thon-3", "thon-3"),
    ("loa-xa-b", "xa-b"),
];
/// Shorter, and the day would not be over.
const SECONDS_MIN: u32 = 45;

/// Runs the demo; fails unless every receiver played all that it should have, like its source, at its time.
///
/// # Errors
///
/// If something cannot be started.
pub fn demo(options: &Options) -> Result<ExitCode> {
    ensure!(
        options.seconds >= SECONDS_MIN,
        "the demo's day takes {SECONDS_MIN} s; leave out --seconds or give at least that"
    );
    let audio = options.files.join("audio");
    ensure!(
        audio.is_dir(),
        "{} does not exist; run this where the repository is, or name its schedules/demo with --files",
        audio.display()
    );
    let dir = directory(options)?;
    println!(
        "Loa: một ngày phát thanh trên máy này / a day of commune radio on this machine ({})",
        dir.display()
    );
    let station = Station::new(&dir)?;
    let files: Vec<_> = day::AUDIO
        .iter()
        .map(|name| audio.join(name).display().to_string())
        .collect();
    let mut import = vec!["media", "add"];
    import.extend(files.iter().map(String::as_str));
    print!("{}", station.loa(&import)?);
    let zones = options.files.join("zones.toml").display().to_string();
    station.loa(&["schedule", "import", &zones])?;

    let mut head_end = station.start()?;
    let on_air = Instant::now();
    let mut receivers = Vec::new();
    for (code, zone) in RECEIVERS {
        let wav = dir.join(format!("{code}.wav"));
        receivers.push(station.receiver(code, zone, &format!("wav:{}", wav.display()))?);
    }
    let _audible = audible(&station, options.headless);
    let begin = WallTime::from_unix_s(crate::cli::now().as_unix_ms() / 1_000 + 1 + day::LEAD_S);
    let until_s = i64::from(options.seconds) - day::LEAD_S;
    let plan = station.write("day.toml", &day::schedule(begin, until_s))?;
    station.loa(&["schedule", "import", &plan])?;
    station.loa(&["programme", "decide", "approve", "--all", "--by", USER])?;
    print!("\n{}", station.loa(&["schedule", "show"])?);
    println!(
        "\nTrang điều hành / panel: {}   ({USER} / {PASSWORD})\n",
        station.url("/")
    );

    let panel = Panel::log_in(&station)?;
    let mut pressed = false;
    let mut table = Table::new(options.headless);
    let end = Duration::from_secs(u64::from(options.seconds));
    while on_air.elapsed() < end {
        if !pressed && crate::cli::now() >= begin + Duration::from_secs(day::EMERGENCY_S.unsigned_abs()) {
            panel.emergency(&station)?;
            pressed = true;
        }
        for process in receivers.iter_mut().chain([&mut head_end]) {
            if let Some(status) = process.ended()? {
                bail!(
                    "a program ended ({status}) in the middle of the demo:\n{}",
                    process.log()
                );
            }
        }
        table.show(&panel.now_playing(&station)?, &receivers);
        std::thread::sleep(Duration::from_millis(250));
    }
    // A report comes each second; one more is enough for what ended last.
    std::thread::sleep(Duration::from_millis(1_500));
    let lines: Vec<Vec<Value>> = receivers.iter().map(Process::lines).collect();
    for receiver in receivers {
        receiver.stop()?;
    }
    head_end.stop()?;
    prove(&station, &dir, &lines)
}

fn directory(options: &Options) -> Result<PathBuf> {
    let dir = match &options.keep {
        Some(keep) => {
            let empty = std::fs::read_dir(keep).map_or(true, |mut entries| entries.next().is_none());
            ensure!(
                empty,
                "{} is not empty; name another directory with --keep",
                keep.display()
            );
            keep.clone()
        }
        None => std::env::temp_dir().join(format!("loa-demo-{}", std::process::id())),
    };
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir.canonicalize()?)
}

/// Starts a fifth receiver in village 1 that can be heard, if there is a sound card and a program to reach it.
fn audible(station: &Station, headless: bool) -> Option<Process> {
    let card = std::fs::read_dir("/dev/snd").ok()?.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("pcm") && name.ends_with('p')
    });
    if headless || !card {
        return None;
    }
    let play = "pipe:aplay -q -t raw -f S16_LE -r 48000 -c 1";
    match station.receiver("loa-nghe-thu", "thon-1", play) {
        Ok(process) => Some(process),
        Err(error) => {
            println!("không phát ra loa được / cannot be heard: {error:#}");
            None
        }
    }
}

fn prove(station: &Station, dir: &Path, lines: &[Vec<Value>]) -> Result<ExitCode> {
    let installation = Installation::open(Config::load(&station.config())?)?;
    let (store, library) = (installation.store()?, installation.library()?);
    let tree = store.zones()?;
    let (from, to) = (WallTime::default(), WallTime::from_unix_ns(i64::MAX));
    let (as_run, proof, not_aired) = (
        store.as_run(from, to)?,
        store.proof(from, to)?,
        store.not_aired(from, to)?,
    );

    let log = station.loa(&[&["as-run"], &ALWAYS[..]].concat())?;
    println!("\nNhật ký phát / as-run log\n{log}");
    println!("Bằng chứng / proof");
    println!(
        "{:<12} {:<26} {:>9} {:>6} {:>9} {:>9} {:>9} {:>8}",
        "receiver", "programme", "planned s", "sent", "received", "sounded s", "likeness", "off ms"
    );
    let mut right = not_aired.is_empty();
    for ((code, zone), lines) in RECEIVERS.iter().zip(lines) {
        let zone = tree.by_code(zone).context("the demo's own zone")?.id;
        let wav = dir.join(format!("{code}.wav"));
        let recording = Recording::of_receiver(&wav, lines)?;
        let verdicts = proof::judge(code, zone, &tree, &as_run, &proof, &recording, &library)?;
        right &= !verdicts.is_empty();
        for verdict in verdicts {
            right &= verdict.faults.is_empty();
            print_verdict(&verdict);
        }
    }
    for row in not_aired {
        println!("not aired: {} ({})", row.title, row.reason);
    }
    println!("\nBản ghi / recordings: {}/*.wav", dir.display());
    println!(
        "{}",
        if right {
            "Mọi thứ đều đúng. / All of it was right."
        } else {
            "Có chỗ sai. / Not all of it was right."
        }
    );
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_verdict(verdict: &Verdict) {
    let Verdict {
        receiver,
        title,
        planned,
        sent,
        received,
        sounded,
        likeness,
        off_ms,
        faults,
        ..
    } = verdict;
    let mark = if faults.is_empty() {
        "ok".to_owned()
    } else {
        faults.join(", ")
    };
    println!(
        "{receiver:<12} {title:<26} {:>9.1} {sent:>6} {received:>9} {:>9.1} {likeness:>9.3} {off_ms:>8.2}  {mark}",
        planned.as_secs_f64(),
        sounded.as_secs_f64()
    );
}

/// The panel, worked through its API as a person's browser would.
struct Panel {
    agent: ureq::Agent,
    cookie: String,
}

impl Panel {
    fn log_in(station: &Station) -> Result<Self> {
        let agent = ureq::Agent::new_with_defaults();
        let answer = agent
            .post(station.url("/api/v1/login"))
            .send_json(json!({ "name": USER, "password": PASSWORD }))?;
        let cookie = answer
            .headers()
            .get("set-cookie")
            .and_then(|value| value.to_str().ok());
        let cookie = cookie
            .and_then(|value| value.split(';').next())
            .context("no cookie came with the login")?;
        Ok(Self {
            cookie: cookie.to_owned(),
            agent,
        })
    }

    fn emergency(&self, station: &Station) -> Result<()> {
        let (title, zone) = day::EMERGENCY;
        let media: Value = serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?;
        let hash = media
            .as_array()
            .into_iter()
            .flatten()
            .find(|item| item["title"] == title);
        let hash = hash
            .and_then(|item| item["hash"].as_str())
            .context("the emergency is not in the library")?;
        let order =
            json!({ "zone": zone, "media": hash, "class": "emergency", "chime": true, "limit_s": 60 });
        self.agent
            .post(station.url("/api/v1/overrides"))
            .header("cookie", &self.cookie)
            .send_json(order)
            .context("the panel refused the emergency")?;
        Ok(())
    }

    /// Returns the titles on air, by session.
    fn now_playing(&self, station: &Station) -> Result<Value> {
        let mut answer = self
            .agent
            .get(station.url("/api/v1/snapshot"))
            .header("cookie", &self.cookie)
            .call()?;
        Ok(answer.body_mut().read_json()?)
    }
}

/// What each receiver plays, renewed in place on a terminal, else a line whenever it changes.
struct Table {
    in_place: bool,
    shown: Option<Vec<String>>,
    /// Titles of all sessions seen on air: a receiver hears a session a little before and after the panel shows it.
    titles: BTreeMap<u64, String>,
}

impl Table {
    fn new(headless: bool) -> Self {
        Self {
            in_place: !headless && std::io::stdout().is_terminal(),
            shown: None,
            titles: BTreeMap::new(),
        }
    }

    fn show(&mut self, snapshot: &Value, receivers: &[Process]) {
        for zone in snapshot["zones"].as_array().into_iter().flatten() {
            let waiting = zone["waiting"].as_array().into_iter().flatten();
            for session in waiting.chain([&zone["on_air"]]) {
                if let (Some(number), Some(title)) = (session["session"].as_u64(), session["title"].as_str())
                {
                    self.titles.insert(number, title.to_owned());
                }
            }
        }
        let rows: Vec<String> = RECEIVERS
            .iter()
            .zip(receivers)
            .map(|((code, _), receiver)| {
                let playing = receiver.newest("playing").unwrap_or_default();
                let title = playing["session"]
                    .as_u64()
                    .and_then(|session| self.titles.get(&session));
                let text = if playing.is_null() {
                    "–"
                } else {
                    title.map_or("…", String::as_str)
                };
                format!("{code:<12} {text}")
            })
            .collect();
        if self.shown.as_ref() == Some(&rows) {
            return;
        }
        if self.in_place {
            if self.shown.is_some() {
                print!("\x1b[{}A", rows.len());
            }
            rows.iter().for_each(|row| println!("\x1b[2K{row}"));
        } else {
            println!(
                "{}",
                rows.iter()
                    .map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
                    .collect::<Vec<_>>()
                    .join(" | ")
            );
        }
        let _ = std::io::stdout().flush();
        self.shown = Some(rows);
    }
}
