//! Speaking live from the browser.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use loa_model::Permission;

use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "speak.html")]
struct SpeakPage {
    frame: Frame,
    zones: Vec<ZoneChoice>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Response {
    let zones = zone_choices(Permission::Announce, &user.person.rights, &panel.console.zones());
    html(&SpeakPage {
        frame: Frame::new(&panel, lang, Some(&user.person), "/speak"),
        zones,
    })
}
