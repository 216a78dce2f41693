//! Times and reasons in words.

use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use loa_model::{BulletinClass, EndReason, PreEmption, Reason, RunSheet, TieRule, Verdict, WallTime};

use crate::lang::Lang;

/// Returns what clocks on the wall show.
pub(crate) fn clock(at: WallTime, tz: Tz) -> String {
    local(at, tz).format("%H:%M:%S").to_string()
}

/// Returns the local date.
pub(crate) fn date(at: WallTime, tz: Tz) -> NaiveDate {
    local(at, tz).date_naive()
}

fn local(at: WallTime, tz: Tz) -> DateTime<Tz> {
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

/// Returns why something ended.
pub(crate) fn end_reason(reason: &EndReason, lang: Lang) -> String {
    match reason {
        EndReason::Completed => lang.say("end-completed"),
        EndReason::TimeLimit => lang.say("end-time-limit"),
        EndReason::PreEmpted { .. } => lang.say("end-pre-empted"),
        EndReason::Stopped { by } => lang.say_with("end-stopped", "by", by.clone()),
        EndReason::Missed => lang.say("end-missed"),
        EndReason::Unplanned => lang.say("end-unplanned"),
        EndReason::HeadEndStopped => lang.say("end-head-end-stopped"),
        EndReason::HeadEndLost => lang.say("end-head-end-lost"),
        EndReason::Fault { what } => lang.say_with("end-fault", "what", what.clone()),
        other => other.code().to_owned(),
    }
}

/// Returns why a line of the run-sheet stands as it does.
pub(crate) fn reason(reason: &Reason, sheet: &RunSheet, tz: Tz, lang: Lang) -> String {
    let other = |number: u32| {
        let title = sheet.line(number).map_or("", |line| line.title.as_str());
        format!("#{number} “{title}”")
    };
    match reason {
        Reason::Scheduled { rule } => lang.say_with("reason-scheduled", "rule", rule.clone()),
        Reason::CutAtLimit { limit, .. } => lang.say_with("reason-cut", "limit", length(*limit)),
        Reason::Outranks { line, rule } => {
            format!(
                "{} ({})",
                lang.say_with("reason-outranks", "line", other(*line)),
                tie(*rule, lang)
            )
        }
        Reason::YieldsTo { line, rule, then } => {
            let then = lang.say(match then {
                PreEmption::Resume => "then-resume",
                PreEmption::Rejoin => "then-rejoin",
                PreEmption::Drop => "then-drop",
            });
            format!(
                "{} ({}), {then}",
                lang.say_with("reason-yields", "line", other(*line)),
                tie(*rule, lang)
            )
        }
        Reason::OffAir { from, back, .. } => {
            let from = lang.say_with("reason-off-air", "from", clock(*from, tz));
            match back {
                Some(back) => format!(
                    "{from} {}",
                    lang.say_with("reason-back", "back", clock(*back, tz))
                ),
                None => from,
            }
        }
        Reason::CededIn { line, rule, .. } => {
            format!(
                "{} ({})",
                lang.say_with("reason-ceded", "line", other(*line)),
                tie(*rule, lang)
            )
        }
        Reason::MediaMissing => lang.say("reason-media-missing"),
        Reason::Cancelled { note } => lang.say_with("reason-cancelled", "note", note.clone()),
        // The model may grow before the words do; the code's own name is better than nothing.
        other => format!("{other:?}"),
    }
}

fn tie(rule: TieRule, lang: Lang) -> String {
    lang.say(match rule {
        TieRule::Class => "tie-class",
        TieRule::Authority => "tie-authority",
        TieRule::FirstCome => "tie-first-come",
        TieRule::Newest => "tie-newest",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_read_as_people_write_them() {
        let at = WallTime::from_unix_s(1_800_000_000);
        assert_eq!(clock(at, Tz::Asia__Ho_Chi_Minh), "15:00:00");
        assert_eq!(date(at, Tz::Asia__Ho_Chi_Minh).to_string(), "2027-01-15");
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
}
