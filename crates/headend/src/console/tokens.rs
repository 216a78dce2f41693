//! Tokens of people's programs, as the panel sees them.

use std::time::Duration;

use loa_model::{TokenId, UserId};
use loa_panel::{Answer, Console as _, Person, TokenItem, TokenRefusal, TokenWanted, Tokens};
use loa_store::{NewToken, Token};

use super::known::Known;
use super::{StationConsole, unavailable};
use crate::password;
use crate::people::{TOKENS_MAX, checked_token_name, holder_name, requires_totp, token_lasts};

impl Tokens for StationConsole {
    fn holder<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>> {
        Box::pin(async move {
            let (kept, now) = (password::token_hash(token), self.now());
            let found = match self.with_reader(move |store| store.token(&kept, now)).await {
                // While the database does not answer, whoever was let in stays.
                Err(error) => return self.people.last_known(kept, now).map(Some).ok_or(error),
                Ok(found) => found,
            };
            // An account that is not its owner's alone at the moment lends nothing.
            let found = found.filter(|(_, owner)| {
                let lacks_totp = owner.totp.is_none() && requires_totp(owner, &self.people.totp_roles);
                owner.password_until.is_none() && !lacks_totp
            });
            let Some((token, owner)) = found else {
                self.people.note(kept, None, now);
                return Ok(None);
            };
            let person = Person {
                user: owner.id,
                login: None,
                name: holder_name(&token.name, &owner.name),
                rights: owner.rights.narrowed(&token.scope, &self.zones()),
                due: None,
            };
            let shown = Known {
                person: person.clone(),
                expires: token.expires,
                seen: token.seen.unwrap_or_default(),
            };
            if self.people.note(kept, Some(shown), now) {
                tokio::spawn(self.with_store(move |store| store.see_token(token.id, now)));
            }
            Ok(Some(person))
        })
    }

    fn tokens(&self, user: UserId) -> Answer<'_, Vec<TokenItem>> {
        self.with_store(move |store| Ok(store.tokens(user)?.into_iter().map(item).collect()))
    }

    fn add_token<'a>(&'a self, person: &'a Person, new: TokenWanted) -> Answer<'a, String> {
        Box::pin(async move {
            let name = checked_token_name(&new.name)?.to_owned();
            let lasts: Duration = token_lasts(new.days)?;
            let owner = self.check_own(person, &new.password).await?;
            new.scope
                .must_be_held(&owner.rights, &self.zones())
                .map_err(TokenRefusal::from)?;
            let id = owner.id;
            if self.with_store(move |store| store.tokens(id)).await?.len() >= TOKENS_MAX {
                return Err(TokenRefusal::TooMany(TOKENS_MAX).into());
            }
            let (shown, hash) = password::new_program_token().map_err(|error| unavailable(&error))?;
            let token = NewToken {
                hash,
                user: id,
                name,
                scope: new.scope,
                expires: self.now() + lasts,
            };
            self.change_as(&owner.name, move |store, by| {
                store.add_token(&token, by).map(drop)
            })
            .await?;
            Ok(shown)
        })
    }

    fn revoke_token<'a>(&'a self, person: &'a Person, id: TokenId) -> Answer<'a, ()> {
        let user = person.user;
        Box::pin(async move {
            self.change_as(&person.name, move |store, by| store.revoke_token(user, id, by))
                .await
                .map(drop)
        })
    }
}

fn item(token: Token) -> TokenItem {
    TokenItem {
        id: token.id,
        name: token.name,
        scope: token.scope,
        since: token.since,
        expires: token.expires,
        seen: token.seen,
    }
}
