//! Listening in: a zone's packets as an endless Ogg Opus stream that a browser plays (RFC 3533, RFC 7845).

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
use loa_model::duration_to_samples;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::console::Tapped;
use crate::error::PanelError;
use crate::guard::User;
use crate::router::Panel;

pub(crate) async fn listen(
    State(panel): State<Panel>,
    _: User,
    Path(code): Path<String>,
) -> Result<Response, PanelError> {
    let permit = Arc::clone(&panel.listeners)
        .try_acquire_owned()
        .map_err(|_| PanelError::TooManyListeners)?;
    let zone = panel.console.zones().by_code(&code).map(|zone| zone.id);
    let packets = zone.and_then(|zone| panel.console.listen(zone));
    let packets = packets.ok_or(PanelError::NoZone(code))?;
    let listener = Listener {
        packets,
        ogg: OggOpus::new(),
        _permit: permit,
    };
    let body = stream::unfold(listener, |mut listener| async move {
        let chunk = listener.next().await?;
        Some((Ok::<_, Infallible>(chunk), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "audio/ogg"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Listener {
    packets: BoxStream<'static, Tapped>,
    ogg: OggOpus,
    _permit: OwnedSemaphorePermit,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(head) = self.ogg.take_head() {
            return Some(head);
        }
        // A zone that is silent sends nothing; a browser that gets nothing gives up.
        match timeout(SILENCE, self.packets.next()).await {
            Ok(Some(packet)) => Some(self.ogg.page(&packet.opus, u64::from(packet.samples))),
            Ok(None) => None,
            Err(_) => Some(self.ogg.silence()),
        }
    }
}

/// Wraps Opus packets into Ogg pages, one each.
struct OggOpus {
    writer: PacketWriter<'static, Vec<u8>>,
    samples: u64,
    head_sent: bool,
}

impl OggOpus {
    fn new() -> Self {
        Self {
            writer: PacketWriter::new(Vec::new()),
            samples: 0,
            head_sent: false,
        }
    }

    /// Returns the identification and comment headers, once (RFC 7845 §5).
    fn take_head(&mut self) -> Option<Bytes> {
        if std::mem::replace(&mut self.head_sent, true) {
            return None;
        }
        let mut id = b"OpusHead\x01\x01".to_vec();
        id.extend_from_slice(&0u16.to_le_bytes());
        id.extend_from_slice(&48_000u32.to_le_bytes());
        id.extend_from_slice(&[0, 0, 0]);
        let mut tags = b"OpusTags".to_vec();
        tags.extend_from_slice(&3u32.to_le_bytes());
        tags.extend_from_slice(b"Loa");
        tags.extend_from_slice(&0u32.to_le_bytes());
        self.write(id, 0);
        self.write(tags, 0);
        Some(self.take())
    }

    fn page(&mut self, opus: &[u8], samples: u64) -> Bytes {
        self.samples += samples;
        self.write(opus.to_vec(), self.samples);
        self.take()
    }

    /// Returns as much silence as was waited.
    fn silence(&mut self) -> Bytes {
        for _ in 0..duration_to_samples(SILENCE) / SILENT_SAMPLES {
            self.samples += SILENT_SAMPLES;
            self.write(SILENT_OPUS.to_vec(), self.samples);
        }
        self.take()
    }

    fn write(&mut self, packet: Vec<u8>, granule: u64) {
        let end = PacketWriteEndInfo::EndPage;
        self.writer
            .write_packet(packet, SERIAL, end, granule)
            .expect("writing to memory does not fail");
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(self.writer.inner_mut()))
    }
}

const SERIAL: u32 = 0x4c6f_6101;
const SILENCE: Duration = Duration::from_millis(200);
/// 20 ms of digital silence: CELT, full band, mono, one frame (RFC 6716 §3.1, configuration 31).
const SILENT_OPUS: &[u8] = &[0xf8, 0xff, 0xfe];
const SILENT_SAMPLES: u64 = 960;
