//! Users, roles, logins and the audit log, on disk.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use loa_model::{
    Channel, Grant, LoginId, NewZone, Rights, Role, Schedule, UserId, WallTime, ZoneId, ZoneSettings,
};
use loa_store::{AuditQuery, AuditVerdict, By, Login, NewLogin, NewUser, Step, Store, StoreError, User};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const BY: By<'static> = By { who: "an", at: T0 };

struct Station {
    store: Store,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

/// A province with two communes, in which Ann announces in the first.
fn station() -> (Station, UserId) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("loa.db");
    let mut store = Store::create(&path).unwrap();
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
    store.import_schedule(&schedule, "an", T0).unwrap();
    let ann = store.add_user(&new("ann", &[ANNOUNCER_A]), BY).unwrap();
    let station = Station {
        store,
        path,
        _dir: dir,
    };
    (station, ann)
}

const ANNOUNCER_A: Grant = Grant {
    role: Role::Announcer,
    zone: Some(ZoneId(2)),
};

fn new(name: &str, grants: &[Grant]) -> NewUser {
    NewUser {
        name: name.into(),
        password: "hash".into(),
        password_until: None,
        rights: grants.iter().copied().collect(),
    }
}

fn login(user: UserId, token: u8, code_due: bool) -> NewLogin {
    NewLogin {
        token: [token; 32],
        user,
        password: "hash".into(),
        expires: T0 + Duration::from_secs(60),
        address: "10.0.0.9".into(),
        browser: "Firefox".into(),
        code_due,
    }
}

fn found(store: &Store, id: UserId) -> User {
    store.user_by_id(id).unwrap().unwrap()
}

/// Returns the newest rows of the audit log, newest first, as `who action detail before>after`.
fn told(store: &Store, most: u32) -> Vec<String> {
    let query = AuditQuery {
        most,
        ..AuditQuery::default()
    };
    let rows = store.audit_search(&query).unwrap().into_iter();
    rows.map(|(_, row)| {
        format!(
            "{} {}|{}|{}>{}",
            row.who, row.action, row.detail, row.before, row.after
        )
    })
    .collect()
}

#[test]
fn roles_are_given_and_taken_and_told_with_before_and_after() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    assert_eq!(found(store, ann).rights, Rights::from_iter([ANNOUNCER_A]));
    let everywhere = Grant {
        role: Role::Viewer,
        zone: None,
    };
    store.grant(ann, everywhere, BY).unwrap();
    store.grant(ann, everywhere, BY).unwrap();
    assert_eq!(
        told(store, 9),
        [
            "an role given|ann|announcer@xa-a>announcer@xa-a viewer",
            "an user added|ann|>announcer@xa-a",
            "an schedule import||>",
        ],
        "what is held already is not told again"
    );
    store.revoke(ann, ANNOUNCER_A, BY).unwrap();
    assert_eq!(told(store, 1), ["an role taken|ann|announcer@xa-a viewer>viewer"]);
    let missing = store.revoke(ann, ANNOUNCER_A, BY).unwrap_err();
    assert!(matches!(missing, StoreError::Unknown { .. }), "{missing}");
    let nowhere = Grant {
        role: Role::Viewer,
        zone: Some(ZoneId(99)),
    };
    let error = store.grant(ann, nowhere, BY).unwrap_err();
    assert!(error.to_string().contains("no zone"), "{error}");
    assert!(
        store.grant(UserId(99), everywhere, BY).is_err() && store.add_user(&new("ann", &[]), BY).is_err()
    );
    assert_eq!(told(store, 9).len(), 4, "what failed left no row");
}

#[test]
fn a_zone_that_goes_takes_the_roles_on_it_and_makes_none_of_them_wider() {
    let (station, ann) = station();
    let raw = rusqlite::Connection::open(&station.path).unwrap();
    raw.execute_batch("pragma foreign_keys = on; delete from zone where code = 'xa-a'")
        .unwrap();
    assert!(found(&station.store, ann).rights.is_empty());
}

#[test]
fn a_removed_user_leaves_nothing_but_the_audit_log_and_the_number_is_not_used_again() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    store.put_login(&login(ann, 7, false), T0).unwrap();
    store.set_totp(ann, &[1; 20], 5, &[[1; 32]], BY).unwrap();
    store.count_failure(ann, Step::Code, T0).unwrap();
    store.remove_user(ann, BY).unwrap();
    assert_eq!(told(store, 1), ["an user removed|ann|announcer@xa-a>"]);
    assert_eq!(store.login(&[7; 32], T0).unwrap(), None);
    let raw = rusqlite::Connection::open(&station.path).unwrap();
    for table in ["user", "role", "login", "lock", "recovery_code"] {
        let query = format!("select count(*) from {table}");
        let left: i64 = raw.query_row(&query, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let again = store.add_user(&new("ann", &[]), BY).unwrap();
    assert_ne!(again, ann);
    assert!(found(store, again).rights.is_empty());
}

#[test]
fn logins_expire_and_end_with_the_password_and_the_user() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    let soon = T0 + Duration::from_secs(60);
    let mine = store.put_login(&login(ann, 7, false), T0).unwrap();
    store.put_login(&login(ann, 8, false), T0).unwrap();
    let (at_desk, who) = store.login(&[7; 32], T0).unwrap().unwrap();
    assert_eq!(
        (at_desk.id, at_desk.address.as_str(), at_desk.browser.as_str()),
        (mine, "10.0.0.9", "Firefox")
    );
    assert_eq!((who.id, who.last_address.as_deref()), (ann, Some("10.0.0.9")));
    assert_eq!(store.login(&[7; 32], soon).unwrap(), None);
    store.see_login(mine, T0 + Duration::from_secs(5)).unwrap();
    let seen: Vec<_> = store.logins(ann, T0).unwrap();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .any(|login: &Login| login.seen == T0 + Duration::from_secs(5))
    );

    store.set_password(ann, "other", None, Some(mine), BY).unwrap();
    assert!(
        store.login(&[7; 32], T0).unwrap().is_some(),
        "the login that changed it"
    );
    assert_eq!(store.login(&[8; 32], T0).unwrap(), None);
    store.set_password(ann, "third", Some(soon), None, BY).unwrap();
    assert_eq!(store.login(&[7; 32], T0).unwrap(), None);
    assert_eq!(found(store, ann).password_until, Some(soon));
    assert!(told(store, 1)[0].starts_with("an one-time password set|ann|"));

    let mut other = login(ann, 9, false);
    assert!(
        store.put_login(&other, T0).is_err(),
        "the password changed while it was checked"
    );
    other.password = "third".into();
    store.put_login(&other, T0).unwrap();
    store.set_disabled(ann, true, BY).unwrap();
    assert_eq!(store.login(&[9; 32], T0).unwrap(), None);
    assert_eq!(told(store, 1), ["an user disabled|ann|enabled>disabled"]);
    assert!(
        store.put_login(&other, T0).is_err(),
        "disabled while the password was checked"
    );
    store.set_disabled(ann, false, BY).unwrap();
    store.put_login(&other, T0).unwrap();
}

#[test]
fn one_login_or_all_are_ended_and_only_those_of_their_owner() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    let ben = store.add_user(&new("ben", &[]), BY).unwrap();
    let first = store.put_login(&login(ann, 1, false), T0).unwrap();
    let second = store.put_login(&login(ann, 2, false), T0).unwrap();
    store.put_login(&login(ben, 3, false), T0).unwrap();
    assert!(
        store.end_login(ben, first, BY).is_err(),
        "another one's, by its number"
    );
    store.end_login(ann, first, BY).unwrap();
    assert_eq!(told(store, 1), ["an login ended|ann 10.0.0.9|>"]);
    assert_eq!(store.login(&[1; 32], T0).unwrap(), None);
    assert!(
        store.end_login(ann, LoginId(first.0), BY).is_err(),
        "over is over"
    );
    store.put_login(&login(ann, 4, false), T0).unwrap();
    store.end_logins(ann, Some(second), BY).unwrap();
    assert!(store.login(&[2; 32], T0).unwrap().is_some() && store.login(&[4; 32], T0).unwrap().is_none());
    assert!(store.login(&[3; 32], T0).unwrap().is_some(), "ben's");
    store.log_out(&[3; 32], T0).unwrap();
    store.log_out(&[3; 32], T0).unwrap();
    assert_eq!(told(store, 1), ["ben logged out||>"]);
}

#[test]
fn a_login_is_complete_with_its_code_and_no_code_is_used_twice() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    store.set_totp(ann, &[1; 20], 5, &[[1; 32], [2; 32]], BY).unwrap();
    let before = told(store, 1);
    let half = store.put_login(&login(ann, 7, true), T0).unwrap();
    assert_eq!(told(store, 1), before, "nobody is in yet");
    assert!(store.login(&[7; 32], T0).unwrap().unwrap().0.code_due);
    assert_eq!(store.logins(ann, T0).unwrap(), []);
    for (step, expected) in [(5, false), (6, true), (6, false), (4, false), (7, true)] {
        assert_eq!(store.use_totp_step(ann, step).unwrap(), expected, "{step}");
    }
    assert!(store.use_recovery_code(ann, &[1; 32], BY).unwrap());
    assert!(
        !store.use_recovery_code(ann, &[1; 32], BY).unwrap(),
        "the second time"
    );
    assert!(!store.use_recovery_code(ann, &[9; 32], BY).unwrap());
    assert_eq!(found(store, ann).recovery_codes, 1);
    store
        .complete_login(half, T0 + Duration::from_secs(3_600), T0)
        .unwrap();
    assert!(
        !store
            .login(&[7; 32], T0 + Duration::from_secs(600))
            .unwrap()
            .unwrap()
            .0
            .code_due
    );
    assert_eq!(told(store, 1), ["ann logged in|10.0.0.9|>"]);
    assert!(store.complete_login(half, T0, T0).is_err(), "once");
    store.clear_totp(ann, BY).unwrap();
    let user = found(store, ann);
    assert_eq!((user.totp, user.recovery_codes), (None, 0));
    assert!(
        !store.use_totp_step(ann, 9).unwrap(),
        "there is nothing left to use"
    );
}

#[test]
fn wrong_passwords_in_a_row_make_the_next_wait_until_a_right_one_or_an_administrator() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    let fail = |store: &mut Store, step| store.count_failure(ann, step, T0).unwrap();
    for _ in 0..9 {
        assert_eq!(fail(store, Step::Password), None);
    }
    let minutes = |n: u64| Some(T0 + Duration::from_secs(60 * n));
    assert_eq!(fail(store, Step::Password), minutes(1));
    assert_eq!(fail(store, Step::Password), minutes(2));
    assert_eq!(told(store, 1), ["panel user locked|ann|>locked_password"]);
    assert_eq!(fail(store, Step::Code), None, "codes are counted on their own");
    let user = found(store, ann);
    assert_eq!(
        (user.password_locked_until, user.code_locked_until),
        (minutes(2), None)
    );
    store.unlock(ann, BY).unwrap();
    assert_eq!(found(store, ann).password_locked_until, None);
    assert!(told(store, 1)[0].starts_with("an user unlocked|ann|enabled locked>"));
    for _ in 0..10 {
        fail(store, Step::Password);
    }
    store.put_login(&login(ann, 7, false), T0).unwrap();
    assert_eq!(fail(store, Step::Password), None, "a right one begins anew");
}

#[test]
fn the_audit_log_is_searched_by_who_what_and_when_a_page_at_a_time() {
    let (mut station, ann) = station();
    let store = &mut station.store;
    for hour in 0..5 {
        let by = By {
            who: "Bình",
            at: T0 + Duration::from_secs(3_600 * (hour + 1)),
        };
        store.set_disabled(ann, hour % 2 == 0, by).unwrap();
    }
    let numbers = |query: AuditQuery| {
        let rows = store.audit_search(&query).unwrap().into_iter();
        rows.map(|(id, _)| id).collect::<Vec<_>>()
    };
    let base = AuditQuery {
        most: 10,
        ..AuditQuery::default()
    };
    let rows: [(&str, AuditQuery, &[i64]); 7] = [
        ("all", base.clone(), &[7, 6, 5, 4, 3, 2, 1]),
        (
            "who",
            AuditQuery {
                who: "bình".into(),
                ..base.clone()
            },
            &[7, 6, 5, 4, 3],
        ),
        (
            "what",
            AuditQuery {
                what: "DISABLED".into(),
                ..base.clone()
            },
            &[7, 5, 3],
        ),
        (
            "whom",
            AuditQuery {
                what: "ann".into(),
                who: "an".into(),
                ..base.clone()
            },
            &[2],
        ),
        (
            "when",
            AuditQuery {
                from: Some(T0 + Duration::from_secs(7_200)),
                to: Some(T0 + Duration::from_secs(10_801)),
                ..base.clone()
            },
            &[5, 4],
        ),
        (
            "the next page",
            AuditQuery {
                below: Some(6),
                most: 2,
                ..base.clone()
            },
            &[5, 4],
        ),
        (
            "percent is only a letter",
            AuditQuery {
                what: "%".into(),
                ..base
            },
            &[],
        ),
    ];
    for (name, query, expected) in rows {
        assert_eq!(numbers(query), expected, "{name}");
    }
    assert!(matches!(
        store.verify_audit(None),
        Ok(AuditVerdict::Whole { rows: 7, .. })
    ));
    let raw = rusqlite::Connection::open(&station.path).unwrap();
    raw.execute("update audit set before = 'x' where id = 4", [])
        .unwrap();
    assert!(matches!(
        store.verify_audit(None),
        Ok(AuditVerdict::Broken { row: 4 })
    ));
}
