//! `cargo xtask check`: everything that can be judged without running the programs.

mod directions;
mod fences;
mod files;
mod licence;
mod links;
pub(crate) mod metadata;
mod texts;

use anyhow::{Result, bail};

use crate::run::{Steps, cargo, root, run};
use metadata::Metadata;

/// Runs every check; the quick ones first.
pub(crate) fn check(steps: &mut Steps) -> Result<()> {
    steps.run("crates, licences, fences, links", || {
        let root = root();
        let metadata = Metadata::of_this_workspace()?;
        let files = files::read_all(&root)?;
        let mut findings = directions::findings(&metadata);
        findings.extend(directions::stale_lines(&metadata));
        findings.extend(fences::findings(&files));
        findings.extend(texts::workspace_dependencies(&files, &metadata));
        findings.extend(texts::unused(&files, &metadata, &root));
        findings.extend(texts::forbidden(&files, &root));
        findings.extend(links::findings(&files, |path| root.join(path).exists()));
        judge(&findings)
    })?;
    steps.run("format", || run(&mut cargo(["fmt", "--all", "--check"])))?;
    steps.run("clippy", || {
        run(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    steps.run("clippy of the receiver with a sound card", || {
        let receiver = [
            "clippy",
            "-p",
            "loa-receiver",
            "-p",
            "loa-sound",
            "--features",
            "loa-receiver/alsa",
        ];
        run(cargo(receiver).args(["--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    steps.run("documentation", || {
        run(cargo(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))
    })
}

fn judge(findings: &[String]) -> Result<()> {
    for finding in findings {
        eprintln!("   {finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} findings"),
    }
}
