//! The run-sheet of a day, with the reason for each line.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::{Permission, RunSheet, RunSheetLine, Verdict, ZoneTree};
use serde::Deserialize;

use crate::api::Wanted;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::change::{Back, Flash, flash, link};
use crate::pages::day::DayBar;
use crate::pages::{Frame, html};
use crate::plain::{calendar, class, clock, date, length, reason, verdict};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    frame: Frame,
    bar: DayBar,
    /// Which plan this is.
    plan: Option<String>,
    lines: Vec<LineRow>,
    flash: Option<Flash>,
    back: Back,
    may_edit: bool,
    /// For paper: of which zone it is, and when it was printed.
    of_zone: String,
    printed: String,
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
    /// `airs`, `shifts` or `dropped`.
    verdict_code: &'static str,
    reasons: Vec<String>,
    /// The form about it, for those who may change it.
    href: Option<String>,
}

/// What an address names beside the day and the zone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Beside {
    /// Number of the change that was just saved.
    saved: Option<i64>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
    Query(beside): Query<Beside>,
) -> Result<Response, PanelError> {
    let bar = DayBar::new(&panel, &user, &wanted, lang)?;
    let sheet = panel.console.planned(bar.date).await?;
    let tree = panel.console.zones();
    let sheet = sheet.map(|sheet| scope::run_sheet(sheet, &user.person.rights, &tree));
    let zone = tree.by_code(&bar.zone);
    let may_edit = match zone {
        Some(zone) => user.may(Permission::Edit, zone, &tree),
        None => user.person.rights.may_somewhere(Permission::Edit),
    };
    let of_zone = zone.map_or_else(|| lang.say("every-zone"), |zone| zone.name.clone());
    let zone = zone.map(|zone| zone.id);
    let back = Back {
        page: "today".into(),
        day: bar.date.to_string(),
        zone: bar.zone.clone(),
    };
    let heard = |line: &&RunSheetLine| zone.is_none_or(|zone| tree.covers(line.occurrence.zone, zone));
    let lines = sheet.as_ref().map_or_else(Vec::new, |sheet| {
        let lines = sheet.lines.iter().filter(heard);
        let link = |line: &RunSheetLine| link(line, &panel, &user, &tree, &back);
        lines
            .map(|line| LineRow {
                href: link(line),
                ..row(line, sheet, &tree, &panel, lang)
            })
            .collect()
    });
    // One that is not in force yet has no number.
    let plan = sheet.filter(|sheet| sheet.number > 0);
    let plan = plan.map(|sheet| lang.say_with("run-sheet-number", &[("number", &sheet.number.to_string())]));
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/today");
    frame.query = bar.query();
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let today = date(now, tz);
    Ok(html(&TodayPage {
        flash: flash(&panel, &user, beside.saved, lang).await?,
        may_edit: may_edit && bar.date >= today,
        printed: format!("{} {}", calendar(today, lang), clock(now, tz)),
        of_zone,
        back,
        frame,
        bar,
        plan,
        lines,
    }))
}

fn row(line: &RunSheetLine, sheet: &RunSheet, tree: &ZoneTree, panel: &Panel, lang: Lang) -> LineRow {
    let tz = panel.console.station().time_zone;
    let zone = tree.get(line.occurrence.zone);
    let reasons = line.reasons.iter();
    LineRow {
        number: line.number,
        start: clock(line.start, tz),
        end: clock(line.end(), tz),
        length: length(line.duration),
        zone: zone.map_or_else(String::new, |zone| zone.name.clone()),
        title: line.title.clone(),
        class: class(line.class, lang),
        class_code: line.class.name(),
        verdict: verdict(line.verdict, lang),
        verdict_code: match line.verdict {
            Verdict::Airs => "airs",
            Verdict::Shifts => "shifts",
            Verdict::Dropped => "dropped",
        },
        reasons: reasons.map(|why| reason(why, sheet, tree, tz, lang)).collect(),
        href: None,
    }
}
