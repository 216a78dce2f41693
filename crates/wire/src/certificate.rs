//! Station certificates: the root key's word for a station key.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use loa_model::{BulletinClass, Channel, WallTime};

use crate::fields::Fields;
use crate::{SignatureError, StationKey, WireError, public_key};

/// Says that a station key may speak in a zone and all under it, up to a class, until a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The station's public key.
    pub station: [u8; 32],
    /// Channel of the zone it may speak in, with all zones under it; or [`Channel::EVERY_ZONE`].
    pub subtree: Channel,
    /// The strongest class it may use.
    pub highest: BulletinClass,
    /// When it expires.
    pub not_after: WallTime,
    signature: [u8; 64],
}

impl Certificate {
    /// Makes a certificate with the root's secret key.
    pub fn issue(
        root_secret: &[u8; 32],
        station: [u8; 32],
        subtree: Channel,
        highest: BulletinClass,
        not_after: WallTime,
    ) -> Self {
        let mut certificate = Self {
            station,
            subtree,
            highest,
            not_after,
            signature: [0; 64],
        };
        let signed = SigningKey::from_bytes(root_secret).sign(&certificate.message());
        certificate.signature = signed.to_bytes();
        certificate
    }

    /// Checks it against the root's public key.
    ///
    /// Time is the caller's to check: see [`StationKey::not_after`].
    ///
    /// # Errors
    ///
    /// [`SignatureError::Mismatch`] if another key made it, or it was changed since.
    pub fn verify(&self, root_public: &[u8; 32]) -> Result<StationKey, SignatureError> {
        let root = VerifyingKey::from_bytes(root_public).map_err(|_| SignatureError::PublicKey)?;
        let signature = Signature::from_bytes(&self.signature);
        root.verify_strict(&self.message(), &signature)
            .map_err(|_| SignatureError::Mismatch)?;
        StationKey::new(self)
    }

    /// Tells whether it is for this secret key.
    pub fn is_for(&self, station_secret: &[u8; 32]) -> bool {
        public_key(station_secret) == self.station
    }

    /// Returns its bytes.
    pub fn encode(&self) -> [u8; CERTIFICATE_BYTES] {
        let mut bytes = [0; CERTIFICATE_BYTES];
        bytes[..BODY_BYTES].copy_from_slice(&self.body());
        bytes[BODY_BYTES..].copy_from_slice(&self.signature);
        bytes
    }

    /// Reads its bytes; [`verify`](Self::verify) it before believing it.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`] or [`WireError::Value`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut fields = Fields::new(bytes, "certificate");
        if fields.u8()? != VERSION {
            return Err(WireError::Value("certificate version"));
        }
        let highest = BulletinClass::from_wire(fields.u8()?).ok_or(WireError::Value("certificate class"))?;
        let subtree = Channel(fields.u16()?);
        let not_after_s = i64::try_from(fields.u64()?).map_err(|_| WireError::Value("certificate expiry"))?;
        let station = fields.array()?;
        let signature = fields.array()?;
        fields.end()?;
        Ok(Self {
            station,
            subtree,
            highest,
            not_after: WallTime::from_unix_s(not_after_s),
            signature,
        })
    }

    fn body(&self) -> [u8; BODY_BYTES] {
        let not_after_s = u64::try_from(self.not_after.as_unix_ns() / 1_000_000_000).unwrap_or(0);
        let mut body = [0; BODY_BYTES];
        body[0] = VERSION;
        body[1] = self.highest.to_wire();
        body[2..4].copy_from_slice(&self.subtree.0.to_be_bytes());
        body[4..12].copy_from_slice(&not_after_s.to_be_bytes());
        body[12..].copy_from_slice(&self.station);
        body
    }

    fn message(&self) -> [u8; TAG.len() + BODY_BYTES] {
        let mut message = [0; TAG.len() + BODY_BYTES];
        message[..TAG.len()].copy_from_slice(TAG);
        message[TAG.len()..].copy_from_slice(&self.body());
        message
    }
}

/// Bytes of a certificate.
pub const CERTIFICATE_BYTES: usize = BODY_BYTES + 64;
const BODY_BYTES: usize = 1 + 1 + 2 + 8 + 32;
const VERSION: u8 = 1;
const TAG: &[u8; 16] = b"loa cert v1\0\0\0\0\0";

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        let station = public_key(&[2; 32]);
        Certificate::issue(
            &[1; 32],
            station,
            Channel(7),
            BulletinClass::Priority,
            WallTime::from_unix_s(1_900_000_000),
        )
    }

    #[test]
    fn the_root_vouches_for_what_it_issued() {
        let read = Certificate::decode(&certificate().encode()).unwrap();
        assert_eq!(read, certificate());
        let key = read.verify(&public_key(&[1; 32])).unwrap();
        assert_eq!(key.id(), crate::key_id(&public_key(&[2; 32])));
        assert_eq!(
            (key.subtree(), key.highest()),
            (Channel(7), BulletinClass::Priority)
        );
        assert_eq!(
            read.verify(&public_key(&[9; 32])).unwrap_err(),
            SignatureError::Mismatch
        );
    }

    #[test]
    fn a_change_of_any_byte_is_seen() {
        let bytes = certificate().encode();
        for at in 0..bytes.len() {
            let mut changed = bytes;
            changed[at] ^= 1;
            let believed = Certificate::decode(&changed)
                .is_ok_and(|certificate| certificate.verify(&public_key(&[1; 32])).is_ok());
            assert!(!believed, "byte {at}");
        }
        assert!(Certificate::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Certificate::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
}
