//! Logging in, one's own account, the pages about users and the audit log.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use loa_panel::routes;

use calls::{FORM, JSON, app, by_people, call, from_address, get, post, send};
use memory::Memory;

const PAGES: [&str; 5] = ["/account", "/account/totp", "/users", "/users/11", "/audit"];

fn changes(station: &Memory) -> Vec<String> {
    station.changes.lock().unwrap().clone()
}

#[tokio::test]
async fn pages_about_people_speak_both_languages_and_name_no_other_host() {
    let app = app(&Arc::new(Memory::new()));
    for path in PAGES {
        for (lang, word) in [("vi", "Đăng xuất"), ("en", "Log out")] {
            let (status, text, response) = send(&app, get(&format!("{path}?lang={lang}"))).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(text.contains(word) && text.contains(&format!("<html lang=\"{lang}\"")));
            assert!(!text.contains("Unknown localization"), "{path}: {text}");
            assert!(!text.contains("style=\"") && !text.contains("<script>"), "{path}");
            let outside = text
                .split(['"', '\''])
                .filter(|part| part.starts_with("http") || part.starts_with("//"));
            assert_eq!(outside.count(), 0, "{path}");
            let policy = response.headers()["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'self';"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_script_in_a_name_or_a_browser_is_only_text() {
    let app = app(&Arc::new(Memory {
        hostile_title: true,
        ..Memory::new()
    }));
    for path in ["/users", "/users/10", "/audit", "/account"] {
        let (status, text, _) = send(&app, get(path)).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!text.contains("<script>") && !text.contains("<b>140"), "{path}");
    }
    let hostile = "who=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let (_, text, _) = send(&app, get(&format!("/audit?{hostile}"))).await;
    assert!(
        !text.contains("<script>alert") && text.contains("&#60;script&#62;"),
        "{text}"
    );
    let (_, text, _) = send(&app, post("/users", FORM, "name=%3Cscript%3E&role=viewer&zone=")).await;
    assert!(!text.contains("<script>") && text.contains("abcd-efgh"), "{text}");
}

#[tokio::test]
async fn the_menu_offers_what_may_be_opened() {
    let app = app(&Arc::new(Memory::new()));
    for (token, users, audit) in [
        ("as:viewer@2", false, false),
        ("as:administrator@2", true, false),
        ("as:administrator", true, true),
        ("as:administrator@1", true, true),
    ] {
        let (_, text, _) = send(&app, call(token, "GET", "/", "", "")).await;
        assert_eq!(text.contains("href=\"/users\""), users, "{token}");
        assert_eq!(text.contains("href=\"/audit\""), audit, "{token}");
    }
}

#[tokio::test]
async fn the_air_is_offered_to_those_who_may_take_it() {
    let app = app(&Arc::new(Memory::new()));
    for (token, form, emergency, stop) in [
        ("as:viewer@2", false, false, false),
        ("as:announcer@2", true, false, false),
        ("as:emergency_officer@2", true, true, true),
        ("as:emergency_officer@5", true, true, false),
    ] {
        let (_, text, _) = send(&app, call(token, "GET", "/", "", "")).await;
        assert_eq!(text.contains("action=\"/overrides\""), form, "{token}");
        assert_eq!(text.contains("value=\"emergency\""), emergency, "{token}");
        assert_eq!(text.contains("class=\"stop\""), stop, "{token}");
    }
    let (_, text, _) = send(&app, call("as:announcer@2", "GET", "/", "", "")).await;
    assert!(text.contains("<option value=\"thon-dinh\">") && !text.contains("<option value=\"xa-tay\">"));
}

#[tokio::test]
async fn a_login_that_lacks_something_is_led_to_it() {
    let app = app(&Arc::new(Memory::new()));
    for (token, expected) in [
        ("due:code", "/login/code"),
        ("due:password", "/account"),
        ("due:totp", "/account/totp"),
    ] {
        let (status, _, response) = send(&app, by_people(call(token, "GET", "/", "", ""))).await;
        let to = response.headers()[header::LOCATION].to_str().unwrap();
        assert_eq!((status, to), (StatusCode::SEE_OTHER, expected));
        let (status, text, _) = send(&app, by_people(call(token, "GET", expected, "", ""))).await;
        assert_eq!(status, StatusCode::OK, "{expected}");
        assert!(!text.contains("<nav"), "{expected}: nothing else is offered");
        assert!(text.contains("action=\"/logout\""), "{expected}");
    }
}

#[tokio::test]
async fn the_second_step_takes_a_code_and_says_when_it_is_wrong() {
    let app = app(&Arc::new(Memory::new()));
    let (status, _, response) = send(&app, post("/login", FORM, "name=hai-buoc&password=right")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("loa_login=due:code;"), "{cookie}");
    let enter = |code: &str| call("due:code", "POST", "/login/code", FORM, &format!("code={code}"));
    let (status, text, _) = send(&app, enter("000000")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(
        text.contains("Sai mã") && text.contains("name=\"code\""),
        "{text}"
    );
    assert_eq!(send(&app, enter("123456")).await.0, StatusCode::SEE_OTHER);
    let json = "{\"name\":\"hai-buoc\",\"password\":\"right\"}";
    let (status, text, _) = send(&app, post("/api/v1/login", JSON, json)).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "{\"due\":\"code\"}"));
    let (status, text, _) = send(&app, post("/login", FORM, "name=khoa&password=right")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(text.contains("tạm khóa"), "{text}");
}

#[tokio::test]
async fn a_thousand_logins_a_minute_look_at_few_passwords() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let mut refused = 0;
    for i in 0..1_000 {
        let body = format!("name=truc-ban{}&password=guess{i}", i % 100);
        let (status, ..) = send(&app, post("/login", FORM, &body)).await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(
        station.log_ins.load(Ordering::Relaxed),
        20,
        "all from one address"
    );
    assert_eq!(refused, 980);
    // Nor is there a way round by way of many addresses.
    let station = Arc::new(Memory::new());
    let panel = loa_panel::router(Arc::clone(&station) as Arc<dyn loa_panel::Console>);
    for host in 0..250 {
        let app = from_address(panel.clone(), [10, 0, 1, host]);
        for guess in ["a", "b", "c", "d"] {
            let body = format!("name=truc-ban&password={guess}");
            send(&app, post("/login", FORM, &body)).await;
        }
    }
    assert_eq!(station.log_ins.load(Ordering::Relaxed), 60, "all at one name");
}

#[tokio::test]
async fn posts_from_other_sites_are_refused_at_every_route() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let mut posts = 0;
    // The others ask and change nothing.
    let changes_things = |method| !["GET", "HEAD", "OPTIONS"].contains(&method);
    for route in routes().into_iter().filter(|route| changes_things(route.method)) {
        let path = route
            .path
            .replace("{session}", "1")
            .replace("{user}", "11")
            .replace("{login}", "1");
        let mut request = call(
            "token-1",
            route.method,
            &path,
            FORM,
            "role=viewer&zone=&password=right",
        );
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        headers.insert(header::ORIGIN, "https://elsewhere.example".parse().unwrap());
        assert_eq!(send(&app, request).await.0, StatusCode::FORBIDDEN, "{path}");
        posts += 1;
    }
    assert!(posts > 20);
    assert!(changes(&station).is_empty() && station.commands.lock().unwrap().is_empty());
    assert_eq!(station.log_ins.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one_and_typed_twice() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let set = |old: &str, new: &str, again: &str| {
        post(
            "/account/password",
            FORM,
            &format!("old={old}&new={new}&again={again}"),
        )
    };
    for (request, said) in [
        (set("right", "another-password", "other"), "không giống nhau"),
        (
            set("wrong", "another-password", "another-password"),
            "hiện tại không đúng",
        ),
        (set("right", "short", "short"), "10 ký tự"),
    ] {
        let (status, text, _) = send(&app, request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            text.contains(said) && text.contains("name=\"again\""),
            "{said}: {text}"
        );
    }
    assert!(changes(&station).is_empty());
    let (status, _, response) = send(&app, set("right", "another-password", "another-password")).await;
    let to = response.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!((status, to), (StatusCode::SEE_OTHER, "/account"));
    let first = call(
        "due:password",
        "POST",
        "/account/password",
        FORM,
        "old=right&new=another-password&again=another-password",
    );
    let (.., response) = send(&app, first).await;
    assert_eq!(response.headers()[header::LOCATION], "/");
    assert_eq!(changes(&station).len(), 2);
}

#[tokio::test]
async fn one_time_codes_are_set_up_with_a_picture_and_the_codes_are_shown_once() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let (_, text, _) = send(&app, get("/account/totp")).await;
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    assert!(text.contains("<svg class=\"qr\"") && text.contains(key), "{text}");
    let body = |code: &str| format!("key={key}&uri=otpauth:x&code={code}&password=right");
    let (status, text, _) = send(&app, post("/account/totp", FORM, &body("000000"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        text.contains("Sai mã") && text.contains(key),
        "the phone keeps its key: {text}"
    );
    let (status, text, _) = send(&app, post("/account/totp", FORM, &body("123456"))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("AAAA-BBBB-CCCC-DDDD"), "{text}");
    let (_, text, _) = send(&app, get("/account")).await;
    assert!(
        !text.contains("AAAA-BBBB") && text.contains("còn 9 mã khôi phục"),
        "{text}"
    );
}

#[tokio::test]
async fn an_administrator_adds_changes_and_stops_users() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let (status, text, _) = send(&app, post("/users", FORM, "name=moi&role=announcer&zone=xa-dong")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("abcd-efgh-ijkl-mnop"), "{text}");
    let (status, text, _) = send(&app, by_people(post("/users", FORM, "name=an&role=viewer&zone="))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text.contains("đã có người dùng"), "{text}");
    let (_, text, _) = send(&app, post("/users/11/password", FORM, "")).await;
    assert!(text.contains("abcd-efgh-ijkl-mnop"), "{text}");
    for (path, body) in [
        ("/users/11/roles", "role=editor&zone=xa-tay"),
        ("/users/11/roles/take", "role=announcer&zone=xa-tay"),
        ("/users/11/disable", ""),
        ("/users/11/enable", ""),
        ("/users/11/unlock", ""),
        ("/users/11/totp/reset", ""),
        ("/users/11/logins/111/end", ""),
        ("/users/11/logins/end", ""),
    ] {
        let (status, text, response) = send(&app, post(path, FORM, body)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {text}");
        assert_eq!(response.headers()[header::LOCATION], "/users/11", "{path}");
    }
    assert_eq!(
        changes(&station),
        [
            "truc-ban added moi Grant { role: Announcer, zone: Some(ZoneId(2)) }",
            "truc-ban 11 one-time password",
            "truc-ban 11 Give(Grant { role: Editor, zone: Some(ZoneId(5)) })",
            "truc-ban 11 Take(Grant { role: Announcer, zone: Some(ZoneId(5)) })",
            "truc-ban 11 Disable(true)",
            "truc-ban 11 Disable(false)",
            "truc-ban 11 Unlock",
            "truc-ban 11 ResetTotp",
            "truc-ban 11 EndLogin(LoginId(111))",
            "truc-ban 11 EndLogins",
        ]
    );
    for path in ["/users/1/disable", "/users/1/password", "/users/1/totp/reset"] {
        let (status, text, _) = send(&app, by_people(post(path, FORM, ""))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert!(text.contains("chính mình"), "{text}");
    }
    assert_eq!(send(&app, get("/users/404")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_log_is_searched_and_its_verification_shown() {
    let station = Arc::new(Memory::new());
    let app_well = app(&station);
    let (_, text, _) = send(&app_well, get("/audit?who=truc&from=2026-12-04&to=2026-12-04")).await;
    for expected in [
        "cả 120 dòng còn nguyên",
        "trao vai trò",
        "of tomorrow",
        "<del>Người xem (xa-dong)</del>",
        "<ins>Phát thanh viên (xa-dong), Người xem (xa-dong)</ins>",
        "href=\"/audit?who=truc&#38;from=2026-12-04&#38;to=2026-12-04&#38;below=1\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let asked = changes(&station).pop().unwrap();
    let day = "from: Some(WallTime(1796317200000000000)), to: Some(WallTime(1796403600000000000))";
    assert!(asked.contains("who: \"truc\"") && asked.contains(day), "{asked}");
    let (_, text, _) = send(&app_well, get("/audit?below=1")).await;
    assert!(!text.contains("rel=\"next\""), "the end");
    let ill = app(&Arc::new(Memory {
        healthy: false,
        ..Memory::new()
    }));
    let (_, text, _) = send(&ill, get("/audit")).await;
    assert!(text.contains("Dòng 2 không phải là dòng đã ghi"), "{text}");
    let (status, ..) = send(&ill, get("/audit?from=hôm-qua")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
