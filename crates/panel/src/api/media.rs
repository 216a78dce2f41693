//! The library, as far as it is needed to take the air.

use axum::Json;
use axum::extract::State;
use loa_model::ContentHash;

use crate::console::MediaItem;
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;
use crate::scope;

/// Lists the media that can be put on air.
///
/// The whole station's, and those of zones that are for your eyes; nothing that was rejected or archived.
#[utoipa::path(
    get,
    path = "/api/v1/media",
    tag = "air",
    responses((status = 200, description = "In order of title.", body = [MediaItem]))
)]
pub(crate) async fn media(
    State(panel): State<Panel>,
    user: User,
) -> Result<Json<Vec<MediaItem>>, PanelError> {
    let media = media_shown(&panel, &user).await?;
    Ok(Json(media.into_iter().filter(MediaItem::may_air).collect()))
}

/// Returns the media that are for somebody's eyes, in order of title.
pub(crate) async fn media_shown(panel: &Panel, user: &User) -> Result<Vec<MediaItem>, PanelError> {
    let media = panel.console.media().await?;
    Ok(scope::media(media, &user.person.rights, &panel.console.zones()))
}

/// Finds a piece to put on air among those that are shown.
///
/// # Errors
///
/// [`PanelError::NoMedia`], or [`PanelError::MayNotAir`] if it was rejected or archived.
pub(crate) fn to_put_on_air<'a>(shown: &'a [MediaItem], wanted: &str) -> Result<&'a MediaItem, PanelError> {
    let hash = wanted.parse::<ContentHash>().ok();
    let found = shown.iter().find(|item| Some(item.hash) == hash);
    let found = found.ok_or_else(|| PanelError::NoMedia(wanted.to_owned()))?;
    if found.may_air() {
        return Ok(found);
    }
    Err(PanelError::MayNotAir {
        title: found.title.clone(),
        state: found.state,
    })
}
