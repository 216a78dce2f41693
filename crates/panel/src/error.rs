//! What goes wrong, as an answer over HTTP.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loa_model::Refusal;
use serde_json::json;

use crate::console::{ConsoleError, ReportRefusal};

/// A request that was not done, in words for whoever sent it.
#[derive(Debug)]
pub(crate) enum PanelError {
    /// The request itself is wrong.
    BadRequest(String),
    /// Nobody is logged in.
    LogInFirst,
    /// Too many tries.
    TooMany,
    Console(ConsoleError),
    Report(ReportRefusal),
}

impl From<ConsoleError> for PanelError {
    fn from(error: ConsoleError) -> Self {
        Self::Console(error)
    }
}

impl PanelError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::Report(ReportRefusal::Malformed) => StatusCode::BAD_REQUEST,
            Self::LogInFirst => StatusCode::UNAUTHORIZED,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Console(ConsoleError::Refused(Refusal::UnknownZone(_) | Refusal::UnknownSession(_)))
            | Self::Console(ConsoleError::NotFound(_)) => StatusCode::NOT_FOUND,
            Self::Console(ConsoleError::Refused(Refusal::ShuttingDown) | ConsoleError::Unavailable(_))
            | Self::Report(ReportRefusal::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Console(ConsoleError::Refused(_)) | Self::Report(ReportRefusal::Old) => {
                StatusCode::CONFLICT
            }
            Self::Report(ReportRefusal::NotSigned) => StatusCode::FORBIDDEN,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::BadRequest(message) => message.clone(),
            Self::LogInFirst => "log in first".to_owned(),
            Self::TooMany => "too many tries; wait a minute".to_owned(),
            Self::Console(error) => error.to_string(),
            Self::Report(refusal) => refusal.to_string(),
        }
    }
}

impl IntoResponse for PanelError {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.message() }))).into_response()
    }
}
