//! Emergencies: what lies ready, what is on the air, what waits for a second person.

use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use loa_model::{ContentHash, Permission, Rights, SessionId, Zone, ZoneTree};

use crate::api::{self, RunningEmergency, WaitingEmergency, Wish, ZONES_MAX};
use crate::console::ListeningReceiver;
use crate::emergency::{Released, What};
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::map::{Map, map};
use crate::pages::{Frame, by_reach, html, in_tree_order, rendered};
use crate::plain::{clock, length};
use crate::router::Panel;
use crate::speak::{SPEECH_ZONES_MAX, speech_title};

#[derive(Template)]
#[template(path = "emergency.html")]
struct EmergencyPage {
    frame: Frame,
    now: String,
    now_ms: i64,
    templates: Vec<Ready>,
    zones: Vec<ZoneLine>,
    /// How many zones one speech may be sent to, and what is said of more.
    speech_zones_max: usize,
    too_many_zones: String,
    /// Dots stand for receivers, by the code of their zone.
    map: Option<Map<String>>,
    unplaced: Option<String>,
}

struct Ready {
    number: i64,
    title: String,
    text: String,
    length: Option<String>,
    minutes: u16,
    /// Codes of its zones, with a space after each.
    zones: String,
}

struct ZoneLine {
    /// Its code, and those of the zones around it that are listed too, with a space after each.
    chain: String,
    code: String,
    name: String,
    depth: u8,
    /// Whether a second person must confirm.
    two_persons: bool,
    alive: usize,
    all: usize,
    /// Codes of the receivers that are not heard from.
    dead: String,
}

/// The part that is kept live.
#[derive(Template)]
#[template(path = "emergency_now.html")]
struct Now {
    frame: Frame,
    running: Vec<Running>,
    waiting: Vec<Asked>,
}

struct Running {
    it: RunningEmergency,
    since_ms: i64,
    /// Its zones, by name.
    zones: String,
    /// Receivers that do not play it, by name.
    silent: String,
}

struct Asked {
    it: WaitingEmergency,
    /// Its zones, by name.
    zones: String,
    until: String,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Response {
    let rights = &user.person.rights;
    let tree = panel.console.zones();
    let listening = panel.console.listening();
    let may = |zone: &Zone| rights.may(Permission::Alert, zone.id, &tree);
    let zones = in_tree_order(&tree).into_iter().filter(|zone| may(zone));
    let reached = by_reach(&listening, &tree);
    let reaches = |zone: &Zone| reached.get(&zone.id).map_or(&[][..], Vec::as_slice);
    let zones = zones.map(|zone| {
        let chain = tree.chain(zone.id).filter(|around| may(around));
        let chain = chain.map(|around| around.code.clone() + " ").collect();
        zone_line(zone, chain, &tree, reaches(zone))
    });
    let zones = zones.collect();
    let here: Vec<_> = listening
        .iter()
        .filter_map(|receiver| Some((receiver, tree.get(receiver.zone).filter(|zone| may(zone))?)))
        .collect();
    let dots = here.iter().filter_map(|(receiver, zone)| {
        let (state, text) = match receiver.is_alive {
            true => ("ok", "emergency-dot-alive"),
            false => ("never", "emergency-dot-dead"),
        };
        let tip = format!("{} · {} · {}", receiver.code, zone.name, lang.say(text));
        Some((receiver.place?, zone.code.clone(), state, tip))
    });
    let dots: Vec<_> = dots.collect();
    let unplaced = here.len() - dots.len();
    let unplaced = (unplaced > 0 && !dots.is_empty())
        .then(|| lang.say_with("emergency-unplaced", &[("count", &unplaced.to_string())]));
    let templates = panel.console.templates();
    let ready = templates.iter().map(|ready| Ready {
        number: ready.number,
        title: ready.template.title.clone(),
        text: ready.template.warning.text.clone(),
        length: ready.warning.map(length),
        minutes: ready.template.minutes,
        zones: api::codes(&ready.template.zones, &tree)
            .into_iter()
            .map(|code| code + " ")
            .collect(),
    });
    html(&EmergencyPage {
        now: now_html(&panel, lang, rights),
        now_ms: panel.console.now().as_unix_ns() / 1_000_000,
        templates: ready.collect(),
        zones,
        speech_zones_max: SPEECH_ZONES_MAX,
        too_many_zones: lang.say_with(
            "emergency-too-many-zones",
            &[("most", &SPEECH_ZONES_MAX.to_string())],
        ),
        map: map(dots),
        unplaced,
        frame: Frame::new(&panel, lang, Some(&user.person), "/emergency"),
    })
}

fn zone_line(zone: &Zone, chain: String, tree: &ZoneTree, here: &[&ListeningReceiver]) -> ZoneLine {
    let dead = here.iter().filter(|receiver| !receiver.is_alive);
    ZoneLine {
        chain,
        code: zone.code.clone(),
        name: zone.name.clone(),
        depth: tree.depth(zone.id),
        two_persons: tree.alert_takes_two_persons(zone.id),
        alive: here.iter().filter(|receiver| receiver.is_alive).count(),
        all: here.len(),
        dead: names(dead.map(|receiver| receiver.code.as_str())),
    }
}

fn names<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.collect::<Vec<_>>().join(", ")
}

fn zone_names(codes: &[String], tree: &ZoneTree) -> String {
    let name = |code: &String| Some(tree.by_code(code)?.name.as_str());
    names(codes.iter().filter_map(name))
}

/// Renders what is on the air and what waits, as far as somebody may do something about it.
pub(crate) fn now_html(panel: &Panel, lang: Lang, rights: &Rights) -> String {
    let tree = panel.console.zones();
    let tz = panel.console.station().time_zone;
    let running = api::running(panel, rights).into_iter().map(|it| Running {
        since_ms: it.since.as_unix_ms(),
        zones: zone_names(&it.zones, &tree),
        silent: it.silent.join(", "),
        it,
    });
    let waiting = api::waiting(panel, rights).into_iter().map(|it| Asked {
        zones: zone_names(&it.zones, &tree),
        until: clock(it.until, tz),
        it,
    });
    rendered(&Now {
        running: running.collect(),
        waiting: waiting.collect(),
        frame: Frame::new(panel, lang, None, "/emergency"),
    })
}

/// A form with names that come more than once.
type Fields = Form<Vec<(String, String)>>;

fn all<'a>(fields: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    fields
        .iter()
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn one<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    all(fields, name).next().unwrap_or_default()
}

fn zones_of(fields: &[(String, String)]) -> Vec<String> {
    all(fields, "zone").map(str::to_owned).collect()
}

pub(crate) async fn release(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(fields): Fields,
) -> Result<Redirect, PanelError> {
    let what = one(&fields, "what");
    let number = |prefix: &str| what.strip_prefix(prefix).and_then(|number| number.parse().ok());
    let what = if let Some(number) = number("warning:") {
        What::Warning(number)
    } else if let Some(number) = number("retraction:") {
        What::Retraction(number)
    } else {
        What::Speech(speech_title(one(&fields, "title"), lang))
    };
    let ago_ms: f64 = one(&fields, "pressed_ago_ms").parse().unwrap_or(0.0);
    let ago_ms = if ago_ms.is_finite() { ago_ms } else { 0.0 };
    let wish = Wish {
        what,
        zones: zones_of(&fields),
        minutes: one(&fields, "limit_min").parse().unwrap_or(0),
        drill: one(&fields, "drill") == "true",
        ago: Duration::from_secs_f64(ago_ms.clamp(0.0, 60_000.0) / 1_000.0),
        break_glass: all(&fields, "break_glass")
            .next()
            .filter(|_| one(&fields, "break") == "on")
            .map(str::to_owned),
    };
    everywhere(&panel, api::release(&panel, &user, wish).await?)
}

/// Leads back to the page, unless a zone could not take what was released.
fn everywhere(panel: &Panel, released: Released) -> Result<Redirect, PanelError> {
    match released {
        Released::OnAir { refused, .. } if !refused.is_empty() => {
            let tree = panel.console.zones();
            let zones: Vec<_> = refused.into_iter().map(|(zone, _)| zone).collect();
            let names = zone_names(&api::codes(&zones, &tree), &tree);
            Err(PanelError::NotEverywhere(names))
        }
        _ => Ok(Redirect::to("/emergency")),
    }
}

pub(crate) async fn confirm(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<u64>,
    Form(fields): Fields,
) -> Result<Redirect, PanelError> {
    let content: ContentHash = one(&fields, "content").parse().unwrap_or(ContentHash([0; 32]));
    everywhere(&panel, api::confirm(&panel, &user, number, content).await?)
}

pub(crate) async fn withdraw(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<u64>,
) -> Result<Redirect, PanelError> {
    api::withdraw(&panel, &user, number).await?;
    Ok(Redirect::to("/emergency"))
}

/// Takes sessions off the air, and says that it is over if that is asked for too.
pub(crate) async fn stop(
    State(panel): State<Panel>,
    user: User,
    Form(fields): Fields,
) -> Result<Redirect, PanelError> {
    let sessions = all(&fields, "session").filter_map(|session| session.parse().ok());
    let sessions: Vec<_> = sessions.map(SessionId).take(ZONES_MAX).collect();
    api::stop_all(&panel, &user, &sessions).await?;
    if let Ok(number) = one(&fields, "retraction").parse() {
        let wish = Wish {
            what: What::Retraction(number),
            zones: zones_of(&fields),
            minutes: RETRACTION_MINUTES,
            drill: one(&fields, "drill") == "true",
            ago: Duration::ZERO,
            break_glass: None,
        };
        return everywhere(&panel, api::release(&panel, &user, wish).await?);
    }
    Ok(Redirect::to("/emergency"))
}

const RETRACTION_MINUTES: u16 = 10;
