//! Live state: parts of pages, sent again whenever they changed.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use loa_model::{Permission, Rights, Snapshot};
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::api;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages;
use crate::pages::receivers::ReceiversWanted;
use crate::router::Panel;

pub(crate) async fn air(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    follow(panel, user, lang, &[Part::Air, Part::Levels])
}

pub(crate) async fn emergency(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
) -> Result<Response, PanelError> {
    follow(panel, user, lang, &[Part::Emergency])
}

pub(crate) async fn receivers(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<ReceiversWanted>,
) -> Result<Response, PanelError> {
    follow(panel, user, lang, &[Part::Receivers(wanted)])
}

/// Sends what [`air_json`] writes, again whenever it has changed.
pub(crate) fn snapshots(panel: Panel, user: User, lang: Lang) -> Result<Response, PanelError> {
    follow(panel, user, lang, &[Part::Snapshot])
}

/// Writes the air as far as it may be seen, without its time: that alone is no news.
fn air_json(panel: &Panel, rights: &Rights) -> String {
    let Snapshot { run_sheet, zones, .. } = api::seen(panel, rights);
    serde_json::json!({ "run_sheet": run_sheet, "zones": zones }).to_string()
}

/// A part of a page that is kept live.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Air,
    /// How loud what is on the air is.
    Levels,
    Emergency,
    /// The air as programs read it.
    Snapshot,
    Receivers(ReceiversWanted),
}

impl Part {
    /// How often it is looked at.
    const fn period(&self) -> Duration {
        match self {
            // The engine's snapshot is at most 200 ms old; people read no faster.
            Self::Air | Self::Levels | Self::Emergency | Self::Snapshot => Duration::from_millis(500),
            // Receivers report every few seconds, and each look asks the database.
            Self::Receivers(_) => Duration::from_secs(3),
        }
    }

    const fn event(&self) -> &'static str {
        match self {
            Self::Snapshot => "air",
            Self::Levels => "levels",
            Self::Air | Self::Emergency | Self::Receivers(_) => "part",
        }
    }

    async fn draw(&self, panel: &Panel, lang: Lang, rights: &Rights) -> Result<Arc<str>, PanelError> {
        match self {
            Self::Air => Ok(pages::on_air::air_html(panel, lang, rights).into()),
            Self::Levels => Ok(pages::on_air::levels_json(panel, rights).into()),
            Self::Emergency => Ok(pages::emergency::now_html(panel, lang, rights).into()),
            Self::Snapshot => Ok(air_json(panel, rights).into()),
            Self::Receivers(wanted) => Ok(pages::receivers::heard_html(panel, lang, rights, wanted)
                .await?
                .into()),
        }
    }
}

/// The newest drawing of each part, in each language, for those who may do the same: a hundred who watch cost as much
/// as one.
#[derive(Default)]
pub(crate) struct Drawn(Mutex<BTreeMap<(Part, Lang, Rights), Place>>);

type Place = Arc<AsyncMutex<Option<Drawing>>>;
type Drawing = (Instant, Arc<str>);

impl Drawn {
    async fn newest(
        &self,
        panel: &Panel,
        lang: Lang,
        rights: &Rights,
        part: &Part,
    ) -> Result<Arc<str>, PanelError> {
        let place = self.place((part.clone(), lang, rights.clone()));
        let mut kept = place.lock().await;
        if let Some((at, html)) = &*kept
            && at.elapsed() < part.period() / 2
        {
            return Ok(Arc::clone(html));
        }
        let html = part.draw(panel, lang, rights).await?;
        *kept = Some((Instant::now(), Arc::clone(&html)));
        Ok(html)
    }

    /// Returns where such a drawing is kept, and forgets those that nobody looks at.
    fn place(&self, which: (Part, Lang, Rights)) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, place| {
            let looked_at =
                |kept: &Option<Drawing>| kept.as_ref().is_some_and(|(at, _)| at.elapsed() < FORGET);
            // One that is being drawn is looked at.
            place.try_lock().map_or(true, |kept| looked_at(&kept))
        });
        Arc::clone(places.entry(which).or_default())
    }
}

/// One browser's view. A slow reader is asked for nothing: the next state is drawn when it has taken the last.
struct View {
    panel: Panel,
    user: User,
    lang: Lang,
    /// What is followed, and what was sent of it last.
    parts: Vec<(Part, Arc<str>)>,
    ticks: Interval,
    /// What is new since, to be sent.
    news: VecDeque<(&'static str, Arc<str>)>,
    asked: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Sends parts that are looked at equally often.
fn follow(panel: Panel, user: User, lang: Lang, parts: &[Part]) -> Result<Response, PanelError> {
    let permit = Arc::clone(&panel.listeners)
        .try_acquire_owned()
        .map_err(|_| PanelError::TooManyListeners)?;
    let period = parts.iter().map(Part::period).min().unwrap_or(FORGET);
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let view = View {
        panel,
        user,
        lang,
        parts: parts.iter().map(|part| (part.clone(), "".into())).collect(),
        ticks,
        news: VecDeque::new(),
        asked: Instant::now(),
        _permit: permit,
    };
    let events = stream::unfold(view, |mut view| async move {
        let (event, data) = view.next().await?;
        Some((
            Ok::<_, Infallible>(Event::default().event(event).data(data)),
            view,
        ))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

impl View {
    /// Waits until there is something else to see. `None` once the user is logged out.
    async fn next(&mut self) -> Option<(&'static str, Arc<str>)> {
        loop {
            if let Some(new) = self.news.pop_front() {
                return Some(new);
            }
            self.ticks.tick().await;
            if self.asked.elapsed() > ASK_AGAIN {
                self.asked = Instant::now();
                self.user = still_there(&self.panel, &self.user).await?;
                if !self.user.person.rights.may_somewhere(Permission::See) {
                    return None;
                }
            }
            let rights = &self.user.person.rights;
            for (part, sent) in &mut self.parts {
                let drawn = self.panel.drawn.newest(&self.panel, self.lang, rights, part);
                // What cannot be drawn at the moment stays as it was.
                if let Ok(drawn) = drawn.await
                    && drawn != *sent
                {
                    *sent = Arc::clone(&drawn);
                    self.news.push_back((part.event(), drawn));
                }
            }
        }
    }
}

/// Returns the user as they are by now; `None` once they are logged out.
pub(crate) async fn still_there(panel: &Panel, user: &User) -> Option<User> {
    let asked = if user.by_token() {
        panel.console.holder(&user.token)
    } else {
        panel.console.person(&user.token)
    };
    match asked.await {
        Ok(person) => Some(User {
            person: person.filter(|person| person.due.is_none())?,
            token: user.token.clone(),
        }),
        // While the database does not answer, whoever was let in stays.
        Err(_) => Some(user.clone()),
    }
}

/// A login may end while its page is open.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(30);
/// A drawing that nobody asked for in this time is not kept.
const FORGET: Duration = Duration::from_secs(30);
