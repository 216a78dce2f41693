//! Who may do what, where: roles that people hold on zones, and what each role permits.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::ZoneId;
use crate::scope::Scope;
use crate::zone::{Zone, ZoneTree};

/// What a person is trusted with. It is held on a zone, and so on all that lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks and listens.
    Viewer,
    /// Makes programmes and schedules.
    Editor,
    /// Lets content on air.
    Approver,
    /// Takes the air by hand, for anything but an emergency.
    Announcer,
    /// Takes the air for an emergency too.
    EmergencyOfficer,
    /// Says who holds which role. Holds none of the others by that.
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [
        Self::Viewer,
        Self::Editor,
        Self::Approver,
        Self::Announcer,
        Self::EmergencyOfficer,
        Self::Administrator,
    ];

    /// Returns the word used in the store, in JSON, in the configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Approver => "approver",
            Self::Announcer => "announcer",
            Self::EmergencyOfficer => "emergency_officer",
            Self::Administrator => "administrator",
        }
    }

    /// Tells whether the role permits something.
    pub const fn permits(self, permission: Permission) -> bool {
        let row: [bool; 6] = match permission {
            // Viewer, editor, approver, announcer, emergency officer, administrator.
            Permission::See => [true, true, true, true, true, true],
            Permission::Edit => [false, true, false, false, false, false],
            Permission::Approve => [false, false, true, false, false, false],
            Permission::Announce => [false, false, false, true, true, false],
            Permission::Alert => [false, false, false, false, true, false],
            Permission::Administer => [false, false, false, false, false, true],
        };
        row[self as usize]
    }
}

/// The word is no role.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no role; write viewer, editor, approver, announcer, emergency_officer or administrator")]
pub struct ParseRoleError(String);

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|role| role.name() == text);
        known.ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that a role may permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See what airs and aired, see the receivers, listen in.
    See,
    /// Make programmes and schedules.
    Edit,
    /// Let content on air.
    Approve,
    /// Take the air, and give it back, for anything but an emergency.
    Announce,
    /// Take the air, and give it back, for an emergency.
    Alert,
    /// Give roles and take them.
    Administer,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 6] = [
        Self::See,
        Self::Edit,
        Self::Approve,
        Self::Announce,
        Self::Alert,
        Self::Administer,
    ];

    /// Returns the word used in the store, in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Edit => "edit",
            Self::Approve => "approve",
            Self::Announce => "announce",
            Self::Alert => "alert",
            Self::Administer => "administer",
        }
    }
}

/// The word is no permission.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no permission; write see, edit, approve, announce, alert or administer")]
pub struct ParsePermissionError(String);

impl FromStr for Permission {
    type Err = ParsePermissionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|permission| permission.name() == text);
        known.ok_or_else(|| ParsePermissionError(text.to_owned()))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A role, and where it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// On this zone and all below it; none for every zone, those to come as well.
    pub zone: Option<ZoneId>,
}

/// All that one person holds, or as much of it as a token of theirs may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rights {
    grants: BTreeSet<Grant>,
    /// Nothing but these, whatever the roles permit; none for all that they permit.
    only: Option<BTreeSet<Permission>>,
}

impl FromIterator<Grant> for Rights {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self {
            grants: grants.into_iter().collect(),
            only: None,
        }
    }
}

impl Rights {
    /// Walks what is held, by role.
    pub fn iter(&self) -> impl Iterator<Item = Grant> {
        self.grants.iter().copied()
    }

    /// Tells whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Tells whether a role is held, wherever.
    pub fn holds(&self, role: Role) -> bool {
        self.iter().any(|grant| grant.role == role)
    }

    /// Tells whether this person may do this in this zone.
    pub fn may(&self, permission: Permission, zone: ZoneId, tree: &ZoneTree) -> bool {
        self.places(permission)
            .any(|place| place.is_none_or(|place| tree.covers(place, zone)))
    }

    /// Tells whether this person may do this in some zone.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.places(permission).next().is_some()
    }

    /// Tells whether this person may do this in every zone.
    pub fn may_everywhere(&self, permission: Permission, tree: &ZoneTree) -> bool {
        let mut tops = tree.iter().filter(|zone| zone.parent.is_none()).peekable();
        self.places(permission).any(|place| place.is_none())
            || (tops.peek().is_some() && tops.all(|top| self.may(permission, top.id, tree)))
    }

    /// Walks the zones in which this person may do this, in order of id.
    pub fn zones<'a>(&'a self, permission: Permission, tree: &'a ZoneTree) -> impl Iterator<Item = &'a Zone> {
        tree.iter()
            .filter(move |zone| self.may(permission, zone.id, tree))
    }

    /// Tells whether what is sent to a zone is for this person's eyes: it is one they see, or is heard in one.
    pub fn concerns(&self, sent_to: ZoneId, tree: &ZoneTree) -> bool {
        tree.subtree(sent_to)
            .any(|zone| self.may(Permission::See, zone.id, tree))
    }

    /// Tells whether this person may give this role there, and take it.
    pub fn may_give(&self, grant: Grant, tree: &ZoneTree) -> bool {
        match grant.zone {
            Some(zone) => self.may(Permission::Administer, zone, tree),
            None => self.may_everywhere(Permission::Administer, tree),
        }
    }

    /// Tells whether this person answers for another one as a whole: for their account, not only for a role of theirs.
    ///
    /// It takes all that the other holds; who holds nothing is for those who administer every zone. Whoever resets a
    /// password can be that person, so an administrator of one commune must not get at what is held in another.
    pub fn may_manage(&self, other: &Self, tree: &ZoneTree) -> bool {
        if other.is_empty() {
            return self.may_everywhere(Permission::Administer, tree);
        }
        other.iter().all(|grant| self.may_give(grant, tree))
    }

    /// Returns what a token of this person may: of what they hold, what lies within its scope.
    #[must_use]
    pub fn narrowed(&self, scope: &Scope, tree: &ZoneTree) -> Self {
        let within = |grant: Grant| {
            let Some(zones) = scope.zones() else {
                return vec![grant];
            };
            let place = |zone: ZoneId| match grant.zone {
                None => Some(zone),
                Some(held) if tree.covers(held, zone) => Some(zone),
                Some(held) => tree.covers(zone, held).then_some(held),
            };
            let places = zones.iter().filter_map(|zone| place(*zone));
            places
                .map(|zone| Grant {
                    zone: Some(zone),
                    ..grant
                })
                .collect()
        };
        let permitted =
            |permission: &Permission| self.only.as_ref().is_none_or(|only| only.contains(permission));
        Self {
            grants: self.iter().flat_map(within).collect(),
            only: Some(scope.permissions().iter().copied().filter(permitted).collect()),
        }
    }

    fn places(&self, permission: Permission) -> impl Iterator<Item = Option<ZoneId>> {
        let asked_for = self.only.as_ref().is_none_or(|only| only.contains(&permission));
        self.iter()
            .filter(move |grant| asked_for && grant.role.permits(permission))
            .map(|grant| grant.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{Channel, ZoneSettings};

    /// A province 1 with communes 2 and 3, a village 4 in commune 2; and another province 5.
    fn tree() -> ZoneTree {
        let zones = [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2)), (5, None)];
        let zones = zones.map(|(id, parent): (i64, Option<i64>)| Zone {
            id: ZoneId(id),
            code: format!("z{id}"),
            name: String::new(),
            parent: parent.map(ZoneId),
            channel: Channel(u16::try_from(id).unwrap()),
            settings: ZoneSettings::default(),
        });
        ZoneTree::new(zones.into()).unwrap()
    }

    fn on(role: Role, zone: i64) -> Grant {
        Grant {
            role,
            zone: Some(ZoneId(zone)),
        }
    }

    fn rights(grants: &[Grant]) -> Rights {
        grants.iter().copied().collect()
    }

    /// The whole matrix, written out: what the rows of `permits` mean to people.
    #[test]
    fn every_role_permits_what_it_is_for_and_nothing_else() {
        use Permission::{Administer, Alert, Announce, Approve, Edit, See};
        let rows: [(Role, &[Permission]); 6] = [
            (Role::Viewer, &[See]),
            (Role::Editor, &[See, Edit]),
            (Role::Approver, &[See, Approve]),
            (Role::Announcer, &[See, Announce]),
            (Role::EmergencyOfficer, &[See, Announce, Alert]),
            (Role::Administrator, &[See, Administer]),
        ];
        assert_eq!(rows.map(|(role, _)| role), Role::ALL);
        for (role, permitted) in rows {
            for permission in Permission::ALL {
                let expected = permitted.contains(&permission);
                assert_eq!(role.permits(permission), expected, "{role} {permission:?}");
            }
        }
    }

    /// Every role held on each zone, against every permission in each zone.
    #[test]
    fn a_role_reaches_down_the_tree_and_nowhere_else() {
        let tree = tree();
        let reach: [(i64, &[i64]); 5] = [(1, &[1, 2, 3, 4]), (2, &[2, 4]), (3, &[3]), (4, &[4]), (5, &[5])];
        for role in Role::ALL {
            for (held, below) in reach {
                let rights = rights(&[on(role, held)]);
                for permission in Permission::ALL {
                    for zone in 1..=5 {
                        assert_eq!(
                            rights.may(permission, ZoneId(zone), &tree),
                            role.permits(permission) && below.contains(&zone),
                            "{role} on {held}: {permission:?} in {zone}"
                        );
                    }
                    assert!(!rights.may_everywhere(permission, &tree));
                    assert_eq!(rights.may_somewhere(permission), role.permits(permission));
                }
            }
        }
    }

    #[test]
    fn several_roles_and_communes_add_up_and_do_not_mix() {
        let tree = tree();
        let both = rights(&[on(Role::Announcer, 2), on(Role::Viewer, 3)]);
        assert!(both.may(Permission::Announce, ZoneId(4), &tree));
        assert!(both.may(Permission::See, ZoneId(3), &tree));
        assert!(!both.may(Permission::Announce, ZoneId(3), &tree));
        let seen: Vec<_> = both.zones(Permission::See, &tree).map(|zone| zone.id.0).collect();
        assert_eq!(seen, [2, 3, 4]);
    }

    #[test]
    fn everywhere_is_every_zone_or_every_top_zone() {
        let tree = tree();
        let everywhere = Grant {
            role: Role::Viewer,
            zone: None,
        };
        for (grants, expected) in [
            (vec![everywhere], true),
            (vec![on(Role::Viewer, 1), on(Role::Viewer, 5)], true),
            (vec![on(Role::Viewer, 1), on(Role::Administrator, 5)], true),
            (vec![on(Role::Viewer, 1), on(Role::Viewer, 2)], false),
            (vec![], false),
        ] {
            assert_eq!(
                rights(&grants).may_everywhere(Permission::See, &tree),
                expected,
                "{grants:?}"
            );
        }
        let none = ZoneTree::default();
        assert!(rights(&[everywhere]).may_everywhere(Permission::See, &none));
        assert!(!rights(&[on(Role::Viewer, 1)]).may_everywhere(Permission::See, &none));
    }

    #[test]
    fn what_is_sent_from_above_concerns_those_who_hear_it() {
        let tree = tree();
        let viewer = rights(&[on(Role::Viewer, 2)]);
        let concerned = (1..=5).filter(|zone| viewer.concerns(ZoneId(*zone), &tree));
        assert_eq!(concerned.collect::<Vec<_>>(), [1, 2, 4]);
    }

    /// Each row: what the administrator holds, what the other holds, and whether the account may be managed.
    #[test]
    fn an_account_is_managed_by_who_administers_all_of_it() {
        let tree = tree();
        let everywhere = Grant {
            role: Role::Administrator,
            zone: None,
        };
        let commune = on(Role::Administrator, 2);
        let rows = [
            (commune, vec![on(Role::Viewer, 4)], true),
            (commune, vec![on(Role::Administrator, 2)], true),
            (commune, vec![on(Role::Viewer, 4), on(Role::Viewer, 3)], false),
            (commune, vec![on(Role::Viewer, 1)], false),
            (commune, vec![everywhere], false),
            (commune, vec![], false),
            (on(Role::EmergencyOfficer, 2), vec![on(Role::Viewer, 4)], false),
            (everywhere, vec![], true),
            (everywhere, vec![on(Role::Administrator, 5), everywhere], true),
        ];
        for (administrator, other, expected) in rows {
            let found = rights(&[administrator]).may_manage(&rights(&other), &tree);
            assert_eq!(found, expected, "{administrator:?} {other:?}");
        }
    }

    /// Each row: what the owner holds, the token's permissions and zones, and what it may: permission by zone.
    #[test]
    fn a_token_may_what_its_owner_may_within_its_scope() {
        use Permission::{Alert, Announce, See};
        type Row<'a> = (&'a [Grant], &'a [Permission], Option<&'a [i64]>, &'a str);
        let everywhere = Grant {
            role: Role::EmergencyOfficer,
            zone: None,
        };
        let tree = tree();
        let rows: [Row<'_>; 7] = [
            (
                &[on(Role::EmergencyOfficer, 2)],
                &[See, Announce],
                None,
                "see 2 4, announce 2 4",
            ),
            (
                &[on(Role::EmergencyOfficer, 2)],
                &[Announce],
                Some(&[4]),
                "announce 4",
            ),
            (&[on(Role::Viewer, 4)], &[See], Some(&[1]), "see 4"),
            (&[everywhere], &[See, Alert], Some(&[3, 5]), "see 3 5, alert 3 5"),
            // What the owner lost, the token has lost.
            (&[on(Role::Viewer, 2)], &[See, Announce, Alert], None, "see 2 4"),
            (&[on(Role::Viewer, 3)], &[See], Some(&[2]), ""),
            (&[], &[See], None, ""),
        ];
        for (held, permissions, zones, expected) in rows {
            let zones = zones.map(|zones| zones.iter().map(|zone| ZoneId(*zone)).collect());
            let scope = Scope::new(permissions.iter().copied().collect(), zones).unwrap();
            let rights = rights(held).narrowed(&scope, &tree);
            let lists = Permission::ALL.into_iter().filter_map(|permission| {
                let zones = rights
                    .zones(permission, &tree)
                    .map(|zone| format!(" {}", zone.id));
                let zones: String = zones.collect();
                assert_eq!(rights.may_somewhere(permission), !zones.is_empty());
                (!zones.is_empty()).then(|| format!("{permission}{zones}"))
            });
            assert_eq!(
                lists.collect::<Vec<_>>().join(", "),
                expected,
                "{held:?} {scope:?}"
            );
        }
    }

    #[test]
    fn no_token_administers() {
        let everywhere = Grant {
            role: Role::Administrator,
            zone: None,
        };
        let scope = Scope::new([Permission::See].into(), None).unwrap();
        let narrowed = rights(&[everywhere]).narrowed(&scope, &tree());
        assert!(!narrowed.may_give(on(Role::Viewer, 4), &tree()));
        assert!(!narrowed.may_manage(&rights(&[]), &tree()));
        assert!(!narrowed.may_manage(&rights(&[on(Role::Viewer, 4)]), &tree()));
    }

    #[test]
    fn permissions_read_back_what_they_print() {
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(permission));
        }
        assert!("everything".parse::<Permission>().is_err());
    }

    #[test]
    fn roles_read_back_what_they_print() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
