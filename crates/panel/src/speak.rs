//! Speaking live: one WebSocket for each browser that has its microphone on.
//!
//! Both sides send JSON in text messages. The browser says [`Ask::Start`], then one binary message for each 20 ms of
//! sound, then [`Ask::End`]; it may start again. The panel says [`Tell::Accepted`] or [`Tell::Refused`], then
//! [`Tell::State`] four times a second, then [`Tell::Ended`]. Whatever ends the connection ends the speech cleanly: what
//! was said is sent, it fades, and what it interrupted resumes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use loa_model::{BulletinClass, SessionId, Snapshot};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::warn;

use crate::api::{self, to_air};
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::live::still_there;
use crate::router::Panel;
use crate::voice::{Said, Speaking, Speech, SpeechEnd};

pub(crate) async fn socket(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, PanelError> {
    if !is_own_site(&headers) {
        return Err(PanelError::OtherSite);
    }
    let permit = Arc::clone(&panel.listeners)
        .try_acquire_owned()
        .map_err(|_| PanelError::TooManyListeners)?;
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut talk = Talk::new(panel, user, lang, permit);
        let why = talk.serve(socket).await;
        if let Some(running) = talk.running.take() {
            running.end(SpeechEnd::Lost(why)).await;
        }
    }))
}

/// Tells whether a page of ours asked: browsers send cookies along with what other sites ask, and a WebSocket is not
/// kept from them.
fn is_own_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        // Not a browser.
        (None, _) => true,
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
    }
}

/// What the browser says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    Start(Start),
    End,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    /// Codes.
    zones: Vec<String>,
    title: String,
    class: BulletinClass,
    chime: bool,
    limit_s: u32,
    #[serde(default)]
    drill: bool,
    codec: Codec,
    /// How long ago the button was pressed; the browser's clock may be wrong.
    pressed_ago_ms: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Codec {
    Opus,
    Pcm,
}

/// What the panel says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tell {
    Accepted {
        sessions: Vec<SessionId>,
    },
    Refused {
        why: String,
    },
    State(Seen),
    /// A word of why, for the page to say.
    Ended {
        why: &'static str,
    },
}

/// How the speech is.
#[derive(Serialize)]
struct Seen {
    /// Whether what is said now is sent.
    heard: bool,
    /// How loud it came, dBFS.
    level: f32,
    left_s: u64,
    zones: Vec<ZoneSeen>,
}

#[derive(Serialize)]
struct ZoneSeen {
    code: String,
    name: String,
    /// Whether its receivers are to play it.
    on_air: bool,
    /// Receivers that play it, of those that are heard from, of all.
    sounding: usize,
    alive: usize,
    all: usize,
}

/// One browser.
struct Talk {
    panel: Panel,
    user: User,
    lang: Lang,
    running: Option<Running>,
    asked: Instant,
    /// Whether the login still holds, while that is asked: who speaks is not made to wait for the database.
    asking: Option<JoinHandle<Option<User>>>,
    ticks: Interval,
    _permit: OwnedSemaphorePermit,
}

/// A speech that goes on.
struct Running {
    speaking: Box<dyn Speaking>,
    codec: Codec,
    since: Instant,
    /// How much sound came, to find a flood.
    came: Duration,
    last_came: Instant,
    /// Whether what came since then was no sound.
    is_bad: bool,
    last_loud: Instant,
    level: f32,
    bad: u32,
    /// Whether it was seen on the air, or waiting for it.
    was_seen: bool,
}

impl Running {
    async fn end(self, end: SpeechEnd) {
        if let Err(error) = self.speaking.end(end).await {
            warn!("a speech could not be ended in order: {error}");
        }
    }
}

/// What happened next.
enum Next {
    Came(Message),
    Tick,
    Gone(String),
}

impl Talk {
    fn new(panel: Panel, user: User, lang: Lang, permit: OwnedSemaphorePermit) -> Self {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            panel,
            user,
            lang,
            running: None,
            asked: Instant::now(),
            asking: None,
            ticks,
            _permit: permit,
        }
    }

    /// Serves until the browser goes; returns why, for the as-run log.
    async fn serve(&mut self, mut socket: WebSocket) -> String {
        let mut last_word = Instant::now();
        loop {
            let next = tokio::select! {
                came = socket.recv() => match came {
                    Some(Ok(message)) => Next::Came(message),
                    Some(Err(error)) => Next::Gone(format!("the connection broke: {error}")),
                    None => Next::Gone("the connection was closed".to_owned()),
                },
                _ = self.ticks.tick() => Next::Tick,
            };
            let tell = match next {
                Next::Gone(why) => return why,
                Next::Came(message) => {
                    last_word = Instant::now();
                    match self.take(message).await {
                        Ok(tell) => tell,
                        Err(why) => return why.to_owned(),
                    }
                }
                Next::Tick => {
                    if self.running.is_none() && last_word.elapsed() > IDLE_MAX {
                        return "nothing was said for too long".to_owned();
                    }
                    match self.look().await {
                        Ok(tell) => tell,
                        Err(why) => return why,
                    }
                }
            };
            if let Some(tell) = tell {
                let Ok(text) = serde_json::to_string(&tell) else {
                    continue;
                };
                // A browser that does not read is a browser that is gone.
                let sent = tokio::time::timeout(SEND_MAX, socket.send(Message::text(text))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return "the browser takes no answers".to_owned();
                }
            }
        }
    }

    /// Takes a message; an error is why the connection is to be closed.
    async fn take(&mut self, message: Message) -> Result<Option<Tell>, &'static str> {
        match message {
            Message::Binary(sound) => {
                let Some(running) = &mut self.running else {
                    // The last of what was said, after its end.
                    return Ok(None);
                };
                running.hear(&sound)?;
                Ok(None)
            }
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Ask::Start(start)) => Ok(Some(self.start(start).await)),
                Ok(Ask::End) => {
                    let Some(running) = self.running.take() else {
                        return Ok(None);
                    };
                    running.end(SpeechEnd::Released).await;
                    Ok(Some(Tell::Ended { why: "released" }))
                }
                Err(_) => Err("the browser said what is no request"),
            },
            Message::Close(_) => Err("the connection was closed"),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
        }
    }

    async fn start(&mut self, start: Start) -> Tell {
        if self.running.is_some() {
            return self.refused(&PanelError::SpeaksAlready);
        }
        let codec = start.codec;
        let speech = match self.speech(&start) {
            Ok(speech) => speech,
            Err(error) => return self.refused(&error),
        };
        match self.panel.console.speak(speech, &self.user.person.name).await {
            Ok(speaking) => {
                let sessions = speaking.sessions().iter().map(|(_, session)| *session).collect();
                let now = Instant::now();
                self.running = Some(Running {
                    speaking,
                    codec,
                    since: now,
                    came: Duration::ZERO,
                    last_came: now,
                    is_bad: false,
                    last_loud: now,
                    level: SILENT_DBFS,
                    bad: 0,
                    was_seen: false,
                });
                Tell::Accepted { sessions }
            }
            Err(error) => self.refused(&error.into()),
        }
    }

    fn refused(&self, error: &PanelError) -> Tell {
        Tell::Refused {
            why: error.say(self.lang),
        }
    }

    /// Checks a wish to speak.
    fn speech(&self, start: &Start) -> Result<Speech, PanelError> {
        let codes = start.zones.iter().map(String::as_str);
        let permission = to_air(start.class);
        let zones = api::named_zones(&self.panel, &self.user, permission, codes, SPEECH_ZONES_MAX)?;
        if !(1..=LIMIT_S_MAX).contains(&start.limit_s) {
            return Err(PanelError::Limit {
                given_s: start.limit_s,
                most_s: LIMIT_S_MAX,
            });
        }
        let title = speech_title(&start.title, self.lang);
        // A press that is older than this is no press.
        let ago = Duration::from_secs_f64(start.pressed_ago_ms.clamp(0.0, 60_000.0) / 1_000.0);
        Ok(Speech {
            zones,
            title,
            class: start.class,
            chime: start.chime,
            limit: Duration::from_secs(u64::from(start.limit_s)),
            drill: start.drill,
            pressed: self.panel.console.now() - ago,
        })
    }

    /// Looks how the speech is; an error is why the connection is to be closed.
    async fn look(&mut self) -> Result<Option<Tell>, String> {
        if let Some(asking) = self.asking.take_if(|asking| asking.is_finished()) {
            match asking.await {
                Ok(Some(user)) => self.user = user,
                Ok(None) => return Err("the login is over".to_owned()),
                Err(error) => warn!("whether a login holds could not be asked: {error}"),
            }
        }
        if self.asking.is_none() && self.asked.elapsed() > ASK_AGAIN {
            self.asked = Instant::now();
            let (panel, user) = (self.panel.clone(), self.user.clone());
            self.asking = Some(tokio::spawn(async move { still_there(&panel, &user).await }));
        }
        let Some(mut running) = self.running.take() else {
            return Ok(None);
        };
        let snapshot = self.panel.console.snapshot();
        if let Some((end, why)) = running.is_over(&snapshot) {
            // What the engine has ended is let go of.
            running.end(end.unwrap_or(SpeechEnd::Released)).await;
            return Ok(Some(Tell::Ended { why }));
        }
        let seen = running.seen(&self.panel, &snapshot);
        self.running = Some(running);
        Ok(Some(Tell::State(seen)))
    }
}

impl Running {
    /// Takes sound; an error is why the connection is to be closed.
    fn hear(&mut self, sound: &[u8]) -> Result<(), &'static str> {
        self.came += PACKET;
        // No clock is so fast.
        if self.came > self.since.elapsed() + FLOOD {
            return Err("more sound came than anybody can speak");
        }
        let said = match self.codec {
            Codec::Opus => Said::Opus(sound),
            Codec::Pcm => Said::Pcm(sound),
        };
        match self.speaking.hear(said) {
            Ok(level) => {
                self.last_came = Instant::now();
                self.is_bad = false;
                self.level = level;
                if level > SILENT_DBFS {
                    self.last_loud = Instant::now();
                }
                Ok(())
            }
            Err(error) => {
                self.bad += 1;
                self.is_bad = true;
                if self.bad == 1 {
                    warn!("a microphone sends {error}");
                }
                if self.bad > BAD_MAX {
                    return Err(NO_SOUND);
                }
                Ok(())
            }
        }
    }

    /// Tells whether it is over, how it is to be ended if the engine did not, and why, in a word for the page.
    fn is_over(&mut self, snapshot: &Snapshot) -> Option<(Option<SpeechEnd>, &'static str)> {
        let is_there = self
            .speaking
            .sessions()
            .iter()
            .any(|(_, session)| is_in(snapshot, *session));
        self.was_seen |= is_there;
        if !is_there && (self.was_seen || self.since.elapsed() > UNSEEN_MAX) {
            let why = if self.since.elapsed() >= self.speaking.limit() {
                "time_limit"
            } else {
                "stopped"
            };
            return Some((None, why));
        }
        let lost = |why: &str| Some(SpeechEnd::Lost(why.to_owned()));
        if self.last_came.elapsed() > STALLED_MAX {
            return Some((lost(if self.is_bad { NO_SOUND } else { ASLEEP }), "stalled"));
        }
        if self.last_loud.elapsed() > SILENT_MAX {
            return Some((lost("nothing was said for too long"), "silent"));
        }
        None
    }

    fn seen(&self, panel: &Panel, snapshot: &Snapshot) -> Seen {
        let tree = panel.console.zones();
        let receivers = panel.console.listening();
        let zones = self.speaking.sessions().iter().filter_map(|(zone, session)| {
            let zone = tree.get(*zone)?;
            let here: Vec<_> = receivers
                .iter()
                .filter(|receiver| tree.covers(zone.id, receiver.zone))
                .collect();
            let state = snapshot.zones.iter().find(|state| state.zone == zone.id);
            let heard = state.and_then(|state| state.heard.as_ref());
            Some(ZoneSeen {
                code: zone.code.clone(),
                name: zone.name.clone(),
                on_air: heard.is_some_and(|heard| heard.session == *session),
                sounding: here
                    .iter()
                    .filter(|receiver| receiver.plays == Some(*session))
                    .count(),
                alive: here.iter().filter(|receiver| receiver.is_alive).count(),
                all: here.len(),
            })
        });
        Seen {
            heard: self.speaking.is_heard(),
            level: self.level,
            left_s: self
                .speaking
                .limit()
                .saturating_sub(self.since.elapsed())
                .as_secs(),
            zones: zones.collect(),
        }
    }
}

/// Tells whether a session is on the air or waits for it.
fn is_in(snapshot: &Snapshot, session: SessionId) -> bool {
    let mut all = snapshot
        .zones
        .iter()
        .flat_map(|state| state.on_air.iter().chain(&state.waiting));
    all.any(|state| state.session == session)
}

/// Returns what a speech is called that somebody gave this title, or none.
pub(crate) fn speech_title(given: &str, lang: Lang) -> String {
    let given = given.trim();
    if given.is_empty() {
        lang.say("speech")
    } else {
        given.chars().take(TITLE_CHARS_MAX).collect()
    }
}

const NO_SOUND: &str = "what the microphone sends is no sound";
const ASLEEP: &str = "nothing came of the microphone; its computer may be asleep";
/// Sound of 60 ms as samples, and room for its frame.
const MESSAGE_BYTES_MAX: usize = 8 * 1_024;
/// What a browser sends at a time.
const PACKET: Duration = Duration::from_millis(20);
/// What a browser may hold back and send at once.
const FLOOD: Duration = Duration::from_secs(3);
const BAD_MAX: u32 = 250;
const TICK: Duration = Duration::from_millis(250);
const SEND_MAX: Duration = Duration::from_secs(2);
/// A login may end while somebody speaks.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// The snapshot is at most 200 ms old.
const UNSEEN_MAX: Duration = Duration::from_secs(2);
/// A computer that fell asleep keeps its connection.
const STALLED_MAX: Duration = Duration::from_secs(2);
const SILENT_MAX: Duration = Duration::from_secs(30);
const SILENT_DBFS: f32 = -50.0;
/// A page that is left open does not hold its place for ever.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
const LIMIT_S_MAX: u32 = 2 * 3_600;
const TITLE_CHARS_MAX: usize = 120;
/// Zones of one speech, none of which lies within another: each is encoded by itself.
pub(crate) const SPEECH_ZONES_MAX: usize = 32;
