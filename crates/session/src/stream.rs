//! The sending side of one zone's group: one RTP stream for the whole run of the head-end.

use std::net::SocketAddrV4;
use std::time::Duration;

use loa_model::{BulletinClass, Channel, QuietHours, SampleTime, SessionId, WallTime};
use loa_wire::{
    Addressing, Beacon, OnAir, RtpHeader, SenderCounts, Signer, WireError, write_beacon, write_bye, write_rtp,
};

use crate::player::MediaPacket;

/// What is the same for all packets of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOnAir {
    /// The session.
    pub session: SessionId,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
    /// A person with a name released it. Only an emergency says so on the wire, and only then it sounds in quiet hours.
    pub authored: bool,
    /// How long after its media time a sample sounds; whole milliseconds below 65.536 s.
    pub playout_delay: Duration,
}

/// Numbers a stream begins with; RFC 3550 §5.1 asks for random ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamStart {
    /// The stream's name on the wire.
    pub ssrc: u32,
    /// Number of its first packet.
    pub sequence: u16,
    /// RTP timestamp of sample zero of the timeline.
    pub timestamp: u32,
}

/// Packetises for one zone: numbers, stamps and signs.
#[derive(Debug)]
pub struct ZoneStream {
    channel: Channel,
    rtp: SocketAddrV4,
    rtcp: SocketAddrV4,
    cname: String,
    start: StreamStart,
    sequence: u16,
    packets: u64,
    octets: u64,
}

impl ZoneStream {
    /// Starts a stream that has sent nothing.
    ///
    /// `cname` names the station in RTCP (RFC 3550 §6.5.1).
    pub fn new(channel: Channel, addressing: Addressing, cname: &str, start: StreamStart) -> Self {
        Self {
            channel,
            rtp: addressing.rtp(channel),
            rtcp: addressing.rtcp(channel),
            cname: cname.to_owned(),
            start,
            sequence: start.sequence,
            packets: 0,
            octets: 0,
        }
    }

    /// Returns where its RTP goes.
    pub const fn rtp(&self) -> SocketAddrV4 {
        self.rtp
    }

    /// Returns where its RTCP goes.
    pub const fn rtcp(&self) -> SocketAddrV4 {
        self.rtcp
    }

    /// Returns its name on the wire.
    pub const fn ssrc(&self) -> u32 {
        self.start.ssrc
    }

    /// Returns how many packets it sent.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Returns how many bytes of Opus it sent.
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Writes the datagram for one packet of a session into `out`.
    ///
    /// # Errors
    ///
    /// [`WireError::PayloadTooLong`] for an Opus packet that fits no datagram; it uses up no number.
    pub fn write_packet(
        &mut self,
        out: &mut Vec<u8>,
        packet: &MediaPacket<'_>,
        session: &SessionOnAir,
        signer: &Signer,
    ) -> Result<(), WireError> {
        let header = RtpHeader {
            marker: packet.marker,
            sequence: self.sequence,
            timestamp: self.timestamp(packet.at),
            ssrc: self.start.ssrc,
        };
        let onair = OnAir {
            session: session.session,
            channel: self.channel,
            class: session.class,
            drill: session.drill,
            authored: session.authored && session.class == BulletinClass::Emergency,
            last: packet.last,
            playout_delay_ms: u16::try_from(session.playout_delay.as_millis()).unwrap_or(u16::MAX),
        };
        write_rtp(
            out,
            &header,
            packet.at.to_wall(),
            &onair,
            packet.payload,
            signer,
            self.rtp,
        )?;
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += packet.payload.len() as u64;
        Ok(())
    }

    /// Writes this second's beacon into `out`.
    ///
    /// `quiet` is what restricts the zone, its own rule or an ancestor's; none tells receivers that nothing does.
    ///
    /// # Errors
    ///
    /// [`WireError::Value`] for quiet hours that cannot be in force; [`WireError::TooLong`], which no name of a station
    /// reaches.
    #[expect(clippy::too_many_arguments, reason = "the fields of a beacon")]
    pub fn write_beacon(
        &self,
        out: &mut Vec<u8>,
        epoch: u32,
        now: Option<(SessionId, BulletinClass)>,
        next_start: Option<WallTime>,
        quiet: Option<&QuietHours>,
        at: WallTime,
        signer: &Signer,
    ) -> Result<(), WireError> {
        let beacon = Beacon {
            epoch,
            at,
            channel: self.channel,
            now,
            next_start,
            quiet: quiet.cloned(),
        };
        let sent = (self.packets > 0).then(|| SenderCounts {
            rtp_timestamp: self.timestamp(at.to_sample()),
            packets: low_32(self.packets),
            octets: low_32(self.octets),
        });
        write_beacon(
            out,
            &beacon,
            self.start.ssrc,
            sent,
            &self.cname,
            signer,
            self.rtcp,
        )
    }

    /// Writes a goodbye into `out`, for an orderly end.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`], which no name of a station reaches.
    pub fn write_bye(&self, out: &mut Vec<u8>, reason: &str) -> Result<(), WireError> {
        write_bye(out, self.start.ssrc, &self.cname, reason)
    }

    fn timestamp(&self, at: SampleTime) -> u32 {
        self.start.timestamp.wrapping_add(at.to_rtp())
    }
}

/// Sender reports count modulo 2^32 (RFC 3550 §6.4.1).
#[expect(clippy::cast_possible_truncation, reason = "counts on the wire wrap")]
const fn low_32(count: u64) -> u32 {
    count as u32
}
