//! The station's own certificate authority: browsers that trust it need no other for the panel.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Datelike as _};
use loa_model::WallTime;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The authority's file holds no certificate.
    #[error("panel-ca.pem holds no certificate; remove it and panel-ca.key, and the station makes new ones")]
    NoCertificate,
    /// The authority's key or a name is none.
    #[error("cannot make the panel's certificate")]
    Certificate(#[from] rcgen::Error),
}

/// An authority that vouches for names of the local network only, so that a stolen key opens no other site.
pub struct Ca {
    pem: String,
    key: KeyPair,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    /// The certificate, and behind it the authority's.
    pub chain: String,
    /// Its key.
    pub key: String,
}

impl Ca {
    /// Opens the authority kept in a directory, or makes one.
    ///
    /// # Errors
    ///
    /// See [`CaError`].
    pub fn open(dir: &Path, now: WallTime) -> Result<Self, CaError> {
        let (pem_path, key_path) = (dir.join(PEM), dir.join(KEY));
        if pem_path.exists() {
            let read = |path: &PathBuf| fs::read_to_string(path).map_err(|source| file(path, source));
            return Ok(Self {
                pem: read(&pem_path)?,
                key: KeyPair::from_pem(&read(&key_path)?)?,
            });
        }
        let key = KeyPair::generate()?;
        let pem = params(&key, now)?.self_signed(&key)?.pem();
        // The key first: a certificate without its key would be of no use.
        write(&key_path, 0o600, &key.serialize_pem())?;
        write(&pem_path, 0o644, &pem)?;
        Ok(Self { pem, key })
    }

    /// Returns its certificate in PEM: what browsers and receivers install.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the SHA-256 of its certificate, as browsers show it.
    ///
    /// # Errors
    ///
    /// If the file holds no certificate.
    pub fn fingerprint(&self) -> Result<String, CaError> {
        let der = CertificateDer::from_pem_slice(self.pem.as_bytes()).map_err(|_| CaError::NoCertificate)?;
        let pairs = Sha256::digest(der)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>();
        Ok(pairs.join(":"))
    }

    /// Issues a certificate for names and addresses; those it may not vouch for are left out and returned.
    ///
    /// # Errors
    ///
    /// See [`CaError`].
    pub fn issue(&self, names: &[String], now: WallTime) -> Result<(Issued, Vec<String>), CaError> {
        let (may, may_not): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| is_local(name));
        let mut leaf = CertificateParams::new(may)?;
        leaf.distinguished_name.push(DnType::CommonName, "Loa");
        let (from, to) = (day(now - EARLIER), day(now + LEAF_LASTS));
        leaf.not_before = date_time_ymd(from.0, from.1, from.2);
        leaf.not_after = date_time_ymd(to.0, to.1, to.2);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (key, authority) = (KeyPair::generate()?, params(&self.key, now)?);
        let certificate = leaf.signed_by(&key, &Issuer::from_params(&authority, &self.key))?;
        let issued = Issued {
            chain: format!("{}{}", certificate.pem(), self.pem),
            key: key.serialize_pem(),
        };
        Ok((issued, may_not))
    }
}

/// What the authority's certificate says. Its name comes from its key: two stations are never mistaken for each other.
fn params(key: &KeyPair, now: WallTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    let id: String = Sha256::digest(key.public_key_raw())[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Loa {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let (from, to) = (day(now - EARLIER), day(now + CA_LASTS));
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(to.0, to.1, to.2);
    let domains = DOMAINS
        .iter()
        .map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    let networks = NETWORKS
        .iter()
        .map(|(network, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*network, *bits)));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains.chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

/// Tells whether the authority may vouch for a name or an address.
fn is_local(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(address) => NETWORKS
            .iter()
            .any(|(network, bits)| lies_in(address, *network, *bits)),
        Err(_) => DOMAINS.iter().any(|domain| {
            let above = name.strip_suffix(domain);
            above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        }),
    }
}

fn lies_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shifted = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96) >> (128 - u32::from(bits)),
        IpAddr::V6(v6) => u128::from(v6) >> (128 - u32::from(bits)),
    };
    address.is_ipv4() == network.is_ipv4() && shifted(address) == shifted(network)
}

/// Returns the day of an instant.
fn day(at: WallTime) -> (i32, u8, u8) {
    let day = DateTime::from_timestamp_nanos(at.as_unix_ns()).date_naive();
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    (day.year(), small(day.month()), small(day.day()))
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), CaError> {
    let mut options = OpenOptions::new();
    let made = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path);
    let written = made.and_then(|mut made| {
        made.write_all(text.as_bytes())?;
        made.sync_all()
    });
    written.map_err(|source| file(path, source))
}

fn file(path: &Path, source: std::io::Error) -> CaError {
    CaError::File {
        path: path.to_owned(),
        source,
    }
}

const PEM: &str = "panel-ca.pem";
const KEY: &str = "panel-ca.key";
/// Names that mean something on the local network alone (RFC 6761, RFC 6762, RFC 8375, and what routers give out).
const DOMAINS: [&str; 5] = ["local", "lan", "internal", "home.arpa", "localhost"];
/// Networks of one's own (RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 6598).
const NETWORKS: [(IpAddr, u8); 9] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];
/// Clocks of browsers differ.
const EARLIER: Duration = Duration::from_secs(86_400);
const CA_LASTS: Duration = Duration::from_secs(20 * 366 * 86_400);
/// Browsers accept no more than 398 days of most, and 825 of authorities that were installed by hand.
pub(super) const LEAF_LASTS: Duration = Duration::from_secs(397 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_vouches_for_the_local_network_alone_and_stays_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let now = WallTime::from_unix_s(1_800_000_000);
        let ca = Ca::open(dir.path(), now).unwrap();
        let names = [
            "192.168.1.5",
            "loa.local",
            "localhost",
            "8.8.8.8",
            "loa.example.com",
            "fd00::1",
            "evillocal",
        ];
        let names: Vec<String> = names.map(str::to_owned).into();
        let (issued, left_out) = ca.issue(&names, now).unwrap();
        assert_eq!(left_out, ["8.8.8.8", "loa.example.com", "evillocal"]);
        assert!(issued.chain.ends_with(ca.pem()));
        let again = Ca::open(dir.path(), now + LEAF_LASTS).unwrap();
        assert_eq!(again.pem(), ca.pem());
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_browser_that_trusts_it_takes_its_certificates() {
        let dir = tempfile::tempdir().unwrap();
        // webpki checks against a clock of its own choice.
        let now = WallTime::from_unix_s(1_800_000_000);
        let ca = Ca::open(dir.path(), now).unwrap();
        for name in ["192.168.1.5", "loa.lan", "fd00::1"] {
            let (issued, _) = ca.issue(&[name.to_owned()], now).unwrap();
            assert_eq!(verify(&issued.chain, ca.pem(), name, now), Ok(()), "{name}");
            let other = Ca::open(tempfile::tempdir().unwrap().path(), now).unwrap();
            assert!(
                verify(&issued.chain, other.pem(), name, now).is_err(),
                "another station's"
            );
            assert!(
                verify(&issued.chain, ca.pem(), "loa.local", now).is_err(),
                "another name"
            );
            let late = now + LEAF_LASTS + EARLIER;
            assert!(verify(&issued.chain, ca.pem(), name, late).is_err(), "too late");
        }
    }

    fn verify(chain: &str, ca: &str, name: &str, now: WallTime) -> Result<(), rustls::Error> {
        use rustls::client::danger::ServerCertVerifier as _;
        use rustls::pki_types::{ServerName, UnixTime};
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
            .unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .unwrap();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .map(Result::unwrap)
            .collect();
        let at = UnixTime::since_unix_epoch(Duration::from_nanos(u64::try_from(now.as_unix_ns()).unwrap()));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier
            .verify_server_cert(&chain[0], &chain[1..], &name, &[], at)
            .map(drop)
    }
}
