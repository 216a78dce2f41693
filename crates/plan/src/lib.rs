//! Schedule files and slots to numbered run-sheets with reasons.

mod air;
mod clash;
mod cron_line;
mod day;
mod diagnostic;
mod fields;
mod file;
pub mod local;
mod merge;
mod occurrence;
mod resolve;
mod suggest;
mod text;

pub use cron_line::{CronFault, CronLine};
pub use day::{DayInputs, DayPlan, LINES_MAX, PlanFault, plan_day};
pub use diagnostic::{Diagnostic, Place, Placed, Severity};
pub use file::{ProgrammeEntry, RuleEntry, ScheduleFile, SlotEntry, ZoneEntry, parse};
pub use occurrence::next_starts;
pub use resolve::{Known, KnownMedia, NamedFile, Resolved, read, resolve};
pub use text::{Lang, RunSheetText};
