//! One-time codes (RFC 6238: SHA-1, six digits, 30 s) and recovery codes. Who may use them, and once, is the store's matter.

use hmac::{Hmac, KeyInit as _, Mac as _};
use loa_model::WallTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A key: as long as the hash, as RFC 4226 §4 recommends.
pub type Key = [u8; 20];

/// Makes a key.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn new_key() -> Result<Key, getrandom::Error> {
    let mut key = Key::default();
    getrandom::fill(&mut key)?;
    Ok(key)
}

/// Returns the time step to which a code belongs, if it is one of `now` or of a step beside it: clocks differ, and
/// people type slowly.
pub fn step_of(code: &str, key: &Key, now: WallTime) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let at = step_at(now);
    (at - 1..=at + 1).find(|step| code_of(key, *step) == code)
}

/// Returns the time step of `now`.
pub fn step_at(now: WallTime) -> i64 {
    now.as_unix_ns() / 1_000_000_000 / STEP_S
}

/// Returns the code of a time step.
///
/// Source: RFC 4226 §5.3, with the time step as its counter (RFC 6238 §4.2).
pub fn code_of(key: &Key, step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 0xf);
    let bytes = [hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]];
    format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
}

/// Returns what a phone reads from the picture.
pub fn uri(key: &Key, station: &str, user: &str) -> String {
    let station = utf8_percent_encode(station, RESERVED);
    let user = utf8_percent_encode(user, RESERVED);
    format!(
        "otpauth://totp/{station}:{user}?secret={}&issuer={station}",
        base32(key)
    )
}

/// Makes ten recovery codes: as people keep them, and what the store keeps of them.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn new_recovery_codes() -> Result<Vec<(String, [u8; 32])>, getrandom::Error> {
    let code = || {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes)?;
        let text = base32(&bytes);
        let parts = [&text[..4], &text[4..8], &text[8..12], &text[12..]];
        Ok((parts.join("-"), recovery_hash(&text)))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// Returns what the store keeps of a recovery code, however it is typed.
///
/// With 80 random bits there is nothing to guess at, so a plain hash is enough.
pub fn recovery_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_uppercase()).into()
}

/// Writes bytes in base 32 (RFC 4648 §6), without padding.
pub fn base32(bytes: &[u8]) -> String {
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let mut five = [0; 8];
            five[3..3 + chunk.len()].copy_from_slice(chunk);
            let bits = u64::from_be_bytes(five);
            let digits = (chunk.len() * 8).div_ceil(5);
            (0..digits).map(move |i| char::from(ALPHABET[(bits >> (35 - 5 * i)) as usize & 31]))
        })
        .collect()
}

/// Reads a key from base 32, with or without spaces.
pub fn key_from(text: &str) -> Option<Key> {
    let mut key = Key::default();
    let digits: Option<Vec<u64>> = text
        .bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| {
            let digit = ALPHABET
                .iter()
                .position(|known| *known == byte.to_ascii_uppercase());
            digit.map(|digit| digit as u64)
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() == 32)?;
    for (eight, five) in digits.chunks(8).zip(key.chunks_mut(5)) {
        let bits = eight.iter().fold(0, |bits, digit| bits << 5 | digit);
        five.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(key)
}

const STEP_S: i64 = 30;
/// All but what RFC 3986 §2.3 leaves alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const RECOVERY_CODES: usize = 10;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &Key = b"12345678901234567890";

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let rows = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (s, code) in rows {
            assert_eq!(code_of(KEY, s / STEP_S), code, "{s}");
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_no_more() {
        let now = WallTime::from_unix_s(1_111_111_111);
        let at = step_at(now);
        for (away, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = step_of(&code_of(KEY, at + away), KEY, now);
            assert_eq!(found, expected.then_some(at + away), "{away}");
        }
        assert_eq!(step_of(" 050 471 ", KEY, now), Some(at));
        for wrong in ["", "050471x", "50471", "０５０４７１"] {
            assert_eq!(step_of(wrong, KEY, now), None, "{wrong}");
        }
    }

    /// RFC 4648 §10, without the padding.
    #[test]
    fn base32_is_that_of_the_rfc_and_keys_read_back() {
        let rows = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (text, expected) in rows {
            assert_eq!(base32(text.as_bytes()), expected);
        }
        let key = new_key().unwrap();
        assert_eq!(key_from(&base32(&key)), Some(key));
        assert_eq!(
            key_from("gezd gnbv gy3t qojq gezd gnbv gy3t qojq").as_ref(),
            Some(KEY)
        );
        for wrong in ["", "MZXW6", &"1".repeat(32), &"A".repeat(33)] {
            assert_eq!(key_from(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_phone_reads_station_and_user_whatever_their_names() {
        assert_eq!(
            uri(KEY, "Đài A&B", "an?"),
            "otpauth://totp/%C4%90%C3%A0i%20A%26B:an%3F?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%C4%90%C3%A0i%20A%26B"
        );
    }

    #[test]
    fn recovery_codes_differ_and_are_known_however_they_are_typed() {
        let codes = new_recovery_codes().unwrap();
        let hashes: std::collections::BTreeSet<_> = codes.iter().map(|(_, hash)| *hash).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        for (code, hash) in codes {
            assert_eq!(code.len(), 19);
            assert_eq!(
                recovery_hash(&code.to_lowercase().replace('-', " ")),
                hash,
                "{code}"
            );
        }
    }
}
