//! `loa-receiver`: the node on the pole.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use loa_receiver::{Config, identity, run};

/// Cụm thu phát thanh: nhận, kiểm chữ ký và phát. / The receiver of Loa, an open commune radio.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Configuration file.
    #[arg(
        long,
        global = true,
        default_value = "/etc/loa/receiver.toml",
        env = "LOA_RECEIVER_CONFIG"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Receives and plays until told to stop; prints statistics as JSON lines.
    Run,
    /// Prints this receiver's public key, making its key first if it has none.
    ///
    /// Give the printed key to `loa receiver add` on the head-end.
    Key,
}

fn main() -> ExitCode {
    match act(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loa-receiver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(cli: &Cli) -> anyhow::Result<()> {
    let config = Config::load(&cli.config)?;
    match cli.command {
        Command::Run => {
            let filter = tracing_subscriber::EnvFilter::try_new(&config.log).with_context(|| {
                format!("log filter \"{}\" in the configuration is not valid", config.log)
            })?;
            let colours = std::io::stderr().is_terminal();
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(colours)
                .with_writer(std::io::stderr)
                .init();
            run(&config)
        }
        Command::Key => {
            let identity = identity::Identity::open(&config.state_dir)?;
            println!("{}", identity.public_key_base64());
            Ok(())
        }
    }
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
