//! What each command does, step by step.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::check::metadata::Metadata;
use crate::run::{Steps, cargo, line, run, target_directory};
use crate::setup::{Need, install, install_rust_components};

/// Installs everything that any command needs.
pub(crate) fn setup() -> Result<()> {
    install(&[Need::Build, Need::Check, Need::Test])?;
    install_rust_components()
}

/// Installs what it needs, then checks.
pub(crate) fn check() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("setup", || {
        install(&[Need::Build, Need::Check])?;
        install_rust_components()
    })?;
    crate::check::check(&mut steps)?;
    steps.print();
    Ok(())
}

/// Sets up, checks, builds and tests. The test runner's closing lines are the last that is printed.
pub(crate) fn test() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("setup", setup)?;
    crate::check::check(&mut steps)?;
    // Exactly what the next step builds, so that the programs are there before the first test looks for them.
    steps.run("build", || {
        run(&mut cargo([
            "build",
            "--workspace",
            "--bins",
            "--tests",
            "--locked",
        ]))
    })?;
    steps.print();
    run(&mut cargo(["test", "--workspace", "--locked", "--no-fail-fast"]))
}

/// Builds both programs and becomes `loa demo`.
pub(crate) fn demo(args: &[String]) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("setup", || install(&[Need::Build]))?;
    steps.run("build", || {
        run(&mut cargo([
            "build",
            "-p",
            "loa-headend",
            "-p",
            "loa-receiver",
            "--bins",
            "--locked",
        ]))
    })?;
    let mut demo = Command::new(target_directory()?.join("debug/loa"));
    demo.arg("demo").args(args);
    // In our place rather than below us: Ctrl-C and the exit status reach their owners.
    let error = demo.exec();
    Err(error).with_context(|| format!("cannot start {}", line(&demo)))
}

/// Runs the benchmarks of every crate that has some.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    ensure!(
        args.len() <= 1,
        "`cargo xtask bench` takes one filter at most, got {}",
        args.join(" ")
    );
    let mut steps = Steps::default();
    steps.run("setup", || install(&[Need::Build]))?;
    let metadata = Metadata::of_this_workspace()?;
    let mut command = cargo(["bench", "--locked"]);
    let mut count = 0;
    for package in metadata.ours() {
        for bench in &package.benches {
            command.args(["-p", &package.name, "--bench", bench]);
            count += 1;
        }
    }
    if count == 0 {
        bail!("no crate has a benchmark");
    }
    // Named one by one: the test harness of the libraries would take the filter for an unknown option.
    run(command.arg("--").args(args))
}
