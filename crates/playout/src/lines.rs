//! Lines of the run-sheet: how they become sessions, and what becomes of those whose line is gone.

use std::time::Duration;

use loa_model::{EndReason, OccurrenceId, Origin, RunSheet, RunSheetLine, SessionId, WallTime};

use crate::engine::Engine;
use crate::library::MediaState;
use crate::session::Session;
use crate::settings::{FIRST_PACKET, MARGIN};
use crate::sheets::{Change, is_missing};

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

    /// Ends a session whose line is gone; one that is still to come is forgotten, and may be planned again.
    pub(crate) fn withdraw(&mut self, id: SessionId, now: WallTime) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let unsent = now + self.settings.delay(session.class) + FIRST_PACKET;
        let (Origin::Slot(occurrence), true) = (&session.origin, session.is_to_come(unsent, now)) else {
            return self.end_session(id, &EndReason::Unplanned, now);
        };
        self.done.remove(occurrence);
        let stopped = session.end(now, unsent, &EndReason::Unplanned);
        self.stop(id, &stopped, now);
        self.sessions.remove(&id);
        self.arrange(now, now);
    }

    pub(crate) fn begin_line(&mut self, line: &RunSheetLine, from: WallTime, now: WallTime) {
        let occurrence = line.occurrence;
        if self.done.insert(occurrence, occurrence.start).is_some() || self.shutting_down {
            return;
        }
        let soonest = now + self.settings.delay(line.class) + MARGIN;
        if line.end() <= soonest {
            if self.last_alive.is_some_and(|last_alive| line.end() > last_alive) || line.start >= now {
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
                    .make_room(occurrence.zone, line.class, now)
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
            planned: Some(line.start),
            zero: late.then_some(line.start),
            ..self.new_session(
                occurrence.zone,
                origin,
                line.title.clone(),
                line.media,
                line.class,
                now,
            )
        };
        self.add_at(session, from, now);
    }
}

/// A programme that begins this late or less begins at its beginning.
const LATE_START: Duration = Duration::from_secs(2);
