//! Slots: what they name, and whether they ever air.

use std::collections::BTreeMap;

use loa_model::{NewException, NewSlot, Programme, Recurrence, SlotChange};

use super::{Resolver, did_you_mean};
use crate::diagnostic::Placed;
use crate::file::{ProgrammeEntry, RuleEntry, SlotEntry};
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
        let new: Vec<&ProgrammeEntry> = self.files.iter().flat_map(|file| &file.file.programmes).collect();
        let programme = &entry.programme;
        let class = new
            .iter()
            .find(|other| other.code.value == programme.value)
            .map(|other| other.class)
            .or_else(|| self.stored_programme(&programme.value).map(|other| other.class));
        if class.is_none() {
            let new = new.iter().map(|other| other.code.value.as_str());
            let codes: Vec<_> = new
                .chain(self.known.programmes.iter().map(|other| other.code.as_str()))
                .collect();
            let remedy = did_you_mean(&programme.value, &codes, "declare it with [[programme]]");
            self.error(
                &programme.place,
                format!("there is no programme \"{}\"", programme.value),
                remedy,
            );
        }
        for zone in &entry.zones {
            self.slot_zone(entry, zone);
        }
        self.slot_dates(entry);
        let Some(class) = entry.class.as_ref().map(|class| class.value).or(class) else {
            return;
        };
        self.schedule.slots.push(NewSlot {
            file: file.to_owned(),
            code: entry.code.value.clone(),
            programme: programme.value.clone(),
            zones: entry.zones.iter().map(|zone| zone.value.clone()).collect(),
            recurrence: recurrence(&entry.rule),
            valid_from: entry.valid_from.as_ref().map(|date| date.value),
            valid_to: entry.valid_to.as_ref().map(|date| date.value),
            class,
            max_duration: entry.max_duration.value,
        });
        self.schedule
            .exceptions
            .extend(entry.except.iter().map(|(date, note)| NewException {
                file: file.to_owned(),
                slot: entry.code.value.clone(),
                date: date.value,
                change: SlotChange::Cancel,
                note: note.clone(),
            }));
    }

    /// A programme that the store has and that none of these files takes back.
    fn stored_programme(&self, code: &str) -> Option<&Programme> {
        let taken_back = self
            .known
            .files
            .get(code)
            .is_some_and(|file| self.schedule.files.contains(file));
        self.known
            .programmes
            .iter()
            .find(|programme| programme.code == code)
            .filter(|_| !taken_back)
    }

    fn slot_zone(&mut self, entry: &SlotEntry, zone: &Placed<String>) {
        let new = self.schedule.zones.iter().map(|zone| zone.code.as_str());
        let codes: Vec<_> = new
            .chain(self.known.zones.iter().map(|zone| zone.code.as_str()))
            .collect();
        if !codes.contains(&zone.value.as_str()) {
            let remedy = did_you_mean(&zone.value, &codes, "`loa zone list` shows what is there");
            self.error(
                &zone.place,
                format!("there is no zone \"{}\"", zone.value),
                remedy,
            );
        }
        if entry
            .zones
            .iter()
            .filter(|other| other.value == zone.value)
            .count()
            > 1
        {
            self.error(
                &zone.place,
                format!("zone \"{}\" is named twice", zone.value),
                "name it once",
            );
        }
    }

    /// Looks whether the slot ever airs, and whether its exceptions take anything away.
    fn slot_dates(&mut self, entry: &SlotEntry) {
        let (from, to) = (entry.valid_from.as_ref(), entry.valid_to.as_ref());
        let (from, to) = (from.map(|date| date.value), to.map(|date| date.value));
        let none = BTreeMap::new();
        let Ok(calendar) = Calendar::new(&recurrence(&entry.rule), from, to, none) else {
            return;
        };
        let place = entry.rule.place();
        if calendar.dates_from(self.known.today).next().is_none() {
            let code = &entry.code.value;
            match &entry.rule {
                RuleEntry::At(at) if at.value.date() < self.known.today => {
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
        for (date, _) in &entry.except {
            if !calendar.names(date.value) {
                let message = format!(
                    "slot \"{}\" does not air on {} anyway",
                    entry.code.value, date.value
                );
                self.warning(&date.place, message, "mend the date, or leave the exception out");
            }
        }
    }
}

fn recurrence(rule: &RuleEntry) -> Recurrence {
    match rule {
        RuleEntry::Cron(line) => Recurrence::Cron(line.value.clone()),
        RuleEntry::At(at) => Recurrence::Once(at.value),
    }
}
