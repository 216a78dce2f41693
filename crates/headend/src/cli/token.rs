//! `loa token`: with what programs call the JSON API in somebody's name.
//!
//! Whoever can run it owns the machine, so it asks for no password; but no token may what its owner may not.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use chrono_tz::Tz;
use clap::Subcommand;
use loa_model::{Permission, Scope, WallTime, ZoneId, ZoneTree};
use loa_plan::local;
use loa_store::{NewToken, Store, Token, User};
use serde::Serialize;

use super::user::known;
use super::{Doer, Format};
use crate::installation::Installation;
use crate::password;
use crate::people::{TOKENS_MAX, checked_token_name, token_lasts};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Makes a token and prints it; nobody can see it again.
    Add {
        /// Name of the user in whose name it speaks.
        user: String,
        /// Name of the token, to know which program shows it.
        name: String,
        /// What it may, of what the user may: see, edit, approve, announce, alert. May be repeated, or separated by commas.
        #[arg(
            long = "may",
            value_name = "PERMISSION",
            value_delimiter = ',',
            default_value = "see"
        )]
        permissions: Vec<Permission>,
        /// Code of a zone in which, and below which, it may so; without one, wherever the user may. May be repeated.
        #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
        zones: Vec<String>,
        /// For how many days it lasts.
        #[arg(long, default_value = "90")]
        days: u32,
        #[command(flatten)]
        by: Doer,
    },
    /// Lists tokens: whose, what they may, until when, and when they were last used.
    List {
        /// Name of a user; everybody's otherwise.
        user: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Takes a token away at once.
    Revoke {
        /// Name of the user.
        user: String,
        /// Name of the token.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
}

/// A token, for programs.
#[derive(Serialize)]
struct Listed {
    user: String,
    name: String,
    permissions: Vec<&'static str>,
    /// Codes; none for wherever the user may.
    zones: Option<Vec<String>>,
    since: WallTime,
    expires: WallTime,
    expired: bool,
    seen: Option<WallTime>,
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        let tree = store.zones()?;
        match self {
            Self::Add {
                user,
                name,
                permissions,
                zones,
                days,
                by,
            } => {
                let owner = known(&store, &user)?;
                let name = checked_token_name(&name)?.to_owned();
                let scope = Scope::new(permissions.into_iter().collect(), zones_from(&zones, &tree)?)?;
                scope
                    .must_be_held(&owner.rights, &tree)
                    .with_context(|| format!("no such token for \"{user}\""))?;
                ensure!(
                    store.tokens(owner.id)?.len() < TOKENS_MAX,
                    "\"{user}\" has {TOKENS_MAX} tokens, and nobody may have more; revoke one that is not used"
                );
                let (shown, hash) = password::new_program_token()?;
                let by = by.now();
                let new = NewToken {
                    hash,
                    user: owner.id,
                    name,
                    scope,
                    expires: by.at + token_lasts(days)?,
                };
                store.add_token(&new, by)?;
                println!("{shown}");
            }
            Self::List { user, format } => {
                let users = match user {
                    Some(name) => vec![known(&store, &name)?],
                    None => store.users()?,
                };
                list(
                    &store,
                    &users,
                    &tree,
                    installation.config().station.time_zone,
                    format,
                )?;
            }
            Self::Revoke { user, name, by } => {
                let owner = known(&store, &user)?;
                let tokens = store.tokens(owner.id)?.into_iter();
                let token = tokens.into_iter().find(|token| token.name == name);
                let token = token.with_context(|| {
                    format!("\"{user}\" has no token \"{name}\"; `loa token list {user}` shows what there is")
                })?;
                store.revoke_token(owner.id, token.id, by.now())?;
            }
        }
        Ok(())
    }
}

fn zones_from(codes: &[String], tree: &ZoneTree) -> Result<Option<BTreeSet<ZoneId>>> {
    if codes.is_empty() {
        return Ok(None);
    }
    let zones = codes.iter().map(|code| {
        let zone = tree.by_code(code).map(|zone| zone.id);
        zone.with_context(|| format!("there is no zone \"{code}\"; `loa zone list` shows what there is"))
    });
    zones.collect::<Result<_>>().map(Some)
}

fn list(store: &Store, users: &[User], tree: &ZoneTree, tz: Tz, format: Format) -> Result<()> {
    let now = super::now();
    let code = |zone: &ZoneId| {
        let zone = tree.get(*zone);
        zone.map_or_else(String::new, |zone| zone.code.clone())
    };
    let listed = |user: &User, token: Token| Listed {
        user: user.name.clone(),
        permissions: token.scope.permissions().iter().map(|may| may.name()).collect(),
        zones: token.scope.zones().map(|zones| zones.iter().map(code).collect()),
        since: token.since,
        expires: token.expires,
        expired: token.expires <= now,
        seen: token.seen,
        name: token.name,
    };
    let mut all = Vec::new();
    for user in users {
        all.extend(
            store
                .tokens(user.id)?
                .into_iter()
                .map(|token| listed(user, token)),
        );
    }
    if format.json {
        return super::print_json(&all);
    }
    let at = |at| local::to_local(tz, at).format("%Y-%m-%d %H:%M").to_string();
    for token in all {
        println!(
            "{:<20}  {:<20}  {:<24}  {:<24}  {} {}  {}",
            token.user,
            token.name,
            token.permissions.join(","),
            token
                .zones
                .map_or_else(|| "everywhere".to_owned(), |zones| zones.join(",")),
            if token.expired { "expired" } else { "until" },
            at(token.expires),
            token
                .seen
                .map_or_else(|| "never used".to_owned(), |seen| format!("used {}", at(seen))),
        );
    }
    Ok(())
}
