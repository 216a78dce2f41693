//! Logging in and out, and the choice of language.

use std::net::SocketAddr;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::time::Duration;

use crate::api::{Credentials, check};
use crate::error::PanelError;
use crate::guard::{login_cookie, token};
use crate::lang::Lang;
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
            let frame = Frame::new(&panel, lang, None, "/login");
            let page = LogInPage {
                frame,
                name: given.name,
                fault: Some(error.say(lang)),
            };
            (error.status(), html(&page)).into_response()
        }
    }
}

pub(crate) async fn log_out(State(panel): State<Panel>, headers: HeaderMap) -> Result<Response, PanelError> {
    if let Some(token) = token(&headers) {
        panel.console.log_out(&token).await?;
    }
    Ok((
        [(SET_COOKIE, login_cookie("", Duration::ZERO))],
        Redirect::to("/login"),
    )
        .into_response())
}
