//! Schema versions: each step is a file, run once, in a transaction of its own.

use std::path::Path;

use rusqlite::Connection;

use crate::OpenError;

/// Every step, in order. `pragma user_version` counts them.
const STEPS: &[&str] = &[include_str!("../upgrade/0001_first.sql")];

/// Brings the database to the newest schema.
pub(crate) fn upgrade(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    upgrade_by(connection, path, STEPS)
}

fn upgrade_by(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), OpenError> {
    let open = |source| OpenError::Open {
        path: path.to_owned(),
        source,
    };
    let found: u32 = connection
        .query_row("pragma user_version", [], |row| row.get(0))
        .map_err(open)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (from, step) in (0..known).zip(steps).skip(found as usize) {
        run_step(connection, step, from).map_err(|source| OpenError::Upgrade {
            path: path.to_owned(),
            from,
            source,
        })?;
    }
    Ok(())
}

fn run_step(connection: &mut Connection, step: &str, from: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let now: u32 = transaction.query_row("pragma user_version", [], |row| row.get(0))?;
    if now == from {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite knows of the schema, without the comments and spaces that only people read.
    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let query = "select name, coalesce(sql, '') from sqlite_schema order by type, name";
        let mut rows = connection.prepare(query).unwrap();
        let rows = rows
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        rows.map(|row| row.map(|(name, sql)| (name, plain(&sql))).unwrap())
            .collect()
    }

    fn plain(sql: &str) -> String {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or(""));
        lines
            .flat_map(str::split_whitespace)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn an_upgraded_database_is_like_a_fresh_one() {
        let fresh = Connection::open_in_memory().unwrap();
        fresh.execute_batch(include_str!("../schema.sql")).unwrap();
        let mut upgraded = Connection::open_in_memory().unwrap();
        upgrade(&mut upgraded, Path::new("test")).unwrap();
        assert_eq!(schema(&upgraded), schema(&fresh));
        upgraded
            .execute_batch("alter table user add column extra text")
            .unwrap();
        assert_ne!(schema(&upgraded), schema(&fresh), "the comparison sees a column");
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["create table a (x)", "create table b (x); create table a (x)"];
        let error = upgrade_by(&mut connection, Path::new("test"), &steps).unwrap_err();
        assert!(matches!(error, OpenError::Upgrade { from: 1, .. }), "{error}");
        assert_eq!(schema(&connection).len(), 1);
        let version: u32 = connection
            .query_row("pragma user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, 1);
        upgrade_by(&mut connection, Path::new("test"), &["", "create table c (x)"]).unwrap();
        assert_eq!(schema(&connection).len(), 2);
    }

    #[test]
    fn a_database_of_a_newer_release_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = upgrade(&mut connection, Path::new("/var/lib/loa/loa.db")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("at schema 99, newer than this build's 1"),
            "{error}"
        );
        assert!(schema(&connection).is_empty());
    }
}
