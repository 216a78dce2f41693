//! Tokens of one's own programs: a part of the account page.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use loa_model::{Permission, Scope, TokenId};

use crate::api::zone;
use crate::console::ConsoleError;
use crate::error::{PanelError, permission_name};
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::account::{account, fault, refused};
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::plain::{calendar, date, day_and_clock};
use crate::router::Panel;
use crate::tokens::{TokenItem, TokenWanted};

/// The tokens of somebody, and what a new one may.
pub(crate) struct TokenPart {
    pub(crate) rows: Vec<TokenRow>,
    /// What the owner may somewhere, with its name.
    pub(crate) permissions: Vec<Tick>,
    pub(crate) zones: Vec<ZoneChoice>,
    /// Days that a new one may last.
    pub(crate) days: Vec<Tick>,
    pub(crate) fault: Option<String>,
}

/// Something to choose, and whether it is chosen at first.
pub(crate) struct Tick {
    pub(crate) value: String,
    pub(crate) text: String,
    pub(crate) chosen: bool,
}

pub(crate) struct TokenRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) may: String,
    pub(crate) places: String,
    pub(crate) since: String,
    pub(crate) seen: String,
    pub(crate) until: String,
    pub(crate) expired: bool,
}

impl TokenPart {
    pub(crate) async fn new(panel: &Panel, user: &User, lang: Lang) -> Result<Self, PanelError> {
        let (rights, zones) = (&user.person.rights, panel.console.zones());
        let tokens = panel.console.tokens(user.person.user).await?;
        let offered = Permission::ALL
            .into_iter()
            .filter(|permission| *permission != Permission::Administer && rights.may_somewhere(*permission));
        Ok(Self {
            rows: tokens.into_iter().map(|token| row(panel, token, lang)).collect(),
            permissions: offered
                .map(|permission| Tick {
                    value: permission.name().to_owned(),
                    text: permission_name(permission, lang),
                    chosen: permission == Permission::See,
                })
                .collect(),
            zones: zone_choices(Permission::See, rights, &zones),
            days: DAYS
                .map(|days| Tick {
                    value: days.to_string(),
                    text: lang.say_with("token-days", &[("days", &days.to_string())]),
                    chosen: days == DAYS_AT_FIRST,
                })
                .into(),
            fault: None,
        })
    }
}

fn row(panel: &Panel, token: TokenItem, lang: Lang) -> TokenRow {
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let tree = panel.console.zones();
    let may: Vec<_> = token
        .scope
        .permissions()
        .iter()
        .map(|permission| permission_name(*permission, lang))
        .collect();
    let places = token.scope.zones().map(|zones| {
        let names = zones.iter().filter_map(|zone| tree.get(*zone));
        let names: Vec<_> = names.map(|zone| zone.name.as_str()).collect();
        names.join(", ")
    });
    TokenRow {
        id: token.id.0,
        name: token.name,
        may: may.join(", "),
        places: places.unwrap_or_else(|| lang.say("token-where-i-may")),
        since: calendar(date(token.since, tz), lang),
        seen: token.seen.map_or_else(
            || lang.say("token-never-used"),
            |seen| day_and_clock(seen, now, tz, lang),
        ),
        until: calendar(date(token.expires, tz), lang),
        expired: token.expires <= now,
    }
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    frame: Frame,
    name: String,
    token: String,
}

/// Makes a token, and shows it; nobody can see it again. Boxes that are ticked come as pairs of one name.
pub(crate) async fn add(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, PanelError> {
    match make(&panel, &user, &pairs).await {
        Ok((name, token)) => {
            let frame = Frame::new(&panel, lang, Some(&user.person), "");
            Ok(html(&TokenPage { frame, name, token }))
        }
        Err(error) => {
            let mut page = account(&panel, &user, lang).await?;
            if let Some(part) = &mut page.tokens {
                part.fault = Some(fault(error, lang)?);
            }
            Ok(refused(&page))
        }
    }
}

async fn make(
    panel: &Panel,
    user: &User,
    pairs: &[(String, String)],
) -> Result<(String, String), PanelError> {
    let all = |name: &'static str| {
        let of_name = pairs.iter().filter(move |(found, _)| found == name);
        of_name.map(|(_, value)| value.as_str())
    };
    let one = |name| all(name).next().unwrap_or_default().to_owned();
    let tree = panel.console.zones();
    let permissions = all("may").map(|word| {
        let permission = word.parse::<Permission>();
        permission.map_err(|error| PanelError::NoPermission(error.to_string()))
    });
    let permissions = permissions.collect::<Result<BTreeSet<_>, _>>()?;
    let zones = all("zone").filter(|code| !code.is_empty());
    let zones = zones.map(|code| zone(code, &tree).map(|zone| zone.id));
    let zones = zones.collect::<Result<BTreeSet<_>, _>>()?;
    let scope = Scope::new(permissions, (!zones.is_empty()).then_some(zones))
        .and_then(|scope| scope.must_be_held(&user.person.rights, &tree).map(|()| scope))
        .map_err(|error| ConsoleError::Token(error.into()))?;
    let name = one("name").trim().to_owned();
    let wanted = TokenWanted {
        name: name.clone(),
        scope,
        days: one("days").parse().unwrap_or_default(),
        password: one("password"),
    };
    let _turn = panel.turn_to_hash().await?;
    Ok((name, panel.console.add_token(&user.person, wanted).await?))
}

pub(crate) async fn revoke(
    State(panel): State<Panel>,
    user: User,
    Path(token): Path<i64>,
) -> Result<Redirect, PanelError> {
    panel.console.revoke_token(&user.person, TokenId(token)).await?;
    Ok(Redirect::to("/account#tokens-title"))
}

const DAYS: [u32; 4] = [30, 90, 180, 365];
const DAYS_AT_FIRST: u32 = 90;
