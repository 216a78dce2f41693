//! What schedule files name is looked up, among themselves and in the store.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_model::{
    Channel, ContentHash, NewException, NewProgramme, NewSlot, NewZone, Programme, Recurrence, Schedule,
    Slot, SlotChange, SlotException, ZoneTree,
};

use crate::clash::clashes;
use crate::diagnostic::{Diagnostic, Place, Placed, Severity, in_order};
use crate::file::{ProgrammeEntry, RuleEntry, ScheduleFile, SlotEntry, ZoneEntry, parse};
use crate::merge::Merged;
use crate::occurrence::Calendar;
use crate::suggest::nearest;

/// A schedule file and its name, without directories.
#[derive(Clone, Debug)]
pub struct NamedFile {
    /// Its name; the things it declares belong to it.
    pub name: String,
    /// What it holds.
    pub file: ScheduleFile,
}

/// A piece of media in the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMedia {
    /// Its content.
    pub hash: ContentHash,
    /// Its title.
    pub title: String,
    /// Name of the file it was imported from.
    pub file_name: String,
    /// How long it sounds.
    pub duration: Duration,
}

/// What the store holds already.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Every zone.
    pub zones: &'a ZoneTree,
    /// The library.
    pub media: &'a [KnownMedia],
    /// Every programme.
    pub programmes: &'a [Programme],
    /// Every slot.
    pub slots: &'a [Slot],
    /// Every exception.
    pub exceptions: &'a [SlotException],
    /// Names of the files that declared programmes and slots, by code.
    pub files: &'a BTreeMap<String, String>,
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
    let Resolver {
        mut faults, schedule, ..
    } = resolver;
    let is_error = |fault: &Diagnostic| fault.severity == Severity::Error;
    if !faults.iter().any(is_error) {
        match Merged::new(&schedule, known) {
            Ok(merged) => faults.extend(clashes(&merged, known, &places(files))),
            // Every fault of the tree is found above, with its place; this is for those that are not.
            Err(error) => {
                let place = Place {
                    file: files.first().map_or("", |file| &file.name).into(),
                    line: 1,
                    column: 1,
                };
                faults.push(Diagnostic::error(&place, error.to_string(), "mend the zones"));
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
        })
    }
}

/// Returns where each slot's rule is written, by its code.
fn places(files: &[NamedFile]) -> BTreeMap<&str, &Place> {
    let slots = files.iter().flat_map(|file| &file.file.slots);
    slots
        .map(|slot| (slot.code.value.as_str(), slot.rule.place()))
        .collect()
}

struct Resolver<'a> {
    files: &'a [NamedFile],
    known: &'a Known<'a>,
    faults: Vec<Diagnostic>,
    schedule: Schedule,
}

impl Resolver<'_> {
    fn error(&mut self, place: &Place, message: String, remedy: impl Into<String>) {
        self.faults.push(Diagnostic::error(place, message, remedy));
    }

    fn warning(&mut self, place: &Place, message: String, remedy: impl Into<String>) {
        self.faults.push(Diagnostic::warning(place, message, remedy));
    }

    fn zones(&mut self) {
        let entries: Vec<&ZoneEntry> = self.files.iter().flat_map(|file| &file.file.zones).collect();
        self.refuse_twins("zone", entries.iter().map(|entry| &entry.code));
        let mut channels: BTreeMap<u16, &str> = BTreeMap::new();
        for zone in self.known.zones.iter() {
            if !entries.iter().any(|entry| entry.code.value == zone.code) {
                channels.insert(zone.channel.0, &zone.code);
            }
        }
        for entry in &entries {
            let Placed { value, place } = &entry.channel;
            if Channel(*value) == Channel::EVERY_ZONE {
                self.error(
                    place,
                    format!("channel {value} stands for every zone"),
                    "choose a smaller one",
                );
            }
            if let Some(other) = channels.insert(*value, &entry.code.value) {
                let message =
                    format!("channel {value} is zone \"{other}\"'s already; each would hear the other");
                let free = (1..u16::MAX).find(|channel| {
                    !channels.contains_key(channel)
                        && !entries.iter().any(|entry| entry.channel.value == *channel)
                });
                let remedy = free.map_or_else(
                    || "use a free one".to_owned(),
                    |free| format!("channel {free} is free"),
                );
                self.error(place, message, remedy);
            }
            if let Some(parent) = &entry.parent {
                self.parent(&entries, entry, parent);
            }
        }
        self.put_zones(&entries);
    }

    fn parent(&mut self, entries: &[&ZoneEntry], entry: &ZoneEntry, parent: &Placed<String>) {
        let new = entries.iter().map(|entry| entry.code.value.as_str());
        let codes: Vec<_> = new
            .chain(self.known.zones.iter().map(|zone| zone.code.as_str()))
            .collect();
        if !codes.contains(&parent.value.as_str()) {
            let message = format!(
                "zone \"{}\" lies in \"{}\", which is no zone",
                entry.code.value, parent.value
            );
            self.error(
                &parent.place,
                message,
                did_you_mean(&parent.value, &codes, "declare it with [[zone]]"),
            );
            return;
        }
        let above = |code: &str| -> Option<String> {
            match entries.iter().find(|entry| entry.code.value == code) {
                Some(entry) => entry.parent.as_ref().map(|parent| parent.value.clone()),
                None => {
                    let zone = self.known.zones.by_code(code)?;
                    self.known.zones.get(zone.parent?).map(|zone| zone.code.clone())
                }
            }
        };
        let mut chain = vec![entry.code.value.clone()];
        while let Some(next) = above(&chain[chain.len() - 1]) {
            let circle = next == entry.code.value;
            chain.push(next);
            if circle {
                let message = format!(
                    "zone \"{}\" lies inside itself: {}",
                    entry.code.value,
                    chain.join(" in ")
                );
                self.error(
                    &parent.place,
                    message,
                    "break the circle: give one of them another parent, or none",
                );
                return;
            }
            if chain[..chain.len() - 1].contains(&chain[chain.len() - 1]) {
                // A circle above, told where it is.
                return;
            }
            if chain.len() > loa_model::DEPTH_MAX + 1 {
                let message = format!(
                    "zone \"{}\" is nested deeper than {}",
                    entry.code.value,
                    loa_model::DEPTH_MAX
                );
                self.error(&parent.place, message, "leave out levels that nobody speaks to");
                return;
            }
        }
    }

    /// Puts each zone after its parent.
    fn put_zones(&mut self, entries: &[&ZoneEntry]) {
        let mut left = entries.to_vec();
        while !left.is_empty() {
            let waits = |entry: &&ZoneEntry| {
                let parent = entry.parent.as_ref().map(|parent| &parent.value);
                left.iter().any(|other| Some(&other.code.value) == parent)
            };
            let (later, ready): (Vec<_>, Vec<_>) = left.iter().copied().partition(waits);
            if ready.is_empty() {
                return;
            }
            self.schedule.zones.extend(ready.into_iter().map(|entry| NewZone {
                code: entry.code.value.clone(),
                name: entry.name.clone(),
                parent: entry.parent.as_ref().map(|parent| parent.value.clone()),
                channel: Channel(entry.channel.value),
            }));
            left = later;
        }
    }

    fn programmes(&mut self) {
        let files = self.files;
        self.refuse_twins(
            "programme",
            files
                .iter()
                .flat_map(|file| &file.file.programmes)
                .map(|entry| &entry.code),
        );
        for file in files {
            for entry in &file.file.programmes {
                self.refuse_other_file("programme", &entry.code, &file.name);
                if let Some(media) = self.media(entry) {
                    self.schedule.programmes.push(NewProgramme {
                        file: file.name.clone(),
                        code: entry.code.value.clone(),
                        title: entry.title.clone(),
                        media,
                        class: entry.class,
                        chime: entry.chime,
                        pre_emption: entry.pre_emption,
                    });
                }
            }
        }
    }

    /// Finds a programme's media by title, by file name, or by the beginning of its content hash.
    fn media(&mut self, entry: &ProgrammeEntry) -> Option<ContentHash> {
        let wanted = entry.media.value.as_str();
        let all = self.known.media;
        let by_name = |media: &&KnownMedia| media.title == wanted || media.file_name == wanted;
        let by_hash = |media: &&KnownMedia| {
            wanted.len() >= HASH_PREFIX_MIN && media.hash.to_string().starts_with(wanted)
        };
        let mut found: Vec<_> = all.iter().filter(by_name).collect();
        if found.is_empty() {
            found = all.iter().filter(by_hash).collect();
        }
        match found[..] {
            [media] => Some(media.hash),
            [] => {
                let message = format!("the library has no \"{wanted}\"");
                let names: Vec<_> = all
                    .iter()
                    .flat_map(|media| [media.title.as_str(), media.file_name.as_str()])
                    .collect();
                let remedy = did_you_mean(
                    wanted,
                    &names,
                    "`loa media add FILE` imports it, `loa media list` shows what is there",
                );
                self.error(&entry.media.place, message, remedy);
                None
            }
            _ => {
                let hashes: Vec<_> = found
                    .iter()
                    .map(|media| media.hash.to_string()[..12].to_owned())
                    .collect();
                let message = format!("\"{wanted}\" is the name of {} files in the library", found.len());
                let remedy = format!(
                    "write the beginning of the hash of the one you mean: {}",
                    hashes.join(" or ")
                );
                self.error(&entry.media.place, message, remedy);
                None
            }
        }
    }

    fn slots(&mut self) {
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

    fn refuse_twins<'b>(&mut self, what: &str, codes: impl Iterator<Item = &'b Placed<String>>) {
        let mut first: BTreeMap<&str, &Place> = BTreeMap::new();
        for code in codes {
            if let Some(place) = first.get(code.value.as_str()) {
                let message = format!("{what} \"{}\" is declared at {place} already", code.value);
                self.error(&code.place, message, "give each its own code");
            } else {
                first.insert(&code.value, &code.place);
            }
        }
    }

    fn refuse_other_file(&mut self, what: &str, code: &Placed<String>, file: &str) {
        let owner = self.known.files.get(&code.value).filter(|owner| *owner != file);
        if let Some(owner) = owner.filter(|owner| !self.schedule.files.contains(owner)) {
            let message = format!(
                "{what} \"{}\" is declared by the file {owner} already",
                code.value
            );
            self.error(&code.place, message, "change it there, or choose another code");
        }
    }
}

pub(crate) fn recurrence(rule: &RuleEntry) -> Recurrence {
    match rule {
        RuleEntry::Cron(line) => Recurrence::Cron(line.value.clone()),
        RuleEntry::At(at) => Recurrence::Once(at.value),
    }
}

fn did_you_mean(word: &str, candidates: &[&str], otherwise: &str) -> String {
    nearest(word, candidates.iter().copied()).map_or_else(
        || otherwise.to_owned(),
        |near| format!("did you mean \"{near}\"? Otherwise {otherwise}"),
    )
}

/// Shorter beginnings of a hash could be words.
const HASH_PREFIX_MIN: usize = 8;
