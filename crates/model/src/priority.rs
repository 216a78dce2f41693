//! Who takes the air: one order, used by the head-end and by every receiver.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::SessionId;

/// What kind of content asks for the air, weakest first.
///
/// Normal, priority and emergency are the classes of Circular 39/2020/TT-BTTTT;
/// background and live are ours. The number is the one on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulletinClass {
    /// Filler that anything may replace.
    Background = 0,
    /// Scheduled by the commune as it sees fit (thông thường).
    Normal = 1,
    /// Must be aired (ưu tiên).
    Priority = 2,
    /// A person speaking now.
    Live = 3,
    /// At once, over everything (khẩn cấp).
    Emergency = 4,
}

impl BulletinClass {
    /// All classes, weakest first.
    pub const ALL: [Self; 5] = [
        Self::Background,
        Self::Normal,
        Self::Priority,
        Self::Live,
        Self::Emergency,
    ];

    /// Reads the number used on the wire.
    pub fn from_wire(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Returns the number used on the wire.
    pub const fn to_wire(self) -> u8 {
        self as u8
    }

    /// Returns the word used in files, JSON and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Normal => "normal",
            Self::Priority => "priority",
            Self::Live => "live",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for BulletinClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The word names no bulletin class.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a bulletin class; use background, normal, priority, live or emergency")]
pub struct ParseClassError(String);

impl FromStr for BulletinClass {
    type Err = ParseClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|class| class.name() == text);
        found.ok_or_else(|| ParseClassError(text.to_owned()))
    }
}

/// A session's claim to the air. The greater one is heard.
///
/// Class first; then authority, the zone nearer the top; then the newest of two
/// emergencies, and of anything else what the commune puts first, and whichever came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// What kind of content it is.
    pub class: BulletinClass,
    /// Zones above the one it was sent to; zero is the top.
    pub depth: u8,
    /// The commune's own order, lower first. It decides within one zone, whose receivers get one stream: they need
    /// not know it, and take it for zero.
    pub order: u16,
    /// Which session; a larger number began later.
    pub session: SessionId,
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = (self.class, Reverse(self.depth)).cmp(&(other.class, Reverse(other.depth)));
        rank.then_with(|| {
            let newest = self.session.cmp(&other.session);
            if self.class == BulletinClass::Emergency {
                newest
            } else {
                other.order.cmp(&self.order).then(newest.reverse())
            }
        })
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: the winner, the loser, and the rule that decides.
    #[test]
    fn class_then_authority_then_time() {
        use BulletinClass::{Background, Emergency, Live, Normal};
        let rows = [
            ((Emergency, 5, 1), (Live, 0, 2), "class beats authority"),
            (
                (Live, 2, 1),
                (BulletinClass::Priority, 0, 1),
                "live beats priority",
            ),
            (
                (BulletinClass::Priority, 1, 1),
                (Normal, 0, 1),
                "priority beats normal",
            ),
            ((Normal, 1, 1), (Background, 0, 1), "normal beats background"),
            ((Normal, 0, 9), (Normal, 1, 1), "higher zone first"),
            ((Normal, 1, 1), (Normal, 1, 2), "first come"),
            ((Emergency, 1, 2), (Emergency, 1, 1), "newest emergency"),
            ((Emergency, 0, 1), (Emergency, 1, 2), "higher zone's emergency"),
        ];
        let priority = |(class, depth, session)| Priority {
            class,
            depth,
            order: 0,
            session: SessionId(session),
        };
        for (winner, loser, rule) in rows {
            assert!(priority(winner) > priority(loser), "{rule}");
        }
    }

    #[test]
    fn the_communes_order_comes_before_time_but_not_among_emergencies() {
        let priority = |class, order, session| Priority {
            class,
            depth: 1,
            order,
            session: SessionId(session),
        };
        use BulletinClass::{Emergency, Priority as Important};
        assert!(priority(Important, 1, 2) > priority(Important, 2, 1));
        assert!(priority(Emergency, 2, 2) > priority(Emergency, 1, 1));
    }

    #[test]
    fn classes_keep_their_wire_numbers() {
        for class in BulletinClass::ALL {
            assert_eq!(BulletinClass::from_wire(class.to_wire()), Some(class));
            assert_eq!(class.name().parse::<BulletinClass>().unwrap(), class);
        }
        assert_eq!(BulletinClass::from_wire(5), None);
    }
}
