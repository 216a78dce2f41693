//! One's own account: the password, one-time codes, tokens, and where one is logged in.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use loa_model::LoginId;
use serde::Deserialize;

use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::tokens::TokenPart;
use crate::pages::user::{LoginRow, login_rows, role_rows};
use crate::pages::{Frame, html};
use crate::people::{Changed, Due, NewTotp, OwnChange, UserItem};
use crate::qr;
use crate::router::Panel;

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    frame: Frame,
    name: String,
    /// The password is to be set before anything else.
    first_password: bool,
    password_fault: Option<String>,
    totp_fault: Option<String>,
    totp: bool,
    totp_required: bool,
    recovery_codes: String,
    roles: Vec<String>,
    logins: Vec<LoginRow>,
    /// None while a password of one's own is due.
    pub(crate) tokens: Option<TokenPart>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    Ok(html(&account(&panel, &user, lang).await?))
}

pub(crate) async fn account(panel: &Panel, user: &User, lang: Lang) -> Result<AccountPage, PanelError> {
    let item = own(panel, user).await?;
    let tokens = match user.person.due {
        None => Some(TokenPart::new(panel, user, lang).await?),
        Some(_) => None,
    };
    let left = item.recovery_codes.to_string();
    Ok(AccountPage {
        frame: Frame::new(panel, lang, Some(&user.person), "/account"),
        name: item.name.clone(),
        first_password: user.person.due == Some(Due::Password),
        tokens,
        password_fault: None,
        totp_fault: None,
        totp: item.totp,
        totp_required: item.totp_required,
        recovery_codes: lang.say_with("recovery-codes-left", &[("left", &left)]),
        roles: role_rows(panel, &item.rights, lang)
            .into_iter()
            .map(|role| role.text)
            .collect(),
        logins: login_rows(panel, &item, user.person.login, lang),
    })
}

async fn own(panel: &Panel, user: &User) -> Result<UserItem, PanelError> {
    let item = panel.console.user(user.person.user).await?;
    item.ok_or(PanelError::LogInFirst)
}

/// The form for another password.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    old: String,
    new: String,
    again: String,
}

pub(crate) async fn set_password(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(form): Form<NewPassword>,
) -> Result<Response, PanelError> {
    let changed = if form.new == form.again {
        let (old, new) = (form.old, form.new);
        change(&panel, &user, OwnChange::Password { old, new }).await
    } else {
        Err(PanelError::PasswordsDiffer)
    };
    match changed {
        Ok(_) if user.person.due.is_some() => Ok(Redirect::to("/").into_response()),
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(error) => {
            let mut page = account(&panel, &user, lang).await?;
            page.password_fault = Some(fault(error, lang)?);
            Ok(refused(&page))
        }
    }
}

#[derive(Template)]
#[template(path = "totp.html")]
struct TotpPage {
    frame: Frame,
    key: String,
    /// Key and picture of it, as a phone reads it.
    uri: String,
    picture: String,
    required: bool,
    fault: Option<String>,
}

impl TotpPage {
    fn new(panel: &Panel, user: &User, lang: Lang, new: NewTotp) -> Self {
        Self {
            frame: Frame::new(panel, lang, Some(&user.person), "/account/totp"),
            picture: qr::svg(&new.uri),
            key: new.key,
            uri: new.uri,
            required: user.person.due == Some(Due::Totp),
            fault: None,
        }
    }
}

/// Shows a new key. It is nobody's until the phone has answered with a code of it.
pub(crate) async fn totp_page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
) -> Result<Response, PanelError> {
    let new = panel.console.new_totp(&user.person).await?;
    Ok(html(&TotpPage::new(&panel, &user, lang, new)))
}

/// The form that takes a key into use.
#[derive(Deserialize)]
pub(crate) struct FirstCode {
    key: String,
    uri: String,
    code: String,
    password: String,
}

pub(crate) async fn set_totp(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(form): Form<FirstCode>,
) -> Result<Response, PanelError> {
    let FirstCode {
        key,
        uri,
        code,
        password,
    } = form;
    let setting = OwnChange::Totp {
        password,
        key: key.clone(),
        code,
    };
    match change(&panel, &user, setting).await {
        Ok(changed) => Ok(codes_page(&panel, &user, lang, changed)),
        Err(error) => {
            // The phone has read this key already: it stays.
            let mut page = TotpPage::new(&panel, &user, lang, NewTotp { key, uri });
            page.fault = Some(fault(error, lang)?);
            Ok(refused(&page))
        }
    }
}

/// The form that asks for nothing but the password.
#[derive(Deserialize)]
pub(crate) struct Again {
    password: String,
}

pub(crate) async fn remove_totp(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(Again { password }): Form<Again>,
) -> Result<Response, PanelError> {
    match change(&panel, &user, OwnChange::NoTotp { password }).await {
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(error) => totp_refused(&panel, &user, lang, error).await,
    }
}

pub(crate) async fn recovery_codes(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(Again { password }): Form<Again>,
) -> Result<Response, PanelError> {
    match change(&panel, &user, OwnChange::RecoveryCodes { password }).await {
        Ok(changed) => Ok(codes_page(&panel, &user, lang, changed)),
        Err(error) => totp_refused(&panel, &user, lang, error).await,
    }
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// Shows recovery codes; nobody can see them again.
fn codes_page(panel: &Panel, user: &User, lang: Lang, changed: Changed) -> Response {
    let codes = match changed {
        Changed::RecoveryCodes(codes) => codes,
        Changed::Done => Vec::new(),
    };
    let frame = Frame::new(panel, lang, Some(&user.person), "");
    html(&CodesPage { frame, codes })
}

pub(crate) async fn end_login(
    State(panel): State<Panel>,
    user: User,
    Path(login): Path<i64>,
) -> Result<Redirect, PanelError> {
    let ending = OwnChange::EndLogin(LoginId(login));
    panel.console.change_own(&user.person, ending).await?;
    Ok(Redirect::to("/account"))
}

pub(crate) async fn end_other_logins(State(panel): State<Panel>, user: User) -> Result<Redirect, PanelError> {
    let ending = OwnChange::EndOtherLogins;
    panel.console.change_own(&user.person, ending).await?;
    Ok(Redirect::to("/account"))
}

/// Makes a change that looks at the password, in its turn.
async fn change(panel: &Panel, user: &User, change: OwnChange) -> Result<Changed, PanelError> {
    let _turn = panel.turn_to_hash().await?;
    Ok(panel.console.change_own(&user.person, change).await?)
}

async fn totp_refused(
    panel: &Panel,
    user: &User,
    lang: Lang,
    error: PanelError,
) -> Result<Response, PanelError> {
    let mut page = account(panel, user, lang).await?;
    page.totp_fault = Some(fault(error, lang)?);
    Ok(refused(&page))
}

/// Returns what to say beside the form; what is not about what was typed is a page of its own.
pub(crate) fn fault(error: PanelError, lang: Lang) -> Result<String, PanelError> {
    match error {
        PanelError::Console(ConsoleError::Person(crate::people::PersonRefusal::WrongPassword)) => {
            Ok(lang.say("password-wrong"))
        }
        PanelError::PasswordsDiffer
        | PanelError::Console(ConsoleError::Person(_) | ConsoleError::Token(_)) => Ok(error.say(lang)),
        other => Err(other),
    }
}

pub(crate) fn refused(page: &impl Template) -> Response {
    (axum::http::StatusCode::BAD_REQUEST, html(page)).into_response()
}
