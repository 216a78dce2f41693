//! Which packet of a recorded piece is due, and when: chime, programme, and a tail that may replace its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use loa_model::{EncodedAudio, SampleTime, WallTime, duration_to_samples, samples_to_duration};

/// What to play, and when.
#[derive(Clone, Debug)]
pub struct Play {
    /// Sounds before the programme, ending where it begins.
    pub chime: Option<Arc<EncodedAudio>>,
    /// The piece itself.
    pub programme: Arc<EncodedAudio>,
    /// How far into the piece to begin.
    pub offset: Duration,
    /// Media time of the piece's real sample at `offset`.
    pub start: WallTime,
    /// How long before its media time each packet is sent.
    pub lead: Duration,
    /// A packet whose end lies further back than this is skipped: it would come too late everywhere.
    pub late_max: Duration,
}

impl Play {
    /// Returns how long before `start` the first packet's media time lies: chime, codec delay, and the part of
    /// the first packet that comes before `offset`.
    pub fn runs_before_start(&self) -> Duration {
        let start = self.start.to_sample();
        let first = SegmentPlayer::new(self).starts_at().to_sample();
        samples_to_duration(start.samples_after(first).try_into().unwrap_or(0))
    }
}

/// One packet, ready for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPacket<'a> {
    /// Media time of its first sample.
    pub at: SampleTime,
    /// Samples in it.
    pub samples: u32,
    /// First packet of this part of the session.
    pub marker: bool,
    /// Last packet of this part of the session.
    pub last: bool,
    /// One Opus packet.
    pub payload: &'a [u8],
}

/// Yields each packet of a piece when it is due, sample after sample without a hole.
///
/// Packet `k` of the programme has the media time `start − offset − pre-skip + k · packet`, so its first real
/// sample lies exactly where it belongs (`docs/time.md`); the chime is counted back from there. Sleep until
/// [`poll_due`](Self::poll_due), then call [`next_packet`](Self::next_packet) until it gives `None`. Nothing is
/// allocated after construction, except by [`replace_tail`](Self::replace_tail) and [`overlay`](Self::overlay).
#[derive(Clone, Debug)]
pub struct SegmentPlayer {
    /// At most chime, programme and tail, in order.
    segments: Vec<Segment>,
    /// Packets that are sent in the place of the programme's own, each with the index of the first it replaces.
    overlays: VecDeque<(usize, Arc<EncodedAudio>)>,
    /// The next packet: a segment and an index in its audio.
    segment: usize,
    packet: usize,
    marker_due: bool,
    /// Media time of the end of the last packet given out.
    reached: SampleTime,
    /// Real sample of the piece at `reached`, which may lie in the pre-skip.
    media_reached: i64,
    /// Real sample of the piece at which this player begins.
    media_from: i64,
    media_samples: i64,
    lead: Duration,
    late_max: Duration,
    skipped: u64,
}

/// A run of packets of one encoded piece.
#[derive(Clone, Debug)]
struct Segment {
    audio: Arc<EncodedAudio>,
    /// Packets `first..end` of `audio` are played.
    first: usize,
    end: usize,
    /// Media time of packet `first`.
    at: SampleTime,
    /// Real sample of the programme at `at`; `None` for the chime.
    media: Option<i64>,
}

/// Why a tail cannot replace the end of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// It would replace what was sent; the next packet that can be replaced is named.
    #[error("packets before {next} were sent; render the tail from there")]
    Sent {
        /// Index in the programme.
        next: usize,
    },
    /// It would begin after the end.
    #[error("the piece ends at packet {end}")]
    PastEnd {
        /// Index in the programme, one past its last packet.
        end: usize,
    },
}

impl SegmentPlayer {
    /// Lays the packets of `play` on the timeline.
    ///
    /// A piece that is shorter than `offset`, or empty, is [finished](Self::is_finished) from the start.
    pub fn new(play: &Play) -> Self {
        let programme = &play.programme;
        let offset = signed(duration_to_samples(play.offset));
        let end = real_packets(programme);
        let first = programme.packet_at(play.offset).min(end);
        let media = media_at(programme, first);
        let at = play.start.to_sample().offset(media - offset);
        let mut segments = Vec::with_capacity(3);
        if let Some(chime) = play.chime.as_ref().filter(|_| first < end) {
            let packets = real_packets(chime);
            let before = span(chime, packets);
            let audio = Arc::clone(chime);
            segments.push(Segment {
                audio,
                first: 0,
                end: packets,
                at: at.offset(-before),
                media: None,
            });
        }
        segments.push(Segment {
            audio: Arc::clone(programme),
            first,
            end,
            at,
            media: Some(media),
        });
        Self {
            reached: segments[0].at,
            packet: segments[0].first,
            segments,
            overlays: VecDeque::with_capacity(OVERLAYS_MAX),
            segment: 0,
            marker_due: true,
            media_reached: offset,
            media_from: offset,
            media_samples: signed(programme.samples),
            lead: play.lead,
            late_max: play.late_max,
            skipped: 0,
        }
    }

    /// Returns when the next packet is to be sent, or `None` when all were.
    pub fn poll_due(&self) -> Option<WallTime> {
        let (segment, packet) = self.upcoming()?;
        Some(self.segments[segment].packet_time(packet).to_wall() - self.lead)
    }

    /// Gives out the next packet if it is due.
    ///
    /// After a stall, packets that would come too late are skipped and [counted](Self::skipped), never the last.
    pub fn next_packet(&mut self, now: WallTime) -> Option<MediaPacket<'_>> {
        loop {
            (self.segment, self.packet) = self.upcoming()?;
            let segment = &self.segments[self.segment];
            let samples = segment.audio.packet_samples;
            let at = segment.packet_time(self.packet);
            if now < at.to_wall() - self.lead {
                return None;
            }
            let index = self.packet;
            self.packet += 1;
            self.reached = at.offset(i64::from(samples));
            if let Some(media) = segment.media {
                self.media_reached = media + span(&segment.audio, self.packet - segment.first);
            }
            let last = self.is_finished();
            if !last && self.reached.to_wall() + self.late_max <= now {
                self.skipped += 1;
                continue;
            }
            let marker = std::mem::take(&mut self.marker_due);
            let payload = self.payload(index).unwrap_or_default();
            return Some(MediaPacket {
                at,
                samples,
                marker,
                last,
                payload,
            });
        }
    }

    /// Returns the index of the programme's first packet that was not given out: where a tail may begin.
    pub fn next_programme_packet(&self) -> usize {
        let programme = self.programme();
        match self.segment.cmp(&programme) {
            std::cmp::Ordering::Less => self.segments[programme].first,
            std::cmp::Ordering::Equal => self.packet,
            std::cmp::Ordering::Greater => self.segments[programme].end,
        }
    }

    /// Returns the media time at which the programme's packet `index` begins.
    pub fn packet_time(&self, index: usize) -> WallTime {
        self.segments[self.programme()].packet_time(index).to_wall()
    }

    /// Plays `tail` in the place of the programme's packets from `from` on: a rendered fade.
    ///
    /// The tail's first packet takes the place of packet `from`. To sound without a jump, its real samples must
    /// be the programme's from real sample `from · packet − pre_skip + tail.pre_skip` on.
    ///
    /// # Errors
    ///
    /// See [`TailError`]; nothing is changed then.
    pub fn replace_tail(&mut self, from: usize, tail: Arc<EncodedAudio>) -> Result<(), TailError> {
        let programme = self.programme();
        let next = self.next_programme_packet();
        let end = self.segments[programme].end;
        if from < next || self.segment > programme {
            return Err(TailError::Sent { next });
        }
        if from > end {
            return Err(TailError::PastEnd { end });
        }
        self.segments.truncate(programme + 1);
        let main = &mut self.segments[programme];
        main.end = from;
        let (at, media) = (main.packet_time(from), media_at(&main.audio, from));
        let packets = real_packets(&tail);
        self.segments.push(Segment {
            audio: tail,
            first: 0,
            end: packets,
            at,
            media: Some(media),
        });
        Ok(())
    }

    /// Sends `packets` in the place of the programme's from `from` on, as far as they go and were not sent: the same
    /// sound with something beneath it. Those of another length than the programme's are ignored.
    pub fn overlay(&mut self, from: usize, packets: Arc<EncodedAudio>) {
        let main = &self.segments[self.programme()];
        if packets.packet_samples != main.audio.packet_samples {
            return;
        }
        let next = self.next_programme_packet();
        self.overlays
            .retain(|(from, packets)| from + packets.packet_count() > next);
        if self.overlays.len() == OVERLAYS_MAX {
            self.overlays.pop_front();
        }
        self.overlays.push_back((from, packets));
    }

    /// Ends at the packet boundary at or after media time `at`, with a last packet if anything was sent.
    pub fn cut(&mut self, at: WallTime) {
        let cut = at.to_sample();
        let Some((segment, packet)) = self.upcoming() else {
            return;
        };
        let begun = !self.marker_due;
        if !begun && cut <= self.segments[segment].packet_time(packet) {
            self.segments[segment].end = packet;
            self.segments.truncate(segment + 1);
            return;
        }
        for index in segment..self.segments.len() {
            let from = if index == segment {
                packet
            } else {
                self.segments[index].first
            };
            let here = &mut self.segments[index];
            let kept = (from..here.end).find(|packet| here.packet_time(packet + 1) >= cut);
            if let Some(kept) = kept {
                here.end = kept + 1;
                self.segments.truncate(index + 1);
                return;
            }
        }
    }

    /// Tells whether every packet was given out.
    pub fn is_finished(&self) -> bool {
        self.upcoming().is_none()
    }

    /// Returns the media time of the first packet.
    pub fn starts_at(&self) -> WallTime {
        self.segments[0].at.to_wall()
    }

    /// Returns the media time at which the last packet ends.
    pub fn ends_at(&self) -> WallTime {
        let last = &self.segments[self.segments.len() - 1];
        last.packet_time(last.end).to_wall()
    }

    /// Returns the media time at which what was given out ends; where it begins, if nothing was.
    pub fn reached(&self) -> WallTime {
        self.reached.to_wall()
    }

    /// Returns how far into the piece what was given out reaches, for the as-run log.
    pub fn position(&self) -> Duration {
        let reached = self
            .media_reached
            .clamp(self.media_from, self.media_samples.max(self.media_from));
        samples_to_duration(u64::try_from(reached).unwrap_or(0))
    }

    /// Returns how many packets were skipped because the caller came too late for them.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the next packet: segment and index.
    fn upcoming(&self) -> Option<(usize, usize)> {
        let (mut segment, mut packet) = (self.segment, self.packet);
        while packet >= self.segments.get(segment)?.end {
            segment += 1;
            packet = self.segments.get(segment)?.first;
        }
        Some((segment, packet))
    }

    /// Returns what is sent as packet `index` of the segment in turn.
    fn payload(&self, index: usize) -> Option<&[u8]> {
        let overlays = self.overlays.iter().filter(|_| self.segment == self.programme());
        let mut laid_over = overlays.filter_map(|(from, packets)| packets.packet(index.checked_sub(*from)?));
        laid_over
            .next()
            .or_else(|| self.segments[self.segment].audio.packet(index))
    }

    fn programme(&self) -> usize {
        usize::from(self.segments[0].media.is_none()).min(self.segments.len() - 1)
    }
}

impl Segment {
    fn packet_time(&self, index: usize) -> SampleTime {
        let after = span(&self.audio, index.saturating_sub(self.first));
        self.at.offset(after)
    }
}

/// Returns the real sample that lies at the beginning of packet `index`; negative inside the pre-skip.
fn media_at(audio: &EncodedAudio, index: usize) -> i64 {
    span(audio, index) - i64::from(audio.pre_skip)
}

/// Returns how many packets it takes to hold every real sample.
fn real_packets(audio: &EncodedAudio) -> usize {
    if audio.packet_samples == 0 || audio.samples == 0 {
        return 0;
    }
    let needed = (audio.samples + u64::from(audio.pre_skip)).div_ceil(u64::from(audio.packet_samples));
    usize::try_from(needed)
        .unwrap_or(usize::MAX)
        .min(audio.packet_count())
}

fn span(audio: &EncodedAudio, packets: usize) -> i64 {
    signed(packets as u64 * u64::from(audio.packet_samples))
}

/// Sample counts come from durations and lengths, far below 2^63.
fn signed(samples: u64) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

/// Stretches that lie ready at a time; each is rendered shortly before it is sent.
const OVERLAYS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::ContentHash;

    const PACKET: u32 = 2_880;
    const PRE_SKIP: u32 = 312;
    const START: WallTime = WallTime::from_unix_s(1_700_000_000);

    /// Packets of 60 ms whose payload is a letter and their index.
    fn audio(letter: u8, packets: u8) -> Arc<EncodedAudio> {
        let mut audio = EncodedAudio::new(ContentHash([letter; 32]), PACKET, PRE_SKIP);
        (0..packets).for_each(|index| audio.push(&[letter, index]));
        audio.samples = u64::from(packets) * u64::from(PACKET) - u64::from(PRE_SKIP);
        Arc::new(audio)
    }

    fn play(offset_ms: u64, chime: u8) -> Play {
        Play {
            chime: (chime > 0).then(|| audio(b'c', chime)),
            programme: audio(b'p', 10),
            offset: Duration::from_millis(offset_ms),
            start: START,
            lead: Duration::ZERO,
            late_max: Duration::from_millis(600),
        }
    }

    /// What is sent at `now`, as "letter index@samples after the start", with `!` for marker and `.` for last.
    fn drain(player: &mut SegmentPlayer, now: WallTime) -> String {
        let mut sent = Vec::new();
        while let Some(packet) = player.next_packet(now) {
            sent.push(format!(
                "{}{}{}@{}{}",
                if packet.marker { "!" } else { "" },
                char::from(packet.payload[0]),
                packet.payload[1],
                packet.at.samples_after(START.to_sample()),
                if packet.last { "." } else { "" },
            ));
        }
        sent.join(" ")
    }

    #[test]
    fn an_overlay_takes_the_place_of_what_was_not_sent() {
        let mut player = SegmentPlayer::new(&play(0, 0));
        assert_eq!(
            drain(&mut player, START + Duration::from_millis(100))
                .matches('p')
                .count(),
            2
        );
        player.overlay(1, audio(b'm', 4));
        player.overlay(7, audio(b'n', 9));
        let mut other_length = EncodedAudio::clone(&audio(b'x', 9));
        other_length.packet_samples = 960;
        player.overlay(5, Arc::new(other_length));
        let sent = drain(&mut player, START + Duration::from_millis(600));
        let letters: String = sent
            .split(' ')
            .map(|packet| packet.trim_start_matches('!')[..2].to_owned() + " ")
            .collect();
        assert_eq!(letters.trim(), "m1 m2 m3 p5 p6 n0 n1 n2");
        assert!(sent.ends_with('.'), "it ends where the programme does: {sent}");
    }

    fn run_from(play: &Play) -> String {
        let mut player = SegmentPlayer::new(play);
        let mut sent = Vec::new();
        while let Some(due) = player.poll_due() {
            assert_eq!(
                player.next_packet(due.offset_ns(-1)),
                None,
                "nothing leaves before it is due"
            );
            sent.push(drain(&mut player, due));
        }
        sent.join(" ")
    }

    #[test]
    fn lays_packets_on_the_timeline() {
        let whole = "!p0@-312 p1@2568 p2@5448 p3@8328 p4@11208 p5@14088 p6@16968 p7@19848 p8@22728 p9@25608.";
        let rows = [
            ("whole", play(0, 0), whole),
            // Real sample 24,000 is sample 24,312 of the decode: packet 8, which begins at 23,040.
            ("from the middle", play(500, 0), "!p8@-1272 p9@1608."),
            (
                "chime before",
                play(500, 2),
                "!c0@-7032 c1@-4152 p8@-1272 p9@1608.",
            ),
            ("past the end", play(5_000, 2), ""),
        ];
        for (name, play, expected) in rows {
            assert_eq!(run_from(&play), expected, "{name}");
        }
    }

    #[test]
    fn tells_how_long_it_runs_before_its_start() {
        let rows = [
            (play(0, 0), 312),
            (play(0, 2), 312 + 2 * 2_880),
            (play(500, 2), 1_272 + 2 * 2_880),
        ];
        for (play, samples) in rows {
            assert_eq!(duration_to_samples(play.runs_before_start()), samples);
            assert_eq!(
                SegmentPlayer::new(&play).starts_at(),
                SegmentPlayer::new(&play).reached()
            );
        }
    }

    #[test]
    fn sends_ahead_by_its_lead() {
        let play = Play {
            lead: Duration::from_millis(100),
            ..play(0, 0)
        };
        let player = SegmentPlayer::new(&play);
        assert_eq!(
            player.poll_due(),
            Some(START - Duration::from_micros(6_500) - play.lead)
        );
    }

    #[test]
    fn position_counts_real_samples_of_the_programme() {
        let rows: &[(i64, u64)] = &[
            (-200, 0),
            (-100, 0),
            (-10, 0),
            (-6, 60 * 48 - 312),
            (100, 2 * 2_880 - 312),
            (9_999, 28_488),
        ];
        for (ms, samples) in rows {
            let mut player = SegmentPlayer::new(&play(0, 2));
            drain(&mut player, START.offset_ns(ms * 1_000_000));
            assert_eq!(duration_to_samples(player.position()), *samples, "at {ms} ms");
        }
    }

    #[test]
    fn skips_what_would_come_too_late_but_never_the_last() {
        let mut player = SegmentPlayer::new(&play(0, 0));
        // Packet 0 ends at 53.5 ms; everything that ends by 1,060 − 600 ms is too late.
        let now = START.offset_ns(1_060_000_000);
        assert_eq!(drain(&mut player, now), "!p7@19848 p8@22728 p9@25608.");
        assert_eq!(player.skipped(), 7);
        let mut player = SegmentPlayer::new(&play(0, 0));
        assert_eq!(drain(&mut player, START.offset_ns(9_000_000_000)), "!p9@25608.");
    }

    #[test]
    fn cuts_at_a_packet_boundary() {
        let ms = |ms: i64| START.offset_ns(ms * 1_000_000);
        // Each row: sent until, cut at, and what is sent after the cut.
        let rows = [
            ("inside a later packet", 100, 200, "p2@5448 p3@8328."),
            ("just after a boundary", 100, 234, "p2@5448 p3@8328 p4@11208."),
            ("in the past", 100, 0, "p2@5448."),
            ("after the end", 500, 9_000, "p9@25608."),
            ("before anything was sent", -50, -20, ""),
        ];
        for (name, sent_until, cut, expected) in rows {
            let mut player = SegmentPlayer::new(&play(0, 0));
            drain(&mut player, ms(sent_until));
            player.cut(ms(cut));
            assert_eq!(drain(&mut player, ms(600)), expected, "{name}");
            assert!(player.is_finished(), "{name}");
        }
    }

    #[test]
    fn a_tail_takes_over_where_it_was_rendered_from() {
        let mut player = SegmentPlayer::new(&play(0, 1));
        assert_eq!(player.next_programme_packet(), 0);
        drain(&mut player, START.offset_ns(100_000_000));
        assert_eq!(player.next_programme_packet(), 2);
        assert_eq!(
            player.replace_tail(1, audio(b't', 2)),
            Err(TailError::Sent { next: 2 })
        );
        assert_eq!(
            player.replace_tail(11, audio(b't', 2)),
            Err(TailError::PastEnd { end: 10 })
        );
        assert_eq!(player.replace_tail(4, audio(b't', 2)), Ok(()));
        assert_eq!(
            player.packet_time(4).to_sample().samples_after(START.to_sample()),
            11_208
        );
        assert_eq!(
            drain(&mut player, START.offset_ns(600_000_000)),
            "p2@5448 p3@8328 t0@11208 t1@14088."
        );
        assert_eq!(duration_to_samples(player.position()), 6 * 2_880 - 312);
        assert_eq!(
            player.replace_tail(4, audio(b't', 2)),
            Err(TailError::Sent { next: 4 })
        );
    }

    #[test]
    fn an_empty_piece_is_finished() {
        let empty = Arc::new(EncodedAudio::new(ContentHash([0; 32]), 0, 0));
        let player = SegmentPlayer::new(&Play {
            programme: empty,
            ..play(0, 1)
        });
        assert!(player.is_finished() && player.poll_due().is_none());
    }
}
