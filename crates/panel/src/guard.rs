//! Who may pass: the login cookie, and a brake on guessing passwords.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use loa_model::WallTime;

use crate::error::PanelError;
use crate::lang::cookie;
use crate::router::Panel;

/// Somebody who is logged in. A handler that takes one is closed to everybody else.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
}

impl FromRequestParts<Panel> for User {
    type Rejection = PanelError;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Self::Rejection> {
        // No cookie is an empty token, which is nobody's.
        let name = panel.console.user(&token(parts).unwrap_or_default()).await?;
        name.map(|name| Self { name }).ok_or(PanelError::LogInFirst)
    }
}

/// Returns the token that the browser shows.
pub(crate) fn token(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(COOKIE)?.to_str().ok()?;
    cookie(header, LOGIN_COOKIE).map(str::to_owned)
}

/// Returns the `Set-Cookie` value for a login.
pub(crate) fn login_cookie(token: &str, lasts: Duration) -> String {
    format!(
        "{LOGIN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
        lasts.as_secs()
    )
}

/// Counts failed logins by name and by address.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    failed: Mutex<BTreeMap<String, Failed>>,
}

#[derive(Debug)]
struct Failed {
    times: u32,
    since: WallTime,
}

impl Brake {
    /// Tells whether another try is allowed.
    pub(crate) fn allows(&self, name: &str, from: IpAddr, now: WallTime) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, failed| now.since(failed.since) < WINDOW);
        keys(name, from)
            .iter()
            .all(|(key, most)| failed.get(key).is_none_or(|failed| failed.times < *most))
    }

    /// Counts a try that failed.
    pub(crate) fn note(&self, name: &str, from: IpAddr, now: WallTime) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(name, from) {
            if failed.len() < KEYS_MAX || failed.contains_key(&key) {
                failed.entry(key).or_insert(Failed { times: 0, since: now }).times += 1;
            }
        }
    }
}

fn keys(name: &str, from: IpAddr) -> [(String, u32); 2] {
    let name: String = name.chars().take(64).collect();
    [
        (format!("name {name}"), TRIES_OF_A_NAME),
        (format!("address {from}"), TRIES_OF_AN_ADDRESS),
    ]
}

const LOGIN_COOKIE: &str = "loa_login";
const WINDOW: Duration = Duration::from_secs(60);
const TRIES_OF_A_NAME: u32 = 5;
const TRIES_OF_AN_ADDRESS: u32 = 20;
/// Bounds memory; whoever fills it has used up the tries of all addresses in it.
const KEYS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slow_and_forgiven_after_a_minute() {
        let (brake, now) = (Brake::default(), WallTime::from_unix_s(100));
        let [one, two] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        for _ in 0..TRIES_OF_A_NAME {
            assert!(brake.allows("ann", one, now));
            brake.note("ann", one, now);
        }
        assert!(!brake.allows("ann", two, now), "from anywhere");
        assert!(brake.allows("bob", one, now));
        assert!(brake.allows("ann", one, now + WINDOW));
        for i in 0..TRIES_OF_AN_ADDRESS {
            brake.note(&format!("user{i}"), two, now);
        }
        assert!(!brake.allows("carl", two, now), "one address, many names");
    }
}
