//! Programmes, and the media they name.

use loa_model::{ContentHash, NewProgramme};

use super::{KnownMedia, Resolver, did_you_mean};
use crate::file::ProgrammeEntry;

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
}

/// Shorter beginnings of a hash could be words.
const HASH_PREFIX_MIN: usize = 8;
