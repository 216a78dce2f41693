//! The beacon: what every group carries each second, so that a receiver knows its path works.

use loa_model::{BulletinClass, Channel, SessionId, WallTime};

use crate::certificate::{CERTIFICATE_BYTES, Certificate};
use crate::fields::Fields;
use crate::signature::SIGNATURE_BYTES;
use crate::{KeyId, WireError};

/// What a station says of one zone's group, each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Run of the head-end; only grows.
    pub epoch: u32,
    /// When it was sent.
    pub at: WallTime,
    /// The zone.
    pub channel: Channel,
    /// What this group carries now.
    pub now: Option<(SessionId, BulletinClass)>,
    /// When this group's next planned session begins to sound.
    pub next_start: Option<WallTime>,
}

impl Beacon {
    /// Returns the data of the RTCP APP packet, with zeros for the signature.
    pub(crate) fn encode(&self, certificate: &Certificate, key_id: KeyId) -> [u8; BEACON_BYTES] {
        let (session, class) = self
            .now
            .map_or((0, 0), |(session, class)| (session.0, class.to_wire()));
        let mut bytes = [0; BEACON_BYTES];
        bytes[0] = VERSION;
        bytes[1] = class;
        bytes[2..4].copy_from_slice(&self.channel.0.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.at.to_ntp64().to_be_bytes());
        bytes[16..24].copy_from_slice(&session.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.next_start.map_or(0, WallTime::to_ntp64).to_be_bytes());
        bytes[32..32 + CERTIFICATE_BYTES].copy_from_slice(&certificate.encode());
        bytes[KEY_ID_AT..KEY_ID_AT + 4].copy_from_slice(&key_id.to_be_bytes());
        bytes
    }

    /// Reads it; times are taken in the NTP era nearest to `near`.
    pub(crate) fn decode(data: &[u8], near: WallTime) -> Result<(Self, Certificate, KeyId), WireError> {
        let mut fields = Fields::new(data, "beacon");
        if fields.u8()? != VERSION {
            return Err(WireError::Value("beacon version"));
        }
        let class = BulletinClass::from_wire(fields.u8()?).ok_or(WireError::Value("beacon class"))?;
        let channel = Channel(fields.u16()?);
        let epoch = fields.u32()?;
        let at = WallTime::from_ntp64(fields.u64()?, near);
        let session = fields.u64()?;
        let next = fields.u64()?;
        let certificate = Certificate::decode(&fields.array::<CERTIFICATE_BYTES>()?)?;
        let key_id = fields.u32()?;
        fields.array::<SIGNATURE_BYTES>()?;
        fields.end()?;
        let beacon = Self {
            epoch,
            at,
            channel,
            now: (session != 0).then_some((SessionId(session), class)),
            next_start: (next != 0).then(|| WallTime::from_ntp64(next, near)),
        };
        Ok((beacon, certificate, key_id))
    }
}

const VERSION: u8 = 1;
const KEY_ID_AT: usize = 32 + CERTIFICATE_BYTES;
/// Bytes of the APP packet's data: a whole number of 32-bit words.
pub(crate) const BEACON_BYTES: usize = KEY_ID_AT + 4 + SIGNATURE_BYTES;

const _: () = assert!(
    BEACON_BYTES.is_multiple_of(4),
    "APP data is a whole number of 32-bit words (RFC 3550 §6.7)"
);
