//! A brake on guessing passwords, in memory: by name and by address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loa_model::WallTime;

/// Counts tries to log in that were not right, by name and by address.
///
/// The tightest count is of a name *from one address*, so that a stranger who guesses at the duty
/// officer's name does not keep the officer out; the count of a name from everywhere is only a ceiling.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    tries: Mutex<BTreeMap<Key, Tries>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    NameFrom(String, IpAddr),
    Name(String),
    From(IpAddr),
}

#[derive(Debug)]
struct Tries {
    times: u32,
    since: WallTime,
}

impl Brake {
    /// Counts a try before the password is looked at, so that tries in parallel are counted too.
    ///
    /// False when there were too many; such a try is not counted, so waiting always helps.
    pub(crate) fn take(&self, name: &str, from: IpAddr, now: WallTime) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|_, tries| now.since(tries.since) < WINDOW);
        let keys = keys(name, from);
        let spent = |(key, most): &(Key, u32)| tries.get(key).is_some_and(|tries| tries.times >= *most);
        if keys.iter().any(spent) || tries.len() + keys.len() > KEYS_MAX {
            return false;
        }
        for (key, _) in keys {
            tries.entry(key).or_insert(Tries { times: 0, since: now }).times += 1;
        }
        true
    }

    /// Gives a try back whose password was right.
    pub(crate) fn give_back(&self, name: &str, from: IpAddr) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(name, from) {
            if let Some(tries) = tries.get_mut(&key) {
                tries.times = tries.times.saturating_sub(1);
            }
        }
    }
}

fn keys(name: &str, from: IpAddr) -> [(Key, u32); 3] {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let from = network(from);
    [
        (
            Key::NameFrom(name.clone(), from),
            TRIES_OF_A_NAME_FROM_ONE_ADDRESS,
        ),
        (Key::Name(name), TRIES_OF_A_NAME),
        (Key::From(from), TRIES_OF_AN_ADDRESS),
    ]
}

/// Returns what one subscriber cannot choose freely: an IPv4 address, or the upper half of an IPv6 one.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
}

const WINDOW: Duration = Duration::from_secs(60);
const TRIES_OF_A_NAME_FROM_ONE_ADDRESS: u32 = 5;
const TRIES_OF_AN_ADDRESS: u32 = 20;
const TRIES_OF_A_NAME: u32 = 60;
const NAME_CHARS_MAX: usize = 64;
/// Bounds memory. Filling it takes hundreds of addresses; until a minute has passed nobody else logs in then.
const KEYS_MAX: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn guessing_is_slow_and_forgiven_after_a_minute() {
        let (brake, now) = (Brake::default(), WallTime::from_unix_s(100));
        for _ in 0..TRIES_OF_A_NAME_FROM_ONE_ADDRESS {
            assert!(brake.take("ann", address(1), now));
        }
        assert!(!brake.take("ann", address(1), now));
        assert!(brake.take("bob", address(1), now), "another name");
        assert!(brake.take("ann", address(2), now), "the officer at another desk");
        assert!(brake.take("ann", address(1), now + WINDOW));
    }

    #[test]
    fn one_address_with_many_names_and_one_name_from_many_addresses_are_slow_too() {
        let (brake, now) = (Brake::default(), WallTime::from_unix_s(100));
        let names = (0..40).filter(|i| brake.take(&format!("user{i}"), address(1), now));
        assert_eq!(names.count(), 20);
        let addresses = (2..=200).filter(|last| brake.take("ann", address(*last), now));
        assert_eq!(addresses.count(), 60);
        let v6 = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, last, 0, 0, last]);
        let hosts = (0..40).filter(|last| brake.take("bob", v6(*last), now));
        assert_eq!(hosts.count(), 5, "one subscriber has 2^64 addresses");
    }

    #[test]
    fn a_right_password_costs_no_try() {
        let (brake, now) = (Brake::default(), WallTime::from_unix_s(100));
        for _ in 0..100 {
            assert!(brake.take("ann", address(1), now));
            brake.give_back("ann", address(1));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let (brake, now) = (Brake::default(), WallTime::from_unix_s(100));
        for i in 0..20_000u32 {
            brake.take(&format!("user{i}"), IpAddr::from(i.to_be_bytes()), now);
        }
        assert!(brake.tries.lock().unwrap().len() <= KEYS_MAX);
        assert!(brake.take("ann", address(1), now + WINDOW));
    }
}
