//! The engine at one instant, for those who watch.

use std::collections::BTreeMap;

use loa_model::{Heard, SessionState, Snapshot, WallTime, ZoneId, ZoneState};

use crate::engine::Engine;
use crate::session::{Part, Session};

impl Engine {
    /// Returns what every zone airs, hears and waits for at `now`.
    pub fn snapshot(&self, now: WallTime) -> Snapshot {
        let next = self.sheets.next_up();
        // Thousands of zones are told several times a second: each session is looked at once, and each zone's chain walked.
        let mut sounding: BTreeMap<ZoneId, (&Session, &Part)> = BTreeMap::new();
        let mut waiting: BTreeMap<ZoneId, Vec<&Session>> = BTreeMap::new();
        for session in self.sessions.values() {
            if let Some(part) = session.sounding(now) {
                let strongest = sounding.entry(session.zone).or_insert((session, part));
                if strongest.0.priority() < session.priority() {
                    *strongest = (session, part);
                }
            } else if session.wants {
                waiting.entry(session.zone).or_default().push(session);
            }
        }
        let zones = self.tree.iter().map(|zone| {
            let in_chain = self
                .tree
                .chain(zone.id)
                .filter_map(|above| sounding.get(&above.id));
            let mut waiting = waiting.remove(&zone.id).unwrap_or_default();
            waiting.sort_by_key(|session| std::cmp::Reverse(session.priority()));
            ZoneState {
                zone: zone.id,
                on_air: sounding.get(&zone.id).map(|(session, part)| SessionState {
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
                        drill: session.drill,
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
            drill: self.drill,
            began: self.began,
            since: self.since,
            ends: self.on_air.as_ref().map_or_else(
                || self.since + self.total.saturating_sub(self.offset),
                |part| part.ends,
            ),
        }
    }
}
