//! The station as the panel sees it.

mod emergency;
mod known;
mod library;
mod people;
mod receivers;
mod schedules;
mod speaking;
mod starts;
mod tokens;
mod upkeep;
mod versions;
mod vitals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::{Days, NaiveDate};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use loa_model::{Command, CommandDone, EditFault, Origin, RunSheet, Snapshot, WallTime, ZoneId, ZoneTree};
use loa_panel::{
    Answer, AsRunDay, AsRunLine, Console, ConsoleError, DrillItem, EmergencyRefusal, Health, LibraryRefusal,
    ListeningReceiver, MediaItem, Metric, PersonRefusal, ProofItem, Reach, ReceiverItem, ReportRefusal,
    Speaking, Speech, StartItem, Station, Tapped, TokenRefusal, Trouble,
};
use loa_plan::local;
use loa_relay::VoiceSpec;
use loa_store::{AuditRow, JournalEntry, NewReport, NewestReceipt, ReceiverRow, Store, StoreError};
use loa_wire::{Report, ReportError, verify_report};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::announce::Describer;
use crate::config::StationConfig;
use crate::journal::JournalState;
use crate::library::Library;
use crate::on_air::{AirThread, CommandError, OnAir};
use crate::planner::Planned;
use crate::uploads::Uploads;

pub use emergency::EmergencyDesk;
pub use known::PeopleState;
pub use receivers::ReceiverBoard;
pub use schedules::Desk;
pub use speaking::voice_spec;
pub use starts::StartFigures;
pub use upkeep::Keeper;

/// Answers the panel out of the running head-end.
pub struct StationConsole {
    /// Who the station is.
    pub station: StationConfig,
    /// The air thread's hand.
    pub on_air: OnAir,
    /// The air thread itself, to know whether it lives; taken out when it is stopped.
    pub air: Arc<Mutex<Option<AirThread>>>,
    /// Zones in force.
    pub planned: Arc<Planned>,
    /// How the journal does.
    pub journal: Arc<JournalState>,
    /// Makes session descriptions.
    pub describer: Describer,
    /// Where the database lies.
    pub database: PathBuf,
    /// One connection for all that the panel writes; a page waits for another, the air for none.
    pub store: Shared,
    /// Another for who is let in and how the receivers are: it is read also while another program writes.
    pub reader: Shared,
    /// Where what must be written is kept until it can be; none once the head-end stops.
    pub journal_in: Mutex<Option<SyncSender<JournalEntry>>>,
    /// What the receivers said.
    pub receivers: Arc<ReceiverBoard>,
    /// What was measured of the way to the loudspeakers.
    pub starts: StartFigures,
    /// What an emergency needs.
    pub emergency: Arc<EmergencyDesk>,
    /// How somebody who speaks is encoded.
    pub voice: VoiceSpec,
    /// Who was let in, and by which rules.
    pub people: PeopleState,
    /// How browsers reach the panel.
    pub reach: Reach,
    /// The files of the library.
    pub library: Library,
    /// Files on their way there.
    pub uploads: Arc<Uploads>,
    /// Plans and rehearses for people.
    pub desk: Desk,
    /// Makes copies of the database, and knows the configuration.
    pub keeper: Keeper,
    /// Why nothing sounds in the place of dead air, although the configuration names something.
    pub missing_fill: Option<Trouble>,
    /// When the station's certificate ends.
    pub certificate_ends: WallTime,
}

impl StationConsole {
    /// Runs something with the database, away from the threads that serve pages.
    fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        with(&self.store, &self.database, WRITE_WAIT, work)
    }

    /// Reads what must be known at once; what is not known soon is an error, also while another program has the
    /// database for itself.
    fn with_reader<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        with(&self.reader, &self.database, READ_WAIT, work)
    }

    /// Reads who is registered and what lies ready for an emergency, for what is done while the database is away.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn refresh(&self) -> Result<(), ConsoleError> {
        let desk = Arc::clone(&self.emergency);
        let read = self.with_reader(move |store| {
            // A recording may have been removed, or come back.
            desk.read(store)?;
            store.receivers()
        });
        self.receivers.take(read.await?);
        Ok(())
    }

    /// Has something written as soon as the database takes it.
    fn write_down(&self, entry: JournalEntry) {
        let journal = self.journal_in.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = journal
            .as_ref()
            .is_some_and(|journal| journal.try_send(entry).is_ok());
        if !taken {
            self.on_air.counts().journal_drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn day(&self, date: NaiveDate) -> (WallTime, WallTime) {
        day_bounds(self.station.time_zone, date)
    }
}

/// A connection to the database, opened when it is wanted.
pub type Shared = Arc<tokio::sync::Mutex<Option<Store>>>;

fn with<T: Send + 'static>(
    shared: &Shared,
    database: &Path,
    wait: Duration,
    work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
) -> Answer<'static, T> {
    let (shared, database) = (Arc::clone(shared), database.to_owned());
    let done = async move {
        let mut store = shared.lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let opened = match store.take() {
                Some(opened) => opened,
                None => Store::open(&database).map_err(|error| unavailable(&error))?,
            };
            work(store.insert(opened)).map_err(refused)
        });
        done.await.map_err(|error| unavailable(&error))?
    };
    Box::pin(async move {
        let busy = || ConsoleError::Unavailable("the database is busy; try again".to_owned());
        timeout(wait, done).await.map_err(|_| busy())?
    })
}

/// Says why the engine did not do it.
fn refusal(error: CommandError) -> ConsoleError {
    match error {
        CommandError::Refused(refusal) => ConsoleError::Refused(refusal),
        other => ConsoleError::Unavailable(other.to_string()),
    }
}

/// Says why the store did not do it.
fn refused(error: StoreError) -> ConsoleError {
    match error {
        StoreError::Exists { what: "template", .. } => EmergencyRefusal::TitleTaken.into(),
        StoreError::Unknown { what: "template", .. } => EmergencyRefusal::NoTemplate.into(),
        StoreError::Unknown {
            what: "recording", ..
        } => EmergencyRefusal::NotPlayable.into(),
        StoreError::Changed { what: "template", .. } => EmergencyRefusal::Changed.into(),
        StoreError::Exists { what: "token", .. } => ConsoleError::Token(TokenRefusal::NameTaken),
        StoreError::Exists { what: "user", .. } => ConsoleError::Person(PersonRefusal::NameTaken),
        StoreError::Exists { what: "media", .. } => LibraryRefusal::TitleTaken.into(),
        StoreError::InUse {
            what: "media", by, ..
        } => LibraryRefusal::InUse(by).into(),
        StoreError::NoWay { from, to, .. } => LibraryRefusal::NoWay(from, to).into(),
        StoreError::Stale => EditFault::Stale.into(),
        StoreError::Version(fault) => fault.into(),
        StoreError::Unknown { what, name } => ConsoleError::NotFound(format!("{what} \"{name}\"")),
        error => unavailable(&error),
    }
}

fn unavailable(error: &dyn std::error::Error) -> ConsoleError {
    let cause = error
        .source()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    ConsoleError::Unavailable(format!("{error}{cause}"))
}

/// Returns the first instant of a local date, and of the next.
pub fn day_bounds(tz: chrono_tz::Tz, date: NaiveDate) -> (WallTime, WallTime) {
    let midnight =
        |date: NaiveDate| local::to_wall(tz, date.and_time(chrono::NaiveTime::MIN)).unwrap_or_default();
    (midnight(date), midnight(date + Days::new(1)))
}

impl Console for StationConsole {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn station(&self) -> Station {
        Station {
            name: self.station.name.clone(),
            time_zone: self.station.time_zone,
        }
    }

    fn now(&self) -> WallTime {
        self.on_air.snapshot().at
    }

    fn zones(&self) -> Arc<ZoneTree> {
        self.planned.zones.load_full()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.on_air.snapshot()
    }

    fn levels(&self) -> Arc<BTreeMap<ZoneId, f32>> {
        self.on_air.levels()
    }

    fn health(&self) -> Health {
        self.read_health()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.read_metrics()
    }

    fn command<'a>(&'a self, command: Command, by: &'a str) -> Answer<'a, CommandDone> {
        Box::pin(async move {
            let (pressed, detail) = (self.now(), format!("{command:?}"));
            if let Command::StartOverride { zone, class, .. } = &command {
                self.one_is_enough(*class, &[*zone])?;
            }
            let done = self.on_air.command(command).await.map_err(refusal)?;
            if let CommandDone::OverrideStarted { session, .. } = done {
                let accepted = self.now();
                self.write_down(JournalEntry::Asked {
                    session,
                    pressed,
                    accepted,
                });
            }
            // The air comes first: what is done is done, and it is written down as soon as it can be.
            self.write_down(JournalEntry::Audit(AuditRow {
                at: self.now(),
                who: by.to_owned(),
                action: "command".into(),
                detail,
                ..AuditRow::default()
            }));
            Ok(done)
        })
    }

    fn speak<'a>(&'a self, speech: Speech, by: &'a str) -> Answer<'a, Box<dyn Speaking>> {
        Box::pin(self.give_the_air(speech, by))
    }

    fn starts(&self, from: WallTime, to: WallTime) -> Answer<'_, Vec<StartItem>> {
        self.read_starts(from, to)
    }

    fn drills(&self, from: WallTime, to: WallTime) -> Answer<'_, Vec<DrillItem>> {
        self.read_drills(from, to)
    }

    fn time_to_air_alarm(&self) -> Duration {
        self.starts.alarm
    }

    fn listening(&self) -> Arc<Vec<ListeningReceiver>> {
        self.receivers.listening(self.now())
    }

    fn run_sheet(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>> {
        self.with_store(move |store| store.run_sheet(date))
    }

    fn media(&self) -> Answer<'_, Vec<MediaItem>> {
        self.with_store(|store| {
            let approvals = store.approvals()?.into_iter();
            let states: BTreeMap<_, _> = approvals
                .map(|approval| (approval.content, approval.state))
                .collect();
            let item = |row: loa_store::MediaRow| MediaItem {
                hash: row.media.hash,
                duration: row.media.duration(),
                title: row.media.title,
                zone: row.zone,
                state: states.get(&row.media.hash).copied().unwrap_or_default(),
            };
            Ok(store.media()?.into_iter().map(item).collect())
        })
    }

    fn receivers(&self) -> Answer<'_, Vec<ReceiverItem>> {
        let on_air: BTreeMap<_, _> = self
            .on_air
            .snapshot()
            .zones
            .iter()
            .filter_map(|state| state.on_air.as_ref())
            .map(|session| (session.session, session.title.clone()))
            .collect();
        // It is asked for every few seconds: what is written does not wait for it.
        self.with_reader(move |store| {
            let mut receipts = store.newest_receipts()?;
            let item = |row: ReceiverRow| {
                let receipt = receipts.remove(&row.receiver.id);
                ReceiverItem {
                    proof: receipt.map(proof_item),
                    ..receiver_item(row, &on_air)
                }
            };
            Ok(store.receivers()?.into_iter().map(item).collect())
        })
    }

    fn as_run(&self, date: NaiveDate) -> Answer<'_, AsRunDay> {
        let (from, to) = self.day(date);
        self.with_store(move |store| as_run_day(store, from, to))
    }

    fn report<'a>(
        &'a self,
        receiver: &'a str,
        signature: &'a str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), ReportRefusal>> {
        let code = receiver.to_owned();
        let signature = BASE64.decode(signature).unwrap_or_default();
        Box::pin(async move {
            let receiver = match self.receivers.find(&code) {
                Some(known) => known,
                // Registered a moment ago.
                None => {
                    let wanted = code.clone();
                    let found = self.with_reader(move |store| store.receiver(&wanted)).await;
                    let found = found.map_err(|_| ReportRefusal::Unavailable)?;
                    found.ok_or(ReportRefusal::NotSigned)?.receiver
                }
            };
            let mut report = match verify_report(&receiver.public_key, &body, &signature) {
                Ok(report) if report.receiver == code => report,
                Ok(_) | Err(ReportError::Forged) => return Err(ReportRefusal::NotSigned),
                Err(_) => return Err(ReportRefusal::Malformed),
            };
            self.receivers.learn(&receiver);
            let (started, at, seen) = (report.started, report.at, self.now());
            let receipts = std::mem::take(&mut report.receipts);
            let kept = with(&self.store, &self.database, REPORT_WAIT, move |store| {
                let text = String::from_utf8_lossy(&body);
                let new = NewReport {
                    started,
                    at,
                    seen,
                    text: &text,
                    receipts: &receipts,
                };
                store.put_report(receiver.id, &new)
            });
            match kept.await {
                Ok(true) => {
                    self.receivers.note(&report, seen);
                    Ok(())
                }
                Ok(false) => Err(ReportRefusal::Old),
                Err(_) => {
                    // A receiver says nothing more until it is answered: what it said is known, and can be kept next time.
                    self.receivers.note_unkept(&report, seen);
                    Err(ReportRefusal::Unavailable)
                }
            }
        })
    }

    fn sdp(&self, zone: ZoneId) -> Option<String> {
        self.zones().get(zone).map(|zone| self.describer.sdp(zone))
    }

    fn listen(&self, zone: ZoneId) -> Option<BoxStream<'static, Tapped>> {
        self.zones().get(zone)?;
        let tap = self.on_air.taps().listen(zone);
        let packets = stream::unfold(tap, |mut tap| async move {
            loop {
                match tap.recv().await {
                    Ok(packet) => {
                        let opus = Bytes::copy_from_slice(&packet.opus);
                        return Some((
                            Tapped {
                                opus,
                                samples: packet.samples,
                                at: packet.at,
                            },
                            tap,
                        ));
                    }
                    // A slow listener misses packets and goes on.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        Some(packets.boxed())
    }
}

/// Reads what was aired between two instants, and what was not.
fn as_run_day(store: &Store, from: WallTime, to: WallTime) -> Result<AsRunDay, StoreError> {
    let aired = store.as_run(from, to)?.into_iter().map(|row| AsRunLine {
        session: Some((row.started.session, row.started.part)),
        zone: row.zone_code,
        title: row.started.title,
        class: Some(row.started.class),
        by: match row.started.origin {
            Origin::Override { by, .. } => Some(by),
            Origin::Slot(_) => None,
        },
        at: row.started.at,
        ended: row.ended.as_ref().map(|ended| ended.at),
        reason: row.ended.map(|ended| ended.reason),
    });
    let not_aired = store.not_aired(from, to)?.into_iter().map(|row| AsRunLine {
        session: None,
        zone: row.zone_code,
        title: row.title,
        class: None,
        by: None,
        at: row.occurrence.start,
        ended: None,
        reason: Some(row.reason),
    });
    let mut lines: Vec<_> = aired.chain(not_aired).collect();
    lines.sort_by_key(|line| line.at);
    Ok(AsRunDay { lines })
}

fn receiver_item(row: ReceiverRow, on_air: &BTreeMap<loa_model::SessionId, String>) -> ReceiverItem {
    let report = row
        .report
        .as_deref()
        .and_then(|text| serde_json::from_str::<Report>(text).ok());
    let title = |session| {
        on_air
            .get(&session)
            .cloned()
            .unwrap_or_else(|| session.to_string())
    };
    let worth_a_look = |(name, count): (&String, &u64)| {
        (*count > 0 && WORTH_A_LOOK.contains(&name.as_str())).then(|| (name.clone(), *count))
    };
    ReceiverItem {
        code: row.receiver.code,
        zone: row.receiver.zone,
        place: row.receiver.place,
        proof: None,
        seen: row.seen_at,
        playing: report
            .as_ref()
            .and_then(|report| report.playing)
            .map(|playing| title(playing.session)),
        clock_trusted: report.as_ref().is_some_and(|report| report.clock.trusted),
        buffer_ms: report.as_ref().map_or(0.0, |report| report.buffer_ms),
        output_dbfs: report.as_ref().map_or(0.0, |report| report.output_dbfs),
        counts: report
            .iter()
            .flat_map(|report| report.counters.iter().filter_map(worth_a_look))
            .collect(),
        faults: report.map_or_else(Vec::new, |report| report.faults),
    }
}

/// A page waits no longer for what others write.
const WRITE_WAIT: Duration = Duration::from_secs(12);
/// A receiver waits no longer for what it said to be kept.
const REPORT_WAIT: Duration = Duration::from_millis(800);
/// Who is let in is known within this, or believed.
const READ_WAIT: Duration = Duration::from_millis(700);
fn proof_item(newest: NewestReceipt) -> ProofItem {
    let NewestReceipt { title, receipt } = newest;
    ProofItem {
        title: title.unwrap_or_else(|| receipt.session.to_string()),
        at: receipt.last,
        sounded: receipt.sounded,
    }
}

/// Counts that an operator should see when they are not zero.
const WORTH_A_LOOK: [&str; 14] = [
    "lost",
    "late",
    "concealed",
    "forged",
    "unknown_key",
    "unauthorised",
    "stale",
    "replayed",
    "malformed",
    "wrong_zone",
    "undecodable",
    "net_kernel_full",
    "card_underruns",
    "card_lost",
];
