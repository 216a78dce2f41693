//! What the panel may ask of the station about tokens, with which programs call in somebody's name.

use loa_model::{Scope, ScopeError, TokenId, UserId, WallTime};

use crate::console::Answer;
use crate::people::Person;

/// The tokens of the station as the panel sees them; a part of [`Console`](crate::Console).
pub trait Tokens: Send + Sync + 'static {
    /// Returns in whose name a token speaks: `token NAME of USER`, with what of the owner's rights lies within its scope.
    ///
    /// None if it is unknown, expired or revoked, or if its owner may not log in or has to set something up first.
    fn holder<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>>;
    /// Returns the tokens of a user, in order of name.
    fn tokens(&self, user: UserId) -> Answer<'_, Vec<TokenItem>>;
    /// Makes a token of somebody, and returns what a program is to show: nobody can see it again.
    fn add_token<'a>(&'a self, person: &'a Person, new: TokenWanted) -> Answer<'a, String>;
    /// Takes a token of somebody away.
    fn revoke_token<'a>(&'a self, person: &'a Person, id: TokenId) -> Answer<'a, ()>;
}

/// A token, as its owner sees it.
#[derive(Clone, Debug)]
pub struct TokenItem {
    /// Which.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it may at most.
    pub scope: Scope,
    /// Since when.
    pub since: WallTime,
    /// When it ends by itself.
    pub expires: WallTime,
    /// When it was last used, to the minute; none if never.
    pub seen: Option<WallTime>,
}

/// A token that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWanted {
    /// Its name.
    pub name: String,
    /// What it may at most.
    pub scope: Scope,
    /// For how many days it lasts.
    pub days: u32,
    /// The owner's password, once more: a token lasts longer than a browser that was left open.
    pub password: String,
}

/// Why a token was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// Empty, too long, or with characters that cannot be seen.
    #[error("the token's name is empty, longer than {0} characters, or holds what cannot be seen")]
    BadName(usize),
    /// The owner has one of that name.
    #[error("you have a token of this name already; choose another name")]
    NameTaken,
    /// It would never end, or has ended.
    #[error("a token lasts 1 to {0} days")]
    Days(u32),
    /// The owner has as many as anybody may.
    #[error("you have {0} tokens, and nobody may have more; revoke one that is not used")]
    TooMany(usize),
    /// What it should may.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}
