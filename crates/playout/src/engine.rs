//! The engine itself: what happens, in order of the time at which it sounds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Command, CommandDone, ContentHash, EndReason, OccurrenceId, Origin, PartEnded,
    PartStarted, PreEmption, Refusal, RunSheet, RunSheetLine, SESSIONS_PER_ZONE_MAX, SessionId, WallTime,
    ZoneId, ZoneTree,
};

use crate::action::{Action, Start};
use crate::library::{Library, MediaState};
use crate::session::Session;
use crate::sheets::{Sheets, is_missing};

/// What the engine must know of those who send and of those who hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// The station's chime; none if programmes begin without one.
    pub chime: Option<ChimeInfo>,
    /// How long after it is sent a programme sounds.
    pub programme_delay: Duration,
    /// The same for live voices and emergencies.
    pub urgent_delay: Duration,
    /// A planned change of the air is decided this long before it sounds.
    pub ahead: Duration,
    /// Media is asked for this long before it sounds.
    pub prepare: Duration,
}

/// The chime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChimeInfo {
    /// How long it sounds.
    pub duration: Duration,
}

impl EngineSettings {
    /// Returns settings for these delays, with room to render a fade before it must be sent.
    pub fn new(chime: Option<ChimeInfo>, programme_delay: Duration, urgent_delay: Duration) -> Self {
        let ahead = programme_delay.max(urgent_delay) + FADE_ROOM + MARGIN;
        Self {
            chime,
            programme_delay,
            urgent_delay,
            ahead,
            prepare: PREPARE,
        }
    }

    /// Returns how long after it is sent a session of this class sounds.
    pub fn delay(&self, class: BulletinClass) -> Duration {
        if class >= BulletinClass::Live {
            self.urgent_delay
        } else {
            self.programme_delay
        }
    }
}

/// The newest part of a session of an earlier run, as the as-run log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPart {
    /// Its start.
    pub started: PartStarted,
    /// Its end, if it has one.
    pub ended: Option<PartEnded>,
}

/// Keeps the air of every zone.
///
/// After each `handle_*` call, drain [`poll_output`](Self::poll_output) to `None`, then sleep until
/// [`poll_timeout`](Self::poll_timeout) and call [`handle_timeout`](Self::handle_timeout).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) tree: ZoneTree,
    epoch: u32,
    settings: EngineSettings,
    sessions_begun: u32,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) sheets: Sheets,
    library: Library,
    /// Occurrences that have begun or are over, by when they were to begin.
    done: BTreeMap<OccurrenceId, WallTime>,
    /// When an earlier run was last known to be sending: what was planned after it and never aired was missed.
    last_alive: Option<WallTime>,
    outputs: VecDeque<Action>,
    shutting_down: bool,
    now: WallTime,
}

impl Engine {
    /// Starts with nothing on air and nothing planned.
    ///
    /// `epoch` is the number of this run: sessions are numbered within it.
    pub fn new(tree: ZoneTree, epoch: u32, settings: EngineSettings, now: WallTime) -> Self {
        Self {
            tree,
            epoch,
            settings,
            sessions_begun: 0,
            sessions: BTreeMap::new(),
            sheets: Sheets::default(),
            library: Library::default(),
            done: BTreeMap::new(),
            last_alive: None,
            outputs: VecDeque::new(),
            shutting_down: false,
            now,
        }
    }

    /// Takes up what an earlier run left: call it once, before the first run-sheet.
    ///
    /// What was on air when the head-end stopped goes on as if it had run meanwhile; what waited to resume waits
    /// again; anything else is over. `not_aired` are occurrences that the log says never will be.
    pub fn restore(
        &mut self,
        parts: &[LastPart],
        not_aired: &[OccurrenceId],
        last_alive: Option<WallTime>,
        now: WallTime,
    ) {
        self.now = now;
        self.last_alive = last_alive;
        self.done
            .extend(not_aired.iter().map(|occurrence| (*occurrence, occurrence.start)));
        // Each restart goes on with things as new sessions, so of one thing only the newest part tells where it is.
        let mut newest: BTreeMap<&Origin, &LastPart> = BTreeMap::new();
        for part in parts {
            let kept = newest.entry(&part.started.origin).or_insert(part);
            if kept.started.session < part.started.session {
                *kept = part;
            }
        }
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_by_key(|part| part.started.session);
        for part in newest {
            if let Origin::Slot(occurrence) = part.started.origin {
                self.done.insert(occurrence, occurrence.start);
            }
            self.restore_session(part, now);
        }
        self.advance(now);
    }

    /// Takes a date's run-sheet into force, in the place of an earlier one for that date.
    ///
    /// What is on air stays, unless the new run-sheet does not have it.
    pub fn handle_run_sheet(&mut self, sheet: &RunSheet, now: WallTime) {
        let chime = self.chime().unwrap_or_default();
        let change = self.sheets.take(sheet, chime, &self.done);
        for occurrence in change.gone {
            self.done.remove(&occurrence);
            let gone = self
                .sessions
                .values()
                .find(|session| session.origin == Origin::Slot(occurrence));
            if let Some(id) = gone.map(|session| session.id) {
                self.end_session(id, &EndReason::Unplanned, now);
            }
        }
        // A slot that is added after its time was not missed; it begins with its next occurrence.
        if !change.first {
            for occurrence in change.new.into_iter().filter(|occurrence| occurrence.start < now) {
                self.done.insert(occurrence, occurrence.start);
            }
        }
        self.advance(now);
    }

    /// Takes zones that were added or changed. A zone that is on air must still be there.
    pub fn handle_zones(&mut self, tree: ZoneTree, now: WallTime) {
        for session in self.sessions.values_mut() {
            session.depth = tree.depth(session.zone);
        }
        self.tree = tree;
        self.arrange(now, now);
        self.advance(now);
    }

    /// Obeys a command.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]; nothing changes then.
    pub fn handle_command(&mut self, command: Command, now: WallTime) -> Result<CommandDone, Refusal> {
        self.advance(now);
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        let done = match command {
            Command::StartOverride {
                zone,
                title,
                media,
                duration,
                class,
                chime,
                limit,
                by,
            } => {
                self.check_room(zone)?;
                let session = Session {
                    total: duration.min(limit),
                    cut: limit < duration,
                    chime,
                    ..self.new_session(
                        zone,
                        Origin::Override {
                            by,
                            first: self.next_id(),
                        },
                        title,
                        media,
                        class,
                        now,
                    )
                };
                let id = session.id;
                self.add(session, now);
                let on_air = self
                    .sessions
                    .get(&id)
                    .is_some_and(|session| session.on_air.is_some());
                CommandDone::OverrideStarted { session: id, on_air }
            }
            Command::Stop { session, by } => {
                let known = self.sessions.get(&session).is_some_and(|session| session.wants);
                if !known {
                    return Err(Refusal::UnknownSession(session));
                }
                self.end_session(session, &EndReason::Stopped { by }, now);
                CommandDone::Done
            }
            Command::ShutDown => {
                self.shutting_down = true;
                let all: Vec<_> = self.sessions.keys().copied().collect();
                for id in all {
                    self.end_session(id, &EndReason::HeadEndStopped, now);
                }
                CommandDone::Done
            }
            // `Command` may grow; what this engine does not know it cannot have been asked.
            _ => CommandDone::Done,
        };
        self.advance(now);
        Ok(done)
    }

    /// Takes the answer to [`Action::Prepare`]: the length of the media, or why it cannot be had.
    pub fn handle_media(&mut self, media: ContentHash, ready: Result<Duration, String>, now: WallTime) {
        self.library.answer(media, ready.clone().map(drop));
        if let Err(what) = ready {
            let waiting = self
                .sessions
                .values()
                .filter(|session| session.media == media && session.on_air.is_none());
            for id in waiting.map(|session| session.id).collect::<Vec<_>>() {
                self.end_session(id, &EndReason::Fault { what: what.clone() }, now);
            }
        }
        self.advance(now);
        self.arrange(now, now);
        self.advance(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: WallTime) {
        self.advance(now);
    }

    /// Returns the next thing to do.
    pub fn poll_output(&mut self) -> Option<Action> {
        self.outputs.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<WallTime> {
        let Self { settings, now, .. } = self;
        let decisions = self
            .sheets
            .next_from()
            .into_iter()
            .chain(self.next_end().map(|(at, _)| at));
        let decisions = decisions
            .chain(self.next_expiry().map(|(at, _)| at))
            .map(|at| at - settings.ahead);
        let prepares = self
            .sheets
            .next_after(*now + settings.prepare)
            .map(|from| from - settings.prepare);
        let logs = self.sessions.values().filter_map(Session::next_log);
        decisions.chain(prepares).chain(logs).min()
    }

    /// Goes on to `now`: decides what sounds until a little later, asks for media, and logs what has sounded.
    fn advance(&mut self, now: WallTime) {
        self.now = self.now.max(now);
        let now = self.now;
        let horizon = now + self.settings.ahead;
        while let Some((at, event)) = self.next_event().filter(|(at, _)| *at <= horizon) {
            match event {
                Event::Line => {
                    if let Some((from, line)) = self.sheets.next_by(horizon) {
                        self.begin_line(&line, from, now);
                    }
                }
                Event::End(id) => {
                    self.with(id, |session| {
                        let reason = session.own_end();
                        session.close(at, reason);
                        session.wants = false;
                    });
                }
                Event::Expiry(id) => self.expire(id),
            }
            self.arrange(at, now);
        }
        for media in self
            .sheets
            .media_by(now + self.settings.prepare)
            .collect::<Vec<_>>()
        {
            self.need(media);
        }
        self.log(now);
        self.sweep(now);
    }

    fn next_event(&self) -> Option<(WallTime, Event)> {
        let line = self.sheets.next_from().map(|from| (from, Event::Line));
        let end = self.next_end().map(|(at, id)| (at, Event::End(id)));
        let expiry = self.next_expiry().map(|(at, id)| (at, Event::Expiry(id)));
        // At one instant, what ends makes room for what begins.
        [end, expiry, line]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    fn next_end(&self) -> Option<(WallTime, SessionId)> {
        let parts = self
            .sessions
            .values()
            .filter_map(|session| Some((session.on_air.as_ref()?.ends, session.id)));
        parts.min()
    }

    fn next_expiry(&self) -> Option<(WallTime, SessionId)> {
        self.sessions
            .values()
            .filter_map(|session| Some((session.expires()?, session.id)))
            .min()
    }

    fn begin_line(&mut self, line: &RunSheetLine, from: WallTime, now: WallTime) {
        let occurrence = line.occurrence;
        if self.done.insert(occurrence, occurrence.start).is_some() || self.shutting_down {
            return;
        }
        let soonest = now + self.settings.delay(line.class) + MARGIN;
        if line.end() <= soonest {
            if self.last_alive.is_some_and(|last_alive| line.start >= last_alive) || line.start >= now {
                self.not_aired(occurrence, &line.title, EndReason::Missed, now);
            }
            return;
        }
        let fault = if is_missing(line) {
            Some("the library does not hold its media".to_owned())
        } else {
            match self.library.state(line.media) {
                Some(MediaState::Failed(what)) => Some(what.clone()),
                _ => self
                    .check_room(occurrence.zone)
                    .err()
                    .map(|refusal| refusal.to_string()),
            }
        };
        if let Some(what) = fault {
            self.not_aired(occurrence, &line.title, EndReason::Fault { what }, now);
            return;
        }
        let origin = Origin::Slot(occurrence);
        let late = from + LATE_START < soonest && from < now;
        let session = Session {
            total: line.duration,
            cut: line.cut,
            chime: line.chime,
            pre_emption: line.pre_emption,
            zero: (late || line.pre_emption == PreEmption::Rejoin).then_some(line.start),
            ..self.new_session(
                occurrence.zone,
                origin,
                line.title.clone(),
                line.media,
                line.class,
                now,
            )
        };
        // A rejoining programme that starts in time has its chime like any other.
        let session = Session {
            zero: session.zero.filter(|_| late),
            ..session
        };
        self.add_at(session, from, now);
        self.drop_unless_on_air(occurrence, line, now);
    }

    /// A programme that gives way once and for all does so before it began, too.
    fn drop_unless_on_air(&mut self, occurrence: OccurrenceId, line: &RunSheetLine, now: WallTime) {
        let origin = Origin::Slot(occurrence);
        let Some(session) = self
            .sessions
            .values_mut()
            .find(|session| session.origin == origin)
        else {
            return;
        };
        if session.on_air.is_some() || !self.library.is_ready(session.media) {
            return;
        }
        match session.pre_emption {
            PreEmption::Drop => {
                session.wants = false;
                self.not_aired(occurrence, &line.title, EndReason::Missed, now);
            }
            PreEmption::Rejoin => session.zero = Some(line.start),
            PreEmption::Resume => {}
        }
    }

    fn restore_session(&mut self, part: &LastPart, now: WallTime) {
        let LastPart { started, ended } = part;
        let goes_on = match ended.as_ref().map(|ended| &ended.reason) {
            None | Some(EndReason::HeadEndLost | EndReason::HeadEndStopped) => true,
            Some(EndReason::PreEmpted { .. }) => started.pre_emption != PreEmption::Drop,
            Some(_) => false,
        };
        let resumes = matches!(
            ended,
            Some(PartEnded {
                reason: EndReason::PreEmpted { .. },
                ..
            })
        ) && started.pre_emption == PreEmption::Resume;
        let zero = started.at - started.media_offset;
        let total = started.media_offset + started.ends.since(started.at);
        let over = !resumes && zero + total <= now + self.settings.delay(started.class) + MARGIN;
        if !goes_on || over || self.tree.get(started.zone).is_none() {
            return;
        }
        let offset = ended
            .as_ref()
            .filter(|_| resumes)
            .map_or(started.media_offset, |ended| ended.media_offset);
        let (origin, title) = (started.origin.clone(), started.title.clone());
        let session = Session {
            total,
            cut: started.cut,
            pre_emption: started.pre_emption,
            offset,
            zero: (!resumes).then_some(zero),
            logged: true,
            ..self.new_session(started.zone, origin, title, started.media, started.class, now)
        };
        self.add(session, now);
    }

    /// Returns the number of the session that is made next.
    const fn next_id(&self) -> SessionId {
        SessionId::new(self.epoch, self.sessions_begun + 1)
    }

    fn new_session(
        &mut self,
        zone: ZoneId,
        origin: Origin,
        title: String,
        media: ContentHash,
        class: BulletinClass,
        now: WallTime,
    ) -> Session {
        let id = self.next_id();
        self.sessions_begun += 1;
        Session {
            id,
            zone,
            depth: self.tree.depth(zone),
            origin,
            title,
            media,
            class,
            pre_emption: PreEmption::Resume,
            total: Duration::ZERO,
            cut: false,
            chime: false,
            offset: Duration::ZERO,
            zero: None,
            wants: true,
            on_air: None,
            closing: Vec::new(),
            parts: 0,
            logged: false,
            since: now,
        }
    }

    fn check_room(&self, zone: ZoneId) -> Result<(), Refusal> {
        self.tree.get(zone).ok_or(Refusal::UnknownZone(zone))?;
        let held = self
            .sessions
            .values()
            .filter(|session| session.zone == zone)
            .count();
        if held >= SESSIONS_PER_ZONE_MAX {
            Err(Refusal::TooManySessions(zone))
        } else {
            Ok(())
        }
    }

    fn add(&mut self, session: Session, now: WallTime) {
        self.add_at(session, now, now);
    }

    fn add_at(&mut self, session: Session, at: WallTime, now: WallTime) {
        let media = session.media;
        self.sessions.insert(session.id, session);
        self.need(media);
        self.arrange(at, now);
    }

    fn need(&mut self, media: ContentHash) {
        if self.library.need(media) {
            self.outputs.push_back(Action::Prepare { media });
        }
    }

    /// Gives the air to whoever may have it at sounding time `at`, or as soon after as can still be sent.
    fn arrange(&mut self, at: WallTime, now: WallTime) {
        let mut order: Vec<_> = self
            .sessions
            .values()
            .map(|session| (session.priority(), session.id))
            .collect();
        order.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        // From when on a zone's air is claimed by something at least this strong, and by what.
        let mut held: BTreeMap<ZoneId, (WallTime, SessionId)> = BTreeMap::new();
        for (_, id) in order {
            let Some(session) = self.sessions.get(&id) else {
                continue;
            };
            let zone = session.zone;
            let gate = self
                .tree
                .chain(zone)
                .filter_map(|above| held.get(&above.id))
                .min()
                .copied();
            let active = session.wants && (session.on_air.is_some() || self.library.is_ready(session.media));
            let claim = match gate {
                Some((from, by)) => {
                    self.give_way(id, from.max(at), by);
                    active.then_some((from, by))
                }
                None if !active => None,
                None => {
                    if session.on_air.is_none() && !self.shutting_down {
                        let from = self.soonest(id, at, now);
                        self.start(id, from);
                    }
                    let session = self.sessions.get(&id);
                    session
                        .and_then(|session| session.on_air.as_ref())
                        .map(|part| (part.from, id))
                }
            };
            if let Some(claim) = claim {
                held.entry(zone)
                    .and_modify(|held| *held = claim.min(*held))
                    .or_insert(claim);
            }
        }
    }

    /// Returns when a session's first sound can be heard, if it is to be at `at`: not before it can be sent, nor before
    /// something stronger has faded.
    ///
    /// On one stream media time must not go back, so what has the longer delay waits for the difference as well.
    fn soonest(&self, id: SessionId, at: WallTime, now: WallTime) -> WallTime {
        let Some(session) = self.sessions.get(&id) else {
            return at;
        };
        let delay = self.settings.delay(session.class);
        let mut soonest = at.max(now + delay + MARGIN);
        for other in self
            .sessions
            .values()
            .filter(|other| self.tree.covers(other.zone, session.zone))
        {
            let stronger = id == other.id || other.priority() > session.priority();
            let more = delay.saturating_sub(self.settings.delay(other.class));
            let same_stream = other.zone == session.zone && !more.is_zero();
            if stronger || same_stream {
                let more = if same_stream { more } else { Duration::ZERO };
                soonest = other
                    .closing
                    .iter()
                    .map(|part| part.ends + more)
                    .fold(soonest, WallTime::max);
            }
        }
        soonest
    }

    fn start(&mut self, id: SessionId, from: WallTime) {
        let chime = self.chime();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.zero.is_some_and(|zero| zero + session.total <= from) {
            // It is over before it could begin; its expiry is on the way.
            return;
        }
        let part = session.start(from, chime).clone();
        self.outputs.push_back(Action::Start(Start {
            session: id,
            part: part.number,
            zone: session.zone,
            class: session.class,
            media: session.media,
            offset: part.offset,
            at: part.at,
            chime: part.chime,
            ends: part.ends,
            cut: session.cut,
            drill: false,
        }));
    }

    /// Takes a session off the air from `at` on, in favour of `by`; also one whose own end was decided for later.
    fn give_way(&mut self, id: SessionId, at: WallTime, by: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let zone = session.zone;
        let (stopped, taken_back) = session.give_way(at, by);
        session.since = at;
        if let Some((part, at)) = stopped {
            self.outputs.push_back(Action::Stop {
                session: id,
                part,
                zone,
                at,
            });
        }
        if let Some(reason) = taken_back {
            self.log_never_aired(id, &reason);
        }
    }

    /// Ends a session for good, and gives its air to what waits.
    fn end_session(&mut self, id: SessionId, reason: &EndReason, now: WallTime) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.wants) else {
            return;
        };
        session.wants = false;
        let delay = self.settings.delay(session.class);
        let at = now + delay + FADE_ROOM;
        let zone = session.zone;
        // What has not been sent need not be heard.
        let unsent = session
            .on_air
            .as_ref()
            .is_some_and(|part| part.from > now + delay);
        let stopped = if unsent {
            session.cancel().map(|part| (part.number, part.from))
        } else {
            session
                .close(at, reason.clone())
                .map(|part| (part.number, part.ends))
        };
        if let Some((part, at)) = stopped {
            self.outputs.push_back(Action::Stop {
                session: id,
                part,
                zone,
                at,
            });
        }
        self.log_never_aired(id, reason);
        self.arrange(at, now);
    }

    fn expire(&mut self, id: SessionId) {
        self.with(id, |session| session.wants = false);
        self.log_never_aired(id, &EndReason::Missed);
    }

    /// Logs that an occurrence never aired, if none of it did or will.
    fn log_never_aired(&mut self, id: SessionId, reason: &EndReason) {
        let never = |session: &&Session| !session.logged && session.closing.is_empty();
        let Some(session) = self.sessions.get(&id).filter(never) else {
            return;
        };
        if let Origin::Slot(occurrence) = session.origin {
            let title = session.title.clone();
            self.not_aired(occurrence, &title, reason.clone(), self.now);
        }
    }

    fn not_aired(&mut self, occurrence: OccurrenceId, title: &str, reason: EndReason, at: WallTime) {
        let title = title.to_owned();
        self.outputs.push_back(Action::AsRun(AsRunEvent::NotAired {
            occurrence,
            title,
            at,
            reason,
        }));
    }

    fn log(&mut self, now: WallTime) {
        let Self {
            sessions, outputs, ..
        } = self;
        for session in sessions.values_mut() {
            session.log(now, &mut |event| outputs.push_back(Action::AsRun(event)));
        }
    }

    /// Forgets what is over.
    fn sweep(&mut self, now: WallTime) {
        self.sessions
            .retain(|_, session| session.wants || session.on_air.is_some() || !session.closing.is_empty());
        self.done.retain(|_, start| now.since(*start) < DONE_KEPT);
        let soon: Vec<_> = self
            .sheets
            .media_by(now + self.settings.prepare + PREPARE)
            .collect();
        let Self {
            sessions,
            library,
            outputs,
            ..
        } = self;
        let needed = |media| soon.contains(&media) || sessions.values().any(|session| session.media == media);
        outputs.extend(
            library
                .release(needed)
                .into_iter()
                .map(|media| Action::Release { media }),
        );
    }

    fn chime(&self) -> Option<Duration> {
        self.settings.chime.map(|chime| chime.duration)
    }

    fn with(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(&id) {
            change(session);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Line,
    End(SessionId),
    Expiry(SessionId),
}

/// From the decision until the packet is on its way: the air thread looks every 5 ms.
const MARGIN: Duration = Duration::from_millis(50);
/// A fade takes 240 ms and has to be rendered before it is sent.
const FADE_ROOM: Duration = Duration::from_millis(450);
/// A programme that begins this late or less begins at its beginning.
const LATE_START: Duration = Duration::from_secs(2);
/// Media is read this long before it sounds; a slow disk needs a second.
const PREPARE: Duration = Duration::from_secs(30);
/// An occurrence older than this is in no run-sheet in force.
const DONE_KEPT: Duration = Duration::from_secs(4 * 86_400);
