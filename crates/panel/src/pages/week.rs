//! A week: one row per zone, seven days in each, and the same as a list.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Datelike as _, Days, NaiveDate, Timelike as _, Weekday};
use chrono_tz::Tz;
use loa_model::{
    MINUTES_A_DAY, Permission, Reason, RunSheet, RunSheetLine, Verdict, WallTime, Zone, ZoneTree,
};
use serde::Deserialize;

use crate::api::{date_from, zone};
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::change::{Back, Flash, flash, link};
use crate::pages::{Frame, ZoneChoice, html, in_tree_order, zone_choices};
use crate::plain::{calendar, class, clock, length, local, reason, verdict, weekday};
use crate::router::Panel;
use crate::scope;

#[derive(Template)]
#[template(path = "week.html")]
struct WeekPage {
    frame: Frame,
    monday: NaiveDate,
    span: String,
    before: Option<NaiveDate>,
    after: Option<NaiveDate>,
    zones: Vec<ZoneChoice>,
    zone: String,
    flash: Option<Flash>,
    back: Back,
    may_edit: bool,
    grids: Vec<Grid>,
    /// Zones in which nothing is planned.
    empty: Option<String>,
    /// Whether there are more zones than a page draws.
    more: bool,
    days: Vec<DayList>,
}

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WeekWanted {
    /// Any day of the week; today if it is empty.
    date: String,
    zone: String,
    saved: Option<i64>,
}

/// One zone's week, drawn.
struct Grid {
    code: String,
    zone: String,
    /// Whether it lies above the zone that was chosen.
    above: bool,
    height: u32,
    hours: Vec<Hour>,
    lanes: Vec<Lane>,
}

struct Hour {
    x: f32,
    text: String,
}

/// One day of it.
struct Lane {
    date: NaiveDate,
    label: String,
    y: u32,
    height: u32,
    quiet: Vec<Span>,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy)]
struct Span {
    x: f32,
    width: f32,
}

struct Block {
    x: f32,
    y: u32,
    width: f32,
    title: String,
    tip: String,
    class_code: &'static str,
    verdict_code: &'static str,
    /// The form about it, for those who may change it.
    href: Option<String>,
    start_s: u32,
    length_s: u64,
    /// Stretches for which something else has the air.
    off: Vec<Span>,
}

struct DayList {
    day: String,
    lines: Vec<Row>,
}

struct Row {
    time: String,
    title: String,
    zone: String,
    class: String,
    class_code: &'static str,
    verdict: String,
    verdict_code: &'static str,
    length: String,
    conflicts: Vec<String>,
    href: Option<String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<WeekWanted>,
) -> Result<Response, PanelError> {
    let (tree, tz) = (panel.console.zones(), panel.console.station().time_zone);
    let date = if wanted.date.is_empty() {
        local(panel.console.now(), tz).date_naive()
    } else {
        date_from(&wanted.date)?
    };
    let monday = date.week(Weekday::Mon).first_day();
    let choices = zone_choices(Permission::See, &user.person.rights, &tree);
    let code = match (wanted.zone.as_str(), choices.first()) {
        ("", Some(first)) => first.code.clone(),
        (code, _) => code.to_owned(),
    };
    let chosen = if code.is_empty() {
        None
    } else {
        Some(zone(&code, &tree)?)
    };
    if let Some(chosen) = chosen {
        user.must(Permission::See, chosen, &tree)?;
    }
    let sheets = panel.console.planned_days(monday, 7).await?;
    let sheets: Vec<_> = sheets
        .into_iter()
        .map(|sheet| scope::run_sheet(sheet, &user.person.rights, &tree))
        .collect();
    let back = Back {
        page: "week".into(),
        day: monday.to_string(),
        zone: code.clone(),
    };
    let drawing = Drawing {
        panel: &panel,
        user: &user,
        lang,
        tz,
        tree: &tree,
        back: &back,
        axis: Axis::of(&sheets, tz),
    };
    let rows = rows_of(chosen, &tree);
    let more = rows.len() > GRIDS_MAX;
    let (mut grids, mut empty) = (Vec::new(), Vec::new());
    for (zone, above) in rows.into_iter().take(GRIDS_MAX) {
        let planned = sheets.iter().flat_map(|sheet| &sheet.lines);
        if planned.clone().any(|line| line.occurrence.zone == zone.id) {
            grids.push(drawing.grid(zone, above, monday, &sheets));
        } else if !above {
            empty.push(zone.name.as_str());
        }
    }
    let shown = |line: &&RunSheetLine| {
        let of = line.occurrence.zone;
        chosen.is_none_or(|zone| tree.covers(of, zone.id) || tree.covers(zone.id, of))
    };
    let days = sheets.iter().map(|sheet| DayList {
        day: format!("{}, {}", weekday(sheet.date, lang), calendar(sheet.date, lang)),
        lines: sheet
            .lines
            .iter()
            .filter(shown)
            .map(|line| drawing.row(line, sheet))
            .collect(),
    });
    let days = days.collect();
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/week");
    frame.query = format!("date={monday}&zone={code}&");
    let sunday = monday + Days::new(6);
    let may_edit = chosen.is_some_and(|zone| user.may(Permission::Edit, zone, &tree));
    let empty = (!empty.is_empty()).then(|| lang.say_with("week-empty", &[("zones", &empty.join(", "))]));
    Ok(html(&WeekPage {
        span: format!("{} – {}", calendar(monday, lang), calendar(sunday, lang)),
        before: monday.checked_sub_days(Days::new(7)),
        after: monday.checked_add_days(Days::new(7)),
        flash: flash(&panel, &user, wanted.saved, lang).await?,
        zones: choices,
        zone: code,
        monday,
        frame,
        grids,
        empty,
        more,
        days,
        may_edit,
        back,
    }))
}

/// Returns the zones that have a row: those above the chosen one, it, and those below it.
fn rows_of<'a>(chosen: Option<&'a Zone>, tree: &'a ZoneTree) -> Vec<(&'a Zone, bool)> {
    let Some(chosen) = chosen else { return Vec::new() };
    let above: Vec<_> = tree.chain(chosen.id).skip(1).collect();
    let above = above.into_iter().rev().map(|zone| (zone, true));
    let below = in_tree_order(tree).into_iter();
    let below = below.filter(|zone| tree.covers(chosen.id, zone.id));
    above.chain(below.map(|zone| (zone, false))).collect()
}

/// The hours that are drawn, the same for all zones.
#[derive(Clone, Copy)]
struct Axis {
    from_min: u32,
    to_min: u32,
}

impl Axis {
    /// Takes in all that is planned, with an hour on either side.
    fn of(sheets: &[RunSheet], tz: Tz) -> Self {
        let lines = sheets
            .iter()
            .flat_map(|sheet| sheet.lines.iter().map(|line| (sheet.date, line)));
        let (mut first, mut last) = (u32::MAX, 0);
        for (date, line) in lines {
            first = first.min(minute_of(line.start, date, tz));
            last = last.max(minute_of(line.end(), date, tz));
        }
        if first > last {
            (first, last) = (5 * 60, 18 * 60);
        }
        let from_min = (first / 60).saturating_sub(1) * 60;
        let to_min = ((last.div_ceil(60) + 1) * 60).min(u32::from(MINUTES_A_DAY));
        Self {
            from_min,
            to_min: to_min.max(from_min + 360).min(u32::from(MINUTES_A_DAY)),
        }
    }

    fn scale(self) -> f32 {
        (WIDTH - LABELS) / (self.to_min - self.from_min) as f32
    }

    fn x(self, minute: f32) -> f32 {
        let inside = minute.clamp(self.from_min as f32, self.to_min as f32);
        LABELS + (inside - self.from_min as f32) * self.scale()
    }

    fn span(self, from: f32, to: f32) -> Span {
        let x = self.x(from);
        Span {
            x,
            width: (self.x(to) - x).max(0.0),
        }
    }
}

/// Returns an instant as a minute of a local date; what is of another date is at its edge.
fn minute_of(at: WallTime, date: NaiveDate, tz: Tz) -> u32 {
    let at = local(at, tz);
    match at.date_naive().cmp(&date) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => at.hour() * 60 + at.minute(),
        std::cmp::Ordering::Greater => u32::from(MINUTES_A_DAY),
    }
}

/// The same, with its seconds.
fn exact_minute(at: WallTime, date: NaiveDate, tz: Tz) -> f32 {
    let minute = minute_of(at, date, tz) as f32;
    let at = local(at, tz);
    if at.date_naive() == date {
        minute + at.second() as f32 / 60.0
    } else {
        minute
    }
}

struct Drawing<'a> {
    panel: &'a Panel,
    user: &'a User,
    lang: Lang,
    tz: Tz,
    tree: &'a ZoneTree,
    back: &'a Back,
    axis: Axis,
}

impl Drawing<'_> {
    fn grid(&self, zone: &Zone, above: bool, monday: NaiveDate, sheets: &[RunSheet]) -> Grid {
        let by_date: BTreeMap<_, _> = sheets.iter().map(|sheet| (sheet.date, sheet)).collect();
        let mut y = HEAD;
        let lanes = monday.iter_days().take(7).map(|date| {
            let lane = self.lane(zone, date, by_date.get(&date).copied(), y);
            y += lane.height;
            lane
        });
        let lanes: Vec<_> = lanes.collect();
        let hours = (self.axis.from_min / 60..=self.axis.to_min / 60).map(|hour| Hour {
            x: self.axis.x((hour * 60) as f32),
            text: format!("{hour}:00"),
        });
        Grid {
            code: zone.code.clone(),
            zone: zone.name.clone(),
            above,
            height: y,
            hours: hours.collect(),
            lanes,
        }
    }

    fn lane(&self, zone: &Zone, date: NaiveDate, sheet: Option<&RunSheet>, y: u32) -> Lane {
        let lines = sheet
            .into_iter()
            .flat_map(|sheet| sheet.lines.iter().map(move |line| (sheet, line)));
        let lines = lines.filter(|(_, line)| line.occurrence.zone == zone.id && !is_moved_away(line));
        // What overlaps is drawn beneath what was there first.
        let mut ends: Vec<f32> = Vec::new();
        let mut blocks = Vec::new();
        for (sheet, line) in lines {
            let from = exact_minute(line.start, date, self.tz);
            let span = self.axis.span(from, exact_minute(line.end(), date, self.tz));
            let width = span.width.max(BLOCK_WIDTH_MIN);
            let row = ends.iter().position(|end| *end <= span.x).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = span.x + width;
            let y = y + 3 + u32::try_from(row).unwrap_or(0) * BLOCK;
            blocks.push(self.block(line, sheet, date, Span { width, ..span }, y));
        }
        let rows = u32::try_from(ends.len().max(1)).unwrap_or(1);
        Lane {
            label: format!("{} {}", weekday(date, self.lang), date.format("%d/%m")),
            quiet: self.quiet(zone, date),
            height: rows * BLOCK + 4,
            date,
            y,
            blocks,
        }
    }

    fn block(&self, line: &RunSheetLine, sheet: &RunSheet, date: NaiveDate, span: Span, y: u32) -> Block {
        let start = local(line.start, self.tz);
        let off = line.reasons.iter().filter_map(|reason| match reason {
            Reason::OffAir { from, back, .. } => {
                let back = back.unwrap_or_else(|| line.end());
                Some(self.axis.span(
                    exact_minute(*from, date, self.tz),
                    exact_minute(back, date, self.tz),
                ))
            }
            _ => None,
        });
        let row = self.row(line, sheet);
        let mut tip = format!("{} · {} · {}", row.time, row.title, row.verdict);
        for why in &row.conflicts {
            tip.push('\n');
            tip.push_str(why);
        }
        Block {
            x: span.x,
            y,
            width: span.width,
            title: line.title.clone(),
            tip,
            class_code: line.class.name(),
            verdict_code: row.verdict_code,
            href: row.href,
            start_s: start.num_seconds_from_midnight(),
            length_s: line.duration.as_secs(),
            off: off.collect(),
        }
    }

    /// Returns when a zone may not sound on a date.
    fn quiet(&self, zone: &Zone, date: NaiveDate) -> Vec<Span> {
        let mut chain = self.tree.chain(zone.id);
        let Some(policy) = chain.find_map(|zone| zone.settings.quiet.as_ref()) else {
            return Vec::new();
        };
        if policy.windows.is_empty() {
            return Vec::new();
        }
        let weekday = u8::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
        let mut open: Vec<_> = policy
            .windows
            .iter()
            .filter(|window| window.days.holds(weekday))
            .map(|window| (window.from, window.to))
            .collect();
        open.sort_unstable();
        let (mut quiet, mut from) = (Vec::new(), 0);
        for (begins, ends) in open.into_iter().chain([(MINUTES_A_DAY, MINUTES_A_DAY)]) {
            let span = self.axis.span(f32::from(from), f32::from(begins.max(from)));
            quiet.extend((span.width > 0.0).then_some(span));
            from = from.max(ends);
        }
        quiet
    }

    fn row(&self, line: &RunSheetLine, sheet: &RunSheet) -> Row {
        let (tz, lang) = (self.tz, self.lang);
        let conflicts = line.reasons.iter().filter(|reason| {
            reason.keeps_off()
                || matches!(
                    reason,
                    Reason::YieldsTo { .. }
                        | Reason::OffAir { .. }
                        | Reason::CutAtLimit { .. }
                        | Reason::QuietFrom { .. }
                        | Reason::MakesRoom { .. }
                        | Reason::CededIn { .. }
                        | Reason::SilentIn { .. }
                        | Reason::Moved { .. }
                        | Reason::Trimmed { .. }
                )
        });
        let zone = self.tree.get(line.occurrence.zone);
        Row {
            time: format!("{} – {}", clock(line.start, tz), clock(line.end(), tz)),
            title: line.title.clone(),
            zone: zone.map_or_else(String::new, |zone| zone.name.clone()),
            class: class(line.class, lang),
            class_code: line.class.name(),
            verdict: verdict(line.verdict, lang),
            verdict_code: match line.verdict {
                Verdict::Airs => "airs",
                Verdict::Shifts => "shifts",
                Verdict::Dropped => "dropped",
            },
            length: length(line.duration),
            conflicts: conflicts
                .map(|why| reason(why, sheet, self.tree, tz, lang))
                .collect(),
            href: link(line, self.panel, self.user, self.tree, self.back),
        }
    }
}

fn is_moved_away(line: &RunSheetLine) -> bool {
    line.reasons
        .iter()
        .any(|reason| matches!(reason, Reason::MovedTo { .. }))
}

/// Pixels of a drawing at its own size.
const WIDTH: f32 = 1_160.0;
/// Of which the days' names take these.
const LABELS: f32 = 96.0;
const HEAD: u32 = 18;
const BLOCK: u32 = 24;
const BLOCK_WIDTH_MIN: f32 = 6.0;
/// Zones that a page draws; whoever wants to see others chooses a smaller part.
const GRIDS_MAX: usize = 40;
