//! Users of the panel and what they may do. Every change is written to the audit log in its own transaction.

use loa_model::{Grant, LoginId, Rights, UserId, WallTime, ZoneId};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params, params};

use crate::audit::{AuditRow, append};
use crate::column::Column;
use crate::error::Context as _;
use crate::schedule::rows_with;
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
    /// Until when the password lets in, if somebody else chose it.
    pub password_until: Option<WallTime>,
    /// When the user was added.
    pub added_at: WallTime,
    /// Whether logging in is refused.
    pub disabled: bool,
    /// What the user may do, and where.
    pub rights: Rights,
    /// Key of the one-time codes.
    pub totp: Option<[u8; 20]>,
    /// Recovery codes not yet used.
    pub recovery_codes: u32,
    /// Where the last complete login came from.
    pub last_address: Option<String>,
    /// Until when no password is looked at.
    pub password_locked_until: Option<WallTime>,
    /// Until when no one-time code is looked at.
    pub code_locked_until: Option<WallTime>,
}

/// A user who is not there yet.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Name to log in with.
    pub name: String,
    /// Argon2id, PHC string.
    pub password: String,
    /// Until when the password lets in, if it is not the user's own choice.
    pub password_until: Option<WallTime>,
    /// What the user may do, and where.
    pub rights: Rights,
}

/// Who changes something, and when; for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Name of the user, or of the program.
    pub who: &'a str,
    /// When.
    pub at: WallTime,
}

impl By<'_> {
    pub(crate) fn row(self, action: &str, detail: impl Into<String>) -> AuditRow {
        AuditRow {
            at: self.at,
            who: self.who.to_owned(),
            action: action.to_owned(),
            detail: detail.into(),
            ..AuditRow::default()
        }
    }
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`].
    pub fn add_user(&mut self, new: &NewUser, by: By<'_>) -> Result<UserId, StoreError> {
        const WHAT: &str = "add a user";
        self.change(WHAT, |connection| {
            if find(connection, "name = ?", [&new.name])?.is_some() {
                return Err(StoreError::Exists {
                    what: "user",
                    name: new.name.clone(),
                });
            }
            let query = "insert into user (name, password, password_until, added_at) values (?, ?, ?, ?)";
            let until = new.password_until.map(Column);
            let values = params![new.name, new.password, until, Column(by.at)];
            connection.execute(query, values).context(WHAT)?;
            let id = UserId(connection.last_insert_rowid());
            new.rights
                .iter()
                .try_for_each(|grant| put_grant(connection, id, grant))?;
            let row = AuditRow {
                after: roles_text(connection, id)?,
                ..by.row("user added", &new.name)
            };
            append(connection, &row)?;
            Ok(id)
        })
    }

    /// Gives a user another password, and ends that user's logins but `kept`.
    ///
    /// One that the owner did not choose lets in `until` then.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn set_password(
        &mut self,
        id: UserId,
        password: &str,
        until: Option<WallTime>,
        kept: Option<LoginId>,
        by: By<'_>,
    ) -> Result<(), StoreError> {
        let action = if until.is_some() {
            "one-time password set"
        } else {
            "password set"
        };
        self.change_user(action, id, by, |connection| {
            connection.execute(
                "update user set password = ?, password_until = ? where id = ?",
                params![password, until.map(Column), id.0],
            )?;
            // Who guessed at the old one has learned nothing of this one.
            let query = "delete from lock where user = ? and step = 'password'";
            connection.execute(query, [id.0])?;
            end_logins(connection, id, kept)
        })
    }

    /// Removes a user with all that is theirs but what the audit log says.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn remove_user(&mut self, id: UserId, by: By<'_>) -> Result<(), StoreError> {
        const WHAT: &str = "remove a user";
        self.change(WHAT, |connection| {
            let user = existing(connection, id)?;
            let row = AuditRow {
                before: roles_text(connection, id)?,
                ..by.row("user removed", user.name)
            };
            connection
                .execute("delete from user where id = ?", [id.0])
                .context(WHAT)?;
            append(connection, &row)
        })
    }

    /// Refuses or permits a user to log in; refusing ends all logins of that user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn set_disabled(&mut self, id: UserId, disabled: bool, by: By<'_>) -> Result<(), StoreError> {
        let action = if disabled { "user disabled" } else { "user enabled" };
        self.change_user(action, id, by, |connection| {
            let at = disabled.then_some(Column(by.at));
            connection.execute("update user set disabled_at = ? where id = ?", params![at, id.0])?;
            if disabled {
                end_logins(connection, id, None)?;
            }
            Ok(())
        })
    }

    /// Gives a user a role; one that is held already stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn grant(&mut self, id: UserId, grant: Grant, by: By<'_>) -> Result<(), StoreError> {
        self.change_roles("role given", id, by, |connection| {
            put_grant(connection, id, grant)
        })
    }

    /// Takes a role from a user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`], also if the role is not held there.
    pub fn revoke(&mut self, id: UserId, grant: Grant, by: By<'_>) -> Result<(), StoreError> {
        self.change_roles("role taken", id, by, |connection| {
            let query = "delete from role where user = ? and role = ? and zone is ?";
            let values = params![id.0, grant.role.name(), grant.zone.map(|zone| zone.0)];
            match connection.execute(query, values).context("take a role")? {
                0 => Err(StoreError::Unknown {
                    what: "role of this user",
                    name: grant.role.to_string(),
                }),
                _ => Ok(()),
            }
        })
    }

    fn change_roles(
        &mut self,
        action: &'static str,
        id: UserId,
        by: By<'_>,
        change: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.change(action, |connection| {
            let user = existing(connection, id)?;
            let before = roles_text(connection, id)?;
            change(connection)?;
            let after = roles_text(connection, id)?;
            if before == after {
                return Ok(());
            }
            let row = AuditRow {
                before,
                after,
                ..by.row(action, user.name)
            };
            append(connection, &row)
        })
    }

    /// Changes something of a user that has no words of before and after.
    pub(crate) fn change_user<T>(
        &mut self,
        action: &'static str,
        id: UserId,
        by: By<'_>,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.change(action, |connection| {
            let before = existing(connection, id)?;
            let done = change(connection).context(action)?;
            let after = existing(connection, id)?;
            let (was, is) = (state_text(&before), state_text(&after));
            let said = was != is;
            let row = AuditRow {
                before: if said { was } else { String::new() },
                after: if said { is } else { String::new() },
                ..by.row(action, before.name)
            };
            append(connection, &row)?;
            Ok(done)
        })
    }

    /// Finds a user by name.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        find(&self.connection, "name = ?", [name])
    }

    /// Finds a user by row.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        find(&self.connection, "id = ?", [id.0])
    }

    /// Returns all users, in order of name.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        users(&self.connection, "true order by name", [])
    }
}

/// Returns the user of this row.
pub(crate) fn existing(connection: &Connection, id: UserId) -> Result<User, StoreError> {
    find(connection, "id = ?", [id.0])?.ok_or_else(|| StoreError::Unknown {
        what: "user",
        name: id.to_string(),
    })
}

pub(crate) fn end_logins(connection: &Connection, id: UserId, kept: Option<LoginId>) -> rusqlite::Result<()> {
    let query = "delete from login where user = ? and id is not ?";
    connection
        .execute(query, params![id.0, kept.map(|kept| kept.0)])
        .map(drop)
}

fn find(connection: &Connection, which: &str, values: impl Params) -> Result<Option<User>, StoreError> {
    Ok(users(connection, which, values)?.pop())
}

fn users(connection: &Connection, which: &str, values: impl Params) -> Result<Vec<User>, StoreError> {
    let query = format!(
        "select *, (select count(*) from recovery_code where user = user.id) as recovery_codes,
            (select until from lock where user = user.id and step = 'password') as password_locked_until,
            (select until from lock where user = user.id and step = 'code') as code_locked_until
        from user where {which}"
    );
    let mut found = rows_with(connection, &query, values, user)?;
    for user in &mut found {
        user.rights = rights(connection, user.id)?;
    }
    Ok(found)
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let time = |column| {
        let time: Option<Column<WallTime>> = row.get(column)?;
        Ok::<_, rusqlite::Error>(time.map(|time| time.0))
    };
    Ok(User {
        id: UserId(row.get("id")?),
        name: row.get("name")?,
        password: row.get("password")?,
        password_until: time("password_until")?,
        added_at: time("added_at")?.unwrap_or_default(),
        disabled: time("disabled_at")?.is_some(),
        rights: Rights::default(),
        totp: row.get("totp")?,
        recovery_codes: row.get("recovery_codes")?,
        last_address: row.get("last_address")?,
        password_locked_until: time("password_locked_until")?,
        code_locked_until: time("code_locked_until")?,
    })
}

fn rights(connection: &Connection, id: UserId) -> Result<Rights, StoreError> {
    let read = rows_with(
        connection,
        "select role, zone from role where user = ?",
        [id.0],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let grants = read.into_iter().map(|(role, zone)| {
        let role = role.parse().map_err(|_| StoreError::Damaged { what: "role" })?;
        Ok(Grant {
            role,
            zone: zone.map(ZoneId),
        })
    });
    grants.collect()
}

fn put_grant(connection: &Connection, id: UserId, grant: Grant) -> Result<(), StoreError> {
    const WHAT: &str = "give a role";
    if let Some(zone) = grant.zone {
        let query = "select 1 from zone where id = ?";
        let known = connection.query_row(query, [zone.0], |_| Ok(())).optional();
        known.context(WHAT)?.ok_or_else(|| StoreError::Unknown {
            what: "zone",
            name: zone.to_string(),
        })?;
    }
    let query = "insert or ignore into role (user, role, zone) values (:user, :role, :zone)";
    let values = named_params! {
        ":user": id.0, ":role": grant.role.name(), ":zone": grant.zone.map(|zone| zone.0),
    };
    connection.execute(query, values).context(WHAT).map(drop)
}

/// Returns what a user may do, such as `announcer@xa-a viewer`, as the command line takes it.
fn roles_text(connection: &Connection, id: UserId) -> Result<String, StoreError> {
    let query = "select role.role || coalesce('@' || zone.code, '') from role
        left join zone on zone.id = role.zone where role.user = ? order by 1";
    let words: Vec<String> = rows_with(connection, query, [id.0], |row| row.get(0))?;
    Ok(words.join(" "))
}

/// Returns whether somebody may log in and how: words for the audit log, which the panel can say in any language.
fn state_text(user: &User) -> String {
    let locked = user.password_locked_until.is_some() || user.code_locked_until.is_some();
    let words = [
        (!user.disabled, "enabled"),
        (user.disabled, "disabled"),
        (user.totp.is_some(), "one_time_codes"),
        (locked, "locked"),
    ];
    let words: Vec<_> = words
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| *word)
        .collect();
    words.join(" ")
}
