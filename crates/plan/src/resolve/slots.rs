//! Slots: what they name, and whether they ever air.

use loa_model::{
    BulletinClass, NewException, NewSlot, Programme, Recurrence, SlotChange, SlotException, SlotSpec,
};

use super::{Resolver, did_you_mean};
use crate::diagnostic::Placed;
use crate::file::SlotEntry;
use crate::occurrence::Calendar;
use crate::said::said;

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
            let remedy = did_you_mean(
                &zone.value,
                &codes,
                said!(
                    "`loa zone list` để xem có gì",
                    "`loa zone list` shows what is there"
                ),
            );
            self.error(
                &zone.place,
                said!("không có địa bàn \"{}\"", "there is no zone \"{}\"", zone.value),
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
                said!(
                    "địa bàn \"{}\" bị kể hai lần",
                    "zone \"{}\" is named twice",
                    zone.value
                ),
                said!("kể một lần thôi", "name it once"),
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
                let message = said!(
                    "khung giờ \"{}\" bị đổi hai lần ngày {}",
                    "slot \"{}\" is changed twice on {}",
                    entry.code.value,
                    exception.date.value
                );
                self.error(
                    place,
                    message,
                    said!(
                        "giữ lại một, hoặc ghi time cho mỗi cái",
                        "keep one of the changes, or give each its time"
                    ),
                );
            }
            let Ok(times) = &times else { continue };
            match exception.time {
                Some(time) if !times.contains(&time) => {
                    let message = said!(
                        "khung giờ \"{}\" không phát lúc {time}",
                        "slot \"{}\" does not air at {time}",
                        entry.code.value
                    );
                    self.error(place, message, said!("sửa lại giờ", "mend the time"));
                }
                None if times.len() > 1 && matches!(exception.change, SlotChange::Move(_)) => {
                    let message = said!(
                        "khung giờ \"{}\" phát {} lần một ngày; dời lần nào?",
                        "slot \"{}\" airs {} times a day; which is moved?",
                        entry.code.value,
                        times.len()
                    );
                    let remedy = said!(
                        "thêm time = \"{}\"",
                        "add time = \"{}\"",
                        times[0].format("%H:%M")
                    );
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
                // A series that was ended says when; its file may go on saying so.
                _ if entry.spec.valid_to.is_some_and(|to| to < self.known.today) => {
                    self.warning(
                        place,
                        said!("khung giờ \"{code}\" đã hết hạn, không phát nữa", "slot \"{code}\" has ended and never airs again"),
                        said!("bỏ đi, hoặc sửa valid_to", "leave it out, or mend its valid_to"),
                    );
                }
                Recurrence::Once(at) if at.date() < self.known.today => {
                    self.warning(
                        place,
                        said!("khung giờ \"{code}\" đã qua, không phát nữa", "slot \"{code}\" is past and never airs again"),
                        said!("bỏ đi, hoặc sửa ngày", "leave it out, or mend its date"),
                    );
                }
                _ => self.error(
                    place,
                    said!("khung giờ \"{code}\" không bao giờ phát: từ hôm nay không ngày nào hợp quy tắc của nó", "slot \"{code}\" never airs: no date from today on fits its rule"),
                    said!("sửa quy tắc, hoặc valid_from và valid_to", "mend the rule, or valid_from and valid_to"),
                ),
            }
        }
        for exception in &entry.except {
            if !calendar.names(exception.date.value) {
                let message = said!(
                    "khung giờ \"{}\" vốn không phát ngày {}",
                    "slot \"{}\" does not air on {} anyway",
                    entry.code.value,
                    exception.date.value
                );
                self.warning(
                    &exception.date.place,
                    message,
                    said!(
                        "sửa ngày, hoặc bỏ thay đổi này",
                        "mend the date, or leave the exception out"
                    ),
                );
            }
        }
    }
}
