//! Emergencies as programs see and release them, and that the page is bound by the same.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use calls::{FORM, JSON, app, by_people, call, get, post, send, with_token};
use memory::{Memory, NOW};

/// What a program may ask for.
fn wish() -> Value {
    json!({ "what": { "warning": 2 }, "zones": ["xa-dong"], "minutes": 30 })
}

/// The same wish with one member in another way.
fn with(name: &str, value: Value) -> Value {
    let mut wish = wish();
    wish[name] = value;
    wish
}

async fn release(app: &axum::Router, token: &str, wish: &Value) -> (StatusCode, Value) {
    let request = call(token, "POST", "/api/v1/emergencies", JSON, &wish.to_string());
    let (status, text, _) = send(app, request).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn shown(app: &axum::Router, token: &str, path: &str) -> Value {
    let (status, text, _) = send(app, call(token, "GET", path, "", "")).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn changes(station: &Memory) -> Vec<String> {
    station.changes.lock().unwrap().clone()
}

#[tokio::test]
async fn programs_read_what_lies_ready() {
    let app = app(&Arc::new(Memory::new()));
    let templates = shown(&app, "token-1", "/api/v1/emergencies/templates").await;
    assert_eq!(templates.as_array().unwrap().len(), 2);
    let expected = json!({
        "number": 2,
        "title": "Lũ lên nhanh 2",
        "warning": {
            "text": "Nước sông lên nhanh. Bà con ven sông lên chỗ cao ngay.",
            "length_s": 14.0,
        },
        "retraction": { "text": "Nước đã rút. Bà con có thể về nhà.", "length_s": 9.0 },
        "zones": ["xa-dong"],
        "signal": true,
        "repeats": 0,
        "minutes": 30,
    });
    assert_eq!(templates[0], expected);
}

#[tokio::test]
async fn programs_see_what_is_on_the_air_and_what_waits_where_they_may_act() {
    let app = app(&Arc::new(Memory::new()));
    let now_ns = NOW.as_unix_ns();
    let all = shown(&app, "token-1", "/api/v1/emergencies").await;
    let running = json!([{
        "title": "Cảnh báo lũ khẩn cấp",
        "by": "truc-ban",
        "drill": false,
        "on_air": true,
        "since": now_ns - 150_000_000_000_i64,
        "sessions": [0x1_0000_0002_u64],
        "zones": ["xa-dong"],
        "sounding": 1,
        "receivers": 2,
        "silent": ["thon-ben-1"],
        "retraction": null,
    }]);
    assert_eq!(all["running"], running);
    let waiting = json!({
        "number": 2,
        "title": "Lũ lên nhanh 2",
        "by": "lan",
        "zones": ["xa-dong"],
        "content": "07".repeat(32),
        "text": "Nước sông lên nhanh. Bà con ven sông lên chỗ cao ngay.",
        "until": now_ns + 600_000_000_000_i64,
    });
    assert_eq!(all["waiting"][0], waiting);
    assert_eq!(all["waiting"][1]["number"], 5);
    let west = shown(&app, "as:emergency_officer@5", "/api/v1/emergencies").await;
    assert_eq!(west["running"], json!([]));
    assert_eq!(west["waiting"].as_array().unwrap().len(), 1);
    assert_eq!(west["waiting"][0]["zones"], json!(["xa-tay"]));
}

#[tokio::test]
async fn the_page_shows_the_same() {
    let app = app(&Arc::new(Memory::new()));
    let (status, text, _) = send(&app, get("/emergency?lang=vi")).await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "data-running=\"Cảnh báo lũ khẩn cấp\"",
        "name=\"session\" value=\"4294967298\"",
        "1/2 cụm loa đang kêu",
        "thon-ben-1",
        "Xã Đông",
        "data-asked=\"5\"",
        "/emergency/waiting/5/confirm",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("name=\"content\" value=\"{}\"", "07".repeat(32))));
}

/// A template as its form sends it, with one field in another way.
fn written(name: &str, value: &str) -> String {
    let (flood, gone) = ("01".repeat(32), "02".repeat(32));
    let mut fields = vec![
        ("title", "Lu ong"),
        ("warning_text", "Nuoc len, chay ngay"),
        ("warning", flood.as_str()),
        ("retraction_text", "Nuoc rut roi"),
        ("retraction", gone.as_str()),
        ("zone", "xa-dong"),
        ("repeats", "7"),
        ("minutes", "45"),
    ];
    fields.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        fields.push((name, value));
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    fields.join("&")
}

/// Each row: what is not as it should be, and how it is refused.
#[tokio::test]
async fn a_template_that_is_refused_is_shown_as_it_was_written() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let path = "/emergency/templates?lang=vi";
    let flood = "01".repeat(32);
    for (name, value, status, says) in [
        ("zone", "", 400, "Hãy chọn từ một đến"),
        ("zone", "nowhere", 404, "Không có địa bàn “nowhere”"),
        ("retraction", flood.as_str(), 400, "phải khác bản báo động"),
        ("number", "2", 409, "đã thay đổi từ lúc bạn xem"),
        ("number", "77", 404, "Mẫu này không còn nữa"),
    ] {
        let (found, page, _) = send(&app, by_people(post(path, FORM, &written(name, value)))).await;
        assert_eq!(found.as_u16(), status, "{name}={value}: {page}");
        let alert = page.split("role=\"alert\"").nth(1).unwrap();
        assert!(alert.split("</p>").next().unwrap().contains(says), "{page}");
        for part in [
            "value=\"Lu ong\"",
            ">Nuoc len, chay ngay</textarea>",
            ">Nuoc rut roi</textarea>",
            "name=\"repeats\" type=\"number\" min=\"0\" max=\"200\" value=\"7\"",
            "max=\"720\" value=\"45\"",
            &format!("<option value=\"{flood}\" selected>"),
        ] {
            assert!(page.contains(part), "{name}={value}, {part}: {page}");
        }
        let chosen = page.contains("value=\"xa-dong\" checked");
        assert_eq!(chosen, name != "zone", "{name}={value}: {page}");
        // What is gone would be a new one.
        let edits = page.contains("name=\"number\"");
        assert_eq!(edits, value == "2", "{name}={value}: {page}");
    }

    // Nothing is lost either while the library does not answer.
    let lost = Arc::new(Memory {
        library_lost: true,
        ..Memory::new()
    });
    let request = by_people(post(path, FORM, &written("zone", "")));
    let (status, page, _) = send(&calls::app(&lost), request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
    for part in [
        ">Nuoc len, chay ngay</textarea>",
        &format!("<option value=\"{flood}\" selected>"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(changes(&station).is_empty(), "nothing was kept");
}

#[tokio::test]
async fn a_template_takes_the_place_of_what_was_shown_and_of_nothing_else() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let seen = |digest: &str| format!("name=\"seen\" value=\"{digest}\"");
    let digest = "08".repeat(32);
    let (_, page, _) = send(&app, get("/emergency/templates")).await;
    assert!(page.contains(&seen("")), "{page}");
    let (_, page, _) = send(&app, get("/emergency/templates?edit=2")).await;
    assert!(page.contains(&seen(&digest)), "{page}");
    assert!(page.contains("value=\"xa-dong\" checked"), "{page}");

    // Somebody else was quicker: that is said and can be looked at; whoever saves then knows what they do.
    let wish = written("number", "2");
    let old = format!("{wish}&seen={}", "07".repeat(32));
    let (status, page, _) = send(&app, post("/emergency/templates", FORM, &old)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{page}");
    let link = "href=\"/emergency/templates?edit=2\" target=\"_blank\"";
    assert!(page.contains(link), "{page}");
    assert!(page.contains(&seen(&digest)), "{page}");
    assert!(changes(&station).is_empty(), "nothing was overwritten");
    let now = format!("{wish}&seen={digest}");
    let (status, page, _) = send(&app, post("/emergency/templates", FORM, &now)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    assert_eq!(changes(&station), ["truc-ban keeps Lu ong"]);
}

#[tokio::test]
async fn a_program_releases_what_a_page_would() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    // What lies within another zone, or is named twice, hears it once.
    let wish = with("zones", json!(["thon-dinh", "xa-dong", "xa-dong"]));
    let (status, said) = release(&app, "token-1", &wish).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(
        said,
        json!({ "sessions": [{ "zone": "xa-dong", "session": 9 }], "refused": [] })
    );
    let told = changes(&station);
    let expected =
        "truc-ban releases Release { what: Warning(2), zones: [ZoneId(2)], minutes: 30, drill: false";
    assert!(told[0].starts_with(expected), "{told:?}");
    assert!(told[0].ends_with("break_glass: None }"), "{told:?}");

    let mut wish = with("break_glass", json!("z".repeat(600)));
    wish["what"] = json!({ "retraction": 5 });
    wish["drill"] = json!(true);
    let (status, said) = release(&app, "token-1", &wish).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let told = changes(&station);
    assert!(told[1].contains("what: Retraction(5)"), "{told:?}");
    assert!(told[1].contains("drill: true"), "{told:?}");
    let reason = format!("break_glass: Some(\"{}\")", "z".repeat(500));
    assert!(told[1].contains(&reason), "{told:?}");
}

/// The station in memory takes it in the first zone only.
#[tokio::test]
async fn a_zone_that_cannot_take_it_is_told_of() {
    let app = app(&Arc::new(Memory::new()));
    let (status, said) = release(&app, "token-1", &with("zones", json!(["xa-dong", "xa-tay"]))).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(
        said["refused"],
        json!([{ "zone": "xa-tay", "why": "too many sessions" }])
    );
    let wish = "what=warning:2&zone=xa-dong&zone=xa-tay&limit_min=5&pressed_ago_ms=NaN";
    let (status, page, _) = send(&app, by_people(post("/emergency/release?lang=vi", FORM, wish))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{page}");
    assert!(page.contains("không nhận: Xã Tây"), "{page}");
    let wish = wish.replace("&zone=xa-tay", "");
    let (status, page, _) = send(&app, post("/emergency/release?lang=vi", FORM, &wish)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
}

#[tokio::test]
async fn a_zone_lies_within_those_that_are_listed_with_it_and_no_other() {
    let app = app(&Arc::new(Memory::new()));
    for (token, chain) in [
        ("as:emergency_officer", "thon-dinh xa-dong tinh "),
        ("as:emergency_officer@2", "thon-dinh xa-dong "),
        ("as:emergency_officer@3", "thon-dinh "),
    ] {
        let (_, page, _) = send(&app, call(token, "GET", "/emergency", "", "")).await;
        assert!(
            page.contains(&format!("value=\"thon-dinh\" data-chain=\"{chain}\"")),
            "{token}: {page}"
        );
    }
}

/// Each row: a wish, and how it is refused.
#[tokio::test]
async fn what_cannot_be_released_is_refused_and_says_why() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let mut nothing = wish();
    nothing.as_object_mut().unwrap().remove("what");
    let rows = [
        (with("zones", json!([])), 400, "name one to"),
        (
            with("zones", json!(["xa-dong", "nowhere"])),
            404,
            "no zone \"nowhere\"",
        ),
        (with("zones", json!("xa-dong")), 422, "expected a sequence"),
        (with("minutes", json!(0)), 400, "minutes is 0; write 1 to 720"),
        (with("minutes", json!(721)), 400, "minutes is 721; write 1 to 720"),
        (with("minutes", json!(70_000)), 422, "u16"),
        (with("minutes", json!(-1)), 422, "u16"),
        (with("chime", json!(true)), 422, "unknown field"),
        (
            with("what", json!({ "warning": 2, "retraction": 2 })),
            400,
            "expected value",
        ),
        (
            with("what", json!({ "speech": "Lũ" })),
            422,
            "unknown variant `speech`",
        ),
        (with("what", json!("warning")), 422, "what"),
        (nothing, 422, "missing field"),
    ];
    for (wish, status, says) in rows {
        let (found, said) = release(&app, "token-1", &wish).await;
        assert_eq!(found.as_u16(), status, "{wish}: {said}");
        assert!(said["detail"].as_str().unwrap().contains(says), "{wish}: {said}");
    }
    for (field, status) in [
        ("zone=xa-dong&limit_min=0", 400),
        ("zone=xa-dong&limit_min=721", 400),
        ("limit_min=5", 400),
        ("zone=nowhere&limit_min=5", 404),
    ] {
        let form = format!("what=warning:2&{field}");
        let (found, text, _) = send(&app, post("/emergency/release", FORM, &form)).await;
        assert_eq!(found.as_u16(), status, "the page, {form}: {text}");
    }
    assert!(changes(&station).is_empty(), "nothing went out");
}

#[tokio::test]
async fn nobody_warns_or_decides_in_a_foreign_zone() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let officer = "as:emergency_officer@5";
    let wishes = [
        wish(),
        with("zones", json!(["xa-tay", "xa-dong"])),
        with("zones", json!(["tinh"])),
    ];
    for wish in wishes {
        let (status, said) = release(&app, officer, &wish).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{wish}: {said}");
    }
    let body = json!({ "content": "07".repeat(32) }).to_string();
    let waits = "/api/v1/emergencies/waiting/2";
    for request in [
        call(officer, "POST", &format!("{waits}/confirm"), JSON, &body),
        call(officer, "DELETE", waits, "", ""),
    ] {
        let (status, text, _) = send(&app, request).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
    }
    assert!(changes(&station).is_empty(), "nothing was done");
}

#[tokio::test]
async fn what_takes_two_persons_waits_for_one_who_did_not_ask_for_it() {
    let station = Arc::new(Memory {
        two_persons: true,
        ..Memory::new()
    });
    let app = app(&station);
    let (status, asked) = release(&app, "token-1", &wish()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    assert_eq!(asked["by"], "truc-ban");
    let all = shown(&app, "token-1", "/api/v1/emergencies").await;
    let waiting = all["waiting"].as_array().unwrap();
    assert!(waiting.contains(&asked), "{all}");

    let path = format!("/api/v1/emergencies/waiting/{}", asked["number"]);
    let confirm = |token: &str, content: &Value| {
        let body = json!({ "content": content }).to_string();
        call(token, "POST", &format!("{path}/confirm"), JSON, &body)
    };
    let other = "as:emergency_officer";
    // Each row: who confirms what, and what is said to that.
    let rows = [
        (confirm("token-1", &asked["content"]), 403, "a second person"),
        (
            with_token(confirm("", &asked["content"]), "alert"),
            403,
            "a second person",
        ),
        (confirm(other, &json!("07")), 422, "64 hexadecimal digits"),
        (confirm(other, &json!(null)), 422, "content"),
        (confirm(other, &asked["content"]), 200, "\"sessions\":[]"),
    ];
    for (request, status, says) in rows {
        let (found, text, _) = send(&app, request).await;
        assert_eq!(found.as_u16(), status, "{text}");
        assert!(text.contains(says), "{text}");
    }
    let (status, text, _) = send(&app, call(other, "DELETE", &path, "", "")).await;
    assert_eq!((status, text.as_str()), (StatusCode::NO_CONTENT, ""));
    let gone = "/api/v1/emergencies/waiting/77";
    let (status, text, _) = send(&app, call(other, "DELETE", gone, "", "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{text}");
    let told = changes(&station);
    let expected = [
        format!("{other} confirms 9 {}", "09".repeat(32)),
        format!("{other} withdraws 9"),
    ];
    assert_eq!(told[1..], expected);
}
