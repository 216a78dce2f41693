//! The pages. Each is one file here and one template.

pub(crate) mod as_run;
pub(crate) mod login;
pub(crate) mod on_air;
pub(crate) mod receivers;
pub(crate) mod today;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::error::PanelError;
use crate::lang::Lang;
use crate::router::Panel;

/// What every page shows.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) station: String,
    /// Name of who is logged in.
    pub(crate) user: Option<String>,
    /// Address of the page, to mark it in the menu and to come back to it.
    pub(crate) here: &'static str,
}

impl Frame {
    pub(crate) fn new(panel: &Panel, lang: Lang, user: Option<String>, here: &'static str) -> Self {
        Self {
            lang,
            station: panel.console.station().name,
            user,
            here,
        }
    }

    /// Returns a text by its key.
    pub(crate) fn say(&self, key: &str) -> String {
        self.lang.say(key)
    }

    /// Returns `aria-current` for the menu.
    pub(crate) fn current(&self, page: &str) -> &'static str {
        if self.here == page { "page" } else { "false" }
    }
}

/// Renders a template of ours.
pub(crate) fn html(template: &impl Template) -> Response {
    Html(
        template
            .render()
            .expect("our templates are checked by the compiler"),
    )
    .into_response()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    frame: Frame,
    message: String,
}

/// A page's own way of saying that something was not done.
pub(crate) fn problem(panel: &Panel, lang: Lang, user: Option<String>, error: &PanelError) -> Response {
    let frame = Frame::new(panel, lang, user, "");
    (
        error.status(),
        html(&Problem {
            frame,
            message: error.message(),
        }),
    )
        .into_response()
}

pub(crate) async fn not_found(
    axum::extract::State(panel): axum::extract::State<Panel>,
    lang: Lang,
) -> Response {
    let frame = Frame::new(&panel, lang, None, "");
    (
        StatusCode::NOT_FOUND,
        html(&Problem {
            message: lang.say("not-found"),
            frame,
        }),
    )
        .into_response()
}
