//! The printing thread: status lines go out by it, so that the sound never waits for whoever reads them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde::Serialize;

/// Hands lines to the thread; never waits. Dropping it waits until they are written, but not for a reader that is stuck.
pub(crate) struct Printer {
    lines: Option<SyncSender<String>>,
    /// Gone once the thread is.
    alive: Receiver<()>,
    dropped: AtomicU64,
}

impl Printer {
    /// Starts the thread, which writes to `out`.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, inbox) = sync_channel(LINES_MAX);
        let (lives, alive) = sync_channel(0);
        std::thread::Builder::new()
            .name("printer".into())
            .spawn(move || work(&inbox, out, lives))?;
        Ok(Self {
            lines: Some(lines),
            alive,
            dropped: AtomicU64::new(0),
        })
    }

    /// Prints one JSON line; one that finds the queue full is dropped and counted.
    pub(crate) fn print(&self, line: &impl Serialize) {
        let Ok(text) = serde_json::to_string(line) else {
            return;
        };
        let taken = self
            .lines
            .as_ref()
            .is_some_and(|lines| lines.try_send(text).is_ok());
        self.dropped.fetch_add(u64::from(!taken), Ordering::Relaxed);
    }

    /// Returns how many lines were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        self.lines = None;
        // It sends nothing: this ends when the thread does, or when it is time.
        let _ = self.alive.recv_timeout(END_MAX);
    }
}

/// `lives` is dropped when everything is written.
fn work(inbox: &Receiver<String>, mut out: impl Write, lives: SyncSender<()>) {
    for line in inbox {
        // Nobody reading it is no reason to stop.
        let _ = writeln!(out, "{line}");
    }
    drop(lives);
}

/// A minute or two.
const LINES_MAX: usize = 128;
/// Longest that the end waits for a reader.
const END_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    /// Takes nothing until the other end of `held` is gone.
    struct Stuck {
        held: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.held.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_costs_lines_and_no_time() {
        let (hold, held) = channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let out = Stuck {
            held,
            written: Arc::clone(&written),
        };
        let printer = Printer::start(out).unwrap();
        let many = LINES_MAX as u64 + 10;
        (0..many).for_each(|number| printer.print(&number));
        let dropped = printer.dropped();
        // The thread may hold one line by now.
        assert!((9..=10).contains(&dropped), "{dropped}");
        drop(hold);
        drop(printer);
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let expected: String = (0..many - dropped).map(|number| format!("{number}\n")).collect();
        assert_eq!(written, expected, "nothing else is lost at the end");
    }

    #[test]
    fn the_end_does_not_wait_for_ever() {
        let (hold, held) = channel();
        let written = Arc::default();
        let printer = Printer::start(Stuck { held, written }).unwrap();
        printer.print(&1);
        let begun = Instant::now();
        drop(printer);
        assert!(begun.elapsed() < 10 * END_MAX);
        drop(hold);
    }
}
