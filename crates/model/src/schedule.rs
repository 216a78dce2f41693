//! A schedule as people write it, checked and ready to be stored: everything names everything else by code.

use std::time::Duration;

use chrono::NaiveDate;

use crate::id::ContentHash;
use crate::priority::BulletinClass;
use crate::programme::{PreEmption, Recurrence, SlotChange};
use crate::zone::Channel;

/// What one or more schedule files hold, with every name known to stand for something.
///
/// A file owns the programmes, slots and exceptions it declares: importing a file
/// of the same name again replaces them. Zones are added and changed, never removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Names of the files it was read from, without directories.
    pub files: Vec<String>,
    /// Zones, each after its parent.
    pub zones: Vec<NewZone>,
    /// Programmes.
    pub programmes: Vec<NewProgramme>,
    /// Slots.
    pub slots: Vec<NewSlot>,
    /// Exceptions to slots.
    pub exceptions: Vec<NewException>,
}

/// A zone to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewZone {
    /// Its code.
    pub code: String,
    /// Name shown to people.
    pub name: String,
    /// Code of the zone it lies in.
    pub parent: Option<String>,
    /// Its multicast channel.
    pub channel: Channel,
}

/// A programme to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProgramme {
    /// Name of the file that declares it.
    pub file: String,
    /// Its code.
    pub code: String,
    /// Name shown to people.
    pub title: String,
    /// What sounds.
    pub media: ContentHash,
    /// Its class wherever a slot does not say otherwise.
    pub class: BulletinClass,
    /// Whether the chime sounds before it.
    pub chime: bool,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
}

/// A slot to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSlot {
    /// Name of the file that declares it.
    pub file: String,
    /// Its code.
    pub code: String,
    /// Code of what it airs.
    pub programme: String,
    /// Codes of where it airs.
    pub zones: Vec<String>,
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

/// An exception to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewException {
    /// Name of the file that declares it.
    pub file: String,
    /// Code of the slot.
    pub slot: String,
    /// On which local date.
    pub date: NaiveDate,
    /// What happens.
    pub change: SlotChange,
    /// Why, for people.
    pub note: String,
}
