//! Keeps quiet hours over a power cut: a small file, written by a thread so that the sound never waits for a memory card.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use loa_session::QuietMemory;
use tracing::{info, warn};

use crate::state_file;

/// Hands what is to be kept to the thread; never waits. Dropping it waits until everything is written.
pub(crate) struct Keeper {
    inbox: Option<SyncSender<QuietMemory>>,
    /// What found the thread busy.
    waiting: Option<QuietMemory>,
    failing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecallError {
    /// The file is there and cannot be read.
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("{path} is damaged")]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
}

/// Reads what was kept; none if nothing ever was.
///
/// # Errors
///
/// See [`RecallError`].
pub(crate) fn recall(state_dir: &Path) -> Result<Option<QuietMemory>, RecallError> {
    let path = state_dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| RecallError::Damaged { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RecallError::Read { path, source }),
    }
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(state_dir: &Path) -> io::Result<Self> {
        let (sender, inbox) = sync_channel(1);
        let failing = Arc::<AtomicBool>::default();
        let (state_dir, flag) = (state_dir.to_owned(), Arc::clone(&failing));
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work(&inbox, &state_dir, &flag))?;
        Ok(Self {
            inbox: Some(sender),
            waiting: None,
            failing,
            thread: Some(thread),
        })
    }

    /// Keeps this, or what was not yet taken; of two the newer.
    pub(crate) fn keep(&mut self, memory: Option<QuietMemory>) {
        let Some(memory) = memory.or_else(|| self.waiting.take()) else {
            return;
        };
        self.waiting = None;
        if let Some(Err(TrySendError::Full(memory))) = self.inbox.as_ref().map(|inbox| inbox.try_send(memory))
        {
            self.waiting = Some(memory);
        }
    }

    /// Tells whether the newest could not be written.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let (Some(inbox), Some(memory)) = (&self.inbox, self.waiting.take()) {
            // The thread is gone only if it panicked, and then nothing is to be saved.
            let _ = inbox.send(memory);
        }
        self.inbox = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn work(inbox: &Receiver<QuietMemory>, state_dir: &Path, failing: &AtomicBool) {
    let mut unwritten = None;
    loop {
        match inbox.recv_timeout(RETRY) {
            Ok(memory) => unwritten = Some(memory),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(memory) = &unwritten else { continue };
        let bytes = serde_json::to_vec(memory).map_err(io::Error::other);
        match bytes.and_then(|bytes| state_file::write(state_dir, FILE, &bytes)) {
            Ok(()) => {
                unwritten = None;
                if failing.swap(false, Ordering::Relaxed) {
                    info!("quiet hours are kept again");
                }
            }
            Err(error) => {
                if !failing.swap(true, Ordering::Relaxed) {
                    warn!(%error, "cannot keep quiet hours; after a restart nothing sounds before the first beacon");
                }
            }
        }
    }
}

const FILE: &str = "quiet.json";
/// What could not be written is tried again this often.
const RETRY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{Channel, QuietHours, WallTime};

    fn memory(epoch: u32) -> QuietMemory {
        QuietMemory {
            channel: Channel(3),
            station: 7,
            epoch,
            at: WallTime::from_unix_s(5),
            quiet: Some(QuietHours::default()),
            day: 20_000,
            sounded_s: 60,
        }
    }

    #[test]
    fn the_newest_is_there_after_a_stop() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        assert_eq!(recall(&state).unwrap(), None);
        let mut keeper = Keeper::start(&state).unwrap();
        for epoch in 1..=50 {
            keeper.keep(Some(memory(epoch)));
        }
        keeper.keep(None);
        assert!(!keeper.is_failing());
        drop(keeper);
        assert_eq!(recall(&state).unwrap(), Some(memory(50)));
    }

    #[test]
    fn a_damaged_file_is_named_and_replaced_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{\"channel\":").unwrap();
        let error = recall(dir.path()).unwrap_err();
        assert!(error.to_string().contains("quiet.json is damaged"), "{error}");
        let mut keeper = Keeper::start(dir.path()).unwrap();
        keeper.keep(Some(memory(1)));
        drop(keeper);
        assert_eq!(recall(dir.path()).unwrap(), Some(memory(1)));
    }
}
