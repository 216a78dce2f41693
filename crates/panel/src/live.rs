//! Live state: the table of zones, sent again whenever it changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::on_air::air_html;
use crate::router::Panel;

/// One browser's view. A slow reader is asked for nothing: the next state is made when it has taken the last.
struct View {
    panel: Panel,
    lang: Lang,
    ticks: Interval,
    sent: String,
    _permit: OwnedSemaphorePermit,
}

pub(crate) async fn live(State(panel): State<Panel>, _: User, lang: Lang) -> Result<Response, PanelError> {
    let permit = Arc::clone(&panel.listeners)
        .try_acquire_owned()
        .map_err(|_| PanelError::TooMany)?;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let view = View {
        panel,
        lang,
        ticks,
        sent: String::new(),
        _permit: permit,
    };
    let events = stream::unfold(view, |mut view| async move {
        loop {
            view.ticks.tick().await;
            let html = air_html(&view.panel, view.lang);
            if html != view.sent {
                view.sent.clone_from(&html);
                let event = Event::default().event("air").data(html);
                return Some((Ok::<_, Infallible>(event), view));
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The engine's snapshot is at most 200 ms old; people read no faster.
const PERIOD: Duration = Duration::from_millis(500);
