//! The district: its zones, its receivers, its media, and what airs there.

use std::fmt::Write as _;

const COMMUNES: u8 = 16;
const VILLAGES: u8 = 9;

/// Lengths of media 1 to 9 in milliseconds: nothing falls on a whole second.
pub(crate) const LENGTHS_MS: [u64; 9] = [
    612_340, 301_777, 255_013, 190_450, 1_199_999, 655_001, 543_210, 30_000, 95_123,
];
/// Episodes of the series, one a fortnight; each is media 100 and so on.
pub(crate) const EPISODE_MS: u64 = 701_234;

/// Each receiver and its zone: one in each village, and six at seats of communes.
pub(crate) fn receivers() -> Vec<(String, String)> {
    let villages = (1..=COMMUNES).flat_map(|commune| (1..=VILLAGES).map(move |village| (commune, village)));
    let in_village = |(commune, village)| {
        (
            format!("loa-{commune}-{village}"),
            format!("thon-{commune}-{village}"),
        )
    };
    let seats = (1..=6).map(|commune| (format!("loa-{commune}"), format!("xa-{commune}")));
    villages.map(in_village).chain(seats).collect()
}

/// One district, 16 communes and 144 villages: with six more boxes at the communes' seats, 150 receivers.
pub(crate) fn zones() -> String {
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
pub(crate) fn week() -> String {
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
relay = ["http://radio.example/live.mp3", "http://reserve.example/live.mp3"]
fill = "m8"
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
[[programme]]
code = "ke-chuyen"
title = "Kể chuyện"
series = "ke-chuyen"
when_none = "repeat"
[[programme]]
code = "tin-bao"
title = "Tin bão"
media = "m9"
class = "priority"
chime = true
[[profile]]
code = "bao"
title = "Bão"
mute = ["nhac-chieu", "ke-chuyen"]
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
code = "tin-bao"
programme = "tin-bao"
zones = ["huyen"]
cron = "5 6-20 * * *"
profile = "bao"
max_duration = "10m"
[[slot]]
code = "ke-chuyen"
programme = "ke-chuyen"
zones = ["huyen"]
cron = "15 20 * * Sun"
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
