//! One-time codes and the recovery codes that stand in for them. Each is used once.

use loa_model::UserId;
use rusqlite::{Connection, params};

use crate::audit::append;
use crate::error::Context as _;
use crate::people::By;
use crate::{Store, StoreError};

impl Store {
    /// Gives a user one-time codes, whose first was used at time step `step`, and recovery codes by their SHA-256.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn set_totp(
        &mut self,
        user: UserId,
        key: &[u8; 20],
        step: i64,
        recovery: &[[u8; 32]],
        by: By<'_>,
    ) -> Result<(), StoreError> {
        self.change_user("one-time codes set up", user, by, |connection| {
            connection.execute(
                "update user set totp = ?, totp_step = ? where id = ?",
                params![key, step, user.0],
            )?;
            put_recovery_codes(connection, user, recovery)
        })
    }

    /// Takes a user's one-time codes and recovery codes away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn clear_totp(&mut self, user: UserId, by: By<'_>) -> Result<(), StoreError> {
        self.change_user("one-time codes removed", user, by, |connection| {
            connection.execute(
                "update user set totp = null, totp_step = null where id = ?",
                [user.0],
            )?;
            let query = "delete from lock where user = ? and step = 'code'";
            connection.execute(query, [user.0])?;
            put_recovery_codes(connection, user, &[])
        })
    }

    /// Puts recovery codes, by their SHA-256, in the place of a user's old ones.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn set_recovery_codes(
        &mut self,
        user: UserId,
        recovery: &[[u8; 32]],
        by: By<'_>,
    ) -> Result<(), StoreError> {
        self.change_user("recovery codes made", user, by, |connection| {
            put_recovery_codes(connection, user, recovery)
        })
    }

    /// Uses up the one-time code of a time step; false if it, or a later one, was used already.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn use_totp_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        const WHAT: &str = "use a one-time code";
        self.change(WHAT, |connection| {
            let query = "update user set totp_step = ?1
                where id = ?2 and totp is not null and (totp_step is null or totp_step < ?1)";
            let changed = connection.execute(query, params![step, user.0]).context(WHAT)?;
            Ok(changed == 1)
        })
    }

    /// Uses up a recovery code; false if there is none with this SHA-256.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn use_recovery_code(
        &mut self,
        user: UserId,
        hash: &[u8; 32],
        by: By<'_>,
    ) -> Result<bool, StoreError> {
        const WHAT: &str = "use a recovery code";
        self.change(WHAT, |connection| {
            let query = "delete from recovery_code where user = ? and hash = ?";
            let used = connection.execute(query, params![user.0, hash]).context(WHAT)? == 1;
            if used {
                append(connection, &by.row("recovery code used", ""))?;
            }
            Ok(used)
        })
    }
}

fn put_recovery_codes(connection: &Connection, user: UserId, hashes: &[[u8; 32]]) -> rusqlite::Result<()> {
    connection.execute("delete from recovery_code where user = ?", [user.0])?;
    hashes.iter().try_for_each(|hash| {
        let query = "insert into recovery_code (user, hash) values (?, ?)";
        connection.execute(query, params![user.0, hash]).map(drop)
    })
}
