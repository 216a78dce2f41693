//! The commented samples in `schedules/`, planned and printed: golden run-sheets, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod again;
mod any_order;
mod approvals;
#[path = "../common/mod.rs"]
mod common;
mod export;
mod rules;
mod series;
mod stored;

use common::{WEEK, ZONES, compare};
use loa_plan::Lang;
use stored::Sample;

/// The weekly schedule alone, or with what else there is.
fn samples() -> Vec<Sample> {
    let with = |name, text: &str| {
        vec![
            ("zones.toml", ZONES.to_owned()),
            ("week.toml", WEEK.to_owned()),
            (name, text.to_owned()),
        ]
    };
    let own_days = |more: &str| with("special-days.toml", &format!("{SPECIAL_DAYS}{more}"));
    let mut week = with("", "");
    week.pop();
    let mut quiet = week.clone();
    quiet[0].1 = ZONES.replace(
        "channel = 20",
        "channel = 20\nquiet = { windows = [\"05:00-07:00\", \"16:00-17:20\"] }",
    );
    let sample = |name, files: &[_], days| Sample {
        name,
        files: files.to_vec(),
        switched_on: None,
        days,
    };
    vec![
        sample("a-wednesday", &week, &["2026-12-02"]),
        sample("a-day-with-a-one-off", &week, &["2026-12-04"]),
        sample("a-normal-week", &own_days(""), NORMAL_WEEK),
        sample("tet", &own_days(TET), TET_DAYS),
        Sample {
            switched_on: Some("bao"),
            ..sample("a-storm", &own_days(""), &["2026-12-02"])
        },
        sample(
            "three-levels-collide",
            &with("special.toml", SPECIAL),
            &["2026-12-04"],
        ),
        sample("quiet-hours", &quiet, &["2026-12-02"]),
        sample(
            "a-special-that-moves-others",
            &with("meeting.toml", MEETING),
            &["2026-12-02"],
        ),
        sample(
            "over-midnight",
            &with("night.toml", NIGHT),
            &["2026-12-02", "2026-12-03", "2026-12-04"],
        ),
        sample("leap-month", &own_days(FULL_MOON), &["2028-06-07", "2028-07-07"]),
    ]
}

#[test]
fn golden_run_sheets() {
    for sample in samples() {
        let (stored, warnings) = sample.stored();
        for (lang, code) in [(Lang::Vi, "vi"), (Lang::En, "en")] {
            let mut text = sample.printed(&stored, lang);
            assert_eq!(
                text,
                sample.printed(&stored, lang),
                "the same input, the same bytes"
            );
            for warning in &warnings {
                text.push_str(&format!("{}\n", warning.say(lang)));
            }
            compare(&format!("{}.{code}.txt", sample.name), &text);
        }
    }
}

/// Monday to Sunday. On Friday the one-off of the weekly schedule meets the music.
const NORMAL_WEEK: &[&str] = &[
    "2026-11-30",
    "2026-12-01",
    "2026-12-02",
    "2026-12-03",
    "2026-12-04",
    "2026-12-05",
    "2026-12-06",
];
/// The last day of the lunar year to the fourth of the next, which is a day like others again.
const TET_DAYS: &[&str] = &[
    "2027-02-05",
    "2027-02-06",
    "2027-02-07",
    "2027-02-08",
    "2027-02-09",
];
const SPECIAL_DAYS: &str = include_str!("../../../../schedules/special-days.toml");
/// What Tết adds: wishes on all its days, and a greeting at the turn of the year that the eve's music gives way to.
const TET: &str = r#"
[[programme]]
code = "chuc-tet"
title = "Lời chúc Tết"
media = "thong-bao.wav"
[[slot]]
code = "chuc-tet"
programme = "chuc-tet"
zones = ["huyen"]
cron = "0 8 * * *"
profile = "tet"
max_duration = "10m"
[[slot]]
code = "don-giao-thua"
programme = "nhac-tet"
zones = ["xa-dong", "xa-tay"]
at = 2027-02-05T23:30:00
max_duration = "45m"
[[slot]]
code = "giao-thua"
programme = "chuc-tet"
zones = ["huyen"]
at = 2027-02-06T00:00:00
max_duration = "10m"
"#;
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
/// The lunar year 2028 has a fifth month and a leap fifth month: the full moon of the first is the one meant.
const FULL_MOON: &str = r#"
[[profile]]
code = "ram-thang-nam"
title = "Rằm tháng Năm"
days = ["15/5 âm"]
mute = "all"
"#;
/// What runs past midnight: music that the new day interrupts, and a bulletin that the new day waits for.
const NIGHT: &str = r#"
[[programme]]
code = "nhac-khuya"
title = "Ca nhạc đêm khuya"
media = "nhac-chieu.flac"
class = "background"
pre_emption = "rejoin"
[[programme]]
code = "ban-tin-0h"
title = "Bản tin không giờ"
media = "canh-bao-bao.mp3"
[[slot]]
code = "nhac-khuya"
programme = "nhac-khuya"
zones = ["xa-dong"]
at = 2026-12-02T23:50:00
max_duration = "20m"
[[slot]]
code = "khong-gio"
programme = "ban-tin-0h"
zones = ["xa-dong"]
cron = "0 0 * * Thu,Fri"
max_duration = "5m"
[[slot]]
code = "huyen-khuya"
programme = "ban-tin-sang"
zones = ["huyen"]
at = 2026-12-03T23:50:00
max_duration = "20m"
"#;
