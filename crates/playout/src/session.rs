//! One session: what it is, what it has sounded, and what of it is on air.

use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Content, ContentHash, EndReason, Origin, PartEnded, PartStarted, Piece,
    PreEmption, Priority, RelayId, SessionId, Sound, WallTime, ZoneId,
};

use crate::action::Bed;

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

/// How something would have run that was not on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsIfRun {
    /// When its beginning would have sounded.
    pub(crate) zero: WallTime,
    /// From when on it would have waited for something stronger, and stays where it was.
    kept_off: Option<WallTime>,
}

impl AsIfRun {
    pub(crate) const fn since(zero: WallTime) -> Self {
        Self { zero, kept_off: None }
    }

    /// Returns how much of it would have run by `at`.
    fn position(self, at: WallTime) -> Duration {
        self.kept_off
            .map_or(at, |kept_off| kept_off.min(at))
            .since(self.zero)
    }

    /// Returns when `total` of it would have run; none if it would still wait.
    fn ends(self, total: Duration) -> Option<WallTime> {
        let ends = self.zero + total;
        self.kept_off
            .is_none_or(|kept_off| ends <= kept_off)
            .then_some(ends)
    }
}

/// One stretch on the air.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its number in the as-run log.
    pub(crate) number: u32,
    /// The number with which it was started; a relay changes its source within one start. Zero if it never was.
    pub(crate) started_as: u32,
    pub(crate) sound: Sound,
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
    /// Where its session stood before it: if it is taken back, that goes on as if this had never been.
    before: (Duration, Option<AsIfRun>),
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

    /// Returns what sounds at an offset.
    fn sound(&self, offset: Duration) -> Sound {
        match &self.content {
            Content::Pieces(_) => self
                .content
                .piece_at(offset)
                .map_or(Sound::Silence, |(_, piece, _)| Sound::Media(piece.media)),
            Content::Relay(relay) => self
                .relay
                .as_ref()
                .map_or(Sound::Fill(relay.fill), |(_, sound)| sound.clone()),
            Content::Voice => Sound::Voice,
            Content::Silence => Sound::Silence,
        }
    }

    /// Returns how far into the content it is if it goes on at `at`.
    fn offset_at(&self, at: WallTime) -> Duration {
        match &self.on_air {
            Some(part) => part.position(at),
            None => self.waiting_at(at),
        }
    }

    /// Returns how far into the content it goes on if it begins at `at`.
    pub(crate) fn waiting_at(&self, at: WallTime) -> Duration {
        let ran = self.as_if_run.map(|ran| ran.position(at));
        self.offset.max(ran.unwrap_or_default())
    }

    /// Returns what of it plays on beneath something that sounds from `at` to `ends`, if it ducks and has begun.
    pub(crate) fn beneath(&self, at: WallTime, ends: WallTime) -> Option<Bed> {
        let begun = self.on_air.is_some() || self.as_if_run.is_some_and(|ran| ran.zero <= at);
        if self.pre_emption != PreEmption::Duck || !begun {
            return None;
        }
        let reached = self.offset_at(at);
        let (_, piece, begins) = self.content.piece_at(reached)?;
        let offset = reached - begins;
        let left = (piece.duration - offset).min(self.total.saturating_sub(reached));
        Some(Bed {
            media: piece.media,
            offset,
            ends: ends.min(at + left),
        })
    }

    /// Returns the media without which it cannot go on at `at`.
    pub(crate) fn media_at(&self, at: WallTime) -> Option<ContentHash> {
        let offset = self.offset_at(at);
        self.content.piece_at(offset).map(|(_, piece, _)| piece.media)
    }

    /// Walks the media that it needs from `at` on, for as long as `ahead`.
    pub(crate) fn needs(&self, at: WallTime, ahead: Duration) -> impl Iterator<Item = ContentHash> + '_ {
        let from = self.offset_at(at);
        let closing = self.closing.iter().filter_map(|part| match part.sound {
            Sound::Media(media) => Some(media),
            _ => None,
        });
        self.content.media_between(from, from + ahead).chain(closing)
    }

    /// Puts a fill in the place of what is left, at `reached`, of the piece that stands there, or of a relay.
    pub(crate) fn fill_up(&mut self, reached: Duration, fill: Piece) {
        let found = self.content.piece_at(reached);
        if let (Some((index, piece, begins)), Content::Pieces(pieces)) = (found, &mut self.content) {
            let heard = reached - begins;
            let before = Piece {
                duration: heard,
                ..piece
            };
            pieces.splice(index..=index, fills(before, fill, piece.duration - heard));
        } else {
            let before = Piece {
                duration: reached,
                ..fill
            };
            let left = self.total.saturating_sub(reached);
            self.content = Content::Pieces(fills(before, fill, left).collect());
            self.relay = None;
        }
    }

    /// Tells whether it waits for the air.
    pub(crate) const fn waits(&self) -> bool {
        self.wants && self.on_air.is_none()
    }

    /// Tells whether it waits and passes from piece to piece meanwhile.
    pub(crate) fn passes_pieces(&self) -> bool {
        let runs = self.as_if_run.is_some_and(|ran| ran.kept_off.is_none());
        self.waits() && runs && self.content.media().count() > 1
    }

    /// Returns when it passes to its next piece, if it waits until then.
    pub(crate) fn next_passes(&self, now: WallTime) -> Option<WallTime> {
        let ran = self.as_if_run.filter(|_| self.passes_pieces())?;
        let (_, piece, begins) = self.content.piece_at(self.waiting_at(now))?;
        Some(ran.zero + begins + piece.duration)
    }

    /// Tells whether some of its content is left.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.offset < self.total
    }

    /// Takes the piece at which it stands out of its content, because it cannot be had; tells whether any is left.
    pub(crate) fn skip_piece(&mut self, at: WallTime, what: &str) -> bool {
        let (reached, before) = (self.waiting_at(at), (self.offset, self.as_if_run));
        let found = self.content.piece_at(reached);
        let (Some((index, piece, begins)), Content::Pieces(pieces)) = (found, &mut self.content) else {
            return false;
        };
        if pieces.len() == 1 {
            return false;
        }
        pieces.remove(index);
        // The next piece begins where this one would have.
        if let Some(ran) = &mut self.as_if_run {
            ran.zero += reached - begins;
        }
        self.total = self.total.min(self.content.duration().unwrap_or(self.total));
        self.parts += 1;
        self.closing.push(Part {
            number: self.parts,
            started_as: NEVER_STARTED,
            sound: Sound::Media(piece.media),
            from: at,
            at,
            offset: reached,
            ends: at,
            reason: Some(EndReason::SourceFailed {
                what: what.to_owned(),
            }),
            chime: false,
            before,
            logged: false,
        });
        self.is_unfinished()
    }

    /// Takes note of what its relay sounds like from `at` on; logs the change if it is on the air.
    pub(crate) fn change_source(
        &mut self,
        sound: Sound,
        at: WallTime,
        reason: EndReason,
        log: &mut impl FnMut(AsRunEvent),
    ) {
        if let Some((_, now)) = &mut self.relay {
            *now = sound.clone();
        }
        let Some(mut part) = self.on_air.take() else {
            return;
        };
        if part.logged && part.sound != sound {
            let at = at.clamp(part.at, part.ends);
            let mut before = part.clone();
            before.ends = at;
            log(AsRunEvent::Ended(self.ended(&before, reason)));
            self.parts += 1;
            part.offset = part.position(at);
            // `from` stays: what was started is still one thing to the sender.
            (part.number, part.at) = (self.parts, at);
            part.sound = sound;
            log(AsRunEvent::Started(self.started(&part)));
        } else {
            part.sound = sound;
        }
        self.on_air = Some(part);
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
}

impl Part {
    const fn stopped(&self) -> Stopped {
        Stopped {
            part: self.started_as,
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

/// Tells whether one piece failed, and the next follows.
const fn is_passed_over(reason: &EndReason) -> bool {
    matches!(reason, EndReason::SourceFailed { .. })
}

const fn is_pre_emption(reason: &EndReason) -> bool {
    matches!(reason, EndReason::PreEmpted { .. })
}

/// Gives what was heard of a piece, and then a fill, over and over, for as long as something is left.
fn fills(before: Piece, fill: Piece, left: Duration) -> impl Iterator<Item = Piece> {
    let mut left = left;
    let again = std::iter::repeat_with(move || {
        let duration = left.min(fill.duration);
        left -= duration;
        Piece { duration, ..fill }
    });
    let fills = again.take(FILLS_MAX);
    std::iter::once(before)
        .chain(fills)
        .filter(|piece| !piece.duration.is_zero())
}

/// What a part has that only tells of a piece that failed.
const NEVER_STARTED: u32 = 0;
/// A fill is at least seconds long, and what it stands in for hours at most.
const FILLS_MAX: usize = 4_096;
