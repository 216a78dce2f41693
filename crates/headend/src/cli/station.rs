//! `loa init`, `loa key`, `loa check`, `loa backup`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand};
use loa_model::{BulletinClass, Channel};
use loa_panel::Trouble;
use loa_plan::local;
use loa_wire::{Certificate, public_key};

use crate::fill;
use crate::installation::{CERTIFICATE_YEARS, Installation, expiry, read_key};
use crate::tls::Ca;

fn show_authority(installation: &Installation) -> Result<()> {
    if installation.config().panel.certificate.is_some() {
        bail!("the panel has a certificate of its own in [panel] certificate; browsers need nothing else");
    }
    let ca = Ca::open(&installation.keys(), super::now())?;
    print!("{}", ca.pem());
    println!("SHA-256 {}", ca.fingerprint()?);
    Ok(())
}

/// Arguments of `loa init`.
#[derive(Args)]
pub(super) struct Init {
    /// Directory for the new installation; made if it is missing.
    dir: PathBuf,
}

impl Init {
    pub(super) fn act(self) -> Result<()> {
        let config = Installation::init(&self.dir, super::now())?;
        println!("{}", config.display());
        Ok(())
    }
}

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Prints the root public key, which receivers are configured with.
    Show,
    /// Prints the certificate that browsers install to trust the panel, and its fingerprint.
    Panel,
    /// Prints this station's public key, for which `loa key issue` makes a certificate.
    Station,
    /// Makes a certificate and prints it. It is put to use with `loa key install`, at the station that it is for.
    Issue {
        /// The station's public key, as `loa key station` prints it there; this station's otherwise.
        #[arg(long, value_name = "KEY")]
        station_key: Option<String>,
        /// Code of the zone in which it may speak, and in all below; everywhere otherwise.
        #[arg(long)]
        zone: Option<String>,
        /// The strongest class it may use.
        #[arg(long, default_value = "emergency")]
        highest: BulletinClass,
        /// Years until it expires.
        #[arg(long, default_value_t = CERTIFICATE_YEARS, value_parser = clap::value_parser!(u64).range(1..=20))]
        years: u64,
        /// The root's secret key; data/keys/root.key otherwise.
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
    /// Puts a new certificate in the place of the one that this station has.
    Install {
        /// As `loa key issue` prints it.
        certificate: String,
        /// The root public key of the station that made it, as `loa key show` prints it there; this station's own otherwise.
        #[arg(long, value_name = "KEY")]
        root: Option<String>,
    },
}

impl KeyCommand {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        match self {
            Self::Panel => show_authority(installation)?,
            Self::Show => println!("{}", BASE64.encode(installation.root_public()?)),
            Self::Station => println!("{}", BASE64.encode(installation.station_public()?)),
            Self::Issue {
                station_key,
                zone,
                highest,
                years,
                root_key,
            } => {
                let station = match station_key {
                    Some(key) => super::public_key_from(&key)?,
                    None => installation.station_public()?,
                };
                let subtree = match zone {
                    Some(code) => {
                        let tree = installation.store()?.zones()?;
                        tree.by_code(&code)
                            .with_context(|| format!("there is no zone \"{code}\""))?
                            .channel
                    }
                    None => Channel::EVERY_ZONE,
                };
                let root_key = root_key.unwrap_or_else(|| installation.root_key());
                let root = read_key(&root_key)
                    .context("name the file of the root's secret key, where it is kept, with --root-key")?;
                ensure!(
                    public_key(&root) == installation.root_public()?,
                    "{} is not the key that this station's receivers trust",
                    root_key.display()
                );
                let not_after = super::now() + Duration::from_secs(years * 365 * 86_400);
                let certificate = Certificate::issue(&root, station, subtree, highest, not_after);
                println!("{}", BASE64.encode(certificate.encode()));
            }
            Self::Install { certificate, root } => {
                let bytes = BASE64.decode(certificate.trim()).unwrap_or_default();
                let certificate = Certificate::decode(&bytes)
                    .ok()
                    .context("this is no certificate; give it as `loa key issue` prints it")?;
                let root = root.map(|key| super::public_key_from(&key)).transpose()?;
                installation.install(certificate, root, super::now())?;
                let until = local::local_date(installation.config().station.time_zone, certificate.not_after);
                println!("until {until}; restart the head-end to use it");
            }
        }
        Ok(())
    }
}

/// Arguments of `loa backup`.
#[derive(Args)]
pub(super) struct Backup {
    /// File to write; there must be none yet.
    to: PathBuf,
}

impl Backup {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        installation.store()?.backup(&self.to)?;
        println!(
            "{}: the database; copy the directories media and keys beside it too",
            self.to.display()
        );
        Ok(())
    }
}

/// Looks for damage; fails if there is any.
pub(super) fn check(installation: &Installation) -> Result<ExitCode> {
    let library = installation.library()?;
    let whole: BTreeSet<_> = library
        .list()
        .context("cannot list the media directory")?
        .into_keys()
        .collect();
    // A file of the right name may still be damaged.
    let whole = whole
        .into_iter()
        .filter(|hash| library.find(*hash).is_some())
        .collect();
    let store = installation.store()?;
    let mut findings: Vec<String> = store.check(&whole)?.iter().map(ToString::to_string).collect();
    if let Some(title) = &installation.config().playout.fill
        && fill::find(&store, title)?.is_none()
    {
        findings.push(Trouble::MissingFill(title.clone()).to_string());
    }
    let certificate = installation.certificate()?;
    installation.signer()?;
    if certificate.verify(&installation.root_public()?).is_err() {
        findings.push(
            "the station's certificate was made with another root key than keys/root.pub, which new receivers will trust: \
             repeat `loa key install`"
                .to_owned(),
        );
    }
    findings.extend(expiry(certificate.not_after, super::now()).map(|trouble| trouble.to_string()));
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
