//! Who yields to whom, and why: a day's lines played against each other, and against those that reach over midnight.

use std::rc::Rc;

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use loa_model::{LineName, Reason, RunSheetLine, Verdict, WallTime, ZoneTree};

use crate::air::{Claim, Outcome, contend, deciding_rule};
use crate::local::to_wall;

/// The day that is explained.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) tree: &'a ZoneTree,
    pub(crate) tz: Tz,
    pub(crate) date: NaiveDate,
}

/// A date and its lines.
type Day = (NaiveDate, Rc<[RunSheetLine]>);

/// A line that wants the air.
struct Contender<'a> {
    date: NaiveDate,
    /// Its place in its day.
    place: usize,
    line: &'a RunSheetLine,
}

/// What is found of one line.
struct Found {
    place: usize,
    verdict: Verdict,
    reasons: Vec<Reason>,
}

/// How a day's lines fare among themselves.
pub(crate) struct Alone {
    outcomes: Vec<Outcome>,
    /// Whether something of it is still on the air, or waits for it, when the day after begins.
    pub(crate) is_late: bool,
}

/// Plays a day's lines against each other alone.
pub(crate) fn alone(around: Around<'_>, lines: &[RunSheetLine]) -> Alone {
    let contenders = in_order(&[(around.date, lines)]);
    let outcomes = play(around.tree, &contenders);
    Alone {
        is_late: is_late(around, &contenders, &outcomes),
        outcomes,
    }
}

/// Writes down who yields to whom, and why.
///
/// An eve that is late plays along. The morrow is asked for only if something of the day may still be on the air then.
pub(crate) fn explain(
    around: Around<'_>,
    eve: Option<&Day>,
    lines: &mut [RunSheetLine],
    alone: &Alone,
    morrow: impl FnOnce() -> Option<Day>,
) {
    let mut days: Vec<(NaiveDate, &[RunSheetLine])> = vec![(around.date, &*lines)];
    days.extend(eve.map(|(date, lines)| (*date, &**lines)));
    let mut contenders = in_order(&days);
    let mut outcomes = match eve {
        Some(_) => play(around.tree, &contenders),
        None => alone.outcomes.clone(),
    };
    let morrow = is_late(around, &contenders, &outcomes).then(morrow).flatten();
    if let Some((date, lines)) = &morrow {
        days.push((*date, lines));
        contenders = in_order(&days);
        outcomes = play(around.tree, &contenders);
    }
    let found: Vec<Found> = outcomes
        .iter()
        .enumerate()
        .filter(|(index, _)| contenders[*index].date == around.date)
        .map(|(index, outcome)| Found {
            place: contenders[index].place,
            verdict: match (outcome.aired, outcome.losses.is_empty()) {
                (false, _) => Verdict::Dropped,
                (true, true) => Verdict::Airs,
                (true, false) => Verdict::Shifts,
            },
            reasons: reasons(around, &contenders, index, outcome),
        })
        .collect();
    for Found {
        place,
        verdict,
        mut reasons,
    } in found
    {
        let line = &mut lines[place];
        line.verdict = verdict;
        reasons.append(&mut line.reasons);
        line.reasons = reasons;
    }
}

/// Returns what wants the air, earliest first: of two that begin at once, the earlier day's came first.
fn in_order<'a>(days: &[(NaiveDate, &'a [RunSheetLine])]) -> Vec<Contender<'a>> {
    let mut contenders: Vec<_> = days
        .iter()
        .flat_map(|(date, lines)| {
            lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.verdict == Verdict::Airs)
                .map(|(place, line)| Contender {
                    date: *date,
                    place,
                    line,
                })
        })
        .collect();
    contenders.sort_by_key(|contender| (contender.line.start, contender.date, contender.place));
    contenders
}

fn play(tree: &ZoneTree, contenders: &[Contender<'_>]) -> Vec<Outcome> {
    let claims: Vec<Claim> = contenders.iter().map(|contender| claim(contender.line)).collect();
    contend(tree, &claims)
}

fn claim(line: &RunSheetLine) -> Claim {
    Claim {
        zone: line.occurrence.zone,
        start: line.start,
        duration: line.duration,
        class: line.class,
        order: line.order,
        pre_emption: line.pre_emption,
        give_up_after: line.give_up_after,
    }
}

fn is_late(around: Around<'_>, contenders: &[Contender<'_>], outcomes: &[Outcome]) -> bool {
    let midnight: Option<WallTime> = around
        .date
        .checked_add_days(Days::new(1))
        .and_then(|morrow| to_wall(around.tz, morrow.and_time(NaiveTime::MIN)));
    let own = contenders
        .iter()
        .zip(outcomes)
        .filter(|(contender, _)| contender.date == around.date);
    own.map(|(_, outcome)| outcome.over).max().flatten() > midnight
}

fn reasons(around: Around<'_>, contenders: &[Contender<'_>], index: usize, outcome: &Outcome) -> Vec<Reason> {
    let name = |other: usize| {
        let Contender { date, line, .. } = &contenders[other];
        if *date == around.date {
            LineName::Here(line.number)
        } else {
            LineName::On {
                date: *date,
                line: line.number,
                title: line.title.clone(),
            }
        }
    };
    let own = contenders[index].line;
    let rule = |winner: usize, loser: usize| {
        let claim = |at: usize| claim(contenders[at].line);
        deciding_rule(around.tree, &claim(winner), &claim(loser))
    };
    let mut reasons = Vec::new();
    for loss in &outcome.losses {
        reasons.extend(loss.to.iter().map(|winner| Reason::YieldsTo {
            line: name(*winner),
            rule: rule(*winner, index),
            then: own.pre_emption,
        }));
        reasons.push(Reason::OffAir {
            from: loss.from,
            back: loss.back,
            offset: loss.offset,
        });
    }
    reasons.extend(outcome.won_from.iter().map(|loser| Reason::Outranks {
        line: name(*loser),
        rule: rule(index, *loser),
    }));
    reasons.extend(outcome.ceded.iter().map(|(zone, winner)| Reason::CededIn {
        zone: *zone,
        line: name(*winner),
        rule: rule(*winner, index),
    }));
    reasons
}
