//! The run-sheet of a day, with the reason for each line.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::{RunSheet, RunSheetLine, Verdict, ZoneTree};

use crate::api::Wanted;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::day::DayBar;
use crate::pages::{Frame, html};
use crate::plain::{class, clock, length, reason, verdict};
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
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let bar = DayBar::new(&panel, &user, &wanted, lang)?;
    let sheet = panel.console.run_sheet(bar.date).await?;
    let tree = panel.console.zones();
    let sheet = sheet.map(|sheet| scope::run_sheet(sheet, &user.person.rights, &tree));
    let zone = tree.by_code(&bar.zone).map(|zone| zone.id);
    let heard = |line: &&RunSheetLine| zone.is_none_or(|zone| tree.covers(line.occurrence.zone, zone));
    let lines = sheet.as_ref().map_or_else(Vec::new, |sheet| {
        let lines = sheet.lines.iter().filter(heard);
        lines.map(|line| row(line, sheet, &tree, &panel, lang)).collect()
    });
    let plan = sheet.map(|sheet| lang.say_with("run-sheet-number", &[("number", &sheet.number.to_string())]));
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/today");
    frame.query = bar.query();
    Ok(html(&TodayPage {
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
    }
}
