//! The head-end killed at each write of a day, started again, and its as-run log and its air compared with those of a day
//! on which nothing was killed.
//!
//! The child is this test itself: it airs the day in virtual time with everything on disk, and strace kills it (SIGKILL)
//! as it enters its nth call of a kind that changes the disk: inside transactions, between them, in the epoch's file, in
//! the import and the plan of an edit. Power cuts are such a kill with whatever was not synced gone; SQLite answers for
//! that (`synchronous = full`).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod day;
mod life;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use day::T0;
use life::{Life, database, take_notes};
use told::{AWAY, Told, done, heard, last_moment};

const DIR: &str = "LOA_CRASH_SWEEP";
/// What changes the disk.
const CALLS: [&str; 6] = ["pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink"];

/// The child: airs the day in the directory that the environment names. Does nothing without one.
#[test]
fn the_child_that_is_killed() {
    if let Ok(dir) = std::env::var(DIR) {
        Life::start(Path::new(&dir), T0).finish(&[]);
    }
}

/// Runs the child under strace.
fn child(dir: &Path, log: &str, inject: &[String]) -> Output {
    let mut strace = Command::new("strace");
    let calls = CALLS.map(|call| format!("?{call}")).join(",");
    strace.args([
        "-f",
        "-qq",
        "-o",
        log,
        "-e",
        &format!("trace={calls}"),
        "-e",
        "signal=none",
    ]);
    strace.args(inject).arg(std::env::current_exe().unwrap());
    strace.args(["the_child_that_is_killed", "--exact"]).env(DIR, dir);
    strace
        .output()
        .expect("strace can be run; `cargo xtask setup` installs it")
}

/// Counts the child's calls of each kind.
fn count_calls(log: &str) -> BTreeMap<&'static str, usize> {
    let count = |call: &str| {
        log.lines()
            .filter(|line| line.contains(&format!(" {call}(")))
            .count()
    };
    CALLS.map(|call| (call, count(call))).into()
}

/// Makes a station in a directory.
fn install(dir: &Path) {
    fs::create_dir(dir).unwrap();
    let mut store = common::station(&database(dir), &day::LENGTHS_MS);
    common::import(
        &mut store,
        &[("zones.toml", day::ZONES), ("day.toml", day::DAY)],
        T0,
    );
    common::approve(&mut store, T0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn nothing_is_lost_and_nothing_airs_twice_wherever_it_is_killed() {
    let root = tempfile::tempdir().unwrap();
    let (template, whole) = (root.path().join("template"), root.path().join("whole"));
    install(&template);
    copy(&template, &whole);
    let log = root.path().join("calls").display().to_string();
    let ran = child(&whole, &log, &[]);
    assert!(ran.status.success(), "{ran:?}");
    let model = Told::read(&whole, heard(&take_notes(&whole), None));
    assert_eq!(model.check(None), Ok(()));
    assert_eq!(model.heard_titles(), day::HEARD, "all of the day airs");

    let calls = count_calls(&fs::read_to_string(&log).unwrap());
    println!("calls that change the disk: {calls:?}");
    let points: Vec<_> = calls
        .iter()
        .flat_map(|(call, count)| (1..=*count).map(move |nth| (*call, nth)))
        .collect();
    assert!(points.len() >= 200, "{} are too few to mean much", points.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(killed_at(*point, root.path(), &template, &model).err());
        }
        failed
    };
    let failed = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap()).concat()
    });
    println!("killed at each of {} points", points.len());
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Kills the child at its nth call of a kind, starts again in its directory, and compares.
fn killed_at((call, nth): (&str, usize), root: &Path, template: &Path, model: &Told) -> Result<(), String> {
    let dir = root.join(format!("{call}-{nth}"));
    copy(template, &dir);
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let ran = child(&dir, "/dev/null", &["-e".to_owned(), inject]);
    let named = |error: String| format!("killed at {call} {nth}: {error}");
    if ran.status.success() {
        return Err(named("never reached".to_owned()));
    }
    let notes = take_notes(&dir);
    let (killed, before) = (last_moment(&notes).unwrap_or(T0), done(&notes));
    Life::start(&dir, killed + AWAY).finish(&before);
    let after = take_notes(&dir);
    let mut all = heard(&notes, Some(killed));
    all.extend(heard(&after, None));
    let told = Told::read(&dir, all);
    told.check(Some(killed))
        .map_err(|error| named(format!("at {killed}: {error}")))?;
    told.compare(model, killed, &before)
        .map_err(|error| named(format!("at {killed}: {error}")))?;
    fs::remove_dir_all(&dir).map_err(|error| named(error.to_string()))
}
