//! Logging in and out, and the choice of language.

use std::net::SocketAddr;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use std::time::Duration;

use crate::api::{Credentials, check};
use crate::error::PanelError;
use crate::guard::{login_cookie, token};
use crate::lang::{LANG_COOKIE, Lang};
use crate::pages::{Frame, html};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "login.html")]
struct LogInPage {
    frame: Frame,
    name: String,
    fault: Option<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, lang: Lang) -> Response {
    html(&LogInPage {
        frame: Frame::new(&panel, lang, None, "/login"),
        name: String::new(),
        fault: None,
    })
}

pub(crate) async fn log_in(
    State(panel): State<Panel>,
    lang: Lang,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Form(given): Form<Credentials>,
) -> Response {
    match check(&panel, from, &given).await {
        Ok(accepted) => {
            let cookie = login_cookie(&accepted.token, accepted.lasts);
            ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Err(error) => {
            let fault = match error {
                PanelError::LogInFirst => lang.say("login-wrong"),
                PanelError::TooMany => lang.say("login-too-many"),
                other => other.message(),
            };
            let frame = Frame::new(&panel, lang, None, "/login");
            let page = LogInPage {
                frame,
                name: given.name,
                fault: Some(fault),
            };
            (StatusCode::UNAUTHORIZED, html(&page)).into_response()
        }
    }
}

pub(crate) async fn log_out(State(panel): State<Panel>, parts: Parts) -> Result<Response, PanelError> {
    if let Some(token) = token(&parts) {
        panel.console.log_out(&token).await?;
    }
    Ok((
        [(SET_COOKIE, login_cookie("", Duration::ZERO))],
        Redirect::to("/login"),
    )
        .into_response())
}

#[derive(Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    to: String,
}

pub(crate) async fn choose_language(Path(code): Path<String>, Query(back): Query<Back>) -> Response {
    let Some(lang) = Lang::from_code(&code) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cookie = format!(
        "{LANG_COOKIE}={}; Path=/; SameSite=Strict; Max-Age=31536000",
        lang.code()
    );
    // Only to pages of ours, whatever the address says.
    let known = ["/", "/today", "/receivers", "/as-run", "/login"];
    let to = known.into_iter().find(|page| *page == back.to).unwrap_or("/");
    ([(SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}
