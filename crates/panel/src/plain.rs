//! Times and reasons in words.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Weekday};
use chrono_tz::Tz;
use loa_model::{
    ApprovalState, BulletinClass, EndReason, LineName, MakesRoom, PreEmption, Reason, Role, RunSheet,
    SessionId, TieRule, Verdict, WallTime, ZoneId, ZoneTree,
};

use crate::lang::Lang;

/// Returns what clocks on the wall show, with the date if it is another day's.
pub(crate) fn day_and_clock(at: WallTime, now: WallTime, tz: Tz, lang: Lang) -> String {
    clock_on(at, date(now, tz), tz, lang)
}

/// Returns what clocks on the wall show, with the date if it is not this one.
pub(crate) fn clock_on(at: WallTime, day: NaiveDate, tz: Tz, lang: Lang) -> String {
    if date(at, tz) == day {
        return clock(at, tz);
    }
    format!("{} {}", calendar(date(at, tz), lang), clock(at, tz))
}

/// Returns a date as people write it.
pub(crate) fn calendar(date: NaiveDate, lang: Lang) -> String {
    let part = |format| date.format(format).to_string();
    let (day, month, year) = (part("%d"), part("%m"), part("%Y"));
    lang.say_with("date", &[("day", &day), ("month", &month), ("year", &year)])
}

/// Returns the day of the week.
pub(crate) fn weekday(date: NaiveDate, lang: Lang) -> String {
    lang.say(match date.weekday() {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    })
}

/// Returns what a receiver counts, in words if it is known.
pub(crate) fn count_name(name: &str, lang: Lang) -> String {
    let key = format!("count-{}", name.replace('_', "-"));
    lang.try_say(&key).unwrap_or_else(|| name.replace('_', " "))
}

/// Returns what clocks on the wall show.
pub(crate) fn clock(at: WallTime, tz: Tz) -> String {
    local(at, tz).format("%H:%M:%S").to_string()
}

/// Returns the local date.
pub(crate) fn date(at: WallTime, tz: Tz) -> NaiveDate {
    local(at, tz).date_naive()
}

/// Returns an instant in local time.
pub(crate) fn local(at: WallTime, tz: Tz) -> DateTime<Tz> {
    DateTime::from_timestamp_nanos(at.as_unix_ns()).with_timezone(&tz)
}

/// Returns a length as `m:ss` or `h:mm:ss`.
pub(crate) fn length(span: Duration) -> String {
    let s = (span + Duration::from_millis(500)).as_secs();
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    if h > 0 {
        format!("{h}:{m:02}:{s:02}")
    } else {
        format!("{m}:{s:02}")
    }
}

/// Returns a number with one digit behind the point, as the language writes it.
pub(crate) fn decimal(number: f64, lang: Lang) -> String {
    let text = format!("{number:.1}").replace('-', "−");
    match lang {
        Lang::Vi => text.replace('.', ","),
        Lang::En => text,
    }
}

/// Escapes all but what RFC 3986 §2.3 leaves alone, for an address.
pub(crate) fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}

/// Returns the name of a role.
pub(crate) fn role_name(role: Role, lang: Lang) -> String {
    lang.say(match role {
        Role::Viewer => "role-viewer",
        Role::Editor => "role-editor",
        Role::Approver => "role-approver",
        Role::Announcer => "role-announcer",
        Role::EmergencyOfficer => "role-emergency-officer",
        Role::Administrator => "role-administrator",
    })
}

/// Returns what somebody did, in words if they are known.
pub(crate) fn deed(action: &str, lang: Lang) -> String {
    let key = format!("deed-{}", action.replace([' ', '_'], "-"));
    lang.try_say(&key).unwrap_or_else(|| action.to_owned())
}

/// Returns what the audit log says of before and after: roles and states in words, anything else as it stands there.
pub(crate) fn before_or_after(text: &str, lang: Lang) -> String {
    let word = |word: &str| {
        let (role, zone) = word.split_once('@').unwrap_or((word, ""));
        match role.parse() {
            Ok(role) if zone.is_empty() => Some(role_name(role, lang)),
            Ok(role) => Some(format!("{} ({zone})", role_name(role, lang))),
            Err(_) => lang.try_say(&format!("state-{}", word.replace('_', "-"))),
        }
    };
    let words: Option<Vec<_>> = text.split(' ').map(word).collect();
    words.map_or_else(|| text.to_owned(), |words| words.join(", "))
}

/// Returns what people call a browser that says such a thing of itself; what is not known is shown as it is.
pub(crate) fn browser(says: &str) -> String {
    // Each pretends to be the next.
    let names = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = ["Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux"];
    let name = names
        .iter()
        .find(|(mark, _)| says.contains(mark))
        .map(|(_, name)| *name);
    let system = systems.iter().find(|system| says.contains(**system));
    match (name, system) {
        (Some(name), Some(system)) => format!("{name}, {system}"),
        _ => says.to_owned(),
    }
}

/// Returns the name of a class.
pub(crate) fn class(class: BulletinClass, lang: Lang) -> String {
    lang.say(match class {
        BulletinClass::Background => "class-background",
        BulletinClass::Normal => "class-normal",
        BulletinClass::Priority => "class-priority",
        BulletinClass::Live => "class-live",
        BulletinClass::Emergency => "class-emergency",
    })
}

/// Returns what is expected of a line.
pub(crate) fn verdict(verdict: Verdict, lang: Lang) -> String {
    lang.say(match verdict {
        Verdict::Airs => "verdict-airs",
        Verdict::Shifts => "verdict-shifts",
        Verdict::Dropped => "verdict-dropped",
    })
}

/// Returns why something ended; `title` knows the names of sessions that may have taken its air.
pub(crate) fn end_reason(
    reason: &EndReason,
    title: impl Fn(SessionId) -> Option<String>,
    lang: Lang,
) -> String {
    match reason {
        EndReason::Completed => lang.say("end-completed"),
        EndReason::TimeLimit => lang.say("end-time-limit"),
        EndReason::PreEmpted { by } => match title(*by) {
            Some(title) => lang.say_with("end-pre-empted-by", &[("title", &title)]),
            None => lang.say("end-pre-empted"),
        },
        EndReason::Stopped { by } => lang.say_with("end-stopped", &[("by", by)]),
        EndReason::Refused { why } => lang.say_with("end-refused", &[("why", why)]),
        EndReason::SpeakerLost { why } => lang.say_with("end-speaker-lost", &[("why", why)]),
        EndReason::Missed => lang.say("end-missed"),
        EndReason::GaveUp => lang.say("end-gave-up"),
        EndReason::QuietHours => lang.say("end-quiet-hours"),
        EndReason::MinutesSpent => lang.say("end-minutes-spent"),
        EndReason::SourceFailed { what } => lang.say_with("end-source-failed", &[("what", what)]),
        EndReason::SourceBack => lang.say("end-source-back"),
        EndReason::Unplanned => lang.say("end-unplanned"),
        EndReason::HeadEndStopped => lang.say("end-head-end-stopped"),
        EndReason::HeadEndLost => lang.say("end-head-end-lost"),
        EndReason::Fault { what } => lang.say_with("end-fault", &[("what", what)]),
        other => other.code().to_owned(),
    }
}

/// Returns why a line of the run-sheet stands as it does.
pub(crate) fn reason(reason: &Reason, sheet: &RunSheet, zones: &ZoneTree, tz: Tz, lang: Lang) -> String {
    let title = |number: u32| sheet.line(number).map_or("", |line| line.title.as_str());
    let about = |key: &str, name: &LineName, more: &[(&'static str, &str)]| {
        let (number, title) = match name {
            LineName::Here(line) => (line.to_string(), title(*line).to_owned()),
            LineName::On { date, line, title } => {
                let date = calendar(*date, lang);
                let title = lang.say_with("title-of-date", &[("title", title), ("date", &date)]);
                (line.to_string(), title)
            }
        };
        let mut values = vec![("line", number.as_str()), ("title", title.as_str())];
        values.extend_from_slice(more);
        lang.say_with(key, &values)
    };
    match reason {
        Reason::Scheduled { rule } => lang.say_with("reason-scheduled", &[("rule", rule)]),
        Reason::CutAtLimit { length: whole, limit } => {
            let (whole, limit) = (length(*whole), length(*limit));
            lang.say_with("reason-cut", &[("length", &whole), ("limit", &limit)])
        }
        Reason::Outranks { line, rule } => about("reason-outranks", line, &[("why", &tie(*rule, lang))]),
        Reason::YieldsTo { line, rule, then } => {
            let then = lang.say(match then {
                PreEmption::Resume => "then-resume",
                PreEmption::Rejoin => "then-rejoin",
                PreEmption::Duck => "then-duck",
                PreEmption::Drop => "then-drop",
            });
            about(
                "reason-yields",
                line,
                &[("why", &tie(*rule, lang)), ("then", &then)],
            )
        }
        Reason::OffAir { from, back, .. } => {
            let from = clock(*from, tz);
            match back.map(|back| clock(back, tz)) {
                Some(back) => lang.say_with("reason-off-air", &[("from", &from), ("back", &back)]),
                None => lang.say_with("reason-off-air-for-good", &[("from", &from)]),
            }
        }
        Reason::CededIn { zone, line, rule } => {
            let zone = zones.get(*zone).map_or("", |zone| zone.name.as_str());
            about(
                "reason-ceded",
                line,
                &[("why", &tie(*rule, lang)), ("zone", zone)],
            )
        }
        Reason::MediaMissing => lang.say("reason-media-missing"),
        Reason::Cancelled { note } if note.is_empty() => lang.say("reason-cancelled"),
        Reason::Cancelled { note } => lang.say_with("reason-cancelled-because", &[("note", note)]),
        other => change_of_day(other, sheet, zones, tz, lang),
    }
}

/// Returns what a date, a profile, a special, quiet hours or an approval made of a line.
fn change_of_day(reason: &Reason, sheet: &RunSheet, zones: &ZoneTree, tz: Tz, lang: Lang) -> String {
    let noted = |key: &str, values: &[(&'static str, &str)], note: &str| {
        let text = lang.say_with(key, values);
        if note.is_empty() {
            text
        } else {
            format!("{text}: {note}")
        }
    };
    let zone_name = |zone: ZoneId| zones.get(zone).map_or("", |zone| zone.name.as_str());
    match reason {
        Reason::Moved { from, note } => {
            let from = clock_on(*from, sheet.date, tz, lang);
            noted("reason-moved", &[("from", &from)], note)
        }
        Reason::MovedTo { to, note } => {
            let to = clock_on(*to, sheet.date, tz, lang);
            noted("reason-moved-to", &[("to", &to)], note)
        }
        Reason::Replaced { programme, note } => noted("reason-replaced", &[("programme", programme)], note),
        Reason::Trimmed { limit, note } => noted("reason-trimmed", &[("limit", &length(*limit))], note),
        Reason::Muted { profile } => lang.say_with("reason-muted", &[("profile", profile)]),
        Reason::ReplacedOn { profile, programme } => lang.say_with(
            "reason-replaced-on",
            &[("profile", profile), ("programme", programme)],
        ),
        Reason::AddedOn { profile } => lang.say_with("reason-added-on", &[("profile", profile)]),
        Reason::MakesRoom { line, how, planned } => {
            let key = match how {
                MakesRoom::Trim => "reason-makes-room-trim",
                MakesRoom::Skip => "reason-makes-room-skip",
                MakesRoom::Move => "reason-makes-room-move",
            };
            let title = sheet.line(*line).map_or("", |line| line.title.as_str());
            let (line, planned) = (line.to_string(), clock(*planned, tz));
            lang.say_with(key, &[("line", &line), ("title", title), ("planned", &planned)])
        }
        Reason::QuietHours { zone, until, .. } => {
            let zone = zone_name(*zone);
            match until.map(|until| clock(until, tz)) {
                Some(until) => lang.say_with("reason-quiet-until", &[("zone", zone), ("until", &until)]),
                None => lang.say_with("reason-quiet", &[("zone", zone)]),
            }
        }
        Reason::QuietFrom { zone, from } => {
            let from = clock(*from, tz);
            lang.say_with(
                "reason-quiet-from",
                &[("zone", zone_name(*zone)), ("from", &from)],
            )
        }
        Reason::MinutesSpent { zone, minutes } => {
            let minutes = minutes.to_string();
            lang.say_with(
                "reason-minutes-spent",
                &[("zone", zone_name(*zone)), ("minutes", &minutes)],
            )
        }
        Reason::SilentIn { zone } => lang.say_with("reason-silent-in", &[("zone", zone_name(*zone))]),
        Reason::NotApproved { what, state } => {
            let state = state_name(*state, lang);
            lang.say_with("reason-not-approved", &[("what", what), ("state", &state)])
        }
        Reason::Episode { series, again: false } => lang.say_with("reason-episode", &[("series", series)]),
        Reason::Episode { series, again: true } => {
            lang.say_with("reason-episode-again", &[("series", series)])
        }
        Reason::NoEpisode { series } => lang.say_with("reason-no-episode", &[("series", series)]),
        Reason::Language { language } => lang.say_with("reason-language", &[("language", language)]),
        Reason::Overruns { limit } => lang.say_with("reason-overruns", &[("limit", &length(*limit))]),
        // The model may grow before the words do; the code's own name is better than nothing.
        other => format!("{other:?}"),
    }
}

/// Returns how far something is on its way to the air.
pub(crate) fn state_name(state: ApprovalState, lang: Lang) -> String {
    lang.say(match state {
        ApprovalState::Draft => "approval-draft",
        ApprovalState::Submitted => "approval-submitted",
        ApprovalState::Approved => "approval-approved",
        ApprovalState::Rejected => "approval-rejected",
        ApprovalState::Archived => "approval-archived",
    })
}

fn tie(rule: TieRule, lang: Lang) -> String {
    lang.say(match rule {
        TieRule::Class => "tie-class",
        TieRule::Authority => "tie-authority",
        TieRule::Order => "tie-order",
        TieRule::FirstCome => "tie-first-come",
        TieRule::Newest => "tie-newest",
    })
}

#[cfg(test)]
mod tests {
    use loa_model::{
        Channel, Chime, Content, ContentHash, ORDER_DEFAULT, OccurrenceId, RunSheetLine, SlotId, Zone,
        ZoneId, ZoneSettings,
    };

    use super::*;

    #[test]
    fn times_and_lengths_read_as_people_write_them() {
        let (at, tz) = (WallTime::from_unix_s(1_800_000_000), Tz::Asia__Ho_Chi_Minh);
        assert_eq!(clock(at, tz), "15:00:00");
        assert_eq!(day_and_clock(at, at, tz, Lang::Vi), "15:00:00");
        let tomorrow = at + Duration::from_secs(86_400);
        assert_eq!(day_and_clock(at, tomorrow, tz, Lang::Vi), "15/01/2027 15:00:00");
        assert_eq!(day_and_clock(at, tomorrow, tz, Lang::En), "2027-01-15 15:00:00");
        assert_eq!(weekday(date(at, tz), Lang::Vi), "Thứ Sáu");
        let rows = [
            (0, "0:00"),
            (59_600, "1:00"),
            (61_000, "1:01"),
            (3_600_000, "1:00:00"),
        ];
        for (ms, text) in rows {
            assert_eq!(length(Duration::from_millis(ms)), text);
        }
    }

    /// Each row: a reason, and what people read in English.
    #[test]
    fn reasons_are_sentences() {
        let (at, rule) = (WallTime::from_unix_s(1_800_000_000), TieRule::Class);
        let s = Duration::from_secs;
        let then = PreEmption::Rejoin;
        let (line, zone) = (LineName::Here(3), ZoneId(1));
        let eve = LineName::On {
            date: NaiveDate::from_ymd_opt(2027, 1, 14).unwrap(),
            line: 9,
            title: "Late music".into(),
        };
        let rows = [
            (
                Reason::Scheduled {
                    rule: "0 5 * * *".into(),
                },
                "scheduled: 0 5 * * *",
            ),
            (
                Reason::CutAtLimit {
                    length: s(900),
                    limit: s(600),
                },
                "15:00 long, the slot allows 10:00: fades there",
            ),
            (
                Reason::Outranks {
                    line: line.clone(),
                    rule,
                },
                "goes before #3 “Flood” (stronger class)",
            ),
            (
                Reason::YieldsTo {
                    line: line.clone(),
                    rule,
                    then,
                },
                "yields to #3 “Flood” (stronger class), then rejoins in mid-programme",
            ),
            (
                Reason::YieldsTo {
                    line: eve,
                    rule,
                    then,
                },
                "yields to #9 “Late music, 2027-01-14” (stronger class), then rejoins in mid-programme",
            ),
            (
                Reason::OffAir {
                    from: at,
                    back: Some(at + s(60)),
                    offset: s(0),
                },
                "off the air from 15:00:00 to 15:01:00",
            ),
            (
                Reason::OffAir {
                    from: at,
                    back: None,
                    offset: s(0),
                },
                "off the air from 15:00:00, for good",
            ),
            (
                Reason::CededIn { zone, line, rule },
                "in Village, #3 “Flood” is heard instead (stronger class)",
            ),
            (Reason::MediaMissing, "the library does not hold its file"),
            (Reason::Cancelled { note: String::new() }, "cancelled on this day"),
            (
                Reason::Moved {
                    from: at,
                    note: String::new(),
                },
                "moved here from 15:00:00",
            ),
            (
                Reason::Moved {
                    from: at - s(86_400),
                    note: String::new(),
                },
                "moved here from 2027-01-14 15:00:00",
            ),
            (
                Reason::MovedTo {
                    to: at + s(86_400),
                    note: "holiday".into(),
                },
                "moved to 2027-01-16 15:00:00: holiday",
            ),
            (
                Reason::Cancelled {
                    note: "holiday".into(),
                },
                "cancelled on this day: holiday",
            ),
        ];
        let (sheet, zones) = day();
        for (why, expected) in rows {
            let say = |lang| reason(&why, &sheet, &zones, Tz::Asia__Ho_Chi_Minh, lang);
            assert_eq!(say(Lang::En), expected);
            let vi = say(Lang::Vi);
            assert!(
                vi != expected && !vi.contains("Unknown local") && !vi.contains("{ $"),
                "{vi}"
            );
        }
    }

    #[test]
    fn ends_are_sentences() {
        let title = |by: SessionId| (by.0 == 2).then(|| "Flood".to_owned());
        let rows = [
            (EndReason::Completed, "completed"),
            (EndReason::TimeLimit, "reached its time limit"),
            (EndReason::PreEmpted { by: SessionId(2) }, "pre-empted by “Flood”"),
            (EndReason::PreEmpted { by: SessionId(3) }, "pre-empted"),
            (EndReason::Stopped { by: "lan".into() }, "stopped by lan"),
            (EndReason::Missed, "missed its time"),
            (EndReason::Unplanned, "taken out of the plan"),
            (EndReason::HeadEndStopped, "the head-end was shut down"),
            (EndReason::HeadEndLost, "the head-end was lost"),
            (EndReason::Fault { what: "disk".into() }, "fault: disk"),
        ];
        for (why, expected) in rows {
            assert_eq!(end_reason(&why, title, Lang::En), expected);
            let vi = end_reason(&why, title, Lang::Vi);
            assert!(
                vi != expected && !vi.contains("Unknown local") && !vi.contains("{ $"),
                "{vi}"
            );
        }
    }

    #[test]
    fn counts_have_names_and_strange_ones_are_shown_as_they_are() {
        assert_eq!(count_name("card_underruns", Lang::En), "card underruns");
        assert_ne!(count_name("forged", Lang::Vi), "forged");
        assert_eq!(count_name("of_tomorrow", Lang::Vi), "of tomorrow");
    }

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let rows = [
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.0", "curl/8.0"),
        ];
        for (says, name) in rows {
            assert_eq!(browser(says), name);
        }
    }

    #[test]
    fn before_and_after_are_said_in_words_where_all_of_it_is_known() {
        let rows = [
            ("announcer@xa-a viewer", "Announcer (xa-a), Viewer"),
            (
                "enabled one_time_codes locked",
                "may log in, with one-time codes, locked",
            ),
            ("viewer of tomorrow", "viewer of tomorrow"),
            ("", ""),
        ];
        for (text, said) in rows {
            assert_eq!(before_or_after(text, Lang::En), said);
        }
    }

    fn day() -> (RunSheet, ZoneTree) {
        let zone = Zone {
            id: ZoneId(1),
            code: "village".into(),
            name: "Village".into(),
            parent: None,
            channel: Channel(1),
            settings: ZoneSettings::default(),
        };
        let start = WallTime::from_unix_s(1_800_000_000);
        let line = RunSheetLine {
            number: 3,
            occurrence: OccurrenceId {
                slot: SlotId(1),
                zone: ZoneId(1),
                start,
            },
            slot: "flood".into(),
            title: "Flood".into(),
            content: Content::piece(ContentHash([0; 32]), Duration::from_secs(60)),
            duration: Duration::from_secs(60),
            cut: false,
            class: BulletinClass::Priority,
            order: ORDER_DEFAULT,
            chime: Chime::default(),
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            start,
            verdict: Verdict::Airs,
            reasons: vec![],
        };
        let sheet = RunSheet {
            number: 1,
            date: date(start, Tz::UTC),
            lines: vec![line],
        };
        (sheet, ZoneTree::new(vec![zone]).unwrap())
    }
}
