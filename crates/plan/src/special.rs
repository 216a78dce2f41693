//! Specials: what they meet makes room, for that one day.

use std::collections::BTreeMap;

use loa_model::{MakesRoom, OccurrenceId, Reason, RunSheetLine, SlotId, WallTime, ZoneTree};

/// Who made room for whom; told once lines have their numbers.
#[derive(Debug, Default)]
pub(crate) struct Room {
    made: Vec<Made>,
}

#[derive(Debug)]
struct Made {
    by: OccurrenceId,
    special: OccurrenceId,
    how: MakesRoom,
    planned: WallTime,
}

/// Moves, trims and skips what specials meet: lines of their zones and below, of a class that is not stronger.
///
/// The lines must be in order of their start; they may not be so afterwards.
pub(crate) fn make_room(
    tree: &ZoneTree,
    specials: &BTreeMap<SlotId, MakesRoom>,
    lines: &mut [RunSheetLine],
) -> Room {
    let mut room = Room::default();
    let special = |line: &RunSheetLine| specials.get(&line.occurrence.slot).copied();
    for index in 0..lines.len() {
        let Some(how) = special(&lines[index]).filter(|_| lines[index].kept_off().is_none()) else {
            continue;
        };
        let (zone, class) = (lines[index].occurrence.zone, lines[index].class);
        let (from, to) = (lines[index].start, lines[index].end());
        let meets = |line: &RunSheetLine| {
            let there = tree.covers(zone, line.occurrence.zone) && line.class <= class;
            there
                && special(line).is_none()
                && line.kept_off().is_none()
                && line.start < to
                && from < line.end()
        };
        for other in (0..lines.len()).filter(|other| *other != index) {
            if !meets(&lines[other]) {
                continue;
            }
            room.made.push(Made {
                by: lines[other].occurrence,
                special: lines[index].occurrence,
                how,
                planned: lines[other].start,
            });
            let line = &mut lines[other];
            match how {
                // It counts as kept off from here on, whatever number its reason will name.
                MakesRoom::Skip => line.reasons.insert(0, placeholder(line.start)),
                MakesRoom::Move => line.start = to,
                MakesRoom::Trim => trim(line, from, to),
            }
        }
    }
    room
}

fn placeholder(planned: WallTime) -> Reason {
    Reason::MakesRoom {
        line: 0,
        how: MakesRoom::Skip,
        planned,
    }
}

/// What began before ends when the special begins; what would begin during it begins after it, and ends when planned.
fn trim(line: &mut RunSheetLine, from: WallTime, to: WallTime) {
    if line.start < from {
        line.duration = from.since(line.start);
        line.cut = true;
    } else if line.end() <= to {
        line.reasons.insert(0, placeholder(line.start));
    } else {
        line.duration = line.end().since(to);
        line.start = to;
        line.cut = true;
    }
}

impl Room {
    /// Writes down for whom each line made room, when lines have their numbers.
    pub(crate) fn explain(&self, lines: &mut [RunSheetLine]) {
        let numbers: BTreeMap<_, _> = lines.iter().map(|line| (line.occurrence, line.number)).collect();
        for made in &self.made {
            let Some(line) = lines.iter_mut().find(|line| line.occurrence == made.by) else {
                continue;
            };
            let skipped = line
                .reasons
                .iter()
                .position(|reason| matches!(reason, Reason::MakesRoom { line: 0, .. }));
            let how = skipped.map_or(made.how, |at| {
                line.reasons.remove(at);
                MakesRoom::Skip
            });
            line.reasons.insert(
                0,
                Reason::MakesRoom {
                    line: numbers.get(&made.special).copied().unwrap_or(0),
                    how,
                    planned: made.planned,
                },
            );
        }
    }
}
