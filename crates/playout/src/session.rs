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
    /// When the programme itself is to begin, chime or none; none for what begins as soon as it can.
    pub(crate) planned: Option<WallTime>,
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

/// A part that the sender must end: then, or as if it had never been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) part: u32,
    /// First instant of silence; none if it is taken back before its first sound.
    pub(crate) at: Option<WallTime>,
}

impl Session {
    pub(crate) const fn priority(&self) -> Priority {
        Priority {
            class: self.class,
            depth: self.depth,
            session: self.id,
        }
    }

    /// Begins a part whose first sound is at `from`, or later if it is not its time yet.
    ///
    /// A chime for which there is no time before the planned start is left out, so that the programme begins on its
    /// second; one that begins much later has its chime then.
    pub(crate) fn start(&mut self, from: WallTime, chime: Option<Duration>) -> &Part {
        let chime = chime.filter(|chime| {
            let fits = |planned| from + *chime <= planned || planned + *chime < from;
            self.chime && self.zero.is_none() && self.planned.is_none_or(fits)
        });
        let at = from + chime.unwrap_or_default();
        let at = self.planned.map_or(at, |planned| at.max(planned));
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
            from: at - chime.unwrap_or_default(),
            at,
            offset: self.offset,
            ends,
            reason: None,
            chime: chime.is_some(),
            logged: false,
        };
        self.on_air.insert(part)
    }

    /// Decides the end of what is on air.
    pub(crate) fn close(&mut self, at: WallTime, reason: EndReason) -> Option<Stopped> {
        let mut part = self.on_air.take()?;
        part.ends = at.clamp(part.from, part.ends);
        part.reason = Some(reason);
        self.offset = part.position(part.ends);
        self.chime &= self.offset.is_zero() && part.ends < part.at;
        if self.pre_emption == PreEmption::Rejoin {
            self.zero = Some(part.at - part.offset);
        }
        let stopped = part.stopped();
        self.closing.push(part);
        Some(stopped)
    }

    /// Leaves the air at `at` for `by`, whatever was decided of it for later.
    ///
    /// Returns what to stop; and, if it was to end for good in a part that is taken back, why.
    pub(crate) fn give_way(&mut self, at: WallTime, by: SessionId) -> (Vec<Stopped>, Option<EndReason>) {
        let (mut stopped, decided) = self.take_back(at);
        let lasts = self.pre_emption != PreEmption::Drop;
        let reason = EndReason::PreEmpted { by };
        let by_itself = decided.as_ref().is_some_and(is_by_itself);
        self.wants |= by_itself;
        let over = decided.filter(|decided| !by_itself && !is_pre_emption(decided));
        if self.on_air.as_ref().is_some_and(|part| part.ends <= at) {
            // It ends by itself before that.
        } else if let Some(closed) = self.close(at, reason.clone()) {
            stopped.push(closed);
            self.wants = lasts;
        } else if let Some(part) = self.closing.last_mut().filter(|part| part.ends > at) {
            part.ends = at;
            stopped.push(part.stopped());
            self.offset = part.position(at);
            let (decided, in_chime) = (&mut part.reason, part.chime && at < part.at);
            if decided.as_ref().is_some_and(is_by_itself) {
                self.chime |= in_chime;
                self.wants = lasts && self.offset < self.total;
                *decided = Some(reason);
            } else if decided.as_ref().is_some_and(is_pre_emption) {
                *decided = Some(reason);
            }
        }
        (stopped, over)
    }

    /// Ends for good at `at`, or where it is leaving the air before that; nothing was sent yet of what sounds after
    /// `unsent`.
    pub(crate) fn end(&mut self, at: WallTime, unsent: WallTime, reason: &EndReason) -> Vec<Stopped> {
        self.wants = false;
        let (mut stopped, _) = self.take_back(unsent);
        if let Some(closed) = self.close(at, reason.clone()) {
            stopped.push(closed);
        } else if let Some(part) = self.closing.last_mut().filter(|part| part.ends > at) {
            part.ends = at.max(part.from);
            stopped.push(part.stopped());
            self.offset = part.position(part.ends);
        }
        stopped
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
            let part = Part {
                number: self.parts,
                from: now,
                at: now,
                offset: self.offset,
                ends: now,
                reason: None,
                chime: false,
                logged: true,
            };
            log(AsRunEvent::Started(self.started(&part)));
            log(AsRunEvent::Ended(self.ended(&part, reason.clone())));
        }
        self.logged
    }

    /// Takes back what was to begin at or after `at`; returns why it was to end, if that was decided.
    pub(crate) fn take_back(&mut self, at: WallTime) -> (Vec<Stopped>, Option<EndReason>) {
        let mut taken = Vec::new();
        let mut decided = None;
        while let Some(part) = self
            .on_air
            .take_if(|part| part.from >= at)
            .or_else(|| self.closing.pop_if(|part| part.from >= at))
        {
            taken.push(Stopped {
                part: part.number,
                at: None,
            });
            decided = decided.or(part.reason);
            self.parts -= 1;
            self.offset = part.offset;
            self.chime |= part.chime;
        }
        (taken, decided)
    }

    /// Takes note that it may not begin yet: what rejoins goes on meanwhile.
    pub(crate) fn wait(&mut self) {
        if self.pre_emption == PreEmption::Rejoin && self.zero.is_none() {
            self.zero = self.planned;
        }
    }

    /// Tells whether its planned start is to come and nothing of it was sent, if nothing is of what sounds after
    /// `unsent`.
    pub(crate) fn is_to_come(&self, unsent: WallTime, now: WallTime) -> bool {
        let sent = self.on_air.as_ref().is_some_and(|part| part.from < unsent);
        let aired = self.logged || !self.closing.is_empty();
        self.wants && !sent && !aired && self.planned.is_some_and(|planned| planned > now)
    }

    /// Tells whether none of it was ever on air or is about to be.
    pub(crate) const fn never_aired(&self) -> bool {
        !self.logged && self.closing.is_empty() && self.on_air.is_none()
    }

    /// Returns how it ends by itself.
    pub(crate) const fn own_end(&self) -> EndReason {
        if self.cut {
            EndReason::TimeLimit
        } else {
            EndReason::Completed
        }
    }

    /// Returns when it is over without having the air again: if it goes on as if it ran, or gives way once and for all.
    ///
    /// `ready` is whether its media is loaded; what waits for that does not give way to anybody.
    pub(crate) fn expires(&self, ready: bool) -> Option<WallTime> {
        let waits = self.wants && self.on_air.is_none();
        let over = match self.pre_emption {
            PreEmption::Drop => self.planned.filter(|_| ready && self.never_aired()),
            PreEmption::Resume | PreEmption::Rejoin => None,
        };
        over.or(self.zero.map(|zero| zero + self.total)).filter(|_| waits)
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
                log(AsRunEvent::Ended(self.ended(&part, reason)));
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

    fn ended(&self, part: &Part, reason: EndReason) -> PartEnded {
        PartEnded {
            session: self.id,
            part: part.number,
            at: part.ends,
            media_offset: part.position(part.ends),
            reason,
        }
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
    const fn stopped(&self) -> Stopped {
        Stopped {
            part: self.number,
            at: Some(self.ends),
        }
    }

    /// Returns how far into the media it is at `at`.
    pub(crate) fn position(&self, at: WallTime) -> Duration {
        self.offset + at.since(self.at)
    }

    /// Tells whether it sounds at `at`.
    pub(crate) fn sounds(&self, at: WallTime) -> bool {
        self.from <= at && at < self.ends
    }
}

const fn is_by_itself(reason: &EndReason) -> bool {
    matches!(reason, EndReason::Completed | EndReason::TimeLimit)
}

const fn is_pre_emption(reason: &EndReason) -> bool {
    matches!(reason, EndReason::PreEmpted { .. })
}
