//! Submitting, approving and archiving: decisions, each bound to the content as it is, in the order of the model.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use loa_model::{Approval, ApprovalState, ContentHash};
use loa_store::{AuditRow, Store};

use super::Doer;

/// What to decide, and who does.
#[derive(Args)]
pub(super) struct Decision {
    /// The decision.
    #[arg(value_enum)]
    verb: Verb,
    #[command(flatten)]
    by: Doer,
    /// Why, for people.
    #[arg(long, default_value = "")]
    note: String,
    /// What it is about.
    #[arg(required_unless_present = "all")]
    pub(super) names: Vec<String>,
    /// Everything there is.
    #[arg(long, conflicts_with = "names")]
    pub(super) all: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Verb {
    /// Takes it back to its author's desk, also what was archived.
    Draft,
    /// Hands it in.
    Submit,
    /// Lets it on air, as it is now. Who approves a draft hands it in too.
    Approve,
    /// Sends back what was handed in; `--note` says why.
    Reject,
    /// Keeps it off the air for good.
    Archive,
}

impl Verb {
    const fn state(self) -> ApprovalState {
        match self {
            Self::Draft => ApprovalState::Draft,
            Self::Submit => ApprovalState::Submitted,
            Self::Approve => ApprovalState::Approved,
            Self::Reject => ApprovalState::Rejected,
            Self::Archive => ApprovalState::Archived,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Draft => "make a draft",
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Archive => "archive",
        }
    }
}

impl Decision {
    /// Writes the decision down for each content.
    ///
    /// What is there already stays as it was decided. What cannot go there is told with what to do first, and does not
    /// keep the rest from going; but if it is all that was named, nothing was decided, and that is a failure.
    pub(super) fn decide(&self, store: &mut Store, contents: &[(ContentHash, String)]) -> Result<()> {
        if contents.is_empty() && !self.all {
            bail!("there is nothing to decide about");
        }
        let (at, to) = (super::now(), self.verb.state());
        let approvals = store.approvals()?.into_iter();
        let mut states: BTreeMap<ContentHash, ApprovalState> = approvals
            .map(|approval| (approval.content, approval.state))
            .collect();
        let (mut steps, mut audit, mut there, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (content, title) in contents {
            let state = states.entry(*content).or_default();
            let Some(way) = state.way_to(to) else {
                left.push(format!("\"{title}\" is {}: {}", state.name(), first(*state)));
                continue;
            };
            steps.extend(way.iter().map(|state| Approval {
                content: *content,
                state: *state,
                by: self.by.who.clone(),
                at,
                note: self.note.clone(),
            }));
            audit.extend(way.iter().map(|state| AuditRow {
                at,
                who: self.by.who.clone(),
                action: state.name().to_owned(),
                detail: format!("{title} ({content})"),
                ..AuditRow::default()
            }));
            *state = to;
            there.push(title);
        }
        if there.is_empty() && !self.all {
            bail!("cannot {}: {}", self.verb.name(), left.join("; "));
        }
        store.decide(&steps, &audit)?;
        for title in there {
            println!("{}  {title}", to.name());
        }
        for why in left {
            eprintln!("left as it is: {why}");
        }
        Ok(())
    }
}

/// Returns what has to be done first with what cannot go where it was asked to.
const fn first(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Archived => "make it a draft again first, with `decide draft`",
        ApprovalState::Approved => "what is approved can only be archived, with `decide archive`",
        ApprovalState::Rejected => "it was sent back; hand it in again first, with `decide submit`",
        ApprovalState::Draft | ApprovalState::Submitted => "hand it in first, with `decide submit`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verb: Verb, by: &str, all: bool) -> Decision {
        Decision {
            verb,
            by: Doer { who: by.to_owned() },
            note: String::new(),
            names: Vec::new(),
            all,
        }
    }

    #[test]
    fn decisions_follow_their_order_and_each_step_is_told() {
        let disk = tempfile::tempdir().unwrap();
        let mut store = Store::create(&disk.path().join("loa.db")).unwrap();
        let (news, old) = (ContentHash([1; 32]), ContentHash([2; 32]));
        // One relay of two programmes is one content by two names.
        let both = [
            (news, "Bản tin".to_owned()),
            (news, "Bản tin chiều".to_owned()),
            (old, "Tin cũ".to_owned()),
        ];
        decision(Verb::Archive, "an", false)
            .decide(&mut store, &both[2..])
            .unwrap();
        decision(Verb::Approve, "binh", false)
            .decide(&mut store, &both)
            .unwrap();
        decision(Verb::Approve, "an", true)
            .decide(&mut store, &both)
            .unwrap();
        let approvals = store.approvals().unwrap();
        let states: Vec<_> = approvals
            .iter()
            .map(|approval| (approval.content, approval.state, approval.by.as_str()))
            .collect();
        assert_eq!(
            states,
            [
                (news, ApprovalState::Approved, "binh"),
                (old, ApprovalState::Archived, "an")
            ]
        );
        let refused = decision(Verb::Approve, "an", false).decide(&mut store, &both[2..]);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("\"Tin cũ\" is archived") && refused.contains("decide draft"),
            "{refused}"
        );
        let far = loa_model::WallTime::from_unix_s(1 << 33);
        let rows = store.audit_rows(loa_model::WallTime::default(), far).unwrap();
        let mut told: Vec<_> = rows
            .iter()
            .map(|row| (row.who.as_str(), row.action.as_str()))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [("an", "archived"), ("binh", "approved"), ("binh", "submitted")]
        );
    }
}
