//! From a pressed button to the loudspeakers, start by start and zone by zone; for a drill that is its score.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use loa_model::Permission;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::plain::{class, day_and_clock};
use crate::router::Panel;
use crate::starts::{DrillItem, StartItem, TimeToAir};

#[derive(Template)]
#[template(path = "time_to_air.html")]
struct TimeToAirPage {
    frame: Frame,
    alarm: String,
    zones: Vec<ZoneLine>,
    drills: Vec<DrillLine>,
    starts: Vec<StartLine>,
}

struct DrillLine {
    at: String,
    title: String,
    zones: String,
    by: String,
    points: Option<usize>,
    in_time: usize,
    all: usize,
    /// Codes of the receivers that did not sound.
    silent: String,
}

struct ZoneLine {
    name: String,
    p50: String,
    p95: String,
    count: usize,
    is_slow: bool,
}

struct StartLine {
    at: String,
    title: String,
    zone: String,
    by: String,
    class: String,
    class_code: &'static str,
    drill: bool,
    had_to_wait: bool,
    accepted: String,
    first_packet: Option<String>,
    p50: Option<String>,
    worst: Option<String>,
    sounded: usize,
    all: usize,
    /// Codes of the receivers that did not sound.
    silent: String,
    is_slow: bool,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let now = panel.console.now();
    let from = now - Duration::from_secs(DAYS * 86_400);
    let mut starts = panel.console.starts(from, now).await?;
    let tree = panel.console.zones();
    let sees = |zone| user.person.rights.may(Permission::See, zone, &tree);
    starts.retain(|start| sees(start.zone));
    let mut drills = panel.console.drills(from, now).await?;
    drills.retain(|drill| drill.zones.iter().all(|zone| sees(*zone)));
    let alarm = panel.console.time_to_air_alarm();
    let name = |zone| tree.get(zone).map_or_else(String::new, |zone| zone.name.clone());
    let measured = TimeToAir::by_zone(&starts, &tree);
    let zones = measured.into_iter().filter(|(zone, _)| sees(*zone));
    let zones = zones.map(|(zone, measured)| ZoneLine {
        name: name(zone),
        p50: seconds(measured.p50, lang),
        p95: seconds(measured.p95, lang),
        count: measured.count,
        is_slow: measured.p95 > alarm,
    });
    let tz = panel.console.station().time_zone;
    let drill = |drill: DrillItem| DrillLine {
        at: day_and_clock(drill.pressed, now, tz, lang),
        zones: listed(drill.zones.iter().map(|zone| name(*zone))),
        points: drill.points(alarm),
        in_time: drill.in_time(alarm),
        all: drill.receivers.len(),
        silent: listed(
            drill
                .receivers
                .iter()
                .filter(|(_, first)| first.is_none())
                .map(|(code, _)| code.clone()),
        ),
        title: drill.title,
        by: drill.by,
    };
    let line = |start: &StartItem| {
        let span = TimeToAir::of(start.spans());
        let worst = start.spans().into_iter().max();
        let silent = start.receivers.iter().filter(|(.., first)| first.is_none());
        let silent: Vec<_> = silent.map(|(code, ..)| code.as_str()).collect();
        StartLine {
            at: day_and_clock(start.pressed, now, tz, lang),
            zone: name(start.zone),
            title: start.title.clone(),
            by: start.by.clone(),
            class: class(start.class, lang),
            class_code: start.class.name(),
            drill: start.drill,
            had_to_wait: start.had_to_wait(),
            accepted: seconds(start.accepted.since(start.pressed), lang),
            first_packet: start
                .first_packet
                .map(|at| seconds(at.since(start.pressed), lang)),
            p50: span.map(|span| seconds(span.p50, lang)),
            worst: worst.map(|worst| seconds(worst, lang)),
            sounded: start.receivers.len() - silent.len(),
            all: start.receivers.len(),
            silent: silent.join(", "),
            is_slow: !start.had_to_wait() && worst.is_some_and(|worst| worst > alarm),
        }
    };
    Ok(html(&TimeToAirPage {
        alarm: seconds(alarm, lang),
        zones: zones.collect(),
        drills: drills.into_iter().map(drill).collect(),
        starts: starts.iter().map(line).collect(),
        frame: Frame::new(&panel, lang, Some(&user.person), "/time-to-air"),
    }))
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Says a span in seconds, to a hundredth.
fn seconds(span: Duration, lang: Lang) -> String {
    let text = format!("{:.2}", span.as_secs_f64());
    let text = match lang {
        Lang::Vi => text.replace('.', ","),
        Lang::En => text,
    };
    format!("{text} s")
}

const DAYS: u64 = 30;
