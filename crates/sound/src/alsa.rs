//! A real sound card, by ALSA.

use std::io;
use std::time::Duration;

use alsa::pcm::{Access, Format, Frames, HwParams, PCM};
use alsa::{Direction, ValueOr};
use loa_model::{MonoTime, SAMPLE_RATE};

use crate::card::VirtualCard;
use crate::clock::Clock;
use crate::paced::{BUFFER_FRAMES, CHUNK_FRAMES};
use crate::pcm::to_pcm16;
use crate::sink::{Position, Sink, SinkCounts};

/// A card: 48 kHz, 16 bits, our one channel on each of its channels, about 100 ms of buffer.
///
/// A card that is not there yet, is unplugged or hangs is tried again every
/// [`REOPEN`]; meanwhile a virtual card keeps the receiver's time.
#[derive(Debug)]
pub(crate) struct AlsaSink<C> {
    device: String,
    clock: C,
    card: Option<Card>,
    stand_in: VirtualCard,
    reopen_at: MonoTime,
    written: u64,
    generation: u32,
    pcm: Vec<i16>,
    frames: Vec<i16>,
    counts: SinkCounts,
    fault: Option<String>,
}

struct Card {
    pcm: PCM,
    channels: usize,
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

impl<C: Clock> AlsaSink<C> {
    /// Opens the card, or begins without it: after a power cut a USB card may come late, or only be pulled out and put
    /// in again by somebody who must first be told.
    ///
    /// # Errors
    ///
    /// Only if no card can have that name. ALSA says the same of a name that is misspelt and of a card that is away.
    pub(crate) fn open(device: &str, clock: C) -> io::Result<Self> {
        if device.contains('\0') {
            let why = "a name holds no NUL";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let mut sink = Self {
            card: None,
            device: device.to_owned(),
            clock,
            stand_in: stand_in(),
            reopen_at: MonoTime::default(),
            written: 0,
            generation: 0,
            pcm: Vec::new(),
            frames: Vec::new(),
            counts: SinkCounts::default(),
            fault: None,
        };
        match Card::open(device) {
            Ok(card) => sink.card = Some(card),
            Err(error) => sink.lose_card(&error),
        }
        Ok(sink)
    }

    fn write_chunk(&mut self, chunk: &[f32]) {
        self.pcm.clear();
        self.counts.clipped += to_pcm16(chunk, &mut self.pcm);
        self.counts.taken += chunk.len() as u64;
        self.reopen_if_due();
        if let Some(card) = &self.card {
            self.frames.clear();
            self.frames.extend(
                self.pcm
                    .iter()
                    .flat_map(|s| std::iter::repeat_n(*s, card.channels)),
            );
            match card.write_all(&self.frames) {
                Ok(underruns) => {
                    self.counts.underruns += underruns;
                    self.generation = self.generation.wrapping_add(u32::from(underruns > 0));
                    self.written += chunk.len() as u64;
                    return;
                }
                Err(error) => self.lose_card(&error),
            }
        }
        self.stand_in(chunk.len() as u64);
    }

    fn stand_in(&mut self, frames: u64) {
        let room_at = self.stand_in.room_at(frames);
        if room_at > self.clock.now() {
            self.clock.sleep_until(room_at);
        }
        self.stand_in.write(frames, self.clock.now());
        self.written += frames;
        self.counts.lost += frames;
    }

    fn lose_card(&mut self, error: &io::Error) {
        tracing::warn!(device = self.device, %error, "no sound card; it is tried again");
        self.fault = Some(format!("sound card \"{}\": {error}", self.device));
        self.card = None;
        self.stand_in = stand_in();
        self.generation = self.generation.wrapping_add(1);
        self.reopen_at = self.clock.now() + REOPEN;
    }

    fn reopen_if_due(&mut self) {
        let now = self.clock.now();
        if self.card.is_some() || now < self.reopen_at {
            return;
        }
        self.reopen_at = now + REOPEN;
        hush();
        if let Ok(card) = Card::open(&self.device) {
            tracing::info!(device = self.device, "sound card is back");
            self.card = Some(card);
            self.fault = None;
            self.counts.restarts += 1;
            self.generation = self.generation.wrapping_add(1);
        }
    }
}

impl<C: Clock> Sink for AlsaSink<C> {
    fn write(&mut self, samples: &[f32]) {
        for chunk in samples.chunks(CHUNK_FRAMES) {
            self.write_chunk(chunk);
        }
    }

    fn position(&mut self) -> Position {
        let before = self.clock.now();
        let pending = match &self.card {
            Some(card) => card.pending(),
            None => self.stand_in.pending(before),
        };
        // The card was asked somewhere between the two readings.
        let at = before + self.clock.now().since(before) / 2;
        Position {
            at,
            written: self.written,
            pending,
            generation: self.generation,
        }
    }

    fn counts(&self) -> SinkCounts {
        self.counts
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }
}

impl Card {
    fn open(device: &str) -> io::Result<Self> {
        let pcm = PCM::new(device, Direction::Playback, true).map_err(named("open"))?;
        let channels = {
            let params = HwParams::any(&pcm).map_err(named("read the abilities"))?;
            params
                .set_access(Access::RWInterleaved)
                .map_err(named("interleave"))?;
            params.set_format(Format::S16LE).map_err(named("use 16 bits"))?;
            params.set_rate_resample(true).map_err(named("resample"))?;
            params
                .set_rate(SAMPLE_RATE, ValueOr::Nearest)
                .map_err(named("use 48 kHz"))?;
            let channels = params.set_channels_near(1).map_err(named("choose channels"))?;
            params
                .set_buffer_size_near(to_frames(BUFFER_FRAMES))
                .map_err(named("size the buffer"))?;
            params
                .set_period_size_near(to_frames(BUFFER_FRAMES / 5), ValueOr::Nearest)
                .map_err(named("size the period"))?;
            pcm.hw_params(&params).map_err(named("set up"))?;
            usize::try_from(channels).map_err(io::Error::other)?
        };
        {
            let current = pcm.hw_params_current().map_err(named("read the set-up"))?;
            let buffer = current.get_buffer_size().map_err(named("read the buffer"))?;
            let period = current.get_period_size().map_err(named("read the period"))?;
            let software = pcm.sw_params_current().map_err(named("read the thresholds"))?;
            // Sound begins when the buffer is nearly full, so that the first moments do not run empty.
            software
                .set_start_threshold((buffer - period).max(1))
                .map_err(named("set the start"))?;
            software.set_avail_min(period).map_err(named("set the wake-up"))?;
            pcm.sw_params(&software).map_err(named("set thresholds"))?;
        }
        Ok(Self { pcm, channels })
    }

    /// Writes interleaved frames and returns how often the card had run empty.
    fn write_all(&self, frames: &[i16]) -> io::Result<u64> {
        let io = self.pcm.io_i16().map_err(named("write"))?;
        let (mut rest, mut underruns, mut waits) = (frames, 0, 0);
        while !rest.is_empty() {
            match io.writei(rest) {
                Ok(taken) => {
                    rest = &rest[taken * self.channels..];
                    waits = 0;
                }
                Err(error) if error.errno() == libc_errno::AGAIN => {
                    waits += 1;
                    if waits > WAITS_MAX {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "it takes no more sound"));
                    }
                    // A failure shows in the next write.
                    let _ = self.pcm.wait(Some(WAIT_MS));
                }
                Err(error) => {
                    self.pcm.try_recover(error, true).map_err(named("recover"))?;
                    underruns += 1;
                    if underruns > RECOVERIES_MAX {
                        return Err(io::Error::other("it fails again and again"));
                    }
                }
            }
        }
        Ok(underruns)
    }

    /// Frames written and not sounded; none if the card has run empty.
    fn pending(&self) -> u64 {
        self.pcm
            .delay()
            .map_or(0, |delay| u64::try_from(delay).unwrap_or(0))
    }
}

/// Keeps what ALSA writes to standard error from there: a card may be away for weeks, and the log names it once.
fn hush() {
    // Each call forgets what the one before it caught. Without memory for that, ALSA goes on writing.
    let _ = alsa::Output::local_error_handler();
}

fn stand_in() -> VirtualCard {
    VirtualCard::new(BUFFER_FRAMES as u64, 0.0)
}

fn to_frames(frames: usize) -> Frames {
    Frames::try_from(frames).unwrap_or(Frames::MAX)
}

fn named(step: &'static str) -> impl Fn(alsa::Error) -> io::Error {
    move |error| {
        let cause = io::Error::from_raw_os_error(error.errno());
        io::Error::new(cause.kind(), format!("cannot {step}: {cause}"))
    }
}

mod libc_errno {
    pub(super) const AGAIN: i32 = nix::errno::Errno::EAGAIN as i32;
}

/// How often a lost card is tried again.
const REOPEN: Duration = Duration::from_secs(2);
/// A card that moves frees a period every 20 ms; one that took nothing for a second is hung.
const WAIT_MS: u32 = 250;
const WAITS_MAX: u32 = 4;
/// In one chunk of 10 ms.
const RECOVERIES_MAX: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::testing::ManualClock;

    /// ALSA's own file plug-in as the card: what reaches it can be read back.
    #[test]
    fn card_receives_every_sample() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raw");
        let device = format!("file:FILE={},FORMAT=raw", path.display());
        let mut sink = AlsaSink::open(&device, ManualClock::default()).unwrap();
        let channels = sink.card.as_ref().unwrap().channels;
        let samples: Vec<f32> = (0u16..9600).map(|n| f32::from(n) / 32_767.0).collect();
        sink.write(&samples);
        assert_eq!(
            (sink.counts().taken, sink.counts().lost, sink.fault()),
            (9600, 0, None)
        );
        drop(sink);
        let expected: Vec<u8> = (0i16..9600)
            .flat_map(|n| std::iter::repeat_n(n.to_le_bytes(), channels).flatten())
            .collect();
        let written = std::fs::read(path).unwrap();
        assert!(
            !written.is_empty() && expected.starts_with(&written),
            "{} bytes differ",
            written.len()
        );
        assert!(
            written.len() >= expected.len() - BUFFER_FRAMES * 2 * channels,
            "{} bytes",
            written.len()
        );
    }

    #[test]
    fn missing_card_is_stood_in_for_from_the_start() {
        let clock = ManualClock::default();
        let mut sink = AlsaSink::open("nosuchcard", clock.clone()).unwrap();
        sink.write(&[0.0; 48_000]);
        assert!(
            clock.now() >= MonoTime::from_ns(900_000_000),
            "the stand-in keeps real time"
        );
        let counts = sink.counts();
        assert_eq!((counts.taken, counts.lost, counts.restarts), (48_000, 48_000, 0));
        let fault = sink.fault().unwrap();
        assert!(
            fault.starts_with("sound card \"nosuchcard\": cannot open: "),
            "{fault}"
        );
    }

    /// The file plug-in cannot write where there is no directory.
    #[test]
    fn card_that_comes_late_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("late");
        let device = format!("file:FILE={},FORMAT=raw", place.join("raw").display());
        let clock = ManualClock::default();
        let mut sink = AlsaSink::open(&device, clock.clone()).unwrap();
        sink.write(&[0.0; 480]);
        assert!(sink.fault().is_some());
        std::fs::create_dir(&place).unwrap();
        clock.advance_ms(2000);
        sink.write(&[0.0; 480]);
        assert_eq!((sink.fault(), sink.counts().restarts), (None, 1));
        assert_eq!(sink.counts().lost, 480, "only what came before it");
    }

    #[test]
    fn name_that_no_card_can_have_is_refused() {
        assert!(AlsaSink::open("hw:\0", ManualClock::default()).is_err());
    }

    #[test]
    fn lost_card_is_stood_in_for_and_opened_again() {
        let clock = ManualClock::default();
        let mut sink = AlsaSink::open("null", clock.clone()).unwrap();
        sink.lose_card(&io::Error::other("unplugged"));
        sink.write(&[0.0; 48_000]);
        assert!(
            clock.now() >= MonoTime::from_ns(900_000_000),
            "the stand-in keeps real time"
        );
        assert_eq!(sink.counts().lost, 48_000);
        assert_eq!(sink.fault().unwrap(), "sound card \"null\": unplugged");
        clock.advance_ms(2000);
        sink.write(&[0.0; 480]);
        assert_eq!(
            (sink.fault(), sink.counts().restarts, sink.position().generation),
            (None, 1, 2)
        );
    }
}
