//! Tokens of programs, on disk.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::time::Duration;

use loa_model::{
    Channel, Grant, NewZone, Permission, Role, Schedule, Scope, TokenId, UserId, WallTime, ZoneId,
    ZoneSettings,
};
use loa_store::{AuditVerdict, By, NewToken, NewUser, Store, StoreError};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const BY: By<'static> = By { who: "ann", at: T0 };

/// A province with two communes; Ann announces in all of it.
fn station() -> (Store, UserId, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
    let zone = |code: &str, parent: Option<&str>, channel| NewZone {
        code: code.into(),
        name: code.into(),
        parent: parent.map(Into::into),
        channel: Channel(channel),
        settings: ZoneSettings::default(),
    };
    let schedule = Schedule {
        zones: vec![
            zone("tinh", None, 1),
            zone("xa-a", Some("tinh"), 2),
            zone("xa-b", Some("tinh"), 3),
        ],
        ..Schedule::default()
    };
    store.import_schedule(&schedule, "ann", T0).unwrap();
    let everywhere = Grant {
        role: Role::Announcer,
        zone: None,
    };
    let ann = NewUser {
        name: "ann".into(),
        password: "hash".into(),
        password_until: None,
        rights: [everywhere].into_iter().collect(),
    };
    let ann = store.add_user(&ann, BY).unwrap();
    (store, ann, dir)
}

fn scope(zones: Option<&[i64]>) -> Scope {
    let zones = zones.map(|zones| zones.iter().map(|zone| ZoneId(*zone)).collect::<BTreeSet<_>>());
    Scope::new([Permission::See, Permission::Announce].into(), zones).unwrap()
}

fn new(user: UserId, name: &str, hash: u8, scope: Scope) -> NewToken {
    NewToken {
        hash: [hash; 32],
        user,
        name: name.into(),
        scope,
        expires: T0 + Duration::from_secs(60),
    }
}

fn at(s: u64) -> WallTime {
    T0 + Duration::from_secs(s)
}

#[test]
fn a_token_is_found_by_its_hash_until_it_is_over_or_its_owner_may_not_log_in() {
    let (mut store, ann, _dir) = station();
    let id = store.add_token(&new(ann, "board", 1, scope(None)), BY).unwrap();
    let (token, owner) = store.token(&[1; 32], at(59)).unwrap().unwrap();
    assert_eq!((token.id, token.name.as_str(), token.seen), (id, "board", None));
    assert_eq!((token.scope, owner.id), (scope(None), ann));
    assert!(store.token(&[2; 32], at(0)).unwrap().is_none());
    assert!(store.token(&[1; 32], at(60)).unwrap().is_none(), "it has expired");
    assert_eq!(
        store.tokens(ann).unwrap().len(),
        1,
        "and is listed until it is revoked"
    );
    store.set_disabled(ann, true, BY).unwrap();
    assert!(store.token(&[1; 32], at(0)).unwrap().is_none());
    store.set_disabled(ann, false, BY).unwrap();
    store.see_token(id, at(7)).unwrap();
    assert_eq!(store.token(&[1; 32], at(8)).unwrap().unwrap().0.seen, Some(at(7)));
    store.remove_user(ann, BY).unwrap();
    assert!(store.token(&[1; 32], at(0)).unwrap().is_none());
}

#[test]
fn names_are_taken_once_by_each_owner_and_zones_have_to_be_there() {
    let (mut store, ann, _dir) = station();
    store.add_token(&new(ann, "board", 1, scope(None)), BY).unwrap();
    let taken = store.add_token(&new(ann, "board", 2, scope(None)), BY);
    assert!(matches!(taken, Err(StoreError::Exists { what: "token", .. })));
    let nowhere = store.add_token(&new(ann, "other", 3, scope(Some(&[2, 9]))), BY);
    assert!(matches!(nowhere, Err(StoreError::Unknown { what: "zone", .. })));
    let nobody = store.add_token(&new(UserId(99), "board", 4, scope(None)), BY);
    assert!(matches!(nobody, Err(StoreError::Unknown { what: "user", .. })));
    assert_eq!(
        store.tokens(ann).unwrap().len(),
        1,
        "what was refused left nothing"
    );
}

#[test]
fn a_token_is_revoked_by_its_owner_alone() {
    let (mut store, ann, _dir) = station();
    let bob = NewUser {
        name: "bob".into(),
        password: "hash".into(),
        password_until: None,
        rights: [].into_iter().collect(),
    };
    let bob = store.add_user(&bob, BY).unwrap();
    let id = store.add_token(&new(ann, "board", 1, scope(None)), BY).unwrap();
    let other = store.revoke_token(bob, id, BY);
    assert!(matches!(other, Err(StoreError::Unknown { .. })));
    let gone = store.revoke_token(ann, TokenId(99), BY);
    assert!(matches!(gone, Err(StoreError::Unknown { .. })));
    assert!(store.token(&[1; 32], at(0)).unwrap().is_some());
    store.revoke_token(ann, id, BY).unwrap();
    assert!(store.token(&[1; 32], at(0)).unwrap().is_none());
    assert_ne!(
        store.add_token(&new(ann, "board", 1, scope(None)), BY).unwrap(),
        id
    );
}

/// A zone that is gone narrows a token to nothing; it never widens it to everywhere.
#[test]
fn a_zone_that_is_gone_takes_what_a_token_may_there_with_it() {
    let (mut store, ann, dir) = station();
    store
        .add_token(&new(ann, "board", 1, scope(Some(&[3]))), BY)
        .unwrap();
    let output = std::process::Command::new("sqlite3")
        .arg(dir.path().join("loa.db"))
        .arg("pragma foreign_keys = on; delete from zone where id = 3;")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (token, owner) = store.token(&[1; 32], at(0)).unwrap().unwrap();
    assert_eq!(token.scope.zones().map(BTreeSet::len), Some(0));
    let rights = owner.rights.narrowed(&token.scope, &store.zones().unwrap());
    assert!(!rights.may_somewhere(Permission::See));
}

#[test]
fn what_is_done_to_tokens_is_audited_with_what_they_may() {
    let (mut store, ann, _dir) = station();
    let id = store
        .add_token(&new(ann, "board", 1, scope(Some(&[2, 3]))), BY)
        .unwrap();
    store.revoke_token(ann, id, BY).unwrap();
    let rows = store.audit_rows(T0, at(1)).unwrap();
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row.action.starts_with("token"))
        .collect();
    let may = "see announce (xa-a xa-b) until 2027-01-15T08:01:00.000Z";
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].action.as_str(), rows[0].detail.as_str()),
        ("token added", "board of ann")
    );
    assert_eq!((rows[0].before.as_str(), rows[0].after.as_str()), ("", may));
    assert_eq!(
        (rows[1].action.as_str(), rows[1].before.as_str()),
        ("token revoked", may)
    );
    assert!(matches!(
        store.verify_audit(None).unwrap(),
        AuditVerdict::Whole { .. }
    ));
}
