//! Random stations, days and commands. Everything is heard on whole seconds: a command is given so long before them.

use std::collections::BTreeMap;

use loa_model::{BulletinClass, Days, PreEmption, QuietPolicy, Window, ZoneId, ZoneTree};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::common::tree;

/// Milliseconds after [`T0`](crate::common::T0).
pub(crate) type Ms = i64;

/// A station, its day, and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) zones: Zones,
    /// Every line there may be; all of them are planned at first, as they are.
    pub(crate) lines: Vec<Line>,
    pub(crate) steps: Vec<Step>,
}

/// Which zones have quiet hours of their own, and when their day ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    pub(crate) quiet: BTreeMap<i64, Quiet>,
    /// Minutes from the beginning of the script until midnight.
    pub(crate) midnight: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Quiet {
    /// When a zone may sound, in minutes of the script; none means always.
    pub(crate) permitted: Option<(u16, u16)>,
    pub(crate) minutes_a_day: Option<u16>,
}

/// A line of the plan, and what becomes of it when it is edited.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) slot: i64,
    pub(crate) zone: i64,
    pub(crate) start: Ms,
    pub(crate) now: Programme,
    pub(crate) edited: Programme,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Programme {
    pub(crate) length: Ms,
    pub(crate) cut: bool,
    pub(crate) class: BulletinClass,
    pub(crate) order: u16,
    pub(crate) pre_emption: PreEmption,
    pub(crate) patience: Option<Ms>,
    /// Whether its line says that its content is approved.
    pub(crate) approved: bool,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// When it is to be heard.
    pub(crate) heard: Ms,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The day planned anew, with the lines of the first mask, those of the second edited.
    Plan { kept: u16, edited: u16 },
    /// Stops one of what is wanted; sometimes something that is over or to come.
    Stop { which: Index, any: bool },
    /// Starts the same content in some zones.
    Start(Override),
    /// The power goes, this long after the last command was heard, and all is heard again this many seconds later.
    Kill { after: Ms, away: Ms },
    /// The head-end is shut down in order, and all is heard again this many seconds later.
    ShutDown { away: Ms },
}

#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) zones: Vec<i64>,
    pub(crate) class: BulletinClass,
    pub(crate) length: Ms,
    pub(crate) limit: Ms,
    pub(crate) named: bool,
}

impl Script {
    /// Steps that are taken: a line that comes up is one, and so is a command to one zone.
    pub(crate) fn size(&self) -> usize {
        let steps = self.steps.iter().map(|step| match &step.what {
            What::Start(started) => started.zones.len(),
            _ => 1,
        });
        self.lines.len() + steps.sum::<usize>()
    }
}

impl Zones {
    /// Returns the zone whose quiet hours are kept in a zone.
    pub(crate) fn quiet(&self, zone: i64) -> Option<&Quiet> {
        tree()
            .chain(ZoneId(zone))
            .find_map(|above| self.quiet.get(&above.id.0))
    }

    pub(crate) fn tree(&self) -> ZoneTree {
        let tree = tree();
        let zones = tree.iter().cloned().map(|mut zone| {
            zone.settings.quiet = self.quiet.get(&zone.id.0).map(|quiet| self.policy(quiet));
            zone
        });
        ZoneTree::new(zones.collect()).expect("only its quiet hours differ")
    }

    /// Time zero is 08:00, UTC.
    pub(crate) fn utc_offset_min(&self) -> i16 {
        i16::try_from(1_440 - 480 - i32::from(self.midnight)).expect("less than a day")
    }

    fn policy(&self, quiet: &Quiet) -> QuietPolicy {
        let first = 1_440 - self.midnight;
        let windows = quiet.permitted.into_iter().flat_map(|(from, to)| {
            let (eve, day) = ((first + from, first + to), (from.max(self.midnight), to));
            let eve = Some((eve.0, eve.1.min(1_440))).filter(|(from, to)| from < to);
            let day = Some((day.0, day.1)).filter(|(from, to)| from < to);
            let day = day.map(|(from, to)| (from - self.midnight, to - self.midnight));
            [eve, day].into_iter().flatten()
        });
        QuietPolicy {
            windows: windows
                .map(|(from, to)| Window {
                    days: Days::ALL,
                    from,
                    to,
                })
                .collect(),
            minutes_a_day: quiet.minutes_a_day,
            volume: Vec::new(),
        }
    }
}

pub(crate) fn scripts() -> impl Strategy<Value = Script> {
    (zones(), prop::collection::vec(line(), 1..14), steps()).prop_map(|(zones, mut lines, mut steps)| {
        for (line, slot) in lines.iter_mut().zip(1..) {
            line.slot = slot;
        }
        // Minutes are counted to where the power went: that must be on a whole second then.
        let counted = zones.quiet.values().any(|quiet| quiet.minutes_a_day.is_some());
        for step in steps.iter_mut().filter(|_| counted) {
            if let What::Kill { after, .. } = &mut step.what {
                *after = 0;
            }
        }
        Script { zones, lines, steps }
    })
}

fn zones() -> impl Strategy<Value = Zones> {
    let quiet = (prop::option::of((0..3u16, 1..5u16)), prop::option::of(1..3u16)).prop_map(
        |(permitted, minutes_a_day)| Quiet {
            permitted: permitted.map(|(from, length)| (from, from + length)),
            minutes_a_day,
        },
    );
    let some = prop::collection::btree_map(prop::sample::select(vec![1, 2, 3, 5]), quiet, 1..3);
    let quiet = prop_oneof![1 => Just(BTreeMap::new()), 1 => some];
    (quiet, prop::sample::select(vec![1, 2, 3, 480])).prop_map(|(quiet, midnight)| Zones { quiet, midnight })
}

fn line() -> impl Strategy<Value = Line> {
    (1..=5i64, 5..150i64, programme(), programme()).prop_map(|(zone, start, now, edited)| Line {
        slot: 0,
        zone,
        start: start * 1_000,
        now,
        edited,
    })
}

fn programme() -> impl Strategy<Value = Programme> {
    let pre_emption = [
        PreEmption::Resume,
        PreEmption::Rejoin,
        PreEmption::Duck,
        PreEmption::Drop,
    ];
    (
        2..60i64,
        any::<bool>(),
        class(),
        1..4u16,
        prop::sample::select(pre_emption.to_vec()),
        prop::option::weighted(0.2, 2..30i64),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(length, cut, class, order, pre_emption, patience, approved)| Programme {
                length: length * 1_000,
                cut,
                class,
                order,
                pre_emption,
                patience: patience.map(|patience| patience * 1_000),
                approved,
            },
        )
}

fn class() -> impl Strategy<Value = BulletinClass> {
    prop::sample::select(BulletinClass::ALL.to_vec())
}

/// Each thing that happens, and how many seconds after the one before it is heard.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![
        4 => started().prop_map(What::Start),
        4 => (any::<Index>(), prop::bool::weighted(0.1)).prop_map(|(which, any)| What::Stop { which, any }),
        3 => (any::<u16>(), any::<u16>(), any::<u16>())
            .prop_map(|(one, other, edited)| What::Plan { kept: one | other, edited }),
        1 => (2..20i64).prop_map(|away| What::ShutDown { away: away * 1_000 }),
        1 => (0..1_000i64, 2..20i64)
            .prop_map(|(after, away)| What::Kill { after, away: away * 1_000 }),
    ];
    prop::collection::vec((0..15i64, what), 0..25).prop_map(in_order)
}

/// What stops is decided before what starts, if both are heard at once.
fn in_order(steps: Vec<(i64, What)>) -> Vec<Step> {
    let (mut heard, mut stops) = (5_000, true);
    let mut made = Vec::new();
    for (gap, what) in steps {
        let earlier = matches!(
            what,
            What::Stop { .. } | What::Plan { .. } | What::ShutDown { .. }
        );
        let gap = if earlier && !stops { gap.max(1) } else { gap };
        heard += gap * 1_000;
        stops = earlier || (gap > 0 && !matches!(what, What::Start(_)));
        made.push(Step {
            heard,
            what: what.clone(),
        });
        if let What::Kill { away, .. } | What::ShutDown { away } = what {
            (heard, stops) = (heard + away + 2_000, true);
        }
    }
    made
}

fn started() -> impl Strategy<Value = Override> {
    (
        prop::collection::btree_set(1..=5i64, 1..4),
        class(),
        1..40i64,
        1..60i64,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(zones, class, length, limit, named)| Override {
            zones: zones.into_iter().collect(),
            class,
            length: length * 1_000,
            limit: limit * 1_000,
            named,
        })
}

/// From a command until it is heard: what starts has to be sent, and what stops has to fade.
pub(crate) const START: Ms = DELAY + 80;
pub(crate) const STOP: Ms = DELAY + 450;
/// What is planned is decided this long before it is heard.
pub(crate) const AHEAD: Ms = DELAY + 530;
/// A head-end that is shut down is gone this long after.
pub(crate) const GONE: Ms = 1_500;
/// The playout delay of every class.
pub(crate) const DELAY: Ms = 600;
pub(crate) const MINUTE: Ms = 60_000;
