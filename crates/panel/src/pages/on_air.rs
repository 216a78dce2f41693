//! What is on air in each zone, and taking the air.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use loa_model::{
    BulletinClass, Heard, Origin, Permission, Rights, SessionId, SessionState, WallTime, Zone, ZoneId,
    ZoneState, ZoneTree,
};
use serde::Deserialize;

use crate::api::{self, StartOverride, to_air};
use crate::console::{ListeningReceiver, MediaItem};
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, ZoneChoice, by_reach, html, in_tree_order, rendered, zone_choices};
use crate::plain::{class, clock, day_and_clock, length};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "on_air.html")]
struct OnAirPage {
    frame: Frame,
    air: String,
    /// The station's time, ms since the Unix epoch; the browser's clock may be wrong.
    now_ms: i64,
    /// Zones whose air the user may take; empty for those who only look.
    zones: Vec<ZoneChoice>,
    /// None while the library does not answer.
    media: Option<Vec<MediaChoice>>,
    /// What the user may put on air somewhere.
    classes: Vec<(BulletinClass, String)>,
}

struct MediaChoice {
    hash: String,
    title: String,
    length: String,
}

/// The part that is kept live.
#[derive(Template)]
#[template(path = "air.html")]
struct AirTable {
    frame: Frame,
    at: String,
    problems: Vec<String>,
    sounding: String,
    zones: Vec<ZoneRow>,
}

struct ZoneRow {
    code: String,
    name: String,
    depth: u8,
    /// What its receivers play.
    heard: Option<HeardRow>,
    /// What its own group carries, to stop it.
    own: Option<SessionRow>,
    waiting: Vec<SessionRow>,
    next: Option<NextRow>,
    /// The receivers that should sound here and below.
    listening: Option<ListeningRow>,
}

struct ListeningRow {
    said: String,
    /// Some are silent that should have begun by now.
    is_short: bool,
}

struct HeardRow {
    title: String,
    class: String,
    class_code: &'static str,
    drill: bool,
    /// Code of the zone whose group carries it, to show how loud that is.
    level_of: String,
    /// Name of the zone it comes from, if not its own.
    from: Option<String>,
    on_air: Option<Progress>,
}

/// How far a session is.
struct Progress {
    since_ms: i64,
    ends_ms: i64,
    until: String,
    by: Option<String>,
}

struct SessionRow {
    session: u64,
    title: String,
    class_code: &'static str,
    drill: bool,
    by: Option<String>,
    /// Whether the one who looks may take it off the air.
    may_stop: bool,
}

struct NextRow {
    at: String,
    title: String,
    from: Option<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Response {
    let rights = &user.person.rights;
    let zones = zone_choices(Permission::Announce, rights, &panel.console.zones());
    // What is on air is shown and can be stopped whether or not the library answers.
    let media = api::media_shown(&panel, &user).await.ok().map(|media| {
        let choices = media.into_iter().filter(MediaItem::may_air);
        let choices = choices.map(|media| MediaChoice {
            hash: media.hash.to_string(),
            title: media.title,
            length: length(media.duration),
        });
        choices.collect()
    });
    let classes = BulletinClass::ALL.into_iter().rev();
    let classes = classes.filter(|class| rights.may_somewhere(to_air(*class)));
    html(&OnAirPage {
        air: air_html(&panel, lang, rights),
        now_ms: ms(panel.console.now()),
        frame: Frame::new(&panel, lang, Some(&user.person), "/"),
        zones,
        media,
        classes: classes.map(|which| (which, class(which, lang))).collect(),
    })
}

/// Renders the table of the zones that somebody may see: for the page, and for its live renewal.
pub(crate) fn air_html(panel: &Panel, lang: Lang, rights: &Rights) -> String {
    let tree = panel.console.zones();
    let snapshot = panel.console.snapshot();
    let states: BTreeMap<_, _> = snapshot.zones.iter().map(|state| (state.zone, state)).collect();
    let sessions = snapshot.zones.iter().filter_map(|state| state.on_air.as_ref());
    let sessions: BTreeMap<_, _> = sessions.map(|session| (session.session, session)).collect();
    let listening = panel.console.listening();
    let heard = snapshot
        .zones
        .iter()
        .filter_map(|state| Some((state.zone, state.heard.as_ref()?.session)));
    let view = View {
        heard: heard.collect(),
        reached: by_reach(&listening, &tree),
        panel,
        lang,
        rights,
        sessions,
        at: snapshot.at,
    };
    let zones = in_tree_order(&tree).into_iter();
    let zones: Vec<_> = zones
        .filter(|zone| rights.may(Permission::See, zone.id, &tree))
        .map(|zone| view.zone(zone, states.get(&zone.id).copied()))
        .collect();
    let sounding = zones
        .iter()
        .filter(|zone| zone.heard.is_some())
        .count()
        .to_string();
    let all = zones.len().to_string();
    let tz = panel.console.station().time_zone;
    rendered(&AirTable {
        zones,
        sounding: lang.say_with("sounding", &[("sounding", &sounding), ("all", &all)]),
        frame: Frame::new(panel, lang, None, "/"),
        // To the minute: a clock that ticks would renew the table each second.
        at: clock(snapshot.at, tz)[..5].to_owned(),
        problems: panel
            .console
            .health()
            .problems
            .iter()
            .filter(|trouble| {
                trouble
                    .zone()
                    .is_none_or(|zone| rights.may(Permission::See, zone, &tree))
            })
            .map(|trouble| trouble.say(lang))
            .collect(),
    })
}

/// One look at the air.
struct View<'a> {
    panel: &'a Panel,
    lang: Lang,
    rights: &'a Rights,
    /// What should be heard in each zone in which anything should.
    heard: BTreeMap<ZoneId, SessionId>,
    /// The receivers here and below.
    reached: BTreeMap<ZoneId, Vec<&'a ListeningReceiver>>,
    /// What is on air anywhere.
    sessions: BTreeMap<SessionId, &'a SessionState>,
    at: WallTime,
}

impl View<'_> {
    fn zone(&self, zone: &Zone, state: Option<&ZoneState>) -> ZoneRow {
        let elsewhere = |from| {
            let tree = self.panel.console.zones();
            (from != zone.id).then(|| tree.get(from).map_or_else(String::new, |from| from.name.clone()))
        };
        let heard = state.and_then(|state| state.heard.as_ref());
        let own = state.and_then(|state| state.on_air.as_ref());
        let waiting = state.map_or(&[][..], |state| &state.waiting);
        let next = state.and_then(|state| state.next.as_ref());
        ZoneRow {
            listening: self.listening(zone),
            code: zone.code.clone(),
            name: zone.name.clone(),
            depth: self.panel.console.zones().depth(zone.id),
            heard: heard.map(|heard| self.heard(heard, elsewhere(heard.from))),
            own: own
                .map(|own| self.session_row(own, zone))
                .filter(|own| own.may_stop),
            waiting: waiting
                .iter()
                .map(|state| self.session_row(state, zone))
                .collect(),
            next: next.map(|next| NextRow {
                at: self.clock(next.start),
                title: next.title.clone(),
                from: elsewhere(next.from),
            }),
        }
    }

    /// Counts the receivers here and below that should sound, and those that say they do.
    fn listening(&self, zone: &Zone) -> Option<ListeningRow> {
        let due: Vec<_> = self
            .reached
            .get(&zone.id)?
            .iter()
            .filter_map(|receiver| Some((*receiver, *self.heard.get(&receiver.zone)?)))
            .collect();
        let silent =
            |(receiver, session): &&(&ListeningReceiver, SessionId)| receiver.plays != Some(*session);
        let is_settled = |(_, session): &(&ListeningReceiver, SessionId)| {
            let session = self.sessions.get(session);
            session.is_none_or(|session| self.at.since(session.since) > SETTLED)
        };
        let silent: Vec<_> = due.iter().filter(silent).collect();
        let counts = [
            ("sounding", &*(due.len() - silent.len()).to_string()),
            ("all", &due.len().to_string()),
        ];
        (!due.is_empty()).then(|| ListeningRow {
            said: self.lang.say_with("receivers-sounding", &counts),
            is_short: silent.into_iter().any(is_settled),
        })
    }

    fn heard(&self, heard: &Heard, from: Option<String>) -> HeardRow {
        let session = self.sessions.get(&heard.session);
        HeardRow {
            title: heard.title.clone(),
            class: class(heard.class, self.lang),
            class_code: heard.class.name(),
            drill: heard.drill,
            level_of: zone_code(&self.panel.console.zones(), heard.from),
            from,
            on_air: session.map(|session| Progress {
                since_ms: ms(session.since),
                ends_ms: ms(session.ends),
                until: self.clock(session.ends),
                by: by(session),
            }),
        }
    }

    fn session_row(&self, state: &SessionState, zone: &Zone) -> SessionRow {
        let tree = self.panel.console.zones();
        SessionRow {
            session: state.session.0,
            title: state.title.clone(),
            class_code: state.class.name(),
            drill: state.drill,
            by: by(state),
            may_stop: self.rights.may(to_air(state.class), zone.id, &tree),
        }
    }

    fn clock(&self, when: WallTime) -> String {
        let tz = self.panel.console.station().time_zone;
        day_and_clock(when, self.at, tz, self.lang)
    }
}

/// Writes how loud what is heard in the zones that somebody may see is, by the code of the zone whose group carries it.
pub(crate) fn levels_json(panel: &Panel, rights: &Rights) -> String {
    let (tree, levels) = (panel.console.zones(), panel.console.levels());
    let snapshot = panel.console.snapshot();
    let seen = snapshot
        .zones
        .iter()
        .filter(|state| rights.may(Permission::See, state.zone, &tree));
    let told: BTreeMap<String, f64> = seen
        .filter_map(|state| {
            let from = state.heard.as_ref()?.from;
            let tenths = (f64::from(*levels.get(&from)?) * 10.0).round();
            Some((zone_code(&tree, from), tenths / 10.0))
        })
        .collect();
    serde_json::json!(told).to_string()
}

fn zone_code(tree: &ZoneTree, zone: ZoneId) -> String {
    tree.get(zone).map_or_else(String::new, |zone| zone.code.clone())
}

/// Returns who put it on air; the run-sheet is nobody.
fn by(state: &SessionState) -> Option<String> {
    match &state.origin {
        Origin::Override { by, .. } => Some(by.clone()),
        Origin::Slot(_) => None,
    }
}

const fn ms(at: WallTime) -> i64 {
    at.as_unix_ns() / 1_000_000
}

/// The form of the page; a box that is not ticked sends nothing.
#[derive(Deserialize)]
pub(crate) struct StartForm {
    zone: String,
    media: Option<String>,
    /// Address of something live, instead.
    source: Option<String>,
    title: Option<String>,
    class: BulletinClass,
    chime: Option<String>,
    limit_min: u32,
}

pub(crate) async fn start(
    State(panel): State<Panel>,
    user: User,
    Form(form): Form<StartForm>,
) -> Result<Redirect, PanelError> {
    let wanted = StartOverride {
        zone: form.zone,
        media: form.media,
        source: form.source,
        title: form.title,
        class: form.class,
        chime: form.chime.is_some(),
        limit_s: form.limit_min.saturating_mul(60),
    };
    api::start(&panel, &user, &wanted).await?;
    Ok(Redirect::to("/"))
}

pub(crate) async fn stop(
    State(panel): State<Panel>,
    user: User,
    Path(session): Path<u64>,
) -> Result<Redirect, PanelError> {
    api::stop(&panel, &user, session).await?;
    Ok(Redirect::to("/"))
}

/// After this a receiver that plays a session has said so: it reports every few seconds.
const SETTLED: Duration = Duration::from_secs(20);
