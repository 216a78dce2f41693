//! The loader thread: reads encoded media and renders fades, so that the air thread never touches a disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use loa_codec::{Bed, OpusError, faded_tail, with_bed};
use loa_model::{ContentHash, EncodedAudio, Relay, RelayId, SessionId};
use tracing::error;

use super::Order;
use super::beneath::Stretch;
use super::live_feeds::OpenRelay;

/// What the air thread asks for.
pub(super) enum Request {
    /// The encoded form of a piece of media.
    Load {
        /// Which.
        media: ContentHash,
    },
    /// A connection to another station.
    OpenRelay {
        /// Which opening.
        relay: RelayId,
        /// Where it comes from.
        spec: Relay,
        /// Name of the programme, for people.
        title: String,
    },
    /// Packets of `audio` with something beneath.
    Bed {
        /// Whose they are.
        session: SessionId,
        /// Which stretch of it.
        part: u32,
        /// What is sounding.
        audio: Arc<EncodedAudio>,
        /// Which packets, and what lies beneath them.
        stretch: Stretch,
    },
    /// The packets that let `audio` fade away from packet `from` on.
    Fade {
        /// Whose end it is.
        session: SessionId,
        /// Which stretch of it.
        part: u32,
        /// What is sounding.
        audio: Arc<EncodedAudio>,
        /// First packet to replace.
        from: usize,
    },
}

/// Reads one piece of media off the disk.
pub type ReadMedia = Box<dyn Fn(ContentHash) -> anyhow::Result<EncodedAudio> + Send>;

/// Starts the thread; its answers go to `orders`.
pub(super) fn start(
    read: ReadMedia,
    open: OpenRelay,
    orders: SyncSender<Order>,
) -> std::io::Result<SyncSender<Request>> {
    let (requests, inbox) = sync_channel(REQUESTS_MAX);
    std::thread::Builder::new()
        .name("loader".into())
        .spawn(move || work(&inbox, &read, &open, &orders))?;
    Ok(requests)
}

fn work(inbox: &Receiver<Request>, read: &ReadMedia, open: &OpenRelay, orders: &SyncSender<Order>) {
    for request in inbox {
        let answer = match request {
            Request::Load { media } => match read(media) {
                Ok(audio) => Order::MediaReady {
                    media,
                    audio: Arc::new(audio),
                },
                Err(error) => {
                    error!(%media, "media cannot be loaded: {error:#}");
                    Order::MediaFailed {
                        media,
                        why: format!("{error:#}"),
                    }
                }
            },
            Request::OpenRelay { relay, spec, title } => match open(&spec, &title) {
                Ok(packets) => Order::RelayOpened { relay, packets },
                Err(error) => {
                    error!(%relay, title, "relay cannot be connected: {error:#}");
                    let why = format!("{error:#}");
                    Order::RelayFailed { relay, why }
                }
            },
            Request::Bed {
                session,
                part,
                audio,
                stretch,
            } => match rendered(&audio, &stretch) {
                Ok(packets) => Order::BedReady {
                    session,
                    part,
                    from: stretch.from,
                    packets: Arc::new(packets),
                },
                Err(error) => {
                    error!(%session, "what plays beneath cannot be rendered: {error}");
                    continue;
                }
            },
            Request::Fade {
                session,
                part,
                audio,
                from,
            } => match faded_tail(&audio, from, FADE) {
                Ok(tail) => Order::FadeReady {
                    session,
                    part,
                    from,
                    tail: Arc::new(tail),
                },
                Err(error) => {
                    // The cut is then hard at the planned packet, and receivers soften it.
                    error!(%session, "fade cannot be rendered: {error}");
                    continue;
                }
            },
        };
        if orders.send(answer).is_err() {
            return;
        }
    }
}

fn rendered(audio: &EncodedAudio, stretch: &Stretch) -> Result<EncodedAudio, OpusError> {
    let bed = Bed {
        audio: &stretch.bed,
        at: stretch.at,
        begins: stretch.begins,
        ends: stretch.ends,
    };
    with_bed(audio, stretch.from, stretch.count, &bed)
}

/// How long a fade takes: four packets of 60 ms.
pub(super) const FADE: Duration = Duration::from_millis(240);
/// Requests that may wait; a day's plan asks for a few dozen at once.
const REQUESTS_MAX: usize = 1_024;
