//! The description of the API is true: it and the table of routes agree, answers look as it says, and people can read it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod described;
mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::{StatusCode, header};
use futures_util::StreamExt as _;
use loa_panel::routes;
use serde_json::Value;
use tower::ServiceExt as _;

use calls::{FORM, JSON, app, by_people, call, get, post, send, with_token};
use described::{document, operations};
use memory::Memory;

#[test]
fn the_table_of_routes_and_the_description_say_the_same() {
    let said = |routes: Vec<loa_panel::Route>| {
        let of_the_api = routes.into_iter().filter(|route| route.path.starts_with("/api/"));
        let lines = of_the_api.map(|route| {
            format!(
                "{} {} {:?} {}",
                route.method, route.path, route.asks, route.endless
            )
        });
        lines.collect::<BTreeSet<_>>()
    };
    assert_eq!(said(operations()), said(routes()));
    assert_eq!(document()["openapi"], "3.1.0");
}

/// Each operation: a name of its own, a title, a subject that is introduced, a scheme that is described; and for each
/// refusal the one shape.
#[test]
fn every_operation_says_who_may_call_and_what_is_refused_in_one_shape() {
    let document = document();
    let tags: Vec<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} stands twice");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{name}");
            assert!(tags.contains(&&operation["tags"][0]), "{name}");
            for scheme in operation["security"].as_array().unwrap() {
                let known = scheme
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|scheme| schemes.contains_key(scheme));
                assert!(known, "{name}: {scheme}");
            }
            for place in path
                .split('{')
                .skip(1)
                .map(|rest| rest.split('}').next().unwrap())
            {
                let parameters = operation["parameters"].as_array().unwrap();
                let there = parameters.iter().any(|p| p["name"] == place && p["in"] == "path");
                assert!(there, "{method} {path}: {place}");
            }
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
            for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
                let shape = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(shape, "#/components/schemas/Problem", "{name} {status}");
            }
            let open = operation["security"].as_array().unwrap().is_empty();
            assert!(
                open || responses.contains_key("401") && responses.contains_key("403"),
                "{name}"
            );
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(document(), &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document().pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_page_tells_people_in_both_languages_of_every_operation_and_needs_no_login() {
    let app = app(&Arc::new(Memory::new()));
    for (lang, words) in [
        (
            "vi",
            [
                "Xem sóng của mọi địa bàn",
                "Không cần đăng nhập.",
                "Cần quyền xem (see)",
            ],
        ),
        (
            "en",
            [
                "Shows the air of every zone",
                "Open: no login.",
                "the right to look (see)",
            ],
        ),
    ] {
        let (status, text, response) =
            send(&app, call("", "GET", &format!("/api?lang={lang}"), "", "")).await;
        assert_eq!(status, StatusCode::OK);
        for word in words {
            assert!(text.contains(word), "{word}");
        }
        assert!(
            !text.contains("Unknown localization")
                && !text.contains("style=\"")
                && !text.contains("<script>")
        );
        let outside = text
            .split(['"', '\''])
            .filter(|part| part.starts_with("http") || part.starts_with("//"));
        assert_eq!(outside.count(), 0);
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';"));
        for route in operations() {
            assert!(
                text.contains(&format!("<code class=\"path\">{}</code>", route.path)),
                "{}",
                route.path
            );
        }
        for link in text.split("href=\"#").skip(1) {
            let place = link.split('"').next().unwrap();
            assert!(text.contains(&format!("id=\"{place}\"")), "{place}");
        }
    }
    let (_, text, _) = send(&app, get("/api")).await;
    assert!(text.contains("Đăng xuất"), "who is logged in keeps the menu");
}

/// Titles are said in both languages: neither language file may lack one, and none may be left over.
#[test]
fn every_operation_and_every_subject_has_a_title_in_both_languages() {
    let mut expected: BTreeSet<_> = document()["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| {
            format!(
                "api-op-{}",
                operation["operationId"].as_str().unwrap().replace('_', "-")
            )
        })
        .collect();
    for tag in document()["tags"].as_array().unwrap() {
        expected.insert(format!("api-tag-{}", tag["name"].as_str().unwrap()));
    }
    for file in [
        include_str!("../locales/vi/panel.ftl"),
        include_str!("../locales/en/panel.ftl"),
    ] {
        let keys = file.lines().filter_map(|line| line.split_once(" = "));
        let titles = keys.map(|(key, _)| key.to_owned());
        let titles: BTreeSet<_> = titles
            .filter(|key| key.starts_with("api-op-") || key.starts_with("api-tag-"))
            .collect();
        assert_eq!(titles, expected);
    }
}

/// Each row: a request that is refused before or after it is understood; its status and kind, and a part of what it says.
#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let app = app(&Arc::new(Memory::new()));
    let long = "x".repeat(200_000);
    let rows = [
        (
            call("", "GET", "/api/v1/snapshot", "", ""),
            401,
            "log-in-first",
            "log in first",
        ),
        (
            with_token(call("", "GET", "/api/v1/me", "", ""), "gone"),
            401,
            "log-in-first",
            "revoked",
        ),
        (
            with_token(post("/api/v1/login/code", JSON, "{\"code\":\"1\"}"), "see"),
            403,
            "not-by-token",
            "no token",
        ),
        (
            call("due:totp", "GET", "/api/v1/snapshot", "", ""),
            403,
            "login-lacks",
            "totp",
        ),
        (
            call("as:viewer", "GET", "/api/v1/media", "", ""),
            403,
            "forbidden",
            "may not",
        ),
        (
            get("/api/v1/run-sheet?date=hôm-kia".replace('ô', "o").as_str()),
            400,
            "",
            "no date",
        ),
        (get("/api/v1/nothing"), 404, "", "nothing at this address"),
        (get("/api/v1/as-run?zone=nowhere"), 404, "", "no zone"),
        (
            call("token-1", "DELETE", "/api/v1/overrides/x", "", ""),
            400,
            "",
            "u64",
        ),
        (
            call("token-1", "PUT", "/api/v1/snapshot", "", ""),
            405,
            "",
            "method",
        ),
        (post("/api/v1/overrides", JSON, "{"), 400, "", "EOF"),
        (post("/api/v1/overrides", JSON, "{}"), 422, "", "missing field"),
        (
            post("/api/v1/overrides", FORM, "zone=x"),
            415,
            "",
            "application/json",
        ),
        (post("/api/v1/overrides", JSON, &long), 413, "", "length"),
        (post("/api/v1/reports", "", "{}"), 403, "", "not signed"),
    ];
    for (request, status, kind, says) in rows {
        let name = format!("{} {}", request.method(), request.uri());
        let (found, text, response) = send(&app, by_people(request)).await;
        assert_eq!(found.as_u16(), status, "{name}: {text}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{name}"
        );
        let problem: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = problem.keys().map(String::as_str).collect();
        assert_eq!(keys, ["detail", "status", "title", "type"], "{name}");
        assert_eq!(problem["status"], status, "{name}");
        let kind = if kind.is_empty() {
            "about:blank".to_owned()
        } else {
            format!("/api#problem-{kind}")
        };
        assert_eq!(problem["type"], kind, "{name}");
        assert!(
            problem["detail"].as_str().unwrap().contains(says),
            "{name}: {text}"
        );
        assert_eq!(
            status == 401,
            response.headers().contains_key(header::WWW_AUTHENTICATE),
            "{name}"
        );
    }
}

#[tokio::test]
async fn other_sites_are_kept_from_cookies_and_tokens_need_no_such_rule() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let stop = |token: Option<&str>| {
        let mut request = call("token-1", "DELETE", "/api/v1/overrides/4294967297", "", "");
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        headers.insert(header::ORIGIN, "https://elsewhere.example".parse().unwrap());
        match token {
            Some(token) => with_token(request, token),
            None => request,
        }
    };
    let (status, text, _) = send(&app, stop(None)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("another site"), "{text}");
    let (status, text, _) = send(&app, stop(Some("announce"))).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
    let (status, _, _) = send(&app, stop(Some("gone"))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    // Away from the API a token changes nothing about the rule.
    let mut page = with_token(post("/overrides/4294967297/stop", FORM, ""), "announce");
    page.headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(send(&app, page).await.0, StatusCode::FORBIDDEN);
    assert_eq!(station.commands.lock().unwrap().len(), 1);
}

/// What a token does is done in its name, and it is told what it may.
#[tokio::test]
async fn what_a_program_does_says_which_token_of_whom() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let body = format!(
        "{{\"zone\":\"xa-tay\",\"media\":\"{}\",\"class\":\"normal\"}}",
        "01".repeat(32)
    );
    let request = with_token(call("", "POST", "/api/v1/overrides", JSON, &body), "announce@5");
    assert_eq!(send(&app, request).await.0, StatusCode::OK);
    let commands = format!("{:?}", station.commands.lock().unwrap());
    assert!(
        commands.contains("by: \"token bảng điện tử of truc-ban\""),
        "{commands}"
    );
    let request = with_token(call("", "GET", "/api/v1/me", "", ""), "see+announce@5");
    let (_, text, _) = send(&app, request).await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["by_token"], true);
    assert_eq!(told["may"][0]["permission"], "see");
    assert_eq!(told["may"][1]["zones"], serde_json::json!(["xa-tay"]));
}

#[tokio::test]
async fn events_tell_the_air_without_its_time_as_far_as_it_may_be_seen() {
    let app = app(&Arc::new(Memory::new()));
    let request = with_token(call("", "GET", "/api/v1/events", "", ""), "see@5");
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = response
        .into_body()
        .into_data_stream()
        .next()
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    let data = text.strip_prefix("event: air\ndata: ").unwrap().trim();
    let air: Value = serde_json::from_str(data).unwrap();
    let keys: Vec<_> = air.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["run_sheet", "zones"]);
    assert_eq!(air["zones"].as_array().unwrap().len(), 1);
    assert_eq!(air["zones"][0]["zone"], 5);
}

#[tokio::test]
async fn people_make_tokens_within_what_they_may_and_see_each_once() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let (_, text, _) = send(&app, get("/account?lang=en")).await;
    for part in [
        "bảng điện tử",
        "wherever you may",
        "Xã Đông, Xã Tây",
        "expired",
        "value=\"announce\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("value=\"administer\""), "no token administers");
    let good = "name=m%C6%B0a&may=see&may=announce&zone=xa-tay&days=90&password=right";
    let (status, text, _) = send(&app, post("/account/tokens", FORM, good)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("loa_abcdefghijklmnopqrstuvwxyz"), "{text}");
    let (_, text, _) = send(&app, get("/account")).await;
    assert!(
        !text.contains("loa_abcdefghijklmnopqrstuvwxyz"),
        "nobody sees it again"
    );
    // Each row: a form, who sends it, and what is wrong with it.
    let rows = [
        (
            "token-1",
            good.replace("right", "wrong"),
            400,
            "not the password|not right|wrong",
        ),
        (
            "token-1",
            good.replace("m%C6%B0a", "b%E1%BA%A3ng+%C4%91i%E1%BB%87n+t%E1%BB%AD"),
            400,
            "of this name already",
        ),
        (
            "token-1",
            good.replace("may=see&may=announce", ""),
            400,
            "at least one thing",
        ),
        (
            "token-1",
            good.replace("may=see", "may=administer"),
            400,
            "No token administers",
        ),
        (
            "token-1",
            good.replace("may=see", "may=fly"),
            400,
            "is no permission",
        ),
        ("as:viewer@5", good.into(), 400, "may not put a programme"),
        ("as:announcer@2", good.into(), 400, "may not look"),
        ("token-1", good.replace("xa-tay", "nowhere"), 404, "nowhere"),
        ("due:password", good.into(), 403, "lacks"),
    ];
    for (who, form, status, says) in rows {
        let request = call(who, "POST", "/account/tokens?lang=en", FORM, &form);
        let (found, text, _) = send(&app, request).await;
        assert_eq!(found.as_u16(), status, "{who} {form}");
        assert!(
            says.split('|').any(|says| text.contains(says)),
            "{who} {form}: {text}"
        );
    }
    let made = station.changes.lock().unwrap().clone();
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(
        made[0].starts_with("truc-ban token mưa Scope") && made[0].ends_with(" 90"),
        "{made:?}"
    );
    let (status, _, response) = send(&app, post("/account/tokens/21/revoke", FORM, "")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/account#tokens-title");
}
