//! A schedule as the store would give it back, planned and printed.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_model::{
    ApprovalState, ContentHash, DaySpan, Profile, ProfileId, Programme, ProgrammeId, RunSheet, Schedule,
    Slot, SlotException, SlotId, Zone, ZoneId, ZoneTree,
};
use loa_plan::{
    DayInputs, Diagnostic, HeardMedia, KnownLibrary, Lang, Owners, Resolved, RunSheetText, plan_day,
};

use crate::common::{library, resolved};

/// What the store would give back after importing the schedule.
pub(crate) struct Stored {
    pub(crate) tree: ZoneTree,
    pub(crate) programmes: Vec<Programme>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) exceptions: Vec<SlotException>,
    pub(crate) owners: Owners,
}

pub(crate) fn stored(schedule: &Schedule) -> Stored {
    let place = |codes: Vec<&String>, code: &str| {
        let at = codes.iter().position(|known| *known == code).unwrap();
        i64::try_from(at).unwrap() + 1
    };
    let zone_id = |code: &str| ZoneId(place(schedule.zones.iter().map(|new| &new.code).collect(), code));
    let programme_id = |code: &str| {
        ProgrammeId(place(
            schedule.programmes.iter().map(|new| &new.code).collect(),
            code,
        ))
    };
    let slot_id = |code: &str| SlotId(place(schedule.slots.iter().map(|new| &new.code).collect(), code));
    let profile_id = |code: &str| {
        ProfileId(place(
            schedule.profiles.iter().map(|new| &new.code).collect(),
            code,
        ))
    };
    let ok = Ok::<_, std::convert::Infallible>;
    let zone = |code: String| ok(zone_id(&code));
    let zones = schedule.zones.iter().map(|new| Zone {
        id: zone_id(&new.code),
        code: new.code.clone(),
        name: new.name.clone(),
        parent: new.parent.as_deref().map(zone_id),
        channel: new.channel,
        settings: new.settings.clone(),
    });
    let programmes = schedule.programmes.iter().map(|new| Programme {
        id: programme_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(|code| Ok::<_, ()>(programme_id(&code)), Ok)
            .unwrap(),
    });
    let profiles = schedule.profiles.iter().map(|new| Profile {
        id: profile_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(
                |code| Ok::<_, ()>(slot_id(&code)),
                |code| Ok(programme_id(&code)),
                |code| Ok(zone_id(&code)),
            )
            .unwrap(),
        switched_on: Vec::new(),
    });
    let slots = schedule.slots.iter().map(|new| Slot {
        id: slot_id(&new.code),
        code: new.code.clone(),
        spec: new
            .spec
            .clone()
            .try_map(
                |code| Ok::<_, std::convert::Infallible>(programme_id(&code)),
                zone,
                |code| Ok(profile_id(&code)),
            )
            .unwrap(),
    });
    let exceptions = schedule.exceptions.iter().map(|new| {
        let named = new.exception.clone();
        named
            .try_map(|code| Ok::<_, ()>(slot_id(&code)), |code| Ok(programme_id(&code)))
            .unwrap()
    });
    let exceptions: Vec<SlotException> = exceptions.collect();
    let files = schedule.exceptions.iter().map(|new| new.file.clone());
    let keys = exceptions.iter().map(|new| (new.slot, new.date, new.time));
    let exception_owners = keys.zip(files).collect();
    Stored {
        tree: ZoneTree::new(zones.collect()).unwrap(),
        programmes: programmes.collect(),
        profiles: profiles.collect(),
        slots: slots.collect(),
        exceptions,
        owners: Owners {
            programmes: schedule
                .programmes
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
            slots: schedule
                .slots
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
            profiles: schedule
                .profiles
                .iter()
                .map(|new| (new.code.clone(), new.file.clone()))
                .collect(),
            exceptions: exception_owners,
        },
    }
}

/// A sample: files, what of them people switched on, and the days that are printed.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<(&'static str, String)>,
    pub(crate) switched_on: Option<&'static str>,
    pub(crate) days: &'static [&'static str],
}

impl Sample {
    /// Reads it, with what is said of it.
    pub(crate) fn stored(&self) -> (Stored, Vec<Diagnostic>) {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let Resolved {
            schedule, warnings, ..
        } = resolved(&files).unwrap();
        let mut stored = stored(&schedule);
        let switched_on = |profile: &&mut Profile| Some(profile.code.as_str()) == self.switched_on;
        for profile in stored.profiles.iter_mut().filter(switched_on) {
            let days = self.days.iter().map(|day| day.parse().unwrap());
            profile
                .switched_on
                .extend(days.map(|day| DaySpan { from: day, to: day }));
        }
        (stored, warnings)
    }

    /// Prints each of its days, one sheet after another.
    pub(crate) fn printed(&self, stored: &Stored, lang: Lang) -> String {
        self.days.iter().map(|date| stored.printed(date, lang)).collect()
    }
}

impl Stored {
    fn printed(&self, date: &str, lang: Lang) -> String {
        self.text(lang).render(&self.sheet(date, None))
    }

    /// Plans a date; without approvals, everything may air.
    pub(crate) fn sheet(
        &self,
        date: &str,
        approvals: Option<&BTreeMap<ContentHash, ApprovalState>>,
    ) -> RunSheet {
        self.sheet_of(&library(), date, approvals)
    }

    /// Plans a date from another library.
    pub(crate) fn sheet_of(
        &self,
        library: &KnownLibrary,
        date: &str,
        approvals: Option<&BTreeMap<ContentHash, ApprovalState>>,
    ) -> RunSheet {
        let inputs = DayInputs {
            tree: &self.tree,
            programmes: &self.programmes,
            library,
            slots: &self.slots,
            exceptions: &self.exceptions,
            profiles: &self.profiles,
            heard: &HeardMedia::default(),
            approvals,
            tz: TZ,
        };
        let plan = plan_day(&inputs, date.parse().unwrap());
        assert!(plan.faults.is_empty(), "{:?}", plan.faults);
        plan.sheet
    }

    pub(crate) fn text(&self, lang: Lang) -> RunSheetText<'_> {
        RunSheetText {
            lang,
            tz: TZ,
            tree: &self.tree,
            zone: None,
        }
    }
}

const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
