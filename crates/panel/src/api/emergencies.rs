//! Emergencies: what lies ready, what is on the air, what waits for a second person. The page shows the same.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use loa_model::{
    BulletinClass, ContentHash, Message, Origin, Permission, Rights, SessionId, SessionState, WallTime,
    ZoneId, ZoneState, ZoneTree, aired_title,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::console::ListeningReceiver;
use crate::emergency::{ReadyTemplate, Waiting, What};
use crate::guard::User;
use crate::router::Panel;

/// An emergency that lies ready.
#[derive(Serialize, ToSchema)]
pub(crate) struct TemplateItem {
    /// Its number, by which it is released.
    number: i64,
    /// Its title; no other has it.
    title: String,
    /// What is said.
    warning: EmergencyMessage,
    /// What is said when it is over, or was wrong.
    retraction: EmergencyMessage,
    /// Codes of the zones where it is meant to be heard; whoever releases it may choose others.
    zones: Vec<String>,
    /// Whether the attention signal sounds before each time that it is said.
    signal: bool,
    /// How often it is said; zero for as often as there is time for.
    repeats: u16,
    /// It is meant to be over after this long, minutes; whoever releases it may choose otherwise.
    minutes: u16,
}

/// What is said: a text, and how long its sound is.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmergencyMessage {
    /// The text, for people who read it.
    text: String,
    /// How long it takes to say it once, seconds; null while it cannot be played, for want of a recording in the library.
    length_s: Option<f64>,
}

/// Lists the emergencies that lie ready.
///
/// All of them: whoever may warn somewhere may release any of them there.
#[utoipa::path(
    get,
    path = "/api/v1/emergencies/templates",
    tag = "emergency",
    responses((status = 200, description = "In order of title.", body = [TemplateItem]))
)]
pub(crate) async fn emergency_templates(State(panel): State<Panel>) -> Json<Vec<TemplateItem>> {
    let tree = panel.console.zones();
    let templates = panel.console.templates();
    Json(templates.iter().map(|ready| template(ready, &tree)).collect())
}

fn template(ready: &ReadyTemplate, tree: &ZoneTree) -> TemplateItem {
    let template = &ready.template;
    let message = |message: &Message, length: Option<Duration>| EmergencyMessage {
        text: message.text.clone(),
        length_s: length.map(|length| length.as_secs_f64()),
    };
    TemplateItem {
        number: ready.number,
        title: template.title.clone(),
        warning: message(&template.warning, ready.warning),
        retraction: message(&template.retraction, ready.retraction),
        zones: codes(&template.zones, tree),
        signal: template.signal,
        repeats: template.repeats,
        minutes: template.minutes,
    }
}

/// Returns the codes of zones.
pub(crate) fn codes(zones: &[ZoneId], tree: &ZoneTree) -> Vec<String> {
    let code = |zone: &ZoneId| Some(tree.get(*zone)?.code.clone());
    zones.iter().filter_map(code).collect()
}

/// What is on the air in an emergency, and what waits for a second person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Emergencies {
    /// What is on the air or waits for it, newest first.
    running: Vec<RunningEmergency>,
    /// What waits for a second person, oldest first.
    waiting: Vec<WaitingEmergency>,
}

/// An emergency or a drill that somebody has put on the air.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunningEmergency {
    /// Its title.
    pub(crate) title: String,
    /// Who put it there.
    pub(crate) by: String,
    /// Whether it is an exercise.
    pub(crate) drill: bool,
    /// Whether it has the air somewhere; otherwise it waits behind something stronger.
    pub(crate) on_air: bool,
    /// When it first took the air, or began to wait.
    pub(crate) since: WallTime,
    /// Its sessions, to stop it by.
    pub(crate) sessions: Vec<SessionId>,
    /// Codes of its zones.
    pub(crate) zones: Vec<String>,
    /// How many receivers there say that they play it.
    pub(crate) sounding: usize,
    /// How many receivers there are.
    pub(crate) receivers: usize,
    /// Codes of those that do not say so.
    pub(crate) silent: Vec<String>,
    /// Number of the template whose retraction takes it back; null if there is none.
    pub(crate) retraction: Option<i64>,
}

/// What waits for a second person.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingEmergency {
    /// Its number.
    pub(crate) number: u64,
    /// Its title.
    pub(crate) title: String,
    /// Who asked for it.
    pub(crate) by: String,
    /// Codes of its zones.
    pub(crate) zones: Vec<String>,
    /// Hash of all that will be heard, and where; a confirmation is of exactly that.
    pub(crate) content: ContentHash,
    /// The text of what will be said; empty if somebody is to speak.
    pub(crate) text: String,
    /// Until when it waits.
    pub(crate) until: WallTime,
}

/// Shows the emergencies on the air, and those that wait for a second person.
///
/// Where you may do something about them. A session is stopped by `DELETE /api/v1/overrides/{session}`, which takes the
/// permission `announce` as well.
#[utoipa::path(
    get,
    path = "/api/v1/emergencies",
    tag = "emergency",
    responses((status = 200, description = "What there is.", body = Emergencies))
)]
pub(crate) async fn emergencies(State(panel): State<Panel>, user: User) -> Json<Emergencies> {
    let rights = &user.person.rights;
    Json(Emergencies {
        running: running(&panel, rights),
        waiting: waiting(&panel, rights),
    })
}

/// Returns the emergencies and drills that people have put on the air where somebody may warn, those of one title
/// together: also those that a restart of the head-end has gone on with.
pub(crate) fn running(panel: &Panel, rights: &Rights) -> Vec<RunningEmergency> {
    let tree = panel.console.zones();
    let snapshot = panel.console.snapshot();
    let may = |state: &&ZoneState| rights.may(Permission::Alert, state.zone, &tree);
    let mut found: BTreeMap<(&str, &str), Vec<Sent<'_>>> = BTreeMap::new();
    for state in snapshot.zones.iter().filter(may) {
        let on_air = state.on_air.iter().map(|session| (session, true));
        let waiting = state.waiting.iter().map(|session| (session, false));
        for (session, on_air) in on_air.chain(waiting) {
            let Some(by) = author(session) else { continue };
            let sent = Sent {
                zone: state.zone,
                session,
                on_air,
            };
            found.entry((session.title.as_str(), by)).or_default().push(sent);
        }
    }
    let groups = found.iter();
    let groups = groups.filter_map(|((_, by), sent)| together(panel, &tree, by, sent));
    let mut all: Vec<_> = groups.collect();
    all.sort_by_key(|running| Reverse(running.since));
    all
}

/// What was sent to one zone.
struct Sent<'a> {
    zone: ZoneId,
    session: &'a SessionState,
    on_air: bool,
}

/// Returns who put a session on the air, if it is somebody's emergency or drill.
fn author(session: &SessionState) -> Option<&str> {
    let is_alarm = session.class == BulletinClass::Emergency || session.drill;
    match &session.origin {
        Origin::Override { by, .. } if is_alarm => Some(by.as_str()),
        _ => None,
    }
}

fn together(panel: &Panel, tree: &ZoneTree, by: &str, sent: &[Sent<'_>]) -> Option<RunningEmergency> {
    let first = sent.first()?.session;
    let sessions: Vec<_> = sent.iter().map(|sent| sent.session.session).collect();
    let mut zones: Vec<_> = sent.iter().map(|sent| sent.zone).collect();
    zones.dedup();
    let listening = panel.console.listening();
    let is_here = |receiver: &&ListeningReceiver| zones.iter().any(|zone| tree.covers(*zone, receiver.zone));
    let here: Vec<_> = listening.iter().filter(is_here).collect();
    let plays = |receiver: &ListeningReceiver| receiver.plays.is_some_and(|plays| sessions.contains(&plays));
    let silent = here.iter().filter(|receiver| !plays(receiver));
    let silent: Vec<_> = silent.map(|receiver| receiver.code.clone()).collect();
    let templates = panel.console.templates();
    let warns = |title: &str| first.title == aired_title(title, false, first.drill);
    let template = templates.iter().find(|ready| warns(&ready.template.title));
    Some(RunningEmergency {
        title: first.title.clone(),
        by: by.to_owned(),
        drill: first.drill,
        on_air: sent.iter().any(|sent| sent.on_air),
        since: first.began.unwrap_or(first.since),
        zones: codes(&zones, tree),
        sounding: here.len() - silent.len(),
        receivers: here.len(),
        silent,
        retraction: template.map(|ready| ready.number),
        sessions,
    })
}

/// Returns what waits for a second person where somebody may warn.
pub(crate) fn waiting(panel: &Panel, rights: &Rights) -> Vec<WaitingEmergency> {
    let tree = panel.console.zones();
    let may = |zone: &ZoneId| rights.may(Permission::Alert, *zone, &tree);
    let waiting = panel.console.waiting().into_iter();
    let waiting = waiting.filter(|waiting| waiting.release.zones.iter().any(may));
    waiting.map(|waiting| shown(panel, waiting)).collect()
}

/// Shows something that waits for a second person.
pub(crate) fn shown(panel: &Panel, waiting: Waiting) -> WaitingEmergency {
    WaitingEmergency {
        number: waiting.number,
        zones: codes(&waiting.release.zones, &panel.console.zones()),
        text: text_of(panel, &waiting.release.what),
        title: waiting.title,
        by: waiting.by,
        content: waiting.content,
        until: waiting.until,
    }
}

fn text_of(panel: &Panel, what: &What) -> String {
    let templates = panel.console.templates();
    let find = |number| templates.iter().find(|ready| ready.number == number);
    match what {
        What::Warning(number) => find(*number).map(|ready| ready.template.warning.text.clone()),
        What::Retraction(number) => find(*number).map(|ready| ready.template.retraction.text.clone()),
        What::Speech(_) => None,
    }
    .unwrap_or_default()
}
