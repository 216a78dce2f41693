//! Who may do what at which address: every route × every role × own and foreign zone, from the table of routes itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use loa_model::{Permission, Role};
use loa_panel::{Asks, Due, Route, routes};
use tower::ServiceExt as _;

use calls::{FORM, JSON, app, call};
use memory::Memory;

/// A commune, and what lies in it: its code, a programme, an emergency, and a user who holds a role nowhere else.
#[derive(Clone, Copy)]
struct Commune {
    id: i64,
    code: &'static str,
    programme: u64,
    emergency: u64,
    user: i64,
}

const EAST: Commune = Commune {
    id: 2,
    code: "xa-dong",
    programme: 0x1_0000_0003,
    emergency: 0x1_0000_0002,
    user: 10,
};
const WEST: Commune = Commune {
    id: 5,
    code: "xa-tay",
    programme: 0x1_0000_0004,
    emergency: 0x1_0000_0005,
    user: 11,
};

/// A request that a route takes, and what it needs beyond what the route asks.
struct Sample {
    needs: Option<Permission>,
    path: String,
    kind: &'static str,
    body: String,
}

impl Sample {
    fn by(&self, token: &str, route: Route) -> Request<Body> {
        let mut request = call(token, route.method, &self.path, self.kind, &self.body);
        if route.path == "/api/v1/reports" {
            let headers = request.headers_mut();
            headers.insert("loa-receiver", "pole".parse().unwrap());
            headers.insert("loa-signature", "sig".parse().unwrap());
        }
        request
    }
}

/// Returns requests about a commune that each route takes. A route that is not here fails every test below.
fn samples(route: Route, commune: Commune) -> Vec<Sample> {
    let Commune { code, user, .. } = commune;
    let sample = |needs, path: String, kind, body: &str| Sample {
        needs,
        path,
        kind,
        body: body.to_owned(),
    };
    let plain = |path: &str| vec![sample(None, path.to_owned(), "", "")];
    let form = |path: &str, body: &str| vec![sample(None, path.to_owned(), FORM, body)];
    let of_user = |path: &str, body: &str| {
        let path = path
            .replace("{user}", &user.to_string())
            .replace("{login}", &(100 + user).to_string());
        vec![sample(None, path, FORM, body)]
    };
    let role = format!("role=viewer&zone={code}");
    let media = "01".repeat(32);
    match (route.method, route.path) {
        ("GET", "/" | "/receivers" | "/live/air" | "/live/receivers" | "/users" | "/audit") => {
            plain(route.path)
        }
        ("GET", "/today" | "/as-run" | "/api/v1/as-run" | "/api/v1/run-sheet") => {
            plain(&format!("{}?date=2026-12-04&zone={code}", route.path))
        }
        ("GET", "/ca" | "/ca.crt") => plain(route.path),
        ("GET", "/zones/{code}/loa.sdp") => plain("/zones/huyen/loa.sdp"),
        ("GET", "/zones/{code}/listen.opus" | "/zones/{code}/listen.webm") => {
            plain(&route.path.replace("{code}", code))
        }
        ("POST", "/overrides") => [
            (None, "normal"),
            (None, "live"),
            (Some(Permission::Alert), "emergency"),
        ]
        .map(|(needs, class)| {
            let body = format!("zone={code}&media={media}&class={class}&limit_min=5");
            sample(needs, route.path.to_owned(), FORM, &body)
        })
        .into(),
        ("POST", "/api/v1/overrides") => [(None, "priority"), (Some(Permission::Alert), "emergency")]
            .map(|(needs, class)| {
                let body = format!(
                    "{{\"zone\":\"{code}\",\"media\":\"{media}\",\"class\":\"{class}\",\"limit_s\":60}}"
                );
                sample(needs, route.path.to_owned(), JSON, &body)
            })
            .into(),
        ("POST", "/overrides/{session}/stop") | ("DELETE", "/api/v1/overrides/{session}") => [
            (None, commune.programme),
            (Some(Permission::Alert), commune.emergency),
        ]
        .map(|(needs, session)| {
            let path = route.path.replace("{session}", &session.to_string());
            sample(needs, path, "", "")
        })
        .into(),
        ("GET", "/assets/{name}") => plain("/assets/style.css"),
        ("GET", "/login" | "/login/code" | "/account" | "/account/totp" | "/healthz" | "/metrics") => {
            plain(route.path)
        }
        ("POST", "/login") => form(route.path, "name=truc-ban&password=right"),
        ("POST", "/login/code") => form(route.path, "code=123456"),
        ("POST", "/logout" | "/account/logins/end") => form(route.path, ""),
        ("POST", "/account/password") => form(
            route.path,
            "old=right&new=another-password&again=another-password",
        ),
        ("POST", "/account/totp") => form(route.path, "key=A&uri=otpauth:&code=123456&password=right"),
        ("POST", "/account/totp/remove" | "/account/recovery-codes") => form(route.path, "password=right"),
        ("POST", "/account/logins/{login}/end") => form("/account/logins/7/end", ""),
        ("POST", "/users") => form(route.path, &format!("name=moi&{role}")),
        ("GET", "/users/{user}") => of_user(route.path, ""),
        ("POST", "/users/{user}/roles" | "/users/{user}/roles/take") => of_user(route.path, &role),
        (
            "POST",
            "/users/{user}/disable"
            | "/users/{user}/enable"
            | "/users/{user}/password"
            | "/users/{user}/totp/reset"
            | "/users/{user}/unlock"
            | "/users/{user}/logins/{login}/end"
            | "/users/{user}/logins/end",
        ) => of_user(route.path, ""),
        ("POST", "/api/v1/login") => vec![sample(
            None,
            route.path.to_owned(),
            JSON,
            "{\"name\":\"truc-ban\",\"password\":\"right\"}",
        )],
        ("POST", "/api/v1/login/code") => {
            vec![sample(None, route.path.to_owned(), JSON, "{\"code\":\"123456\"}")]
        }
        ("GET", "/api/v1/snapshot" | "/api/v1/receivers") => plain(route.path),
        ("POST", "/api/v1/reports") => vec![sample(None, route.path.to_owned(), "", "{}")],
        (method, path) => panic!("no sample of {method} {path}: add one"),
    }
}

fn station() -> Arc<Memory> {
    Arc::new(Memory {
        busy: true,
        ..Memory::new()
    })
}

/// Returns the status, and how the answer begins: some never end.
async fn answer(app: &axum::Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let first = response.into_body().into_data_stream().next().await;
    let first = first.map(Result::unwrap).unwrap_or_default();
    (status, String::from_utf8_lossy(&first).into_owned())
}

fn done(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

#[test]
fn no_address_stands_twice_and_only_these_are_open() {
    let all: BTreeSet<_> = routes().iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(all.len(), routes().len());
    let open = routes().into_iter().filter(|route| route.asks == Asks::Nothing);
    let open: Vec<_> = open.map(|route| route.path).collect();
    assert_eq!(
        open,
        [
            "/assets/{name}",
            "/ca",
            "/ca.crt",
            "/zones/{code}/loa.sdp",
            "/login",
            "/login",
            "/logout",
            "/api/v1/login",
            "/api/v1/reports",
            "/healthz",
            "/metrics"
        ]
    );
}

/// The matrix: each role held on one commune, each route, about that commune and about the other.
#[tokio::test]
async fn every_route_lets_in_those_whose_role_permits_it_there_and_nobody_else() {
    let app = app(&station());
    let mut asked = 0;
    for (home, abroad) in [(EAST, WEST), (WEST, EAST)] {
        for role in Role::ALL {
            let token = format!("as:{role}@{}", home.id);
            for route in routes() {
                for (about, own) in [(home, true), (abroad, false)] {
                    for sample in samples(route, about) {
                        let expected = match route.asks {
                            Asks::Nothing | Asks::Login(_) => true,
                            Asks::Shows(permission) => role.permits(permission),
                            Asks::In(permission) => own && role.permits(sample.needs.unwrap_or(permission)),
                            Asks::Everywhere(_) => false,
                        };
                        let (status, text) = answer(&app, sample.by(&token, route)).await;
                        let name = format!("{token}: {} {} {}", route.method, sample.path, sample.body);
                        if expected {
                            assert!(done(status), "{name}: {status} {text}");
                        } else {
                            assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {text}");
                            assert!(text.contains("you may not"), "{name}: {text}");
                        }
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 2 * 2 * 6 * routes().len(), "{asked}");
}

/// The same with roles held on every zone.
#[tokio::test]
async fn a_role_on_every_zone_opens_what_it_permits_in_each() {
    let app = app(&station());
    for role in Role::ALL {
        let token = format!("as:{role}");
        for route in routes() {
            for about in [EAST, WEST] {
                for sample in samples(route, about) {
                    let expected = match route.asks {
                        Asks::Nothing | Asks::Login(_) => true,
                        Asks::Shows(permission) | Asks::Everywhere(permission) => role.permits(permission),
                        Asks::In(permission) => role.permits(sample.needs.unwrap_or(permission)),
                    };
                    let (status, text) = answer(&app, sample.by(&token, route)).await;
                    let name = format!("{token}: {} {}", route.method, sample.path);
                    assert_eq!(done(status), expected, "{name}: {status} {text}");
                    assert!(expected || status == StatusCode::FORBIDDEN, "{name}: {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn who_holds_no_role_or_is_not_logged_in_gets_nowhere() {
    let app = app(&station());
    for route in routes() {
        for sample in samples(route, EAST) {
            let open = route.asks == Asks::Nothing;
            for (token, expected) in [
                ("", StatusCode::UNAUTHORIZED),
                ("expired", StatusCode::UNAUTHORIZED),
            ] {
                let (status, text) = answer(&app, sample.by(token, route)).await;
                assert!(
                    if open { done(status) } else { status == expected },
                    "{} {}: {status} {text}",
                    route.method,
                    sample.path
                );
            }
            let (status, text) = answer(&app, sample.by("as:", route)).await;
            let own = open || matches!(route.asks, Asks::Login(_));
            assert!(
                if own {
                    done(status)
                } else {
                    status == StatusCode::FORBIDDEN
                },
                "{} {}: {status} {text}",
                route.method,
                sample.path
            );
        }
    }
}

/// A login that lacks something opens only what takes that something, whatever its roles.
#[tokio::test]
async fn a_login_that_lacks_something_opens_nothing_else() {
    let app = app(&station());
    for (due, token) in [
        (Due::Code, "due:code"),
        (Due::Password, "due:password"),
        (Due::Totp, "due:totp"),
    ] {
        for route in routes() {
            for sample in samples(route, EAST) {
                let expected = match route.asks {
                    Asks::Nothing => true,
                    Asks::Login(lacks) => lacks.contains(&due),
                    Asks::Shows(_) | Asks::In(_) | Asks::Everywhere(_) => false,
                };
                let (status, text) = answer(&app, sample.by(token, route)).await;
                let name = format!("{token}: {} {}", route.method, sample.path);
                assert_eq!(done(status), expected, "{name}: {status} {text}");
                assert!(expected || text.contains("lacks something"), "{name}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_viewer_who_calls_every_route_changes_nothing_but_their_own_account() {
    let station = station();
    let app = app(&station);
    let mut called = 0;
    for route in routes() {
        for about in [EAST, WEST] {
            for sample in samples(route, about) {
                answer(&app, sample.by("as:viewer@2", route)).await;
                called += 1;
            }
        }
    }
    assert!(called >= 2 * routes().len());
    assert_eq!(*station.commands.lock().unwrap(), []);
    let changes = station.changes.lock().unwrap();
    let of_others = changes.iter().filter(|change| {
        let own = [
            "Password",
            "Totp",
            "NoTotp",
            "RecoveryCodes",
            "EndLogin(LoginId(7))",
            "EndOtherLogins",
        ];
        !own.iter()
            .any(|own| change.starts_with(&format!("as:viewer@2 {own}")))
    });
    assert_eq!(of_others.count(), 0, "{changes:?}");
}

/// Each row: who looks, and what is nowhere in anything they are shown.
#[tokio::test]
async fn what_is_shown_lies_where_it_may_be_seen() {
    let app = app(&station());
    let east = [
        "Xã Đông",
        "xa-dong",
        "Thôn Đình",
        "thon-dinh",
        "thon-ben",
        "Chuyên mục của xã",
        "Cảnh báo lũ",
    ];
    let west = ["Xã Tây", "xa-tay", "nghỉ lễ", "Báo lụt"];
    let pages = [
        "/",
        "/today?date=2026-12-04",
        "/receivers",
        "/as-run?date=2026-12-04",
        "/live/air",
        "/live/receivers",
        "/api/v1/snapshot",
        "/api/v1/run-sheet?date=2026-12-04",
        "/api/v1/receivers",
        "/api/v1/as-run?date=2026-12-04",
    ];
    for (token, hidden, shown) in [
        ("as:viewer@5", &east[..], "xa-tay"),
        ("as:viewer@2", &west[..], "xa-dong"),
    ] {
        let mut all = String::new();
        for path in pages {
            let (status, text) = answer(&app, call(token, "GET", path, "", "")).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            for word in hidden {
                assert!(!text.contains(word), "{token} {path} shows {word}: {text}");
            }
            all += &text;
        }
        assert!(all.contains(shown), "{token} sees its own");
        assert!(
            all.contains("Bản tin buổi sáng của huyện"),
            "{token} sees what is heard from above"
        );
    }
    let (_, text) = answer(&app, call("as:administrator@5", "GET", "/users", "", "")).await;
    let shown = ["/users/11\"", "/users/12\""]
        .iter()
        .all(|user| text.contains(user));
    let hidden = ["/users/10\"", "/users/13\"", "/users/1\"", "Xã Đông"];
    assert!(shown && hidden.iter().all(|user| !text.contains(user)), "{text}");
}

/// Who holds roles in two communes is not at the mercy of one of them.
#[tokio::test]
async fn an_administrator_of_one_commune_does_not_get_at_what_is_held_in_another() {
    let station = station();
    let app = app(&station);
    let both = 12;
    for deed in [
        "disable",
        "enable",
        "password",
        "totp/reset",
        "unlock",
        "logins/end",
        "logins/112/end",
    ] {
        let path = format!("/users/{both}/{deed}");
        let (status, _) = answer(&app, call("as:administrator@5", "POST", &path, FORM, "")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{deed}");
        let (status, text) = answer(
            &app,
            call("as:administrator@5+administrator@2", "POST", &path, FORM, ""),
        )
        .await;
        assert!(done(status), "{deed}: {text}");
    }
    let roles = "/users/12/roles";
    for (body, expected) in [
        ("role=viewer&zone=xa-tay", StatusCode::SEE_OTHER),
        ("role=viewer&zone=xa-dong", StatusCode::FORBIDDEN),
        ("role=viewer&zone=", StatusCode::FORBIDDEN),
        ("role=root&zone=xa-tay", StatusCode::BAD_REQUEST),
        ("role=viewer&zone=nowhere", StatusCode::NOT_FOUND),
    ] {
        let (status, text) = answer(&app, call("as:administrator@5", "POST", roles, FORM, body)).await;
        assert_eq!(status, expected, "{body}: {text}");
    }
}
