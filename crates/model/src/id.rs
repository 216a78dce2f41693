//! Identities. Each is its own type, so that one cannot stand for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::WallTime;

macro_rules! row_id {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_id! {
    /// A zone's row in the store.
    ZoneId,
    /// A receiver's row in the store.
    ReceiverId,
    /// A programme's row in the store.
    ProgrammeId,
    /// A slot's row in the store.
    SlotId,
    /// A day profile's row in the store.
    ProfileId,
    /// A user's row in the store.
    UserId,
    /// A login's row in the store.
    LoginId,
    /// A token's row in the store.
    TokenId,
}

/// One opening of a relay, within a run of the head-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(pub u32);

impl fmt::Display for RelayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One airing, from its first start to its last end, through any pre-emption.
///
/// The high 32 bits are the head-end's epoch and the low 32 bits count up within
/// it, so a later session always has the larger number, across restarts too.
/// Zero means "no session".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct SessionId(pub u64);

impl SessionId {
    /// Builds the `count`th session of `epoch`.
    pub const fn new(epoch: u32, count: u32) -> Self {
        Self(((epoch as u64) << 32) | count as u64)
    }

    /// Returns the epoch in which the session began.
    pub const fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// One dated instance of a slot in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OccurrenceId {
    /// The slot it comes from.
    pub slot: SlotId,
    /// The zone it airs in.
    pub zone: ZoneId,
    /// Its planned start.
    pub start: WallTime,
}

/// Longest code accepted, in letters.
pub const CODE_LENGTH_MAX: usize = 64;

/// Tells whether a text has the form of a code, by which files name zones, programmes, slots and languages: small
/// letters a-z, digits and hyphens, at most [`CODE_LENGTH_MAX`].
pub fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= CODE_LENGTH_MAX && text.bytes().all(plain)
}

/// SHA-256 of a file's bytes; the name of a piece of media.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("a content hash is 64 hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for ContentHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(ParseHashError);
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| ParseHashError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for ContentHash {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^[0-9a-fA-F]{64}$"))
            .description(Some(
                "SHA-256 of a file's bytes, in hexadecimal; the name of a piece of media.",
            ))
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for ContentHash {}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_read_back_what_they_print() {
        let hash = ContentHash(std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap()));
        assert_eq!(hash.to_string().parse::<ContentHash>().unwrap(), hash);
        for bad in ["", "0", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<ContentHash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_small_letters_digits_and_hyphens() {
        for good in ["a", "xa-an-phu", "mnong", "2-b", &"a".repeat(64)] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "Mnong", "tày", "a b", "a_b", "a.b", &"a".repeat(65)] {
            assert!(!is_code(bad), "{bad}");
        }
    }

    #[test]
    fn later_sessions_have_larger_numbers() {
        assert!(SessionId::new(2, 1) > SessionId::new(1, u32::MAX));
        assert_eq!(SessionId::new(7, 3).epoch(), 7);
        assert_eq!(SessionId::new(7, 3).to_string(), "7-3");
    }
}
