//! Who did what, and whether the log of it is as it was written.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Days, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use loa_model::WallTime;
use serde::Deserialize;

use crate::address::escaped;
use crate::api::date_from;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::people::{AuditLine, AuditVerdict, AuditWanted};
use crate::plain::{before_or_after, calendar, clock, date, deed};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    wanted: Wanted,
    /// What a look at the whole log found.
    verdict: String,
    whole: bool,
    head: Option<String>,
    lines: Vec<Line>,
    /// Address of the older ones.
    older: Option<String>,
}

struct Line {
    number: i64,
    day: String,
    at: String,
    who: String,
    deed: String,
    detail: String,
    before: String,
    after: String,
}

/// What is looked for; what is empty is not.
#[derive(Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    who: String,
    #[serde(default)]
    what: String,
    /// First day.
    #[serde(default)]
    from: String,
    /// Last day.
    #[serde(default)]
    to: String,
    /// Only lines with smaller numbers.
    #[serde(default)]
    below: Option<i64>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let tz = panel.console.station().time_zone;
    let day = |text: &str| {
        if text.is_empty() {
            Ok(None)
        } else {
            date_from(text).map(Some)
        }
    };
    let asked = AuditWanted {
        who: wanted.who.clone(),
        what: wanted.what.clone(),
        from: day(&wanted.from)?.map(|day| begin_of(day, tz)),
        to: day(&wanted.to)?.map(|day| begin_of(day + Days::new(1), tz)),
        below: wanted.below,
    };
    let found = panel.console.audit(asked).await?;
    let last = found.lines.last().map(|line| line.number);
    let query = query_of(&wanted);
    let (verdict, whole, head) = match found.verdict {
        AuditVerdict::Whole(lines, head) => {
            let text = lang.say_with("audit-whole", &[("lines", &lines.to_string())]);
            (text, true, Some(head))
        }
        AuditVerdict::Broken(line) => {
            let text = lang.say_with("audit-broken", &[("line", &line.to_string())]);
            (text, false, None)
        }
        AuditVerdict::Unknown => (lang.say("audit-unknown"), false, None),
    };
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/audit");
    frame.query.clone_from(&query);
    Ok(html(&AuditPage {
        frame,
        verdict,
        whole,
        head,
        lines: found.lines.into_iter().map(|line| row(line, tz, lang)).collect(),
        older: last
            .filter(|_| found.more)
            .map(|last| format!("/audit?{query}below={last}")),
        wanted,
    }))
}

fn row(line: AuditLine, tz: Tz, lang: Lang) -> Line {
    Line {
        number: line.number,
        day: calendar(date(line.at, tz), lang),
        at: clock(line.at, tz),
        who: line.who,
        deed: deed(&line.action, lang),
        detail: line.detail,
        before: before_or_after(&line.before, lang),
        after: before_or_after(&line.after, lang),
    }
}

/// Returns what follows the page's address, for the same search.
fn query_of(wanted: &Wanted) -> String {
    let fields = [
        ("who", &wanted.who),
        ("what", &wanted.what),
        ("from", &wanted.from),
        ("to", &wanted.to),
    ];
    let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
    given
        .map(|(name, text)| format!("{name}={}&", escaped(text)))
        .collect()
}

/// Returns the first instant of a local day.
fn begin_of(day: NaiveDate, tz: Tz) -> WallTime {
    let midnight = day.and_time(NaiveTime::MIN);
    let begin = tz.from_local_datetime(&midnight).earliest();
    // Where clocks skip midnight, what was a moment before it will do.
    let ns = begin.map_or_else(
        || midnight.and_utc().timestamp_nanos_opt(),
        |at| at.timestamp_nanos_opt(),
    );
    WallTime::from_unix_ns(ns.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_kept_in_the_address_whatever_is_looked_for() {
        let wanted = Wanted {
            who: "Ấn & co".into(),
            from: "2026-12-04".into(),
            ..Wanted::default()
        };
        assert_eq!(query_of(&wanted), "who=%E1%BA%A4n%20%26%20co&from=2026-12-04&");
    }

    #[test]
    fn days_begin_at_local_midnight() {
        let day: NaiveDate = "2026-12-04".parse().unwrap();
        let at = begin_of(day, Tz::Asia__Ho_Chi_Minh);
        assert_eq!(at, WallTime::from_unix_s(1_796_317_200));
    }
}
