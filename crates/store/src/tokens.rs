//! Tokens with which programs call in somebody's name.

use loa_model::{Permission, Scope, TokenId, UserId, WallTime, ZoneId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::audit::{AuditRow, append};
use crate::column::{Column, get};
use crate::error::Context as _;
use crate::people::{By, User, existing};
use crate::schedule::rows_with;
use crate::{Store, StoreError};

/// A token; what a program shows is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Row.
    pub id: TokenId,
    /// Whose.
    pub user: UserId,
    /// Its name, of which its owner has no other.
    pub name: String,
    /// What it may at most.
    pub scope: Scope,
    /// Since when.
    pub since: WallTime,
    /// When it ends by itself.
    pub expires: WallTime,
    /// When it was last used, to the minute; none if never.
    pub seen: Option<WallTime>,
}

/// A token that begins.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// SHA-256 of what a program shows.
    pub hash: [u8; 32],
    /// Whose.
    pub user: UserId,
    /// Its name.
    pub name: String,
    /// What it may at most.
    pub scope: Scope,
    /// When it ends by itself.
    pub expires: WallTime,
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such user or zone, [`StoreError::Exists`] if the user has one of that name.
    pub fn add_token(&mut self, new: &NewToken, by: By<'_>) -> Result<TokenId, StoreError> {
        const WHAT: &str = "keep a token";
        self.change(WHAT, |connection| {
            let owner = existing(connection, new.user)?.name;
            let query = "select 1 from token where user = ? and name = ?";
            let taken = connection.query_row(query, params![new.user.0, new.name], |_| Ok(()));
            if taken.optional().context(WHAT)?.is_some() {
                return Err(StoreError::Exists {
                    what: "token",
                    name: new.name.clone(),
                });
            }
            let query = "insert into token (hash, user, name, permissions, everywhere, since, expires)
                values (?, ?, ?, ?, ?, ?, ?)";
            let values = params![
                new.hash,
                new.user.0,
                new.name,
                words(&new.scope),
                new.scope.zones().is_none(),
                Column(by.at),
                Column(new.expires)
            ];
            connection.execute(query, values).context(WHAT)?;
            let id = TokenId(connection.last_insert_rowid());
            for zone in new.scope.zones().into_iter().flatten() {
                let query = "insert into token_zone (token, zone) select ?, id from zone where id = ?";
                let put = connection.execute(query, [id.0, zone.0]).context(WHAT)?;
                if put == 0 {
                    return Err(StoreError::Unknown {
                        what: "zone",
                        name: zone.to_string(),
                    });
                }
            }
            let row = AuditRow {
                after: text(connection, id).context(WHAT)?,
                ..by.row("token added", format!("{} of {owner}", new.name))
            };
            append(connection, &row)?;
            Ok(id)
        })
    }

    /// Finds the token with this SHA-256 that is not over, and its owner, unless that one may not log in.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn token(&self, hash: &[u8; 32], now: WallTime) -> Result<Option<(Token, User)>, StoreError> {
        let query = "hash = ? and expires > ?
            and exists (select 1 from user where id = token.user and disabled_at is null)";
        let mut found = tokens(&self.connection, query, params![hash, Column(now)])?;
        let Some(token) = found.pop() else {
            return Ok(None);
        };
        let user = existing(&self.connection, token.user)?;
        Ok(Some((token, user)))
    }

    /// Returns the tokens of a user, those that are over as well, in order of name.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn tokens(&self, user: UserId) -> Result<Vec<Token>, StoreError> {
        tokens(&self.connection, "user = ? order by name", [user.0])
    }

    /// Takes note that a token was used.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn see_token(&mut self, id: TokenId, at: WallTime) -> Result<(), StoreError> {
        let query = "update token set seen = ? where id = ?";
        let changed = self.connection.execute(query, params![Column(at), id.0]);
        changed.context("keep when a token was used").map(drop)
    }

    /// Takes a token of a user away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such user, or the token is not theirs.
    pub fn revoke_token(&mut self, user: UserId, id: TokenId, by: By<'_>) -> Result<(), StoreError> {
        const WHAT: &str = "revoke a token";
        self.change(WHAT, |connection| {
            let owner = existing(connection, user)?.name;
            let before = text(connection, id).context(WHAT)?;
            let query = "delete from token where id = ? and user = ? returning name";
            let name: Option<String> = connection
                .query_row(query, [id.0, user.0], |row| row.get(0))
                .optional()
                .context(WHAT)?;
            let name = name.ok_or_else(|| StoreError::Unknown {
                what: "token of this user",
                name: id.to_string(),
            })?;
            let row = AuditRow {
                before,
                ..by.row("token revoked", format!("{name} of {owner}"))
            };
            append(connection, &row)
        })
    }
}

fn tokens(
    connection: &Connection,
    which: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Token>, StoreError> {
    let query = format!("select * from token where {which}");
    let rows = rows_with(connection, &query, values, row)?;
    let with_scope = |row: TokenRow| {
        let permissions = row.permissions.split(' ').map(str::parse::<Permission>);
        let permissions = permissions
            .collect::<Result<_, _>>()
            .map_err(|_| StoreError::Damaged { what: "token" })?;
        let zones = if row.everywhere {
            None
        } else {
            let query = "select zone from token_zone where token = ?";
            let zones = rows_with(connection, query, [row.token.id.0], |row| row.get(0).map(ZoneId))?;
            Some(zones.into_iter().collect())
        };
        Ok(Token {
            scope: Scope::kept(permissions, zones),
            ..row.token
        })
    };
    rows.into_iter().map(with_scope).collect()
}

struct TokenRow {
    token: Token,
    permissions: String,
    everywhere: bool,
}

fn row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let seen: Option<Column<WallTime>> = row.get("seen")?;
    Ok(TokenRow {
        token: Token {
            id: TokenId(row.get("id")?),
            user: UserId(row.get("user")?),
            name: row.get("name")?,
            scope: Scope::kept([].into(), None),
            since: get(row, "since")?,
            expires: get(row, "expires")?,
            seen: seen.map(|seen| seen.0),
        },
        permissions: row.get("permissions")?,
        everywhere: row.get("everywhere")?,
    })
}

fn words(scope: &Scope) -> String {
    let words: Vec<_> = scope
        .permissions()
        .iter()
        .map(|permission| permission.name())
        .collect();
    words.join(" ")
}

/// Returns what a token may, such as `see announce (xa-a xa-b) until 2027-01-01T00:00:00.000Z`, for the audit log.
fn text(connection: &Connection, id: TokenId) -> rusqlite::Result<String> {
    let query = "select permissions || iif(everywhere, '',
            ' (' || coalesce((select group_concat(zone.code, ' ') from token_zone join zone on zone.id = token_zone.zone
                where token = token.id), '') || ')'), expires
        from token where id = ?";
    let found = connection.query_row(query, [id.0], |row| {
        let expires: Column<WallTime> = row.get(1)?;
        Ok(format!("{} until {}", row.get::<_, String>(0)?, expires.0))
    });
    Ok(found.optional()?.unwrap_or_default())
}
