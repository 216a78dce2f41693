//! Listening in: a zone's packets as an endless file, Ogg for players and WebM for browsers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use loa_model::{Permission, ZoneId, duration_to_samples};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::api::zone;
use crate::console::Tapped;
use crate::container::{Container, Ogg, WebM};
use crate::error::PanelError;
use crate::guard::User;
use crate::live::{ASK_AGAIN, still_there};
use crate::router::Panel;

pub(crate) async fn ogg(
    State(panel): State<Panel>,
    user: User,
    Path(code): Path<String>,
) -> Result<Response, PanelError> {
    listen::<Ogg>(panel, user, &code)
}

pub(crate) async fn webm(
    State(panel): State<Panel>,
    user: User,
    Path(code): Path<String>,
) -> Result<Response, PanelError> {
    listen::<WebM>(panel, user, &code)
}

fn listen<C: Container>(panel: Panel, user: User, code: &str) -> Result<Response, PanelError> {
    let zones = panel.console.zones();
    let zone = zone(code, &zones)?;
    user.must(Permission::See, zone, &zones)?;
    let permit = Arc::clone(&panel.listeners)
        .try_acquire_owned()
        .map_err(|_| PanelError::TooManyListeners)?;
    let packets = panel.console.listen(zone.id);
    let listener = Listener {
        packets: packets.ok_or_else(|| PanelError::NoZone(code.to_owned()))?,
        zone: zone.id,
        asked: Instant::now(),
        panel,
        user,
        container: C::default(),
        begun: false,
        _permit: permit,
    };
    let body = stream::unfold(listener, |mut listener| async move {
        let chunk = listener.next().await?;
        Some((Ok::<_, Infallible>(chunk), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, C::CONTENT_TYPE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Listener<C> {
    panel: Panel,
    user: User,
    zone: ZoneId,
    asked: Instant,
    packets: BoxStream<'static, Tapped>,
    container: C,
    begun: bool,
    _permit: OwnedSemaphorePermit,
}

impl<C: Container> Listener<C> {
    /// Waits for the next packet. `None` once there are no more, or the user may no longer listen.
    async fn next(&mut self) -> Option<Bytes> {
        if self.asked.elapsed() > ASK_AGAIN {
            self.asked = Instant::now();
            let zones = self.panel.console.zones();
            let user = still_there(&self.panel, &self.user).await?;
            if !user.person.rights.may(Permission::See, self.zone, &zones) {
                return None;
            }
        }
        if !std::mem::replace(&mut self.begun, true) {
            // What is ahead of the listener from here on covers the network's unevenness.
            let head = [self.container.head(), self.silence(CUSHION)];
            return Some(head.concat().into());
        }
        // A zone that is silent sends nothing; a browser that gets nothing gives up.
        match timeout(SILENCE, self.packets.next()).await {
            Ok(Some(packet)) => {
                let samples = u64::from(packet.samples);
                Some(self.container.packet(&packet.opus, samples).into())
            }
            Ok(None) => None,
            Err(_) => Some(self.silence(SILENCE).into()),
        }
    }

    fn silence(&mut self, span: Duration) -> Vec<u8> {
        let packets = duration_to_samples(span) / SILENT_SAMPLES;
        let packets = (0..packets).map(|_| self.container.packet(SILENT_OPUS, SILENT_SAMPLES));
        packets.flatten().collect()
    }
}

const CUSHION: Duration = Duration::from_millis(400);
/// Longer than a programme's packet, so that an even stream is never filled up.
const SILENCE: Duration = Duration::from_millis(200);
/// 20 ms of digital silence: CELT, full band, mono, one frame (RFC 6716 §3.1, configuration 31).
const SILENT_OPUS: &[u8] = &[0xf8, 0xff, 0xfe];
const SILENT_SAMPLES: u64 = 960;
