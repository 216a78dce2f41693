//! What `calendar` writes, read by a parser that is not ours.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use chrono::DateTime;
use icalendar::{Calendar, CalendarDateTime, Component, DatePerhapsTime, Event, EventLike};
use loa_model::WallTime;
use loa_plan::{IcalEvent, calendar};

fn at(rfc3339: &str) -> WallTime {
    WallTime::from_unix_s(DateTime::parse_from_rfc3339(rfc3339).unwrap().timestamp())
}

fn events() -> Vec<IcalEvent> {
    let rows = [
        (
            "2026-12-01T05:00:00+07:00",
            1_500,
            "Bản tin sáng: nông vụ, thời tiết; giá cả",
            "Xã Đông",
            "Dòng 1\nDòng 2, có phẩy; chấm phẩy và \\ gạch chéo",
        ),
        (
            "2026-12-31T23:50:00+07:00",
            1_200,
            "Chương trình đặc biệt chào năm mới của Đài truyền thanh xã, tiếp âm Đài Tiếng nói Việt Nam, \
             cùng lời chúc của bà con các thôn và tổng kết phong trào thi đua trong năm",
            "Thôn Đình",
            "",
        ),
        (
            "2026-12-01T17:00:00+07:00",
            1,
            r"\n không phải là xuống dòng",
            "Xã Đông; thôn Đình",
            "📢 ".trim_end(),
        ),
    ];
    rows.iter()
        .enumerate()
        .map(|(n, (start, duration_s, title, zone, description))| IcalEvent {
            uid: format!("{n}-4@loa.example"),
            start: at(start),
            duration: Duration::from_secs(*duration_s),
            title: (*title).to_owned(),
            zone: (*zone).to_owned(),
            description: (*description).to_owned(),
        })
        .collect()
}

fn wall(time: Option<DatePerhapsTime>) -> WallTime {
    match time {
        Some(DatePerhapsTime::DateTime(CalendarDateTime::Utc(at))) => WallTime::from_unix_s(at.timestamp()),
        other => panic!("not a time in UTC: {other:?}"),
    }
}

fn read(event: &Event) -> IcalEvent {
    let start = wall(event.get_start());
    let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
    IcalEvent {
        uid: own(event.get_uid()),
        start,
        duration: wall(event.get_end()).since(start),
        title: own(event.get_summary()),
        zone: own(event.get_location()),
        description: own(event.get_description()),
    }
}

#[test]
fn an_independent_parser_reads_the_same_events() {
    let made_at = at("2026-11-30T01:02:03Z");
    // This parser unescapes the texts of events but not those of the calendar, so the name has none to unescape.
    let file = calendar("Lịch phát xã Đông", events().into_iter(), made_at);
    let parsed: Calendar = file.parse().unwrap();
    assert_eq!(parsed.get_name(), Some("Lịch phát xã Đông"));
    let found: Vec<&Event> = parsed.components.iter().filter_map(|c| c.as_event()).collect();
    let values: Vec<IcalEvent> = found.iter().map(|event| read(event)).collect();
    assert_eq!(values, events());
    for event in found {
        assert_eq!(
            event.get_timestamp().unwrap().timestamp(),
            made_at.as_unix_ms() / 1_000
        );
    }
}

#[test]
fn an_empty_day_is_a_calendar_without_events() {
    let file = calendar("Xã Đông", std::iter::empty(), WallTime::default());
    let parsed: Calendar = file.parse().unwrap();
    assert!(parsed.components.is_empty());
}
