//! What each command does, step by step.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

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
    steps.run("build", || build_programs(&[]))?;
    let mut demo = Command::new(target_directory()?.join("debug/loa"));
    demo.arg("demo").args(args);
    // In our place rather than below us: Ctrl-C and the exit status reach their owners.
    let error = demo.exec();
    Err(error).with_context(|| format!("cannot start {}", line(&demo)))
}

/// Builds what a station and a pole run.
fn build_programs(options: &[&str]) -> Result<()> {
    run(cargo([
        "build",
        "-p",
        "loa-headend",
        "-p",
        "loa-receiver",
        "--bins",
        "--locked",
    ])
    .args(options))
}

/// Runs the benchmarks of every crate that has some.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    ensure!(
        args.len() <= 1,
        "`cargo xtask bench` takes one filter at most, got {}",
        args.join(" ")
    );
    let mut steps = Steps::default();
    steps.run("setup", || install(&[Need::Build, Need::Test]))?;
    // Benchmarks of whole programs start these.
    steps.run("build", || build_programs(&["--release"]))?;
    let metadata = Metadata::of_this_workspace()?;
    let all = metadata
        .ours()
        .flat_map(|package| package.benches.iter().map(|bench| (&package.name, bench)));
    let all: Vec<_> = all.collect();
    ensure!(!all.is_empty(), "no crate has a benchmark");
    let is_named = |bench: &str| args.iter().any(|filter| bench.contains(filter.as_str()));
    let named: Vec<_> = all.iter().filter(|(_, bench)| is_named(bench)).copied().collect();
    // What names no benchmark may name a function of one.
    let (wanted, filter) = if named.is_empty() {
        (all, args)
    } else {
        (named, [].as_slice())
    };
    let mut command = cargo(["bench", "--locked"]);
    // Named one by one: the test harness of the libraries would take the filter for an unknown option.
    for (package, bench) in wanted {
        command.args(["-p", package, "--bench", bench]);
    }
    run(command.arg("--").args(filter))
}
