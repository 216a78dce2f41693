//! Logging in and out, and the choice of language.

use std::net::SocketAddr;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::api::{Code, Credentials, check};
use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::{User, login_cookie, token};
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
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Response {
    match check(&panel, from, &headers, &given).await {
        Ok(accepted) => {
            let cookie = login_cookie(&panel, &accepted.token, accepted.lasts);
            // Where something is lacking yet, the gate leads on.
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

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    fault: Option<String>,
}

/// Asks for the one-time code.
pub(crate) async fn code_page(State(panel): State<Panel>, user: User, lang: Lang) -> Response {
    html(&CodePage {
        frame: Frame::new(&panel, lang, Some(&user.person), "/login/code"),
        fault: None,
    })
}

pub(crate) async fn enter_code(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(given): Form<Code>,
) -> Result<Response, PanelError> {
    match panel.console.enter_code(&user.token, &given.code).await {
        Ok(()) => Ok(Redirect::to("/").into_response()),
        Err(ConsoleError::Person(refusal)) => {
            let error = PanelError::from(ConsoleError::from(refusal));
            let page = CodePage {
                frame: Frame::new(&panel, lang, Some(&user.person), "/login/code"),
                fault: Some(error.say(lang)),
            };
            Ok((error.status(), html(&page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn log_out(State(panel): State<Panel>, headers: HeaderMap) -> Result<Response, PanelError> {
    if let Some(token) = token(&headers) {
        panel.console.log_out(&token).await?;
    }
    Ok((
        [(SET_COOKIE, login_cookie(&panel, "", Duration::ZERO))],
        Redirect::to("/login"),
    )
        .into_response())
}
