//! One connection to the database.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::Context as _;
use crate::upgrade::upgrade;
use crate::{OpenError, StoreError};

/// One connection. Each thread that needs the database opens its own; SQLite lets one write at a time and all read.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
}

impl Store {
    /// Makes the database of a new station at `path`, or opens the one that is there.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn create(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, OpenFlags::default())
    }

    /// Opens the database at `path`, upgrading it first if need be.
    ///
    /// One that is missing or empty was lost: a new one in its place would silence the day without a word.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
            return Err(OpenError::Lost {
                path: path.to_owned(),
            });
        }
        Self::open_with(
            path,
            OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE),
        )
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Open {
            path: path.to_owned(),
            source,
        };
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let mut store = Self { connection };
        store.prepare().map_err(failed)?;
        upgrade(&mut store.connection, path)?;
        Ok(store)
    }

    /// Returns a number that grows with every change to anything that days are planned from.
    ///
    /// # Errors
    ///
    /// If SQLite refuses.
    pub fn planning_version(&self) -> Result<i64, StoreError> {
        self.connection
            .query_row("select number from planning_version", [], |row| row.get(0))
            .context("look for changes")
    }

    /// Runs a change to something that days are planned from, in one transaction.
    pub(crate) fn change_planned<T, E: From<StoreError>>(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change(what, |connection| {
            let done = change(connection)?;
            planning_changed(connection).context(what)?;
            Ok(done)
        })
    }

    /// Runs `change` in one transaction: all of it happens, or nothing.
    pub(crate) fn change<T, E: From<StoreError>>(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context(what)?;
        let done = change(&transaction)?;
        transaction.commit().context(what)?;
        Ok(done)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        // What is told as written is on the disk: a power cut loses nothing of it.
        self.connection.pragma_update(None, "synchronous", "full")?;
        self.connection.pragma_update(None, "foreign_keys", true)
    }
}

/// Takes note that something changed that days are planned from.
pub(crate) fn planning_changed(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute("update planning_version set number = number + 1", [])
        .map(drop)
}

/// How long a connection waits for another one's write.
const BUSY: Duration = Duration::from_secs(5);
