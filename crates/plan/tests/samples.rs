//! The commented samples in `schedules/`, planned and printed: golden run-sheets, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use chrono_tz::Tz;
use common::{WEEK, ZONES, compare, library, resolved};
use loa_model::{
    DaySpan, Profile, ProfileId, Programme, ProgrammeId, Schedule, Slot, SlotException, SlotId, Zone, ZoneId,
    ZoneTree,
};
use loa_plan::{DayInputs, Export, HeardMedia, Lang, Owners, Resolved, RunSheetText, plan_day};

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
