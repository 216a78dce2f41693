//! What the receiver hands to whoever renders the sound, and why it drops what it drops.

use loa_model::{BulletinClass, Channel, Priority, SampleTime, SessionId, Silence};
use serde::Serialize;

/// One session as a receiver hears it: who signed it, which one, on which group.
///
/// Two stations may count their sessions alike, so the number alone names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SessionKey {
    /// Id of the station key that signs it.
    pub station: u32,
    /// Its number.
    pub session: SessionId,
    /// The group it comes on.
    pub channel: Channel,
}

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Playing {
    /// Which session.
    #[serde(flatten)]
    pub key: SessionKey,
    /// Its class.
    pub class: BulletinClass,
    /// Zones above the one it was sent to; zero is the top.
    pub depth: u8,
    /// An exercise.
    pub drill: bool,
    /// A person with a name released it.
    pub authored: bool,
    /// It plays by its arrival here, not by the common clock, so other receivers may not be together with it.
    pub by_arrival: bool,
}

impl Playing {
    /// Tells whether it sounds in quiet hours, and at full volume whatever the hour.
    pub fn passes_quiet_hours(&self) -> bool {
        self.authored && self.class == BulletinClass::Emergency
    }

    /// Returns its claim to the air.
    pub const fn priority(&self) -> Priority {
        Priority {
            class: self.class,
            depth: self.depth,
            order: 0,
            session: self.key.session,
        }
    }
}

/// What sounds next, in the order of the timeline.
///
/// A renderer keeps PCM by [`SampleTime`]. [`Frame`](Self::Frame) and [`Gap`](Self::Gap) fill it from `start`
/// (plus `skip`) on; [`Switch`](Self::Switch) means that from `at` on, what was filled in for `from` is not
/// heard, even if a frame of it reached further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playout {
    /// A packet to decode.
    Frame(Frame),
    /// A stretch without a packet, to conceal.
    Gap(Gap),
    /// Another session takes the air, or nobody.
    Switch(Switch),
    /// What is on air goes on at another volume.
    Volume(Volume),
    /// A stretch that came and does not sound.
    Withheld(Withheld),
}

/// A packet to decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose.
    pub session: SessionKey,
    /// Where its first decoded sample lies.
    pub start: SampleTime,
    /// Samples it decodes to.
    pub samples: u32,
    /// Samples at its head that are not heard: something else held the air, or they were concealed.
    pub skip: u32,
    /// One Opus packet.
    pub payload: Vec<u8>,
}

/// A stretch of the session on air without a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub session: SessionKey,
    /// Where it begins.
    pub start: SampleTime,
    /// How long it is; one lost packet, or less. Not always a length that a decoder can conceal in one go.
    pub samples: u32,
    /// The packet directly after it, when the gap is one whole packet: it may carry the lost one (in-band FEC).
    pub next: Option<Vec<u8>>,
}

/// The air changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// First sample of `to`.
    pub at: SampleTime,
    /// Who had it.
    pub from: Option<Playing>,
    /// Who has it.
    pub to: Option<Playing>,
    /// Why.
    pub why: SwitchReason,
    /// Volume at which `to` begins: gain upon the receiver's own, dB.
    pub gain_db: i8,
}

/// Another volume for the session on air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// From when on.
    pub at: SampleTime,
    /// Gain upon the receiver's own, dB.
    pub gain_db: i8,
}

/// A stretch of a session that quiet hours keep silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Which.
    pub session: Playing,
    /// Where it begins.
    pub start: SampleTime,
    /// How long it is.
    pub samples: u64,
    /// Why.
    pub why: Silence,
}

/// Why the air changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchReason {
    /// Nothing held it before.
    Started,
    /// Something stronger took it.
    PreEmpted,
    /// The last packet of what held it was over.
    Ended,
    /// What held it was silent for too long.
    Silent,
    /// Quiet hours began, or the zone's minutes were used up.
    Quiet,
}
