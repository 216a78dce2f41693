//! Uploads that go on where they were: the tus protocol, version 1.0.0, with creation, expiration and termination
//! (<https://tus.io/protocols/resumable-upload>).
//!
//! One thing more than the protocol asks: whoever creates an upload with the metadata `key` of one that they began before
//! gets that one again, with its `Upload-Offset`; until it is imported it then belongs where the newer request says. So an
//! answer that was lost, or a page that was closed, costs nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use futures_util::stream;
use loa_model::{Permission, WallTime, ZoneId};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use crate::api::zone;
use crate::console::ConsoleError;
use crate::error::{PanelError, say_library};
use crate::guard::User;
use crate::lang::Lang;
use crate::library::{self, NewUpload, UploadItem, UploadState};
use crate::router::Panel;

type Answer = Result<Response, PanelError>;

/// Tells what is spoken here.
pub(crate) async fn options(State(panel): State<Panel>) -> Response {
    let most = panel.console.upload_limits().bytes_max.to_string();
    let headers = [
        (TUS_RESUMABLE, VERSION),
        (TUS_VERSION, VERSION),
        (TUS_EXTENSION, "creation,expiration,termination"),
        (TUS_MAX_SIZE, &most),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begins an upload, or takes up the one that was begun with the same key.
pub(crate) async fn create(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    headers: HeaderMap,
) -> Response {
    let created = async {
        speaks(&headers)?;
        let bytes = number(&headers, &UPLOAD_LENGTH)?;
        let given = Metadata::read(&headers)?;
        let zone = place(&panel, &user, &given.zone)?;
        let new = NewUpload {
            key: given.key,
            file_name: given.filename,
            bytes,
            zone,
            series: Some(given.series).filter(|series| !series.is_empty()),
            music: given.music,
        };
        let item = panel.console.begin_upload(new, &user.person.name).await?;
        let place = [(header::LOCATION, format!("/uploads/{}", item.id))];
        Ok((StatusCode::CREATED, place, told(&panel, &item)).into_response())
    };
    answer(created.await, lang)
}

/// Tells how much is there.
pub(crate) async fn head(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let looked = async {
        speaks(&headers)?;
        permitted(&panel, &user, &id).await?;
        let item = panel.console.upload(&id).await?.ok_or_else(gone)?;
        let length = [(UPLOAD_LENGTH.clone(), item.bytes.to_string())];
        Ok((length, told(&panel, &item)).into_response())
    };
    answer(looked.await, lang)
}

/// Takes bytes, as far as they come.
pub(crate) async fn patch(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    answer(take(&panel, &user, &id, request).await, lang)
}

/// Takes an upload away.
pub(crate) async fn terminate(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(end(&panel, &user, &id, &headers).await, lang)
}

/// What a client calls that can only send GET and POST.
pub(crate) async fn overridden(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let method = headers.get(METHOD_OVERRIDE).map(HeaderValue::as_bytes);
    let done = match method {
        Some(b"PATCH") => take(&panel, &user, &id, request).await,
        Some(b"DELETE") => end(&panel, &user, &id, &headers).await,
        _ => {
            // Whoever may not touch the upload learns nothing of it.
            let known = permitted(&panel, &user, &id).await;
            known.and_then(|_| Err(PanelError::Upload("X-HTTP-Method-Override")))
        }
    };
    answer(done, lang)
}

/// An upload, for the page that began it.
#[derive(Serialize)]
struct Told {
    id: String,
    key: String,
    name: String,
    bytes: u64,
    received: u64,
    /// `receiving`, `waiting`, `importing`, `done` or `refused`.
    state: &'static str,
    /// The share that is imported.
    share: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Whether the same bytes lay in the library before.
    already: bool,
    /// Why it was refused, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    say: Option<String>,
}

/// Lists one's own uploads: those under way, and what became of the last ones.
pub(crate) async fn list(State(panel): State<Panel>, user: User, lang: Lang) -> Answer {
    let uploads = panel.console.uploads().await?.into_iter();
    let own = uploads.filter(|item| item.by == user.person.name && may(&panel, &user, item.zone).is_ok());
    let told: Vec<_> = own.map(|item| Told::new(item, lang)).collect();
    Ok(Json(told).into_response())
}

impl Told {
    fn new(item: UploadItem, lang: Lang) -> Self {
        let mut told = Self {
            id: item.id,
            key: item.key,
            name: item.file_name,
            bytes: item.bytes,
            received: item.received,
            state: "receiving",
            share: 0.0,
            hash: None,
            title: None,
            already: false,
            say: None,
        };
        match item.state {
            UploadState::Receiving => {}
            UploadState::Waiting => told.state = "waiting",
            UploadState::Importing(share) => (told.state, told.share) = ("importing", share),
            UploadState::Done(arrived) => {
                told.state = "done";
                told.hash = Some(arrived.hash.to_string());
                told.title = Some(arrived.title);
                told.already = arrived.already;
            }
            UploadState::Refused(why) => {
                told.state = "refused";
                told.say = Some(say_library(&why, lang));
            }
        }
        told
    }
}

async fn take(panel: &Panel, user: &User, id: &str, request: Request) -> Answer {
    let headers = request.headers();
    speaks(headers)?;
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind.as_bytes() != b"application/offset+octet-stream") {
        return Err(PanelError::Upload("Content-Type"));
    }
    let offset = number(headers, &UPLOAD_OFFSET)?;
    permitted(panel, user, id).await?;
    let turn = Arc::clone(&panel.uploads).try_acquire_owned();
    let turn = turn.map_err(|_| PanelError::UploadsBusy)?;
    let item = panel
        .console
        .append(id, offset, arriving(request.into_body()))
        .await?;
    drop(turn);
    Ok((StatusCode::NO_CONTENT, told(panel, &item)).into_response())
}

async fn end(panel: &Panel, user: &User, id: &str, headers: &HeaderMap) -> Answer {
    speaks(headers)?;
    permitted(panel, user, id).await?;
    panel.console.end_upload(id).await?;
    Ok((StatusCode::NO_CONTENT, [(TUS_RESUMABLE, VERSION)]).into_response())
}

/// The bytes of a request as they come; who sends nothing for a while is not waited for.
fn arriving(body: Body) -> library::Body {
    let body = stream::unfold(body.into_data_stream(), |mut body| async move {
        let next = match timeout(IDLE_MAX, body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(bytes))) => Ok(bytes),
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        Some((next, body))
    });
    body.boxed()
}

/// Reads the code of a zone in which the user may edit; empty for the whole station.
fn place(panel: &Panel, user: &User, code: &str) -> Result<Option<ZoneId>, PanelError> {
    let zones = panel.console.zones();
    let found = if code.is_empty() {
        None
    } else {
        Some(zone(code, &zones)?.id)
    };
    may(panel, user, found)?;
    Ok(found)
}

fn may(panel: &Panel, user: &User, zone: Option<ZoneId>) -> Result<(), PanelError> {
    user.must_of(Permission::Edit, zone, &panel.console.zones())
}

/// Finds an upload that the user may go on with: anybody who may edit where it belongs.
async fn permitted(panel: &Panel, user: &User, id: &str) -> Result<(), PanelError> {
    let uploads = panel.console.uploads().await?;
    let found = uploads.into_iter().find(|item| item.id == id).ok_or_else(gone)?;
    may(panel, user, found.zone)
}

fn gone() -> PanelError {
    ConsoleError::NotFound("upload".to_owned()).into()
}

/// Returns the headers that tell how far an upload is.
fn told(panel: &Panel, item: &UploadItem) -> [(HeaderName, String); 3] {
    [
        (TUS_RESUMABLE, VERSION.to_owned()),
        (UPLOAD_OFFSET.clone(), item.received.to_string()),
        (UPLOAD_EXPIRES, http_date(item.expires.max(panel.console.now()))),
    ]
}

/// What the client says of the file, as `Upload-Metadata` carries it.
#[derive(Default)]
struct Metadata {
    filename: String,
    key: String,
    zone: String,
    series: String,
    music: bool,
}

impl Metadata {
    fn read(headers: &HeaderMap) -> Result<Self, PanelError> {
        let wrong = || PanelError::Upload("Upload-Metadata");
        let Some(text) = headers.get(UPLOAD_METADATA) else {
            return Ok(Self::default());
        };
        let mut read = Self::default();
        for pair in text.to_str().map_err(|_| wrong())?.split(',') {
            let (name, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
            let value = BASE64.decode(value.trim()).map_err(|_| wrong())?;
            let value = String::from_utf8(value).map_err(|_| wrong())?;
            match name {
                "filename" => read.filename = value,
                "key" => read.key = value.chars().take(KEY_CHARS_MAX).collect(),
                "zone" => read.zone = value,
                "series" => read.series = value,
                "music" => read.music = value == "1",
                // Others may say more than we ask.
                _ => {}
            }
        }
        Ok(read)
    }
}

fn speaks(headers: &HeaderMap) -> Result<(), PanelError> {
    match headers.get(TUS_RESUMABLE) {
        Some(version) if version.as_bytes() == VERSION.as_bytes() => Ok(()),
        _ => Err(PanelError::TusVersion),
    }
}

fn number(headers: &HeaderMap, name: &'static HeaderName) -> Result<u64, PanelError> {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or(PanelError::Upload(name.as_str()))
}

/// Says what went wrong to programs and to people: a page shows `say`.
fn answer(done: Answer, lang: Lang) -> Response {
    done.unwrap_or_else(|error| {
        let headers = [(TUS_RESUMABLE, VERSION), (TUS_VERSION, VERSION)];
        let json = Json(json!({ "error": error.to_string(), "say": error.say(lang) }));
        (error.status(), headers, json).into_response()
    })
}

/// Prints a time as HTTP does (RFC 9110 §5.6.7).
fn http_date(at: WallTime) -> String {
    let at = chrono::DateTime::from_timestamp_nanos(at.as_unix_ns());
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

const VERSION: &str = "1.0.0";
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
static UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
static UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// A file's identity is a hash; whatever else a client sends need not be kept.
const KEY_CHARS_MAX: usize = 128;
/// Who sends nothing for so long has gone; what came is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);
