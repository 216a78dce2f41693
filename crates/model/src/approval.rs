//! Whether something may air: who decided, and how far it is on its way.

use serde::{Deserialize, Serialize};

use crate::id::ContentHash;
use crate::time::WallTime;

/// A decision that something may or may not air, bound to what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Hash of what was judged; anything else is another thing.
    pub content: ContentHash,
    /// The decision.
    pub state: ApprovalState,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// Why, for people.
    pub note: String,
}

/// How far something is on its way to the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Somebody works on it.
    #[default]
    Draft,
    /// It waits for a decision.
    Submitted,
    /// It may air.
    Approved,
    /// It was sent back.
    Rejected,
    /// Its time is over.
    Archived,
}

impl ApprovalState {
    /// All states, in order of their way.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Submitted,
        Self::Approved,
        Self::Rejected,
        Self::Archived,
    ];

    /// Returns the word used in the store and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Archived => "archived",
        }
    }

    /// Tells whether one decision leads from here to there.
    ///
    /// Nothing is approved that was not handed in, and what is over begins anew as a draft. Off the air for good is
    /// open from everywhere: where a zone asks for no approval, only that keeps a draft off the air.
    pub const fn may_become(self, to: Self) -> bool {
        match to {
            Self::Draft => matches!(self, Self::Submitted | Self::Rejected | Self::Archived),
            Self::Submitted => matches!(self, Self::Draft | Self::Rejected),
            Self::Approved | Self::Rejected => matches!(self, Self::Submitted),
            Self::Archived => !matches!(self, Self::Archived),
        }
    }

    /// Returns the decisions that lead from here to there, for a person who asks for the last of them; none if there
    /// is no such way, and an empty one if it is there already.
    ///
    /// Who approves a draft hands it in too: in a station of one person the author is the approver. Each step is a
    /// decision of its own, with its own row in the audit log.
    pub const fn way_to(self, to: Self) -> Option<&'static [Self]> {
        Some(match (self, to) {
            (Self::Draft, Self::Approved) => &[Self::Submitted, Self::Approved],
            _ if self.may_become(to) => match to {
                Self::Draft => &[Self::Draft],
                Self::Submitted => &[Self::Submitted],
                Self::Approved => &[Self::Approved],
                Self::Rejected => &[Self::Rejected],
                Self::Archived => &[Self::Archived],
            },
            _ if self as u8 == to as u8 => &[],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row for each state, a column for where it should go: the steps, `.` for there already, `x` for no way.
    #[test]
    fn the_way_to_the_air_has_an_order() {
        let table = "
            from      draft  submitted  approved            rejected  archived
            draft     .      submitted  submitted+approved  x         archived
            submitted draft  .          approved            rejected  archived
            approved  x      x          .                   x         archived
            rejected  draft  submitted  x                   .         archived
            archived  draft  x          x                   x         .";
        let mut rows = table.trim().lines();
        let heads: Vec<_> = rows.next().unwrap().split_whitespace().skip(1).collect();
        assert_eq!(heads, ApprovalState::ALL.map(ApprovalState::name));
        for (from, row) in ApprovalState::ALL.into_iter().zip(rows) {
            let mut cells = row.split_whitespace();
            assert_eq!(cells.next(), Some(from.name()));
            for (to, expected) in ApprovalState::ALL.into_iter().zip(cells) {
                let way = from.way_to(to).map(|steps| {
                    let names: Vec<_> = steps.iter().map(|step| step.name()).collect();
                    names.join("+")
                });
                let way = match way.as_deref() {
                    None => "x",
                    Some("") => ".",
                    Some(steps) => steps,
                };
                assert_eq!(way, expected, "{} to {}", from.name(), to.name());
            }
        }
    }

    #[test]
    fn every_step_of_a_way_is_one_that_may_be_taken() {
        for from in ApprovalState::ALL {
            for to in ApprovalState::ALL {
                let steps = from.way_to(to).unwrap_or_default();
                let mut at = from;
                for step in steps {
                    assert!(at.may_become(*step), "{} to {}", at.name(), step.name());
                    at = *step;
                }
                assert!(steps.is_empty() || at == to);
            }
        }
    }
}
