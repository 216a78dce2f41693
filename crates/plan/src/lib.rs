//! Schedule files and slots to numbered run-sheets with reasons.

mod cron_line;
mod diagnostic;
mod fields;
mod file;
pub mod local;
mod suggest;

pub use cron_line::{CronFault, CronLine};
pub use diagnostic::{Diagnostic, Place, Placed, Severity};
pub use file::{ProgrammeEntry, RuleEntry, ScheduleFile, SlotEntry, ZoneEntry, parse};
