//! Emergencies that lie ready: the list, and the form in which one is written.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use loa_model::{ContentHash, EmergencyTemplate, Message, Permission, ZoneTree};
use serde::Deserialize;

use crate::api::{ZONES_MAX, codes, media_shown, named_zones, to_put_on_air};
use crate::console::{ConsoleError, MediaItem};
use crate::emergency::{EmergencyRefusal, ReadyTemplate};
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::plain::length;
use crate::router::Panel;

#[derive(Template)]
#[template(path = "emergency_templates.html")]
struct TemplatesPage {
    frame: Frame,
    templates: Vec<Line>,
    written: Written,
    zones: Vec<(ZoneChoice, bool)>,
    /// None while the library does not answer.
    media: Option<Vec<Sound>>,
    /// Why it was not kept.
    fault: Option<String>,
    /// Whether somebody else changed it since it was shown.
    changed: bool,
}

struct Line {
    number: i64,
    title: String,
    text: String,
    is_playable: bool,
}

struct Sound {
    hash: String,
    text: String,
    warns: bool,
    retracts: bool,
}

/// What stands in the form.
struct Written {
    /// None for a new one.
    number: Option<i64>,
    /// Digest of the one whose place it takes, as that was shown.
    seen: Option<ContentHash>,
    /// All but its zones.
    template: EmergencyTemplate,
    /// Codes of the zones.
    zones: Vec<String>,
}

impl Written {
    fn empty() -> Self {
        Self {
            number: None,
            seen: None,
            template: EmergencyTemplate {
                title: String::new(),
                warning: Message::default(),
                retraction: Message::default(),
                zones: Vec::new(),
                signal: true,
                repeats: 0,
                minutes: 30,
            },
            zones: Vec::new(),
        }
    }

    fn of(ready: &ReadyTemplate, tree: &ZoneTree) -> Self {
        Self {
            number: Some(ready.number),
            seen: Some(ready.digest),
            template: ready.template.clone(),
            zones: codes(&ready.template.zones, tree),
        }
    }

    fn read(fields: &[(String, String)]) -> Self {
        let all = |name: &'static str| {
            fields
                .iter()
                .filter(move |(key, _)| key == name)
                .map(|(_, value)| value.trim())
        };
        let one = |name| all(name).next().unwrap_or_default();
        let spoken = |name| all(name).filter_map(|hash| hash.parse().ok()).collect();
        Self {
            number: one("number").parse().ok(),
            seen: one("seen").parse().ok(),
            template: EmergencyTemplate {
                title: one("title").to_owned(),
                warning: Message {
                    text: one("warning_text").to_owned(),
                    spoken: spoken("warning"),
                },
                retraction: Message {
                    text: one("retraction_text").to_owned(),
                    spoken: spoken("retraction"),
                },
                zones: Vec::new(),
                signal: one("signal") == "on",
                repeats: one("repeats").parse().unwrap_or(0),
                minutes: one("minutes").parse().unwrap_or(0),
            },
            zones: all("zone").map(str::to_owned).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// Number of the one to write anew.
    edit: Option<i64>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let written = match wanted.edit {
        Some(number) => Written::of(find(&panel.console.templates(), number)?, &panel.console.zones()),
        None => Written::empty(),
    };
    Ok(show(&panel, &user, lang, written, None).await)
}

/// Shows the page with what was written, and why that was not kept.
async fn show(
    panel: &Panel,
    user: &User,
    lang: Lang,
    mut written: Written,
    refused: Option<PanelError>,
) -> Response {
    let library = media_shown(panel, user).await;
    let tree = panel.console.zones();
    let ready = panel.console.templates();
    let changed = matches!(
        refused,
        Some(PanelError::Console(ConsoleError::Emergency(
            EmergencyRefusal::Changed
        )))
    );
    let kept = written.number.and_then(|number| find(&ready, number).ok());
    // What is gone can be kept as a new one.
    written.number = kept.map(|kept| kept.number);
    if changed {
        // Who was told of the other's change may still put this in its place.
        written.seen = kept.map(|kept| kept.digest);
    }
    let zones = zone_choices(Permission::Alert, &user.person.rights, &tree).into_iter();
    let zones = zones.map(|zone| {
        let chosen = written.zones.contains(&zone.code);
        (zone, chosen)
    });
    let zones = zones.collect();
    let message = &written.template;
    let (warning, retraction) = (&message.warning.spoken, &message.retraction.spoken);
    let sound = |hash: ContentHash, text: String| Sound {
        warns: warning.contains(&hash),
        retracts: retraction.contains(&hash),
        hash: hash.to_string(),
        text,
    };
    let media: Option<Vec<Sound>> = match library {
        Ok(media) => {
            // What it holds already stays in it until somebody takes it out.
            let is_offered = |item: &MediaItem| item.may_air() || is_spoken(message, item.hash);
            let named = media.into_iter().filter(is_offered).map(|item| {
                let text = format!("{} ({})", item.title, length(item.duration));
                sound(item.hash, text)
            });
            Some(named.collect())
        }
        // What was chosen stays chosen, though nobody knows its name.
        Err(_) if refused.is_some() => {
            let chosen: BTreeSet<_> = warning.iter().chain(retraction).copied().collect();
            let nameless = chosen.into_iter().map(|hash| sound(hash, hash.to_string()));
            Some(nameless.collect())
        }
        Err(_) => None,
    };
    let line = |ready: &ReadyTemplate| Line {
        number: ready.number,
        title: ready.template.title.clone(),
        text: ready.template.warning.text.clone(),
        is_playable: ready.warning.is_some() && ready.retraction.is_some(),
    };
    let mut frame = Frame::new(panel, lang, Some(&user.person), "/emergency/templates");
    if let Some(number) = written.number {
        frame.query = format!("edit={number}&");
    }
    let status = refused.as_ref().map_or(StatusCode::OK, PanelError::status);
    let page = TemplatesPage {
        templates: ready.iter().map(line).collect(),
        fault: refused.map(|error| error.say(lang)),
        zones,
        media,
        written,
        changed,
        frame,
    };
    (status, html(&page)).into_response()
}

fn find(ready: &[ReadyTemplate], number: i64) -> Result<&ReadyTemplate, PanelError> {
    let found = ready.iter().find(|ready| ready.number == number);
    found.ok_or_else(|| PanelError::Console(EmergencyRefusal::NoTemplate.into()))
}

/// Keeps what was written; what is refused is shown again as it was written.
pub(crate) async fn put(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PanelError> {
    let written = Written::read(&fields);
    match keep(&panel, &user, &written).await {
        Ok(()) => Ok(Redirect::to("/emergency/templates").into_response()),
        // No other words would be taken from this person.
        Err(error @ PanelError::Forbidden { .. }) => Err(error),
        Err(error) => Ok(show(&panel, &user, lang, written, Some(error)).await),
    }
}

async fn keep(panel: &Panel, user: &User, written: &Written) -> Result<(), PanelError> {
    let (instead_of, before) = match written.number {
        Some(number) => {
            let before = may_change(panel, user, number)?;
            let unseen = || PanelError::Console(EmergencyRefusal::Changed.into());
            (Some((number, written.seen.ok_or_else(unseen)?)), Some(before))
        }
        None => (None, None),
    };
    let zones = written.zones.iter().map(String::as_str);
    let template = EmergencyTemplate {
        zones: named_zones(panel, user, Permission::Alert, zones, ZONES_MAX)?,
        ..written.template.clone()
    };
    let spoken = template.warning.spoken.iter().chain(&template.retraction.spoken);
    let is_there = |hash: ContentHash| before.as_ref().is_some_and(|before| is_spoken(before, hash));
    let new: Vec<_> = spoken.filter(|hash| !is_there(**hash)).collect();
    if !new.is_empty() {
        let shown = media_shown(panel, user).await?;
        for hash in new {
            to_put_on_air(&shown, &hash.to_string())?;
        }
    }
    panel
        .console
        .put_template(instead_of, template, &user.person.name)
        .await?;
    Ok(())
}

pub(crate) async fn remove(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<i64>,
) -> Result<Redirect, PanelError> {
    may_change(&panel, &user, number)?;
    panel.console.remove_template(number, &user.person.name).await?;
    Ok(Redirect::to("/emergency/templates"))
}

/// Returns a template, unless somebody may not warn in each of its zones.
fn may_change(panel: &Panel, user: &User, number: i64) -> Result<EmergencyTemplate, PanelError> {
    let tree = panel.console.zones();
    let ready = panel.console.templates();
    let template = &find(&ready, number)?.template;
    for zone in template.zones.iter().filter_map(|zone| tree.get(*zone)) {
        user.must(Permission::Alert, zone, &tree)?;
    }
    Ok(template.clone())
}

/// Tells whether a piece is one of a template's recordings.
fn is_spoken(template: &EmergencyTemplate, hash: ContentHash) -> bool {
    template.warning.spoken.contains(&hash) || template.retraction.spoken.contains(&hash)
}
