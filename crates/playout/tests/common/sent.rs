//! What the actions make the sender send, held against what the as-run log says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{AsRunEvent, EndReason, PartEnded, Priority, SessionId, Sound, WallTime};
use loa_playout::{Action, Feed, Start};

use super::{settings, tree};

/// One part as the sender has it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) start: Start,
    /// First sound, the chime's if there is one.
    pub(crate) from: WallTime,
    /// First instant of silence; before `from` if it was taken back.
    pub(crate) until: WallTime,
}

/// Reads the actions of one run; those of a run that was cut off count until `lost`.
///
/// # Errors
///
/// The first action that no sender could obey, or that the log does not tell of.
pub(crate) fn sent(actions: &[(WallTime, Action)], lost: Option<WallTime>) -> Result<Vec<Sent>, String> {
    let mut open: BTreeMap<(SessionId, u32), Sent> = BTreeMap::new();
    let mut over = Vec::new();
    let mut log = Vec::new();
    for (when, action) in actions {
        match action {
            Action::Start(start) => {
                let chime = settings().chime.map_or(Duration::ZERO, |chime| chime.duration);
                let from = start.at - if start.chime { chime } else { Duration::ZERO };
                if from < *when + settings().delay(start.class) {
                    return Err(format!("too late to be sent: {start:?}"));
                }
                let part = Sent {
                    start: *start,
                    from,
                    until: start.ends,
                };
                // A number is used again if its part was taken back.
                match open.insert((start.session, start.part), part) {
                    Some(before) if before.until >= before.from => {
                        return Err(format!("started twice: {start:?}"));
                    }
                    before => over.extend(before),
                }
            }
            Action::Stop {
                session,
                part,
                zone,
                at,
            } => {
                let stopped = open.get_mut(&(*session, *part));
                let stopped = stopped.ok_or_else(|| format!("stopped what is not there: {action:?}"))?;
                if stopped.start.zone != *zone || stopped.until < *at {
                    return Err(format!(
                        "neither its zone nor an earlier end: {action:?} {stopped:?}"
                    ));
                }
                // The first packet begins before the first sound, by a packet and the codec's own delay.
                if *at <= stopped.from && *at > stopped.from - Duration::from_millis(70) && at > when {
                    return Err(format!("a packet of it would be sent: {action:?} {stopped:?}"));
                }
                stopped.until = *at;
            }
            Action::AsRun(event) => log.push(event),
            Action::Prepare { .. }
            | Action::Release { .. }
            | Action::OpenRelay { .. }
            | Action::CloseRelay { .. }
            | Action::CloseVoice { .. } => {}
        }
    }
    over.extend(open.into_values());
    if let Some(lost) = lost {
        over.iter_mut().for_each(|part| part.until = part.until.min(lost));
    }
    over.retain(|part| part.until > part.from);
    agree(&over, &log)?;
    over.sort_by_key(|part| part.from);
    Ok(over)
}

/// What was sent stands in the log as it was, and nothing else that sounded does.
fn agree(sent: &[Sent], log: &[&AsRunEvent]) -> Result<(), String> {
    let mut sent: BTreeMap<_, _> = sent
        .iter()
        .map(|part| ((part.start.session, part.start.part), part))
        .collect();
    let ended = |session, part| {
        log.iter().find_map(|event| match event {
            AsRunEvent::Ended(end) if (end.session, end.part) == (session, part) => Some(end),
            _ => None,
        })
    };
    // A relay changes its source within one stretch to the sender: the parts of it follow on from each other.
    let goes_on = |end: &PartEnded| {
        let relayed = matches!(end.reason, EndReason::SourceFailed { .. } | EndReason::SourceBack);
        relayed.then(|| {
            log.iter().find_map(|event| match event {
                AsRunEvent::Started(next)
                    if (next.session, next.part) == (end.session, end.part + 1)
                        && next.at == end.at
                        && matches!(next.sound, Sound::Source(_) | Sound::Fill(_)) =>
                {
                    Some(next)
                }
                _ => None,
            })
        })?
    };
    let follows: BTreeSet<_> = log
        .iter()
        .filter_map(|event| match event {
            AsRunEvent::Ended(end) => goes_on(end).map(|next| (next.session, next.part)),
            _ => None,
        })
        .collect();
    for event in log {
        let AsRunEvent::Started(started) = event else {
            continue;
        };
        if follows.contains(&(started.session, started.part)) {
            continue;
        }
        let mut end = ended(started.session, started.part);
        while let Some(next) = end.and_then(goes_on) {
            end = ended(next.session, next.part);
        }
        let Some(part) = sent.remove(&(started.session, started.part)) else {
            // What ends for good while it is off the air is written down as a part without length.
            match end {
                Some(end) if end.at <= started.at => continue,
                _ => return Err(format!("never sent: {started:?} {end:?}")),
            }
        };
        let (start, until) = (part.start, part.until);
        let sounds = match (&started.sound, start.feed) {
            (Sound::Media(media), Feed::Media { media: sent, offset }) => {
                let begins = started.content.piece_at(started.media_offset);
                *media == sent && begins.is_some_and(|(.., begins)| begins + offset == started.media_offset)
            }
            (Sound::Silence, Feed::Silence) => true,
            (Sound::Source(_) | Sound::Fill(_), Feed::Relay(_)) => true,
            _ => false,
        };
        if !sounds || (start.at, start.zone, start.class) != (started.at, started.zone, started.class) {
            return Err(format!("logged otherwise than sent: {started:?} {start:?}"));
        }
        if end.is_some_and(|end| end.at != until) {
            return Err(format!("ended otherwise than sent: {end:?} {until}"));
        }
    }
    match sent.into_values().next() {
        Some(part) => Err(format!("sounded without a trace: {part:?}")),
        None => Ok(()),
    }
}

/// On one stream nothing overlaps, chimes included, and nothing weaker begins under something stronger of its chain.
pub(crate) fn check_order(sent: &[Sent]) -> Result<(), String> {
    let tree = tree();
    let priority = |part: &Sent| Priority {
        class: part.start.class,
        depth: tree.depth(part.start.zone),
        order: 0,
        session: part.start.session,
    };
    for (i, part) in sent.iter().enumerate() {
        for later in &sent[i + 1..] {
            let under = later.from < part.until;
            if under && later.start.zone == part.start.zone {
                return Err(format!("two at once: {part:?} {later:?}"));
            }
            if under && tree.covers(part.start.zone, later.start.zone) && priority(later) < priority(part) {
                return Err(format!("weaker under stronger: {part:?} {later:?}"));
            }
        }
    }
    Ok(())
}
