//! One life of a head-end in virtual time, with everything it keeps on disk: epoch, run-sheets, imports, as-run log.
//!
//! Beside it lie notes of what it would have sent and of what it promised, which outlive a kill. No time is slept.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Days;
use loa_headend::{epoch, planner, restart};
use loa_model::{BulletinClass, Command, Content, RelayId, SessionId, Sound, WallTime, ZoneId};
use loa_plan::local;
use loa_playout::{Action, Engine, EngineSettings, Feed, Start};
use loa_store::{JournalEntry, Store};
use serde::{Deserialize, Serialize};

use crate::common::{TZ, approve, import, media};
use crate::day::{END_S, EVENTS, Event, T0, at};

/// The journal writes this long after something happened: a slow disk.
pub(crate) const LATE: Duration = Duration::from_millis(200);
/// It gives a sign of life this often; the real one does eight times as often.
pub(crate) const BEAT: Duration = Duration::from_secs(4);

/// What is known of a life whatever becomes of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// It got this far.
    Now(WallTime),
    /// Somebody was told that it is done.
    Done(Event),
    /// It began to send.
    Start {
        session: SessionId,
        part: u32,
        zone: ZoneId,
        feed: Fed,
        from: WallTime,
        to: WallTime,
        /// What is sent sounds this much later.
        delay: Duration,
    },
    /// It is to end.
    Stop {
        session: SessionId,
        part: u32,
        at: WallTime,
    },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Fed {
    Media(loa_model::ContentHash, Duration),
    Relay,
}

pub(crate) struct Life {
    store: Store,
    engine: Engine,
    now: WallTime,
    notes: File,
    waiting: Vec<JournalEntry>,
    write_at: WallTime,
}

impl Life {
    /// Starts as the real one does: the log closed, the epoch raised, the engine restored, the day planned.
    pub(crate) fn start(dir: &Path, now: WallTime) -> Self {
        let notes = OpenOptions::new()
            .create(true)
            .append(true)
            .open(notes(dir))
            .unwrap();
        let mut store = Store::open(&database(dir)).unwrap();
        let alive = store.close_lost().unwrap();
        let epoch = epoch::next(&dir.join("epoch"), store.highest_epoch().unwrap()).unwrap();
        let mut engine = Engine::new(store.zones().unwrap(), epoch, settings(), now);
        restart::take_up(&mut engine, &store, alive, now).unwrap();
        let mut life = Self {
            store,
            engine,
            now,
            notes,
            waiting: Vec::new(),
            write_at: now,
        };
        life.note(&Note::Now(now));
        life.plan();
        life.obey();
        life
    }

    fn note(&mut self, note: &Note) {
        let line = serde_json::to_string(note).unwrap();
        writeln!(self.notes, "{line}").unwrap();
    }

    fn plan(&mut self) {
        let today = local::local_date(TZ, self.now);
        for date in [today, today + Days::new(1)] {
            let sheet = planner::plan(&mut self.store, TZ, date, self.now).unwrap();
            self.engine.handle_run_sheet(&sheet, self.now);
        }
    }

    fn obey(&mut self) {
        while let Some(action) = self.engine.poll_output() {
            match action {
                Action::Prepare { media } => {
                    let length = Ok(Duration::from_secs(3_600));
                    self.engine.handle_media(media, length, self.now);
                }
                Action::OpenRelay { relay, .. } => {
                    self.engine.handle_relay(relay, Sound::Source(0), None, self.now);
                }
                Action::AsRun(event) => {
                    if self.waiting.is_empty() {
                        self.write_at = self.write_at.min(self.now + LATE);
                    }
                    self.waiting.push(JournalEntry::AsRun(event));
                }
                Action::Start(start) => self.note(&started(&start)),
                Action::Stop {
                    session, part, at, ..
                } => self.note(&Note::Stop { session, part, at }),
                Action::Release { .. } | Action::CloseRelay { .. } | Action::CloseVoice { .. } => {}
            }
        }
    }

    fn run_to(&mut self, until: WallTime) {
        loop {
            let next = self
                .engine
                .poll_timeout()
                .map_or(self.write_at, |due| due.min(self.write_at));
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.note(&Note::Now(self.now));
            if self.write_at <= self.now {
                self.store.record(&self.waiting, self.now).unwrap();
                self.waiting.clear();
                self.write_at = self.now + BEAT;
            }
            self.engine.handle_timeout(self.now);
            self.obey();
        }
        self.now = self.now.max(until);
        self.note(&Note::Now(self.now));
    }

    /// Goes on to the end of the day. What somebody wants and was not done before is done at its time, or now.
    pub(crate) fn finish(&mut self, done: &[Event]) {
        for (when, event) in EVENTS {
            if done.contains(&event) {
                continue;
            }
            self.run_to(self.now.max(at(when)));
            match event {
                Event::Emergency => {
                    let command = Command::StartOverride {
                        zone: ZoneId(1),
                        title: "khẩn cấp".into(),
                        content: Content::piece(media(9), Duration::from_secs(8)),
                        class: BulletinClass::Emergency,
                        chime: false,
                        limit: Duration::from_secs(8),
                        drill: false,
                        by: "an".into(),
                    };
                    self.engine.handle_command(command, self.now).unwrap();
                }
                Event::SourceLost => {
                    let lost = Some("stalled".to_owned());
                    self.engine
                        .handle_relay(RelayId(1), Sound::Source(1), lost, self.now);
                }
                Event::Edit => {
                    import(&mut self.store, &[("them.toml", crate::day::ADDED)], self.now);
                    approve(&mut self.store, self.now);
                    self.plan();
                }
            }
            self.note(&Note::Done(event));
            self.obey();
        }
        self.run_to(T0 + Duration::from_secs(END_S));
    }
}

fn settings() -> EngineSettings {
    EngineSettings::new(None, Duration::from_millis(600), Duration::from_millis(200))
}

fn started(start: &Start) -> Note {
    Note::Start {
        session: start.session,
        part: start.part,
        zone: start.zone,
        feed: match start.feed {
            Feed::Media { media, offset } => Fed::Media(media, offset),
            Feed::Relay(_) | Feed::Voice | Feed::Silence => Fed::Relay,
        },
        from: start.at,
        to: start.ends,
        delay: settings().delay(start.class),
    }
}

pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("loa.db")
}

fn notes(dir: &Path) -> PathBuf {
    dir.join("notes")
}

/// Reads the notes of the life that ended last, and takes them away; one that was killed may have left half a line.
pub(crate) fn take_notes(dir: &Path) -> Vec<Note> {
    let text = std::fs::read_to_string(notes(dir)).unwrap_or_default();
    let _ = std::fs::remove_file(notes(dir));
    text.lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect()
}
