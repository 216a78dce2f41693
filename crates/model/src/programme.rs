//! What can be aired, and the rules that place it in the day.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::id::{ContentHash, ProgrammeId, SlotId, ZoneId};
use crate::priority::BulletinClass;

/// A piece of media in the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// SHA-256 of the original file.
    pub hash: ContentHash,
    /// Name shown to people; the file's name unless they gave another.
    pub title: String,
    /// What it was imported as, for example "mp3".
    pub format: String,
    /// Samples at 48 kHz after resampling.
    pub samples: u64,
    /// Integrated loudness of the original, LUFS (EBU R 128). None when too quiet to gate.
    pub loudness_lufs: Option<f64>,
    /// True peak of the original, dBTP.
    pub true_peak_dbtp: f64,
    /// Gain applied before encoding, dB.
    pub gain_db: f64,
    /// Opus target bit rate, bit/s.
    pub bitrate: u32,
    /// Bytes of the encoded file.
    pub encoded_bytes: u64,
}

impl Media {
    /// Returns how long it sounds.
    pub fn duration(&self) -> Duration {
        crate::time::samples_to_duration(self.samples)
    }
}

/// Something that can be aired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    /// Its row in the store.
    pub id: ProgrammeId,
    /// Short stable name used in schedule files.
    pub code: String,
    /// Name shown to people.
    pub title: String,
    /// What sounds.
    pub source: Source,
    /// Its class wherever a slot does not say otherwise.
    pub class: BulletinClass,
    /// Whether the station's chime sounds before it.
    pub chime: bool,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
}

/// Where a programme's sound comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// One piece of media from the library.
    Asset(ContentHash),
}

/// What becomes of a programme when something stronger takes the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreEmption {
    /// Goes on from where it was cut, and so ends later.
    #[default]
    Resume,
    /// Goes on as if it had run meanwhile, and so ends on time.
    Rejoin,
    /// Is over.
    Drop,
}

/// A recurring rule that places a programme in zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its row in the store.
    pub id: SlotId,
    /// Short stable name, unique among slots.
    pub code: String,
    /// What it airs.
    pub programme: ProgrammeId,
    /// Where it airs.
    pub zones: Vec<ZoneId>,
    /// When it airs.
    pub recurrence: Recurrence,
    /// First day on which it may air.
    pub valid_from: Option<NaiveDate>,
    /// Last day on which it may air.
    pub valid_to: Option<NaiveDate>,
    /// Its class.
    pub class: BulletinClass,
    /// It is cut, with a fade, after this long.
    pub max_duration: Duration,
}

/// When a slot airs, in the installation's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// A cron line as a person wrote it: five fields (minute first) or six (second first), weekdays by name.
    Cron(String),
    /// Once, at this local date and time.
    Once(NaiveDateTime),
}

/// A change to a slot's occurrences on one date that leaves the series alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotException {
    /// Whose occurrences.
    pub slot: SlotId,
    /// On which local date.
    pub date: NaiveDate,
    /// What happens to them.
    pub change: SlotChange,
    /// Why, for people.
    pub note: String,
}

/// What an exception does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlotChange {
    /// They do not air.
    Cancel,
}
