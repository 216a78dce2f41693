//! Who may do what at which address: every address × every role × own and foreign zone. Pages are walked from the table of
//! routes, the API from its own description (OpenAPI): what that says of permissions is what holds. The API is walked once
//! more with tokens, of every scope.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod described;
mod memory;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use loa_model::{Permission, Role};
use loa_panel::{Asks, Due, Route, routes};
use tower::ServiceExt as _;

use calls::{FORM, JSON, app, call, with_token};
use described::operations;
use memory::Memory;

/// A commune, and what lies in it: its code, a programme, an emergency, and a user who holds a role nowhere else.
#[derive(Clone, Copy)]
struct Commune {
    id: i64,
    code: &'static str,
    programme: u64,
    emergency: u64,
    user: i64,
    /// What begins the hash of a piece that is its own.
    piece: &'static str,
    slot: i64,
}

const EAST: Commune = Commune {
    id: 2,
    code: "xa-dong",
    programme: 0x1_0000_0003,
    emergency: 0x1_0000_0002,
    user: 10,
    piece: "02",
    slot: 2,
};
const WEST: Commune = Commune {
    id: 5,
    code: "xa-tay",
    programme: 0x1_0000_0004,
    emergency: 0x1_0000_0005,
    user: 11,
    piece: "05",
    slot: 4,
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
        if route.path == "/live/speak" {
            let headers = request.headers_mut();
            headers.insert("connection", "upgrade".parse().unwrap());
            headers.insert("upgrade", "websocket".parse().unwrap());
            headers.insert("sec-websocket-version", "13".parse().unwrap());
            headers.insert("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
        }
        if route.path.starts_with("/uploads") {
            let headers = request.headers_mut();
            headers.insert("tus-resumable", "1.0.0".parse().unwrap());
            headers.insert("upload-length", "1000".parse().unwrap());
            headers.insert("upload-offset", "0".parse().unwrap());
            headers.insert("upload-metadata", self.body.parse().unwrap());
            headers.insert("x-http-method-override", "PATCH".parse().unwrap());
        }
        request
    }
}

/// Returns requests about a commune that each route takes. A route that is not here fails every test below.
fn samples(route: Route, commune: Commune) -> Vec<Sample> {
    let Commune {
        id,
        code,
        user,
        piece,
        slot,
        ..
    } = commune;
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
    let of_piece = |body: &str| form(&route.path.replace("{hash}", &piece.repeat(32)), body);
    let of_upload = |kind| {
        let path = route.path.replace("{id}", &format!("up-{}", commune.id));
        vec![sample(None, path, kind, "")]
    };
    match (route.method, route.path) {
        ("GET", "/" | "/receivers" | "/live/air" | "/live/receivers" | "/users" | "/audit") => {
            plain(route.path)
        }
        ("GET", "/today" | "/as-run" | "/api/v1/as-run" | "/api/v1/run-sheet") => {
            plain(&format!("{}?date=2026-12-04&zone={code}", route.path))
        }
        ("GET", "/ca" | "/ca.crt" | "/api" | "/time-to-air" | "/speak" | "/live/speak") => plain(route.path),
        ("GET", "/emergency" | "/live/emergency" | "/emergency/templates") => plain(route.path),
        ("POST", "/emergency/release") => {
            form(route.path, &format!("what=warning:1&zone={code}&limit_min=5"))
        }
        ("POST", "/emergency/waiting/{number}/confirm" | "/emergency/waiting/{number}/withdraw") => form(
            &route.path.replace("{number}", &commune.id.to_string()),
            &format!("content={}", "00".repeat(32)),
        ),
        ("POST", "/emergency/stop") => form(route.path, &format!("session={}", commune.emergency)),
        ("POST", "/emergency/templates") => form(
            route.path,
            &format!(
                "title=a&warning_text=b&retraction_text=c&zone={code}&minutes=5&warning={}&retraction={}",
                "01".repeat(32),
                "02".repeat(32)
            ),
        ),
        ("POST", "/emergency/templates/{number}/remove") => {
            form(&route.path.replace("{number}", &commune.id.to_string()), "")
        }
        ("GET", "/api/v1/emergencies" | "/api/v1/emergencies/templates") => plain(route.path),
        ("POST", "/api/v1/emergencies") => {
            let body = format!("{{\"what\":{{\"warning\":{id}}},\"zones\":[\"{code}\"],\"minutes\":5}}");
            vec![sample(None, route.path.to_owned(), JSON, &body)]
        }
        ("POST", "/api/v1/emergencies/waiting/{number}/confirm") => {
            let body = format!("{{\"content\":\"{}\"}}", "00".repeat(32));
            let path = route.path.replace("{number}", &id.to_string());
            vec![sample(None, path, JSON, &body)]
        }
        ("DELETE", "/api/v1/emergencies/waiting/{number}") => {
            plain(&route.path.replace("{number}", &id.to_string()))
        }
        ("GET", "/week" | "/rehearsal" | "/as-run.csv") => {
            plain(&format!("{}?date=2026-12-04&zone={code}", route.path))
        }
        ("GET", "/change") => [
            format!("slot={slot}&date=2026-12-04&time=17:00"),
            format!("slot={slot}&date=2026-12-04&time=17:00&deed=skip"),
            format!("deed=insert&programme=1&to_zone={code}&to_date=2026-12-04&to_time=18:00&minutes=5"),
        ]
        .map(|query| sample(None, format!("/change?{query}"), "", ""))
        .into(),
        ("POST", "/change") => {
            let insert = "deed=insert&to_date=2026-12-04&to_time=18:00&minutes=5&seen=seen";
            [
                (
                    None,
                    format!("slot={slot}&date=2026-12-04&time=17:00&deed=skip&seen=seen"),
                ),
                (None, format!("{insert}&programme=1&to_zone={code}")),
            ]
            .map(|(needs, body)| sample(needs, route.path.to_owned(), FORM, &body))
            .into()
        }
        ("POST", "/change/{number}/undo") => form(
            &route.path.replace("{number}", &id.to_string()),
            "page=week&day=2026-12-04",
        ),
        ("GET", "/zones/{code}/loa.sdp") => plain("/zones/tinh/loa.sdp"),
        (
            "GET",
            "/zones/{code}/listen.opus" | "/zones/{code}/listen.webm" | "/api/v1/zones/{code}/listen.opus",
        ) => plain(&route.path.replace("{code}", code)),
        ("POST", "/overrides") => [
            (None, "normal"),
            (None, "live"),
            (Some(Permission::Alert), "emergency"),
        ]
        .map(|(needs, class)| {
            let body = format!("zone={code}&media={media}&class={class}&limit_min=5");
            sample(needs, route.path.to_owned(), FORM, &body)
        })
        .into_iter()
        .chain(form(
            route.path,
            &format!("zone={code}&source=line:default&title=a&class=live&limit_min=5"),
        ))
        .collect(),
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
        ("POST", "/account/tokens") => form(route.path, "name=moi&may=see&days=30&password=right"),
        ("POST", "/account/tokens/{token}/revoke") => form("/account/tokens/21/revoke", ""),
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
        (
            "GET",
            "/api/v1/snapshot"
            | "/api/v1/events"
            | "/api/v1/zones"
            | "/api/v1/media"
            | "/api/v1/me"
            | "/api/v1/receivers"
            | "/api/v1/openapi.json",
        )
        | ("DELETE", "/api/v1/login") => plain(route.path),
        ("POST", "/api/v1/reports") => vec![sample(None, route.path.to_owned(), "", "{}")],
        ("GET" | "POST", "/backup") | ("GET", "/settings") => plain(route.path),
        ("GET", "/backup/{name}") => plain("/backup/loa-2026-12-01-060000.db"),
        ("GET", "/library" | "/uploads") | ("OPTIONS", "/uploads") => plain(route.path),
        ("GET", "/library/{hash}" | "/library/{hash}/peaks" | "/library/{hash}/sound.opus")
        | ("POST", "/library/{hash}/remove") => of_piece(""),
        ("POST", "/library/{hash}/title") => of_piece("title=Tin"),
        ("POST", "/library/{hash}/series") => of_piece("series="),
        ("POST", "/library/{hash}/versions") => of_piece(&format!(
            "programme={id}&language=mnong&piece={}",
            "09".repeat(32)
        )),
        ("POST", "/library/{hash}/versions/remove") => of_piece(&format!("programme={id}&language=mnong")),
        ("POST", "/library/{hash}/cut") => of_piece("start=1&end=2.5&title=Tin"),
        ("POST", "/library/{hash}/submit") => of_piece("state=draft"),
        ("POST", "/library/{hash}/decide") => of_piece("state=archived&note=x"),
        ("POST", "/uploads") => {
            let said = format!(
                "filename {},zone {}",
                BASE64.encode("tin.mp3"),
                BASE64.encode(code)
            );
            vec![sample(None, route.path.to_owned(), "", &said)]
        }
        ("HEAD" | "DELETE", "/uploads/{id}") => of_upload(""),
        ("PATCH" | "POST", "/uploads/{id}") => of_upload("application/offset+octet-stream"),
        (method, path) => panic!("no sample of {method} {path}: add one"),
    }
}

/// Returns every address, and what it asks: of pages as the table says, of the API as its description does.
fn addresses() -> Vec<Route> {
    let pages = routes()
        .into_iter()
        .filter(|route| !route.path.starts_with("/api/"));
    pages.chain(operations()).collect()
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
    // A WebSocket that is let in fails for want of a connection behind the request.
    status.is_success() || status.is_redirection() || status == StatusCode::UPGRADE_REQUIRED
}

#[test]
fn no_address_stands_twice_and_only_these_are_open() {
    let all: BTreeSet<_> = addresses()
        .iter()
        .map(|route| (route.method, route.path))
        .collect();
    assert_eq!(all.len(), addresses().len());
    assert_eq!(
        all.len(),
        routes().len(),
        "the description leaves no address of the API out, and adds none"
    );
    let open = addresses()
        .into_iter()
        .filter(|route| route.asks == Asks::Nothing);
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
            "/api",
            "/healthz",
            "/metrics",
            "/api/v1/login",
            "/api/v1/login",
            "/api/v1/openapi.json",
            "/api/v1/reports"
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
            for route in addresses() {
                for (about, own) in [(home, true), (abroad, false)] {
                    for sample in samples(route, about) {
                        let expected = match route.asks {
                            Asks::Nothing | Asks::Login(_) => true,
                            Asks::Shows(permission) => role.permits(permission),
                            Asks::In(permission) => own && role.permits(sample.needs.unwrap_or(permission)),
                            Asks::ToAir => own && role.permits(sample.needs.unwrap_or(Permission::Announce)),
                            Asks::Everywhere(_) => false,
                        };
                        let (status, text) = answer(&app, sample.by(&token, route)).await;
                        let name = format!("{token}: {} {} {}", route.method, sample.path, sample.body);
                        if expected {
                            assert!(done(status), "{name}: {status} {text}");
                        } else {
                            assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {text}");
                            // A HEAD has no body to say it in.
                            let said = text.contains("you may not") || route.method == "HEAD";
                            assert!(said, "{name}: {text}");
                        }
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 2 * 2 * 6 * addresses().len(), "{asked}");
}

/// The same with roles held on every zone.
#[tokio::test]
async fn a_role_on_every_zone_opens_what_it_permits_in_each() {
    let app = app(&station());
    for role in Role::ALL {
        let token = format!("as:{role}");
        for route in addresses() {
            for about in [EAST, WEST] {
                for sample in samples(route, about) {
                    let expected = match route.asks {
                        Asks::Nothing | Asks::Login(_) => true,
                        Asks::Shows(permission) | Asks::Everywhere(permission) => role.permits(permission),
                        Asks::In(permission) => role.permits(sample.needs.unwrap_or(permission)),
                        Asks::ToAir => role.permits(sample.needs.unwrap_or(Permission::Announce)),
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

/// What a token may, within what its owner may: each role × each scope, in all zones and in one's own or a foreign one,
/// at each address of the API about both communes.
#[tokio::test]
async fn a_token_opens_what_its_scope_and_its_owners_role_permit_and_no_page() {
    use Permission::{Alert, Announce, Approve, Edit, See};
    let app = app(&station());
    let scopes: [&[Permission]; 6] = [
        &[See],
        &[Edit],
        &[Approve],
        &[Announce],
        &[See, Alert],
        &[See, Edit, Approve, Announce, Alert],
    ];
    let mut asked = 0;
    for (role, scope) in Role::ALL
        .into_iter()
        .flat_map(|role| scopes.map(|scope| (role, scope)))
    {
        let words: Vec<_> = scope.iter().map(|permission| permission.name()).collect();
        for (places, in_own) in [(String::new(), true), ("@2".into(), true), ("@5".into(), false)] {
            let token = format!("{}{places}:{role}@2", words.join("+"));
            let may = |permission| in_own && scope.contains(&permission) && role.permits(permission);
            for route in operations() {
                for (about, own) in [(EAST, true), (WEST, false)] {
                    for sample in samples(route, about) {
                        let expected = match route.asks {
                            Asks::Nothing | Asks::Login([]) => true,
                            Asks::Login(_) | Asks::Everywhere(_) => false,
                            Asks::Shows(permission) => may(permission),
                            Asks::In(permission) => {
                                own && may(permission) && may(sample.needs.unwrap_or(permission))
                            }
                            Asks::ToAir => own && may(sample.needs.unwrap_or(Announce)),
                        };
                        let (status, text) = answer(&app, with_token(sample.by("", route), &token)).await;
                        let name = format!("{token}: {} {} {}", route.method, sample.path, sample.body);
                        assert_eq!(done(status), expected, "{name}: {status} {text}");
                        assert!(
                            expected || status == StatusCode::FORBIDDEN,
                            "{name}: {status} {text}"
                        );
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked >= 6 * 6 * 3 * 2 * operations().len(), "{asked}");
    // A token that is nobody's opens nothing; nor does one of everything open a page.
    for route in addresses()
        .into_iter()
        .filter(|route| route.asks != Asks::Nothing)
    {
        let of_the_api = route.path.starts_with("/api/");
        let token = if of_the_api {
            "gone"
        } else {
            "see+edit+approve+announce+alert"
        };
        for sample in samples(route, EAST) {
            // The officer's cookie beside it does not help a token that is nobody's.
            let cookie = if of_the_api { "token-1" } else { "" };
            let (status, _) = answer(&app, with_token(sample.by(cookie, route), token)).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{} {}",
                route.method,
                sample.path
            );
        }
    }
}

#[tokio::test]
async fn who_holds_no_role_or_is_not_logged_in_gets_nowhere() {
    let app = app(&station());
    for route in addresses() {
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
            if route.path == "/account/tokens" {
                assert_eq!(
                    status,
                    StatusCode::BAD_REQUEST,
                    "whoever may nothing has nothing to lend"
                );
                continue;
            }
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
        for route in addresses() {
            for sample in samples(route, EAST) {
                let expected = match route.asks {
                    Asks::Nothing => true,
                    Asks::Login(lacks) => lacks.contains(&due),
                    Asks::Shows(_) | Asks::In(_) | Asks::ToAir | Asks::Everywhere(_) => false,
                };
                let (status, text) = answer(&app, sample.by(token, route)).await;
                let name = format!("{token}: {} {}", route.method, sample.path);
                assert_eq!(done(status), expected, "{name}: {status} {text}");
                let said = text.contains("lacks something") || route.method == "HEAD";
                assert!(expected || said, "{name}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_viewer_who_calls_every_route_changes_nothing_but_their_own_account() {
    let station = station();
    let app = app(&station);
    let mut called = 0;
    for route in addresses() {
        for about in [EAST, WEST] {
            for sample in samples(route, about) {
                answer(&app, sample.by("as:viewer@2", route)).await;
                called += 1;
            }
        }
    }
    assert!(called >= 2 * addresses().len());
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
            "token moi",
            "revoked token 21",
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
        "/library",
        "/as-run?date=2026-12-04",
        "/live/air",
        "/live/receivers",
        "/api/v1/snapshot",
        "/api/v1/events",
        "/api/v1/zones",
        "/api/v1/run-sheet?date=2026-12-04",
        "/api/v1/receivers",
        "/api/v1/as-run?date=2026-12-04",
        "/week?date=2026-12-04",
        "/rehearsal?date=2026-12-04",
        "/as-run.csv?date=2026-12-04",
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
            all.contains("Bản tin buổi sáng của tỉnh"),
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
