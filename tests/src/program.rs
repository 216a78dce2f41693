//! A program that calls the JSON API with a token, and a browser's form for what only people may do.

use anyhow::{Context as _, Result};
use loa_headend::workbench::{PASSWORD, Station, USER};
use serde_json::{Value, json};

/// A program with its token.
pub struct Program {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Program {
    /// Makes a program that shows `token`.
    pub fn new(station: &Station, token: &str) -> Self {
        Self {
            agent: agent(),
            base: station.url(""),
            token: format!("Bearer {}", token.trim()),
        }
    }

    /// Returns the status and the body of an answer.
    ///
    /// # Errors
    ///
    /// If nothing answers.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        let mut answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("authorization", &self.token)
            .call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    /// Sends JSON, and returns the status and the JSON of the answer.
    ///
    /// # Errors
    ///
    /// If nothing answers, or something else than JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", &self.token)
            // As a program in a page of another site would: no cookie is shown by itself here.
            .header("origin", "https://elsewhere.example")
            .header("sec-fetch-site", "cross-site")
            .send_json(body)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), serde_json::from_str(&text)?))
    }

    /// Deletes, and returns the status.
    ///
    /// # Errors
    ///
    /// If nothing answers.
    pub fn delete(&self, path: &str) -> Result<u16> {
        let answer = self
            .agent
            .delete(format!("{}{path}", self.base))
            .header("authorization", &self.token)
            .call()?;
        Ok(answer.status().as_u16())
    }
}

/// Sends a form as a browser does in which [`USER`] is logged in, and returns the status and the page.
///
/// # Errors
///
/// If nothing answers, or the login is refused.
pub fn send_form(station: &Station, path: &str, form: &str) -> Result<(u16, String)> {
    let agent = agent();
    let login = json!({ "name": USER, "password": PASSWORD });
    let answer = agent.post(station.url("/api/v1/login")).send_json(&login)?;
    let cookie = answer.headers().get("set-cookie").context("no login")?;
    let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
    let mut page = agent
        .post(station.url(path))
        .header("cookie", cookie)
        .content_type("application/x-www-form-urlencoded")
        .send(form)?;
    Ok((page.status().as_u16(), page.body_mut().read_to_string()?))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    config.into()
}
