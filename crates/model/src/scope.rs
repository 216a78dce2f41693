//! What a token may, of what its owner may.

use std::collections::BTreeSet;

use crate::id::ZoneId;
use crate::role::{Permission, Rights};
use crate::zone::ZoneTree;

/// What a token may at most. What it may at a moment is [`Rights::narrowed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    permissions: BTreeSet<Permission>,
    zones: Option<BTreeSet<ZoneId>>,
}

/// Why a token may not have such a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// Nothing, or nowhere: such a token would be of no use.
    #[error("the token may nothing; choose at least one permission, and at least one zone or all of them")]
    Nothing,
    /// Whoever has the token could make themselves anybody.
    #[error("no token administers; that takes a person who is logged in")]
    Administers,
    /// The owner does not hold it.
    #[error("you may not {} there yourself, so no token of yours may", .0.name())]
    NotHeld(Permission),
}

impl Scope {
    /// Makes a scope of permissions, in these zones and all below them, or wherever the owner holds them.
    ///
    /// # Errors
    ///
    /// [`ScopeError::Nothing`], [`ScopeError::Administers`].
    pub fn new(
        permissions: BTreeSet<Permission>,
        zones: Option<BTreeSet<ZoneId>>,
    ) -> Result<Self, ScopeError> {
        if permissions.is_empty() || zones.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(ScopeError::Nothing);
        }
        if permissions.contains(&Permission::Administer) {
            return Err(ScopeError::Administers);
        }
        Ok(Self { permissions, zones })
    }

    /// Returns what was kept of a scope, zones that are gone left out: such a token may nothing there, and nothing
    /// elsewhere by that.
    pub fn kept(permissions: BTreeSet<Permission>, zones: Option<BTreeSet<ZoneId>>) -> Self {
        let administers = |permission: &Permission| *permission == Permission::Administer;
        Self {
            permissions: permissions.into_iter().filter(|p| !administers(p)).collect(),
            zones,
        }
    }

    /// Returns what it permits.
    pub const fn permissions(&self) -> &BTreeSet<Permission> {
        &self.permissions
    }

    /// Returns where: in these zones and below them; none for wherever the owner may.
    pub const fn zones(&self) -> Option<&BTreeSet<ZoneId>> {
        self.zones.as_ref()
    }

    /// Refuses what its owner does not hold: each permission somewhere, and in each zone that is named.
    ///
    /// # Errors
    ///
    /// [`ScopeError::NotHeld`].
    pub fn must_be_held(&self, owner: &Rights, tree: &ZoneTree) -> Result<(), ScopeError> {
        let is_held = |permission: Permission| match &self.zones {
            None => owner.may_somewhere(permission),
            Some(zones) => zones.iter().all(|zone| owner.may(permission, *zone, tree)),
        };
        match self.permissions.iter().find(|permission| !is_held(**permission)) {
            Some(permission) => Err(ScopeError::NotHeld(*permission)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_something_and_never_administering() {
        use Permission::{Administer, See};
        let rows = [
            (vec![], None, Err(ScopeError::Nothing)),
            (vec![See], Some(vec![]), Err(ScopeError::Nothing)),
            (vec![See, Administer], None, Err(ScopeError::Administers)),
            (vec![See], None, Ok(())),
            (vec![See], Some(vec![ZoneId(1)]), Ok(())),
        ];
        for (permissions, zones, expected) in rows {
            let made = Scope::new(
                permissions.into_iter().collect(),
                zones.map(|z| z.into_iter().collect()),
            );
            assert_eq!(made.map(drop), expected);
        }
        let kept = Scope::kept([See, Administer].into(), None);
        assert_eq!(kept.permissions().len(), 1);
    }
}
