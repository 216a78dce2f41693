//! What is wrong with a day: its plan, what the engine made of it, and what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{
    Content, ContentHash, EndReason, LineName, OccurrenceId, Reason, RunSheet, RunSheetLine, WallTime,
    ZoneId, ZoneTree,
};
use loa_plan::PlanFault;

use super::day::Aired;
use super::finding::Finding;

/// What a day needs, besides its plan.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Names of pieces of media.
    pub titles: BTreeMap<ContentHash, String>,
    /// Pieces of media whose files are gone.
    pub lost: BTreeSet<ContentHash>,
    /// By how much pieces of media are louder than the station's target, dB.
    pub over_db: BTreeMap<ContentHash, f64>,
    /// Sources of relays that cannot be heard now, without credentials, and why.
    pub unreachable: BTreeMap<String, (String, String)>,
    /// Receivers by zone, and whether each was heard from lately.
    pub receivers: Vec<(ZoneId, bool)>,
}

/// Lists everything that somebody should look at, in order of the lines; `around` are the eve and the day after.
pub fn find(
    sheet: &RunSheet,
    around: &[RunSheet],
    aired: &Aired,
    tree: &ZoneTree,
    facts: &Facts,
) -> Vec<Finding> {
    let mut found = BTreeSet::new();
    for line in &sheet.lines {
        found.extend(planned(line));
        if line.kept_off().is_none() {
            let wrong = sounds(line, facts);
            // What is missing cannot air: that is told already.
            let told = wrong
                .iter()
                .any(|finding| matches!(finding, Finding::Missing { .. }));
            let aired = on_air(line, sheet, around, aired).into_iter();
            found.extend(aired.filter(|finding| !told || !matches!(finding, Finding::NotAired { .. })));
            found.extend(wrong);
        }
    }
    found.extend(gaps(sheet, around, aired, tree));
    found.extend(beyond_minutes(sheet, aired, tree, facts));
    found.extend(unheard(sheet, tree, facts));
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|finding| line_of(finding).unwrap_or(u32::MAX));
    found
}

/// Tells what the plan of a day has no place for.
pub(super) fn left_out(faults: &[PlanFault]) -> Vec<Finding> {
    let left_out = faults.iter().filter_map(|fault| match fault {
        PlanFault::TooManyLines(lines) => Some(Finding::LeftOut { lines: *lines }),
        // Import refuses the others.
        _ => None,
    });
    left_out.collect()
}

const fn line_of(finding: &Finding) -> Option<u32> {
    match finding {
        Finding::Overlap { line, .. }
        | Finding::Overrun { line, .. }
        | Finding::Gap { line, .. }
        | Finding::Missing { line, .. }
        | Finding::NotApproved { line, .. }
        | Finding::TooLoud { line, .. }
        | Finding::NoEpisode { line, .. }
        | Finding::Unreachable { line, .. }
        | Finding::QuietHours { line, .. }
        | Finding::MinutesSpent { line, .. }
        | Finding::NotAired { line, .. }
        | Finding::OffTime { line, .. } => Some(*line),
        Finding::NoReceiver { .. } | Finding::LeftOut { .. } => None,
    }
}

/// What the plan itself says.
fn planned(line: &RunSheetLine) -> Vec<Finding> {
    let number = line.number;
    let finding = |reason: &Reason| match reason {
        Reason::CutAtLimit { length, limit } => Some(Finding::Overrun {
            line: number,
            cut_s: length.saturating_sub(*limit).as_secs().max(1),
        }),
        Reason::Overruns { .. } => Some(Finding::Overrun {
            line: number,
            cut_s: 0,
        }),
        Reason::MediaMissing => Some(Finding::Missing {
            line: number,
            what: line.title.clone(),
        }),
        Reason::NotApproved { what, .. } => Some(Finding::NotApproved {
            line: number,
            what: what.clone(),
        }),
        Reason::NoEpisode { series } => Some(Finding::NoEpisode {
            line: number,
            series: series.clone(),
        }),
        Reason::QuietHours { zone, .. } | Reason::QuietFrom { zone, .. } | Reason::SilentIn { zone } => {
            Some(Finding::QuietHours {
                line: number,
                zone: *zone,
            })
        }
        Reason::MinutesSpent { zone, minutes } => Some(Finding::MinutesSpent {
            line: number,
            zone: *zone,
            minutes: *minutes,
        }),
        _ => None,
    };
    let decided = line.reasons.iter().any(Reason::is_decided);
    line.reasons
        .iter()
        .filter(|_| !decided)
        .filter_map(finding)
        .collect()
}

/// What its sounds are like.
fn sounds(line: &RunSheetLine, facts: &Facts) -> Vec<Finding> {
    let name = |media: ContentHash| {
        let title = facts.titles.get(&media);
        title
            .cloned()
            .unwrap_or_else(|| media.to_string()[..12].to_owned())
    };
    let mut found = Vec::new();
    for media in line.content.media() {
        if facts.lost.contains(&media) {
            found.push(Finding::Missing {
                line: line.number,
                what: name(media),
            });
        }
        let over = facts.over_db.get(&media).filter(|over| **over >= TOO_LOUD_DB);
        found.extend(over.map(|over| Finding::TooLoud {
            line: line.number,
            what: name(media),
            over_db: whole_db(*over),
        }));
    }
    if let Content::Relay(relay) = &line.content {
        let unreachable = relay
            .sources
            .iter()
            .filter_map(|source| facts.unreachable.get(source));
        found.extend(unreachable.map(|(source, why)| Finding::Unreachable {
            line: line.number,
            source: source.clone(),
            why: why.clone(),
        }));
    }
    found
}

#[expect(clippy::cast_possible_truncation, reason = "a level of a few dB, for people")]
fn whole_db(db: f64) -> i32 {
    db.round() as i32
}

/// What the engine made of it.
fn on_air(line: &RunSheetLine, sheet: &RunSheet, around: &[RunSheet], aired: &Aired) -> Vec<Finding> {
    let name_of = |occurrence: OccurrenceId| {
        let own = number_of(sheet, occurrence).map(LineName::Here);
        own.or_else(|| around.iter().find_map(|other| name_on(other, occurrence)))
    };
    let parts: Vec<_> = aired.of(line.occurrence).collect();
    let Some((first, _)) = parts.first() else {
        let why = aired
            .not_aired
            .iter()
            .find(|(occurrence, _)| *occurrence == line.occurrence);
        let blocked = blocker(line);
        return match (why, blocked) {
            (_, Some(to)) => vec![Finding::Overlap {
                line: line.number,
                to,
                off_air_s: line.duration.as_secs(),
            }],
            (Some((_, reason)), None) => vec![Finding::NotAired {
                line: line.number,
                why: reason.to_string(),
            }],
            (None, None) => Vec::new(),
        };
    };
    let mut found = Vec::new();
    let late_ms = first.at.ns_after(line.start) / 1_000_000;
    if late_ms.abs() > OFF_TIME_MS {
        found.push(match blocker(line) {
            Some(to) => Finding::Overlap {
                line: line.number,
                to,
                off_air_s: u64::try_from(late_ms / 1_000).unwrap_or(0),
            },
            None => Finding::OffTime {
                line: line.number,
                late_ms,
            },
        });
    }
    for (index, (_, ended)) in parts.iter().enumerate() {
        let EndReason::PreEmpted { by } = ended.reason else {
            continue;
        };
        let Some(to) = aired.occurrence(by).and_then(name_of) else {
            continue;
        };
        let back = parts
            .get(index + 1)
            .map_or(line.end().max(ended.at), |(next, _)| next.at);
        found.push(Finding::Overlap {
            line: line.number,
            to,
            off_air_s: back.since(ended.at).as_secs(),
        });
    }
    found
}

fn number_of(sheet: &RunSheet, occurrence: OccurrenceId) -> Option<u32> {
    let mut lines = sheet.lines.iter();
    lines
        .find(|line| line.occurrence == occurrence)
        .map(|line| line.number)
}

fn name_on(sheet: &RunSheet, occurrence: OccurrenceId) -> Option<LineName> {
    let line = sheet.lines.iter().find(|line| line.occurrence == occurrence)?;
    Some(LineName::On {
        date: sheet.date,
        line: line.number,
        title: line.title.clone(),
    })
}

/// Returns the line that a line waits for, by the plan.
fn blocker(line: &RunSheetLine) -> Option<LineName> {
    line.reasons.iter().find_map(|reason| match reason {
        Reason::YieldsTo { line, .. } => Some(line.clone()),
        _ => None,
    })
}

/// Short silences between what receivers of a zone hear. What is of another day ends a silence, and begins none.
fn gaps(sheet: &RunSheet, around: &[RunSheet], aired: &Aired, tree: &ZoneTree) -> Vec<Finding> {
    let mut found = Vec::new();
    let zones: BTreeSet<ZoneId> = sheet.lines.iter().map(|line| line.occurrence.zone).collect();
    for zone in zones {
        let heard = aired
            .parts
            .iter()
            .filter(|(part, _)| tree.covers(part.zone, zone));
        let mut spans: Vec<(WallTime, WallTime, Option<u32>)> = heard
            .filter_map(|(part, ended)| {
                let occurrence = aired.occurrence(part.session)?;
                let own = number_of(sheet, occurrence);
                let known =
                    own.is_some() || around.iter().any(|other| number_of(other, occurrence).is_some());
                known.then_some((part.at, ended.at, own))
            })
            .collect();
        spans.sort();
        let mut until: Option<(WallTime, Option<u32>)> = None;
        for (from, to, next) in spans {
            if let Some((end, before)) = until.filter(|(end, _)| *end < from)
                && let Some((before, next)) = before.zip(next)
            {
                let gap = from.since(end);
                let own = sheet.line(next).is_some_and(|line| line.occurrence.zone == zone);
                if gap > GAP_MIN && gap < GAP_MAX && own && before != next {
                    found.push(Finding::Gap {
                        line: before,
                        next,
                        gap_s: gap.as_secs(),
                    });
                }
            }
            if until.is_none_or(|(end, _)| end < to) {
                until = Some((to, next));
            }
        }
    }
    found
}

/// Lines during which receivers of a zone fall silent, because it has sounded for its minutes: what zones above send
/// counts too, and the minutes may be those of a zone above.
fn beyond_minutes(sheet: &RunSheet, aired: &Aired, tree: &ZoneTree, facts: &Facts) -> Vec<Finding> {
    let own = tree.iter().filter(|zone| zone.settings.quiet.is_some());
    let airing = sheet.lines.iter().map(|line| line.occurrence.zone);
    let hearing = facts.receivers.iter().map(|(zone, _)| *zone);
    let zones: BTreeSet<ZoneId> = own.map(|zone| zone.id).chain(airing).chain(hearing).collect();
    let limited = zones
        .into_iter()
        .filter_map(|zone| Some((zone, tree.quiet(zone)?.minutes_a_day?)));
    let (Some(from), Some(to)) = (
        sheet.lines.iter().map(|line| line.start).min(),
        sheet.lines.iter().map(RunSheetLine::end).max(),
    ) else {
        return Vec::new();
    };
    let beyond = limited.filter_map(|(zone, minutes)| {
        let mut left = Duration::from_secs(u64::from(minutes) * 60);
        let (part, _) = aired.heard(tree, zone, from, to).find(|(_, heard)| {
            let beyond = *heard > left;
            left = left.saturating_sub(*heard);
            beyond
        })?;
        let occurrence = aired.occurrence(part.session)?;
        let line = sheet
            .lines
            .iter()
            .find(|line| line.occurrence == occurrence)?
            .number;
        Some((zone, (line, minutes)))
    });
    let beyond: BTreeMap<ZoneId, (u32, u16)> = beyond.collect();
    // What is told of a zone is not told again of all below it.
    let is_told = |zone: ZoneId, at: &(u32, u16)| {
        let mut above = tree.chain(zone).skip(1);
        above.any(|above| beyond.get(&above.id) == Some(at))
    };
    let first = beyond.iter().filter(|&(zone, at)| !is_told(*zone, at));
    let finding = |(zone, (line, minutes)): (&ZoneId, &(u32, u16))| Finding::MinutesSpent {
        line: *line,
        zone: *zone,
        minutes: *minutes,
    };
    first.map(finding).collect()
}

/// Zones in which something airs and nobody is known to hear it.
fn unheard(sheet: &RunSheet, tree: &ZoneTree, facts: &Facts) -> Vec<Finding> {
    let airing = sheet.lines.iter().filter(|line| line.kept_off().is_none());
    let zones: BTreeSet<ZoneId> = airing.map(|line| line.occurrence.zone).collect();
    let unheard = zones.into_iter().filter_map(|zone| {
        let below = facts.receivers.iter().filter(|(of, _)| tree.covers(zone, *of));
        let alive = below.clone().any(|(_, alive)| *alive);
        (!alive).then(|| Finding::NoReceiver {
            zone,
            registered: below.count(),
        })
    });
    unheard.collect()
}

/// A start this far off its plan is told: a packet is 60 ms, and a third of it is heard by nobody.
const OFF_TIME_MS: i64 = 20;
/// Shorter silences are a breath.
const GAP_MIN: Duration = Duration::from_secs(2);
/// Longer ones are the end of one session and the beginning of another.
const GAP_MAX: Duration = Duration::from_secs(15 * 60);
/// More than the measurement's own error.
const TOO_LOUD_DB: f64 = 2.0;
