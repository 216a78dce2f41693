//! Copies of the database, and how the station is set up, as the panel sees them.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use loa_model::WallTime;
use loa_panel::{
    Answer, BackupItem, BackupRefusal, Backups, ClockItem, Console as _, ConsoleError, DiskItem, Settings,
    Upkeep,
};
use loa_store::{AuditRow, Store};
use nix::sys::statvfs::statvfs;

use super::{StationConsole, unavailable};
use crate::config::Config;

/// What keeping the station needs to know.
pub struct Keeper {
    /// The configuration in force.
    pub config: Config,
    /// When this run began.
    pub started: WallTime,
    /// Held while a copy is made.
    pub copying: Arc<tokio::sync::Mutex<()>>,
}

impl Keeper {
    /// Makes what keeps an installation with this configuration.
    pub fn new(config: Config, started: WallTime) -> Self {
        Self {
            config,
            started,
            copying: Arc::default(),
        }
    }

    fn dir(&self) -> PathBuf {
        self.config.data_dir.join(DIRECTORY)
    }
}

impl Upkeep for StationConsole {
    fn backups(&self) -> Answer<'_, Backups> {
        let data = self.keeper.config.data_dir.clone();
        let (dir, database) = (self.keeper.dir(), self.database.clone());
        aside(move || {
            Ok(Backups {
                items: list(&dir).map_err(|error| unusable(&dir, &error))?,
                beside: BESIDE.iter().map(|name| data.join(name)).collect(),
                dir,
                database,
            })
        })
    }

    fn back_up<'a>(&'a self, by: &'a str) -> Answer<'a, BackupItem> {
        let (dir, database) = (self.keeper.dir(), self.database.clone());
        let (copying, now) = (Arc::clone(&self.keeper.copying), self.now());
        let (by, tz) = (by.to_owned(), self.station.time_zone);
        Box::pin(async move {
            let under_way = copying
                .try_lock_owned()
                .map_err(|_| ConsoleError::Backup(BackupRefusal::UnderWay))?;
            aside(move || {
                // Whoever asked may be gone before it is done.
                let _under_way = under_way;
                copy(&database, &dir, now, tz, by)
            })
            .await
        })
    }

    fn take_backup<'a>(&'a self, name: &'a str, by: &'a str) -> Answer<'a, PathBuf> {
        let (dir, name, row) = (
            self.keeper.dir(),
            name.to_owned(),
            AuditRow {
                at: self.now(),
                who: by.to_owned(),
                action: "backup taken".into(),
                detail: name.to_owned(),
                ..AuditRow::default()
            },
        );
        Box::pin(async move {
            let wanted = name.clone();
            let found = aside(move || {
                let items = list(&dir).map_err(|error| unusable(&dir, &error))?;
                let item = items.into_iter().find(|item| item.name == wanted);
                Ok(item.map(|item| dir.join(item.name)))
            });
            let path = found
                .await?
                .ok_or_else(|| ConsoleError::NotFound(format!("backup \"{name}\"")))?;
            self.with_store(move |store| store.audit(&row)).await?;
            Ok(path)
        })
    }

    fn settings(&self) -> Answer<'_, Settings> {
        let Keeper { config, started, .. } = &self.keeper;
        let (config, started) = (config.clone(), *started);
        let kernel = loa_net::kernel_clock();
        let scheme = if self.reach.is_secure { "https" } else { "http" };
        let groups = self.zones();
        let groups = groups.iter().map(|zone| {
            (
                zone.code.clone(),
                self.describer.addressing.rtp(zone.channel).to_string(),
            )
        });
        let settings = Settings {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            started,
            clock: ClockItem {
                is_synchronised: kernel.synchronised,
                error_us: kernel.maximum_error_us,
                step_ms: self
                    .on_air
                    .clock_fault()
                    .map(|step| step.system_ahead_ns / 1_000_000),
            },
            panel: format!("{scheme}://{}", config.panel.listen),
            sends_from: self.describer.origin.to_string(),
            groups: groups.collect(),
            file: config.file.clone(),
            ..Settings::default()
        };
        aside(move || {
            let (in_file, file_fault) = match Config::load(&config.file) {
                Ok(in_file) => (Some(in_file), None),
                Err(error) => (None, Some(chain(&error))),
            };
            Ok(Settings {
                values: config.settings(in_file.as_ref()),
                file_fault,
                disks: disk(&config.data_dir).into_iter().collect(),
                ..settings
            })
        })
    }
}

/// Runs what waits for the disk away from the threads that serve pages.
fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConsoleError> + Send + 'static,
) -> Answer<'static, T> {
    Box::pin(async move {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| unavailable(&error))?
    })
}

fn unusable(path: &Path, error: &io::Error) -> ConsoleError {
    ConsoleError::Unavailable(format!("cannot use {}: {error}", path.display()))
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Copies the database; the copy has its name only when it is whole and on the disk, and its row in the audit log.
fn copy(database: &Path, dir: &Path, now: WallTime, tz: Tz, by: String) -> Result<BackupItem, ConsoleError> {
    let made = || -> io::Result<u64> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // Of a copy that was lost half way.
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        // What is not in the database file yet lies in its log.
        let log = database.with_extension("db-wal");
        Ok(fs::metadata(database)?.len() + fs::metadata(log).map_or(0, |log| log.len()))
    };
    let needed = made()
        .map_err(|error| unusable(dir, &error))?
        .saturating_add(ROOM_KEPT);
    if let Some(DiskItem { free, .. }) = disk(dir).filter(|disk| disk.free < needed) {
        return Err(ConsoleError::Backup(BackupRefusal::NoRoom { free, needed }));
    }
    let local = DateTime::<Utc>::from_timestamp_nanos(now.as_unix_ns()).with_timezone(&tz);
    let name = local.format("loa-%Y-%m-%d-%H%M%S.db").to_string();
    let (unfinished, whole) = (dir.join(&name).with_extension(UNFINISHED), dir.join(&name));
    if whole.exists() {
        // Made in this very second.
        return Err(ConsoleError::Backup(BackupRefusal::UnderWay));
    }
    let mut store = Store::open(database).map_err(|error| unavailable(&error))?;
    store.backup(&unfinished).map_err(|error| unavailable(&error))?;
    let kept = || -> io::Result<u64> {
        let file = fs::File::open(&unfinished)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    let bytes = kept().map_err(|error| unusable(&unfinished, &error))?;
    let row = AuditRow {
        at: now,
        who: by,
        action: "backup made".into(),
        detail: format!("{name} {bytes}"),
        ..AuditRow::default()
    };
    store.audit(&row).map_err(|error| unavailable(&error))?;
    let named = fs::rename(&unfinished, &whole).and_then(|()| fs::File::open(dir)?.sync_all());
    named.map_err(|error| unusable(&whole, &error))?;
    Ok(BackupItem {
        name,
        bytes,
        made: now,
    })
}

/// Returns the copies in a directory, newest first; none if there is no such directory yet.
fn list(dir: &Path) -> io::Result<Vec<BackupItem>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut items = Vec::new();
    for entry in entries {
        let entry = entry?;
        let about = entry.metadata()?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_copy = about.is_file() && name.ends_with(".db") && name.chars().all(plain);
        if is_copy {
            let age = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            items.push(BackupItem {
                name,
                bytes: about.len(),
                made: WallTime::from_unix_ns(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)),
            });
        }
    }
    items.sort_by(|a, b| (b.made, &b.name).cmp(&(a.made, &a.name)));
    Ok(items)
}

fn disk(path: &Path) -> Option<DiskItem> {
    let disk = statvfs(path).ok()?;
    Some(DiskItem {
        path: path.to_owned(),
        free: disk.blocks_available().saturating_mul(disk.fragment_size()),
        total: disk.blocks().saturating_mul(disk.fragment_size()),
    })
}

/// Where copies lie, in the data directory.
const DIRECTORY: &str = "backups";
/// What belongs to a whole copy of a station besides its database.
const BESIDE: [&str; 2] = ["media", "keys"];
/// Ends the name of a copy that is being made.
const UNFINISHED: &str = "unfinished";
/// What stays free on the disk beside a copy, bytes: the logs go on.
const ROOM_KEPT: u64 = 200_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::Installation;

    #[test]
    fn a_copy_is_whole_named_by_its_time_and_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let now = WallTime::from_unix_s(1_796_379_150);
        let config = Config::load(&Installation::init(dir.path(), now).unwrap()).unwrap();
        let (database, copies) = (config.data_dir.join("loa.db"), config.data_dir.join(DIRECTORY));
        assert_eq!(list(&copies).unwrap(), []);
        fs::create_dir(&copies).unwrap();
        fs::write(copies.join("loa-x.unfinished"), "half").unwrap();
        let made = copy(&database, &copies, now, config.station.time_zone, "an".into()).unwrap();
        assert_eq!(made.name, "loa-2026-12-04-171230.db");
        let found = list(&copies).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|item| (&item.name, item.bytes))
                .collect::<Vec<_>>(),
            [(&made.name, made.bytes)]
        );
        let names: Vec<_> = fs::read_dir(&copies)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [made.name.as_str()], "nothing unfinished stays");
        Store::open(&copies.join(&made.name)).unwrap();
        let rows = Store::open(&database)
            .unwrap()
            .audit_rows(now, now.offset_ns(1))
            .unwrap();
        assert_eq!(
            (rows.len(), &*rows[0].who, &*rows[0].action),
            (1, "an", "backup made")
        );
        let again = copy(&database, &copies, now, config.station.time_zone, "an".into());
        assert!(
            matches!(again, Err(ConsoleError::Backup(BackupRefusal::UnderWay))),
            "what is there is never written over"
        );
    }
}
