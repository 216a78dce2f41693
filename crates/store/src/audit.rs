//! Who did what, each row bound to all before it: a row that is changed, taken out or put in is found.
//!
//! The hash of a row is SHA-256 over the hash of the row before (32 zero bytes for the first), the row's number and
//! time (8 bytes each, big-endian), and each of its texts as its length (8 bytes, big-endian) and its UTF-8.

use loa_model::{ContentHash, WallTime};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::column::{Column, get};
use crate::error::Context as _;
use crate::schedule::rows_with;
use crate::{Store, StoreError};

/// Something that somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// When.
    pub at: WallTime,
    /// Name of the user, or of the program.
    pub who: String,
    /// What kind of thing.
    pub action: String,
    /// What exactly.
    pub detail: String,
    /// What it was; empty where that says nothing.
    pub before: String,
    /// What it became; empty where that says nothing.
    pub after: String,
}

/// Which rows of the audit log are wanted; an empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Part of the name of who did it.
    pub who: String,
    /// Part of the action, or of what exactly.
    pub what: String,
    /// Not before this.
    pub from: Option<WallTime>,
    /// Before this.
    pub to: Option<WallTime>,
    /// Only rows with smaller numbers.
    pub below: Option<i64>,
    /// At most so many.
    pub most: u32,
}

/// What a look at the whole audit log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every row is as it was written, and none before the last is missing.
    Whole {
        /// How many there are.
        rows: u64,
        /// Hash of the last; zero if there is none. Whoever keeps it elsewhere can tell if rows are cut off the end.
        head: ContentHash,
    },
    /// This row is not what was written, or the one before it is missing.
    Broken {
        /// Its number.
        row: i64,
    },
    /// The rows agree with each other, but none of them has the hash that was kept: the end was cut off, or all of it
    /// was written anew.
    Cut,
}

impl Store {
    /// Writes down who did what.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn audit(&mut self, row: &AuditRow) -> Result<(), StoreError> {
        self.change(WHAT, |connection| append(connection, row))
    }

    /// Reads what was done in `from..to`.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn audit_rows(&self, from: WallTime, to: WallTime) -> Result<Vec<AuditRow>, StoreError> {
        let query = "select * from audit where at >= ? and at < ? order by id";
        rows_with(&self.connection, query, [Column(from), Column(to)], audit_row)
    }

    /// Reads the rows that are wanted, newest first, each with its number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn audit_search(&self, wanted: &AuditQuery) -> Result<Vec<(i64, AuditRow)>, StoreError> {
        let query = "select * from audit
            where (:who = '' or instr(lower(who), lower(:who)) > 0)
                and (:what = '' or instr(lower(action), lower(:what)) > 0 or instr(lower(detail), lower(:what)) > 0)
                and at >= coalesce(:from, at) and (:to is null or at < :to) and id < coalesce(:below, id + 1)
            order by id desc limit :most";
        let values = named_params! {
            ":who": wanted.who, ":what": wanted.what, ":from": wanted.from.map(Column), ":to": wanted.to.map(Column),
            ":below": wanted.below, ":most": wanted.most,
        };
        rows_with(&self.connection, query, values, |row| {
            Ok((row.get("id")?, audit_row(row)?))
        })
    }

    /// Looks at the whole log; `kept` is a head of it that was kept elsewhere.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn verify_audit(&self, kept: Option<ContentHash>) -> Result<AuditVerdict, StoreError> {
        self.follow_chain(kept).context("read the audit log")
    }

    fn follow_chain(&self, kept: Option<ContentHash>) -> rusqlite::Result<AuditVerdict> {
        let mut statement = self.connection.prepare("select * from audit order by id")?;
        let mut stored = statement.query([])?;
        let (mut head, mut count, mut seen) = (NONE, 0, false);
        while let Some(row) = stored.next()? {
            let id: i64 = row.get("id")?;
            count += 1;
            head = chained(head, count, &audit_row(row)?);
            if id != count || head != get(row, "hash")? {
                return Ok(AuditVerdict::Broken { row: id });
            }
            seen |= kept == Some(head);
        }
        if kept.is_some() && !seen {
            return Ok(AuditVerdict::Cut);
        }
        Ok(AuditVerdict::Whole {
            rows: count.unsigned_abs(),
            head,
        })
    }
}

/// Adds a row, in the transaction of what it tells of: neither is there without the other.
pub(crate) fn append(connection: &Connection, row: &AuditRow) -> Result<(), StoreError> {
    let last = last(connection).context(WHAT)?;
    let (id, before) = last.map_or((1, NONE), |(id, hash)| (id + 1, hash));
    let hash = chained(before, id, row);
    let query = "insert into audit (id, at, who, action, detail, before, after, hash) values (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        id,
        Column(row.at),
        row.who,
        row.action,
        row.detail,
        row.before,
        row.after,
        Column(hash)
    ];
    connection.execute(query, values).context(WHAT).map(drop)
}

fn last(connection: &Connection) -> rusqlite::Result<Option<(i64, ContentHash)>> {
    let query = "select id, hash from audit order by id desc limit 1";
    connection
        .query_row(query, [], |row| Ok((row.get("id")?, get(row, "hash")?)))
        .optional()
}

fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        at: get(row, "at")?,
        who: row.get("who")?,
        action: row.get("action")?,
        detail: row.get("detail")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}

fn chained(before: ContentHash, id: i64, row: &AuditRow) -> ContentHash {
    let mut hash = Sha256::new();
    hash.update(before.0);
    hash.update(id.to_be_bytes());
    hash.update(row.at.as_unix_ns().to_be_bytes());
    for text in [&row.who, &row.action, &row.detail, &row.before, &row.after] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    ContentHash(hash.finalize().into())
}

const WHAT: &str = "write the audit log";
/// What stands before the first row.
const NONE: ContentHash = ContentHash([0; 32]);
