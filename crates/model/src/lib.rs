//! Values shared by every part of Loa. Pure: no clock, socket, file, thread, environment or randomness.

mod approval;
mod as_run;
mod audio;
mod console;
mod id;
mod priority;
mod profile;
mod programme;
mod quiet;
mod receiver;
pub mod relay_address;
mod role;
mod run_sheet;
mod schedule;
mod slot;
mod time;
mod zone;

pub use approval::{Approval, ApprovalState};
pub use as_run::{AsRunEvent, EndReason, Origin, PartEnded, PartStarted, Sound};
pub use audio::EncodedAudio;
pub use console::{
    Command, CommandDone, Heard, NextUp, Refusal, SESSIONS_PER_ZONE_MAX, SessionState, Snapshot, ZoneState,
};
pub use id::{
    ContentHash, LoginId, OccurrenceId, ParseHashError, ProfileId, ProgrammeId, ReceiverId, RelayId,
    SessionId, SlotId, UserId, ZoneId,
};
pub use priority::{BulletinClass, ParseClassError, Priority};
pub use profile::{DayRule, DaySpan, Mute, Profile, ProfileSpec, YearDay};
pub use programme::{
    Chime, Media, PlaylistItem, PreEmption, Programme, ProgrammeSpec, Relay, Source, WhenNone,
};
pub use quiet::{
    Days, GAIN_DB_MIN, MINUTES_A_DAY, QUIET_RULES_MAX, QuietHours, QuietPolicy, QuietPolicyError, VolumeStep,
    Window,
};
pub use receiver::{Receipt, Receiver, Silence, Silenced};
pub use role::{Grant, ParseRoleError, Permission, Rights, Role};
pub use run_sheet::{Content, LineName, Piece, Reason, RunSheet, RunSheetLine, TieRule, Verdict};
pub use schedule::{NewException, NewProfile, NewProgramme, NewSlot, NewZone, Schedule};
pub use slot::{MakesRoom, ORDER_DEFAULT, Overrun, Recurrence, Slot, SlotChange, SlotException, SlotSpec};
pub use time::{MonoTime, SAMPLE_RATE, SampleTime, WallTime, duration_to_samples, samples_to_duration};
pub use zone::{Channel, DEPTH_MAX, Zone, ZoneSettings, ZoneTree, ZoneTreeError};
