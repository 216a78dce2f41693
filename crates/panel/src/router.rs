//! Which address answers with what, and what holds for every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

use crate::console::Console;
use crate::guard::Brake;
use crate::{api, assets, listen, live, pages};

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) console: Arc<dyn Console>,
    pub(crate) brake: Arc<Brake>,
    /// Bounds the requests that stay open: live state and listening.
    pub(crate) listeners: Arc<Semaphore>,
}

/// Builds the panel over a station.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: the brake on logins counts addresses.
pub fn router(console: Arc<dyn Console>) -> Router {
    let panel = Panel {
        console,
        brake: Arc::default(),
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
    };
    let short = Router::new()
        .route("/", get(pages::on_air::page))
        .route("/today", get(pages::today::page))
        .route("/receivers", get(pages::receivers::page))
        .route("/as-run", get(pages::as_run::page))
        .route("/login", get(pages::login::page).post(pages::login::log_in))
        .route("/logout", post(pages::login::log_out))
        .route("/language/{code}", post(pages::login::choose_language))
        .route("/overrides", post(pages::on_air::start))
        .route("/overrides/{session}/stop", post(pages::on_air::stop))
        .route("/assets/{name}", get(assets::asset))
        .route("/zones/{file}/loa.sdp", get(api::sdp))
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
        .fallback(pages::not_found)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ));
    let open = Router::new()
        .route("/live", get(live::live))
        .route("/zones/{code}/listen.opus", get(listen::listen));
    Router::new()
        .merge(short)
        .merge(open)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(for_every_answer))
        .with_state(panel)
}

/// Sets the headers that make a browser careful; sends people who are not logged in to where they can.
async fn for_every_answer(request: Request, next: Next) -> Response {
    let wants_page = request.method() == axum::http::Method::GET
        && request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let mut response = next.run(request).await;
    if wants_page && response.status() == StatusCode::UNAUTHORIZED {
        response = axum::response::Redirect::to("/login").into_response();
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];
/// A receiver's report is the longest body.
const BODY_BYTES_MAX: usize = 128 * 1_024;
const TIMEOUT: Duration = Duration::from_secs(15);
const LISTENERS_MAX: usize = 256;
