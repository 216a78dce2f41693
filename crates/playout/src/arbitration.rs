//! Who has the air, and since when: one order of priority, applied to each zone's chain.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{EndReason, Origin, SessionId, WallTime, ZoneId};

use crate::action::{Action, Start};
use crate::engine::Engine;
use crate::session::Session;
use crate::settings::{FADE_ROOM, MARGIN};

impl Engine {
    /// Gives the air to whoever may have it at sounding time `at`, or as soon after as can still be sent.
    pub(crate) fn arrange(&mut self, at: WallTime, now: WallTime) {
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
    pub(crate) fn give_way(&mut self, id: SessionId, at: WallTime, by: SessionId) {
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
    pub(crate) fn end_session(&mut self, id: SessionId, reason: &EndReason, now: WallTime) {
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

    pub(crate) fn expire(&mut self, id: SessionId) {
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
}
