//! The journal thread: writes the as-run log, so that the air thread never waits for the database.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use loa_model::WallTime;
use loa_store::{JournalEntry, Store};
use tracing::{info, warn};

/// Entries that may wait for the database: an hour of a busy province.
pub const ENTRIES_MAX: usize = 65_536;

/// What is known of the journal, for health and metrics.
#[derive(Debug, Default)]
pub struct JournalState {
    /// Entries taken from the queue and not yet in the database.
    pub waiting: AtomicU64,
    /// Tries to write that failed.
    pub failed: AtomicU64,
    /// Entries given up because more than [`ENTRIES_MAX`] waited.
    pub dropped: AtomicU64,
}

/// Starts the thread. It ends, after one more try to write what waits, when all senders of `inbox` are gone.
///
/// `alive` tells when the air thread was last seen to work: what a restart takes for the end of a lost run.
///
/// # Errors
///
/// If the machine cannot start another thread.
pub fn start(
    database: PathBuf,
    inbox: Receiver<JournalEntry>,
    alive: impl Fn() -> WallTime + Send + 'static,
    state: Arc<JournalState>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let mut journal = Writer {
        database,
        store: None,
        waiting: Vec::new(),
        state,
        failing: false,
    };
    std::thread::Builder::new()
        .name("journal".into())
        .spawn(move || journal.work(&inbox, &alive))
}

struct Writer {
    database: PathBuf,
    store: Option<Store>,
    waiting: Vec<JournalEntry>,
    state: Arc<JournalState>,
    failing: bool,
}

impl Writer {
    fn work(&mut self, inbox: &Receiver<JournalEntry>, alive: &dyn Fn() -> WallTime) {
        loop {
            let ended = match inbox.recv_timeout(HEARTBEAT) {
                Ok(entry) => {
                    self.waiting.push(entry);
                    // What came together is written together.
                    self.waiting.extend(inbox.try_iter().take(BATCH_MAX));
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.write(alive());
            if ended {
                return;
            }
            if self.failing {
                // The queue holds what comes meanwhile; trying faster would only load a machine in trouble.
                std::thread::sleep(HEARTBEAT);
            }
        }
    }

    fn write(&mut self, alive: WallTime) {
        self.state
            .waiting
            .store(self.waiting.len() as u64, Ordering::Relaxed);
        match self.try_write(alive) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    info!(entries = self.waiting.len(), "the as-run log is written again");
                }
                self.waiting.clear();
                self.state.waiting.store(0, Ordering::Relaxed);
            }
            Err(error) => {
                self.store = None;
                self.state.failed.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    warn!(
                        "the as-run log cannot be written; the air goes on and it is kept in memory: {error:#}"
                    );
                }
                let beyond = self.waiting.len().saturating_sub(ENTRIES_MAX);
                self.state.dropped.fetch_add(beyond as u64, Ordering::Relaxed);
                self.waiting.truncate(ENTRIES_MAX);
            }
        }
    }

    fn try_write(&mut self, alive: WallTime) -> anyhow::Result<()> {
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::open(&self.database)?),
        };
        store.record(&self.waiting, alive)?;
        Ok(())
    }
}

/// A lost run is known to have been on air at most this long before its end.
const HEARTBEAT: Duration = Duration::from_millis(500);
const BATCH_MAX: usize = 1_024;
