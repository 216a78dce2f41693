//! Random days and commands, aired by the engine and by a model of it: the as-run logs must be the same.
//!
//! The model knows the order of priority and the policies (`reference/model.rs`). It has no chimes, and one delay for every
//! class, so that everything is heard on whole seconds; what happens between them is for `invariants.rs`.

#[path = "reference/air.rs"]
mod air;
#[path = "reference/aired.rs"]
mod aired;
mod common;
#[path = "reference/model.rs"]
mod model;
#[path = "reference/rows.rs"]
mod rows;
#[path = "reference/script.rs"]
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use aired::Aired;
use common::check::{check, emergencies_are_heard, heard, minutes_are_kept, quiet_is_kept};
use common::{seed, seeded};
use loa_model::{AsRunEvent, EndReason};
use model::Model;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use rows::Row;
use script::{Line, Ms, Programme, Script, Step, What};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_engine_airs_what_the_model_says(script in script::scripts()) {
        play(&script).map_err(TestCaseError::fail)?;
    }
}

/// The same for a million steps of one seed. A command to a zone is a step, and so is a line that comes up.
#[test]
fn a_million_steps_air_as_the_model_says() {
    let seed = seed();
    let mut runner = seeded(seed);
    let (mut lives, mut steps) = (0, 0);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    while steps < STEPS {
        let script = script::scripts()
            .new_tree(&mut runner)
            .expect("a script")
            .current();
        lives += 1;
        match play(&script) {
            Ok(rows) => rows
                .iter()
                .for_each(|row| *seen.entry(row.kind()).or_default() += 1),
            Err(why) => panic!("LOA_SEED={seed}, life {lives}: {why}"),
        }
        steps += script.size();
    }
    println!("{lives} lives, {steps} steps, and in the log: {seen:?}");
    for kind in KINDS {
        assert!(seen.contains_key(*kind), "nothing ever was {kind}: {seen:?}");
    }
}

/// Whatever row of an engine's log is left out or changed, the log is not what the model says.
#[test]
fn the_comparison_sees_every_row() {
    let mut runner = seeded(1);
    let mut rows_changed = 0;
    for _ in 0..20 {
        let script = script::scripts()
            .new_tree(&mut runner)
            .expect("a script")
            .current();
        let mut play = Play::new(&script);
        let end = play.all().expect("both answer the same");
        play.aired.end_all(end).expect("nothing is left");
        let (log, names) = (play.aired.log, &play.model.names);
        let model = rows::print(&play.model.rows);
        assert_eq!(rows::print_log(&log, names), model);
        for index in 0..log.len() {
            let mut less = log.clone();
            let event = less.remove(index);
            assert_ne!(rows::print_log(&less, names), model, "without {event:?}");
            let mut other = log.clone();
            change(&mut other[index]);
            assert_ne!(rows::print_log(&other, names), model, "{event:?} changed");
            rows_changed += 1;
        }
    }
    assert!(rows_changed > 200, "{rows_changed}");
}

/// Changes an event by a frame, or its cause.
fn change(event: &mut AsRunEvent) {
    let frame = Duration::from_millis(20);
    match event {
        AsRunEvent::Started(started) => started.media_offset += frame,
        AsRunEvent::Ended(ended) => ended.at += frame,
        AsRunEvent::NotAired { reason, .. } => *reason = EndReason::SourceBack,
        AsRunEvent::Delayed { occurrence, .. } => occurrence.start += frame,
    }
}

/// Plays a script to both, and compares what they answer and what they log; returns the log.
fn play(script: &Script) -> Result<Vec<Row>, String> {
    let mut play = Play::new(script);
    let end = play.all();
    let ended = end.and_then(|end| play.aired.end_all(end));
    let (model, engine) = (
        rows::print(&play.model.rows),
        rows::print_log(&play.aired.log, &play.model.names),
    );
    let told = ended.and_then(|()| play.check());
    if told.is_ok() && model == engine {
        return Ok(play.model.rows);
    }
    let lines: Vec<_> = script.lines.iter().map(|line| format!("{line:?}")).collect();
    Err(format!(
        "{told:?}\n{:?}\n{}\n{}\nmodel and engine:\n{}",
        script.zones,
        lines.join("\n"),
        play.said.join("\n"),
        side_by_side(&model, &engine)
    ))
}

struct Play<'a> {
    script: &'a Script,
    model: Model,
    aired: Aired,
    planned: Vec<(Line, Programme)>,
    started: usize,
    /// What was done, for people.
    said: Vec<String>,
}

impl<'a> Play<'a> {
    fn new(script: &'a Script) -> Self {
        Self {
            script,
            model: Model::new(&script.zones),
            aired: Aired::new(&script.zones),
            planned: Vec::new(),
            started: 0,
            said: Vec::new(),
        }
    }

    /// Takes all steps; returns when the model has nothing left to do.
    fn all(&mut self) -> Result<Ms, String> {
        self.plan(u16::MAX, 0, 0);
        let script = self.script;
        script.steps.iter().try_for_each(|step| self.step(step))?;
        Ok(self.model.end_all())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let heard = step.heard;
        match &step.what {
            What::Plan { kept, edited } => self.plan(*kept, *edited, heard),
            What::Stop { which, any } => {
                self.model.decide(heard);
                let names = if *any {
                    self.every_name()
                } else {
                    self.model.wanted()
                };
                if names.is_empty() {
                    return Ok(());
                }
                let name = which.get(&names);
                self.said.push(format!("{heard} stop {name}"));
                let answers = (self.model.stop(name, heard), self.aired.stop(name, heard));
                agree(&answers)?;
            }
            What::Start(started) => {
                self.said
                    .push(format!("{heard} {started:?} from o{}", self.started + 1));
                self.started += started.zones.len();
                agree(&(self.model.start(started, heard), self.aired.start(started, heard)))?;
            }
            What::Kill { after, away } => {
                let lost = heard + after;
                let back = heard + 1_000 + away;
                self.said.push(format!("{lost} lost, heard again at {back}"));
                let wanted = self.model.kill(lost, back);
                self.aired.kill(lost, back, &wanted);
            }
            What::ShutDown { away } => {
                let back = heard + 1_000 + away;
                self.said
                    .push(format!("{heard} shut down, heard again at {back}"));
                let wanted = self.model.shut_down(heard, back);
                self.aired.shut_down(heard, back, &wanted);
            }
        }
        Ok(())
    }

    fn plan(&mut self, kept: u16, edited: u16, heard: Ms) {
        let bit = |bits: u16, line: &Line| bits >> (line.slot - 1) & 1 == 1;
        let before: Vec<_> = self.planned.iter().map(|(line, _)| line.slot).collect();
        // A line that is added in the second in which it was to begin would be heard between two seconds.
        let in_time = |line: &Line| line.start != heard - 1_000 || before.contains(&line.slot);
        let lines = self.script.lines.iter();
        let lines = lines.filter(|line| bit(kept, line) && in_time(line));
        let lines = lines.map(|line| {
            (
                line.clone(),
                if bit(edited, line) { line.edited } else { line.now },
            )
        });
        self.planned = lines.collect();
        self.said.push(format!("{heard} plan {kept:b} {edited:b}"));
        self.model.plan(self.planned.clone(), heard);
        self.aired.plan(&self.planned, heard);
    }

    /// Tells what must hold of the engine's log, whatever the model says.
    fn check(&self) -> Result<(), String> {
        let (log, tree) = (&self.aired.log, self.script.zones.tree());
        let offset = self.script.zones.utc_offset_min();
        check(log)?;
        quiet_is_kept(log, &tree, offset)?;
        minutes_are_kept(log, &tree, offset)?;
        emergencies_are_heard(&heard(log), &tree)
    }

    fn every_name(&self) -> Vec<String> {
        let lines = self.script.lines.iter().map(|line| format!("p{}", line.slot));
        lines
            .chain((1..=self.started).map(|number| format!("o{number}")))
            .collect()
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(answers: &(T, T)) -> Result<(), String> {
    if answers.0 == answers.1 {
        Ok(())
    } else {
        Err(format!("model and engine answered {answers:?}"))
    }
}

fn side_by_side(model: &[String], engine: &[String]) -> String {
    let only = |lines: &[String], others: &[String], mark: &str| {
        let lines = lines.iter().map(|line| {
            let mark = if others.contains(line) { " " } else { mark };
            (line.clone(), mark.to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    let mut lines = only(model, engine, "M");
    lines.extend(
        only(engine, model, "E")
            .into_iter()
            .filter(|(_, mark)| mark == "E"),
    );
    lines.sort_by_key(|(line, _)| line.split(' ').next().and_then(|at| at.parse::<i64>().ok()));
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(line, mark)| format!("{mark} {line}"))
        .collect();
    lines.join("\n")
}

/// Steps of [`a_million_steps_air_as_the_model_says`], and what has to be in its log.
const STEPS: usize = 1_000_000;
const KINDS: &[&str] = &[
    "completed",
    "time_limit",
    "pre_empted",
    "stopped",
    "unplanned",
    "quiet_hours",
    "minutes_spent",
    "gave_up",
    "refused",
    "head_end_lost",
    "head_end_stopped",
    "delayed",
    "not aired: missed",
    "not aired: stopped",
    "not aired: unplanned",
    "not aired: quiet_hours",
    "not aired: minutes_spent",
    "not aired: gave_up",
    "not aired: refused",
    "not aired: head_end_stopped",
];
