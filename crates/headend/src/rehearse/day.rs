//! One day aired by the real engine, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    AsRunEvent, ContentHash, OccurrenceId, Origin, PartEnded, PartStarted, RunSheet, SessionId, Sound,
    WallTime, ZoneId, ZoneTree,
};
use loa_playout::{Action, Engine, EngineSettings};

use super::findings::Facts;

/// What the engine did with a day.
#[derive(Clone, Debug, Default)]
pub struct Aired {
    /// Each part, with its end, in order of their start.
    pub parts: Vec<(PartStarted, PartEnded)>,
    /// What never aired, and why.
    pub not_aired: Vec<(OccurrenceId, loa_model::EndReason)>,
}

impl Aired {
    /// Walks the parts of one planned occurrence.
    pub fn of(&self, occurrence: OccurrenceId) -> impl Iterator<Item = &(PartStarted, PartEnded)> {
        self.parts
            .iter()
            .filter(move |(part, _)| part.origin == Origin::Slot(occurrence))
    }

    /// Walks what a zone's receivers heard between two instants, part by part, and how long each was the first to sound.
    pub fn heard<'a>(
        &'a self,
        tree: &'a ZoneTree,
        zone: ZoneId,
        from: WallTime,
        to: WallTime,
    ) -> impl Iterator<Item = (&'a PartStarted, Duration)> {
        let here = self
            .parts
            .iter()
            .filter(move |(part, _)| tree.covers(part.zone, zone));
        here.scan(from, move |until, (part, ended)| {
            let ends = ended.at.min(to);
            let heard = ends.since(part.at.max(*until));
            *until = ends.max(*until);
            Some((part, heard))
        })
    }

    /// Returns the occurrence that a session aired.
    pub fn occurrence(&self, session: SessionId) -> Option<OccurrenceId> {
        let part = self.parts.iter().find(|(part, _)| part.session == session)?;
        match part.0.origin {
            Origin::Slot(occurrence) => Some(occurrence),
            Origin::Override { .. } => None,
        }
    }
}

/// Airs run-sheets, in order of their dates, from `from` to `to`, with media of these lengths; what is lost does not
/// load, and of a relay the first source sounds that can be heard.
///
/// Nothing is slept: time goes from one thing to do to the next.
pub fn air(
    tree: &ZoneTree,
    sheets: &[RunSheet],
    media: &BTreeMap<ContentHash, Duration>,
    facts: &Facts,
    settings: EngineSettings,
    from: WallTime,
    to: WallTime,
) -> Aired {
    let mut rehearsed = Rehearsed {
        engine: Engine::new(tree.clone(), 1, settings, from),
        media,
        facts,
        open: BTreeMap::new(),
        aired: Aired::default(),
    };
    for sheet in sheets {
        rehearsed.engine.handle_run_sheet(sheet, from);
    }
    rehearsed.obey(from);
    let mut now = from;
    while let Some(due) = rehearsed.engine.poll_timeout().filter(|due| *due <= to) {
        now = now.max(due);
        rehearsed.engine.handle_timeout(now);
        rehearsed.obey(now);
    }
    rehearsed.engine.handle_timeout(to);
    rehearsed.obey(to);
    let Rehearsed { open, mut aired, .. } = rehearsed;
    // What is still on air at the end is told as far as it came.
    for part in open.into_values() {
        let ended = PartEnded {
            session: part.session,
            part: part.part,
            at: to.min(part.ends),
            media_offset: part.media_offset + to.min(part.ends).since(part.at),
            reason: loa_model::EndReason::HeadEndStopped,
        };
        aired.parts.push((part, ended));
    }
    aired
        .parts
        .sort_by_key(|(part, _)| (part.at, part.session, part.part));
    aired
}

struct Rehearsed<'a> {
    engine: Engine,
    media: &'a BTreeMap<ContentHash, Duration>,
    facts: &'a Facts,
    open: BTreeMap<(SessionId, u32), PartStarted>,
    aired: Aired,
}

impl Rehearsed<'_> {
    fn obey(&mut self, now: WallTime) {
        while let Some(action) = self.engine.poll_output() {
            match action {
                Action::Prepare { media } => {
                    let known = self
                        .media
                        .get(&media)
                        .filter(|_| !self.facts.lost.contains(&media));
                    let ready = known
                        .copied()
                        .ok_or_else(|| "its file is not in the library".to_owned());
                    self.engine.handle_media(media, ready, now);
                }
                Action::OpenRelay { relay, spec, .. } => {
                    let heard = |source: &String| !self.facts.unreachable.contains_key(source);
                    let sound = spec
                        .sources
                        .iter()
                        .position(heard)
                        .map_or(Sound::Fill(spec.fill), Sound::Source);
                    self.engine.handle_relay(relay, sound, None, now);
                }
                Action::AsRun(AsRunEvent::Started(part)) => {
                    self.open.insert((part.session, part.part), part);
                }
                Action::AsRun(AsRunEvent::Ended(end)) => {
                    if let Some(part) = self.open.remove(&(end.session, end.part)) {
                        self.aired.parts.push((part, end));
                    }
                }
                Action::AsRun(AsRunEvent::NotAired {
                    occurrence, reason, ..
                }) => self.aired.not_aired.push((occurrence, reason)),
                Action::AsRun(AsRunEvent::Delayed { .. })
                | Action::Release { .. }
                | Action::CloseRelay { .. }
                | Action::CloseVoice { .. }
                | Action::Start(_)
                | Action::Stop { .. } => {}
            }
        }
    }
}
