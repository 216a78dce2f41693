//! Quiet hours in the plan: what may not sound is refused here already, with the reason.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Offset as _;
use chrono_tz::Tz;
use loa_model::{QuietHours, Reason, RunSheetLine, WallTime, ZoneId, ZoneTree};

/// Returns the policy in force in a zone at an instant, and the zone that has it.
pub fn quiet_hours(tree: &ZoneTree, tz: Tz, zone: ZoneId, at: WallTime) -> Option<(ZoneId, QuietHours)> {
    let owner = tree.chain(zone).find(|zone| zone.settings.quiet.is_some())?;
    let hours = QuietHours {
        policy: owner.settings.quiet.clone()?,
        utc_offset_min: utc_offset_min(tz, at),
    };
    Some((owner.id, hours))
}

/// Returns how far local time is ahead of UTC at an instant, in minutes.
pub fn utc_offset_min(tz: Tz, at: WallTime) -> i16 {
    use chrono::TimeZone as _;
    let utc = chrono::DateTime::from_timestamp_nanos(at.as_unix_ns()).naive_utc();
    let s = tz.offset_from_utc_datetime(&utc).fix().local_minus_utc();
    i16::try_from(s / 60).unwrap_or(0)
}

/// Refuses lines that begin in quiet hours or go beyond the day's minutes, and cuts those that run into quiet hours.
///
/// The lines must be in order of their start. A scheduled emergency has no named author, and is refused like the rest.
pub(crate) fn keep_quiet(tree: &ZoneTree, tz: Tz, lines: &mut [RunSheetLine]) {
    if tree.iter().all(|zone| zone.settings.quiet.is_none()) {
        return;
    }
    let own: Vec<ZoneId> = tree
        .iter()
        .filter(|zone| zone.settings.quiet.is_some())
        .map(|zone| zone.id)
        .collect();
    // By the zone it is sent to; all zones below hear it too.
    let mut sent: BTreeMap<ZoneId, Duration> = BTreeMap::new();
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|index| lines[*index].start);
    for index in order {
        let line = &mut lines[index];
        if line.kept_off().is_some() {
            continue;
        }
        let zone = line.occurrence.zone;
        if let Some((owner, hours)) = quiet_hours(tree, tz, zone, line.start) {
            let heard = tree.chain(zone).filter_map(|above| sent.get(&above.id)).sum();
            if let Some(reason) = refuse(line, owner, &hours, heard) {
                line.reasons.insert(0, reason);
                continue;
            }
            if let Some(from) = hours.quiet_from(line.start).filter(|from| *from < line.end()) {
                line.duration = from.since(line.start);
                line.cut = true;
                line.reasons.insert(0, Reason::QuietFrom { zone: owner, from });
            }
        }
        for below in own
            .iter()
            .filter(|below| **below != zone && tree.covers(zone, **below))
        {
            let silent = quiet_hours(tree, tz, *below, line.start)
                .is_some_and(|(_, hours)| !hours.permits(line.start));
            if silent {
                line.reasons.push(Reason::SilentIn { zone: *below });
            }
        }
        *sent.entry(zone).or_default() += line.duration;
    }
}

/// Tells why a line may not sound, if so; `heard` is for how long its zone has sounded that day.
fn refuse(line: &RunSheetLine, owner: ZoneId, hours: &QuietHours, heard: Duration) -> Option<Reason> {
    if !hours.permits(line.start) {
        return Some(Reason::QuietHours {
            zone: owner,
            from: line.start,
            until: hours.sounds_from(line.start),
        });
    }
    let minutes = hours.policy.minutes_a_day?;
    let limit = Duration::from_secs(u64::from(minutes) * 60);
    (heard + line.duration > limit).then_some(Reason::MinutesSpent { zone: owner, minutes })
}
