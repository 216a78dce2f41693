//! The same script, aired by the engine.

use std::time::Duration;

use loa_model::{
    ApprovalState, AsRunEvent, Command, CommandDone, Content, EndReason, PartEnded, Reason, Refusal,
    RunSheetLine, WallTime, ZoneId,
};
use loa_playout::{Engine, EngineSettings};

use crate::common::{Station, T0, counted, delayed, last_parts, line, media, not_aired};
use crate::script::{DELAY, GONE, Line, Ms, Override, Programme, START, STOP, Zones};

pub(crate) struct Aired {
    station: Station,
    zones: Zones,
    epoch: u32,
    planned: Vec<RunSheetLine>,
    pub(crate) log: Vec<AsRunEvent>,
    /// Media of each override, by its number.
    started: Vec<i64>,
    commands: i64,
}

impl Aired {
    pub(crate) fn new(zones: &Zones) -> Self {
        let mut aired = Self {
            station: station(1, 0),
            zones: zones.clone(),
            epoch: 1,
            planned: Vec::new(),
            log: Vec::new(),
            started: Vec::new(),
            commands: 0,
        };
        aired.take_zones();
        aired
    }

    pub(crate) fn plan(&mut self, lines: &[(Line, Programme)], heard: Ms) {
        self.station.run_to(at((heard - STOP).max(0)));
        self.planned = lines.iter().map(run_sheet_line).collect();
        self.station.plan(self.planned.clone());
    }

    /// Stops what has a name; tells whether the engine knew it.
    pub(crate) fn stop(&mut self, name: &str, heard: Ms) -> bool {
        self.station.run_to(at(heard - STOP));
        let snapshot = self.station.engine.snapshot(self.station.now);
        let mut known = snapshot
            .zones
            .iter()
            .flat_map(|zone| zone.on_air.iter().chain(&zone.waiting));
        let Some(found) = known.find(|session| session.title == name) else {
            return false;
        };
        let command = Command::Stop {
            session: found.session,
            by: "op".into(),
        };
        self.station.command(command).is_ok()
    }

    /// Starts the same content in some zones; tells where the engine let it.
    pub(crate) fn start(&mut self, started: &Override, heard: Ms) -> Vec<bool> {
        self.station.run_to(at(heard - START));
        self.commands += 1;
        let zones = started.zones.iter();
        zones.map(|zone| self.start_in(*zone, started)).collect()
    }

    fn start_in(&mut self, zone: i64, started: &Override) -> bool {
        let number = OVERRIDES + self.commands;
        self.started.push(number);
        let answer = self.station.command(Command::StartOverride {
            zone: ZoneId(zone),
            title: format!("o{}", self.started.len()),
            content: Content::piece(media(number), span(started.length)),
            class: started.class,
            chime: false,
            limit: span(started.limit),
            drill: false,
            by: if started.named { "op".into() } else { String::new() },
        });
        match answer {
            Ok(CommandDone::OverrideStarted { .. }) => true,
            Err(Refusal::QuietHours(_) | Refusal::MinutesSpent(_)) => false,
            other => panic!("{other:?}"),
        }
    }

    /// The power goes at `lost`; what is left of the run is its log, and the store closes what that leaves open.
    ///
    /// Media is loaded in the order of what wants it, so that nothing has the air only because it was loaded first.
    pub(crate) fn kill(&mut self, lost: Ms, heard: Ms, wanted: &[String]) {
        self.station.run_to(at(lost));
        self.restart(lost, heard, wanted);
    }

    /// The head-end is shut down, so that all is silent from `silent` on.
    pub(crate) fn shut_down(&mut self, silent: Ms, heard: Ms, wanted: &[String]) {
        self.station.run_to(at(silent - STOP));
        self.station
            .command(Command::ShutDown)
            .expect("it may always go down");
        let gone = silent - STOP + GONE;
        self.station.run_to(at(gone));
        self.restart(gone, heard, wanted);
    }

    fn restart(&mut self, lost: Ms, heard: Ms, wanted: &[String]) {
        self.log.extend(self.station.events());
        let mut parts = last_parts(&self.log);
        for part in &mut parts {
            let started = &part.started;
            let ended = part.ended.get_or_insert_with(|| {
                let at = at(lost).max(started.at);
                let ended = PartEnded {
                    session: started.session,
                    part: started.part,
                    at,
                    media_offset: started.media_offset + at.since(started.at),
                    reason: EndReason::HeadEndLost,
                };
                self.log.push(AsRunEvent::Ended(ended.clone()));
                ended
            });
            debug_assert!(ended.at >= started.at);
        }
        self.epoch += 1;
        self.station = station(self.epoch, heard - START);
        self.take_zones();
        let now = self.station.now;
        let (never, waited, counted) = (not_aired(&self.log), delayed(&self.log), counted(&self.log));
        self.station
            .engine
            .restore(&parts, &never, &waited, &counted, Some(at(lost)), now);
        self.station.slow = (1..100 + OVERRIDES).map(media).collect();
        self.station.plan(self.planned.clone());
        let wanted: Vec<_> = wanted.iter().map(|name| self.media_of(name)).collect();
        for number in wanted.into_iter().chain(1..100 + OVERRIDES) {
            if self.station.is_asked(number) && self.station.slow.remove(&media(number)) {
                self.station.load(number, Ok(3_600.0));
            }
        }
        self.station.slow.clear();
    }

    fn media_of(&self, name: &str) -> i64 {
        let (kind, number) = name.split_at(1);
        let number: usize = number.parse().expect("p or o, and a number");
        match kind {
            "o" => self.started[number - 1],
            _ => i64::try_from(number).expect("small"),
        }
    }

    /// Goes on a little beyond `until`, when nothing must be left.
    pub(crate) fn end_all(&mut self, until: Ms) -> Result<(), String> {
        self.station.run_to(at(until + 5_000));
        self.log.extend(self.station.events());
        match self.station.engine.poll_timeout() {
            None => Ok(()),
            Some(next) => Err(format!("something is left to do at {next}")),
        }
    }

    fn take_zones(&mut self) {
        let (tree, offset, now) = (self.zones.tree(), self.zones.utc_offset_min(), self.station.now);
        self.station.engine.handle_zones(tree, offset, now);
        self.station.drain();
    }
}

fn run_sheet_line((planned, programme): &(Line, Programme)) -> RunSheetLine {
    let (start, length) = (planned.start as f64 / 1e3, programme.length as f64 / 1e3);
    let mut line = RunSheetLine {
        cut: programme.cut,
        order: programme.order,
        pre_emption: programme.pre_emption,
        give_up_after: programme.patience.map(span),
        ..line(planned.slot, planned.zone, start, length, programme.class)
    };
    if !programme.approved {
        line.reasons.push(Reason::NotApproved {
            state: ApprovalState::Archived,
            what: line.title.clone(),
        });
    }
    line
}

fn station(epoch: u32, start: Ms) -> Station {
    let delay = span(DELAY);
    let mut station = Station::with(EngineSettings::new(None, delay, delay), epoch, 0.0);
    station.engine = Engine::new(
        crate::common::tree(),
        epoch,
        EngineSettings::new(None, delay, delay),
        at(start),
    );
    station.now = at(start);
    station
}

fn at(ms: Ms) -> WallTime {
    T0.offset_ns(ms * 1_000_000)
}

fn span(ms: Ms) -> Duration {
    Duration::from_millis(u64::try_from(ms).expect("a length"))
}

/// Media of overrides is numbered after that of lines.
const OVERRIDES: i64 = 100;
