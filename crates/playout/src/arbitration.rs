//! Who has the air, and since when: one order of priority, applied to each zone's chain.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{BulletinClass, EndReason, Origin, SessionId, Sound, WallTime, ZoneId};

use crate::action::{Action, Bed, Feed, Start};
use crate::engine::Engine;
use crate::session::Stopped;
use crate::settings::{FADE_ROOM, FIRST_PACKET, MARGIN};

impl Engine {
    /// Gives the air of every zone to whoever may have it at sounding time `at`, or as soon after as can still be sent.
    pub(crate) fn arrange(&mut self, at: WallTime, now: WallTime) {
        let all = self.sessions.ids().collect();
        self.arrange_these(all, None, at, now);
    }

    /// As [`arrange`](Self::arrange), after something changed in one zone only: it has to do with the air of that zone and of
    /// those below.
    pub(crate) fn arrange_around(&mut self, zone: ZoneId, at: WallTime, now: WallTime) {
        let around = self.around(zone);
        self.arrange_these(around, Some(zone), at, now);
    }

    /// Finds the sessions whose air has to do with that of a zone: its own, those above that are heard in it, and those
    /// below that hear it.
    pub(crate) fn around(&self, zone: ZoneId) -> Vec<SessionId> {
        let above = self.tree.chain(zone).skip(1);
        let below = self.tree.subtree(zone).filter(|below| below.id != zone);
        let zones = above.chain(below).map(|other| other.id).chain([zone]);
        let sessions = zones.flat_map(|zone| self.sessions.in_zone(zone));
        sessions.map(|session| session.id).collect()
    }

    /// Gives the air to these sessions; those above `changed` only have the air that they have.
    fn arrange_these(
        &mut self,
        sessions: Vec<SessionId>,
        changed: Option<ZoneId>,
        at: WallTime,
        now: WallTime,
    ) {
        let mut order: Vec<_> = sessions
            .into_iter()
            .filter_map(|id| Some((self.sessions.get(id)?.priority(), id)))
            .collect();
        order.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        // From when on a zone's air is claimed by something at least this strong, and by what.
        let mut held: BTreeMap<ZoneId, (WallTime, SessionId)> = BTreeMap::new();
        for (_, id) in order {
            let Some(session) = self.sessions.get(id) else {
                continue;
            };
            let zone = session.zone;
            let stays = changed.is_some_and(|changed| changed != zone && self.tree.covers(zone, changed));
            let gate = self
                .tree
                .chain(zone)
                .filter_map(|above| held.get(&above.id))
                .min()
                .copied();
            let active = session.wants
                && session.due.is_none()
                && (session.on_air.is_some() || self.is_ready(session, at));
            let claim = match gate {
                Some((from, by)) => {
                    if !stays {
                        self.give_way(id, from.max(at), by, now);
                    }
                    active.then_some((from, by))
                }
                None if !active => None,
                None => {
                    if session.on_air.is_none() && !stays && !self.shutting_down {
                        self.begin(id, self.soonest(id, at, now), now);
                    }
                    let session = self.sessions.get(id);
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
        let Some(session) = self.sessions.get(id) else {
            return at;
        };
        let delay = self.settings.delay(session.class);
        let mut soonest = at.max(now + delay + MARGIN);
        let chain = self.tree.chain(session.zone);
        for other in chain.flat_map(|above| self.sessions.in_zone(above.id)) {
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

    /// Puts a session on air, if it may sound from `from` on.
    fn begin(&mut self, id: SessionId, from: WallTime, now: WallTime) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let over = session.as_if_run.is_some() && session.total <= session.waiting_at(from);
        let quiet = session.quiet_at.is_some_and(|quiet| quiet <= from);
        let first = session.first_sound(from, self.lead_in(session));
        if over || quiet {
            // That event is on its way.
        } else if first > from {
            // Until then the air is for what waits.
            self.with(id, |session| session.due = Some(first));
        } else if self.is_spent(session, from) {
            // It takes the air from nothing weaker.
            self.expire(id, &EndReason::MinutesSpent, now);
        } else {
            self.start(id, from);
        }
    }

    fn start(&mut self, id: SessionId, from: WallTime) {
        let chime = self.sessions.get(id).and_then(|session| self.lead_in(session));
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let part = session.start(from, chime).clone();
        let feed = match (&part.sound, &session.relay) {
            (Sound::Media(media), _) => Feed::Media {
                media: *media,
                offset: session
                    .content
                    .piece_at(part.offset)
                    .map_or(Duration::ZERO, |(.., begins)| part.offset - begins),
            },
            (_, Some((relay, _))) => Feed::Relay(*relay),
            (Sound::Voice, None) => Feed::Voice,
            _ => Feed::Silence,
        };
        let piece = session.content.piece_at(part.offset);
        let piece_ends =
            piece.map(|(_, piece, begins)| part.at + (begins + piece.duration).saturating_sub(part.offset));
        let last = part.position(part.ends) >= session.total;
        let filled = piece
            .zip(self.settings.fill)
            .is_some_and(|((_, piece, _), fill)| piece.media == fill.media && piece.duration < fill.duration);
        let mut start = Start {
            session: id,
            part: part.started_as,
            zone: session.zone,
            class: session.class,
            feed,
            at: part.at,
            chime: part.chime,
            chime_gain_db: session.chime_gain_db,
            ends: part.ends,
            cut: (session.cut && last) || filled || piece_ends.is_some_and(|ends| ends > part.ends),
            authored: session.is_authored(),
            drill: session.drill,
            bed: None,
        };
        if matches!(start.feed, Feed::Media { .. }) {
            start.bed = self.bed(id, start.at, start.ends);
        }
        self.outputs.push_back(Action::Start(start));
    }

    /// Returns what plays on beneath a session: the one that would have this zone's air without it, if that one ducks.
    ///
    /// An emergency has the air to itself.
    fn bed(&self, id: SessionId, at: WallTime, ends: WallTime) -> Option<Bed> {
        let over = self.sessions.get(id)?;
        let here = self.sessions.in_zone(over.zone);
        let beneath = here.filter(|other| other.wants && other.priority() < over.priority());
        let next = beneath.max_by_key(|other| other.priority())?;
        next.beneath(at, ends)
            .filter(|_| over.class < BulletinClass::Emergency)
    }

    /// Takes a session off the air from `at` on, in favour of `by`; also one whose own end was decided for later.
    fn give_way(&mut self, id: SessionId, at: WallTime, by: SessionId, now: WallTime) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let ready = self.is_ready(session, at);
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let (stopped, over) = session.give_way(at, by);
        // What was to begin and is taken back has waited all along.
        if session.on_air.is_none() && stopped.iter().any(|stopped| stopped.at.is_some()) {
            session.since = at;
        }
        if session.wants && ready {
            session.wait(at);
            if session.never_aired() {
                session.waits_for = Some(by);
            }
        }
        self.stop(id, &stopped, now);
        if let Some(reason) = over {
            self.log_end(id, &reason, now);
        }
    }

    /// Ends a session for good, and gives its air to what waits.
    pub(crate) fn end_session(&mut self, id: SessionId, reason: &EndReason, now: WallTime) {
        let Some(session) = self.sessions.get_mut(id).filter(|session| session.wants) else {
            return;
        };
        let (zone, delay) = (session.zone, self.settings.delay(session.class));
        let at = now + delay + FADE_ROOM;
        // What has not been sent need not be heard.
        let stopped = session.end(at, now + delay + FIRST_PACKET, reason);
        self.stop(id, &stopped, now);
        self.log_end(id, reason, now);
        // What follows waits for what still sounds of it; if nothing does, it need not.
        self.arrange_around(zone, now, now);
    }

    pub(crate) fn stop(&mut self, session: SessionId, stopped: &[Stopped], now: WallTime) {
        let Some(zone) = self.sessions.get(session).map(|session| session.zone) else {
            return;
        };
        let stops = stopped.iter().map(|stopped| Action::Stop {
            session,
            part: stopped.part,
            zone,
            // The first packet lies before the first sound, and is not to be sent either.
            at: stopped.at.unwrap_or(now),
        });
        self.outputs.extend(stops);
    }

    /// Ends what waited in vain.
    pub(crate) fn expire(&mut self, id: SessionId, reason: &EndReason, now: WallTime) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.wants = false;
        // What would come back later is told even if some of it was heard: a restart would go on with it.
        if session.never_aired() || *reason != EndReason::Missed {
            self.log_end(id, reason, now);
        }
    }

    /// Sees to it that the log tells why a session ended for good, unless a restart of the head-end goes on with it.
    pub(crate) fn log_end(&mut self, id: SessionId, reason: &EndReason, now: WallTime) {
        let Self {
            sessions, outputs, ..
        } = self;
        let Some(session) = sessions.get_mut(id) else {
            return;
        };
        let for_now = *reason == EndReason::HeadEndStopped;
        let logged = if for_now {
            !session.never_aired()
                || session
                    .planned
                    .is_none_or(|planned| planned + session.total > now)
        } else {
            session.log_end(now, reason, &mut |event| outputs.push_back(Action::AsRun(event)))
        };
        if let (false, Origin::Slot(occurrence)) = (logged, &session.origin) {
            let (occurrence, title) = (*occurrence, session.title.clone());
            self.not_aired(occurrence, &title, reason.clone(), now);
        }
    }
}
