//! Text as a part of an address.

/// Escapes all but what RFC 3986 §2.3 leaves alone, for an address.
pub(crate) fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}
