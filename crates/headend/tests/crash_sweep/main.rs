//! The head-end killed at each write point of a day, started again, and its as-run log compared with that of a run that
//! was never killed.
//!
//! The child is this test itself: it airs the day in virtual time with a database on disk, and kills itself (SIGKILL)
//! right before or right after its nth write. No time is slept.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command as Process;
use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Chime, Command, Content, ContentHash, NewZone, ORDER_DEFAULT, OccurrenceId,
    Piece, PreEmption, Relay, RunSheet, RunSheetLine, Schedule, SlotId, Sound, Verdict, WallTime, ZoneId,
    ZoneSettings,
};
use loa_playout::{Action, Engine, EngineSettings, LastPart};
use loa_store::{JournalEntry, Store};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
/// The head-end is away for this long after each kill.
const AWAY: Duration = Duration::from_secs(3);
const END_S: u64 = 200;
const KILL: &str = "LOA_CRASH_SWEEP";

fn at(s: f64) -> WallTime {
    T0 + Duration::from_secs_f64(s)
}

fn s(at: WallTime) -> f64 {
    at.ns_after(T0) as f64 / 1e9
}

fn media(number: u8) -> ContentHash {
    ContentHash([number; 32])
}

fn line(slot: i64, zone: i64, start: f64, pieces: &[(u8, u64)], class: BulletinClass) -> RunSheetLine {
    let pieces = pieces.iter().map(|(number, duration)| Piece {
        media: media(*number),
        duration: Duration::from_secs(*duration),
    });
    let content = Content::Pieces(pieces.collect());
    RunSheetLine {
        number: u32::try_from(slot).unwrap(),
        occurrence: OccurrenceId {
            slot: SlotId(slot),
            zone: ZoneId(zone),
            start: at(start),
        },
        slot: format!("s{slot}"),
        title: format!("p{slot}"),
        duration: content.duration().unwrap(),
        content,
        cut: false,
        class,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start: at(start),
        verdict: Verdict::Airs,
        reasons: vec![],
    }
}

/// A bulletin that is pre-empted twice, a playlist, a relay with a lost source, and a programme that is dropped.
fn day() -> RunSheet {
    let relay = Content::Relay(Relay {
        sources: vec!["http://one".into(), "http://two".into()],
        fill: None,
        silence: Duration::from_secs(10),
        studio: false,
    });
    let lines = vec![
        line(1, 1, 10.0, &[(1, 60)], BulletinClass::Normal),
        line(2, 2, 20.0, &[(2, 10), (3, 15), (4, 5)], BulletinClass::Normal),
        line(3, 1, 30.0, &[(5, 12)], BulletinClass::Priority),
        RunSheetLine {
            pre_emption: PreEmption::Drop,
            ..line(4, 2, 35.0, &[(6, 20)], BulletinClass::Background)
        },
        RunSheetLine {
            content: relay,
            cut: true,
            pre_emption: PreEmption::Rejoin,
            ..line(5, 3, 100.0, &[(7, 40)], BulletinClass::Normal)
        },
        line(6, 3, 120.0, &[(8, 10)], BulletinClass::Priority),
    ];
    RunSheet {
        number: 1,
        date: "2027-01-15".parse().unwrap(),
        lines,
    }
}

fn installed(path: &Path) -> Store {
    let mut store = Store::create(path).unwrap();
    let zone = |code: &str, parent: Option<&str>, channel| NewZone {
        code: code.into(),
        name: code.into(),
        parent: parent.map(Into::into),
        channel: Channel(channel),
        settings: ZoneSettings::default(),
    };
    let zones = vec![
        zone("tinh", None, 1),
        zone("xa", Some("tinh"), 2),
        zone("xb", Some("tinh"), 3),
    ];
    store
        .import_schedule(
            &Schedule {
                zones,
                ..Schedule::default()
            },
            "an",
            T0,
        )
        .unwrap();
    store
}

/// One run of the head-end on a database; `write` is called before and after each write.
struct Run<'a> {
    store: Store,
    engine: Engine,
    now: WallTime,
    write: &'a mut dyn FnMut(),
}

impl<'a> Run<'a> {
    fn start(path: &Path, epoch: u32, now: WallTime, write: &'a mut dyn FnMut()) -> Self {
        let mut store = installed(path);
        let alive = store.close_lost().unwrap();
        let delay = (Duration::from_millis(600), Duration::from_millis(200));
        let settings = EngineSettings::new(None, delay.0, delay.1);
        let mut engine = Engine::new(store.zones().unwrap(), epoch, settings, now);
        let since = now - Duration::from_secs(86_400);
        let last = store.last_parts(since).unwrap().into_iter().map(|row| LastPart {
            started: row.started,
            ended: row.ended,
        });
        let parts: Vec<_> = last.collect();
        let never: Vec<_> = store.not_aired(since, now + Duration::from_secs(86_400)).unwrap();
        let never: Vec<_> = never.into_iter().map(|row| row.occurrence).collect();
        let delayed = store.still_delayed(since).unwrap();
        engine.restore(&parts, &never, &delayed, &[], alive, now);
        engine.handle_run_sheet(&day(), now);
        let mut run = Self {
            store,
            engine,
            now,
            write,
        };
        run.obey();
        run
    }

    fn obey(&mut self) {
        let mut entries = Vec::new();
        while let Some(action) = self.engine.poll_output() {
            match action {
                Action::Prepare { media } => {
                    self.engine
                        .handle_media(media, Ok(Duration::from_secs(3_600)), self.now);
                }
                Action::OpenRelay { relay, .. } => {
                    self.engine.handle_relay(relay, Sound::Source(0), None, self.now);
                }
                Action::AsRun(event) => entries.push(JournalEntry::AsRun(event)),
                _ => {}
            }
        }
        if !entries.is_empty() {
            (self.write)();
            self.store.record(&entries, self.now).unwrap();
            (self.write)();
        }
    }

    fn run_to(&mut self, until: WallTime) {
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            self.obey();
        }
        self.now = self.now.max(until);
    }

    /// Goes on to the end of the day, with an emergency at 60 s and a source of the relay lost at 110 s.
    fn finish(&mut self) {
        for (when, emergency) in [(60.0, true), (110.0, false)] {
            if self.now >= at(when) {
                continue;
            }
            self.run_to(at(when));
            if emergency {
                let command = Command::StartOverride {
                    zone: ZoneId(1),
                    title: "emergency".into(),
                    media: media(9),
                    duration: Duration::from_secs(8),
                    class: BulletinClass::Emergency,
                    chime: false,
                    limit: Duration::from_secs(8),
                    by: "an".into(),
                };
                self.engine.handle_command(command, self.now).unwrap();
            } else {
                let lost = Some("stalled".to_owned());
                self.engine
                    .handle_relay(loa_model::RelayId(1), Sound::Source(1), lost, self.now);
            }
            self.obey();
        }
        self.run_to(T0 + Duration::from_secs(END_S));
    }
}

/// What of each programme sounded, from where to where in it, in order; and how it ended.
type Told = std::collections::BTreeMap<String, (Vec<(Duration, Duration)>, String)>;

/// Reads the as-run log, and tells what is wrong with it by itself.
fn told(path: &Path) -> Result<Told, String> {
    let store = Store::open(path).unwrap();
    let rows = store.as_run(T0, T0 + Duration::from_secs(END_S)).unwrap();
    let mut told = Told::new();
    for (index, row) in rows.iter().enumerate() {
        let ended = row.ended.as_ref().ok_or_else(|| format!("no end: {row:?}"))?;
        for other in &rows[index + 1..] {
            let other_end = other.ended.as_ref().map_or(other.started.ends, |ended| ended.at);
            let overlap = row.started.at < other_end && other.started.at < ended.at;
            if overlap && row.started.zone == other.started.zone {
                return Err(format!("two at once: {row:?} {other:?}"));
            }
        }
        let (stretches, end) = told.entry(row.started.title.clone()).or_default();
        stretches.push((row.started.media_offset, ended.media_offset));
        ended.reason.code().clone_into(end);
    }
    for row in store.not_aired(T0, T0 + Duration::from_secs(END_S)).unwrap() {
        if told
            .insert(row.title.clone(), (Vec::new(), row.reason.to_string()))
            .is_some()
        {
            return Err(format!("{} was on the air, and was not", row.title));
        }
    }
    Ok(told)
}

/// Compares with a run that was never killed: each programme comes as far and ends the same way, nothing of it sounds
/// twice, and no more of it is missing than the head-end was away.
fn compare(model: &Told, told: &Told) -> Result<(), String> {
    if model.keys().ne(told.keys()) {
        return Err(format!("{:?}, and {:?} without", told.keys(), model.keys()));
    }
    for (title, (stretches, end)) in told {
        let (whole, model_end) = &model[title];
        let reached = |stretches: &[(Duration, Duration)]| {
            stretches.iter().map(|(_, to)| *to).max().unwrap_or_default()
        };
        let left = reached(whole).saturating_sub(reached(stretches));
        // What was over before the head-end was back ends with it.
        let lost_with_it = end == "head_end_lost" && left <= AWAY + Duration::from_secs(1);
        if !lost_with_it && (end != model_end || !left.is_zero()) {
            return Err(format!(
                "{title} ends as {end} {stretches:?}, and as {model_end} {whole:?} without"
            ));
        }
        if let Some(pair) = stretches.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            return Err(format!("{title} repeats itself: {pair:?}"));
        }
        let more = missing(stretches).saturating_sub(missing(whole));
        if more > AWAY + Duration::from_secs(1) {
            return Err(format!(
                "{more:?} of {title} are missing: {stretches:?}, and without {whole:?}"
            ));
        }
    }
    Ok(())
}

/// Returns how much of a programme did not sound, before the last of it that did.
fn missing(stretches: &[(Duration, Duration)]) -> Duration {
    let ends = std::iter::once(Duration::ZERO).chain(stretches.iter().map(|(_, to)| *to));
    ends.zip(stretches)
        .map(|(end, (from, _))| from.saturating_sub(end))
        .sum()
}

/// The child: airs the day, and kills itself at the write point that the environment names. Does nothing without it.
#[test]
fn the_child_that_is_killed() {
    let Ok(order) = std::env::var(KILL) else { return };
    let (path, point) = order.rsplit_once('#').unwrap();
    let (point, mut count): (u32, u32) = (point.parse().unwrap(), 0);
    let mut write = || {
        if count == point {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        count += 1;
    };
    Run::start(Path::new(path), 1, T0, &mut write).finish();
}

#[test]
fn nothing_is_lost_and_nothing_airs_twice_wherever_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole.db");
    let mut points = 0_u32;
    Run::start(&whole, 1, T0, &mut || points += 1).finish();
    let model = told(&whole).unwrap();
    assert!(points >= 30, "{points} write points are too few to mean much");
    for point in 0..points {
        let path = dir.path().join(format!("{point}.db"));
        let child = Process::new(std::env::current_exe().unwrap())
            .args(["the_child_that_is_killed", "--exact"])
            .env(KILL, format!("{}#{point}", path.display()))
            .output()
            .unwrap();
        assert!(!child.status.success(), "write point {point} was never reached");
        let killed = killed_at(&path);
        let back = killed + AWAY;
        Run::start(&path, 2, back, &mut || ()).finish();
        let verdict = told(&path).and_then(|told| compare(&model, &told));
        assert_eq!(
            verdict,
            Ok(()),
            "killed at write point {point}, at {} s",
            s(killed)
        );
    }
    println!("{points} write points");
}

/// Returns when a head-end was last known to be sending, or the beginning if it never wrote.
fn killed_at(path: &Path) -> WallTime {
    let mut store = Store::open(path).unwrap();
    let alive = store.close_lost().unwrap();
    alive.unwrap_or(T0)
}
