//! One run after another of the same station, whatever happens to it, and what must hold of its as-run logs.

use std::collections::BTreeSet;
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Command, Content, ContentHash, EndReason, PartEnded, Piece, RelayId,
    RunSheetLine, Sound, WallTime, ZoneId, ZoneTree,
};
use loa_playout::EngineSettings;

use proptest::sample::Index;

use super::check::{Heard, check, emergencies_are_heard, minutes_are_kept, quiet_is_kept};
use super::sent::{Sent, check_order, sent};
use super::{Station, counted, delayed, last_parts, media, not_aired, s, settings};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Wait(f64),
    Override {
        zone: i64,
        media: i64,
        class: BulletinClass,
        duration: f64,
        limit: f64,
        chime: bool,
    },
    /// Stops one of the sessions known, by index.
    Stop(Index),
    /// Answers for media that loads slowly.
    Load {
        media: i64,
        ready: bool,
    },
    /// A relay sounds like something else: a source, or its fill.
    Source {
        relay: u32,
        source: Option<usize>,
    },
    /// Nothing is heard of one of the sessions known, by index.
    DeadAir(Index),
    /// The day planned anew with those of its lines whose bit is set.
    Replan(u16),
    /// The power goes, and comes back after this long.
    Crash(f64),
    /// The head-end is shut down in order, and started again after this long.
    Restart(f64),
}

/// One run after another of the same station, and everything in their as-run logs.
pub(crate) struct Life {
    pub(crate) station: Station,
    epoch: u32,
    /// Every line there may be, and those that are planned.
    all: Vec<RunSheetLine>,
    lines: Vec<RunSheetLine>,
    slow: BTreeSet<ContentHash>,
    /// What the zones may sound; it does not change in one life.
    tree: ZoneTree,
    pub(crate) log: Vec<AsRunEvent>,
    dead_air: bool,
    /// What each run sent.
    pub(crate) sent: Vec<Result<Vec<Sent>, String>>,
}

impl Life {
    pub(crate) fn new(tree: &ZoneTree, lines: &[RunSheetLine], slow: &BTreeSet<ContentHash>) -> Self {
        let mut life = Self {
            station: Station::with(filled(), 1, 0.0),
            epoch: 1,
            all: lines.to_vec(),
            lines: lines.to_vec(),
            slow: slow.clone(),
            tree: tree.clone(),
            log: Vec::new(),
            dead_air: false,
            sent: Vec::new(),
        };
        life.begin();
        life
    }

    /// Takes every line into force.
    pub(crate) fn plan_all(&mut self) {
        self.station.plan(self.lines.clone());
    }

    /// Goes on to the end of the day, and shuts the station down in order.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let end = s(self.station.now) + 400.0;
        self.station.run(end);
        let _ = self.station.command(Command::ShutDown);
        self.station.run(end + 10.0);
        if self.station.engine.poll_timeout().is_some() {
            return Err("something is left to do for ever".to_owned());
        }
        let kept = self
            .station
            .asked()
            .find(|kept| !self.slow.contains(kept) && *kept != filled_with().media);
        if let Some(kept) = kept {
            return Err(format!("media kept that nobody needs: {kept}"));
        }
        self.collect(None);
        Ok(())
    }

    /// Tells what must hold of everything that happened.
    pub(crate) fn check(&self) -> Result<(), String> {
        check(&self.log)?;
        quiet_is_kept(&self.log, &self.tree, 0)?;
        minutes_are_kept(&self.log, &self.tree, 0)?;
        for run in &self.sent {
            let sent = run.as_ref().map_err(Clone::clone)?;
            check_order(sent)?;
            let heard = sent.iter().map(|part| Heard {
                session: part.start.session,
                zone: part.start.zone,
                class: part.start.class,
                from: part.from,
                begins: part.start.at,
                to: part.until,
            });
            // What waits for its media is silent, and so is what was told to be.
            if self.slow.is_empty() && !self.dead_air {
                emergencies_are_heard(&heard.collect::<Vec<_>>(), &self.tree)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.station.slow = self.slow.clone();
        let now = self.station.now;
        self.station.engine.handle_zones(self.tree.clone(), 0, now);
        self.station.drain();
    }

    /// While an emergency holds a zone's air, its receivers hear an emergency.
    fn emergency_is_heard(&self) -> Result<(), String> {
        let snapshot = self.station.engine.snapshot(self.station.now);
        for zone in &snapshot.zones {
            let holds = zone
                .on_air
                .as_ref()
                .filter(|session| session.class == BulletinClass::Emergency);
            let Some(session) = holds else { continue };
            for below in snapshot
                .zones
                .iter()
                .filter(|below| self.tree.covers(zone.zone, below.zone))
            {
                let heard = below.heard.as_ref().map(|heard| heard.class);
                if heard != Some(BulletinClass::Emergency) {
                    return Err(format!(
                        "{session:?} holds the air, and {below:?} does not hear it"
                    ));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        let now = s(self.station.now);
        match step {
            Step::Wait(wait) => self.station.run(now + wait),
            Step::Override {
                zone,
                media: number,
                class,
                duration,
                limit,
                chime,
            } => {
                // Refused when the zone is full, which is an answer too.
                let _ = self.station.command(Command::StartOverride {
                    zone: ZoneId(*zone),
                    title: format!("o{number}"),
                    content: Content::piece(media(*number), Duration::from_secs_f64(*duration)),
                    class: *class,
                    chime: *chime,
                    limit: Duration::from_secs_f64(*limit),
                    drill: false,
                    by: "op".into(),
                });
            }
            Step::Stop(index) => {
                let snapshot = self.station.engine.snapshot(self.station.now);
                let known: Vec<_> = snapshot
                    .zones
                    .iter()
                    .flat_map(|state| state.on_air.iter().chain(&state.waiting))
                    .collect();
                if !known.is_empty() {
                    // It may have been ending by itself already.
                    let session = index.get(&known).session;
                    let _ = self.station.command(Command::Stop {
                        session,
                        by: "op".into(),
                    });
                }
            }
            Step::Load { media: number, ready } => {
                if self.slow.contains(&media(*number)) && self.station.is_asked(*number) {
                    self.station
                        .load(*number, if *ready { Ok(3_600.0) } else { Err("gone") });
                }
            }
            Step::Source { relay, source } => {
                let sound = source.map_or(Sound::Fill(None), Sound::Source);
                let failed = source.is_none().then(|| "silent".to_owned());
                let now = self.station.now;
                self.station
                    .engine
                    .handle_relay(RelayId(*relay), sound, failed, now);
                self.station.drain();
            }
            Step::DeadAir(index) => {
                let snapshot = self.station.engine.snapshot(self.station.now);
                let on_air: Vec<_> = snapshot
                    .zones
                    .iter()
                    .filter_map(|state| state.on_air.as_ref())
                    .collect();
                if !on_air.is_empty() {
                    let (session, now) = (index.get(&on_air).session, self.station.now);
                    let _ = self.station.engine.handle_dead_air(session, false, now);
                    self.dead_air = true;
                    self.station.drain();
                }
            }
            Step::Replan(bits) => {
                let kept = self.all.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
                self.lines = kept.map(|(_, line)| line.clone()).collect();
                self.station.plan(self.lines.clone());
            }
            Step::Crash(away) => self.start_again(now + away),
            Step::Restart(away) => {
                let _ = self.station.command(Command::ShutDown);
                self.station.run(now + 1.5);
                self.start_again(now + 1.5 + away);
            }
        }
        self.emergency_is_heard()
    }

    /// What is not in the log by now is lost; what the log leaves open, the store closes.
    fn start_again(&mut self, back: f64) {
        let lost_at = self.station.now;
        self.collect(Some(lost_at));
        let (mut parts, not_aired) = (last_parts(&self.log), not_aired(&self.log));
        for part in &mut parts {
            if part.ended.is_none() {
                let at = lost_at.max(part.started.at);
                let ended = PartEnded {
                    session: part.started.session,
                    part: part.started.part,
                    at,
                    media_offset: part.started.media_offset + at.since(part.started.at),
                    reason: EndReason::HeadEndLost,
                };
                part.ended = Some(ended.clone());
                self.log.push(AsRunEvent::Ended(ended));
            }
        }
        self.epoch += 1;
        self.station = Station::with(filled(), self.epoch, back);
        self.begin();
        let now = self.station.now;
        self.station.engine.restore(
            &parts,
            &not_aired,
            &delayed(&self.log),
            &counted(&self.log),
            Some(lost_at),
            now,
        );
        self.station.plan(self.lines.clone());
    }

    fn collect(&mut self, lost: Option<WallTime>) {
        let events = self.station.events();
        let actions = std::mem::take(&mut self.station.actions);
        self.sent.push(sent(&actions, lost));
        self.log.extend(events);
    }
}

fn filled_with() -> Piece {
    Piece {
        media: media(60),
        duration: Duration::from_secs(4),
    }
}

fn filled() -> EngineSettings {
    EngineSettings {
        fill: Some(filled_with()),
        ..settings()
    }
}
