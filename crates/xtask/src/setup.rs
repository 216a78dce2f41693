//! System packages: which are missing, and how to get them.

mod axe;
mod chrony;
mod python;
mod schemathesis;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, run};

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// `cargo build`.
    Build,
    /// `cargo xtask check`.
    Check,
    /// `cargo test`.
    Test,
}

/// Installs the missing packages for `needs`: as root through apt, otherwise by telling what to run.
///
/// # Errors
///
/// If something is missing and cannot be installed; the message is the command that would.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    install_packages(needs)?;
    if needs.contains(&Need::Test) && find_program("apt-get").is_some() {
        chrony::unpack()?;
    }
    if needs.contains(&Need::Test) {
        schemathesis::SCHEMATHESIS.install()?;
        axe::install()?;
    }
    Ok(())
}

/// Adds rustfmt and clippy to the toolchain if they are missing.
///
/// # Errors
///
/// If they are missing and rustup cannot add them.
pub(crate) fn install_rust_components() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let there = cargo([subcommand, "--version"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !there {
            run(Command::new("rustup").args(["component", "add", component]))
                .with_context(|| format!("cargo has no {component}, and rustup did not add it"))?;
        }
    }
    Ok(())
}

/// How to tell whether a package is there, whatever the distribution calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// One of these programs.
    Program(&'static [&'static str]),
    /// A library that pkg-config knows.
    Library(&'static str),
    /// A GStreamer element.
    Element(&'static str),
    /// A module of Python's own library, which Debian takes apart.
    Module(&'static str),
}

struct Package {
    /// Debian's name.
    name: &'static str,
    need: Need,
    probe: Probe,
}

/// Everything the commands need that is not Rust, and what for.
const PACKAGES: &[Package] = &[
    // libopus is built from source, by cmake; SQLite from source, by the C compiler.
    package("cmake", Need::Build, Probe::Program(&["cmake"])),
    package("gcc", Need::Build, Probe::Program(&["cc"])),
    package("g++", Need::Build, Probe::Program(&["c++"])),
    package("make", Need::Build, Probe::Program(&["make"])),
    // The receiver with a sound card is checked, not only the one without.
    package("pkg-config", Need::Check, Probe::Program(&["pkg-config"])),
    package("libasound2-dev", Need::Check, Probe::Library("alsa")),
    // Programs we did not write play our streams.
    package("ffmpeg", Need::Test, Probe::Program(&["ffmpeg"])),
    package(
        "gstreamer1.0-tools",
        Need::Test,
        Probe::Program(&["gst-launch-1.0"]),
    ),
    package("gstreamer1.0-plugins-base", Need::Test, Probe::Element("opusdec")),
    package(
        "gstreamer1.0-plugins-good",
        Need::Test,
        Probe::Element("rtpopusdepay"),
    ),
    package("gstreamer1.0-plugins-bad", Need::Test, Probe::Element("sdpdemux")),
    // Tests give themselves networks of their own.
    package("icecast2", Need::Test, Probe::Program(&["icecast2"])),
    package("iproute2", Need::Test, Probe::Program(&["ip"])),
    // Another program holds the database.
    package("sqlite3", Need::Test, Probe::Program(&["sqlite3"])),
    // Kills the head-end at each of its writes.
    package("strace", Need::Test, Probe::Program(&["strace"])),
    // The panel is looked at in a browser.
    package(
        "chromium",
        Need::Test,
        Probe::Program(&["chromium", "chromium-browser", "google-chrome"]),
    ),
    package("chromium-driver", Need::Test, Probe::Program(&["chromedriver"])),
    // The API is tried against its description, and the pages against axe-core.
    package("python3", Need::Test, Probe::Program(&["python3"])),
    package("python3-venv", Need::Test, Probe::Module("ensurepip")),
    // firmware-config is checked by the programs that will read it.
    package("systemd", Need::Test, Probe::Program(&["systemd-analyze"])),
    package("alsa-utils", Need::Test, Probe::Program(&["aplay"])),
];

const INSTALL: [&str; 3] = ["install", "-y", "--no-install-recommends"];

fn install_packages(needs: &[Need]) -> Result<()> {
    let missing = missing(needs, is_there);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if find_program("apt-get").is_none() {
        bail!("missing on this machine, by their names on Debian: {names}\ninstall them, then try again");
    }
    if !nix::unistd::geteuid().is_root() {
        bail!(
            "missing on this machine: {names}\nrun this, then try again:\n\n  {}\n",
            command_for_people(&missing)
        );
    }
    if lists_are_old() {
        run(&mut apt(["update"]))?;
    }
    eprintln!("   installing {names}");
    let install = |command: &mut Command| run(command.args(&missing));
    if install(&mut apt(INSTALL)).is_err() {
        // The lists may name a version that the mirror has replaced since.
        run(&mut apt(["update"]))?;
        install(&mut apt(INSTALL))?;
    }
    match self::missing(needs, is_there).join(" ") {
        still if still.is_empty() => Ok(()),
        still => bail!("installed, but still not found: {still}"),
    }
}

fn missing(needs: &[Need], is_there: impl Fn(Probe) -> bool) -> Vec<&'static str> {
    let wanted = PACKAGES.iter().filter(|package| needs.contains(&package.need));
    wanted
        .filter(|package| !is_there(package.probe))
        .map(|package| package.name)
        .collect()
}

fn is_there(probe: Probe) -> bool {
    let succeeds = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    match probe {
        Probe::Program(names) => names.iter().any(|name| find_program(name).is_some()),
        Probe::Library(name) => succeeds(Command::new("pkg-config").args(["--exists", name])),
        Probe::Module(name) => succeeds(Command::new("python3").args(["-c", &format!("import {name}")])),
        Probe::Element(name) => succeeds(Command::new("gst-inspect-1.0").args(["--exists", name])),
    }
}

/// Looks in `PATH`, and where Debian keeps programs for root that everybody may run.
fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].into_iter().map(Into::into);
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

fn command_for_people(missing: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get {} {}",
        INSTALL.join(" "),
        missing.join(" ")
    )
}

fn apt<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-o", "DPkg::Lock::Timeout=120"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Returns whether apt knows no packages, or knew them a week ago.
fn lists_are_old() -> bool {
    let Ok(entries) = std::fs::read_dir(Path::new("/var/lib/apt/lists")) else {
        return true;
    };
    let changed = |entry: std::fs::DirEntry| {
        let is_list = entry.file_name().to_string_lossy().contains("_Packages");
        is_list.then(|| entry.metadata().and_then(|metadata| metadata.modified()).ok())?
    };
    let newest = entries.flatten().filter_map(changed).max();
    newest.is_none_or(|newest| {
        SystemTime::now()
            .duration_since(newest)
            .is_ok_and(|age| age > Duration::from_secs(7 * 86_400))
    })
}

const fn package(name: &'static str, need: Need, probe: Probe) -> Package {
    Package { name, need, probe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_asks_for_the_build_only() {
        let bare = |_| false;
        assert_eq!(missing(&[Need::Build], bare), ["cmake", "gcc", "g++", "make"]);
    }

    #[test]
    fn what_is_there_is_not_asked_for() {
        let found = missing(&[Need::Build, Need::Check], |probe| {
            probe != Probe::Library("alsa")
        });
        assert_eq!(found, ["libasound2-dev"]);
    }

    #[test]
    fn people_get_one_line_to_run() {
        assert_eq!(
            command_for_people(&["cmake", "g++"]),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends cmake g++"
        );
    }

    #[test]
    fn every_package_has_one_line() {
        for (index, package) in PACKAGES.iter().enumerate() {
            assert!(
                !PACKAGES[..index].iter().any(|other| other.name == package.name),
                "{}",
                package.name
            );
        }
    }
}
