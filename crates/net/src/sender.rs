//! One UDP socket that sends to any multicast group. It never blocks: what cannot go is dropped and counted by name.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::interface::{Interface, InterfaceChoice, InterfaceError};

/// How to send.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// Which interface the datagrams leave by.
    pub interface: InterfaceChoice,
    /// A group that will be sent to: it decides the route when the interface is `auto`.
    pub towards: Ipv4Addr,
    /// Routers that a datagram may cross, plus one: 1 keeps it on the link. Not 0, which Linux
    /// keeps on this machine only while a program here has joined the group: send by 127.0.0.1 for that.
    pub ttl: u8,
    /// Differentiated-services code point, 0 to 63; 46 is expedited forwarding (RFC 3246).
    pub dscp: u8,
    /// Whether receivers on this machine hear it too.
    pub loopback: bool,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            interface: InterfaceChoice::Auto,
            towards: Ipv4Addr::new(239, 192, 0, 0),
            ttl: 16,
            dscp: 46,
            loopback: true,
        }
    }
}

/// Sends datagrams; may be shared between threads.
#[derive(Debug)]
pub struct MulticastSender {
    socket: Socket,
    interface: Interface,
    counts: Counters,
}

/// Why a datagram was not sent. The stream goes on: the receiver repairs or conceals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendDrop {
    /// The socket's buffer is full: the link is slower than the streams.
    WouldBlock,
    /// No route, the network or the interface is down.
    Unreachable,
    /// Larger than the interface carries.
    TooLarge,
    /// The kernel is short of memory for packets, or the interface's queue is full.
    NoBuffers,
    /// A firewall rule of this machine refused it.
    Refused,
    /// Anything else.
    Other,
}

/// What became of all datagrams so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendCounts {
    /// Handed to the kernel.
    pub sent: u64,
    /// Bytes of those, without UDP and IP headers.
    pub sent_bytes: u64,
    /// Dropped, by reason.
    pub would_block: u64,
    /// See [`SendDrop::Unreachable`].
    pub unreachable: u64,
    /// See [`SendDrop::TooLarge`].
    pub too_large: u64,
    /// See [`SendDrop::NoBuffers`].
    pub no_buffers: u64,
    /// See [`SendDrop::Refused`].
    pub refused: u64,
    /// See [`SendDrop::Other`].
    pub other: u64,
}

/// Why a sender could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No interface to send by.
    #[error("no interface to send multicast by")]
    Interface(#[from] InterfaceError),
    /// The code point has only six bits.
    #[error("DSCP is {0}; write 0 to 63")]
    Dscp(u8),
    /// Zero does not do what it seems to.
    #[error("TTL is 0; write 1 to 255, and to stay on this machine send by the interface 127.0.0.1")]
    Ttl,
    /// The kernel refused a socket or an option.
    #[error("cannot {step} for sending by {interface}")]
    Socket {
        /// What was being done.
        step: &'static str,
        /// The interface.
        interface: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl MulticastSender {
    /// Opens the socket and fixes its interface, TTL, DSCP and loopback.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(config: &SenderConfig) -> Result<Self, OpenError> {
        if config.dscp > 63 {
            return Err(OpenError::Dscp(config.dscp));
        }
        if config.ttl == 0 {
            return Err(OpenError::Ttl);
        }
        let interface = config.interface.resolve(config.towards)?;
        let address = interface
            .address
            .expect("`resolve` gives only interfaces with an address");
        let failed = |step| {
            let interface = interface.name.clone();
            move |source| OpenError::Socket {
                step,
                interface,
                source,
            }
        };
        let socket =
            Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).map_err(failed("open a socket"))?;
        socket
            .set_nonblocking(true)
            .map_err(failed("make the socket non-blocking"))?;
        socket
            .set_multicast_if_v4(&address)
            .map_err(failed("choose the interface"))?;
        socket
            .set_multicast_ttl_v4(config.ttl.into())
            .map_err(failed("set the TTL"))?;
        socket
            .set_multicast_loop_v4(config.loopback)
            .map_err(failed("set the loopback"))?;
        socket
            .set_tos_v4(u32::from(config.dscp) << 2)
            .map_err(failed("set the DSCP"))?;
        Ok(Self {
            socket,
            interface,
            counts: Counters::default(),
        })
    }

    /// Sends one datagram to `to`, or drops it at once.
    ///
    /// # Errors
    ///
    /// The reason for the drop, which has been counted. If reasons last that
    /// [want a new sender](SendDrop::wants_new_sender), open one.
    pub fn send(&self, to: SocketAddrV4, datagram: &[u8]) -> Result<(), SendDrop> {
        match self.socket.send_to(datagram, &SockAddr::from(to)) {
            Ok(sent) => {
                self.counts.sent.fetch_add(1, Ordering::Relaxed);
                self.counts.sent_bytes.fetch_add(sent as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                let reason = SendDrop::from_errno(error.raw_os_error());
                self.counts.of(reason).fetch_add(1, Ordering::Relaxed);
                Err(reason)
            }
        }
    }

    /// Returns the interface in use.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Returns what became of all datagrams so far.
    pub fn counts(&self) -> SendCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SendCounts {
            sent: read(&self.counts.sent),
            sent_bytes: read(&self.counts.sent_bytes),
            would_block: read(&self.counts.would_block),
            unreachable: read(&self.counts.unreachable),
            too_large: read(&self.counts.too_large),
            no_buffers: read(&self.counts.no_buffers),
            refused: read(&self.counts.refused),
            other: read(&self.counts.other),
        }
    }
}

impl SendCounts {
    /// Returns the drops by the name used in metrics and logs.
    pub fn drops(&self) -> [(SendDrop, u64); 6] {
        [
            (SendDrop::WouldBlock, self.would_block),
            (SendDrop::Unreachable, self.unreachable),
            (SendDrop::TooLarge, self.too_large),
            (SendDrop::NoBuffers, self.no_buffers),
            (SendDrop::Refused, self.refused),
            (SendDrop::Other, self.other),
        ]
    }
}

/// Prints the name used in metrics and logs.
impl fmt::Display for SendDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WouldBlock => "would_block",
            Self::Unreachable => "unreachable",
            Self::TooLarge => "too_large",
            Self::NoBuffers => "no_buffers",
            Self::Refused => "refused",
            Self::Other => "other",
        })
    }
}

impl SendDrop {
    /// Tells whether a new sender may mend it, if it lasts: the interface may have changed its address, or was made anew.
    pub const fn wants_new_sender(self) -> bool {
        matches!(self, Self::Unreachable | Self::Other)
    }

    fn from_errno(errno: Option<i32>) -> Self {
        match errno {
            Some(libc::EAGAIN) => Self::WouldBlock,
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::ENODEV) => Self::Unreachable,
            Some(libc::EMSGSIZE) => Self::TooLarge,
            Some(libc::ENOBUFS | libc::ENOMEM) => Self::NoBuffers,
            Some(libc::EPERM | libc::EACCES | libc::ECONNREFUSED) => Self::Refused,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    would_block: AtomicU64,
    unreachable: AtomicU64,
    too_large: AtomicU64,
    no_buffers: AtomicU64,
    refused: AtomicU64,
    other: AtomicU64,
}

impl Counters {
    fn of(&self, reason: SendDrop) -> &AtomicU64 {
        match reason {
            SendDrop::WouldBlock => &self.would_block,
            SendDrop::Unreachable => &self.unreachable,
            SendDrop::TooLarge => &self.too_large,
            SendDrop::NoBuffers => &self.no_buffers,
            SendDrop::Refused => &self.refused,
            SendDrop::Other => &self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SenderConfig {
        SenderConfig {
            interface: InterfaceChoice::Address(Ipv4Addr::LOCALHOST),
            ..SenderConfig::default()
        }
    }

    #[test]
    fn oversized_datagram_is_dropped_by_name() {
        let sender = MulticastSender::open(&loopback()).unwrap();
        let to = SocketAddrV4::new(Ipv4Addr::new(239, 255, 0, 1), 9);
        assert_eq!(sender.send(to, &vec![0; 70_000]), Err(SendDrop::TooLarge));
        let counts = sender.counts();
        assert_eq!((counts.sent, counts.too_large), (0, 1));
    }

    #[test]
    fn every_drop_has_its_own_name_and_counter() {
        let sender = MulticastSender::open(&loopback()).unwrap();
        for (reason, _) in SendCounts::default().drops() {
            sender.counts.of(reason).fetch_add(1, Ordering::Relaxed);
        }
        assert!(sender.counts().drops().iter().all(|(_, count)| *count == 1));
        let mut names: Vec<String> = sender
            .counts()
            .drops()
            .iter()
            .map(|(r, _)| r.to_string())
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn impossible_values_are_refused_with_the_range() {
        let rows = [
            (
                SenderConfig {
                    dscp: 64,
                    ..loopback()
                },
                "DSCP is 64; write 0 to 63",
            ),
            (SenderConfig { ttl: 0, ..loopback() }, "TTL is 0; write 1 to 255"),
        ];
        for (config, expected) in rows {
            let error = MulticastSender::open(&config).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
