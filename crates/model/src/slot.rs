//! The rules that place programmes in the day.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::id::{ProfileId, ProgrammeId, SlotId, ZoneId};
use crate::priority::BulletinClass;

/// A rule that places a programme in zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its row in the store.
    pub id: SlotId,
    /// Short stable name, unique among slots.
    pub code: String,
    /// What it says.
    pub spec: SlotSpec<ProgrammeId, ZoneId, ProfileId>,
}

/// What a slot says; `P`, `Z` and `D` name programmes, zones and day profiles: by code where people write, by row in
/// the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSpec<P, Z, D> {
    /// What it airs.
    pub programme: P,
    /// Where it airs.
    pub zones: Vec<Z>,
    /// When it airs.
    pub recurrence: Recurrence,
    /// Of the weeks from `valid_from`'s on, it airs in the first of every so many; none for every week.
    pub every_weeks: Option<u8>,
    /// First day on which it may air.
    pub valid_from: Option<NaiveDate>,
    /// Last day on which it may air.
    pub valid_to: Option<NaiveDate>,
    /// It airs only on days of this profile.
    pub profile: Option<D>,
    /// Its class.
    pub class: BulletinClass,
    /// Among items of one class in one zone, the lower one goes first; the commune's own order.
    pub order: u16,
    /// It may sound for this long.
    pub max_duration: Duration,
    /// What becomes of what is longer than that.
    pub overrun: Overrun,
    /// What becomes of others that it meets.
    pub makes_room: Option<MakesRoom>,
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

/// What becomes of a programme that is longer than its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overrun {
    /// It fades out at the slot's end.
    #[default]
    Stop,
    /// It may take this much longer, and fades out then.
    Grace(Duration),
    /// It goes on to its own end.
    UntilDone,
}

/// What becomes of others that a special meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MakesRoom {
    /// What began before it ends when it begins; what would begin during it begins after it, and ends when planned.
    Trim,
    /// What meets it does not air.
    Skip,
    /// What meets it airs after it.
    Move,
}

/// A change to one slot on one date that leaves the series alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotException<S = SlotId, P = ProgrammeId> {
    /// Whose occurrences.
    pub slot: S,
    /// On which local date.
    pub date: NaiveDate,
    /// Of several on that date, the one at this time; none for all.
    pub time: Option<NaiveTime>,
    /// What happens to them.
    pub change: SlotChange<P>,
    /// Why, for people.
    pub note: String,
}

/// What an exception does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotChange<P> {
    /// They do not air.
    Cancel,
    /// They air at this local date and time.
    Move(NaiveDateTime),
    /// Another programme airs.
    Replace(P),
    /// They may sound for this long.
    Trim(Duration),
}

/// The place in a zone's order of a slot that says nothing of it.
pub const ORDER_DEFAULT: u16 = 100;

impl<P, Z, D> SlotSpec<P, Z, D> {
    /// Names things in another way; the first name that stands for nothing is the error.
    ///
    /// # Errors
    ///
    /// What the functions give.
    pub fn try_map<Q, Y, C, E>(
        self,
        programme: impl FnOnce(P) -> Result<Q, E>,
        zone: impl FnMut(Z) -> Result<Y, E>,
        profile: impl FnOnce(D) -> Result<C, E>,
    ) -> Result<SlotSpec<Q, Y, C>, E> {
        Ok(SlotSpec {
            programme: programme(self.programme)?,
            zones: self.zones.into_iter().map(zone).collect::<Result<_, E>>()?,
            recurrence: self.recurrence,
            every_weeks: self.every_weeks,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            profile: self.profile.map(profile).transpose()?,
            class: self.class,
            order: self.order,
            max_duration: self.max_duration,
            overrun: self.overrun,
            makes_room: self.makes_room,
        })
    }
}

impl<S, P> SlotException<S, P> {
    /// Names things in another way; the first name that stands for nothing is the error.
    ///
    /// # Errors
    ///
    /// What the functions give.
    pub fn try_map<T, Q, E>(
        self,
        slot: impl FnOnce(S) -> Result<T, E>,
        programme: impl FnOnce(P) -> Result<Q, E>,
    ) -> Result<SlotException<T, Q>, E> {
        Ok(SlotException {
            slot: slot(self.slot)?,
            date: self.date,
            time: self.time,
            change: match self.change {
                SlotChange::Cancel => SlotChange::Cancel,
                SlotChange::Move(to) => SlotChange::Move(to),
                SlotChange::Replace(other) => SlotChange::Replace(programme(other)?),
                SlotChange::Trim(limit) => SlotChange::Trim(limit),
            },
            note: self.note,
        })
    }
}
