//! The engine itself: what happens, in order of the time at which it sounds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Content, ContentHash, EndReason, ORDER_DEFAULT, OccurrenceId, Origin,
    PreEmption, RunSheet, SessionId, Sound, WallTime, ZoneId, ZoneTree,
};

use crate::action::Action;
use crate::agenda::{Due, Entry};
use crate::library::{Library, MediaState};
use crate::quiet::Quiet;
use crate::relays::Relays;
use crate::session::{Part, Session};
use crate::sessions::Sessions;
use crate::settings::{EngineSettings, FADE_ROOM, PREPARE, RELAY_AHEAD};
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
    pub(crate) sessions: Sessions,
    pub(crate) sheets: Sheets,
    pub(crate) library: Library,
    pub(crate) quiet: Quiet,
    pub(crate) relays: Relays,
    /// Occurrences that have begun or are over, by when they were to begin.
    pub(crate) done: BTreeMap<OccurrenceId, WallTime>,
    /// Occurrences that an earlier run could not begin at their time, and that have not begun since.
    pub(crate) delayed: BTreeSet<OccurrenceId>,
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
        let mut quiet = Quiet::default();
        quiet.take(&tree, settings.utc_offset_min);
        quiet.begin(now);
        Self {
            tree,
            quiet,
            relays: Relays::default(),
            epoch,
            settings,
            sessions_begun: 0,
            sessions: Sessions::default(),
            sheets: Sheets::default(),
            library: Library::default(),
            done: BTreeMap::new(),
            delayed: BTreeSet::new(),
            last_alive: None,
            outputs: VecDeque::new(),
            shutting_down: false,
            now,
        }
    }

    /// Takes a date's run-sheet into force, in the place of an earlier one for that date.
    ///
    /// What is on air stays, unless the new run-sheet does not have it. What waits ends also if its content is not
    /// approved any more.
    pub fn handle_run_sheet(&mut self, sheet: &RunSheet, now: WallTime) {
        self.advance(now);
        let chime = self.chime().unwrap_or_default();
        let change = self.sheets.take(sheet, chime, &self.done);
        for (id, reason) in self.refused_by(sheet, now) {
            self.end_session(id, &reason, now);
        }
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

    /// Takes zones that were added or changed, and the offset of local time. What airs in a zone that is gone ends.
    pub fn handle_zones(&mut self, tree: ZoneTree, utc_offset_min: i16, now: WallTime) {
        self.advance(now);
        self.settings.utc_offset_min = utc_offset_min;
        for session in self.sessions.values_mut() {
            session.depth = tree.depth(session.zone);
        }
        self.tree = tree;
        self.refresh_quiet(now);
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

    /// Takes the answer to [`Action::Prepare`]: the length of the media, or why it cannot be had.
    pub fn handle_media(&mut self, media: ContentHash, ready: Result<Duration, String>, now: WallTime) {
        self.advance(now);
        let failed = ready.is_err();
        self.library.answer(media, ready.map(drop));
        if failed {
            self.skip_failed(self.sessions.ids().collect(), now, now);
        }
        self.arrange(now, now);
        self.advance(now);
    }

    /// Takes note that nothing is heard of what is on air in a zone, though something should be; `unsent` if nothing
    /// was there to be sent either.
    ///
    /// What turns out to be silent gives way to the fill until its own end, and the as-run log tells why. Without a
    /// fill it stays; so does a relay whose source is silent, which it watches itself. Returns the name of what is
    /// silent, if it is on air still.
    pub fn handle_dead_air(&mut self, session: SessionId, unsent: bool, now: WallTime) -> Option<String> {
        self.advance(now);
        let delay = self.settings.delay(self.sessions.get(session)?.class);
        let at = now + delay + FADE_ROOM;
        let fill = self.settings.fill;
        let silent = self.sessions.get_mut(session)?;
        let title = silent.title.clone();
        let part = silent
            .on_air
            .as_ref()
            .filter(|part| part.from <= now && part.ends > at)?;
        let fill = fill.filter(|fill| match &part.sound {
            Sound::Media(media) | Sound::Fill(Some(media)) => unsent || *media != fill.media,
            Sound::Source(_) | Sound::Fill(None) | Sound::Silence => unsent,
            // Music must not take the place of somebody who pauses.
            Sound::Voice => false,
        });
        let Some(fill) = fill else {
            return Some(title);
        };
        let reached = part.position(at);
        silent.fill_up(reached, fill);
        let reason = EndReason::SourceFailed {
            what: "dead air".to_owned(),
        };
        let stopped = silent.close(at, reason);
        self.stop(session, stopped.as_slice(), now);
        self.need(fill.media);
        self.arrange(at, now);
        self.advance(now);
        Some(title)
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
        let decisions = self.sheets.next_from().into_iter().chain(self.next_due());
        let decisions = decisions.map(|at| at - settings.ahead);
        let prepares = self
            .sheets
            .next_after(*now + settings.prepare)
            .map(|from| from - settings.prepare);
        let next_pieces = self
            .sessions
            .values()
            .filter_map(|session| Some(session.on_air.as_ref()?.ends - settings.prepare));
        let passing = self
            .sessions
            .values()
            .filter_map(|session| session.next_passes(*now));
        let next_pieces = next_pieces.chain(passing).filter(|at| *at > *now);
        let relays = self
            .sheets
            .next_relay_after(*now + RELAY_AHEAD + settings.ahead)
            .map(|from| from - RELAY_AHEAD - settings.ahead);
        let logs = self.sessions.values().filter_map(Session::next_log);
        let ahead = prepares.into_iter().chain(next_pieces).chain(relays);
        decisions.chain(ahead).chain(logs).min()
    }

    /// Goes on to `now`: decides what sounds until a little later, asks for media, and logs what has sounded.
    pub(crate) fn advance(&mut self, now: WallTime) {
        self.now = self.now.max(now);
        let now = self.now;
        let horizon = now + self.settings.ahead;
        // What goes on as if it had run passes from piece to piece by time alone.
        if self.sessions.values().any(Session::passes_pieces) {
            self.skip_failed(self.sessions.ids().collect(), now, now);
            self.arrange(now, now);
        }
        let first = self.sheets.next_from().into_iter().chain(self.next_due()).min();
        if first.is_some_and(|first| first <= horizon) {
            self.go_on_to(horizon, now);
        }
        let planned = self.sheets.media_by(now + self.settings.prepare);
        let begun = self
            .sessions
            .values()
            .flat_map(|session| session.needs(now, self.settings.prepare + self.settings.ahead));
        let fill = self.settings.fill.map(|fill| fill.media);
        for media in planned.chain(begun).chain(fill).collect::<Vec<_>>() {
            self.need(media);
        }
        self.open_relays(now);
        self.log(now);
        self.sweep(now);
    }

    /// Lets happen what is due by `horizon`, in order.
    fn go_on_to(&mut self, horizon: WallTime, now: WallTime) {
        let mut agenda = self.agenda();
        loop {
            let entry = agenda.first().filter(|(at, ..)| *at <= horizon);
            // At one instant, a line begins after all else.
            let is_next = |from: &WallTime| entry.map_or(*from <= horizon, |(at, ..)| *from < at);
            let line = self.sheets.next_from().filter(is_next);
            let line = line.and_then(|from| self.sheets.next_by(from));
            let zone = match (line, entry) {
                (Some((from, line)), _) => Some(self.begin_line(&line, from, now)),
                (None, Some(entry)) => self.happen(entry, now),
                (None, None) => None,
            };
            let Some(zone) = zone else { break };
            self.refresh_agenda(&mut agenda, zone);
        }
    }

    /// Lets happen what is due of a session; returns its zone.
    fn happen(&mut self, (at, due, id): Entry, now: WallTime) -> Option<ZoneId> {
        let session = self.sessions.get(id)?;
        let zone = session.zone;
        match due {
            Due::End => {
                self.end_part(id, at);
                self.skip_failed(self.around(zone), at, now);
            }
            Due::Turn => self.with(id, |session| session.due = None),
            Due::Expiry => {
                if let Some((_, reason)) = session.expires(self.is_ready(session, now)) {
                    self.expire(id, &reason, now);
                }
            }
            Due::Silence => self.silence(id, at, now),
        }
        self.arrange_around(zone, at, now);
        Some(zone)
    }

    /// Tells whether a session could go on at `at`: its media is loaded.
    pub(crate) fn is_ready(&self, session: &Session, at: WallTime) -> bool {
        session
            .media_at(at)
            .is_none_or(|media| self.library.is_ready(media))
    }

    /// Ends what is on air of a session where it ends by itself; its next piece may follow.
    fn end_part(&mut self, id: SessionId, at: WallTime) {
        self.with(id, |session| {
            let reached = session.on_air.as_ref().map(|part| part.position(at));
            let more = reached.is_some_and(|reached| reached < session.total);
            let reason = if more {
                EndReason::Completed
            } else {
                session.own_end()
            };
            session.close(at, reason);
            session.wants = more;
            session.since = at;
        });
    }

    /// Passes over pieces that cannot be had, in those of these sessions that wait for one at `at`.
    fn skip_failed(&mut self, sessions: Vec<SessionId>, at: WallTime, now: WallTime) {
        for id in sessions {
            while let Some(session) = self.sessions.get_mut(id).filter(|session| session.waits()) {
                let state = session.media_at(at).and_then(|media| self.library.state(media));
                let Some(MediaState::Failed(what)) = state else {
                    break;
                };
                let what = what.clone();
                if !session.skip_piece(at, &what) {
                    self.end_session(id, &EndReason::Fault { what }, now);
                }
            }
        }
    }

    /// Returns the number of the session that is made next.
    pub(crate) const fn next_id(&self) -> SessionId {
        SessionId::new(self.epoch, self.sessions_begun + 1)
    }

    pub(crate) fn new_session(
        &mut self,
        zone: ZoneId,
        origin: Origin,
        title: String,
        content: Content,
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
            content,
            relay: None,
            class,
            order: ORDER_DEFAULT,
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            quiet_at: None,
            chime_gain_db: 0,
            total: Duration::ZERO,
            cut: false,
            chime: false,
            planned: None,
            due: None,
            offset: Duration::ZERO,
            as_if_run: None,
            wants: true,
            on_air: None,
            closing: Vec::new(),
            parts: 0,
            logged: false,
            waits_for: None,
            delayed: false,
            since: now,
            drill: false,
            began: None,
        }
    }

    pub(crate) fn add(&mut self, session: Session, now: WallTime) {
        self.add_at(session, now, now);
    }

    pub(crate) fn add_at(&mut self, mut session: Session, at: WallTime, now: WallTime) {
        if let Content::Relay(relay) = &session.content {
            session.relay = Some(self.open_relay(&session.origin, relay, &session.title));
        }
        if !session.is_authored() {
            let heard = at.max(self.heard_from(session.class, now));
            session.quiet_at = self.quiet.from(
                session.zone,
                session.planned.map_or(heard, |planned| planned.max(heard)),
            );
        }
        let needs: Vec<_> = session.needs(at, self.settings.prepare).collect();
        let zone = session.zone;
        self.sessions.insert(session);
        for media in needs {
            self.library.retry(media);
            self.need(media);
        }
        self.arrange_around(zone, at, now);
    }

    pub(crate) fn need(&mut self, media: ContentHash) {
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
        let is_over = |part: &Part| part.ends <= now;
        // What is forgotten was counted.
        if self
            .sessions
            .values()
            .any(|session| session.closing.iter().any(is_over))
        {
            self.count_sound(now);
        }
        let Self {
            sessions, outputs, ..
        } = self;
        for session in sessions.values_mut() {
            session.log(now, &mut |event| {
                outputs.push_back(Action::AsRun(event));
            });
            session.closing.retain(|part| !is_over(part));
        }
    }

    /// Forgets what is over.
    fn sweep(&mut self, now: WallTime) {
        let Self {
            sessions, outputs, ..
        } = self;
        sessions.retain(|session| {
            let is_kept = session.wants || session.on_air.is_some() || !session.closing.is_empty();
            if !is_kept && session.content == Content::Voice {
                outputs.push_back(Action::CloseVoice { session: session.id });
            }
            is_kept
        });
        self.done.retain(|_, start| now.since(*start) < DONE_KEPT);
        self.close_relays();
        let soon: BTreeSet<_> = self
            .sheets
            .media_by(now + self.settings.prepare + PREPARE)
            .collect();
        let Self {
            sessions,
            library,
            outputs,
            settings,
            ..
        } = self;
        let ahead = settings.prepare + PREPARE;
        let begun: BTreeSet<_> = sessions
            .values()
            .flat_map(|session| session.needs(now, ahead))
            .collect();
        let fill = settings.fill.map(|fill| fill.media);
        let needed = |media| soon.contains(&media) || begun.contains(&media) || fill == Some(media);
        outputs.extend(
            library
                .release(needed)
                .into_iter()
                .map(|media| Action::Release { media }),
        );
    }

    /// Returns how long what sounds before a session lasts: the chime, or the words of a drill.
    pub(crate) fn lead_in(&self, session: &Session) -> Option<Duration> {
        if session.drill {
            self.settings.drill.map(|drill| drill.duration)
        } else {
            self.chime()
        }
    }

    pub(crate) fn chime(&self) -> Option<Duration> {
        self.settings.chime.map(|chime| chime.duration)
    }

    pub(crate) fn with(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(id) {
            change(session);
        }
    }
}

/// An occurrence older than this is in no run-sheet in force.
const DONE_KEPT: Duration = Duration::from_secs(4 * 86_400);
