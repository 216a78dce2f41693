//! One session: what it is, where it stands, and how it takes the air and leaves it.

mod as_if_run;
mod as_run;
mod content;
mod part;

use std::time::Duration;

use loa_model::{
    BulletinClass, Content, EndReason, Origin, PreEmption, Priority, RelayId, SessionId, Sound, WallTime,
    ZoneId,
};

pub(crate) use as_if_run::AsIfRun;
use part::NEVER_STARTED;
pub(crate) use part::{Part, Stopped};

/// Something that wants the air, has it, or is about to leave it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) zone: ZoneId,
    /// Zones above its own.
    pub(crate) depth: u8,
    pub(crate) origin: Origin,
    pub(crate) title: String,
    pub(crate) content: Content,
    /// Its relay, and what that sounds like now.
    pub(crate) relay: Option<(RelayId, Sound)>,
    pub(crate) class: BulletinClass,
    pub(crate) order: u16,
    pub(crate) pre_emption: PreEmption,
    /// Once it was kept off the air for this long, it does not come back.
    pub(crate) give_up_after: Option<Duration>,
    /// It is over when this much of the content has passed.
    pub(crate) total: Duration,
    /// Whether `total` is less than the content, so that its end fades.
    pub(crate) cut: bool,
    /// Whether its first start has a chime.
    pub(crate) chime: bool,
    /// How much quieter than it was made the chime is, dB.
    pub(crate) chime_gain_db: i8,
    /// When quiet hours begin for it.
    pub(crate) quiet_at: Option<WallTime>,
    /// When the programme itself is to begin, chime or none; none for what begins as soon as it can.
    pub(crate) planned: Option<WallTime>,
    /// When its turn comes, if the air was free before it may begin.
    pub(crate) due: Option<WallTime>,
    /// How far into the content it goes on.
    pub(crate) offset: Duration,
    /// Set if it goes on as if it had run.
    pub(crate) as_if_run: Option<AsIfRun>,
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
    /// What had the air when it last asked for it and had not begun.
    pub(crate) waits_for: Option<SessionId>,
    /// Whether it stands in the as-run log that it could not begin at its time.
    pub(crate) delayed: bool,
    /// Since when it waits for the air, while it does.
    pub(crate) since: WallTime,
    /// An exercise.
    pub(crate) drill: bool,
    /// When it first took the air in this run.
    pub(crate) began: Option<WallTime>,
}

impl Session {
    pub(crate) const fn priority(&self) -> Priority {
        Priority {
            class: self.class,
            depth: self.depth,
            order: self.order,
            session: self.id,
        }
    }

    /// Returns when its first sound is, if it has the air from `from` on: later if it is not its time yet.
    pub(crate) fn first_sound(&self, from: WallTime, chime: Option<Duration>) -> WallTime {
        let chime = self.chime_from(from, chime).unwrap_or_default();
        self.planned.map_or(from, |planned| from.max(planned - chime))
    }

    /// Returns the length of the chime with which it begins at `from`.
    ///
    /// A chime for which there is no time before the planned start is left out, so that the programme begins on its
    /// second; one that begins much later has its chime then.
    fn chime_from(&self, from: WallTime, chime: Option<Duration>) -> Option<Duration> {
        chime.filter(|chime| {
            let fits = |planned| from + *chime <= planned || planned + *chime < from;
            let ran = self.as_if_run.is_some_and(|ran| ran.kept_off.is_none());
            self.chime && !ran && self.planned.is_none_or(fits)
        })
    }

    /// Begins a part whose first sound is at `from`.
    pub(crate) fn start(&mut self, from: WallTime, chime: Option<Duration>) -> &mut Part {
        let chime = self.chime_from(from, chime);
        let at = from + chime.unwrap_or_default();
        let at = self.planned.map_or(at, |planned| at.max(planned));
        let before = (self.offset, self.as_if_run);
        self.offset = self.waiting_at(at);
        if !self.pre_emption.rejoins() {
            self.as_if_run = None;
        }
        self.parts += 1;
        if self.never_aired() {
            self.began = Some(at - chime.unwrap_or_default());
        }
        let whole = self.total.saturating_sub(self.offset);
        let piece = self.content.piece_at(self.offset);
        let left = piece.map(|(_, piece, begins)| (begins + piece.duration).saturating_sub(self.offset));
        let part = Part {
            number: self.parts,
            started_as: self.parts,
            sound: self.sound(self.offset),
            from: at - chime.unwrap_or_default(),
            at,
            offset: self.offset,
            ends: at + left.map_or(whole, |left| left.min(whole)),
            reason: None,
            chime: chime.is_some(),
            before,
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
        if self.pre_emption.rejoins() {
            self.as_if_run = Some(AsIfRun::since(part.at - part.offset));
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
        let over =
            decided.filter(|decided| !by_itself && !is_pre_emption(decided) && !is_passed_over(decided));
        if self.on_air.as_ref().is_some_and(|part| part.ends <= at) {
            // It ends by itself before that.
        } else if let Some(closed) = self.close(at, reason.clone()) {
            stopped.push(closed);
            self.wants = lasts;
        } else if self.wants && !lasts && self.is_between_pieces(at) {
            self.wants = false;
            return (stopped, Some(reason));
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

    /// Tells whether at `at` one piece of it is over and the next has not begun.
    fn is_between_pieces(&self, at: WallTime) -> bool {
        let aired = self.logged || !self.closing.is_empty();
        aired && self.on_air.is_none() && self.closing.last().is_none_or(|part| part.ends <= at)
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

    /// Takes back what was to begin at or after `at`; returns why it was to end, if that was decided.
    pub(crate) fn take_back(&mut self, at: WallTime) -> (Vec<Stopped>, Option<EndReason>) {
        let mut taken = Vec::new();
        let mut decided = None;
        while let Some(part) = self
            .on_air
            .take_if(|part| part.from >= at)
            .or_else(|| self.closing.pop_if(|part| part.from >= at))
        {
            if part.started_as != NEVER_STARTED {
                taken.push(Stopped {
                    part: part.started_as,
                    at: None,
                });
            }
            decided = decided.or(part.reason);
            self.parts -= 1;
            (self.offset, self.as_if_run) = part.before;
            self.chime |= part.chime;
        }
        (taken, decided)
    }

    /// Takes note that something stronger has its air from `at` on: what rejoins goes on meanwhile, and what resumes stays
    /// where it is.
    pub(crate) fn wait(&mut self, at: WallTime) {
        if self.pre_emption.rejoins() {
            self.as_if_run = self.as_if_run.or(self.planned.map(AsIfRun::since));
        } else if self.pre_emption == PreEmption::Resume
            && let Some(ran) = &mut self.as_if_run
        {
            ran.kept_off = Some(ran.kept_off.map_or(at, |kept_off| kept_off.min(at)));
        }
    }

    /// Tells whether it waits for the air.
    pub(crate) const fn waits(&self) -> bool {
        self.wants && self.on_air.is_none()
    }

    /// Tells whether its planned start is to come and nothing of it was sent, if nothing is of what sounds after
    /// `unsent`.
    pub(crate) fn is_to_come(&self, unsent: WallTime, now: WallTime) -> bool {
        let sent = self.on_air.as_ref().is_some_and(|part| part.from < unsent);
        let aired = self.logged || !self.closing.is_empty();
        self.wants && !sent && !aired && self.planned.is_some_and(|planned| planned > now)
    }

    /// Tells whether it is on the air, or goes on there without a break, if nothing is sent of what sounds after `unsent`.
    pub(crate) fn has_air(&self, unsent: WallTime) -> bool {
        let Some(part) = &self.on_air else { return false };
        let mut closing = self.closing.iter();
        let before = closing.rfind(|before| before.started_as != NEVER_STARTED);
        part.from < unsent || before.is_some_and(|before| before.ends >= part.from)
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
    pub(crate) fn expires(&self, ready: bool) -> Option<(WallTime, EndReason)> {
        if !self.wants || self.on_air.is_some() {
            return None;
        }
        let over = match self.pre_emption {
            PreEmption::Drop => self.planned.filter(|_| ready && self.never_aired()),
            PreEmption::Resume | PreEmption::Rejoin | PreEmption::Duck => None,
        };
        let missed = over.or(self.as_if_run.and_then(|ran| ran.ends(self.total)));
        let missed = missed.map(|at| (at, EndReason::Missed));
        let gave_up = self
            .give_up_after
            .map(|after| (self.since + after, EndReason::GaveUp));
        [missed, gave_up].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

const fn is_by_itself(reason: &EndReason) -> bool {
    matches!(reason, EndReason::Completed | EndReason::TimeLimit)
}

/// Tells whether one piece failed, and the next follows.
const fn is_passed_over(reason: &EndReason) -> bool {
    matches!(reason, EndReason::SourceFailed { .. })
}

const fn is_pre_emption(reason: &EndReason) -> bool {
    matches!(reason, EndReason::PreEmpted { .. })
}
