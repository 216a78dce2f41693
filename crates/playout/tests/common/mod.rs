//! A station in virtual time: lines and commands in, the as-run log out as text.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod check;
pub(crate) mod life;
pub(crate) mod lives;
pub(crate) mod script;
pub(crate) mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Channel, Chime, Command, CommandDone, Content, ContentHash, ORDER_DEFAULT,
    OccurrenceId, Origin, PartStarted, PreEmption, Reason, Refusal, RunSheet, RunSheetLine, SessionId,
    SlotId, Verdict, WallTime, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use loa_playout::{Action, ChimeInfo, Engine, EngineSettings, LastPart, Stretch};

/// Number of the chime's media.
pub(crate) const CHIME: i64 = 99;

/// Time zero of every script.
pub(crate) const T0: WallTime = WallTime::from_unix_s(1_800_000_000);

/// Province 1, communes 2 and 4, villages 3 (in 2) and 5 (in 4).
pub(crate) fn tree() -> ZoneTree {
    let parents = [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(1)), (5, Some(4))];
    let zone = |(id, parent): (i64, Option<i64>)| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Zone {id}"),
        parent: parent.map(ZoneId),
        channel: Channel(u16::try_from(id).unwrap()),
        settings: ZoneSettings::default(),
    };
    ZoneTree::new(parents.into_iter().map(zone).collect()).unwrap()
}

pub(crate) fn settings() -> EngineSettings {
    let chime = ChimeInfo {
        media: media(CHIME),
        duration: Duration::from_secs(2),
    };
    EngineSettings::new(
        Some(chime),
        Duration::from_millis(600),
        Duration::from_millis(200),
    )
}

pub(crate) fn media(number: i64) -> ContentHash {
    ContentHash([u8::try_from(number).unwrap(); 32])
}

pub(crate) fn at(s: f64) -> WallTime {
    T0.offset_ns((s * 1e9) as i64)
}

/// A line in zone `zone`, at `start` seconds, of `duration` seconds; its slot has the number of its media.
pub(crate) fn line(slot: i64, zone: i64, start: f64, duration: f64, class: BulletinClass) -> RunSheetLine {
    let start = at(start);
    RunSheetLine {
        number: u32::try_from(slot).unwrap(),
        occurrence: OccurrenceId {
            slot: SlotId(slot),
            zone: ZoneId(zone),
            start,
        },
        slot: format!("p{slot}"),
        title: format!("p{slot}"),
        content: Content::piece(media(slot), Duration::from_secs_f64(duration)),
        duration: Duration::from_secs_f64(duration),
        cut: false,
        class,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start,
        verdict: Verdict::Airs,
        reasons: vec![Reason::Scheduled { rule: "test".into() }],
    }
}

pub(crate) fn sheet(lines: Vec<RunSheetLine>) -> RunSheet {
    RunSheet {
        number: 1,
        date: "2027-01-15".parse().unwrap(),
        lines,
    }
}

/// An engine with its own time, whose media loads at once unless held back.
pub(crate) struct Station {
    pub(crate) engine: Engine,
    pub(crate) now: WallTime,
    /// Media that is not loaded when asked for.
    pub(crate) slow: BTreeSet<ContentHash>,
    /// Everything it did, with the time at which it did it.
    pub(crate) actions: Vec<(WallTime, Action)>,
    asked: BTreeSet<ContentHash>,
}

impl Station {
    pub(crate) fn new(epoch: u32, start: f64) -> Self {
        Self::with(settings(), epoch, start)
    }

    pub(crate) fn with(settings: EngineSettings, epoch: u32, start: f64) -> Self {
        let engine = Engine::new(tree(), epoch, settings, at(start));
        Self {
            engine,
            now: at(start),
            slow: BTreeSet::new(),
            actions: Vec::new(),
            asked: BTreeSet::new(),
        }
    }

    pub(crate) fn plan(&mut self, lines: Vec<RunSheetLine>) {
        self.engine.handle_run_sheet(&sheet(lines), self.now);
        self.drain();
    }

    /// Runs to `s`, stopping wherever the engine asks to be woken.
    pub(crate) fn run(&mut self, s: f64) {
        self.run_to(at(s));
    }

    pub(crate) fn run_to(&mut self, until: WallTime) {
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) {
            assert!(
                due > self.now || self.engine.poll_timeout() != Some(self.now),
                "woken again and again"
            );
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            assert!(
                self.engine.poll_timeout().is_none_or(|next| next > due),
                "the same timeout twice"
            );
            self.drain();
        }
        self.now = self.now.max(until);
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<CommandDone, Refusal> {
        let done = self.engine.handle_command(command, self.now);
        self.drain();
        done
    }

    /// Starts an override with media `number` and returns its session.
    pub(crate) fn start_override(
        &mut self,
        zone: i64,
        number: i64,
        class: BulletinClass,
        duration: f64,
    ) -> SessionId {
        let duration = Duration::from_secs_f64(duration);
        let command = Command::StartOverride {
            zone: ZoneId(zone),
            title: format!("o{number}"),
            content: Content::piece(media(number), duration),
            class,
            chime: false,
            limit: Duration::from_secs(3_600),
            drill: false,
            by: "op".into(),
        };
        match self.command(command) {
            Ok(CommandDone::OverrideStarted { session, .. }) => session,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn stop(&mut self, session: SessionId) {
        self.command(Command::Stop {
            session,
            by: "op".into(),
        })
        .unwrap();
    }

    pub(crate) fn load(&mut self, number: i64, ready: Result<f64, &str>) {
        let ready = ready.map(Duration::from_secs_f64).map_err(str::to_owned);
        if ready.is_err() {
            // It may be asked for again.
            self.asked.remove(&media(number));
        }
        self.engine.handle_media(media(number), ready, self.now);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.engine.poll_output() {
            if let Action::Prepare { media } = action {
                assert!(self.asked.insert(media), "asked twice for the same media");
                if !self.slow.contains(&media) {
                    self.engine
                        .handle_media(media, Ok(Duration::from_secs(3_600)), self.now);
                }
            }
            if let Action::Release { media } = action {
                self.asked.remove(&media);
            }
            self.actions.push((self.now, action));
        }
    }

    /// Returns the as-run log: `p1@10.0+0.0..20.0+10.0 completed`, one part after another in order of their start.
    pub(crate) fn log(&self) -> String {
        let mut open = BTreeMap::new();
        let mut parts = Vec::new();
        for (_, action) in &self.actions {
            match action {
                Action::AsRun(AsRunEvent::Started(part)) => {
                    let before = open.insert((part.session, part.part), part.clone());
                    assert!(before.is_none(), "started twice: {part:?}");
                }
                Action::AsRun(AsRunEvent::Ended(end)) => {
                    let part = open
                        .remove(&(end.session, end.part))
                        .expect("an end without a start");
                    let reason = end.reason.code();
                    parts.push((
                        part.at,
                        format!(
                            "{}@{:.2}+{:.2}..{:.2}+{:.2} {reason}",
                            part.title,
                            s(part.at),
                            part.media_offset.as_secs_f64(),
                            s(end.at),
                            end.media_offset.as_secs_f64(),
                        ),
                    ));
                }
                Action::AsRun(AsRunEvent::NotAired {
                    title,
                    occurrence,
                    reason,
                    ..
                }) => {
                    parts.push((occurrence.start, format!("{title} not aired: {reason}")));
                }
                _ => {}
            }
        }
        parts.extend(open.values().map(|part| {
            (
                part.at,
                format!(
                    "{}@{:.2}+{:.2}..",
                    part.title,
                    s(part.at),
                    part.media_offset.as_secs_f64()
                ),
            )
        }));
        parts.sort();
        parts
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Tells whether media was asked for and is not answered or released.
    pub(crate) fn is_asked(&self, number: i64) -> bool {
        self.asked.contains(&media(number))
    }

    /// Walks the media that was asked for and not released.
    pub(crate) fn asked(&self) -> impl Iterator<Item = ContentHash> {
        self.asked.iter().copied()
    }

    /// Takes what was written into the as-run log out of the actions.
    pub(crate) fn events(&self) -> Vec<AsRunEvent> {
        let events = self.actions.iter().filter_map(|(_, action)| match action {
            Action::AsRun(event) => Some(event.clone()),
            _ => None,
        });
        events.collect()
    }
}

/// Returns the newest part of each session, as the store has it after a crash.
pub(crate) fn last_parts(log: &[AsRunEvent]) -> Vec<LastPart> {
    let mut last: BTreeMap<SessionId, LastPart> = BTreeMap::new();
    for event in log {
        match event {
            AsRunEvent::Started(started) => {
                last.insert(
                    started.session,
                    LastPart {
                        started: started.clone(),
                        ended: None,
                    },
                );
            }
            AsRunEvent::Ended(end) => last.get_mut(&end.session).unwrap().ended = Some(end.clone()),
            AsRunEvent::NotAired { .. } | AsRunEvent::Delayed { .. } => {}
        }
    }
    last.into_values().collect()
}

/// Returns the occurrences that the log says will never air.
pub(crate) fn not_aired(log: &[AsRunEvent]) -> Vec<OccurrenceId> {
    let not_aired = log.iter().filter_map(|event| match event {
        AsRunEvent::NotAired { occurrence, .. } => Some(*occurrence),
        _ => None,
    });
    not_aired.collect()
}

/// Returns the occurrences that could not begin at their time, and have not begun nor been given up since.
pub(crate) fn delayed(log: &[AsRunEvent]) -> Vec<OccurrenceId> {
    let begun = |occurrence: OccurrenceId| {
        log.iter().any(|event| match event {
            AsRunEvent::Started(part) => part.origin == Origin::Slot(occurrence),
            AsRunEvent::NotAired {
                occurrence: never, ..
            } => *never == occurrence,
            _ => false,
        })
    };
    let delayed = log.iter().filter_map(|event| match event {
        AsRunEvent::Delayed { occurrence, .. } => Some(*occurrence),
        _ => None,
    });
    delayed.filter(|occurrence| !begun(*occurrence)).collect()
}

/// Returns what counts towards the minutes of its day, as the store has it.
pub(crate) fn counted(log: &[AsRunEvent]) -> Vec<Stretch> {
    let ends: BTreeMap<_, WallTime> = log
        .iter()
        .filter_map(|event| match event {
            AsRunEvent::Ended(ended) => Some(((ended.session, ended.part), ended.at)),
            _ => None,
        })
        .collect();
    let counts = log.iter().filter_map(|event| match event {
        AsRunEvent::Started(started) if !is_authored(started) => Some(started),
        _ => None,
    });
    let stretch = |started: &PartStarted| Stretch {
        zone: started.zone,
        from: started.at,
        to: ends
            .get(&(started.session, started.part))
            .map_or(started.at, |end| started.at.max(*end)),
    };
    counts.map(stretch).collect()
}

/// Tells whether it is an emergency that a named person released.
pub(crate) fn is_authored(started: &PartStarted) -> bool {
    let named = matches!(&started.origin, Origin::Override { by, .. } if !by.is_empty());
    named && started.class == BulletinClass::Emergency
}

/// Returns the seed of a long test, which it prints; `LOA_SEED` chooses another.
pub(crate) fn seed() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a seed from the person who runs the test"
    )]
    let seed = std::env::var("LOA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_261_123);
    println!("LOA_SEED={seed}");
    seed
}

/// Makes the same random values from the same seed.
pub(crate) fn seeded(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// Seconds after [`T0`].
pub(crate) fn s(time: WallTime) -> f64 {
    time.ns_after(T0) as f64 / 1e9
}
