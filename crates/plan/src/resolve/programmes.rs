//! Programmes, and the media and programmes they name.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::relay_address::redacted;
use loa_model::{ContentHash, NewProgramme, PlaylistItem, ProgrammeSpec, Source};

use super::{Resolver, did_you_mean};
use crate::content::PLAYLIST_DEPTH_MAX;
use crate::diagnostic::Placed;
use crate::file::ProgrammeEntry;
use crate::library::KnownMedia;
use crate::said::{Said, said};

impl Resolver<'_> {
    pub(super) fn programmes(&mut self) {
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
                if let Some(spec) = self.programme_spec(entry) {
                    self.schedule.programmes.push(NewProgramme {
                        file: file.name.clone(),
                        code: entry.code.value.clone(),
                        spec,
                    });
                }
            }
        }
        self.refuse_circles();
    }

    fn programme_spec(&mut self, entry: &ProgrammeEntry) -> Option<ProgrammeSpec<String>> {
        let mut spec = entry.spec.clone();
        if let Source::Playlist(items) = &mut spec.source {
            for item in items {
                // A word that names a programme means the programme.
                if let PlaylistItem::Media(name) = item
                    && self.knows_programme(&name.value)
                {
                    *item = PlaylistItem::Programme(name.clone());
                }
            }
        }
        let mut complete = true;
        let others: Vec<Placed<String>> = spec.others().into_iter().cloned().collect();
        let words: &[&str] = match &spec.source {
            Source::Series { .. } => &["skip", "repeat"],
            _ => &[],
        };
        for other in others {
            complete &= self.check_programme_or(&other, words);
        }
        let media: Vec<Placed<String>> = spec.media().into_iter().cloned().collect();
        let mut hashes = BTreeMap::new();
        for name in media {
            match self.media(&name) {
                Some(hash) => drop(hashes.insert(name.value, hash)),
                None => complete = false,
            }
        }
        if let Source::Series { name, .. } = &spec.source
            && self.known.library.episodes(name).is_empty()
        {
            self.warning(
                &entry.code.place,
                said!(
                    "chuyên mục \"{name}\" chưa có tập nào",
                    "series \"{name}\" has no episode yet"
                ),
                said!(
                    "`loa media add --series TÊN TỆP` để thêm",
                    "`loa media add --series NAME FILE` adds one"
                ),
            );
        }
        if !complete {
            return None;
        }
        let named = spec.try_map(
            |other| Ok::<_, ()>(other.value),
            |media| hashes.get(&media.value).copied().ok_or(()),
        );
        named.ok()
    }

    /// Refuses a name that stands for no programme.
    pub(super) fn check_programme(&mut self, code: &Placed<String>) -> bool {
        self.check_programme_or(code, &[])
    }

    /// Refuses a name that stands for no programme where `words` could stand too.
    fn check_programme_or(&mut self, code: &Placed<String>, words: &[&str]) -> bool {
        if self.knows_programme(&code.value) {
            return true;
        }
        let new = self.files.iter().flat_map(|file| &file.file.programmes);
        let codes: Vec<_> = new
            .map(|other| other.code.value.as_str())
            .chain(self.known.programmes.iter().map(|other| other.code.as_str()))
            .chain(words.iter().copied())
            .collect();
        let otherwise = match words {
            [] => said!("khai bằng [[programme]]", "declare it with [[programme]]"),
            words => said!(
                "viết {}, hoặc khai bằng [[programme]]",
                "write {}, or declare it with [[programme]]",
                words.join(", ")
            ),
        };
        let remedy = did_you_mean(&code.value, &codes, otherwise);
        self.error(
            &code.place,
            said!(
                "không có chương trình \"{}\"",
                "there is no programme \"{}\"",
                code.value
            ),
            remedy,
        );
        false
    }

    fn knows_programme(&self, code: &str) -> bool {
        let mut new = self.files.iter().flat_map(|file| &file.file.programmes);
        new.any(|other| other.code.value == code) || self.stored_programme(code).is_some()
    }

    /// Refuses playlists that lead back to themselves, that nobody finds their way in, or that hold what cannot be
    /// part of one.
    fn refuse_circles(&mut self) {
        let mut parts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let stored: BTreeMap<_, _> = self
            .known
            .programmes
            .iter()
            .map(|programme| (programme.id, programme.code.as_str()))
            .collect();
        for programme in self.known.programmes {
            let others = programme.spec.others();
            let codes = others.into_iter().filter_map(|id| stored.get(id).copied());
            parts.insert(&programme.code, codes.collect());
        }
        let mut alone: Vec<&str> = Vec::new();
        for programme in self.known.programmes {
            alone.extend(is_alone(&programme.spec.source).then_some(programme.code.as_str()));
        }
        let schedule = std::mem::take(&mut self.schedule.programmes);
        for programme in &schedule {
            let others = programme.spec.others();
            parts.insert(&programme.code, others.into_iter().map(String::as_str).collect());
            alone.retain(|code| *code != programme.code);
            alone.extend(is_alone(&programme.spec.source).then_some(programme.code.as_str()));
        }
        let mut found = Vec::new();
        for programme in &schedule {
            let entries = self.files.iter().flat_map(|file| &file.file.programmes);
            let Some(place) = entries
                .into_iter()
                .find(|entry| entry.code.value == programme.code)
                .map(|entry| entry.code.place.clone())
            else {
                continue;
            };
            if let Some(part) = parts[programme.code.as_str()]
                .iter()
                .find(|part| alone.contains(part))
            {
                let message = said!(
                    "\"{part}\" là tiếp âm, phòng thu hay khoảng im, không thể nằm trong chương trình khác",
                    "\"{part}\" is a relay, a studio or silence, and cannot be part of another programme"
                );
                found.push((
                    place,
                    message,
                    said!("cho nó khung giờ riêng", "give it a slot of its own"),
                ));
                continue;
            }
            match walk(&parts, &programme.code) {
                Walk::Fine => {}
                Walk::Circle(way) => {
                    let message = said!(
                        "chương trình \"{}\" chứa chính nó: {}",
                        "programme \"{}\" holds itself: {}",
                        programme.code,
                        way.join(" > ")
                    );
                    let above = way.iter().rev().nth(1).copied().unwrap_or_default();
                    let remedy = said!(
                        "bỏ \"{}\" khỏi \"{above}\"",
                        "take \"{}\" out of \"{above}\"",
                        programme.code
                    );
                    found.push((place, message, remedy));
                }
                Walk::TooDeep(way) => {
                    let message = said!(
                        "chương trình \"{}\" lồng sâu quá {PLAYLIST_DEPTH_MAX} lớp: {}",
                        "programme \"{}\" is nested deeper than {PLAYLIST_DEPTH_MAX}: {}",
                        programme.code,
                        way.join(" > ")
                    );
                    found.push((
                        place,
                        message,
                        said!("dùng ít playlist lồng nhau hơn", "make it of fewer playlists"),
                    ));
                }
            }
        }
        for (place, message, remedy) in found {
            self.error(&place, message, remedy);
        }
        self.schedule.programmes = schedule;
    }

    /// Finds media by title, by file name, or by the beginning of its content hash.
    fn media(&mut self, name: &Placed<String>) -> Option<ContentHash> {
        let wanted = name.value.as_str();
        let library = self.known.library;
        let by_name = |media: &&KnownMedia| media.title == wanted || media.file_name == wanted;
        let by_hash = |media: &&KnownMedia| {
            wanted.len() >= HASH_PREFIX_MIN && media.hash.to_string().starts_with(wanted)
        };
        let mut found: Vec<_> = library.iter().filter(by_name).collect();
        if found.is_empty() {
            found = library.iter().filter(by_hash).collect();
        }
        match found[..] {
            [media] => Some(media.hash),
            [] => {
                // It may be an address in the wrong place, with a password.
                let shown = if wanted.contains("://") {
                    redacted(wanted)
                } else {
                    wanted.to_owned()
                };
                let message = said!("thư viện không có \"{shown}\"", "the library has no \"{shown}\"");
                let names: Vec<_> = library
                    .iter()
                    .flat_map(|media| [media.title.as_str(), media.file_name.as_str()])
                    .collect();
                let remedy = did_you_mean(
                    wanted,
                    &names,
                    said!(
                        "`loa media add TỆP` để nhập, `loa media list` để xem có gì",
                        "`loa media add FILE` imports it, `loa media list` shows what is there"
                    ),
                );
                self.error(&name.place, message, remedy);
                None
            }
            _ => {
                let hashes: Vec<_> = found
                    .iter()
                    .map(|media| media.hash.to_string()[..12].to_owned())
                    .collect();
                let message = said!(
                    "\"{wanted}\" là tên của {} tệp trong thư viện",
                    "\"{wanted}\" is the name of {} files in the library",
                    found.len()
                );
                let remedy = Said {
                    vi: format!("viết phần đầu mã băm của tệp cần dùng: {}", hashes.join(" hoặc ")),
                    en: format!(
                        "write the beginning of the hash of the one you mean: {}",
                        hashes.join(" or ")
                    ),
                };
                self.error(&name.place, message, remedy);
                None
            }
        }
    }
}

/// Tells whether a programme cannot be part of another one.
const fn is_alone<P>(source: &Source<P>) -> bool {
    matches!(source, Source::Relay(_) | Source::Silence)
}

enum Walk<'a> {
    Fine,
    /// The way from the programme to itself.
    Circle(Vec<&'a str>),
    /// A way that is too long.
    TooDeep(Vec<&'a str>),
}

/// Looks level by level at what a programme holds; each programme is looked at once a level, however often it is named.
fn walk<'a>(parts: &BTreeMap<&'a str, Vec<&'a str>>, code: &'a str) -> Walk<'a> {
    // On each level: what is there, and by which programme of the level above.
    let mut levels = vec![BTreeMap::from([(code, code)])];
    for depth in 0..=PLAYLIST_DEPTH_MAX {
        let mut next = BTreeMap::new();
        for above in levels[depth].keys() {
            for part in parts.get(above).into_iter().flatten() {
                next.entry(*part).or_insert(*above);
            }
        }
        let has_come_back = next.contains_key(code);
        levels.push(next);
        if has_come_back {
            return Walk::Circle(way(&levels, code));
        }
    }
    // A circle below is told where it is.
    let mut ways = levels[PLAYLIST_DEPTH_MAX + 1]
        .keys()
        .map(|deepest| way(&levels, deepest));
    let straight = |way: &Vec<&str>| way.iter().collect::<BTreeSet<_>>().len() == way.len();
    ways.find(straight).map_or(Walk::Fine, Walk::TooDeep)
}

/// Returns how the last level's `code` is reached.
fn way<'a>(levels: &[BTreeMap<&'a str, &'a str>], code: &'a str) -> Vec<&'a str> {
    let mut way = vec![code];
    for level in levels.iter().skip(1).rev() {
        way.extend(level.get(way[way.len() - 1]));
    }
    way.reverse();
    way
}

/// Shorter beginnings of a hash could be words.
const HASH_PREFIX_MIN: usize = 8;
