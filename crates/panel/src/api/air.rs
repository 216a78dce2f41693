//! What is on air: now, and as it changes.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use loa_model::{Permission, Snapshot, Zone, ZoneId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::live;
use crate::router::Panel;
use crate::scope;

/// Shows the air of every zone.
///
/// It is at most 200 ms old, and holds the zones that you may see.
#[utoipa::path(
    get,
    path = "/api/v1/snapshot",
    tag = "air",
    responses((status = 200, description = "The air.", body = Snapshot))
)]
pub(crate) async fn snapshot(State(panel): State<Panel>, user: User) -> Json<Snapshot> {
    Json(seen(&panel, &user.person.rights))
}

/// Returns the air as far as it may be seen.
pub(crate) fn seen(panel: &Panel, rights: &loa_model::Rights) -> Snapshot {
    let snapshot = Snapshot::clone(&panel.console.snapshot());
    scope::snapshot(snapshot, rights, &panel.console.zones())
}

/// Follows the air of every zone.
///
/// An endless stream of server-sent events. The data of each `air` event is a whole `Snapshot` in JSON without its time;
/// another comes whenever that has changed.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "air",
    responses(
        (status = 200, description = "Events, without end.", body = String, content_type = "text/event-stream"),
        (status = 429, description = "As many follow as the panel serves."),
    )
)]
pub(crate) async fn events(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
) -> Result<Response, PanelError> {
    live::snapshots(panel, user, lang)
}

/// A zone: those who are addressed together.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoneItem {
    id: ZoneId,
    /// Its short stable name; requests name zones by it.
    code: String,
    /// Its name, for people.
    name: String,
    /// The zone that it lies in, whether or not you may see that one.
    parent: Option<ZoneId>,
}

/// Lists the zones that you may see.
#[utoipa::path(
    get,
    path = "/api/v1/zones",
    tag = "air",
    responses((status = 200, description = "In order of id.", body = [ZoneItem]))
)]
pub(crate) async fn zones(State(panel): State<Panel>, user: User) -> Json<Vec<ZoneItem>> {
    let tree = panel.console.zones();
    let item = |zone: &Zone| ZoneItem {
        id: zone.id,
        code: zone.code.clone(),
        name: zone.name.clone(),
        parent: zone.parent,
    };
    let seen = user.person.rights.zones(Permission::See, &tree);
    Json(seen.map(item).collect())
}
