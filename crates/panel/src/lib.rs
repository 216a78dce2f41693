//! The operators' panel: pages, a JSON API that describes itself, live state, metrics. It knows the station only through [`Console`].

mod address;
mod api;
mod assets;
mod brake;
mod console;
mod container;
mod emergency;
mod error;
mod guard;
mod health;
mod lang;
mod library;
mod listen;
mod live;
mod metrics;
mod pages;
mod people;
mod plain;
mod probes;
mod qr;
mod router;
mod routes;
mod schedules;
mod scope;
mod sound;
mod speak;
mod starts;
mod tokens;
mod upkeep;
mod upload;
mod voice;

pub use api::openapi_json;
pub use console::{
    Answer, AsRunDay, AsRunLine, Console, ConsoleError, ListeningReceiver, MediaItem, Metric, MetricKind,
    ProofItem, Reach, ReceiverItem, ReportRefusal, Station, Tapped,
};
pub use emergency::{Emergency, EmergencyRefusal, ReadyTemplate, Release, Released, Waiting, What};
pub use guard::Asks;
pub use health::{Health, Trouble, ZoneName};
pub use library::{
    Arrived, Body, CutFrom, Decided, LibraryRefusal, MediaLibrary, NewUpload, PEAKS_PER_S, PieceChange,
    PieceItem, UploadItem, UploadLimits, UploadState, Use, UsePart, VersionedItem,
};
pub use people::{
    AuditLine, AuditPage, AuditVerdict, AuditWanted, Browser, Changed, Due, LogIn, LoginItem, NewTotp,
    OwnChange, People, Person, PersonRefusal, UserChange, UserItem,
};
pub use router::router;
pub use routes::{Route, routes};
pub use schedules::{ChangedDay, Consequence, ProgrammeItem, RehearsalItem, SavedEdit, Schedules, SlotItem};
pub use starts::{DrillItem, StartItem, TimeToAir};
pub use tokens::{TokenItem, TokenRefusal, TokenWanted, Tokens};
pub use upkeep::{BackupItem, BackupRefusal, Backups, ClockItem, DiskItem, Setting, Settings, Upkeep};
pub use voice::{BadSound, PCM_BYTES_MAX, Said, Speaking, Speech, SpeechEnd};
