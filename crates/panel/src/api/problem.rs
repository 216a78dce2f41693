//! What went wrong, as programs read it: one shape for every refusal (RFC 9457).

use axum::Json;
use axum::body::to_bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use loa_model::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::console::ConsoleError;
use crate::error::PanelError;

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: a place on the page `/api`, or `about:blank` where the status says all.
    #[serde(rename = "type")]
    #[schema(example = "/api#problem-forbidden")]
    kind: String,
    /// The status, in words.
    #[schema(example = "Forbidden")]
    title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599, example = 403)]
    status: u16,
    /// What exactly, and what helps.
    #[schema(example = "you may not look in \"Xã Đông\"")]
    detail: String,
}

impl Problem {
    fn new(kind: Option<&str>, status: StatusCode, detail: String) -> Self {
        Self {
            kind: kind.map_or_else(|| "about:blank".to_owned(), |kind| format!("/api#problem-{kind}")),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
        }
    }

    /// Makes the answer that says it.
    pub(crate) fn answer(error: &PanelError) -> Response {
        let status = error.status();
        Self::new(kind(error), status, error.to_string()).into_answer(status)
    }

    fn into_answer(self, status: StatusCode) -> Response {
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Kinds of problems that programs may want to tell apart, each explained on the page `/api`.
pub(crate) const KINDS: [&str; 8] = [
    "log-in-first",
    "login-lacks",
    "forbidden",
    "not-by-token",
    "quiet-hours",
    "minutes-spent",
    "zone-full",
    "session-over",
];

const fn kind(error: &PanelError) -> Option<&'static str> {
    Some(match error {
        PanelError::LogInFirst | PanelError::NoToken => "log-in-first",
        PanelError::Due(_) => "login-lacks",
        PanelError::Forbidden { .. } => "forbidden",
        PanelError::NotByToken => "not-by-token",
        PanelError::Console(ConsoleError::Refused(refusal)) => match refusal {
            Refusal::QuietHours(_) => "quiet-hours",
            Refusal::MinutesSpent(_) => "minutes-spent",
            Refusal::TooManySessions(_) => "zone-full",
            Refusal::UnknownSession(_) => "session-over",
            _ => return None,
        },
        _ => return None,
    })
}

/// Gives an answer of the API the one shape, whoever refused: what reads bodies and parameters, what bounds time and
/// length, what keeps other sites out.
pub(crate) async fn in_one_shape(response: Response) -> Response {
    let status = response.status();
    let has_shape = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == KIND);
    if has_shape || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, SAID_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let detail = match status {
        _ if !said.is_empty() && !status.is_server_error() => said,
        StatusCode::FORBIDDEN => "the request comes from another site".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "the address does not take this method".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE => "it took too long; try again".to_owned(),
        _ => "something of ours failed; the log of the station says more".to_owned(),
    };
    let mut answer = Problem::new(None, status, detail).into_answer(status);
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

pub(crate) const KIND: &str = "application/problem+json";
/// What a refusal of axum says takes a line or two.
const SAID_BYTES_MAX: usize = 8 * 1_024;
