//! Everything the panel may ask of the station, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::NaiveDate;
use chrono_tz::Tz;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use loa_model::{
    ApprovalState, BulletinClass, Command, CommandDone, ContentHash, EditFault, EndReason, Place, Refusal,
    RunSheet, SessionId, Snapshot, VersionFault, WallTime, ZoneId, ZoneTree,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::emergency::{Emergency, EmergencyRefusal};
use crate::health::Health;
use crate::library::{LibraryRefusal, MediaLibrary};
use crate::people::{People, PersonRefusal};
use crate::schedules::Schedules;
use crate::starts::{DrillItem, StartItem};
use crate::tokens::{TokenRefusal, Tokens};
use crate::upkeep::{BackupRefusal, Upkeep};
use crate::voice::{Speaking, Speech};

/// How browsers reach the panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Over TLS alone.
    pub is_secure: bool,
    /// The certificate, in PEM, that they have to trust for that; none where one was given that they know.
    pub authority: Option<String>,
}

/// What the station gives when it is asked something that may take a while.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ConsoleError>>;

/// The station as the panel sees it. The head-end implements it; tests use a small one in memory.
///
/// Nothing here may wait for the air: the snapshot is the latest value, a command goes into a bounded queue.
pub trait Console: People + Emergency + MediaLibrary + Schedules + Tokens + Upkeep {
    /// Returns who and where the station is.
    fn station(&self) -> Station;
    /// Returns how browsers reach the panel.
    fn reach(&self) -> &Reach;
    /// Returns the station's time.
    fn now(&self) -> WallTime;
    /// Returns every zone.
    fn zones(&self) -> Arc<ZoneTree>;
    /// Returns the air of every zone as it was at most 200 ms ago.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// Returns how loud what was sent to each zone's own group just now is, dBFS; zones to which nothing is sent are not
    /// there.
    fn levels(&self) -> Arc<BTreeMap<ZoneId, f32>>;
    /// Returns whether the station does what it should.
    fn health(&self) -> Health;
    /// Returns all counts and gauges.
    fn metrics(&self) -> Vec<Metric>;
    /// Gives the engine a command of `by` and returns its answer.
    fn command<'a>(&'a self, command: Command, by: &'a str) -> Answer<'a, CommandDone>;
    /// Gives somebody the air in each zone, in all or in none; the engine's answer comes within milliseconds.
    fn speak<'a>(&'a self, speech: Speech, by: &'a str) -> Answer<'a, Box<dyn Speaking>>;
    /// Returns every receiver as it is known in memory, so that it can be told while the database is away.
    fn listening(&self) -> Arc<Vec<ListeningReceiver>>;
    /// Returns the sessions that people asked for in `from..to` and that had the air, newest first.
    fn starts(&self, from: WallTime, to: WallTime) -> Answer<'_, Vec<StartItem>>;
    /// Returns the drills of `from..to`, newest first.
    fn drills(&self, from: WallTime, to: WallTime) -> Answer<'_, Vec<DrillItem>>;
    /// Returns how long it may take from a pressed button to a loudspeaker before somebody should look.
    fn time_to_air_alarm(&self) -> Duration;
    /// Returns the run-sheet in force on a date.
    fn run_sheet(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>>;
    /// Returns the library, in order of title.
    fn media(&self) -> Answer<'_, Vec<MediaItem>>;
    /// Returns every registered receiver, in order of code.
    fn receivers(&self) -> Answer<'_, Vec<ReceiverItem>>;
    /// Returns what was really aired on a date.
    fn as_run(&self, date: NaiveDate) -> Answer<'_, AsRunDay>;
    /// Takes a receiver's report as it came.
    fn report<'a>(
        &'a self,
        receiver: &'a str,
        signature: &'a str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), ReportRefusal>>;
    /// Returns the session description of a zone's stream.
    fn sdp(&self, zone: ZoneId) -> Option<String>;
    /// Begins to listen to a zone's stream.
    fn listen(&self, zone: ZoneId) -> Option<BoxStream<'static, Tapped>>;
}

/// Who and where the station is.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name, for people.
    pub name: String,
    /// Its time zone.
    pub time_zone: Tz,
}

/// One number for Prometheus.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Such as `loa_packets_sent_total`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Of what kind it is.
    pub kind: MetricKind,
    /// Names and values that tell several of one name apart.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A piece of media that can be put on air.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MediaItem {
    /// Its content.
    pub hash: ContentHash,
    /// Its title.
    pub title: String,
    /// How long it sounds.
    #[schema(value_type = loa_model::Span)]
    pub duration: Duration,
    /// Whose it is; none for the whole station's.
    #[serde(skip)]
    pub zone: Option<ZoneId>,
    /// How far it is on its way to the air.
    #[serde(skip)]
    pub state: ApprovalState,
}

impl MediaItem {
    /// Tells whether a person may put it on air. What nobody decided about they may answer for themselves.
    pub(crate) fn may_air(&self) -> bool {
        !matches!(self.state, ApprovalState::Rejected | ApprovalState::Archived)
    }
}

/// A receiver and what it last said.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReceiverItem {
    /// Its code.
    pub code: String,
    /// Its zone.
    pub zone: ZoneId,
    /// Where it stands; none where that is not known.
    pub place: Option<Place>,
    /// What it played last, by its own account.
    pub proof: Option<ProofItem>,
    /// When it was last heard from, by the station's clock.
    pub seen: Option<WallTime>,
    /// Title of what it plays.
    pub playing: Option<String>,
    /// Whether it plays by a synchronised clock.
    pub clock_trusted: bool,
    /// Sound held before it plays, ms.
    #[schema(value_type = Option<f64>)]
    pub buffer_ms: f64,
    /// Level at its output, dBFS; in JSON null for digital silence.
    #[schema(value_type = Option<f64>)]
    pub output_dbfs: f64,
    /// Counts worth a look, by name: what is not zero of loss and refusal.
    pub counts: Vec<(String, u64)>,
    /// What it says is wrong.
    pub faults: Vec<String>,
}

/// A receiver as the station last heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListeningReceiver {
    /// Its code.
    pub code: String,
    /// Its zone.
    pub zone: ZoneId,
    /// Where it stands; none where that is not known.
    pub place: Option<Place>,
    /// Whether it was heard from lately.
    pub is_alive: bool,
    /// What it plays.
    pub plays: Option<SessionId>,
}

/// What a receiver played last, by its own account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProofItem {
    /// Name of the programme.
    pub title: String,
    /// When it last sounded.
    pub at: WallTime,
    /// How long it sounded.
    #[schema(value_type = loa_model::Span)]
    pub sounded: Duration,
}

/// What was aired on a date, and what was not.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct AsRunDay {
    /// In order of time.
    pub lines: Vec<AsRunLine>,
}

/// One part on the air, or one occurrence that never was.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AsRunLine {
    /// Its session and stretch; none if it never aired.
    pub session: Option<(SessionId, u32)>,
    /// Code of its zone.
    pub zone: String,
    /// Name of the programme.
    pub title: String,
    /// Its class; none if it never aired.
    pub class: Option<BulletinClass>,
    /// Who put it on air; none for the run-sheet.
    pub by: Option<String>,
    /// When it began, or should have.
    pub at: WallTime,
    /// When it ended; none while it is on air.
    pub ended: Option<WallTime>,
    /// Why; none while it is on air.
    pub reason: Option<EndReason>,
}

/// One packet as it was sent to a zone.
#[derive(Clone, Debug)]
pub struct Tapped {
    /// One Opus packet.
    pub opus: Bytes,
    /// Samples at 48 kHz in it.
    pub samples: u32,
    /// Media time of its first sample.
    pub at: WallTime,
}

/// Why the station did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// The engine said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The people of the station, or the rules for them, say no.
    #[error(transparent)]
    Person(#[from] PersonRefusal),
    /// The rules for emergencies say no.
    #[error(transparent)]
    Emergency(#[from] EmergencyRefusal),
    /// The rules for tokens say no.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// It is not for the library.
    #[error(transparent)]
    Library(#[from] LibraryRefusal),
    /// The schedule cannot be changed like this.
    #[error(transparent)]
    Edit(#[from] EditFault),
    /// A programme cannot have such a version in another language.
    #[error(transparent)]
    Version(#[from] VersionFault),
    /// No copy of the database was made.
    #[error(transparent)]
    Backup(#[from] BackupRefusal),
    /// As many plans and rehearsals as the machine bears are under way.
    #[error("too many plans and rehearsals are under way; try again in a moment")]
    Busy,
    /// Nothing there of that name.
    #[error("there is no {0}")]
    NotFound(String),
    /// The database or the air thread does not answer at present.
    #[error("{0}")]
    Unavailable(String),
}

/// Why a receiver's report was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportRefusal {
    /// No such receiver, or its key did not sign this. One answer for both: who asks need not know which.
    #[error("the report is not signed by a receiver of this station")]
    NotSigned,
    /// A newer one came before.
    #[error("a newer report came before")]
    Old,
    /// Signed, but not a report.
    #[error("the report cannot be read")]
    Malformed,
    /// The database does not answer at present.
    #[error("the station cannot keep it at present")]
    Unavailable,
}
