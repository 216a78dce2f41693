//! `loa user`: who may use the panel, and what they may do there.
//!
//! Whoever can run it owns the machine, so it asks for no permission.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};
use loa_model::{Grant, LoginId, Role, ZoneTree};
use loa_plan::local;
use loa_store::{NewUser, Store, User};
use serde::Serialize;

use super::{Doer, Format};
use crate::installation::Installation;
use crate::password;
use crate::people::{OneTimePassword, checked_name, is_locked};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a user; asks for a password.
    Add {
        /// Name to log in with.
        name: String,
        /// A role on a zone and all below it, such as announcer@xa-a; without a zone, on every zone. May be repeated.
        #[arg(long = "role", value_name = "ROLE[@ZONE]")]
        roles: Vec<String>,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        by: Doer,
    },
    /// Gives a user another password and ends all logins of that user.
    Password {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        by: Doer,
    },
    /// Lists the users, what they may do and whether they may log in.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Gives or takes a role.
    Role {
        /// Whether to give it or to take it.
        #[arg(value_enum)]
        verb: Verb,
        /// Name of the user.
        name: String,
        /// The role, and the zone: such as announcer@xa-a; without a zone, on every zone.
        #[arg(value_name = "ROLE[@ZONE]")]
        role: String,
        #[command(flatten)]
        by: Doer,
    },
    /// Refuses a user to log in, and ends all logins of that user.
    Disable {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
    /// Permits a user to log in again.
    Enable {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
    /// Lets a user try again at once after too many wrong passwords or codes.
    Unlock {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
    /// One-time codes: takes them from a user who lost the phone.
    #[command(subcommand)]
    Totp(TotpCommand),
    /// Lists where a user is logged in, or ends logins.
    Sessions {
        /// Name of the user.
        name: String,
        /// Ends the login of this number.
        #[arg(long, value_name = "NUMBER")]
        end: Option<i64>,
        /// Ends all of them.
        #[arg(long, conflicts_with = "end")]
        end_all: bool,
        #[command(flatten)]
        by: Doer,
    },
    /// Removes a user; what the audit log says of them stays.
    Remove {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
}

#[derive(Subcommand)]
pub(super) enum TotpCommand {
    /// Takes the one-time codes and recovery codes away.
    Reset {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        by: Doer,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Verb {
    /// Gives it.
    Add,
    /// Takes it.
    Remove,
}

#[derive(Args)]
pub(super) struct NewPassword {
    /// Reads the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Makes a password that lets in once, within seven days, to set another; and prints it.
    #[arg(long, conflicts_with = "password_stdin")]
    one_time: bool,
}

impl NewPassword {
    /// Returns the hash, and until when the password lets in if it is not its owner's.
    fn read(&self) -> Result<(String, Option<loa_model::WallTime>)> {
        if self.one_time {
            let made = OneTimePassword::new(super::now())?;
            println!("{}", made.text);
            return Ok((made.hash, Some(made.until)));
        }
        Ok((password::hash(&read(self.password_stdin)?)?, None))
    }
}

/// A user, for programs.
#[derive(Serialize)]
struct Listed {
    name: String,
    roles: Vec<String>,
    disabled: bool,
    one_time_password: bool,
    totp: bool,
    recovery_codes: u32,
    locked: bool,
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        match self {
            Self::Add {
                name,
                roles,
                password,
                by,
            } => {
                let tree = store.zones()?;
                let grants = roles.iter().map(|role| grant_from(role, &tree));
                let rights = grants.collect::<Result<_>>()?;
                let name = checked_name(&name)?.to_owned();
                ensure!(
                    store.user(&name)?.is_none(),
                    "user \"{name}\" exists already; choose another name"
                );
                let (password, password_until) = password.read()?;
                let new = NewUser {
                    name,
                    password,
                    password_until,
                    rights,
                };
                store.add_user(&new, by.now())?;
                if new.rights.is_empty() {
                    eprintln!(
                        "{} may do nothing yet; give a role: loa user role add {} viewer",
                        new.name, new.name
                    );
                }
            }
            Self::Password { name, password, by } => {
                let id = known(&store, &name)?.id;
                let (password, until) = password.read()?;
                store.set_password(id, &password, until, None, by.now())?;
            }
            Self::List { format } => list(&store, format)?,
            Self::Role { verb, name, role, by } => {
                let (id, grant) = (known(&store, &name)?.id, grant_from(&role, &store.zones()?)?);
                match verb {
                    Verb::Add => store.grant(id, grant, by.now())?,
                    Verb::Remove => store.revoke(id, grant, by.now())?,
                }
            }
            Self::Disable { name, by } => store.set_disabled(known(&store, &name)?.id, true, by.now())?,
            Self::Enable { name, by } => store.set_disabled(known(&store, &name)?.id, false, by.now())?,
            Self::Unlock { name, by } => store.unlock(known(&store, &name)?.id, by.now())?,
            Self::Totp(TotpCommand::Reset { name, by }) => {
                store.clear_totp(known(&store, &name)?.id, by.now())?;
            }
            Self::Sessions {
                name,
                end,
                end_all,
                by,
            } => {
                let id = known(&store, &name)?.id;
                match end {
                    Some(login) => store.end_login(id, LoginId(login), by.now())?,
                    None if end_all => store.end_logins(id, None, by.now())?,
                    None => {
                        let tz = installation.config().station.time_zone;
                        for login in store.logins(id, super::now())? {
                            let at = |at| local::to_local(tz, at).format("%Y-%m-%d %H:%M").to_string();
                            println!(
                                "{:<6}  since {}  seen {}  {:<24}  {}",
                                login.id,
                                at(login.since),
                                at(login.seen),
                                login.address,
                                login.browser
                            );
                        }
                    }
                }
            }
            Self::Remove { name, by } => store.remove_user(known(&store, &name)?.id, by.now())?,
        }
        Ok(())
    }
}

fn list(store: &Store, format: Format) -> Result<()> {
    let (tree, now) = (store.zones()?, super::now());
    let locked =
        |user: &User| is_locked(user.password_locked_until, now) || is_locked(user.code_locked_until, now);
    let listed = store.users()?.into_iter().map(|user| Listed {
        roles: user.rights.iter().map(|grant| grant_text(grant, &tree)).collect(),
        disabled: user.disabled,
        one_time_password: user.password_until.is_some(),
        totp: user.totp.is_some(),
        recovery_codes: user.recovery_codes,
        locked: locked(&user),
        name: user.name,
    });
    let listed: Vec<_> = listed.collect();
    if format.json {
        return super::print_json(&listed);
    }
    for user in listed {
        let words = [
            (user.disabled, "disabled"),
            (user.locked, "locked"),
            (user.one_time_password, "one-time password"),
            (user.totp, "one-time codes"),
        ];
        let words: Vec<_> = words
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| *word)
            .collect();
        println!(
            "{:<20}  {:<40}  {}",
            user.name,
            user.roles.join(" "),
            words.join(", ")
        );
    }
    Ok(())
}

pub(super) fn known(store: &Store, name: &str) -> Result<User> {
    let user = store.user(name)?;
    user.with_context(|| format!("there is no user \"{name}\"; `loa user list` shows who there is"))
}

/// Reads `role@zone`, or `role` for every zone.
fn grant_from(text: &str, tree: &ZoneTree) -> Result<Grant> {
    let (role, zone) = match text.split_once('@') {
        Some((role, zone)) => (role, Some(zone)),
        None => (text, None),
    };
    let zone = zone.map(|code| {
        let zone = tree.by_code(code).map(|zone| zone.id);
        zone.with_context(|| format!("there is no zone \"{code}\"; `loa zone list` shows what there is"))
    });
    Ok(Grant {
        role: role.parse::<Role>()?,
        zone: zone.transpose()?,
    })
}

fn grant_text(grant: Grant, tree: &ZoneTree) -> String {
    match grant.zone.and_then(|zone| tree.get(zone)) {
        Some(zone) => format!("{}@{}", grant.role, zone.code),
        None => grant.role.to_string(),
    }
}

/// Reads a password; what is typed at a terminal is seen, and said so.
fn read(from_stdin: bool) -> Result<String> {
    let stdin = std::io::stdin();
    ensure!(
        from_stdin || stdin.is_terminal(),
        "no terminal to ask for the password; use --password-stdin"
    );
    if !from_stdin {
        eprint!("Password (it will be seen): ");
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use loa_model::{Channel, Zone, ZoneId, ZoneSettings};

    use super::*;

    #[test]
    fn roles_are_written_with_their_zone_or_for_every_zone() {
        let zone = Zone {
            id: ZoneId(7),
            code: "xa-a".into(),
            name: String::new(),
            parent: None,
            channel: Channel(1),
            settings: ZoneSettings::default(),
        };
        let tree = ZoneTree::new(vec![zone]).unwrap();
        for (text, role, zone) in [
            ("viewer", Role::Viewer, None),
            ("emergency_officer@xa-a", Role::EmergencyOfficer, Some(ZoneId(7))),
        ] {
            let grant = grant_from(text, &tree).unwrap();
            assert_eq!(grant, Grant { role, zone });
            assert_eq!(grant_text(grant, &tree), text);
        }
        for (text, expected) in [
            ("root", "is no role"),
            ("viewer@xa-b", "no zone \"xa-b\""),
            ("viewer@", "no zone \"\""),
        ] {
            let error = grant_from(text, &tree).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
