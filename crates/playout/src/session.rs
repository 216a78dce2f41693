//! One session: what it is, what it has sounded, and what of it is on air.

use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, ContentHash, EndReason, Origin, PartEnded, PartStarted, PreEmption, Priority,
    SessionId, WallTime, ZoneId,
};

/// Something that wants the air, has it, or is about to leave it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) zone: ZoneId,
    /// Zones above its own.
    pub(crate) depth: u8,
    pub(crate) origin: Origin,
    pub(crate) title: String,
    pub(crate) media: ContentHash,
    pub(crate) class: BulletinClass,
    pub(crate) pre_emption: PreEmption,
    /// It is over when this much of the media has passed.
    pub(crate) total: Duration,
    /// Whether `total` is less than the media, so that its end fades.
    pub(crate) cut: bool,
    /// Whether its first start has a chime.
    pub(crate) chime: bool,
    /// How far into the media it goes on.
    pub(crate) offset: Duration,
    /// When its beginning would have sounded, if it goes on as if it had run.
    pub(crate) zero: Option<WallTime>,
    /// Whether it still competes for the air.
    pub(crate) wants: bool,
    /// What is on air or about to be, with no end decided but its own.
    pub(crate) on_air: Option<Part>,
    /// Parts whose end is decided and has not sounded yet, in order.
    pub(crate) closing: Vec<Part>,
    /// Stretches begun so far.
    pub(crate) parts: u32,
    /// Whether any of it stands in the as-run log.
    pub(crate) logged: bool,
    /// Since when it waits for the air, while it does.
    pub(crate) since: WallTime,
}

/// One stretch on the air.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) number: u32,
    /// First sound of it: the chime, if it has one.
    pub(crate) from: WallTime,
    /// When `offset` sounds.
    pub(crate) at: WallTime,
    pub(crate) offset: Duration,
    /// When it ends by itself, or was decided to.
    pub(crate) ends: WallTime,
    /// Why, once that is decided.
    pub(crate) reason: Option<EndReason>,
    pub(crate) chime: bool,
    /// Whether its start stands in the as-run log.
    pub(crate) logged: bool,
}

impl Session {
    pub(crate) const fn priority(&self) -> Priority {
        Priority {
            class: self.class,
            depth: self.depth,
            session: self.id,
        }
    }

    /// Begins a part whose first sound is at `from`.
    pub(crate) fn start(&mut self, from: WallTime, chime: Option<Duration>) -> &Part {
        let chime = chime.filter(|_| self.chime && self.zero.is_none());
        let at = from + chime.unwrap_or_default();
        if let Some(zero) = self.zero {
            self.offset = self.offset.max(at.since(zero));
        }
        if self.pre_emption != PreEmption::Rejoin {
            self.zero = None;
        }
        self.parts += 1;
        let ends = at + self.total.saturating_sub(self.offset);
        let part = Part {
            number: self.parts,
            from,
            at,
            offset: self.offset,
            ends,
            reason: None,
            chime: chime.is_some(),
            logged: false,
        };
        self.on_air.insert(part)
    }

    /// Takes back a part that has not sounded.
    pub(crate) fn cancel(&mut self) -> Option<Part> {
        let part = self.on_air.take()?;
        self.parts -= 1;
        Some(part)
    }

    /// Decides the end of what is on air.
    pub(crate) fn close(&mut self, at: WallTime, reason: EndReason) -> Option<&Part> {
        let mut part = self.on_air.take()?;
        part.ends = at.max(part.from);
        part.reason = Some(reason);
        self.offset = part.position(part.ends);
        self.chime &= self.offset.is_zero() && part.ends < part.at;
        if self.pre_emption == PreEmption::Rejoin {
            self.zero = Some(part.at - part.offset);
        }
        self.closing.push(part);
        self.closing.last()
    }

    /// Leaves the air at `at` for `by`, whatever was decided of it for later.
    ///
    /// Returns the part to stop and when; and, if a part was taken back whose end a person or the plan had decided,
    /// the reason of that end.
    pub(crate) fn give_way(
        &mut self,
        at: WallTime,
        by: SessionId,
    ) -> (Option<(u32, WallTime)>, Option<EndReason>) {
        let reason = EndReason::PreEmpted { by };
        if self.on_air.as_ref().is_some_and(|part| part.from >= at) {
            return (self.cancel().map(|part| (part.number, part.from)), None);
        }
        if self.on_air.is_some() {
            let stopped = self.close(at, reason).map(|part| (part.number, part.ends));
            self.wants = self.pre_emption != PreEmption::Drop;
            return (stopped, None);
        }
        let Some(part) = self.closing.last_mut().filter(|part| part.ends > at) else {
            return (None, None);
        };
        let ended_itself = matches!(part.reason, Some(EndReason::Completed | EndReason::TimeLimit));
        let taken_back = part.from >= at;
        part.ends = at.max(part.from);
        let decided = part.reason.replace(reason);
        self.offset = part.position(part.ends);
        let stopped = Some((part.number, part.ends));
        if taken_back {
            self.chime |= part.chime;
            self.closing.pop();
            self.parts -= 1;
        }
        if ended_itself {
            self.wants = self.pre_emption != PreEmption::Drop && self.offset < self.total;
        }
        let over = taken_back && !self.wants;
        (stopped, decided.filter(|_| over))
    }

    /// Returns how it ends by itself.
    pub(crate) const fn own_end(&self) -> EndReason {
        if self.cut {
            EndReason::TimeLimit
        } else {
            EndReason::Completed
        }
    }

    /// Returns when it is over without having the air again, if it goes on as if it ran.
    pub(crate) fn expires(&self) -> Option<WallTime> {
        let waits = self.wants && self.on_air.is_none();
        self.zero.filter(|_| waits).map(|zero| zero + self.total)
    }

    /// Writes what has sounded by `now` into the log.
    pub(crate) fn log(&mut self, now: WallTime, log: &mut impl FnMut(AsRunEvent)) {
        let parts = self.closing.iter().cloned().chain(self.on_air.clone());
        for part in parts.collect::<Vec<_>>() {
            let ended = part.reason.as_ref().is_some_and(|_| part.ends <= now);
            if !part.logged && (part.from <= now || ended) {
                log(AsRunEvent::Started(self.started(&part)));
                self.logged = true;
            }
            if let (true, Some(reason)) = (ended, part.reason.clone()) {
                log(AsRunEvent::Ended(PartEnded {
                    session: self.id,
                    part: part.number,
                    at: part.ends,
                    media_offset: part.position(part.ends),
                    reason,
                }));
            }
        }
        self.closing.retain(|part| part.ends > now);
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
        starts.chain(self.closing.iter().map(|part| part.ends)).min()
    }

    fn started(&self, part: &Part) -> PartStarted {
        PartStarted {
            session: self.id,
            part: part.number,
            zone: self.zone,
            origin: self.origin.clone(),
            title: self.title.clone(),
            media: self.media,
            class: self.class,
            at: part.at,
            media_offset: part.offset,
            ends: part.at + self.total.saturating_sub(part.offset),
            cut: self.cut,
            pre_emption: self.pre_emption,
        }
    }
}

impl Part {
    /// Returns how far into the media it is at `at`.
    pub(crate) fn position(&self, at: WallTime) -> Duration {
        self.offset + at.since(self.at)
    }

    /// Tells whether it sounds at `at`.
    pub(crate) fn sounds(&self, at: WallTime) -> bool {
        self.from <= at && at < self.ends
    }
}
