//! One zone's stream on the air: its numbering, and the sessions whose packets are due on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, SessionId, WallTime, ZoneId};
use loa_playout::Start;
use loa_session::{Play, SegmentPlayer, SessionOnAir, ZoneStream};
use loa_wire::{Signer, WireError};

use super::loader::{FADE, Request};

/// A zone's stream and what plays on it.
pub(super) struct OnStream {
    pub(super) zone: ZoneId,
    pub(super) stream: ZoneStream,
    /// In order of their start; usually one, two while one hands over to the next.
    running: VecDeque<Running>,
    pub(super) next_beacon: WallTime,
}

struct Running {
    session: SessionOnAir,
    part: u32,
    player: SegmentPlayer,
    audio: Arc<EncodedAudio>,
    /// Media time at which `audio` has its beginning.
    zero: WallTime,
    packets: u64,
    octets: u64,
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
}

impl OnStream {
    pub(super) fn new(zone: ZoneId, stream: ZoneStream, next_beacon: WallTime) -> Self {
        Self {
            zone,
            stream,
            running: VecDeque::new(),
            next_beacon,
        }
    }

    /// Takes a part onto the stream; returns the request for its fade, if it is cut before its end.
    pub(super) fn start(
        &mut self,
        start: &Start,
        delay: Duration,
        audio: Arc<EncodedAudio>,
        chime: Option<Arc<EncodedAudio>>,
        now: WallTime,
    ) -> Option<Request> {
        let play = Play {
            chime: chime.filter(|_| start.chime),
            programme: Arc::clone(&audio),
            offset: start.offset,
            start: start.at - delay,
            lead: LEAD,
            late_max: delay,
        };
        let session = SessionOnAir {
            session: start.session,
            class: start.class,
            drill: start.drill,
            playout_delay: delay,
        };
        let zero = play.start - start.offset;
        let player = SegmentPlayer::new(&play);
        let mut running = Running {
            session,
            part: start.part,
            player,
            audio,
            zero,
            packets: 0,
            octets: 0,
        };
        let fade = if start.cut {
            running.end_at(start.ends - delay, now)
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
        now: WallTime,
    ) -> Option<Request> {
        let running = self.find(session, part)?;
        let media_time = at - running.session.playout_delay;
        running.end_at(media_time, now)
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
            .is_some_and(|running| running.player.replace_tail(from, tail).is_ok())
    }

    /// Returns when its next packet is due.
    pub(super) fn poll_due(&self) -> Option<WallTime> {
        self.running
            .iter()
            .filter_map(|running| running.player.poll_due())
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
    ) -> Option<Result<Written<'a>, WireError>> {
        let due_of = |running: &Running| running.player.poll_due().filter(|due| *due <= now);
        let (index, due) = (0..self.running.len())
            .filter_map(|index| Some((index, due_of(&self.running[index])?)))
            .min_by_key(|(_, due)| *due)?;
        let running = &mut self.running[index];
        let packet = running.player.next_packet(now)?;
        let written = self.stream.write_packet(out, &packet, &running.session, signer);
        running.packets += 1;
        running.octets += packet.payload.len() as u64;
        let (opus, samples, at) = (packet.payload, packet.samples, packet.at.to_wall());
        Some(written.map(|()| Written {
            opus,
            samples,
            at,
            late: now.since(due),
        }))
    }

    /// Takes off a part whose packets were all sent.
    pub(super) fn take_finished(&mut self) -> Option<Sent> {
        let index = self
            .running
            .iter()
            .position(|running| running.player.is_finished())?;
        let Running {
            session,
            part,
            player,
            packets,
            octets,
            ..
        } = self.running.remove(index)?;
        Some(Sent {
            session: session.session,
            part,
            packets,
            octets,
            skipped: player.skipped(),
        })
    }

    /// Returns what the stream carries now.
    pub(super) fn on_air(&self, now: WallTime) -> Option<&SessionOnAir> {
        let begun = self
            .running
            .iter()
            .rev()
            .find(|running| running.player.starts_at() <= now);
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
    fn end_at(&mut self, media_time: WallTime, now: WallTime) -> Option<Request> {
        self.player.cut(media_time);
        let fade_from = media_time - FADE;
        if fade_from < now + RENDER_TIME {
            return None;
        }
        let from = self.audio.packet_at(fade_from.since(self.zero));
        let Self {
            session, part, audio, ..
        } = self;
        Some(Request::Fade {
            session: session.session,
            part: *part,
            audio: Arc::clone(audio),
            from,
        })
    }
}

/// Packets are sent when their first sample's media time is; the playout delay is all the receiver's.
const LEAD: Duration = Duration::ZERO;
/// A fade that would have to be sent sooner than this is not worth asking for.
const RENDER_TIME: Duration = Duration::from_millis(150);
