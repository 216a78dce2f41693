//! The day that is aired: a bulletin that is pre-empted twice, a playlist, a relay whose source is lost, a programme that
//! is dropped, an emergency, and a slot that is added while all this goes on.

use std::time::Duration;

use loa_model::{ContentHash, WallTime};
use serde::{Deserialize, Serialize};

/// 2027-01-15, 15:00:00 in Vietnam.
pub(crate) const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
pub(crate) const END_S: u64 = 215;

/// What people and the world do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    Emergency,
    SourceLost,
    Edit,
}

pub(crate) const EVENTS: [(f64, Event); 3] = [
    (60.0, Event::Emergency),
    (110.0, Event::SourceLost),
    (150.0, Event::Edit),
];

pub(crate) fn at(s: f64) -> WallTime {
    T0 + Duration::from_secs_f64(s)
}

/// Lengths of media 1 to 10, in milliseconds.
pub(crate) const LENGTHS_MS: [u64; 10] = [
    60_000, 10_000, 15_000, 5_000, 12_000, 20_000, 40_000, 10_000, 8_000, 9_000,
];

/// Whose media each is, and how far into that it begins.
pub(crate) fn part_of(media: ContentHash) -> (&'static str, Duration) {
    let (title, begins_s) = match media.0[0] {
        1 => ("bản tin", 0),
        2 => ("ca nhạc", 0),
        3 => ("ca nhạc", 10),
        4 => ("ca nhạc", 25),
        5 => ("tin nhanh", 0),
        6 => ("nhạc nền", 0),
        8 => ("tin tỉnh", 0),
        9 => ("khẩn cấp", 0),
        10 => ("thêm", 0),
        other => panic!("media {other} airs by itself nowhere"),
    };
    (title, Duration::from_secs(begins_s))
}

/// What is heard of the day, if nothing is killed.
pub(crate) const HEARD: [&str; 7] = [
    "bản tin",
    "ca nhạc",
    "khẩn cấp",
    "thêm",
    "tin nhanh",
    "tin tỉnh",
    "tiếp âm",
];

pub(crate) const RELAY: &str = "tiếp âm";
pub(crate) const RELAY_AT_S: f64 = 100.0;

pub(crate) const ZONES: &str = r#"
[[zone]]
code = "tinh"
name = "Tỉnh"
channel = 1
[[zone]]
code = "xa"
name = "Xã A"
parent = "tinh"
channel = 2
[[zone]]
code = "xb"
name = "Xã B"
parent = "tinh"
channel = 3
"#;

pub(crate) const DAY: &str = r#"
[[programme]]
code = "ban-tin"
title = "bản tin"
media = "m1"
[[programme]]
code = "ca-nhac"
title = "ca nhạc"
playlist = ["m2", "m3", "m4"]
[[programme]]
code = "tin-nhanh"
title = "tin nhanh"
media = "m5"
class = "priority"
[[programme]]
code = "nhac-nen"
title = "nhạc nền"
media = "m6"
class = "background"
pre_emption = "drop"
[[programme]]
code = "tiep-am"
title = "tiếp âm"
relay = ["http://one.example/a.mp3", "http://two.example/b.mp3"]
pre_emption = "rejoin"
[[programme]]
code = "tin-tinh"
title = "tin tỉnh"
media = "m8"
class = "priority"
[[slot]]
code = "s1"
programme = "ban-tin"
zones = ["tinh"]
at = 2027-01-15T15:00:10
max_duration = "2m"
[[slot]]
code = "s2"
programme = "ca-nhac"
zones = ["xa"]
at = 2027-01-15T15:00:20
max_duration = "2m"
[[slot]]
code = "s3"
programme = "tin-nhanh"
zones = ["tinh"]
at = 2027-01-15T15:00:30
max_duration = "2m"
[[slot]]
code = "s4"
programme = "nhac-nen"
zones = ["xa"]
at = 2027-01-15T15:00:35
max_duration = "2m"
[[slot]]
code = "s5"
programme = "tiep-am"
zones = ["xb"]
at = 2027-01-15T15:01:40
max_duration = "40s"
[[slot]]
code = "s6"
programme = "tin-tinh"
zones = ["xb"]
at = 2027-01-15T15:02:00
max_duration = "2m"
"#;

/// Imported at 150 s.
pub(crate) const ADDED: &str = r#"
[[programme]]
code = "them"
title = "thêm"
media = "m10"
[[slot]]
code = "s7"
programme = "them"
zones = ["xa"]
at = 2027-01-15T15:02:50
max_duration = "1m"
"#;
