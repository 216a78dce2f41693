//! What an earlier run left, and how it goes on.

use std::collections::BTreeMap;

use loa_model::{
    Content, EndReason, OccurrenceId, Origin, PartEnded, PartStarted, PreEmption, WallTime, ZoneId,
};

use crate::engine::Engine;
use crate::session::{AsIfRun, Session};
use crate::settings::MARGIN;

/// The newest part of a session of an earlier run, as the as-run log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPart {
    /// Its start.
    pub started: PartStarted,
    /// Its end, if it has one.
    pub ended: Option<PartEnded>,
}

/// A stretch of sound that counts towards a zone's minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The zone it was sent to.
    pub zone: ZoneId,
    /// First sound.
    pub from: WallTime,
    /// First silence.
    pub to: WallTime,
}

impl Engine {
    /// Takes up what an earlier run left: call it once, before the first run-sheet.
    ///
    /// What was on air when the head-end stopped goes on as if it had run until it has the air again or must wait for it,
    /// or from where it was if the clock was set back; what waited to resume waits again; anything else is over. `not_aired` are occurrences that the log says never will be, `delayed` those that
    /// could not begin at their time and have not begun since, and `heard` is what counts towards today's minutes.
    pub fn restore(
        &mut self,
        parts: &[LastPart],
        not_aired: &[OccurrenceId],
        delayed: &[OccurrenceId],
        heard: &[Stretch],
        last_alive: Option<WallTime>,
        now: WallTime,
    ) {
        self.now = now;
        self.last_alive = last_alive;
        self.count_earlier(heard, now);
        self.delayed.extend(delayed);
        self.done
            .extend(not_aired.iter().map(|occurrence| (*occurrence, occurrence.start)));
        // Each restart goes on with things as new sessions, so of one thing only the newest part tells where it is.
        let mut newest: BTreeMap<&Origin, &LastPart> = BTreeMap::new();
        for part in parts {
            let kept = newest.entry(&part.started.origin).or_insert(part);
            if kept.started.session < part.started.session {
                *kept = part;
            }
        }
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_by_key(|part| part.started.session);
        for part in newest {
            if let Origin::Slot(occurrence) = part.started.origin {
                self.done.insert(occurrence, occurrence.start);
            }
            self.restore_session(part, now);
        }
        self.advance(now);
    }

    fn restore_session(&mut self, part: &LastPart, now: WallTime) {
        let LastPart { started, ended } = part;
        let whole = started.media_offset + started.ends.since(started.at);
        let between = |ended: &PartEnded| ended.media_offset < whole;
        let goes_on = match ended.as_ref().map(|ended| &ended.reason) {
            None
            | Some(
                EndReason::HeadEndLost
                | EndReason::HeadEndStopped
                | EndReason::SourceFailed { .. }
                | EndReason::SourceBack,
            ) => true,
            // One of several pieces was over, and the next had not begun.
            Some(EndReason::Completed) => ended.as_ref().is_some_and(between),
            Some(EndReason::PreEmpted { .. }) => started.pre_emption != PreEmption::Drop,
            Some(_) => false,
        };
        let resumes = ended.as_ref().is_some_and(|ended| match ended.reason {
            EndReason::PreEmpted { .. } => started.pre_emption == PreEmption::Resume,
            // The clock was set back: nobody knows how long it was away.
            _ => self.last_alive.is_some_and(|alive| alive > now),
        });
        let zero = started.at - started.media_offset;
        let total = whole;
        // Whoever spoke has to press again.
        let was_spoken = started.content == Content::Voice;
        let over = !resumes && zero + total <= now + self.settings.delay(started.class) + MARGIN;
        if !goes_on || over || was_spoken || self.tree.get(started.zone).is_none() {
            return;
        }
        let offset = ended
            .as_ref()
            .filter(|_| resumes)
            .map_or(started.media_offset, |ended| ended.media_offset);
        let (origin, title) = (started.origin.clone(), started.title.clone());
        let session = Session {
            total,
            cut: started.cut,
            order: started.order,
            pre_emption: started.pre_emption,
            give_up_after: started.give_up_after,
            drill: started.drill,
            since: ended.as_ref().map_or(now, |ended| ended.at),
            offset,
            as_if_run: (!resumes).then_some(AsIfRun::since(zero)),
            logged: true,
            ..self.new_session(
                started.zone,
                origin,
                title,
                started.content.clone(),
                started.class,
                now,
            )
        };
        self.add(session, now);
    }
}
