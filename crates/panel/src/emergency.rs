//! What the panel asks of the station in an emergency.

use std::sync::Arc;
use std::time::Duration;

use loa_model::{ContentHash, EmergencyTemplate, SessionId, TemplateFault, UserId, WallTime, ZoneId};

use crate::console::Answer;
use crate::people::Person;

/// Emergencies as the panel sees them; a part of [`Console`](crate::Console).
///
/// Nothing between a release and the air needs the database. Whether somebody may do it in these zones is decided by the
/// panel before it asks; whether one person is enough is decided here.
pub trait Emergency: Send + Sync + 'static {
    /// Returns the templates, in order of title.
    fn templates(&self) -> Arc<Vec<ReadyTemplate>>;
    /// Keeps a template, new or in the place of another, by its number and its digest as it was seen.
    fn put_template<'a>(
        &'a self,
        instead_of: Option<(i64, ContentHash)>,
        template: EmergencyTemplate,
        by: &'a str,
    ) -> Answer<'a, ()>;
    /// Takes a template away.
    fn remove_template<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()>;
    /// Puts an emergency on the air, or keeps it for a second person.
    fn release<'a>(&'a self, release: Release, by: &'a Person) -> Answer<'a, Released>;
    /// Confirms what another person asked for; it goes on the air.
    fn confirm<'a>(&'a self, number: u64, content: ContentHash, by: &'a Person) -> Answer<'a, Released>;
    /// Takes back what waits for a second person.
    fn withdraw<'a>(&'a self, number: u64, by: &'a Person) -> Answer<'a, ()>;
    /// Returns what waits for a second person, oldest first.
    fn waiting(&self) -> Vec<Waiting>;
}

/// A template, and whether it can be played now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyTemplate {
    /// Its number.
    pub number: i64,
    /// What it is.
    pub template: EmergencyTemplate,
    /// Stands for what it is.
    pub digest: ContentHash,
    /// How long it takes to say it once, with its signal; none if a recording is not in the library any more.
    pub warning: Option<Duration>,
    /// The same of its retraction.
    pub retraction: Option<Duration>,
}

/// What is to be put on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// What is said.
    pub what: What,
    /// Where; none lies within another.
    pub zones: Vec<ZoneId>,
    /// It is over after this long, minutes.
    pub minutes: u16,
    /// Whether it is an exercise.
    pub drill: bool,
    /// When the button was pressed.
    pub pressed: WallTime,
    /// Why it goes on the air without the second person that a zone asks for.
    pub break_glass: Option<String>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A template's warning.
    Warning(i64),
    /// A template's retraction.
    Retraction(i64),
    /// Somebody speaks.
    Speech(String),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// It is on the air.
    OnAir {
        /// The session in each zone.
        sessions: Vec<(ZoneId, SessionId)>,
        /// Zones that could not take it, and why, in English.
        refused: Vec<(ZoneId, String)>,
    },
    /// It waits for a second person.
    Waits(Waiting),
    /// Whoever asked may now speak.
    MaySpeak,
}

/// What waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub number: u64,
    /// What it is.
    pub release: Release,
    /// Its title.
    pub title: String,
    /// Hash of all that will be heard, and where; a confirmation is of exactly that.
    pub content: ContentHash,
    /// Who asked for it.
    pub by: String,
    /// Which user that is, or whose program: what people's programs ask for, they have asked for themselves.
    pub user: UserId,
    /// Until when it waits.
    pub until: WallTime,
}

/// Why an emergency was not put on the air.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmergencyRefusal {
    /// No such template.
    #[error("there is no such template any more")]
    NoTemplate,
    /// The template is not fit to be kept.
    #[error("the template cannot be kept: {0}")]
    Template(#[from] TemplateFault),
    /// Another template has this title.
    #[error("another template has this title")]
    TitleTaken,
    /// A recording is not in the library.
    #[error("a recording of it is not in the library; choose another in the template")]
    NotPlayable,
    /// A second person must confirm it.
    #[error("a zone asks for two persons; release it on the emergency page or at /api/v1/emergencies")]
    TwoPersons,
    /// Whoever asked for it cannot confirm it.
    #[error("a second person must confirm it, not the one who asked for it")]
    SamePerson,
    /// Nothing waits under this number: it was confirmed, withdrawn, or waited for too long.
    #[error("it does not wait any more")]
    NotWaiting,
    /// It is not what was shown.
    #[error("it was changed meanwhile; look at it again and confirm what you see")]
    Changed,
    /// The glass is not broken without a reason.
    #[error("say why it cannot wait for a second person")]
    NoReason,
    /// Too much waits for a second person.
    #[error("too many wait for a second person; withdraw one first")]
    TooMany,
}
