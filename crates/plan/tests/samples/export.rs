//! Schedules written out as files, and read again.

use loa_plan::Export;

use crate::SPECIAL_DAYS;
use crate::common::{WEEK, ZONES, library, resolved};
use crate::stored::stored;

/// What is written out reads back as the same schedule, and is written out the same again.
#[test]
fn an_exported_schedule_reads_back_as_itself() {
    let all = [
        (
            "zones.toml",
            ZONES.replace("channel = 20", &format!("channel = 20\n{QUIET}")),
        ),
        (
            "week.toml",
            format!(
                "{}\n{EVERYTHING}",
                WEEK.replace(MEDIA, &format!("{MEDIA}\n{LANGUAGES}"))
            ),
        ),
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

const QUIET: &str = "quiet = { windows = [\"05:00-08:00\", \"Mon-Sat 16:00-18:30\", \"Sun 16:00-19:00\"], minutes_a_day = 300, \
    volume = [{ from = \"06:00\", db = 0 }, { from = \"21:00\", db = -12 }] }\nlanguage = \"mnong\"\napproval = false\n";
/// A programme of the week, and its versions: the second in a language that no zone can be set to.
const MEDIA: &str = "media = \"chuyen-muc-xa.m4a\"";
const LANGUAGES: &str = "languages = { mnong = \"thong-bao.wav\", \"tày\" = \"nhac-chieu.flac\" }";
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
