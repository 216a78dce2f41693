//! The command line of `loa`: one file for each noun.

mod as_run;
mod audit;
mod decide;
mod media;
mod profile;
mod programme;
mod receiver;
mod rehearse;
mod schedule;
mod station;
mod token;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Parser, Subcommand, ValueEnum};
use loa_model::WallTime;
use loa_store::By;

use crate::config::Config;
use crate::installation::Installation;

/// Trung tâm phát của đài truyền thanh IP. / The head-end of an open commune radio.
#[derive(Parser)]
#[command(name = "loa", version, max_term_width = 100)]
pub struct Cli {
    /// Configuration file.
    #[arg(long, global = true, default_value = "/etc/loa/loa.toml", env = "LOA_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a new installation: configuration, database and keys.
    Init(station::Init),
    /// Airs the day and serves the panel until told to stop.
    Run,
    /// Shows all of it on this machine: a day of commune radio in about a minute.
    Demo(crate::demo::Options),
    /// The library: add, list and remove audio files.
    #[command(subcommand)]
    Media(media::Command),
    /// Programmes: list them, decide what may air.
    #[command(subcommand)]
    Programme(programme::Command),
    /// Day profiles: list them, switch them on and off.
    #[command(subcommand)]
    Profile(profile::Command),
    /// Schedules: check, import and export files, show the day's run-sheet.
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Zones: list them.
    #[command(subcommand)]
    Zone(schedule::ZoneCommand),
    /// Runs a day through the real engine before it comes, and lists what is wrong with it.
    Rehearse(rehearse::Rehearse),
    /// Receivers: register, list, remove, print a configuration.
    #[command(subcommand)]
    Receiver(receiver::Command),
    /// Users of the panel.
    #[command(subcommand)]
    User(user::Command),
    /// Tokens with which programs call the JSON API in somebody's name.
    #[command(subcommand)]
    Token(token::Command),
    /// Signing keys.
    #[command(subcommand)]
    Key(station::KeyCommand),
    /// Prints what was really aired, when, and why it ended.
    AsRun(as_run::AsRun),
    /// Prints, for each session and receiver: planned, sent, received, sounded.
    Proof(as_run::Proof),
    /// The audit log: who did what, and whether it is as it was written.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Checks database and media directory; changes nothing.
    Check,
    /// Copies the database to a new file while the station runs.
    Backup(station::Backup),
}

/// Whether a command prints for people or for programs.
#[derive(Args, Clone, Copy)]
struct Format {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Who does it, for the audit log.
#[derive(Args)]
struct Doer {
    /// Who does it; the user of this command line otherwise.
    #[arg(
        long = "by",
        value_name = "NAME",
        env = "USER",
        default_value = "command line"
    )]
    who: String,
}

impl Doer {
    fn now(&self) -> By<'_> {
        By {
            who: &self.who,
            at: now(),
        }
    }
}

/// Language of printed text.
#[derive(Clone, Copy, ValueEnum)]
enum Language {
    /// Tiếng Việt.
    Vi,
    /// English.
    En,
}

impl From<Language> for loa_plan::Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Vi => Self::Vi,
            Language::En => Self::En,
        }
    }
}

impl Cli {
    /// Does what was asked; the exit code tells whether a check passed.
    ///
    /// # Errors
    ///
    /// Whatever stopped it, named for the person who typed the command.
    pub fn act(self) -> anyhow::Result<ExitCode> {
        let config = self.config.as_path();
        let done = match self.command {
            Command::Init(init) => init.act(),
            Command::Run => crate::run::run(Config::load(config)?),
            Command::Demo(options) => return crate::demo::demo(&options),
            Command::Media(command) => command.act(&open(config)?),
            Command::Programme(command) => command.act(&open(config)?),
            Command::Profile(command) => command.act(&open(config)?),
            Command::Schedule(command) => return command.act(&open(config)?),
            Command::Rehearse(rehearse) => return rehearse.act(&open(config)?),
            Command::Zone(command) => command.act(&open(config)?),
            Command::Receiver(command) => command.act(&open(config)?),
            Command::User(command) => command.act(&open(config)?),
            Command::Token(command) => command.act(&open(config)?),
            Command::Key(command) => command.act(&open(config)?),
            Command::AsRun(as_run) => as_run.act(&open(config)?),
            Command::Proof(proof) => proof.act(&open(config)?),
            Command::Audit(command) => return command.act(&open(config)?),
            Command::Check => return station::check(&open(config)?),
            Command::Backup(backup) => backup.act(&open(config)?),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

fn open(config: &Path) -> anyhow::Result<Installation> {
    Ok(Installation::open(Config::load(config)?)?)
}

/// Returns the system's time: what commands that change nothing on air go by.
pub(crate) fn now() -> WallTime {
    WallTime::from_unix_ns(loa_net::read_clocks().wall_ns)
}

/// Reads a public key as `loa-receiver key` prints it.
fn public_key_from(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = BASE64
        .decode(text.trim())
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.with_context(|| {
        format!("\"{text}\" is no public key; it is 32 bytes in base64, as `loa-receiver key` prints it")
    })
}

/// Prints JSON in a form that people can read too.
fn print_json<T: serde::Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_can_be_parsed() {
        Cli::command().debug_assert();
    }
}
