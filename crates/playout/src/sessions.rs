//! All sessions, found by their number or by their zone.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{SessionId, ZoneId};

use crate::session::Session;

/// Sessions in order of their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    all: BTreeMap<SessionId, Session>,
    by_zone: BTreeMap<ZoneId, BTreeSet<SessionId>>,
}

impl Sessions {
    pub(crate) fn insert(&mut self, session: Session) {
        self.by_zone.entry(session.zone).or_default().insert(session.id);
        self.all.insert(session.id, session);
    }

    pub(crate) fn remove(&mut self, id: SessionId) {
        if let Some(session) = self.all.remove(&id) {
            forget(&mut self.by_zone, &session);
        }
    }

    /// Keeps those of which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Session) -> bool) {
        let by_zone = &mut self.by_zone;
        self.all.retain(|_, session| {
            let kept = keep(session);
            if !kept {
                forget(by_zone, session);
            }
            kept
        });
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)
    }

    /// Returns a session to be changed; its number and its zone stay.
    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.all.get_mut(&id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = SessionId> {
        self.all.keys().copied()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Session> + Clone {
        self.all.values()
    }

    /// Walks all sessions to be changed; their numbers and zones stay.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.all.values_mut()
    }

    /// Walks those of one zone.
    pub(crate) fn in_zone(&self, zone: ZoneId) -> impl Iterator<Item = &Session> + Clone {
        let ids = self.by_zone.get(&zone).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id))
    }
}

fn forget(by_zone: &mut BTreeMap<ZoneId, BTreeSet<SessionId>>, session: &Session) {
    if let Some(here) = by_zone.get_mut(&session.zone) {
        here.remove(&session.id);
        if here.is_empty() {
            by_zone.remove(&session.zone);
        }
    }
}
