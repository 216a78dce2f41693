//! `loa programme`: what can be aired, and whether it may.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use loa_model::{ApprovalState, ContentHash, Programme, Source};
use loa_plan::contents_of;

use super::Format;
use super::decide::Decision;
use crate::installation::Installation;
use crate::planning::Planning;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the programmes, and how far each is on its way to the air.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Shows what a programme sounds like, piece by piece, and what was decided of each.
    Show {
        /// Its code.
        code: String,
        #[command(flatten)]
        format: Format,
    },
    /// Decides about everything that programmes sound like, as it is now.
    Decide(Decision),
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        let planning = Planning::read(&store, installation.config().station.time_zone, super::now())?;
        match self {
            Self::List { format } => list(&planning, format),
            Self::Show { code, format } => {
                let programme = find(&planning, &code)?;
                if format.json {
                    return super::print_json(programme);
                }
                println!(
                    "{}  {}  ({})",
                    programme.code,
                    programme.spec.title,
                    kind(&programme.spec.source)
                );
                for (content, title) in contents(&planning, programme) {
                    println!("  {:<9}  {title}", state_of(&planning.approvals, content).name());
                }
                Ok(())
            }
            Self::Decide(decision) => {
                let programmes: Vec<&Programme> = if decision.all {
                    planning.rows.programmes.iter().collect()
                } else {
                    let found = decision.names.iter().map(|code| find(&planning, code));
                    found.collect::<Result<_>>()?
                };
                let mut all: Vec<_> = programmes
                    .into_iter()
                    .flat_map(|programme| contents(&planning, programme))
                    .collect();
                all.sort();
                all.dedup();
                decision.decide(&mut store, &all)
            }
        }
    }
}

/// Walks the codes of programmes of which something is not approved.
pub(super) fn unapproved(planning: &Planning) -> impl Iterator<Item = String> + '_ {
    planning.rows.programmes.iter().filter_map(|programme| {
        let contents = contents(planning, programme);
        let states = contents
            .iter()
            .map(|(content, _)| state_of(&planning.approvals, *content));
        (together(states) != ApprovalState::Approved).then(|| programme.code.clone())
    })
}

fn find<'a>(planning: &'a Planning, code: &str) -> Result<&'a Programme> {
    let found = planning
        .rows
        .programmes
        .iter()
        .find(|programme| programme.code == code);
    found.with_context(|| {
        format!("there is no programme \"{code}\"; `loa programme list` shows what there is")
    })
}

fn contents(planning: &Planning, programme: &Programme) -> Vec<(ContentHash, String)> {
    contents_of(programme, &planning.rows.programmes, &planning.library)
}

fn list(planning: &Planning, format: Format) -> Result<()> {
    if format.json {
        return super::print_json(&planning.rows.programmes);
    }
    for programme in &planning.rows.programmes {
        let contents = contents(planning, programme);
        let states = contents
            .iter()
            .map(|(content, _)| state_of(&planning.approvals, *content));
        println!(
            "{:<24}  {:<9}  {:<8}  {:<9}  {}",
            programme.code,
            programme.spec.class.name(),
            kind(&programme.spec.source),
            together(states).name(),
            programme.spec.title
        );
    }
    Ok(())
}

fn state_of(approvals: &BTreeMap<ContentHash, ApprovalState>, content: ContentHash) -> ApprovalState {
    approvals.get(&content).copied().unwrap_or_default()
}

/// A whole is as far as its part that is furthest from the air; of nothing, there is nothing to approve.
fn together(states: impl Iterator<Item = ApprovalState>) -> ApprovalState {
    let distance = |state: &ApprovalState| match state {
        ApprovalState::Approved => 0,
        ApprovalState::Submitted => 1,
        ApprovalState::Draft => 2,
        ApprovalState::Rejected => 3,
        ApprovalState::Archived => 4,
    };
    states.max_by_key(distance).unwrap_or(ApprovalState::Approved)
}

const fn kind<P, M>(source: &Source<P, M>) -> &'static str {
    match source {
        Source::Asset { .. } => "asset",
        Source::Playlist(_) => "playlist",
        Source::Series { .. } => "series",
        Source::Relay(relay) if relay.studio => "studio",
        Source::Relay(_) => "relay",
        Source::Silence => "silence",
    }
}
