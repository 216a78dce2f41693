//! SQLite: schema, upgrades, queries, integrity check, backup. The only crate that knows of SQL.

mod audit;
mod check;
mod column;
mod error;
mod import;
mod journal;
mod library;
mod logins;
mod people;
mod receivers;
mod run_sheets;
mod schedule;
mod second_step;
mod store;
mod upgrade;

pub use audit::{AuditQuery, AuditRow, AuditVerdict};
pub use check::Finding;
pub use error::{ImportError, OpenError, StoreError};
pub use import::ImportSummary;
pub use journal::{AsRunRow, HeardRows, JournalEntry, LastPartRow, NotAiredRow};
pub use library::MediaRow;
pub use logins::{Login, NewLogin, Step};
pub use people::{By, NewUser, User};
pub use receivers::{ProofRow, ReceiverRow};
pub use schedule::ScheduleRows;
pub use store::Store;
