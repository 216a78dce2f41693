//! How long it takes from a pressed button to the loudspeakers, measured and told.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use loa_model::{WallTime, ZoneId, ZoneTree};
use loa_panel::{
    Answer, Console as _, ConsoleError, DrillItem, Metric, MetricKind, StartItem, TimeToAir, Trouble,
};
use loa_store::{DrillRow, StartRow};

use super::{Shared, StationConsole, WRITE_WAIT, with};

/// What was measured lately.
pub struct StartFigures {
    /// Slower than this somebody should look.
    pub(super) alarm: Duration,
    zones: ArcSwap<Vec<(ZoneId, TimeToAir)>>,
    /// The newest start that was too slow, if it is not long ago: its zone, and how long it took.
    slow: ArcSwap<Option<(ZoneId, Duration)>>,
}

impl StartFigures {
    /// Begins with nothing measured.
    pub fn new(alarm: Duration) -> Self {
        Self {
            alarm,
            zones: ArcSwap::default(),
            slow: ArcSwap::default(),
        }
    }

    pub(super) fn metrics(&self, tree: &ZoneTree) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for (zone, measured) in self.zones.load().iter() {
            let code = tree.get(*zone).map_or_else(String::new, |zone| zone.code.clone());
            for (quantile, span) in [("0.5", measured.p50), ("0.95", measured.p95)] {
                metrics.push(Metric {
                    name: "loa_time_to_air_seconds",
                    help: "From a pressed button to the first sample at a receiver, over 30 days.",
                    kind: MetricKind::Gauge,
                    labels: vec![("zone", code.clone()), ("quantile", quantile.to_owned())],
                    value: span.as_secs_f64(),
                });
            }
        }
        metrics.push(Metric {
            name: "loa_time_to_air_alarm",
            help: "Whether a start of the last hour took longer than panel.time_to_air_alarm_ms.",
            kind: MetricKind::Gauge,
            labels: Vec::new(),
            value: f64::from(u8::from(self.slow.load().is_some())),
        });
        metrics
    }

    pub(super) fn trouble(&self, tree: &ZoneTree) -> Option<Trouble> {
        let (zone, took) = (**self.slow.load())?;
        Some(Trouble::SlowStart {
            zone: tree.get(zone)?.into(),
            took,
            most: self.alarm,
        })
    }
}

impl StationConsole {
    pub(super) fn read_starts(&self, from: WallTime, to: WallTime) -> Answer<'static, Vec<StartItem>> {
        let tree = self.zones();
        let listening = self.listening();
        // A month of receipts takes its time: nobody's page or login waits for that.
        let rows = with(&Shared::default(), &self.database, WRITE_WAIT, move |store| {
            store.starts(from, to)
        });
        Box::pin(async move {
            let item = |row: StartRow| {
                let should = listening
                    .iter()
                    .filter(|receiver| tree.covers(row.zone, receiver.zone));
                let first = |code: &str| {
                    let found = row.receipts.iter().find(|(of, _)| of == code);
                    found.filter(|(_, receipt)| !receipt.sounded.is_zero())
                };
                StartItem {
                    receivers: should
                        .map(|receiver| {
                            let sounded = first(&receiver.code).map(|(_, receipt)| receipt.first);
                            (receiver.code.clone(), receiver.zone, sounded)
                        })
                        .collect(),
                    session: row.session,
                    zone: row.zone,
                    title: row.title,
                    class: row.class,
                    drill: row.drill,
                    by: row.by,
                    pressed: row.pressed,
                    accepted: row.accepted,
                    first_packet: row.first_packet,
                    began: row.began,
                }
            };
            Ok(rows.await?.into_iter().map(item).collect())
        })
    }

    pub(super) fn read_drills(&self, from: WallTime, to: WallTime) -> Answer<'static, Vec<DrillItem>> {
        let rows = with(&Shared::default(), &self.database, WRITE_WAIT, move |store| {
            store.drills(from, to)
        });
        Box::pin(async move {
            let item = |DrillRow { drill, first }: DrillRow| DrillItem {
                pressed: drill.pressed,
                title: drill.title,
                by: drill.by,
                zones: drill.zones,
                receivers: drill
                    .receivers
                    .into_iter()
                    .map(|code| {
                        let heard = first.get(&code).copied();
                        (code, heard)
                    })
                    .collect(),
            };
            Ok(rows.await?.into_iter().map(item).collect())
        })
    }

    /// Returns the codes of the receivers that hear what is sent to these zones.
    pub(super) fn receivers_in(&self, zones: &[ZoneId]) -> Vec<String> {
        let (tree, listening) = (self.zones(), self.listening());
        let here = listening
            .iter()
            .filter(|receiver| zones.iter().any(|zone| tree.covers(*zone, receiver.zone)));
        here.map(|receiver| receiver.code.clone()).collect()
    }

    /// Measures anew what metrics and health tell.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn measure_starts(&self) -> Result<(), ConsoleError> {
        let now = self.now();
        let starts = self.read_starts(now - MEASURED, now).await?;
        let tree = self.zones();
        let slow = starts
            .iter()
            .filter(|start| !start.had_to_wait() && now.since(start.pressed) < LATELY)
            .find_map(|start| {
                let worst = start.spans().into_iter().max()?;
                (worst > self.starts.alarm).then_some((start.zone, worst))
            });
        self.starts.slow.store(Arc::new(slow));
        self.starts
            .zones
            .store(Arc::new(TimeToAir::by_zone(&starts, &tree)));
        Ok(())
    }
}

const MEASURED: Duration = Duration::from_secs(30 * 86_400);
const LATELY: Duration = Duration::from_secs(3_600);
