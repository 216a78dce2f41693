//! Taking the air by hand, and giving it back. The pages do it through the same functions.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use loa_model::{BulletinClass, Command, CommandDone, Content, Permission, Refusal, SessionId, ZoneId};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use utoipa::ToSchema;

use super::media::{media_shown, to_put_on_air};
use super::source::Live;
use super::wanted::zone;
use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;

/// What to put on air.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartOverride {
    /// Code of the zone.
    #[schema(example = "xa-dong")]
    pub(crate) zone: String,
    /// Content of the media, as the list of media names it; either this or a source is named.
    #[serde(default)]
    #[schema(value_type = Option<loa_model::ContentHash>)]
    pub(crate) media: Option<String>,
    /// Address of something live, carried until the limit: `rtp://` (Opus of payload type 97), `http://`, `https://`,
    /// `hls+http://`, `hls+https://`, or `line:` and the name of an input.
    #[serde(default)]
    #[schema(example = "rtp://239.10.0.1:5004", write_only)]
    pub(crate) source: Option<String>,
    /// Name of what is live, for people; its address without name and password if it is not there or empty.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// Its class; an emergency takes the permission `alert`.
    pub(crate) class: BulletinClass,
    /// Whether the chime sounds before it.
    #[serde(default)]
    pub(crate) chime: bool,
    /// It is cut after this long, seconds.
    #[serde(default = "default_limit_s")]
    #[schema(minimum = 1, maximum = 43_200)]
    pub(crate) limit_s: u32,
}

/// What was put on air.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverrideStarted {
    /// Its session, to stop it by.
    session: SessionId,
    /// Whether it has the air at once; otherwise it waits behind something stronger.
    on_air: bool,
}

/// Puts a piece from the library on air, or something live.
///
/// Answers once the engine has accepted, not merely queued, the command.
#[utoipa::path(
    post,
    path = "/api/v1/overrides",
    tag = "air",
    request_body = StartOverride,
    responses(
        (status = 200, description = "It is on air, or waits.", body = OverrideStarted),
        (status = 400, description = "Neither media nor a source, or both, or not the address of a source."),
        (status = 404, description = "No such zone, or no such media for your eyes."),
        (status = 409, description = "The piece was rejected or archived, or the engine refuses: quiet hours, minutes \
                                      spent, or too many sessions."),
    )
)]
pub(crate) async fn start_override(
    State(panel): State<Panel>,
    user: User,
    Json(wanted): Json<StartOverride>,
) -> Result<Json<OverrideStarted>, PanelError> {
    start(&panel, &user, &wanted).await.map(Json)
}

/// Puts a piece from the library on air, or something live.
pub(crate) async fn start(
    panel: &Panel,
    user: &User,
    wanted: &StartOverride,
) -> Result<OverrideStarted, PanelError> {
    let zones = panel.console.zones();
    let zone = zone(&wanted.zone, &zones)?;
    user.must(to_air(wanted.class), zone, &zones)?;
    if !(1..=LIMIT_S_MAX).contains(&wanted.limit_s) {
        return Err(PanelError::Limit {
            given_s: wanted.limit_s,
            most_s: LIMIT_S_MAX,
        });
    }
    let (title, content) = match (&wanted.media, &wanted.source, &wanted.title) {
        (Some(media), None, None) => piece(panel, user, media).await?,
        (None, Some(source), title) => live(source, title.as_deref().unwrap_or_default())?,
        _ => return Err(PanelError::WhatToAir),
    };
    let command = Command::StartOverride {
        zone: zone.id,
        title,
        content,
        class: wanted.class,
        chime: wanted.chime,
        limit: Duration::from_secs(u64::from(wanted.limit_s)),
        drill: false,
        by: user.person.name.clone(),
    };
    match panel.console.command(command, &user.person.name).await? {
        CommandDone::OverrideStarted { session, on_air } => Ok(OverrideStarted { session, on_air }),
        CommandDone::Done => Err(ConsoleError::Unavailable("the engine gave no session".to_owned()).into()),
    }
}

/// Finds a piece of the library.
async fn piece(panel: &Panel, user: &User, wanted: &str) -> Result<(String, Content), PanelError> {
    let shown = media_shown(panel, user).await?;
    let media = to_put_on_air(&shown, wanted)?;
    Ok((media.title.clone(), Content::piece(media.hash, media.duration)))
}

/// Reads what is live; the head-end calls it when it has the air.
fn live(source: &str, title: &str) -> Result<(String, Content), PanelError> {
    let Live { relay, shown } = Live::read(source)?;
    let title: String = title.trim().chars().take(TITLE_CHARS_MAX).collect();
    let title = if title.is_empty() { shown } else { title };
    Ok((title, Content::Relay(relay)))
}

/// Takes a session off air.
///
/// One of an override or of the run-sheet, on air or waiting; of an emergency with the permission `alert`.
#[utoipa::path(
    delete,
    path = "/api/v1/overrides/{session}",
    tag = "air",
    params(("session" = u64, Path, description = "The session, as the snapshot names it.")),
    responses(
        (status = 204, description = "It is off air."),
        (status = 404, description = "No such session, or it is over."),
        (status = 409, description = "The engine refuses."),
    )
)]
pub(crate) async fn stop_override(
    State(panel): State<Panel>,
    user: User,
    Path(session): Path<u64>,
) -> Result<StatusCode, PanelError> {
    stop(&panel, &user, session)
        .await
        .map(|()| StatusCode::NO_CONTENT)
}

/// Takes a session off air.
pub(crate) async fn stop(panel: &Panel, user: &User, session: u64) -> Result<(), PanelError> {
    let session = SessionId(session);
    if whereabouts(panel, session).is_none() {
        // It may be younger than the snapshot.
        sleep(SNAPSHOT_AGE_MAX).await;
    }
    stop_now(panel, user, session).await
}

/// Takes sessions off air, all that are still on, whatever becomes of the others.
///
/// # Errors
///
/// The last one; that a session is over already is none.
pub(crate) async fn stop_all(panel: &Panel, user: &User, sessions: &[SessionId]) -> Result<(), PanelError> {
    let is_unknown = |session: &SessionId| whereabouts(panel, *session).is_none();
    if sessions.iter().any(is_unknown) {
        sleep(SNAPSHOT_AGE_MAX).await;
    }
    let mut result = Ok(());
    for session in sessions {
        match stop_now(panel, user, *session).await {
            Ok(()) | Err(PanelError::Console(ConsoleError::Refused(Refusal::UnknownSession(_)))) => {}
            Err(error) => result = Err(error),
        }
    }
    result
}

async fn stop_now(panel: &Panel, user: &User, session: SessionId) -> Result<(), PanelError> {
    let unknown = || ConsoleError::Refused(Refusal::UnknownSession(session));
    let (sent_to, class) = whereabouts(panel, session).ok_or_else(unknown)?;
    let zones = panel.console.zones();
    let zone = zones.get(sent_to).ok_or_else(unknown)?;
    user.must(to_air(class), zone, &zones)?;
    let command = Command::Stop {
        session,
        by: user.person.name.clone(),
    };
    panel.console.command(command, &user.person.name).await?;
    Ok(())
}

/// Returns the zone and the class of a session that is on air or waits for it.
fn whereabouts(panel: &Panel, session: SessionId) -> Option<(ZoneId, BulletinClass)> {
    let snapshot = panel.console.snapshot();
    let sessions = snapshot.zones.iter().flat_map(|state| {
        let all = state.on_air.iter().chain(&state.waiting);
        all.map(|session| (state.zone, session))
    });
    let mut found = sessions.filter(|(_, state)| state.session == session);
    found.next().map(|(zone, state)| (zone, state.class))
}

/// Returns what it takes to put something of this class on air, or off it.
pub(crate) const fn to_air(class: BulletinClass) -> Permission {
    match class {
        BulletinClass::Emergency => Permission::Alert,
        _ => Permission::Announce,
    }
}

const fn default_limit_s() -> u32 {
    3_600
}

/// Nothing that a person starts goes on for longer than half a day.
const LIMIT_S_MAX: u32 = 43_200;
/// Longer names of what is live are cut.
const TITLE_CHARS_MAX: usize = 120;
/// How old the snapshot of the air may be, and a little.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_millis(300);
