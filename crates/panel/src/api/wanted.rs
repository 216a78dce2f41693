//! What requests name: a date, a zone.

use chrono::{Datelike as _, NaiveDate};
use loa_model::{Permission, Zone, ZoneId, ZoneTree};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::PanelError;
use crate::guard::User;
use crate::plain::date;
use crate::router::Panel;

/// Which part of the day's plan or log is wanted.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The local date, 2000-01-01 to 2199-12-31; today if it is not there or empty.
    #[serde(default)]
    #[param(
        pattern = "^(2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$",
        example = "2026-12-04"
    )]
    date: String,
    /// Code of a zone, for what is heard there; everything if it is not there or empty.
    #[serde(default)]
    #[param(example = "xa-dong")]
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
    let whole = (text.len() == "2000-01-01".len()).then_some(text);
    let date = whole.and_then(|text| text.parse::<NaiveDate>().ok());
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

/// Tells whether what was sent to the zone with code `from` is heard in `zone`.
pub(crate) fn is_heard(from: &str, zone: ZoneId, zones: &ZoneTree) -> bool {
    zones
        .by_code(from)
        .is_some_and(|from| zones.covers(from.id, zone))
}

/// Finds zones by their codes, in each of which the user must have a permission; those within another are left out.
///
/// # Errors
///
/// [`PanelError::NoZone`], [`PanelError::Forbidden`], and [`PanelError::ZoneCount`] if there is none, or more than `most`.
pub(crate) fn named_zones<'a>(
    panel: &Panel,
    user: &User,
    permission: Permission,
    codes: impl Iterator<Item = &'a str>,
    most: usize,
) -> Result<Vec<ZoneId>, PanelError> {
    let tree = panel.console.zones();
    let mut named: Vec<ZoneId> = Vec::new();
    for code in codes {
        let zone = zone(code, &tree)?;
        user.must(permission, zone, &tree)?;
        // Each once, however often it is named: there are no more than the station has.
        if !named.contains(&zone.id) {
            named.push(zone.id);
        }
    }
    // What is sent to a zone is heard in all below it.
    let is_outermost = |zone: &ZoneId| {
        let mut others = named.iter().filter(|other| *other != zone);
        !others.any(|other| tree.covers(*other, *zone))
    };
    let zones: Vec<_> = named.iter().copied().filter(is_outermost).collect();
    if zones.is_empty() || zones.len() > most {
        return Err(PanelError::ZoneCount(most));
    }
    Ok(zones)
}

/// Well inside what 64-bit nanoseconds and the calendar reach.
const YEARS: std::ops::Range<i32> = 2_000..2_200;
