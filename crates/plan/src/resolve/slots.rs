//! Slots: what they name, and whether they ever air.

use loa_model::{
    BulletinClass, NewException, NewSlot, Programme, Recurrence, SlotChange, SlotException, SlotSpec,
};

use super::{Resolver, did_you_mean};
use crate::diagnostic::Placed;
use crate::file::SlotEntry;
use crate::occurrence::Calendar;

impl Resolver<'_> {
    pub(super) fn slots(&mut self) {
        let files = self.files;
        self.refuse_twins(
            "slot",
            files
                .iter()
                .flat_map(|file| &file.file.slots)
                .map(|entry| &entry.code),
        );
        for file in files {
            for entry in &file.file.slots {
                self.refuse_other_file("slot", &entry.code, &file.name);
                self.slot(&file.name, entry);
            }
        }
    }

    fn slot(&mut self, file: &str, entry: &SlotEntry) {
        self.check_programme(&entry.spec.programme);
        for zone in &entry.spec.zones {
            self.check_zone(zone);
            self.refuse_twin_zone(entry, zone);
        }
        if let Some(profile) = &entry.spec.profile {
            self.check_profile(profile);
        }
        self.slot_dates(entry);
        self.slot_exceptions(file, entry);
        let Some(class) = entry.class.or_else(|| self.class_of(&entry.spec.programme.value)) else {
            return;
        };
        let name = |name: Placed<String>| Ok::<_, std::convert::Infallible>(name.value);
        let Ok(spec) = entry.spec.clone().try_map(name, name, name);
        self.schedule.slots.push(NewSlot {
            file: file.to_owned(),
            code: entry.code.value.clone(),
            spec: SlotSpec { class, ..spec },
        });
    }

    fn class_of(&self, programme: &str) -> Option<BulletinClass> {
        let mut new = self.files.iter().flat_map(|file| &file.file.programmes);
        new.find(|other| other.code.value == programme)
            .map(|other| other.spec.class)
            .or_else(|| self.stored_programme(programme).map(|other| other.spec.class))
    }

    /// A programme that the store has and that none of these files takes back.
    pub(super) fn stored_programme(&self, code: &str) -> Option<&Programme> {
        let taken_back = self
            .known
            .owners
            .programmes
            .get(code)
            .is_some_and(|file| self.schedule.files.contains(file));
        self.known
            .programmes
            .iter()
            .find(|programme| programme.code == code)
            .filter(|_| !taken_back)
    }

    /// Refuses a name that stands for no zone.
    pub(super) fn check_zone(&mut self, zone: &Placed<String>) -> bool {
        let new = self.schedule.zones.iter().map(|zone| zone.code.as_str());
        let codes: Vec<_> = new
            .chain(self.known.zones.iter().map(|zone| zone.code.as_str()))
            .collect();
        let known = codes.contains(&zone.value.as_str());
        if !known {
            let remedy = did_you_mean(&zone.value, &codes, "`loa zone list` shows what is there");
            self.error(
                &zone.place,
                format!("there is no zone \"{}\"", zone.value),
                remedy,
            );
        }
        known
    }

    fn refuse_twin_zone(&mut self, entry: &SlotEntry, zone: &Placed<String>) {
        let same = entry.spec.zones.iter().filter(|other| other.value == zone.value);
        if same.count() > 1 {
            self.error(
                &zone.place,
                format!("zone \"{}\" is named twice", zone.value),
                "name it once",
            );
        }
    }

    fn slot_exceptions(&mut self, file: &str, entry: &SlotEntry) {
        let times = Calendar::new(&entry.spec).map(|calendar| calendar.times().to_vec());
        for (index, exception) in entry.except.iter().enumerate() {
            if let SlotChange::Replace(programme) = &exception.change {
                self.check_programme(programme);
            }
            let place = &exception.date.place;
            let same = |other: &&crate::file::ExceptionEntry| {
                (other.date.value, other.time) == (exception.date.value, exception.time)
            };
            if entry.except[..index].iter().any(|other| same(&other)) {
                let message = format!(
                    "slot \"{}\" is changed twice on {}",
                    entry.code.value, exception.date.value
                );
                self.error(place, message, "keep one of the changes, or give each its time");
            }
            let Ok(times) = &times else { continue };
            match exception.time {
                Some(time) if !times.contains(&time) => {
                    let message = format!("slot \"{}\" does not air at {time}", entry.code.value);
                    self.error(place, message, "mend the time");
                }
                None if times.len() > 1 && matches!(exception.change, SlotChange::Move(_)) => {
                    let message = format!(
                        "slot \"{}\" airs {} times a day; which is moved?",
                        entry.code.value,
                        times.len()
                    );
                    let remedy = format!("add time = \"{}\"", times[0].format("%H:%M"));
                    self.error(place, message, remedy);
                }
                _ => {}
            }
            self.schedule.exceptions.push(NewException {
                file: file.to_owned(),
                exception: SlotException {
                    slot: entry.code.value.clone(),
                    date: exception.date.value,
                    time: exception.time,
                    change: match &exception.change {
                        SlotChange::Cancel => SlotChange::Cancel,
                        SlotChange::Move(to) => SlotChange::Move(*to),
                        SlotChange::Replace(programme) => SlotChange::Replace(programme.value.clone()),
                        SlotChange::Trim(limit) => SlotChange::Trim(*limit),
                    },
                    note: exception.note.clone(),
                },
            });
        }
    }

    fn slot_dates(&mut self, entry: &SlotEntry) {
        let Ok(calendar) = Calendar::new(&entry.spec) else {
            return;
        };
        let place = &entry.rule;
        if calendar.dates_from(self.known.today).next().is_none() {
            let code = &entry.code.value;
            match &entry.spec.recurrence {
                Recurrence::Once(at) if at.date() < self.known.today => {
                    self.warning(
                        place,
                        format!("slot \"{code}\" is past and never airs again"),
                        "leave it out, or mend its date",
                    );
                }
                _ => self.error(
                    place,
                    format!("slot \"{code}\" never airs: no date from today on fits its rule"),
                    "mend the rule, or valid_from and valid_to",
                ),
            }
        }
        for exception in &entry.except {
            if !calendar.names(exception.date.value) {
                let message = format!(
                    "slot \"{}\" does not air on {} anyway",
                    entry.code.value, exception.date.value
                );
                self.warning(
                    &exception.date.place,
                    message,
                    "mend the date, or leave the exception out",
                );
            }
        }
    }
}
