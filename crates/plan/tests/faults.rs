//! What is said of a schedule with something wrong in it, in both languages, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{WEEK, ZONES, compare, resolved};
use loa_plan::{Diagnostic, Lang};

/// Each row: what is written in the place of what, and how the fault is told.
#[test]
fn golden_faults() {
    let rows = [
        ("zones = [\"huyen\"] ", "zones = [\"huyn\"] "),
        ("programme = \"nhac-chieu\"\n", "programme = \"nhac-chiu\"\n"),
        ("media = \"nhac-chieu.flac\"", "media = \"nhac-chieu.falc\""),
        ("media = \"nhac-chieu.flac\"", "media = \"khong-co.mp3\""),
        ("at = 2026-12-04T17:10:00", "at = 2026-02-30T17:10:00"),
        ("at = 2026-12-04T17:10:00", "at = 2025-12-04T17:10:00"),
        ("cron = \"0 17 * * *\"", "cron = \"0 17 30 2 *\""),
        ("cron = \"0 17 * * *\"", "cron = \"0 17 * * 1-5\""),
        ("cron = \"0 17 * * *\"", "cron = \"61 17 * * *\""),
        ("cron = \"0 17 * * *\"", "cron = \"* * * * *\""),
        (
            "valid_from = 2026-01-01",
            "valid_from = 2027-01-01\nvalid_to = 2026-01-01",
        ),
        ("date = 2027-02-05", "date = 2027-02-06"),
        ("max_duration = \"45m\"", "max_duration = \"45\""),
        ("code = \"xa-dong-sang\"", "code = \"sang\""),
        // The eve still holds the air.
        (
            "at = 2026-12-04T17:10:00",
            "at = 2026-12-03T23:50:00\nmax_duration = \"20m\"\n[[slot]]\ncode = \"dem\"\nprogramme = \"ban-tin-sang\"\n\
             zones = [\"huyen\"]\nat = 2026-12-04T00:05:00",
        ),
        (
            "cron = \"30 5 * * Mon,Wed,Fri\"",
            "cron = \"10 17 * * Mon\"\nclass = \"background\"",
        ),
        (
            "class = \"background\"",
            "class = \"background\"\ncolour = \"red\"",
        ),
    ];
    let mut text = String::new();
    for (old, new) in rows {
        assert!(WEEK.contains(old), "{old}");
        let week = WEEK.replacen(old, new, 1);
        let told = match resolved(&[("zones.toml", ZONES), ("week.toml", &week)]) {
            Ok(resolved) => self::told(&resolved.warnings),
            Err(faults) => self::told(&faults),
        };
        assert!(!told.is_empty(), "nothing is said of {new}");
        text.push_str(&format!("## {}\n{told}\n", new.replace('\n', " / ")));
    }
    let zones = [
        ("parent = \"xa-dong\"", "parent = \"xa-dog\""),
        ("channel = 20", "channel = 10"),
        ("channel = 20", "channel = 65535"),
        ("code = \"xa-tay\"", "code = \"xa-dong\""),
        ("channel = 1 ", "parent = \"thon-dinh\"\nchannel = 1 "),
    ];
    for (old, new) in zones {
        assert!(ZONES.contains(old), "{old}");
        let told = match resolved(&[("zones.toml", &ZONES.replacen(old, new, 1))]) {
            Ok(_) => panic!("nothing is said of {new}"),
            Err(faults) => told(&faults),
        };
        text.push_str(&format!("## {}\n{told}\n", new.replace('\n', " / ")));
    }
    compare("faults.txt", &text);
}

/// A zone, a programme, a profile and a slot with nothing wrong with them.
const SOUND: &str = r#"[[zone]]
code = "z"
name = "Z"
channel = 1
[[programme]]
code = "p"
title = "P"
media = "nhac-tet.mp3"
[[profile]]
code = "d"
title = "D"
[[slot]]
code = "s"
programme = "p"
zones = ["z"]
cron = "0 17 * * *"
max_duration = "5m"
"#;

/// Each row: a table, one of its keys, and values that it must not have.
const WRONG: &[(&str, &str, &[&str])] = &[
    ("zone", "code", &["1", "\"\"", "\"Xã A\""]),
    ("zone", "name", &["7", "\"  \"", "\"a\\nb\""]),
    ("zone", "parent", &["2", "\"z\"", "\"nope\""]),
    ("zone", "channel", &["\"1\"", "-1", "70000", "1.5"]),
    (
        "zone",
        "quiet",
        &[
            "\"night\"",
            "{ hours = [\"05:00-06:00\"] }",
            "{ windows = \"05:00-06:00\" }",
            "{ windows = [\"5-6\"] }",
            "{ windows = [\"22:00-05:00\"] }",
            "{ windows = [\"05:00-06:00\"], minutes_a_day = 0 }",
            "{ windows = [\"05:00-06:00\"], volume = [{ from = \"25:00\", db = 0 }] }",
            "{ windows = [\"05:00-06:00\"], volume = [{ from = \"06:00\", db = 3 }] }",
            "{ windows = [\"05:00-06:00\"], volume = [{ from = \"06:00\" }] }",
            "{ windows = [\"05:00-06:00\"], volume = [{ from = \"07:00\", db = 0 }, { from = \"06:00\", db = 0 }] }",
        ],
    ),
    ("zone", "two_persons", &["\"yes\""]),
    ("zone", "language", &["true", "\"Tiếng Mnông\""]),
    ("zone", "approval", &["0"]),
    ("zone", "colour", &["\"red\""]),
    ("programme", "code", &["[]", "\"Bản tin\""]),
    ("programme", "title", &["2026-11-30", "\"\""]),
    ("programme", "media", &["3", "\"nhac-tet.pm3\""]),
    (
        "programme",
        "languages",
        &["\"vi\"", "{ mnong = 1 }", "{ mnong = \"khong-co.mp3\" }"],
    ),
    ("programme", "playlist", &["[\"nhac-tet.mp3\"]"]),
    ("programme", "series", &["\"suc-khoe\""]),
    ("programme", "when_none", &["\"repeat\""]),
    ("programme", "relay", &["[\"https://radio.example/live.mp3\"]"]),
    ("programme", "studio", &["[\"line:hw:1\"]"]),
    ("programme", "fill", &["\"nhac-tet.mp3\""]),
    ("programme", "silence_after", &["\"10s\""]),
    ("programme", "silence", &["true"]),
    ("programme", "class", &["1", "\"live\"", "\"urgent\""]),
    ("programme", "chime", &["1"]),
    ("programme", "chime_after", &["\"true\""]),
    ("programme", "chime_db", &["\"-3\"", "-4"]),
    ("programme", "pre_emption", &["true", "\"pause\""]),
    (
        "programme",
        "give_up_after",
        &["10", "\"10\"", "\"0s\"", "\"9h\""],
    ),
    ("programme", "topic", &["5"]),
    ("programme", "campaign", &["\"\""]),
    ("programme", "chim", &["true"]),
    ("profile", "code", &["\"Tết\""]),
    ("profile", "title", &["false"]),
    (
        "profile",
        "days",
        &[
            "\"2/9\"",
            "[\"31/4\"]",
            "[\"30/13 âm\"]",
            "[]",
            "[\"2026-12-26..2026-12-24\"]",
        ],
    ),
    ("profile", "zones", &["\"z\"", "[\"y\"]"]),
    ("profile", "rank", &["0", "\"1\""]),
    ("profile", "mute", &["true", "[\"t\"]", "\"some\""]),
    ("profile", "mute_class", &["\"emergency\""]),
    (
        "profile",
        "replace",
        &["[\"s\"]", "{ s = \"q\" }", "{ t = \"p\" }"],
    ),
    ("slot", "code", &["\"S 1\""]),
    ("slot", "programme", &["[\"p\"]", "\"q\""]),
    ("slot", "zones", &["\"z\"", "[]", "[1]", "[\"z\", \"z\"]"]),
    (
        "slot",
        "cron",
        &[
            "5",
            "\"0 17 * *\"",
            "\"* * * * * *\"",
            "\"0 17 30 2 *\"",
            "\"0 17 * * CN\"",
        ],
    ),
    ("slot", "at", &["2026-12-04T17:00:00"]),
    ("slot", "every_weeks", &["1", "2"]),
    ("slot", "valid_from", &["\"2026-11-30\"", "2026-11-30T05:00:00"]),
    ("slot", "valid_to", &["1026-11-30", "2026-13-01", "2025-01-01"]),
    ("slot", "profile", &["\"e\""]),
    ("slot", "class", &["\"khẩn cấp\""]),
    ("slot", "order", &["0", "1000"]),
    ("slot", "max_duration", &["5", "\"5\"", "\"5h\""]),
    ("slot", "overrun", &["true", "\"forever\""]),
    ("slot", "makes_room", &["\"push\"", "\"trim\""]),
    (
        "slot",
        "except",
        &[
            "2026-12-04",
            "[\"2026-12-04\"]",
            "[{ note = \"nghỉ\" }]",
            "[{ date = \"2026-12-04\" }]",
            "[{ date = 2026-12-04, time = \"5 giờ\" }]",
            "[{ date = 2026-12-04, time = \"05:00\" }]",
            "[{ date = 2026-12-04, move_to = 2026-12-04 }]",
            "[{ date = 2026-12-04, programme = \"q\" }]",
            "[{ date = 2026-12-04, max_duration = \"0m\" }]",
            "[{ date = 2026-12-04, programme = \"p\", max_duration = \"1m\" }]",
            "[{ date = 2026-12-04 }, { date = 2026-12-04 }]",
        ],
    ),
    ("slot", "cronn", &["\"0 17 * * *\""]),
];

/// Puts `key = value` into a table of the sound schedule, in the place of what is there.
fn spoilt(table: &str, key: &str, value: &str) -> String {
    let mut text = String::new();
    let mut here = false;
    for line in SOUND.lines() {
        if line.starts_with("[[") {
            here = line == format!("[[{table}]]");
        }
        let replaced = here && line.split(" = ").next() == Some(key);
        if !replaced {
            text.push_str(line);
            text.push('\n');
        }
        if here && line.starts_with("[[") {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text
}

/// Every key of every table, wrong in turn, and what is said of it in both languages.
#[test]
fn every_field_wrong_in_turn() {
    let sound = resolved(&[("day.toml", SOUND)]).map_err(|faults| told(&faults));
    assert_eq!(
        sound.map(|sound| told(&sound.warnings)),
        Ok(String::new()),
        "nothing is wrong before"
    );
    let mut text = String::new();
    for (table, key, values) in WRONG {
        for value in *values {
            let told = match resolved(&[("day.toml", &spoilt(table, key, value))]) {
                Ok(resolved) => self::told(&resolved.warnings),
                Err(faults) => self::told(&faults),
            };
            assert!(
                !told.is_empty(),
                "nothing is said of {key} = {value} in [[{table}]]"
            );
            text.push_str(&format!("## [[{table}]] {key} = {value}\n{told}\n"));
        }
    }
    compare("every-field.txt", &text);
}

/// Says faults in both languages.
fn told(faults: &[Diagnostic]) -> String {
    let say = |fault: &Diagnostic| format!("{}\n{}\n", fault.say(Lang::Vi), fault.say(Lang::En));
    faults.iter().map(say).collect()
}
