//! The schedule as it would stand after an import.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use loa_model::{
    DaySpan, NewZone, Profile, ProfileId, Programme, ProgrammeId, Recurrence, Schedule, Slot, SlotException,
    SlotId, Zone, ZoneId, ZoneTree, ZoneTreeError,
};

use crate::content::HeardMedia;
use crate::day::{DayInputs, Planner};
use crate::resolve::{Known, SpecialDay};

/// Store and import together. What is known keeps its row number; what is new has one that means nothing in the store.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    pub(crate) tree: ZoneTree,
    pub(crate) programmes: Vec<Programme>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) exceptions: Vec<SlotException>,
    pub(crate) profiles: Vec<Profile>,
}

impl Merged {
    /// Puts a resolved schedule over what is known.
    pub(crate) fn new(schedule: &Schedule, known: &Known<'_>) -> Result<Self, ZoneTreeError> {
        let tree = zones(&schedule.zones, known.zones)?;
        let kept = |owners: &BTreeMap<String, String>, code: &str| {
            owners.get(code).is_none_or(|file| !schedule.files.contains(file))
        };
        let mut programmes: Vec<_> = known.programmes.to_vec();
        programmes.retain(|programme| kept(&known.owners.programmes, &programme.code));
        let mut slots: Vec<_> = known.slots.to_vec();
        slots.retain(|slot| kept(&known.owners.slots, &slot.code));
        let mut profiles: Vec<_> = known.profiles.to_vec();
        profiles.retain(|profile| kept(&known.owners.profiles, &profile.code));

        let ids = numbers(
            schedule.programmes.iter().map(|new| new.code.as_str()),
            known.programmes.iter().map(|old| (old.code.as_str(), old.id.0)),
        );
        let slot_ids = numbers(
            schedule.slots.iter().map(|new| new.code.as_str()),
            known.slots.iter().map(|old| (old.code.as_str(), old.id.0)),
        );
        let profile_ids = numbers(
            schedule.profiles.iter().map(|new| new.code.as_str()),
            known.profiles.iter().map(|old| (old.code.as_str(), old.id.0)),
        );
        // What names nothing was told when names were looked up; here it only has to stand for nothing.
        let programme = |code: String| never(ProgrammeId(ids.get(code.as_str()).copied().unwrap_or(0)));
        let slot = |code: String| never(SlotId(slot_ids.get(code.as_str()).copied().unwrap_or(0)));
        let profile = |code: String| never(ProfileId(profile_ids.get(code.as_str()).copied().unwrap_or(0)));
        let zone = |code: String| never(tree.by_code(&code).map_or(ZoneId(0), |zone| zone.id));

        for new in &schedule.programmes {
            let Ok(spec) = new.spec.clone().try_map(programme, never);
            programmes.push(Programme {
                id: ProgrammeId(ids[new.code.as_str()]),
                code: new.code.clone(),
                spec,
            });
        }
        for new in &schedule.profiles {
            let before = known.profiles.iter().find(|old| old.code == new.code);
            let Ok(spec) = new.spec.clone().try_map(slot, programme, zone);
            profiles.push(Profile {
                id: ProfileId(profile_ids[new.code.as_str()]),
                code: new.code.clone(),
                spec,
                switched_on: before.map_or_else(Vec::<DaySpan>::new, |old| old.switched_on.clone()),
            });
        }
        for new in &schedule.slots {
            let Ok(spec) = new.spec.clone().try_map(programme, zone, profile);
            slots.push(Slot {
                id: SlotId(slot_ids[new.code.as_str()]),
                code: new.code.clone(),
                spec,
            });
        }
        let new = schedule.exceptions.iter().map(|new| {
            let Ok(exception) = new.exception.clone().try_map(slot, programme);
            exception
        });
        let new: Vec<SlotException> = new.collect();
        let there: BTreeSet<_> = slots.iter().map(|slot| slot.id).collect();
        // What was changed by hand stays, unless the import speaks of all of that date, as in the store.
        let whole_dates: BTreeSet<_> = new
            .iter()
            .filter(|new| new.time.is_none())
            .map(|new| (new.slot, new.date))
            .collect();
        let mut exceptions: Vec<_> = known.exceptions.to_vec();
        exceptions.retain(|old| {
            let owner = known.owners.exceptions.get(&(old.slot, old.date, old.time));
            let stays = match owner {
                Some(file) => !schedule.files.contains(file),
                None => !whole_dates.contains(&(old.slot, old.date)),
            };
            there.contains(&old.slot) && stays
        });
        exceptions.extend(new);
        Ok(Self {
            tree,
            programmes,
            slots,
            exceptions,
            profiles,
        })
    }
}

impl Merged {
    /// Returns what days are planned from as it would be.
    pub(crate) fn inputs<'a>(&'a self, known: &Known<'a>, heard: &'a HeardMedia) -> DayInputs<'a> {
        DayInputs {
            tree: &self.tree,
            programmes: &self.programmes,
            library: known.library,
            slots: &self.slots,
            exceptions: &self.exceptions,
            profiles: &self.profiles,
            heard,
            approvals: None,
            tz: known.tz,
        }
    }

    /// Plans the days on which a slot of the schedule airs once, without the schedule and with it.
    pub(crate) fn special_days(&self, schedule: &Schedule, known: &Known<'_>) -> Vec<SpecialDay> {
        let once = schedule
            .slots
            .iter()
            .filter_map(|slot| match slot.spec.recurrence {
                Recurrence::Once(at) if at.date() >= known.today => Some(at.date()),
                _ => None,
            });
        let dates: BTreeSet<_> = once.collect();
        let heard = HeardMedia::default();
        let after = Planner::new(self.inputs(known, &heard));
        let before = Planner::new(DayInputs {
            tree: known.zones,
            programmes: known.programmes,
            slots: known.slots,
            exceptions: known.exceptions,
            profiles: known.profiles,
            ..self.inputs(known, &heard)
        });
        let day = |date| SpecialDay {
            before: before.day(date).sheet,
            after: after.day(date).sheet,
            tree: self.tree.clone(),
        };
        dates.into_iter().take(SPECIAL_DAYS_MAX).map(day).collect()
    }
}

/// Gives each code its row's number: the one that it has, or one of its own if it is new.
fn numbers<'a>(
    new: impl Iterator<Item = &'a str>,
    known: impl Iterator<Item = (&'a str, i64)>,
) -> BTreeMap<&'a str, i64> {
    let new = (NEW_IDS..).zip(new).map(|(id, code)| (code, id));
    new.chain(known).collect()
}

fn never<T>(value: T) -> Result<T, Infallible> {
    Ok(value)
}

fn zones(new: &[NewZone], known: &ZoneTree) -> Result<ZoneTree, ZoneTreeError> {
    let ids: BTreeMap<&str, ZoneId> = (NEW_IDS..)
        .zip(new)
        .map(|(id, zone)| {
            (
                zone.code.as_str(),
                known.by_code(&zone.code).map_or(ZoneId(id), |zone| zone.id),
            )
        })
        .chain(known.iter().map(|zone| (zone.code.as_str(), zone.id)))
        .collect();
    let old = known
        .iter()
        .filter(|zone| !new.iter().any(|new| new.code == zone.code))
        .cloned();
    let new = new.iter().map(|zone| Zone {
        id: ids[zone.code.as_str()],
        code: zone.code.clone(),
        name: zone.name.clone(),
        parent: zone
            .parent
            .as_ref()
            .map(|parent| ids.get(parent.as_str()).copied().unwrap_or(ZoneId(0))),
        channel: zone.channel,
        settings: zone.settings.clone(),
    });
    ZoneTree::new(old.chain(new).collect())
}

/// Nobody reads about more.
const SPECIAL_DAYS_MAX: usize = 31;
/// Beyond any row of a store.
const NEW_IDS: i64 = 1 << 40;
