//! What the panel may ask of the station about people: who is in, who may do what, who did what.

use std::net::IpAddr;
use std::time::Duration;

use loa_model::{Grant, LoginId, Rights, UserId, WallTime};

use crate::console::Answer;

/// The people of the station as the panel sees them; a part of [`Console`](crate::Console).
///
/// Whether somebody may do a thing to somebody else is decided by the panel before it asks.
pub trait People: Send + Sync + 'static {
    /// Checks a name and a password, and begins a login if they are right.
    fn log_in<'a>(&'a self, name: &'a str, password: &'a str, from: &'a Browser) -> Answer<'a, LogIn>;
    /// Checks the one-time code or recovery code of a login that waits for it.
    fn enter_code<'a>(&'a self, token: &'a str, code: &'a str) -> Answer<'a, ()>;
    /// Returns who is logged in under a token.
    fn person<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>>;
    /// Ends a login.
    fn log_out<'a>(&'a self, token: &'a str) -> Answer<'a, ()>;
    /// Changes something of the person's own account.
    fn change_own<'a>(&'a self, person: &'a Person, change: OwnChange) -> Answer<'a, Changed>;
    /// Makes a key for one-time codes, which is nobody's yet.
    fn new_totp<'a>(&'a self, person: &'a Person) -> Answer<'a, NewTotp>;
    /// Returns every user, in order of name.
    fn users(&self) -> Answer<'_, Vec<UserItem>>;
    /// Returns one user.
    fn user(&self, id: UserId) -> Answer<'_, Option<UserItem>>;
    /// Adds a user with a one-time password, and returns both.
    fn add_user<'a>(&'a self, name: &'a str, grant: Grant, by: &'a str) -> Answer<'a, (UserId, String)>;
    /// Changes something of a user.
    fn change_user<'a>(&'a self, id: UserId, change: UserChange, by: &'a str) -> Answer<'a, ()>;
    /// Gives a user a one-time password, and ends all logins of that user.
    fn give_one_time_password<'a>(&'a self, id: UserId, by: &'a str) -> Answer<'a, String>;
    /// Reads the audit log, newest first.
    fn audit(&self, wanted: AuditWanted) -> Answer<'_, AuditPage>;
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Its address.
    pub address: IpAddr,
    /// What it calls itself.
    pub name: String,
}

/// A login that was accepted.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// What the browser shows from here on.
    pub token: String,
    /// For how long.
    pub lasts: Duration,
    /// What is asked for before anything else.
    pub due: Option<Due>,
}

/// What a login lacks before it opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The one-time code.
    Code,
    /// A password of one's own, in the place of the one-time password.
    Password,
    /// One-time codes, which a role that is held requires.
    Totp,
}

impl Due {
    /// Returns the word used in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Password => "password",
            Self::Totp => "totp",
        }
    }
}

/// Somebody who is logged in, or whose token was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Which user.
    pub user: UserId,
    /// Which of the user's logins; none if a program showed a token.
    pub login: Option<LoginId>,
    /// The user's name; of a token `token NAME of USER`.
    pub name: String,
    /// What the user may do, and where; of a token, as much of it as lies within its scope.
    pub rights: Rights,
    /// What is asked for before anything else.
    pub due: Option<Due>,
}

/// A user, as an administrator and the user see them.
#[derive(Clone, Debug)]
pub struct UserItem {
    /// Which.
    pub id: UserId,
    /// Name.
    pub name: String,
    /// What the user may do, and where.
    pub rights: Rights,
    /// Whether logging in is refused.
    pub disabled: bool,
    /// Whether the password is one that somebody else chose.
    pub one_time: bool,
    /// Whether one-time codes are set up.
    pub totp: bool,
    /// Whether a role that is held requires them.
    pub totp_required: bool,
    /// Recovery codes not yet used.
    pub recovery_codes: u32,
    /// Until when no password or no code is looked at.
    pub locked_until: Option<WallTime>,
    /// Where the user is logged in, newest first.
    pub logins: Vec<LoginItem>,
}

/// One login of a user.
#[derive(Clone, Debug)]
pub struct LoginItem {
    /// Which.
    pub id: LoginId,
    /// Since when.
    pub since: WallTime,
    /// When it was last used, to the minute.
    pub seen: WallTime,
    /// Where it was begun from.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
}

/// What an administrator may change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Gives a role.
    Give(Grant),
    /// Takes a role.
    Take(Grant),
    /// Permits to log in, or refuses it.
    Disable(bool),
    /// Takes the one-time codes away.
    ResetTotp,
    /// Lets the user try again at once.
    Unlock,
    /// Ends one login.
    EndLogin(LoginId),
    /// Ends all logins.
    EndLogins,
}

/// What people may change of themselves. Each but the last two asks for the password once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnChange {
    /// Another password; ends all other logins.
    Password {
        /// The one in force.
        old: String,
        /// The one to come.
        new: String,
    },
    /// Sets up one-time codes.
    Totp {
        /// The password.
        password: String,
        /// The key, as [`NewTotp`] gave it.
        key: String,
        /// A code made with it.
        code: String,
    },
    /// Takes the one-time codes away.
    NoTotp {
        /// The password.
        password: String,
    },
    /// New recovery codes in the place of the old ones.
    RecoveryCodes {
        /// The password.
        password: String,
    },
    /// Ends one login.
    EndLogin(LoginId),
    /// Ends all logins but this one.
    EndOtherLogins,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// It is done, with these recovery codes.
    RecoveryCodes(Vec<String>),
}

/// A key for one-time codes.
#[derive(Clone, Debug)]
pub struct NewTotp {
    /// In base 32, as people type it.
    pub key: String,
    /// As a picture says it to a phone.
    pub uri: String,
}

/// Which part of the audit log is wanted; an empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditWanted {
    /// Part of the name of who did it.
    pub who: String,
    /// Part of the action, or of what exactly.
    pub what: String,
    /// Not before this.
    pub from: Option<WallTime>,
    /// Before this.
    pub to: Option<WallTime>,
    /// Only lines with smaller numbers.
    pub below: Option<i64>,
}

/// A part of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// Newest first.
    pub lines: Vec<AuditLine>,
    /// Whether there are older ones that are wanted too.
    pub more: bool,
    /// What a look at the whole log found.
    pub verdict: AuditVerdict,
}

/// One deed.
#[derive(Clone, Debug)]
pub struct AuditLine {
    /// Its number.
    pub number: i64,
    /// When.
    pub at: WallTime,
    /// Who.
    pub who: String,
    /// What kind of thing.
    pub action: String,
    /// What exactly.
    pub detail: String,
    /// What it was; empty where that says nothing.
    pub before: String,
    /// What it became; empty where that says nothing.
    pub after: String,
}

/// Whether the audit log is as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditVerdict {
    /// It could not be looked at.
    #[default]
    Unknown,
    /// It is: so many lines, and the hash of the last.
    Whole(u64, String),
    /// From this line on it is not.
    Broken(i64),
}

/// Why something about people was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersonRefusal {
    /// No such user, another password, or not permitted to log in. One answer for all: who asks need not know which.
    #[error("wrong user name or password")]
    WrongPassword,
    /// Not the code, or one that was used.
    #[error("wrong code, or one that was used already")]
    WrongCode,
    /// Too many wrong passwords or codes in a row.
    #[error("too many wrong passwords or codes; wait, or ask an administrator to unlock the account")]
    Locked,
    /// Too short to keep anybody out.
    #[error("the password is too short; use at least {0} characters")]
    ShortPassword(usize),
    /// The new password is the old one.
    #[error("this is the password that was there before; choose another one")]
    SamePassword,
    /// Empty, too long, or with characters that cannot be seen.
    #[error("the name is empty, longer than {0} characters, or holds what cannot be seen")]
    BadName(usize),
    /// It would look like a token's in the audit log.
    #[error("a name that begins with \"token \" would look like a program's; choose another name")]
    LikeAToken,
    /// The name is taken.
    #[error("there is a user of this name already; choose another name")]
    NameTaken,
    /// A role that is held requires one-time codes.
    #[error("a role that is held requires one-time codes; they can be made anew, not removed")]
    TotpRequired,
}
