//! A rehearsal of a day with one of each fault lists all of them, each with its remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::Station;
use loa_tests::sound::demo_audio;
use serde_json::Value;

const ZONES: &str = r#"
[[zone]]
code = "tinh"
name = "Tỉnh"
channel = 1
[[zone]]
code = "xa-a"
name = "Xã A"
parent = "tinh"
channel = 2
[[zone]]
code = "xa-b"
name = "Xã B"
parent = "tinh"
channel = 3
"#;

/// Each slot has one thing wrong with it; `nothing` has nothing.
const DAY: &str = r#"
[[programme]]
code = "tot"
title = "Không có lỗi"
media = "xa-b"
[[programme]]
code = "chua-duyet"
title = "Chưa duyệt"
media = "thon"
[[programme]]
code = "mat"
title = "Mất tệp"
media = "thong-bao"
[[programme]]
code = "to"
title = "Quá to"
media = "to"
[[programme]]
code = "chuyen-muc"
title = "Chuyên mục"
series = "suc-khoe"
[[programme]]
code = "tiep-am"
title = "Tiếp âm"
relay = ["http://nghe:bi-mat@127.0.0.1:1/live"]
[[slot]]
code = "nothing"
programme = "tot"
zones = ["xa-a"]
cron = "0 5 * * *"
max_duration = "5m"
[[slot]]
code = "overrun"
programme = "tot"
zones = ["xa-a"]
cron = "0 6 * * *"
max_duration = "2s"
[[slot]]
code = "overlap"
programme = "tot"
zones = ["xa-a"]
cron = "0 7 * * *"
max_duration = "5m"
[[slot]]
code = "wins"
programme = "tot"
zones = ["tinh"]
cron = "2 0 7 * * *"
class = "priority"
max_duration = "5m"
[[slot]]
code = "gap-after"
programme = "tot"
zones = ["xa-a"]
cron = "5 5 * * *"
max_duration = "5m"
[[slot]]
code = "unapproved"
programme = "chua-duyet"
zones = ["xa-a"]
cron = "0 8 * * *"
max_duration = "5m"
[[slot]]
code = "lost"
programme = "mat"
zones = ["xa-a"]
cron = "0 9 * * *"
max_duration = "5m"
[[slot]]
code = "loud"
programme = "to"
zones = ["xa-a"]
cron = "0 10 * * *"
max_duration = "5m"
[[slot]]
code = "series"
programme = "chuyen-muc"
zones = ["xa-a"]
cron = "0 11 * * *"
max_duration = "5m"
[[slot]]
code = "relay"
programme = "tiep-am"
zones = ["xa-a"]
cron = "0 12 * * *"
max_duration = "5m"
[[slot]]
code = "night"
programme = "tot"
zones = ["xa-b"]
cron = "15 3 * * *"
max_duration = "5m"
[[slot]]
code = "late"
programme = "tot"
zones = ["tinh"]
cron = "30 21 * * *"
max_duration = "5m"
[[slot]]
code = "minutes"
programme = "tiep-am"
zones = ["xa-b"]
cron = "0 16 * * *"
max_duration = "10m"
"#;

fn rehearsed(station: &Station, args: &[&str]) -> Result<String> {
    // A rehearsal with findings ends with a failure, and says what it found on its standard output.
    let output = Command::new(loa_headend::workbench::binary("loa")?)
        .arg("--config")
        .arg(station.config())
        .arg("rehearse")
        .args(args)
        .output()?;
    ensure!(!output.status.success(), "a day with faults was found in order");
    ensure!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn one_of_each_fault_is_listed_with_its_remedy() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let loud = dir.path().join("to.wav").display().to_string();
    let made = Command::new("ffmpeg")
        .args([
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=8",
            "-af",
            "volume=16dB",
            &loud,
        ])
        .status()?;
    ensure!(made.success(), "the loud file can be made");
    for name in ["xa-b.flac", "thon.ogg", "thong-bao.aiff"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    station.loa(&["media", "add", "--as-is", &loud])?;
    let zones = station.write("zones.toml", ZONES)?;
    let day = station.write("day.toml", DAY)?;
    station.loa(&["schedule", "import", &zones, &day])?;
    station.loa(&["programme", "decide", "approve", "tot", "mat", "to", "tiep-am"])?;
    // A receiver that is registered, and was never heard from, is no live one.
    let lost: Value = serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?;
    let lost = lost
        .as_array()
        .context("a list")?
        .iter()
        .find(|media| media["title"] == "thong-bao");
    let hash = lost
        .and_then(|media| media["hash"].as_str())
        .context("a hash")?
        .to_owned();
    std::fs::remove_file(dir.path().join("data/media").join(format!("{hash}.opus")))?;
    // Quiet hours come after the slots were imported.
    let quiet = ZONES.replace(
        "channel = 3\n",
        "channel = 3\nquiet = { windows = [\"05:00-21:00\"], minutes_a_day = 5 }\n",
    );
    let quiet = station.write("zones.toml", &quiet)?;
    station.loa(&["schedule", "import", &quiet])?;

    let json: Value = serde_json::from_str(&rehearsed(&station, &["--json"])?)?;
    let findings = json["findings"].as_array().context("findings")?;
    let slots: BTreeMap<u64, &str> = json["sheet"]["lines"]
        .as_array()
        .context("lines")?
        .iter()
        .filter_map(|line| Some((line["number"].as_u64()?, line["slot"].as_str()?)))
        .collect();
    let found: BTreeSet<(&str, &str)> = findings
        .iter()
        .filter_map(|finding| {
            let slot = finding["line"]
                .as_u64()
                .and_then(|line| slots.get(&line).copied());
            Some((slot.unwrap_or("-"), finding["finding"].as_str()?))
        })
        .collect();
    let expected = [
        ("nothing", "gap"),
        ("overrun", "overrun"),
        ("overlap", "overlap"),
        ("unapproved", "not_approved"),
        ("lost", "missing"),
        ("loud", "too_loud"),
        ("series", "no_episode"),
        ("relay", "unreachable"),
        ("night", "quiet_hours"),
        // Above it is no quiet hour, and in one zone below it is.
        ("late", "quiet_hours"),
        ("minutes", "minutes_spent"),
        ("-", "no_receiver"),
    ];
    ensure!(found == expected.into(), "{found:?}\n{findings:#?}");
    for (language, remedy) in [("vi", "cách xử lý: "), ("en", "remedy: ")] {
        let text = rehearsed(&station, &["--language", language])?;
        println!("{text}");
        let remedies = text
            .lines()
            .filter(|line| line.trim_start().starts_with(remedy))
            .count();
        ensure!(
            remedies == findings.len(),
            "{remedies} remedies for {} findings:\n{text}",
            findings.len()
        );
        ensure!(!text.contains("bi-mat"), "a password is printed:\n{text}");
    }
    let heard_late =
        |zone| station.loa(&["rehearse", "--zone", zone, "--at", "21:30:02", "--language", "en"]);
    let (in_a, in_b) = (heard_late("xa-a")?, heard_late("xa-b")?);
    ensure!(in_a.contains("slot late"), "{in_a}");
    ensure!(in_b.contains("Silent: quiet hours of Xã B"), "{in_b}");
    let at_seven = station.loa(&[
        "rehearse",
        "--zone",
        "xa-a",
        "--at",
        "07:00:01",
        "--language",
        "en",
    ])?;
    ensure!(at_seven.contains("slot overlap"), "{at_seven}");
    let then = station.loa(&[
        "rehearse",
        "--zone",
        "xa-a",
        "--at",
        "07:00:05",
        "--language",
        "en",
    ])?;
    ensure!(
        then.contains("goes before") && then.contains("slot wins"),
        "{then}"
    );
    let nothing = station.loa(&["rehearse", "--zone", "xa-a", "--at", "23:00", "--language", "en"])?;
    ensure!(nothing.contains("Nothing is heard"), "{nothing}");
    Ok(())
}
