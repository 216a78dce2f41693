//! What goes wrong, as an answer over HTTP: JSON for programs, and words for people in their language.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use loa_model::{Refusal, SESSIONS_PER_ZONE_MAX};
use serde_json::json;

use crate::console::{ConsoleError, ReportRefusal};
use crate::lang::Lang;

/// A request that was not done.
#[derive(Debug)]
pub(crate) enum PanelError {
    /// Nobody is logged in.
    LogInFirst,
    /// Name or password is wrong.
    WrongPassword,
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
            Self::NoDate(_) | Self::Limit { .. } | Self::Report(ReportRefusal::Malformed) => {
                StatusCode::BAD_REQUEST
            }
            Self::LogInFirst | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Report(ReportRefusal::NotSigned) => StatusCode::FORBIDDEN,
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
            Self::WrongPassword => lang.say("login-wrong"),
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
        ConsoleError::NotFound(what) => lang.say_with("refused-not-found", &[("what", what)]),
        ConsoleError::Unavailable(why) => lang.say_with("refused-unavailable", &[("why", why)]),
    }
}

/// For programs, in English.
impl fmt::Display for PanelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogInFirst => f.write_str("log in first"),
            Self::WrongPassword => f.write_str("wrong user name or password"),
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
        let rows = [
            (PanelError::LogInFirst, 401, "đăng nhập"),
            (PanelError::WrongPassword, 401, "Sai tên"),
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
