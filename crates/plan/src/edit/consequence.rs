//! One day planned in two ways: which lines are otherwise, and what no schedule may say.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{LineName, Reason, RunSheet, RunSheetLine, SlotId, TieRule, WallTime, ZoneId};

/// A line that is otherwise in one of two plans of a day, by its numbers there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// Its number as it was; none if it was not there.
    pub before: Option<u32>,
    /// Its number as it would be; none if it would not be there.
    pub after: Option<u32>,
}

/// Compares a day with itself as it would be. `twins` names slots that go on from others.
///
/// What an exception moves is one line, that of the place where it airs.
pub fn compare(before: &RunSheet, after: &RunSheet, twins: &BTreeMap<SlotId, SlotId>) -> Vec<LineChange> {
    let (mut was, is) = (by_root(before, twins), by_root(after, twins));
    let mut pairs: Vec<(Option<&RunSheetLine>, Option<&RunSheetLine>)> = Vec::new();
    let mut added = Vec::new();
    for (root, line) in is {
        match was.remove(&root) {
            Some(old) => pairs.push((Some(old), Some(line))),
            None => added.push((root, line)),
        }
    }
    // A series at another time airs the same slot there.
    for ((slot, zone, _), line) in added {
        let same = was.keys().find(|(of, at, _)| (*of, *at) == (slot, zone)).copied();
        let old = same.and_then(|root| was.remove(&root));
        pairs.push((old, Some(line)));
    }
    pairs.extend(was.into_values().map(|line| (Some(line), None)));
    pairs.retain(|(old, new)| match (old, new) {
        (Some(old), Some(new)) => said(old) != said(new),
        // What was off the air and goes, or comes and never airs because people decided so, is heard by nobody.
        (Some(line), None) | (None, Some(line)) => !is_decided(line),
        (None, None) => false,
    });
    pairs.sort_by_key(|(old, new)| new.or(*old).map(|line| (line.start, line.occurrence)));
    let number = |line: &RunSheetLine| line.number;
    let change = |(old, new): (Option<&RunSheetLine>, Option<&RunSheetLine>)| LineChange {
        before: old.map(number),
        after: new.map(number),
    };
    pairs.into_iter().map(change).collect()
}

/// Returns the lines of a day as it would be that an import of the same would refuse, because of slots that are
/// touched; what was so before is not told.
pub fn clashes_of(
    before: &RunSheet,
    after: &RunSheet,
    touched: &[SlotId],
    twins: &BTreeMap<SlotId, SlotId>,
) -> Vec<u32> {
    let mut known = BTreeSet::new();
    for line in &before.lines {
        known.extend(refusals(before, line, twins).map(|(kind, slots, _)| (kind, slots)));
    }
    let mut found = BTreeSet::new();
    for line in &after.lines {
        for (kind, slots, about) in refusals(after, line, twins) {
            let ours = about.iter().any(|slot| touched.contains(slot));
            if ours && !known.contains(&(kind, slots)) {
                found.insert(line.number);
            }
        }
    }
    found.into_iter().collect()
}

/// Why an import would refuse a line: of what kind, about which roots, and about which slots.
type Refusal = (u8, Vec<Root>, Vec<SlotId>);

fn refusals<'a>(
    sheet: &'a RunSheet,
    line: &'a RunSheetLine,
    twins: &'a BTreeMap<SlotId, SlotId>,
) -> impl Iterator<Item = Refusal> + 'a {
    line.reasons
        .iter()
        .filter_map(move |reason| match reason {
            Reason::QuietHours { .. } => Some((0, vec![(line.start, root(line, twins))], vec![line])),
            Reason::MinutesSpent { .. } => Some((1, vec![(line.start, root(line, twins))], vec![line])),
            Reason::YieldsTo {
                line: LineName::Here(other),
                rule: TieRule::FirstCome,
                ..
            } => {
                let other = sheet.line(*other)?;
                let mut both = vec![(line.start, root(line, twins)), (other.start, root(other, twins))];
                both.sort_unstable();
                Some((2, both, vec![line, other]))
            }
            _ => None,
        })
        .map(|(kind, roots, lines)| {
            let roots = roots
                .into_iter()
                .map(|(start, (slot, zone, _))| (slot, zone, start));
            let slots = lines.into_iter().map(|line| line.occurrence.slot);
            (kind, roots.collect(), slots.collect())
        })
}

/// The slot, as it was called before; the zone; and when its rule has it.
type Root = (SlotId, ZoneId, WallTime);

fn root(line: &RunSheetLine, twins: &BTreeMap<SlotId, SlotId>) -> Root {
    let slot = line.occurrence.slot;
    let moved = line.reasons.iter().find_map(|reason| match reason {
        Reason::Moved { from, .. } => Some(*from),
        _ => None,
    });
    (
        twins.get(&slot).copied().unwrap_or(slot),
        line.occurrence.zone,
        moved.unwrap_or(line.occurrence.start),
    )
}

fn by_root<'a>(sheet: &'a RunSheet, twins: &BTreeMap<SlotId, SlotId>) -> BTreeMap<Root, &'a RunSheetLine> {
    let (away, there): (Vec<_>, Vec<_>) = sheet.lines.iter().partition(|line| is_moved_away(line));
    let mut lines: BTreeMap<Root, &RunSheetLine> =
        away.into_iter().map(|line| (root(line, twins), line)).collect();
    lines.extend(there.into_iter().map(|line| (root(line, twins), line)));
    lines
}

fn is_moved_away(line: &RunSheetLine) -> bool {
    line.reasons
        .iter()
        .any(|reason| matches!(reason, Reason::MovedTo { .. }))
}

fn is_decided(line: &RunSheetLine) -> bool {
    line.reasons.iter().any(Reason::is_decided)
}

/// What people would hear of a line.
fn said(line: &RunSheetLine) -> impl PartialEq + use<'_> {
    let off_air: Vec<_> = line
        .reasons
        .iter()
        .filter(|reason| matches!(reason, Reason::OffAir { .. }))
        .collect();
    let kept_off = line.kept_off().map(std::mem::discriminant);
    (
        &line.title,
        line.start,
        line.duration,
        line.cut,
        line.verdict,
        off_air,
        kept_off,
    )
}
