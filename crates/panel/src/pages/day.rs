//! The bar over a day's plan or log: which day, which zone, and the days beside it.

use chrono::{Days, NaiveDate};
use loa_model::{Permission, Zone};

use crate::api::Wanted;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{ZoneChoice, zone_choices};
use crate::plain;
use crate::router::Panel;

/// What a page about a day shows above its lines.
pub(crate) struct DayBar {
    pub(crate) date: NaiveDate,
    /// Such as "Friday".
    pub(crate) weekday: String,
    pub(crate) calendar: String,
    pub(crate) before: Option<NaiveDate>,
    pub(crate) after: Option<NaiveDate>,
    pub(crate) zones: Vec<ZoneChoice>,
    /// Code of the chosen zone; empty for every zone.
    pub(crate) zone: String,
}

impl DayBar {
    /// Reads what is wanted.
    ///
    /// # Errors
    ///
    /// No such date, no such zone, or not for this user's eyes.
    pub(crate) fn new(panel: &Panel, user: &User, wanted: &Wanted, lang: Lang) -> Result<Self, PanelError> {
        let (date, tree) = (wanted.date(panel)?, panel.console.zones());
        let zone = wanted.zone(user, &tree)?;
        Ok(Self {
            date,
            weekday: plain::weekday(date, lang),
            calendar: plain::calendar(date, lang),
            before: date.checked_sub_days(Days::new(1)),
            after: date.checked_add_days(Days::new(1)),
            zones: zone_choices(Permission::See, &user.person.rights, &tree),
            zone: zone.map_or_else(String::new, |zone: &Zone| zone.code.clone()),
        })
    }

    /// Returns what follows the page's address, for the same day and zone.
    pub(crate) fn query(&self) -> String {
        format!("date={}&zone={}&", self.date, self.zone)
    }
}
