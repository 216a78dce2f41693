//! The station as the panel sees it.

mod known;
mod people;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::{Days, NaiveDate};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use loa_model::{Command, CommandDone, Origin, RunSheet, Snapshot, WallTime, ZoneId, ZoneTree};
use loa_panel::{
    Answer, AsRunDay, AsRunLine, Console, ConsoleError, Health, MediaItem, Metric, MetricKind, PersonRefusal,
    Reach, ReceiverItem, ReportRefusal, Station, Tapped,
};
use loa_plan::local;
use loa_store::{AuditRow, ReceiverRow, Store, StoreError};
use loa_wire::{Report, ReportError, verify_report};
use tokio::sync::broadcast::error::RecvError;

use crate::announce::Describer;
use crate::config::StationConfig;
use crate::journal::JournalState;
use crate::on_air::{AirThread, CommandError, Counts, OnAir};
use crate::planner::Planned;

pub use known::PeopleState;

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
    /// One connection for all of the panel; a page waits for another, the air for none.
    pub store: Arc<Mutex<Option<Store>>>,
    /// Who was let in, and by which rules.
    pub people: PeopleState,
    /// How browsers reach the panel.
    pub reach: Reach,
}

impl StationConsole {
    /// Runs something with the database, away from the threads that serve pages.
    fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        let (shared, database) = (Arc::clone(&self.store), self.database.clone());
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || {
                let mut store = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let opened = match store.take() {
                    Some(opened) => opened,
                    None => Store::open(&database).map_err(|error| unavailable(&error))?,
                };
                work(store.insert(opened)).map_err(refused)
            });
            done.await.map_err(|error| unavailable(&error))?
        })
    }

    fn day(&self, date: NaiveDate) -> (WallTime, WallTime) {
        day_bounds(self.station.time_zone, date)
    }
}

/// Says why the store did not do it.
fn refused(error: StoreError) -> ConsoleError {
    match error {
        StoreError::Exists { what: "user", .. } => ConsoleError::Person(PersonRefusal::NameTaken),
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

    fn health(&self) -> Health {
        let mut health = Health::default();
        let air = self.air.lock().unwrap_or_else(PoisonError::into_inner);
        if air.as_ref().is_none_or(AirThread::is_finished) {
            health
                .problems
                .push("the air thread has ended; restart the head-end".into());
            health.off_air = true;
        }
        if let Some(step) = self.on_air.clock_fault() {
            let ms = step.system_ahead_ns / 1_000_000;
            health.problems.push(format!(
                "the system clock was set by {ms} ms; restart the head-end to follow it"
            ));
        }
        if let Some(why) = &**self.planned.fault.load() {
            health.problems.push(format!(
                "the day cannot be planned, the plan in force stays: {why}"
            ));
        }
        for zone in self.on_air.dead_air().iter() {
            let zones = self.planned.zones.load();
            let code = zones
                .get(*zone)
                .map_or_else(|| zone.to_string(), |zone| zone.code.clone());
            health.problems.push(format!(
                "dead air in zone \"{code}\": something is on the air and nothing is heard"
            ));
        }
        let waiting = self.journal.waiting.load(Ordering::Relaxed);
        if waiting > 0 && self.journal.failed.load(Ordering::Relaxed) > 0 {
            health.problems.push(format!(
                "the database does not take the as-run log; {waiting} entries wait"
            ));
        }
        health
    }

    fn metrics(&self) -> Vec<Metric> {
        let Counts {
            packets,
            beacons,
            send_drops,
            unsendable,
            journal_drops,
            loader_drops,
            monitor_drops,
            late,
            skipped,
            missing,
        } = self.on_air.counts();
        let counters = [
            ("loa_packets_sent_total", "RTP packets sent.", packets),
            ("loa_beacons_sent_total", "Beacons sent.", beacons),
            (
                "loa_send_drops_total",
                "Datagrams that the kernel did not take.",
                send_drops,
            ),
            (
                "loa_unsendable_total",
                "Packets that fit no datagram.",
                unsendable,
            ),
            (
                "loa_late_packets_total",
                "Packets sent more than 10 ms after they were due.",
                late,
            ),
            (
                "loa_skipped_packets_total",
                "Packets that would have come too late everywhere.",
                skipped,
            ),
            (
                "loa_missing_packets_total",
                "Places on the air for which a live source had no packet.",
                missing,
            ),
            (
                "loa_journal_drops_total",
                "As-run entries the journal had no room for.",
                journal_drops,
            ),
            (
                "loa_monitor_drops_total",
                "Packets that the monitor of dead air had no room for.",
                monitor_drops,
            ),
            (
                "loa_loader_drops_total",
                "Requests the loader had no room for.",
                loader_drops,
            ),
            (
                "loa_journal_dropped_total",
                "As-run entries given up because too many waited for the database.",
                &self.journal.dropped,
            ),
            (
                "loa_journal_failures_total",
                "Tries to write the as-run log that failed.",
                &self.journal.failed,
            ),
        ];
        let metric = |name, help, kind, value| Metric {
            name,
            help,
            kind,
            labels: Vec::new(),
            value,
        };
        let mut metrics: Vec<_> = counters
            .into_iter()
            .map(|(name, help, count)| {
                metric(
                    name,
                    help,
                    MetricKind::Counter,
                    count.load(Ordering::Relaxed) as f64,
                )
            })
            .collect();
        let waiting = self.journal.waiting.load(Ordering::Relaxed) as f64;
        metrics.push(metric(
            "loa_journal_waiting",
            "As-run entries not yet written.",
            MetricKind::Gauge,
            waiting,
        ));
        if let Some(air) = &*self.air.lock().unwrap_or_else(PoisonError::into_inner) {
            let late = air.lateness().summary().p99.as_secs_f64();
            let help = "How late the air thread wakes, 99th percentile.";
            metrics.push(metric("loa_air_wake_late_seconds", help, MetricKind::Gauge, late));
        }
        let tree = self.zones();
        for state in &self.on_air.snapshot().zones {
            metrics.push(Metric {
                labels: vec![(
                    "zone",
                    tree.get(state.zone)
                        .map_or_else(String::new, |zone| zone.code.clone()),
                )],
                ..metric(
                    "loa_zone_sounding",
                    "Whether the zone's receivers should sound.",
                    MetricKind::Gauge,
                    f64::from(u8::from(state.heard.is_some())),
                )
            });
        }
        metrics
    }

    fn command<'a>(&'a self, command: Command, by: &'a str) -> Answer<'a, CommandDone> {
        Box::pin(async move {
            let detail = format!("{command:?}");
            let done = self.on_air.command(command).await.map_err(|error| match error {
                CommandError::Refused(refusal) => ConsoleError::Refused(refusal),
                other => ConsoleError::Unavailable(other.to_string()),
            })?;
            // The air comes first: what is done is done, whether or not it can be written down.
            let row = AuditRow {
                at: self.now(),
                who: by.to_owned(),
                action: "command".into(),
                detail,
                ..AuditRow::default()
            };
            tokio::spawn(self.with_store(move |store| store.audit(&row)));
            Ok(done)
        })
    }

    fn run_sheet(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>> {
        self.with_store(move |store| store.run_sheet(date))
    }

    fn media(&self) -> Answer<'_, Vec<MediaItem>> {
        self.with_store(|store| {
            let item = |row: loa_store::MediaRow| MediaItem {
                hash: row.media.hash,
                duration: row.media.duration(),
                title: row.media.title,
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
        self.with_store(move |store| {
            Ok(store
                .receivers()?
                .into_iter()
                .map(|row| receiver_item(row, &on_air))
                .collect())
        })
    }

    fn as_run(&self, date: NaiveDate) -> Answer<'_, AsRunDay> {
        let (from, to) = self.day(date);
        self.with_store(move |store| {
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
        })
    }

    fn report<'a>(
        &'a self,
        receiver: &'a str,
        signature: &'a str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), ReportRefusal>> {
        let code = receiver.to_owned();
        let signature = BASE64.decode(signature).unwrap_or_default();
        let kept = self.with_store(move |store| {
            let Some(ReceiverRow { receiver, .. }) = store.receiver(&code)? else {
                return Ok(Err(ReportRefusal::NotSigned));
            };
            let report = match verify_report(&receiver.public_key, &body, &signature) {
                Ok(report) if report.receiver == code => report,
                Ok(_) | Err(ReportError::Forged) => return Ok(Err(ReportRefusal::NotSigned)),
                Err(_) => return Ok(Err(ReportRefusal::Malformed)),
            };
            let text = String::from_utf8_lossy(&body);
            let kept = store.put_report(receiver.id, report.at, &text, &report.receipts)?;
            Ok(if kept { Ok(()) } else { Err(ReportRefusal::Old) })
        });
        Box::pin(async move { kept.await.unwrap_or(Err(ReportRefusal::Unavailable)) })
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
        seen: row.report_at,
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
