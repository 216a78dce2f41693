//! Where the datagrams of a zone go.

use std::net::{Ipv4Addr, SocketAddrV4};

use loa_model::Channel;

/// The installation's groups: channel `n` has the group `base + n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressing {
    base: Ipv4Addr,
    rtp_port: u16,
}

/// Why groups and ports cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressingError {
    /// A channel's group would not be multicast (RFC 5771).
    #[error("{0} plus 65535 channels leaves multicast; use a base such as 239.192.0.0 (RFC 2365)")]
    Base(Ipv4Addr),
    /// RTP ports are even, and the two ports above are used too (RFC 3550 §11).
    #[error("port {0} cannot be an RTP port; use an even one from 1024 to 65532, such as 5004")]
    Port(u16),
}

impl Addressing {
    /// Checks that every channel has a group and every group its ports.
    ///
    /// # Errors
    ///
    /// See [`AddressingError`].
    pub fn new(base: Ipv4Addr, rtp_port: u16) -> Result<Self, AddressingError> {
        let highest = u32::from(base)
            .checked_add(u32::from(u16::MAX))
            .map(Ipv4Addr::from);
        if !base.is_multicast() || !highest.is_some_and(|highest| highest.is_multicast()) {
            return Err(AddressingError::Base(base));
        }
        if rtp_port < 1_024 || !rtp_port.is_multiple_of(2) || rtp_port > u16::MAX - REPAIR_PORT_OFFSET {
            return Err(AddressingError::Port(rtp_port));
        }
        Ok(Self { base, rtp_port })
    }

    /// Returns a channel's group.
    pub fn group(&self, channel: Channel) -> Ipv4Addr {
        // `new` checked that this stays below 240.0.0.0.
        Ipv4Addr::from(u32::from(self.base).wrapping_add(u32::from(channel.0)))
    }

    /// Returns where a channel's RTP goes.
    pub fn rtp(&self, channel: Channel) -> SocketAddrV4 {
        SocketAddrV4::new(self.group(channel), self.rtp_port)
    }

    /// Returns where a channel's RTCP goes.
    pub fn rtcp(&self, channel: Channel) -> SocketAddrV4 {
        SocketAddrV4::new(self.group(channel), self.rtp_port + RTCP_PORT_OFFSET)
    }
}

/// RTCP goes to the port above RTP (RFC 3550 §11).
pub const RTCP_PORT_OFFSET: u16 = 1;
/// Kept free for repair packets.
pub const REPAIR_PORT_OFFSET: u16 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_count_up_from_the_base() {
        let addressing = Addressing::new(Ipv4Addr::new(239, 192, 0, 250), 5004).unwrap();
        assert_eq!(addressing.rtp(Channel(3)).to_string(), "239.192.0.253:5004");
        assert_eq!(addressing.rtcp(Channel(10)).to_string(), "239.192.1.4:5005");
    }

    #[test]
    fn refuses_what_cannot_hold_every_channel() {
        let base = Ipv4Addr::new(239, 192, 0, 0);
        assert!(Addressing::new(Ipv4Addr::new(10, 0, 0, 0), 5004).is_err());
        assert!(Addressing::new(Ipv4Addr::new(239, 255, 255, 0), 5004).is_err());
        for port in [0, 80, 5005, u16::MAX - 1, u16::MAX] {
            assert_eq!(Addressing::new(base, port), Err(AddressingError::Port(port)));
        }
        assert!(Addressing::new(base, u16::MAX - 3).is_ok());
    }
}
