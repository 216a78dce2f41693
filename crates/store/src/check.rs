//! Integrity, and copies made while the station runs.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use loa_model::ContentHash;
use rusqlite::Connection;

use crate::error::Context as _;
use crate::schedule::rows;
use crate::{Store, StoreError};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The file is damaged.
    Damaged {
        /// SQLite's word for it.
        what: String,
    },
    /// A row names another one that is not there.
    Dangling {
        /// Table and row.
        what: String,
    },
    /// The library lists a piece whose files are not there.
    MissingFile {
        /// Its content.
        hash: ContentHash,
        /// Its title.
        title: String,
    },
    /// Files of a piece that the library does not list.
    OrphanFile {
        /// Their content.
        hash: ContentHash,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { what } => write!(f, "the database is damaged ({what}); restore a backup"),
            Self::Dangling { what } => write!(f, "{what} names a row that does not exist; restore a backup"),
            Self::MissingFile { hash, title } => {
                write!(
                    f,
                    "the files of \"{title}\" are missing ({hash}); import it again"
                )
            }
            Self::OrphanFile { hash } => write!(
                f,
                "files of {hash} are not in the library; importing the same audio takes them in, or remove them"
            ),
        }
    }
}

impl Store {
    /// Looks for damage; `files` are the pieces whose files are in the media directory, whole.
    ///
    /// # Errors
    ///
    /// If the database cannot be read at all.
    pub fn check(&self, files: &BTreeSet<ContentHash>) -> Result<Vec<Finding>, StoreError> {
        let damage = rows(&self.connection, "pragma integrity_check", |row| {
            row.get::<_, String>(0)
        })?;
        let damage = damage
            .into_iter()
            .filter(|line| line != "ok")
            .map(|what| Finding::Damaged { what });
        let mut findings: Vec<_> = damage.collect();
        let dangling = rows(&self.connection, "pragma foreign_key_check", |row| {
            let (table, id): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(id.map_or_else(|| table.clone(), |id| format!("{table} {id}")))
        })?;
        findings.extend(dangling.into_iter().map(|what| Finding::Dangling { what }));
        let listed = self.media()?;
        let missing = listed.iter().filter(|row| !files.contains(&row.media.hash));
        findings.extend(missing.map(|row| Finding::MissingFile {
            hash: row.media.hash,
            title: row.media.title.clone(),
        }));
        let orphans = files
            .iter()
            .filter(|hash| !listed.iter().any(|row| row.media.hash == **hash));
        findings.extend(orphans.map(|hash| Finding::OrphanFile { hash: *hash }));
        Ok(findings)
    }

    /// Copies the database to a new file at `to`, while others go on reading and writing.
    ///
    /// # Errors
    ///
    /// If there is a file already, or the copy cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Exists {
                what: "file",
                name: to.display().to_string(),
            });
        }
        let mut copy = Connection::open(to).context("make the backup")?;
        let backup = rusqlite::backup::Backup::new(&self.connection, &mut copy).context("make the backup")?;
        backup
            .run_to_completion(PAGES_PER_STEP, Duration::from_millis(5), None)
            .context("make the backup")
    }
}

/// 4 MB at a time: writers wait for no more than that.
const PAGES_PER_STEP: i32 = 1_000;
