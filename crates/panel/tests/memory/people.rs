//! The people of the station in memory.
//!
//! `token-1` is the officer on duty, who may do everything everywhere. Any other token says itself who shows it:
//! `as:viewer@2+announcer@5` holds these roles on these zones, `as:viewer` on every zone, and `due:code`,
//! `due:password` and `due:totp` still lack something.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loa_model::{Grant, LoginId, Rights, Role, UserId, ZoneId};
use loa_panel::{
    Answer, AuditLine, AuditPage, AuditVerdict, AuditWanted, Browser, Changed, ConsoleError, Due, LogIn,
    LoginItem, NewTotp, OwnChange, People, Person, PersonRefusal, UserChange, UserItem,
};

use super::{Memory, at, done};

impl People for Memory {
    fn log_in<'a>(&'a self, name: &'a str, password: &'a str, _: &'a Browser) -> Answer<'a, LogIn> {
        self.log_ins.fetch_add(1, Ordering::Relaxed);
        let accepted = |token: &str, due| LogIn {
            token: token.into(),
            lasts: Duration::from_secs(3_600),
            due,
        };
        match (name, password) {
            ("truc-ban", "right") => done(accepted("token-1", None)),
            ("hai-buoc", "right") => done(accepted("due:code", Some(Due::Code))),
            ("khoa", _) => refused(PersonRefusal::Locked),
            _ => refused(PersonRefusal::WrongPassword),
        }
    }

    fn enter_code<'a>(&'a self, token: &'a str, code: &'a str) -> Answer<'a, ()> {
        if token == "due:code" && code != "123456" {
            return refused(PersonRefusal::WrongCode);
        }
        done(())
    }

    fn person<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Person>> {
        let everything = || {
            Role::ALL
                .map(|role| Grant { role, zone: None })
                .into_iter()
                .collect()
        };
        let person = |rights: Rights, due| Person {
            user: UserId(1),
            login: Some(LoginId(101)),
            name: "truc-ban".into(),
            rights,
            due,
        };
        done(match token.split_once(':') {
            Some(("as", roles)) => Some(Person {
                user: UserId(99),
                login: Some(LoginId(199)),
                name: token.into(),
                ..person(rights(roles), None)
            }),
            Some(("due", due)) => {
                let due = match due {
                    "code" => Due::Code,
                    "password" => Due::Password,
                    _ => Due::Totp,
                };
                Some(person(everything(), Some(due)))
            }
            _ => {
                let in_force = token == "token-1" && !self.logged_out.load(Ordering::Relaxed);
                (self.open || in_force).then(|| person(everything(), None))
            }
        })
    }

    fn log_out<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        done(())
    }

    fn change_own<'a>(&'a self, person: &'a Person, change: OwnChange) -> Answer<'a, Changed> {
        let password = match &change {
            OwnChange::Password { old, .. } => old,
            OwnChange::Totp { password, .. }
            | OwnChange::NoTotp { password }
            | OwnChange::RecoveryCodes { password } => password,
            OwnChange::EndLogin(_) | OwnChange::EndOtherLogins => "right",
        };
        if password != "right" {
            return refused(PersonRefusal::WrongPassword);
        }
        let codes = matches!(change, OwnChange::Totp { .. } | OwnChange::RecoveryCodes { .. });
        match &change {
            OwnChange::Totp { code, .. } if code != "123456" => return refused(PersonRefusal::WrongCode),
            OwnChange::Password { new, .. } if new.len() < 10 => {
                return refused(PersonRefusal::ShortPassword(10));
            }
            _ => {}
        }
        self.note(format!("{} {change:?}", person.name));
        done(if codes {
            Changed::RecoveryCodes(vec!["AAAA-BBBB-CCCC-DDDD".into()])
        } else {
            Changed::Done
        })
    }

    fn new_totp<'a>(&'a self, person: &'a Person) -> Answer<'a, NewTotp> {
        let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        done(NewTotp {
            key: key.into(),
            uri: format!("otpauth://totp/Loa:{}?secret={key}", person.user),
        })
    }

    fn users(&self) -> Answer<'_, Vec<UserItem>> {
        done(self.all())
    }

    fn user(&self, id: UserId) -> Answer<'_, Option<UserItem>> {
        // Whoever shows a token of their own making has an account too.
        let made = (id == UserId(99)).then(|| item(99, "as", "viewer@2"));
        done(self.all().into_iter().find(|user| user.id == id).or(made))
    }

    fn add_user<'a>(&'a self, name: &'a str, grant: Grant, by: &'a str) -> Answer<'a, (UserId, String)> {
        if name == "an" {
            return refused(PersonRefusal::NameTaken);
        }
        self.note(format!("{by} added {name} {grant:?}"));
        done((UserId(10), "abcd-efgh-ijkl-mnop".into()))
    }

    fn change_user<'a>(&'a self, id: UserId, change: UserChange, by: &'a str) -> Answer<'a, ()> {
        self.note(format!("{by} {id} {change:?}"));
        done(())
    }

    fn give_one_time_password<'a>(&'a self, id: UserId, by: &'a str) -> Answer<'a, String> {
        self.note(format!("{by} {id} one-time password"));
        done("abcd-efgh-ijkl-mnop".into())
    }

    fn audit(&self, wanted: AuditWanted) -> Answer<'_, AuditPage> {
        self.note(format!("{wanted:?}"));
        let line = |number, who: &str, action: &str, detail: &str, before: &str, after: &str| AuditLine {
            number,
            at: at(number * 60 - 7_200),
            who: who.into(),
            action: action.into(),
            detail: detail.into(),
            before: before.into(),
            after: after.into(),
        };
        let name = self.user_name();
        done(AuditPage {
            lines: vec![
                line(
                    3,
                    "truc-ban",
                    "role given",
                    &name,
                    "viewer@xa-dong",
                    "announcer@xa-dong viewer@xa-dong",
                ),
                line(2, "truc-ban", "of tomorrow", "", "", ""),
                line(1, "command line", "user added", &name, "", "viewer@xa-dong"),
            ],
            more: wanted.below.is_none(),
            verdict: if self.healthy {
                AuditVerdict::Whole(120, "ab".repeat(32))
            } else {
                AuditVerdict::Broken(2)
            },
        })
    }
}

impl Memory {
    pub(crate) fn note(&self, change: String) {
        if let Ok(mut changes) = self.changes.lock() {
            changes.push(change);
        }
    }

    fn user_name(&self) -> String {
        if self.hostile_title {
            "<script>alert(1)</script>".into()
        } else {
            "an".into()
        }
    }

    fn all(&self) -> Vec<UserItem> {
        let everything = Role::ALL.map(|role| Grant { role, zone: None });
        let on_duty = UserItem {
            rights: everything.into_iter().collect(),
            totp: true,
            recovery_codes: 9,
            ..item(1, "truc-ban", "viewer")
        };
        let locked = UserItem {
            locked_until: Some(at(1_800)),
            ..item(11, "binh", "announcer@5")
        };
        let newcomer = UserItem {
            one_time: true,
            totp_required: true,
            ..item(12, "chi", "viewer@2+emergency_officer@5")
        };
        let gone = UserItem {
            disabled: true,
            logins: Vec::new(),
            ..item(13, "dung", "")
        };
        vec![
            item(10, &self.user_name(), "viewer@2"),
            locked,
            newcomer,
            gone,
            on_duty,
        ]
    }
}

fn item(id: i64, name: &str, roles: &str) -> UserItem {
    let login = LoginItem {
        id: LoginId(100 + id),
        since: at(-3_600),
        seen: at(-60),
        address: IpAddr::from([10, 0, 0, 9]).to_string(),
        browser: "Firefox <b>140</b>".into(),
    };
    UserItem {
        id: UserId(id),
        name: name.into(),
        rights: rights(roles),
        disabled: false,
        one_time: false,
        totp: false,
        totp_required: false,
        recovery_codes: 0,
        locked_until: None,
        logins: vec![login],
    }
}

/// Reads `viewer@2+announcer`.
pub(crate) fn rights(roles: &str) -> Rights {
    let grants = roles.split('+').filter(|role| !role.is_empty()).map(|text| {
        let (role, zone) = text.split_once('@').unwrap_or((text, ""));
        Grant {
            role: role.parse().expect("a role"),
            zone: zone.parse().ok().map(ZoneId),
        }
    });
    grants.collect()
}

fn refused<'a, T: Send + 'a>(refusal: PersonRefusal) -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(ConsoleError::Person(refusal))))
}
