//! Tokens of programs in memory.
//!
//! A token says itself what it may: `see+announce` in the name of the officer on duty, `see+announce@2+5` in these zones
//! alone; `:roles` behind it, as in `see@2:viewer@2`, says what its owner holds. `gone` is nobody's.

use loa_model::{Grant, Permission, Role, Scope, TokenId, UserId, ZoneId};
use loa_panel::{Answer, Console as _, Person, PersonRefusal, TokenItem, TokenRefusal, TokenWanted, Tokens};

use super::people::rights;
use super::{Memory, at, done};

impl Tokens for Memory {
    fn holder<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>> {
        let (scope, roles) = token.split_once(':').unwrap_or((token, "*"));
        let owner = if roles == "*" {
            Role::ALL
                .map(|role| Grant { role, zone: None })
                .into_iter()
                .collect()
        } else {
            rights(roles)
        };
        done(scope_from(scope).map(|scope| Person {
            user: UserId(1),
            login: None,
            name: "token bảng điện tử of truc-ban".into(),
            rights: owner.narrowed(&scope, &self.zones()),
            due: None,
        }))
    }

    fn tokens(&self, _: UserId) -> Answer<'_, Vec<TokenItem>> {
        let item = |id, name: &str, scope: &str, expires: i64, seen: Option<i64>| TokenItem {
            id: TokenId(id),
            name: name.into(),
            scope: scope_from(scope).expect("a scope"),
            since: at(-86_400 * 40),
            expires: at(expires * 86_400),
            seen: seen.map(at),
        };
        done(vec![
            item(21, "bảng điện tử", "see", 50, Some(-120)),
            item(22, &self.title(), "see+announce@2+5", -3, None),
        ])
    }

    fn add_token<'a>(&'a self, person: &'a Person, new: TokenWanted) -> Answer<'a, String> {
        if new.password != "right" {
            return Box::pin(std::future::ready(Err(PersonRefusal::WrongPassword.into())));
        }
        if new.name == "bảng điện tử" {
            return Box::pin(std::future::ready(Err(TokenRefusal::NameTaken.into())));
        }
        self.note(format!(
            "{} token {} {:?} {}",
            person.name, new.name, new.scope, new.days
        ));
        done("loa_abcdefghijklmnopqrstuvwxyz".into())
    }

    fn revoke_token<'a>(&'a self, person: &'a Person, id: TokenId) -> Answer<'a, ()> {
        self.note(format!("{} revoked token {id}", person.name));
        done(())
    }
}

fn scope_from(text: &str) -> Option<Scope> {
    let (permissions, zones) = text.split_once('@').map_or((text, None), |(p, z)| (p, Some(z)));
    let permissions: Result<_, _> = permissions.split('+').map(str::parse::<Permission>).collect();
    let zones = zones.map(|zones| zones.split('+').filter_map(|zone| zone.parse().ok().map(ZoneId)));
    Scope::new(permissions.ok()?, zones.map(Iterator::collect)).ok()
}
