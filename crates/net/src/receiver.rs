//! One socket for one multicast group: hears that group on that interface and nothing else.

use std::io::{self, IoSliceMut};
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};

use crate::clock::{ClockPair, read_clocks, timespec_ns};
use crate::interface::{Interface, InterfaceChoice, InterfaceError};

/// Largest datagram taken, bytes. Anything larger is dropped and counted: nobody in Loa sends more than an Ethernet frame.
pub const DATAGRAM_MAX: usize = 2048;

/// How to receive.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// Which interface the group is joined on.
    pub interface: InterfaceChoice,
    /// Wished size of the kernel's buffer, bytes; the kernel caps it at `net.core.rmem_max`.
    pub buffer_bytes: usize,
}

impl Default for ReceiverConfig {
    fn default() -> Self {
        // Half a second of a hundred packets a second, each charged about 1.3 kB by the kernel.
        Self {
            interface: InterfaceChoice::Auto,
            buffer_bytes: 128 * 1024,
        }
    }
}

/// A joined group.
#[derive(Debug)]
pub struct MulticastReceiver {
    socket: Socket,
    group: SocketAddrV4,
    interface: Interface,
    buffer_bytes: usize,
    control: Vec<u8>,
    /// When the socket was last known to be empty: nothing read afterwards can be older.
    empty_at_ns: u64,
    counts: ReceiveCounts,
}

/// What became of all datagrams of a group so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveCounts {
    /// Given to the caller.
    pub received: u64,
    /// Dropped here: larger than [`DATAGRAM_MAX`].
    pub oversize: u64,
    /// Dropped by the kernel because the buffer was full; wraps at 2³².
    pub kernel_full: u32,
    /// Kernel timestamps not believed, because the wall clock was set in between.
    pub stamps_refused: u64,
}

/// Why a group could not be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No interface to hear it on.
    #[error("no interface to receive {group} on")]
    Interface {
        /// The group.
        group: SocketAddrV4,
        /// Why.
        #[source]
        source: InterfaceError,
    },
    /// The address is not a multicast group.
    #[error("{0} is not a multicast group; groups are 224.0.0.0 to 239.255.255.255")]
    NotMulticast(SocketAddrV4),
    /// Another program holds the port for itself.
    #[error(
        "UDP port {port} is in use by a program that does not share it; find it with \
         `ss -ulpn 'sport = :{port}'` and stop it, or choose another `multicast.port`"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel's limit of memberships is reached.
    #[error("too many multicast memberships; raise `net.ipv4.igmp_max_memberships` (sysctl)")]
    TooMany(#[source] io::Error),
    /// The kernel refused a socket or an option.
    #[error("cannot {step} to receive {group}")]
    Socket {
        /// What was being done.
        step: &'static str,
        /// The group.
        group: SocketAddrV4,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// One datagram, still in the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) length: usize,
    pub(crate) age: Duration,
    pub(crate) from: SocketAddrV4,
}

impl MulticastReceiver {
    /// Joins `group` on the interface. The membership lasts as long as the value.
    ///
    /// Several programs may join the same group and port; each hears everything.
    ///
    /// # Errors
    ///
    /// See [`JoinError`].
    pub fn join(group: SocketAddrV4, config: &ReceiverConfig) -> Result<Self, JoinError> {
        if !group.ip().is_multicast() {
            return Err(JoinError::NotMulticast(group));
        }
        let interface = config
            .interface
            .resolve(*group.ip())
            .map_err(|source| JoinError::Interface { group, source })?;
        let failed = |step| move |source| JoinError::Socket { step, group, source };
        let socket =
            Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).map_err(failed("open a socket"))?;
        socket
            .set_nonblocking(true)
            .map_err(failed("make the socket non-blocking"))?;
        socket.set_reuse_address(true).map_err(failed("share the port"))?;
        socket
            .set_recv_buffer_size(config.buffer_bytes)
            .map_err(failed("set the buffer"))?;
        // Without this the socket hears what any other program joined on this port.
        socket
            .set_multicast_all_v4(false)
            .map_err(failed("hear only the own group"))?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)
            .map_err(|errno| failed("get kernel timestamps")(errno.into()))?;
        setsockopt(&socket, sockopt::RxqOvfl, &1)
            .map_err(|errno| failed("count kernel drops")(errno.into()))?;
        // Bound to the group, not to every address: unicast to this port is not heard.
        socket
            .bind(&SockAddr::from(group))
            .map_err(|source| match source.kind() {
                io::ErrorKind::AddrInUse => JoinError::PortInUse {
                    port: group.port(),
                    source,
                },
                _ => failed("bind")(source),
            })?;
        let by = InterfaceIndexOrAddress::Index(interface.index);
        socket
            .join_multicast_v4_n(group.ip(), &by)
            .map_err(|source| match source.raw_os_error() {
                Some(libc::ENOBUFS) => JoinError::TooMany(source),
                _ => failed("join")(source),
            })?;
        Ok(Self {
            buffer_bytes: socket
                .recv_buffer_size()
                .map_err(failed("read the buffer size"))?,
            socket,
            group,
            interface,
            control: nix::cmsg_space!(TimeSpec, u32),
            empty_at_ns: crate::clock::monotonic_ns(),
            counts: ReceiveCounts::default(),
        })
    }

    /// Returns the group and port.
    pub fn group(&self) -> SocketAddrV4 {
        self.group
    }

    /// Returns the interface it is joined on.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Returns the kernel's buffer, bytes; it counts its own bookkeeping too, so it is twice what was granted.
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// Returns what became of all datagrams so far.
    pub fn counts(&self) -> ReceiveCounts {
        self.counts
    }

    /// Notes that nothing was waiting at `mono_ns`.
    pub(crate) fn was_empty_at(&mut self, mono_ns: u64) {
        self.empty_at_ns = self.empty_at_ns.max(mono_ns);
    }

    /// Takes one waiting datagram into `buffer`; `None` if there is none. Never blocks.
    pub(crate) fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let fd = self.socket.as_raw_fd();
            let message = match recvmsg::<SockaddrIn>(
                fd,
                &mut parts,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(message) => message,
                Err(Errno::EAGAIN) => {
                    self.empty_at_ns = crate::clock::monotonic_ns();
                    return Ok(None);
                }
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let mut stamp_ns = None;
            for control in message.cmsgs().into_iter().flatten() {
                match control {
                    ControlMessageOwned::ScmTimestampns(time) => stamp_ns = Some(timespec_ns(time)),
                    ControlMessageOwned::RxqOvfl(dropped) => self.counts.kernel_full = dropped,
                    _ => {}
                }
            }
            if message.flags.contains(MsgFlags::MSG_TRUNC) {
                self.counts.oversize += 1;
                continue;
            }
            let Some(from) = message.address else { continue };
            let length = message.bytes;
            let age = believable_age(stamp_ns, read_clocks(), self.empty_at_ns);
            self.counts.stamps_refused += u64::from(age.is_none());
            self.counts.received += 1;
            let age = age.unwrap_or_default();
            return Ok(Some(Received {
                length,
                age,
                from: SocketAddrV4::new(from.ip(), from.port()),
            }));
        }
    }
}

impl AsFd for MulticastReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Returns how long ago the kernel stamped a datagram, or `None` if that cannot be.
///
/// The stamp is of the wall clock, which may have been set since; but the
/// socket was empty at `empty_at_ns` of the monotonic clock, so a datagram from
/// the future, or from before that, has a stamp of another clock.
fn believable_age(stamp_ns: Option<i64>, now: ClockPair, empty_at_ns: u64) -> Option<Duration> {
    let age_ns = now.wall_ns.checked_sub(stamp_ns?)?;
    // The stamp is taken before the reading, but in another core's view of the clock.
    let age_ns = u64::try_from(age_ns.saturating_add(SLACK_NS))
        .ok()?
        .saturating_sub(SLACK_NS.unsigned_abs());
    let age_max_ns = now
        .mono_ns
        .saturating_sub(empty_at_ns)
        .saturating_add(SLACK_NS.unsigned_abs());
    (age_ns <= age_max_ns).then(|| Duration::from_nanos(age_ns))
}

/// Clock slewing (500 ppm) and the pair's own error over the life of a datagram in a buffer.
const SLACK_NS: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: stamp (ms of wall time; now is 1000), ms since the socket was empty, and the age believed.
    #[test]
    fn age_is_believed_only_if_the_clock_was_not_set() {
        let hour = 3_600_000;
        let rows: &[(&str, Option<i64>, u64, Option<u64>)] = &[
            ("just arrived", Some(1000), 20, Some(0)),
            ("waited 5 ms", Some(995), 20, Some(5)),
            ("waited since the last look", Some(980), 20, Some(20)),
            (
                "older than the last look: clock set forward",
                Some(1000 - hour),
                20,
                None,
            ),
            ("from the future: clock set back", Some(1000 + hour), 20, None),
            ("no stamp", None, 20, None),
        ];
        for (name, stamp_ms, empty_ms, expected_ms) in rows {
            let now = ClockPair {
                mono_ns: 500_000_000,
                wall_ns: 1_000_000_000,
                uncertainty_ns: 0,
            };
            let stamp_ns = stamp_ms.map(|ms| ms * 1_000_000);
            let got = believable_age(stamp_ns, now, now.mono_ns - empty_ms * 1_000_000);
            assert_eq!(got, expected_ms.map(Duration::from_millis), "{name}");
        }
    }

    #[test]
    fn unicast_address_is_refused() {
        let error = MulticastReceiver::join("10.0.0.1:5004".parse().unwrap(), &ReceiverConfig::default());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("10.0.0.1:5004 is not a multicast group")
        );
    }
}
