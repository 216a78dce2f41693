//! One zone's stream on the air: its numbering, and the sessions whose packets are due on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, SessionId, WallTime, ZoneId};
use loa_playout::Start;
use loa_session::{MediaPacket, SessionOnAir, ZoneStream};
use loa_wire::Signer;

use super::beneath::Beneath;
use super::live_feeds::LiveFeeds;
use super::loader::Request;
use super::plays::{Due, Feed, Plays};

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
    tally: Tally,
}

/// What was sent of a part.
#[derive(Default)]
struct Tally {
    packets: u64,
    octets: u64,
    /// When the first packet was sent.
    first: Option<WallTime>,
}

/// What became of a part when its last packet was sent.
pub(super) struct Sent {
    pub(super) session: SessionId,
    pub(super) part: u32,
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) first: Option<WallTime>,
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
    tally: &'a mut Tally,
}

impl Written<'_> {
    /// Counts it as sent: only what the kernel took is proof.
    pub(super) fn count_sent(self, now: WallTime) {
        self.tally.packets += 1;
        self.tally.octets += self.opus.len() as u64;
        self.tally.first.get_or_insert(now);
    }
}

/// Why there is nothing to send in a place on the air.
pub(super) enum Unwritten {
    /// A live source had no packet for it.
    Missing { session: SessionId, samples: u32 },
    /// The packet fits no datagram.
    Unsendable,
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
        live: &mut LiveFeeds,
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
            Feed::Live(source) => Plays::live(source, begins, chime, delay, live),
        };
        let mut running = Running {
            session,
            part: start.part,
            plays,
            tally: Tally::default(),
        };
        let fade = if start.cut {
            running.end_at(start.ends - delay, live, now)
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
        live: &mut LiveFeeds,
        now: WallTime,
    ) -> Option<Request> {
        let running = self.find(session, part)?;
        let media_time = at - running.session.playout_delay;
        running.end_at(media_time, live, now)
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
        live: &mut LiveFeeds,
    ) -> Option<Result<Written<'a>, Unwritten>> {
        let due_of = |running: &Running| running.plays.poll_due().filter(|due| *due <= now);
        let due = |index: usize| Some((due_of(&self.running[index])?, index));
        let (since, index) = (0..self.running.len()).filter_map(due).min()?;
        let Running {
            session,
            plays,
            tally,
            ..
        } = &mut self.running[index];
        self.live.clear();
        let should_sound = plays.should_sound(live);
        let packet = match plays.fetch(&mut self.live, live, now)? {
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
        if self.stream.write_packet(out, &packet, session, signer).is_err() {
            return Some(Err(Unwritten::Unsendable));
        }
        Some(Ok(Written {
            opus: packet.payload,
            samples: packet.samples,
            at: packet.at.to_wall(),
            late: now.since(since),
            session: session.session,
            should_sound,
            tally,
        }))
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
            tally,
        } = self.running.remove(index)?;
        Some(Sent {
            session: session.session,
            part,
            packets: tally.packets,
            octets: tally.octets,
            first: tally.first,
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

impl Running {
    /// Ends at `media_time`: hard at first, with a fade once it is rendered.
    fn end_at(&mut self, media_time: WallTime, live: &mut LiveFeeds, now: WallTime) -> Option<Request> {
        let (audio, from) = self.plays.end_at(media_time, live, now)?;
        Some(Request::Fade {
            session: self.session.session,
            part: self.part,
            audio,
            from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{BulletinClass, Channel, ContentHash};
    use loa_session::StreamStart;
    use loa_wire::{Addressing, Certificate, PAYLOAD_BYTES_MAX, public_key};

    const AT: WallTime = WallTime::from_unix_s(1_800_000_000);
    const DELAY: Duration = Duration::from_millis(200);

    fn signer() -> Signer {
        let (root, secret) = ([1; 32], [2; 32]);
        let (highest, expiry) = (BulletinClass::Emergency, AT + Duration::from_secs(3_600));
        let certificate = Certificate::issue(&root, public_key(&secret), Channel(1), highest, expiry);
        Signer::new(&secret, certificate).unwrap()
    }

    /// Four packets, the second of which fits no datagram.
    fn on_stream(live: &mut LiveFeeds) -> OnStream {
        let mut audio = EncodedAudio::new(ContentHash([7; 32]), 960, 0);
        for length in [3, PAYLOAD_BYTES_MAX + 1, 3, 3] {
            audio.push(&vec![9_u8 << 3; length]);
        }
        audio.samples = 4 * 960;
        let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).unwrap();
        let numbers = StreamStart {
            ssrc: 1,
            sequence: 1,
            timestamp: 1,
        };
        let stream = ZoneStream::new(Channel(1), addressing, "loa", numbers);
        let mut stream = OnStream::new(ZoneId(1), stream, AT);
        let start = Start {
            session: SessionId::new(5, 1),
            part: 1,
            zone: ZoneId(1),
            class: BulletinClass::Normal,
            feed: loa_playout::Feed::Silence,
            at: AT,
            chime: false,
            chime_gain_db: 0,
            ends: AT + audio.duration(),
            cut: false,
            authored: false,
            drill: false,
            bed: None,
        };
        let feed = Feed::Media {
            audio: Arc::new(audio),
            offset: Duration::ZERO,
            bed: None,
        };
        let fade = stream.start(&start, DELAY, feed, None, live, AT - DELAY);
        assert!(fade.is_none());
        stream
    }

    #[test]
    fn only_what_the_kernel_took_is_counted_as_sent() {
        let (mut live, signer, mut out) = (LiveFeeds::default(), signer(), Vec::new());
        let mut stream = on_stream(&mut live);
        let begins = AT - DELAY;
        let refused = stream.write_due(&mut out, begins, &signer, &mut live);
        assert!(matches!(refused, Some(Ok(_))), "written, and not taken");
        let later = begins + Duration::from_millis(100);
        let mut unsendable = 0;
        while let Some(written) = stream.write_due(&mut out, later, &signer, &mut live) {
            match written {
                Ok(packet) => packet.count_sent(later),
                Err(_) => unsendable += 1,
            }
        }
        assert_eq!(unsendable, 1);
        let Some(sent) = stream.take_finished() else {
            panic!("everything was written")
        };
        assert_eq!((sent.packets, sent.octets, sent.first), (2, 6, Some(later)));
    }
}
