//! Which of a relay's sources is on the air. Sans-IO: what happens to them and time in, switches out.

use std::collections::VecDeque;
use std::time::Duration;

use loa_model::MonoTime;

use crate::pace::Pace;

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
    /// It is too slow if it gave less than 85 % of the sound that was due over this long.
    pub slow: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            stall: Duration::from_millis(1_500),
            silence: Duration::from_secs(10),
            healthy_for: Duration::from_secs(30),
            settle: Duration::from_secs(10),
            slow: Duration::from_secs(30),
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
    pace: Pace,
    /// When it was too slow last.
    slow_at: Option<MonoTime>,
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

    /// Takes note that so much `sound` came from a source, above or below the threshold of silence. Nothing of it came
    /// while what came before still waits.
    pub fn handle_audio(&mut self, source: usize, is_silent: bool, sound: Duration, now: MonoTime) {
        self.pass(now);
        let (rules, on_air) = (self.rules, self.on == On::Source(source));
        let Some(health) = self.sources.get_mut(source) else {
            return;
        };
        // A hole is a stall, and told as one; what comes after it is judged by itself.
        if health.last.is_none_or(|last| now.since(last) >= rules.stall) {
            health.pace = Pace::begin(now);
        }
        if !on_air {
            health.pace.take(Duration::ZERO, sound, rules.slow);
        }
        health.last = Some(now);
        health.failed = None;
        health.quiet_since = is_silent.then(|| health.quiet_since.unwrap_or(now));
        if health.fault(&rules, now).is_none() {
            health.healthy_since.get_or_insert(now);
        }
        self.choose(now);
    }

    /// Takes note of how much of a packet of what is on the air, `due` long, was `sound`.
    ///
    /// On the air this tells how fast a source is, and not when its sound comes: what comes in bursts waits in its queue.
    pub fn handle_packet(&mut self, source: usize, sound: Duration, due: Duration, now: MonoTime) {
        self.pass(now);
        let rules = self.rules;
        if let Some(health) = self.sources.get_mut(source) {
            health.pace.take(due, sound, rules.slow);
        }
        self.choose(now);
    }

    /// Takes note that a source failed: refused, ended, or sends what is no audio.
    pub fn handle_failure(&mut self, source: usize, why: String, now: MonoTime) {
        self.pass(now);
        if let Some(health) = self.sources.get_mut(source) {
            *health = Health {
                failed: Some(why),
                slow_at: health.slow_at,
                ..Health::default()
            };
        }
        self.choose(now);
    }

    /// Looks for sources that stalled, were silent for too long, are too slow, or are healthy again.
    pub fn handle_timeout(&mut self, now: MonoTime) {
        self.pass(now);
        let rules = self.rules;
        for health in &mut self.sources {
            if health.fault(&rules, now).is_some() {
                health.healthy_since = None;
            }
        }
        self.choose(now);
    }

    /// Tells whether a source sounds in pieces: less comes of it than it takes to sound.
    pub fn is_slow(&self, source: usize) -> bool {
        let health = self.sources.get(source);
        health.is_some_and(|health| health.pace.keeps_up(self.rules.slow) == Some(false))
    }

    /// Returns the next switch.
    pub fn poll_switch(&mut self) -> Option<Switch> {
        self.switches.pop_front()
    }

    /// Lets time pass: from a source that is not on the air, sound is due as time goes by.
    fn pass(&mut self, now: MonoTime) {
        let (rules, on) = (self.rules, self.on);
        for (source, health) in self.sources.iter_mut().enumerate() {
            let passed = health.pace.pass(now);
            if on != On::Source(source) {
                health.pace.take(passed, Duration::ZERO, rules.slow);
            }
        }
    }

    fn choose(&mut self, now: MonoTime) {
        let rules = self.rules;
        for health in &mut self.sources {
            if health.pace.keeps_up(rules.slow) == Some(false) {
                health.slow_at = Some(now);
            }
        }
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
        let current_is_slow = current.is_some_and(|current| self.is_slow(current));
        let best = (0..self.sources.len()).find(|source| {
            let health = &self.sources[*source];
            let Some(since) = healthy(health) else {
                return false;
            };
            if current == Some(*source) {
                return !current_is_slow;
            }
            let proven = !settled || now.since(since) >= rules.healthy_for;
            // What fails is replaced at once; what sounds in pieces by what has proven not to, and what works only by
            // what is better and has proven so.
            let may_take_over = match current {
                None => true,
                Some(_) if current_is_slow => proven && health.pace.keeps_up(rules.slow) == Some(true),
                Some(current) => proven && *source < current,
            };
            may_take_over && !health.was_slow(&rules, now)
        });
        // In pieces is better than not at all.
        let any = || (0..self.sources.len()).find(|source| healthy(&self.sources[*source]).is_some());
        let next = best.or(current).or_else(any).map_or(On::Fill, On::Source);
        if next == self.on {
            return;
        }
        let failed = match (self.on, current) {
            (On::Source(source), None) => self.sources[source].fault(&rules, now),
            (On::Source(_), Some(_)) if current_is_slow => Some("too slow".to_owned()),
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

    /// Tells whether it was too slow, and has not kept pace since for as long as it takes to prove itself.
    fn was_slow(&self, rules: &Rules, now: MonoTime) -> bool {
        self.slow_at.is_some_and(|slow_at| {
            now.since(slow_at) < rules.healthy_for || self.pace.keeps_up(rules.slow) != Some(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> MonoTime {
        MonoTime::from_ns(ms * 1_000_000)
    }

    /// Plays sources that sound (s), are silent (q), sound but for two fifths (p), give ten seconds (T) or six tenths of
    /// one (S) at once, fail (x) or say nothing (.), one letter each 100 ms; returns what is on the air whenever it
    /// changes. What is on the air is taken as it sounds, and the rest waits.
    fn play(sources: &[&str]) -> String {
        let rules = Rules {
            silence: Duration::from_secs(2),
            healthy_for: Duration::from_secs(3),
            settle: Duration::from_millis(500),
            ..Rules::default()
        };
        let step_long = Duration::from_millis(100);
        let mut watch = RelayWatch::new(sources.len(), rules, ms(0));
        let length = sources.iter().map(|source| source.len()).max().unwrap_or(0);
        let mut waiting = vec![Duration::ZERO; sources.len()];
        let mut told = Vec::new();
        for step in 0..length {
            let now = ms(step as u64 * 100);
            for (index, source) in sources.iter().enumerate() {
                let letter = source.as_bytes().get(step).copied().unwrap_or(b'.');
                let sound = Duration::from_millis(match letter {
                    b's' | b'q' => 100,
                    b'p' => 60,
                    b'T' => 10_000,
                    b'S' => 600,
                    _ => 0,
                });
                match letter {
                    b'x' => watch.handle_failure(index, "404".to_owned(), now),
                    b'.' if waiting[index].is_zero() => {}
                    _ => watch.handle_audio(index, letter == b'q', sound, now),
                }
                waiting[index] += sound;
                if watch.on() == On::Source(index) {
                    let heard = waiting[index].min(step_long);
                    waiting[index] -= heard;
                    watch.handle_packet(index, heard, step_long, now);
                } else {
                    waiting[index] = Duration::ZERO;
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

    #[test]
    fn what_sounds_in_pieces_gives_way_to_what_does_not_and_to_nothing_else() {
        let s = |count: usize| "s".repeat(count);
        let rows = [
            (
                "it is slow for a minute, and another is whole",
                vec!["p".repeat(600), s(600)],
                "0:0 30:1 (too slow)",
            ),
            (
                "in lumps",
                vec!["S.........".repeat(60), s(600)],
                "0:0 30:1 (too slow)",
            ),
            ("nothing else is there", vec!["p".repeat(600)], "0:0"),
            ("all are slow", vec!["p".repeat(900); 2], "0:0"),
            (
                "it has hardly begun to be slow",
                vec![format!("{}{}", s(600), "p".repeat(100)), s(700)],
                "0:0",
            ),
            (
                "the whole one is lost: in pieces is better than not at all",
                vec!["p".repeat(600), format!("{}x", s(400))],
                "0:0 30:1 (too slow) 40:0 (404)",
            ),
            (
                "it ends now and then, and stays slow",
                vec![format!("{}x", "p".repeat(449)).repeat(4), s(1_800)],
                "0:0 30:1 (too slow)",
            ),
            (
                "ten seconds at once, each ten seconds",
                vec![format!("T{}", ".".repeat(99)).repeat(12), s(1_200)],
                "0:0",
            ),
            (
                "at once, and a second late now and then",
                vec![
                    format!("T{}T{}", ".".repeat(109), ".".repeat(89)).repeat(6),
                    s(1_200),
                ],
                "0:0",
            ),
            (
                "it catches up after a hole",
                vec![format!("{}..........S.....{}", s(200), s(600)), s(816)],
                "0:0",
            ),
        ];
        for (name, sources, expected) in rows {
            let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
            assert_eq!(play(&sources), expected, "{name}");
        }
    }

    #[test]
    fn what_was_slow_comes_back_when_it_has_kept_pace_for_a_while() {
        let (slow, whole) = ("p".repeat(400), "s".repeat(400));
        let told = play(&[format!("{slow}{whole}").as_str(), whole.repeat(2).as_str()]);
        let back = told.strip_prefix("0:0 30:1 (too slow) ");
        let at_s = back.and_then(|back| back.strip_suffix(":0")?.parse::<f32>().ok());
        // Three seconds after the half minute that holds too little of it.
        assert!(at_s.is_some_and(|s| (60.0..64.0).contains(&s)), "{told}");
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
                    if let On::Source(heard) = watch.on() {
                        let (sound, due) = (Duration::from_millis(wait / 4), Duration::from_millis(100));
                        watch.handle_packet(heard, sound, due, ms(now));
                    }
                    watch.handle_timeout(ms(now));
                }
                match what {
                    0..=2 => {
                        watch.handle_audio(source, false, Duration::from_millis(wait), ms(now));
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
