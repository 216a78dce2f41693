//! The library's pages, and the upload protocol as clients speak it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use calls::{FORM, app, by_people, call, get, post, send};
use memory::Memory;
use memory::library::{BYTES_MAX, SOUND};

/// A request of a tus client, with these headers and this body.
fn tus(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = call("token-1", method, path, "", body);
    request
        .headers_mut()
        .insert("tus-resumable", "1.0.0".parse().unwrap());
    for (name, value) in headers {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name} {}", BASE64.encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

const PATCH: (&str, &str) = ("content-type", "application/offset+octet-stream");

#[tokio::test]
async fn an_upload_goes_on_where_it_was() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let (status, _, answer) = send(&app, tus("OPTIONS", "/uploads", &[], "")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(text(answer.headers(), "tus-version"), "1.0.0");
    assert_eq!(
        text(answer.headers(), "tus-extension"),
        "creation,expiration,termination"
    );
    assert_eq!(text(answer.headers(), "tus-max-size"), BYTES_MAX.to_string());

    let said = metadata(&[
        ("filename", "Bản tin.mp3"),
        ("key", "k1"),
        ("zone", "xa-dong"),
        ("series", "Tin"),
        ("music", "1"),
    ]);
    let create = || {
        tus(
            "POST",
            "/uploads",
            &[("upload-length", "10"), ("upload-metadata", &said)],
            "",
        )
    };
    let (status, _, answer) = send(&app, create()).await;
    assert_eq!(status, StatusCode::CREATED);
    let place = text(answer.headers(), "location").to_owned();
    assert!(text(answer.headers(), "upload-expires").ends_with(" GMT"));
    let begun = &station.changes.lock().unwrap()[0].clone();
    for part in [
        "truc-ban",
        "\"Bản tin.mp3\"",
        "Some(ZoneId(2))",
        "Some(\"Tin\")",
        "music: true",
    ] {
        assert!(begun.contains(part), "{part}: {begun}");
    }

    let (status, _, answer) = send(
        &app,
        tus("PATCH", &place, &[PATCH, ("upload-offset", "0")], "1234"),
    )
    .await;
    assert_eq!(
        (status, text(answer.headers(), "upload-offset")),
        (StatusCode::NO_CONTENT, "4")
    );
    // The answer was lost: the client sends the same again, and learns where it is.
    let (status, body, _) = send(
        &app,
        tus("PATCH", &place, &[PATCH, ("upload-offset", "0")], "1234"),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.contains("\"say\":\"Đài đã có 4 byte"), "{body}");
    let (status, _, answer) = send(&app, tus("HEAD", &place, &[], "")).await;
    assert_eq!(
        (status, text(answer.headers(), "upload-offset")),
        (StatusCode::OK, "4")
    );
    assert_eq!(text(answer.headers(), "upload-length"), "10");
    assert_eq!(text(answer.headers(), "cache-control"), "no-store");
    // The page was opened again: the same key finds the same upload.
    let (status, _, answer) = send(&app, create()).await;
    assert_eq!(
        (status, text(answer.headers(), "location")),
        (StatusCode::CREATED, place.as_str())
    );
    assert_eq!(text(answer.headers(), "upload-offset"), "4");

    let rest = tus(
        "POST",
        &place,
        &[PATCH, ("upload-offset", "4"), ("x-http-method-override", "PATCH")],
        "567890",
    );
    assert_eq!(send(&app, rest).await.0, StatusCode::NO_CONTENT);
    let (_, list, _) = send(&app, get("/uploads")).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&list[0]["state"], &list[0]["title"]),
        (&"done".into(), &"Bản tin".into()),
        "{list}"
    );

    let (status, _, _) = send(&app, tus("DELETE", &place, &[], "")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _, _) = send(&app, tus("HEAD", &place, &[], "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// Each row: what is sent, what is answered, and a part of what people read.
#[tokio::test]
async fn what_is_not_taken_is_said_in_words() {
    let app = app(&Arc::new(Memory::new()));
    let named = metadata(&[("filename", "tin.mp3")]);
    let four_gb = "4294967296";
    let rows: [(Request<Body>, u16, &str); 9] = [
        (
            tus(
                "POST",
                "/uploads",
                &[("upload-length", four_gb), ("upload-metadata", &named)],
                "",
            ),
            413,
            "2000 MB",
        ),
        (
            tus(
                "POST",
                "/uploads",
                &[("upload-length", "0"), ("upload-metadata", &named)],
                "",
            ),
            400,
            "0 byte",
        ),
        (
            tus("POST", "/uploads", &[("upload-metadata", &named)], ""),
            400,
            "upload-length",
        ),
        (
            tus("POST", "/uploads", &[("upload-length", "-3")], ""),
            400,
            "upload-length",
        ),
        (
            tus(
                "POST",
                "/uploads",
                &[("upload-length", "3"), ("upload-metadata", "filename !!")],
                "",
            ),
            400,
            "Upload-Metadata",
        ),
        (
            tus(
                "POST",
                "/uploads",
                &[
                    ("upload-length", "3"),
                    ("upload-metadata", &metadata(&[("zone", "nowhere")])),
                ],
                "",
            ),
            404,
            "nowhere",
        ),
        (
            tus("PATCH", "/uploads/up-2", &[("upload-offset", "0")], "1"),
            400,
            "Content-Type",
        ),
        (
            tus("PATCH", "/uploads/nobody", &[PATCH, ("upload-offset", "0")], "1"),
            404,
            "upload",
        ),
        (call("token-1", "POST", "/uploads", "", ""), 412, "tus 1.0.0"),
    ];
    for (request, expected, said) in rows {
        let name = format!("{} {:?}", request.uri(), request.headers());
        let (status, body, answer) = send(&app, request).await;
        assert_eq!(status.as_u16(), expected, "{name}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(body["say"].as_str().unwrap().contains(said), "{name}: {body}");
        assert_eq!(text(answer.headers(), "tus-resumable"), "1.0.0");
    }
    let english = tus(
        "POST",
        "/uploads?lang=en",
        &[("upload-length", four_gb), ("upload-metadata", &named)],
        "",
    );
    let (_, body, _) = send(&app, english).await;
    assert!(body.contains("limit of 2000 MB"), "{body}");
    // A renamed executable arrives, and is refused by what it is.
    let said = metadata(&[("filename", "game.exe")]);
    let (_, _, answer) = send(
        &app,
        tus(
            "POST",
            "/uploads",
            &[("upload-length", "2"), ("upload-metadata", &said)],
            "",
        ),
    )
    .await;
    let place = text(answer.headers(), "location").to_owned();
    send(&app, tus("PATCH", &place, &[PATCH, ("upload-offset", "0")], "MZ")).await;
    for (lang, said) in [("vi", "Không phải tệp âm thanh"), ("en", "Not an audio file")] {
        let (_, list, _) = send(&app, get(&format!("/uploads?lang={lang}"))).await;
        let list: Value = serde_json::from_str(&list).unwrap();
        assert_eq!(list[0]["state"], "refused");
        assert!(list[0]["say"].as_str().unwrap().starts_with(said), "{list}");
    }
}

#[tokio::test]
async fn the_library_is_found_by_what_people_know_of_it() {
    let app = app(&Arc::new(Memory::new()));
    let all = [
        "Lũ về: việc cần làm",
        "Sức khỏe mùa mưa",
        "Thông báo họp dân",
        "Nhạc hiệu",
    ];
    let rows: [(&str, &[usize]); 8] = [
        ("", &[0, 1, 2, 3]),
        ("q=M%C6%AFA+m%C6%B0a", &[]),
        ("q=S%E1%BB%A8C+KH%E1%BB%8Ee", &[1]),
        ("state=rejected", &[2]),
        ("series=S%E1%BB%A9c+kh%E1%BB%8Fe", &[1]),
        ("language=t%C3%A0y", &[0]),
        ("state=draft&q=nh", &[3]),
        ("page=7", &[]),
    ];
    for (query, expected) in rows {
        let (status, page, _) = send(&app, get(&format!("/library?{query}"))).await;
        assert_eq!(status, StatusCode::OK, "{query}");
        let list = page.split("<p class=\"summary\">").nth(1).unwrap();
        for (number, title) in all.iter().enumerate() {
            assert_eq!(
                list.contains(&format!(">{title}")),
                expected.contains(&number),
                "{query}: {title}"
            );
        }
    }
    let (_, page, _) = send(&app, get("/library?lang=vi")).await;
    for part in [
        "−18,2 LUFS",
        "−1,0 dBTP",
        "“đọc lại tên thôn”",
        "1 tệp chờ bạn duyệt",
        "1 tệp của bạn bị trả lại",
        "nhỏ quá",
        "bản tiếng tày của “Tin mùa lũ”",
        // What is recorded in a browser is somebody's.
        "data-by=\"truc-ban\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_piece_is_decided_about_changed_and_cut() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let hash = "02".repeat(32);
    for lang in ["vi", "en"] {
        for other in ["01", "02", "05", "09"] {
            let path = format!("/library/{}?lang={lang}", other.repeat(32));
            let (status, page, _) = send(&app, get(&path)).await;
            assert_eq!(status, StatusCode::OK);
            assert!(
                !page.contains("Unknown localization") && !page.contains("style=\""),
                "{page}"
            );
        }
    }
    let rows = [
        ("title", "title=Tin+m%E1%BB%9Bi", "Title(\"Tin mới\")"),
        ("series", "series=", "Series(None)"),
        ("series", "series=Tin", "Series(Some(\"Tin\"))"),
        ("cut", "start=1.5&end=20&title=Tin", "Cut(1.5s, 20s, \"Tin\")"),
        ("cut", "start=-1&end=NaN&title=Tin", "Cut(0ns, 0ns, \"Tin\")"),
        ("decide", "state=approved&note=", "Decide(Approved, \"\")"),
        (
            "decide",
            "state=rejected&note=l%E1%BA%A1i",
            "Decide(Rejected, \"lại\")",
        ),
        ("submit", "state=submitted", "Decide(Submitted, \"\")"),
        ("remove", "", "Remove"),
    ];
    for (deed, body, noted) in rows {
        let (status, page, _) = send(&app, post(&format!("/library/{hash}/{deed}"), FORM, body)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{deed}: {page}");
        let changes = station.changes.lock().unwrap();
        assert_eq!(changes.last().unwrap(), &format!("truc-ban {noted} of 02"));
    }
    let refused = [
        ("title", "title=Nh%E1%BA%A1c+hi%E1%BB%87u", StatusCode::CONFLICT),
        // An author does not approve, and nobody makes up a state.
        ("submit", "state=approved", StatusCode::FORBIDDEN),
        ("decide", "state=draft", StatusCode::FORBIDDEN),
        ("decide", "state=perfect", StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (deed, body, expected) in refused {
        let (status, page, _) = send(&app, post(&format!("/library/{hash}/{deed}"), FORM, body)).await;
        assert_eq!(status, expected, "{deed} {body}: {page}");
    }
    for path in ["/library/zz", &format!("/library/{}", "77".repeat(32))] {
        assert_eq!(send(&app, get(path)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_piece_shows_its_versions_and_what_it_is_a_version_of() {
    let app = app(&Arc::new(Memory::new()));
    let address = |piece: &str| format!("/library/{}", piece.repeat(32));
    let (_, page, _) = send(&app, get(&format!("{}?lang=vi", address("02")))).await;
    for part in [
        "Các bản tiếng khác",
        ">Bản tin sức khỏe</h3>",
        "Phát ở: Xã Đông<",
        &format!("href=\"{}\">Nhạc hiệu</a>", address("09")),
        "<span>5:35</span>",
        // The villages hear what their commune is set to.
        "đặt ngôn ngữ này: Xã Đông, Thôn Đình, Thôn Bến Đò<",
        "<option value=\"mnong\">",
        &format!("<option value=\"{}\">", "01".repeat(32)),
        "nhập lại week.toml sẽ bị từ chối",
        &format!("action=\"{}/versions/remove\"", address("02")),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains(&format!("<option value=\"{}\">", "02".repeat(32))),
        "not itself"
    );
    let (_, page, _) = send(&app, get(&format!("{}?lang=vi", address("05")))).await;
    assert!(
        page.contains("chưa địa bàn nào bạn xem được đặt ngôn ngữ này"),
        "{page}"
    );
    assert!(page.contains("Chương trình này thuộc về trang này"), "{page}");
    let (_, page, _) = send(&app, get(&format!("{}?lang=vi", address("01")))).await;
    let of = format!(
        "bản tiếng tày của “Tin mùa lũ”: <a href=\"{}\">Nhạc hiệu</a>",
        address("09")
    );
    assert!(page.contains(&of), "{page}");

    // Whose eyes a piece is not for does not see its title there, and whoever may not edit there sees no form.
    let west = call(
        "as:editor@5",
        "GET",
        &format!("{}?lang=vi", address("09")),
        "",
        "",
    );
    let (_, page, _) = send(&app, west).await;
    assert!(
        page.contains("bản tiếng mnong của “Bản tin sức khỏe”</li>"),
        "{page}"
    );
    assert!(page.contains(&format!("href=\"{}\"", address("05"))), "{page}");
    assert!(!page.contains("/versions\""), "{page}");
}

#[tokio::test]
async fn a_version_is_set_and_taken_away_by_whoever_may() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let path = |piece: &str, deed: &str| format!("/library/{}/versions{deed}", piece.repeat(32));
    let (nine, two) = ("09".repeat(32), "02".repeat(32));
    let rows = [
        (
            "02",
            "",
            format!("programme=2&language=+ede+&piece={nine}"),
            "version ede of 2: Some(\"09\")",
        ),
        (
            "02",
            "/remove",
            "programme=2&language=mnong".to_owned(),
            "version mnong of 2: None",
        ),
        // What a file calls a language can be taken away, however it is written.
        (
            "09",
            "/remove",
            "programme=9&language=t%C3%A0y".to_owned(),
            "version tày of 9: None",
        ),
    ];
    for (piece, deed, body, noted) in rows {
        let (status, page, answer) = send(&app, post(&path(piece, deed), FORM, &body)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{body}: {page}");
        assert_eq!(
            text(answer.headers(), "location"),
            format!("/library/{}", piece.repeat(32))
        );
        let changes = station.changes.lock().unwrap();
        assert_eq!(changes.last().unwrap(), &format!("truc-ban {noted}"));
    }
    let before = station.changes.lock().unwrap().len();
    let refused = [
        (
            format!("programme=2&language=Ti%E1%BA%BFng+M%C6%A1&piece={nine}"),
            StatusCode::BAD_REQUEST,
            "“Tiếng Mơ”",
        ),
        (
            format!("programme=2&language=&piece={nine}"),
            StatusCode::BAD_REQUEST,
            "“”",
        ),
        // Another piece's programme, and none at all.
        (
            format!("programme=5&language=ede&piece={nine}"),
            StatusCode::NOT_FOUND,
            "không còn",
        ),
        (
            format!("programme=77&language=ede&piece={nine}"),
            StatusCode::NOT_FOUND,
            "không còn",
        ),
        (
            format!("programme=2&language=ede&piece={}", "77".repeat(32)),
            StatusCode::NOT_FOUND,
            "không còn tệp",
        ),
        (
            "programme=2&language=ede&piece=".to_owned(),
            StatusCode::NOT_FOUND,
            "không còn tệp",
        ),
    ];
    for (body, expected, said) in refused {
        let request = by_people(post(&path("02", ""), FORM, &body));
        let (status, page, _) = send(&app, request).await;
        assert_eq!(status, expected, "{body}: {page}");
        assert!(page.contains(said), "{body}: {page}");
    }
    let odd = format!("programme=two&language=ede&piece={nine}");
    let (status, _, _) = send(&app, post(&path("02", ""), FORM, &odd)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    // What sounds in an emergency is for those who may raise one.
    let body = format!("programme=9&language=ede&piece={two}");
    for (token, expected) in [
        ("as:editor", StatusCode::FORBIDDEN),
        ("as:editor+emergency_officer@2", StatusCode::FORBIDDEN),
        ("as:editor+emergency_officer", StatusCode::SEE_OTHER),
    ] {
        let (status, page, _) = send(&app, call(token, "POST", &path("09", ""), FORM, &body)).await;
        assert_eq!(status, expected, "{token}: {page}");
    }
    assert_eq!(station.changes.lock().unwrap().len(), before + 1);
}

#[tokio::test]
async fn a_piece_that_a_programme_needs_offers_no_removal() {
    let app = app(&Arc::new(Memory::new()));
    for (piece, offered) in [("01", false), ("02", true)] {
        let hash = piece.repeat(32);
        let (_, page, _) = send(&app, get(&format!("/library/{hash}"))).await;
        assert_eq!(
            page.contains(&format!("/library/{hash}/remove")),
            offered,
            "{piece}"
        );
        assert_eq!(page.contains("Đang được dùng: Tin mùa lũ."), !offered, "{piece}");
        let said = "lời báo động của mẫu tin khẩn cấp “Nước sông lên”";
        assert_eq!(page.contains(said), !offered, "{piece}");
    }
}

#[tokio::test]
async fn sound_comes_whole_or_in_the_part_that_is_asked_for() {
    let app = app(&Arc::new(Memory::new()));
    let path = format!("/library/{}/sound.opus", "01".repeat(32));
    let asked = |range: &str| {
        let mut request = get(&path);
        request
            .headers_mut()
            .insert(header::RANGE, range.parse().unwrap());
        request
    };
    let (status, body, answer) = send(&app, get(&path)).await;
    assert_eq!((status, body.len()), (StatusCode::OK, SOUND.len()));
    assert_eq!(text(answer.headers(), "accept-ranges"), "bytes");
    assert_eq!(text(answer.headers(), "content-type"), "audio/ogg");
    let (status, body, answer) = send(&app, asked("bytes=10-29")).await;
    assert_eq!((status, body.len()), (StatusCode::PARTIAL_CONTENT, 20));
    assert_eq!(text(answer.headers(), "content-range"), "bytes 10-29/100");
    assert_eq!(
        send(&app, asked("bytes=100-")).await.0,
        StatusCode::RANGE_NOT_SATISFIABLE
    );
    let (status, body, _) = send(&app, get(&format!("/library/{}/peaks", "01".repeat(32)))).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["per_s"]), (StatusCode::OK, &25.into()));
}

#[tokio::test]
async fn a_script_in_a_title_is_only_text() {
    let app = app(&Arc::new(Memory {
        hostile_title: true,
        ..Memory::new()
    }));
    for path in [
        "/library",
        &format!("/library/{}", "01".repeat(32)),
        "/library?q=%22%3E%3Cscript%3Ealert(1)",
    ] {
        let (status, page, _) = send(&app, get(path)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            !page.contains("<script>alert") && page.contains("&#60;script&#62;alert"),
            "{path}"
        );
    }
}
