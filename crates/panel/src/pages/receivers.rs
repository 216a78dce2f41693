//! Receivers heard from, and those that are not: a table, and a map of those whose place is known.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::{Permission, Place, Rights};
use serde::Deserialize;

use crate::address::escaped;
use crate::console::ReceiverItem;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::map::{Map, map};
use crate::pages::{Frame, ZoneChoice, html, rendered, zone_choices};
use crate::plain::{count_name, day_and_clock, length};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "receivers.html")]
struct ReceiversPage {
    frame: Frame,
    heard: String,
    wanted: ReceiversWanted,
    live: String,
    zones: Vec<ZoneChoice>,
}

/// Which receivers are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub(crate) struct ReceiversWanted {
    /// Part of a code, or of the name of a zone.
    q: String,
    /// Code of a zone: those that stand in it or below it.
    zone: String,
    /// Not empty: only those in trouble.
    trouble: String,
}

/// The part that is kept live.
#[derive(Template)]
#[template(path = "heard.html")]
struct Heard {
    frame: Frame,
    summary: String,
    trouble: Option<String>,
    /// Codes of those that were never heard from.
    never: Option<String>,
    /// Dots lead to the rows with these numbers.
    map: Option<Map<usize>>,
    unplaced: Option<String>,
    /// Whether there is any receiver, wanted or not.
    any: bool,
    rows: Vec<Row>,
}

struct Row {
    code: String,
    zone: String,
    place: Option<Place>,
    /// `ok`, `late` or `never`.
    state: &'static str,
    state_text: String,
    trouble: bool,
    playing: Option<String>,
    proof: Option<String>,
    clock_trusted: bool,
    buffer: String,
    output: String,
    counts: Vec<(String, u64)>,
    faults: Vec<String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<ReceiversWanted>,
) -> Result<Response, PanelError> {
    let rights = &user.person.rights;
    let heard = heard_html(&panel, lang, rights, &wanted).await?;
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/receivers");
    frame.query = wanted.query();
    Ok(html(&ReceiversPage {
        live: format!("/live/receivers?{}lang={}", wanted.query(), lang.code()),
        zones: zone_choices(Permission::See, rights, &panel.console.zones()),
        frame,
        heard,
        wanted,
    }))
}

/// Renders the receivers that somebody may see: for the page, and for its live renewal.
pub(crate) async fn heard_html(
    panel: &Panel,
    lang: Lang,
    rights: &Rights,
    wanted: &ReceiversWanted,
) -> Result<String, PanelError> {
    let items = panel.console.receivers().await?;
    let zones = panel.console.zones();
    let items = scope::receivers(items, rights, &zones);
    let under = zones.by_code(&wanted.zone).map(|zone| zone.id);
    let all: Vec<_> = items
        .into_iter()
        .filter(|item| under.is_none_or(|under| zones.covers(under, item.zone)))
        .map(|item| row(item, panel, lang))
        .collect();
    let any = !all.is_empty() || !wanted.zone.is_empty();
    let heard = all.iter().filter(|row| row.state == "ok").count().to_string();
    let summary = lang.say_with(
        "receivers-heard",
        &[("heard", &heard), ("all", &all.len().to_string())],
    );
    let trouble = all.iter().filter(|row| row.trouble).count();
    let q = wanted.q.trim().to_lowercase();
    let is_wanted = |row: &Row| {
        let named = q.is_empty()
            || [&row.code, &row.zone]
                .iter()
                .any(|text| text.to_lowercase().contains(&q));
        named && (wanted.trouble.is_empty() || row.trouble)
    };
    let rows: Vec<_> = all.into_iter().filter(is_wanted).collect();
    let never = rows.iter().filter(|row| row.state == "never");
    let never: Vec<_> = never.map(|row| row.code.as_str()).collect();
    let never =
        (!never.is_empty()).then(|| lang.say_with("receivers-never", &[("codes", &never.join(", "))]));
    let placed = rows.iter().enumerate().filter_map(|(number, row)| {
        let state = if row.trouble && row.state == "ok" {
            "trouble"
        } else {
            row.state
        };
        let tip = format!("{} · {} · {}", row.code, row.zone, row.state_text);
        Some((row.place?, number, state, tip))
    });
    let placed: Vec<_> = placed.collect();
    let unplaced = rows.len() - placed.len();
    let unplaced =
        (unplaced > 0).then(|| lang.say_with("receivers-unplaced", &[("count", &unplaced.to_string())]));
    Ok(rendered(&Heard {
        summary,
        trouble: (trouble > 0)
            .then(|| lang.say_with("receivers-in-trouble", &[("count", &trouble.to_string())])),
        never,
        map: map(placed),
        unplaced,
        any,
        frame: Frame::new(panel, lang, None, ""),
        rows,
    }))
}

fn row(item: ReceiverItem, panel: &Panel, lang: Lang) -> Row {
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let zones = panel.console.zones();
    let (state, key) = match item.seen {
        None => ("never", "receiver-never"),
        // What came in the future came when the station's own clock was ahead.
        Some(seen) if now.since(seen).max(seen.since(now)) > LATE => ("late", "receiver-late"),
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
        place: item.place,
        trouble: state != "ok" || !item.faults.is_empty() || !item.clock_trusted,
        state,
        state_text: lang.say_with(key, &[("at", &at)]),
        playing: item.playing,
        proof: item.proof.map(|proof| {
            format!(
                "{} · {} · {}",
                day_and_clock(proof.at, now, tz, lang),
                proof.title,
                length(proof.sounded)
            )
        }),
        clock_trusted: item.clock_trusted,
        buffer: format!("{:.0} ms", item.buffer_ms),
        output: level(item.output_dbfs),
        counts: counts
            .map(|(name, count)| (count_name(name, lang), *count))
            .collect(),
        faults: item.faults,
    }
}

impl ReceiversWanted {
    /// Returns what follows the page's address, for the same choice.
    fn query(&self) -> String {
        let fields = [("q", &self.q), ("zone", &self.zone), ("trouble", &self.trouble)];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        given
            .map(|(name, text)| format!("{name}={}&", escaped(text)))
            .collect()
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

/// Receivers report every 10 s unless told otherwise, and every 30 s at least.
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
