//! Signed RTP packets, one Opus packet in each (RFC 3550, RFC 7587).

use std::net::SocketAddrV4;

use loa_model::WallTime;
use rtp_rs::{RtpPacketBuilder, RtpReader};

use crate::extension::{self, EXTENSION_BYTES, Elements, PROFILE, SIGNATURE_AT};
use crate::fields::Fields;
use crate::signature::{Domain, SIGNATURE_BYTES};
use crate::{DATAGRAM_BYTES_MAX, KeyId, OnAir, SignatureError, Signer, StationKey, WireError};

/// What the RTP header says (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// First packet after silence (RFC 3551 §4.1).
    pub marker: bool,
    /// Counts packets; wraps.
    pub sequence: u16,
    /// 48 kHz ticks (RFC 7587 §4.1); wraps.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: u32,
}

/// A datagram that is laid out as ours are. Nothing in it is to be believed before [`verify`](Self::verify).
#[derive(Clone, Copy, Debug)]
pub struct RtpPacket<'a> {
    /// The RTP header.
    pub header: RtpHeader,
    /// 64-bit NTP time of the first sample, before the playout delay (RFC 6051 §3.1).
    pub ntp: u64,
    /// Which session, and how to play it.
    pub onair: OnAir,
    /// Whose signature it claims to carry.
    pub key_id: KeyId,
    /// One Opus packet.
    pub payload: &'a [u8],
    datagram: &'a [u8],
    signature_at: usize,
}

/// Writes one signed datagram into `out`, which is cleared first.
///
/// `at` is the time of the first sample, before the playout delay.
///
/// # Errors
///
/// [`WireError::PayloadTooLong`] if it would not fit one datagram.
pub fn write_rtp(
    out: &mut Vec<u8>,
    header: &RtpHeader,
    at: WallTime,
    onair: &OnAir,
    payload: &[u8],
    signer: &Signer,
    to: SocketAddrV4,
) -> Result<(), WireError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(WireError::PayloadTooLong(payload.len()));
    }
    let extension = extension::write(at.to_ntp64(), &onair.encode(), signer.id());
    let builder = RtpPacketBuilder::new()
        .payload_type(OPUS_PAYLOAD_TYPE)
        .marked(header.marker)
        .sequence(header.sequence.into())
        .timestamp(header.timestamp)
        .ssrc(header.ssrc)
        .extension(PROFILE, &extension)
        .payload(payload);
    out.clear();
    out.resize(builder.target_length(), 0);
    builder
        .build_into(out)
        .map_err(|_| WireError::PayloadTooLong(payload.len()))?;
    signer.sign(
        Domain::Rtp,
        to,
        out,
        RTP_HEADER_BYTES + EXTENSION_HEADER_BYTES + SIGNATURE_AT,
    )
}

/// Reads a datagram without believing it. Allocates nothing.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_rtp(datagram: &[u8]) -> Result<RtpPacket<'_>, WireError> {
    if datagram.len() > DATAGRAM_BYTES_MAX {
        return Err(WireError::TooLong);
    }
    let reader = RtpReader::new(datagram).map_err(|_| WireError::NotRtp)?;
    if reader.payload_type() != OPUS_PAYLOAD_TYPE {
        return Err(WireError::PayloadType(reader.payload_type()));
    }
    let (profile, data) = reader.extension().ok_or(WireError::Element("sig"))?;
    let elements = Elements::read(profile, data)?;
    let mut ntp = Fields::new(elements.ntp, "ntp-64");
    let mut signature = Fields::new(elements.signature, "sig");
    let (ntp_value, key_id) = (ntp.u64()?, signature.u32()?);
    signature.array::<SIGNATURE_BYTES>()?;
    ntp.end()?;
    signature.end()?;
    let data_at = reader.payload_offset() - data.len();
    Ok(RtpPacket {
        header: RtpHeader {
            marker: reader.mark(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
        },
        ntp: ntp_value,
        onair: OnAir::decode(elements.onair)?,
        key_id,
        payload: reader.payload(),
        datagram,
        signature_at: data_at + elements.signature_at + size_of::<KeyId>(),
    })
}

impl RtpPacket<'_> {
    /// Checks that `key` signed every byte of it, for this destination.
    ///
    /// # Errors
    ///
    /// See [`SignatureError`].
    pub fn verify(&self, key: &StationKey, to: SocketAddrV4) -> Result<(), SignatureError> {
        if self.key_id != key.id() {
            return Err(SignatureError::OtherKey);
        }
        key.verify(Domain::Rtp, to, self.datagram, self.signature_at)
    }

    /// Returns the whole datagram it was read from.
    pub const fn datagram(&self) -> &[u8] {
        self.datagram
    }
}

/// Dynamic payload type that our SDP gives to Opus.
pub const OPUS_PAYLOAD_TYPE: u8 = 96;
/// Bytes of the longest Opus packet that fits one datagram.
pub const PAYLOAD_BYTES_MAX: usize =
    DATAGRAM_BYTES_MAX - RTP_HEADER_BYTES - EXTENSION_HEADER_BYTES - EXTENSION_BYTES;
const RTP_HEADER_BYTES: usize = 12;
const EXTENSION_HEADER_BYTES: usize = 4;
