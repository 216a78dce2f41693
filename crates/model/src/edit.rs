//! Changes that people make to the schedule by hand, and the rows that they touch.

use std::fmt;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::id::{ProfileId, ProgrammeId, SlotId, ZoneId};
use crate::slot::{MakesRoom, Recurrence, SlotChange, SlotSpec};

/// A change that somebody wants to make to the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    /// To something that is there.
    Change {
        /// Whose occurrence.
        slot: SlotId,
        /// The local date on which its rule has it.
        date: NaiveDate,
        /// The local time of day at which its rule has it.
        time: NaiveTime,
        /// What is done.
        deed: Deed,
        /// To which of the slot's occurrences.
        reach: Reach,
        /// Why, for people.
        note: String,
    },
    /// Something more, once.
    Insert {
        /// What it airs.
        programme: ProgrammeId,
        /// Where.
        zone: ZoneId,
        /// When, in local time.
        at: NaiveDateTime,
        /// It may sound for this long.
        max_duration: Duration,
        /// What becomes of others that it meets.
        makes_room: Option<MakesRoom>,
    },
}

/// What is done to an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// It does not air.
    Skip,
    /// It airs as its rule has it, whatever was changed on that date.
    Restore,
    /// It airs at this local date and time.
    Move(NaiveDateTime),
    /// It may sound for this long.
    Resize(Duration),
    /// It airs once more.
    Copy {
        /// When, in local time.
        to: NaiveDateTime,
        /// Where; none for where it airs already.
        zone: Option<ZoneId>,
    },
}

/// To which occurrences of a slot something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// To the one.
    #[default]
    Day,
    /// To it and all after it.
    Onward,
    /// To every one that has not begun.
    Always,
}

/// Why a change is not one that can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditFault {
    /// The slot is gone, or does not air then.
    #[error("the slot does not air at this time any more; look at the day again")]
    Gone,
    /// It is on the air, or past.
    #[error("it has begun; stop it on the page On air instead")]
    Begun,
    /// The time to which something would go is past.
    #[error("{0} is past; choose a later time")]
    Past(NaiveDateTime),
    /// Nothing would be otherwise.
    #[error("nothing would change")]
    Nothing,
    /// The airing was changed on that day in another way, which this would take away.
    #[error(
        "this airing is moved, cut or replaced on that day already; put it back first, or change the series"
    )]
    ChangedAlready,
    /// The slot airs several times a day, and the rule says all of them at once.
    #[error("slot \"{0}\" airs several times a day; change one day here, and the rule in its schedule file")]
    SeveralTimes(String),
    /// The slot airs on several days of the week, and would change its day.
    #[error("slot \"{0}\" airs on several days; its series can change its time here, not its days")]
    SeveralDays(String),
    /// Not as long as something may be.
    #[error("a length must be 1 s to {} h", LENGTH_MAX.as_secs() / 3_600)]
    Length,
    /// No such programme.
    #[error("there is no such programme")]
    NoProgramme,
    /// No such zone.
    #[error("there is no such zone")]
    NoZone,
    /// It was made by somebody else meanwhile, or something that it touches was.
    #[error("the schedule was changed meanwhile; look at the consequence again")]
    Stale,
    /// What it would lead to is what no schedule file may say either.
    #[error(
        "it would air in quiet hours, beyond the minutes of the day, or at one time with something no weaker"
    )]
    Clash,
    /// It cannot be taken back, because what it changed has begun.
    #[error("what this changed has begun; make another change instead")]
    TooLate,
    /// It was taken back already.
    #[error("this was taken back already")]
    Undone,
}

/// A change to one row of the schedule: it may be made if the row is as it was before, and taken back while it is as
/// it is after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowChange {
    /// A slot is added, changed or removed.
    Slot {
        /// As it was; none if it was not there.
        before: Option<SlotRow>,
        /// As it becomes; none if it goes.
        after: Option<SlotRow>,
        /// A new slot is meant wherever day profiles name this one.
        twin: Option<String>,
    },
    /// An exception is.
    Exception {
        /// Code of its slot.
        slot: String,
        /// On which local date.
        date: NaiveDate,
        /// Of several on that date, the one at this time; none for all.
        time: Option<NaiveTime>,
        /// As it was.
        before: Option<ExceptionRow>,
        /// As it becomes.
        after: Option<ExceptionRow>,
    },
}

/// A slot, as a change has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRow {
    /// Its code.
    pub code: String,
    /// What it says.
    pub spec: SlotSpec<ProgrammeId, ZoneId, ProfileId>,
    /// The file that declares it. None before a change: whichever; after it: the panel's.
    pub file: Option<String>,
}

/// An exception, as a change has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRow {
    /// What it does.
    pub change: SlotChange<ProgrammeId>,
    /// Why, for people.
    pub note: String,
    /// The file that declares it. None before a change: whichever; after it: none does.
    pub file: Option<String>,
}

impl RowChange {
    /// Returns the change that takes this one back.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Slot { before, after, twin } => Self::Slot {
                before: after,
                after: before,
                twin,
            },
            Self::Exception {
                slot,
                date,
                time,
                before,
                after,
            } => Self::Exception {
                slot,
                date,
                time,
                before: after,
                after: before,
            },
        }
    }

    /// Returns what the row was and what it becomes, for the audit log; empty where there is none.
    pub fn texts(&self) -> (String, String) {
        match self {
            Self::Slot { before, after, .. } => {
                let text = |row: &Option<SlotRow>| row.as_ref().map_or_else(String::new, ToString::to_string);
                (text(before), text(after))
            }
            Self::Exception {
                slot,
                date,
                time,
                before,
                after,
            } => {
                let time = time.map_or_else(String::new, |time| format!(" {time}"));
                let text = |row: &Option<ExceptionRow>| {
                    let what = row
                        .as_ref()
                        .map_or_else(|| "as planned".to_owned(), ToString::to_string);
                    format!("{slot} {date}{time}: {what}")
                };
                (text(before), text(after))
            }
        }
    }
}

impl fmt::Display for SlotRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, spec, file } = self;
        write!(f, "{code}: ")?;
        match &spec.recurrence {
            Recurrence::Cron(line) => write!(f, "{line}")?,
            Recurrence::Once(at) => write!(f, "{at}")?,
        }
        write!(
            f,
            ", programme {}, at most {} s",
            spec.programme,
            spec.max_duration.as_secs()
        )?;
        if let Some(from) = spec.valid_from {
            write!(f, ", from {from}")?;
        }
        if let Some(to) = spec.valid_to {
            write!(f, ", to {to}")?;
        }
        file.as_ref().map_or(Ok(()), |file| write!(f, " [{file}]"))
    }
}

impl fmt::Display for ExceptionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            SlotChange::Cancel => f.write_str("does not air")?,
            SlotChange::Move(to) => write!(f, "airs {to}")?,
            SlotChange::Replace(by) => write!(f, "airs programme {by}")?,
            SlotChange::Trim(limit) => write!(f, "at most {} s", limit.as_secs())?,
        }
        if self.note.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.note)
        }
    }
}

/// The file that stands as the owner of slots that were made or changed in the panel, and of programmes whose versions
/// in other languages were.
pub const PANEL_FILE: &str = "panel-edits.toml";
/// Longest that a slot may hold the air: nothing a commune airs is longer.
pub const LENGTH_MAX: Duration = Duration::from_secs(4 * 3_600);
