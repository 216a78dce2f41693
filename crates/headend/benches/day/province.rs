//! A province of 100 communes of 19 villages, and what airs there in a week.

use std::fmt::Write as _;

const COMMUNES: u16 = 100;
const VILLAGES: u16 = 19;
pub(crate) const ZONES: u16 = 1 + COMMUNES * (VILLAGES + 1);
pub(crate) const SLOTS: u16 = 5_000;
const PROGRAMMES: u16 = 50;

/// Lengths of the media in milliseconds.
pub(crate) fn lengths_ms() -> Vec<u64> {
    (0..u64::from(PROGRAMMES))
        .map(|number| 300_000 + number * 1_357)
        .collect()
}

/// The zones: every tenth commune has quiet hours of its own, every fourth of those counts its minutes.
pub(crate) fn zones() -> String {
    let mut text = String::from(
        "[[zone]]\ncode = \"tinh\"\nname = \"Tỉnh\"\nchannel = 1\n\
         quiet = { windows = [\"04:45-22:00\"], volume = [{ from = \"06:00\", db = 0 }, { from = \"21:00\", db = -12 }] }\n",
    );
    for commune in 0..COMMUNES {
        let channel = 2 + commune * (VILLAGES + 1);
        let quiet = match (commune % 10, commune % 40) {
            (0, 0) => "quiet = { windows = [\"05:00-21:00\"], minutes_a_day = 240 }\n",
            (0, _) => "quiet = { windows = [\"05:00-21:00\"] }\n",
            _ => "",
        };
        put(
            &mut text,
            format_args!(
                "[[zone]]\ncode = \"xa-{commune}\"\nname = \"Xã {commune}\"\nparent = \"tinh\"\nchannel = {channel}\n{quiet}"
            ),
        );
        for village in 1..=VILLAGES {
            let channel = channel + village;
            put(
                &mut text,
                format_args!(
                    "[[zone]]\ncode = \"thon-{commune}-{village}\"\nname = \"Thôn {village}\"\nparent = \"xa-{commune}\"\nchannel = {channel}\n"
                ),
            );
        }
    }
    text
}

/// Each zone's own few slots, most of them at the hours at which everybody airs; a series, a relay, special days, and
/// what is cancelled once.
pub(crate) fn week() -> String {
    let mut text = String::from(
        r#"
[[programme]]
code = "tiep-am"
title = "Tiếp âm"
relay = ["http://one.example/live.mp3", "http://two.example/live.mp3"]
fill = "m1"
[[programme]]
code = "ke-chuyen"
title = "Kể chuyện"
series = "ke-chuyen"
when_none = "repeat"
[[programme]]
code = "ca-nhac"
title = "Ca nhạc"
playlist = ["m1", "m2", "m3"]
class = "background"
pre_emption = "rejoin"
[[profile]]
code = "bao"
title = "Bão"
mute_class = "background"
[[profile]]
code = "tet"
title = "Tết"
days = ["30/12..3/1 âm"]
mute_class = "background"
"#,
    );
    for number in 1..=PROGRAMMES {
        put(
            &mut text,
            format_args!(
                "[[programme]]\ncode = \"p{number}\"\ntitle = \"Programme {number}\"\nmedia = \"m{number}\"\n"
            ),
        );
    }
    for number in 1..=SLOTS {
        // Which programme, zone, hour and days go round at different paces.
        let programme = match number % 25 {
            0 => "tiep-am".to_owned(),
            1 => "ke-chuyen".to_owned(),
            2 | 3 => "ca-nhac".to_owned(),
            _ => format!("p{}", 1 + number % PROGRAMMES),
        };
        let zone = zone(number % ZONES);
        let (minute, hour) = (number % 12 * 5, [5, 6, 11, 17, 18][usize::from(number % 5)]);
        let days = ["*", "Mon-Fri", "Tue,Thu,Sat", "Mon-Sat"][usize::from(number % 4)];
        let class = if number % 7 == 0 {
            "class = \"priority\"\n"
        } else {
            ""
        };
        put(
            &mut text,
            format_args!(
                "[[slot]]\ncode = \"s{number}\"\nprogramme = \"{programme}\"\nzones = [\"{zone}\"]\n\
                 cron = \"{minute} {hour} * * {days}\"\nmax_duration = \"15m\"\n{class}"
            ),
        );
        if number % 100 == 4 {
            text.push_str("except = [{ date = 2026-12-01, note = \"họp xã\" }]\n");
        }
    }
    text
}

fn zone(number: u16) -> String {
    match number.checked_sub(1) {
        None => "tinh".to_owned(),
        Some(below) => match (below / (VILLAGES + 1), below % (VILLAGES + 1)) {
            (commune, 0) => format!("xa-{commune}"),
            (commune, village) => format!("thon-{commune}-{village}"),
        },
    }
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("memory");
}

/// What somebody changes, and the file that does.
pub(crate) const EDITS: [(&str, &str); 2] = [
    (
        "after an edit of a daily slot of a village",
        "[[slot]]\ncode = \"sua\"\nprogramme = \"p7\"\nzones = [\"thon-50-7\"]\ncron = \"7 9 * * *\"\nmax_duration = \"15m\"\n",
    ),
    (
        "after an edit of a slot of one day",
        "[[slot]]\ncode = \"sua\"\nprogramme = \"p7\"\nzones = [\"thon-50-7\"]\nat = 2026-12-05T09:07:00\nmax_duration = \"15m\"\n",
    ),
];
