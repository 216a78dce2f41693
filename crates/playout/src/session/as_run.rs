//! What is written about a session in the as-run log.

use loa_model::{AsRunEvent, EndReason, Origin, PartEnded, PartStarted, WallTime};

use super::Session;
use super::part::Part;

impl Session {
    /// Writes what has sounded by `now` into the log; the caller takes off the parts that are over.
    pub(crate) fn log(&mut self, now: WallTime, log: &mut impl FnMut(AsRunEvent)) {
        if let (Some(at), Origin::Slot(occurrence), Some(by)) =
            (self.delayed_at(), &self.origin, self.waits_for)
            && at <= now
        {
            self.delayed = true;
            log(AsRunEvent::Delayed {
                occurrence: *occurrence,
                at,
                by,
            });
        }
        let parts = self.closing.iter().cloned().chain(self.on_air.clone());
        for part in parts.collect::<Vec<_>>() {
            let ended = part.reason.as_ref().is_some_and(|_| part.ends <= now);
            if !part.logged && (part.from <= now || ended) {
                log(AsRunEvent::Started(self.started(&part)));
                self.logged = true;
            }
            if let (true, Some(reason)) = (ended, part.reason.clone()) {
                log(AsRunEvent::Ended(self.ended(&part, reason)));
            }
        }
        let began = self.closing.iter_mut().chain(&mut self.on_air);
        began
            .filter(|part| part.from <= now)
            .for_each(|part| part.logged = true);
    }

    /// Returns the next instant at which [`log`](Self::log) has something to write.
    pub(crate) fn next_log(&self) -> Option<WallTime> {
        let starts = self
            .closing
            .iter()
            .chain(&self.on_air)
            .filter(|part| !part.logged)
            .map(|part| part.from);
        let ends = self.closing.iter().map(|part| part.ends);
        starts.chain(ends).chain(self.delayed_at()).min()
    }

    /// Returns when it was to begin, if something keeps it off the air then and the log does not tell.
    fn delayed_at(&self) -> Option<WallTime> {
        let waits = self.wants && self.waits_for.is_some() && !self.logged && !self.delayed;
        let first = self.closing.first().or(self.on_air.as_ref());
        self.planned
            .filter(|planned| waits && first.is_none_or(|part| part.at > *planned))
    }

    /// Sees to it that the log tells why it ended for good, though something else took it off the air before.
    ///
    /// A restart of the head-end knows only the log, and would go on with it. If nothing is on the air that could
    /// bear the reason, a part without length does. Returns false if it was never on the air at all.
    pub(crate) fn log_end(
        &mut self,
        now: WallTime,
        reason: &EndReason,
        log: &mut impl FnMut(AsRunEvent),
    ) -> bool {
        if let Some(part) = self.closing.last_mut() {
            part.reason = Some(reason.clone());
            return true;
        }
        if self.logged {
            self.parts += 1;
            if let Some(kept_off) = self.as_if_run.and_then(|ran| ran.kept_off) {
                self.offset = self.waiting_at(kept_off);
            }
            let part = Part {
                number: self.parts,
                started_as: self.parts,
                sound: self.sound(self.offset),
                from: now,
                at: now,
                offset: self.offset,
                ends: now,
                reason: None,
                chime: false,
                before: (self.offset, self.as_if_run),
                logged: true,
            };
            log(AsRunEvent::Started(self.started(&part)));
            log(AsRunEvent::Ended(self.ended(&part, reason.clone())));
        }
        self.logged
    }

    pub(super) fn started(&self, part: &Part) -> PartStarted {
        PartStarted {
            session: self.id,
            part: part.number,
            zone: self.zone,
            origin: self.origin.clone(),
            title: self.title.clone(),
            content: self.content.clone(),
            sound: part.sound.clone(),
            class: self.class,
            order: self.order,
            at: part.at,
            media_offset: part.offset,
            ends: part.at + self.total.saturating_sub(part.offset),
            cut: self.cut,
            pre_emption: self.pre_emption,
            give_up_after: self.give_up_after,
            drill: self.drill,
        }
    }

    pub(super) fn ended(&self, part: &Part, reason: EndReason) -> PartEnded {
        PartEnded {
            session: self.id,
            part: part.number,
            at: part.ends,
            media_offset: part.position(part.ends),
            reason,
        }
    }
}
