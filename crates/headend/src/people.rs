//! The rules for people: names, one-time passwords, tokens, and what a login lacks. The panel and the command line share them.

use std::time::Duration;

use loa_model::{Role, WallTime};
use loa_panel::{Due, PersonRefusal, TokenRefusal};
use loa_store::{Login, User};

use crate::password;
use crate::totp;

/// Returns the name as it is kept.
///
/// # Errors
///
/// [`PersonRefusal::BadName`].
pub fn checked_name(name: &str) -> Result<&str, PersonRefusal> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if !fits || name.chars().any(char::is_control) {
        Err(PersonRefusal::BadName(NAME_CHARS_MAX))
    } else if name.to_lowercase().starts_with("token ") {
        Err(PersonRefusal::LikeAToken)
    } else {
        Ok(name)
    }
}

/// Returns the name of a token as it is kept.
///
/// # Errors
///
/// [`TokenRefusal::BadName`].
pub fn checked_token_name(name: &str) -> Result<&str, TokenRefusal> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if fits && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(TokenRefusal::BadName(NAME_CHARS_MAX))
    }
}

/// Returns for how long a token lasts.
///
/// # Errors
///
/// [`TokenRefusal::Days`].
pub fn token_lasts(days: u32) -> Result<Duration, TokenRefusal> {
    if (1..=TOKEN_DAYS_MAX).contains(&days) {
        Ok(Duration::from_secs(u64::from(days) * 86_400))
    } else {
        Err(TokenRefusal::Days(TOKEN_DAYS_MAX))
    }
}

/// Returns what the logs call who shows a token.
pub fn holder_name(token: &str, owner: &str) -> String {
    format!("token {token} of {owner}")
}

/// A password that somebody else chose: it lets in until it expires, and only to set another.
#[derive(Debug)]
pub struct OneTimePassword {
    /// To tell its owner.
    pub text: String,
    /// Argon2id, PHC string.
    pub hash: String,
    /// Until when it lets in.
    pub until: WallTime,
}

impl OneTimePassword {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers, or no memory for the hash.
    pub fn new(now: WallTime) -> anyhow::Result<Self> {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes)?;
        // In groups that can be told over a telephone.
        let text = totp::base32(&bytes).to_lowercase();
        let text = [&text[..4], &text[4..8], &text[8..12], &text[12..]].join("-");
        Ok(Self {
            hash: password::hash(&text)?,
            text,
            until: now + ONE_TIME_LASTS,
        })
    }
}

/// Tells whether a user must have one-time codes.
pub fn requires_totp(user: &User, totp_roles: &[Role]) -> bool {
    totp_roles.iter().any(|role| user.rights.holds(*role))
}

/// Returns what a login lacks before it opens anything.
pub fn due(login: &Login, user: &User, totp_roles: &[Role]) -> Option<Due> {
    if login.code_due {
        Some(Due::Code)
    } else if user.password_until.is_some() {
        Some(Due::Password)
    } else if user.totp.is_none() && requires_totp(user, totp_roles) {
        Some(Due::Totp)
    } else {
        None
    }
}

/// Tells whether nothing is looked at before `until`.
pub fn is_locked(until: Option<WallTime>, now: WallTime) -> bool {
    until.is_some_and(|until| now < until)
}

/// What nobody renews within a year is forgotten.
pub const TOKEN_DAYS_MAX: u32 = 366;
/// More than anybody keeps track of.
pub const TOKENS_MAX: usize = 32;
/// Long enough for anybody's name, short enough for a line.
pub const NAME_CHARS_MAX: usize = 64;
/// Time to meet the new user; what is not used by then is worth nothing to who finds it.
const ONE_TIME_LASTS: Duration = Duration::from_secs(7 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_visible() {
        assert_eq!(checked_name("  Nguyễn Văn Ấn "), Ok("Nguyễn Văn Ấn"));
        assert_eq!(checked_name("<script>"), Ok("<script>"), "it is only text");
        assert_eq!(checked_name("Token x of an"), Err(PersonRefusal::LikeAToken));
        for bad in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(checked_name(bad), Err(PersonRefusal::BadName(64)), "{bad:?}");
        }
    }

    #[test]
    fn tokens_have_names_and_an_end() {
        assert_eq!(checked_token_name(" bảng điện tử "), Ok("bảng điện tử"));
        assert_eq!(checked_token_name(""), Err(TokenRefusal::BadName(64)));
        assert_eq!(token_lasts(1), Ok(Duration::from_secs(86_400)));
        for days in [0, 367, u32::MAX] {
            assert_eq!(token_lasts(days), Err(TokenRefusal::Days(366)));
        }
    }

    #[test]
    fn one_time_passwords_differ_and_pass_as_passwords() {
        let now = WallTime::from_unix_s(0);
        let (one, two) = (
            OneTimePassword::new(now).unwrap(),
            OneTimePassword::new(now).unwrap(),
        );
        assert_ne!(one.text, two.text);
        assert!(password::verify(&one.text, &one.hash) && !password::verify(&one.text, &two.hash));
        assert_eq!(one.until, WallTime::from_unix_s(7 * 86_400));
    }

    #[test]
    fn a_lock_ends() {
        let at = WallTime::from_unix_s;
        assert!(!is_locked(None, at(5)) && is_locked(Some(at(6)), at(5)) && !is_locked(Some(at(5)), at(5)));
    }
}
