//! RTP header extensions in the two-byte form (RFC 8285 §4.3); one-byte elements hold 16 bytes, a signature needs 68.

use crate::WireError;
use crate::onair::ONAIR_BYTES;
use crate::signature::SIGNATURE_BYTES;

/// The elements of one packet, as they lie in the datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a> {
    pub(crate) ntp: &'a [u8],
    pub(crate) onair: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// Where `signature` begins, counted from the first byte of the extension's data.
    pub(crate) signature_at: usize,
}

impl<'a> Elements<'a> {
    /// Finds ours among any elements; unknown ones are skipped, as RFC 8285 §4.1.1 demands.
    pub(crate) fn read(profile: u16, data: &'a [u8]) -> Result<Self, WireError> {
        // The low four bits are "appbits", for anyone's use.
        if profile & 0xfff0 != PROFILE {
            return Err(WireError::Extension);
        }
        let (mut ntp, mut onair, mut signature) = (None, None, None);
        let mut at = 0;
        while let Some(id) = data.get(at).copied() {
            if id == 0 {
                at += 1;
                continue;
            }
            let len = usize::from(*data.get(at + 1).ok_or(WireError::Extension)?);
            let element = data.get(at + 2..at + 2 + len).ok_or(WireError::Extension)?;
            let (slot, name) = match id {
                ID_NTP => (&mut ntp, "ntp-64"),
                ID_ONAIR => (&mut onair, "onair"),
                ID_SIGNATURE => (&mut signature, "sig"),
                _ => {
                    at += 2 + len;
                    continue;
                }
            };
            if slot.replace((element, at + 2)).is_some() {
                return Err(WireError::Element(name));
            }
            at += 2 + len;
        }
        let (signature, signature_at) = signature.ok_or(WireError::Element("sig"))?;
        Ok(Self {
            ntp: ntp.ok_or(WireError::Element("ntp-64"))?.0,
            onair: onair.ok_or(WireError::Element("onair"))?.0,
            signature,
            signature_at,
        })
    }
}

/// Lays out the extension data with room for the signature.
pub(crate) fn write(ntp: u64, onair: &[u8; ONAIR_BYTES], key_id: u32) -> [u8; EXTENSION_BYTES] {
    let mut data = [0; EXTENSION_BYTES];
    let mut at = 0;
    let mut element = |id: u8, bytes: &[u8], room: usize| {
        data[at] = id;
        data[at + 1] = u8::try_from(bytes.len() + room).unwrap_or(u8::MAX);
        data[at + 2..at + 2 + bytes.len()].copy_from_slice(bytes);
        at += 2 + bytes.len() + room;
    };
    element(ID_NTP, &ntp.to_be_bytes(), 0);
    element(ID_ONAIR, onair, 0);
    element(ID_SIGNATURE, &key_id.to_be_bytes(), SIGNATURE_BYTES);
    data
}

/// Bytes of the extension's data as we write it: a whole number of 32-bit words.
pub(crate) const EXTENSION_BYTES: usize = 2 + 8 + 2 + ONAIR_BYTES + 2 + 4 + SIGNATURE_BYTES;
/// Where the signature lies in it.
pub(crate) const SIGNATURE_AT: usize = EXTENSION_BYTES - SIGNATURE_BYTES;
/// "Defined by profile" value of the two-byte form (RFC 8285 §4.3).
pub(crate) const PROFILE: u16 = 0x1000;
pub(crate) const ID_NTP: u8 = 1;
pub(crate) const ID_ONAIR: u8 = 2;
pub(crate) const ID_SIGNATURE: u8 = 3;

const _: () = assert!(
    EXTENSION_BYTES.is_multiple_of(4),
    "an extension is a whole number of 32-bit words"
);
