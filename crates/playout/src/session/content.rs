//! What a session plays: how far into its content it is, what sounds there, and what takes the place of what fails.

use std::time::Duration;

use loa_model::{AsRunEvent, Content, ContentHash, EndReason, Piece, PreEmption, Sound, WallTime};

use super::Session;
use super::part::{NEVER_STARTED, Part};
use crate::action::Bed;

impl Session {
    /// Returns what sounds at an offset.
    pub(super) fn sound(&self, offset: Duration) -> Sound {
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

    /// Returns how far into the content it goes on if it begins at `at`.
    pub(crate) fn waiting_at(&self, at: WallTime) -> Duration {
        let ran = self.as_if_run.map(|ran| ran.position(at));
        self.offset.max(ran.unwrap_or_default())
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

    /// Returns how far into the content it is if it goes on at `at`.
    fn offset_at(&self, at: WallTime) -> Duration {
        match &self.on_air {
            Some(part) => part.position(at),
            None => self.waiting_at(at),
        }
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

    /// Tells whether some of its content is left.
    fn is_unfinished(&self) -> bool {
        self.offset < self.total
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

/// A fill is at least seconds long, and what it stands in for hours at most.
const FILLS_MAX: usize = 4_096;
