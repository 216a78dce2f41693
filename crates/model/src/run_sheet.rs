//! The run-sheet: the resolved, numbered plan of one day, with a reason for each line.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{ContentHash, OccurrenceId, ZoneId};
use crate::priority::BulletinClass;
use crate::programme::PreEmption;
use crate::time::WallTime;
use crate::zone::ZoneTree;

/// What every zone will air on one local date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSheet {
    /// Counts up with every plan made of any day; zero until it is stored.
    pub number: u32,
    /// The local date it covers.
    pub date: NaiveDate,
    /// Ordered by start, then by zone; their numbers follow this order from 1.
    pub lines: Vec<RunSheetLine>,
}

impl RunSheet {
    /// Walks the lines that a receiver in `zone` would hear: the zone's own and its ancestors'.
    pub fn heard_in<'a>(
        &'a self,
        tree: &'a ZoneTree,
        zone: ZoneId,
    ) -> impl Iterator<Item = &'a RunSheetLine> {
        self.lines
            .iter()
            .filter(move |line| tree.covers(line.occurrence.zone, zone))
    }

    /// Returns the line with this number.
    pub fn line(&self, number: u32) -> Option<&RunSheetLine> {
        self.lines.iter().find(|line| line.number == number)
    }
}

/// One occurrence in the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSheetLine {
    /// Position in the day, from 1.
    pub number: u32,
    /// Which occurrence.
    pub occurrence: OccurrenceId,
    /// Code of the slot.
    pub slot: String,
    /// Name of the programme, for people.
    pub title: String,
    /// What sounds.
    pub media: ContentHash,
    /// How long it sounds unless cut: the media's length, or the slot's limit if that is shorter.
    pub duration: Duration,
    /// Whether it is cut at `duration`, and therefore fades.
    pub cut: bool,
    /// Its class.
    pub class: BulletinClass,
    /// Whether the chime sounds before it.
    pub chime: bool,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
    /// Planned start of the programme itself; a chime sounds before this.
    pub start: WallTime,
    /// Whether it will air.
    pub verdict: Verdict,
    /// Why, most important first.
    pub reasons: Vec<Reason>,
}

impl RunSheetLine {
    /// Returns when it ends if nothing interrupts it.
    pub fn end(&self) -> WallTime {
        self.start + self.duration
    }
}

/// Whether a line will air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It airs as planned.
    Airs,
    /// It airs, but something stronger interrupts or delays it.
    Shifts,
    /// It does not air.
    Dropped,
}

/// Why a line stands as it does. Other lines are named by their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The rule that put it there, as written.
    Scheduled {
        /// The cron line or the date.
        rule: String,
    },
    /// The media is longer than the slot allows.
    CutAtLimit {
        /// How long the media is.
        length: Duration,
        /// What the slot allows.
        limit: Duration,
    },
    /// It takes the air from another line.
    Outranks {
        /// The other line.
        line: u32,
        /// What decides.
        rule: TieRule,
    },
    /// Another line takes the air from it.
    YieldsTo {
        /// The other line.
        line: u32,
        /// What decides.
        rule: TieRule,
        /// What becomes of it.
        then: PreEmption,
    },
    /// What yielding is predicted to cost; follows the `YieldsTo` reasons it comes from.
    OffAir {
        /// When the air is gone, or was not free.
        from: WallTime,
        /// When it has the air again; none if never.
        back: Option<WallTime>,
        /// How far into the media it then goes on, or how far it had come.
        offset: Duration,
    },
    /// Receivers of a zone below hear a stronger line of their own meanwhile; it keeps the air elsewhere.
    CededIn {
        /// The zone below.
        zone: ZoneId,
        /// The line that is heard there.
        line: u32,
        /// What decides.
        rule: TieRule,
    },
    /// The library does not hold its media.
    MediaMissing,
    /// An exception takes it out of this date.
    Cancelled {
        /// What the exception says.
        note: String,
    },
}

/// Which part of the order of priority decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieRule {
    /// The stronger class.
    Class,
    /// The zone nearer the top.
    Authority,
    /// The one that began first.
    FirstCome,
    /// The later of two emergencies.
    Newest,
}
