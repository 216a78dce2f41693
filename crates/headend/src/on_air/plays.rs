//! What a part plays: packets that lie ready, or live ones as they come.

use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, WallTime, samples_to_duration};
use loa_session::{LivePlayer, LiveSlot, Play, SegmentPlayer};

use super::beneath::Beneath;
use super::live_feeds::{LiveFeed, LiveFeeds};
use super::loader::FADE;

/// What a part sends.
pub(super) enum Feed {
    /// A piece of media, from an offset on.
    Media {
        audio: Arc<EncodedAudio>,
        offset: Duration,
        /// What plays on beneath it: a piece, from where on, and until which sounding time.
        bed: Option<(Arc<EncodedAudio>, Duration, WallTime)>,
    },
    /// Something without an end of its own.
    Live(LiveSource),
}

/// Where the packets of something without an end of its own come from.
pub(super) enum LiveSource {
    /// A relay, or somebody who speaks.
    Feed(LiveFeed),
    /// One packet of silence, over and over.
    Silence(Arc<EncodedAudio>),
}

/// What a part plays, and how far it is.
pub(super) enum Plays {
    Recorded {
        player: SegmentPlayer,
        audio: Arc<EncodedAudio>,
        /// Media time at which `audio` has its beginning.
        zero: WallTime,
        beneath: Option<Beneath>,
    },
    Live {
        /// The chime, until it is over.
        chime: Option<SegmentPlayer>,
        player: LivePlayer,
        source: LiveSource,
        /// From when on its packets are to be quieter.
        fade_from: Option<WallTime>,
    },
}

/// What is due.
pub(super) enum Due {
    /// A packet that lies ready.
    Recorded,
    /// A live packet.
    Live(LiveSlot),
    /// A live packet that is not there.
    Missing(LiveSlot),
}

impl Plays {
    pub(super) fn recorded(
        audio: Arc<EncodedAudio>,
        offset: Duration,
        begins: WallTime,
        chime: Option<Arc<EncodedAudio>>,
        delay: Duration,
        beneath: Option<Beneath>,
    ) -> Self {
        let play = Play {
            chime,
            programme: Arc::clone(&audio),
            offset,
            start: begins,
            lead: LEAD,
            late_max: delay,
        };
        Self::Recorded {
            player: SegmentPlayer::new(&play),
            audio,
            zero: begins - offset,
            beneath,
        }
    }

    pub(super) fn live(
        source: LiveSource,
        begins: WallTime,
        chime: Option<Arc<EncodedAudio>>,
        delay: Duration,
        live: &mut LiveFeeds,
    ) -> Self {
        let chime = chime.map(|chime| {
            SegmentPlayer::new(&Play {
                chime: None,
                start: begins - chime.duration(),
                programme: chime,
                offset: Duration::ZERO,
                lead: LEAD,
                late_max: delay,
            })
        });
        let (packet_samples, pre_skip) = match &source {
            LiveSource::Silence(audio) => (audio.packet_samples, audio.pre_skip),
            LiveSource::Feed(feed) => live.get(*feed).map_or(SHAPE_UNKNOWN, |packets| {
                packets.begin();
                packets.shape()
            }),
        };
        Self::Live {
            chime,
            player: LivePlayer::new(begins, packet_samples, pre_skip, delay),
            source,
            fade_from: None,
        }
    }

    /// Returns the player of packets that lie ready, as long as it has some.
    pub(super) fn recorded_player(&mut self) -> Option<&mut SegmentPlayer> {
        match self {
            Self::Recorded { player, .. } => Some(player),
            Self::Live { chime, .. } => chime.as_mut().filter(|chime| !chime.is_finished()),
        }
    }

    /// Tells whether the silence of its next packet is a fault.
    pub(super) fn should_sound(&mut self, live: &mut LiveFeeds) -> bool {
        self.recorded_player().is_some()
            || match self {
                Self::Live {
                    source: LiveSource::Feed(feed),
                    ..
                } => live.get(*feed).is_some_and(|packets| packets.should_sound()),
                _ => false,
            }
    }

    /// Takes what is due next; a live packet is put into `out`.
    pub(super) fn fetch(&mut self, out: &mut Vec<u8>, live: &mut LiveFeeds, now: WallTime) -> Option<Due> {
        if self.recorded_player().is_some() {
            return Some(Due::Recorded);
        }
        let Self::Live {
            player,
            source,
            fade_from,
            ..
        } = self
        else {
            return None;
        };
        let slot = player.next_slot(now)?;
        let got = match source {
            LiveSource::Silence(audio) => {
                out.extend_from_slice(audio.packet(0).unwrap_or_default());
                true
            }
            LiveSource::Feed(feed) => live.get(*feed).is_some_and(|packets| {
                if fade_from.take_if(|from| *from <= slot.at.to_wall()).is_some() {
                    packets.fade_out();
                }
                packets.next_packet(out)
            }),
        };
        if got {
            return Some(Due::Live(slot));
        }
        player.missed(slot);
        Some(Due::Missing(slot))
    }

    pub(super) fn poll_due(&self) -> Option<WallTime> {
        match self {
            Self::Recorded { player, .. } => player.poll_due(),
            Self::Live { chime, player, .. } => chime
                .as_ref()
                .and_then(SegmentPlayer::poll_due)
                .or_else(|| player.poll_due()),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        match self {
            Self::Recorded { player, .. } => player.is_finished(),
            Self::Live { chime, player, .. } => {
                player.is_finished() && chime.as_ref().is_none_or(SegmentPlayer::is_finished)
            }
        }
    }

    pub(super) fn skipped(&self) -> u64 {
        match self {
            Self::Recorded { player, .. } => player.skipped(),
            Self::Live { chime, player, .. } => {
                player.skipped() + chime.as_ref().map_or(0, SegmentPlayer::skipped)
            }
        }
    }

    pub(super) fn starts_at(&self) -> WallTime {
        match self {
            Self::Recorded { player, .. } => player.starts_at(),
            Self::Live { chime, player, .. } => chime
                .as_ref()
                .map_or_else(|| player.starts_at(), SegmentPlayer::starts_at),
        }
    }

    /// Ends at `media_time`; returns what may fade before that, and from which packet on, if there is time for it.
    ///
    /// What comes live fades by itself.
    pub(super) fn end_at(
        &mut self,
        media_time: WallTime,
        live: &mut LiveFeeds,
        now: WallTime,
    ) -> Option<(Arc<EncodedAudio>, usize)> {
        match self {
            Self::Recorded {
                player,
                audio,
                zero,
                beneath,
            } => {
                player.cut(media_time);
                if let Some(beneath) = beneath {
                    beneath.end_by(media_time);
                }
                let fade_from = media_time - FADE;
                if fade_from < now + RENDER_TIME {
                    return None;
                }
                let from = audio.packet_at(fade_from.since(*zero));
                Some((Arc::clone(audio), from))
            }
            Self::Live {
                chime,
                player,
                source,
                fade_from,
            } => {
                player.cut(media_time);
                if let Some(chime) = chime {
                    chime.cut(media_time);
                }
                if let LiveSource::Feed(feed) = source {
                    // What lies in its queue is rendered already.
                    let queued = live.get(*feed).map_or(Duration::ZERO, |packets| {
                        let samples = u64::from(packets.queue_packets()) * u64::from(packets.shape().0);
                        samples_to_duration(samples)
                    });
                    *fade_from = Some(media_time - FADE - queued);
                }
                None
            }
        }
    }
}

/// Packets are sent when their first sample's media time is; the playout delay is all the receiver's.
const LEAD: Duration = Duration::ZERO;
/// A fade that would have to be sent sooner than this is not worth asking for.
const RENDER_TIME: Duration = Duration::from_millis(150);
/// Packets of 60 ms from libopus, for a relay that is not connected and has none.
const SHAPE_UNKNOWN: (u32, u32) = (2_880, 312);
