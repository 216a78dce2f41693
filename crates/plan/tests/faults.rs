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
            "[\"15/6 nhuận âm\"]",
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
            "\"*/10 0 17 * * *\"",
            "\"0 17 30 2 *\"",
            "\"0 17 31 4,6 *\"",
            "\"0 17 * * Mon#6\"",
            "\"0 25 * * *\"",
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

/// Programmes of each kind with nothing wrong with them, besides their code and title.
const PLAYLIST: &str = "playlist = [\"nhac-tet.mp3\", \"p\"]\n";
const SERIES: &str = "series = \"suc-khoe\"\nwhen_none = \"repeat\"\n";
const RELAY: &str =
    "relay = [\"https://radio.example/live.mp3\"]\nfill = \"nhac-tet.mp3\"\nsilence_after = \"8s\"\n";
const STUDIO: &str = "studio = [\"line:hw:1\"]\n";
const SILENCE: &str = "silence = true\n";
const MEDIA: &str = "media = \"nhac-tet.mp3\"\nlanguages = { mnong = \"thong-bao.wav\" }\n";

/// Each row: a programme of a kind, one of its keys, and values that it must not have.
const WRONG_OF_A_KIND: &[(&str, &str, &[&str])] = &[
    (
        PLAYLIST,
        "playlist",
        &[
            "\"nhac-tet.mp3\"",
            "[]",
            "[1]",
            "[\"\"]",
            "[\"nhac-tet.pm3\"]",
            "[\"k\"]",
            "[\"p\", \"live\"]",
            "[\"https://an:bi-mat@radio.example/nhac.mp3\"]",
        ],
    ),
    (
        SERIES,
        "series",
        &["1", "\"\"", "[\"suc-khoe\"]", "\"suc-khoe-moi\""],
    ),
    (
        SERIES,
        "when_none",
        &["true", "\"Lặp lại\"", "\"repeet\"", "\"k\"", "\"live\""],
    ),
    (SERIES, "fill", &["\"nhac-tet.mp3\""]),
    (
        RELAY,
        "relay",
        &[
            "\"https://radio.example/live.mp3\"",
            "[]",
            "[true]",
            "[\"radio.example/live.mp3\"]",
            "[\"ftp://an:bi-mat@radio.example/live\"]",
            "[\"https://an:bi-mat@radio.example:0/live?key=bi-mat\"]",
            "[\"https://an:bi-mat/@radio.example/live\"]",
            "[\"https://\"]",
            "[\"https://radio.example/song ngan\"]",
            "[\"hls+radio.example/live.m3u8\"]",
            "[\"rtp://239.10.0.1\"]",
            "[\"rtp://studio.example:5004\"]",
            "[\"line:a\", \"line:b\", \"line:c\", \"line:d\", \"line:e\", \"line:f\", \"line:g\", \"line:h\", \"line:i\"]",
        ],
    ),
    (
        RELAY,
        "fill",
        &[
            "7",
            "\"khong-co.mp3\"",
            "\"http://an:bi-mat@radio.example/nen.mp3\"",
        ],
    ),
    (RELAY, "silence_after", &["8", "\"8\"", "\"0s\"", "\"5h\""]),
    (RELAY, "pre_emption", &["\"resume\"", "\"duck\""]),
    (RELAY, "when_none", &["\"repeat\""]),
    (
        STUDIO,
        "studio",
        &[
            "5",
            "[\"hw:1\"]",
            "[\"line:\"]",
            "[\"rtp://an:bi-mat@10.0.0.7:5004\"]",
        ],
    ),
    (SILENCE, "silence", &["\"true\"", "1", "false"]),
    (SILENCE, "pre_emption", &["\"duck\""]),
    (
        MEDIA,
        "languages",
        &["[\"mnong\"]", "{ mnong = \"\" }", "{ mnong = \"thong-bao.vaw\" }"],
    ),
];

/// A relay for a playlist to name, which it must not.
const LIVE: &str = "[[programme]]\ncode = \"live\"\ntitle = \"L\"\nrelay = [\"line:hw:0\"]\n";

/// The sound schedule with one more programme: `body`, with `key = value` in the place of what is there.
fn spoilt_kind(body: &str, key: &str, value: &str) -> String {
    let kept = body.lines().filter(|line| line.split(" = ").next() != Some(key));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    format!("{SOUND}{LIVE}[[programme]]\ncode = \"k\"\ntitle = \"K\"\n{key} = {value}\n{kept}")
}

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

/// The keys that only programmes of a kind have, wrong in turn; a password is never said.
#[test]
fn every_field_of_every_kind_wrong_in_turn() {
    for body in [PLAYLIST, SERIES, RELAY, STUDIO, SILENCE, MEDIA] {
        let sound = resolved(&[("day.toml", &spoilt_kind(body, "topic", "\"Y tế\""))]);
        let sound = sound.map_err(|faults| told(&faults));
        assert_eq!(
            sound.map(|sound| told(&sound.warnings)),
            Ok(String::new()),
            "nothing is wrong before in {body}"
        );
    }
    let mut text = String::new();
    for (body, key, values) in WRONG_OF_A_KIND {
        for value in *values {
            let told = match resolved(&[("day.toml", &spoilt_kind(body, key, value))]) {
                Ok(resolved) => self::told(&resolved.warnings),
                Err(faults) => self::told(&faults),
            };
            assert!(!told.is_empty(), "nothing is said of {key} = {value} in {body}");
            assert!(!told.contains("bi-mat"), "{told}");
            text.push_str(&format!("## {key} = {value}\n{told}\n"));
        }
    }
    compare("every-kind.txt", &text);
}

/// Each row: playlists by code and items, and how they lead back to themselves or too deep.
#[test]
fn golden_circles() {
    let deep: Vec<(String, String)> = (0..10)
        .map(|depth| (format!("lop-{depth}"), format!("\"lop-{}\"", depth + 1)))
        .chain([("lop-10".to_owned(), "\"nhac-tet.mp3\"".to_owned())])
        .collect();
    let rows: [(&str, Vec<(String, String)>); 5] = [
        ("itself", owned(&[("a", "\"a\"")])),
        (
            "itself, after something else",
            owned(&[("a", "\"nhac-tet.mp3\", \"a\"")]),
        ),
        (
            "a circle of three, and one that leads into it",
            owned(&[("a", "\"b\""), ("b", "\"c\""), ("c", "\"a\""), ("d", "\"a\"")]),
        ),
        (
            "twice the same is no circle",
            owned(&[("a", "\"b\", \"b\""), ("b", "\"nhac-tet.mp3\"")]),
        ),
        ("too deep", deep),
    ];
    let mut text = String::new();
    for (what, playlists) in rows {
        let tables = playlists.iter().map(|(code, items)| {
            format!("[[programme]]\ncode = \"{code}\"\ntitle = \"T\"\nplaylist = [{items}]\n")
        });
        let file: String = tables.collect();
        let told = match resolved(&[("day.toml", &file)]) {
            Ok(resolved) => self::told(&resolved.warnings),
            Err(faults) => self::told(&faults),
        };
        text.push_str(&format!("## {what}\n{told}\n"));
    }
    compare("circles.txt", &text);
}

fn owned(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = rows
        .iter()
        .map(|(code, items)| ((*code).to_owned(), (*items).to_owned()));
    owned.collect()
}

/// What the plan of a day would leave out is refused.
#[test]
fn nothing_is_left_out_of_a_day_unsaid() {
    let week = WEEK.replacen("zones = [\"xa-dong\"]", "zones = [\"huyen\", \"xa-dong\"]", 1);
    let faults = resolved(&[("zones.toml", ZONES), ("week.toml", &week)]).unwrap_err();
    let covered = "error: slot \"xa-dong-sang\" names zone \"xa-dong\", which another of its zones covers\n";
    assert!(told(&faults).contains(covered), "{}", told(&faults));

    // Three times an hour in each of 300 zones.
    let codes: Vec<_> = (1..=300).map(|number| format!("x{number}")).collect();
    let mut crowd: String = (1..)
        .zip(&codes)
        .map(|(channel, code)| format!("[[zone]]\ncode = \"{code}\"\nname = \"X\"\nchannel = {channel}\n"))
        .collect();
    crowd.push_str(&format!(
        "[[programme]]\ncode = \"p\"\ntitle = \"P\"\nmedia = \"thong-bao.wav\"\n\
         [[slot]]\ncode = \"s\"\nprogramme = \"p\"\nzones = {codes:?}\ncron = \"*/20 * * * *\"\nmax_duration = \"10m\"\n"
    ));
    let faults = resolved(&[("crowd.toml", &crowd)]).unwrap_err();
    let too_many =
        "error: 2026-11-30 has 21600 airings and a run-sheet holds 20000: the latest would not air\n";
    assert_eq!(told(&faults).matches("airings").count(), 1, "{}", told(&faults));
    assert!(told(&faults).contains(too_many), "{}", told(&faults));
}

/// Says faults in both languages.
fn told(faults: &[Diagnostic]) -> String {
    let say = |fault: &Diagnostic| format!("{}\n{}\n", fault.say(Lang::Vi), fault.say(Lang::En));
    faults.iter().map(say).collect()
}
