//! `firmware-config/` is accepted by the programs that will read it.
//!
//! The two TOML files are read by tests of their own crates. Each test here also spoils a file, to see that its
//! judge would notice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// How exposed a unit may be on systemd's own scale, 0 to 100. What is left: network, real-time threads, and reading
/// the clock's state; for the receiver also the sound card.
const EXPOSURE: [(&str, &str); 2] = [("loa.service", "17"), ("loa-receiver.service", "20")];

const UNITS: [&str; 2] = ["loa.service", "loa-receiver.service"];

#[test]
fn systemd_accepts_the_units() -> Result<()> {
    let machine = Machine::new()?;
    for unit in UNITS {
        machine.unit(unit, &read(&format!("systemd/{unit}"))?)?;
        let complaints = machine.verify(unit)?;
        ensure!(complaints.is_empty(), "{unit}: {complaints}");
    }
    // A drop-in needs a unit to drop into.
    machine.unit(
        "chrony-wait.service",
        "[Service]\nType=oneshot\nExecStart=/usr/local/bin/loa\n",
    )?;
    for (unit, drop_in) in [
        ("chrony-wait.service", "chrony-wait.service.d/loa.conf"),
        ("loa.service", "loa.service.d/line.conf"),
    ] {
        machine.unit(drop_in, &read(&format!("systemd/{drop_in}"))?)?;
        let complaints = machine.verify(unit)?;
        ensure!(complaints.is_empty(), "{drop_in}: {complaints}");
    }

    machine.unit(
        "loa.service",
        &read("systemd/loa.service")?.replace("WatchdogSec", "WatchdogSek"),
    )?;
    let complaints = machine.verify("loa.service")?;
    ensure!(
        complaints.contains("WatchdogSek"),
        "a misspelt key went unnoticed: {complaints}"
    );
    Ok(())
}

#[test]
fn units_give_away_no_more_than_they_need() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let exposed = |unit: &str, text: &str, limit: &str| -> Result<bool> {
        let path = dir.path().join(unit);
        fs::write(&path, text)?;
        let mut analyze = Command::new("systemd-analyze");
        analyze
            .args(["security", "--no-pager", "--offline=true", "--threshold", limit])
            .arg(&path);
        let output = analyze.output().context(SETUP)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            said.contains("Overall exposure level"),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(!output.status.success())
    };
    for (unit, limit) in EXPOSURE {
        let text = read(&format!("systemd/{unit}"))?;
        ensure!(
            !exposed(unit, &text, limit)?,
            "{unit} is more exposed than {limit}"
        );
        let careless = text
            .replace("ProtectSystem=strict\n", "")
            .replace("NoNewPrivileges=yes\n", "");
        ensure!(
            exposed(unit, &careless, limit)?,
            "{unit} without its fences is still within {limit}"
        );
    }
    Ok(())
}

/// `adjtimex` tells a receiver whether to play by the clock. Some ways of hardening a unit forbid even asking.
#[test]
fn units_may_ask_whether_the_clock_is_synchronised() -> Result<()> {
    for unit in UNITS {
        let text = read(&format!("systemd/{unit}"))?;
        ensure!(
            !text.contains("\nProtectClock=yes"),
            "{unit}: ProtectClock forbids adjtimex"
        );
        let filters: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("SystemCallFilter="))
            .collect();
        let last = filters.last().context("no SystemCallFilter")?;
        ensure!(
            last.split(' ').any(|call| call == "adjtimex"),
            "{unit} forbids adjtimex after all: {filters:?}"
        );
    }
    Ok(())
}

/// A receiver's status lines are 100 MB a day. Where standard output goes, systemd sends standard error too unless told.
#[test]
fn the_journal_keeps_a_receivers_log_and_not_its_status_lines() -> Result<()> {
    let text = read("systemd/loa-receiver.service")?;
    for line in ["StandardOutput=null", "StandardError=journal"] {
        ensure!(
            text.lines().any(|found| found == line),
            "loa-receiver.service lacks `{line}`"
        );
    }
    Ok(())
}

#[test]
fn units_run_as_users_that_sysusers_makes() -> Result<()> {
    let root = tempfile::tempdir()?;
    fs::create_dir(root.path().join("etc"))?;
    let mut sysusers = Command::new("systemd-sysusers");
    sysusers
        .arg(format!("--root={}", root.path().display()))
        .arg(sample("sysusers.d/loa.conf"));
    let output = sysusers.output().context(SETUP)?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let users = fs::read_to_string(root.path().join("etc/passwd"))?;
    for unit in UNITS {
        let text = read(&format!("systemd/{unit}"))?;
        let user = text
            .lines()
            .find_map(|line| line.strip_prefix("User="))
            .context("no User=")?;
        ensure!(
            users.lines().any(|line| line.starts_with(&format!("{user}:"))),
            "{unit} runs as {user}:\n{users}"
        );
    }
    let groups = fs::read_to_string(root.path().join("etc/group"))?;
    ensure!(
        groups
            .lines()
            .any(|line| line.starts_with("audio:") && line.ends_with("loa-receiver")),
        "{groups}"
    );
    Ok(())
}

#[test]
fn the_kernel_knows_every_setting() -> Result<()> {
    // Inside a container some settings belong to the host alone; where this one is hidden, so are they.
    let host = Path::new("/proc/sys/net/core/netdev_max_backlog").exists();
    let mut count = 0;
    for line in read("sysctl.d/60-loa.conf")?
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (key, value) = line
            .split_once('=')
            .with_context(|| format!("not key = value: {line}"))?;
        value
            .trim()
            .parse::<u64>()
            .with_context(|| format!("not a number: {line}"))?;
        let path = Path::new("/proc/sys").join(key.trim().replace('.', "/"));
        let hidden = !host && key.starts_with("net.core.");
        ensure!(hidden || path.exists(), "the kernel has no {key}");
        count += 1;
    }
    ensure!(count > 0, "no setting was read");
    Ok(())
}

#[test]
fn chrony_accepts_both_configurations() -> Result<()> {
    let check = |path: &Path| -> Result<std::process::Output> {
        // `-p` prints the configuration instead of keeping time.
        Command::new(chronyd()?)
            .args(["-p", "-f"])
            .arg(path)
            .output()
            .context(SETUP)
    };
    for name in ["chrony/headend.conf", "chrony/receiver.conf"] {
        let output = check(&sample(name))?;
        ensure!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let kept = String::from_utf8(output.stdout)?;
        for line in ["makestep 0.01 1", "maxslewrate 500", "rtcsync"] {
            ensure!(
                kept.lines().any(|found| found == line),
                "{name} lacks `{line}`, on which the station clock relies"
            );
        }
    }
    let dir = tempfile::tempdir()?;
    let spoilt = dir.path().join("chrony.conf");
    fs::write(
        &spoilt,
        read("chrony/receiver.conf")?.replace("maxslewrate", "maxslewrait"),
    )?;
    ensure!(
        !check(&spoilt)?.status.success(),
        "a misspelt directive went unnoticed"
    );
    Ok(())
}

#[test]
fn alsa_understands_the_sound_card() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let text = read("asound.conf")?;
    let complaints = open_sound_card(&dir.path().join("asound.conf"), &text)?;
    ensure!(complaints.is_empty(), "{complaints}");
    for (right, wrong) in [
        ("type plug", "typ plug"),
        ("rate 48000", "rat 48000"),
        ("pcm.loa", "pcm.lao"),
    ] {
        let complaints = open_sound_card(&dir.path().join("spoilt.conf"), &text.replacen(right, wrong, 1))?;
        ensure!(!complaints.is_empty(), "`{wrong}` went unnoticed");
    }
    Ok(())
}

#[test]
fn what_must_be_equal_on_both_machines_is() -> Result<()> {
    let value = |text: &str, key: &str| -> Result<String> {
        let line = text.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.map(str::to_owned).with_context(|| format!("no {key}"))
    };
    let (head_end, receiver) = (read("headend.toml")?, read("receiver.toml")?);
    for key in ["base", "port"] {
        ensure!(
            value(&head_end, key)? == value(&receiver, key)?,
            "the samples differ in {key}"
        );
    }
    // 239.192.0.0/14 holds every group from the sample's base on (RFC 2365 §6.2).
    ensure!(
        value(&head_end, "base")?.contains("\"239.192."),
        "routes are for 239.192.0.0/14"
    );
    for name in ["network/10-loa.network", "network/interfaces.d-loa", "README.md"] {
        ensure!(
            read(name)?.contains("239.192.0.0/14"),
            "{name} has no route for the groups"
        );
    }
    Ok(())
}

#[test]
fn the_readme_says_where_every_file_goes() -> Result<()> {
    let readme = read("README.md")?;
    let mut open = vec![sample("")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(sample(""))?.display().to_string();
            let said = name == "README.md" || readme.contains(&format!("]({name})"));
            ensure!(said, "firmware-config/README.md does not say where {name} goes");
        }
    }
    Ok(())
}

/// A root directory with our two programs and the units of the system that ours name.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Result<Self> {
        let machine = Self {
            root: tempfile::tempdir()?,
        };
        let programs = machine.root.path().join("usr/local/bin");
        fs::create_dir_all(&programs)?;
        for program in ["loa", "loa-receiver"] {
            let path = programs.join(program);
            fs::write(&path, "")?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        for unit in SYSTEM_UNITS {
            let found =
                ["/usr/lib/systemd/system", "/lib/systemd/system"].map(|dir| Path::new(dir).join(unit));
            let found = found
                .into_iter()
                .find(|path| path.exists())
                .with_context(|| format!("{unit}: {SETUP}"))?;
            machine.unit(unit, &fs::read_to_string(found)?)?;
        }
        Ok(machine)
    }

    fn unit(&self, name: &str, text: &str) -> Result<()> {
        let path = self.root.path().join("etc/systemd/system").join(name);
        fs::create_dir_all(path.parent().context("a unit is in a directory")?)?;
        Ok(fs::write(path, text)?)
    }

    /// Returns what systemd has to say against a unit; nothing if it would take it as it is.
    fn verify(&self, unit: &str) -> Result<String> {
        let mut analyze = Command::new("systemd-analyze");
        analyze
            .args(["verify", "--man=no"])
            .arg(format!("--root={}", self.root.path().display()))
            .arg(unit);
        let output = analyze.output().context(SETUP)?;
        let mut complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        if complaints.is_empty() && !output.status.success() {
            complaints = output.status.to_string();
        }
        Ok(complaints)
    }
}

/// Writes `text` where ALSA reads it, plays a moment of silence on `loa`, and returns what ALSA has against it.
///
/// That this machine has no such card is no objection: ALSA looks for it only after it has understood the rest.
fn open_sound_card(path: &Path, text: &str) -> Result<String> {
    fs::write(path, text)?;
    let mut aplay = Command::new("aplay");
    aplay.env(
        "ALSA_CONFIG_PATH",
        format!("/usr/share/alsa/alsa.conf:{}", path.display()),
    );
    aplay.args([
        "-q",
        "-D",
        "loa",
        "-f",
        "S16_LE",
        "-r",
        "48000",
        "-c",
        "1",
        "-d",
        "1",
        "/dev/zero",
    ]);
    let output = aplay.output().context(SETUP)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let only_the_card_is_missing = said.contains("Cannot get card index for Headphones");
    Ok(if output.status.success() || only_the_card_is_missing {
        String::new()
    } else {
        said
    })
}

/// Finds chronyd: installed, or unpacked by `cargo xtask setup`, which does not want to change anybody's clock.
fn chronyd() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let unpacked = here.ancestors().map(|dir| dir.join("tools/usr/sbin/chronyd"));
    let installed = ["/usr/sbin/chronyd", "/usr/bin/chronyd"].map(PathBuf::from);
    installed
        .into_iter()
        .chain(unpacked)
        .find(|path| path.is_file())
        .context(SETUP)
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../firmware-config")
        .join(name)
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(sample(name)).with_context(|| format!("cannot read firmware-config/{name}"))
}

/// Units of the system that ours name or that every unit implies.
const SYSTEM_UNITS: [&str; 8] = [
    "sysinit.target",
    "basic.target",
    "shutdown.target",
    "multi-user.target",
    "network-online.target",
    "time-sync.target",
    "sound.target",
    "umount.target",
];

const SETUP: &str = "`cargo xtask setup` installs what judges this file";
