//! The status of an answer that says no (RFC 9110 §15).

use axum::http::StatusCode;
use loa_model::{EditFault, Refusal, ScopeError, VersionFault};

use super::PanelError;
use crate::console::{ConsoleError, ReportRefusal};
use crate::emergency::EmergencyRefusal;
use crate::library::LibraryRefusal;
use crate::people::PersonRefusal;
use crate::tokens::TokenRefusal;
use crate::upkeep::BackupRefusal;

impl PanelError {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NoDate(_)
            | Self::NoTime(_)
            | Self::LongSpan { .. }
            | Self::NoRole(_)
            | Self::NoPermission(_)
            | Self::PasswordsDiffer
            | Self::Upload(_)
            | Self::Limit { .. }
            | Self::Minutes { .. }
            | Self::WhatToAir
            | Self::NoSource(_)
            | Self::OddInput(_)
            | Self::ZoneCount(_)
            | Self::Report(ReportRefusal::Malformed) => StatusCode::BAD_REQUEST,
            Self::LogInFirst | Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Due(_)
            | Self::NotByToken
            | Self::Forbidden { .. }
            | Self::NotYourself
            | Self::OtherSite
            | Self::Report(ReportRefusal::NotSigned) => StatusCode::FORBIDDEN,
            Self::Console(ConsoleError::Person(refusal)) => of_person(refusal),
            Self::Console(ConsoleError::Token(refusal)) => of_token(refusal),
            Self::Console(ConsoleError::Library(refusal)) => of_library(refusal),
            Self::TusVersion => StatusCode::PRECONDITION_FAILED,
            Self::BadRange(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Console(ConsoleError::Edit(fault)) => of_edit(fault),
            Self::Console(ConsoleError::Version(fault)) => of_version(fault),
            Self::Console(ConsoleError::Backup(BackupRefusal::NoRoom { .. })) => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Self::NoPage
            | Self::NoZone(_)
            | Self::NoMedia(_)
            | Self::NoRunSheet(_)
            | Self::Console(
                ConsoleError::NotFound(_)
                | ConsoleError::Refused(Refusal::UnknownZone(_) | Refusal::UnknownSession(_)),
            ) => StatusCode::NOT_FOUND,
            Self::TooManyTries | Self::TooManyListeners | Self::UploadsBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::Console(ConsoleError::Emergency(refusal)) => of_emergency(refusal),
            Self::Console(
                ConsoleError::Refused(Refusal::ShuttingDown)
                | ConsoleError::Unavailable(_)
                | ConsoleError::Busy,
            )
            | Self::Report(ReportRefusal::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::SpeaksAlready
            | Self::NotEverywhere(_)
            | Self::MayNotAir { .. }
            | Self::Console(ConsoleError::Refused(_) | ConsoleError::Backup(BackupRefusal::UnderWay))
            | Self::Report(ReportRefusal::Old) => StatusCode::CONFLICT,
        }
    }
}

const fn of_emergency(refusal: &EmergencyRefusal) -> StatusCode {
    match refusal {
        EmergencyRefusal::NoTemplate | EmergencyRefusal::NotWaiting => StatusCode::NOT_FOUND,
        EmergencyRefusal::Template(_) | EmergencyRefusal::NoReason => StatusCode::BAD_REQUEST,
        EmergencyRefusal::TwoPersons | EmergencyRefusal::SamePerson => StatusCode::FORBIDDEN,
        _ => StatusCode::CONFLICT,
    }
}

const fn of_token(refusal: &TokenRefusal) -> StatusCode {
    match refusal {
        TokenRefusal::BadName(_) | TokenRefusal::Days(_) | TokenRefusal::Scope(ScopeError::Nothing) => {
            StatusCode::BAD_REQUEST
        }
        TokenRefusal::NameTaken | TokenRefusal::TooMany(_) => StatusCode::CONFLICT,
        TokenRefusal::Scope(_) => StatusCode::FORBIDDEN,
    }
}

const fn of_library(refusal: &LibraryRefusal) -> StatusCode {
    match refusal {
        LibraryRefusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        LibraryRefusal::TooManyUploads(_) => StatusCode::TOO_MANY_REQUESTS,
        LibraryRefusal::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        LibraryRefusal::Offset(_)
        | LibraryRefusal::Importing
        | LibraryRefusal::TitleTaken
        | LibraryRefusal::InUse(_)
        | LibraryRefusal::NoWay(..) => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    }
}

const fn of_edit(fault: &EditFault) -> StatusCode {
    match fault {
        EditFault::Past(_)
        | EditFault::Nothing
        | EditFault::SeveralTimes(_)
        | EditFault::SeveralDays(_)
        | EditFault::Length => StatusCode::BAD_REQUEST,
        EditFault::NoProgramme | EditFault::NoZone => StatusCode::NOT_FOUND,
        _ => StatusCode::CONFLICT,
    }
}

const fn of_version(fault: &VersionFault) -> StatusCode {
    match fault {
        VersionFault::NoProgramme | VersionFault::NoPiece | VersionFault::NoVersion(_) => {
            StatusCode::NOT_FOUND
        }
        VersionFault::TooMany => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    }
}

const fn of_person(refusal: &PersonRefusal) -> StatusCode {
    match refusal {
        PersonRefusal::WrongPassword | PersonRefusal::WrongCode => StatusCode::UNAUTHORIZED,
        PersonRefusal::Locked => StatusCode::TOO_MANY_REQUESTS,
        PersonRefusal::ShortPassword(_)
        | PersonRefusal::SamePassword
        | PersonRefusal::BadName(_)
        | PersonRefusal::LikeAToken => StatusCode::BAD_REQUEST,
        PersonRefusal::NameTaken | PersonRefusal::TotpRequired => StatusCode::CONFLICT,
    }
}
