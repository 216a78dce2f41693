//! Receivers heard from, and those that are not.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::time::Duration;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::plain::clock;
use crate::router::Panel;

#[derive(Template)]
#[template(path = "receivers.html")]
struct ReceiversPage {
    frame: Frame,
    heard: usize,
    rows: Vec<ReceiverRow>,
}

struct ReceiverRow {
    code: String,
    zone: String,
    /// `ok`, `late` or `never`.
    state: &'static str,
    state_text: String,
    playing: Option<String>,
    clock_trusted: bool,
    buffer_ms: String,
    output_dbfs: String,
    counts: Vec<String>,
    faults: Vec<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let tree = panel.console.zones();
    let tz = panel.console.station().time_zone;
    let now = panel.console.now();
    let rows: Vec<_> = panel
        .console
        .receivers()
        .await?
        .into_iter()
        .map(|item| {
            let (state, state_text) = match item.seen {
                None => ("never", lang.say("receiver-never")),
                Some(seen) if now.since(seen) > LATE => {
                    ("late", lang.say_with("receiver-late", "at", clock(seen, tz)))
                }
                Some(seen) => ("ok", lang.say_with("receiver-heard", "at", clock(seen, tz))),
            };
            ReceiverRow {
                zone: tree
                    .get(item.zone)
                    .map_or_else(String::new, |zone| zone.name.clone()),
                code: item.code,
                state,
                state_text,
                playing: item.playing,
                clock_trusted: item.clock_trusted,
                buffer_ms: format!("{:.0} ms", item.buffer_ms),
                output_dbfs: format!("{:.0} dBFS", item.output_dbfs),
                counts: item
                    .counts
                    .iter()
                    .map(|(name, count)| format!("{name} {count}"))
                    .collect(),
                faults: item.faults,
            }
        })
        .collect();
    let heard = rows.iter().filter(|row| row.state == "ok").count();
    Ok(html(&ReceiversPage {
        frame: Frame::new(&panel, lang, Some(user.name), "/receivers"),
        heard,
        rows,
    }))
}

/// Receivers report every 10 s unless told otherwise.
const LATE: Duration = Duration::from_secs(60);
