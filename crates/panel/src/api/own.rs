//! What the caller is and may.

use axum::Json;
use axum::extract::State;
use loa_model::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::guard::User;
use crate::router::Panel;

/// Who calls, and what they may.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnRights {
    /// Name of the user, or `token NAME of USER`: as the audit log and the as-run log say it.
    name: String,
    /// Whether a token was shown.
    by_token: bool,
    /// What may be done somewhere, and where.
    may: Vec<May>,
}

/// Something that may be done, and where.
#[derive(Serialize, ToSchema)]
pub(crate) struct May {
    /// What.
    permission: Permission,
    /// Codes of the zones, each with all that lies below it spelled out.
    zones: Vec<String>,
}

/// Tells who you are and what you may.
///
/// Of a token: what it may at this moment, which is never more than its owner may.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "login",
    responses((status = 200, description = "Name and rights.", body = OwnRights))
)]
pub(crate) async fn own_rights(State(panel): State<Panel>, user: User) -> Json<OwnRights> {
    let (rights, zones) = (&user.person.rights, panel.console.zones());
    let may = Permission::ALL.into_iter().map(|permission| May {
        permission,
        zones: rights
            .zones(permission, &zones)
            .map(|zone| zone.code.clone())
            .collect(),
    });
    Json(OwnRights {
        by_token: user.by_token(),
        may: may.filter(|may| !may.zones.is_empty()).collect(),
        name: user.person.name,
    })
}
