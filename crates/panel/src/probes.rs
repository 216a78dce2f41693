//! For plain players and for those who watch the station: session descriptions, health, metrics.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::PanelError;
use crate::router::Panel;

/// Describes a zone's stream; for plain players, which have no login.
pub(crate) async fn sdp(
    State(panel): State<Panel>,
    Path(code): Path<String>,
) -> Result<Response, PanelError> {
    let zone = panel.console.zones().by_code(&code).map(|zone| zone.id);
    let sdp = zone.and_then(|zone| panel.console.sdp(zone));
    let sdp = sdp.ok_or(PanelError::NoZone(code))?;
    Ok(([(header::CONTENT_TYPE, "application/sdp")], sdp).into_response())
}

pub(crate) async fn healthz(State(panel): State<Panel>) -> Response {
    let health = panel.console.health();
    let status = if health.off_air {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (status, Json(health)).into_response()
}

pub(crate) async fn metrics(State(panel): State<Panel>) -> Response {
    let text = crate::metrics::render(&panel.console.metrics());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
