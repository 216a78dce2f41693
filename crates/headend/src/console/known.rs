//! Who was let in, by a login or a token: to write down now and then that they were seen, and to believe them while the database is away.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loa_model::{Role, WallTime};
use loa_panel::Person;

/// Who was let in, and by which rules.
#[derive(Debug, Default)]
pub struct PeopleState {
    pub(super) totp_roles: Vec<Role>,
    /// By the hash of the token: what is believed of it while the database does not answer, and when its use was last
    /// written down.
    known: Mutex<BTreeMap<[u8; 32], Known>>,
}

/// Who showed something, until when that holds, and when its use was last written down.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) person: Person,
    pub(super) expires: WallTime,
    pub(super) seen: WallTime,
}

impl PeopleState {
    /// Begins with nobody; who holds one of `totp_roles` must have one-time codes.
    pub fn new(totp_roles: Vec<Role>) -> Self {
        Self {
            totp_roles,
            ..Self::default()
        }
    }

    /// Takes note of who showed a token; tells whether its use is to be written down.
    pub(super) fn note(&self, token: [u8; 32], found: Option<Known>, now: WallTime) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = found else {
            known.remove(&token);
            return false;
        };
        let before = known.get(&token).map_or(found.seen, |known| known.seen);
        let due = now.since(before) >= SEEN_EVERY;
        known.retain(|_, known| now < known.expires);
        if known.len() < KNOWN_MAX || known.contains_key(&token) {
            let seen = if due { now } else { before };
            known.insert(token, Known { seen, ..found });
        }
        due
    }

    pub(super) fn last_known(&self, token: [u8; 32], now: WallTime) -> Option<Person> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&token).filter(|known| now < known.expires);
        found.map(|known| known.person.clone())
    }
}

/// How exactly the last use of a login is kept.
const SEEN_EVERY: Duration = Duration::from_secs(60);
/// Bounds memory; those beyond have to wait while the database does not answer.
const KNOWN_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use loa_model::{LoginId, Rights, UserId};

    use super::*;

    fn at(s: i64) -> WallTime {
        WallTime::from_unix_s(s)
    }

    fn shown() -> Option<Known> {
        Some(Known {
            person: person(),
            expires: at(1_000),
            seen: at(0),
        })
    }

    fn person() -> Person {
        Person {
            user: UserId(1),
            login: Some(LoginId(1)),
            name: "an".into(),
            rights: Rights::default(),
            due: None,
        }
    }

    #[test]
    fn whoever_was_let_in_is_known_until_the_login_ends_and_nobody_else() {
        let state = PeopleState::default();
        let (mine, other) = ([1; 32], [2; 32]);
        state.note(mine, shown(), at(10));
        assert_eq!(state.last_known(mine, at(999)), Some(person()));
        assert_eq!(state.last_known(mine, at(1_000)), None, "it has expired");
        assert_eq!(state.last_known(other, at(10)), None);
        state.note(mine, None, at(11));
        assert_eq!(state.last_known(mine, at(11)), None, "logged out");
    }

    #[test]
    fn use_is_written_down_once_a_minute_even_if_that_fails() {
        let state = PeopleState::default();
        // The database says that it was never seen after the beginning, as if no write had succeeded.
        let times = [0, 59, 60, 61, 119, 120, 300];
        let due = times.map(|now| state.note([1; 32], shown(), at(now)));
        assert_eq!(due, [false, false, true, false, false, true, true]);
    }

    #[test]
    fn memory_is_bounded() {
        let state = PeopleState::default();
        for number in 0..3_000_u32 {
            let mut token = [0; 32];
            token[..4].copy_from_slice(&number.to_be_bytes());
            state.note(token, shown(), at(10));
        }
        assert_eq!(state.known.lock().unwrap().len(), KNOWN_MAX);
    }
}
