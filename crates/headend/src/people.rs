//! The rules for people: names, one-time passwords, and what a login lacks. The panel and the command line share them.

use std::time::Duration;

use loa_model::{Role, WallTime};
use loa_panel::{Due, PersonRefusal};
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
    if fits && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(PersonRefusal::BadName(NAME_CHARS_MAX))
    }
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
        for bad in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(checked_name(bad), Err(PersonRefusal::BadName(64)), "{bad:?}");
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
