//! What is on air in each zone, and taking the air.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use loa_model::{BulletinClass, Origin, SessionState, WallTime, Zone, ZoneTree};
use serde::Deserialize;

use crate::api::{self, StartOverride};
use crate::console::MediaItem;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html, problem};
use crate::plain::{class, clock, length};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "on_air.html")]
struct OnAirPage {
    frame: Frame,
    air: String,
    zones: Vec<ZoneChoice>,
    media: Vec<MediaChoice>,
    classes: Vec<(BulletinClass, String)>,
}

struct ZoneChoice {
    code: String,
    name: String,
}

struct MediaChoice {
    hash: String,
    title: String,
    length: String,
}

#[derive(Template)]
#[template(path = "air.html")]
struct AirTable {
    frame: Frame,
    at: String,
    problems: Vec<String>,
    zones: Vec<ZoneRow>,
}

struct ZoneRow {
    code: String,
    name: String,
    depth: u8,
    /// What its receivers play.
    heard: Option<HeardRow>,
    /// What its own group carries, with a way to stop it.
    own: Option<SessionRow>,
    waiting: Vec<SessionRow>,
    next: Option<NextRow>,
}

struct HeardRow {
    title: String,
    class: String,
    class_code: &'static str,
    /// Name of the zone it comes from, if not its own.
    from: Option<String>,
}

struct SessionRow {
    session: u64,
    title: String,
    class_code: &'static str,
    until: String,
    by: Option<String>,
}

struct NextRow {
    at: String,
    title: String,
    from: Option<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let media = panel.console.media().await?.into_iter().map(
        |MediaItem {
             hash,
             title,
             duration,
         }| MediaChoice {
            hash: hash.to_string(),
            title,
            length: length(duration),
        },
    );
    let tree = panel.console.zones();
    let zones = in_tree_order(&tree);
    let zones = zones.into_iter().map(|zone| ZoneChoice {
        code: zone.code.clone(),
        name: format!(
            "{}{}",
            "\u{2003}".repeat(usize::from(tree.depth(zone.id))),
            zone.name
        ),
    });
    let classes = BulletinClass::ALL
        .into_iter()
        .rev()
        .map(|which| (which, class(which, lang)));
    let page = OnAirPage {
        air: air_html(&panel, lang),
        frame: Frame::new(&panel, lang, Some(user.name), "/"),
        zones: zones.collect(),
        media: media.collect(),
        classes: classes.collect(),
    };
    Ok(html(&page))
}

/// Renders the table of zones: for the page, and for its live renewal.
pub(crate) fn air_html(panel: &Panel, lang: Lang) -> String {
    let tree = panel.console.zones();
    let snapshot = panel.console.snapshot();
    let tz = panel.console.station().time_zone;
    let name = |zone| {
        tree.get(zone)
            .map_or_else(String::new, |zone: &Zone| zone.name.clone())
    };
    let session = |state: &SessionState| SessionRow {
        session: state.session.0,
        title: state.title.clone(),
        class_code: state.class.name(),
        until: clock(state.ends, tz),
        by: match &state.origin {
            Origin::Override { by, .. } => Some(by.clone()),
            Origin::Slot(_) => None,
        },
    };
    let zones = in_tree_order(&tree).into_iter().map(|zone| {
        let state = snapshot.zones.iter().find(|state| state.zone == zone.id);
        ZoneRow {
            code: zone.code.clone(),
            name: zone.name.clone(),
            depth: tree.depth(zone.id),
            heard: state
                .and_then(|state| state.heard.as_ref())
                .map(|heard| HeardRow {
                    title: heard.title.clone(),
                    class: class(heard.class, lang),
                    class_code: heard.class.name(),
                    from: (heard.from != zone.id).then(|| name(heard.from)),
                }),
            own: state.and_then(|state| state.on_air.as_ref()).map(session),
            waiting: state.map_or_else(Vec::new, |state| state.waiting.iter().map(session).collect()),
            next: state.and_then(|state| state.next.as_ref()).map(|next| NextRow {
                at: clock(next.start, tz),
                title: next.title.clone(),
                from: (next.from != zone.id).then(|| name(next.from)),
            }),
        }
    });
    let table = AirTable {
        zones: zones.collect(),
        frame: Frame::new(panel, lang, None, "/"),
        at: whole_minute(snapshot.at, panel),
        problems: panel.console.health().problems,
    };
    table.render().expect("our templates are checked by the compiler")
}

/// The time of the state, to the minute: a clock that ticks would renew the table each second.
fn whole_minute(at: WallTime, panel: &Panel) -> String {
    clock(at, panel.console.station().time_zone)[..5].to_owned()
}

/// Walks the zones so that each stands under its parent.
fn in_tree_order(tree: &ZoneTree) -> Vec<&Zone> {
    let mut ordered = Vec::new();
    let mut next: Vec<&Zone> = tree.iter().filter(|zone| zone.parent.is_none()).collect();
    next.reverse();
    while let Some(zone) = next.pop() {
        ordered.push(zone);
        let below: Vec<_> = tree
            .iter()
            .filter(|other| other.parent == Some(zone.id))
            .collect();
        next.extend(below.into_iter().rev());
    }
    ordered
}

/// The form of the page; a box that is not ticked sends nothing.
#[derive(Deserialize)]
pub(crate) struct StartForm {
    zone: String,
    media: String,
    class: BulletinClass,
    chime: Option<String>,
    limit_min: u32,
}

pub(crate) async fn start(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(form): Form<StartForm>,
) -> Response {
    let wanted = StartOverride {
        zone: form.zone,
        media: form.media,
        class: form.class,
        chime: form.chime.is_some(),
        limit_s: form.limit_min.saturating_mul(60),
    };
    match api::start(&panel, &user, &wanted).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => problem(&panel, lang, Some(user.name), &error),
    }
}

pub(crate) async fn stop(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(session): Path<u64>,
) -> Response {
    match api::stop(&panel, &user, session).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => problem(&panel, lang, Some(user.name), &error),
    }
}
