//! What must hold of an as-run log, whatever happened.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, EndReason, Origin, PartEnded, PartStarted, QuietHours, SessionId, WallTime,
    ZoneId, ZoneTree,
};
use loa_playout::Stretch;

use super::counted;

/// Every part has one start and one end, nothing overlaps in a zone, nothing is over twice, and what resumes goes on where
/// it was.
pub(crate) fn check(log: &[AsRunEvent]) -> Result<(), String> {
    let mut parts: Vec<(PartStarted, PartEnded)> = Vec::new();
    let mut open: BTreeMap<_, PartStarted> = BTreeMap::new();
    let mut over: BTreeMap<_, u32> = BTreeMap::new();
    for event in log {
        match event {
            AsRunEvent::Started(part) => {
                if open.insert((part.session, part.part), part.clone()).is_some() {
                    return Err(format!("started twice: {part:?}"));
                }
            }
            AsRunEvent::Ended(end) => {
                let Some(start) = open.remove(&(end.session, end.part)) else {
                    return Err(format!("an end without a start: {end:?}"));
                };
                if end.media_offset < start.media_offset {
                    return Err(format!("it ran backwards: {start:?} {end:?}"));
                }
                let by_itself = matches!(end.reason, EndReason::Completed | EndReason::TimeLimit);
                let to_its_end = end.at >= start.ends;
                if let (Origin::Slot(occurrence), true, true) = (&start.origin, by_itself, to_its_end) {
                    *over.entry(*occurrence).or_default() += 1;
                }
                parts.push((start, end.clone()));
            }
            AsRunEvent::NotAired { occurrence, .. } => *over.entry(*occurrence).or_default() += 1,
            AsRunEvent::Delayed { .. } => {}
        }
    }
    if let Some(part) = open.values().next() {
        return Err(format!("no end: {part:?}"));
    }
    if let Some((occurrence, _)) = over.iter().find(|(_, times)| **times > 1) {
        let origin = Origin::Slot(*occurrence);
        let own = log.iter().filter(|event| match event {
            AsRunEvent::Started(part) => part.origin == origin,
            AsRunEvent::NotAired {
                occurrence: never, ..
            }
            | AsRunEvent::Delayed {
                occurrence: never, ..
            } => never == occurrence,
            AsRunEvent::Ended(end) => parts
                .iter()
                .any(|(start, own)| own == end && start.origin == origin),
        });
        let told: Vec<_> = own.map(|event| format!("{event:?}")).collect();
        return Err(format!(
            "over more than once: {occurrence:?}\n{}",
            told.join("\n")
        ));
    }
    // What sounded, from the first programme sample on; a chime before it belongs to its part, but is not in the log.
    let sounded: Vec<_> = parts.iter().filter(|(start, end)| end.at > start.at).collect();
    for (i, (start, end)) in sounded.iter().enumerate() {
        for (other, other_end) in &sounded[i + 1..] {
            let overlap = start.at < other_end.at && other.at < end.at;
            if overlap && start.zone == other.zone {
                return Err(format!("two at once: {start:?} {other:?}"));
            }
        }
    }
    resumed_where_it_was(&parts)
}

/// What resumes goes on within a frame of where it was cut, and what rejoins, or was on the air when the head-end was
/// lost, is where it would have been; if it had to wait then, where it would have been at some instant until then.
fn resumed_where_it_was(parts: &[(PartStarted, PartEnded)]) -> Result<(), String> {
    let mut last: BTreeMap<_, &(PartStarted, PartEnded)> = BTreeMap::new();
    let mut in_order: Vec<_> = parts.iter().collect();
    in_order.sort_by_key(|(start, _)| (start.session, start.at));
    for part in in_order {
        let (start, end) = part;
        let cut_off = matches!(end.reason, EndReason::HeadEndLost | EndReason::HeadEndStopped);
        if end.at <= start.at && !cut_off {
            // It only tells why it ended.
            continue;
        }
        let Some((began, before)) = last.insert(&start.origin, part) else {
            continue;
        };
        let restarted = start.session != before.session;
        let pre_empted = matches!(before.reason, EndReason::PreEmpted { .. });
        let rejoins = start.pre_emption.rejoins();
        let went_on = rejoins || (restarted && !pre_empted);
        let cut = before.media_offset;
        let as_if_run = began.media_offset + start.at.since(began.at);
        let had_to_wait = || {
            let heard = |(other, ends): &(PartStarted, PartEnded)| {
                other.origin != start.origin && other.at <= start.at && ends.at > before.at
            };
            parts.iter().any(heard)
        };
        let (earliest, latest) = match (went_on, rejoins) {
            (false, _) => (cut, cut),
            (true, true) => (as_if_run, as_if_run),
            (true, false) if had_to_wait() => (cut, as_if_run),
            (true, false) => (as_if_run.saturating_sub(TAKEN_BACK), as_if_run),
        };
        let position = start.media_offset;
        let off = earliest
            .saturating_sub(position)
            .max(position.saturating_sub(latest));
        if off > FRAME {
            return Err(format!("resumed {off:?} off: {before:?} {start:?}"));
        }
    }
    Ok(())
}

/// Nothing but an emergency with a named author sounds where the zone may not.
pub(crate) fn quiet_is_kept(log: &[AsRunEvent], tree: &ZoneTree, utc_offset_min: i16) -> Result<(), String> {
    for Stretch { zone, from, to } in counted(log) {
        let Some(hours) = hours(tree, zone, utc_offset_min) else {
            continue;
        };
        if to > from && hours.quiet_from(from).is_some_and(|quiet| quiet < to) {
            return Err(format!("zone {zone} sounds in quiet hours, from {from} to {to}"));
        }
    }
    Ok(())
}

/// Nothing but an emergency with a named author sounds in a zone that has sounded for its minutes of the day.
pub(crate) fn minutes_are_kept(
    log: &[AsRunEvent],
    tree: &ZoneTree,
    utc_offset_min: i16,
) -> Result<(), String> {
    let counted = counted(log);
    for part in &counted {
        let Some(hours) = hours(tree, part.zone, utc_offset_min) else {
            continue;
        };
        let Some(minutes) = hours.policy.minutes_a_day else {
            continue;
        };
        let heard = counted.iter().filter(|other| tree.covers(other.zone, part.zone));
        let heard: Vec<_> = heard.map(|other| (other.from, other.to)).collect();
        for day in hours.local_day(part.from)..=hours.local_day(part.to) {
            let until = part.to.min(hours.day_begins(day + 1));
            let sounded = covered(&heard, hours.day_begins(day), until);
            if until > part.from && sounded > Duration::from_secs(u64::from(minutes) * 60) {
                return Err(format!("{sounded:?} of {minutes} minutes in one day: {part:?}"));
            }
        }
    }
    Ok(())
}

/// What a zone was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) session: SessionId,
    pub(crate) zone: ZoneId,
    pub(crate) class: BulletinClass,
    pub(crate) from: WallTime,
    /// When its chime is over.
    pub(crate) begins: WallTime,
    pub(crate) to: WallTime,
}

/// Returns what zones were sent, by a log; chimes are not in it.
pub(crate) fn heard(log: &[AsRunEvent]) -> Vec<Heard> {
    let mut heard: BTreeMap<_, Heard> = BTreeMap::new();
    for event in log {
        match event {
            AsRunEvent::Started(part) => {
                let sent = Heard {
                    session: part.session,
                    zone: part.zone,
                    class: part.class,
                    from: part.at,
                    begins: part.at,
                    to: part.ends,
                };
                heard.insert((part.session, part.part), sent);
            }
            AsRunEvent::Ended(end) => {
                if let Some(sent) = heard.get_mut(&(end.session, end.part)) {
                    sent.to = end.at;
                }
            }
            AsRunEvent::NotAired { .. } | AsRunEvent::Delayed { .. } => {}
        }
    }
    // What only tells why something ended was not sent.
    heard.into_values().filter(|part| part.to > part.from).collect()
}

/// From an emergency's beginning to its last sound, its zone is never without an emergency, its own or a stronger one.
///
/// A chime that is broken off does not begin again: what is planned begins on its second.
pub(crate) fn emergencies_are_heard(heard: &[Heard], tree: &ZoneTree) -> Result<(), String> {
    let emergencies: Vec<_> = heard
        .iter()
        .filter(|part| part.class == BulletinClass::Emergency)
        .collect();
    let mut whole: BTreeMap<SessionId, Heard> = BTreeMap::new();
    for part in &emergencies {
        let whole = whole.entry(part.session).or_insert(**part);
        (whole.begins, whole.to) = (whole.begins.min(part.begins), whole.to.max(part.to));
    }
    for held in whole.values() {
        let here = emergencies
            .iter()
            .filter(|part| tree.covers(part.zone, held.zone));
        let here: Vec<_> = here.map(|part| (part.from, part.to)).collect();
        if covered(&here, held.begins, held.to) < held.to.since(held.begins) {
            let here = here.iter().map(|(from, to)| (super::s(*from), super::s(*to)));
            let here: Vec<_> = here.collect();
            return Err(format!(
                "silent while an emergency holds the air: {held:?} {here:?}"
            ));
        }
    }
    Ok(())
}

/// For how long anything sounds within a span.
fn covered(heard: &[(WallTime, WallTime)], mut from: WallTime, to: WallTime) -> Duration {
    let mut in_order = heard.to_vec();
    in_order.sort_unstable();
    let mut sounded = Duration::ZERO;
    for (begins, ends) in in_order {
        let (begins, ends) = (begins.max(from), ends.min(to));
        if begins < ends {
            sounded += ends.since(begins);
            from = ends;
        }
    }
    sounded
}

fn hours(tree: &ZoneTree, zone: ZoneId, utc_offset_min: i16) -> Option<QuietHours> {
    let policy = tree.quiet(zone)?.clone();
    Some(QuietHours {
        policy,
        utc_offset_min,
    })
}

/// For how long, at most, something waits for what is stopped before it is heard: a chime and the way to a sound.
const TAKEN_BACK: Duration = Duration::from_secs(2);
/// What is sent at a time, and the most by which what resumes may be off.
const FRAME: Duration = Duration::from_millis(20);
