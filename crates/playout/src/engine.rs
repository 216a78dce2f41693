//! The engine itself: what happens, in order of the time at which it sounds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Command, CommandDone, ContentHash, EndReason, OccurrenceId, Origin,
    PreEmption, Priority, Refusal, RunSheet, SESSIONS_PER_ZONE_MAX, SessionId, WallTime, ZoneId, ZoneTree,
};

use crate::action::Action;
use crate::library::Library;
use crate::session::Session;
use crate::settings::{EngineSettings, PREPARE};
use crate::sheets::Sheets;

/// Keeps the air of every zone.
///
/// After each `handle_*` call, drain [`poll_output`](Self::poll_output) to `None`, then sleep until
/// [`poll_timeout`](Self::poll_timeout) and call [`handle_timeout`](Self::handle_timeout).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) tree: ZoneTree,
    epoch: u32,
    pub(crate) settings: EngineSettings,
    sessions_begun: u32,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) sheets: Sheets,
    pub(crate) library: Library,
    /// Occurrences that have begun or are over, by when they were to begin.
    pub(crate) done: BTreeMap<OccurrenceId, WallTime>,
    /// When an earlier run was last known to be sending: what was planned after it and never aired was missed.
    pub(crate) last_alive: Option<WallTime>,
    pub(crate) outputs: VecDeque<Action>,
    pub(crate) shutting_down: bool,
    pub(crate) now: WallTime,
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

    /// Takes a date's run-sheet into force, in the place of an earlier one for that date.
    ///
    /// What is on air stays, unless the new run-sheet does not have it.
    pub fn handle_run_sheet(&mut self, sheet: &RunSheet, now: WallTime) {
        self.advance(now);
        let chime = self.chime().unwrap_or_default();
        let change = self.sheets.take(sheet, chime, &self.done);
        for id in self.unplanned_by(sheet, &change) {
            self.withdraw(id, now);
        }
        // A slot that is added after its time was not missed; it begins with its next occurrence.
        if !change.first {
            for occurrence in change.new.into_iter().filter(|occurrence| occurrence.start < now) {
                self.done.insert(occurrence, occurrence.start);
            }
        }
        self.advance(now);
    }

    /// Takes zones that were added or changed. What airs in a zone that is gone ends.
    pub fn handle_zones(&mut self, tree: ZoneTree, now: WallTime) {
        self.advance(now);
        for session in self.sessions.values_mut() {
            session.depth = tree.depth(session.zone);
        }
        self.tree = tree;
        let homeless: Vec<_> = self
            .sessions
            .values()
            .filter(|session| self.tree.get(session.zone).is_none())
            .map(|session| session.id)
            .collect();
        for id in homeless {
            self.end_session(id, &EndReason::Unplanned, now);
        }
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
                self.make_room(zone, class, now)?;
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
        self.advance(now);
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
    pub(crate) fn advance(&mut self, now: WallTime) {
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
                Event::Expiry(id) => self.expire(id, now),
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
            .filter_map(|session| {
                let ready = self.library.is_ready(session.media);
                Some((session.expires(ready)?, session.id))
            })
            .min()
    }

    /// Returns the number of the session that is made next.
    const fn next_id(&self) -> SessionId {
        SessionId::new(self.epoch, self.sessions_begun + 1)
    }

    pub(crate) fn new_session(
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
            planned: None,
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

    /// Sees to it that a zone can hold one more session of this class: the weakest that waits may have to go.
    pub(crate) fn make_room(
        &mut self,
        zone: ZoneId,
        class: BulletinClass,
        now: WallTime,
    ) -> Result<(), Refusal> {
        self.tree.get(zone).ok_or(Refusal::UnknownZone(zone))?;
        let here = self.sessions.values().filter(|session| session.zone == zone);
        let held = here.clone().filter(|session| session.wants);
        let full = Refusal::TooManySessions(zone);
        // What ends is gone within seconds.
        if here.count() >= 2 * SESSIONS_PER_ZONE_MAX {
            return Err(full);
        }
        if held.clone().count() < SESSIONS_PER_ZONE_MAX {
            return Ok(());
        }
        let newcomer = Priority {
            class,
            depth: self.tree.depth(zone),
            session: self.next_id(),
        };
        let weakest = held
            .filter(|session| session.on_air.is_none())
            .map(Session::priority)
            .min()
            .filter(|weakest| *weakest < newcomer);
        let weakest = weakest.ok_or(full)?;
        let what = format!("{SESSIONS_PER_ZONE_MAX} sessions in its zone, and a stronger one came");
        self.end_session(weakest.session, &EndReason::Fault { what }, now);
        Ok(())
    }

    pub(crate) fn add(&mut self, session: Session, now: WallTime) {
        self.add_at(session, now, now);
    }

    pub(crate) fn add_at(&mut self, session: Session, at: WallTime, now: WallTime) {
        let media = session.media;
        self.sessions.insert(session.id, session);
        self.library.retry(media);
        self.need(media);
        self.arrange(at, now);
    }

    fn need(&mut self, media: ContentHash) {
        if self.library.need(media) {
            self.outputs.push_back(Action::Prepare { media });
        }
    }

    pub(crate) fn not_aired(
        &mut self,
        occurrence: OccurrenceId,
        title: &str,
        reason: EndReason,
        at: WallTime,
    ) {
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

    pub(crate) fn chime(&self) -> Option<Duration> {
        self.settings.chime.map(|chime| chime.duration)
    }

    pub(crate) fn with(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
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

/// An occurrence older than this is in no run-sheet in force.
const DONE_KEPT: Duration = Duration::from_secs(4 * 86_400);
