//! What every sink can do.

use std::fmt;
use std::time::Duration;

use loa_model::{MonoTime, samples_to_duration};

/// Takes samples at the pace of a sound card, real or virtual. It is the receiver's clock.
pub trait Sink: Send + fmt::Debug {
    /// Takes 48 kHz mono samples, full scale ±1, and waits until the card has room for all of them.
    ///
    /// Never fails and never waits much longer than `samples` last: see [`SinkCounts`].
    fn write(&mut self, samples: &[f32]);

    /// Returns where the card is.
    fn position(&mut self) -> Position;

    /// Returns what went wrong so far, in numbers.
    fn counts(&self) -> SinkCounts;

    /// Returns what is wrong at present, in words; `None` when all is well.
    fn fault(&self) -> Option<String>;
}

/// Where a card is at an instant.
///
/// Frame `consumed()` sounds at `at`; in a WAV file that was not rolled over it is the frame of that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// When this was true, on `CLOCK_MONOTONIC`.
    pub at: MonoTime,
    /// Frames that the card was given since it was opened, silence of its own making included.
    pub written: u64,
    /// How many of those have not sounded yet.
    pub pending: u64,
    /// Grows when frame numbers and time lose their relation: an underrun, a card that went and came back.
    /// Drift may be measured only between positions of one generation.
    pub generation: u32,
}

impl Position {
    /// Returns how many frames have sounded.
    pub fn consumed(&self) -> u64 {
        self.written.saturating_sub(self.pending)
    }

    /// Returns when the next sample written will sound, if it is written before then.
    pub fn next_sounds_at(&self) -> MonoTime {
        self.at + self.delay()
    }

    /// Returns how long after `at` the next sample written will sound.
    pub fn delay(&self) -> Duration {
        samples_to_duration(self.pending)
    }
}

/// What went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkCounts {
    /// Frames taken from the caller.
    pub taken: u64,
    /// Times that the card ran empty because the caller was late.
    pub underruns: u64,
    /// Frames taken that reached no card, file or command.
    pub lost: u64,
    /// Samples beyond full scale, or not a number, that were cut off.
    pub clipped: u64,
    /// Times that the command was started again or the card opened again, or late.
    pub restarts: u64,
}
