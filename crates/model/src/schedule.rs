//! A schedule as people write it, checked and ready to be stored: everything names everything else by code.

use crate::profile::ProfileSpec;
use crate::programme::ProgrammeSpec;
use crate::slot::{SlotException, SlotSpec};
use crate::zone::{Channel, ZoneSettings};

/// What one or more schedule files hold, with every name known to stand for something.
///
/// A file owns the programmes, slots, profiles and exceptions it declares: importing a file
/// of the same name again replaces them. Zones are added and changed, never removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Names of the files it was read from, without directories.
    pub files: Vec<String>,
    /// Zones, each after its parent.
    pub zones: Vec<NewZone>,
    /// Programmes.
    pub programmes: Vec<NewProgramme>,
    /// Day profiles.
    pub profiles: Vec<NewProfile>,
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
    /// What else is said of it.
    pub settings: ZoneSettings,
}

/// A programme to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProgramme {
    /// Name of the file that declares it.
    pub file: String,
    /// Its code.
    pub code: String,
    /// What it is; other programmes by code.
    pub spec: ProgrammeSpec<String>,
}

/// A day profile to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProfile {
    /// Name of the file that declares it.
    pub file: String,
    /// Its code.
    pub code: String,
    /// What it says; slots, programmes and zones by code.
    pub spec: ProfileSpec<String, String, String>,
}

/// A slot to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSlot {
    /// Name of the file that declares it.
    pub file: String,
    /// Its code.
    pub code: String,
    /// What it says; programme, zones and profile by code.
    pub spec: SlotSpec<String, String, String>,
}

/// An exception to add or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewException {
    /// Name of the file that declares it.
    pub file: String,
    /// What it says; slot and programme by code.
    pub exception: SlotException<String, String>,
}
