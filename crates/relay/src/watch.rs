//! Which of a relay's sources is on the air. Sans-IO: what happens to them and time in, switches out.

use std::collections::VecDeque;
use std::time::Duration;

use loa_model::MonoTime;

/// When a source counts as failed, and when as healthy again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// No sound came for this long.
    pub stall: Duration,
    /// It was quieter than the threshold for this long.
    pub silence: Duration,
    /// A better source takes over when it was healthy for this long.
    pub healthy_for: Duration,
    /// While a relay is younger than this, it takes a better source at once.
    pub settle: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            stall: Duration::from_millis(1_500),
            silence: Duration::from_secs(10),
            healthy_for: Duration::from_secs(30),
            settle: Duration::from_secs(10),
        }
    }
}

/// What a relay sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A source, by its number from 0.
    Source(usize),
    /// The fill, while no source is healthy.
    Fill,
}

/// A change of what a relay sounds like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// What it sounds like from here on.
    pub on: On,
    /// What is wrong with what it sounded like before; none if something better came.
    pub failed: Option<String>,
}

/// Chooses among sources, the first of which is the best.
///
/// Tell it what happens to each, and call [`handle_timeout`](Self::handle_timeout) at least each 100 ms; after each
/// call drain [`poll_switch`](Self::poll_switch).
#[derive(Clone, Debug)]
pub struct RelayWatch {
    rules: Rules,
    began: MonoTime,
    on: On,
    sources: Vec<Health>,
    switches: VecDeque<Switch>,
}

#[derive(Clone, Debug, Default)]
struct Health {
    /// When sound came last.
    last: Option<MonoTime>,
    /// Since when it is quieter than the threshold, while it is.
    quiet_since: Option<MonoTime>,
    /// Since when nothing is wrong with it, while nothing is.
    healthy_since: Option<MonoTime>,
    /// What went wrong last, until sound comes again.
    failed: Option<String>,
}

impl RelayWatch {
    /// Begins with the fill, and sources of which nothing was heard.
    pub fn new(sources: usize, rules: Rules, now: MonoTime) -> Self {
        Self {
            rules,
            began: now,
            on: On::Fill,
            sources: vec![Health::default(); sources],
            switches: VecDeque::new(),
        }
    }

    /// Returns what is on the air.
    pub const fn on(&self) -> On {
        self.on
    }

    /// Takes note that sound came from a source, above or below the threshold of silence.
    pub fn handle_audio(&mut self, source: usize, is_silent: bool, now: MonoTime) {
        let rules = self.rules;
        let Some(health) = self.sources.get_mut(source) else {
            return;
        };
        health.last = Some(now);
        health.failed = None;
        health.quiet_since = is_silent.then(|| health.quiet_since.unwrap_or(now));
        if health.fault(&rules, now).is_none() {
            health.healthy_since.get_or_insert(now);
        }
        self.choose(now);
    }

    /// Takes note that a source failed: refused, ended, or sends what is no audio.
    pub fn handle_failure(&mut self, source: usize, why: String, now: MonoTime) {
        if let Some(health) = self.sources.get_mut(source) {
            *health = Health {
                failed: Some(why),
                ..Health::default()
            };
        }
        self.choose(now);
    }

    /// Looks for sources that stalled, were silent for too long, or are healthy again.
    pub fn handle_timeout(&mut self, now: MonoTime) {
        let rules = self.rules;
        for health in &mut self.sources {
            if health.fault(&rules, now).is_some() {
                health.healthy_since = None;
            }
        }
        self.choose(now);
    }

    /// Returns the next switch.
    pub fn poll_switch(&mut self) -> Option<Switch> {
        self.switches.pop_front()
    }

    fn choose(&mut self, now: MonoTime) {
        let rules = self.rules;
        let healthy = |health: &Health| {
            health
                .healthy_since
                .filter(|_| health.fault(&rules, now).is_none())
        };
        let settled = now.since(self.began) >= rules.settle;
        let current = match self.on {
            On::Source(source) => {
                let fault = self.sources[source].fault(&rules, now);
                if fault.is_none() { Some(source) } else { None }
            }
            On::Fill => None,
        };
        let best = (0..self.sources.len()).find(|source| {
            let since = healthy(&self.sources[*source]);
            since.is_some_and(|since| {
                let proven = !settled || now.since(since) >= rules.healthy_for;
                // What fails is replaced at once; what works only by what is better and has proven so.
                current.is_none_or(|current| *source >= current || proven)
            })
        });
        let next = best.map_or(On::Fill, On::Source);
        if next == self.on {
            return;
        }
        let failed = match (self.on, current) {
            (On::Source(source), None) => self.sources[source].fault(&rules, now),
            _ => None,
        };
        self.on = next;
        self.switches.push_back(Switch { on: next, failed });
    }
}

impl Health {
    /// Returns what is wrong with it.
    fn fault(&self, rules: &Rules, now: MonoTime) -> Option<String> {
        if let Some(failed) = &self.failed {
            return Some(failed.clone());
        }
        let Some(last) = self.last else {
            return Some("nothing came of it".to_owned());
        };
        if now.since(last) >= rules.stall {
            return Some("stalled".to_owned());
        }
        let silent = self
            .quiet_since
            .is_some_and(|since| now.since(since) >= rules.silence);
        silent.then(|| "silent".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_ns(ms * 1_000_000)
    }

    /// Plays sources that sound (s), are silent (q), fail (x) or say nothing (.), one letter each 100 ms; returns what
    /// is on the air whenever it changes.
    fn play(sources: &[&str]) -> String {
        let rules = Rules {
            silence: Duration::from_secs(2),
            healthy_for: Duration::from_secs(3),
            settle: Duration::from_millis(500),
            ..Rules::default()
        };
        let mut watch = RelayWatch::new(sources.len(), rules, ms(0));
        let length = sources.iter().map(|source| source.len()).max().unwrap_or(0);
        let mut told = Vec::new();
        for step in 0..length {
            let now = ms(step as u64 * 100);
            for (index, source) in sources.iter().enumerate() {
                match source.as_bytes().get(step) {
                    Some(b's') => watch.handle_audio(index, false, now),
                    Some(b'q') => watch.handle_audio(index, true, now),
                    Some(b'x') => watch.handle_failure(index, "404".to_owned(), now),
                    _ => {}
                }
            }
            watch.handle_timeout(now);
            while let Some(Switch { on, failed }) = watch.poll_switch() {
                let on = match on {
                    On::Source(source) => source.to_string(),
                    On::Fill => "fill".to_owned(),
                };
                told.push(format!(
                    "{}:{on}{}",
                    step as f32 / 10.0,
                    failed.map_or(String::new(), |why| format!(" ({why})"))
                ));
            }
        }
        told.join(" ")
    }

    #[test]
    fn the_best_that_is_healthy_is_on_the_air() {
        let s = |count: usize| "s".repeat(count);
        let rows = [
            ("one source", vec![s(10)], "0:0"),
            (
                "the second is quicker, at first",
                vec![format!("..{}", s(10)), s(12)],
                "0:1 0.2:0",
            ),
            ("it stalls", vec![s(20), s(60)], "0:0 3.4:1 (stalled)"),
            (
                "it stalls and comes back for good",
                vec![format!("{}{}{}", s(20), ".".repeat(20), s(60)), s(100)],
                "0:0 3.4:1 (stalled) 7:0",
            ),
            (
                "it comes back and goes again",
                vec![format!("{}{}{}", s(20), ".".repeat(20), s(10)), s(80)],
                "0:0 3.4:1 (stalled)",
            ),
            (
                "it falls silent",
                vec![format!("{}{}", s(10), "q".repeat(40)), s(50)],
                "0:0 3:1 (silent)",
            ),
            ("it is refused", vec!["x".to_owned(), s(10)], "0:1"),
            (
                "it ends on the air",
                vec![format!("{}x", s(10)), s(20)],
                "0:0 1:1 (404)",
            ),
            (
                "nothing is left",
                vec![s(10), "x".to_owned(), ".".repeat(40)],
                "0:0 2.4:fill (stalled)",
            ),
            (
                "and one comes back",
                vec![format!("{}{}{}", s(10), ".".repeat(30), s(10))],
                "0:0 2.4:fill (stalled) 4:0",
            ),
        ];
        for (name, sources, expected) in rows {
            let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
            assert_eq!(play(&sources), expected, "{name}");
        }
    }

    proptest! {
        /// Whatever happens, dead sources are off the air 100 ms after they count as dead, if one is healthy; and each
        /// switch is told once, with a reason if something failed.
        #[test]
        fn a_dead_source_is_never_kept_while_another_lives(
            events in prop::collection::vec((0..3usize, 0..4u8, 0..400u64), 0..200),
        ) {
            let rules = Rules::default();
            let mut watch = RelayWatch::new(3, rules, ms(0));
            let mut last: [Option<u64>; 3] = [None; 3];
            let (mut now, mut on) = (0, On::Fill);
            for (source, what, wait) in events {
                for _ in 0..wait / 100 {
                    now += 100;
                    watch.handle_timeout(ms(now));
                }
                match what {
                    0..=2 => {
                        watch.handle_audio(source, false, ms(now));
                        last[source] = Some(now);
                    }
                    _ => {
                        watch.handle_failure(source, "lost".to_owned(), ms(now));
                        last[source] = None;
                    }
                }
                watch.handle_timeout(ms(now));
                while let Some(switch) = watch.poll_switch() {
                    prop_assert_ne!(switch.on, on, "told twice");
                    on = switch.on;
                }
                prop_assert_eq!(on, watch.on());
                let lives = |source: usize| last[source].is_some_and(|last| now - last < 1_500);
                match on {
                    On::Source(source) => prop_assert!(lives(source), "{source} is dead"),
                    On::Fill => prop_assert!(!(0..3).any(lives), "a source lives"),
                }
            }
        }
    }
}
