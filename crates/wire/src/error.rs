//! Why bytes from the network are not what they should be.

/// Why a datagram is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than anything we send.
    #[error("datagram is longer than {} bytes", crate::DATAGRAM_BYTES_MAX)]
    TooLong,
    /// It ends before something that must be there.
    #[error("datagram ends inside its {0}")]
    Truncated(&'static str),
    /// Not RTP version 2, or its lengths contradict each other (RFC 3550 §5.1).
    #[error("not an RTP packet")]
    NotRtp,
    /// Not a compound RTCP packet (RFC 3550 §6.1).
    #[error("not an RTCP packet")]
    NotRtcp,
    /// An RTP payload type that is not ours.
    #[error("payload type {0} is not Opus as the SDP announces it")]
    PayloadType(u8),
    /// Not the two-byte form of RFC 8285 §4.3, or an element that runs over its end.
    #[error("header extension is not well formed")]
    Extension,
    /// An element of the header extension is not there, or there twice.
    #[error("header extension holds no single {0} element")]
    Element(&'static str),
    /// A field holds what it may not.
    #[error("field {0} holds an unknown value")]
    Value(&'static str),
    /// What is to be sent is longer than one datagram may be.
    #[error("payload of {0} bytes does not fit one datagram")]
    PayloadTooLong(usize),
}
