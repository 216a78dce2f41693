//! In and out with a name and a password. Programs do better with a token.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::ToSchema;

use crate::error::PanelError;
use crate::guard::{User, browser_name, login_cookie};
use crate::people::{Browser, LogIn};
use crate::router::Panel;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The user's name.
    pub(crate) name: String,
    /// The user's password.
    #[schema(format = Password)]
    pub(crate) password: String,
}

/// Checks a password, slowly for those who guess.
pub(crate) async fn check(
    panel: &Panel,
    from: SocketAddr,
    headers: &HeaderMap,
    given: &Credentials,
) -> Result<LogIn, PanelError> {
    if !panel.brake.take(&given.name, from.ip(), panel.console.now()) {
        warn!(address = %from.ip(), "too many tries to log in");
        return Err(PanelError::TooManyTries);
    }
    let browser = Browser {
        address: from.ip(),
        name: browser_name(headers),
    };
    let turn = panel.turn_to_hash().await?;
    let answer = panel.console.log_in(&given.name, &given.password, &browser).await;
    drop(turn);
    match answer {
        Ok(accepted) => {
            panel.brake.give_back(&given.name, from.ip());
            Ok(accepted)
        }
        Err(error) => {
            // Not the name: people type their password into the wrong field.
            warn!(address = %from.ip(), %error, "not logged in");
            Err(error.into())
        }
    }
}

/// What a login still lacks before it opens anything.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lacks {
    /// `code`: the one-time code. `password`: a password of one's own, set on the account page. `totp`: one-time codes,
    /// set up on the account page.
    #[schema(pattern = "^(code|password|totp)$", example = "code")]
    due: &'static str,
}

/// Logs in with a name and a password.
///
/// The answer sets the login cookie. 204 when the login is complete; 200 when it still lacks something.
#[utoipa::path(
    post,
    path = "/api/v1/login",
    tag = "login",
    request_body = Credentials,
    responses(
        (status = 204, description = "Logged in.", headers(("set-cookie" = String, description = "The login cookie."))),
        (status = 200, description = "The password is right, and something is still lacking.", body = Lacks,
            headers(("set-cookie" = String, description = "The login cookie."))),
        (status = 401, description = "Wrong name or password."),
        (status = 429, description = "Too many tries; wait."),
    )
)]
pub(crate) async fn log_in(
    State(panel): State<Panel>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(given): Json<Credentials>,
) -> Result<Response, PanelError> {
    let accepted = check(&panel, from, &headers, &given).await?;
    let cookie = [(
        header::SET_COOKIE,
        login_cookie(&panel, &accepted.token, accepted.lasts),
    )];
    Ok(match accepted.due {
        None => (StatusCode::NO_CONTENT, cookie).into_response(),
        Some(due) => (cookie, Json(Lacks { due: due.name() })).into_response(),
    })
}

/// The second step of a login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// The one-time code, or a recovery code.
    #[schema(example = "123456")]
    pub(crate) code: String,
}

/// Completes a login with a one-time code.
///
/// Only with the cookie of a login that lacks it.
#[utoipa::path(
    post,
    path = "/api/v1/login/code",
    tag = "login",
    request_body = Code,
    responses(
        (status = 204, description = "Logged in."),
        (status = 429, description = "Too many wrong codes; wait."),
    )
)]
pub(crate) async fn enter_code(
    State(panel): State<Panel>,
    user: User,
    Json(given): Json<Code>,
) -> Result<StatusCode, PanelError> {
    panel.console.enter_code(&user.token, &given.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the login whose cookie is shown.
///
/// A login that is over stays over.
#[utoipa::path(
    delete,
    path = "/api/v1/login",
    tag = "login",
    responses((status = 204, description = "Logged out."))
)]
pub(crate) async fn log_out(
    State(panel): State<Panel>,
    headers: HeaderMap,
) -> Result<StatusCode, PanelError> {
    if let Some(token) = crate::guard::token(&headers) {
        panel.console.log_out(&token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
