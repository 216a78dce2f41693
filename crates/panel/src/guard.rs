//! Who may pass: the login cookie or a token, and what each address asks of who shows it.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use loa_model::{Permission, Zone, ZoneId, ZoneTree};

use crate::error::PanelError;
use crate::lang::cookie;
use crate::people::{Due, Person};
use crate::router::{API, Panel};
use crate::routes::Route;

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
    /// To announce, or for what is an emergency to alert instead, in the zone that the request names, or in which lies
    /// what it names.
    ToAir,
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
            Self::ToAir => {
                let holds = |permission| person.rights.may_somewhere(permission);
                (
                    Permission::Announce,
                    holds(Permission::Announce) || holds(Permission::Alert),
                )
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
    State((panel, route)): State<(Panel, Route)>,
    mut request: Request,
    next: Next,
) -> Result<Response, PanelError> {
    if route.asks != Asks::Nothing {
        let user = match bearer(request.headers()) {
            // Who shows a token is asked for nothing else, a cookie beside it least of all.
            Some(token) if route.path.starts_with(API) => by_token(&panel, route.asks, token).await?,
            _ => by_cookie(&panel, request.headers()).await?,
        };
        route.asks.of(&user.person, &panel.console.zones())?;
        request.extensions_mut().insert(user);
    }
    Ok(next.run(request).await)
}

async fn by_cookie(panel: &Panel, headers: &HeaderMap) -> Result<User, PanelError> {
    // No cookie is an empty token, which is nobody's.
    let token = token(headers).unwrap_or_default();
    let person = panel.console.person(&token).await?;
    let person = person.ok_or(PanelError::LogInFirst)?;
    Ok(User { person, token })
}

async fn by_token(panel: &Panel, asks: Asks, token: &str) -> Result<User, PanelError> {
    let person = panel.console.holder(token).await?;
    let person = person.ok_or(PanelError::NoToken)?;
    match asks {
        // What completes a login is for who logs in.
        Asks::Login([_, ..]) => Err(PanelError::NotByToken),
        _ => Ok(User {
            person,
            token: token.to_owned(),
        }),
    }
}

/// Somebody who is logged in, or whose token was shown, as the gate let them in.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) person: Person,
    /// What was shown; to ask again during requests that stay open.
    pub(crate) token: String,
}

impl User {
    /// Tells whether a program showed a token.
    pub(crate) fn by_token(&self) -> bool {
        self.person.login.is_none()
    }

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

    /// Tells whether the user may do this with what belongs to a zone, or to the whole station.
    pub(crate) fn may_of(&self, permission: Permission, zone: Option<ZoneId>, zones: &ZoneTree) -> bool {
        match zone {
            Some(zone) => self.person.rights.may(permission, zone, zones),
            None => self.person.rights.may_everywhere(permission, zones),
        }
    }

    /// Refuses unless the user may do this with what belongs to a zone, or to the whole station.
    ///
    /// # Errors
    ///
    /// [`PanelError::Forbidden`].
    pub(crate) fn must_of(
        &self,
        permission: Permission,
        zone: Option<ZoneId>,
        zones: &ZoneTree,
    ) -> Result<(), PanelError> {
        if self.may_of(permission, zone, zones) {
            return Ok(());
        }
        let zone = zone.and_then(|zone| zones.get(zone));
        Err(PanelError::Forbidden {
            permission,
            zone: zone.map(|zone| zone.name.clone()),
        })
    }
}

impl FromRequestParts<Panel> for User {
    type Rejection = PanelError;

    async fn from_request_parts(parts: &mut Parts, _: &Panel) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(PanelError::LogInFirst)
    }
}

/// Returns the token that a program shows (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the token that the browser shows.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    cookie(headers, LOGIN_COOKIE).map(str::to_owned)
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
