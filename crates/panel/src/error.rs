//! What goes wrong, as an answer over HTTP: JSON for programs, and words for people in their language.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use loa_model::{Permission, Refusal, SESSIONS_PER_ZONE_MAX};
use serde_json::json;

use crate::console::{ConsoleError, ReportRefusal};
use crate::lang::Lang;
use crate::people::{Due, PersonRefusal};

/// A request that was not done.
#[derive(Debug)]
pub(crate) enum PanelError {
    /// Nobody is logged in.
    LogInFirst,
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
    /// Too many tries to log in.
    TooManyTries,
    /// As many browsers follow the air as the panel serves.
    TooManyListeners,
    /// Not an address of ours.
    NoPage,
    NoZone(String),
    NoMedia(String),
    NoRunSheet(NaiveDate),
    /// Not a date, or one that no log reaches.
    NoDate(String),
    /// An override must end, and not before it begins.
    Limit {
        given_s: u32,
        most_s: u32,
    },
    Console(ConsoleError),
    Report(ReportRefusal),
}

impl From<ConsoleError> for PanelError {
    fn from(error: ConsoleError) -> Self {
        Self::Console(error)
    }
}

impl PanelError {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NoDate(_)
            | Self::NoRole(_)
            | Self::PasswordsDiffer
            | Self::Limit { .. }
            | Self::Report(ReportRefusal::Malformed) => StatusCode::BAD_REQUEST,
            Self::LogInFirst => StatusCode::UNAUTHORIZED,
            Self::Due(_)
            | Self::Forbidden { .. }
            | Self::NotYourself
            | Self::Report(ReportRefusal::NotSigned) => StatusCode::FORBIDDEN,
            Self::Console(ConsoleError::Person(refusal)) => of_person(refusal),
            Self::NoPage
            | Self::NoZone(_)
            | Self::NoMedia(_)
            | Self::NoRunSheet(_)
            | Self::Console(
                ConsoleError::NotFound(_)
                | ConsoleError::Refused(Refusal::UnknownZone(_) | Refusal::UnknownSession(_)),
            ) => StatusCode::NOT_FOUND,
            Self::TooManyTries | Self::TooManyListeners => StatusCode::TOO_MANY_REQUESTS,
            Self::Console(ConsoleError::Refused(Refusal::ShuttingDown) | ConsoleError::Unavailable(_))
            | Self::Report(ReportRefusal::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Console(ConsoleError::Refused(_)) | Self::Report(ReportRefusal::Old) => {
                StatusCode::CONFLICT
            }
        }
    }

    /// Says it in the language of the pages.
    pub(crate) fn say(&self, lang: Lang) -> String {
        match self {
            Self::LogInFirst => lang.say("refused-log-in-first"),
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
            Self::NoRole(text) => lang.say_with("refused-no-role", &[("role", text)]),
            Self::TooManyTries => lang.say("login-too-many"),
            Self::TooManyListeners => lang.say("refused-too-many-listeners"),
            Self::NoPage => lang.say("not-found"),
            Self::NoZone(code) => lang.say_with("refused-no-zone", &[("code", code)]),
            Self::NoMedia(hash) => lang.say_with("refused-no-media", &[("hash", hash)]),
            Self::NoRunSheet(date) => lang.say_with("refused-no-run-sheet", &[("date", &date.to_string())]),
            Self::NoDate(text) => lang.say_with("refused-no-date", &[("text", text)]),
            Self::Limit { most_s, .. } => {
                lang.say_with("refused-limit", &[("most", &(most_s / 60).to_string())])
            }
            Self::Console(error) => say_console(error, lang),
            // Receivers read no pages.
            Self::Report(refusal) => refusal.to_string(),
        }
    }
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
        ConsoleError::NotFound(what) => lang.say_with("refused-not-found", &[("what", what)]),
        ConsoleError::Unavailable(why) => lang.say_with("refused-unavailable", &[("why", why)]),
    }
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
        PersonRefusal::NameTaken => lang.say("user-name-taken"),
        PersonRefusal::TotpRequired => lang.say("totp-required"),
    }
}

const fn of_person(refusal: &PersonRefusal) -> StatusCode {
    match refusal {
        PersonRefusal::WrongPassword | PersonRefusal::WrongCode => StatusCode::UNAUTHORIZED,
        PersonRefusal::Locked => StatusCode::TOO_MANY_REQUESTS,
        PersonRefusal::ShortPassword(_) | PersonRefusal::SamePassword | PersonRefusal::BadName(_) => {
            StatusCode::BAD_REQUEST
        }
        PersonRefusal::NameTaken | PersonRefusal::TotpRequired => StatusCode::CONFLICT,
    }
}

fn permission_name(permission: Permission, lang: Lang) -> String {
    lang.say(match permission {
        Permission::See => "permission-see",
        Permission::Edit => "permission-edit",
        Permission::Approve => "permission-approve",
        Permission::Announce => "permission-announce",
        Permission::Alert => "permission-alert",
        Permission::Administer => "permission-administer",
    })
}

/// For programs, in English.
impl fmt::Display for PanelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogInFirst => f.write_str("log in first"),
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
            Self::NoRole(text) => write!(f, "\"{text}\" is no role"),
            Self::TooManyTries => f.write_str("too many tries; wait a minute"),
            Self::TooManyListeners => f.write_str("too many listeners; try again later"),
            Self::NoPage => f.write_str("there is nothing at this address"),
            Self::NoZone(code) => write!(f, "there is no zone \"{code}\""),
            Self::NoMedia(hash) => write!(f, "there is no media \"{hash}\""),
            Self::NoRunSheet(date) => write!(f, "there is no run-sheet for {date}"),
            Self::NoDate(text) => write!(f, "\"{text}\" is no date; write YYYY-MM-DD, 2000 to 2199"),
            Self::Limit { given_s, most_s } => write!(f, "limit_s is {given_s}; write 1 to {most_s}"),
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
        let json = Json(json!({ "error": self.to_string() }));
        let mut response = (self.status(), json).into_response();
        response.extensions_mut().insert(WentWrong(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{SessionId, ZoneId};

    /// Each row: what went wrong, its status, and a part of what people read in Vietnamese.
    #[test]
    fn what_goes_wrong_has_a_status_and_words_in_both_languages() {
        let refused = |refusal| PanelError::Console(ConsoleError::Refused(refusal));
        let person = |refusal| PanelError::Console(ConsoleError::Person(refusal));
        let forbidden = |zone| PanelError::Forbidden {
            permission: Permission::Announce,
            zone,
        };
        let rows = [
            (PanelError::LogInFirst, 401, "đăng nhập"),
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
            (person(PersonRefusal::NameTaken), 409, "đã có người"),
            (person(PersonRefusal::TotpRequired), 409, "bắt buộc"),
            (PanelError::TooManyTries, 429, "quá nhiều lần"),
            (PanelError::TooManyListeners, 429, "quá nhiều người"),
            (PanelError::NoPage, 404, "Không có trang"),
            (PanelError::NoZone("x".into()), 404, "“x”"),
            (PanelError::NoMedia("zz".into()), 404, "tệp âm thanh"),
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
            (refused(Refusal::UnknownZone(ZoneId(1))), 404, "địa bàn"),
            (refused(Refusal::UnknownSession(SessionId(1))), 404, "kết thúc"),
            (refused(Refusal::TooManySessions(ZoneId(1))), 409, "32"),
            (refused(Refusal::ShuttingDown), 503, "đang tắt"),
            (ConsoleError::NotFound("abc".into()).into(), 404, "abc"),
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
