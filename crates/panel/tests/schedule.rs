//! The pages about the schedule over a station in memory: nothing is saved before its consequence was shown.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod memory;

use std::sync::Arc;

use axum::http::{StatusCode, header};

use calls::{FORM, app, by_people, call, get, post, send};
use memory::Memory;
use memory::schedules::SEEN;

const SKIP: &str = "slot=2&date=2026-12-04&time=17:00&deed=skip&page=week&day=2026-11-30&zone=xa-dong";

#[tokio::test]
async fn something_new_is_offered_on_the_day_looked_at_and_never_on_one_that_is_over() {
    let app = app(&Arc::new(Memory::new()));
    for (looked_at, offered) in [
        ("", "2026-12-04"),
        ("2026-11-30", "2026-12-04"),
        ("2026-12-04", "2026-12-04"),
        ("2026-12-07", "2026-12-07"),
        ("x", "2026-12-04"),
    ] {
        let (status, text, _) = send(&app, get(&format!("/change?zone=xa-dong&day={looked_at}"))).await;
        assert_eq!(status, StatusCode::OK, "{looked_at}");
        let field = format!("name=\"to_date\" value=\"{offered}\"");
        assert!(text.contains(&field), "{looked_at}: {text}");
    }
}

#[tokio::test]
async fn a_change_shows_its_consequence_and_saves_only_what_was_seen() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let (status, form, _) = send(&app, get("/change?slot=2&date=2026-12-04&time=17:00")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        form.contains("week.toml") && !form.contains("class=\"save\""),
        "{form}"
    );

    let (status, text, _) = send(&app, get(&format!("/change?{SKIP}"))).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "trước: phát lệch giờ; nay: không phát",
        "bỏ trong ngày này",
        "class=\"line as-run foreseen class-normal worse\"",
        "name=\"seen\" value=\"seen\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(station.changes.lock().unwrap().is_empty());

    let (status, text, _) = send(
        &app,
        by_people(post("/change", FORM, &format!("{SKIP}&seen=old"))),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text.contains("người khác sửa"), "{text}");
    let (status, _, answer) = send(&app, post("/change", FORM, &format!("{SKIP}&seen={SEEN}"))).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let back = answer.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!(back, "/week?date=2026-11-30&zone=xa-dong&saved=2");
    let changes = station.changes.lock().unwrap().clone();
    assert!(
        changes.len() == 1 && changes[0].starts_with("truc-ban Change"),
        "{changes:?}"
    );

    let (_, text, _) = send(&app, get(back)).await;
    assert!(
        text.contains("action=\"/change/2/undo\"") && text.contains("17:22:30"),
        "{text}"
    );
    let (status, ..) = send(
        &app,
        post("/change/2/undo", FORM, "page=week&day=2026-11-30&zone=xa-dong"),
    )
    .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(station.changes.lock().unwrap()[1], "truc-ban undo 2");
}

#[tokio::test]
async fn what_cannot_be_saved_says_why_and_has_no_button() {
    let app = app(&Arc::new(Memory::new()));
    let change = "/change?slot=2&date=2026-12-04&time=17:00&deed=";
    let rows = [
        ("resize&minutes=90", StatusCode::OK, "Không lưu được"),
        (
            "move&to_date=2026-12-03&to_time=17:00",
            StatusCode::BAD_REQUEST,
            "đã qua",
        ),
        (
            "move&to_date=2026-12-04&to_time=25:00",
            StatusCode::BAD_REQUEST,
            "25:00",
        ),
        (
            "move&to_date=hôm+qua&to_time=5:00",
            StatusCode::BAD_REQUEST,
            "hôm qua",
        ),
        (
            "copy&to_date=2026-12-04&to_time=5:00&to_zone=nowhere",
            StatusCode::NOT_FOUND,
            "nowhere",
        ),
        ("resize&minutes=dài", StatusCode::BAD_REQUEST, "dài"),
        ("dance", StatusCode::BAD_REQUEST, "dance"),
    ];
    for (query, expected, told) in rows {
        let (status, text, _) = send(
            &app,
            get(&format!("{change}{query}")
                .replace("hôm", "h%C3%B4m")
                .replace("dài", "d%C3%A0i")),
        )
        .await;
        assert_eq!(status, expected, "{query}");
        assert!(
            text.contains(told) && !text.contains("class=\"save\""),
            "{query}: {text}"
        );
        assert!(
            text.contains("name=\"to_time\""),
            "the form is still there: {query}"
        );
    }
    for path in ["/change?slot=99&date=2026-12-04&time=17:00", "/change?slot=x"] {
        let (status, ..) = send(&app, get(path)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{path}");
    }
}

#[tokio::test]
async fn what_is_of_another_day_stands_with_its_date() {
    let app = app(&Arc::new(Memory::new()));
    let change = "/change?slot=2&date=2026-12-04&time=17:00&deed=move&to_date=2026-12-05&to_time=17:12";
    for (page, told) in [
        (change, "17:08:30 sang 05/12/2026 17:12:30"),
        ("/week?date=2026-12-04&zone=tinh&saved=5", "05/12/2026 17:12:30"),
        ("/as-run?date=2026-12-05", "04/12/2026 17:08:30"),
        ("/as-run?date=2026-12-05", "04/12/2026 17:11:00"),
    ] {
        let (status, text, _) = send(&app, get(page)).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(text.contains(told), "{page}: {text}");
    }
    let (_, text, _) = send(&app, get("/as-run?date=2026-12-04")).await;
    assert!(
        text.contains("17:08:30") && !text.contains("04/12/2026 17:08:30"),
        "{text}"
    );
}

/// Whoever may edit in a commune does not put an emergency there, nor change one, nor copy into another.
#[tokio::test]
async fn an_editor_neither_inserts_an_emergency_nor_copies_abroad() {
    let station = Arc::new(Memory::new());
    let app = app(&station);
    let editor = "as:editor@2";
    let insert = "deed=insert&to_zone=xa-dong&to_date=2026-12-04&to_time=18:00&minutes=5&seen=seen";
    for (body, expected) in [
        (format!("{insert}&programme=2"), StatusCode::FORBIDDEN),
        (format!("{insert}&programme=1"), StatusCode::SEE_OTHER),
        (
            "slot=2&date=2026-12-04&time=17:00&deed=copy&to_date=2026-12-04&to_time=18:00&to_zone=xa-tay&seen=seen".into(),
            StatusCode::FORBIDDEN,
        ),
        ("slot=1&date=2026-12-04&time=5:00&deed=skip&seen=seen".into(), StatusCode::FORBIDDEN),
    ] {
        let (status, text, _) = send(&app, call(editor, "POST", "/change", FORM, &body)).await;
        assert_eq!(status, expected, "{body}: {text}");
    }
    let both = "as:editor+emergency_officer@2";
    let copy = "deed=copy&to_date=2026-12-04&to_time=18:00";
    let abroad = format!("{copy}&to_zone=xa-tay");
    for (who, deed, expected) in [
        (
            editor,
            "deed=move&to_date=2026-12-04&to_time=18:00",
            StatusCode::FORBIDDEN,
        ),
        (editor, "deed=resize&minutes=5", StatusCode::FORBIDDEN),
        (editor, "deed=skip", StatusCode::FORBIDDEN),
        (editor, "deed=restore", StatusCode::FORBIDDEN),
        (editor, copy, StatusCode::FORBIDDEN),
        (both, "deed=skip", StatusCode::SEE_OTHER),
        (both, copy, StatusCode::SEE_OTHER),
        (both, abroad.as_str(), StatusCode::FORBIDDEN),
    ] {
        let body = format!("slot=6&date=2026-12-05&time=17:00&seen=seen&{deed}");
        let (status, text, _) = send(&app, call(who, "POST", "/change", FORM, &body)).await;
        assert_eq!(status, expected, "{who} {body}: {text}");
    }
    let back = "page=week&day=2026-12-05";
    for (who, expected, shown) in [
        (editor, StatusCode::FORBIDDEN, false),
        (both, StatusCode::SEE_OTHER, true),
    ] {
        let (status, ..) = send(&app, call(who, "POST", "/change/6/undo", FORM, back)).await;
        assert_eq!(status, expected, "{who}");
        let page = "/week?date=2026-12-04&zone=xa-dong&saved=6";
        let (_, text, _) = send(&app, call(who, "GET", page, "", "")).await;
        assert_eq!(text.contains("/change/6/undo"), shown, "{who}: {text}");
    }
    let (_, text, _) = send(&app, call(editor, "GET", "/change?zone=xa-dong", "", "")).await;
    assert!(
        text.contains("Thông báo họp dân") && !text.contains("Cảnh báo lũ"),
        "{text}"
    );
    let (_, text, _) = send(&app, call(editor, "GET", "/today?date=2026-12-04", "", "")).await;
    assert!(
        text.contains("/change?slot=2&#38;date=2026-12-04")
            || text.contains("/change?slot=2&amp;date=2026-12-04"),
        "{text}"
    );
    assert!(
        !text.contains("/change?slot=3"),
        "the district's is not theirs: {text}"
    );
    let (_, text, _) = send(&app, call("as:viewer@2", "GET", "/today?date=2026-12-04", "", "")).await;
    assert!(!text.contains("/change?"), "{text}");
}

#[tokio::test]
async fn the_week_draws_every_line_where_it_is_and_lists_it() {
    let app = app(&Arc::new(Memory::new()));
    let (status, text, _) = send(&app, get("/week?date=2026-12-02&zone=tinh")).await;
    assert_eq!(status, StatusCode::OK);
    // Monday to Sunday; three zones have something, two have not.
    for expected in [
        "30/11/2026 – 06/12/2026",
        "Thôn Đình, Thôn Bến Đò",
        "data-zone=\"xa-tay\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(text.matches("<svg class=\"lanes\"").count(), 3, "{text}");
    // 17:08:30, 15 min, and off the air for ten of them.
    assert!(
        text.contains("data-start=\"61710\" data-length=\"900\""),
        "{text}"
    );
    assert_eq!(text.matches("<rect class=\"off\"").count(), 1);
    assert!(text.contains("nhường #3"), "{text}");
    let (_, text, _) = send(&app, get("/week?date=2026-12-02&zone=thon-dinh")).await;
    assert!(
        text.contains("Tỉnh Sông Mây <small>") && text.contains("Xã Đông <small>"),
        "{text}"
    );
    assert!(!text.contains("data-zone=\"xa-tay\""));
}

#[tokio::test]
async fn the_log_is_searched_and_given_as_a_table() {
    let hostile = Arc::new(Memory {
        hostile_title: true,
        ..Memory::new()
    });
    let app = app(&hostile);
    let shown = async |query: &str| {
        let (_, text, _) = send(&app, get(&format!("/as-run?date=2026-12-04&{query}"))).await;
        text.matches("<li class=\"line as-run").count()
    };
    for (query, lines) in [
        ("", 3),
        ("q=l%C5%A8", 1),
        ("q=TRUC-ban", 1),
        ("class=normal", 1),
        ("class=emergency", 1),
        ("ended=now", 1),
        ("ended=never", 1),
        ("ended=cut", 1),
        ("ended=well", 0),
        ("zone=xa-tay", 0),
    ] {
        assert_eq!(shown(query).await, lines, "{query}");
    }
    let (status, text, answer) = send(&app, get("/as-run.csv?date=2026-12-04&lang=en")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "\u{feff}Day,Began,Ended at,Seconds,Zone,Programme,Part,Class,Put on by,Ended"
    );
    assert_eq!(
        lines[2],
        "2026-12-04,17:08:30,2026-12-04 17:11:00,150,Xã Đông,<script>alert(1)</script>,2,Normal,,pre-empted by “Cảnh báo lũ khẩn cấp”"
    );
    assert_eq!(lines.len(), 5, "{text}");
    let (status, text, _) = send(&app, get("/as-run?from=2026-01-01&to=2026-12-31")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
}

#[tokio::test]
async fn receivers_are_found_by_trouble_and_drawn_where_they_stand() {
    let app = app(&Arc::new(Memory::new()));
    let codes = async |query: &str| {
        let (_, text, _) = send(&app, get(&format!("/receivers?{query}"))).await;
        let rows = text.split("<li class=\"receiver").skip(1);
        let code = |row: &str| {
            row.split("<strong>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap()
                .to_owned()
        };
        (
            rows.map(code).collect::<Vec<_>>().join(" "),
            text.matches("<circle").count(),
        )
    };
    for (query, expected, dots) in [
        ("", "thon-dinh-1 thon-ben-1 xa-tay-1 xa-tay-2", 3),
        ("trouble=1", "thon-ben-1 xa-tay-1 xa-tay-2", 2),
        ("zone=xa-dong", "thon-dinh-1 thon-ben-1", 2),
        ("q=B%E1%BA%BFn", "thon-ben-1", 1),
        ("q=nowhere", "", 0),
    ] {
        assert_eq!(codes(query).await, (expected.to_owned(), dots), "{query}");
    }
    let (_, text, _) = send(&app, get("/receivers")).await;
    assert!(
        text.contains("1 cụm chưa có tọa độ") && text.contains("Bản tin buổi sáng · 15:00"),
        "{text}"
    );
    assert!(text.contains("data-live=\"/live/receivers?lang=vi\""), "{text}");
}

#[tokio::test]
async fn a_rehearsal_tells_what_to_look_at_and_what_to_do() {
    let app = app(&Arc::new(Memory::new()));
    let (status, text, _) = send(&app, get("/rehearsal?date=2026-12-04&zone=xa-tay")).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "4 lượt phát, 1 điều cần xem",
        "#1 05:00:00 (Xã Tây)",
        "dời cho sát nhau",
        "+ #3 17:10:00",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
