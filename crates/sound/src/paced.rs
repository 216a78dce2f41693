//! A sink paced by a virtual card, for outputs that have no clock of their own.

use loa_model::MonoTime;

use crate::card::{Gap, VirtualCard};
use crate::clock::Clock;
use crate::pcm::to_pcm16;
use crate::sink::{Position, Sink, SinkCounts};

/// Where the frames of a virtual card end up. Never waits.
pub(crate) trait Output: Send + std::fmt::Debug {
    /// Takes frames and returns how many were lost.
    fn put(&mut self, pcm: &[i16], now: MonoTime) -> u64;
    /// Returns how often the output was started again.
    fn restarts(&self) -> u64 {
        0
    }
    /// Returns what is wrong at present.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// Takes everything and keeps nothing.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Output for Nowhere {
    fn put(&mut self, _pcm: &[i16], _now: MonoTime) -> u64 {
        0
    }
}

#[derive(Debug)]
pub(crate) struct Paced<O, C> {
    card: VirtualCard,
    clock: C,
    output: O,
    pcm: Vec<i16>,
    counts: SinkCounts,
}

impl<O: Output, C: Clock> Paced<O, C> {
    pub(crate) fn new(output: O, clock: C, skew_ppm: f64) -> Self {
        let card = VirtualCard::new(BUFFER_FRAMES as u64, skew_ppm);
        Self {
            card,
            clock,
            output,
            pcm: Vec::with_capacity(CHUNK_FRAMES),
            counts: SinkCounts::default(),
        }
    }

    fn put_silence(&mut self, frames: u64, now: MonoTime) {
        let mut left = frames;
        while left > 0 {
            let part = left.min(CHUNK_FRAMES as u64);
            self.counts.lost += self
                .output
                .put(&[0; CHUNK_FRAMES][..usize::try_from(part).unwrap_or(0)], now);
            left -= part;
        }
    }
}

impl<O: Output, C: Clock> Sink for Paced<O, C> {
    fn write(&mut self, samples: &[f32]) {
        for chunk in samples.chunks(CHUNK_FRAMES) {
            let frames = chunk.len() as u64;
            let room_at = self.card.room_at(frames);
            if room_at > self.clock.now() {
                self.clock.sleep_until(room_at);
            }
            let now = self.clock.now();
            match self.card.write(frames, now) {
                Gap::None => {}
                Gap::Silence(missing) => {
                    self.counts.underruns += 1;
                    self.put_silence(missing, now);
                }
                Gap::Restart => self.counts.underruns += 1,
            }
            self.pcm.clear();
            self.counts.clipped += to_pcm16(chunk, &mut self.pcm);
            self.counts.taken += frames;
            self.counts.lost += self.output.put(&self.pcm, now);
        }
    }

    fn position(&mut self) -> Position {
        let at = self.clock.now();
        let (written, generation) = (self.card.written(), self.card.generation());
        Position {
            at,
            written,
            pending: self.card.pending(at),
            generation,
        }
    }

    fn counts(&self) -> SinkCounts {
        SinkCounts {
            restarts: self.output.restarts(),
            ..self.counts
        }
    }

    fn fault(&self) -> Option<String> {
        self.output.fault()
    }
}

/// 100 ms: what the ALSA sink asks of a real card.
pub(crate) const BUFFER_FRAMES: usize = 4800;

/// 10 ms: how much is converted and handed on at a time.
pub(crate) const CHUNK_FRAMES: usize = 480;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::testing::ManualClock;

    #[derive(Debug, Default)]
    struct Kept(Vec<i16>);

    impl Output for Kept {
        fn put(&mut self, pcm: &[i16], _now: MonoTime) -> u64 {
            self.0.extend(pcm);
            0
        }
    }

    fn paced(clock: &ManualClock) -> Paced<Kept, ManualClock> {
        Paced::new(Kept::default(), clock.clone(), 0.0)
    }

    #[test]
    fn writer_is_held_to_real_time() {
        let clock = ManualClock::default();
        let mut sink = paced(&clock);
        sink.write(&[0.0; 48_000]);
        let now = clock.now();
        assert_eq!(now, MonoTime::from_ns(900_000_000), "all but the card's 100 ms");
        assert_eq!(sink.position().pending, 4800);
        assert_eq!(sink.position().next_sounds_at(), MonoTime::from_ns(1_000_000_000));
    }

    #[test]
    fn frame_numbers_keep_their_relation_to_time_over_an_underrun() {
        let clock = ManualClock::default();
        let mut sink = paced(&clock);
        sink.write(&[0.1; 960]);
        clock.advance_ms(50);
        let sounds_at = sink.position().next_sounds_at();
        sink.write(&[1.0; 960]);
        let first = sink.output.0.iter().position(|s| *s == 32_767).unwrap();
        assert_eq!(first, 2400, "20 ms of sound, then 30 ms of silence");
        assert_eq!(sounds_at, MonoTime::from_ns(50_000_000));
        assert_eq!(sink.counts().underruns, 1);
        assert_eq!(sink.position().generation, 0);
    }

    #[test]
    fn counts_add_up() {
        let clock = ManualClock::default();
        let mut sink = paced(&clock);
        sink.write(&[0.0, 2.0, f32::NAN]);
        assert_eq!(
            sink.counts(),
            SinkCounts {
                taken: 3,
                clipped: 2,
                ..SinkCounts::default()
            }
        );
        assert_eq!(sink.fault(), None);
    }
}
