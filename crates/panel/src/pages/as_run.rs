//! What was really aired, and why it ended.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::SessionId;

use crate::api::{Wanted, is_heard};
use crate::console::AsRunLine;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::day::DayBar;
use crate::pages::{Frame, html};
use crate::plain::{class, clock, end_reason, length};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "as_run.html")]
struct AsRunPage {
    frame: Frame,
    bar: DayBar,
    lines: Vec<Line>,
}

struct Line {
    at: String,
    ended: Option<String>,
    length: Option<String>,
    zone: String,
    title: String,
    /// Which stretch of the session, from the second on.
    part: Option<String>,
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
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let bar = DayBar::new(&panel, &user, &wanted, lang)?;
    let zones = panel.console.zones();
    let zone = zones.by_code(&bar.zone).map(|zone| zone.id);
    let day = panel.console.as_run(bar.date).await?;
    let mut day = scope::as_run(day, &user.person.rights, &zones);
    // Of every zone: what took the air from a zone's programme may have been sent to another.
    let titles = day.lines.iter();
    let titles: BTreeMap<_, _> = titles
        .filter_map(|line| Some((line.session?.0, line.title.clone())))
        .collect();
    if let Some(zone) = zone {
        day.lines.retain(|line| is_heard(&line.zone, zone, &zones));
    }
    let lines = day.lines.into_iter().map(|line| row(line, &titles, &panel, lang));
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/as-run");
    frame.query = bar.query();
    Ok(html(&AsRunPage {
        lines: lines.collect(),
        frame,
        bar,
    }))
}

fn row(line: AsRunLine, titles: &BTreeMap<SessionId, String>, panel: &Panel, lang: Lang) -> Line {
    let tz = panel.console.station().time_zone;
    let title = |session| titles.get(&session).cloned();
    let zones = panel.console.zones();
    let part = line.session.map(|(_, part)| part).filter(|part| *part > 1);
    Line {
        at: clock(line.at, tz),
        ended: line.ended.map(|ended| clock(ended, tz)),
        length: line.ended.map(|ended| length(ended.since(line.at))),
        zone: zones
            .by_code(&line.zone)
            .map_or(line.zone, |zone| zone.name.clone()),
        title: line.title,
        part: part.map(|part| lang.say_with("part", &[("part", &part.to_string())])),
        class: line.class.map(|which| class(which, lang)),
        class_code: line.class.map_or("none", loa_model::BulletinClass::name),
        by: line.by.map(|by| lang.say_with("put-on", &[("by", &by)])),
        reason: line.reason.map(|reason| end_reason(&reason, title, lang)),
        aired: line.session.is_some(),
    }
}
