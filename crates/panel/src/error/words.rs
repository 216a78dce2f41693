//! What goes wrong, in the language of the pages.

use std::time::Duration;

use loa_model::relay_address::AddressError;
use loa_model::{
    CODE_LENGTH_MAX, EditFault, LANGUAGES_MAX, LENGTH_MAX, Permission, Refusal, SESSIONS_PER_ZONE_MAX,
    ScopeError, TemplateFault, VersionFault,
};

use super::PanelError;
use crate::console::ConsoleError;
use crate::emergency::EmergencyRefusal;
use crate::lang::Lang;
use crate::library::LibraryRefusal;
use crate::pages::backup::size;
use crate::people::{Due, PersonRefusal};
use crate::plain::{calendar, length, state_name};
use crate::tokens::TokenRefusal;
use crate::upkeep::BackupRefusal;

impl PanelError {
    /// Says it in the language of the pages.
    pub(crate) fn say(&self, lang: Lang) -> String {
        match self {
            Self::LogInFirst => lang.say("refused-log-in-first"),
            Self::NoToken => lang.say("refused-no-token"),
            Self::NotByToken => lang.say("refused-not-by-token"),
            Self::Due(Due::Code) => lang.say("refused-code-due"),
            Self::Due(Due::Password) => lang.say("refused-password-due"),
            Self::Due(Due::Totp) => lang.say("refused-totp-due"),
            Self::Forbidden { permission, zone } => {
                let what = permission_name(*permission, lang);
                match zone {
                    Some(zone) => lang.say_with("refused-forbidden-in", &[("what", &what), ("zone", zone)]),
                    None => lang.say_with("refused-forbidden", &[("what", &what)]),
                }
            }
            Self::NotYourself => lang.say("refused-not-yourself"),
            Self::PasswordsDiffer => lang.say("refused-passwords-differ"),
            Self::NoPermission(_) => lang.say("refused-bad-request"),
            Self::NoRole(text) => lang.say_with("refused-no-role", &[("role", text)]),
            Self::TooManyTries => lang.say("login-too-many"),
            Self::TooManyListeners => lang.say("refused-too-many-listeners"),
            Self::NoPage => lang.say("not-found"),
            Self::NoZone(code) => lang.say_with("refused-no-zone", &[("code", code)]),
            Self::NoMedia(hash) => lang.say_with("refused-no-media", &[("hash", hash)]),
            Self::MayNotAir { title, state } => lang.say_with(
                "refused-may-not-air",
                &[("title", title), ("state", &state_name(*state, lang))],
            ),
            Self::WhatToAir => lang.say("refused-what-to-air"),
            Self::NoSource(error) => say_source(error, lang),
            Self::OddInput(device) => lang.say_with("refused-odd-input", &[("device", device)]),
            Self::NoRunSheet(date) => lang.say_with("refused-no-run-sheet", &[("date", &date.to_string())]),
            Self::NoDate(text) => lang.say_with("refused-no-date", &[("text", text)]),
            Self::LongSpan { from, to, most } => {
                let (from, to) = (calendar(*from, lang), calendar(*to, lang));
                let most = most.to_string();
                lang.say_with(
                    "as-run-too-long",
                    &[("from", &from), ("to", &to), ("most", &most)],
                )
            }
            Self::NoTime(text) => lang.say_with("refused-no-time", &[("text", text)]),
            Self::Limit { most_s, .. } => {
                lang.say_with("refused-limit", &[("most", &(most_s / 60).to_string())])
            }
            Self::NotEverywhere(zones) => lang.say_with("refused-not-everywhere", &[("zones", zones)]),
            Self::Minutes { most, .. } => lang.say_with("refused-limit", &[("most", &most.to_string())]),
            Self::OtherSite => lang.say("refused-other-site"),
            Self::SpeaksAlready => lang.say("refused-speaks-already"),
            Self::ZoneCount(most) => lang.say_with("refused-zone-count", &[("most", &most.to_string())]),
            Self::Upload(header) => lang.say_with("refused-upload-header", &[("header", header)]),
            Self::UploadsBusy => lang.say("refused-uploads-busy"),
            Self::TusVersion => lang.say("refused-upload-version"),
            Self::BadRange(_) => lang.say("refused-bad-request"),
            Self::Console(error) => say_console(error, lang),
            // Receivers read no pages.
            Self::Report(refusal) => refusal.to_string(),
        }
    }
}

fn say_source(error: &AddressError, lang: Lang) -> String {
    let (key, address) = match error {
        AddressError::Scheme(address) => ("refused-source-scheme", address),
        AddressError::Rtp(address) => ("refused-source-rtp", address),
        AddressError::Host(address) => ("refused-source-host", address),
        AddressError::Space(address) => ("refused-source-space", address),
        AddressError::Empty(address) => ("refused-source-empty", address),
        other => return other.to_string(),
    };
    lang.say_with(key, &[("address", address)])
}

fn say_console(error: &ConsoleError, lang: Lang) -> String {
    match error {
        ConsoleError::Refused(Refusal::QuietHours(_)) => lang.say("refused-quiet-hours"),
        ConsoleError::Refused(Refusal::MinutesSpent(_)) => lang.say("refused-minutes-spent"),
        ConsoleError::Refused(Refusal::UnknownZone(_)) => lang.say("refused-zone-gone"),
        ConsoleError::Refused(Refusal::UnknownSession(_)) => lang.say("refused-session-over"),
        ConsoleError::Refused(Refusal::TooManySessions(_)) => {
            let most = SESSIONS_PER_ZONE_MAX.to_string();
            lang.say_with("refused-zone-full", &[("most", &most)])
        }
        ConsoleError::Refused(Refusal::ShuttingDown) => lang.say("refused-shutting-down"),
        ConsoleError::Refused(other) => lang.say_with("refused-by-engine", &[("why", &other.to_string())]),
        ConsoleError::Person(refusal) => say_person(refusal, lang),
        ConsoleError::Emergency(refusal) => say_emergency(refusal, lang),
        ConsoleError::Token(refusal) => say_token(refusal, lang),
        ConsoleError::Library(refusal) => say_library(refusal, lang),
        ConsoleError::Edit(fault) => say_edit(fault, lang),
        ConsoleError::Version(fault) => say_version(fault, lang),
        ConsoleError::Backup(BackupRefusal::UnderWay) => lang.say("refused-backup-under-way"),
        ConsoleError::Backup(BackupRefusal::NoRoom { free, needed }) => {
            let values = [("free", &*size(*free, lang)), ("needed", &size(*needed, lang))];
            lang.say_with("refused-backup-no-room", &values)
        }
        ConsoleError::Busy => lang.say("refused-busy"),
        ConsoleError::NotFound(what) => lang.say_with("refused-not-found", &[("what", what)]),
        ConsoleError::Unavailable(why) => lang.say_with("refused-unavailable", &[("why", why)]),
    }
}

fn say_emergency(refusal: &EmergencyRefusal, lang: Lang) -> String {
    lang.say(match refusal {
        EmergencyRefusal::NoTemplate => "refused-no-template",
        EmergencyRefusal::Template(fault) => match fault {
            TemplateFault::Title => "refused-template-title",
            TemplateFault::WarningText => "refused-template-warning-text",
            TemplateFault::WarningSound => "refused-template-warning-sound",
            TemplateFault::RetractionText => "refused-template-retraction-text",
            TemplateFault::RetractionSound => "refused-template-retraction-sound",
            TemplateFault::SameSound => "refused-template-same-sound",
            TemplateFault::Minutes => "refused-template-minutes",
            TemplateFault::Repeats => "refused-template-repeats",
            other => return other.to_string(),
        },
        EmergencyRefusal::TitleTaken => "refused-template-title-taken",
        EmergencyRefusal::NotPlayable => "refused-not-playable",
        EmergencyRefusal::TwoPersons => "refused-two-persons",
        EmergencyRefusal::SamePerson => "refused-same-person",
        EmergencyRefusal::NotWaiting => "refused-not-waiting",
        EmergencyRefusal::Changed => "refused-changed",
        EmergencyRefusal::NoReason => "refused-no-reason",
        EmergencyRefusal::TooMany => "refused-too-many-waiting",
    })
}

fn say_person(refusal: &PersonRefusal, lang: Lang) -> String {
    match refusal {
        PersonRefusal::WrongPassword => lang.say("login-wrong"),
        PersonRefusal::WrongCode => lang.say("code-wrong"),
        PersonRefusal::Locked => lang.say("login-locked"),
        PersonRefusal::ShortPassword(least) => {
            lang.say_with("password-short", &[("least", &least.to_string())])
        }
        PersonRefusal::SamePassword => lang.say("password-same"),
        PersonRefusal::BadName(most) => lang.say_with("user-name-bad", &[("most", &most.to_string())]),
        PersonRefusal::LikeAToken => lang.say("user-name-like-a-token"),
        PersonRefusal::NameTaken => lang.say("user-name-taken"),
        PersonRefusal::TotpRequired => lang.say("totp-required"),
    }
}

fn say_token(refusal: &TokenRefusal, lang: Lang) -> String {
    match refusal {
        TokenRefusal::BadName(most) => lang.say_with("token-name-bad", &[("most", &most.to_string())]),
        TokenRefusal::NameTaken => lang.say("token-name-taken"),
        TokenRefusal::Days(most) => lang.say_with("token-days-bad", &[("most", &most.to_string())]),
        TokenRefusal::TooMany(most) => lang.say_with("token-too-many", &[("most", &most.to_string())]),
        TokenRefusal::Scope(ScopeError::NotHeld(permission)) => {
            lang.say_with("token-not-held", &[("what", &permission_name(*permission, lang))])
        }
        TokenRefusal::Scope(ScopeError::Administers) => lang.say("token-administers"),
        TokenRefusal::Scope(_) => lang.say("token-nothing"),
    }
}

/// Says why the library did not take or do something.
pub(crate) fn say_library(refusal: &LibraryRefusal, lang: Lang) -> String {
    let minutes = |span: &Duration| (span.as_secs() / 60).to_string();
    match refusal {
        LibraryRefusal::TooLarge(most) => {
            let most = (most / 1_000_000).to_string();
            lang.say_with("upload-too-large", &[("most", &most)])
        }
        LibraryRefusal::ZeroLength => lang.say("upload-zero-length"),
        LibraryRefusal::TooManyUploads(most) => {
            lang.say_with("upload-too-many", &[("most", &most.to_string())])
        }
        LibraryRefusal::NoRoom => lang.say("upload-no-room"),
        LibraryRefusal::Offset(there) => lang.say_with("upload-offset", &[("there", &there.to_string())]),
        LibraryRefusal::Importing => lang.say("upload-importing"),
        LibraryRefusal::NoName => lang.say("piece-no-name"),
        LibraryRefusal::TitleTaken => lang.say("piece-title-taken"),
        LibraryRefusal::InUse(by) => lang.say_with("piece-in-use", &[("by", by)]),
        LibraryRefusal::NoWay(from, to) => {
            let (from, to) = (state_name(*from, lang), state_name(*to, lang));
            lang.say_with("piece-no-way", &[("from", &from), ("to", &to)])
        }
        LibraryRefusal::BadCut => lang.say("piece-bad-cut"),
        LibraryRefusal::NotAudio => lang.say("upload-not-audio"),
        LibraryRefusal::Truncated(at) => lang.say_with("upload-truncated", &[("at", &length(*at))]),
        LibraryRefusal::NoSound => lang.say("upload-no-sound"),
        LibraryRefusal::HeAac => lang.say("upload-he-aac"),
        LibraryRefusal::Drm => lang.say("upload-drm"),
        LibraryRefusal::TooLong(limit) => lang.say_with("upload-too-long", &[("limit", &minutes(limit))]),
        LibraryRefusal::Unsupported(codec) => lang.say_with("upload-unsupported", &[("codec", codec)]),
        LibraryRefusal::Corrupt(at) => lang.say_with("upload-corrupt", &[("at", &length(*at))]),
        LibraryRefusal::Failed(why) => lang.say_with("upload-failed", &[("why", why)]),
    }
}

fn say_edit(fault: &EditFault, lang: Lang) -> String {
    match fault {
        EditFault::Gone => lang.say("edit-gone"),
        EditFault::Begun => lang.say("edit-begun"),
        EditFault::Past(at) => {
            let at = at.format("%H:%M %d/%m").to_string();
            lang.say_with("edit-past", &[("at", &at)])
        }
        EditFault::Nothing => lang.say("edit-nothing"),
        EditFault::ChangedAlready => lang.say("edit-changed-already"),
        EditFault::SeveralTimes(code) => lang.say_with("edit-several-times", &[("code", code)]),
        EditFault::SeveralDays(code) => lang.say_with("edit-several-days", &[("code", code)]),
        EditFault::Length => {
            let most = (LENGTH_MAX.as_secs() / 60).to_string();
            lang.say_with("edit-length", &[("most", &most)])
        }
        EditFault::NoProgramme => lang.say("edit-no-programme"),
        EditFault::NoZone => lang.say("refused-zone-gone"),
        EditFault::Stale => lang.say("edit-stale"),
        EditFault::Clash => lang.say("edit-clash"),
        EditFault::TooLate => lang.say("edit-too-late"),
        EditFault::Undone => lang.say("edit-undone"),
        other => other.to_string(),
    }
}

fn say_version(fault: &VersionFault, lang: Lang) -> String {
    match fault {
        VersionFault::NoProgramme => lang.say("version-no-programme"),
        VersionFault::NotOnePiece => lang.say("version-not-one-piece"),
        VersionFault::NoPiece => lang.say("version-no-piece"),
        VersionFault::OwnPiece => lang.say("version-own-piece"),
        VersionFault::Language(code) => {
            let most = CODE_LENGTH_MAX.to_string();
            lang.say_with("version-language-bad", &[("code", code), ("most", &most)])
        }
        VersionFault::TooMany => {
            let most = LANGUAGES_MAX.to_string();
            lang.say_with("version-too-many", &[("most", &most)])
        }
        VersionFault::NoVersion(code) => lang.say_with("version-gone", &[("code", code)]),
        VersionFault::Nothing => lang.say("edit-nothing"),
        other => other.to_string(),
    }
}

pub(crate) fn permission_name(permission: Permission, lang: Lang) -> String {
    lang.say(match permission {
        Permission::See => "permission-see",
        Permission::Edit => "permission-edit",
        Permission::Approve => "permission-approve",
        Permission::Announce => "permission-announce",
        Permission::Alert => "permission-alert",
        Permission::Administer => "permission-administer",
    })
}
