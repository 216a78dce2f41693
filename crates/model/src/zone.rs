//! Zones: a tree of at most 16 levels, each node with a multicast channel of its own.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::ZoneId;
use crate::quiet::QuietPolicy;

/// Number of a zone's multicast group above the installation's base address.
///
/// It is what the wire knows of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channel(pub u16);

impl Channel {
    /// Stands for every zone in a station's certificate; no zone has it.
    pub const EVERY_ZONE: Self = Self(u16::MAX);
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of receivers addressed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its row in the store.
    pub id: ZoneId,
    /// Short stable name used in schedule files and on the command line.
    pub code: String,
    /// Name shown to people.
    pub name: String,
    /// The zone it lies in; none for a top zone.
    pub parent: Option<ZoneId>,
    /// Its multicast channel.
    pub channel: Channel,
    /// What else is said of it.
    pub settings: ZoneSettings,
}

/// What is said of a zone and holds for all below it that say nothing of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneSettings {
    /// When it may sound.
    #[serde(default)]
    pub quiet: Option<QuietPolicy>,
    /// Whether an emergency that is heard here takes a second person, and a change of when it may sound; below it too.
    #[serde(default)]
    pub two_persons: bool,
    /// The language version that it hears; without one, the programme's own.
    #[serde(default)]
    pub language: Option<String>,
    /// Whether only approved content airs here; without a word, it is so.
    #[serde(default)]
    pub approval: Option<bool>,
}

/// All zones of an installation, checked to be a forest with unique codes and channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTree {
    zones: BTreeMap<ZoneId, Zone>,
    /// The zones right under each.
    under: BTreeMap<ZoneId, Vec<ZoneId>>,
}

/// Why a set of zones is not a tree.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneTreeError {
    /// Two zones share an id.
    #[error("zone id {0} is used twice")]
    DuplicateId(ZoneId),
    /// Two zones share a code.
    #[error("zone code \"{0}\" is used twice; give each zone its own")]
    DuplicateCode(String),
    /// Two zones share a channel, so each would hear the other.
    #[error("zones \"{first}\" and \"{second}\" both have channel {channel}; give each zone its own")]
    DuplicateChannel {
        /// Code of the zone met first.
        first: String,
        /// Code of the zone met second.
        second: String,
        /// What they share.
        channel: Channel,
    },
    /// The channel that means every zone.
    #[error("zone \"{0}\" has channel {every}, which stands for every zone; give it a smaller one", every = Channel::EVERY_ZONE)]
    ReservedChannel(String),
    /// A parent that does not exist.
    #[error("zone \"{0}\" names a parent that does not exist")]
    UnknownParent(String),
    /// A zone that is its own ancestor.
    #[error("zone \"{0}\" lies inside itself; follow its parents and break the circle")]
    Cycle(String),
    /// Deeper than a priority can tell apart.
    #[error("zone \"{0}\" is nested deeper than {DEPTH_MAX} levels")]
    TooDeep(String),
}

impl ZoneTree {
    /// Checks `zones` and builds the tree.
    ///
    /// # Errors
    ///
    /// The first fault found, naming the zone.
    pub fn new(zones: Vec<Zone>) -> Result<Self, ZoneTreeError> {
        let mut tree = Self::default();
        let mut codes = BTreeMap::new();
        let mut channels: BTreeMap<Channel, String> = BTreeMap::new();
        for zone in zones {
            if codes.insert(zone.code.clone(), zone.id).is_some() {
                return Err(ZoneTreeError::DuplicateCode(zone.code));
            }
            if zone.channel == Channel::EVERY_ZONE {
                return Err(ZoneTreeError::ReservedChannel(zone.code));
            }
            if let Some(first) = channels.insert(zone.channel, zone.code.clone()) {
                return Err(ZoneTreeError::DuplicateChannel {
                    first,
                    second: zone.code,
                    channel: zone.channel,
                });
            }
            if let Some(other) = tree.zones.insert(zone.id, zone) {
                return Err(ZoneTreeError::DuplicateId(other.id));
            }
        }
        for zone in tree.zones.values() {
            tree.check_ancestors(zone)?;
        }
        let Self { zones, under } = &mut tree;
        for zone in zones.values() {
            if let Some(parent) = zone.parent {
                under.entry(parent).or_default().push(zone.id);
            }
        }
        Ok(tree)
    }

    fn check_ancestors(&self, zone: &Zone) -> Result<(), ZoneTreeError> {
        let mut at = zone;
        for _ in 0..=DEPTH_MAX {
            let Some(parent) = at.parent else { return Ok(()) };
            if parent == zone.id {
                return Err(ZoneTreeError::Cycle(zone.code.clone()));
            }
            at = self
                .zones
                .get(&parent)
                .ok_or_else(|| ZoneTreeError::UnknownParent(at.code.clone()))?;
        }
        Err(ZoneTreeError::TooDeep(zone.code.clone()))
    }

    /// Returns the zone with this id.
    pub fn get(&self, id: ZoneId) -> Option<&Zone> {
        self.zones.get(&id)
    }

    /// Returns the zone with this code.
    pub fn by_code(&self, code: &str) -> Option<&Zone> {
        self.zones.values().find(|zone| zone.code == code)
    }

    /// Returns the zone with this channel.
    pub fn by_channel(&self, channel: Channel) -> Option<&Zone> {
        self.zones.values().find(|zone| zone.channel == channel)
    }

    /// Walks all zones in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.zones.values()
    }

    /// Walks from the zone itself up to its top zone: the groups its receivers join.
    pub fn chain(&self, id: ZoneId) -> impl Iterator<Item = &Zone> {
        std::iter::successors(self.get(id), |zone| {
            zone.parent.and_then(|parent| self.get(parent))
        })
    }

    /// Returns how many zones lie above this one; zero for a top zone.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`new` refuses trees deeper than DEPTH_MAX"
    )]
    pub fn depth(&self, id: ZoneId) -> u8 {
        self.chain(id).skip(1).count() as u8
    }

    /// Tells whether what airs in `upper` is heard in `lower`: same zone or an ancestor.
    pub fn covers(&self, upper: ZoneId, lower: ZoneId) -> bool {
        self.chain(lower).any(|zone| zone.id == upper)
    }

    /// Returns when a zone may sound: its own policy, or that of the nearest zone above that has one.
    pub fn quiet(&self, id: ZoneId) -> Option<&QuietPolicy> {
        self.chain(id).find_map(|zone| zone.settings.quiet.as_ref())
    }

    /// Tells whether a change of a zone's quiet hours takes a second person.
    pub fn quiet_takes_two_persons(&self, id: ZoneId) -> bool {
        self.chain(id).any(|zone| zone.settings.two_persons)
    }

    /// Tells whether an emergency in a zone takes a second person: where any zone that hears it asks for one.
    pub fn alert_takes_two_persons(&self, id: ZoneId) -> bool {
        let mut asking = self.iter().filter(|zone| zone.settings.two_persons);
        asking.any(|zone| self.covers(id, zone.id) || self.covers(zone.id, id))
    }

    /// Returns the language version that a zone hears.
    pub fn language(&self, id: ZoneId) -> Option<&str> {
        self.chain(id).find_map(|zone| zone.settings.language.as_deref())
    }

    /// Tells whether only approved content airs in a zone.
    pub fn requires_approval(&self, id: ZoneId) -> bool {
        self.chain(id)
            .find_map(|zone| zone.settings.approval)
            .unwrap_or(true)
    }

    /// Walks the zone itself and every zone under it, in order of id.
    pub fn subtree(&self, id: ZoneId) -> impl Iterator<Item = &Zone> {
        let mut found: Vec<_> = self.get(id).into_iter().collect();
        let mut looked = 0;
        while let Some(zone) = found.get(looked) {
            let under = self.under.get(&zone.id).into_iter().flatten();
            let under: Vec<_> = under.filter_map(|id| self.get(*id)).collect();
            found.extend(under);
            looked += 1;
        }
        found.sort_unstable_by_key(|zone| zone.id);
        found.into_iter()
    }
}

/// Deepest nesting accepted; a priority carries the depth in one byte.
pub const DEPTH_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: i64, parent: Option<i64>) -> Zone {
        Zone {
            id: ZoneId(id),
            code: format!("z{id}"),
            name: format!("Zone {id}"),
            settings: ZoneSettings::default(),
            parent: parent.map(ZoneId),
            channel: Channel(u16::try_from(id).unwrap()),
        }
    }

    #[test]
    fn chain_and_cover_follow_parents() {
        let tree = ZoneTree::new(vec![
            zone(1, None),
            zone(2, Some(1)),
            zone(3, Some(2)),
            zone(4, Some(1)),
        ])
        .unwrap();
        let chain: Vec<_> = tree.chain(ZoneId(3)).map(|zone| zone.id.0).collect();
        assert_eq!(chain, [3, 2, 1]);
        assert_eq!(tree.depth(ZoneId(3)), 2);
        assert!(tree.covers(ZoneId(1), ZoneId(3)) && tree.covers(ZoneId(3), ZoneId(3)));
        assert!(!tree.covers(ZoneId(4), ZoneId(3)) && !tree.covers(ZoneId(3), ZoneId(1)));
        let under: Vec<_> = tree.subtree(ZoneId(2)).map(|zone| zone.id.0).collect();
        assert_eq!(under, [2, 3]);
    }

    #[test]
    fn who_warns_from_above_takes_the_second_person_that_a_zone_below_asks_for() {
        let mut asks = zone(2, Some(1));
        asks.settings.two_persons = true;
        let zones = vec![zone(1, None), asks, zone(3, Some(2)), zone(4, Some(1))];
        let tree = ZoneTree::new(zones).unwrap();
        let of = |id| {
            let id = ZoneId(id);
            (tree.quiet_takes_two_persons(id), tree.alert_takes_two_persons(id))
        };
        assert_eq!(
            [of(1), of(2), of(3), of(4)],
            [(false, true), (true, true), (true, true), (false, false)]
        );
    }

    #[test]
    fn refuses_what_is_not_a_tree() {
        let twin = |change: fn(&mut Zone)| {
            let mut second = zone(2, None);
            change(&mut second);
            ZoneTree::new(vec![zone(1, None), second])
                .unwrap_err()
                .to_string()
        };
        let rows = [
            (twin(|zone| zone.id = ZoneId(1)), "zone id 1 is used twice"),
            (
                twin(|zone| zone.code = "z1".into()),
                "zone code \"z1\" is used twice",
            ),
            (twin(|zone| zone.channel = Channel(1)), "both have channel 1"),
            (
                twin(|zone| zone.channel = Channel::EVERY_ZONE),
                "stands for every zone",
            ),
            (
                twin(|zone| zone.parent = Some(ZoneId(9))),
                "a parent that does not exist",
            ),
            (twin(|zone| zone.parent = Some(ZoneId(2))), "lies inside itself"),
        ];
        for (message, expected) in rows {
            assert!(message.contains(expected), "{message}");
        }
        let deep = (1..=40).map(|id| zone(id, (id > 1).then_some(id - 1))).collect();
        assert!(matches!(ZoneTree::new(deep), Err(ZoneTreeError::TooDeep(_))));
    }
}
