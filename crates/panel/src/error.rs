//! What goes wrong, as an answer over HTTP: JSON for programs, and words for people in their language.

mod status;
mod words;

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use loa_model::relay_address::AddressError;
use loa_model::{ApprovalState, Permission};

pub(crate) use words::{permission_name, say_library};

use crate::api::Problem;
use crate::console::{ConsoleError, ReportRefusal};
use crate::lang::Lang;
use crate::people::Due;

/// A request that was not done.
#[derive(Debug)]
pub(crate) enum PanelError {
    /// Nobody is logged in.
    LogInFirst,
    /// The token is unknown, expired or revoked, or its owner may not log in.
    NoToken,
    /// What is for people who are logged in, not for their programs.
    NotByToken,
    /// The login lacks something before it opens anything.
    Due(Due),
    /// The role for it is not held: in this zone, or in any.
    Forbidden {
        permission: Permission,
        zone: Option<String>,
    },
    /// Whoever administers does not do this to their own account.
    NotYourself,
    /// The new password was typed in two ways.
    PasswordsDiffer,
    /// Not a role, or none was chosen.
    NoRole(String),
    /// Not a permission; why, for programs.
    NoPermission(String),
    /// Too many tries to log in.
    TooManyTries,
    /// As many browsers follow the air as the panel serves.
    TooManyListeners,
    /// Not an address of ours.
    NoPage,
    NoZone(String),
    NoMedia(String),
    /// A piece that was rejected or archived.
    MayNotAir {
        title: String,
        state: ApprovalState,
    },
    /// Neither media nor a source, or both.
    WhatToAir,
    /// Not the address of something live.
    NoSource(AddressError),
    /// An input that is not one of a sound card.
    OddInput(String),
    NoRunSheet(NaiveDate),
    /// Not a date, or one that no log reaches.
    NoDate(String),
    /// A page of another site asks.
    OtherSite,
    /// This browser speaks already.
    SpeaksAlready,
    /// No zone was chosen, or more than this.
    ZoneCount(usize),
    /// More days than a log is searched in, or backwards.
    LongSpan {
        from: NaiveDate,
        to: NaiveDate,
        most: i64,
    },
    /// Not a time of day or a length, as a form has it.
    NoTime(String),
    /// An override must end, and not before it begins.
    Limit {
        given_s: u32,
        most_s: u32,
    },
    /// So must an emergency.
    Minutes {
        given: u16,
        most: u16,
    },
    /// An emergency is on the air, but not in these zones, by their names.
    NotEverywhere(String),
    /// What an upload says with this header cannot be understood.
    Upload(&'static str),
    /// As many uploads are written as the panel serves together.
    UploadsBusy,
    /// Another version of the upload protocol.
    TusVersion,
    /// No file of the library, or no such part of it.
    BadRange(u64),
    Console(ConsoleError),
    Report(ReportRefusal),
}

impl From<ConsoleError> for PanelError {
    fn from(error: ConsoleError) -> Self {
        Self::Console(error)
    }
}

/// For programs, in English.
impl fmt::Display for PanelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogInFirst => f.write_str("log in first"),
            Self::NoToken => {
                f.write_str("the token is unknown, expired or revoked, or its owner may not log in")
            }
            Self::NotByToken => f.write_str("this takes a person who is logged in; no token does"),
            Self::Due(due) => write!(f, "the login lacks something yet: {}", due.name()),
            Self::Forbidden { permission, zone } => {
                let what = permission_name(*permission, Lang::En);
                match zone {
                    Some(zone) => write!(f, "you may not {what} in \"{zone}\""),
                    None => write!(f, "you may not {what} there"),
                }
            }
            Self::NotYourself => f.write_str("not to your own account; another administrator can"),
            Self::PasswordsDiffer => f.write_str("the new password was typed in two ways"),
            Self::NoPermission(why) => f.write_str(why),
            Self::NoRole(text) => write!(f, "\"{text}\" is no role"),
            Self::TooManyTries => f.write_str("too many tries; wait a minute"),
            Self::TooManyListeners => f.write_str("too many listeners; try again later"),
            Self::NoPage => f.write_str("there is nothing at this address"),
            Self::NoZone(code) => write!(f, "there is no zone \"{code}\""),
            Self::NoMedia(hash) => write!(f, "there is no media \"{hash}\""),
            Self::MayNotAir { title, state } => {
                write!(f, "\"{title}\" is {} and does not air", state.name())
            }
            Self::WhatToAir => f.write_str("name either media, or a source and its title"),
            Self::NoSource(error) => error.fmt(f),
            Self::OddInput(device) => write!(
                f,
                "\"line:{device}\" is no input of a sound card; write line:default or line:hw:1,0"
            ),
            Self::NoRunSheet(date) => write!(f, "there is no run-sheet for {date}"),
            Self::NoDate(text) => write!(f, "\"{text}\" is no date; write YYYY-MM-DD, 2000 to 2199"),
            Self::LongSpan { from, to, most } => write!(f, "{from} to {to} is not 1 to {most} days"),
            Self::NoTime(text) => write!(
                f,
                "\"{text}\" is no time or length here; write HH:MM, and minutes"
            ),
            Self::Limit { given_s, most_s } => write!(f, "limit_s is {given_s}; write 1 to {most_s}"),
            Self::NotEverywhere(zones) => {
                write!(f, "it is on the air, but not in {zones}; warn them otherwise")
            }
            Self::Minutes { given, most } => write!(f, "minutes is {given}; write 1 to {most}"),
            Self::OtherSite => f.write_str("a page of another site asked"),
            Self::SpeaksAlready => f.write_str("this connection speaks already; end that first"),
            Self::ZoneCount(most) => write!(f, "name one to {most} zones"),
            Self::Upload(header) => write!(f, "{header} is missing or cannot be read"),
            Self::UploadsBusy => f.write_str("too many uploads; try again later"),
            Self::TusVersion => f.write_str("Tus-Resumable must be 1.0.0"),
            Self::BadRange(bytes) => write!(f, "the file has {bytes} bytes"),
            Self::Console(error) => error.fmt(f),
            Self::Report(refusal) => refusal.fmt(f),
        }
    }
}

/// What went wrong, carried beside the JSON, from which a page is made for people.
#[derive(Clone)]
pub(crate) struct WentWrong(pub(crate) Arc<PanelError>);

impl IntoResponse for PanelError {
    fn into_response(self) -> Response {
        let mut response = Problem::answer(&self);
        response.extensions_mut().insert(WentWrong(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::library::LibraryRefusal;
    use crate::people::PersonRefusal;
    use crate::tokens::TokenRefusal;
    use crate::upkeep::BackupRefusal;
    use loa_model::{ApprovalState, EditFault, Refusal, ScopeError, SessionId, VersionFault, ZoneId};

    /// Each row: what went wrong, its status, and a part of what people read in Vietnamese.
    #[test]
    fn what_goes_wrong_has_a_status_and_words_in_both_languages() {
        let refused = |refusal| PanelError::Console(ConsoleError::Refused(refusal));
        let person = |refusal| PanelError::Console(ConsoleError::Person(refusal));
        let token = |refusal| PanelError::Console(ConsoleError::Token(refusal));
        let library = |refusal| PanelError::Console(ConsoleError::Library(refusal));
        let long = PanelError::LongSpan {
            from: NaiveDate::default(),
            to: NaiveDate::default(),
            most: 92,
        };
        let edit = |fault| PanelError::Console(ConsoleError::Edit(fault));
        let version = |fault| PanelError::Console(ConsoleError::Version(fault));
        let forbidden = |zone| PanelError::Forbidden {
            permission: Permission::Announce,
            zone,
        };
        let rows = [
            (PanelError::LogInFirst, 401, "đăng nhập"),
            (PanelError::NoToken, 401, "thu hồi"),
            (PanelError::NotByToken, 403, "đăng nhập"),
            (PanelError::Due(Due::Code), 403, "mã một lần"),
            (PanelError::Due(Due::Password), 403, "mật khẩu của riêng mình"),
            (PanelError::Due(Due::Totp), 403, "Vai trò"),
            (forbidden(None), 403, "không có quyền phát"),
            (forbidden(Some("Xã Tây".into())), 403, "Xã Tây"),
            (PanelError::NotYourself, 403, "chính mình"),
            (PanelError::PasswordsDiffer, 400, "không giống nhau"),
            (PanelError::NoRole("root".into()), 400, "root"),
            (person(PersonRefusal::WrongPassword), 401, "Sai tên"),
            (person(PersonRefusal::WrongCode), 401, "Sai mã"),
            (person(PersonRefusal::Locked), 429, "mở khóa"),
            (person(PersonRefusal::ShortPassword(10)), 400, "10 ký tự"),
            (person(PersonRefusal::SamePassword), 400, "mật khẩu cũ"),
            (person(PersonRefusal::BadName(64)), 400, "64 ký tự"),
            (person(PersonRefusal::LikeAToken), 400, "token"),
            (PanelError::NoPermission("x".into()), 400, "không hiểu"),
            (token(TokenRefusal::BadName(64)), 400, "64 ký tự"),
            (token(TokenRefusal::NameTaken), 409, "đã có"),
            (token(TokenRefusal::Days(366)), 400, "366 ngày"),
            (token(TokenRefusal::TooMany(32)), 409, "32"),
            (token(ScopeError::Nothing.into()), 400, "ít nhất một"),
            (token(ScopeError::Administers.into()), 403, "quản trị"),
            (
                token(ScopeError::NotHeld(Permission::Alert).into()),
                403,
                "tin khẩn cấp",
            ),
            (person(PersonRefusal::NameTaken), 409, "đã có người"),
            (person(PersonRefusal::TotpRequired), 409, "bắt buộc"),
            (PanelError::TooManyTries, 429, "quá nhiều lần"),
            (PanelError::TooManyListeners, 429, "quá nhiều người"),
            (PanelError::NoPage, 404, "Không có trang"),
            (PanelError::UploadsBusy, 429, "bận"),
            (PanelError::TusVersion, 412, "tus 1.0.0"),
            (PanelError::Upload("Upload-Length"), 400, "Upload-Length"),
            (PanelError::BadRange(9), 416, "không hiểu"),
            (library(LibraryRefusal::TooLarge(2_000_000_000)), 413, "2000 MB"),
            (library(LibraryRefusal::ZeroLength), 400, "0 byte"),
            (library(LibraryRefusal::TooManyUploads(24)), 429, "24 tệp"),
            (library(LibraryRefusal::NoRoom), 507, "hết chỗ"),
            (library(LibraryRefusal::Offset(7)), 409, "7 byte"),
            (library(LibraryRefusal::Importing), 409, "đợi xong"),
            (library(LibraryRefusal::NoName), 400, "Tên trống"),
            (library(LibraryRefusal::TitleTaken), 409, "đã có tên"),
            (library(LibraryRefusal::InUse("tin".into())), 409, "tin"),
            (
                library(LibraryRefusal::NoWay(
                    ApprovalState::Archived,
                    ApprovalState::Approved,
                )),
                409,
                "đã lưu trữ",
            ),
            (library(LibraryRefusal::BadCut), 400, "nửa giây"),
            (library(LibraryRefusal::NotAudio), 400, "âm thanh"),
            (
                library(LibraryRefusal::Truncated(Duration::from_secs(65))),
                400,
                "1:05",
            ),
            (library(LibraryRefusal::NoSound), 400, "không có tiếng"),
            (library(LibraryRefusal::HeAac), 400, "AAC-LC"),
            (library(LibraryRefusal::Drm), 400, "bản quyền"),
            (
                library(LibraryRefusal::TooLong(Duration::from_secs(14_400))),
                400,
                "240 phút",
            ),
            (library(LibraryRefusal::Unsupported("AC-3".into())), 400, "AC-3"),
            (
                library(LibraryRefusal::Corrupt(Duration::from_secs(5))),
                400,
                "0:05",
            ),
            (library(LibraryRefusal::Failed("disk".into())), 400, "disk"),
            (PanelError::NoZone("x".into()), 404, "“x”"),
            (PanelError::NoMedia("zz".into()), 404, "tệp âm thanh"),
            (
                PanelError::MayNotAir {
                    title: "Tin cũ".into(),
                    state: ApprovalState::Archived,
                },
                409,
                "“Tin cũ” đã lưu trữ",
            ),
            (
                ConsoleError::Backup(BackupRefusal::UnderWay).into(),
                409,
                "đang được tạo",
            ),
            (
                ConsoleError::Backup(BackupRefusal::NoRoom {
                    free: 12_000_000,
                    needed: 2_500_000_000,
                })
                .into(),
                507,
                "2,5 GB",
            ),
            (PanelError::WhatToAir, 400, "hoặc một nguồn"),
            (PanelError::OddInput("tee:x".into()), 400, "line:tee:x"),
            (
                PanelError::NoSource(AddressError::Scheme("x".into())),
                400,
                "rtp://",
            ),
            (PanelError::NoSource(AddressError::Rtp("x".into())), 400, "cổng"),
            (PanelError::NoSource(AddressError::Host("x".into())), 400, "máy"),
            (PanelError::NoSource(AddressError::Space("x".into())), 400, "%20"),
            (PanelError::NoSource(AddressError::Empty("x".into())), 400, "“x”"),
            (PanelError::NoRunSheet(NaiveDate::default()), 404, "1970-01-01"),
            (PanelError::NoDate("hôm kia".into()), 400, "hôm kia"),
            (
                PanelError::Limit {
                    given_s: 0,
                    most_s: 43_200,
                },
                400,
                "720",
            ),
            (PanelError::Minutes { given: 0, most: 720 }, 400, "720"),
            (PanelError::NotEverywhere("Xã Tây".into()), 409, "Xã Tây"),
            (PanelError::OtherSite, 403, "trang khác"),
            (PanelError::SpeaksAlready, 409, "đang nói rồi"),
            (PanelError::ZoneCount(32), 400, "32 địa bàn"),
            (refused(Refusal::UnknownZone(ZoneId(1))), 404, "địa bàn"),
            (refused(Refusal::UnknownSession(SessionId(1))), 404, "kết thúc"),
            (refused(Refusal::TooManySessions(ZoneId(1))), 409, "32"),
            (refused(Refusal::ShuttingDown), 503, "đang tắt"),
            (ConsoleError::NotFound("abc".into()).into(), 404, "abc"),
            (ConsoleError::Busy.into(), 503, "Đang có nhiều"),
            (PanelError::NoTime("9h".into()), 400, "9h"),
            (long, 400, "92 ngày"),
            (edit(EditFault::Gone), 409, "không còn phát"),
            (edit(EditFault::Begun), 409, "đã bắt đầu"),
            (
                edit(EditFault::Past(NaiveDate::default().into())),
                400,
                "00:00 01/01",
            ),
            (edit(EditFault::Nothing), 400, "Không có gì"),
            (edit(EditFault::ChangedAlready), 409, "trả về lịch gốc"),
            (edit(EditFault::SeveralTimes("tin".into())), 400, "tin"),
            (edit(EditFault::SeveralDays("tin".into())), 400, "tin"),
            (edit(EditFault::Length), 400, "240"),
            (edit(EditFault::NoProgramme), 404, "chương trình"),
            (edit(EditFault::NoZone), 404, "địa bàn"),
            (edit(EditFault::Stale), 409, "người khác"),
            (edit(EditFault::Clash), 409, "giờ yên tĩnh"),
            (edit(EditFault::TooLate), 409, "đã bắt đầu"),
            (edit(EditFault::Undone), 409, "hoàn tác"),
            (version(VersionFault::NoProgramme), 404, "không còn"),
            (version(VersionFault::NotOnePiece), 400, "đúng một tệp"),
            (version(VersionFault::NoPiece), 404, "tệp khác"),
            (version(VersionFault::OwnPiece), 400, "chính là tệp"),
            (version(VersionFault::Language("tày".into())), 400, "“tày”"),
            (version(VersionFault::TooMany), 409, "32 bản"),
            (version(VersionFault::NoVersion("mnong".into())), 404, "“mnong”"),
            (version(VersionFault::Nothing), 400, "Không có gì"),
            (
                ConsoleError::Unavailable("database is locked".into()).into(),
                503,
                "database is locked",
            ),
        ];
        for (error, status, vi) in rows {
            assert_eq!(error.status().as_u16(), status, "{error}");
            let said = error.say(Lang::Vi);
            assert!(said.contains(vi), "{said}");
            assert_ne!(said, error.say(Lang::En), "{error}");
            assert!(!error.say(Lang::En).contains("Unknown local"), "{error}");
        }
    }
}
