//! The panel over a station in memory, without a port.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use futures_util::StreamExt as _;
use loa_model::{BulletinClass, Command};
use tower::ServiceExt as _;

use calls::{FORM, JSON, app, by_people, call, get, post, send, with_token};
use memory::Memory;

const PAGES: [&str; 4] = ["/", "/today?date=2026-12-04", "/receivers", "/as-run"];

#[tokio::test]
async fn everything_but_what_plain_players_and_receivers_need_asks_for_a_login() {
    let app = app(&Arc::new(Memory::new()));
    let open = [
        "/login",
        "/healthz",
        "/metrics",
        "/zones/tinh/loa.sdp",
        "/assets/style.css",
    ];
    for path in open {
        let (status, ..) = send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    let closed = [
        "/live/air",
        "/live/receivers",
        "/zones/tinh/listen.opus",
        "/api/v1/snapshot",
        "/api/v1/run-sheet",
        "/api/v1/receivers",
        "/api/v1/as-run",
    ];
    for path in PAGES.iter().chain(&closed) {
        let (status, ..) = send(&app, Request::get(*path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for (method, path) in [
        (Method::POST, "/overrides"),
        (Method::POST, "/overrides/1/stop"),
        (Method::POST, "/api/v1/overrides"),
        (Method::DELETE, "/api/v1/overrides/1"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        assert_eq!(send(&app, request).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let browser = Request::get("/")
        .header(header::ACCEPT, "text/html")
        .body(Body::empty())
        .unwrap();
    let (status, _, response) = send(&app, browser).await;
    assert_eq!(
        (status, response.headers()[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/login")
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_make_a_browser_careful() {
    let app = app(&Arc::new(Memory::new()));
    for path in PAGES.iter().chain(&[
        "/login",
        "/nowhere",
        "/assets/panel.js",
        "/api/v1/snapshot",
        "/healthz",
    ]) {
        let (.., response) = send(&app, get(path)).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'self';") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn pages_speak_both_languages_and_name_no_other_host() {
    let app = app(&Arc::new(Memory::new()));
    for path in PAGES {
        let (status, vi, _) = send(&app, get(path)).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let request = Request::get(path).header(header::COOKIE, "loa_login=token-1; loa_lang=en");
        let (_, en, _) = send(&app, request.body(Body::empty()).unwrap()).await;
        assert!(vi.contains("lang=\"vi\"") && vi.contains("Đăng xuất"), "{path}");
        assert!(en.contains("lang=\"en\"") && en.contains("Log out"), "{path}");
        for text in [&vi, &en] {
            assert!(!text.contains("Unknown localization"), "{path}");
            assert!(
                !text.contains("style=\"") && !text.contains("onclick"),
                "{path}: the policy forbids it"
            );
            let outside = text
                .split(['"', '\''])
                .filter(|part| part.starts_with("http") || part.starts_with("//"));
            assert_eq!(outside.count(), 0, "{path}");
        }
    }
}

#[tokio::test]
async fn a_script_in_a_title_is_only_text() {
    let station = Arc::new(Memory {
        hostile_title: true,
        ..Memory::new()
    });
    let app = app(&station);
    for path in PAGES {
        let (_, text, _) = send(&app, get(path)).await;
        assert!(!text.contains("<script>alert"), "{path}");
    }
    let (_, text, _) = send(&app, get("/")).await;
    assert!(text.contains("&#60;script&#62;alert"), "{text}");
}

#[tokio::test]
async fn a_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let app = app(&Arc::new(Memory::new()));
    let (status, _, response) = send(&app, post("/login", FORM, "name=truc-ban&password=right")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("loa_login=token-1;")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Strict")
    );
    for _ in 0..5 {
        let (status, text, _) = send(&app, post("/login", FORM, "name=truc-ban&password=wrong")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(text.contains("Sai tên đăng nhập"));
    }
    let (_, text, _) = send(&app, post("/login", FORM, "name=truc-ban&password=right")).await;
    assert!(
        text.contains("Thử quá nhiều lần"),
        "even the right password waits"
    );
}

#[tokio::test]
async fn a_post_from_another_site_is_refused() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let body = "zone=tinh&media=x&class=emergency&limit_min=5";
    let mut request = post("/overrides", FORM, body);
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(send(&app, request).await.0, StatusCode::FORBIDDEN);
    assert!(station.commands.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_override_becomes_one_command_by_the_user() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let media = "01".repeat(32);
    let body = format!("zone=xa-dong&media={media}&class=emergency&limit_min=5&chime=1");
    assert_eq!(
        send(&app, post("/overrides", FORM, &body)).await.0,
        StatusCode::SEE_OTHER
    );
    let json = format!("{{\"zone\":\"xa-dong\",\"media\":\"{media}\",\"class\":\"live\",\"limit_s\":60}}");
    let (status, text, _) = send(&app, post("/api/v1/overrides", JSON, &json)).await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::OK, "{\"session\":9,\"on_air\":true}")
    );
    let commands = station.commands.lock().unwrap();
    let told: Vec<_> = commands
        .iter()
        .map(|command| match command {
            Command::StartOverride {
                zone,
                class,
                chime,
                limit,
                by,
                ..
            } => (zone.0, *class, *chime, limit.as_secs(), by.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (2, BulletinClass::Emergency, true, 300, "truc-ban"),
            (2, BulletinClass::Live, false, 60, "truc-ban")
        ]
    );
}

/// Each row: who takes the air where, with which piece, and what comes of it: the western commune's is for its own
/// people, what was archived or rejected for nobody.
#[tokio::test]
async fn the_air_is_taken_with_what_is_for_ones_eyes_and_may_air() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let rows = [
        ("as:announcer@2", "xa-dong", "02", 200, ""),
        ("as:announcer@2", "xa-dong", "0b", 404, "there is no media"),
        ("as:announcer@5", "xa-tay", "0b", 200, ""),
        ("as:announcer@1", "tinh", "0b", 200, ""),
        (
            "as:announcer@2",
            "xa-dong",
            "0c",
            409,
            "is archived and does not air",
        ),
        ("as:announcer@5", "xa-tay", "0c", 404, "there is no media"),
        ("as:announcer", "tinh", "0d", 409, "is rejected and does not air"),
    ];
    let order = |zone: &str, piece: &str| {
        let media = piece.repeat(32);
        format!("{{\"zone\":\"{zone}\",\"media\":\"{media}\",\"class\":\"normal\",\"limit_s\":60}}")
    };
    for (who, zone, piece, expected, told) in rows {
        let request = call(who, "POST", "/api/v1/overrides", JSON, &order(zone, piece));
        let (status, text, _) = send(&app, request).await;
        assert_eq!(status.as_u16(), expected, "{who} {piece}: {text}");
        assert!(text.contains(told), "{who} {piece}: {text}");
    }
    assert_eq!(station.commands.lock().unwrap().len(), 3);
    // A program that only takes the air does so with what belongs there.
    for (token, expected) in [("announce@5", 200), ("announce@2", 404)] {
        let zone = if token.ends_with('5') { "xa-tay" } else { "xa-dong" };
        let request = with_token(
            call("", "POST", "/api/v1/overrides", JSON, &order(zone, "0b")),
            token,
        );
        assert_eq!(send(&app, request).await.0.as_u16(), expected, "{token}");
    }

    let both = "as:announcer@2+emergency_officer@2";
    for (who, shows_west) in [(both, false), ("as:announcer@5+emergency_officer@5", true)] {
        for path in ["/", "/api/v1/media", "/emergency/templates"] {
            let (status, text, _) = send(&app, call(who, "GET", path, "", "")).await;
            assert_eq!(status, StatusCode::OK, "{who} {path}");
            assert!(text.contains("Thông báo họp dân"), "{who} {path}: {text}");
            assert_eq!(
                text.contains("Việc riêng phía tây"),
                shows_west,
                "{who} {path}: {text}"
            );
            let refused = ["Bài đã cất", "Bài phải đọc lại"];
            assert!(
                refused.iter().all(|title| !text.contains(title)),
                "{who} {path}: {text}"
            );
        }
    }
    // A template is not written with what may not air either.
    for (piece, expected) in [("01", 303), ("0b", 404), ("0c", 409)] {
        let body = format!(
            "title=a&warning_text=b&retraction_text=c&zone=xa-dong&minutes=5&warning={}&retraction={}",
            piece.repeat(32),
            "02".repeat(32)
        );
        let (status, text, _) = send(&app, call(both, "POST", "/emergency/templates", FORM, &body)).await;
        assert_eq!(status.as_u16(), expected, "{piece}: {text}");
    }
}

/// Each row: what names the source, and what the command carries: the title, whether it is a studio, the address.
#[tokio::test]
async fn something_live_is_put_on_the_air_until_its_limit_and_its_password_is_not_shown() {
    let rows = [
        ("source=rtp://239.10.0.1:5004&title=+H%E1%BB%8Dp+", "Họp", true),
        ("source=line:hw:1,0&title=", "line:hw:1,0", true),
        (
            "source=https://an:bi-mat@radio.example/live?key=bi-mat",
            "https://radio.example/live",
            false,
        ),
    ];
    for (named, title, is_studio) in rows {
        let station = Arc::new(Memory::new());
        let body = format!(
            "zone=xa-dong&{}&class=live&limit_min=5",
            named.replace('?', "%3F").replace("key=", "key%3D")
        );
        let (status, text, _) = send(&app(&station), post("/overrides", FORM, &body)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
        let commands = station.commands.lock().unwrap();
        let Command::StartOverride {
            title: told,
            content: loa_model::Content::Relay(relay),
            limit,
            ..
        } = &commands[0]
        else {
            panic!("{commands:?}");
        };
        assert_eq!(
            (told.as_str(), relay.studio, limit.as_secs()),
            (title, is_studio, 300)
        );
        // The head-end keeps commands in the audit log by this.
        assert!(!format!("{commands:?}").contains("bi-mat"), "{commands:?}");
    }
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let media = "01".repeat(32);
    let refused = [
        (
            "source=htp://an:bi-mat@radio.example".to_owned(),
            "không phải địa chỉ của một nguồn",
        ),
        ("source=rtp://phong-thu:5004".to_owned(), "địa chỉ IP và một cổng"),
        ("source=line:file:'|reboot',raw".to_owned(), "card âm thanh"),
        ("title=x".to_owned(), "hoặc một nguồn"),
        (format!("media={media}&source=line:default"), "không phải cả hai"),
    ];
    for (named, expected) in refused {
        let body = format!("zone=xa-dong&{named}&class=live&limit_min=5");
        let (status, text, _) = send(&app, by_people(post("/overrides", FORM, &body))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{named}");
        assert!(
            text.contains(expected) && !text.contains("bi-mat"),
            "{named}: {text}"
        );
    }
    assert!(station.commands.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_air_says_who_sounds_and_how_loud_by_the_group_that_carries_it() {
    let response = app(&Arc::new(Memory::new()))
        .oneshot(get("/live/air?lang=vi"))
        .await
        .unwrap();
    let mut events = response.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("event: levels") {
        text += &String::from_utf8_lossy(&events.next().await.unwrap().unwrap());
    }
    assert!(
        text.contains("data: {\"tinh\":-18.2,\"xa-dong\":-11.6}"),
        "{text}"
    );
    // One of the two under the commune plays what is weaker; nothing is on the air in the other commune.
    assert!(text.contains("1/2 cụm loa đang phát đúng"), "{text}");
    assert!(text.contains("data-level=\"xa-dong\""), "{text}");
}

#[tokio::test]
async fn a_drill_on_the_air_says_so() {
    for drill in [false, true] {
        let station = Arc::new(Memory {
            drill,
            ..Memory::new()
        });
        let (_, text, _) = send(&app(&station), get("/?lang=vi")).await;
        assert_eq!(text.contains("DIỄN TẬP"), drill, "{text}");
        assert_eq!(text.contains("a-drill"), drill, "{text}");
    }
}

#[tokio::test]
async fn refusals_say_what_and_have_a_status() {
    let app = app(&Arc::new(Memory::new()));
    let media = "01".repeat(32);
    let start = |zone: &str, media: &str, limit| {
        format!("{{\"zone\":\"{zone}\",\"media\":\"{media}\",\"class\":\"live\",\"limit_s\":{limit}}}")
    };
    let rows = [
        (
            post("/api/v1/overrides", JSON, &start("nowhere", &media, 5)),
            StatusCode::NOT_FOUND,
            "zone \\\"nowhere\\\"",
        ),
        (
            post("/api/v1/overrides", JSON, &start("tinh", "zz", 5)),
            StatusCode::NOT_FOUND,
            "media \\\"zz\\\"",
        ),
        (
            post("/api/v1/overrides", JSON, &start("tinh", &media, 0)),
            StatusCode::BAD_REQUEST,
            "write 1 to 43200",
        ),
        (
            post("/overrides/404/stop", FORM, ""),
            StatusCode::NOT_FOUND,
            "is not on air and not waiting",
        ),
        (
            get("/api/v1/run-sheet?date=2020-01-01"),
            StatusCode::NOT_FOUND,
            "run-sheet for 2020-01-01",
        ),
        (get("/zones/nowhere/loa.sdp"), StatusCode::NOT_FOUND, "nowhere"),
        (
            get("/api/v1/as-run?zone=nowhere"),
            StatusCode::NOT_FOUND,
            "zone \\\"nowhere\\\"",
        ),
        (
            get("/api/v1/as-run?date=+262142-12-31"),
            StatusCode::BAD_REQUEST,
            "is no date",
        ),
        (
            get("/api/v1/run-sheet?date=2026-02-30"),
            StatusCode::BAD_REQUEST,
            "2026-02-30",
        ),
        (get("/nowhere"), StatusCode::NOT_FOUND, "nothing at this address"),
    ];
    for (request, status, expected) in rows {
        let name = request.uri().to_string();
        let (found, text, _) = send(&app, request).await;
        assert_eq!(found, status, "{name}");
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[tokio::test]
async fn reports_need_a_signature_and_no_login() {
    let app = app(&Arc::new(Memory::new()));
    let report = |signature: &str| {
        Request::post("/api/v1/reports")
            .header("loa-receiver", "pole")
            .header("loa-signature", signature)
            .body(Body::from("{}"))
            .unwrap()
    };
    assert_eq!(send(&app, report("sig")).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(&app, report("forged")).await.0, StatusCode::FORBIDDEN);
    let long = Request::post("/api/v1/reports")
        .body(Body::from(vec![0; 200_000]))
        .unwrap();
    assert_eq!(send(&app, long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn health_tells_when_the_station_is_off_the_air() {
    let well = app(&Arc::new(Memory::new()));
    assert_eq!(send(&well, get("/healthz")).await.0, StatusCode::OK);
    let ill = app(&Arc::new(Memory {
        healthy: false,
        ..Memory::new()
    }));
    let (status, text, _) = send(&ill, get("/healthz")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("the air thread has ended"));
    assert!(
        send(&ill, get("/")).await.1.contains("Luồng phát sóng đã dừng"),
        "people see it too, in their language"
    );
}

#[tokio::test]
async fn live_state_begins_with_the_whole_table() {
    let app = app(&Arc::new(Memory::new()));
    let response = app.oneshot(get("/live/air")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = response
        .into_body()
        .into_data_stream()
        .next()
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&first);
    assert!(
        text.starts_with("event: part\n") && text.contains("Cảnh báo lũ khẩn cấp"),
        "{text}"
    );
}

#[tokio::test]
async fn listening_gives_an_ogg_opus_stream() {
    let app = app(&Arc::new(Memory::new()));
    let response = app.oneshot(get("/zones/tinh/listen.opus")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "audio/ogg");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let mut pages = ogg::PacketReader::new(std::io::Cursor::new(body));
    let mut packets = Vec::new();
    while let Some(packet) = pages.read_packet().unwrap() {
        packets.push((packet.absgp_page(), packet.data));
    }
    assert!(packets[0].1.starts_with(b"OpusHead") && packets[1].1.starts_with(b"OpusTags"));
    // 400 ms of silence go before the three packets of the station.
    let granules: Vec<_> = packets[2..].iter().map(|(granule, _)| *granule).collect();
    let expected: Vec<_> = (1..=20 + 3).map(|i| i * 960).collect();
    assert_eq!(granules, expected);
    let sent = &packets[2 + 20..];
    assert!(sent.iter().all(|(_, data)| data == memory::PACKET));
}

#[tokio::test]
async fn a_browser_listens_to_the_same_as_webm() {
    let app = app(&Arc::new(Memory::new()));
    let response = app.oneshot(get("/zones/tinh/listen.webm")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "audio/webm");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert!(body.starts_with(b"\x1a\x45\xdf\xa3"));
    let count = |what: &[u8]| body.windows(what.len()).filter(|bytes| *bytes == what).count();
    assert_eq!(count(b"\x1f\x43\xb6\x75"), 20 + 3, "clusters");
    assert_eq!(count(memory::PACKET), 3);
}

#[tokio::test(start_paused = true)]
async fn a_silent_zone_is_filled_with_silence_as_time_passes() {
    let app = app(&Arc::new(Memory {
        silent: true,
        ..Memory::new()
    }));
    let began = tokio::time::Instant::now();
    let response = app.oneshot(get("/zones/tinh/listen.opus")).await.unwrap();
    let mut chunks = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    for _ in 0..=10 {
        bytes.extend(chunks.next().await.unwrap().unwrap());
    }
    assert_eq!(began.elapsed().as_millis(), 2_000);
    let mut pages = ogg::PacketReader::new(std::io::Cursor::new(bytes));
    let mut last = 0;
    while let Some(packet) = pages.read_packet().unwrap() {
        last = packet.absgp_page();
    }
    assert_eq!(last, 48_000 * 24 / 10, "two seconds, and what goes ahead");
}

#[tokio::test]
async fn people_are_told_what_went_wrong_on_a_page_in_their_language() {
    let app = app(&Arc::new(Memory::new()));
    let media = "01".repeat(32);
    let form = format!("zone=tinh&media={media}&class=live&limit_min=0");
    let rows = [
        (get("/nowhere"), 404, "Không có trang này"),
        (get("/nowhere?lang=en"), 404, "There is no such page"),
        (get("/today?date=hôm-kia"), 400, "không phải là ngày"),
        (get("/as-run?date=-262143-01-01"), 400, "không phải là ngày"),
        (get("/today?zone=nowhere"), 404, "Không có địa bàn “nowhere”"),
        (post("/overrides/404/stop", FORM, ""), 404, "đã kết thúc"),
        (post("/overrides", FORM, &form), 400, "1 đến 720 phút"),
        (post("/overrides", FORM, "zone=tinh"), 422, "không hiểu yêu cầu"),
        (post("/today", FORM, ""), 405, "Không có trang này"),
        (post("/overrides", FORM, &"x".repeat(200_000)), 413, "dài quá mức"),
    ];
    for (request, status, expected) in rows {
        let name = request.uri().to_string();
        let (found, text, response) = send(&app, by_people(request)).await;
        assert_eq!(found.as_u16(), status, "{name}");
        assert!(text.contains(expected), "{name}: {text}");
        assert!(
            text.contains("<!doctype html>") && text.contains("truc-ban"),
            "{name}"
        );
        assert!(
            response.headers().contains_key("content-security-policy"),
            "{name}"
        );
    }
    let mut foreign = by_people(post("/logout", FORM, ""));
    let headers = foreign.headers_mut();
    headers.insert(header::ORIGIN, "http://elsewhere.example".parse().unwrap());
    headers.insert(header::HOST, "loa.example".parse().unwrap());
    let (status, text, _) = send(&app, foreign).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("từ một trang khác"), "{text}");
}

#[tokio::test]
async fn a_form_sent_after_the_login_ended_leads_to_the_login() {
    let app = app(&Arc::new(Memory::new()));
    let mut request = by_people(post("/overrides/1/stop", FORM, ""));
    request.headers_mut().remove(header::COOKIE);
    let (status, _, response) = send(&app, request).await;
    assert_eq!(
        (status, response.headers()[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/login")
    );
}

#[tokio::test]
async fn the_language_of_the_address_is_kept() {
    let app = app(&Arc::new(Memory::new()));
    let (_, text, response) = send(&app, get("/today?date=2026-12-04&zone=xa-dong&lang=en")).await;
    assert!(
        text.contains("Friday, <time datetime=\"2026-12-04\">2026-12-04</time>"),
        "{text}"
    );
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("loa_lang=en;"), "{cookie}");
    let back = "/today?date=2026-12-04&#38;zone=xa-dong&#38;lang=vi";
    assert!(text.contains(back), "the same day and zone: {text}");
    let (.., response) = send(&app, get("/today")).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_zone_shows_what_is_heard_there() {
    let app = app(&Arc::new(Memory::new()));
    let on = |zone: &str| format!("/today?date=2026-12-04&zone={zone}");
    let [bulletin, commune, music] = ["Bản tin buổi sáng", "Chuyên mục của xã", "Ca nhạc buổi chiều"];
    let rows = [
        ("", [true, true, true]),
        ("tinh", [true, false, false]),
        ("thon-dinh", [true, true, false]),
        ("xa-tay", [true, false, true]),
    ];
    for (zone, expected) in rows {
        let (_, text, _) = send(&app, get(&on(zone))).await;
        let lines = text.split("<ol").nth(1).unwrap_or_default();
        // A line may name another one as its reason, in quotes.
        let found =
            [bulletin, commune, music].map(|title| lines.contains(&format!("class=\"title\">{title}")));
        assert_eq!(found, expected, "{zone}");
        let api = format!("/api/v1/run-sheet?date=2026-12-04&zone={zone}");
        let (_, json, _) = send(&app, get(&api)).await;
        let found = [bulletin, commune, music].map(|title| json.contains(title));
        assert_eq!(found, expected, "{zone}");
    }
    let (_, text, _) = send(&app, get("/as-run?zone=xa-tay")).await;
    assert!(
        text.contains("Ngày này không phát gì"),
        "all of it was sent to another commune"
    );
    let (_, text, _) = send(&app, get("/as-run?zone=xa-dong")).await;
    assert!(text.contains("bị “Cảnh báo lũ khẩn cấp” chen"), "{text}");
}

#[tokio::test]
async fn receivers_are_named_counted_and_kept_live() {
    let app = app(&Arc::new(Memory::new()));
    let response = app.oneshot(get("/live/receivers")).await.unwrap();
    let first = response
        .into_body()
        .into_data_stream()
        .next()
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&first);
    for expected in [
        "2 trên 4 cụm loa báo về",
        "Chưa từng báo về: xa-tay-2",
        "Không báo về từ 16:57:30",
        "giả mạo <strong>3</strong>",
        "no beacon from zone &#34;tinh&#34;",
        "phát theo lúc nhận",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn the_air_is_shown_while_the_library_does_not_answer() {
    let app = app(&Arc::new(Memory {
        library_lost: true,
        ..Memory::new()
    }));
    let (status, text, _) = send(&app, by_people(get("/"))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        text.contains("Cảnh báo lũ khẩn cấp") && text.contains("Thư viện không trả lời"),
        "{text}"
    );
    let json = format!(
        "{{\"zone\":\"tinh\",\"media\":\"{}\",\"class\":\"live\"}}",
        "01".repeat(32)
    );
    let (status, ..) = send(&app, post("/api/v1/overrides", JSON, &json)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn style_and_scripts_are_asked_for_again_but_sent_once() {
    let app = app(&Arc::new(Memory::new()));
    let (_, text, response) = send(&app, get("/assets/style.css")).await;
    assert!(text.len() > 1_000);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css");
    let tag = response.headers()[header::ETAG].clone();
    let mut again = get("/assets/style.css");
    again.headers_mut().insert(header::IF_NONE_MATCH, tag);
    let (status, text, _) = send(&app, again).await;
    assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn those_who_watch_are_bounded() {
    let app = app(&Arc::new(Memory::new()));
    let mut open = Vec::new();
    let refused = loop {
        let response = app.clone().oneshot(get("/live/air")).await.unwrap();
        if response.status() != StatusCode::OK {
            break response.status();
        }
        open.push(response);
        assert!(open.len() < 10_000);
    };
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    let response = app.clone().oneshot(get("/live/air")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "one left, one may come");
}

#[tokio::test(start_paused = true)]
async fn live_state_ends_with_the_login() {
    let station = Arc::new(Memory::new());
    let response = app(&station).oneshot(get("/live/air")).await.unwrap();
    let mut events = response.into_body().into_data_stream();
    assert!(events.next().await.is_some());
    station
        .logged_out
        .store(true, std::sync::atomic::Ordering::Relaxed);
    // What is left are the levels, which were drawn with the table, and comments that keep the connection open.
    let mut levels = 0;
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        levels += u32::from(event.starts_with(b"event: levels\n"));
        assert!(event.starts_with(b":") || levels == 1, "{event:?}");
    }
    assert_eq!(levels, 1);
}

#[tokio::test(start_paused = true)]
async fn listening_ends_with_the_login() {
    let station = Arc::new(Memory {
        silent: true,
        ..Memory::new()
    });
    let response = app(&station)
        .oneshot(get("/zones/tinh/listen.opus"))
        .await
        .unwrap();
    let mut chunks = response.into_body().into_data_stream();
    assert!(chunks.next().await.is_some());
    station
        .logged_out
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    while chunks.next().await.is_some() {
        assert!(began.elapsed().as_secs() < 60, "it goes on");
    }
}

#[tokio::test]
async fn a_backup_is_made_listed_and_taken_away_and_an_old_one_is_pointed_out() {
    let station = Arc::new(Memory::new());
    let panel = app(&station);
    let (status, text, _) = send(&panel, get("/backup?lang=vi")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("đã 10 ngày"), "{text}");
    assert!(
        text.contains("loa-2026-11-24-060000.db") && text.contains("48,3 MB"),
        "{text}"
    );
    let (status, ..) = send(&panel, post("/backup", FORM, "")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, text, response) = send(&panel, get("/backup/loa-2026-11-24-060000.db")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text, include_str!("../Cargo.toml"), "the file, whole");
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header(header::CONTENT_DISPOSITION),
        "attachment; filename=\"loa-2026-11-24-060000.db\""
    );
    assert_eq!(header(header::CACHE_CONTROL), "no-store");
    assert_eq!(
        *station.changes.lock().unwrap(),
        ["truc-ban made a backup", "truc-ban took loa-2026-11-24-060000.db"]
    );
    let busy = Arc::new(Memory {
        healthy: false,
        ..Memory::new()
    });
    let (status, text, _) = send(&app(&busy), by_people(post("/backup", FORM, ""))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text.contains("đang được tạo"), "{text}");
}

#[tokio::test]
async fn the_settings_say_every_key_in_plain_words_and_what_waits_for_a_restart() {
    let (status, text, _) = send(&app(&Arc::new(Memory::new())), get("/settings?lang=vi")).await;
    assert_eq!(status, StatusCode::OK);
    for said in [
        "/etc/loa/loa.toml",
        "AGPL-3.0-or-later",
        "[multicast]",
        "Nhóm multicast đầu tiên",
        "Trong tệp, chờ khởi động lại: Nhạc hiệu",
        "sai không quá 3,4 ms",
        "còn 182,0 GB trên 250,0 GB",
        "239.192.0.1:5004",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}
