//! What was really aired, and why it ended: searched, and as a table for other programs.

mod csv;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::{Days, NaiveDate, TimeDelta};
use loa_model::{BulletinClass, EndReason, Permission, SessionId};
use serde::Deserialize;

use crate::address::escaped;
use crate::api::{date_from, is_heard, zone};
use crate::console::AsRunLine;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::plain::{calendar, class, clock, clock_on, date, end_reason, length, local};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "as_run.html")]
struct AsRunPage {
    frame: Frame,
    wanted: AsRunWanted,
    zones: Vec<ZoneChoice>,
    classes: Vec<Choice>,
    ends: Vec<Choice>,
    span: String,
    before: Option<NaiveDate>,
    after: Option<NaiveDate>,
    csv: String,
    /// Said where not all is shown.
    most: Option<String>,
    lines: Vec<Line>,
}

struct Choice {
    code: &'static str,
    text: String,
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

/// Which lines are wanted; what is empty asks for nothing.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AsRunWanted {
    /// One day, for those who link to it.
    date: String,
    from: String,
    to: String,
    /// Code of a zone, for what was heard there.
    zone: String,
    /// Part of a title, or of who put it on air.
    q: String,
    class: String,
    /// `well`, `cut`, `fault`, `never` or `now`.
    ended: String,
}

/// What was found, and what it takes to say it.
struct Found {
    from: NaiveDate,
    to: NaiveDate,
    lines: Vec<AsRunLine>,
    titles: BTreeMap<SessionId, String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(mut wanted): Query<AsRunWanted>,
) -> Result<Response, PanelError> {
    let Found {
        from,
        to,
        lines,
        titles,
    } = find(&panel, &user, &wanted).await?;
    wanted.date.clear();
    (wanted.from, wanted.to) = (from.to_string(), to.to_string());
    let query = wanted.query();
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/as-run");
    frame.query.clone_from(&query);
    let all = lines.len();
    let most = (all > LINES_MAX).then(|| {
        let (most, all) = (LINES_MAX.to_string(), all.to_string());
        lang.say_with("as-run-most", &[("most", &most), ("all", &all)])
    });
    let lines = lines.into_iter().take(LINES_MAX);
    let day = (from == to).then_some(from);
    let lines = lines.map(|line| row(line, &titles, &panel, lang, day)).collect();
    let choices = |codes: &[&'static str]| {
        let text = |code: &&'static str| Choice {
            code,
            text: match *code {
                "well" => lang.say("as-run-end-well"),
                "cut" => lang.say("as-run-end-cut"),
                "fault" => lang.say("as-run-end-fault"),
                "never" => lang.say("as-run-end-never"),
                "now" => lang.say("as-run-end-now"),
                other => other.to_owned(),
            },
        };
        codes.iter().map(text).collect()
    };
    let classes = CLASSES.map(|which| Choice {
        code: which.name(),
        text: class(which, lang),
    });
    let span = if from == to {
        format!("{}, {}", crate::plain::weekday(from, lang), calendar(from, lang))
    } else {
        format!("{} – {}", calendar(from, lang), calendar(to, lang))
    };
    Ok(html(&AsRunPage {
        zones: zone_choices(Permission::See, &user.person.rights, &panel.console.zones()),
        classes: classes.into(),
        ends: choices(&["well", "cut", "fault", "never", "now"]),
        before: from.checked_sub_days(Days::new(1)),
        after: to.checked_add_days(Days::new(1)),
        csv: format!("/as-run.csv?{query}"),
        frame,
        wanted,
        span,
        most,
        lines,
    }))
}

/// Gives all that was found as a table (RFC 4180).
pub(crate) async fn csv(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<AsRunWanted>,
) -> Result<Response, PanelError> {
    let found = find(&panel, &user, &wanted).await?;
    let tz = panel.console.station().time_zone;
    let zones = panel.console.zones();
    let mut table = csv::Table::new();
    table.row(&[
        lang.say("day"),
        lang.say("csv-began"),
        lang.say("csv-ended"),
        lang.say("csv-seconds"),
        lang.say("zone"),
        lang.say("change-programme"),
        lang.say("csv-part"),
        lang.say("class"),
        lang.say("csv-by"),
        lang.say("as-run-ended"),
    ]);
    for line in found.lines {
        let title = |session| found.titles.get(&session).cloned();
        let seconds = line.ended.map(|ended| ended.since(line.at).as_secs().to_string());
        table.row(&[
            date(line.at, tz).to_string(),
            clock(line.at, tz),
            line.ended.map_or_else(String::new, |ended| {
                local(ended, tz).format("%Y-%m-%d %H:%M:%S").to_string()
            }),
            seconds.unwrap_or_default(),
            zones
                .by_code(&line.zone)
                .map_or_else(|| line.zone.clone(), |zone| zone.name.clone()),
            line.title.clone(),
            line.session
                .map_or_else(String::new, |(_, part)| part.to_string()),
            line.class.map_or_else(String::new, |which| class(which, lang)),
            line.by.clone().unwrap_or_default(),
            match &line.reason {
                Some(reason) => end_reason(reason, title, lang),
                None => lang.say("on-air-now"),
            },
        ]);
    }
    let name = format!("attachment; filename=\"as-run-{}-{}.csv\"", found.from, found.to);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, table.finish()).into_response())
}

async fn find(panel: &Panel, user: &User, wanted: &AsRunWanted) -> Result<Found, PanelError> {
    let (zones, tz) = (panel.console.zones(), panel.console.station().time_zone);
    let today = date(panel.console.now(), tz);
    let day = |text: &str, otherwise: NaiveDate| {
        if text.is_empty() {
            Ok(otherwise)
        } else {
            date_from(text)
        }
    };
    let one = day(&wanted.date, today)?;
    let from = day(&wanted.from, one)?;
    let to = day(&wanted.to, from.max(one))?;
    if to < from || to - from >= TimeDelta::days(DAYS_MAX) {
        return Err(PanelError::LongSpan {
            from,
            to,
            most: DAYS_MAX,
        });
    }
    let heard = if wanted.zone.is_empty() {
        None
    } else {
        let zone = zone(&wanted.zone, &zones)?;
        user.must(Permission::See, zone, &zones)?;
        Some(zone.id)
    };
    let day = panel.console.as_run_days(from, to).await?;
    let mut day = scope::as_run(day, &user.person.rights, &zones);
    let titles = day.lines.iter();
    let titles = titles
        .filter_map(|line| Some((line.session?.0, line.title.clone())))
        .collect();
    let q = wanted.q.trim().to_lowercase();
    day.lines.retain(|line| {
        let in_zone = heard.is_none_or(|zone| is_heard(&line.zone, zone, &zones));
        let of_class = wanted.class.is_empty() || line.class.is_some_and(|of| of.name() == wanted.class);
        let by = line.by.as_deref().unwrap_or_default();
        let found = q.is_empty()
            || [&line.title, by]
                .iter()
                .any(|text| text.to_lowercase().contains(&q));
        let ended = wanted.ended.is_empty() || ended_how(line) == wanted.ended;
        in_zone && of_class && found && ended
    });
    Ok(Found {
        from,
        to,
        lines: day.lines,
        titles,
    })
}

/// Sorts a line by how it ended.
fn ended_how(line: &AsRunLine) -> &'static str {
    match &line.reason {
        _ if line.session.is_none() => "never",
        None => "now",
        Some(EndReason::Completed | EndReason::TimeLimit) => "well",
        Some(
            EndReason::SourceFailed { .. }
            | EndReason::HeadEndLost
            | EndReason::HeadEndStopped
            | EndReason::Fault { .. },
        ) => "fault",
        Some(_) => "cut",
    }
}

/// Makes a line of the page of one day, or of several; times of other days stand with their dates.
fn row(
    line: AsRunLine,
    titles: &BTreeMap<SessionId, String>,
    panel: &Panel,
    lang: Lang,
    day: Option<NaiveDate>,
) -> Line {
    let (tz, now) = (panel.console.station().time_zone, panel.console.now());
    let (began_on, today) = (date(line.at, tz), date(now, tz));
    let title = |session| titles.get(&session).cloned();
    let zones = panel.console.zones();
    let part = line.session.map(|(_, part)| part).filter(|part| *part > 1);
    Line {
        at: clock_on(line.at, day.unwrap_or(today), tz, lang),
        ended: line
            .ended
            .map(|ended| clock_on(ended, day.unwrap_or(began_on), tz, lang)),
        length: line.ended.map(|ended| length(ended.since(line.at))),
        zone: zones
            .by_code(&line.zone)
            .map_or(line.zone, |zone| zone.name.clone()),
        title: line.title,
        part: part.map(|part| lang.say_with("part", &[("part", &part.to_string())])),
        class: line.class.map(|which| class(which, lang)),
        class_code: line.class.map_or("none", BulletinClass::name),
        by: line.by.map(|by| lang.say_with("put-on", &[("by", &by)])),
        reason: line.reason.map(|reason| end_reason(&reason, title, lang)),
        aired: line.session.is_some(),
    }
}

impl AsRunWanted {
    /// Returns what follows the page's address, for the same search.
    fn query(&self) -> String {
        let fields = [
            ("from", &self.from),
            ("to", &self.to),
            ("zone", &self.zone),
            ("q", &self.q),
            ("class", &self.class),
            ("ended", &self.ended),
        ];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        given
            .map(|(name, text)| format!("{name}={}&", escaped(text)))
            .collect()
    }
}

const CLASSES: [BulletinClass; 5] = [
    BulletinClass::Emergency,
    BulletinClass::Live,
    BulletinClass::Priority,
    BulletinClass::Normal,
    BulletinClass::Background,
];
/// A quarter of a year.
const DAYS_MAX: i64 = 92;
/// More lines are for other programs.
const LINES_MAX: usize = 1_000;
