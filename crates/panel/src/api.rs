//! The JSON API, plain players' files, health and metrics. Pages and API give the same commands.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{Datelike as _, NaiveDate};
use loa_model::{
    BulletinClass, Command, CommandDone, ContentHash, Permission, Refusal, RunSheet, SessionId, Snapshot,
    Zone, ZoneId, ZoneTree,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use tracing::warn;

use crate::console::{AsRunDay, ConsoleError, ReceiverItem};
use crate::error::PanelError;
use crate::guard::{User, browser_name, login_cookie};
use crate::people::{Browser, LogIn};
use crate::plain::date;
use crate::router::Panel;
use crate::scope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Checks a password, slowly for those who guess.
pub(crate) async fn check(
    panel: &Panel,
    from: SocketAddr,
    headers: &HeaderMap,
    given: &Credentials,
) -> Result<LogIn, PanelError> {
    if !panel.brake.take(&given.name, from.ip(), panel.console.now()) {
        warn!(address = %from.ip(), "too many tries to log in");
        return Err(PanelError::TooManyTries);
    }
    let browser = Browser {
        address: from.ip(),
        name: browser_name(headers),
    };
    let turn = panel.turn_to_hash().await?;
    let answer = panel.console.log_in(&given.name, &given.password, &browser).await;
    drop(turn);
    match answer {
        Ok(accepted) => {
            panel.brake.give_back(&given.name, from.ip());
            Ok(accepted)
        }
        Err(error) => {
            // Not the name: people type their password into the wrong field.
            warn!(address = %from.ip(), %error, "not logged in");
            Err(error.into())
        }
    }
}

/// Answers 204, or 200 with what the login still lacks.
pub(crate) async fn log_in(
    State(panel): State<Panel>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(given): Json<Credentials>,
) -> Result<Response, PanelError> {
    let accepted = check(&panel, from, &headers, &given).await?;
    let cookie = [(
        header::SET_COOKIE,
        login_cookie(&panel, &accepted.token, accepted.lasts),
    )];
    Ok(match accepted.due {
        None => (StatusCode::NO_CONTENT, cookie).into_response(),
        Some(due) => (cookie, Json(json!({ "due": due.name() }))).into_response(),
    })
}

/// The second step of a login.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) code: String,
}

pub(crate) async fn enter_code(
    State(panel): State<Panel>,
    user: User,
    Json(given): Json<Code>,
) -> Result<StatusCode, PanelError> {
    panel.console.enter_code(&user.token, &given.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn snapshot(State(panel): State<Panel>, user: User) -> Json<Snapshot> {
    let snapshot = Snapshot::clone(&panel.console.snapshot());
    Json(scope::snapshot(
        snapshot,
        &user.person.rights,
        &panel.console.zones(),
    ))
}

/// Which part of the day's plan or log is wanted.
#[derive(Default, Deserialize)]
pub(crate) struct Wanted {
    /// Today if it is not there or empty, as a form sends it.
    #[serde(default)]
    date: String,
    /// Code of a zone, for what is heard there; everything if it is not there or empty.
    #[serde(default)]
    zone: String,
}

impl Wanted {
    /// Returns the date asked for; today if none was.
    ///
    /// # Errors
    ///
    /// [`PanelError::NoDate`]; so too for years that nanoseconds of a clock do not reach.
    pub(crate) fn date(&self, panel: &Panel) -> Result<NaiveDate, PanelError> {
        if self.date.is_empty() {
            return Ok(date(panel.console.now(), panel.console.station().time_zone));
        }
        date_from(&self.date)
    }

    /// Returns the zone asked for, if one was.
    ///
    /// # Errors
    ///
    /// [`PanelError::NoZone`]; [`PanelError::Forbidden`] if it is not for this user's eyes.
    pub(crate) fn zone<'a>(&self, user: &User, zones: &'a ZoneTree) -> Result<Option<&'a Zone>, PanelError> {
        if self.zone.is_empty() {
            return Ok(None);
        }
        let zone = zone(&self.zone, zones)?;
        user.must(Permission::See, zone, zones)?;
        Ok(Some(zone))
    }
}

/// Reads a date.
///
/// # Errors
///
/// [`PanelError::NoDate`]; so too for years that nanoseconds of a clock do not reach.
pub(crate) fn date_from(text: &str) -> Result<NaiveDate, PanelError> {
    let date = text.parse::<NaiveDate>().ok();
    date.filter(|date| YEARS.contains(&date.year()))
        .ok_or_else(|| PanelError::NoDate(text.to_owned()))
}

/// Finds a zone by its code.
///
/// # Errors
///
/// [`PanelError::NoZone`].
pub(crate) fn zone<'a>(code: &str, zones: &'a ZoneTree) -> Result<&'a Zone, PanelError> {
    let zone = zones.by_code(code);
    zone.ok_or_else(|| PanelError::NoZone(code.to_owned()))
}

pub(crate) async fn run_sheet(
    State(panel): State<Panel>,
    user: User,
    Query(wanted): Query<Wanted>,
) -> Result<Json<RunSheet>, PanelError> {
    let (date, zones) = (wanted.date(&panel)?, panel.console.zones());
    let zone = wanted.zone(&user, &zones)?.map(|zone| zone.id);
    let sheet = panel.console.run_sheet(date).await?;
    let sheet = sheet.ok_or(PanelError::NoRunSheet(date))?;
    let mut sheet = scope::run_sheet(sheet, &user.person.rights, &zones);
    if let Some(zone) = zone {
        sheet
            .lines
            .retain(|line| zones.covers(line.occurrence.zone, zone));
    }
    Ok(Json(sheet))
}

pub(crate) async fn receivers(
    State(panel): State<Panel>,
    user: User,
) -> Result<Json<Vec<ReceiverItem>>, PanelError> {
    let receivers = panel.console.receivers().await?;
    let zones = panel.console.zones();
    Ok(Json(scope::receivers(receivers, &user.person.rights, &zones)))
}

pub(crate) async fn as_run(
    State(panel): State<Panel>,
    user: User,
    Query(wanted): Query<Wanted>,
) -> Result<Json<AsRunDay>, PanelError> {
    let (date, zones) = (wanted.date(&panel)?, panel.console.zones());
    let zone = wanted.zone(&user, &zones)?.map(|zone| zone.id);
    let day = panel.console.as_run(date).await?;
    let mut day = scope::as_run(day, &user.person.rights, &zones);
    if let Some(zone) = zone {
        day.lines.retain(|line| is_heard(&line.zone, zone, &zones));
    }
    Ok(Json(day))
}

/// Tells whether what was sent to the zone with code `from` is heard in `zone`.
pub(crate) fn is_heard(from: &str, zone: ZoneId, zones: &ZoneTree) -> bool {
    zones
        .by_code(from)
        .is_some_and(|from| zones.covers(from.id, zone))
}

/// What to put on air.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartOverride {
    /// Code of the zone.
    pub(crate) zone: String,
    /// Content of the media.
    pub(crate) media: String,
    pub(crate) class: BulletinClass,
    /// Whether the chime sounds before it.
    #[serde(default)]
    pub(crate) chime: bool,
    /// It is cut after this long, seconds.
    #[serde(default = "default_limit_s")]
    pub(crate) limit_s: u32,
}

#[derive(Serialize)]
pub(crate) struct OverrideStarted {
    session: SessionId,
    on_air: bool,
}

/// Answers once the engine has accepted, not merely queued, the command.
pub(crate) async fn start_override(
    State(panel): State<Panel>,
    user: User,
    Json(wanted): Json<StartOverride>,
) -> Result<Json<OverrideStarted>, PanelError> {
    start(&panel, &user, &wanted).await.map(Json)
}

/// Puts a piece from the library on air.
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
    let no_media = || PanelError::NoMedia(wanted.media.clone());
    let hash: ContentHash = wanted.media.parse().map_err(|_| no_media())?;
    let media = panel.console.media().await?;
    let media = media.into_iter().find(|media| media.hash == hash);
    let media = media.ok_or_else(no_media)?;
    let command = Command::StartOverride {
        zone: zone.id,
        title: media.title,
        media: media.hash,
        duration: media.duration,
        class: wanted.class,
        chime: wanted.chime,
        limit: Duration::from_secs(u64::from(wanted.limit_s)),
        by: user.person.name.clone(),
    };
    match panel.console.command(command, &user.person.name).await? {
        CommandDone::OverrideStarted { session, on_air } => Ok(OverrideStarted { session, on_air }),
        CommandDone::Done => Err(ConsoleError::Unavailable("the engine gave no session".to_owned()).into()),
    }
}

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
    let mut found = whereabouts(panel, session);
    if found.is_none() {
        // It may be younger than the snapshot.
        sleep(SNAPSHOT_AGE_MAX).await;
        found = whereabouts(panel, session);
    }
    let unknown = || ConsoleError::Refused(Refusal::UnknownSession(session));
    let (sent_to, class) = found.ok_or_else(unknown)?;
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

/// Takes a receiver's report; its signature stands in for a login.
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

const fn default_limit_s() -> u32 {
    3_600
}

/// Nothing that a person starts goes on for longer than half a day.
const LIMIT_S_MAX: u32 = 43_200;
/// How old the snapshot of the air may be, and a little.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_millis(300);
/// Well inside what 64-bit nanoseconds and the calendar reach.
const YEARS: std::ops::Range<i32> = 2_000..2_200;
