//! The engine at one instant, for those who watch.

use loa_model::{Heard, SessionState, Snapshot, WallTime, ZoneState};

use crate::engine::Engine;
use crate::session::{Part, Session};

impl Engine {
    /// Returns what every zone airs, hears and waits for at `now`.
    pub fn snapshot(&self, now: WallTime) -> Snapshot {
        let next = self.sheets.next_up();
        let sounding: Vec<_> = self
            .sessions
            .values()
            .filter_map(|session| Some((session, session.sounding(now)?)))
            .collect();
        let zones = self.tree.iter().map(|zone| {
            let own = sounding.iter().filter(|(session, _)| session.zone == zone.id);
            let in_chain = sounding
                .iter()
                .filter(|(session, _)| self.tree.covers(session.zone, zone.id));
            let mut waiting: Vec<_> = self
                .sessions
                .values()
                .filter(|session| session.zone == zone.id)
                .collect();
            waiting.retain(|session| session.wants && session.sounding(now).is_none());
            waiting.sort_by_key(|session| std::cmp::Reverse(session.priority()));
            ZoneState {
                zone: zone.id,
                on_air: own
                    .max_by_key(|(session, _)| session.priority())
                    .map(|(session, part)| SessionState {
                        since: part.from,
                        ends: part.ends,
                        part: part.number,
                        ..session.state()
                    }),
                heard: in_chain
                    .max_by_key(|(session, _)| session.priority())
                    .map(|(session, _)| Heard {
                        session: session.id,
                        from: session.zone,
                        title: session.title.clone(),
                        class: session.class,
                    }),
                waiting: waiting.into_iter().map(Session::state).collect(),
                next: self
                    .tree
                    .chain(zone.id)
                    .filter_map(|above| next.get(&above.id))
                    .min_by_key(|next| next.start)
                    .cloned(),
            }
        });
        Snapshot {
            at: now,
            run_sheet: self.sheets.number(),
            zones: zones.collect(),
        }
    }
}

impl Session {
    /// Returns the part that sounds at `now`.
    fn sounding(&self, now: WallTime) -> Option<&Part> {
        self.closing
            .iter()
            .chain(&self.on_air)
            .find(|part| part.sounds(now))
    }

    /// Returns its state as one that waits.
    fn state(&self) -> SessionState {
        SessionState {
            session: self.id,
            part: self.parts,
            origin: self.origin.clone(),
            title: self.title.clone(),
            class: self.class,
            since: self.since,
            ends: self.on_air.as_ref().map_or_else(
                || self.since + self.total.saturating_sub(self.offset),
                |part| part.ends,
            ),
        }
    }
}
