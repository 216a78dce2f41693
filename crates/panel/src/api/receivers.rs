//! Receivers: what they said last, and where they say it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::console::ReceiverItem;
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;
use crate::scope;

/// Lists the receivers of zones that you may see.
#[utoipa::path(
    get,
    path = "/api/v1/receivers",
    tag = "receivers",
    responses((status = 200, description = "In order of code.", body = [ReceiverItem]))
)]
pub(crate) async fn receivers(
    State(panel): State<Panel>,
    user: User,
) -> Result<Json<Vec<ReceiverItem>>, PanelError> {
    let receivers = panel.console.receivers().await?;
    let zones = panel.console.zones();
    Ok(Json(scope::receivers(receivers, &user.person.rights, &zones)))
}

/// Takes a receiver's report.
///
/// For `loa-receiver` alone: a signature made with the receiver's own key stands in for a login. What is signed is the
/// tag `loa report v1`, filled with zero bytes to 16, and then the body, byte for byte, whatever its content type.
#[utoipa::path(
    post,
    path = "/api/v1/reports",
    tag = "receivers",
    params(
        ("loa-receiver" = String, Header, description = "The receiver's code."),
        ("loa-signature" = String, Header, description = "Ed25519 over the tag and the body, in base64."),
    ),
    request_body(content = String, content_type = "application/octet-stream", description = "The report, as it was signed."),
    responses(
        (status = 204, description = "It is kept."),
        (status = 403, description = "No receiver of this station signed it."),
        (status = 409, description = "A newer one came before."),
    )
)]
pub(crate) async fn report(
    State(panel): State<Panel>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, PanelError> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let taken = panel
        .console
        .report(text("loa-receiver"), text("loa-signature"), body)
        .await;
    taken.map(|()| StatusCode::NO_CONTENT).map_err(PanelError::Report)
}
