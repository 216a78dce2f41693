//! Run-sheet lines as an iCalendar file, for the calendars people carry.

use std::time::Duration;

use chrono::DateTime;
use loa_model::WallTime;

/// One run-sheet line as a calendar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcalEvent {
    /// Names the line among all calendars of the world, and the same at every
    /// export: a calendar that reads the file again updates what has this name.
    pub uid: String,
    /// When it starts.
    pub start: WallTime,
    /// How long it sounds.
    pub duration: Duration,
    /// Name of the programme.
    pub title: String,
    /// Name of the zone; calendars show it as the place.
    pub zone: String,
    /// Anything more, in as many lines as it takes; left out if empty.
    pub description: String,
}

/// Writes an iCalendar file called `name` with one event for each line, in the order given.
///
/// Times are in UTC and in whole seconds: starts are rounded down and ends up, so
/// that nothing that sounds is left out. An event that lasts no time has no end.
/// Lines end in CRLF and hold at most 75 octets, folded between characters.
/// Control characters other than tabs and line ends are dropped from texts, as
/// the format has no way to write them.
///
/// `made_at` stamps every event: the file is the same whenever its inputs are.
///
/// Source: RFC 5545 §3.1 (lines), §3.3.5 (times), §3.3.11 (texts), §3.6.1 (events);
/// RFC 7986 §5.1 (`NAME`). `X-WR-CALNAME` says the same to the programs that
/// know only that older extension.
pub fn calendar(name: &str, lines: impl Iterator<Item = IcalEvent>, made_at: WallTime) -> String {
    let mut file = String::new();
    put(&mut file, "BEGIN", "VCALENDAR");
    put(&mut file, "VERSION", "2.0");
    put(&mut file, "PRODID", PRODUCT);
    put(&mut file, "CALSCALE", "GREGORIAN");
    put(&mut file, "NAME", &text(name));
    put(&mut file, "X-WR-CALNAME", &text(name));
    for event in lines {
        put_event(&mut file, &event, made_at);
    }
    put(&mut file, "END", "VCALENDAR");
    file
}

fn put_event(file: &mut String, event: &IcalEvent, made_at: WallTime) {
    put(file, "BEGIN", "VEVENT");
    put(file, "UID", &text(&event.uid));
    put(file, "DTSTAMP", &utc(floor_s(made_at)));
    put(file, "DTSTART", &utc(floor_s(event.start)));
    // DTEND has to be later than DTSTART (§3.8.2.2).
    if !event.duration.is_zero() {
        put(file, "DTEND", &utc(ceil_s(event.start + event.duration)));
    }
    put(file, "SUMMARY", &text(&event.title));
    put(file, "LOCATION", &text(&event.zone));
    if !event.description.is_empty() {
        put(file, "DESCRIPTION", &text(&event.description));
    }
    put(file, "END", "VEVENT");
}

/// Writes one content line, folded.
fn put(file: &mut String, property: &str, value: &str) {
    let mut octets = 0;
    for c in property.chars().chain([':']).chain(value.chars()) {
        if octets + c.len_utf8() > LINE_OCTETS_MAX {
            file.push_str("\r\n ");
            octets = 1;
        }
        file.push(c);
        octets += c.len_utf8();
    }
    file.push_str("\r\n");
}

/// Escapes a text value.
fn text(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let mut previous = None;
    for c in value.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            // CRLF is one line end.
            '\n' if previous == Some('\r') => {}
            '\n' | '\r' => escaped.push_str("\\n"),
            '\t' => escaped.push(c),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
        previous = Some(c);
    }
    escaped
}

/// Writes an instant in the form of §3.3.5 that ends in Z.
fn utc(unix_s: i64) -> String {
    let at = DateTime::from_timestamp_secs(unix_s).expect("nanoseconds since 1970 stay within 1677 to 2262");
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn floor_s(at: WallTime) -> i64 {
    at.as_unix_ns().div_euclid(NS_PER_S)
}

fn ceil_s(at: WallTime) -> i64 {
    floor_s(at) + i64::from(at.as_unix_ns().rem_euclid(NS_PER_S) > 0)
}

const PRODUCT: &str = "-//Loa//Run-sheet//EN";
/// Without the line end, with the space that begins a continuation (RFC 5545 §3.1).
const LINE_OCTETS_MAX: usize = 75;
const NS_PER_S: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(title: &str, start_ms: i64, duration_ms: u64) -> IcalEvent {
        IcalEvent {
            uid: "17-3-1796036400@loa".to_owned(),
            start: WallTime::from_unix_ns(start_ms * 1_000_000),
            duration: Duration::from_millis(duration_ms),
            title: title.to_owned(),
            zone: "Xã Đông".to_owned(),
            description: String::new(),
        }
    }

    fn of(event: IcalEvent) -> String {
        calendar(
            "Xã Đông",
            [event].into_iter(),
            WallTime::from_unix_s(1_796_000_000),
        )
    }

    #[test]
    fn writes_what_the_format_asks_for() {
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Loa//Run-sheet//EN\r\n\
            CALSCALE:GREGORIAN\r\nNAME:Xã Đông\r\nX-WR-CALNAME:Xã Đông\r\n\
            BEGIN:VEVENT\r\nUID:17-3-1796036400@loa\r\nDTSTAMP:20261130T005320Z\r\n\
            DTSTART:20261130T110000Z\r\nDTEND:20261130T113000Z\r\n\
            SUMMARY:Bản tin chiều\r\nLOCATION:Xã Đông\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(of(event("Bản tin chiều", 1_796_036_400_000, 1_800_000)), expected);
    }

    /// Each row: start and duration in ms, DTSTART and DTEND.
    #[test]
    fn times_are_whole_seconds_around_what_sounds() {
        let rows = [
            (0, 1_000, "19700101T000000Z", Some("19700101T000001Z")),
            (999, 1, "19700101T000000Z", Some("19700101T000001Z")),
            (999, 2, "19700101T000000Z", Some("19700101T000002Z")),
            (-1, 1, "19691231T235959Z", Some("19700101T000000Z")),
            (0, 0, "19700101T000000Z", None),
            (1, 0, "19700101T000000Z", None),
        ];
        for (start_ms, duration_ms, start, end) in rows {
            let file = of(event("x", start_ms, duration_ms));
            let value = |property: &str| file.lines().find_map(|line| line.strip_prefix(property));
            assert_eq!(value("DTSTART:"), Some(start), "{start_ms} {duration_ms}");
            assert_eq!(value("DTEND:"), end, "{start_ms} {duration_ms}");
        }
        let longest = IcalEvent {
            duration: Duration::MAX,
            ..event("x", 0, 0)
        };
        assert!(of(longest).contains("\r\nDTEND:22620411T234717Z\r\n"));
    }

    /// Each row: a text, as written.
    #[test]
    fn escapes_texts() {
        let rows = [
            ("Tin: lúa, ngô; khoai", r"Tin: lúa\, ngô\; khoai"),
            (r"C:\loa\n", r"C:\\loa\\n"),
            ("một\nhai\r\nba\rbốn\n\nnăm", r"một\nhai\nba\nbốn\n\nnăm"),
            ("a\tb\0c\u{1b}d\u{7f}e\u{85}f", "a\tbcdef"),
            ("\r\nEND:VCALENDAR", r"\nEND:VCALENDAR"),
            ("", ""),
        ];
        for (plain, written) in rows {
            assert_eq!(text(plain), written, "{plain:?}");
        }
    }

    #[test]
    fn folds_at_75_octets_between_characters() {
        // "SUMMARY:" is 8 octets, so 67 more fill a line, and 74 a continuation.
        let rows = [
            ("a".repeat(67), vec![75]),
            ("a".repeat(68), vec![75, 2]),
            ("a".repeat(67 + 74), vec![75, 75]),
            ("a".repeat(67 + 75), vec![75, 75, 2]),
            // Three octets each: 22 of them are 66, and the 23rd does not fit.
            ("ệ".repeat(23), vec![74, 4]),
            ("ệ".repeat(22 + 24 + 1), vec![74, 73, 4]),
            ("📢".repeat(17), vec![72, 5]),
        ];
        for (title, lengths) in rows {
            let file = of(event(&title, 0, 0));
            let from = file.find("SUMMARY:").unwrap();
            let to = file.find("\r\nLOCATION:").unwrap();
            let lines: Vec<&str> = file[from..to].split("\r\n").collect();
            let found: Vec<usize> = lines.iter().map(|line| line.len()).collect();
            assert_eq!(found, lengths, "{title}");
            let unfolded = file[from..to].replace("\r\n ", "");
            assert_eq!(unfolded, format!("SUMMARY:{title}"));
        }
    }
}
