//! A day through the engine before it comes.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::Permission;

use crate::api::Wanted;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::day::DayBar;
use crate::pages::{Frame, html};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "rehearsal.html")]
struct RehearsalPage {
    frame: Frame,
    bar: DayBar,
    summary: String,
    fine: bool,
    findings: Vec<(String, String)>,
    since: Vec<String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let mut bar = DayBar::new(&panel, &user, &wanted, lang)?;
    let tree = panel.console.zones();
    // Findings name zones and programmes, so who does not see every zone rehearses one that they do.
    if bar.zone.is_empty()
        && !user.person.rights.may_everywhere(Permission::See, &tree)
        && let Some(first) = bar.zones.first()
    {
        bar.zone.clone_from(&first.code);
    }
    let zone = tree.by_code(&bar.zone).map(|zone| zone.id);
    let found = panel.console.rehearse(bar.date, zone, lang.code()).await?;
    let (lines, count) = (found.lines.to_string(), found.findings.len().to_string());
    let fine = found.findings.is_empty();
    let summary = if fine {
        lang.say_with("rehearsal-fine", &[("lines", &lines)])
    } else {
        lang.say_with("rehearsal-found", &[("lines", &lines), ("found", &count)])
    };
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/rehearsal");
    frame.query = bar.query();
    Ok(html(&RehearsalPage {
        frame,
        bar,
        summary,
        fine,
        findings: found.findings,
        since: found.since,
    }))
}
