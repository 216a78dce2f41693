//! Who is logged in, and when too many wrong passwords or codes make everybody wait.

use std::time::Duration;

use loa_model::{LoginId, UserId, WallTime};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::audit::{AuditRow, append};
use crate::column::{Column, get};
use crate::error::Context as _;
use crate::people::{By, User, end_logins, existing};
use crate::schedule::rows_with;
use crate::{Store, StoreError};

/// Somebody's being logged in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Row.
    pub id: LoginId,
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub since: WallTime,
    /// When it was last used, to the minute.
    pub seen: WallTime,
    /// When it ends by itself.
    pub expires: WallTime,
    /// Where it was begun from.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
    /// Whether the one-time code is still to come.
    pub code_due: bool,
}

/// A login that begins.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// SHA-256 of its token.
    pub token: [u8; 32],
    /// Whose.
    pub user: UserId,
    /// The hash that the password was checked against.
    pub password: String,
    /// When it ends by itself.
    pub expires: WallTime,
    /// Where it comes from.
    pub address: String,
    /// What the browser calls itself.
    pub browser: String,
    /// Whether the one-time code is still to come.
    pub code_due: bool,
}

/// What is asked for on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The password.
    Password,
    /// The one-time code, or a recovery code.
    Code,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }
}

impl Store {
    /// Keeps a login, and forgets those that expired.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if the user got another password, was disabled or removed while this one was checked.
    pub fn put_login(&mut self, new: &NewLogin, now: WallTime) -> Result<LoginId, StoreError> {
        const WHAT: &str = "log in";
        self.change(WHAT, |connection| {
            connection
                .execute("delete from login where expires <= ?", [Column(now)])
                .context(WHAT)?;
            let user = existing(connection, new.user)?;
            if user.disabled || user.password != new.password {
                return Err(StoreError::Unknown {
                    what: "user with this password",
                    name: user.name,
                });
            }
            let query = "insert into login (token, user, since, seen, expires, address, browser, code_due)
                values (?, ?, ?, ?, ?, ?, ?, ?)";
            let values = params![
                new.token,
                new.user.0,
                Column(now),
                Column(now),
                Column(new.expires),
                new.address,
                new.browser,
                new.code_due
            ];
            connection.execute(query, values).context(WHAT)?;
            let id = LoginId(connection.last_insert_rowid());
            forgive(connection, new.user, Step::Password).context(WHAT)?;
            if !new.code_due {
                entered(connection, new.user, &new.address, now)?;
            }
            Ok(id)
        })
    }

    /// Takes note that the one-time code of a login was right.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if the login is over.
    pub fn complete_login(
        &mut self,
        id: LoginId,
        expires: WallTime,
        now: WallTime,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "log in";
        self.change(WHAT, |connection| {
            let query =
                "update login set code_due = 0, expires = ? where id = ? and code_due = 1 returning user, address";
            let found: Option<(i64, String)> = connection
                .query_row(query, params![Column(expires), id.0], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
                .context(WHAT)?;
            let (user, address) = found.ok_or_else(|| unknown(id))?;
            forgive(connection, UserId(user), Step::Code).context(WHAT)?;
            entered(connection, UserId(user), &address, now)
        })
    }

    /// Finds who is logged in under the SHA-256 of a token.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn login(&self, token: &[u8; 32], now: WallTime) -> Result<Option<(Login, User)>, StoreError> {
        let query = "select login.* from login join user on user.id = login.user
            where token = ? and expires > ? and user.disabled_at is null";
        let mut found = rows_with(&self.connection, query, params![token, Column(now)], login)?;
        let Some(login) = found.pop() else {
            return Ok(None);
        };
        let user = existing(&self.connection, login.user)?;
        Ok(Some((login, user)))
    }

    /// Returns the logins of a user that are complete and not over, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn logins(&self, user: UserId, now: WallTime) -> Result<Vec<Login>, StoreError> {
        let query = "select * from login where user = ? and expires > ? and code_due = 0 order by since desc, id desc";
        rows_with(&self.connection, query, params![user.0, Column(now)], login)
    }

    /// Takes note that a login was used.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn see_login(&mut self, id: LoginId, at: WallTime) -> Result<(), StoreError> {
        let query = "update login set seen = ? where id = ?";
        let changed = self.connection.execute(query, params![Column(at), id.0]);
        changed.context("keep when a login was used").map(drop)
    }

    /// Ends the login under the SHA-256 of a token, at its owner's wish; one that is over stays over.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn log_out(&mut self, token: &[u8; 32], at: WallTime) -> Result<(), StoreError> {
        const WHAT: &str = "log out";
        self.change(WHAT, |connection| {
            let query = "delete from login where token = ? returning user";
            let user: Option<i64> = connection
                .query_row(query, [token], |row| row.get(0))
                .optional()
                .context(WHAT)?;
            let Some(user) = user else { return Ok(()) };
            let who = existing(connection, UserId(user))?.name;
            append(connection, &By { who: &who, at }.row("logged out", ""))
        })
    }

    /// Ends one login of a user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such user, or the login is not theirs.
    pub fn end_login(&mut self, user: UserId, id: LoginId, by: By<'_>) -> Result<(), StoreError> {
        const WHAT: &str = "end a login";
        self.change(WHAT, |connection| {
            let owner = existing(connection, user)?.name;
            let query = "delete from login where id = ? and user = ? returning address";
            let address: Option<String> = connection
                .query_row(query, [id.0, user.0], |row| row.get(0))
                .optional()
                .context(WHAT)?;
            let address = address.ok_or_else(|| unknown(id))?;
            append(connection, &by.row("login ended", format!("{owner} {address}")))
        })
    }

    /// Ends all logins of a user but `kept`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn end_logins(&mut self, user: UserId, kept: Option<LoginId>, by: By<'_>) -> Result<(), StoreError> {
        self.change_user("logins ended", user, by, |connection| {
            end_logins(connection, user, kept)
        })
    }

    /// Counts a wrong password or code; from the tenth on, returns until when no other is looked at.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn count_failure(
        &mut self,
        user: UserId,
        step: Step,
        now: WallTime,
    ) -> Result<Option<WallTime>, StoreError> {
        const WHAT: &str = "count a wrong password";
        self.change(WHAT, |connection| {
            let name = existing(connection, user)?.name;
            let query = "insert into lock (user, step, failures) values (?, ?, 1)
                on conflict (user, step) do update set failures = failures + 1 returning failures";
            let failures = connection
                .query_row(query, params![user.0, step.name()], |row| row.get(0))
                .context(WHAT)?;
            let Some(span) = locked_for(failures) else {
                return Ok(None);
            };
            let until = now + span;
            let query = "update lock set until = ? where user = ? and step = ?";
            connection
                .execute(query, params![Column(until), user.0, step.name()])
                .context(WHAT)?;
            let by = By {
                who: "panel",
                at: now,
            };
            let row = AuditRow {
                after: format!("locked_{}", step.name()),
                ..by.row("user locked", name)
            };
            append(connection, &row)?;
            Ok(Some(until))
        })
    }

    /// Lets a user try again at once, as if nothing had been wrong.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn unlock(&mut self, user: UserId, by: By<'_>) -> Result<(), StoreError> {
        self.change_user("user unlocked", user, by, |connection| {
            let query = "delete from lock where user = ?";
            connection.execute(query, [user.0]).map(drop)
        })
    }
}

/// Writes down that somebody is in.
fn entered(
    connection: &rusqlite::Connection,
    user: UserId,
    address: &str,
    at: WallTime,
) -> Result<(), StoreError> {
    let query = "update user set last_address = ? where id = ?";
    connection
        .execute(query, params![address, user.0])
        .context("log in")?;
    let who = existing(connection, user)?.name;
    let by = By { who: &who, at };
    append(connection, &by.row("logged in", address))
}

fn forgive(connection: &rusqlite::Connection, user: UserId, step: Step) -> rusqlite::Result<()> {
    let query = "delete from lock where user = ? and step = ?";
    connection.execute(query, params![user.0, step.name()]).map(drop)
}

/// Returns how long nothing is looked at after so many failures in a row: a minute after the tenth, twice as long after
/// each one more, an hour at most.
fn locked_for(failures: u32) -> Option<Duration> {
    let doublings = failures.checked_sub(FREE_FAILURES)?;
    let minutes = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(60);
    Some(Duration::from_secs(minutes * 60))
}

fn login(row: &Row<'_>) -> rusqlite::Result<Login> {
    Ok(Login {
        id: LoginId(row.get("id")?),
        user: UserId(row.get("user")?),
        since: get(row, "since")?,
        seen: get(row, "seen")?,
        expires: get(row, "expires")?,
        address: row.get("address")?,
        browser: row.get("browser")?,
        code_due: row.get("code_due")?,
    })
}

fn unknown(id: LoginId) -> StoreError {
    StoreError::Unknown {
        what: "login of this user",
        name: id.to_string(),
    }
}

/// People mistype; ten in a row are no longer that.
const FREE_FAILURES: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_a_minute_to_an_hour() {
        let minutes = |failures| locked_for(failures).map(|span| span.as_secs() / 60);
        let rows = [
            (1, None),
            (9, None),
            (10, Some(1)),
            (11, Some(2)),
            (15, Some(32)),
            (16, Some(60)),
            (u32::MAX, Some(60)),
        ];
        for (failures, expected) in rows {
            assert_eq!(minutes(failures), expected, "{failures}");
        }
    }
}
