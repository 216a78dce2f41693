//! How much of the sound that is due comes of a source. Sans-IO.

use std::collections::VecDeque;
use std::time::Duration;

use loa_model::MonoTime;

/// What was due and what came, over a window that moves. Nothing is due before it [begins](Self::begin).
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Up to when time has passed; none before it begins.
    passed: Option<MonoTime>,
    total: Sums,
    /// What the sums were, once in each part of the window; the first is the newest that is a window old, if one is.
    marks: VecDeque<Sums>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    due: Duration,
    came: Duration,
}

impl Pace {
    pub(crate) fn begin(now: MonoTime) -> Self {
        Self {
            passed: Some(now),
            total: Sums::default(),
            marks: VecDeque::from([Sums::default()]),
        }
    }

    /// Returns how much time passed since it was asked last; none before it begins.
    pub(crate) fn pass(&mut self, now: MonoTime) -> Duration {
        self.passed
            .as_mut()
            .map_or(Duration::ZERO, |passed| now.since(std::mem::replace(passed, now)))
    }

    /// Takes note of sound that was due and sound that came.
    pub(crate) fn take(&mut self, due: Duration, came: Duration, window: Duration) {
        if self.passed.is_none() {
            return;
        }
        self.total.due += due;
        self.total.came += came;
        let due = self.total.due;
        let since = |mark: &Sums| due - mark.due;
        if self.marks.back().is_none_or(|mark| since(mark) >= window / PARTS) {
            self.marks.push_back(self.total);
        }
        while self.marks.get(1).is_some_and(|mark| since(mark) >= window) {
            self.marks.pop_front();
        }
    }

    /// Tells whether enough came; none before a whole window was seen.
    pub(crate) fn keeps_up(&self, window: Duration) -> Option<bool> {
        let mark = self.marks.front()?;
        let (due, came) = (self.total.due - mark.due, self.total.came - mark.came);
        (due >= window).then(|| came.as_nanos() * 100 >= due.as_nanos() * ENOUGH_PERCENT)
    }
}

/// The window moves by this part of it.
const PARTS: u32 = 30;
/// Less sound than this is heard as pieces; more as a break now and then.
const ENOUGH_PERCENT: u128 = 85;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_judged_when_it_is_whole_and_forgets_what_was_before_it() {
        let window = Duration::from_secs(30);
        let mut pace = Pace::begin(MonoTime::default());
        let mut second = |came_ms: u64, seconds: usize| {
            for _ in 0..seconds {
                pace.take(Duration::from_secs(1), Duration::from_millis(came_ms), window);
            }
            (pace.keeps_up(window), pace.marks.len())
        };
        assert_eq!(second(600, 29), (None, 30), "no whole window yet");
        assert_eq!(second(600, 1), (Some(false), 31));
        assert_eq!(second(600, 86_400), (Some(false), 31), "a day needs no more room");
        assert_eq!(second(1_000, 18), (Some(false), 31), "25.2 of 30 s");
        assert_eq!(second(1_000, 1), (Some(true), 31), "25.6 of 30 s");
    }

    #[test]
    fn what_may_pause_is_never_slow() {
        let mut pace = Pace::begin(MonoTime::default());
        for _ in 0..10_000 {
            pace.take(Duration::from_secs(1), Duration::ZERO, Duration::MAX);
        }
        assert_eq!((pace.keeps_up(Duration::MAX), pace.marks.len()), (None, 1));
    }

    #[test]
    fn nothing_is_due_before_it_begins() {
        let mut pace = Pace::default();
        let minute = Duration::from_secs(60);
        assert_eq!(pace.pass(MonoTime::default() + minute), Duration::ZERO);
        pace.take(minute, Duration::ZERO, minute);
        assert_eq!(pace.keeps_up(minute), None);
    }
}
