//! The rehearsal: a day run through the real engine before it comes, and everything about it that is not as it should be.

mod day;
mod diff;
mod finding;
mod findings;
mod heard;
mod run;
#[cfg(test)]
mod tests;

pub use day::{Aired, air};
pub use diff::{Difference, diff};
pub use finding::{Finding, FindingText};
pub use findings::{Facts, find};
pub use heard::heard_at;
pub use run::{Part, Rehearsed, Wanted, rehearse};
