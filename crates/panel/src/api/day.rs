//! A day: what is planned, and what was really aired.

use axum::Json;
use axum::extract::{Query, State};
use loa_model::RunSheet;

use super::wanted::{Wanted, is_heard};
use crate::console::AsRunDay;
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;
use crate::scope;

/// Shows the run-sheet of a day.
///
/// Every line with the reasons it stands there, for zones that you may see and those above them.
#[utoipa::path(
    get,
    path = "/api/v1/run-sheet",
    tag = "day",
    params(Wanted),
    responses(
        (status = 200, description = "The run-sheet in force.", body = RunSheet),
        (status = 404, description = "No such zone, or no run-sheet for that day."),
    )
)]
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

/// Shows the as-run log of a day.
///
/// Everything that sounded, part by part, and every occurrence that never did, for zones that you may see and those
/// above them.
#[utoipa::path(
    get,
    path = "/api/v1/as-run",
    tag = "day",
    params(Wanted),
    responses(
        (status = 200, description = "The log, in order of time.", body = AsRunDay),
        (status = 404, description = "No such zone."),
    )
)]
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
