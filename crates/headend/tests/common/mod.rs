//! Stations for tests in virtual time: schedule files and media of given lengths, through the real store and planner.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_headend::planning::Planning;
use loa_model::{Approval, ApprovalState, ContentHash, Media, WallTime};
use loa_plan::{contents_of, local, read, resolve};
use loa_store::{MediaRow, Store};

pub(crate) const TZ: Tz = Tz::Asia__Ho_Chi_Minh;

/// Makes a store with media "m1", "m2" and so on, of these lengths in milliseconds; one of no length is left out.
pub(crate) fn station(database: &Path, lengths_ms: &[u64]) -> Store {
    let mut store = Store::create(database).unwrap();
    for row in rows(lengths_ms) {
        store.add_media(&row).unwrap();
    }
    store
}

fn rows(lengths_ms: &[u64]) -> impl Iterator<Item = MediaRow> {
    let numbered = (1..).zip(lengths_ms).filter(|(_, ms)| **ms > 0);
    numbered.map(|(number, ms)| row(number, *ms))
}

fn row(number: u8, ms: u64) -> MediaRow {
    MediaRow {
        media: Media {
            hash: media(number),
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
        zone: None,
        added_by: "an".into(),
        cut: None,
    }
}

/// Adds an episode of a series.
pub(crate) fn add_episode(store: &mut Store, series: &str, number: u8, ms: u64, now: WallTime) {
    let episode = MediaRow {
        added_at: now,
        series: Some(series.to_owned()),
        ..row(number, ms)
    };
    store.add_media(&episode).unwrap();
}

pub(crate) fn media(number: u8) -> ContentHash {
    ContentHash([number; 32])
}

/// Imports schedule files as `loa schedule import` does.
pub(crate) fn import(store: &mut Store, files: &[(&str, &str)], now: WallTime) {
    let named: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let planning = Planning::read(store, TZ, now).unwrap();
    let today = local::local_date(TZ, now);
    let resolved = read(&named).and_then(|files| resolve(&files, &planning.known(today)));
    let resolved = resolved.map_err(|faults| {
        let said = faults.iter().map(|fault| fault.say(loa_plan::Lang::En));
        said.collect::<Vec<_>>().join("\n")
    });
    store
        .import_schedule(&resolved.unwrap().schedule, "an", now)
        .unwrap();
}

/// Approves everything that the station's programmes sound like.
pub(crate) fn approve(store: &mut Store, now: WallTime) {
    let planning = Planning::read(store, TZ, now).unwrap();
    let programmes = &planning.rows.programmes;
    let contents = programmes
        .iter()
        .flat_map(|programme| contents_of(programme, programmes, &planning.library));
    let contents: BTreeSet<ContentHash> = contents.map(|(content, _)| content).collect();
    let steps = contents.into_iter().flat_map(|content| {
        let state = planning.approvals.get(&content).copied().unwrap_or_default();
        let way = state.way_to(ApprovalState::Approved).unwrap();
        way.iter().map(move |state| Approval {
            content,
            state: *state,
            by: "an".into(),
            at: now,
            note: String::new(),
        })
    });
    store.decide(&steps.collect::<Vec<_>>(), &[]).unwrap();
}

/// Returns the first instant of a local date.
pub(crate) fn midnight(date: NaiveDate) -> WallTime {
    local::to_wall(TZ, date.and_hms_opt(0, 0, 0).unwrap()).unwrap()
}
