//! What is due next of each session, in order.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{SessionId, WallTime, ZoneId};

use crate::engine::Engine;
use crate::quiet::Sent;
use crate::session::Session;

/// What is due, in the order in which it happens at one instant: what ends makes room for what begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// What is on air ends by itself.
    End,
    /// Its turn comes.
    Turn,
    /// Its zone has to be silent.
    Silence,
    /// It has waited in vain.
    Expiry,
}

/// When, what, and of which session.
pub(crate) type Entry = (WallTime, Due, SessionId);

/// What is due of all sessions at one time. Whatever changes a session has its part of it worked out anew.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    order: BTreeSet<Entry>,
    of: BTreeMap<SessionId, Vec<Entry>>,
}

impl Agenda {
    /// Returns what is due first.
    pub(crate) fn first(&self) -> Option<Entry> {
        self.order.first().copied()
    }

    fn put(&mut self, session: SessionId, entries: Vec<Entry>) {
        for entry in self.of.remove(&session).into_iter().flatten() {
            self.order.remove(&entry);
        }
        self.order.extend(&entries);
        self.of.insert(session, entries);
    }
}

impl Engine {
    pub(crate) fn agenda(&self) -> Agenda {
        let mut agenda = Agenda::default();
        self.put_down(self.sessions.values(), &mut agenda);
        agenda
    }

    /// Works out anew what is due of the sessions around a zone.
    pub(crate) fn refresh_agenda(&self, agenda: &mut Agenda, zone: ZoneId) {
        let around = self.around(zone);
        self.put_down(around.iter().filter_map(|id| self.sessions.get(*id)), agenda);
    }

    fn put_down<'a>(&self, sessions: impl Iterator<Item = &'a Session> + Clone, agenda: &mut Agenda) {
        let sent = self.sent(sessions.clone());
        for session in sessions {
            agenda.put(session.id, self.due_of(session, &sent).collect());
        }
    }

    /// Returns when anything is due next of any session.
    pub(crate) fn next_due(&self) -> Option<WallTime> {
        let sent = self.sent(self.sessions.values());
        let all = self
            .sessions
            .values()
            .flat_map(|session| self.due_of(session, &sent));
        all.map(|(at, ..)| at).min()
    }

    /// Walks what is due of a session; `sent` has what counts of everything that is heard in its zone.
    fn due_of(&self, session: &Session, sent: &Sent) -> impl Iterator<Item = Entry> + use<> {
        let end = session.on_air.as_ref().map(|part| part.ends);
        let wanting = session.wants.then_some(session);
        let turn = wanting.and_then(|session| session.due);
        let silence = wanting.and_then(|session| Some(self.silent_at(session, sent)?.0));
        let expiry = session.expires(self.is_ready(session, self.now));
        let id = session.id;
        [
            (end, Due::End),
            (turn, Due::Turn),
            (silence, Due::Silence),
            (expiry.map(|(at, _)| at), Due::Expiry),
        ]
        .into_iter()
        .filter_map(move |(at, due)| Some((at?, due, id)))
    }
}
