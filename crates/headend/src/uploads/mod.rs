//! Files on their way into the library, over a network that drops connections.
//!
//! ```text
//! media/incoming/uploads/<id>/record.json    what was announced, and what became of it
//! media/incoming/uploads/<id>/data           the bytes that are there
//! ```
//!
//! An upload outlasts connections and restarts, and goes away a day after its last byte. At most one request writes to
//! it: a newer one ends the older, which may hang on a connection that is dead and does not know it.
//!
//! What is whole is imported by one thread, behind everything else, by the very import that `loa media add` uses.

mod importer;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use loa_model::{ContentHash, WallTime, ZoneId};
use loa_panel::{LibraryRefusal, NewUpload, UploadItem, UploadLimits, UploadState};
use nix::sys::statvfs::statvfs;

use crate::library::{Library, clean_file_name, clean_title, title_of};
use record::{CutOf, Outcome, Record};

pub use importer::{Importer, start};

/// Every upload that is known.
pub struct Uploads {
    dir: PathBuf,
    library: Library,
    limits: UploadLimits,
    held: Mutex<BTreeMap<String, Arc<Upload>>>,
    /// Wakes the importer; what it waits under is `held`.
    whole: Condvar,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is not taken.
    #[error(transparent)]
    Refused(#[from] LibraryRefusal),
    /// There is none of that name, or none any more.
    #[error("there is no such upload; begin it again")]
    Unknown,
    /// The disk failed.
    #[error("cannot write in the media directory")]
    Disk(#[source] io::Error),
}

impl UploadError {
    fn disk(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Refused(LibraryRefusal::NoRoom)
            }
            _ => Self::Disk(source),
        }
    }
}

impl Uploads {
    /// Takes up what is on its way to a library.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read or made.
    pub fn open(library: Library, bytes_max: u64) -> io::Result<Self> {
        let dir = library.uploads_path();
        fs::create_dir_all(&dir)?;
        let mut held = BTreeMap::new();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            match (entry.file_name().into_string(), Record::read(&entry.path())) {
                (Ok(id), Some(record)) => {
                    let upload = Upload::taken_up(id.clone(), entry.path(), record);
                    held.insert(id, Arc::new(upload));
                }
                // Killed before it was whole: whoever began it was never told.
                _ => fs::remove_dir_all(entry.path())?,
            }
        }
        Ok(Self {
            dir,
            library,
            limits: UploadLimits {
                bytes_max,
                in_flight_max: IN_FLIGHT_MAX,
            },
            held: Mutex::new(held),
            whole: Condvar::new(),
        })
    }

    /// Returns what is taken.
    pub fn limits(&self) -> UploadLimits {
        self.limits
    }

    /// Begins an upload, or finds the one that `by` began with the same key, unless what came of it is not there. What is
    /// not imported yet becomes what is asked for now.
    ///
    /// # Errors
    ///
    /// [`LibraryRefusal`], or the disk.
    pub fn begin(&self, new: NewUpload, by: &str, now: WallTime) -> Result<UploadItem, UploadError> {
        let file_name = clean_file_name(&new.file_name);
        let title = title_of(&file_name);
        if title.is_empty() {
            return Err(LibraryRefusal::NoName.into());
        }
        if new.bytes == 0 {
            return Err(LibraryRefusal::ZeroLength.into());
        }
        if new.bytes > self.limits.bytes_max {
            return Err(LibraryRefusal::TooLarge(self.limits.bytes_max).into());
        }
        self.expire(now);
        let series = new.series.map(|series| clean_title(&series));
        let mut held = self.held();
        let same = held.values().find(|upload| {
            let state = upload.state();
            let record = &state.record;
            let is_there = match &record.ended {
                None => true,
                // It may have been removed from the library since.
                Some((_, Outcome::Done(arrived))) => self.library.original_path(arrived.hash).is_file(),
                Some((_, Outcome::Refused(_))) => false,
            };
            let asked = (new.key.as_str(), by, new.bytes);
            !new.key.is_empty()
                && is_there
                && (record.key.as_str(), record.by.as_str(), record.bytes) == asked
        });
        if let Some(same) = same {
            same.become_of(new.zone, series, new.music)?;
            return Ok(same.take_over());
        }
        self.make_room(&mut held, by, new.bytes)?;
        self.keep(
            &mut held,
            Record {
                key: new.key,
                file_name,
                title,
                bytes: new.bytes,
                zone: new.zone,
                series,
                music: new.music,
                by: by.to_owned(),
                begun: now,
                cut: None,
                ended: None,
            },
        )
    }

    /// Has a stretch of a piece made into a piece of its own; `from` names what it is cut from.
    pub fn begin_cut(&self, from: &CutRequest, by: &str, now: WallTime) -> Result<(), UploadError> {
        let mut held = self.held();
        self.make_room(&mut held, by, (from.end - from.start) * 2)?;
        let record = Record {
            key: String::new(),
            file_name: from.file_name.clone(),
            title: from.title.clone(),
            bytes: 0,
            zone: from.zone,
            series: from.series.clone(),
            music: false,
            by: by.to_owned(),
            begun: now,
            cut: Some(CutOf {
                from: from.hash,
                start: from.start,
                end: from.end,
            }),
            ended: None,
        };
        self.keep(&mut held, record)?;
        self.whole.notify_one();
        Ok(())
    }

    /// Returns every upload that is known, oldest first.
    pub fn list(&self) -> Vec<UploadItem> {
        let mut uploads: Vec<_> = self
            .held()
            .values()
            .map(|upload| upload.state().begun_and_item(upload))
            .collect();
        uploads.sort_by_key(|(begun, _)| *begun);
        uploads.into_iter().map(|(_, item)| item).collect()
    }

    /// Returns an upload, and ends whatever still writes to it.
    pub fn take_over(&self, id: &str) -> Option<UploadItem> {
        Some(self.find(id)?.take_over())
    }

    /// Begins to write behind the `offset` bytes that are there, and ends whatever wrote before.
    ///
    /// # Errors
    ///
    /// [`LibraryRefusal::Offset`] if so many are not there, [`UploadError::Unknown`], or the disk.
    pub fn write_at(self: &Arc<Self>, id: &str, offset: u64) -> Result<Writer, UploadError> {
        let upload = self.find(id).ok_or(UploadError::Unknown)?;
        let mut state = upload.state();
        if state.received != offset || state.is_whole() {
            return Err(LibraryRefusal::Offset(state.received).into());
        }
        let file = OpenOptions::new().append(true).open(upload.data());
        let file = file.map_err(UploadError::disk)?;
        state.writer += 1;
        let number = state.writer;
        drop(state);
        Ok(Writer {
            uploads: Arc::clone(self),
            upload,
            number,
            file,
        })
    }

    /// Takes an upload away with all its bytes.
    ///
    /// # Errors
    ///
    /// [`LibraryRefusal::Importing`] while it is imported, or [`UploadError::Unknown`].
    pub fn end(&self, id: &str) -> Result<(), UploadError> {
        let mut held = self.held();
        let upload = held.get(id).ok_or(UploadError::Unknown)?;
        let mut state = upload.state();
        if state.importing.is_some() {
            return Err(LibraryRefusal::Importing.into());
        }
        state.writer += 1;
        drop(state);
        if let Some(upload) = held.remove(id) {
            upload.remove();
        }
        Ok(())
    }

    /// Removes what nothing happened to for a day, and what ended an hour ago.
    fn expire(&self, now: WallTime) {
        self.held().retain(|_, upload| {
            let state = upload.state();
            let stays = state.importing.is_some() || state.expires() > now;
            drop(state);
            if !stays {
                upload.remove();
            }
            stays
        });
    }

    /// Refuses what would be too many for a person, or too much for the disk; lets go of the oldest that have ended.
    fn make_room(&self, held: &mut Held<'_>, by: &str, bytes: u64) -> Result<(), UploadError> {
        let (mut own, mut needed) = (0, Room::of(bytes));
        let mut ended = Vec::new();
        for (id, upload) in held.iter() {
            let state = upload.state();
            match &state.record.ended {
                Some((at, _)) => ended.push((*at, id.clone())),
                None => {
                    own += u32::from(state.record.by == by);
                    needed += Room::of(state.record.bytes).saturating_sub(state.received);
                }
            }
        }
        if own >= self.limits.in_flight_max {
            return Err(LibraryRefusal::TooManyUploads(self.limits.in_flight_max).into());
        }
        let disk = statvfs(&self.dir).map_err(|error| UploadError::Disk(error.into()))?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        if free < needed + ROOM_KEPT {
            return Err(LibraryRefusal::NoRoom.into());
        }
        ended.sort();
        let too_many = ended.len().saturating_sub(ENDED_MAX);
        for (_, id) in ended.into_iter().take(too_many) {
            if let Some(upload) = held.remove(&id) {
                upload.remove();
            }
        }
        Ok(())
    }

    fn keep(&self, held: &mut Held<'_>, record: Record) -> Result<UploadItem, UploadError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| UploadError::Disk(io::Error::other(error.to_string())))?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let dir = self.dir.join(&id);
        let made = fs::create_dir(&dir)
            .and_then(|()| File::create_new(dir.join(DATA)))
            .and_then(|_| record.write(&dir));
        if let Err(error) = made {
            // As it was before; what cannot be removed is swept at the next start.
            let _ = fs::remove_dir_all(&dir);
            return Err(UploadError::disk(error));
        }
        let upload = Arc::new(Upload::taken_up(id.clone(), dir, record));
        let item = upload.take_over();
        held.insert(id, upload);
        Ok(item)
    }

    fn find(&self, id: &str) -> Option<Arc<Upload>> {
        self.held().get(id).cloned()
    }

    fn held(&self) -> Held<'_> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Held<'a> = MutexGuard<'a, BTreeMap<String, Arc<Upload>>>;

/// Room that a file takes while it comes in.
struct Room;

impl Room {
    /// Twice its bytes: the import works on a copy, so that it can leave everything as it was.
    const fn of(bytes: u64) -> u64 {
        bytes.saturating_mul(2)
    }
}

/// What becomes a piece of its own.
pub struct CutRequest {
    /// The whole piece.
    pub hash: ContentHash,
    /// First sample of the stretch, at 48 kHz.
    pub start: u64,
    /// The first sample that is not of it.
    pub end: u64,
    /// Title of the new piece.
    pub title: String,
    /// Name of the file that the whole piece came as.
    pub file_name: String,
    /// Whose it becomes.
    pub zone: Option<ZoneId>,
    /// The series of which it becomes an episode.
    pub series: Option<String>,
}

struct Upload {
    id: String,
    dir: PathBuf,
    state: Mutex<State>,
}

struct State {
    record: Record,
    received: u64,
    /// When the last byte came.
    touched: WallTime,
    /// Number of the one that may write.
    writer: u64,
    /// The share that is imported; none while it is not at work.
    importing: Option<f32>,
}

impl State {
    fn is_whole(&self) -> bool {
        self.record.cut.is_some() || self.received == self.record.bytes
    }

    /// Tells whether the import is to be done.
    fn waits(&self) -> bool {
        self.record.ended.is_none() && self.importing.is_none() && self.is_whole()
    }

    fn expires(&self) -> WallTime {
        match &self.record.ended {
            Some((at, _)) => *at + ENDED_KEPT,
            None => self.touched + IDLE_MAX,
        }
    }

    fn begun_and_item(&self, upload: &Upload) -> (WallTime, UploadItem) {
        let state = match (&self.record.ended, self.importing) {
            (Some((_, Outcome::Done(arrived))), _) => UploadState::Done(arrived.clone()),
            (Some((_, Outcome::Refused(why))), _) => UploadState::Refused(why.clone()),
            (None, Some(share)) => UploadState::Importing(share),
            (None, None) if self.is_whole() => UploadState::Waiting,
            (None, None) => UploadState::Receiving,
        };
        let item = UploadItem {
            id: upload.id.clone(),
            key: self.record.key.clone(),
            file_name: self.record.file_name.clone(),
            bytes: self.record.bytes,
            received: self.received,
            zone: self.record.zone,
            by: self.record.by.clone(),
            expires: self.expires(),
            state,
        };
        (self.record.begun, item)
    }
}

impl Upload {
    fn taken_up(id: String, dir: PathBuf, record: Record) -> Self {
        let data = fs::metadata(dir.join(DATA)).ok();
        let touched = data.as_ref().and_then(|data| data.modified().ok());
        let touched = touched.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            id,
            dir,
            state: Mutex::new(State {
                // What has ended needs its bytes no more.
                received: match record.ended {
                    Some(_) => record.bytes,
                    None => data.map_or(0, |data| data.len()),
                },
                touched: touched.map_or(record.begun, |since| WallTime::default() + since),
                record,
                writer: 0,
                importing: None,
            }),
        }
    }

    /// Changes where it belongs, as long as nothing is made of it; whose it is stays.
    fn become_of(
        &self,
        zone: Option<ZoneId>,
        series: Option<String>,
        music: bool,
    ) -> Result<(), UploadError> {
        let mut state = self.state();
        let known = &state.record;
        let is_so = (known.zone, &known.series, known.music) == (zone, &series, music);
        if is_so || known.ended.is_some() || state.importing.is_some() {
            return Ok(());
        }
        let record = Record {
            zone,
            series,
            music,
            ..known.clone()
        };
        record.write(&self.dir).map_err(UploadError::disk)?;
        state.record = record;
        Ok(())
    }

    fn take_over(&self) -> UploadItem {
        let mut state = self.state();
        state.writer += 1;
        state.begun_and_item(self).1
    }

    fn data(&self) -> PathBuf {
        self.dir.join(DATA)
    }

    /// Takes its directory away; what cannot be removed is taken up again at the next start, and expires then.
    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one request that may write to an upload, until another one begins.
pub struct Writer {
    uploads: Arc<Uploads>,
    upload: Arc<Upload>,
    number: u64,
    file: File,
}

impl Writer {
    /// Writes what came. The last byte begins the import.
    ///
    /// # Errors
    ///
    /// [`LibraryRefusal::Offset`] if another request has taken over, or there is more than was announced; or the disk.
    pub fn write(&mut self, bytes: &[u8], now: WallTime) -> Result<(), UploadError> {
        let mut state = self.upload.state();
        let received = state.received + bytes.len() as u64;
        if state.writer != self.number || received > state.record.bytes {
            return Err(LibraryRefusal::Offset(state.received).into());
        }
        if let Err(error) = self.file.write_all(bytes) {
            // What is told as there is there, and nothing else.
            let _ = self.file.set_len(state.received);
            return Err(UploadError::disk(error));
        }
        state.received = received;
        state.touched = now;
        let is_whole = state.is_whole();
        drop(state);
        if is_whole {
            // Under the lock under which the importer looks, so that it does not miss this between look and wait.
            drop(self.uploads.held());
            self.uploads.whole.notify_one();
        }
        Ok(())
    }

    /// Has what was written outlast a power cut, and returns how far the upload is.
    ///
    /// # Errors
    ///
    /// The disk.
    pub fn finish(self) -> Result<UploadItem, UploadError> {
        self.file.sync_data().map_err(UploadError::disk)?;
        let state = self.upload.state();
        Ok(state.begun_and_item(&self.upload).1)
    }
}

const DATA: &str = "data";
/// Bounds the disk that one person takes with files that never become whole.
const IN_FLIGHT_MAX: u32 = 24;
/// After so long without a byte an upload goes away.
const IDLE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// For so long the page can still learn what became of one.
const ENDED_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Bounds memory: those that have ended, of all people.
const ENDED_MAX: usize = 2_000;
/// Stays free for the database and its records, bytes.
const ROOM_KEPT: u64 = 500_000_000;
