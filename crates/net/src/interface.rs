//! Which network interface carries the multicast, and clear words when none can.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrIn;

/// An interface with an IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// One of its IPv4 addresses; `None` when it has none.
    pub address: Option<Ipv4Addr>,
    /// Set up by the administrator (`IFF_UP`).
    pub up: bool,
    /// Able to carry multicast (`IFF_MULTICAST`).
    pub multicast: bool,
    /// The loopback: reaches this machine only, and carries multicast without saying so.
    pub loopback: bool,
}

/// How the interface was named in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InterfaceChoice {
    /// The one that the routing table gives for the group.
    #[default]
    Auto,
    /// The one with this address.
    Address(Ipv4Addr),
    /// The one with this name.
    Name(String),
}

/// Why an interface cannot be used. Each message says what could be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// No interface has that name or address.
    #[error("no interface {wanted} on this machine; {alternatives}")]
    NoSuch {
        /// The name or address asked for.
        wanted: String,
        /// What there is.
        alternatives: Alternatives,
    },
    /// It is there but not up.
    #[error("interface {name} is down; bring it up (`ip link set {name} up`); {alternatives}")]
    Down {
        /// Its name.
        name: String,
        /// What else there is.
        alternatives: Alternatives,
    },
    /// It has no IPv4 address to send from.
    #[error("interface {name} has no IPv4 address; {alternatives}")]
    NoAddress {
        /// Its name.
        name: String,
        /// What else there is.
        alternatives: Alternatives,
    },
    /// It cannot carry multicast.
    #[error("interface {name} cannot carry multicast; {alternatives}")]
    NotMulticast {
        /// Its name.
        name: String,
        /// What else there is.
        alternatives: Alternatives,
    },
    /// The routing table has no way to the group.
    #[error(
        "no multicast route to {group}; name the interface in the configuration, or add a route \
         (`ip route add 224.0.0.0/4 dev INTERFACE`); {alternatives}"
    )]
    NoRoute {
        /// The group.
        group: Ipv4Addr,
        /// What there is.
        alternatives: Alternatives,
    },
    /// The kernel does not list its interfaces.
    #[error("cannot list the network interfaces")]
    List(#[source] io::Error),
}

/// The interfaces that could carry multicast, for error messages.
#[derive(Debug)]
pub struct Alternatives(Vec<Interface>);

impl InterfaceChoice {
    /// Finds the interface, ready to carry multicast towards `group`.
    ///
    /// # Errors
    ///
    /// See [`InterfaceError`].
    pub fn resolve(&self, group: Ipv4Addr) -> Result<Interface, InterfaceError> {
        let all = interfaces().map_err(InterfaceError::List)?;
        match self {
            Self::Auto => {
                let local = route_source(group);
                choose(all, group, |i| local.is_some() && i.address == local, None)
            }
            Self::Address(address) => choose(
                all,
                group,
                |i| i.address == Some(*address),
                Some(address.to_string()),
            ),
            Self::Name(name) => choose(all, group, |i| i.name == *name, Some(format!("\"{name}\""))),
        }
    }
}

impl FromStr for InterfaceChoice {
    type Err = std::convert::Infallible;

    /// Reads `auto`, an IPv4 address, or else a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match (text, text.parse()) {
            ("auto", _) => Self::Auto,
            (_, Ok(address)) => Self::Address(address),
            (name, Err(_)) => Self::Name(name.to_owned()),
        })
    }
}

/// Lists the machine's interfaces: one entry for each IPv4 address, and one for each interface without any.
///
/// # Errors
///
/// What the kernel says.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut found: Vec<Interface> = Vec::new();
    for entry in getifaddrs()? {
        let address = entry
            .address
            .as_ref()
            .and_then(|a| a.as_sockaddr_in())
            .map(SockaddrIn::ip);
        let known = found.iter().position(|i| i.name == entry.interface_name);
        match (address, known) {
            (Some(_), Some(known)) if found[known].address.is_none() => found[known].address = address,
            // The entry adds only a link-layer or IPv6 address.
            (None, Some(_)) => {}
            _ => found.push(Interface {
                index: if_nametoindex(entry.interface_name.as_str()).unwrap_or(0),
                address,
                up: entry.flags.contains(InterfaceFlags::IFF_UP),
                multicast: entry.flags.contains(InterfaceFlags::IFF_MULTICAST),
                loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                name: entry.interface_name,
            }),
        }
    }
    Ok(found)
}

/// Picks the interface that `wanted` points at and says precisely why it will not do.
/// `named` is how the configuration called it; `None` when the route decides.
fn choose(
    all: Vec<Interface>,
    group: Ipv4Addr,
    wanted: impl Fn(&Interface) -> bool,
    named: Option<String>,
) -> Result<Interface, InterfaceError> {
    let Some(found) = all.iter().find(|i| wanted(i)).cloned() else {
        let alternatives = Alternatives::among(all, None);
        return Err(match named {
            Some(wanted) => InterfaceError::NoSuch { wanted, alternatives },
            None => InterfaceError::NoRoute { group, alternatives },
        });
    };
    let name = found.name.clone();
    if !found.up {
        Err(InterfaceError::Down {
            alternatives: Alternatives::among(all, Some(&name)),
            name,
        })
    } else if found.address.is_none() {
        Err(InterfaceError::NoAddress {
            alternatives: Alternatives::among(all, Some(&name)),
            name,
        })
    } else if !found.multicast && !found.loopback {
        Err(InterfaceError::NotMulticast {
            alternatives: Alternatives::among(all, Some(&name)),
            name,
        })
    } else {
        Ok(found)
    }
}

impl Alternatives {
    fn among(all: Vec<Interface>, except: Option<&str>) -> Self {
        let usable = |i: &Interface| {
            i.up && i.address.is_some() && (i.multicast || i.loopback) && Some(i.name.as_str()) != except
        };
        Self(all.into_iter().filter(usable).collect())
    }
}

impl fmt::Display for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no interface here can carry multicast");
        }
        f.write_str("usable here:")?;
        for (i, interface) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma} {}", interface.name)?;
            match (interface.address, interface.loopback) {
                (Some(address), true) => write!(f, " ({address}, this machine only)")?,
                (Some(address), false) => write!(f, " ({address})")?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

/// Asks the routing table from which address a packet to `group` would leave; nothing is sent.
fn route_source(group: Ipv4Addr) -> Option<Ipv4Addr> {
    let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    probe.connect((group, DISCARD_PORT)).ok()?;
    match probe.local_addr().ok()? {
        SocketAddr::V4(local) => Some(*local.ip()),
        SocketAddr::V6(_) => None,
    }
    .filter(|address| !IpAddr::V4(*address).is_unspecified())
}

/// Any port does; this one is reserved for nothing to happen (RFC 863).
const DISCARD_PORT: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 192, 0, 1);

    fn interface(name: &str, address: Option<[u8; 4]>, flags: &str) -> Interface {
        Interface {
            name: name.to_owned(),
            index: 1,
            address: address.map(Ipv4Addr::from),
            up: flags.contains('u'),
            multicast: flags.contains('m'),
            loopback: flags.contains('l'),
        }
    }

    fn machine() -> Vec<Interface> {
        vec![
            interface("lo", Some([127, 0, 0, 1]), "ul"),
            interface("eth0", Some([10, 0, 0, 5]), "um"),
            interface("wlan0", Some([10, 0, 1, 5]), "m"),
            interface("usb0", None, "um"),
            interface("tun0", Some([10, 9, 0, 1]), "u"),
        ]
    }

    /// Each row: what the configuration names, and the name found or what the refusal says.
    #[test]
    fn names_the_fault_and_what_would_do() {
        let rows = [
            ("eth0", "eth0"),
            ("lo", "lo"),
            (
                "eth9",
                "no interface \"eth9\" on this machine; usable here: lo (127.0.0.1, this machine only), eth0 (10.0.0.5)",
            ),
            (
                "wlan0",
                "interface wlan0 is down; bring it up (`ip link set wlan0 up`); usable here: lo",
            ),
            ("usb0", "interface usb0 has no IPv4 address; usable here: lo"),
            ("tun0", "interface tun0 cannot carry multicast; usable here: lo"),
        ];
        for (name, expected) in rows {
            let chosen = choose(machine(), GROUP, |i| i.name == name, Some(format!("\"{name}\"")));
            let got = chosen.map_or_else(|error| error.to_string(), |i| i.name);
            assert!(got.starts_with(expected), "{name}: {got}");
        }
    }

    #[test]
    fn missing_route_names_the_remedy() {
        let error = choose(machine(), GROUP, |_| false, None).unwrap_err().to_string();
        assert!(
            error.starts_with("no multicast route to 239.192.0.1; name the interface"),
            "{error}"
        );
        assert!(
            error.contains("ip route add 224.0.0.0/4 dev INTERFACE"),
            "{error}"
        );
    }

    #[test]
    fn machine_without_any_interface_is_told_so() {
        let error = choose(Vec::new(), GROUP, |_| false, Some("eth0".into()))
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("no interface here can carry multicast"),
            "{error}"
        );
    }

    #[test]
    fn own_address_is_not_offered_as_its_own_alternative() {
        let all = vec![interface("eth0", Some([10, 0, 0, 5]), "u")];
        let error = choose(all, GROUP, |_| true, Some("eth0".into()))
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("no interface here can carry multicast"),
            "{error}"
        );
    }

    #[test]
    fn choice_is_read_as_people_write_it() {
        let read = |text: &str| text.parse::<InterfaceChoice>().unwrap();
        assert_eq!(read("auto"), InterfaceChoice::Auto);
        assert_eq!(read("127.0.0.1"), InterfaceChoice::Address(Ipv4Addr::LOCALHOST));
        assert_eq!(read("enp3s0"), InterfaceChoice::Name("enp3s0".into()));
    }

    #[test]
    fn this_machine_has_a_loopback_that_resolves() {
        let found = InterfaceChoice::Address(Ipv4Addr::LOCALHOST)
            .resolve(GROUP)
            .unwrap();
        assert!(found.loopback && found.up && found.index > 0, "{found:?}");
        assert_eq!(
            InterfaceChoice::Name(found.name.clone()).resolve(GROUP).unwrap(),
            found
        );
    }
}
