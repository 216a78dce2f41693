//! Session descriptions, so that plain players can play a zone (RFC 8866, RFC 7587 §7).

use std::net::{Ipv4Addr, SocketAddrV4};

use sdp_types::{Connection, Media, MediaType, Origin, Session, Time, TransportProto};

use crate::OPUS_PAYLOAD_TYPE;
use crate::extension::{ID_NTP, ID_ONAIR, ID_SIGNATURE};

/// What is described.
#[derive(Clone, Debug)]
pub struct SdpDescription<'a> {
    /// Name of the zone, for people.
    pub name: &'a str,
    /// Identifies the session together with `origin`; the stream's SSRC serves.
    pub id: u32,
    /// Grows with every change of the description; the epoch serves.
    pub version: u64,
    /// Address of the head-end.
    pub origin: Ipv4Addr,
    /// Where the zone's RTP goes.
    pub to: SocketAddrV4,
    /// Routers a datagram may cross.
    pub ttl: u8,
    /// Usual duration of a packet, ms.
    pub ptime_ms: u32,
}

/// Writes the description of a zone's stream.
pub fn write_sdp(description: &SdpDescription<'_>) -> String {
    let SdpDescription {
        name,
        id,
        version,
        origin,
        to,
        ttl,
        ptime_ms,
    } = *description;
    let payload_type = OPUS_PAYLOAD_TYPE.to_string();
    let media = Media::builder(MediaType::Audio, to.port(), TransportProto::RtpAvp, &payload_type)
        // Always "48000/2", even for mono (RFC 7587 §7).
        .attribute_with_value("rtpmap", format!("{payload_type} opus/48000/2"))
        .attribute_with_value("fmtp", format!("{payload_type} stereo=0;sprop-stereo=0"))
        .attribute_with_value("ptime", ptime_ms)
        .attribute_with_value("extmap", format!("{ID_NTP} urn:ietf:params:rtp-hdrext:ntp-64"))
        .attribute_with_value("extmap", format!("{ID_ONAIR} urn:x-loa:rtp-hdrext:onair"))
        .attribute_with_value("extmap", format!("{ID_SIGNATURE} urn:x-loa:rtp-hdrext:sig"))
        .build();
    let session = Session::builder(
        Origin::with_ip_addr(id.to_string(), version, origin),
        printable(name),
    )
    .connection(Connection::from_ip_addr_ttl(*to.ip(), Some(ttl)))
    .time(Time::new(0, 0))
    .attribute_from_str("recvonly")
    .media(media)
    .build();
    let mut text = Vec::new();
    session.write(&mut text).expect("writing to memory does not fail");
    String::from_utf8_lossy(&text).into_owned()
}

/// Replaces what would end the line, and gives an empty name the one that RFC 8866 §5.3 asks for.
fn printable(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.trim().is_empty() {
        "-".to_owned()
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_opus_as_rfc_7587_asks() {
        let text = write_sdp(&SdpDescription {
            name: "Xã A\r\nm=video 1 RTP/AVP 31",
            id: 77,
            version: 5,
            origin: Ipv4Addr::new(10, 0, 0, 2),
            to: SocketAddrV4::new(Ipv4Addr::new(239, 192, 0, 3), 5004),
            ttl: 8,
            ptime_ms: 60,
        });
        let expected = [
            "v=0",
            "o=- 77 5 IN IP4 10.0.0.2",
            "s=Xã A  m=video 1 RTP/AVP 31",
            "c=IN IP4 239.192.0.3/8",
            "t=0 0",
            "a=recvonly",
            "m=audio 5004 RTP/AVP 96",
            "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 stereo=0;sprop-stereo=0",
            "a=ptime:60",
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ntp-64",
            "a=extmap:2 urn:x-loa:rtp-hdrext:onair",
            "a=extmap:3 urn:x-loa:rtp-hdrext:sig",
            "",
        ];
        assert_eq!(text, expected.join("\r\n"));
        assert!(Session::parse(text.as_bytes()).is_ok());
    }
}
