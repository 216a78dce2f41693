//! Every byte on the network: RTP, header extensions, signatures, RTCP, SDP, SAP, reports. See `docs/wire.md`.

mod addressing;
mod beacon;
mod certificate;
mod error;
mod extension;
mod fields;
mod onair;
mod quiet;
mod report;
mod rtcp;
mod rtp;
mod sap;
mod sdp;
mod signature;

pub use addressing::{Addressing, AddressingError, REPAIR_PORT_OFFSET, RTCP_PORT_OFFSET};
pub use beacon::Beacon;
pub use certificate::{CERTIFICATE_BYTES, Certificate};
pub use error::WireError;
pub use onair::OnAir;
pub use report::{
    ClockReport, PlayingReport, RECEIPTS_MAX, REPORT_BYTES_MAX, Report, ReportError, sign_report,
    verify_report,
};
pub use rtcp::{ReadRtcp, SenderCounts, SignedBeacon, read_rtcp, write_beacon, write_bye};
pub use rtp::{OPUS_PAYLOAD_TYPE, PAYLOAD_BYTES_MAX, RtpHeader, RtpPacket, read_rtp, write_rtp};
pub use sap::{SAP_GROUP, SAP_PORT, SapMessage, read_sap, write_sap};
pub use sdp::{SdpDescription, write_sdp};
pub use signature::{KeyId, SignatureError, Signer, StationKey, key_id, public_key};

/// Bytes in the longest datagram that is sent or accepted; fits an Ethernet frame with room for a tunnel's headers.
pub const DATAGRAM_BYTES_MAX: usize = 1_400;
