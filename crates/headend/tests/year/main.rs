//! A year of a district in virtual time: schedule files through the store, the planner and one engine that runs all year.
//!
//! Each evening what aired is written to the as-run log, each morning the day is planned from the store, as the head-end
//! does. Storms come, relays lose their sources, episodes are made and approved.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod district;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate};
use common::{TZ, media, midnight};
use loa_headend::planning::Planning;
use loa_headend::rehearse::{Facts, Finding, air, find};
use loa_model::{
    AsRunEvent, ContentHash, DaySpan, EndReason, OccurrenceId, Origin, Reason, RelayId, RunSheetLine,
    SessionId, Sound, Verdict, WallTime,
};
use loa_plan::{Planner, utc_offset_min};
use loa_playout::{Action, ChimeInfo, Engine, EngineSettings};
use loa_store::{JournalEntry, Store};

const CHIME: ChimeInfo = ChimeInfo {
    media: ContentHash([250; 32]),
    duration: Duration::from_millis(2_345),
};

/// The engine with its time, and what it told.
struct Year {
    engine: Engine,
    lengths: BTreeMap<ContentHash, Duration>,
    /// When each occurrence took the air, each time.
    starts: BTreeMap<OccurrenceId, Vec<WallTime>>,
    /// Sessions that are on the air without a break since they took it.
    on_air: BTreeSet<SessionId>,
    ends: BTreeMap<&'static str, u32>,
    never: Vec<String>,
    /// What happens to relays, by when.
    troubles: BTreeMap<WallTime, (RelayId, Sound, Option<String>)>,
    log: Vec<JournalEntry>,
}

impl Year {
    fn new(planning: &Planning, now: WallTime) -> Self {
        let settings = settings(now);
        Self {
            engine: Engine::new(planning.tree.clone(), 1, settings, now),
            lengths: BTreeMap::from([(CHIME.media, CHIME.duration)]),
            starts: BTreeMap::new(),
            on_air: BTreeSet::new(),
            ends: BTreeMap::new(),
            never: Vec::new(),
            troubles: BTreeMap::new(),
            log: Vec::new(),
        }
    }

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
                    self.trouble(relay, now);
                }
                Action::AsRun(event) => {
                    self.take(&event);
                    self.log.push(JournalEntry::AsRun(event));
                }
                _ => {}
            }
        }
    }

    /// On one day in three a relay loses its first source and then its second, and gets the first back.
    fn trouble(&mut self, relay: RelayId, opened: WallTime) {
        if relay.0.is_multiple_of(3) {
            let minutes = |minutes: u64| opened + Duration::from_secs(60 * minutes);
            let lost = |why: &str| Some(why.to_owned());
            let fill = Sound::Fill(Some(media(8)));
            self.troubles.extend([
                (minutes(5), (relay, Sound::Source(1), lost("stalled"))),
                (minutes(11), (relay, fill, lost("silent"))),
                (minutes(17), (relay, Sound::Source(0), None)),
            ]);
        }
    }

    fn take(&mut self, event: &AsRunEvent) {
        match event {
            AsRunEvent::Started(part) => {
                if let Origin::Slot(occurrence) = part.origin
                    && self.on_air.insert(part.session)
                {
                    self.starts.entry(occurrence).or_default().push(part.at);
                }
            }
            AsRunEvent::Ended(end) => {
                assert!(!matches!(end.reason, EndReason::Fault { .. }), "{end:?}");
                *self.ends.entry(end.reason.code()).or_default() += 1;
                if matches!(end.reason, EndReason::PreEmpted { .. }) {
                    self.on_air.remove(&end.session);
                }
            }
            AsRunEvent::NotAired {
                title, reason, at, ..
            } => self.never.push(format!("{at} {title}: {reason}")),
            AsRunEvent::Delayed { .. } => {}
        }
    }

    fn run(&mut self, until: WallTime) {
        loop {
            let due = self.engine.poll_timeout();
            let trouble = self.troubles.first_key_value().map(|(at, _)| *at);
            let Some(now) = due.into_iter().chain(trouble).min().filter(|now| *now <= until) else {
                return;
            };
            self.engine.handle_timeout(now);
            if let Some((relay, sound, failed)) = self.troubles.remove(&now) {
                self.engine.handle_relay(relay, sound, failed, now);
            }
            self.obey(now);
        }
    }
}

fn settings(now: WallTime) -> EngineSettings {
    let (programme, urgent) = (Duration::from_millis(600), Duration::from_millis(200));
    EngineSettings {
        utc_offset_min: utc_offset_min(TZ, now),
        ..EngineSettings::new(Some(CHIME), programme, urgent)
    }
}

/// The station before the year begins: zones, receivers, a schedule, and everything approved.
fn station(dir: &std::path::Path, first: NaiveDate) -> Store {
    let mut store = common::station(&dir.join("loa.db"), &district::LENGTHS_MS);
    let files = [
        ("zones.toml", &*district::zones()),
        ("week.toml", &*district::week()),
    ];
    common::import(&mut store, &files, midnight(first));
    for (number, (code, zone)) in (1_u8..).zip(district::receivers()) {
        store.add_receiver(&code, &zone, &[number; 32]).unwrap();
    }
    for (from, to) in [("2027-07-20", "2027-07-22"), ("2027-09-14", "2027-09-16")] {
        let days = DaySpan {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        store.switch_on("bao", days, "an", midnight(first)).unwrap();
    }
    common::approve(&mut store, midnight(first));
    store
}

/// Works out from a line's reasons when it takes the air, each time.
fn expected(line: &RunSheetLine) -> Vec<WallTime> {
    let off_air = line.reasons.iter().filter_map(|reason| match reason {
        Reason::OffAir { from, back, .. } => Some((*from, *back)),
        _ => None,
    });
    let off_air: Vec<_> = off_air.collect();
    let waits = off_air.first().is_some_and(|(from, _)| *from == line.start);
    let at_once = (!waits).then_some(line.start);
    at_once
        .into_iter()
        .chain(off_air.into_iter().filter_map(|(_, back)| back))
        .collect()
}

#[test]
fn every_programme_of_a_year_starts_within_20_ms_of_its_plan() {
    let dir = tempfile::tempdir().unwrap();
    let first: NaiveDate = "2027-01-01".parse().unwrap();
    let mut store = station(dir.path(), first);
    assert_eq!(store.receivers().unwrap().len(), 150);
    let mut year = Year::new(
        &Planning::read(&store, TZ, midnight(first)).unwrap(),
        midnight(first),
    );
    let (mut on_time, mut shifted, mut worst_ns, mut rehearsed) = (0, 0, 0, 0);
    for day in 0..365 {
        let date = first + Days::new(day);
        let now = midnight(date);
        if day % 14 == 0 {
            let number = u8::try_from(100 + day / 14).unwrap();
            common::add_episode(&mut store, "ke-chuyen", number, district::EPISODE_MS, now);
            common::approve(&mut store, now);
        }
        let planning = Planning::read(&store, TZ, now).unwrap();
        let known = planning.library.iter().map(|media| (media.hash, media.duration));
        year.lengths.extend(known);
        let planner = Planner::new(planning.inputs());
        let sheets = [date, date + Days::new(1)].map(|date| planner.day(date).sheet);
        for sheet in &sheets {
            year.engine.handle_run_sheet(sheet, now);
        }
        year.obey(now);
        year.run(midnight(date + Days::new(1)));
        store
            .record(&std::mem::take(&mut year.log), midnight(date + Days::new(1)))
            .unwrap();

        for line in &sheets[0].lines {
            let started = year.starts.remove(&line.occurrence).unwrap_or_default();
            let expected = match line.verdict {
                Verdict::Dropped => Vec::new(),
                Verdict::Airs | Verdict::Shifts => expected(line),
            };
            assert_eq!(started.len(), expected.len(), "{date} {started:?} {line:?}");
            for (started, expected) in started.iter().zip(&expected) {
                let off_ns = started.ns_after(*expected).abs();
                assert!(off_ns <= 20_000_000, "{date} {off_ns} ns off: {line:?}");
                worst_ns = worst_ns.max(off_ns);
            }
            match line.verdict {
                Verdict::Airs => on_time += started.len(),
                Verdict::Shifts => shifted += started.len(),
                Verdict::Dropped => {}
            }
        }
        if date.day() == 20 {
            rehearsed += rehearse(&store, &planning, &planner, date);
        }
    }
    println!(
        "{on_time} starts on time and {shifted} shifted ones, worst {worst_ns} ns off; {rehearsed} findings of rehearsals; ends {:?}",
        year.ends
    );
    assert!(on_time > 13_000 && shifted > 10, "{on_time} {shifted}");
    assert_eq!(year.never, Vec::<String>::new());
    let ended = |code| year.ends.get(code).copied().unwrap_or(0);
    assert!(
        ended("source_failed") > 400 && ended("source_back") > 200,
        "{:?}",
        year.ends
    );
}

/// Rehearses a day as `loa rehearse` does, with every receiver alive; returns how much it found.
fn rehearse(store: &Store, planning: &Planning, planner: &Planner<'_>, date: NaiveDate) -> usize {
    let now = midnight(date);
    let sheets = [date - Days::new(1), date, date + Days::new(1)].map(|date| planner.day(date).sheet);
    let mut media: BTreeMap<_, _> = planning
        .library
        .iter()
        .map(|media| (media.hash, media.duration))
        .collect();
    media.insert(CHIME.media, CHIME.duration);
    let receivers = store.receivers().unwrap();
    let facts = Facts {
        receivers: receivers.iter().map(|row| (row.receiver.zone, true)).collect(),
        ..Facts::default()
    };
    let aired = air(
        &planning.tree,
        &sheets,
        &media,
        &facts,
        settings(now),
        now,
        midnight(date + Days::new(1)),
    );
    let [eve, sheet, morrow] = sheets;
    let found = find(&sheet, &[eve, morrow], &aired, &planning.tree, &facts);
    let timing = |finding: &&Finding| {
        matches!(
            finding,
            Finding::OffTime { .. }
                | Finding::NotAired { .. }
                | Finding::NoReceiver { .. }
                | Finding::Missing { .. }
        )
    };
    let wrong: Vec<_> = found.iter().filter(timing).collect();
    assert!(wrong.is_empty(), "{date} {wrong:?}");
    found.len()
}
