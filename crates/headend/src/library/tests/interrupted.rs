//! Imports that are killed, or run out of room.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

#[test]
fn only_what_nobody_works_on_is_swept() {
    let (_dir, library) = library();
    let stale = library.dir.join("incoming/4711-0");
    fs::create_dir(&stale).unwrap();
    fs::write(stale.join("original"), "half a file").unwrap();
    let working = incoming::Incoming::begin(&library.dir).unwrap();
    fs::write(working.path("original"), "at work").unwrap();
    Library::open(&library.dir, library.config).unwrap();
    assert!(working.path("original").exists(), "an import is at work");
    drop(working);
    Library::open(&library.dir, library.config).unwrap();
    assert_eq!(files(&library), [""; 0]);
}

/// Imports in a process of its own, which others may then stop or starve.
fn import_elsewhere(shell: &str, bitrate: u32, library: &Library) -> Child {
    let (_, test) = module_path!().split_once("::").expect("a module of the crate");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$@\"")]).arg("sh");
    command.arg(std::env::current_exe().expect("a test is a program"));
    command
        .arg(format!("{test}::imports_for_another_test"))
        .args(["--exact", "--ignored", "--nocapture"]);
    command.env(CHILD, &library.dir).env(BITRATE, bitrate.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a shell")
}

#[test]
#[ignore = "run by other tests as a process of its own"]
fn imports_for_another_test() {
    let dir = std::env::var_os(CHILD).expect("the other test says where");
    let bitrate = std::env::var(BITRATE).unwrap().parse().unwrap();
    let library = Library::open(
        Path::new(&dir),
        MediaConfig {
            bitrate,
            ..MediaConfig::default()
        },
    )
    .unwrap();
    for name in FILES {
        let outcome = import(&library, &demo(name));
        println!(
            "\n{name}: {}",
            outcome.map_or_else(|error| error.to_string(), |_| "imported".to_owned())
        );
    }
}

#[test]
fn a_killed_import_leaves_whole_pieces_or_nothing() {
    for stage in ["original", "next"] {
        let (_dir, library) = library();
        let mut child = import_elsewhere("", 32_000, &library);
        let is_there = || {
            let entries = fs::read_dir(library.dir.join("incoming")).unwrap();
            entries.flatten().any(|entry| entry.path().join(stage).exists())
        };
        let begun = Instant::now();
        while !is_there() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{stage} never came");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        Library::open(&library.dir, library.config).unwrap();
        assert_eq!(
            fs::read_dir(library.dir.join("incoming")).unwrap().count(),
            0,
            "{stage}"
        );
        for (hash, held) in library.list().unwrap() {
            assert_eq!(
                held,
                Held {
                    original: true,
                    encoded: true
                },
                "{stage}"
            );
            assert!(library.find(hash).is_some(), "{stage}");
        }
    }
}

#[test]
fn no_room_is_told_and_leaves_nothing() {
    // How large a file may grow, in blocks of 512 bytes, and the bit rate. The MP3 of 195 kB becomes one of 320 kB.
    for (name, blocks, bitrate) in [
        ("for the copy", 100, 32_000),
        ("for the encoded file", 400, 160_000),
    ] {
        let (_dir, library) = library();
        let child = import_elsewhere(&format!("ulimit -f {blocks}; trap '' XFSZ;"), bitrate, &library);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let line = told
            .lines()
            .find(|line| line.starts_with(FILES[0]))
            .unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(
            line.contains("no room left in the media directory"),
            "{name}: {line}"
        );
        assert!(
            fs::read_dir(library.dir.join("incoming"))
                .unwrap()
                .next()
                .is_none(),
            "{name}"
        );
        assert!(
            library
                .list()
                .unwrap()
                .values()
                .all(|held| held.original && held.encoded),
            "{name}"
        );
    }
}

const CHILD: &str = "LOA_TEST_LIBRARY";
const BITRATE: &str = "LOA_TEST_BITRATE";
