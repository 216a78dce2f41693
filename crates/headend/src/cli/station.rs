//! `loa init`, `loa key`, `loa check`, `loa backup`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand};
use loa_model::{BulletinClass, WallTime};
use loa_panel::Trouble;
use loa_wire::{Certificate, public_key};

use crate::fill;
use crate::installation::Installation;
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
    /// Issues a certificate for another station's key, limited to a zone and what lies under it.
    Issue {
        /// The station's public key, base64.
        #[arg(long)]
        station_key: String,
        /// Code of the zone it may speak in.
        #[arg(long)]
        zone: String,
        /// The strongest class it may use.
        #[arg(long, default_value = "emergency")]
        highest: BulletinClass,
        /// Years until it expires.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=20))]
        years: u64,
    },
}

impl KeyCommand {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        if let Self::Panel = self {
            return show_authority(installation);
        }
        let root = installation
            .root_secret()?
            .context("the root key is not on this machine; do this where data/keys/root.key is kept")?;
        match self {
            Self::Panel => {}
            Self::Show => println!("{}", BASE64.encode(public_key(&root))),
            Self::Issue {
                station_key,
                zone,
                highest,
                years,
            } => {
                let station = super::public_key_from(&station_key)?;
                let tree = installation.store()?.zones()?;
                let zone = tree
                    .by_code(&zone)
                    .with_context(|| format!("there is no zone \"{zone}\""))?;
                let not_after = super::now() + Duration::from_secs(years * 365 * 86_400);
                let certificate = Certificate::issue(&root, station, zone.channel, highest, not_after);
                println!("{}", BASE64.encode(certificate.encode()));
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
    let left = certificate.not_after.since(super::now());
    if left < Duration::from_secs(30 * 86_400) {
        let not_after: WallTime = certificate.not_after;
        findings.push(format!(
            "the station's certificate expires at {not_after}; issue a new one with `loa key issue`"
        ));
    }
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
