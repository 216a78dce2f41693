//! What of the station's state is for whose eyes: what they see, and what is heard there.

use loa_model::relay_address::redacted;
use loa_model::{Content, LineName, Permission, Reason, Rights, RunSheet, Snapshot, ZoneId, ZoneTree};

use crate::console::{AsRunDay, MediaItem, ReceiverItem};

/// Keeps the zones that are seen.
pub(crate) fn snapshot(mut snapshot: Snapshot, rights: &Rights, zones: &ZoneTree) -> Snapshot {
    snapshot
        .zones
        .retain(|state| rights.may(Permission::See, state.zone, zones));
    snapshot
}

/// Keeps the lines of zones that are seen and of those above, and the reasons that speak of nothing else. Addresses of
/// relays lose name and password.
pub(crate) fn run_sheet(mut sheet: RunSheet, rights: &Rights, zones: &ZoneTree) -> RunSheet {
    let concerns = |zone: ZoneId| rights.concerns(zone, zones);
    sheet.lines.retain(|line| concerns(line.occurrence.zone));
    let kept: Vec<u32> = sheet.lines.iter().map(|line| line.number).collect();
    for line in &mut sheet.lines {
        if let Content::Relay(relay) = &mut line.content {
            for source in &mut relay.sources {
                *source = redacted(source);
            }
        }
        line.reasons.retain(|reason| {
            let (of_line, of_zone) = about(reason);
            let is_kept = match of_line {
                None => true,
                Some(LineName::Here(line)) => kept.contains(&line),
                // Who wins lies in the line's own zone or above; where else a line of another day lies is not known.
                Some(LineName::On { .. }) => of_zone.is_some() || matches!(reason, Reason::YieldsTo { .. }),
            };
            is_kept && of_zone.is_none_or(concerns)
        });
    }
    sheet
}

/// Keeps what was sent to zones that are seen, or to those above.
pub(crate) fn as_run(mut day: AsRunDay, rights: &Rights, zones: &ZoneTree) -> AsRunDay {
    day.lines.retain(|line| {
        let zone = zones.by_code(&line.zone);
        zone.is_some_and(|zone| rights.concerns(zone.id, zones))
    });
    day
}

/// Keeps the whole station's pieces, and those of zones that are seen, or whose air may be taken, and of zones above.
pub(crate) fn media(mut media: Vec<MediaItem>, rights: &Rights, zones: &ZoneTree) -> Vec<MediaItem> {
    // A token may be lent the air alone, without a look.
    let may = |zone: ZoneId| {
        let permissions = [Permission::See, Permission::Announce, Permission::Alert];
        permissions
            .into_iter()
            .any(|permission| rights.may(permission, zone, zones))
    };
    let concerns = |of: ZoneId| zones.subtree(of).any(|zone| may(zone.id));
    media.retain(|item| item.zone.is_none_or(concerns));
    media
}

/// Keeps the receivers of zones that are seen.
pub(crate) fn receivers(
    mut receivers: Vec<ReceiverItem>,
    rights: &Rights,
    zones: &ZoneTree,
) -> Vec<ReceiverItem> {
    receivers.retain(|item| rights.may(Permission::See, item.zone, zones));
    receivers
}

/// Returns the other line and the zone that a reason speaks of.
fn about(reason: &Reason) -> (Option<LineName>, Option<ZoneId>) {
    match reason {
        Reason::Outranks { line, .. } | Reason::YieldsTo { line, .. } => (Some(line.clone()), None),
        Reason::MakesRoom { line, .. } => (Some(LineName::Here(*line)), None),
        Reason::CededIn { zone, line, .. } => (Some(line.clone()), Some(*zone)),
        Reason::QuietHours { zone, .. }
        | Reason::QuietFrom { zone, .. }
        | Reason::MinutesSpent { zone, .. }
        | Reason::SilentIn { zone } => (None, Some(*zone)),
        _ => (None, None),
    }
}
