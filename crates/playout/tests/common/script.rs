//! Scripts: what happens when, and every action that follows from it.
//!
//! An event is `TIME WHAT ARGUMENTS`; times are seconds. A line of a plan is `MEDIA:ZONE@START+LENGTH:CLASS`, then its
//! properties; a piece is named by the number of its media. An action is printed with the time at which it came out:
//! `start 1/2 z3 @10+5..30` is part 2 of piece 1, sent to zone 3, whose fifth second sounds at 10 and which ends at 30.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Station, delayed, last_parts, line, media, not_aired, s};
use loa_model::{
    ApprovalState, AsRunEvent, BulletinClass, Command, Content, ContentHash, PreEmption, Reason,
    RunSheetLine, SessionId, Sound, WallTime, ZoneId, ZoneTree,
};
use loa_playout::{Action, Feed, Start};

struct Script {
    station: Station,
    epoch: u32,
    log: Vec<AsRunEvent>,
    seen: usize,
    printed: String,
}

/// Runs a script and prints what came of it, without the words in `hidden`.
pub(crate) fn run(script: &str, hidden: &[&str]) -> String {
    let mut play = Script {
        station: Station::new(1, 0.0),
        epoch: 1,
        log: Vec::new(),
        seen: 0,
        printed: String::new(),
    };
    for event in script.lines().map(str::trim).filter(|event| !event.is_empty()) {
        let words: Vec<&str> = event.split_whitespace().collect();
        play.station.run(words[0].parse().unwrap());
        play.event(words[1], &words[2..]);
        play.print();
    }
    let lines = play
        .printed
        .lines()
        .filter(|line| !hidden.iter().any(|word| line.contains(word)));
    lines.collect::<Vec<_>>().join("\n")
}

impl Script {
    fn event(&mut self, what: &str, arguments: &[&str]) {
        let number = |index: usize| arguments[index].parse::<i64>().unwrap();
        let station = &mut self.station;
        match what {
            "plan" => station.plan(arguments.iter().map(|text| planned(text)).collect()),
            "slow" => station.slow = (0..arguments.len()).map(|index| media(number(index))).collect(),
            "load" => station.load(number(0), Ok(3_600.0)),
            "fail" => station.load(number(0), Err("no disk")),
            "override" | "speak" => {
                let [zone, class, times] = [1, 2, 3].map(|index| arguments[index]);
                let (duration, limit) = times.split_once('/').unwrap_or((times, "3600"));
                let command = Command::StartOverride {
                    zone: ZoneId(zone[1..].parse().unwrap()),
                    title: arguments[0].into(),
                    content: match what {
                        "speak" => Content::Voice,
                        _ => Content::piece(media(number(0)), seconds(duration)),
                    },
                    class: class.parse().unwrap(),
                    chime: arguments.contains(&"chime"),
                    limit: seconds(limit),
                    drill: arguments.contains(&"drill"),
                    by: "op".into(),
                };
                if let Err(refusal) = station.command(command) {
                    writeln!(self.printed, "{} refused: {refusal}", time(station.now)).unwrap();
                }
            }
            "stop" => {
                let session = self.session_of(media(number(0)));
                self.station.stop(session);
            }
            "over" | "vanish" => {
                let session = self.session_of(media(number(0)));
                let why = "gone".to_owned();
                let command = match what {
                    "over" => Command::SpeechOver { session },
                    _ => Command::SpeakerLost { session, why },
                };
                self.station.command(command).unwrap();
            }
            "down" => drop(station.command(Command::ShutDown)),
            "zones" => {
                let kept = super::tree();
                let kept = kept.iter().filter(|zone| arguments.contains(&zone.code.as_str()));
                let tree = ZoneTree::new(kept.cloned().collect()).unwrap();
                station.engine.handle_zones(tree, 0, station.now);
                station.drain();
            }
            "lost" => self.come_back(arguments[0].parse().unwrap()),
            "end" => {}
            other => panic!("no such event: {other}"),
        }
    }

    /// The head-end is lost, and is back at `back`.
    fn come_back(&mut self, back: f64) {
        self.print();
        self.log.extend(self.station.events());
        let alive = self.station.now;
        self.epoch += 1;
        self.station = Station::new(self.epoch, back);
        self.seen = 0;
        let (parts, never, now) = (last_parts(&self.log), not_aired(&self.log), self.station.now);
        self.station
            .engine
            .restore(&parts, &never, &delayed(&self.log), &[], Some(alive), now);
        self.station.drain();
    }

    fn session_of(&self, piece: ContentHash) -> SessionId {
        let snapshot = self.station.engine.snapshot(self.station.now);
        let title = format!("{}", piece.0[0]);
        let found = snapshot
            .zones
            .iter()
            .flat_map(|zone| zone.on_air.iter().chain(&zone.waiting))
            .find(|session| session.title.trim_start_matches('p') == title);
        found.expect("it is on air or waits").session
    }

    fn print(&mut self) {
        let mut pieces = std::collections::BTreeMap::new();
        for (_, action) in &self.station.actions {
            match action {
                Action::Start(start) => drop(pieces.insert(start.session, fed(start).0)),
                Action::AsRun(AsRunEvent::Started(part)) => {
                    pieces.insert(part.session, sounding(&part.sound));
                }
                _ => {}
            }
        }
        for (when, action) in &self.station.actions[self.seen..] {
            let out = &mut self.printed;
            write!(out, "{} ", time(*when)).unwrap();
            match action {
                Action::Prepare { media } => writeln!(out, "prepare {}", media.0[0]),
                Action::Release { media } => writeln!(out, "release {}", media.0[0]),
                Action::Start(start) => {
                    let (chime, cut) = (
                        if start.chime { " chime" } else { "" },
                        if start.cut { " cut" } else { "" },
                    );
                    writeln!(
                        out,
                        "start {}/{} z{} @{}+{}..{}{chime}{cut}",
                        fed(start).0,
                        start.part,
                        start.zone,
                        time(start.at),
                        number(fed(start).1),
                        time(start.ends)
                    )
                }
                Action::OpenRelay { relay, .. } => writeln!(out, "open {}", relay.0),
                Action::CloseRelay { relay } => writeln!(out, "close {}", relay.0),
                Action::CloseVoice { session } => writeln!(out, "hush {}", pieces[session]),
                Action::Stop {
                    session, part, at, ..
                } => writeln!(out, "stop {}/{part} @{}", pieces[session], time(*at)),
                Action::AsRun(AsRunEvent::Started(part)) => {
                    writeln!(
                        out,
                        "began {}/{} @{}",
                        pieces[&part.session],
                        part.part,
                        time(part.at)
                    )
                }
                Action::AsRun(AsRunEvent::Ended(end)) => {
                    let reason = end.reason.code();
                    writeln!(
                        out,
                        "ended {}/{} @{} {reason}",
                        pieces[&end.session],
                        end.part,
                        time(end.at)
                    )
                }
                // It may still begin.
                Action::AsRun(AsRunEvent::Delayed { occurrence, .. }) => {
                    writeln!(out, "delayed {}", occurrence.slot)
                }
                Action::AsRun(AsRunEvent::NotAired {
                    occurrence, reason, ..
                }) => {
                    writeln!(out, "never {}: {reason}", occurrence.slot)
                }
            }
            .unwrap();
        }
        self.seen = self.station.actions.len();
    }
}

/// Reads `MEDIA:ZONE@START+LENGTH:CLASS`, then `:chime`, `:cut`, `:rejoin`, `:drop`, `:cancelled`, `:missing` or `:archived`.
fn planned(text: &str) -> RunSheetLine {
    let mut fields = text.split(':');
    let slot = fields.next().unwrap().parse().unwrap();
    let (zone, times) = fields.next().unwrap()[1..].split_once('@').unwrap();
    let (start, duration) = times.split_once('+').unwrap();
    let class: BulletinClass = fields.next().unwrap().parse().unwrap();
    let mut line = line(
        slot,
        zone.parse().unwrap(),
        start.parse().unwrap(),
        duration.parse().unwrap(),
        class,
    );
    for property in fields {
        match property {
            "chime" => line.chime.before = true,
            "after" => line.chime.after = true,
            "cut" => line.cut = true,
            "rejoin" => line.pre_emption = PreEmption::Rejoin,
            "duck" => line.pre_emption = PreEmption::Duck,
            "drop" => line.pre_emption = PreEmption::Drop,
            "cancelled" => line.reasons.push(Reason::Cancelled { note: "test".into() }),
            "missing" => line.reasons.push(Reason::MediaMissing),
            "archived" => line.reasons.push(Reason::NotApproved {
                state: ApprovalState::Archived,
                what: line.title.clone(),
            }),
            other => panic!("no such property: {other}"),
        }
    }
    line
}

/// What a start sends, as a number, and how far into it it begins, s. Relays count down from 250, a voice is 251,
/// and silence is 0.
fn fed(start: &Start) -> (u8, f64) {
    match start.feed {
        Feed::Media { media, offset } => (media.0[0], offset.as_secs_f64()),
        Feed::Relay(relay) => (250 - u8::try_from(relay.0).unwrap(), 0.0),
        Feed::Voice => (251, 0.0),
        Feed::Silence => (0, 0.0),
    }
}

fn sounding(sound: &Sound) -> u8 {
    match sound {
        Sound::Media(media) | Sound::Fill(Some(media)) => media.0[0],
        Sound::Source(number) => 200 + u8::try_from(*number).unwrap(),
        Sound::Voice => 251,
        Sound::Fill(None) | Sound::Silence => 0,
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap())
}

fn time(when: WallTime) -> String {
    number(s(when))
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Runs rows of a name, a script, and what must come of it without the words in `hidden`.
pub(crate) fn check(rows: &[(&str, &str, &str)], hidden: &[&str]) {
    for (name, script, expected) in rows {
        let expected: Vec<_> = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(run(script, hidden), expected.join("\n"), "{name}");
    }
}
