//! The people of the station as the panel sees them.

use std::time::Duration;

use loa_model::{Grant, Role, UserId, WallTime};
use loa_panel::{
    Answer, AuditLine, AuditPage, AuditVerdict, AuditWanted, Browser, Changed, Console as _, ConsoleError,
    LogIn, LoginItem, NewTotp, OwnChange, People, Person, PersonRefusal, UserChange, UserItem,
};
use loa_store::{AuditQuery, By, Login, NewLogin, NewUser, Step, Store, StoreError, User};
use tracing::{info, warn};

use super::known::Known;
use super::{StationConsole, refused, unavailable};
use crate::password::{self, PasswordError};
use crate::people::{OneTimePassword, checked_name, due, is_locked, requires_totp};
use crate::totp;

impl People for StationConsole {
    fn log_in<'a>(&'a self, name: &'a str, password: &'a str, from: &'a Browser) -> Answer<'a, LogIn> {
        Box::pin(async move {
            let (wanted, address, now) = (name.trim().to_owned(), from.address.to_string(), self.now());
            let user = self.with_store(move |store| store.user(&wanted)).await?;
            // Strangers who guess must not keep the officer from the desk of the last login; the brake still holds there.
            if let Some(user) = &user
                && is_locked(user.password_locked_until, now)
                && user.last_address.as_deref() != Some(address.as_str())
            {
                return Err(PersonRefusal::Locked.into());
            }
            // A name that does not exist costs as much time as one that does.
            let hash = user.as_ref().map_or(NOBODY, |user| &user.password);
            let right = is_right(password, hash).await?;
            let Some(user) = user else {
                return Err(PersonRefusal::WrongPassword.into());
            };
            if !right {
                self.count_failure(user.id, Step::Password).await?;
                return Err(PersonRefusal::WrongPassword.into());
            }
            if user.disabled || user.password_until.is_some_and(|until| now >= until) {
                return Err(PersonRefusal::WrongPassword.into());
            }
            let (token, kept) = password::new_token().map_err(|error| unavailable(&error))?;
            let code_due = user.totp.is_some();
            let new = NewLogin {
                token: kept,
                user: user.id,
                password: user.password.clone(),
                expires: now + if code_due { CODE_WAITS } else { LOGIN_LASTS },
                address,
                browser: from.name.clone(),
                code_due,
            };
            let roles = self.people.totp_roles.clone();
            let due = self
                .with_store(move |store| {
                    store.put_login(&new, now)?;
                    let found = store.login(&kept, now)?;
                    Ok(found.and_then(|(login, user)| due(&login, &user, &roles)))
                })
                .await
                .map_err(|error| match error {
                    // Another password, or none any more, while this one was checked.
                    ConsoleError::NotFound(_) => PersonRefusal::WrongPassword.into(),
                    other => other,
                })?;
            info!(user = user.name, ?due, "password accepted");
            Ok(LogIn {
                token,
                lasts: LOGIN_LASTS,
                due,
            })
        })
    }

    fn enter_code<'a>(&'a self, token: &'a str, code: &'a str) -> Answer<'a, ()> {
        let (kept, code, now) = (password::token_hash(token), code.to_owned(), self.now());
        let checked = self.with_store(move |store| {
            let Some((login, user)) = store.login(&kept, now)? else {
                return Ok(Err(PersonRefusal::WrongCode));
            };
            if !login.code_due {
                return Ok(Ok(()));
            }
            if is_locked(user.code_locked_until, now) {
                return Ok(Err(PersonRefusal::Locked));
            }
            if !is_right_code(store, &user, &code, now)? {
                store.count_failure(user.id, Step::Code, now)?;
                return Ok(Err(PersonRefusal::WrongCode));
            }
            store.complete_login(login.id, now + LOGIN_LASTS, now)?;
            Ok(Ok(()))
        });
        Box::pin(async move { Ok(checked.await??) })
    }

    fn person<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>> {
        Box::pin(async move {
            let (kept, now) = (password::token_hash(token), self.now());
            let found = match self.with_reader(move |store| store.login(&kept, now)).await {
                // While the database does not answer, whoever was let in stays.
                Err(error) => return self.people.last_known(kept, now).map(Some).ok_or(error),
                Ok(found) => found,
            };
            let Some((login, user)) = found else {
                self.people.note(kept, None, now);
                return Ok(None);
            };
            let person = Person {
                user: user.id,
                login: Some(login.id),
                due: due(&login, &user, &self.people.totp_roles),
                name: user.name,
                rights: user.rights,
            };
            let shown = Known {
                person: person.clone(),
                expires: login.expires,
                seen: login.seen,
            };
            if self.people.note(kept, Some(shown), now) {
                tokio::spawn(self.with_store(move |store| store.see_login(login.id, now)));
            }
            Ok(Some(person))
        })
    }

    fn log_out<'a>(&'a self, token: &'a str) -> Answer<'a, ()> {
        let (kept, now) = (password::token_hash(token), self.now());
        self.people.note(kept, None, now);
        self.with_store(move |store| store.log_out(&kept, now))
    }

    fn change_own<'a>(&'a self, person: &'a Person, change: OwnChange) -> Answer<'a, Changed> {
        Box::pin(async move {
            let (id, login) = (person.user, person.login);
            match change {
                OwnChange::Password { old, new } => {
                    let user = self.check_own(person, &old).await?;
                    if old == new {
                        return Err(PersonRefusal::SamePassword.into());
                    }
                    let hash = hashed(new).await?;
                    self.change_as(&user.name, move |store, by| {
                        store.set_password(id, &hash, None, login, by)
                    })
                    .await
                }
                OwnChange::Totp { password, key, code } => {
                    let user = self.check_own(person, &password).await?;
                    let key = totp::key_from(&key).ok_or(PersonRefusal::WrongCode)?;
                    let step = totp::step_of(&code, &key, self.now()).ok_or(PersonRefusal::WrongCode)?;
                    let (codes, hashes) = recovery_codes()?;
                    self.change_as(&user.name, move |store, by| {
                        store.set_totp(id, &key, step, &hashes, by)
                    })
                    .await?;
                    Ok(Changed::RecoveryCodes(codes))
                }
                OwnChange::NoTotp { password } => {
                    let user = self.check_own(person, &password).await?;
                    if requires_totp(&user, &self.people.totp_roles) {
                        return Err(PersonRefusal::TotpRequired.into());
                    }
                    self.change_as(&user.name, move |store, by| store.clear_totp(id, by))
                        .await
                }
                OwnChange::RecoveryCodes { password } => {
                    let user = self.check_own(person, &password).await?;
                    if user.totp.is_none() {
                        return Err(ConsoleError::NotFound("one-time codes".to_owned()));
                    }
                    let (codes, hashes) = recovery_codes()?;
                    self.change_as(&user.name, move |store, by| {
                        store.set_recovery_codes(id, &hashes, by)
                    })
                    .await?;
                    Ok(Changed::RecoveryCodes(codes))
                }
                OwnChange::EndLogin(ended) => {
                    self.change_as(&person.name, move |store, by| store.end_login(id, ended, by))
                        .await
                }
                OwnChange::EndOtherLogins => {
                    self.change_as(&person.name, move |store, by| store.end_logins(id, login, by))
                        .await
                }
            }
        })
    }

    fn new_totp<'a>(&'a self, person: &'a Person) -> Answer<'a, NewTotp> {
        let made = totp::new_key().map(|key| NewTotp {
            key: totp::base32(&key),
            uri: totp::uri(&key, &self.station.name, &person.name),
        });
        Box::pin(std::future::ready(made.map_err(|error| unavailable(&error))))
    }

    fn users(&self) -> Answer<'_, Vec<UserItem>> {
        let (now, roles) = (self.now(), self.people.totp_roles.clone());
        self.with_store(move |store| {
            let users = store.users()?.into_iter();
            users.map(|user| item(store, user, &roles, now)).collect()
        })
    }

    fn user(&self, id: UserId) -> Answer<'_, Option<UserItem>> {
        let (now, roles) = (self.now(), self.people.totp_roles.clone());
        self.with_store(move |store| {
            let user = store.user_by_id(id)?;
            user.map(|user| item(store, user, &roles, now)).transpose()
        })
    }

    fn add_user<'a>(&'a self, name: &'a str, grant: Grant, by: &'a str) -> Answer<'a, (UserId, String)> {
        Box::pin(async move {
            let name = checked_name(name)?.to_owned();
            let one_time = self.one_time_password().await?;
            let new = NewUser {
                name,
                password: one_time.hash,
                password_until: Some(one_time.until),
                rights: [grant].into_iter().collect(),
            };
            let (by, at) = (by.to_owned(), self.now());
            let added = self.with_store(move |store| store.add_user(&new, By { who: &by, at }));
            Ok((added.await?, one_time.text))
        })
    }

    fn change_user<'a>(&'a self, id: UserId, change: UserChange, by: &'a str) -> Answer<'a, ()> {
        let (by, at) = (by.to_owned(), self.now());
        self.with_store(move |store| {
            let by = By { who: &by, at };
            match change {
                UserChange::Give(grant) => store.grant(id, grant, by),
                UserChange::Take(grant) => store.revoke(id, grant, by),
                UserChange::Disable(disabled) => store.set_disabled(id, disabled, by),
                UserChange::ResetTotp => store.clear_totp(id, by),
                UserChange::Unlock => store.unlock(id, by),
                UserChange::EndLogin(login) => store.end_login(id, login, by),
                UserChange::EndLogins => store.end_logins(id, None, by),
            }
        })
    }

    fn give_one_time_password<'a>(&'a self, id: UserId, by: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let OneTimePassword { text, hash, until } = self.one_time_password().await?;
            self.change_as(by, move |store, by| {
                store.set_password(id, &hash, Some(until), None, by)
            })
            .await?;
            Ok(text)
        })
    }

    fn audit(&self, wanted: AuditWanted) -> Answer<'_, AuditPage> {
        let database = self.database.clone();
        Box::pin(async move {
            // On a connection of its own: a look at the whole log takes a while, and the panel's has other work.
            let read = tokio::task::spawn_blocking(move || {
                let store = Store::open(&database).map_err(|error| unavailable(&error))?;
                audit_page(&store, wanted).map_err(refused)
            });
            read.await.map_err(|error| unavailable(&error))?
        })
    }
}

impl StationConsole {
    /// Changes something in the name of somebody.
    pub(super) async fn change_as(
        &self,
        who: &str,
        change: impl FnOnce(&mut Store, By<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Changed, ConsoleError> {
        let (who, at) = (who.to_owned(), self.now());
        self.with_store(move |store| change(store, By { who: &who, at }))
            .await?;
        Ok(Changed::Done)
    }

    /// Checks the password of somebody who is logged in: the browser may be left open.
    pub(super) async fn check_own(&self, person: &Person, password: &str) -> Result<User, ConsoleError> {
        let id = person.user;
        let user = self.with_store(move |store| store.user_by_id(id)).await?;
        let user = user.ok_or(PersonRefusal::WrongPassword)?;
        if is_locked(user.password_locked_until, self.now()) {
            return Err(PersonRefusal::Locked.into());
        }
        if is_right(password, &user.password).await? {
            return Ok(user);
        }
        self.count_failure(id, Step::Password).await?;
        Err(PersonRefusal::WrongPassword.into())
    }

    async fn count_failure(&self, user: UserId, step: Step) -> Result<(), ConsoleError> {
        let now = self.now();
        let locked = self
            .with_store(move |store| store.count_failure(user, step, now))
            .await?;
        if locked.is_some() {
            warn!(%user, ?step, "too many in a row were wrong; the next have to wait");
        }
        Ok(())
    }

    async fn one_time_password(&self) -> Result<OneTimePassword, ConsoleError> {
        let now = self.now();
        let made = tokio::task::spawn_blocking(move || OneTimePassword::new(now));
        let made = made.await.map_err(|error| unavailable(&error))?;
        made.map_err(|error| ConsoleError::Unavailable(format!("{error:#}")))
    }
}

/// Checks a password away from the threads that serve pages: hashing takes a while by design.
async fn is_right(password: &str, hash: &str) -> Result<bool, ConsoleError> {
    let (password, hash) = (password.to_owned(), hash.to_owned());
    let checked = tokio::task::spawn_blocking(move || password::verify(&password, &hash));
    checked.await.map_err(|error| unavailable(&error))
}

async fn hashed(password: String) -> Result<String, ConsoleError> {
    let hashed = tokio::task::spawn_blocking(move || password::hash(&password));
    match hashed.await.map_err(|error| unavailable(&error))? {
        Ok(hash) => Ok(hash),
        Err(PasswordError::Short(_)) => Err(PersonRefusal::ShortPassword(password::PASSWORD_MIN).into()),
        Err(error) => Err(unavailable(&error)),
    }
}

/// Checks a one-time code or a recovery code, and uses it up.
fn is_right_code(store: &mut Store, user: &User, code: &str, now: WallTime) -> Result<bool, StoreError> {
    let step = user.totp.and_then(|key| totp::step_of(code, &key, now));
    match step {
        Some(step) => store.use_totp_step(user.id, step),
        None => {
            let by = By {
                who: &user.name,
                at: now,
            };
            store.use_recovery_code(user.id, &totp::recovery_hash(code), by)
        }
    }
}

fn recovery_codes() -> Result<(Vec<String>, Vec<[u8; 32]>), ConsoleError> {
    let codes = totp::new_recovery_codes().map_err(|error| unavailable(&error))?;
    Ok(codes.into_iter().unzip())
}

fn item(store: &Store, user: User, totp_roles: &[Role], now: WallTime) -> Result<UserItem, StoreError> {
    let logins = store.logins(user.id, now)?.into_iter();
    let locked_until = user.password_locked_until.max(user.code_locked_until);
    Ok(UserItem {
        id: user.id,
        totp: user.totp.is_some(),
        totp_required: requires_totp(&user, totp_roles),
        disabled: user.disabled,
        one_time: user.password_until.is_some(),
        recovery_codes: user.recovery_codes,
        locked_until: locked_until.filter(|until| now < *until),
        logins: logins.map(login_item).collect(),
        name: user.name,
        rights: user.rights,
    })
}

fn login_item(login: Login) -> LoginItem {
    LoginItem {
        id: login.id,
        since: login.since,
        seen: login.seen,
        address: login.address,
        browser: login.browser,
    }
}

fn audit_page(store: &Store, wanted: AuditWanted) -> Result<AuditPage, StoreError> {
    let query = AuditQuery {
        who: wanted.who,
        what: wanted.what,
        from: wanted.from,
        to: wanted.to,
        below: wanted.below,
        most: AUDIT_PAGE + 1,
    };
    let mut rows = store.audit_search(&query)?;
    let more = rows.len() > AUDIT_PAGE as usize;
    rows.truncate(AUDIT_PAGE as usize);
    let lines = rows.into_iter().map(|(number, row)| AuditLine {
        number,
        at: row.at,
        who: row.who,
        action: row.action,
        detail: row.detail,
        before: row.before,
        after: row.after,
    });
    Ok(AuditPage {
        lines: lines.collect(),
        more,
        verdict: match store.verify_audit(None)? {
            loa_store::AuditVerdict::Whole { rows, head } => AuditVerdict::Whole(rows, head.to_string()),
            loa_store::AuditVerdict::Broken { row } => AuditVerdict::Broken(row),
            loa_store::AuditVerdict::Cut => AuditVerdict::Unknown,
        },
    })
}

/// A working day.
const LOGIN_LASTS: Duration = Duration::from_secs(12 * 3_600);
/// Time to find the phone.
const CODE_WAITS: Duration = Duration::from_secs(5 * 60);
const AUDIT_PAGE: u32 = 50;
/// The hash of a password that nobody has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bG9hLW5vYm9keS1zYWx0$dVvFIsSPqOhbWn1TQl1b2Kyl3kT3bGd1mVQwz2FZ5Bk";
