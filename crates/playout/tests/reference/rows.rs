//! The as-run log as the model has it, and as the engine's is printed to be compared with it.

use std::collections::BTreeMap;

use loa_model::{AsRunEvent, EndReason, SessionId, WallTime};

use crate::common::T0;
use crate::model::Wish;
use crate::script::Ms;

/// One row of the log.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) slot: Option<i64>,
    /// When it is first written.
    pub(crate) told: Ms,
    pub(crate) at: Ms,
    pub(crate) what: Told,
}

#[derive(Clone, Debug)]
pub(crate) enum Told {
    Part(Part),
    Never { why: String },
    Delayed,
}

/// A stretch on the air.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// What was on the air, as it was before.
    pub(crate) wish: Wish,
    pub(crate) at: Ms,
    pub(crate) end: Ms,
    pub(crate) why: String,
}

impl Row {
    pub(crate) fn part(wish: &Wish, at: Ms, end: Ms, why: &str) -> Self {
        let part = Part {
            wish: wish.clone(),
            at,
            end,
            why: why.to_owned(),
        };
        Self {
            name: wish.name.clone(),
            slot: wish.slot,
            told: at,
            at,
            what: Told::Part(part),
        }
    }

    pub(crate) fn never(name: &str, slot: i64, planned: Ms, told: Ms, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            slot: Some(slot),
            told,
            at: planned,
            what: Told::Never { why: why.to_owned() },
        }
    }

    pub(crate) fn as_part(&self) -> Option<&Part> {
        match &self.what {
            Told::Part(part) => Some(part),
            _ => None,
        }
    }

    /// What it tells, without names and numbers.
    pub(crate) fn kind(&self) -> String {
        match &self.what {
            Told::Part(part) => part.why.split(' ').take(1).collect(),
            Told::Never { why } => format!("not aired: {why}"),
            Told::Delayed => "delayed".to_owned(),
        }
    }

    fn text(&self) -> (Ms, String) {
        let name = &self.name;
        let text = match &self.what {
            Told::Part(Part { wish, at, end, why }) => part(
                name,
                wish.zone,
                (*at, wish.offset),
                (*end, wish.offset + end - at),
                why,
            ),
            Told::Never { why } => never(name, why),
            Told::Delayed => delayed(name),
        };
        (self.at, text)
    }
}

/// Prints rows in order of time.
pub(crate) fn print(rows: &[Row]) -> Vec<String> {
    in_order(rows.iter().map(Row::text).collect())
}

/// Prints the engine's log in the same way, with the model's names of its sessions.
pub(crate) fn print_log(log: &[AsRunEvent], names: &BTreeMap<SessionId, String>) -> Vec<String> {
    let mut open = BTreeMap::new();
    let mut texts = Vec::new();
    for event in log {
        match event {
            AsRunEvent::Started(started) => drop(open.insert((started.session, started.part), started)),
            AsRunEvent::Ended(ended) => match open.remove(&(ended.session, ended.part)) {
                Some(started) => {
                    let from = (ms(started.at), started.media_offset.as_millis() as Ms);
                    let to = (ms(ended.at), ended.media_offset.as_millis() as Ms);
                    let why = match &ended.reason {
                        EndReason::PreEmpted { by } => {
                            format!("pre_empted by {}", names.get(by).map_or("nobody", String::as_str))
                        }
                        other => other.code().to_owned(),
                    };
                    texts.push((from.0, part(&started.title, started.zone.0, from, to, &why)));
                }
                None => texts.push((ms(ended.at), format!("an end without a start: {ended:?}"))),
            },
            AsRunEvent::NotAired {
                occurrence,
                title,
                reason,
                ..
            } => texts.push((ms(occurrence.start), never(title, reason.code()))),
            AsRunEvent::Delayed { occurrence, .. } => {
                texts.push((ms(occurrence.start), delayed(&format!("p{}", occurrence.slot))));
            }
        }
    }
    texts.extend(
        open.values()
            .map(|started| (ms(started.at), format!("no end: {started:?}"))),
    );
    in_order(texts)
}

fn part(name: &str, zone: i64, (at, offset): (Ms, Ms), (end, reached): (Ms, Ms), why: &str) -> String {
    format!("{name} z{zone} @{at}+{offset}..{end}+{reached} {why}")
}

fn never(name: &str, why: &str) -> String {
    format!("{name} not aired: {why}")
}

fn delayed(name: &str) -> String {
    format!("{name} delayed")
}

fn in_order(mut texts: Vec<(Ms, String)>) -> Vec<String> {
    texts.sort();
    texts
        .into_iter()
        .map(|(at, text)| format!("{at} {text}"))
        .collect()
}

fn ms(at: WallTime) -> Ms {
    at.ns_after(T0) / 1_000_000
}
