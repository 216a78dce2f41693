//! What schedule files name is looked up, among themselves and in the store.

mod profiles;
mod programmes;
mod slots;
mod zones;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use loa_model::{PANEL_FILE, Profile, Programme, RunSheet, Schedule, Slot, SlotException, SlotId, ZoneTree};

use crate::clash::clashes;
use crate::diagnostic::{Diagnostic, Place, Placed, Severity, in_order};
use crate::file::{ScheduleFile, parse};
use crate::library::KnownLibrary;
use crate::merge::Merged;
use crate::said::{Said, said};
use crate::suggest::nearest;

/// A schedule file and its name, without directories.
#[derive(Clone, Debug)]
pub struct NamedFile {
    /// Its name; the things it declares belong to it.
    pub name: String,
    /// What it holds.
    pub file: ScheduleFile,
}

/// Names of the files that declared things, by what is known of the things.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Of programmes.
    pub programmes: BTreeMap<String, String>,
    /// Of slots.
    pub slots: BTreeMap<String, String>,
    /// Of day profiles.
    pub profiles: BTreeMap<String, String>,
    /// Of exceptions, by slot, date and time; what was changed by hand has none.
    pub exceptions: BTreeMap<(SlotId, NaiveDate, Option<NaiveTime>), String>,
}

impl Owners {
    fn of(&self, what: &str) -> &BTreeMap<String, String> {
        match what {
            "programme" => &self.programmes,
            "slot" => &self.slots,
            _ => &self.profiles,
        }
    }
}

/// What the store holds already.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Every zone.
    pub zones: &'a ZoneTree,
    /// The library.
    pub library: &'a KnownLibrary,
    /// Every programme.
    pub programmes: &'a [Programme],
    /// Every slot.
    pub slots: &'a [Slot],
    /// Every exception.
    pub exceptions: &'a [SlotException],
    /// Every day profile.
    pub profiles: &'a [Profile],
    /// Which file declared what.
    pub owners: &'a Owners,
    /// The time zone in which schedules are written.
    pub tz: Tz,
    /// Today, in that zone.
    pub today: NaiveDate,
}

/// A schedule that can be imported, and what somebody should look at before.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What to import.
    pub schedule: Schedule,
    /// Warnings only.
    pub warnings: Vec<Diagnostic>,
    /// Days on which something of the files airs once: as they are planned now, and as they would be.
    pub special_days: Vec<SpecialDay>,
}

/// A day on which something airs once, without it and with it.
#[derive(Clone, Debug)]
pub struct SpecialDay {
    /// As it is planned now.
    pub before: RunSheet,
    /// As it would be planned.
    pub after: RunSheet,
    /// The zones as they would be.
    pub tree: ZoneTree,
}

/// Reads several files, given by name and text.
///
/// # Errors
///
/// Every fault that can be seen in the files alone.
pub fn read(files: &[(String, String)]) -> Result<Vec<NamedFile>, Vec<Diagnostic>> {
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in files {
        match parse(name, text) {
            Ok(file) => read.push(NamedFile {
                name: name.clone(),
                file,
            }),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        Ok(read)
    } else {
        Err(in_order(faults))
    }
}

/// Looks up every name, and tries the next days.
///
/// # Errors
///
/// Every fault found, warnings among them, in the order of the files.
pub fn resolve(files: &[NamedFile], known: &Known<'_>) -> Result<Resolved, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        files,
        known,
        faults: Vec::new(),
        schedule: Schedule::default(),
    };
    resolver.schedule.files = files.iter().map(|file| file.name.clone()).collect();
    resolver.zones();
    resolver.programmes();
    resolver.slots();
    resolver.profiles();
    let Resolver {
        mut faults, schedule, ..
    } = resolver;
    let mut special_days = Vec::new();
    let is_error = |fault: &Diagnostic| fault.severity == Severity::Error;
    if !faults.iter().any(is_error) {
        match Merged::new(&schedule, known) {
            Ok(merged) => {
                faults.extend(clashes(&merged, known, &places(files)));
                special_days = merged.special_days(&schedule, known);
            }
            // Every fault of the tree is found above, with its place; this is for those that are not.
            Err(error) => {
                let place = Place {
                    file: files.first().map_or("", |file| &file.name).into(),
                    line: 1,
                    column: 1,
                };
                let message = said!("{error}", "{error}");
                faults.push(Diagnostic::error(
                    &place,
                    message,
                    said!("sửa lại các địa bàn", "mend the zones"),
                ));
            }
        }
    }
    let faults = in_order(faults);
    if faults.iter().any(is_error) {
        Err(faults)
    } else {
        Ok(Resolved {
            schedule,
            warnings: faults,
            special_days,
        })
    }
}

/// Returns where each slot's rule is written, by its code.
fn places(files: &[NamedFile]) -> BTreeMap<&str, &Place> {
    let slots = files.iter().flat_map(|file| &file.file.slots);
    slots.map(|slot| (slot.code.value.as_str(), &slot.rule)).collect()
}

struct Resolver<'a> {
    files: &'a [NamedFile],
    known: &'a Known<'a>,
    faults: Vec<Diagnostic>,
    schedule: Schedule,
}

impl Resolver<'_> {
    fn error(&mut self, place: &Place, message: Said, remedy: Said) {
        self.faults.push(Diagnostic::error(place, message, remedy));
    }

    fn warning(&mut self, place: &Place, message: Said, remedy: Said) {
        self.faults.push(Diagnostic::warning(place, message, remedy));
    }

    fn refuse_twins<'b>(&mut self, what: &str, codes: impl Iterator<Item = &'b Placed<String>>) {
        let mut first: BTreeMap<&str, &Place> = BTreeMap::new();
        for code in codes {
            if let Some(place) = first.get(code.value.as_str()) {
                let message = Said {
                    vi: format!("{} \"{}\" đã khai ở {place}", vietnamese(what), code.value),
                    en: format!("{what} \"{}\" is declared at {place} already", code.value),
                };
                self.error(
                    &code.place,
                    message,
                    said!("cho mỗi cái một mã riêng", "give each its own code"),
                );
            } else {
                first.insert(&code.value, &code.place);
            }
        }
    }

    fn refuse_other_file(&mut self, what: &str, code: &Placed<String>, file: &str) {
        let owners = self.known.owners.of(what);
        let owner = owners.get(&code.value).filter(|owner| *owner != file);
        if let Some(owner) = owner.filter(|owner| !self.schedule.files.contains(owner)) {
            let message = Said {
                vi: format!(
                    "{} \"{}\" đã khai trong tệp {owner}",
                    vietnamese(what),
                    code.value
                ),
                en: format!(
                    "{what} \"{}\" is declared by the file {owner} already",
                    code.value
                ),
            };
            let remedy = if owner == PANEL_FILE {
                said!(
                    "nó đã được sửa trên trang điều hành: `loa schedule export`, chép nó từ {owner} về tệp này, rồi nhập cả hai; hoặc bỏ nó khỏi tệp này",
                    "it was changed in the panel: `loa schedule export`, move it from {owner} into this file, and import both; or leave it out of this file"
                )
            } else {
                said!(
                    "sửa ở tệp đó, hoặc chọn mã khác",
                    "change it there, or choose another code"
                )
            };
            self.error(&code.place, message, remedy);
        }
    }
}

/// Names a kind of thing for operators.
fn vietnamese(what: &str) -> &str {
    match what {
        "zone" => "địa bàn",
        "programme" => "chương trình",
        "slot" => "khung giờ",
        "profile" => "hồ sơ ngày",
        other => other,
    }
}

fn did_you_mean(word: &str, candidates: &[&str], otherwise: Said) -> Said {
    let Some(near) = nearest(word, candidates.iter().copied()) else {
        return otherwise;
    };
    Said {
        vi: format!("có phải là \"{near}\" không? Nếu không, {}", otherwise.vi),
        en: format!("did you mean \"{near}\"? Otherwise {}", otherwise.en),
    }
}
