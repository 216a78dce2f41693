//! One zone's stream on the air: its numbering, and the sessions whose packets are due on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, RelayId, SessionId, WallTime, ZoneId, samples_to_duration};
use loa_playout::Start;
use loa_session::{LivePlayer, LiveSlot, MediaPacket, Play, SegmentPlayer, SessionOnAir, ZoneStream};
use loa_wire::{Signer, WireError};

use super::beneath::Beneath;
use super::loader::{FADE, Request};
use super::relays::Relays;

/// A zone's stream and what plays on it.
pub(super) struct OnStream {
    pub(super) zone: ZoneId,
    pub(super) stream: ZoneStream,
    /// In order of their start; usually one, two while one hands over to the next.
    running: VecDeque<Running>,
    pub(super) next_beacon: WallTime,
    /// Holds a live packet while it is written.
    live: Vec<u8>,
}

struct Running {
    session: SessionOnAir,
    part: u32,
    plays: Plays,
    packets: u64,
    octets: u64,
}

enum Plays {
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

/// Where the packets of something without an end of its own come from.
pub(super) enum LiveSource {
    /// A connected relay.
    Relay(RelayId),
    /// One packet of silence, over and over.
    Silence(Arc<EncodedAudio>),
}

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

/// What became of a part when its last packet was sent.
pub(super) struct Sent {
    pub(super) session: SessionId,
    pub(super) part: u32,
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) skipped: u64,
}

/// A packet that was written and is to be sent.
pub(super) struct Written<'a> {
    pub(super) opus: &'a [u8],
    pub(super) samples: u32,
    pub(super) at: WallTime,
    /// How long after it was due it was written.
    pub(super) late: Duration,
    /// Whose it is.
    pub(super) session: SessionId,
    /// Whether its silence is a fault.
    pub(super) should_sound: bool,
}

/// Why there is nothing to send in a place on the air.
pub(super) enum Unwritten {
    /// A live source had no packet for it.
    Missing { session: SessionId, samples: u32 },
    /// The packet fits no datagram.
    Unsendable,
}

/// What is due.
enum Due {
    /// A packet that lies ready.
    Recorded,
    /// A live packet.
    Live(LiveSlot),
    /// A live packet that is not there.
    Missing(LiveSlot),
}

impl OnStream {
    pub(super) fn new(zone: ZoneId, stream: ZoneStream, next_beacon: WallTime) -> Self {
        Self {
            zone,
            stream,
            running: VecDeque::new(),
            next_beacon,
            live: Vec::with_capacity(loa_wire::DATAGRAM_BYTES_MAX),
        }
    }

    /// Takes a part onto the stream; returns the request for its fade, if it is cut before its end.
    pub(super) fn start(
        &mut self,
        start: &Start,
        delay: Duration,
        feed: Feed,
        chime: Option<Arc<EncodedAudio>>,
        relays: &mut Relays,
        now: WallTime,
    ) -> Option<Request> {
        let session = SessionOnAir {
            session: start.session,
            class: start.class,
            drill: start.drill,
            authored: start.authored,
            playout_delay: delay,
        };
        let begins = start.at - delay;
        let plays = match feed {
            Feed::Media { audio, offset, bed } => {
                let beneath = bed.map(|(bed, offset, ends)| Beneath::new(bed, offset, begins, ends - delay));
                Plays::recorded(audio, offset, begins, chime, delay, beneath)
            }
            Feed::Live(source) => Plays::live(source, begins, chime, delay, relays),
        };
        let mut running = Running {
            session,
            part: start.part,
            plays,
            packets: 0,
            octets: 0,
        };
        let fade = if start.cut {
            running.end_at(start.ends - delay, relays, now)
        } else {
            None
        };
        self.running.push_back(running);
        fade
    }

    /// Ends a part at sounding time `at`; returns the request for its fade, if there is time for one.
    pub(super) fn stop(
        &mut self,
        session: SessionId,
        part: u32,
        at: WallTime,
        relays: &mut Relays,
        now: WallTime,
    ) -> Option<Request> {
        let running = self.find(session, part)?;
        let media_time = at - running.session.playout_delay;
        running.end_at(media_time, relays, now)
    }

    /// Puts a rendered fade in place, unless the packets it replaces were sent meanwhile.
    pub(super) fn fade(
        &mut self,
        session: SessionId,
        part: u32,
        from: usize,
        tail: Arc<EncodedAudio>,
    ) -> bool {
        self.find(session, part)
            .is_some_and(|running| match &mut running.plays {
                Plays::Recorded { player, .. } => player.replace_tail(from, tail).is_ok(),
                Plays::Live { .. } => false,
            })
    }

    /// Puts packets with something beneath in place of those that were not sent.
    pub(super) fn lay_over(
        &mut self,
        session: SessionId,
        part: u32,
        from: usize,
        packets: &Arc<EncodedAudio>,
    ) -> bool {
        self.find(session, part)
            .is_some_and(|running| match &mut running.plays {
                Plays::Recorded { player, .. } => {
                    player.overlay(from, Arc::clone(packets));
                    true
                }
                Plays::Live { .. } => false,
            })
    }

    /// Returns the next packets that are to be rendered with something beneath.
    pub(super) fn next_bed(&mut self, now: WallTime) -> Option<Request> {
        self.running.iter_mut().find_map(|running| {
            let Plays::Recorded {
                player,
                audio,
                beneath: Some(beneath),
                ..
            } = &mut running.plays
            else {
                return None;
            };
            Some(Request::Bed {
                session: running.session.session,
                part: running.part,
                stretch: beneath.next_stretch(player, audio.packet_count(), now)?,
                audio: Arc::clone(audio),
            })
        })
    }

    /// Returns when its next packet is due.
    pub(super) fn poll_due(&self) -> Option<WallTime> {
        self.running
            .iter()
            .filter_map(|running| running.plays.poll_due())
            .min()
    }

    /// Writes the next packet that is due into `out`; `None` when none is.
    ///
    /// Of several sessions the newest to start has the stream: what is left of the one before is superseded.
    pub(super) fn write_due<'a>(
        &'a mut self,
        out: &mut Vec<u8>,
        now: WallTime,
        signer: &Signer,
        relays: &mut Relays,
    ) -> Option<Result<Written<'a>, Unwritten>> {
        let due_of = |running: &Running| running.plays.poll_due().filter(|due| *due <= now);
        let due = |index: usize| Some((due_of(&self.running[index])?, index));
        let (since, index) = (0..self.running.len()).filter_map(due).min()?;
        let Running {
            session,
            plays,
            packets,
            octets,
            ..
        } = &mut self.running[index];
        self.live.clear();
        let should_sound = plays.should_sound(relays);
        let packet = match plays.fetch(&mut self.live, relays, now)? {
            Due::Recorded => plays.recorded_player()?.next_packet(now)?,
            Due::Live(slot) => MediaPacket {
                at: slot.at,
                samples: slot.samples,
                marker: slot.marker,
                last: slot.last,
                payload: &self.live,
            },
            Due::Missing(slot) => {
                return Some(Err(Unwritten::Missing {
                    session: session.session,
                    samples: slot.samples,
                }));
            }
        };
        let written = self.stream.write_packet(out, &packet, session, signer);
        *packets += 1;
        *octets += packet.payload.len() as u64;
        let (opus, samples, at) = (packet.payload, packet.samples, packet.at.to_wall());
        let written = written.map(|()| Written {
            opus,
            samples,
            at,
            late: now.since(since),
            session: session.session,
            should_sound,
        });
        Some(written.map_err(|_: WireError| Unwritten::Unsendable))
    }

    /// Takes off a part whose packets were all sent.
    pub(super) fn take_finished(&mut self) -> Option<Sent> {
        let index = self
            .running
            .iter()
            .position(|running| running.plays.is_finished())?;
        let Running {
            session,
            part,
            plays,
            packets,
            octets,
        } = self.running.remove(index)?;
        Some(Sent {
            session: session.session,
            part,
            packets,
            octets,
            skipped: plays.skipped(),
        })
    }

    /// Returns what the stream carries now.
    pub(super) fn on_air(&self, now: WallTime) -> Option<&SessionOnAir> {
        let begun = self
            .running
            .iter()
            .rev()
            .find(|running| running.plays.starts_at() <= now);
        begun.map(|running| &running.session)
    }

    fn find(&mut self, session: SessionId, part: u32) -> Option<&mut Running> {
        self.running
            .iter_mut()
            .find(|running| running.session.session == session && running.part == part)
    }
}

impl Plays {
    fn recorded(
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

    fn live(
        source: LiveSource,
        begins: WallTime,
        chime: Option<Arc<EncodedAudio>>,
        delay: Duration,
        relays: &mut Relays,
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
            LiveSource::Relay(relay) => relays.get(*relay).map_or(SHAPE_UNKNOWN, |packets| {
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
    fn recorded_player(&mut self) -> Option<&mut SegmentPlayer> {
        match self {
            Self::Recorded { player, .. } => Some(player),
            Self::Live { chime, .. } => chime.as_mut().filter(|chime| !chime.is_finished()),
        }
    }

    /// Tells whether the silence of its next packet is a fault.
    fn should_sound(&mut self, relays: &mut Relays) -> bool {
        self.recorded_player().is_some()
            || match self {
                Self::Live {
                    source: LiveSource::Relay(relay),
                    ..
                } => relays.get(*relay).is_some_and(|packets| packets.should_sound()),
                _ => false,
            }
    }

    /// Takes what is due next; a live packet is put into `out`.
    fn fetch(&mut self, out: &mut Vec<u8>, relays: &mut Relays, now: WallTime) -> Option<Due> {
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
            LiveSource::Relay(relay) => relays.get(*relay).is_some_and(|packets| {
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

    fn poll_due(&self) -> Option<WallTime> {
        match self {
            Self::Recorded { player, .. } => player.poll_due(),
            Self::Live { chime, player, .. } => chime
                .as_ref()
                .and_then(SegmentPlayer::poll_due)
                .or_else(|| player.poll_due()),
        }
    }

    fn is_finished(&self) -> bool {
        match self {
            Self::Recorded { player, .. } => player.is_finished(),
            Self::Live { chime, player, .. } => {
                player.is_finished() && chime.as_ref().is_none_or(SegmentPlayer::is_finished)
            }
        }
    }

    fn skipped(&self) -> u64 {
        match self {
            Self::Recorded { player, .. } => player.skipped(),
            Self::Live { chime, player, .. } => {
                player.skipped() + chime.as_ref().map_or(0, SegmentPlayer::skipped)
            }
        }
    }

    fn starts_at(&self) -> WallTime {
        match self {
            Self::Recorded { player, .. } => player.starts_at(),
            Self::Live { chime, player, .. } => chime
                .as_ref()
                .map_or_else(|| player.starts_at(), SegmentPlayer::starts_at),
        }
    }
}

impl Running {
    /// Ends at `media_time`: hard at first, with a fade once it is rendered.
    fn end_at(&mut self, media_time: WallTime, relays: &mut Relays, now: WallTime) -> Option<Request> {
        match &mut self.plays {
            Plays::Recorded {
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
                Some(Request::Fade {
                    session: self.session.session,
                    part: self.part,
                    audio: Arc::clone(audio),
                    from,
                })
            }
            Plays::Live {
                chime,
                player,
                source,
                fade_from,
            } => {
                player.cut(media_time);
                if let Some(chime) = chime {
                    chime.cut(media_time);
                }
                if let LiveSource::Relay(relay) = source {
                    // What lies in its queue is rendered already.
                    let queued = relays.get(*relay).map_or(Duration::ZERO, |packets| {
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
