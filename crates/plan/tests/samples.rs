//! The commented samples in `schedules/`, planned and printed: golden run-sheets, byte for byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p loa-plan` writes them anew; look at the difference before committing it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use loa_model::{
    ContentHash, DaySpan, Profile, ProfileId, Programme, ProgrammeId, Schedule, Slot, SlotException, SlotId,
    WallTime, Zone, ZoneId, ZoneTree,
};
use loa_plan::{
    DayInputs, Diagnostic, Export, HeardMedia, Known, KnownLibrary, KnownMedia, Lang, Owners, Resolved,
    RunSheetText, plan_day, read, resolve,
};

const ZONES: &str = include_str!("../../../schedules/zones.toml");
const WEEK: &str = include_str!("../../../schedules/week.toml");
const SPECIAL_DAYS: &str = include_str!("../../../schedules/special-days.toml");
const SPECIAL: &str = r#"
[[programme]]
code = "thong-bao-thon"
title = "Thông báo của thôn"
media = "thong-bao.wav"
class = "normal"
[[slot]]
code = "thon"
programme = "thong-bao-thon"
zones = ["thon-dinh"]
at = 2026-12-04T17:05:00
max_duration = "20m"
[[slot]]
code = "khan"
programme = "ban-tin-sang"
zones = ["xa-dong"]
at = 2026-12-04T17:12:00
class = "emergency"
max_duration = "3m"
"#;

fn library() -> KnownLibrary {
    let files = [
        ("ban-tin-sang.mp3", 1_500),
        ("chuyen-muc-xa.m4a", 1_200),
        ("nhac-chieu.flac", 2_400),
        ("thong-bao.wav", 600),
        ("nhac-tet.mp3", 3_000),
        ("canh-bao-bao.mp3", 300),
    ];
    let media = |(i, (name, s)): (usize, &(&str, u64))| KnownMedia {
        hash: ContentHash([u8::try_from(i).unwrap() + 1; 32]),
        title: name.split('.').next().unwrap().to_owned(),
        file_name: (*name).to_owned(),
        duration: Duration::from_secs(*s),
        series: None,
        added_at: WallTime::from_unix_s(i64::try_from(i).unwrap()),
    };
    KnownLibrary::new(files.iter().enumerate().map(media))
}

fn resolved(files: &[(&str, &str)]) -> Result<Resolved, String> {
    let named: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let known = Known {
        zones: &ZoneTree::default(),
        library: &library(),
        programmes: &[],
        slots: &[],
        exceptions: &[],
        profiles: &[],
        owners: &Owners::default(),
        tz: Tz::Asia__Ho_Chi_Minh,
        today: "2026-11-30".parse().unwrap(),
    };
    read(&named)
        .and_then(|files| resolve(&files, &known))
        .map_err(|faults| told(&faults))
}

/// Says faults in both languages.
fn told(faults: &[Diagnostic]) -> String {
    let say = |fault: &Diagnostic| format!("{}\n{}\n", fault.say(Lang::Vi), fault.say(Lang::En));
    faults.iter().map(say).collect()
}

/// What the store would give back after importing the schedule.
struct Stored {
    tree: ZoneTree,
    programmes: Vec<Programme>,
    profiles: Vec<Profile>,
    slots: Vec<Slot>,
    exceptions: Vec<SlotException>,
    owners: Owners,
}

fn stored(schedule: &Schedule) -> Stored {
    let place = |codes: Vec<&String>, code: &str| {
        let at = codes.iter().position(|known| *known == code).unwrap();
        i64::try_from(at).unwrap() + 1
    };
    let zone_id = |code: &str| ZoneId(place(schedule.zones.iter().map(|new| &new.code).collect(), code));
    let programme_id = |code: &str| {
        ProgrammeId(place(
            schedule.programmes.iter().map(|new| &new.code).collect(),
            code,
        ))
    };
    let slot_id = |code: &str| SlotId(place(schedule.slots.iter().map(|new| &new.code).collect(), code));
    let profile_id = |code: &str| {
        ProfileId(place(
            schedule.profiles.iter().map(|new| &new.code).collect(),
            code,
        ))
    };
    let ok = Ok::<_, std::convert::Infallible>;
    let zone = |code: String| ok(zone_id(&code));
    let zones = schedule.zones.iter().map(|new| Zone {
        id: zone_id(&new.code),
        code: new.code.clone(),
        name: new.name.clone(),
        parent: new.parent.as_deref().map(zone_id),
        channel: new.channel,
        settings: new.settings.clone(),
    });
    let programmes = schedule.programmes.iter().map(|new| Programme {
        id: programme_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(|code| Ok::<_, ()>(programme_id(&code)), Ok)
            .unwrap(),
    });
    let profiles = schedule.profiles.iter().map(|new| Profile {
        id: profile_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(
                |code| Ok::<_, ()>(slot_id(&code)),
                |code| Ok(programme_id(&code)),
                |code| Ok(zone_id(&code)),
            )
            .unwrap(),
        switched_on: Vec::new(),
    });
    let slots = schedule.slots.iter().map(|new| Slot {
        id: slot_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(
                |code| Ok::<_, std::convert::Infallible>(programme_id(&code)),
                zone,
                |code| Ok(profile_id(&code)),
            )
            .unwrap(),
    });
    let exceptions = schedule.exceptions.iter().map(|new| {
        let named = new.exception.clone();
        named
            .try_map(|code| Ok::<_, ()>(slot_id(&code)), |code| Ok(programme_id(&code)))
            .unwrap()
    });
    Stored {
        tree: ZoneTree::new(zones.collect()).unwrap(),
        programmes: programmes.collect(),
        profiles: profiles.collect(),
        slots: slots.collect(),
        exceptions: exceptions.collect(),
        owners: Owners {
            programmes: schedule
                .programmes
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
            slots: schedule
                .slots
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
            profiles: schedule
                .profiles
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
        },
    }
}

fn printed(files: &[(&str, &str)], date: &str, switched_on: Option<&str>, lang: Lang) -> String {
    let Resolved {
        schedule, warnings, ..
    } = resolved(files).unwrap();
    let mut stored = stored(&schedule);
    for profile in stored
        .profiles
        .iter_mut()
        .filter(|profile| Some(profile.code.as_str()) == switched_on)
    {
        let day = date.parse().unwrap();
        profile.switched_on.push(DaySpan { from: day, to: day });
    }
    let tz = Tz::Asia__Ho_Chi_Minh;
    let inputs = DayInputs {
        tree: &stored.tree,
        programmes: &stored.programmes,
        library: &library(),
        slots: &stored.slots,
        exceptions: &stored.exceptions,
        profiles: &stored.profiles,
        heard: &HeardMedia::default(),
        approvals: None,
        tz,
    };
    let plan = plan_day(&inputs, date.parse().unwrap());
    assert!(plan.faults.is_empty(), "{:?}", plan.faults);
    let mut text = RunSheetText {
        lang,
        tz,
        tree: &stored.tree,
        zone: None,
    }
    .render(&plan.sheet);
    for warning in warnings {
        text.push_str(&format!("{}\n", warning.say(lang)));
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "golden files lie on disk")]
fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} is not what is planned now:\n{text}");
}

#[test]
fn golden_run_sheets() {
    let week: &[_] = &[("zones.toml", ZONES), ("week.toml", WEEK)];
    let special: &[_] = &[
        ("zones.toml", ZONES),
        ("week.toml", WEEK),
        ("special.toml", SPECIAL),
    ];
    let days_of_their_own: &[_] = &[
        ("zones.toml", ZONES),
        ("week.toml", WEEK),
        ("special-days.toml", SPECIAL_DAYS),
    ];
    let quiet = ZONES.replace(
        "channel = 20",
        "channel = 20\nquiet = { windows = [\"05:00-07:00\", \"16:00-17:20\"] }",
    );
    let quiet: &[_] = &[("zones.toml", quiet.as_str()), ("week.toml", WEEK)];
    let makes_room: &[_] = &[
        ("zones.toml", ZONES),
        ("week.toml", WEEK),
        ("meeting.toml", MEETING),
    ];
    let days = [
        ("a-wednesday", week, "2026-12-02", None),
        ("a-day-with-a-one-off", week, "2026-12-04", None),
        ("tet-eve", days_of_their_own, "2027-02-05", None),
        ("a-storm", days_of_their_own, "2026-12-02", Some("bao")),
        ("three-levels-collide", special, "2026-12-04", None),
        ("quiet-hours", quiet, "2026-12-02", None),
        ("a-special-that-moves-others", makes_room, "2026-12-02", None),
    ];
    for (name, files, date, switched_on) in days {
        let vietnamese = printed(files, date, switched_on, Lang::Vi);
        assert_eq!(
            vietnamese,
            printed(files, date, switched_on, Lang::Vi),
            "the same input, the same bytes"
        );
        compare(&format!("{name}.vi.txt"), &vietnamese);
        compare(
            &format!("{name}.en.txt"),
            &printed(files, date, switched_on, Lang::En),
        );
    }
    // A week, one sheet after another.
    let week_of = |lang| -> String {
        let days = [
            "2026-11-30",
            "2026-12-01",
            "2026-12-02",
            "2026-12-03",
            "2026-12-05",
            "2026-12-06",
        ];
        days.iter()
            .map(|date| printed(days_of_their_own, date, None, lang))
            .collect()
    };
    compare("a-normal-week.vi.txt", &week_of(Lang::Vi));
    compare("a-normal-week.en.txt", &week_of(Lang::En));
}

/// What is written out reads back as the same schedule, and is written out the same again.
#[test]
fn an_exported_schedule_reads_back_as_itself() {
    let all = [
        (
            "zones.toml",
            ZONES.replace("channel = 20", &format!("channel = 20\n{QUIET}")),
        ),
        ("week.toml", format!("{WEEK}\n{EVERYTHING}")),
        ("special-days.toml", SPECIAL_DAYS.to_owned()),
    ];
    let mut files: Vec<(String, String)> = all.map(|(name, text)| (name.to_owned(), text)).into();
    let mut before: Option<std::collections::BTreeMap<String, String>> = None;
    for _ in 0..2 {
        let named: Vec<_> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let schedule = resolved(&named).unwrap().schedule;
        let stored = stored(&schedule);
        let export = Export {
            zones: &stored.tree,
            library: &library(),
            programmes: &stored.programmes,
            profiles: &stored.profiles,
            slots: &stored.slots,
            exceptions: &stored.exceptions,
            owners: &stored.owners,
        };
        let written = export.files();
        if let Some(before) = &before {
            assert_eq!(&written, before);
        }
        files = written.clone().into_iter().collect();
        before = Some(written);
    }
    let first: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let again = resolved(&first).unwrap().schedule;
    assert_eq!(
        (again.slots.len(), again.programmes.len(), again.profiles.len()),
        (7, 10, 3)
    );
}

const MEETING: &str = r#"
[[programme]]
code = "moi-hop"
title = "Mời họp thôn"
media = "thong-bao.wav"
[[slot]]
code = "moi-hop"
programme = "moi-hop"
zones = ["xa-dong"]
at = 2026-12-02T17:05:00
max_duration = "10m"
makes_room = "move"
"#;
const QUIET: &str = "quiet = { windows = [\"05:00-08:00\", \"Mon-Sat 16:00-18:30\", \"Sun 16:00-19:00\"], minutes_a_day = 300, \
    volume = [{ from = \"06:00\", db = 0 }, { from = \"21:00\", db = -12 }] }\nlanguage = \"mnong\"\napproval = false\n";
const EVERYTHING: &str = r#"
[[programme]]
code = "tuyen-tap"
title = "Tuyển tập \"sáng\""
playlist = ["ban-tin-sang", "thong-bao.wav", "suc-khoe"]
chime = true
chime_after = true
chime_db = -6
topic = "Văn hoá"
campaign = "Chuyển đổi số 2026"
[[programme]]
code = "suc-khoe"
title = "Sức khoẻ"
series = "suc-khoe"
when_none = "nhac-chieu"
give_up_after = "10m"
[[programme]]
code = "tieng-noi"
title = "Tiếp âm"
relay = ["https://radio.example/live.mp3", "hls+https://radio.example/live.m3u8"]
fill = "nhac-chieu.flac"
silence_after = "8s"
[[programme]]
code = "phong-thu"
title = "Phòng thu"
studio = ["rtp://239.10.0.1:5004"]
[[programme]]
code = "im-lang"
title = "Giữ im lặng"
silence = true
[[slot]]
code = "tuyen-tap"
programme = "tuyen-tap"
zones = ["xa-tay"]
cron = "0 6 * * Sun#1"
max_duration = "1h"
overrun = "2m"
order = 5
except = [
  { date = 2026-12-06, time = "06:00", move_to = 2026-12-06T06:30:00, note = "nhường lễ" },
  { date = 2027-01-03, programme = "im-lang" },
  { date = 2027-02-07, max_duration = "5m" },
]
[[slot]]
code = "tiep-am"
programme = "tieng-noi"
zones = ["xa-tay"]
cron = "0 18 L * *"
every_weeks = 2
valid_from = 2026-11-30
max_duration = "30m"
overrun = "until-done"
"#;

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
            Err(told) => told,
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
        let told = resolved(&[("zones.toml", &ZONES.replacen(old, new, 1))])
            .map(|_| ())
            .unwrap_err();
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
    let sound = resolved(&[("day.toml", SOUND)]).map(|sound| self::told(&sound.warnings));
    assert_eq!(sound, Ok(String::new()), "nothing is wrong before");
    let mut text = String::new();
    for (table, key, values) in WRONG {
        for value in *values {
            let told = match resolved(&[("day.toml", &spoilt(table, key, value))]) {
                Ok(resolved) => self::told(&resolved.warnings),
                Err(told) => told,
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
