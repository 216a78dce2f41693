//! What was really aired, and why it ended.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Days, NaiveDate};

use crate::api::OnDate;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::plain::{class, clock, end_reason};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "as_run.html")]
struct AsRunPage {
    frame: Frame,
    date: NaiveDate,
    before: NaiveDate,
    after: NaiveDate,
    lines: Vec<Line>,
}

struct Line {
    at: String,
    ended: Option<String>,
    zone: String,
    title: String,
    part: Option<u32>,
    class: Option<String>,
    class_code: &'static str,
    by: Option<String>,
    /// Why it ended; none while it is on air.
    reason: Option<String>,
    aired: bool,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(on): Query<OnDate>,
) -> Result<Response, PanelError> {
    let date = on.or_today(&panel);
    let tz = panel.console.station().time_zone;
    let lines = panel
        .console
        .as_run(date)
        .await?
        .lines
        .into_iter()
        .map(|line| Line {
            at: clock(line.at, tz),
            ended: line.ended.map(|ended| clock(ended, tz)),
            zone: line.zone,
            title: line.title,
            part: line.session.map(|(_, part)| part).filter(|part| *part > 1),
            class: line.class.map(|which| class(which, lang)),
            class_code: line.class.map_or("none", loa_model::BulletinClass::name),
            by: line.by,
            reason: line.reason.map(|reason| end_reason(&reason, lang)),
            aired: line.session.is_some(),
        });
    let page = AsRunPage {
        lines: lines.collect(),
        frame: Frame::new(&panel, lang, Some(user.name), "/as-run"),
        date,
        before: date - Days::new(1),
        after: date + Days::new(1),
    };
    Ok(html(&page))
}
