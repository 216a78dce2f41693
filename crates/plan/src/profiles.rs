//! Day profiles: what they add, mute and replace on one date.

use chrono::NaiveDate;
use loa_model::{Mute, Profile, ProfileId, ProgrammeId, Slot, ZoneId, ZoneTree};

use crate::calendar_days::holds;

/// The profiles that hold on a date, greatest rank first.
pub(crate) struct ProfilesOfDay<'a> {
    tree: &'a ZoneTree,
    holding: Vec<&'a Profile>,
}

/// What a profile says of a slot.
pub(crate) enum Says<'a> {
    /// It does not air.
    Muted(&'a Profile),
    /// Another programme airs in it.
    ReplacedBy(&'a Profile, ProgrammeId),
}

impl<'a> ProfilesOfDay<'a> {
    pub(crate) fn new(tree: &'a ZoneTree, profiles: &'a [Profile], date: NaiveDate) -> Self {
        let mut holding: Vec<_> = profiles.iter().filter(|profile| holds(profile, date)).collect();
        holding.sort_by_key(|profile| (std::cmp::Reverse(profile.spec.rank), profile.id));
        Self { tree, holding }
    }

    /// Tells whether a slot airs in a zone as far as profiles go: it belongs to none, or its own holds there.
    pub(crate) fn adds(&self, slot: &Slot, zone: ZoneId) -> bool {
        match slot.spec.profile {
            None => true,
            Some(own) => self.find(own).is_some_and(|profile| self.covers(profile, zone)),
        }
    }

    /// Returns the profile to which a slot belongs, if it holds.
    pub(crate) fn own(&self, slot: &Slot) -> Option<&'a Profile> {
        self.find(slot.spec.profile?)
    }

    /// Returns what becomes of a slot in a zone: the greatest profile that says something of it decides.
    pub(crate) fn says_of(&self, slot: &Slot, zone: ZoneId) -> Option<Says<'a>> {
        self.over(slot, zone).find_map(|profile| {
            let mutes = match &profile.spec.mute {
                Mute::None => false,
                Mute::All => true,
                Mute::Class(class) => slot.spec.class <= *class,
                Mute::Slots(slots) => slots.contains(&slot.id),
            };
            if mutes {
                return Some(Says::Muted(profile));
            }
            let mut replaced = profile.spec.replace.iter();
            let (_, by) = replaced.find(|(replaced, _)| *replaced == slot.id)?;
            Some(Says::ReplacedBy(profile, *by))
        })
    }

    /// Walks the profiles that have their way with a slot in a zone.
    fn over(&self, slot: &Slot, zone: ZoneId) -> impl Iterator<Item = &'a Profile> {
        let own = self.own(slot).map(|own| own.spec.rank);
        let holding = self.holding.iter().copied();
        holding.filter(move |profile| {
            own.is_none_or(|own| profile.spec.rank > own) && self.covers(profile, zone)
        })
    }

    fn covers(&self, profile: &Profile, zone: ZoneId) -> bool {
        let zones = &profile.spec.zones;
        zones.is_empty() || zones.iter().any(|upper| self.tree.covers(*upper, zone))
    }

    fn find(&self, id: ProfileId) -> Option<&'a Profile> {
        self.holding.iter().copied().find(|profile| profile.id == id)
    }
}
