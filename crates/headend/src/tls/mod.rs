//! TLS for the panel: a browser gives no microphone without it, and passwords do not belong on a wire.

mod ca;
mod door;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use loa_model::WallTime;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing::warn;

pub use ca::{Ca, CaError, Issued};

use crate::config::{Config, PanelConfig, Tls};
use crate::installation::Installation;
use door::Door;

/// What the panel shows of itself to browsers.
pub struct PanelTls {
    config: RustlsConfig,
    /// The station's authority and what it vouches for; none where a certificate was given.
    own: Option<(Ca, Vec<String>)>,
}

impl PanelTls {
    /// Reads or makes what the configuration asks for; none if the panel speaks without TLS.
    ///
    /// # Errors
    ///
    /// If a file cannot be used.
    pub fn open(installation: &Installation, now: WallTime) -> Result<Option<Self>> {
        let config = installation.config();
        if !config.panel.speaks_tls() {
            return Ok(None);
        }
        let given = config.panel.certificate.as_ref().zip(config.panel.key.as_ref());
        let (server, own) = match given {
            Some((certificate, key)) => {
                let read = |path: &Path| {
                    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
                };
                let pair = server_config(&read(certificate)?, &read(key)?);
                (
                    pair.with_context(|| format!("{} with {}", certificate.display(), key.display()))?,
                    None,
                )
            }
            None => {
                let (ca, names) = (Ca::open(&installation.keys(), now)?, names(config));
                let server = issued(&ca, &names, now)?;
                (server, Some((ca, names)))
            }
        };
        Ok(Some(Self {
            config: RustlsConfig::from_config(Arc::new(server)),
            own,
        }))
    }

    /// Returns the certificate that browsers install, in PEM; none where a certificate was given.
    pub fn authority(&self) -> Option<&str> {
        self.own.as_ref().map(|(ca, _)| ca.pem())
    }

    /// Issues the panel's certificate anew; the station runs longer than one lasts.
    ///
    /// # Errors
    ///
    /// If it cannot be made; the one before stays.
    pub fn renew(&self, now: WallTime) -> Result<()> {
        if let Some((ca, names)) = &self.own {
            self.config.reload_from_config(Arc::new(issued(ca, names, now)?));
        }
        Ok(())
    }

    /// Returns what takes connections.
    pub(crate) fn door(&self) -> Door {
        Door {
            tls: RustlsAcceptor::new(self.config.clone()),
        }
    }
}

impl PanelConfig {
    /// Tells whether the panel speaks TLS: by itself wherever others than this machine can reach it.
    pub fn speaks_tls(&self) -> bool {
        match self.tls {
            Tls::On => true,
            Tls::Off => false,
            Tls::Auto => self.certificate.is_some() || !self.listen.ip().is_loopback(),
        }
    }

    /// Returns the address at which others find the panel.
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls() { "https" } else { "http" };
        let own = || {
            let own = own_addresses().into_iter().find(|address| !address.is_loopback());
            own.unwrap_or(self.listen.ip())
        };
        let address = if self.listen.ip().is_unspecified() {
            own()
        } else {
            self.listen.ip()
        };
        match self.names.first() {
            Some(name) => format!("{scheme}://{name}:{}", self.listen.port()),
            None => format!("{scheme}://{}", SocketAddr::new(address, self.listen.port())),
        }
    }
}

/// Returns every name by which people may call this machine.
fn names(config: &Config) -> Vec<String> {
    let mut names = config.panel.names.clone();
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|host| host.into_string().ok());
    names.extend(host.map(|host| {
        if host.contains('.') {
            host
        } else {
            format!("{host}.local")
        }
    }));
    names.push("localhost".to_owned());
    names.extend(own_addresses().iter().map(ToString::to_string));
    names.sort();
    names.dedup();
    names
}

fn own_addresses() -> Vec<IpAddr> {
    // Without a list of interfaces there are still the names.
    let interfaces = loa_net::interfaces().unwrap_or_default();
    let up = interfaces.into_iter().filter(|interface| interface.up);
    up.filter_map(|interface| interface.address.map(IpAddr::V4))
        .collect()
}

fn issued(ca: &Ca, names: &[String], now: WallTime) -> Result<ServerConfig> {
    let (issued, left_out) = ca.issue(names, now)?;
    if !left_out.is_empty() {
        warn!(
            names = left_out.join(" "),
            "the station's own certificate is for the local network; for these give [panel] certificate and key"
        );
    }
    server_config(issued.chain.as_bytes(), issued.key.as_bytes())
}

fn server_config(chain: &[u8], key: &[u8]) -> Result<ServerConfig> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .context("no certificate in PEM")?;
    let key = PrivateKeyDer::from_pem_slice(key).context("no key in PEM")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
