//! Day profiles: days on which the ordinary week does not hold.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{ProfileId, ProgrammeId, SlotId, ZoneId};
use crate::priority::BulletinClass;

/// A kind of day: Tết, national mourning, a storm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its row in the store.
    pub id: ProfileId,
    /// Short stable name.
    pub code: String,
    /// What it says.
    pub spec: ProfileSpec<SlotId, ProgrammeId, ZoneId>,
    /// Spans of days on which people switched it on, besides its own.
    pub switched_on: Vec<DaySpan>,
}

/// What a day profile says; `S`, `P` and `Z` name slots, programmes and zones: by code where people write, by row in
/// the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileSpec<S, P, Z> {
    /// Name shown to people.
    pub title: String,
    /// On which days it holds by itself.
    pub days: Vec<DayRule>,
    /// Where it holds, with all that lies below; none for everywhere.
    pub zones: Vec<Z>,
    /// Where two hold, the one with the greater rank has its way with the slots of the other.
    pub rank: u8,
    /// Slots that do not air.
    pub mute: Mute<S>,
    /// Slots that air another programme.
    pub replace: Vec<(S, P)>,
}

/// Which slots a profile keeps off the air. Slots of its own are never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mute<S> {
    /// None.
    #[default]
    None,
    /// Every one.
    All,
    /// Those of this class and of weaker ones.
    Class(BulletinClass),
    /// Those named.
    Slots(Vec<S>),
}

/// Days of the year, one way or another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayRule {
    /// From a date to a date, both included.
    Dates(DaySpan),
    /// Each year, from a day to a day of the solar calendar, both included; may run over New Year.
    Solar(YearDay, YearDay),
    /// Each year, from a day to a day of the Vietnamese lunar calendar, both included; may run over Tết.
    Lunar(YearDay, YearDay),
}

/// A day of a year. In the lunar calendar the 30th stands for the last day of a month that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct YearDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Days one after another, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySpan {
    /// First.
    pub from: NaiveDate,
    /// Last.
    pub to: NaiveDate,
}

impl DaySpan {
    /// Tells whether a date is one of them.
    pub fn holds(&self, date: NaiveDate) -> bool {
        self.from <= date && date <= self.to
    }
}

impl<S, P, Z> ProfileSpec<S, P, Z> {
    /// Names things in another way; the first name that stands for nothing is the error.
    ///
    /// # Errors
    ///
    /// What the functions give.
    pub fn try_map<T, Q, Y, E>(
        self,
        mut slot: impl FnMut(S) -> Result<T, E>,
        mut programme: impl FnMut(P) -> Result<Q, E>,
        zone: impl FnMut(Z) -> Result<Y, E>,
    ) -> Result<ProfileSpec<T, Q, Y>, E> {
        let mute = match self.mute {
            Mute::None => Mute::None,
            Mute::All => Mute::All,
            Mute::Class(class) => Mute::Class(class),
            Mute::Slots(slots) => Mute::Slots(slots.into_iter().map(&mut slot).collect::<Result<_, E>>()?),
        };
        let replace = self
            .replace
            .into_iter()
            .map(|(replaced, by)| Ok((slot(replaced)?, programme(by)?)))
            .collect::<Result<_, E>>()?;
        Ok(ProfileSpec {
            title: self.title,
            days: self.days,
            zones: self.zones.into_iter().map(zone).collect::<Result<_, E>>()?,
            rank: self.rank,
            mute,
            replace,
        })
    }
}
