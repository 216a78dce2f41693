//! One user: roles, logins, and what an administrator does when somebody leaves, forgets or loses a phone.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use loa_model::{Grant, LoginId, Permission, Rights, UserId};

use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::users::{RoleForm, RoleGiven, is_shown};
use crate::pages::{Frame, html};
use crate::people::{UserChange, UserItem};
use crate::plain::{browser, day_and_clock, role_name};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    frame: Frame,
    id: i64,
    name: String,
    states: Vec<String>,
    roles: Vec<RoleRow>,
    form: RoleForm,
    /// Whether the one who looks answers for the whole account.
    manages: bool,
    /// Whether it is their own.
    own: bool,
    disabled: bool,
    locked: bool,
    totp: bool,
    logins: Vec<LoginRow>,
}

pub(crate) struct RoleRow {
    pub(crate) grant: Grant,
    /// The role and its zone, in words.
    pub(crate) text: String,
    role: &'static str,
    /// Code of the zone; empty for every zone.
    zone: String,
}

pub(crate) struct LoginRow {
    pub(crate) id: i64,
    pub(crate) browser: String,
    pub(crate) address: String,
    pub(crate) since: String,
    pub(crate) seen: String,
    /// Whether it is the one that looks.
    pub(crate) this: bool,
}

/// Returns roles in words.
pub(crate) fn role_rows(panel: &Panel, rights: &Rights, lang: Lang) -> Vec<RoleRow> {
    let zones = panel.console.zones();
    let row = |grant: Grant| {
        let zone = grant.zone.and_then(|zone| zones.get(zone));
        let place = zone.map_or_else(|| lang.say("every-zone"), |zone| zone.name.clone());
        RoleRow {
            grant,
            text: format!("{} ({place})", role_name(grant.role, lang)),
            role: grant.role.name(),
            zone: zone.map_or_else(String::new, |zone| zone.code.clone()),
        }
    };
    rights.iter().map(row).collect()
}

/// Returns logins in words.
pub(crate) fn login_rows(panel: &Panel, item: &UserItem, this: Option<LoginId>, lang: Lang) -> Vec<LoginRow> {
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let row = |login: &crate::people::LoginItem| LoginRow {
        id: login.id.0,
        browser: if login.browser.is_empty() {
            lang.say("browser-unknown")
        } else {
            browser(&login.browser)
        },
        address: login.address.clone(),
        since: day_and_clock(login.since, now, tz, lang),
        seen: day_and_clock(login.seen, now, tz, lang),
        this: Some(login.id) == this,
    };
    item.logins.iter().map(row).collect()
}

/// Returns what is worth knowing of an account, in words.
pub(crate) fn states(panel: &Panel, item: &UserItem, lang: Lang) -> Vec<String> {
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let locked = item.locked_until.map(|until| {
        let until = day_and_clock(until, now, tz, lang);
        lang.say_with("user-locked", &[("until", &until)])
    });
    let words = [
        item.disabled.then(|| lang.say("user-disabled")),
        locked,
        item.one_time.then(|| lang.say("user-one-time")),
        item.totp.then(|| lang.say("user-totp")),
        (item.totp_required && !item.totp).then(|| lang.say("user-totp-missing")),
    ];
    words.into_iter().flatten().collect()
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<i64>,
) -> Result<Response, PanelError> {
    let other = find(&panel, &user, id).await?;
    let zones = panel.console.zones();
    let rights = &user.person.rights;
    let manages = rights.may_manage(&other.rights, &zones);
    let roles = role_rows(&panel, &other.rights, lang).into_iter();
    // Where one is logged in is the whole account's matter.
    let logins = if manages {
        login_rows(&panel, &other, user.person.login, lang)
    } else {
        Vec::new()
    };
    Ok(html(&UserPage {
        frame: Frame::new(&panel, lang, Some(&user.person), &format!("/users/{id}")),
        id,
        roles: roles.filter(|role| rights.may_give(role.grant, &zones)).collect(),
        form: RoleForm::new(&panel, &user, lang),
        states: states(&panel, &other, lang),
        manages,
        own: other.id == user.person.user,
        disabled: other.disabled,
        locked: other.locked_until.is_some(),
        totp: other.totp,
        logins,
        name: other.name,
    }))
}

pub(crate) async fn give(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
    Form(form): Form<RoleGiven>,
) -> Result<Redirect, PanelError> {
    let grant = form.grant(&panel, &user)?;
    let other = find(&panel, &user, id).await?;
    do_and_return(&panel, &user, other.id, UserChange::Give(grant)).await
}

pub(crate) async fn take(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
    Form(form): Form<RoleGiven>,
) -> Result<Redirect, PanelError> {
    let grant = form.grant(&panel, &user)?;
    let other = find(&panel, &user, id).await?;
    do_and_return(&panel, &user, other.id, UserChange::Take(grant)).await
}

pub(crate) async fn disable(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
) -> Result<Redirect, PanelError> {
    if UserId(id) == user.person.user {
        return Err(PanelError::NotYourself);
    }
    manage(&panel, &user, id, UserChange::Disable(true)).await
}

pub(crate) async fn enable(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
) -> Result<Redirect, PanelError> {
    manage(&panel, &user, id, UserChange::Disable(false)).await
}

pub(crate) async fn reset_totp(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
) -> Result<Redirect, PanelError> {
    // One's own are removed on the page of one's own account, which asks for the password.
    if UserId(id) == user.person.user {
        return Err(PanelError::NotYourself);
    }
    manage(&panel, &user, id, UserChange::ResetTotp).await
}

pub(crate) async fn unlock(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
) -> Result<Redirect, PanelError> {
    manage(&panel, &user, id, UserChange::Unlock).await
}

pub(crate) async fn end_login(
    State(panel): State<Panel>,
    user: User,
    Path((id, login)): Path<(i64, i64)>,
) -> Result<Redirect, PanelError> {
    manage(&panel, &user, id, UserChange::EndLogin(LoginId(login))).await
}

pub(crate) async fn end_logins(
    State(panel): State<Panel>,
    user: User,
    Path(id): Path<i64>,
) -> Result<Redirect, PanelError> {
    manage(&panel, &user, id, UserChange::EndLogins).await
}

/// Gives a one-time password and shows it; nobody can see it again.
pub(crate) async fn one_time_password(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<i64>,
) -> Result<Response, PanelError> {
    if UserId(id) == user.person.user {
        return Err(PanelError::NotYourself);
    }
    let other = managed(&panel, &user, id).await?;
    let turn = panel.turn_to_hash().await?;
    let by = &user.person.name;
    let password = panel.console.give_one_time_password(other.id, by).await?;
    drop(turn);
    Ok(one_time_page(
        &panel,
        &user,
        lang,
        other.id,
        &other.name,
        password,
    ))
}

#[derive(Template)]
#[template(path = "one_time_password.html")]
struct OneTimePage {
    frame: Frame,
    id: i64,
    name: String,
    password: String,
}

pub(crate) fn one_time_page(
    panel: &Panel,
    user: &User,
    lang: Lang,
    id: UserId,
    name: &str,
    password: String,
) -> Response {
    html(&OneTimePage {
        frame: Frame::new(panel, lang, Some(&user.person), ""),
        id: id.0,
        name: name.to_owned(),
        password,
    })
}

/// Changes something of a whole account, for which the one who does it must answer.
async fn manage(panel: &Panel, user: &User, id: i64, change: UserChange) -> Result<Redirect, PanelError> {
    let other = managed(panel, user, id).await?;
    do_and_return(panel, user, other.id, change).await
}

async fn do_and_return(
    panel: &Panel,
    user: &User,
    id: UserId,
    change: UserChange,
) -> Result<Redirect, PanelError> {
    panel.console.change_user(id, change, &user.person.name).await?;
    Ok(Redirect::to(&format!("/users/{id}")))
}

/// Finds somebody whom the user answers for.
async fn managed(panel: &Panel, user: &User, id: i64) -> Result<UserItem, PanelError> {
    let other = find(panel, user, id).await?;
    if user
        .person
        .rights
        .may_manage(&other.rights, &panel.console.zones())
    {
        return Ok(other);
    }
    Err(forbidden())
}

/// Finds somebody whom the user sees.
async fn find(panel: &Panel, user: &User, id: i64) -> Result<UserItem, PanelError> {
    let other = panel.console.user(UserId(id)).await?;
    // Who may not see all users does not learn which numbers there are.
    let everywhere = user
        .person
        .rights
        .may_everywhere(Permission::Administer, &panel.console.zones());
    match other {
        Some(other) if is_shown(user, &other, &panel.console.zones()) => Ok(other),
        None if everywhere => Err(ConsoleError::NotFound(format!("user {id}")).into()),
        _ => Err(forbidden()),
    }
}

const fn forbidden() -> PanelError {
    PanelError::Forbidden {
        permission: Permission::Administer,
        zone: None,
    }
}
