//! The demo's day: what airs, counted in seconds from its beginning.

use std::fmt::Write as _;

use chrono::TimeDelta;
use loa_model::WallTime;

/// One programme of the day, aired once.
struct Airing {
    code: &'static str,
    title: &'static str,
    /// Title in the library: the name of the file in `schedules/demo/audio`.
    media: &'static str,
    zone: &'static str,
    class: &'static str,
    chime: bool,
    start_s: i64,
    limit_s: i64,
}

/// The province speaks to all; each commune to its own; a village to its own.
const DAY: [Airing; 4] = [
    Airing {
        code: "ban-tin-tinh",
        title: "Bản tin của tỉnh",
        media: "ban-tin-tinh",
        zone: "tinh",
        class: "priority",
        chime: true,
        start_s: 0,
        limit_s: 11,
    },
    Airing {
        code: "chuyen-muc-xa-a",
        title: "Chuyên mục của xã A",
        media: "chuyen-muc-xa-a",
        zone: "xa-a",
        class: "normal",
        chime: false,
        start_s: 12,
        limit_s: 12,
    },
    Airing {
        code: "xa-b",
        title: "Chương trình của xã B",
        media: "xa-b",
        zone: "xa-b",
        class: "normal",
        chime: false,
        start_s: 12,
        limit_s: 60,
    },
    Airing {
        code: "thong-bao-thon-3",
        title: "Thông báo của thôn 3",
        media: "thong-bao",
        zone: "thon-3",
        class: "normal",
        chime: false,
        start_s: 27,
        limit_s: 60,
    },
];

/// When the officer of commune A presses the button.
pub(super) const EMERGENCY_S: i64 = 16;
/// What is aired then, by its title in the library, and where.
pub(super) const EMERGENCY: (&str, &str) = ("khan-cap", "xa-a");
/// The day is over, and everything that was interrupted with it.
pub(super) const OVER_S: i64 = 36;
/// From the planning of the day to its beginning: the chime, and time to get the first packets out.
pub(super) const LEAD_S: i64 = 6;
/// Every file of the demo, in every format that is accepted.
pub(super) const AUDIO: [&str; 7] = [
    "ban-tin-tinh.mp3",
    "chuyen-muc-xa-a.m4a",
    "xa-b.flac",
    "thon.ogg",
    "nhac-nen.opus",
    "khan-cap.wav",
    "thong-bao.aiff",
];

/// Writes the day as a schedule file, beginning at `begin`; music fills the time until `until_s`.
pub(super) fn schedule(begin: WallTime, until_s: i64) -> String {
    let mut text = String::from(
        "# Một ngày phát thanh trong chưa đầy một phút. / A day of commune radio in less than a minute.\n",
    );
    for Airing {
        code,
        title,
        media,
        zone,
        class,
        chime,
        start_s,
        limit_s,
    } in DAY
    {
        let _ = write!(
            text,
            "\n[[programme]]\ncode = \"{code}\"\ntitle = \"{title}\"\nmedia = \"{media}\"\nclass = \"{class}\"\n\
             chime = {chime}\n[[slot]]\ncode = \"{code}\"\nprogramme = \"{code}\"\nzones = [\"{zone}\"]\n\
             at = {}\nmax_duration = \"{limit_s}s\"\n",
            local(begin, start_s)
        );
    }
    if until_s > OVER_S + MUSIC_S {
        text.push_str(
            "\n[[programme]]\ncode = \"nhac-nen\"\ntitle = \"Nhạc nền\"\nmedia = \"nhac-nen\"\nclass = \"background\"\n",
        );
        for (count, start_s) in (OVER_S..until_s - MUSIC_S)
            .step_by(usize::try_from(MUSIC_S).unwrap_or(1))
            .enumerate()
        {
            let _ = write!(
                text,
                "[[slot]]\ncode = \"nhac-nen-{count}\"\nprogramme = \"nhac-nen\"\nzones = [\"tinh\"]\nat = {}\nmax_duration = \"1m\"\n",
                local(begin, start_s)
            );
        }
    }
    text
}

/// Prints an instant as schedule files have it, in Vietnam's time, which is the configured one.
fn local(begin: WallTime, s: i64) -> String {
    let utc = chrono::DateTime::from_timestamp_nanos(begin.as_unix_ns()) + TimeDelta::seconds(s);
    utc.with_timezone(&chrono_tz::Asia::Ho_Chi_Minh)
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string()
}

/// A little longer than the piece of music.
const MUSIC_S: i64 = 17;
