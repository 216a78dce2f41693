//! What is known of the receivers in memory: who they are, and what they said last. It is told while the database is away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loa_model::{Receiver, SessionId, WallTime};
use loa_panel::ListeningReceiver;
use loa_store::ReceiverRow;
use loa_wire::Report;

/// Every registered receiver.
#[derive(Debug, Default)]
pub struct ReceiverBoard(Mutex<BTreeMap<String, Known>>);

#[derive(Clone, Debug)]
struct Known {
    receiver: Receiver,
    said: Option<Said>,
}

/// The newest report of a receiver.
#[derive(Clone, Copy, Debug)]
struct Said {
    /// When it started and when it said so, by its own clock.
    started: WallTime,
    at: WallTime,
    /// When that came, by ours.
    seen: WallTime,
    plays: Option<SessionId>,
}

impl ReceiverBoard {
    /// Takes what the database has: who is registered now, and what they said before this run.
    pub(crate) fn take(&self, rows: Vec<ReceiverRow>) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = rows.into_iter().map(|row| {
            let before = board.get(&row.receiver.code).and_then(|known| known.said);
            let read = || {
                let report: Report = serde_json::from_str(row.report.as_deref()?).ok()?;
                Some(said(&report, row.seen_at?))
            };
            (
                row.receiver.code.clone(),
                Known {
                    said: before.or_else(read),
                    receiver: row.receiver,
                },
            )
        });
        *board = known.collect();
    }

    /// Takes one that was registered a moment ago.
    pub(super) fn learn(&self, receiver: &Receiver) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.entry(receiver.code.clone()).or_insert_with(|| Known {
            receiver: receiver.clone(),
            said: None,
        });
    }

    /// Finds a receiver by its code.
    pub(super) fn find(&self, code: &str) -> Option<Receiver> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.get(code).map(|known| known.receiver.clone())
    }

    /// Takes note of what a receiver has said and signed, and was never said before.
    pub(super) fn note(&self, report: &Report, seen: WallTime) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = board.get_mut(&report.receiver) {
            known.said = Some(said(report, seen));
        }
    }

    /// Takes note of what a receiver has said and signed, while the database cannot tell whether it was said before.
    pub(super) fn note_unkept(&self, report: &Report, seen: WallTime) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the newest start is known here: another one is believed if it is later, or if that one's clock was ahead.
        let is_new = |before: Said| {
            let ahead = before.started > seen && before.started != report.started;
            ahead || (before.started, before.at) < (report.started, report.at)
        };
        if let Some(known) = board.get_mut(&report.receiver)
            && known.said.is_none_or(is_new)
        {
            known.said = Some(said(report, seen));
        }
    }

    pub(super) fn listening(&self, now: WallTime) -> Arc<Vec<ListeningReceiver>> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listening = board.iter().map(|(code, known)| {
            // What came in the future came when our own clock was ahead.
            let is_recent = |said: &Said| now.since(said.seen).max(said.seen.since(now)) <= ALIVE;
            let alive = known.said.filter(is_recent);
            ListeningReceiver {
                code: code.clone(),
                zone: known.receiver.zone,
                place: known.receiver.place,
                is_alive: alive.is_some(),
                plays: alive.and_then(|said| said.plays),
            }
        });
        Arc::new(listening.collect())
    }
}

fn said(report: &Report, seen: WallTime) -> Said {
    Said {
        started: report.started,
        at: report.at,
        seen,
        plays: report.playing.map(|playing| playing.session),
    }
}

/// A receiver reports every few seconds; one that is silent for longer than this may not sound.
const ALIVE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use loa_model::{ReceiverId, ZoneId};
    use loa_wire::ClockReport;

    use super::*;

    const YEAR: i64 = 365 * 86_400;

    fn at(s: i64) -> WallTime {
        WallTime::from_unix_s(1_800_000_000 + s)
    }

    fn report(started: i64, made: i64) -> Report {
        Report {
            receiver: "pole".into(),
            at: at(made),
            started: at(started),
            clock: ClockReport {
                trusted: true,
                beacon_ahead_ms: None,
                card_ppm: 0.0,
            },
            playing: None,
            counters: BTreeMap::new(),
            buffer_ms: 0.0,
            output_dbfs: 0.0,
            faults: Vec::new(),
            receipts: Vec::new(),
        }
    }

    fn row(report: Option<&Report>, seen: i64) -> ReceiverRow {
        ReceiverRow {
            receiver: Receiver {
                id: ReceiverId(1),
                code: "pole".into(),
                zone: ZoneId(1),
                public_key: [0; 32],
                place: None,
            },
            report_at: report.map(|report| report.at),
            seen_at: report.map(|_| at(seen)),
            report: report.map(|report| serde_json::to_string(report).unwrap()),
        }
    }

    fn lives(board: &ReceiverBoard, now: i64) -> bool {
        board.listening(at(now))[0].is_alive
    }

    #[test]
    fn whether_a_receiver_lives_is_told_by_our_clock_whatever_its_own_says() {
        for off in [0, -70, 70, -YEAR, 5 * YEAR] {
            let board = ReceiverBoard::default();
            board.take(vec![row(Some(&report(off, off)), 0)]);
            assert!(lives(&board, 60) && !lives(&board, 61), "kept, {off} s off");
            board.note(&report(off, off + 100), at(100));
            assert!(lives(&board, 160) && !lives(&board, 161), "said, {off} s off");
            assert!(!lives(&board, 39), "our own clock was ahead when it came");
        }
    }

    #[test]
    fn without_the_database_what_may_have_been_said_before_is_not_believed() {
        let rows = [
            ((0, 10), (0, 11), true),
            ((0, 10), (0, 10), false),
            ((0, 10), (0, 9), false),
            ((0, 10), (5, 6), true),
            ((0, 10), (-5, 60), false),
            // The clock was ahead, and is right now.
            ((5 * YEAR, 5 * YEAR + 1), (20, 21), true),
            ((5 * YEAR, 5 * YEAR + 1), (5 * YEAR, 5 * YEAR), false),
        ];
        for ((started, made), (again, said), expected) in rows {
            let board = ReceiverBoard::default();
            board.take(vec![row(None, 0)]);
            board.note_unkept(&report(started, made), at(0));
            assert!(lives(&board, 0), "the first is believed");
            board.note_unkept(&report(again, said), at(100));
            assert_eq!(lives(&board, 100), expected, "{started} {made}, {again} {said}");
        }
    }
}
