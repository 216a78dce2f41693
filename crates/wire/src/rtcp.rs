//! RTCP: sender reports, names, the signed beacon, and goodbyes (RFC 3550 §6).

use std::net::SocketAddrV4;

use loa_model::WallTime;
use rtcp_types::{
    App, Bye, Compound, CompoundBuilder, Packet, ReceiverReport, RtcpPacketWriterExt as _, Sdes, SdesChunk,
    SdesItem, SenderReport,
};

use crate::beacon::Beacon;
use crate::certificate::Certificate;
use crate::signature::{Domain, SIGNATURE_BYTES};
use crate::{DATAGRAM_BYTES_MAX, KeyId, SignatureError, Signer, StationKey, WireError};

/// What a sender report says of its stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderCounts {
    /// RTP timestamp of the instant at which the report is sent.
    pub rtp_timestamp: u32,
    /// Packets sent; wraps.
    pub packets: u32,
    /// Payload bytes sent; wraps.
    pub octets: u32,
}

/// What one RTCP datagram holds, as far as we care.
#[derive(Clone, Debug)]
pub struct ReadRtcp<'a> {
    /// The stream it speaks of.
    pub ssrc: u32,
    /// A goodbye. Nobody signs it, so nobody acts on it.
    pub bye: bool,
    /// The beacon, not yet to be believed.
    pub beacon: Option<SignedBeacon<'a>>,
}

/// A beacon as it came. Nothing in it is to be believed before [`verify`](Self::verify).
#[derive(Clone, Debug)]
pub struct SignedBeacon<'a> {
    /// What it says.
    beacon: Beacon,
    /// The root's word for the station's key; has a signature of its own.
    pub certificate: Certificate,
    /// Whose signature it claims to carry.
    pub key_id: KeyId,
    datagram: &'a [u8],
}

impl SignedBeacon<'_> {
    /// Returns what it says, if `key` signed every byte of the datagram for this destination.
    ///
    /// # Errors
    ///
    /// See [`SignatureError`].
    pub fn verify(&self, key: &StationKey, to: SocketAddrV4) -> Result<Beacon, SignatureError> {
        if self.key_id != key.id() {
            return Err(SignatureError::OtherKey);
        }
        // The beacon is the last packet of its compound and the signature the last field of the beacon.
        let at = self
            .datagram
            .len()
            .checked_sub(SIGNATURE_BYTES)
            .ok_or(SignatureError::Mismatch)?;
        key.verify(Domain::Rtcp, to, self.datagram, at)?;
        Ok(self.beacon.clone())
    }
}

/// Writes one compound packet into `out`: SR (or an empty RR when nothing was sent yet), SDES CNAME, APP "LOAB".
///
/// `cname` is at most 255 bytes of UTF-8 (RFC 3550 §6.5); a longer one is cut.
///
/// # Errors
///
/// [`WireError::Value`] for quiet hours that cannot be in force, see [`QuietPolicy::check`](loa_model::QuietPolicy::check);
/// [`WireError::TooLong`] if it does not fit a datagram, which no valid input does.
pub fn write_beacon(
    out: &mut Vec<u8>,
    beacon: &Beacon,
    ssrc: u32,
    sent: Option<SenderCounts>,
    cname: &str,
    signer: &Signer,
    to: SocketAddrV4,
) -> Result<(), WireError> {
    let data = beacon.encode(signer.certificate(), signer.id())?;
    let compound = match sent {
        Some(sent) => Compound::builder().add_packet(
            SenderReport::builder(ssrc)
                .ntp_timestamp(beacon.at.to_ntp64())
                .rtp_timestamp(sent.rtp_timestamp)
                .packet_count(sent.packets)
                .octet_count(sent.octets),
        ),
        None => Compound::builder().add_packet(ReceiverReport::builder(ssrc)),
    };
    let app = App::builder(ssrc, BEACON_NAME).data(&data);
    write(out, &compound.add_packet(name(ssrc, cname)).add_packet(app))?;
    let at = out.len() - SIGNATURE_BYTES;
    signer.sign(Domain::Rtcp, to, out, at)
}

/// Writes a goodbye into `out` (RFC 3550 §6.6): for plain players, ours do not act on it.
///
/// # Errors
///
/// [`WireError::TooLong`] if it does not fit a datagram, which no valid input does.
pub fn write_bye(out: &mut Vec<u8>, ssrc: u32, cname: &str, reason: &str) -> Result<(), WireError> {
    let compound = Compound::builder()
        .add_packet(ReceiverReport::builder(ssrc))
        .add_packet(name(ssrc, cname))
        .add_packet(Bye::builder().add_source(ssrc).reason(cut(reason)));
    write(out, &compound)
}

/// Reads a datagram without believing it.
///
/// Times are taken in the NTP era nearest to `near`.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_rtcp(datagram: &[u8], near: WallTime) -> Result<ReadRtcp<'_>, WireError> {
    if datagram.len() > DATAGRAM_BYTES_MAX {
        return Err(WireError::TooLong);
    }
    let compound = Compound::parse(datagram).map_err(|_| WireError::NotRtcp)?;
    let (mut ssrc, mut bye, mut beacon) = (None, false, None);
    for packet in compound {
        match packet.map_err(|_| WireError::NotRtcp)? {
            Packet::Sr(report) => ssrc = Some(report.ssrc()),
            Packet::Rr(report) => ssrc = Some(report.ssrc()),
            Packet::Bye(_) => bye = true,
            Packet::App(app) if app.name() == *BEACON_NAME_BYTES => {
                // Cut from the datagram itself, whose end it must reach: what follows would not be signed over rightly.
                let data = app_data(datagram, &app)?;
                let (read, certificate, key_id) = Beacon::decode(data, near)?;
                beacon = Some(SignedBeacon {
                    beacon: read,
                    certificate,
                    key_id,
                    datagram,
                });
            }
            _ => {}
        }
    }
    Ok(ReadRtcp {
        ssrc: ssrc.ok_or(WireError::NotRtcp)?,
        bye,
        beacon,
    })
}

/// Returns the data of the beacon, which must be the last thing in the datagram.
fn app_data<'a>(datagram: &'a [u8], app: &App<'_>) -> Result<&'a [u8], WireError> {
    if app.padding().is_some() {
        return Err(WireError::Value("beacon padding"));
    }
    let data = datagram
        .get(datagram.len().saturating_sub(app.data().len())..)
        .unwrap_or_default();
    if data == app.data() {
        Ok(data)
    } else {
        Err(WireError::Value("beacon place"))
    }
}

fn name(ssrc: u32, cname: &str) -> rtcp_types::SdesBuilder<'_> {
    let item = SdesItem::builder(SdesItem::CNAME, cut(cname));
    Sdes::builder().add_chunk(SdesChunk::builder(ssrc).add_item(item))
}

/// Cuts text to what an SDES item or a BYE reason holds.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

fn write(out: &mut Vec<u8>, compound: &CompoundBuilder<'_>) -> Result<(), WireError> {
    out.clear();
    out.resize(DATAGRAM_BYTES_MAX, 0);
    let written = compound.write_into(out).map_err(|_| WireError::TooLong)?;
    out.truncate(written);
    Ok(())
}

const BEACON_NAME: &str = "LOAB";
const BEACON_NAME_BYTES: &[u8; 4] = b"LOAB";
const TEXT_BYTES_MAX: usize = 255;
