//! Hearing what a zone is sent.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::error::PanelError;
use crate::guard::User;
use crate::listen;
use crate::router::Panel;

/// Plays what is sent to a zone.
///
/// An endless Ogg Opus file; silence while nothing is sent.
#[utoipa::path(
    get,
    path = "/api/v1/zones/{code}/listen.opus",
    tag = "air",
    params(("code" = String, Path, description = "Code of the zone.", example = "xa-dong")),
    responses(
        (status = 200, description = "Sound, without end.", body = String, content_type = "audio/ogg"),
        (status = 404, description = "No such zone."),
        (status = 429, description = "As many listen as the panel serves."),
    )
)]
pub(crate) async fn listen_in(
    panel: State<Panel>,
    user: User,
    code: Path<String>,
) -> Result<Response, PanelError> {
    listen::ogg(panel, user, code).await
}
