//! Users of the panel, and who is logged in.

use loa_model::{UserId, WallTime};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::column::Column;
use crate::error::Context as _;
use crate::schedule::rows;
use crate::{Store, StoreError};

/// Somebody who may use the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Row.
    pub id: UserId,
    /// Name to log in with.
    pub name: String,
    /// Argon2id, PHC string.
    pub password: String,
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`].
    pub fn add_user(&mut self, name: &str, password: &str, at: WallTime) -> Result<(), StoreError> {
        if self.user(name)?.is_some() {
            return Err(StoreError::Exists {
                what: "user",
                name: name.to_owned(),
            });
        }
        let query = "insert into user (name, password, added_at) values (?, ?, ?)";
        self.connection
            .execute(query, params![name, password, Column(at)])
            .context("add a user")?;
        Ok(())
    }

    /// Gives a user another password, and ends all of that user's logins.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<(), StoreError> {
        self.change("change the password", |connection| {
            let query = "update user set password = ? where name = ?";
            let changed = connection
                .execute(query, [password, name])
                .context("change the password")?;
            if changed == 0 {
                return Err(StoreError::Unknown {
                    what: "user",
                    name: name.to_owned(),
                });
            }
            let query = "delete from login where user = (select id from user where name = ?)";
            connection.execute(query, [name]).context("change the password")?;
            Ok(())
        })
    }

    /// Removes a user, and ends all of that user's logins.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn remove_user(&mut self, name: &str) -> Result<(), StoreError> {
        let removed = self
            .connection
            .execute("delete from user where name = ?", [name])
            .context("remove a user")?;
        if removed == 0 {
            return Err(StoreError::Unknown {
                what: "user",
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    /// Finds a user by name.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let query = "select * from user where name = ?";
        self.connection
            .query_row(query, [name], user)
            .optional()
            .context("read users")
    }

    /// Returns the names of all users.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn users(&self) -> Result<Vec<String>, StoreError> {
        rows(&self.connection, "select name from user order by name", |row| {
            row.get(0)
        })
    }

    /// Keeps a login under the SHA-256 of its token, and forgets those that expired.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_login(
        &mut self,
        token: &[u8; 32],
        user: UserId,
        expires: WallTime,
        now: WallTime,
    ) -> Result<(), StoreError> {
        self.change("log in", |connection| {
            connection
                .execute("delete from login where expires <= ?", [Column(now)])
                .context("log in")?;
            let query = "insert into login (token, user, expires) values (?, ?, ?)";
            connection
                .execute(query, params![token, user.0, Column(expires)])
                .context("log in")?;
            Ok(())
        })
    }

    /// Finds who is logged in under the SHA-256 of a token.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn login(&self, token: &[u8; 32], now: WallTime) -> Result<Option<User>, StoreError> {
        let query =
            "select user.* from login join user on user.id = login.user where token = ? and expires > ?";
        self.connection
            .query_row(query, params![token, Column(now)], user)
            .optional()
            .context("read logins")
    }

    /// Ends a login.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn remove_login(&mut self, token: &[u8; 32]) -> Result<(), StoreError> {
        self.connection
            .execute("delete from login where token = ?", [token])
            .context("log out")?;
        Ok(())
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get("id")?),
        name: row.get("name")?,
        password: row.get("password")?,
    })
}
