//! What the panel asks of the station for somebody who speaks now.

use std::time::Duration;

use loa_model::{BulletinClass, SessionId, WallTime, ZoneId};

use crate::console::Answer;

/// A wish to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// Where; none lies within another.
    pub zones: Vec<ZoneId>,
    /// Name of it, for people.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// Whether the chime sounds before it.
    pub chime: bool,
    /// It is cut after this long.
    pub limit: Duration,
    /// Whether it is an exercise.
    pub drill: bool,
    /// When the button was pressed.
    pub pressed: WallTime,
}

/// Somebody who has been given the air. Dropping it takes the speech off the air as that of a lost speaker.
pub trait Speaking: Send {
    /// Returns the session in each zone.
    fn sessions(&self) -> &[(ZoneId, SessionId)];

    /// Returns after how long it is cut: no longer than was asked for.
    fn limit(&self) -> Duration;

    /// Hands over what was said next; returns its level, dBFS. Never waits.
    ///
    /// # Errors
    ///
    /// [`BadSound`]: nothing of it is used, and what follows is.
    fn hear(&mut self, said: Said<'_>) -> Result<f32, BadSound>;

    /// Tells whether what is said now is sent: the chime is over, and nothing stronger has the air.
    fn is_heard(&self) -> bool;

    /// Ends the speech once all that was said is sent.
    fn end(self: Box<Self>, end: SpeechEnd) -> Answer<'static, ()>;
}

/// What a microphone gives at a time.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// One Opus packet.
    Opus(&'a [u8]),
    /// Samples at 48 kHz, mono, 16 bits, little-endian; [`PCM_BYTES_MAX`] at most.
    Pcm(&'a [u8]),
}

/// Bytes of 60 ms of samples.
pub const PCM_BYTES_MAX: usize = 5_760;

/// What a microphone sent that is no sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSound {
    /// Nothing at all.
    #[error("an empty packet")]
    Empty,
    /// Not one Opus packet.
    #[error("a packet that is not Opus")]
    NotOpus,
    /// Not whole samples, or too many.
    #[error("samples that are not whole, or too many at once")]
    NotSamples,
}

/// Why a speech ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechEnd {
    /// The speaker let go of the button.
    Released,
    /// The speaker can be heard no more, and why.
    Lost(String),
}
