//! Values shared by every part of Loa. Pure: no clock, socket, file, thread, environment or randomness.

mod as_run;
mod audio;
mod console;
mod id;
mod priority;
mod programme;
mod quiet;
mod receiver;
mod run_sheet;
mod schedule;
mod time;
mod zone;

pub use as_run::{AsRunEvent, EndReason, Origin, PartEnded, PartStarted};
pub use audio::EncodedAudio;
pub use console::{
    Command, CommandDone, Heard, NextUp, Refusal, SESSIONS_PER_ZONE_MAX, SessionState, Snapshot, ZoneState,
};
pub use id::{
    ContentHash, OccurrenceId, ParseHashError, ProgrammeId, ReceiverId, SessionId, SlotId, UserId, ZoneId,
};
pub use priority::{BulletinClass, ParseClassError, Priority};
pub use programme::{Media, PreEmption, Programme, Recurrence, Slot, SlotChange, SlotException, Source};
pub use quiet::{
    Days, GAIN_DB_MIN, MINUTES_A_DAY, QUIET_RULES_MAX, QuietHours, QuietPolicy, QuietPolicyError, VolumeStep,
    Window,
};
pub use receiver::{Receipt, Receiver};
pub use run_sheet::{Reason, RunSheet, RunSheetLine, TieRule, Verdict};
pub use schedule::{NewException, NewProgramme, NewSlot, NewZone, Schedule};
pub use time::{MonoTime, SAMPLE_RATE, SampleTime, WallTime, duration_to_samples, samples_to_duration};
pub use zone::{Channel, DEPTH_MAX, Zone, ZoneTree, ZoneTreeError};
