//! The run-sheet: the resolved, numbered plan of one day, with a reason for each line.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::approval::ApprovalState;
use crate::id::{ContentHash, OccurrenceId, ZoneId};
use crate::priority::BulletinClass;
use crate::programme::{Chime, PreEmption, Relay};
use crate::slot::MakesRoom;
use crate::time::WallTime;
use crate::zone::ZoneTree;

/// What every zone will air on one local date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunSheet {
    /// Counts up with every plan made of any day; zero until it is stored.
    pub number: u32,
    /// The local date it covers.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = Date))]
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
        // In a whole run-sheet its place tells; in a part of one it is looked for.
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        let there = self.lines.get(place).filter(|line| line.number == number);
        there.or_else(|| self.lines.iter().find(|line| line.number == number))
    }
}

/// One occurrence in the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    pub content: Content,
    /// How long it sounds unless cut: the content's length, or the slot's limit if that is shorter.
    #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
    pub duration: Duration,
    /// Whether it is cut at `duration`, and therefore fades.
    pub cut: bool,
    /// Its class.
    pub class: BulletinClass,
    /// Among items of one class in one zone, the lower one goes first.
    pub order: u16,
    /// The chime around it.
    pub chime: Chime,
    /// What becomes of it when something stronger takes the air.
    pub pre_emption: PreEmption,
    /// Once it was kept off the air for this long, it does not come back.
    #[cfg_attr(feature = "schema", schema(value_type = Option<crate::Span>))]
    pub give_up_after: Option<Duration>,
    /// Planned start of the programme itself; a chime sounds before this.
    pub start: WallTime,
    /// Whether it will air.
    pub verdict: Verdict,
    /// Why, most important first.
    pub reasons: Vec<Reason>,
}

impl RunSheetLine {
    /// Returns the reason for which the plan itself keeps it off the air, whatever else is on the air then.
    pub fn kept_off(&self) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.keeps_off())
    }

    /// Returns when it ends if nothing interrupts it.
    pub fn end(&self) -> WallTime {
        self.start + self.duration
    }
}

/// What a line sounds like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Pieces of media, one after another.
    Pieces(Vec<Piece>),
    /// Another station, or a studio.
    Relay(Relay),
    /// Somebody who speaks, for as long as he does.
    Voice,
    /// Nothing: the air is kept free.
    Silence,
}

/// One piece of media in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Piece {
    /// Its sound.
    pub media: ContentHash,
    /// How long it sounds.
    #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
    pub duration: Duration,
}

impl Content {
    /// Makes the content of one piece of media.
    pub fn piece(media: ContentHash, duration: Duration) -> Self {
        Self::Pieces(vec![Piece { media, duration }])
    }

    /// Returns how long it sounds by itself; none for what has no end of its own.
    pub fn duration(&self) -> Option<Duration> {
        match self {
            Self::Pieces(pieces) => Some(pieces.iter().map(|piece| piece.duration).sum()),
            Self::Relay(_) | Self::Voice | Self::Silence => None,
        }
    }

    /// Finds the piece that sounds at an offset: its index, and where it begins.
    pub fn piece_at(&self, offset: Duration) -> Option<(usize, Piece, Duration)> {
        let Self::Pieces(pieces) = self else { return None };
        let mut begins = Duration::ZERO;
        for (index, piece) in pieces.iter().enumerate() {
            if offset < begins + piece.duration {
                return Some((index, *piece, begins));
            }
            begins += piece.duration;
        }
        None
    }

    /// Walks the media that sounds from one offset to another, and a relay's fill.
    pub fn media_between(&self, from: Duration, to: Duration) -> impl Iterator<Item = ContentHash> + '_ {
        let (pieces, fill): (&[Piece], _) = match self {
            Self::Pieces(pieces) => (pieces, None),
            Self::Relay(relay) => (&[], relay.fill),
            Self::Voice | Self::Silence => (&[], None),
        };
        let spans = pieces.iter().scan(Duration::ZERO, |begins, piece| {
            let span = (*begins, *begins + piece.duration);
            *begins = span.1;
            Some((span, piece.media))
        });
        spans
            .filter(move |((begins, ends), _)| *ends > from && *begins <= to)
            .map(|(_, media)| media)
            .chain(fill)
    }

    /// Walks the media it needs.
    pub fn media(&self) -> impl Iterator<Item = ContentHash> + '_ {
        let (pieces, fill): (&[Piece], _) = match self {
            Self::Pieces(pieces) => (pieces, None),
            Self::Relay(relay) => (&[], relay.fill),
            Self::Voice | Self::Silence => (&[], None),
        };
        pieces.iter().map(|piece| piece.media).chain(fill)
    }
}

/// Whether a line will air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It airs as planned.
    Airs,
    /// It airs, but something stronger interrupts or delays it.
    Shifts,
    /// It does not air.
    Dropped,
}

/// A line, as another line names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum LineName {
    /// A line of the same run-sheet, by its number.
    Here(u32),
    /// A line of the run-sheet of the eve or of the day after, met over midnight.
    On {
        /// Whose run-sheet.
        #[cfg_attr(feature = "schema", schema(value_type = String, format = Date))]
        date: NaiveDate,
        /// Its number there.
        line: u32,
        /// Name of its programme.
        title: String,
    },
}

/// Why a line stands as it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
        #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
        length: Duration,
        /// What the slot allows.
        #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
        limit: Duration,
    },
    /// It takes the air from another line.
    Outranks {
        /// The other line.
        line: LineName,
        /// What decides.
        rule: TieRule,
    },
    /// Another line takes the air from it.
    YieldsTo {
        /// The other line.
        line: LineName,
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
        #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
        offset: Duration,
    },
    /// Receivers of a zone below hear a stronger line of their own meanwhile; it keeps the air elsewhere.
    CededIn {
        /// The zone below.
        zone: ZoneId,
        /// The line that is heard there.
        line: LineName,
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
    /// An exception moves it here.
    Moved {
        /// When its rule has it.
        from: WallTime,
        /// What the exception says.
        note: String,
    },
    /// An exception moves it away from here.
    MovedTo {
        /// When it airs.
        to: WallTime,
        /// What the exception says.
        note: String,
    },
    /// An exception airs another programme in its place.
    Replaced {
        /// Code of the programme that its slot names.
        programme: String,
        /// What the exception says.
        note: String,
    },
    /// An exception shortens it.
    Trimmed {
        /// To how long.
        #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
        limit: Duration,
        /// What the exception says.
        note: String,
    },
    /// A day profile keeps it off the air.
    Muted {
        /// Name of the profile.
        profile: String,
    },
    /// A day profile airs another programme in its place.
    ReplacedOn {
        /// Name of the profile.
        profile: String,
        /// Code of the programme that its slot names.
        programme: String,
    },
    /// It is there because a day profile holds.
    AddedOn {
        /// Name of the profile.
        profile: String,
    },
    /// A special takes its time.
    MakesRoom {
        /// The special's line.
        line: u32,
        /// What becomes of this one.
        how: MakesRoom,
        /// When it was planned.
        planned: WallTime,
    },
    /// The zone may not sound then.
    QuietHours {
        /// The zone whose policy it is.
        zone: ZoneId,
        /// From when on.
        from: WallTime,
        /// When it may again; none if never within a week.
        until: Option<WallTime>,
    },
    /// It fades out where quiet hours begin.
    QuietFrom {
        /// The zone whose policy it is.
        zone: ZoneId,
        /// When.
        from: WallTime,
    },
    /// The zone has sounded for as long as it may on this day.
    MinutesSpent {
        /// The zone whose policy it is.
        zone: ZoneId,
        /// Minutes a day.
        minutes: u16,
    },
    /// Receivers below stay silent meanwhile, by their own zone's quiet hours.
    SilentIn {
        /// The zone below.
        zone: ZoneId,
    },
    /// Its content is not approved.
    NotApproved {
        /// How far it is.
        state: ApprovalState,
        /// Name of what is not approved.
        what: String,
    },
    /// An episode of a series airs.
    Episode {
        /// Name of the series.
        series: String,
        /// Whether the zone has heard it before.
        again: bool,
    },
    /// The series has no episode that the zone has not heard.
    NoEpisode {
        /// Name of the series.
        series: String,
    },
    /// The zone hears its own language version.
    Language {
        /// Name of the language.
        language: String,
    },
    /// It may be longer than its slot.
    Overruns {
        /// What the slot allows.
        #[cfg_attr(feature = "schema", schema(value_type = crate::Span))]
        limit: Duration,
    },
}

impl Reason {
    /// Tells whether the plan keeps the line off the air because of it.
    pub const fn keeps_off(&self) -> bool {
        matches!(
            self,
            Self::MediaMissing
                | Self::QuietHours { .. }
                | Self::MinutesSpent { .. }
                | Self::NotApproved { .. }
                | Self::NoEpisode { .. }
        ) || self.is_decided()
    }

    /// Tells whether people decided so: nothing of it is missed, and the as-run log says nothing.
    pub const fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Cancelled { .. }
                | Self::MovedTo { .. }
                | Self::Muted { .. }
                | Self::MakesRoom {
                    how: MakesRoom::Skip,
                    ..
                }
        )
    }
}

/// Which part of the order of priority decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TieRule {
    /// The stronger class.
    Class,
    /// The zone nearer the top.
    Authority,
    /// The one that the commune puts first.
    Order,
    /// The one that began first.
    FirstCome,
    /// The later of two emergencies.
    Newest,
}
