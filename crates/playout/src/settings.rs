//! What the engine is told once.

use std::time::Duration;

use loa_model::{BulletinClass, ContentHash, Piece};

/// What the engine must know of those who send and of those who hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// The station's chime; none if programmes begin without one.
    pub chime: Option<ChimeInfo>,
    /// The words with which a drill begins, in the place of a chime; none if there are no drills.
    pub drill: Option<ChimeInfo>,
    /// How long after it is sent a programme sounds.
    pub programme_delay: Duration,
    /// The same for live voices and emergencies.
    pub urgent_delay: Duration,
    /// A planned change of the air is decided this long before it sounds.
    pub ahead: Duration,
    /// Media is asked for this long before it sounds.
    pub prepare: Duration,
    /// Sounds, over and over, in the place of what turns out to be silent; none if nothing does.
    pub fill: Option<Piece>,
    /// Local time is UTC and this many minutes; quiet hours are kept in local time.
    pub utc_offset_min: i16,
}

/// The chime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChimeInfo {
    /// Its sound, for programmes that end with it.
    pub media: ContentHash,
    /// How long it sounds.
    pub duration: Duration,
}

impl EngineSettings {
    /// Returns settings for these delays, with room to render a fade before it must be sent.
    pub fn new(chime: Option<ChimeInfo>, programme_delay: Duration, urgent_delay: Duration) -> Self {
        let ahead = programme_delay.max(urgent_delay) + FADE_ROOM + MARGIN;
        Self {
            chime,
            drill: None,
            programme_delay,
            urgent_delay,
            ahead,
            prepare: PREPARE,
            fill: None,
            utc_offset_min: 0,
        }
    }

    /// Returns how long after it is sent a session of this class sounds.
    pub fn delay(&self, class: BulletinClass) -> Duration {
        if class >= BulletinClass::Live {
            self.urgent_delay
        } else {
            self.programme_delay
        }
    }
}

/// A part's first packet begins this much before its first sound: a packet's length, when it goes on in the middle of
/// one, and the codec's pre-skip.
pub(crate) const FIRST_PACKET: Duration = Duration::from_millis(70);
/// From the decision until the first sound that can be sent in time: the air thread looks every 5 ms.
pub(crate) const MARGIN: Duration = Duration::from_millis(80);
/// A fade takes 240 ms and has to be rendered before it is sent.
pub(crate) const FADE_ROOM: Duration = Duration::from_millis(450);
/// A relay is connected this long before it sounds, so that its sources are known to be healthy.
pub(crate) const RELAY_AHEAD: Duration = Duration::from_secs(20);
/// Media is read this long before it sounds; a slow disk needs a second.
pub(crate) const PREPARE: Duration = Duration::from_secs(30);
