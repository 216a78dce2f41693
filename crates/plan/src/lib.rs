//! Schedule files and slots to numbered run-sheets with reasons.

mod air;
mod calendar_days;
mod clash;
mod content;
mod cron_line;
mod day;
mod diagnostic;
mod edit;
mod explain;
mod export;
mod file;
mod ical;
mod library;
pub mod local;
mod lunar;
mod merge;
mod occurrence;
mod profiles;
mod quiet;
mod resolve;
mod said;
mod sky;
mod special;
mod suggest;
mod text;

pub use content::{HeardMedia, contents_of, relay_hash};
pub use cron_line::{CronFault, CronLine};
pub use day::{DayInputs, DayPlan, LINES_MAX, PlanFault, Planner, plan_day};
pub use diagnostic::{Diagnostic, Place, Placed, Severity};
pub use edit::{Edited, LineChange, clashes_of, compare, edit};
pub use export::{Export, quiet_text};
pub use file::{
    CHIME_GAINS_DB, ExceptionEntry, ProfileEntry, ProgrammeEntry, ScheduleFile, SlotEntry, ZoneEntry, parse,
};
pub use ical::{IcalEvent, calendar};
pub use library::{KnownLibrary, KnownMedia};
pub use lunar::{LunarDate, lunar_of, solar_of};
pub use occurrence::next_starts;
pub use quiet::{quiet_hours, utc_offset_min};
pub use resolve::{Known, NamedFile, Owners, Resolved, SpecialDay, read, resolve};
pub use said::Said;
pub use text::{Lang, RunSheetText};
