//! Where a relay comes from, as people write it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// The address of another station, of a studio, or of an input of the head-end's machine.
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

/// Why an address cannot be used. Each holds the address without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It begins with nothing that is known.
    #[error(
        "\"{0}\" is no address of a programme; begin it with http://, https://, hls+http://, hls+https://, rtp:// or line:"
    )]
    Scheme(String),
    /// After rtp:// stands something other than an IP address and a port.
    #[error("\"{0}\" must be an IP address and a port, and nothing else; write rtp://239.10.0.1:5004")]
    Rtp(String),
    /// What stands where the host should is none, or its port is none.
    #[error("\"{0}\" names no host that can be called; write https://radio.example:8000/live.mp3")]
    Host(String),
    /// It holds a space, which addresses write as %20.
    #[error("\"{0}\" holds a space; write it as %20")]
    Space(String),
    /// There is nothing after the scheme.
    #[error("\"{0}\" names no station; write the address behind it")]
    Empty(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown = || redacted(text);
        if let Some(device) = text.strip_prefix("line:") {
            return if device.trim().is_empty() {
                Err(AddressError::Empty(shown()))
            } else {
                Ok(Self::Line(device.to_owned()))
            };
        }
        if let Some(rest) = text.strip_prefix("rtp://") {
            return rtp(rest).ok_or_else(|| AddressError::Rtp(shown()));
        }
        let (url, is_hls) = match text.strip_prefix("hls+") {
            Some(url) => (url, true),
            None => (text, path_of(text).to_lowercase().ends_with(".m3u8")),
        };
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let rest = rest.ok_or_else(|| AddressError::Scheme(shown()))?;
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Space(shown()));
        }
        match host_and_port(authority(rest)) {
            "" => Err(AddressError::Empty(shown())),
            host if is_host_and_port(host) => Ok(if is_hls {
                Self::Hls(url.to_owned())
            } else {
                Self::Http(url.to_owned())
            }),
            _ => Err(AddressError::Host(shown())),
        }
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

/// Takes name and password out of an address, and what stands behind a question mark, which may be a key.
///
/// Of what is no address everything up to its last `@` goes: a password may hold any character, and where it ends is
/// then not known.
pub fn redacted(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let end = authority(rest);
    let host = host_and_port(end);
    let shown = if scheme.is_some() && is_host_and_port(host) {
        path_of(&rest[end.len() - host.len()..])
    } else {
        path_of(rest.rsplit_once('@').map_or(rest, |(_, after)| after))
    };
    match scheme {
        Some(scheme) => format!("{scheme}://{shown}"),
        None => shown.to_owned(),
    }
}

fn rtp(rest: &str) -> Option<Address> {
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    host.parse::<IpAddr>().ok()?;
    Some(Address::Rtp {
        host: host.to_owned(),
        port,
    })
}

fn path_of(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Returns what stands between `//` and the path (RFC 3986 §3.2).
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn host_and_port(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn is_scheme(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Tells whether it is a name or an address, with a port or without.
fn is_host_and_port(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(host, port)| {
            host.parse::<Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !host.is_empty() && host.chars().all(plain) && !host.starts_with(['-', '.']) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
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
            ("http://[2001:db8::1]:8000/live", "http://[2001:db8::1]:8000/live"),
            ("http://an@10.0.0.7?key=1@2", "http://10.0.0.7"),
            ("https://radio.example/live@hd", "https://radio.example/live@hd"),
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
            ("rtp://239.10.0.1", "must be an IP address and a port"),
            ("rtp://somewhere:5004", "must be an IP address and a port"),
            ("line:", "names no station"),
            ("https://radio.example:99999/live", "names no host"),
            ("https://radio.example:0/live", "names no host"),
            ("https://radio.example:/live", "names no host"),
            ("https://đài.vn/live", "names no host"),
            ("https://[::1/live", "names no host"),
            ("https://radio example/live", "holds a space"),
            ("https:/radio.example/live", "no address of a programme"),
            ("htps://an:bi-mat@radio.example/live", "no address of a programme"),
            ("an:bi-mat@radio.example/live", "no address of a programme"),
            ("http://an:bi-mat?#/@radio.example/live", "names no host"),
            ("http://an:/bi-mat@radio.example/live", "names no host"),
            ("hls+http://an:bi-mat@:8000/live", "names no host"),
            (
                "rtp://an:bi-mat@239.10.0.1:5004",
                "must be an IP address and a port",
            ),
        ];
        for (text, expected) in rows {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("bi-mat"), "{error}");
        }
    }
}
