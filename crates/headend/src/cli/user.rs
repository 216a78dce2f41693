//! `loa user`: who may use the panel.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use loa_store::AuditRow;

use crate::installation::Installation;
use crate::password;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a user; asks for a password.
    Add {
        /// Name to log in with.
        name: String,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
        /// Who does it; the user of this command line otherwise.
        #[arg(long, env = "USER", default_value = "command line")]
        by: String,
    },
    /// Gives a user another password and ends all logins of that user.
    Password {
        /// Name of the user.
        name: String,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
        /// Who does it; the user of this command line otherwise.
        #[arg(long, env = "USER", default_value = "command line")]
        by: String,
    },
    /// Lists the users.
    List,
    /// Removes a user.
    Remove {
        /// Name of the user.
        name: String,
        /// Who does it; the user of this command line otherwise.
        #[arg(long, env = "USER", default_value = "command line")]
        by: String,
    },
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        let (by, action, name) = match self {
            Self::Add {
                name,
                password_stdin,
                by,
            } => {
                ensure!(!name.trim().is_empty(), "the name is empty");
                store.add_user(&name, &password::hash(&read(password_stdin)?)?, super::now())?;
                (by, "user added", name)
            }
            Self::Password {
                name,
                password_stdin,
                by,
            } => {
                store.set_password(&name, &password::hash(&read(password_stdin)?)?)?;
                (by, "password set", name)
            }
            Self::List => {
                store.users()?.iter().for_each(|name| println!("{name}"));
                return Ok(());
            }
            Self::Remove { name, by } => {
                store.remove_user(&name)?;
                (by, "user removed", name)
            }
        };
        store.audit(&AuditRow {
            at: super::now(),
            who: by,
            action: action.to_owned(),
            detail: name,
        })?;
        Ok(())
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
