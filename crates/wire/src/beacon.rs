//! The beacon: what every group carries each second, so that a receiver knows its path works and when to be quiet.

use loa_model::{BulletinClass, Channel, QuietHours, SessionId, WallTime};

use crate::certificate::{CERTIFICATE_BYTES, Certificate};
use crate::fields::Fields;
use crate::quiet::{self, QUIET_BYTES_MAX};
use crate::signature::SIGNATURE_BYTES;
use crate::{KeyId, WireError};

/// What a station says of one zone's group, each second.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// When and how loud the zone may sound; none says that nothing restricts it.
    pub quiet: Option<QuietHours>,
}

impl Beacon {
    /// Returns the data of the RTCP APP packet, with zeros for the signature.
    ///
    /// # Errors
    ///
    /// [`WireError::Value`] for quiet hours that cannot be in force.
    pub(crate) fn encode(&self, certificate: &Certificate, key_id: KeyId) -> Result<Vec<u8>, WireError> {
        let (session, class) = self
            .now
            .map_or((0, 0), |(session, class)| (session.0, class.to_wire()));
        let mut bytes = Vec::with_capacity(BEACON_BYTES_MAX);
        bytes.extend([VERSION, class]);
        bytes.extend(self.channel.0.to_be_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.at.to_ntp64().to_be_bytes());
        bytes.extend(session.to_be_bytes());
        bytes.extend(self.next_start.map_or(0, WallTime::to_ntp64).to_be_bytes());
        bytes.extend(certificate.encode());
        quiet::encode(self.quiet.as_ref(), &mut bytes)?;
        bytes.extend(key_id.to_be_bytes());
        bytes.extend([0; SIGNATURE_BYTES]);
        Ok(bytes)
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
        let quiet = quiet::decode(&mut fields)?;
        let key_id = fields.u32()?;
        fields.array::<SIGNATURE_BYTES>()?;
        fields.end()?;
        let beacon = Self {
            epoch,
            at,
            channel,
            now: (session != 0).then_some((SessionId(session), class)),
            next_start: (next != 0).then(|| WallTime::from_ntp64(next, near)),
            quiet,
        };
        Ok((beacon, certificate, key_id))
    }
}

const VERSION: u8 = 2;
/// Bytes of the APP packet's data at most: a whole number of 32-bit words.
const BEACON_BYTES_MAX: usize = 32 + CERTIFICATE_BYTES + QUIET_BYTES_MAX + 4 + SIGNATURE_BYTES;

const _: () = assert!(
    BEACON_BYTES_MAX.is_multiple_of(4),
    "APP data is a whole number of 32-bit words (RFC 3550 §6.7)"
);
