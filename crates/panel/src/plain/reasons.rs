//! Sentences that say why: why a line of the run-sheet stands as it does, and why something ended.

use chrono_tz::Tz;
use loa_model::{
    EndReason, LineName, MakesRoom, PreEmption, Reason, RunSheet, SessionId, TieRule, ZoneId, ZoneTree,
};

use super::figures::{calendar, clock, clock_on, length};
use super::names::state_name;
use crate::lang::Lang;

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
    use std::time::Duration;

    use chrono::NaiveDate;
    use loa_model::{
        BulletinClass, Channel, Chime, Content, ContentHash, ORDER_DEFAULT, OccurrenceId, RunSheetLine,
        SlotId, Verdict, WallTime, Zone, ZoneSettings,
    };

    use super::*;
    use crate::plain::date;

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
