//! One run after another of the same station, whatever happens to it, and what must hold of its as-run logs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Chime, Command, Content, ContentHash, Days, EndReason, Origin, PartEnded,
    PartStarted, Piece, PreEmption, QuietHours, QuietPolicy, Relay, RelayId, RunSheetLine, Sound, WallTime,
    Window, ZoneId, ZoneTree,
};
use loa_playout::EngineSettings;

use proptest::prelude::*;

use super::sent::{Sent, check_order, sent};
use super::{Station, delayed, last_parts, line, media, not_aired, s, settings, tree};

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
    Stop(prop::sample::Index),
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
    DeadAir(prop::sample::Index),
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
        quiet_is_kept(&self.log, &self.tree)?;
        for run in &self.sent {
            check_order(run.as_ref().map_err(Clone::clone)?)?;
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
                    media: media(*number),
                    duration: Duration::from_secs_f64(*duration),
                    class: *class,
                    chime: *chime,
                    limit: Duration::from_secs_f64(*limit),
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
        self.station
            .engine
            .restore(&parts, &not_aired, &delayed(&self.log), &[], Some(lost_at), now);
        self.station.plan(self.lines.clone());
    }

    fn collect(&mut self, lost: Option<WallTime>) {
        let events = self.station.events();
        let actions = std::mem::take(&mut self.station.actions);
        self.sent.push(sent(&actions, lost));
        self.log.extend(events);
    }
}

/// Every part has one start and one end, nothing overlaps in a zone, nothing is over twice, and what resumes goes on where
/// it was.
pub(crate) fn check(log: &[AsRunEvent]) -> Result<(), String> {
    let mut parts: Vec<(PartStarted, PartEnded)> = Vec::new();
    let mut open: BTreeMap<_, PartStarted> = BTreeMap::new();
    let mut over: BTreeMap<_, u32> = BTreeMap::new();
    for event in log {
        match event {
            AsRunEvent::Started(part) => {
                if open.insert((part.session, part.part), part.clone()).is_some() {
                    return Err(format!("started twice: {part:?}"));
                }
            }
            AsRunEvent::Ended(end) => {
                let Some(start) = open.remove(&(end.session, end.part)) else {
                    return Err(format!("an end without a start: {end:?}"));
                };
                if end.media_offset < start.media_offset {
                    return Err(format!("it ran backwards: {start:?} {end:?}"));
                }
                let by_itself = matches!(end.reason, EndReason::Completed | EndReason::TimeLimit);
                let to_its_end = end.at >= start.ends;
                if let (Origin::Slot(occurrence), true, true) = (&start.origin, by_itself, to_its_end) {
                    *over.entry(*occurrence).or_default() += 1;
                }
                parts.push((start, end.clone()));
            }
            AsRunEvent::NotAired { occurrence, .. } => *over.entry(*occurrence).or_default() += 1,
            AsRunEvent::Delayed { .. } => {}
        }
    }
    if let Some(part) = open.values().next() {
        return Err(format!("no end: {part:?}"));
    }
    if let Some((occurrence, _)) = over.iter().find(|(_, times)| **times > 1) {
        let origin = Origin::Slot(*occurrence);
        let own = log.iter().filter(|event| match event {
            AsRunEvent::Started(part) => part.origin == origin,
            AsRunEvent::NotAired {
                occurrence: never, ..
            }
            | AsRunEvent::Delayed {
                occurrence: never, ..
            } => never == occurrence,
            AsRunEvent::Ended(end) => parts
                .iter()
                .any(|(start, own)| own == end && start.origin == origin),
        });
        let told: Vec<_> = own.map(|event| format!("{event:?}")).collect();
        return Err(format!(
            "over more than once: {occurrence:?}\n{}",
            told.join("\n")
        ));
    }
    // What sounded, from the first programme sample on; a chime before it belongs to its part, but is not in the log.
    let sounded: Vec<_> = parts.iter().filter(|(start, end)| end.at > start.at).collect();
    for (i, (start, end)) in sounded.iter().enumerate() {
        for (other, other_end) in &sounded[i + 1..] {
            let overlap = start.at < other_end.at && other.at < end.at;
            if overlap && start.zone == other.zone {
                return Err(format!("two at once: {start:?} {other:?}"));
            }
        }
    }
    resumed_where_it_was(&sounded)
}

/// Within one run of the head-end, what resumes goes on within a packet of where it was cut, and what rejoins is where it
/// would have been.
fn resumed_where_it_was(sounded: &[&(PartStarted, PartEnded)]) -> Result<(), String> {
    let mut last: BTreeMap<_, &(PartStarted, PartEnded)> = BTreeMap::new();
    let mut in_order: Vec<_> = sounded.to_vec();
    in_order.sort_by_key(|(start, _)| (start.session, start.at));
    for part in in_order {
        let Some((_, before)) = last.insert(part.0.session, part) else {
            continue;
        };
        let (start, _) = part;
        let expected = match start.pre_emption {
            PreEmption::Rejoin | PreEmption::Duck => before.media_offset + start.at.since(before.at),
            PreEmption::Resume | PreEmption::Drop => before.media_offset,
        };
        let off = start.media_offset.abs_diff(expected);
        if off > PACKET {
            return Err(format!("resumed {off:?} off: {before:?} {start:?}"));
        }
    }
    Ok(())
}

/// Nothing but an emergency with a named author sounds where the zone may not.
fn quiet_is_kept(log: &[AsRunEvent], tree: &ZoneTree) -> Result<(), String> {
    let ends: BTreeMap<_, WallTime> = log
        .iter()
        .filter_map(|event| match event {
            AsRunEvent::Ended(end) => Some(((end.session, end.part), end.at)),
            _ => None,
        })
        .collect();
    for event in log {
        let AsRunEvent::Started(part) = event else {
            continue;
        };
        let named = matches!(&part.origin, Origin::Override { by, .. } if !by.is_empty());
        if named && part.class == BulletinClass::Emergency {
            continue;
        }
        let Some(policy) = tree.quiet(part.zone) else {
            continue;
        };
        let hours = QuietHours {
            policy: policy.clone(),
            utc_offset_min: 0,
        };
        let end = ends.get(&(part.session, part.part)).copied().unwrap_or(part.ends);
        if end > part.at && hours.quiet_from(part.at).is_some_and(|quiet| quiet < end) {
            return Err(format!("it sounds in quiet hours, until {end}: {part:?}"));
        }
    }
    Ok(())
}

/// Longest packet that is sent.
const PACKET: Duration = Duration::from_millis(60);

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

/// The tree of zones; zones 2 and 3 may be silent for some minutes of the hour in which everything happens.
pub(crate) fn zones() -> impl Strategy<Value = ZoneTree> {
    let policy =
        (0..4u16, 1..5u16, prop::option::of(1..3u16)).prop_map(|(from, length, minutes)| QuietPolicy {
            windows: vec![Window {
                days: Days::ALL,
                from: 480 + from,
                to: 480 + from + length,
            }],
            minutes_a_day: minutes,
            volume: Vec::new(),
        });
    prop::option::weighted(0.5, policy).prop_map(|policy| {
        let all = tree();
        let zones = all.iter().cloned().map(|mut zone| {
            if zone.id == ZoneId(2) {
                zone.settings.quiet.clone_from(&policy);
            }
            zone
        });
        ZoneTree::new(zones.collect()).unwrap()
    })
}

fn class() -> impl Strategy<Value = BulletinClass> {
    prop::sample::select(BulletinClass::ALL.to_vec())
}

pub(crate) fn planned() -> impl Strategy<Value = Vec<RunSheetLine>> {
    let policies = [
        PreEmption::Resume,
        PreEmption::Rejoin,
        PreEmption::Duck,
        PreEmption::Drop,
    ];
    let one = (
        1..=5i64,
        0..120u32,
        1..40u32,
        class(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(policies.to_vec()),
        (content(), prop::option::weighted(0.2, 1..20u64), 1..4u16),
    );
    prop::collection::vec(one, 0..14).prop_map(|lines| {
        let lines = lines.into_iter().enumerate();
        let made = lines.map(
            |(i, (zone, start, duration, class, chime, cut, pre_emption, (content, patience, order)))| {
                let made = line(
                    i64::try_from(i).unwrap() + 1,
                    zone,
                    f64::from(start),
                    f64::from(duration),
                    class,
                );
                let (content, pre_emption) = content.of(&made.content, pre_emption);
                RunSheetLine {
                    // What has no end of its own is cut.
                    cut: cut || content.duration().is_none(),
                    chime: Chime {
                        before: chime,
                        after: chime && order == 1,
                        gain_db: 0,
                    },
                    content,
                    order,
                    pre_emption,
                    give_up_after: patience.map(Duration::from_secs),
                    ..made
                }
            },
        );
        made.collect()
    })
}

/// What a line is made of.
#[derive(Clone, Copy, Debug)]
enum Made {
    Whole,
    Pieces(u8),
    Relay,
    Silence,
}

fn content() -> impl Strategy<Value = Made> {
    prop_oneof![
        4 => Just(Made::Whole),
        2 => (2..5u8).prop_map(Made::Pieces),
        1 => Just(Made::Relay),
        1 => Just(Made::Silence),
    ]
}

impl Made {
    /// Makes a whole piece of it, and says how it comes back.
    fn of(self, whole: &Content, pre_emption: PreEmption) -> (Content, PreEmption) {
        let (_, piece, _) = whole.piece_at(Duration::ZERO).expect("a line has a length");
        match self {
            Self::Whole => (whole.clone(), pre_emption),
            Self::Pieces(count) => {
                let duration = piece.duration / u32::from(count);
                let number = i64::from(piece.media.0[0]);
                let pieces = (0..i64::from(count)).map(|index| Piece {
                    media: media(number + 30 * (index % 2)),
                    duration,
                });
                (Content::Pieces(pieces.collect()), pre_emption)
            }
            Self::Relay => {
                let relay = Relay {
                    sources: vec!["http://one".into(), "http://two".into()],
                    fill: None,
                    silence: Duration::from_secs(10),
                    studio: false,
                };
                // What is live cannot resume.
                let comes_back = if pre_emption == PreEmption::Drop {
                    PreEmption::Drop
                } else {
                    PreEmption::Rejoin
                };
                (Content::Relay(relay), comes_back)
            }
            Self::Silence => (Content::Silence, pre_emption),
        }
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        6 => (0.0..15.0f64).prop_map(Step::Wait),
        3 => (1..=5i64, 20..24i64, class(), 1.0..30.0f64, 0.5..40.0f64, any::<bool>())
            .prop_map(|(zone, media, class, duration, limit, chime)| Step::Override { zone, media, class, duration, limit, chime }),
        2 => any::<prop::sample::Index>().prop_map(Step::Stop),
        1 => (1..24i64, any::<bool>()).prop_map(|(media, ready)| Step::Load { media, ready }),
        1 => (1..4u32, prop::option::of(0..2usize)).prop_map(|(relay, source)| Step::Source { relay, source }),
        1 => any::<prop::sample::Index>().prop_map(Step::DeadAir),
        2 => any::<u16>().prop_map(Step::Replan),
        1 => (0.1..20.0f64).prop_map(Step::Crash),
        1 => (0.1..20.0f64).prop_map(Step::Restart),
    ];
    prop::collection::vec(one, 0..25)
}
