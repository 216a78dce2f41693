//! Which address answers with what, and what holds for every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

use crate::api::problem::in_one_shape;
use crate::brake::Brake;
use crate::console::Console;
use crate::error::{PanelError, WentWrong};
use crate::guard::{bearer, gate, token};
use crate::lang::{Lang, lang_cookie};
use crate::live::Drawn;
use crate::pages;
use crate::people::Due;
use crate::routes::table;

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) console: Arc<dyn Console>,
    pub(crate) brake: Arc<Brake>,
    /// Bounds the passwords that are looked at together.
    pub(crate) hashing: Arc<Semaphore>,
    /// Bounds the requests that stay open: live state and listening.
    pub(crate) listeners: Arc<Semaphore>,
    /// Bounds the uploads that are being written together.
    pub(crate) uploads: Arc<Semaphore>,
    /// What all who watch share, however many they are.
    pub(crate) drawn: Arc<Drawn>,
}

/// Builds the panel over a station.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: the brake on logins counts addresses.
pub fn router(console: Arc<dyn Console>) -> Router {
    let panel = Panel {
        console,
        brake: Arc::default(),
        hashing: Arc::new(Semaphore::new(HASHING_MAX)),
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
        uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
        drawn: Arc::default(),
    };
    let (mut short, mut endless) = (Router::new(), Router::new());
    for entry in table() {
        let asks = (panel.clone(), entry.route);
        let answers = entry.answers.layer(middleware::from_fn_with_state(asks, gate));
        if entry.route.endless {
            endless = endless.route(entry.route.path, answers);
        } else {
            short = short.route(entry.route.path, answers);
        }
    }
    let short = short
        .fallback(|| async { PanelError::NoPage })
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ));
    Router::new()
        .merge(short)
        .merge(endless)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(let_programs_be))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(panel.clone(), for_every_answer))
        .with_state(panel)
}

impl Panel {
    /// Waits for a turn to look at a password: each takes memory and time by design, and many come at once.
    ///
    /// # Errors
    ///
    /// [`PanelError::TooManyTries`] if none comes soon.
    pub(crate) async fn turn_to_hash(&self) -> Result<OwnedSemaphorePermit, PanelError> {
        let turn = timeout(HASHING_WAIT, Arc::clone(&self.hashing).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(PanelError::TooManyTries)
    }
}

/// Gives people pages where programs get JSON, keeps a choice of language, and sets the headers that
/// make a browser careful.
async fn for_every_answer(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let asked = request.uri().path();
    let for_programs = asked.starts_with(API);
    let for_people = !for_programs
        && request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let lang = Lang::of(request.uri(), request.headers());
    let choice = Lang::asked_for(request.uri());
    let token = token(request.headers());
    let mut response = next.run(request).await;
    if for_people && let Some(message) = what_went_wrong(&response, lang) {
        response = if let Some(due) = due(&response) {
            Redirect::to(match due {
                Due::Code => "/login/code",
                Due::Password => "/account",
                Due::Totp => "/account/totp",
            })
            .into_response()
        } else if response.status() == StatusCode::UNAUTHORIZED {
            Redirect::to("/login").into_response()
        } else {
            let person = panel.console.person(&token.unwrap_or_default()).await;
            let person = person.ok().flatten();
            pages::problem(&panel, lang, person.as_ref(), response.status(), message)
        };
    }
    if for_programs {
        response = in_one_shape(response).await;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(cookie) = choice.and_then(|lang| lang_cookie(lang).parse().ok()) {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// Takes from a request with a token what the rule about other sites looks at: no browser shows a token by itself, so no
/// other site can have it shown.
async fn let_programs_be(mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(API) && bearer(request.headers()).is_some() {
        let headers = request.headers_mut();
        headers.remove(header::ORIGIN);
        headers.remove("sec-fetch-site");
    }
    next.run(request).await
}

/// Returns what the login lacks, if that is why the request was refused.
fn due(response: &Response) -> Option<Due> {
    let WentWrong(error) = response.extensions().get()?;
    match **error {
        PanelError::Due(due) => Some(due),
        _ => None,
    }
}

/// Returns what to tell people, if this answer is a refusal that no page of ours has told them already.
fn what_went_wrong(response: &Response, lang: Lang) -> Option<String> {
    if let Some(WentWrong(error)) = response.extensions().get() {
        return Some(error.say(lang));
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let ours = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        status if ours || !(status.is_client_error() || status.is_server_error()) => None,
        StatusCode::FORBIDDEN => Some(lang.say("refused-other-site")),
        StatusCode::PAYLOAD_TOO_LARGE => Some(lang.say("refused-too-long")),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(lang.say("not-found")),
        status if status.is_client_error() => Some(lang.say("refused-bad-request")),
        _ => Some(lang.say("refused-fault")),
    }
}

/// Where programs call, and tokens are taken.
pub(crate) const API: &str = "/api/";
const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        // Sound that a script hands over has an address of its own, which begins with `blob:`.
        "default-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];
/// A receiver's report is the longest body.
const BODY_BYTES_MAX: usize = 128 * 1_024;
const TIMEOUT: Duration = Duration::from_secs(15);
const LISTENERS_MAX: usize = 256;
const UPLOADS_MAX: usize = 64;
/// 19 MB and some 30 ms of a core each.
const HASHING_MAX: usize = 2;
const HASHING_WAIT: Duration = Duration::from_secs(5);
