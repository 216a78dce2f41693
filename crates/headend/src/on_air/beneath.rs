//! What plays on quietly beneath a part: which of the part's packets are to be rendered with it, and by when.

use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, WallTime};
use loa_session::SegmentPlayer;

/// A piece beneath a part on the air. All instants are media time.
pub(super) struct Beneath {
    audio: Arc<EncodedAudio>,
    /// When the first real sample of the piece would have sounded.
    zero: WallTime,
    begins: WallTime,
    ends: WallTime,
    /// First packet of the part that was not asked for.
    next: usize,
}

/// Packets to render.
pub(super) struct Stretch {
    /// First packet.
    pub(super) from: usize,
    pub(super) count: usize,
    pub(super) bed: Arc<EncodedAudio>,
    /// As in [`loa_codec::Bed`].
    pub(super) at: i64,
    pub(super) begins: i64,
    pub(super) ends: i64,
}

impl Beneath {
    /// Lays `audio`, from `offset` on, beneath what begins at `begins`, until `ends`.
    pub(super) fn new(audio: Arc<EncodedAudio>, offset: Duration, begins: WallTime, ends: WallTime) -> Self {
        Self {
            audio,
            zero: begins - offset,
            begins,
            ends,
            next: 0,
        }
    }

    /// Ends it no later than `ends`, because the part does.
    pub(super) fn end_by(&mut self, ends: WallTime) {
        self.ends = self.ends.min(ends);
    }

    /// Returns the next packets of `over` to render, when it is time to.
    ///
    /// What cannot be rendered before it is sent is left as it is: the voice never waits for its bed.
    pub(super) fn next_stretch(
        &mut self,
        player: &SegmentPlayer,
        over_packets: usize,
        now: WallTime,
    ) -> Option<Stretch> {
        let mut from = self.next.max(player.next_programme_packet());
        while from < over_packets && player.packet_time(from) < now + RENDER_TIME {
            from += 1;
        }
        let starts = player.packet_time(from);
        if starts > now + AHEAD || starts >= self.ends || from >= over_packets {
            return None;
        }
        self.next = (from + STRETCH_PACKETS).min(over_packets);
        let samples = |at: WallTime| at.to_sample().samples_after(starts.to_sample());
        Some(Stretch {
            from,
            count: self.next - from,
            bed: Arc::clone(&self.audio),
            at: i64::from(self.audio.pre_skip) - samples(self.zero),
            begins: samples(self.begins),
            ends: samples(self.ends),
        })
    }
}

/// A stretch that would have to be sent sooner than this cannot be rendered any more.
const RENDER_TIME: Duration = Duration::from_millis(200);
/// Packets are rendered this long before they are sent: long enough for a busy loader, short enough for a late stop.
const AHEAD: Duration = Duration::from_millis(1_500);
/// About a second of packets of 60 ms.
const STRETCH_PACKETS: usize = 16;
