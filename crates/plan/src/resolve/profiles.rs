//! Day profiles, and the slots, programmes and zones they name.

use loa_model::{Mute, NewProfile};

use super::{Resolver, did_you_mean};
use crate::diagnostic::Placed;
use crate::said::said;

impl Resolver<'_> {
    pub(super) fn profiles(&mut self) {
        let files = self.files;
        self.refuse_twins(
            "profile",
            files
                .iter()
                .flat_map(|file| &file.file.profiles)
                .map(|entry| &entry.code),
        );
        for file in files {
            for entry in &file.file.profiles {
                self.refuse_other_file("profile", &entry.code, &file.name);
                let spec = &entry.spec;
                let mut complete = true;
                for zone in &spec.zones {
                    complete &= self.check_zone(zone);
                }
                let muted: &[Placed<String>] = match &spec.mute {
                    Mute::Slots(slots) => slots,
                    _ => &[],
                };
                for slot in muted.iter().chain(spec.replace.iter().map(|(slot, _)| slot)) {
                    complete &= self.check_slot(slot);
                }
                for (_, programme) in &spec.replace {
                    complete &= self.check_programme(programme);
                }
                if complete {
                    let name = |name: Placed<String>| Ok::<_, std::convert::Infallible>(name.value);
                    let Ok(spec) = spec.clone().try_map(name, name, name);
                    self.schedule.profiles.push(NewProfile {
                        file: file.name.clone(),
                        code: entry.code.value.clone(),
                        spec,
                    });
                }
            }
        }
    }

    /// Refuses a name that stands for no profile.
    pub(super) fn check_profile(&mut self, code: &Placed<String>) {
        let new = self.files.iter().flat_map(|file| &file.file.profiles);
        let codes: Vec<_> = new
            .map(|other| other.code.value.as_str())
            .chain(self.known.profiles.iter().map(|other| other.code.as_str()))
            .collect();
        if !codes.contains(&code.value.as_str()) {
            let remedy = did_you_mean(
                &code.value,
                &codes,
                said!("khai bằng [[profile]]", "declare it with [[profile]]"),
            );
            self.error(
                &code.place,
                said!(
                    "không có hồ sơ ngày \"{}\"",
                    "there is no profile \"{}\"",
                    code.value
                ),
                remedy,
            );
        }
    }

    fn check_slot(&mut self, code: &Placed<String>) -> bool {
        let new = self.files.iter().flat_map(|file| &file.file.slots);
        let codes: Vec<_> = new
            .map(|other| other.code.value.as_str())
            .chain(self.known.slots.iter().map(|other| other.code.as_str()))
            .collect();
        let known = codes.contains(&code.value.as_str());
        if !known {
            let remedy = did_you_mean(
                &code.value,
                &codes,
                said!("khai bằng [[slot]]", "declare it with [[slot]]"),
            );
            self.error(
                &code.place,
                said!("không có khung giờ \"{}\"", "there is no slot \"{}\"", code.value),
                remedy,
            );
        }
        known
    }
}
