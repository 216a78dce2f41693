//! Submitting, approving and archiving: decisions, each bound to the content as it is.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use loa_model::{Approval, ApprovalState, ContentHash};
use loa_store::{AuditRow, Store};

/// What to decide, and who does.
#[derive(Args)]
pub(super) struct Decision {
    /// The decision.
    #[arg(value_enum)]
    verb: Verb,
    /// Who decides; the user of this command line otherwise.
    #[arg(long, env = "USER", default_value = "command line")]
    by: String,
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
    /// Takes it back to its author's desk.
    Draft,
    /// Hands it in.
    Submit,
    /// Lets it on air, as it is now.
    Approve,
    /// Sends it back.
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
}

impl Decision {
    /// Writes the decision down for each content.
    pub(super) fn decide(&self, store: &mut Store, contents: &[(ContentHash, String)]) -> Result<()> {
        if contents.is_empty() && !self.all {
            bail!("there is nothing to decide about");
        }
        let (at, state) = (super::now(), self.verb.state());
        let approvals: Vec<_> = contents
            .iter()
            .map(|(content, _)| Approval {
                content: *content,
                state,
                by: self.by.clone(),
                at,
                note: self.note.clone(),
            })
            .collect();
        let audit = contents.iter().map(|(content, title)| AuditRow {
            at,
            who: self.by.clone(),
            action: state.name().to_owned(),
            detail: format!("{title} ({content})"),
        });
        store.decide(&approvals, &audit.collect::<Vec<_>>())?;
        for (_, title) in contents {
            println!("{}  {title}", state.name());
        }
        Ok(())
    }
}
