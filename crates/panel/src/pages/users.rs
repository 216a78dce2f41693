//! Who may use the panel, as far as the one who looks administers them.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use loa_model::{Grant, Permission, Role, ZoneTree};
use serde::Deserialize;

use crate::api::zone;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::user::{one_time_page, role_rows, states};
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::people::UserItem;
use crate::plain::role_name;
use crate::router::Panel;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    users: Vec<UserRow>,
    form: RoleForm,
}

struct UserRow {
    id: i64,
    name: String,
    roles: Vec<String>,
    states: Vec<String>,
}

/// What the form for a role offers.
pub(crate) struct RoleForm {
    pub(crate) roles: Vec<(&'static str, String)>,
    pub(crate) zones: Vec<ZoneChoice>,
    /// Whether a role on every zone may be given.
    pub(crate) everywhere: bool,
}

impl RoleForm {
    pub(crate) fn new(panel: &Panel, user: &User, lang: Lang) -> Self {
        let (zones, rights) = (panel.console.zones(), &user.person.rights);
        Self {
            roles: Role::ALL.map(|role| (role.name(), role_name(role, lang))).into(),
            everywhere: rights.may_everywhere(Permission::Administer, &zones),
            zones: zone_choices(Permission::Administer, rights, &zones),
        }
    }
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let zones = panel.console.zones();
    let users = panel.console.users().await?.into_iter();
    let users = users.filter(|other| is_shown(&user, other, &zones));
    let row = |item: UserItem| UserRow {
        id: item.id.0,
        // What is held elsewhere is not for this administrator's eyes.
        roles: role_rows(&panel, &item.rights, lang)
            .into_iter()
            .filter(|role| user.person.rights.may_give(role.grant, &zones))
            .map(|role| role.text)
            .collect(),
        states: states(&panel, &item, lang),
        name: item.name,
    };
    Ok(html(&UsersPage {
        users: users.map(row).collect(),
        frame: Frame::new(&panel, lang, Some(&user.person), "/users"),
        form: RoleForm::new(&panel, &user, lang),
    }))
}

/// Tells whether an administrator sees somebody: who holds a role where they administer, or whom they answer for.
pub(crate) fn is_shown(user: &User, other: &UserItem, zones: &ZoneTree) -> bool {
    let mut held = other.rights.iter();
    held.any(|grant| user.person.rights.may_give(grant, zones))
        || user.person.rights.may_manage(&other.rights, zones)
}

/// The form for a role, and for a user who is new.
#[derive(Deserialize)]
pub(crate) struct RoleGiven {
    role: String,
    /// Code of the zone; empty for every zone.
    zone: String,
}

impl RoleGiven {
    /// Reads it, and refuses unless the user may give and take it.
    ///
    /// # Errors
    ///
    /// No such role, no such zone, not administered.
    pub(crate) fn grant(&self, panel: &Panel, user: &User) -> Result<Grant, PanelError> {
        let zones = panel.console.zones();
        let role: Role = self
            .role
            .parse()
            .map_err(|_| PanelError::NoRole(self.role.clone()))?;
        let place = if self.zone.is_empty() {
            None
        } else {
            Some(zone(&self.zone, &zones)?)
        };
        let grant = Grant {
            role,
            zone: place.map(|zone| zone.id),
        };
        if user.person.rights.may_give(grant, &zones) {
            return Ok(grant);
        }
        Err(PanelError::Forbidden {
            permission: Permission::Administer,
            zone: place.map(|zone| zone.name.clone()),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct NewUser {
    name: String,
    role: String,
    zone: String,
}

/// Adds a user, and shows the one-time password; nobody can see it again.
pub(crate) async fn add(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Form(NewUser { name, role, zone }): Form<NewUser>,
) -> Result<Response, PanelError> {
    let grant = RoleGiven { role, zone }.grant(&panel, &user)?;
    let turn = panel.turn_to_hash().await?;
    let (id, password) = panel.console.add_user(&name, grant, &user.person.name).await?;
    drop(turn);
    Ok(one_time_page(&panel, &user, lang, id, name.trim(), password))
}
