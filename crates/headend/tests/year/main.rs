//! A year of a district in virtual time: schedule files through the store, the planner and the engine, every day of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use loa_headend::planning::Planning;
use loa_model::{AsRunEvent, ContentHash, EndReason, Media, OccurrenceId, Origin, Sound, Verdict, WallTime};
use loa_plan::{Planner, local, read, resolve, utc_offset_min};
use loa_playout::{Action, ChimeInfo, Engine, EngineSettings};
use loa_store::{MediaRow, Store};

const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
const COMMUNES: u8 = 16;
const VILLAGES: u8 = 9;

/// One district, 16 communes and 144 villages: with six more boxes at the communes' seats, 150 receivers.
fn district() -> String {
    let mut text = String::from(
        "[[zone]]\ncode = \"huyen\"\nname = \"Huyện\"\nchannel = 1\n\
         quiet = { windows = [\"04:45-22:00\"], volume = [{ from = \"06:00\", db = 0 }, { from = \"21:00\", db = -12 }] }\n",
    );
    for commune in 1..=COMMUNES {
        let channel = u16::from(commune) * 100;
        writeln!(
            text,
            "[[zone]]\ncode = \"xa-{commune}\"\nname = \"Xã {commune}\"\nparent = \"huyen\"\nchannel = {channel}"
        )
        .unwrap();
        for village in 1..=VILLAGES {
            let channel = channel + u16::from(village);
            writeln!(
                text,
                "[[zone]]\ncode = \"thon-{commune}-{village}\"\nname = \"Thôn {village}\"\nparent = \"xa-{commune}\"\nchannel = {channel}"
            )
            .unwrap();
        }
    }
    text
}

/// What a week sounds like, Tết, a storm now and then, and a special each month.
fn week() -> String {
    let mut text = String::from(
        r#"
[[programme]]
code = "ban-tin"
title = "Bản tin huyện"
media = "m1"
class = "priority"
chime = true
[[programme]]
code = "tiep-am"
title = "Tiếp âm đài tỉnh"
relay = ["http://radio.example/live.mp3"]
fill = "m9"
[[programme]]
code = "nhac"
title = "Ca nhạc"
playlist = ["m2", "m3", "m4"]
class = "background"
pre_emption = "rejoin"
chime_after = true
[[programme]]
code = "nhac-xuan"
title = "Nhạc xuân"
media = "m5"
class = "background"
[[programme]]
code = "chuyen-muc"
title = "Chuyên mục"
media = "m6"
[[programme]]
code = "dai-hoi"
title = "Đại hội"
media = "m7"
class = "priority"
[[profile]]
code = "tet"
title = "Tết"
days = ["30/12..3/1 âm"]
replace = { nhac-chieu = "nhac-xuan" }
mute = ["tiep-am"]
[[profile]]
code = "quoc-khanh"
title = "Quốc khánh"
days = ["2/9"]
mute_class = "background"
[[slot]]
code = "sang"
programme = "ban-tin"
zones = ["huyen"]
cron = "0 5 * * Mon-Sat"
max_duration = "15m"
[[slot]]
code = "tiep-am"
programme = "tiep-am"
zones = ["huyen"]
cron = "30 5,17 * * *"
max_duration = "30m"
[[slot]]
code = "nhac-chieu"
programme = "nhac"
zones = ["huyen"]
cron = "0 16 * * *"
max_duration = "20m"
"#,
    );
    for commune in 1..=COMMUNES {
        // Each commune has its own minute, and its own days.
        let minute = commune % 20;
        write!(
            text,
            r#"
[[slot]]
code = "xa-{commune}-sang"
programme = "chuyen-muc"
zones = ["xa-{commune}"]
cron = "{minute} 7 * * Mon-Fri"
max_duration = "10m"
overrun = "2m"
[[slot]]
code = "xa-{commune}-chieu"
programme = "chuyen-muc"
zones = ["thon-{commune}-1", "thon-{commune}-2", "thon-{commune}-9"]
cron = "{minute} 18 * * Tue,Thu,Sat"
max_duration = "15m"
[[slot]]
code = "xa-{commune}-cuoi-thang"
programme = "nhac"
zones = ["xa-{commune}"]
cron = "30 19 L * *"
max_duration = "15m"
"#
        )
        .unwrap();
    }
    for month in 1..=12 {
        write!(
            text,
            r#"
[[slot]]
code = "dai-hoi-{month}"
programme = "dai-hoi"
zones = ["huyen"]
at = 2027-{month:02}-11T16:05:00
max_duration = "10m"
makes_room = "move"
"#
        )
        .unwrap();
    }
    text
}

/// Lengths in milliseconds: nothing falls on a whole second.
fn media() -> Vec<MediaRow> {
    let lengths_ms = [
        0, 612_340, 301_777, 255_013, 190_450, 1_199_999, 655_001, 543_210, 0, 30_000,
    ];
    let row = |(number, ms): (usize, &u64)| MediaRow {
        media: Media {
            hash: ContentHash([u8::try_from(number).unwrap(); 32]),
            title: format!("m{number}"),
            format: "mp3".into(),
            samples: ms * 48,
            loudness_lufs: Some(-16.0),
            true_peak_dbtp: -3.0,
            gain_db: 0.0,
            bitrate: 32_000,
            encoded_bytes: 4_000,
        },
        file_name: format!("m{number}.mp3"),
        added_at: WallTime::from_unix_s(1_700_000_000),
        series: None,
    };
    lengths_ms
        .iter()
        .enumerate()
        .filter(|(_, ms)| **ms > 0)
        .map(row)
        .collect()
}

/// The engine with its time, and what it told.
struct Year {
    engine: Engine,
    lengths: BTreeMap<ContentHash, Duration>,
    starts: BTreeMap<OccurrenceId, WallTime>,
    ends: BTreeMap<&'static str, u32>,
    never: Vec<String>,
}

impl Year {
    fn obey(&mut self, now: WallTime) {
        while let Some(action) = self.engine.poll_output() {
            match action {
                Action::Prepare { media } => {
                    let length = self.lengths.get(&media).copied();
                    self.engine
                        .handle_media(media, length.ok_or_else(|| "not there".to_owned()), now);
                }
                Action::OpenRelay { relay, .. } => {
                    self.engine.handle_relay(relay, Sound::Source(0), None, now);
                }
                Action::AsRun(AsRunEvent::Started(part)) => {
                    if let Origin::Slot(occurrence) = part.origin {
                        self.starts.entry(occurrence).or_insert(part.at);
                    }
                }
                Action::AsRun(AsRunEvent::Ended(end)) => {
                    assert!(!matches!(end.reason, EndReason::Fault { .. }), "{end:?}");
                    *self.ends.entry(end.reason.code()).or_default() += 1;
                }
                Action::AsRun(AsRunEvent::NotAired {
                    title, reason, at, ..
                }) => {
                    self.never.push(format!("{at} {title}: {reason}"));
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, until: WallTime) {
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) {
            self.engine.handle_timeout(due);
            self.obey(due);
        }
    }
}

#[test]
fn every_programme_of_a_year_starts_within_20_ms_of_its_plan() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
    for row in media() {
        store.add_media(&row).unwrap();
    }
    let first: NaiveDate = "2027-01-01".parse().unwrap();
    let midnight = |date: NaiveDate| local::to_wall(TZ, date.and_hms_opt(0, 0, 0).unwrap()).unwrap();
    let files = [("zones.toml", district()), ("week.toml", week())];
    let named: Vec<_> = files.map(|(name, text)| (name.to_owned(), text)).into();
    let planning = Planning::read(&store, TZ, midnight(first)).unwrap();
    let resolved = read(&named).and_then(|files| resolve(&files, &planning.known(first)));
    let resolved = resolved.map_err(|faults| {
        faults
            .iter()
            .map(|fault| fault.say(loa_plan::Lang::En))
            .collect::<Vec<_>>()
            .join("\n")
    });
    store
        .import_schedule(&resolved.unwrap().schedule, "an", midnight(first))
        .unwrap();
    let planning = Planning::read(&store, TZ, midnight(first)).unwrap();
    let inputs = loa_plan::DayInputs {
        approvals: None,
        ..planning.inputs()
    };
    let planner = Planner::new(inputs);

    let chime = ChimeInfo {
        media: ContentHash([99; 32]),
        duration: Duration::from_millis(2_345),
    };
    let settings = EngineSettings {
        utc_offset_min: utc_offset_min(TZ, midnight(first)),
        ..EngineSettings::new(
            Some(chime),
            Duration::from_millis(600),
            Duration::from_millis(200),
        )
    };
    let mut lengths: BTreeMap<_, _> = media()
        .iter()
        .map(|row| (row.media.hash, row.media.duration()))
        .collect();
    lengths.insert(chime.media, chime.duration);
    let mut year = Year {
        engine: Engine::new(planning.tree.clone(), 1, settings, midnight(first)),
        lengths,
        starts: BTreeMap::new(),
        ends: BTreeMap::new(),
        never: Vec::new(),
    };
    let (mut planned, mut worst_ns, mut shifted) = (0, 0, 0);
    for day in 0..365 {
        let date = first + Days::new(day);
        let today = planner.day(date).sheet;
        for sheet in [&today, &planner.day(date + Days::new(1)).sheet] {
            year.engine.handle_run_sheet(sheet, midnight(date));
        }
        year.run(midnight(date + Days::new(1)));
        for line in &today.lines {
            let started = year.starts.get(&line.occurrence).copied();
            match line.verdict {
                Verdict::Dropped => assert_eq!(started, None, "{date} {line:?}"),
                Verdict::Shifts => shifted += 1,
                Verdict::Airs => {
                    let started = started.unwrap_or_else(|| panic!("{date} never started: {line:?}"));
                    let off_ns = started.ns_after(line.start).abs();
                    assert!(off_ns <= 20_000_000, "{date} {off_ns} ns off: {line:?}");
                    worst_ns = worst_ns.max(off_ns);
                    planned += 1;
                }
            }
        }
        year.starts.clear();
    }
    println!(
        "{planned} starts, {shifted} shifted, worst {worst_ns} ns off, ends {:?}",
        year.ends
    );
    assert!(planned > 13_000, "{planned}");
    assert_eq!(year.never, Vec::<String>::new());
}
