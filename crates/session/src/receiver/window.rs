//! Which sequence numbers of a stream were seen: a sliding window, so that no packet is used twice.

/// Remembers the newest [`WINDOW`] sequence numbers of one stream.
///
/// It takes numbers already extended beyond 16 bits; see [`extend`](Self::extend).
///
/// Source: the anti-replay window of RFC 3711 §3.3.2, larger, because a burst of reordering at 50 packets a
/// second should still be inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct SequenceWindow {
    highest: Option<u64>,
    /// Bit `n % WINDOW` is set if `n` was seen, for `n` in `highest − WINDOW + 1 ..= highest`.
    seen: [u64; WORDS],
}

/// What the window knows of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    Before,
    /// Too far behind the newest to know.
    Forgotten,
}

impl SequenceWindow {
    /// Extends a 16-bit number to the nearest one around the highest seen, or, if `ahead`, to the next one above it.
    ///
    /// `ahead` is for a packet known by its time to be far newer, when more than half the 16-bit circle may
    /// have been lost.
    pub(crate) fn extend(&self, sequence: u16, ahead: bool) -> u64 {
        let Some(highest) = self.highest else {
            // Room below, for packets that were sent before the first one heard.
            return CIRCLE + u64::from(sequence);
        };
        let up = u64::from(sequence.wrapping_sub((highest % CIRCLE) as u16));
        if ahead || up < CIRCLE / 2 {
            highest + up
        } else {
            (highest + up).saturating_sub(CIRCLE)
        }
    }

    /// Tells whether a number was seen.
    pub(crate) fn check(&self, sequence: u64) -> Seen {
        match self.highest {
            Some(highest) if sequence + WINDOW <= highest => Seen::Forgotten,
            Some(highest) if sequence <= highest && self.bit(sequence) => Seen::Before,
            _ => Seen::Never,
        }
    }

    /// Remembers a number; tells whether a higher one was remembered before.
    pub(crate) fn mark(&mut self, sequence: u64) -> bool {
        let highest = *self.highest.get_or_insert(sequence);
        if sequence > highest {
            if sequence - highest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                (highest + 1..sequence).for_each(|skipped| self.clear(skipped));
            }
            self.highest = Some(sequence);
        }
        let (word, mask) = place(sequence);
        self.seen[word] |= mask;
        sequence < highest
    }

    fn bit(&self, sequence: u64) -> bool {
        let (word, mask) = place(sequence);
        self.seen[word] & mask != 0
    }

    fn clear(&mut self, sequence: u64) {
        let (word, mask) = place(sequence);
        self.seen[word] &= !mask;
    }
}

fn place(sequence: u64) -> (usize, u64) {
    let bit = sequence % WINDOW;
    ((bit / 64) as usize, 1 << (bit % 64))
}

/// Numbers remembered: 20 s of 20 ms packets. Anything older is refused by its time.
pub(crate) const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;
const CIRCLE: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn extends_around_the_wrap() {
        let mut window = SequenceWindow::default();
        assert_eq!(window.extend(65_530, false), CIRCLE + 65_530);
        window.mark(CIRCLE + 65_530);
        let rows = [
            ("next", 65_531, false, CIRCLE + 65_531),
            ("over the wrap", 3, false, 2 * CIRCLE + 3),
            ("a little behind", 65_000, false, CIRCLE + 65_000),
            (
                "behind by number, ahead by time",
                65_000,
                true,
                2 * CIRCLE + 65_000,
            ),
            ("same", 65_530, false, CIRCLE + 65_530),
        ];
        for (name, sequence, ahead, expected) in rows {
            assert_eq!(window.extend(sequence, ahead), expected, "{name}");
        }
    }

    proptest! {
        /// Against a set that remembers everything.
        #[test]
        fn knows_what_a_set_knows(steps in prop::collection::vec(-1_500i64..1_600, 1..200)) {
            let mut window = SequenceWindow::default();
            let mut all = BTreeSet::new();
            let mut at = 100_000i64;
            for step in steps {
                at += step;
                let sequence = u64::try_from(at).unwrap();
                let highest = all.last().copied().unwrap_or(sequence);
                let expected = if sequence + WINDOW <= highest {
                    Seen::Forgotten
                } else if all.contains(&sequence) {
                    Seen::Before
                } else {
                    Seen::Never
                };
                prop_assert_eq!(window.check(sequence), expected);
                if expected == Seen::Never {
                    prop_assert_eq!(window.mark(sequence), sequence < highest);
                    all.insert(sequence);
                }
            }
        }
    }
}
