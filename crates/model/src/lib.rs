//! Values shared by every part of Loa. Pure: no clock, socket, file, thread, environment or randomness.

mod approval;
mod as_run;
mod audio;
mod console;
mod edit;
mod emergency;
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
#[cfg(feature = "schema")]
mod schema;
mod scope;
mod slot;
mod time;
mod version;
mod zone;

pub use approval::{Approval, ApprovalState};
pub use as_run::{AsRunEvent, EndReason, Origin, PartEnded, PartStarted, Sound};
pub use audio::EncodedAudio;
pub use console::{
    Command, CommandDone, Heard, NextUp, Refusal, SESSIONS_PER_ZONE_MAX, SessionState, Snapshot, ZoneState,
};
pub use edit::{Deed, Edit, EditFault, ExceptionRow, LENGTH_MAX, PANEL_FILE, Reach, RowChange, SlotRow};
pub use emergency::{EmergencyTemplate, Message, TemplateFault, aired_title, repeated};
pub use id::{
    CODE_LENGTH_MAX, ContentHash, LoginId, OccurrenceId, ParseHashError, ProfileId, ProgrammeId, ReceiverId,
    RelayId, SessionId, SlotId, TokenId, UserId, ZoneId, is_code,
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
pub use receiver::{ParsePlaceError, Place, Receipt, Receiver, Silence, Silenced};
pub use role::{Grant, ParsePermissionError, ParseRoleError, Permission, Rights, Role};
pub use run_sheet::{Content, LineName, Piece, Reason, RunSheet, RunSheetLine, TieRule, Verdict};
pub use schedule::{NewException, NewProfile, NewProgramme, NewSlot, NewZone, Schedule};
#[cfg(feature = "schema")]
pub use schema::Span;
pub use scope::{Scope, ScopeError};
pub use slot::{MakesRoom, ORDER_DEFAULT, Overrun, Recurrence, Slot, SlotChange, SlotException, SlotSpec};
pub use time::{MonoTime, SAMPLE_RATE, SampleTime, WallTime, duration_to_samples, samples_to_duration};
pub use version::{LANGUAGES_MAX, VersionFault};
pub use zone::{Channel, DEPTH_MAX, Zone, ZoneSettings, ZoneTree, ZoneTreeError};
