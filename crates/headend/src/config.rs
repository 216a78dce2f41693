//! The head-end's configuration file: TOML, unknown keys refused. `firmware-config/headend.toml` documents each key.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use loa_model::{BulletinClass, Role};
use serde::{Deserialize, Serialize};

/// Everything the head-end is told beforehand.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file that it was read from.
    #[serde(skip)]
    pub file: PathBuf,
    /// Database, media, keys: everything it keeps.
    pub data_dir: PathBuf,
    /// Log filter in `tracing` syntax.
    #[serde(default = "default_log")]
    pub log: String,
    /// Who and where the station is.
    #[serde(default)]
    pub station: StationConfig,
    /// Where and how it sends.
    #[serde(default)]
    pub multicast: MulticastConfig,
    /// How long receivers wait before they play.
    #[serde(default)]
    pub playout: PlayoutConfig,
    /// How media is prepared.
    #[serde(default)]
    pub media: MediaConfig,
    /// The operators' pages.
    #[serde(default)]
    pub panel: PanelConfig,
}

/// Who and where the station is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StationConfig {
    /// Name shown to people, and sent as the RTCP canonical name.
    pub name: String,
    /// Time zone in which schedules are written (IANA name).
    pub time_zone: Tz,
}

impl Default for StationConfig {
    fn default() -> Self {
        Self {
            name: "Loa".to_owned(),
            time_zone: Tz::Asia__Ho_Chi_Minh,
        }
    }
}

/// Where and how the head-end sends.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MulticastConfig {
    /// Group of channel 0; organisation-local scope unless changed (RFC 2365 §6.2).
    pub base: Ipv4Addr,
    /// RTP port of every group; RTCP is one above.
    pub port: u16,
    /// Interface by address or name, or `auto`.
    pub interface: String,
    /// Routers a datagram may cross.
    pub ttl: u8,
    /// Differentiated services code point; 46 is expedited forwarding (RFC 3246).
    pub dscp: u8,
    /// Whether to announce each zone's stream by SAP (RFC 2974).
    pub announce: bool,
}

impl Default for MulticastConfig {
    fn default() -> Self {
        Self {
            base: Ipv4Addr::new(239, 192, 0, 0),
            port: 5004,
            interface: "auto".to_owned(),
            ttl: 8,
            dscp: 46,
            announce: true,
        }
    }
}

/// How long receivers wait before they play what was sent, and what sounds when nothing does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlayoutConfig {
    /// For scheduled programmes, ms.
    pub programme_delay_ms: u16,
    /// For live and emergency sessions, ms.
    pub urgent_delay_ms: u16,
    /// Whether programmes and overrides that ask for the chime get it.
    pub chime: bool,
    /// Title of what sounds, over and over, in the place of dead air; none if nothing does. While the library does not
    /// hold it, nothing does.
    pub fill: Option<String>,
    /// What is on air and quieter than this is dead air, dBFS.
    pub dead_air_dbfs: f32,
    /// For how long, s.
    pub dead_air_s: u16,
    /// A source of a relay that is quieter than this is silent, dBFS; the programme says for how long it may be.
    pub relay_silence_dbfs: f32,
}

impl PlayoutConfig {
    /// Returns how long receivers wait before they play a session of this class.
    pub fn delay(&self, class: BulletinClass) -> Duration {
        let urgent = class >= BulletinClass::Live;
        Duration::from_millis(u64::from(if urgent {
            self.urgent_delay_ms
        } else {
            self.programme_delay_ms
        }))
    }
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self {
            programme_delay_ms: 600,
            urgent_delay_ms: 200,
            chime: true,
            fill: None,
            dead_air_dbfs: -60.0,
            dead_air_s: 5,
            relay_silence_dbfs: -50.0,
        }
    }
}

/// How media is prepared.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// Integrated loudness that imports are brought to, LUFS.
    pub target_lufs: f64,
    /// True peak they stay under, dBTP.
    pub true_peak_dbtp: f64,
    /// Opus bit rate unless an import says otherwise, bit/s.
    pub bitrate: u32,
    /// Longest file accepted, minutes.
    pub limit_min: u32,
    /// Largest file that the panel takes, MB.
    pub upload_max_mb: u32,
}

impl MediaConfig {
    /// Returns the longest length accepted.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.limit_min) * 60)
    }

    /// Returns the most bytes of a file that the panel takes.
    pub fn upload_bytes_max(&self) -> u64 {
        u64::from(self.upload_max_mb) * 1_000_000
    }
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            target_lufs: -16.0,
            true_peak_dbtp: -1.5,
            bitrate: 32_000,
            limit_min: 240,
            upload_max_mb: 2_000,
        }
    }
}

/// The operators' pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PanelConfig {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Whether the panel speaks TLS.
    pub tls: Tls,
    /// Names by which people call this machine, besides its own name and its addresses; the first is the one that
    /// receivers report to.
    pub names: Vec<String>,
    /// A certificate and what vouches for it, in PEM; without one, the station makes its own.
    pub certificate: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<PathBuf>,
    /// Who holds one of these roles must have one-time codes.
    pub totp_roles: Vec<Role>,
    /// Slower than this from a pressed button to a loudspeaker, health and metrics tell, ms.
    pub time_to_air_alarm_ms: u32,
}

/// Whether the panel speaks TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Wherever others than this machine can reach it.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never: behind a proxy that does, or in a private network of its own.
    Off,
}

impl Default for PanelConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: Tls::default(),
            names: Vec::new(),
            certificate: None,
            key: None,
            totp_roles: Vec::new(),
            time_to_air_alarm_ms: 4_000,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {path}; `loa init DIR` makes a new installation with one")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or has an unknown, missing or malformed key.
    #[error("configuration {path} is not valid; see firmware-config/headend.toml for every key")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is of the right kind but cannot be meant.
    #[error("configuration {path}: {key} {problem}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong and what to write.
        problem: String,
    },
}

impl Config {
    /// Reads and checks the file at `path`; relative paths are taken from the file's own directory.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`]; the message names the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::parse(&text, path)?;
        if let Some(base) = path.parent() {
            let PanelConfig { certificate, key, .. } = &mut config.panel;
            let own = std::iter::once(&mut config.data_dir);
            for path in own.chain(certificate).chain(key) {
                *path = base.join(&*path);
            }
        }
        Ok(config)
    }

    /// Checks `text`, naming `path` in errors.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`]; the message names the key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        path.clone_into(&mut config.file);
        match config.fault() {
            None => Ok(config),
            Some((key, problem)) => Err(ConfigError::Value {
                path: path.to_owned(),
                key,
                problem,
            }),
        }
    }

    /// What it is with nothing but a data directory.
    pub(crate) fn standard() -> Self {
        Self::parse("data_dir = \"\"", Path::new("")).expect("one key is enough")
    }

    fn fault(&self) -> Option<(&'static str, String)> {
        let multicast = &self.multicast;
        if !multicast.base.is_multicast() {
            let problem = format!(
                "is {}, not a multicast address such as 239.192.0.0",
                multicast.base
            );
            return Some(("multicast.base", problem));
        }
        if multicast.port % 2 == 1 || multicast.port == 0 {
            let problem = format!(
                "is {}; RTP takes an even port, RTCP the odd one above it",
                multicast.port
            );
            return Some(("multicast.port", problem));
        }
        if multicast.dscp > 63 {
            return Some(("multicast.dscp", format!("is {}; write 0 to 63", multicast.dscp)));
        }
        let playout = &self.playout;
        for (key, ms) in [
            ("playout.programme_delay_ms", playout.programme_delay_ms),
            ("playout.urgent_delay_ms", playout.urgent_delay_ms),
        ] {
            if !(60..=5_000).contains(&ms) {
                return Some((key, format!("is {ms}; write 60 to 5000 ms")));
            }
        }
        let panel = &self.panel;
        if panel.certificate.is_some() != panel.key.is_some() {
            let problem = "and panel.key belong together; give both or none".to_owned();
            return Some(("panel.certificate", problem));
        }
        let media = &self.media;
        if !(-40.0..=-8.0).contains(&media.target_lufs) {
            return Some((
                "media.target_lufs",
                format!("is {}; write -40 to -8 LUFS", media.target_lufs),
            ));
        }
        if !(-9.0..=0.0).contains(&media.true_peak_dbtp) {
            return Some((
                "media.true_peak_dbtp",
                format!("is {}; write -9 to 0 dBTP", media.true_peak_dbtp),
            ));
        }
        if !(6_000..=256_000).contains(&media.bitrate) {
            return Some((
                "media.bitrate",
                format!("is {}; write 6000 to 256000 bit/s", media.bitrate),
            ));
        }
        if !(1..=720).contains(&media.limit_min) {
            return Some((
                "media.limit_min",
                format!("is {}; write 1 to 720 minutes", media.limit_min),
            ));
        }
        None
    }
}

fn default_log() -> String {
    "info".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("loa.toml")).map_err(|error| {
            let source = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("{error} {source}")
        })
    }

    #[test]
    fn one_key_is_enough() {
        let config = parse("data_dir = \"data\"").unwrap();
        assert_eq!(config.station.time_zone, Tz::Asia__Ho_Chi_Minh);
        assert_eq!(config.multicast.base, Ipv4Addr::new(239, 192, 0, 0));
    }

    #[test]
    fn documented_sample_parses() {
        parse(include_str!("../../../firmware-config/headend.toml")).unwrap();
    }

    #[test]
    fn refusals_name_the_key() {
        let rows = [
            ("", "missing field `data_dir`"),
            ("colour = 1", "unknown field `colour`"),
            ("multicast.base = \"10.0.0.1\"", "multicast.base is 10.0.0.1"),
            (
                "multicast.port = 5005",
                "multicast.port is 5005; RTP takes an even port",
            ),
            ("multicast.dscp = 64", "multicast.dscp is 64"),
            ("playout.urgent_delay_ms = 5", "playout.urgent_delay_ms is 5"),
            ("media.target_lufs = 3.0", "media.target_lufs is 3"),
            ("media.bitrate = 1", "media.bitrate is 1"),
            ("media.limit_min = 0", "media.limit_min is 0"),
            ("station.time_zone = \"Asia/Hue\"", "Asia/Hue"),
            ("panel.listen = \"localhost\"", "panel"),
            ("panel.totp_roles = [\"root\"]", "unknown variant `root`"),
        ];
        for (line, expected) in rows {
            let text = if line.is_empty() {
                String::new()
            } else {
                format!("data_dir = \"d\"\n{line}")
            };
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
