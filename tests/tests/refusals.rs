//! What a person meets who types something wrong: the thing is named, the remedy told, and nothing is changed.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use loa_headend::workbench::Station;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::import;
use loa_tests::sound::demo_audio;

#[test]
fn refusals_name_the_thing_and_the_remedy() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let text = station.write("not-audio.mp3", "this is a letter")?;
    let empty = station.write("empty.wav", "")?;
    let day = |lines: &str| station.write("day.toml", lines);
    let programme = "[[programme]]\ncode = \"p\"\ntitle = \"P\"\nmedia = \"ban-tin-tinh\"\n";
    station.loa(&[
        "media",
        "add",
        &demo_audio("ban-tin-tinh.mp3").display().to_string(),
    ])?;
    let date = tomorrow();
    let kept = || -> Result<_> {
        Ok((
            station.loa(&["media", "list", "--json"])?,
            station.loa(&["schedule", "show", "--json", "--date", &date])?,
        ))
    };
    let before = kept()?;

    let slot = |zone: &str, at: &str| {
        format!(
            "[[slot]]\ncode = \"s\"\nprogramme = \"p\"\nzones = [\"{zone}\"]\nat = {at}\nmax_duration = \"5m\"\n"
        )
    };
    let unknown_zone = day(&format!("{programme}{}", slot("xa-z", "2030-01-01T05:00:00")))?;
    check(
        &station,
        &["schedule", "import", "--language", "en", &unknown_zone],
        &[
            "day.toml:8:10",
            "no zone \"xa-z\"",
            "did you mean \"xa-a\"",
            "nothing was imported",
        ],
    )?;
    let no_date = day(&format!("{programme}{}", slot("xa-a", "2030-02-30T05:00:00")))?;
    check(
        &station,
        &["schedule", "check", "--language", "en", &no_date],
        &["day.toml:9:6", "does not exist"],
    )?;
    let twice = format!(
        "{programme}{}{}",
        slot("xa-a", "2026-11-25T05:00:00"),
        slot("xa-a", "2026-11-25T05:00:10").replace("\"s\"", "\"t\"")
    );
    let overlap = day(&twice.replace("2026-11-25", &date))?;
    check(
        &station,
        &["schedule", "import", "--language", "en", &overlap],
        &["overlaps slot \"s\"", "neither is stronger", "remedy: move one"],
    )?;
    let no_file = day(&programme.replace("ban-tin-tinh", "ban-tin-tin"))?;
    check(
        &station,
        &["schedule", "import", "--language", "en", &no_file],
        &[
            "the library has no \"ban-tin-tin\"",
            "did you mean \"ban-tin-tinh\"",
        ],
    )?;

    check(
        &station,
        &["media", "add", &text],
        &["not-audio.mp3: not an audio file"],
    )?;
    check(&station, &["media", "add", &empty], &["empty.wav"])?;
    check(
        &station,
        &["media", "add", "/nonexistent.mp3"],
        &["/nonexistent.mp3"],
    )?;
    check(
        &station,
        &["receiver", "add", "x", "--zone", "xa-z", "--public-key", "AAAA"],
        &["is no public key"],
    )?;
    check(
        &station,
        &["user", "add", "moi", "--password-stdin"],
        &["the password has 0 characters"],
    )?;
    check(
        &station,
        &["user", "add", "truc-ban", "--password-stdin"],
        &["user \"truc-ban\" exists already", "choose another name"],
    )?;
    check(
        &station,
        &["user", "add", "moi", "--role", "root", "--one-time"],
        &["\"root\" is no role"],
    )?;
    ensure!(before == kept()?, "a refusal changed something");
    ensure!(station.loa(&["check"])?.contains("all is well"));

    // What sounds in the place of dead air stays; a station that lacks it is on the air all the same.
    station.configure("[playout]\nfill = \"ban-tin-tinh\"\n")?;
    check(
        &station,
        &["media", "remove", "ban-tin-tinh"],
        &["\"ban-tin-tinh\" is used by playout.fill"],
    )?;
    station.configure("[playout]\nfill = \"nhac-nen\"\n")?;
    station.loa_refused(&["check"])?;
    let head_end = station.start()?;
    let health = station.health()?;
    ensure!(
        health.contains("playout.fill is") && health.contains("\"off_air\":false"),
        "{health}"
    );
    head_end.stop()?;

    station.configure("[playout]\nchimes = true\n")?;
    check(&station, &["run"], &["loa.toml", "unknown field `chimes`"])?;
    station.configure("")?;
    let taken = TcpListener::bind(("127.0.0.1", station.panel_port))?;
    check(
        &station,
        &["run"],
        &["cannot listen on", "is another head-end running?"],
    )?;
    drop(taken);
    let config = std::fs::read_to_string(station.config())?;
    std::fs::write(
        station.config(),
        config.replace("interface = \"127.0.0.1\"", "interface = \"eth9\""),
    )?;
    check(&station, &["run"], &["cannot send multicast", "eth9"])?;
    std::fs::write(station.config(), config)?;

    raise_schema(&station)?;
    check(
        &station,
        &["check"],
        &["is at schema 99, newer than this build's"],
    )?;
    Ok(())
}

fn check(station: &Station, args: &[&str], expected: &[&str]) -> Result<()> {
    let told = station.loa_refused(args)?;
    for part in expected {
        ensure!(
            told.contains(part),
            "`loa {}` says nothing of {part:?}:\n{told}",
            args.join(" ")
        );
    }
    Ok(())
}

/// Sets the schema's number in the database file itself: a big-endian word at byte 60 (sqlite.org/fileformat2.html §1.3).
fn raise_schema(station: &Station) -> Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let path = station.path().join("data/loa.db");
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(60))?;
    file.write_all(&99u32.to_be_bytes())?;
    Ok(())
}

fn tomorrow() -> String {
    let now = chrono::DateTime::from_timestamp_nanos(loa_tests::schedule::now().as_unix_ns());
    (now + chrono::TimeDelta::hours(31))
        .format("%Y-%m-%d")
        .to_string()
}
