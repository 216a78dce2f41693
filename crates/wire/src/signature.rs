//! Ed25519 signatures, each over a domain, a destination and the bytes (RFC 8032).

use std::net::SocketAddrV4;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use loa_model::{BulletinClass, Channel, WallTime};
use sha2::{Digest as _, Sha256};

use crate::certificate::Certificate;
use crate::{DATAGRAM_BYTES_MAX, WireError};

/// First four bytes of SHA-256 of a public key, big-endian: tells a receiver which key to try.
pub type KeyId = u32;

/// Returns the id of a public key.
pub fn key_id(public: &[u8; 32]) -> KeyId {
    let digest = Sha256::digest(public);
    digest
        .iter()
        .take(4)
        .fold(0, |id, byte| (id << 8) | KeyId::from(*byte))
}

/// Returns the public half of a secret key.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It was not made by this key over these bytes for this destination.
    #[error("signature does not match")]
    Mismatch,
    /// The bytes name another key.
    #[error("signed by another key")]
    OtherKey,
    /// The public key is not a point that Ed25519 allows.
    #[error("public key is not valid")]
    PublicKey,
}

/// A station key that the root key vouches for, to verify what a head-end sends.
#[derive(Clone, Debug)]
pub struct StationKey {
    id: KeyId,
    key: VerifyingKey,
    subtree: Channel,
    highest: BulletinClass,
    not_after: WallTime,
}

impl StationKey {
    pub(crate) fn new(certificate: &Certificate) -> Result<Self, SignatureError> {
        let key = VerifyingKey::from_bytes(&certificate.station).map_err(|_| SignatureError::PublicKey)?;
        if key.is_weak() {
            return Err(SignatureError::PublicKey);
        }
        let Certificate {
            station,
            subtree,
            highest,
            not_after,
            ..
        } = *certificate;
        Ok(Self {
            id: key_id(&station),
            key,
            subtree,
            highest,
            not_after,
        })
    }

    /// Returns its id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the channel of the highest zone it may speak in; it may in every zone under it too.
    pub const fn subtree(&self) -> Channel {
        self.subtree
    }

    /// Returns the strongest class it may use.
    pub const fn highest(&self) -> BulletinClass {
        self.highest
    }

    /// Returns when it expires.
    pub const fn not_after(&self) -> WallTime {
        self.not_after
    }

    /// Checks a datagram whose signature lies at `at..at + 64`.
    pub(crate) fn verify(
        &self,
        domain: Domain,
        to: SocketAddrV4,
        datagram: &[u8],
        at: usize,
    ) -> Result<(), SignatureError> {
        let signature = datagram
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(SignatureError::Mismatch)?;
        let message = Message::new(domain, to, datagram, at).ok_or(SignatureError::Mismatch)?;
        let signature = Signature::from_bytes(signature);
        self.key
            .verify_strict(message.bytes(), &signature)
            .map_err(|_| SignatureError::Mismatch)
    }
}

/// Signs what a head-end sends.
pub struct Signer {
    key: SigningKey,
    certificate: Certificate,
    id: KeyId,
}

impl Signer {
    /// Pairs a station's secret key with the certificate for its public half.
    ///
    /// # Errors
    ///
    /// [`SignatureError::OtherKey`] if the certificate is for another key.
    pub fn new(station_secret: &[u8; 32], certificate: Certificate) -> Result<Self, SignatureError> {
        let key = SigningKey::from_bytes(station_secret);
        let public = key.verifying_key().to_bytes();
        if public != certificate.station {
            return Err(SignatureError::OtherKey);
        }
        Ok(Self {
            id: key_id(&public),
            key,
            certificate,
        })
    }

    /// Returns the certificate that goes with its signatures.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the id of its key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Writes the signature into `datagram[at..at + 64]`.
    pub(crate) fn sign(
        &self,
        domain: Domain,
        to: SocketAddrV4,
        datagram: &mut [u8],
        at: usize,
    ) -> Result<(), WireError> {
        let message = Message::new(domain, to, datagram, at).ok_or(WireError::TooLong)?;
        let signature = self.key.sign(message.bytes()).to_bytes();
        datagram[at..at + SIGNATURE_BYTES].copy_from_slice(&signature);
        Ok(())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What kind of thing is signed, so that no signature can stand for another kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Domain {
    Rtp,
    Rtcp,
}

impl Domain {
    const fn tag(self) -> &'static [u8; 16] {
        match self {
            Self::Rtp => b"loa rtp v1\0\0\0\0\0\0",
            Self::Rtcp => b"loa rtcp v1\0\0\0\0\0",
        }
    }
}

/// What is signed: domain tag, destination, and the datagram with zeros where the signature goes.
///
/// It lies on the stack, so that signing and verifying allocate nothing.
struct Message {
    buffer: [u8; PREFIX + DATAGRAM_BYTES_MAX],
    len: usize,
}

impl Message {
    fn new(domain: Domain, to: SocketAddrV4, datagram: &[u8], at: usize) -> Option<Self> {
        let len = PREFIX + datagram.len();
        let mut buffer = [0; PREFIX + DATAGRAM_BYTES_MAX];
        buffer[..16].copy_from_slice(domain.tag());
        buffer[16..20].copy_from_slice(&to.ip().octets());
        buffer[20..PREFIX].copy_from_slice(&to.port().to_be_bytes());
        buffer.get_mut(PREFIX..len)?.copy_from_slice(datagram);
        buffer[PREFIX..len]
            .get_mut(at..at.checked_add(SIGNATURE_BYTES)?)?
            .fill(0);
        Some(Self { buffer, len })
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// Domain tag, IPv4 address and port.
const PREFIX: usize = 16 + 4 + 2;
/// Bytes of an Ed25519 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_one_domain_and_one_destination() {
        let secret = [2; 32];
        let expiry = WallTime::from_unix_s(1);
        let certificate = Certificate::issue(
            &[1; 32],
            public_key(&secret),
            Channel(1),
            BulletinClass::Normal,
            expiry,
        );
        let (signer, key) = (
            Signer::new(&secret, certificate).unwrap(),
            StationKey::new(&certificate).unwrap(),
        );
        let to: SocketAddrV4 = "239.192.0.1:5004".parse().unwrap();
        let mut datagram = [7; 100];
        signer.sign(Domain::Rtp, to, &mut datagram, 36).unwrap();
        let verify = |domain, to: &str| key.verify(domain, to.parse().unwrap(), &datagram, 36);
        assert_eq!(verify(Domain::Rtp, "239.192.0.1:5004"), Ok(()));
        assert_eq!(
            verify(Domain::Rtcp, "239.192.0.1:5004"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify(Domain::Rtp, "239.192.0.2:5004"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify(Domain::Rtp, "239.192.0.1:5006"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            key.verify(Domain::Rtp, to, &datagram, 37),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            key.verify(Domain::Rtp, to, &datagram, usize::MAX),
            Err(SignatureError::Mismatch)
        );
    }
}
