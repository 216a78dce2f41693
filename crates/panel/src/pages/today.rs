//! The run-sheet of a day, with the reason for each line.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Days, NaiveDate};

use crate::api::OnDate;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::plain::{class, clock, length, reason, verdict};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    frame: Frame,
    date: NaiveDate,
    before: NaiveDate,
    after: NaiveDate,
    number: Option<u32>,
    lines: Vec<LineRow>,
}

struct LineRow {
    number: u32,
    start: String,
    end: String,
    length: String,
    zone: String,
    title: String,
    class: String,
    class_code: &'static str,
    verdict: String,
    dropped: bool,
    reasons: Vec<String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(on): Query<OnDate>,
) -> Result<Response, PanelError> {
    let date = on.or_today(&panel);
    let sheet = panel.console.run_sheet(date).await?;
    let tree = panel.console.zones();
    let tz = panel.console.station().time_zone;
    let lines = sheet
        .iter()
        .flat_map(|sheet| sheet.lines.iter().map(move |line| (sheet, line)));
    let lines = lines.map(|(sheet, line)| LineRow {
        number: line.number,
        start: clock(line.start, tz),
        end: clock(line.end(), tz),
        length: length(line.duration),
        zone: tree
            .get(line.occurrence.zone)
            .map_or_else(String::new, |zone| zone.name.clone()),
        title: line.title.clone(),
        class: class(line.class, lang),
        class_code: line.class.name(),
        verdict: verdict(line.verdict, lang),
        dropped: line.verdict == loa_model::Verdict::Dropped,
        reasons: line
            .reasons
            .iter()
            .map(|why| reason(why, sheet, tz, lang))
            .collect(),
    });
    let page = TodayPage {
        lines: lines.collect(),
        frame: Frame::new(&panel, lang, Some(user.name), "/today"),
        date,
        before: date - Days::new(1),
        after: date + Days::new(1),
        number: sheet.as_ref().map(|sheet| sheet.number),
    };
    Ok(html(&page))
}
