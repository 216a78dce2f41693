//! Who has the air when: plays a day's lines against each other by the order of priority.
//!
//! The rule is the one of engine and receivers: a line is off the air as a whole
//! while a stronger one wants the air of its zone or of a zone above. A stronger
//! one in a zone below takes only that zone's receivers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{BulletinClass, PreEmption, Priority, SessionId, TieRule, WallTime, ZoneId, ZoneTree};

/// A line that wants the air. Its place in the slice decides who came first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) zone: ZoneId,
    pub(crate) start: WallTime,
    pub(crate) duration: Duration,
    pub(crate) class: BulletinClass,
    pub(crate) order: u16,
    pub(crate) pre_emption: PreEmption,
    pub(crate) give_up_after: Option<Duration>,
}

/// What became of a claim. Other claims are named by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether it was ever on the air.
    pub(crate) aired: bool,
    /// When it was kept off or taken off the air, in order.
    pub(crate) losses: Vec<Loss>,
    /// Claims it took or kept the air from.
    pub(crate) won_from: BTreeSet<usize>,
    /// Zones below whose receivers heard another claim meanwhile.
    pub(crate) ceded: BTreeSet<(ZoneId, usize)>,
    /// From when on it wants the air no more.
    pub(crate) over: Option<WallTime>,
}

/// One stretch off the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) from: WallTime,
    /// To whom, one after another.
    pub(crate) to: Vec<usize>,
    /// When it came back; none if never.
    pub(crate) back: Option<WallTime>,
    /// How far into the media it went on, or how far it had come.
    pub(crate) offset: Duration,
}

/// Plays the claims, which must be in order of start, against each other.
pub(crate) fn contend(tree: &ZoneTree, claims: &[Claim]) -> Vec<Outcome> {
    let mut air = Air {
        tree,
        claims,
        outcomes: vec![Outcome::default(); claims.len()],
        wanting: BTreeMap::new(),
    };
    let mut next = 0;
    while let Some(now) = air.next_event(claims.get(next)) {
        air.finish(now);
        while let Some(claim) = claims.get(next).filter(|claim| claim.start <= now) {
            air.wanting.insert(next, Want::new(claim));
            next += 1;
        }
        air.settle(now);
    }
    air.outcomes
}

/// Tells which part of the order decides that `winner` beats `loser`.
pub(crate) fn deciding_rule(tree: &ZoneTree, winner: &Claim, loser: &Claim) -> TieRule {
    if winner.class != loser.class {
        TieRule::Class
    } else if tree.depth(winner.zone) != tree.depth(loser.zone) {
        TieRule::Authority
    } else if winner.class == BulletinClass::Emergency {
        TieRule::Newest
    } else if winner.order != loser.order {
        TieRule::Order
    } else {
        TieRule::FirstCome
    }
}

struct Air<'a> {
    tree: &'a ZoneTree,
    claims: &'a [Claim],
    outcomes: Vec<Outcome>,
    wanting: BTreeMap<usize, Want>,
}

/// A claim that has begun and is not over.
struct Want {
    /// Since when it is kept off the air, while it is.
    off_since: WallTime,
    /// How much of it has sounded before `on_air_since`.
    offset: Duration,
    on_air_since: Option<WallTime>,
}

impl Want {
    fn new(claim: &Claim) -> Self {
        Self {
            off_since: claim.start,
            offset: Duration::ZERO,
            on_air_since: None,
        }
    }
}

impl Air<'_> {
    /// A claim that waits to resume has no end of its own; the one it waits for has.
    fn next_event(&self, next: Option<&Claim>) -> Option<WallTime> {
        let ends = self
            .wanting
            .iter()
            .filter_map(|(index, want)| self.end(*index, want));
        ends.chain(next.map(|claim| claim.start)).min()
    }

    fn end(&self, index: usize, want: &Want) -> Option<WallTime> {
        let claim = &self.claims[index];
        let Some(since) = want.on_air_since else {
            let past = claim
                .pre_emption
                .rejoins()
                .then_some(claim.start + claim.duration);
            let gives_up = claim.give_up_after.map(|after| want.off_since + after);
            return past.into_iter().chain(gives_up).min();
        };
        Some(since + claim.duration.saturating_sub(want.offset))
    }

    fn finish(&mut self, now: WallTime) {
        let over = |(index, want): (&usize, &Want)| {
            self.end(*index, want)
                .is_some_and(|end| end <= now)
                .then_some(*index)
        };
        let over: Vec<usize> = self.wanting.iter().filter_map(over).collect();
        for index in over {
            self.wanting.remove(&index);
            self.outcomes[index].over = Some(now);
        }
    }

    fn priority(&self, index: usize) -> Priority {
        let claim = &self.claims[index];
        Priority {
            class: claim.class,
            depth: self.tree.depth(claim.zone),
            order: claim.order,
            // Sessions are numbered in the order in which they begin.
            session: SessionId(index as u64),
        }
    }

    fn settle(&mut self, now: WallTime) {
        let mut strongest: BTreeMap<ZoneId, usize> = BTreeMap::new();
        for index in self.wanting.keys().copied() {
            let best = strongest.entry(self.claims[index].zone).or_insert(index);
            if self.priority(index) > self.priority(*best) {
                *best = index;
            }
        }
        let mut on_air: BTreeMap<ZoneId, usize> = BTreeMap::new();
        for index in self.wanting.keys().copied().collect::<Vec<_>>() {
            let zone = self.claims[index].zone;
            let above = self.tree.chain(zone).filter_map(|zone| strongest.get(&zone.id));
            let winner = above
                .copied()
                .max_by_key(|index| self.priority(*index))
                .unwrap_or(index);
            if winner == index {
                self.give(index, now);
                on_air.insert(zone, index);
            } else {
                self.take(index, winner, now);
            }
        }
        for (zone, index) in &on_air {
            for above in self.tree.chain(*zone).skip(1) {
                if let Some(weaker) = on_air.get(&above.id) {
                    self.outcomes[*weaker].ceded.insert((*zone, *index));
                    self.outcomes[*index].won_from.insert(*weaker);
                }
            }
        }
    }

    fn give(&mut self, index: usize, now: WallTime) {
        let (claim, outcome) = (&self.claims[index], &mut self.outcomes[index]);
        let Some(want) = self
            .wanting
            .get_mut(&index)
            .filter(|want| want.on_air_since.is_none())
        else {
            return;
        };
        want.on_air_since = Some(now);
        outcome.aired = true;
        if claim.pre_emption.rejoins() {
            want.offset = now.since(claim.start);
        }
        if let Some(loss) = outcome.losses.last_mut() {
            loss.back = Some(now);
            loss.offset = want.offset;
        }
    }

    fn take(&mut self, index: usize, winner: usize, now: WallTime) {
        let (claim, outcome) = (&self.claims[index], &mut self.outcomes[index]);
        let Some(want) = self.wanting.get_mut(&index) else {
            return;
        };
        let fresh = !outcome.aired && outcome.losses.is_empty();
        if let Some(since) = want.on_air_since.take() {
            want.offset += now.since(since);
            want.off_since = now;
        } else if !fresh {
            if let Some(loss) = outcome
                .losses
                .last_mut()
                .filter(|loss| !loss.to.contains(&winner))
            {
                loss.to.push(winner);
                self.outcomes[winner].won_from.insert(index);
            }
            return;
        }
        outcome.losses.push(Loss {
            from: now,
            to: vec![winner],
            back: None,
            offset: want.offset,
        });
        self.outcomes[winner].won_from.insert(index);
        if claim.pre_emption == PreEmption::Drop {
            self.wanting.remove(&index);
            self.outcomes[index].over = Some(now);
        }
    }
}
