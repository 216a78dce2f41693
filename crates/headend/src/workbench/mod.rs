//! A whole station on loopback, worked by its command line as a person would: for the demo and the whole-system tests.

mod recording;

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub use recording::Recording;

/// An installation with its configuration, made by `loa init` in a directory of the caller's.
pub struct Station {
    dir: PathBuf,
    /// Group of channel 0.
    pub base: Ipv4Addr,
    /// RTP port.
    pub port: u16,
    /// Port of the panel on loopback.
    pub panel_port: u16,
    /// Whether the panel speaks TLS.
    is_secure: Cell<bool>,
}

/// Name and password of the user that [`Station::new`] makes, who may do everything everywhere.
pub const USER: &str = "truc-ban";
/// See [`USER`].
pub const PASSWORD: &str = "mot-mat-khau-dai";
/// Arguments for `loa as-run` that leave no day out, so that no test depends on when midnight comes.
pub const ALWAYS: [&str; 4] = ["--date", "2000-01-01", "--to", "2199-12-31"];

impl Station {
    /// Makes a fresh installation in `dir`, on loopback, with groups and ports that no other process uses.
    ///
    /// # Errors
    ///
    /// If `loa init` fails; its output is in the message.
    pub fn new(dir: &Path) -> Result<Self> {
        let panel_port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // The port chooses the groups too: the kernel gives it to one process at a time.
        let [high, low] = panel_port.to_be_bytes();
        let base = Ipv4Addr::new(239, 192 | (high & 0x3f), low, 0);
        let port = free_even_port()?;
        let station = Self {
            dir: dir.to_owned(),
            base,
            port,
            panel_port,
            is_secure: Cell::new(false),
        };
        run(Command::new(binary("loa")?).arg("init").arg(station.path()))?;
        station.configure("")?;
        let mut add = vec!["user", "add", USER, "--password-stdin"];
        for role in ["editor", "approver", "emergency_officer", "administrator"] {
            add.extend(["--role", role]);
        }
        station.loa_with_input(&add, PASSWORD)?;
        Ok(station)
    }

    /// Writes the configuration again with `extra` lines, whole tables, at its end.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn configure(&self, extra: &str) -> Result<()> {
        let text = format!(
            "data_dir = \"data\"\nlog = \"info,loa=debug\"\n\
             [multicast]\nbase = \"{}\"\nport = {}\ninterface = \"127.0.0.1\"\nttl = 1\n\
             [panel]\nlisten = \"127.0.0.1:{}\"\n{extra}",
            self.base, self.port, self.panel_port
        );
        std::fs::write(self.config(), text)?;
        Ok(())
    }

    /// Has the panel speak TLS, with the station's own authority.
    ///
    /// # Errors
    ///
    /// If the configuration cannot be written.
    pub fn secure(&self) -> Result<()> {
        self.is_secure.set(true);
        self.configure("tls = \"on\"\n")
    }

    /// Returns what calls the panel, and trusts the station's authority where it has one.
    fn agent(&self) -> ureq::Agent {
        let authority = self.path().join("data/keys/panel-ca.pem");
        let pem = std::fs::read(authority).unwrap_or_default();
        let mut config = ureq::Agent::config_builder();
        if let Ok(certificate) = Certificate::from_pem(&pem) {
            let roots = RootCerts::new_with_certs(&[certificate]);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        config.build().into()
    }

    /// Returns the installation's directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Returns the head-end's configuration file.
    pub fn config(&self) -> PathBuf {
        self.path().join("loa.toml")
    }

    /// Runs `loa` with `args` and returns what it printed.
    ///
    /// # Errors
    ///
    /// If it fails; its output is in the message.
    pub fn loa(&self, args: &[&str]) -> Result<String> {
        run(Command::new(binary("loa")?)
            .arg("--config")
            .arg(self.config())
            .args(args))
    }

    /// Runs `loa` with `args`, expecting it to refuse, and returns its error message.
    ///
    /// # Errors
    ///
    /// If it succeeds.
    pub fn loa_refused(&self, args: &[&str]) -> Result<String> {
        match self.loa(args) {
            Ok(output) => bail!(
                "`loa {}` was expected to refuse, but printed {output}",
                args.join(" ")
            ),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// Runs `loa` with `args`, gives it `input`, and returns what it printed.
    ///
    /// # Errors
    ///
    /// If it fails; its output is in the message.
    pub fn loa_with_input(&self, args: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(binary("loa")?);
        command.arg("--config").arg(self.config()).args(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child
            .stdin
            .take()
            .context("stdin was piped")?
            .write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "loa {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes `text` to a file of the installation and returns its path as text.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<String> {
        let path = self.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Starts the head-end and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// If it ends or is not healthy within 20 s; its log is in the message.
    pub fn start(&self) -> Result<Process> {
        self.start_in(&[])
    }

    /// Starts the head-end in an environment with these variables too, and waits until it is healthy.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_in(&self, environment: &[(&str, &str)]) -> Result<Process> {
        let mut command = Command::new(binary("loa")?);
        command.arg("--config").arg(self.config()).arg("run");
        command.envs(environment.iter().copied());
        let mut process = Process::start("loa", &mut command, self.path())?;
        let url = self.url("/healthz");
        process.wait_until("healthy", || Ok(self.agent().get(&url).call().is_ok()))?;
        Ok(process)
    }

    /// Registers a receiver in `zone` and starts it; `sink` is what its configuration calls `output.sink`.
    ///
    /// # Errors
    ///
    /// If a step fails.
    pub fn receiver(&self, code: &str, zone: &str, sink: &str) -> Result<Process> {
        let config = self.path().join(format!("{code}.toml"));
        let state = self.path().join(code);
        std::fs::create_dir_all(&state)?;
        let text = self
            .loa(&["receiver", "config", code, "--zone", zone, "--sink", sink])?
            .replace(
                "state_dir = \"/var/lib/loa-receiver\"",
                &format!("state_dir = \"{}\"", state.display()),
            )
            // One machine has one clock, whether or not anything keeps it.
            .replace("trust = \"auto\"", "trust = \"always\"")
            .replace("interval_s = 10", "interval_s = 1");
        std::fs::write(&config, text)?;
        let key = run(Command::new(binary("loa-receiver")?)
            .arg("--config")
            .arg(&config)
            .arg("key"))?;
        self.loa(&[
            "receiver",
            "add",
            code,
            "--zone",
            zone,
            "--public-key",
            key.trim(),
        ])?;
        let mut command = Command::new(binary("loa-receiver")?);
        command.arg("--config").arg(&config).arg("run");
        Process::start(code, &mut command, self.path())
    }

    /// Returns an address of the panel.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.is_secure.get() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.panel_port)
    }

    /// Returns what the panel says of the station's health.
    ///
    /// # Errors
    ///
    /// If the panel does not answer.
    pub fn health(&self) -> Result<String> {
        self.get("/healthz")
    }

    /// Asks the panel for what needs no login.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub fn get(&self, path: &str) -> Result<String> {
        let answer = self.agent().get(self.url(path)).call();
        Ok(answer?.body_mut().read_to_string()?)
    }

    /// Returns the whole as-run log as `loa as-run --json` prints it.
    ///
    /// # Errors
    ///
    /// If the command fails or prints no JSON list.
    pub fn as_run(&self) -> Result<Vec<Value>> {
        let text = self.loa(&[&["as-run", "--json"], &ALWAYS[..]].concat())?;
        let rows: Vec<Value> =
            serde_json::from_str(&text).with_context(|| format!("as-run printed {text}"))?;
        Ok(rows)
    }
}

/// A child process whose output goes to files, killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    fn start(name: &str, command: &mut Command, dir: &Path) -> Result<Self> {
        let (out, err) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.log")));
        let append = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        let child = command
            .stdin(Stdio::null())
            .stdout(append(&out)?)
            .stderr(append(&err)?)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            out,
            err,
        })
    }

    /// Waits until `done` says so.
    ///
    /// # Errors
    ///
    /// If the process ends first, or 20 s pass; its log is in the message.
    pub fn wait_until(&mut self, what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done()? {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended ({status}) before it was {what}:\n{}",
                    self.name,
                    self.log()
                );
            }
            ensure!(
                Instant::now() < deadline,
                "{} was not {what} within 20 s:\n{}",
                self.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns what it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Returns the JSON lines it printed so far.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.out).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Returns the newest JSON line that has this key.
    pub fn newest(&self, key: &str) -> Option<Value> {
        self.lines()
            .into_iter()
            .rev()
            .find_map(|line| line.get(key).cloned())
    }

    /// Returns why it ended, if it did.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it as an operator would (SIGTERM) and waits.
    ///
    /// # Errors
    ///
    /// If it does not end with success within 20 s.
    pub fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "{} ended with {status}:\n{}",
                    self.name,
                    self.log()
                );
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{} did not stop within 20 s:\n{}",
                self.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a power cut would (SIGKILL).
    ///
    /// # Errors
    ///
    /// If it was gone already.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a program of Loa: beside the running one, or one directory up, where cargo puts it for tests.
///
/// # Errors
///
/// If it is in neither place.
pub fn binary(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "{name} is not beside {}; run `cargo build -p loa-headend -p loa-receiver`",
            here.display()
        )
    })
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
///
/// If it cannot start or fails; its standard error is the message.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn free_even_port() -> Result<u16> {
    for _ in 0..64 {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        if port % 2 == 0 && port < u16::MAX - 1 && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free pair of UDP ports on loopback")
}
