//! An installation on disk: configuration, database, media, keys. `docs/ARCHITECTURE.md` shows the layout.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_model::{BulletinClass, Channel, WallTime};
use loa_panel::Trouble;
use loa_store::Store;
use loa_wire::{Addressing, AddressingError, Certificate, Signer, public_key};

use crate::config::Config;
use crate::durable::write_durably;
use crate::library::Library;

/// An installation that `loa init` made.
pub struct Installation {
    config: Config,
}

/// Why an installation cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallationError {
    /// There is one already.
    #[error("{0} holds an installation already; remove it yourself if you mean to begin anew")]
    Exists(PathBuf),
    /// There is none.
    #[error("{0} does not exist; `loa init DIR` makes a new installation")]
    Missing(PathBuf),
    /// A file or directory cannot be made, read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key file is not a key, or the certificate is for another key.
    #[error("{path} is damaged or belongs to another installation; restore it from a copy")]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that would silence the station.
    #[error("this certificate {0}; nothing was changed")]
    Certificate(&'static str),
    /// The system gives no random numbers.
    #[error("no random numbers for new keys")]
    Random(#[source] getrandom::Error),
    /// Groups or port cannot be used.
    #[error("[multicast] in the configuration")]
    Addressing(#[source] AddressingError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] loa_store::OpenError),
    /// The media directory cannot be used.
    #[error(transparent)]
    Library(#[from] crate::library::OpenError),
}

impl Installation {
    /// Makes a new installation in `dir` and returns the path of its configuration.
    ///
    /// # Errors
    ///
    /// See [`InstallationError`]; what is there already is left alone.
    pub fn init(dir: &Path, now: WallTime) -> Result<PathBuf, InstallationError> {
        let config_path = dir.join("loa.toml");
        let data = dir.join("data");
        for path in [&config_path, &data] {
            if path.exists() {
                return Err(InstallationError::Exists(path.clone()));
            }
        }
        let keys = data.join("keys");
        fs::create_dir_all(&keys).map_err(file(&keys))?;
        let (root, station) = (new_secret()?, new_secret()?);
        let certificate = Certificate::issue(
            &root,
            public_key(&station),
            Channel::EVERY_ZONE,
            BulletinClass::Emergency,
            now + CERTIFICATE_LIFE,
        );
        for (name, bytes) in [
            ("root.key", &root[..]),
            ("root.pub", &public_key(&root)),
            ("station.key", &station),
            ("station.cert", &certificate.encode()),
        ] {
            let path = keys.join(name);
            write_private(&path, bytes).map_err(file(&path))?;
        }
        let config = Config::parse(SAMPLE, &config_path).expect("the sample is tested to parse");
        let installation = Self {
            config: Config {
                data_dir: data,
                ..config
            },
        };
        Store::create(&installation.database())?;
        installation.library()?;
        // Last, because whoever finds a configuration finds an installation.
        let text = SAMPLE.replacen("data_dir = \"/var/lib/loa/data\"", "data_dir = \"data\"", 1);
        fs::write(&config_path, text).map_err(file(&config_path))?;
        Ok(config_path)
    }

    /// Opens the installation that a configuration describes.
    ///
    /// # Errors
    ///
    /// [`InstallationError::Missing`] if its data directory does not exist.
    pub fn open(config: Config) -> Result<Self, InstallationError> {
        if !config.data_dir.is_dir() {
            return Err(InstallationError::Missing(config.data_dir));
        }
        Ok(Self { config })
    }

    /// Returns its configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Opens a connection of the caller's own to its database.
    ///
    /// # Errors
    ///
    /// See [`loa_store::OpenError`].
    pub fn store(&self) -> Result<Store, InstallationError> {
        Ok(Store::open(&self.database())?)
    }

    /// Returns the path of its database.
    pub fn database(&self) -> PathBuf {
        self.config.data_dir.join("loa.db")
    }

    /// Returns the path of its epoch file.
    pub fn epoch(&self) -> PathBuf {
        self.config.data_dir.join("epoch")
    }

    /// Opens its media library.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written.
    pub fn library(&self) -> Result<Library, InstallationError> {
        Ok(Library::open(
            &self.config.data_dir.join("media"),
            self.config.media,
        )?)
    }

    /// Returns its groups.
    ///
    /// # Errors
    ///
    /// If the configuration gives some channel none.
    pub fn addressing(&self) -> Result<Addressing, InstallationError> {
        let multicast = &self.config.multicast;
        Addressing::new(multicast.base, multicast.port).map_err(InstallationError::Addressing)
    }

    /// Returns the root's public key, which receivers trust.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn root_public(&self) -> Result<[u8; 32], InstallationError> {
        read_key(&self.key("root.pub"))
    }

    /// Returns where the root's secret key lies until somebody takes it to a safe.
    pub fn root_key(&self) -> PathBuf {
        self.key("root.key")
    }

    /// Returns the station's public key.
    ///
    /// # Errors
    ///
    /// If the key cannot be read.
    pub fn station_public(&self) -> Result<[u8; 32], InstallationError> {
        Ok(public_key(&read_key(&self.key("station.key"))?))
    }

    /// Returns the certificate of the station's key.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn certificate(&self) -> Result<Certificate, InstallationError> {
        let path = self.key("station.cert");
        let bytes = read_base64(&path)?;
        Certificate::decode(&bytes).map_err(|_| InstallationError::Key { path })
    }

    /// Puts a certificate in the place of the one it has; the head-end takes it up at its start.
    ///
    /// A `root` that is not its own is that of a station above: its receivers then trust that one.
    ///
    /// # Errors
    ///
    /// If receivers that trust `root` would refuse it at `now`, or the disk fails; the one it has stays.
    pub fn install(
        &self,
        certificate: Certificate,
        root: Option<[u8; 32]>,
        now: WallTime,
    ) -> Result<(), InstallationError> {
        let secret = read_key(&self.key("station.key"))?;
        Signer::new(&secret, certificate)
            .map_err(|_| InstallationError::Certificate("is for the key of another station"))?;
        let root = root.map_or_else(|| self.root_public(), Ok)?;
        certificate.verify(&root).map_err(|_| {
            InstallationError::Certificate(
                "was made with another root key; name the one that made it with --root",
            )
        })?;
        if certificate.not_after <= now {
            return Err(InstallationError::Certificate("is over already"));
        }
        for (name, bytes) in [("station.cert", &certificate.encode()[..]), ("root.pub", &root)] {
            let (path, text) = (self.key(name), BASE64.encode(bytes));
            write_durably(&path, format!("{text}\n").as_bytes()).map_err(file(&path))?;
        }
        Ok(())
    }

    /// Returns what signs the station's packets.
    ///
    /// # Errors
    ///
    /// If key or certificate cannot be read, or they are not a pair.
    pub fn signer(&self) -> Result<Signer, InstallationError> {
        let path = self.key("station.key");
        let secret = read_key(&path)?;
        Signer::new(&secret, self.certificate()?).map_err(|_| InstallationError::Key { path })
    }

    /// Returns the directory of keys.
    pub fn keys(&self) -> PathBuf {
        self.config.data_dir.join("keys")
    }

    fn key(&self, name: &str) -> PathBuf {
        self.keys().join(name)
    }
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> InstallationError {
    let path = path.to_owned();
    move |source| InstallationError::File { path, source }
}

fn new_secret() -> Result<[u8; 32], InstallationError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(InstallationError::Random)?;
    Ok(secret)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", BASE64.encode(bytes))?;
    file.sync_all()
}

/// Returns what people have to be told from thirty days before a certificate ends.
pub fn expiry(not_after: WallTime, now: WallTime) -> Option<Trouble> {
    let left = not_after.since(now);
    (left < TOLD_BEFORE).then_some(Trouble::CertificateEnds(left))
}

/// Reads the file of a key.
///
/// # Errors
///
/// If it cannot be read, or holds something else.
pub fn read_key(path: &Path) -> Result<[u8; 32], InstallationError> {
    let bytes = read_base64(path)?;
    bytes.try_into().map_err(|_| InstallationError::Key {
        path: path.to_owned(),
    })
}

fn read_base64(path: &Path) -> Result<Vec<u8>, InstallationError> {
    let text = fs::read_to_string(path).map_err(file(path))?;
    BASE64.decode(text.trim()).map_err(|_| InstallationError::Key {
        path: path.to_owned(),
    })
}

/// What `loa init` writes: the documented sample, with its data beside it.
const SAMPLE: &str = include_str!("../../../firmware-config/headend.toml");
/// Long enough that no district goes silent by forgetting, short enough that a lost key dies.
pub const CERTIFICATE_YEARS: u64 = 5;
const CERTIFICATE_LIFE: Duration = Duration::from_secs(CERTIFICATE_YEARS * 365 * 86_400);
const TOLD_BEFORE: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_s(1_800_000_000);

    #[test]
    fn what_init_makes_can_be_opened_and_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = Installation::init(dir.path(), NOW).unwrap();
        let installation = Installation::open(Config::load(&path).unwrap()).unwrap();
        let root = installation.root_public().unwrap();
        assert_eq!(root, public_key(&read_key(&installation.root_key()).unwrap()));
        let key = installation
            .signer()
            .unwrap()
            .certificate()
            .verify(&root)
            .unwrap();
        assert_eq!(
            (key.subtree(), key.not_after()),
            (Channel::EVERY_ZONE, NOW + CERTIFICATE_LIFE)
        );
        for name in ["root.key", "station.key"] {
            let mode = fs::metadata(installation.key(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn init_leaves_what_is_there_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("loa.toml"), "mine").unwrap();
        let error = Installation::init(dir.path(), NOW).unwrap_err();
        assert!(
            error.to_string().contains("holds an installation already"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(dir.path().join("loa.toml")).unwrap(), "mine");
        assert!(!dir.path().join("data").exists());
    }

    #[test]
    fn keys_that_are_no_pair_are_refused_by_name() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = Installation::init(one.path(), NOW).unwrap();
        Installation::init(two.path(), NOW).unwrap();
        fs::copy(
            two.path().join("data/keys/station.cert"),
            one.path().join("data/keys/station.cert"),
        )
        .unwrap();
        let installation = Installation::open(Config::load(&path).unwrap()).unwrap();
        let error = installation.signer().unwrap_err().to_string();
        assert!(
            error.contains("station.key is damaged or belongs to another"),
            "{error}"
        );
    }

    #[test]
    fn a_certificate_is_renewed_and_one_that_would_silence_the_station_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = |dir: &Path| {
            let path = Installation::init(dir, NOW).unwrap();
            Installation::open(Config::load(&path).unwrap()).unwrap()
        };
        let (ours, above) = (open(one.path()), open(two.path()));
        let station = ours.station_public().unwrap();
        let year = Duration::from_secs(365 * 86_400);
        let issued = |by: &Installation, station, not_after| {
            let root = read_key(&by.root_key()).unwrap();
            Certificate::issue(
                &root,
                station,
                Channel::EVERY_ZONE,
                BulletinClass::Emergency,
                not_after,
            )
        };
        let first = ours.certificate().unwrap();
        let later = NOW + 4 * year;
        for (certificate, why) in [
            (
                issued(&ours, above.station_public().unwrap(), later),
                "another station",
            ),
            (issued(&above, station, later), "another root key"),
            (issued(&ours, station, NOW), "over already"),
        ] {
            let error = ours.install(certificate, None, NOW).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert_eq!(ours.certificate().unwrap(), first);
        }

        let renewed = issued(&ours, station, NOW + 9 * year);
        ours.install(renewed, None, NOW + 4 * year).unwrap();
        assert_eq!(ours.signer().unwrap().certificate(), &renewed);
        // A commune's station that speaks to the receivers of the province.
        let root = above.root_public().unwrap();
        let given = issued(&above, station, later);
        ours.install(given, Some(root), NOW).unwrap();
        assert_eq!(
            (ours.certificate().unwrap(), ours.root_public().unwrap()),
            (given, root)
        );
    }

    #[test]
    fn people_are_told_thirty_days_before_a_certificate_ends() {
        let day = Duration::from_secs(86_400);
        assert_eq!(expiry(NOW + 30 * day, NOW), None);
        assert_eq!(
            expiry(NOW + 29 * day, NOW),
            Some(Trouble::CertificateEnds(29 * day))
        );
        assert_eq!(
            expiry(NOW, NOW + day),
            Some(Trouble::CertificateEnds(Duration::ZERO))
        );
    }
}
