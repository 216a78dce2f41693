//! Style and scripts, embedded. Nothing on a page comes from anywhere else.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use crate::error::PanelError;

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&name) else {
        return PanelError::NoPage.into_response();
    };
    // Kept by browsers, yet asked for each time: a page never meets the style of another version.
    let hash = file.metadata.sha256_hash();
    let tag = hash
        .iter()
        .take(8)
        .fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}"))
        + "\"";
    let kept = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|kept| kept.as_bytes() == tag.as_bytes());
    let caching = [
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    if kept {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    (kind, caching, file.data).into_response()
}
