//! The commented samples in `schedules/`, planned and printed: golden run-sheets, byte for byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p loa-plan` writes them anew; look at the difference before committing it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use loa_model::{
    ContentHash, Programme, ProgrammeId, Schedule, Slot, SlotException, SlotId, Source, Zone, ZoneId,
    ZoneTree,
};
use loa_plan::{DayInputs, Known, KnownMedia, Lang, Resolved, RunSheetText, plan_day, read, resolve};

const ZONES: &str = include_str!("../../../schedules/zones.toml");
const WEEK: &str = include_str!("../../../schedules/week.toml");
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

fn media() -> Vec<KnownMedia> {
    let files = [
        ("ban-tin-sang.mp3", 1_500),
        ("chuyen-muc-xa.m4a", 1_200),
        ("nhac-chieu.flac", 2_400),
        ("thong-bao.wav", 600),
    ];
    let media = |(i, (name, s)): (usize, &(&str, u64))| KnownMedia {
        hash: ContentHash([u8::try_from(i).unwrap() + 1; 32]),
        title: name.split('.').next().unwrap().to_owned(),
        file_name: (*name).to_owned(),
        duration: Duration::from_secs(*s),
    };
    files.iter().enumerate().map(media).collect()
}

fn resolved(files: &[(&str, &str)]) -> Result<Resolved, String> {
    let named: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let known = Known {
        zones: &ZoneTree::default(),
        media: &media(),
        programmes: &[],
        slots: &[],
        exceptions: &[],
        files: &BTreeMap::new(),
        tz: Tz::Asia__Ho_Chi_Minh,
        today: "2026-11-30".parse().unwrap(),
    };
    let told = |faults: Vec<loa_plan::Diagnostic>| {
        faults
            .iter()
            .map(|fault| format!("{fault}\n"))
            .collect::<String>()
    };
    read(&named)
        .and_then(|files| resolve(&files, &known))
        .map_err(told)
}

/// What the store would give back after importing the schedule.
fn stored(schedule: &Schedule) -> (ZoneTree, Vec<Programme>, Vec<Slot>, Vec<SlotException>) {
    let zone_id = |code: &str| {
        let at = schedule.zones.iter().position(|zone| zone.code == code).unwrap();
        ZoneId(i64::try_from(at).unwrap() + 1)
    };
    let zones = schedule.zones.iter().map(|zone| Zone {
        id: zone_id(&zone.code),
        code: zone.code.clone(),
        name: zone.name.clone(),
        parent: zone.parent.as_deref().map(zone_id),
        channel: zone.channel,
    });
    let programmes: Vec<_> = (1..)
        .zip(&schedule.programmes)
        .map(|(id, new)| Programme {
            id: ProgrammeId(id),
            code: new.code.clone(),
            title: new.title.clone(),
            source: Source::Asset(new.media),
            class: new.class,
            chime: new.chime,
            pre_emption: new.pre_emption,
        })
        .collect();
    let slots: Vec<_> = (1..)
        .zip(&schedule.slots)
        .map(|(id, new)| Slot {
            id: SlotId(id),
            code: new.code.clone(),
            programme: programmes
                .iter()
                .find(|programme| programme.code == new.programme)
                .unwrap()
                .id,
            zones: new.zones.iter().map(|code| zone_id(code)).collect(),
            recurrence: new.recurrence.clone(),
            valid_from: new.valid_from,
            valid_to: new.valid_to,
            class: new.class,
            max_duration: new.max_duration,
        })
        .collect();
    let exceptions = schedule.exceptions.iter().map(|new| SlotException {
        slot: slots.iter().find(|slot| slot.code == new.slot).unwrap().id,
        date: new.date,
        change: new.change,
        note: new.note.clone(),
    });
    let exceptions = exceptions.collect();
    (
        ZoneTree::new(zones.collect()).unwrap(),
        programmes,
        slots,
        exceptions,
    )
}

fn printed(files: &[(&str, &str)], date: &str, lang: Lang) -> String {
    let Resolved { schedule, warnings } = resolved(files).unwrap();
    let (tree, programmes, slots, exceptions) = stored(&schedule);
    let tz = Tz::Asia__Ho_Chi_Minh;
    let lengths = media()
        .into_iter()
        .map(|media| (media.hash, media.duration))
        .collect();
    let inputs = DayInputs {
        tree: &tree,
        programmes: &programmes,
        media: &lengths,
        slots: &slots,
        exceptions: &exceptions,
        tz,
    };
    let plan = plan_day(&inputs, date.parse().unwrap());
    assert!(plan.faults.is_empty(), "{:?}", plan.faults);
    let mut text = RunSheetText {
        lang,
        tz,
        tree: &tree,
        zone: None,
    }
    .render(&plan.sheet);
    for warning in warnings {
        text.push_str(&format!("{warning}\n"));
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
    let days = [
        ("a-wednesday", week, "2026-12-02"),
        ("a-day-with-a-one-off", week, "2026-12-04"),
        ("tet-eve", week, "2027-02-05"),
        ("three-levels-collide", special, "2026-12-04"),
    ];
    for (name, files, date) in days {
        compare(&format!("{name}.vi.txt"), &printed(files, date, Lang::Vi));
        compare(&format!("{name}.en.txt"), &printed(files, date, Lang::En));
    }
}

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
            Ok(resolved) => resolved
                .warnings
                .iter()
                .map(|warning| format!("{warning}\n"))
                .collect(),
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
