//! The receiver's configuration file: TOML, unknown keys refused. `firmware-config/receiver.toml` documents each key.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_model::Channel;
use serde::Deserialize;

/// Everything a receiver is told beforehand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name by which the head-end knows this receiver.
    pub code: String,
    /// Where the receiver keeps its own key and what it must remember over a restart.
    pub state_dir: PathBuf,
    /// Log filter in `tracing` syntax.
    #[serde(default = "default_log")]
    pub log: String,
    /// Which zones it belongs to.
    pub zone: ZoneConfig,
    /// Whom it believes.
    pub station: StationConfig,
    /// Where the station sends.
    #[serde(default)]
    pub multicast: MulticastConfig,
    /// Where the sound goes.
    pub output: OutputConfig,
    /// How far its clock is trusted.
    #[serde(default)]
    pub clock: ClockConfig,
    /// Where it reports; absent means it does not.
    pub report: Option<ReportConfig>,
}

/// The receiver's place in the zone tree.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// Its own zone first, then each ancestor up to the top.
    pub chain: Vec<ZoneLink>,
}

/// One zone of the chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneLink {
    /// The zone's code, for people.
    pub code: String,
    /// Its multicast channel.
    pub channel: Channel,
}

/// Whom the receiver believes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationConfig {
    /// The installation's root public key, as `loa key show` prints it: Ed25519, base64.
    #[serde(deserialize_with = "public_key")]
    pub root_public_key: [u8; 32],
}

/// Where the station sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MulticastConfig {
    /// Group of channel 0.
    pub base: Ipv4Addr,
    /// RTP port of every group; RTCP is one above.
    pub port: u16,
    /// Interface by address or name, or `auto`.
    pub interface: String,
}

impl Default for MulticastConfig {
    fn default() -> Self {
        Self {
            base: Ipv4Addr::new(239, 192, 0, 0),
            port: 5004,
            interface: "auto".to_owned(),
        }
    }
}

/// Where the sound goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// `alsa:DEVICE`, `wav:FILE`, `pipe:COMMAND` or `null`.
    pub sink: String,
    /// Volume, dB; zero plays programmes as loud as the head-end made them.
    #[serde(default)]
    pub volume_db: f32,
    /// Ceiling of the local limiter, dBTP.
    #[serde(default = "default_limiter_dbtp")]
    pub limiter_dbtp: f32,
}

/// How far the receiver's clock is trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockConfig {
    /// When to play by the clock rather than by arrival.
    pub trust: ClockTrustConfig,
}

/// When to play by the clock rather than by arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockTrustConfig {
    /// While the kernel says that the clock is synchronised.
    #[default]
    Auto,
    /// Always: for a machine whose clock is kept by other means.
    Always,
    /// Never: always play by arrival.
    Never,
}

/// Where the receiver reports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// Base address of the head-end's panel, `http://` or `https://`.
    pub url: String,
    /// What vouches for the panel's certificate, in PEM; without it, what vouches for public sites.
    pub ca: Option<String>,
    /// Seconds between reports when nothing happens.
    #[serde(default = "default_interval_s")]
    pub interval_s: u64,
}

impl ReportConfig {
    /// Returns the time between reports.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_s)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or has an unknown, missing or malformed key.
    #[error("configuration {path} is not valid; see firmware-config/receiver.toml for every key")]
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
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`]; the message names the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Checks `text`, naming `path` in errors.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`]; the message names the key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        match config.fault() {
            None => Ok(config),
            Some((key, problem)) => Err(ConfigError::Value {
                path: path.to_owned(),
                key,
                problem,
            }),
        }
    }

    fn fault(&self) -> Option<(&'static str, String)> {
        let chain = &self.zone.chain;
        if self.code.is_empty() {
            return Some((
                "code",
                "is empty; write the receiver's code, as `loa receiver list` shows it".into(),
            ));
        }
        if chain.is_empty() {
            return Some((
                "zone.chain",
                "is empty; list the receiver's zone and its ancestors".into(),
            ));
        }
        for (i, link) in chain.iter().enumerate() {
            if let Some(twin) = chain[..i].iter().find(|other| other.channel == link.channel) {
                let problem = format!(
                    "gives channel {} to both \"{}\" and \"{}\"; each zone has its own",
                    link.channel, twin.code, link.code
                );
                return Some(("zone.chain", problem));
            }
        }
        if !self.multicast.base.is_multicast() {
            let problem = format!(
                "is {}, not a multicast address such as 239.192.0.0",
                self.multicast.base
            );
            return Some(("multicast.base", problem));
        }
        if !(-60.0..=12.0).contains(&self.output.volume_db) {
            let problem = format!("is {}; write -60 to 12 dB", self.output.volume_db);
            return Some(("output.volume_db", problem));
        }
        if !(-20.0..=0.0).contains(&self.output.limiter_dbtp) {
            let problem = format!("is {}; write -20 to 0 dBTP", self.output.limiter_dbtp);
            return Some(("output.limiter_dbtp", problem));
        }
        let report = self.report.as_ref()?;
        if !report.url.starts_with("http://") && !report.url.starts_with("https://") {
            return Some((
                "report.url",
                format!("is \"{}\"; it begins with http:// or https://", report.url),
            ));
        }
        let is_certificate = |ca: &String| ureq::tls::Certificate::from_pem(ca.as_bytes()).is_ok();
        if report.ca.as_ref().is_some_and(|ca| !is_certificate(ca)) {
            let problem = "holds no certificate in PEM; copy what `loa receiver config` prints";
            return Some(("report.ca", problem.to_owned()));
        }
        if !(1..=INTERVAL_S_MAX).contains(&report.interval_s) {
            return Some((
                "report.interval_s",
                format!("is {}; write 1 to {INTERVAL_S_MAX} s", report.interval_s),
            ));
        }
        None
    }
}

fn public_key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64.decode(text.trim()).map_err(serde::de::Error::custom)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| {
        serde::de::Error::custom(format!(
            "a root public key is 32 bytes in base64; this is {length} bytes"
        ))
    })
}

fn default_log() -> String {
    "info".to_owned()
}

const fn default_limiter_dbtp() -> f32 {
    -1.5
}

const fn default_interval_s() -> u64 {
    10
}

/// The head-end takes a receiver for lost that says nothing for a minute; one report of two may be lost.
const INTERVAL_S_MAX: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        code = "loa-1"
        state_dir = "/var/lib/loa-receiver"
        zone.chain = [{ code = "thon-1", channel = 4 }, { code = "tinh", channel = 1 }]
        station.root_public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        output.sink = "null"
    "#;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("receiver.toml")).map_err(|error| {
            let source = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("{error} {source}")
        })
    }

    #[test]
    fn short_file_gets_defaults() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.multicast.port, 5004);
        assert_eq!(config.clock.trust, ClockTrustConfig::Auto);
        assert!(config.report.is_none());
    }

    #[test]
    fn documented_sample_parses() {
        let sample = include_str!("../../../firmware-config/receiver.toml");
        parse(sample).unwrap();
    }

    /// Each row: a line added to, or replacing part of, a good file, and what the refusal says.
    #[test]
    fn refusals_name_the_key() {
        let rows = [
            ("code = \"loa-1\"", "code = \"\"", "code is empty"),
            (
                "code = \"loa-1\"",
                "code = \"a\"\nvolumne = 3",
                "unknown field `volumne`",
            ),
            ("channel = 1", "channel = 4", "gives channel 4 to both"),
            ("output.sink = \"null\"", "", "missing field `output`"),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "AAAA",
                "this is 3 bytes",
            ),
            (
                "output.sink",
                "multicast.base = \"10.0.0.1\"\noutput.sink",
                "not a multicast address",
            ),
            (
                "output.sink",
                "output.volume_db = 40\noutput.sink",
                "write -60 to 12 dB",
            ),
            (
                "output.sink",
                "report.url = \"ftp://x\"\noutput.sink",
                "begins with http",
            ),
            (
                "output.sink",
                "report.url = \"http://x\"\nreport.interval_s = 60\noutput.sink",
                "write 1 to 30 s",
            ),
            (
                "output.sink",
                "clock.trust = \"maybe\"\noutput.sink",
                "unknown variant `maybe`",
            ),
        ];
        for (old, new, expected) in rows {
            let error = parse(&GOOD.replacen(old, new, 1)).unwrap_err();
            assert!(error.contains(expected), "{new}: {error}");
        }
    }
}
