//! Which address answers with what, and what holds for every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{delete, get, post};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

use crate::console::Console;
use crate::error::{PanelError, WentWrong};
use crate::guard::{Brake, token};
use crate::lang::{Lang, lang_cookie};
use crate::live::Drawn;
use crate::{api, assets, listen, live, pages};

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) console: Arc<dyn Console>,
    pub(crate) brake: Arc<Brake>,
    /// Bounds the requests that stay open: live state and listening.
    pub(crate) listeners: Arc<Semaphore>,
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
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
        drawn: Arc::default(),
    };
    let short = Router::new()
        .route("/", get(pages::on_air::page))
        .route("/today", get(pages::today::page))
        .route("/receivers", get(pages::receivers::page))
        .route("/as-run", get(pages::as_run::page))
        .route("/login", get(pages::login::page).post(pages::login::log_in))
        .route("/logout", post(pages::login::log_out))
        .route("/overrides", post(pages::on_air::start))
        .route("/overrides/{session}/stop", post(pages::on_air::stop))
        .route("/assets/{name}", get(assets::asset))
        .route("/zones/{code}/loa.sdp", get(api::sdp))
        .route("/api/v1/login", post(api::log_in))
        .route("/api/v1/snapshot", get(api::snapshot))
        .route("/api/v1/run-sheet", get(api::run_sheet))
        .route("/api/v1/receivers", get(api::receivers))
        .route("/api/v1/as-run", get(api::as_run))
        .route("/api/v1/overrides", post(api::start_override))
        .route("/api/v1/overrides/{session}", delete(api::stop_override))
        .route("/api/v1/reports", post(api::report))
        .route("/healthz", get(api::healthz))
        .route("/metrics", get(api::metrics))
        .fallback(|| async { PanelError::NoPage })
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ));
    let open = Router::new()
        .route("/live/air", get(live::air))
        .route("/live/receivers", get(live::receivers))
        .route("/zones/{code}/listen.opus", get(listen::ogg))
        .route("/zones/{code}/listen.webm", get(listen::webm));
    Router::new()
        .merge(short)
        .merge(open)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(panel.clone(), for_every_answer))
        .with_state(panel)
}

/// Gives people pages where programs get JSON, keeps a choice of language, and sets the headers that
/// make a browser careful.
async fn for_every_answer(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let asked = request.uri().path();
    let for_people = !asked.starts_with("/api/")
        && request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let lang = Lang::of(request.uri(), request.headers());
    let choice = Lang::asked_for(request.uri());
    let token = token(request.headers());
    let mut response = next.run(request).await;
    if for_people && let Some(message) = what_went_wrong(&response, lang) {
        response = if response.status() == StatusCode::UNAUTHORIZED {
            Redirect::to("/login").into_response()
        } else {
            let user = panel.console.user(&token.unwrap_or_default()).await;
            pages::problem(&panel, lang, user.ok().flatten(), response.status(), message)
        };
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
