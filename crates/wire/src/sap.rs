//! Session announcements: how plain players find the zones by themselves (RFC 2974).

use std::net::Ipv4Addr;

use crate::WireError;
use crate::fields::Fields;

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SapMessage<'a> {
    /// The session is over: players take it off their lists.
    pub delete: bool,
    /// Names this version of the description, together with `origin`; not zero.
    pub id: u16,
    /// Who announces.
    pub origin: Ipv4Addr,
    /// The session description.
    pub sdp: &'a str,
}

/// Writes an announcement into `out`, which is cleared first.
pub fn write_sap(out: &mut Vec<u8>, message: &SapMessage<'_>) {
    out.clear();
    out.push(VERSION_1 | if message.delete { FLAG_DELETE } else { 0 });
    out.push(0);
    out.extend_from_slice(&message.id.to_be_bytes());
    out.extend_from_slice(&message.origin.octets());
    out.extend_from_slice(PAYLOAD_TYPE);
    out.extend_from_slice(message.sdp.as_bytes());
}

/// Reads an announcement of an SDP over IPv4 that is neither encrypted nor compressed.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_sap(datagram: &[u8]) -> Result<SapMessage<'_>, WireError> {
    let mut fields = Fields::new(datagram, "SAP header");
    let (flags, authentication_words, id) = (fields.u8()?, fields.u8()?, fields.u16()?);
    let origin = Ipv4Addr::from(fields.u32()?);
    if flags & !FLAG_DELETE != VERSION_1 {
        return Err(WireError::Value("SAP flags"));
    }
    let payload_at = HEADER_BYTES + 4 * usize::from(authentication_words);
    let payload = datagram
        .get(payload_at..)
        .ok_or(WireError::Truncated("SAP authentication"))?;
    let sdp = payload
        .strip_prefix(PAYLOAD_TYPE)
        .ok_or(WireError::Value("SAP payload type"))?;
    let sdp = std::str::from_utf8(sdp).map_err(|_| WireError::Value("SAP payload"))?;
    Ok(SapMessage {
        delete: flags & FLAG_DELETE != 0,
        id,
        origin,
        sdp,
    })
}

/// Port of all announcements (RFC 2974 §3).
pub const SAP_PORT: u16 = 9_875;
/// Group on which sessions in 239.192.0.0/14 are announced: the highest address of the scope (RFC 2974 §3, RFC 2365 §6.2).
pub const SAP_GROUP: Ipv4Addr = Ipv4Addr::new(239, 195, 255, 255);
const VERSION_1: u8 = 1 << 5;
const FLAG_DELETE: u8 = 1 << 2;
const HEADER_BYTES: usize = 8;
const PAYLOAD_TYPE: &[u8] = b"application/sdp\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for delete in [false, true] {
            let message = SapMessage {
                delete,
                id: 0x1234,
                origin: Ipv4Addr::new(10, 0, 0, 2),
                sdp: "v=0\r\n",
            };
            let mut out = vec![9];
            write_sap(&mut out, &message);
            assert_eq!(
                out[..8],
                [if delete { 0x24 } else { 0x20 }, 0, 0x12, 0x34, 10, 0, 0, 2]
            );
            assert_eq!(read_sap(&out).unwrap(), message);
        }
        assert!(read_sap(&[0x20; 7]).is_err());
    }
}
