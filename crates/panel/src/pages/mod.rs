//! The pages. Each is one file here and one template.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod as_run;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod ca;
pub(crate) mod change;
pub(crate) mod day;
pub(crate) mod emergency;
pub(crate) mod emergency_templates;
pub(crate) mod library;
pub(crate) mod login;
mod map;
pub(crate) mod on_air;
pub(crate) mod piece;
pub(crate) mod receivers;
pub(crate) mod rehearsal;
pub(crate) mod settings;
pub(crate) mod speak;
pub(crate) mod time_to_air;
pub(crate) mod today;
pub(crate) mod tokens;
pub(crate) mod user;
pub(crate) mod users;
pub(crate) mod versions;
pub(crate) mod week;

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use loa_model::{Permission, Rights, Zone, ZoneId, ZoneTree};

use crate::console::ListeningReceiver;
use crate::lang::Lang;
use crate::people::Person;
use crate::router::Panel;

/// What every page shows.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) station: String,
    /// Name of who is logged in.
    pub(crate) user: Option<String>,
    /// Which pages the menu offers.
    pub(crate) menu: Menu,
    /// Whether browsers have to trust the station's own authority.
    pub(crate) has_authority: bool,
    /// Address of the page, to mark it in the menu; empty where there is nothing to come back to.
    pub(crate) here: String,
    /// What follows the address, such as `date=2026-12-04&`, to keep it when the language changes.
    pub(crate) query: String,
}

impl Frame {
    pub(crate) fn new(panel: &Panel, lang: Lang, person: Option<&Person>, here: &str) -> Self {
        Self {
            lang,
            station: panel.console.station().name,
            user: person.map(|person| person.name.clone()),
            menu: person.map_or_else(Menu::default, |person| Menu::of(person, &panel.console.zones())),
            has_authority: panel.console.reach().authority.is_some(),
            here: here.to_owned(),
            query: String::new(),
        }
    }

    /// Returns a text by its key.
    pub(crate) fn say(&self, key: &str) -> String {
        self.lang.say(key)
    }
}

/// Which pages the menu offers somebody.
#[derive(Clone, Copy, Default)]
pub(crate) struct Menu {
    pub(crate) station: bool,
    pub(crate) speak: bool,
    pub(crate) emergency: bool,
    pub(crate) users: bool,
    pub(crate) audit: bool,
}

impl Menu {
    fn of(person: &Person, zones: &ZoneTree) -> Self {
        if person.due.is_some() {
            return Self::default();
        }
        Self {
            station: person.rights.may_somewhere(Permission::See),
            emergency: person.rights.may_somewhere(Permission::Alert),
            speak: person.rights.may_somewhere(Permission::Announce),
            users: person.rights.may_somewhere(Permission::Administer),
            audit: person.rights.may_everywhere(Permission::Administer, zones),
        }
    }
}

/// A zone to choose.
pub(crate) struct ZoneChoice {
    pub(crate) code: String,
    /// Moved to the right by its depth.
    pub(crate) name: String,
}

/// Returns the zones in which somebody may do this, each under its parent.
pub(crate) fn zone_choices(permission: Permission, rights: &Rights, tree: &ZoneTree) -> Vec<ZoneChoice> {
    let choice = |zone: &Zone| {
        let indent = "\u{2003}".repeat(usize::from(tree.depth(zone.id)));
        ZoneChoice {
            code: zone.code.clone(),
            name: format!("{indent}{}", zone.name),
        }
    };
    let zones = in_tree_order(tree).into_iter();
    zones
        .filter(|zone| rights.may(permission, zone.id, tree))
        .map(choice)
        .collect()
}

/// Walks the zones so that each stands under its parent.
pub(crate) fn in_tree_order(tree: &ZoneTree) -> Vec<&Zone> {
    let mut below: BTreeMap<Option<ZoneId>, Vec<&Zone>> = BTreeMap::new();
    for zone in tree.iter() {
        below.entry(zone.parent).or_default().push(zone);
    }
    let mut ordered = Vec::new();
    let mut next = below.remove(&None).unwrap_or_default();
    next.reverse();
    while let Some(zone) = next.pop() {
        ordered.push(zone);
        next.extend(below.remove(&Some(zone.id)).unwrap_or_default().into_iter().rev());
    }
    ordered
}

/// Returns the receivers that each zone reaches: each stands with its own zone and with those above it.
pub(crate) fn by_reach<'a>(
    listening: &'a [ListeningReceiver],
    tree: &ZoneTree,
) -> BTreeMap<ZoneId, Vec<&'a ListeningReceiver>> {
    let mut reached: BTreeMap<ZoneId, Vec<_>> = BTreeMap::new();
    for receiver in listening {
        for zone in tree.chain(receiver.zone) {
            reached.entry(zone.id).or_default().push(receiver);
        }
    }
    reached
}

/// Renders a template of ours.
pub(crate) fn html(template: &impl Template) -> Response {
    Html(rendered(template)).into_response()
}

/// Renders a part of a page.
pub(crate) fn rendered(template: &impl Template) -> String {
    template
        .render()
        .expect("our templates are checked by the compiler")
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    frame: Frame,
    message: String,
}

/// Tells people that something was not done.
pub(crate) fn problem(
    panel: &Panel,
    lang: Lang,
    person: Option<&Person>,
    status: StatusCode,
    message: String,
) -> Response {
    let frame = Frame::new(panel, lang, person, "");
    (status, html(&Problem { frame, message })).into_response()
}
