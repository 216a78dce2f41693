//! Where a programme comes from, as people write it.

use std::fmt;
use std::str::FromStr;

/// The address of another station, of a studio, or of an input of this machine.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// An endless file over HTTP or HTTPS: MP3, AAC, Ogg, Opus, FLAC.
    Http(String),
    /// HTTP Live Streaming (RFC 8216).
    Hls(String),
    /// RTP to this address and port: Opus of payload type 97, or as the SDP under the address says.
    Rtp {
        /// Group or own address.
        host: String,
        /// Port.
        port: u16,
    },
    /// An input of the sound card, as ALSA names it.
    Line(String),
}

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It begins with nothing that is known.
    #[error(
        "\"{0}\" is no address of a programme; begin it with http://, https://, hls+http, rtp:// or line:"
    )]
    Scheme(String),
    /// An RTP address without host or port.
    #[error("\"{0}\" names no address and port; write rtp://239.10.0.1:5004")]
    Rtp(String),
    /// There is nothing after the scheme.
    #[error("\"{0}\" names no station; write the address behind it")]
    Empty(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown = || redacted(text);
        if let Some(device) = text.strip_prefix("line:") {
            return if device.is_empty() {
                Err(AddressError::Empty(shown()))
            } else {
                Ok(Self::Line(device.to_owned()))
            };
        }
        if let Some(rest) = text.strip_prefix("rtp://") {
            let (host, port) = rest.rsplit_once(':').ok_or_else(|| AddressError::Rtp(shown()))?;
            let port = port.trim_end_matches('/').parse().ok().filter(|port| *port > 0);
            let port = port.filter(|_| host.parse::<std::net::IpAddr>().is_ok());
            let port = port.ok_or_else(|| AddressError::Rtp(shown()))?;
            return Ok(Self::Rtp {
                host: host.to_owned(),
                port,
            });
        }
        let (url, is_hls) = match text.strip_prefix("hls+") {
            Some(url) => (url, true),
            None => (text, path_of(text).to_lowercase().ends_with(".m3u8")),
        };
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let rest = rest.ok_or_else(|| AddressError::Scheme(shown()))?;
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        if host.is_empty() || host.starts_with(['/', ':']) {
            return Err(AddressError::Empty(shown()));
        }
        Ok(if is_hls {
            Self::Hls(url.to_owned())
        } else {
            Self::Http(url.to_owned())
        })
    }
}

/// Without name and password: addresses stand in logs.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) | Self::Hls(url) => f.write_str(&redacted(url)),
            Self::Rtp { host, port } => write!(f, "rtp://{host}:{port}"),
            Self::Line(device) => write!(f, "line:{device}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn path_of(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Takes name and password out of an address, and what stands behind a question mark, which may be a key.
pub(crate) fn redacted(url: &str) -> String {
    let url = path_of(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest
        .split_once('/')
        .map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_secrets() {
        let rows = [
            ("http://radio.example/live.mp3", "http://radio.example/live.mp3"),
            (
                "https://an:bi-mat@radio.example:8000/live?key=1",
                "https://radio.example:8000/live",
            ),
            (
                "https://radio.example/live.m3u8?token=x",
                "https://radio.example/live.m3u8",
            ),
            ("hls+http://radio.example/live", "http://radio.example/live"),
            ("rtp://239.10.0.1:5004", "rtp://239.10.0.1:5004"),
            ("line:hw:1,0", "line:hw:1,0"),
        ];
        for (text, shown) in rows {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), shown);
        }
        assert!(matches!("http://a/b.m3u8".parse(), Ok(Address::Hls(_))));
    }

    #[test]
    fn what_is_no_address_is_refused_by_name_and_without_secrets() {
        let rows = [
            ("ftp://radio.example", "no address of a programme"),
            ("live.mp3", "no address of a programme"),
            ("http://", "names no station"),
            ("http://an:bi-mat@/live", "names no station"),
            ("rtp://239.10.0.1", "no address and port"),
            ("rtp://somewhere:5004", "no address and port"),
            ("line:", "names no station"),
        ];
        for (text, expected) in rows {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("bi-mat"), "{error}");
        }
    }
}
