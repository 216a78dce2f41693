//! Whether the station does what it should, in words and in numbers.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use loa_panel::{Console as _, Health, Metric, MetricKind, Trouble};

use super::StationConsole;
use crate::installation::expiry;
use crate::on_air::{AirThread, Counts};

impl StationConsole {
    pub(super) fn read_health(&self) -> Health {
        let mut health = Health::default();
        let air = self.air.lock().unwrap_or_else(PoisonError::into_inner);
        if air.as_ref().is_none_or(AirThread::is_finished) {
            health.problems.push(Trouble::AirThreadEnded);
            health.off_air = true;
        }
        if let Some(step) = self.on_air.clock_fault() {
            let ahead_ms = step.system_ahead_ns / 1_000_000;
            health.problems.push(Trouble::ClockSet { ahead_ms });
        }
        if let Some(why) = &**self.planned.fault.load() {
            health.problems.push(Trouble::CannotPlan(why.clone()));
        }
        if let Some(since) = self.on_air.sends_fail_since() {
            health.problems.push(Trouble::SendsFail(self.now().since(since)));
        }
        health.problems.extend(expiry(self.certificate_ends, self.now()));
        let zones = self.zones();
        for zone in self.on_air.dead_air().iter() {
            health
                .problems
                .extend(zones.get(*zone).map(|zone| Trouble::DeadAir(zone.into())));
        }
        health.problems.extend(self.missing_fill.clone());
        health.problems.extend(self.starts.trouble(&zones));
        let waiting = self.journal.waiting.load(Ordering::Relaxed);
        if waiting > 0 && self.journal.failed.load(Ordering::Relaxed) > 0 {
            health.problems.push(Trouble::LogWaits(waiting));
        }
        health
    }

    pub(super) fn read_metrics(&self) -> Vec<Metric> {
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
        metrics.extend(self.starts.metrics(&self.zones()));
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
}
