//! How a browser learns to trust the station: its authority's certificate, and where to put it.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::error::PanelError;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "ca.html")]
struct CaPage {
    frame: Frame,
}

pub(crate) async fn page(State(panel): State<Panel>, lang: Lang) -> Response {
    html(&CaPage {
        frame: Frame::new(&panel, lang, None, "/ca"),
    })
}

pub(crate) async fn certificate(State(panel): State<Panel>) -> Result<Response, PanelError> {
    let pem = panel
        .console
        .reach()
        .authority
        .clone()
        .ok_or(PanelError::NoPage)?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"loa-ca.crt\""),
    ];
    Ok((headers, pem).into_response())
}
