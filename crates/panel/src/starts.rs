//! From a pressed button to the loudspeakers: what was measured of it, and how it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{BulletinClass, SessionId, WallTime, ZoneId, ZoneTree};

/// A session that somebody asked for, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartItem {
    /// Which.
    pub session: SessionId,
    /// Where it was sent.
    pub zone: ZoneId,
    /// Name of it.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
    /// Who put it on air.
    pub by: String,
    /// When the button was pressed.
    pub pressed: WallTime,
    /// When the engine had accepted it.
    pub accepted: WallTime,
    /// When its first packet was sent; none while that is not known.
    pub first_packet: Option<WallTime>,
    /// When it first had the air.
    pub began: WallTime,
    /// Each receiver that should have sounded, with its zone, and when its first sample of it did.
    pub receivers: Vec<(String, ZoneId, Option<WallTime>)>,
}

impl StartItem {
    /// Returns how long it took to each receiver that sounded.
    pub fn spans(&self) -> Vec<Duration> {
        let sounded = self.receivers.iter().filter_map(|(.., first)| *first);
        sounded.map(|first| first.since(self.pressed)).collect()
    }

    /// Tells whether it had to wait for something stronger: that says nothing of how fast the station is.
    pub fn had_to_wait(&self) -> bool {
        self.began.since(self.accepted) > WAITED
    }
}

/// A drill, and what became of it at the loudspeakers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillItem {
    /// When the button was pressed.
    pub pressed: WallTime,
    /// Name of it.
    pub title: String,
    /// Who put it on air.
    pub by: String,
    /// Where it was asked for, also where it was refused.
    pub zones: Vec<ZoneId>,
    /// Each receiver that stood there then, and when its first sample of it sounded.
    pub receivers: Vec<(String, Option<WallTime>)>,
}

impl DrillItem {
    /// Counts the receivers that sounded within `limit` of the press.
    pub fn in_time(&self, limit: Duration) -> usize {
        let first = self.receivers.iter().filter_map(|(_, first)| *first);
        first.filter(|first| first.since(self.pressed) <= limit).count()
    }

    /// Returns the score, 0 to 100: how many of a hundred receivers sounded within `limit`, rounded down; none where there
    /// is no receiver.
    pub fn points(&self, limit: Duration) -> Option<usize> {
        (self.in_time(limit) * 100).checked_div(self.receivers.len())
    }
}

/// What was measured in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeToAir {
    /// Half of the loudspeakers sounded within this.
    pub p50: Duration,
    /// Nineteen of twenty sounded within this.
    pub p95: Duration,
    /// How many times a loudspeaker sounded.
    pub count: usize,
}

impl TimeToAir {
    /// Takes measured spans; none of none.
    pub fn of(mut spans: Vec<Duration>) -> Option<Self> {
        spans.sort_unstable();
        Some(Self {
            p50: nearest_rank(&spans, 50)?,
            p95: nearest_rank(&spans, 95)?,
            count: spans.len(),
        })
    }

    /// Takes starts by the zone in which the receivers stand.
    pub fn by_zone(starts: &[StartItem], tree: &ZoneTree) -> Vec<(ZoneId, Self)> {
        let mut spans: BTreeMap<ZoneId, Vec<Duration>> = BTreeMap::new();
        for start in starts.iter().filter(|start| !start.had_to_wait()) {
            for (_, zone, first) in &start.receivers {
                if let Some(first) = first
                    && tree.get(*zone).is_some()
                {
                    spans.entry(*zone).or_default().push(first.since(start.pressed));
                }
            }
        }
        let measured = spans
            .into_iter()
            .map(|(zone, spans)| Some((zone, Self::of(spans)?)));
        measured.flatten().collect()
    }
}

/// Returns a percentile by its nearest rank.
fn nearest_rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Longer than the way to the air takes by itself, with a chime.
const WAITED: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_is_scored_by_the_loudspeakers_that_sounded_in_time() {
        let at = |ms: u64| WallTime::from_unix_ns(0) + Duration::from_millis(ms);
        let drill = |first: &[Option<u64>]| DrillItem {
            pressed: at(10_000),
            title: "Lũ".into(),
            by: "lan".into(),
            zones: vec![ZoneId(1)],
            receivers: first.iter().map(|first| ("loa".into(), first.map(at))).collect(),
        };
        let rows = [
            (vec![], 0, None),
            (vec![None], 0, Some(0)),
            (vec![Some(13_000)], 1, Some(100)),
            (vec![Some(10_400), Some(13_001), None], 1, Some(33)),
        ];
        for (first, in_time, points) in rows {
            let (drill, limit) = (drill(&first), Duration::from_secs(3));
            assert_eq!((drill.in_time(limit), drill.points(limit)), (in_time, points));
        }
    }

    #[test]
    fn percentiles_are_spans_that_were_measured() {
        let spans = |count: u64| (1..=count).rev().map(Duration::from_secs).collect::<Vec<_>>();
        let rows = [(1, 1, 1), (2, 1, 2), (20, 10, 19), (100, 50, 95)];
        for (count, p50, p95) in rows {
            let measured = TimeToAir::of(spans(count)).unwrap();
            let s = |span: Duration| span.as_secs();
            assert_eq!((s(measured.p50), s(measured.p95)), (p50, p95), "of {count}");
        }
        assert_eq!(TimeToAir::of(Vec::new()), None);
    }
}
