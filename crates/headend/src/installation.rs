//! An installation on disk: configuration, database, media, keys. `docs/ARCHITECTURE.md` shows the layout.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_model::{BulletinClass, Channel, WallTime};
use loa_store::Store;
use loa_wire::{Addressing, AddressingError, Certificate, Signer, public_key};

use crate::config::Config;
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

    /// Returns the root's secret key, if it is kept on this machine.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be read.
    pub fn root_secret(&self) -> Result<Option<[u8; 32]>, InstallationError> {
        let path = self.key("root.key");
        if path.exists() {
            read_key(&path).map(Some)
        } else {
            Ok(None)
        }
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

fn read_key(path: &Path) -> Result<[u8; 32], InstallationError> {
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
const CERTIFICATE_LIFE: Duration = Duration::from_secs(5 * 365 * 86_400);

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
        let root = public_key(&installation.root_secret().unwrap().unwrap());
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
}
