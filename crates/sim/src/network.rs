//! A network that loses, delays, swaps and doubles what it carries, the same way for the same seed.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::WallTime;

/// A small generator of pseudo-random numbers (SplitMix64), so that a seed is all it takes to see a run again.
///
/// Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Tells yes with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    /// Returns a span from zero to `most`.
    pub fn span(&mut self, most: Duration) -> Duration {
        let ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.next() % ns.max(1))
    }
}

/// What the way from the head-end to one receiver is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Share of datagrams lost.
    pub loss: f64,
    /// Share that comes twice.
    pub doubled: f64,
    /// The shortest way.
    pub delay: Duration,
    /// What some take longer; more than the time between packets swaps them.
    pub jitter: Duration,
}

/// Datagrams on their way to one receiver.
#[derive(Clone, Debug)]
pub struct Network<T> {
    conditions: Conditions,
    random: Random,
    on_way: BTreeMap<(WallTime, u64), T>,
    sent: u64,
}

impl<T: Clone> Network<T> {
    /// Makes a way with nothing on it.
    pub const fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            random: Random::new(seed),
            on_way: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Sends a datagram, which may be lost.
    pub fn send(&mut self, datagram: &T, now: WallTime) {
        let copies = 1 + usize::from(self.random.chance(self.conditions.doubled));
        for _ in 0..copies {
            if !self.random.chance(self.conditions.loss) {
                let arrives = now + self.conditions.delay + self.random.span(self.conditions.jitter);
                self.sent += 1;
                self.on_way.insert((arrives, self.sent), datagram.clone());
            }
        }
    }

    /// Takes off the next datagram that arrives by `now`, and when it did.
    pub fn receive(&mut self, now: WallTime) -> Option<(WallTime, T)> {
        let entry = self.on_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), datagram) = entry.remove_entry();
        Some((at, datagram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_network() {
        let conditions = Conditions {
            loss: 0.3,
            doubled: 0.1,
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(50),
        };
        let run = |seed| {
            let mut network = Network::new(conditions, seed);
            (0..200).for_each(|i| network.send(&i, WallTime::from_unix_s(1)));
            let end = WallTime::from_unix_s(2);
            std::iter::from_fn(|| network.receive(end))
                .map(|(_, i)| i)
                .collect::<Vec<i32>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((100..190).contains(&run(7).len()), "about 0.7 · 1.1 · 200 arrive");
    }
}
