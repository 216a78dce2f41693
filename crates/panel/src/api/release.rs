//! Putting an emergency on the air, and what a second person does about it. The page does it through the same functions.
//!
//! Nobody speaks through the API: a microphone needs a page. What is on the air is stopped like every override, by
//! `DELETE /api/v1/overrides/{session}`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use loa_model::{ContentHash, Permission, SessionId, ZoneId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::emergencies::{WaitingEmergency, shown};
use super::wanted::named_zones;
use crate::console::ConsoleError;
use crate::emergency::{EmergencyRefusal, Release, Released, What};
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;
use crate::speak::SPEECH_ZONES_MAX;

/// What is to be put on the air in an emergency.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseEmergency {
    /// What is said.
    what: EmergencyWords,
    /// Codes of the zones; one that lies within another of them hears it from there.
    #[schema(min_items = 1, example = json!(["xa-dong"]))]
    zones: Vec<String>,
    /// It is over after this long, minutes.
    #[schema(minimum = 1, maximum = 720)]
    minutes: u16,
    /// Whether it is an exercise: it says so each time, keeps quiet hours, and takes no second person.
    #[serde(default)]
    drill: bool,
    /// Why it goes on the air without the second person that a zone asks for; cut after 500 characters.
    #[serde(default)]
    break_glass: Option<String>,
}

/// What is said: one of these, of a template.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmergencyWords {
    /// The warning of the template with this number.
    Warning(i64),
    /// The retraction of the template with this number.
    Retraction(i64),
}

/// What was put on the air.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct EmergencyReleased {
    /// The session in each zone that took it; none if it was somebody's wish to speak, who may now do so.
    sessions: Vec<ZoneSession>,
    /// Zones that could not take it, if others could.
    refused: Vec<ZoneRefusal>,
}

/// A zone that could not take an emergency.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoneRefusal {
    /// Its code.
    zone: String,
    /// Why.
    why: String,
}

/// A session, and where it was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoneSession {
    /// Code of the zone.
    zone: String,
    /// The session, to stop it by.
    session: SessionId,
}

/// Puts an emergency on the air, or has it wait for a second person.
///
/// The warning of a template, or its retraction. It takes the permission in each zone; where one of them asks for two
/// persons, a warning waits until a second one confirms it. A session is stopped by `DELETE /api/v1/overrides/{session}`.
#[utoipa::path(
    post,
    path = "/api/v1/emergencies",
    tag = "emergency",
    request_body = ReleaseEmergency,
    responses(
        (status = 200, description = "It is on the air, or waits behind something stronger.", body = EmergencyReleased),
        (status = 202, description = "It waits for a second person.", body = WaitingEmergency),
        (status = 400, description = "No zone or too many, not 1 to 720 minutes, or the glass is broken without a reason."),
        (status = 404, description = "No such zone, or no such template."),
        (status = 409, description = "A recording of it is not in the library, too many wait for a second person, or \
                                      the engine refuses: quiet hours (of drills), or too many sessions."),
    )
)]
pub(crate) async fn release_emergency(
    State(panel): State<Panel>,
    user: User,
    Json(wanted): Json<ReleaseEmergency>,
) -> Result<Response, PanelError> {
    let wish = Wish {
        what: match wanted.what {
            EmergencyWords::Warning(number) => What::Warning(number),
            EmergencyWords::Retraction(number) => What::Retraction(number),
        },
        zones: wanted.zones,
        minutes: wanted.minutes,
        drill: wanted.drill,
        ago: Duration::ZERO,
        break_glass: wanted.break_glass,
    };
    Ok(match release(&panel, &user, wish).await? {
        Released::Waits(waiting) => (StatusCode::ACCEPTED, Json(shown(&panel, waiting))).into_response(),
        released => Json(sessions(&panel, &released)).into_response(),
    })
}

fn sessions(panel: &Panel, released: &Released) -> EmergencyReleased {
    let tree = panel.console.zones();
    let Released::OnAir { sessions, refused } = released else {
        return EmergencyReleased::default();
    };
    let session = |(zone, session): &(ZoneId, SessionId)| {
        Some(ZoneSession {
            zone: tree.get(*zone)?.code.clone(),
            session: *session,
        })
    };
    let refusal = |(zone, why): &(ZoneId, String)| {
        Some(ZoneRefusal {
            zone: tree.get(*zone)?.code.clone(),
            why: why.clone(),
        })
    };
    EmergencyReleased {
        sessions: sessions.iter().filter_map(session).collect(),
        refused: refused.iter().filter_map(refusal).collect(),
    }
}

/// What somebody wants to be put on the air in an emergency.
pub(crate) struct Wish {
    pub(crate) what: What,
    /// Codes.
    pub(crate) zones: Vec<String>,
    pub(crate) minutes: u16,
    pub(crate) drill: bool,
    /// How long ago the button was pressed.
    pub(crate) ago: Duration,
    /// Why it goes on the air without a second person.
    pub(crate) break_glass: Option<String>,
}

/// Puts an emergency on the air, or has it wait for a second person.
pub(crate) async fn release(panel: &Panel, user: &User, wish: Wish) -> Result<Released, PanelError> {
    let most = match wish.what {
        What::Speech(_) => SPEECH_ZONES_MAX,
        What::Warning(_) | What::Retraction(_) => ZONES_MAX,
    };
    let codes = wish.zones.iter().map(String::as_str);
    let zones = named_zones(panel, user, Permission::Alert, codes, most)?;
    if !(1..=MINUTES_MAX).contains(&wish.minutes) {
        return Err(PanelError::Minutes {
            given: wish.minutes,
            most: MINUTES_MAX,
        });
    }
    let reason = wish.break_glass;
    let release = Release {
        what: wish.what,
        zones,
        minutes: wish.minutes,
        drill: wish.drill,
        pressed: panel.console.now() - wish.ago,
        break_glass: reason.map(|reason| reason.chars().take(REASON_CHARS_MAX).collect()),
    };
    Ok(panel.console.release(release, &user.person).await?)
}

/// What a second person saw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    /// Hash of all that will be heard, and where, as what waits has it.
    content: ContentHash,
}

/// Confirms as a second person what another asked for.
///
/// It goes on the air, if it is still what you saw. A token counts as its owner: nobody is a second person beside their
/// own program.
#[utoipa::path(
    post,
    path = "/api/v1/emergencies/waiting/{number}/confirm",
    tag = "emergency",
    params(("number" = u64, Path, description = "The number of what waits.")),
    request_body = Confirmation,
    responses(
        (status = 200, description = "It is on the air, or waits behind something stronger.", body = EmergencyReleased),
        (status = 403, description = "Not permitted, or you asked for it yourself; or another site makes the request."),
        (status = 404, description = "It does not wait any more, or its template is gone."),
        (status = 409, description = "It was changed meanwhile, a recording of it is not in the library, or the engine \
                                      refuses."),
    )
)]
pub(crate) async fn confirm_emergency(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<u64>,
    Json(seen): Json<Confirmation>,
) -> Result<Json<EmergencyReleased>, PanelError> {
    let released = confirm(&panel, &user, number, seen.content).await?;
    Ok(Json(sessions(&panel, &released)))
}

/// Confirms what another person asked for.
pub(crate) async fn confirm(
    panel: &Panel,
    user: &User,
    number: u64,
    content: ContentHash,
) -> Result<Released, PanelError> {
    may_decide(panel, user, number)?;
    Ok(panel.console.confirm(number, content, &user.person).await?)
}

/// Withdraws what waits for a second person.
#[utoipa::path(
    delete,
    path = "/api/v1/emergencies/waiting/{number}",
    tag = "emergency",
    params(("number" = u64, Path, description = "The number of what waits.")),
    responses(
        (status = 204, description = "It does not wait any more."),
        (status = 404, description = "It was confirmed, withdrawn, or waited for too long."),
    )
)]
pub(crate) async fn withdraw_emergency(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<u64>,
) -> Result<StatusCode, PanelError> {
    withdraw(&panel, &user, number).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraws what waits for a second person.
pub(crate) async fn withdraw(panel: &Panel, user: &User, number: u64) -> Result<(), PanelError> {
    may_decide(panel, user, number)?;
    Ok(panel.console.withdraw(number, &user.person).await?)
}

/// Refuses whoever may not warn in each zone of what waits.
fn may_decide(panel: &Panel, user: &User, number: u64) -> Result<(), PanelError> {
    let tree = panel.console.zones();
    let waiting = panel.console.waiting();
    let waiting = waiting.iter().find(|waiting| waiting.number == number);
    let waiting = waiting.ok_or(ConsoleError::Emergency(EmergencyRefusal::NotWaiting))?;
    let zones = waiting.release.zones.iter().filter_map(|zone| tree.get(*zone));
    for zone in zones {
        user.must(Permission::Alert, zone, &tree)?;
    }
    Ok(())
}

/// Zones of one release, none of which lies within another; so many sessions are stopped together.
pub(crate) const ZONES_MAX: usize = 512;
/// Nothing that a person starts goes on for longer than half a day.
const MINUTES_MAX: u16 = 720;
const REASON_CHARS_MAX: usize = 500;
