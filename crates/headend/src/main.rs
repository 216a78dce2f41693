//! `loa`: the head-end and its command line.

use std::process::ExitCode;

use clap::Parser as _;
use loa_headend::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().act() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("loa: {error:#}");
            ExitCode::FAILURE
        }
    }
}
