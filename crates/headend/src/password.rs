//! Passwords and login tokens. Nothing that can be used to log in is ever stored.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Why a password cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too short to keep anybody out.
    #[error("the password has {0} characters; use at least {PASSWORD_MIN}")]
    Short(usize),
    /// The hash function failed, for want of memory or random numbers.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Returns the Argon2id hash of a new password, as the store keeps it.
///
/// # Errors
///
/// See [`PasswordError`].
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Err(PasswordError::Short(length));
    }
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| PasswordError::Hash(error.to_string()))
}

/// Checks a password, in as much time whether it is right or wrong.
pub fn verify(password: &str, hash: &str) -> bool {
    Argon2::default()
        .verify_password(password.as_bytes(), hash)
        .is_ok()
}

/// Makes a login token, and what the store keeps of it.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn new_token() -> Result<(String, [u8; 32]), getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let kept = token_hash(&token);
    Ok((token, kept))
}

/// Makes a token for a program, and what the store keeps of it. Its beginning tells people, and what looks for secrets in
/// what they publish, what it is.
///
/// # Errors
///
/// If the system gives no random numbers.
pub fn new_program_token() -> Result<(String, [u8; 32]), getrandom::Error> {
    let (random, _) = new_token()?;
    let token = format!("loa_{random}");
    let kept = token_hash(&token);
    Ok((token, kept))
}

/// Returns what the store keeps of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Shorter passwords are guessed within a day even through the brake.
pub const PASSWORD_MIN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_passes() {
        let hashed = hash("mot-mat-khau-dai").unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("mot-mat-khau-dai", &hashed));
        assert!(!verify("mot-mat-khau-dai ", &hashed) && !verify("", &hashed) && !verify("x", "junk"));
        assert!(matches!(hash("ngan"), Err(PasswordError::Short(4))));
    }

    #[test]
    fn tokens_differ_and_are_not_kept() {
        let (one, two) = (new_token().unwrap(), new_token().unwrap());
        assert_ne!(one.0, two.0);
        assert_eq!(token_hash(&one.0), one.1);
    }
}
