//! The reporter thread: posts signed reports to the head-end, so that the playing thread never waits for a network.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_model::WallTime;
use loa_wire::{Report, sign_report};
use tracing::{info, warn};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::config::ReportConfig;
use crate::identity::Identity;

/// Hands reports to the thread; never waits.
pub(crate) struct Reporter {
    reports: SyncSender<Report>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Time of the newest report that the head-end took.
    acknowledged_ns: AtomicI64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

impl Reporter {
    /// Starts the thread.
    pub(crate) fn start(config: &ReportConfig, identity: Identity) -> std::io::Result<Self> {
        // One in the queue and one on its way: an older report is worth nothing beside a newer one.
        let (reports, inbox) = sync_channel(1);
        let shared = Arc::<Shared>::default();
        let url = format!("{}/api/v1/reports", config.url.trim_end_matches('/'));
        let (counts, ca) = (Arc::clone(&shared), config.ca.clone());
        std::thread::Builder::new()
            .name("reporter".into())
            .spawn(move || work(&inbox, &url, ca.as_deref(), &identity, &counts))?;
        Ok(Self { reports, shared })
    }

    /// Offers a report; one that finds the queue full is skipped, and its receipts go with the next.
    pub(crate) fn offer(&self, report: Report) {
        if self.reports.try_send(report).is_err() {
            self.shared.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the time of the newest report that the head-end took.
    pub(crate) fn acknowledged(&self) -> WallTime {
        WallTime::from_unix_ns(self.shared.acknowledged_ns.load(Ordering::Relaxed))
    }

    /// Returns how many reports failed, and how many were skipped.
    pub(crate) fn failures(&self) -> (u64, u64) {
        (
            self.shared.failed.load(Ordering::Relaxed),
            self.shared.skipped.load(Ordering::Relaxed),
        )
    }
}

fn work(inbox: &Receiver<Report>, url: &str, ca: Option<&str>, identity: &Identity, shared: &Shared) {
    let mut config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT));
    // That it is one was checked with the configuration.
    if let Some(ca) = ca.and_then(|ca| Certificate::from_pem(ca.as_bytes()).ok()) {
        let roots = RootCerts::new_with_certs(&[ca]);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    let agent = ureq::Agent::new_with_config(config.build());
    let mut failing = false;
    for report in inbox {
        let at = report.at;
        match post(&agent, url, identity, &report) {
            Ok(()) => {
                shared.acknowledged_ns.store(at.as_unix_ns(), Ordering::Relaxed);
                if std::mem::take(&mut failing) {
                    info!(url, "reports reach the head-end again");
                }
            }
            Err(error) => {
                shared.failed.fetch_add(1, Ordering::Relaxed);
                // Once for each outage: a box alone for a week must not fill its disk with this.
                if !std::mem::replace(&mut failing, true) {
                    warn!(url, %error, "report does not reach the head-end; sound is not affected");
                }
            }
        }
    }
}

fn post(agent: &ureq::Agent, url: &str, identity: &Identity, report: &Report) -> Result<(), ureq::Error> {
    let body = serde_json::to_vec(report).map_err(|error| ureq::Error::Other(Box::new(error)))?;
    let signature = sign_report(identity.secret(), &body);
    agent
        .post(url)
        .header("content-type", "application/json")
        .header("loa-receiver", &report.receiver)
        .header("loa-signature", BASE64.encode(signature))
        .send(&body[..])?;
    Ok(())
}

/// A head-end that answers at all answers well within this.
const TIMEOUT: Duration = Duration::from_secs(5);
