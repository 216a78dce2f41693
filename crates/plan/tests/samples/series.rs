//! An episode that belongs to a zone airs there and below it, whatever its series is called.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{ContentHash, WallTime, ZoneId};
use loa_plan::{KnownLibrary, KnownMedia};

use crate::common::resolved;
use crate::stored::{Stored, stored};

type Row<'a> = (&'a [(u8, &'a str)], [&'a [u8]; 4]);

/// Returns what each zone airs of a library of these episodes: a number, newer when it is higher, and whose it is.
fn aired(stored: &Stored, episodes: &[(u8, &str)]) -> BTreeMap<String, Vec<u8>> {
    let media = |(number, zone): &(u8, &str)| KnownMedia {
        hash: ContentHash([*number; 32]),
        title: format!("tap-{number}"),
        file_name: format!("tap-{number}.mp3"),
        duration: Duration::from_secs(300),
        series: Some("suc-khoe".to_owned()),
        zone: stored.tree.by_code(zone).map(|zone| zone.id),
        added_at: WallTime::from_unix_s(i64::from(*number)),
    };
    let library = KnownLibrary::new(episodes.iter().map(media));
    let sheet = stored.sheet_of(&library, "2026-12-01", None);
    let code = |zone: ZoneId| stored.tree.get(zone).unwrap().code.clone();
    let lines = sheet.lines.iter();
    lines
        .map(|line| {
            let media = line.content.media().map(|media| media.0[0]);
            (code(line.occurrence.zone), media.collect())
        })
        .collect()
}

/// Each row: the library, and what airs of it in the district, its communes and a village of the first.
#[test]
fn an_episode_of_a_zone_counts_there_and_below() {
    let stored = stored(&resolved(&[("day.toml", DAY)]).unwrap().schedule);
    let rows: [Row<'_>; 6] = [
        (&[(1, "")], [&[1], &[1], &[1], &[1]]),
        (&[(1, "huyen")], [&[1], &[1], &[1], &[1]]),
        (&[(1, "xa-dong")], [&[], &[1], &[], &[1]]),
        (&[(1, "thon-dinh")], [&[], &[], &[], &[1]]),
        (&[(1, "xa-tay")], [&[], &[], &[1], &[]]),
        // What is newer elsewhere neither airs nor keeps what is older from airing.
        (&[(1, "huyen"), (2, "xa-tay")], [&[1], &[1], &[2], &[1]]),
    ];
    for (episodes, expected) in rows {
        let zones = ["huyen", "xa-dong", "xa-tay", "thon-dinh"].map(str::to_owned);
        let expected: BTreeMap<_, _> = zones.into_iter().zip(expected.map(<[u8]>::to_vec)).collect();
        assert_eq!(aired(&stored, episodes), expected, "{episodes:?}");
    }
}

const DAY: &str = r#"
[[zone]]
code = "huyen"
name = "Huyện"
channel = 1
[[zone]]
code = "xa-dong"
name = "Xã Đông"
parent = "huyen"
channel = 2
[[zone]]
code = "thon-dinh"
name = "Thôn Đình"
parent = "xa-dong"
channel = 3
[[zone]]
code = "xa-tay"
name = "Xã Tây"
parent = "huyen"
channel = 4
[[programme]]
code = "suc-khoe"
title = "Sức khỏe"
series = "suc-khoe"
when_none = "repeat"
[[slot]]
code = "cua-huyen"
programme = "suc-khoe"
zones = ["huyen"]
cron = "0 5 * * *"
max_duration = "10m"
[[slot]]
code = "cua-xa"
programme = "suc-khoe"
zones = ["xa-dong", "xa-tay"]
cron = "0 6 * * *"
max_duration = "10m"
[[slot]]
code = "cua-thon"
programme = "suc-khoe"
zones = ["thon-dinh"]
cron = "0 7 * * *"
max_duration = "10m"
"#;
