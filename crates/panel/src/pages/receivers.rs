//! Receivers heard from, and those that are not.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use loa_model::Rights;

use crate::console::ReceiverItem;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html, rendered};
use crate::plain::{count_name, day_and_clock};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "receivers.html")]
struct ReceiversPage {
    frame: Frame,
    heard: String,
}

/// The part that is kept live.
#[derive(Template)]
#[template(path = "heard.html")]
struct Heard {
    frame: Frame,
    summary: String,
    /// Codes of those that were never heard from.
    never: Option<String>,
    rows: Vec<Row>,
}

struct Row {
    code: String,
    zone: String,
    /// `ok`, `late` or `never`.
    state: &'static str,
    state_text: String,
    playing: Option<String>,
    clock_trusted: bool,
    buffer: String,
    output: String,
    counts: Vec<(String, u64)>,
    faults: Vec<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let heard = heard_html(&panel, lang, &user.person.rights).await?;
    let frame = Frame::new(&panel, lang, Some(&user.person), "/receivers");
    Ok(html(&ReceiversPage { frame, heard }))
}

/// Renders the receivers that somebody may see: for the page, and for its live renewal.
pub(crate) async fn heard_html(panel: &Panel, lang: Lang, rights: &Rights) -> Result<String, PanelError> {
    let items = panel.console.receivers().await?;
    let items = scope::receivers(items, rights, &panel.console.zones());
    let rows: Vec<_> = items.into_iter().map(|item| row(item, panel, lang)).collect();
    let heard = rows.iter().filter(|row| row.state == "ok").count().to_string();
    let all = rows.len().to_string();
    let never = rows.iter().filter(|row| row.state == "never");
    let never: Vec<_> = never.map(|row| row.code.as_str()).collect();
    let never =
        (!never.is_empty()).then(|| lang.say_with("receivers-never", &[("codes", &never.join(", "))]));
    Ok(rendered(&Heard {
        summary: lang.say_with("receivers-heard", &[("heard", &heard), ("all", &all)]),
        never,
        frame: Frame::new(panel, lang, None, ""),
        rows,
    }))
}

fn row(item: ReceiverItem, panel: &Panel, lang: Lang) -> Row {
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let zones = panel.console.zones();
    let (state, key) = match item.seen {
        None => ("never", "receiver-never"),
        Some(seen) if now.since(seen) > LATE => ("late", "receiver-late"),
        Some(_) => ("ok", "receiver-heard"),
    };
    let at = item
        .seen
        .map_or_else(String::new, |seen| day_and_clock(seen, now, tz, lang));
    let counts = item.counts.iter();
    Row {
        zone: zones
            .get(item.zone)
            .map_or_else(String::new, |zone| zone.name.clone()),
        code: item.code,
        state,
        state_text: lang.say_with(key, &[("at", &at)]),
        playing: item.playing,
        clock_trusted: item.clock_trusted,
        buffer: format!("{:.0} ms", item.buffer_ms),
        output: level(item.output_dbfs),
        counts: counts
            .map(|(name, count)| (count_name(name, lang), *count))
            .collect(),
        faults: item.faults,
    }
}

/// Writes a level; nothing for digital silence.
fn level(dbfs: f64) -> String {
    if dbfs > SILENCE_DBFS {
        // Adding zero makes of minus zero a plain one.
        format!("{:.0} dBFS", dbfs.round() + 0.0).replace('-', "\u{2212}")
    } else {
        "–".to_owned()
    }
}

/// Receivers report every 10 s unless told otherwise.
const LATE: Duration = Duration::from_secs(60);
/// Below what 16 bits can say.
const SILENCE_DBFS: f64 = -96.0;

#[cfg(test)]
mod tests {
    #[test]
    fn silence_has_no_level() {
        let rows = [
            (-19.4, "\u{2212}19 dBFS"),
            (-0.2, "0 dBFS"),
            (f64::NEG_INFINITY, "–"),
            (f64::NAN, "–"),
        ];
        for (dbfs, text) in rows {
            assert_eq!(super::level(dbfs), text);
        }
    }
}
