//! Lines of the run-sheet: how they become sessions, and what becomes of those whose line is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    Content, EndReason, OccurrenceId, Origin, Piece, PreEmption, Reason, Refusal, RunSheet, RunSheetLine,
    SessionId, WallTime, ZoneId,
};

use crate::engine::Engine;
use crate::library::MediaState;
use crate::session::{AsIfRun, Session};
use crate::settings::{FIRST_PACKET, MARGIN};
use crate::sheets::Change;

impl Engine {
    /// Finds the sessions whose line the date's new run-sheet does not have.
    ///
    /// A session of an earlier run may have lost its line while nobody looked; it is the sheet's date's if it was
    /// planned between two of its lines.
    pub(crate) fn unplanned_by(&self, sheet: &RunSheet, change: &Change) -> Vec<SessionId> {
        let starts = sheet.lines.iter().map(|line| line.occurrence.start);
        let (first, last) = (starts.clone().min(), starts.max());
        let unplanned = |occurrence: &OccurrenceId| {
            let on_this_date = first <= Some(occurrence.start) && Some(occurrence.start) <= last;
            change.gone.contains(occurrence) || (on_this_date && !change.planned.contains(occurrence))
        };
        let sessions = self.sessions.values().filter(|session| match &session.origin {
            Origin::Slot(occurrence) => unplanned(occurrence),
            Origin::Override { .. } => false,
        });
        sessions.map(|session| session.id).collect()
    }

    /// Finds the sessions that wait for the air and whose content the date's new run-sheet says is not approved, each
    /// with why it ends.
    ///
    /// What an earlier run left waits as well, until its media is there.
    pub(crate) fn refused_by(&self, sheet: &RunSheet, now: WallTime) -> Vec<(SessionId, EndReason)> {
        let refused = |line: &RunSheetLine| {
            line.reasons.iter().find_map(|reason| match reason {
                Reason::NotApproved { what, .. } => Some(not_approved(what)),
                _ => None,
            })
        };
        let refused: BTreeMap<OccurrenceId, EndReason> = sheet
            .lines
            .iter()
            .filter_map(|line| Some((line.occurrence, refused(line)?)))
            .collect();
        let waiting = self.sessions.values().filter(|session| {
            let unsent = now + self.settings.delay(session.class) + FIRST_PACKET;
            session.wants && !session.has_air(unsent)
        });
        let found = waiting.filter_map(|session| match &session.origin {
            Origin::Slot(occurrence) => Some((session.id, refused.get(occurrence)?.clone())),
            Origin::Override { .. } => None,
        });
        found.collect()
    }

    /// Ends a session whose line is gone; one that is still to come is forgotten, and may be planned again.
    pub(crate) fn withdraw(&mut self, id: SessionId, now: WallTime) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let unsent = now + self.settings.delay(session.class) + FIRST_PACKET;
        let (Origin::Slot(occurrence), true) = (&session.origin, session.is_to_come(unsent, now)) else {
            return self.end_session(id, &EndReason::Unplanned, now);
        };
        self.done.remove(occurrence);
        let zone = session.zone;
        let stopped = session.end(now, unsent, &EndReason::Unplanned);
        self.stop(id, &stopped, now);
        self.sessions.remove(id);
        self.arrange_around(zone, now, now);
    }

    /// Tells whether a line may begin, or why it never will.
    fn may_begin(&mut self, line: &RunSheetLine, now: WallTime) -> Result<(), EndReason> {
        let fault = |what: String| Err(EndReason::Fault { what });
        match line.kept_off() {
            None => {}
            Some(Reason::QuietHours { .. }) => return Err(EndReason::QuietHours),
            Some(Reason::MinutesSpent { .. }) => return Err(EndReason::MinutesSpent),
            Some(Reason::MediaMissing) => return fault("the library does not hold its media".to_owned()),
            Some(Reason::NotApproved { what, .. }) => return Err(not_approved(what)),
            Some(Reason::NoEpisode { series }) => {
                let why = format!("series \"{series}\" has no episode");
                return Err(EndReason::Refused { why });
            }
            Some(other) => {
                let why = format!("{other:?}");
                return Err(EndReason::Refused { why });
            }
        }
        let zone = line.occurrence.zone;
        match self.check_quiet(zone, line.start) {
            Ok(()) => {}
            Err(Refusal::MinutesSpent(_)) => return Err(EndReason::MinutesSpent),
            Err(_) => return Err(EndReason::QuietHours),
        }
        // Of several pieces, those that cannot be had are passed over when their turn comes.
        let only = line.content.media().count() == 1;
        let first = line
            .content
            .piece_at(Duration::ZERO)
            .map(|(_, piece, _)| piece.media);
        if let (true, Some(MediaState::Failed(what))) =
            (only, first.and_then(|media| self.library.state(media)))
        {
            return fault(what.clone());
        }
        match self.make_room(zone, line.class, now) {
            Ok(()) => Ok(()),
            Err(refusal) => fault(refusal.to_string()),
        }
    }

    /// Lets a line want the air from `from` on, or says why it never will; returns its zone.
    pub(crate) fn begin_line(&mut self, line: &RunSheetLine, from: WallTime, now: WallTime) -> ZoneId {
        let zone = line.occurrence.zone;
        match self.session_of(line, from, now) {
            Some(session) => self.add_at(session, from, now),
            None => self.arrange_around(zone, from, now),
        }
        zone
    }

    /// Makes the session of a line that begins, or says why it never will.
    fn session_of(&mut self, line: &RunSheetLine, from: WallTime, now: WallTime) -> Option<Session> {
        let occurrence = line.occurrence;
        if self.done.insert(occurrence, occurrence.start).is_some() || self.shutting_down {
            return None;
        }
        let soonest = now + self.settings.delay(line.class) + MARGIN;
        // It waited when an earlier run was lost, and waits again: what resumes does so from its beginning.
        let waited = self.delayed.remove(&occurrence) && line.pre_emption == PreEmption::Resume;
        if line.end() <= soonest && !waited {
            if self.last_alive.is_some_and(|last_alive| line.end() > last_alive) || line.start >= now {
                self.not_aired(occurrence, &line.title, EndReason::Missed, now);
            }
            return None;
        }
        if let Err(reason) = self.may_begin(line, now) {
            self.not_aired(occurrence, &line.title, reason, now);
            return None;
        }
        let origin = Origin::Slot(occurrence);
        let mut content = line.content.clone();
        let mut total = line.duration;
        if let (true, Some(chime), Content::Pieces(pieces)) =
            (line.chime.after, self.settings.chime, &mut content)
        {
            // It follows where the programme ends, cut or not.
            truncate(pieces, total);
            pieces.push(Piece {
                media: chime.media,
                duration: chime.duration,
            });
            total += chime.duration;
        }
        let late = from + LATE_START < soonest && from < now;
        Some(Session {
            total,
            cut: line.cut,
            chime: line.chime.before && self.quiet.permits(occurrence.zone, from),
            chime_gain_db: line.chime.gain_db,
            order: line.order,
            pre_emption: line.pre_emption,
            give_up_after: line.give_up_after,
            since: line.start,
            planned: Some(line.start),
            as_if_run: (late && !waited).then_some(AsIfRun::since(line.start)),
            delayed: waited,
            ..self.new_session(
                occurrence.zone,
                origin,
                line.title.clone(),
                content,
                line.class,
                now,
            )
        })
    }
}

fn not_approved(what: &str) -> EndReason {
    EndReason::Refused {
        why: format!("\"{what}\" is not approved"),
    }
}

/// Cuts pieces off after a length.
fn truncate(pieces: &mut Vec<Piece>, total: Duration) {
    let mut left = total;
    pieces.retain_mut(|piece| {
        piece.duration = piece.duration.min(left);
        left -= piece.duration;
        !piece.duration.is_zero()
    });
}

/// A programme that begins this late or less begins at its beginning.
const LATE_START: Duration = Duration::from_secs(2);
