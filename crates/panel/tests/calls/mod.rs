//! Requests to a panel over a station in memory, without a port.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt as _;

use crate::memory::Memory;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";

pub(crate) fn app(station: &Arc<Memory>) -> axum::Router {
    let station: Arc<Memory> = Arc::clone(station);
    from_address(loa_panel::router(station), [10, 0, 0, 9])
}

/// The panel as it is met from an address.
pub(crate) fn from_address(panel: axum::Router, address: [u8; 4]) -> axum::Router {
    panel.layer(MockConnectInfo(SocketAddr::from((address, 40_000))))
}

pub(crate) async fn send(app: &axum::Router, request: Request<Body>) -> (StatusCode, String, Response<()>) {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (
        parts.status,
        String::from_utf8_lossy(&body).into_owned(),
        Response::from_parts(parts, ()),
    )
}

pub(crate) fn get(path: &str) -> Request<Body> {
    call("token-1", "GET", path, "", "")
}

pub(crate) fn post(path: &str, kind: &str, body: &str) -> Request<Body> {
    call("token-1", "POST", path, kind, body)
}

/// A request by whoever has this token.
pub(crate) fn call(token: &str, method: &str, path: &str, kind: &str, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::COOKIE, format!("loa_login={token}"));
    }
    if !kind.is_empty() {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// The request as a program makes it that shows a token.
pub(crate) fn with_token(mut request: Request<Body>, token: &str) -> Request<Body> {
    let shown = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, shown);
    request
}

/// A request as a browser makes it when somebody follows a link or sends a form.
pub(crate) fn by_people(mut request: Request<Body>) -> Request<Body> {
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8".parse().unwrap();
    request.headers_mut().insert(header::ACCEPT, accept);
    request
}
