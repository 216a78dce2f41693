//! Why the store cannot do what it was asked.

use std::path::PathBuf;

use loa_model::{ApprovalState, ContentHash, VersionFault};

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file, or nothing in it.
    #[error(
        "there is no database {path}, or it is empty; restore a backup of it, or make a new station with `loa init`"
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made, or is locked, or not ours to read.
    #[error(
        "cannot open database {path}; the program must be able to write it and its directory, and the disk must have room"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a newer release; downgrade is not supported.
    #[error(
        "database {path} is at schema {found}, newer than this build's {known}; install the newer release again, \
         or restore a backup that this one made"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this build knows.
        known: u32,
    },
    /// An upgrade step failed; the file still holds schema `from`.
    #[error("database {path}: upgrade from schema {from} failed; nothing was changed")]
    Upgrade {
        /// The file.
        path: PathBuf,
        /// What it holds.
        from: u32,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// Why a query or a change failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite refused: locked for longer than we wait, disk full, file gone.
    #[error("cannot {what} in the database")]
    Sqlite {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what no version of ours writes.
    #[error("the database holds a damaged {what}; `loa check` tells more")]
    Damaged {
        /// What kind of row.
        what: &'static str,
    },
    /// The name is taken.
    #[error("{what} \"{name}\" exists already; choose another name")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is none of that name.
    #[error("there is no {what} \"{name}\"")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It takes a second person, and this is the first.
    #[error("{by} made this change; it takes a second person to put it into force")]
    SamePerson {
        /// Who.
        by: String,
    },
    /// What waits is not what was shown.
    #[error("what waits in zone \"{zone}\" is not the change {digest}; `loa zone list` shows what it is")]
    NotShown {
        /// Code of the zone.
        zone: String,
        /// What stood for what was shown.
        digest: String,
    },
    /// It is not where this decision leads from: somebody decided otherwise meanwhile.
    #[error("{content} is {} by now, and cannot become {}", from.name(), to.name())]
    NoWay {
        /// What it is about.
        content: ContentHash,
        /// How far it is.
        from: ApprovalState,
        /// What it should become.
        to: ApprovalState,
    },
    /// What was to be changed is not as it was seen.
    #[error("the schedule was changed meanwhile; look at it again")]
    Stale,
    /// It is not as it was seen: somebody changed it meanwhile.
    #[error("{what} \"{name}\" was changed meanwhile; look at it again")]
    Changed {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A programme's version in another language cannot be as it was asked.
    #[error(transparent)]
    Version(#[from] VersionFault),
    /// Something else needs it.
    #[error("{what} \"{name}\" is used by {by}; take it out of there first")]
    InUse {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who needs it.
        by: String,
    },
}

/// Why a schedule was not imported. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Something names what is not there; the check before the import finds this, unless the store changed meanwhile.
    #[error("{by} names {what} \"{name}\", which does not exist")]
    Unknown {
        /// Who names it.
        by: String,
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Another file declares it.
    #[error(
        "{what} \"{code}\" is declared by the file {file} already; change it there, or choose another code"
    )]
    OtherFile {
        /// What kind of thing.
        what: &'static str,
        /// Its code.
        code: String,
        /// The file that has it.
        file: String,
    },
    /// The import would remove a programme that another file's slot airs.
    #[error("the file {file} no longer declares programme \"{programme}\", which {by} of another file airs")]
    StillAired {
        /// The file.
        file: String,
        /// The programme.
        programme: String,
        /// Who airs it.
        by: String,
    },
    /// The import would remove what something that stays names.
    #[error("the file {file} no longer declares {what} \"{code}\", which {by} still names; {remedy}")]
    StillNamed {
        /// The file.
        file: String,
        /// What kind of thing.
        what: &'static str,
        /// Its code.
        code: String,
        /// Who names it.
        by: String,
        /// What to do.
        remedy: String,
    },
    /// The import would move a zone that takes two persons to where its hours are others, or nobody asks for a second person.
    #[error(
        "zone \"{zone}\" takes two persons to change when it may sound, and would change it by moving; first give it \
         `quiet` and `two_persons` of its own, as they are now, and have that approved (`loa zone list`)"
    )]
    MovedAlone {
        /// Its code.
        zone: String,
    },
    /// Zones and channels would no longer be a tree of their own.
    #[error(transparent)]
    Zones(#[from] loa_model::ZoneTreeError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names what was tried when SQLite refuses.
pub(crate) trait Context<T> {
    fn context(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Context<T> for rusqlite::Result<T> {
    fn context(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sqlite { what, source })
    }
}
