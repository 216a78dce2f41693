//! Who may pass: the login cookie, and what each address asks of who shows it.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use loa_model::{Permission, Zone, ZoneTree};

use crate::error::PanelError;
use crate::lang::cookie;
use crate::people::{Due, Person};
use crate::router::Panel;

/// What an address asks of who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing: it is open, or has a check of its own.
    Nothing,
    /// A login, which may still lack one of these.
    Login(&'static [Due]),
    /// The permission in some zone; it shows only what lies where the permission is held.
    Shows(Permission),
    /// The permission in the zone that the request names, or in which lies what it names.
    In(Permission),
    /// The permission in every zone.
    Everywhere(Permission),
}

impl Asks {
    /// Checks what can be known before the request is read.
    fn of(self, person: &Person, zones: &ZoneTree) -> Result<(), PanelError> {
        let lacks: &[Due] = if let Self::Login(lacks) = self { lacks } else { &[] };
        if let Some(due) = person.due
            && !lacks.contains(&due)
        {
            return Err(PanelError::Due(due));
        }
        let (permission, holds) = match self {
            Self::Nothing | Self::Login(_) => return Ok(()),
            Self::Shows(permission) | Self::In(permission) => {
                (permission, person.rights.may_somewhere(permission))
            }
            Self::Everywhere(permission) => (permission, person.rights.may_everywhere(permission, zones)),
        };
        if holds {
            Ok(())
        } else {
            Err(PanelError::Forbidden {
                permission,
                zone: None,
            })
        }
    }
}

/// Lets a request through to its handler, with who makes it, if that is somebody who may.
pub(crate) async fn gate(
    State((panel, asks)): State<(Panel, Asks)>,
    mut request: Request,
    next: Next,
) -> Result<Response, PanelError> {
    if asks != Asks::Nothing {
        // No cookie is an empty token, which is nobody's.
        let token = token(request.headers()).unwrap_or_default();
        let person = panel.console.person(&token).await?;
        let person = person.ok_or(PanelError::LogInFirst)?;
        asks.of(&person, &panel.console.zones())?;
        request.extensions_mut().insert(User { person, token });
    }
    Ok(next.run(request).await)
}

/// Somebody who is logged in, as the gate let them in.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) person: Person,
    /// What the browser showed; to ask again during requests that stay open.
    pub(crate) token: String,
}

impl User {
    /// Tells whether the user may do this in a zone.
    pub(crate) fn may(&self, permission: Permission, zone: &Zone, zones: &ZoneTree) -> bool {
        self.person.rights.may(permission, zone.id, zones)
    }

    /// Refuses unless the user may do this in a zone.
    ///
    /// # Errors
    ///
    /// [`PanelError::Forbidden`], naming the zone.
    pub(crate) fn must(
        &self,
        permission: Permission,
        zone: &Zone,
        zones: &ZoneTree,
    ) -> Result<(), PanelError> {
        if self.may(permission, zone, zones) {
            return Ok(());
        }
        Err(PanelError::Forbidden {
            permission,
            zone: Some(zone.name.clone()),
        })
    }
}

impl FromRequestParts<Panel> for User {
    type Rejection = PanelError;

    async fn from_request_parts(parts: &mut Parts, _: &Panel) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(PanelError::LogInFirst)
    }
}

/// Returns the token that the browser shows.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(COOKIE)?.to_str().ok()?;
    cookie(header, LOGIN_COOKIE).map(str::to_owned)
}

/// Returns what the browser calls itself, as much of it as is worth keeping.
pub(crate) fn browser_name(headers: &HeaderMap) -> String {
    let name = headers.get(USER_AGENT).and_then(|name| name.to_str().ok());
    name.unwrap_or_default().chars().take(BROWSER_CHARS_MAX).collect()
}

/// Returns the `Set-Cookie` value for a login.
pub(crate) fn login_cookie(panel: &Panel, token: &str, lasts: Duration) -> String {
    let secure = if panel.console.reach().is_secure {
        "; Secure"
    } else {
        ""
    };
    format!(
        "{LOGIN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
        lasts.as_secs()
    )
}

const LOGIN_COOKIE: &str = "loa_login";
const BROWSER_CHARS_MAX: usize = 200;
