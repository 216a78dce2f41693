//! The thread that brings what has arrived into the library.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use loa_codec::RefuseReason;
use loa_model::{Media, WallTime};
use loa_panel::{Arrived, LibraryRefusal};
use loa_store::{Cut, MediaRow, Store, StoreError};
use tracing::{info, warn};

use super::record::{Outcome, Record};
use super::{Held, Upload, Uploads};
use crate::library::{ImportError, Library, Options};

/// What the importing thread works with.
pub struct Importer {
    /// Where files arrive.
    pub uploads: Arc<Uploads>,
    /// Where they go.
    pub library: Library,
    /// Where their rows go.
    pub database: PathBuf,
    /// Tells the station's time.
    pub now: Box<dyn Fn() -> WallTime + Send>,
    /// Told to end; an import under way is begun anew at the next start.
    pub stop: Arc<AtomicBool>,
}

/// Starts the thread. Nobody need wait for its end.
///
/// # Errors
///
/// If the system gives no thread.
pub fn start(importer: Importer) -> io::Result<()> {
    let work = move || {
        if let Err(error) = loa_net::schedule_in_background() {
            warn!("imports run beside everything else, not behind it: {error}");
        }
        importer.run();
    };
    std::thread::Builder::new()
        .name("importer".into())
        .spawn(work)
        .map(drop)
}

/// Why an import is to be tried again.
struct Later(String);

impl Later {
    fn because(error: &dyn std::error::Error) -> Self {
        let cause = error.source();
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        Self(format!("{error}{cause}"))
    }
}

impl Importer {
    fn run(&self) {
        let mut failed = false;
        while !self.stop.load(Ordering::Relaxed) {
            self.uploads.expire((self.now)());
            let Some(upload) = self.next(failed) else { continue };
            failed = false;
            if let Err(Later(why)) = self.import(&upload) {
                warn!("what was uploaded is not in the library yet, and will be tried again: {why}");
                failed = true;
            }
        }
    }

    /// Waits for an upload that is whole, and marks it as at work; none if none came soon, or at all after a failure.
    fn next(&self, wait_first: bool) -> Option<Arc<Upload>> {
        let oldest = |held: &Held<'_>| {
            let waiting = held.values().filter(|upload| upload.state().waits());
            waiting.min_by_key(|upload| upload.state().record.begun).cloned()
        };
        let mut held = self.uploads.held();
        let mut found = if wait_first { None } else { oldest(&held) };
        if found.is_none() {
            let waited = self.uploads.whole.wait_timeout(held, LOOK);
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
            found = oldest(&held);
        }
        let found = found?;
        found.state().importing = Some(0.0);
        Some(found)
    }

    fn import(&self, upload: &Upload) -> Result<(), Later> {
        let record = upload.state().record.clone();
        let outcome = self.outcome(upload, &record);
        let mut state = upload.state();
        state.importing = None;
        let outcome = outcome?;
        match &outcome {
            Outcome::Done(arrived) => {
                info!(
                    title = arrived.title,
                    already = arrived.already,
                    by = record.by,
                    "uploaded"
                );
            }
            Outcome::Refused(why) => info!(file = record.file_name, by = record.by, "upload refused: {why}"),
        }
        let arrived = match &outcome {
            Outcome::Done(arrived) => Some(arrived.hash),
            Outcome::Refused(_) => None,
        };
        state.received = state.record.bytes;
        state.record.ended = Some(((self.now)(), outcome));
        // If it cannot be written it is imported once more after a restart, which finds it in the library.
        let _ = state.record.write(&upload.dir);
        drop(state);
        let _ = fs::remove_file(upload.data());
        if let Some(hash) = arrived {
            // Drawn here, it is there when somebody opens the page of an hour of speech; what fails is tried again then.
            let _ = self.library.peaks(hash);
        }
        Ok(())
    }

    fn outcome(&self, upload: &Upload, record: &Record) -> Result<Outcome, Later> {
        let given = upload.data();
        if let Some(cut) = record.cut {
            let stretch = cut.start..cut.end;
            let made = self.library.cut(cut.from, stretch, &given);
            if let Err(error) = made {
                return Ok(Outcome::Refused(refusal(error)));
            }
        } else if let Err(error) = File::open(&given).and_then(|file| file.sync_all()) {
            return Ok(Outcome::Refused(LibraryRefusal::Failed(error.to_string())));
        }
        let options = Options {
            title: Some(record.title.clone()),
            music: record.music,
            ..Options::default()
        };
        let mut progress = |share| upload.state().importing = Some(share);
        match self.library.import(&given, &options, &mut progress) {
            Ok(imported) => self.add(imported.media, record).map(Outcome::Done),
            Err(error) => Ok(Outcome::Refused(refusal(error))),
        }
    }

    /// Adds the row. While the database does not take it the files lie in their places, so that the next try is short.
    fn add(&self, media: Media, record: &Record) -> Result<Arrived, Later> {
        let mut store = Store::open(&self.database).map_err(|error| Later::because(&error))?;
        self.try_add(&mut store, media, record)
            .map_err(|error| Later::because(&error))
    }

    /// Adds the row under a title of its own, unless it is there.
    fn try_add(&self, store: &mut Store, mut media: Media, record: &Record) -> Result<Arrived, StoreError> {
        if let Some(row) = store.media_by_hash(media.hash)? {
            return Ok(Arrived {
                hash: media.hash,
                title: row.media.title,
                already: true,
            });
        }
        media.title.clone_from(&record.title);
        let mut number = 1;
        while store.media_by_title(&media.title)?.is_some() {
            number += 1;
            media.title = format!("{} ({number})", record.title);
        }
        store.add_media(&MediaRow {
            media: media.clone(),
            file_name: record.file_name.clone(),
            added_at: (self.now)(),
            series: record.series.clone(),
            zone: record.zone,
            added_by: record.by.clone(),
            cut: record.cut.map(|cut| Cut {
                from: cut.from,
                start: cut.start,
                end: cut.end,
            }),
        })?;
        Ok(Arrived {
            hash: media.hash,
            title: media.title.clone(),
            already: false,
        })
    }
}

/// Says why an import was refused, without the path that only we know.
fn refusal(error: ImportError) -> LibraryRefusal {
    match error {
        ImportError::Refused { reason, .. } => match reason {
            RefuseReason::NotAudio => LibraryRefusal::NotAudio,
            RefuseReason::Truncated { at } => LibraryRefusal::Truncated(at),
            RefuseReason::Empty => LibraryRefusal::NoSound,
            RefuseReason::HeAac => LibraryRefusal::HeAac,
            RefuseReason::Drm => LibraryRefusal::Drm,
            RefuseReason::TooLong { limit } => LibraryRefusal::TooLong(limit),
            RefuseReason::Unsupported { codec } => LibraryRefusal::Unsupported(codec),
            RefuseReason::Corrupt { at } => LibraryRefusal::Corrupt(at),
            other => LibraryRefusal::Failed(other.to_string()),
        },
        ImportError::NoRoom { .. } => LibraryRefusal::NoRoom,
        ImportError::Read { source, .. } | ImportError::Write { source, .. } => {
            LibraryRefusal::Failed(source.to_string())
        }
        other => LibraryRefusal::Failed(other.to_string()),
    }
}

/// Longest time from the last byte to the import, if its signal was missed; and from one try to the next.
const LOOK: Duration = Duration::from_secs(3);
