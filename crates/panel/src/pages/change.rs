//! A change of the schedule: what is to be done, what it would lead to, and only then whether it is saved.

mod form;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_model::{
    BulletinClass, Deed, Edit, Permission, Reach, Reason, RunSheet, RunSheetLine, Verdict, ZoneId, ZoneTree,
};

use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::plain::{calendar, class, clock, clock_on, day_and_clock, length, reason, verdict, weekday};
use crate::router::Panel;
use crate::schedules::{ChangedDay, SlotItem};
use crate::scope;

pub(crate) use form::{Back, ChangeForm};

#[derive(Template)]
#[template(path = "change.html")]
struct ChangePage {
    frame: Frame,
    form: ChangeForm,
    /// What is changed; none for something new.
    slot: Option<SlotRow>,
    programmes: Vec<ProgrammeChoice>,
    zones: Vec<ZoneChoice>,
    /// Why it cannot be made as it is.
    fault: Option<String>,
    foreseen: Option<Foreseen>,
    back: String,
}

struct SlotRow {
    title: String,
    rule: String,
    once: bool,
    zones: String,
    several_zones: bool,
    /// How a schedule file and this change live together.
    file: String,
    when: String,
}

struct ProgrammeChoice {
    id: i64,
    text: String,
}

/// What it would lead to.
struct Foreseen {
    days: Vec<DayRow>,
    seen: String,
    /// Nothing is saved with a clash.
    clashes: bool,
    /// How far it was looked.
    looked: String,
}

struct DayRow {
    day: String,
    lines: Vec<Row>,
}

struct Row {
    time: String,
    title: String,
    zone: String,
    class: String,
    class_code: &'static str,
    /// Whether less is heard of it than before.
    worse: bool,
    clash: bool,
    what: Vec<String>,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(form): Query<ChangeForm>,
) -> Result<Response, PanelError> {
    let tree = panel.console.zones();
    let slot = of_form(&panel, &user, &form, &tree).await?;
    let wanted = match form.edit(slot.as_ref(), &tree) {
        Ok(edit) => edit,
        Err(error) => return show(&panel, &user, lang, form, slot, Err(error)).await,
    };
    let Some(edit) = wanted else {
        return show(&panel, &user, lang, form, slot, Ok(None)).await;
    };
    must_edit(&panel, &user, &edit, slot.as_ref(), &tree).await?;
    let foreseen = match panel.console.foresee(&edit).await {
        Ok(found) => {
            for zone in found.zones.iter().filter_map(|zone| tree.get(*zone)) {
                user.must(Permission::Edit, zone, &tree)?;
            }
            Ok(Some(found))
        }
        Err(error @ ConsoleError::Edit(_)) => Err(error.into()),
        Err(error) => return Err(error.into()),
    };
    let tz = panel.console.station().time_zone;
    let foreseen = foreseen.map(|found| {
        found.map(|found| {
            let looked = match (found.days.first(), found.days.last()) {
                (Some(first), Some(last)) => lang.say_with(
                    "change-looked",
                    &[
                        ("from", &calendar(first.after.date, lang)),
                        ("to", &calendar(last.after.date, lang)),
                    ],
                ),
                _ => String::new(),
            };
            let clashes = found.days.iter().any(|day| !day.clashes.is_empty());
            let days = found.days.into_iter();
            let days = days.map(|day| day_row(day, &user, &tree, tz, lang));
            Foreseen {
                days: days.filter(|day| !day.lines.is_empty()).collect(),
                seen: found.seen,
                clashes,
                looked,
            }
        })
    });
    show(&panel, &user, lang, form, slot, foreseen).await
}

/// Saves what was seen.
pub(crate) async fn save(
    State(panel): State<Panel>,
    user: User,
    Form(form): Form<ChangeForm>,
) -> Result<Response, PanelError> {
    let tree = panel.console.zones();
    let slot = of_form(&panel, &user, &form, &tree).await?;
    let edit = form.edit(slot.as_ref(), &tree)?;
    let edit = edit.ok_or_else(|| PanelError::NoTime(String::new()))?;
    must_edit(&panel, &user, &edit, slot.as_ref(), &tree).await?;
    let by = &user.person.name;
    let number = panel.console.save_edit(&edit, &form.seen, by).await?;
    Ok(Redirect::to(&form.back().address(Some(number))).into_response())
}

/// Takes back what was saved.
pub(crate) async fn undo(
    State(panel): State<Panel>,
    user: User,
    Path(number): Path<i64>,
    Form(back): Form<Back>,
) -> Result<Response, PanelError> {
    let saved = panel.console.saved_edit(number).await?;
    let saved = saved.ok_or_else(|| ConsoleError::NotFound(format!("change {number}")))?;
    let tree = panel.console.zones();
    must_in(&user, &saved.zones, saved.emergency, &tree)?;
    panel.console.undo_edit(number, &user.person.name).await?;
    Ok(Redirect::to(&back.address(None)).into_response())
}

/// What a page says of a change that was just saved.
pub(crate) struct Flash {
    /// Number of the change, if it can be taken back.
    pub(crate) undo: Option<i64>,
    pub(crate) until: String,
}

/// Returns what to say of the change that an address names, if somebody may take it back.
pub(crate) async fn flash(
    panel: &Panel,
    user: &User,
    saved: Option<i64>,
    lang: Lang,
) -> Result<Option<Flash>, PanelError> {
    let Some(number) = saved else { return Ok(None) };
    let Some(saved) = panel.console.saved_edit(number).await? else {
        return Ok(None);
    };
    let tree = panel.console.zones();
    let may = must_in(user, &saved.zones, saved.emergency, &tree).is_ok();
    let (now, tz) = (panel.console.now(), panel.console.station().time_zone);
    let until = saved.until.filter(|until| may && *until > now);
    Ok(may.then(|| Flash {
        undo: until.map(|_| number),
        until: until.map_or_else(String::new, |until| day_and_clock(until, now, tz, lang)),
    }))
}

/// Finds the slot that a form is about, if somebody may change it everywhere where it airs.
async fn of_form(
    panel: &Panel,
    user: &User,
    form: &ChangeForm,
    tree: &ZoneTree,
) -> Result<Option<SlotItem>, PanelError> {
    let Some(id) = form.slot()? else { return Ok(None) };
    let slot = panel.console.slot(id).await?;
    let slot = slot.ok_or(ConsoleError::Edit(loa_model::EditFault::Gone))?;
    must_in(user, &slot.zones, slot.class == BulletinClass::Emergency, tree)?;
    Ok(Some(slot))
}

/// Refuses what comes to zones where somebody may not edit, and emergencies by those who may not raise one there.
async fn must_edit(
    panel: &Panel,
    user: &User,
    edit: &Edit,
    slot: Option<&SlotItem>,
    tree: &ZoneTree,
) -> Result<(), PanelError> {
    let (zone, class) = match edit {
        Edit::Insert { programme, zone, .. } => {
            let programmes = panel.console.programmes().await?;
            let found = programmes.iter().find(|known| known.id == *programme);
            (Some(*zone), found.map(|found| found.class))
        }
        Edit::Change {
            deed: Deed::Copy { zone, .. },
            ..
        } => (*zone, slot.map(|slot| slot.class)),
        // It stays in the zones of its slot.
        Edit::Change { .. } => (None, None),
    };
    let emergency = class == Some(BulletinClass::Emergency);
    must_in(user, zone.as_slice(), emergency, tree)
}

/// Refuses whoever may not edit in each of these zones, and for an emergency raise one there.
fn must_in(user: &User, zones: &[ZoneId], emergency: bool, tree: &ZoneTree) -> Result<(), PanelError> {
    for zone in zones.iter().filter_map(|zone| tree.get(*zone)) {
        user.must(Permission::Edit, zone, tree)?;
        if emergency {
            user.must(Permission::Alert, zone, tree)?;
        }
    }
    Ok(())
}

async fn show(
    panel: &Panel,
    user: &User,
    lang: Lang,
    mut form: ChangeForm,
    slot: Option<SlotItem>,
    foreseen: Result<Option<Foreseen>, PanelError>,
) -> Result<Response, PanelError> {
    let tree = panel.console.zones();
    let rights = &user.person.rights;
    let (foreseen, fault, status) = match foreseen {
        Ok(foreseen) => (foreseen, None, StatusCode::OK),
        Err(error) => (None, Some(error.say(lang)), error.status()),
    };
    let programmes = if slot.is_none() {
        panel.console.programmes().await?
    } else {
        Vec::new()
    };
    let may_alert = rights.may_somewhere(Permission::Alert);
    let programmes = programmes
        .into_iter()
        .filter(|item| may_alert || item.class != BulletinClass::Emergency)
        .map(|item| ProgrammeChoice {
            id: item.id.0,
            text: item.duration.map_or_else(
                || format!("{} · {}", item.title, class(item.class, lang)),
                |span| format!("{} · {} · {}", item.title, class(item.class, lang), length(span)),
            ),
        });
    let programmes = programmes.collect();
    form.fill_in(panel, slot.as_ref());
    let slot = slot.map(|slot| slot_row(slot, &form, &tree, lang));
    let mut frame = Frame::new(panel, lang, Some(&user.person), "/change");
    frame.query = form.query();
    let back = form.back().address(None);
    let page = ChangePage {
        zones: zone_choices(Permission::Edit, rights, &tree),
        programmes,
        frame,
        slot,
        fault,
        foreseen,
        form,
        back,
    };
    Ok((status, html(&page)).into_response())
}

fn slot_row(slot: SlotItem, form: &ChangeForm, tree: &ZoneTree, lang: Lang) -> SlotRow {
    let zones: Vec<_> = slot.zones.iter().filter_map(|zone| tree.get(*zone)).collect();
    let file = match &slot.file {
        Some(file) => lang.say_with("change-of-file", &[("file", file)]),
        None => lang.say("change-of-panel"),
    };
    SlotRow {
        when: form.when(lang),
        several_zones: zones.len() > 1,
        zones: zones
            .iter()
            .map(|zone| zone.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        title: slot.title,
        rule: slot.rule,
        once: slot.once,
        file,
    }
}

fn day_row(day: ChangedDay, user: &User, tree: &ZoneTree, tz: Tz, lang: Lang) -> DayRow {
    let rights = &user.person.rights;
    let (before, after) = (
        scope::run_sheet(day.before, rights, tree),
        scope::run_sheet(day.after, rights, tree),
    );
    let rows = day.changes.iter().filter_map(|(was, is)| {
        let was = was.and_then(|number| before.line(number));
        let is = is.and_then(|number| after.line(number));
        let shown = is.or(was)?;
        Some(Row {
            time: times(was, is, after.date, tz, lang),
            title: shown.title.clone(),
            zone: tree
                .get(shown.occurrence.zone)
                .map_or_else(String::new, |zone| zone.name.clone()),
            class: class(shown.class, lang),
            class_code: shown.class.name(),
            worse: is_worse(was, is),
            clash: is.is_some_and(|line| day.clashes.contains(&line.number)),
            what: what_changes((was, &before), (is, &after), tree, tz, lang),
        })
    });
    let lines = rows.collect();
    let date = after.date;
    DayRow {
        day: format!("{}, {}", weekday(date, lang), calendar(date, lang)),
        lines,
    }
}

/// Returns when something airs on a day, before and after where that is not the same.
fn times(
    was: Option<&RunSheetLine>,
    is: Option<&RunSheetLine>,
    day: NaiveDate,
    tz: Tz,
    lang: Lang,
) -> String {
    let start = |line: &RunSheetLine| clock_on(line.start, day, tz, lang);
    let span = |line: &RunSheetLine| format!("{} – {}", start(line), clock(line.end(), tz));
    match (was.map(span), is.map(span)) {
        (Some(was), Some(is)) if was != is => format!("{was} → {is}"),
        (_, Some(span)) | (Some(span), None) => span,
        (None, None) => String::new(),
    }
}

/// Tells whether less is heard of a line than before.
fn is_worse(was: Option<&RunSheetLine>, is: Option<&RunSheetLine>) -> bool {
    let rank = |line: Option<&RunSheetLine>| match line.map(|line| line.verdict) {
        Some(Verdict::Airs) => 2,
        Some(Verdict::Shifts) => 1,
        Some(Verdict::Dropped) | None => 0,
    };
    // What is new and does not air as planned is no gain either.
    let before = if was.is_none() { 2 } else { rank(was) };
    let shorter = was
        .zip(is)
        .is_some_and(|(was, is)| is.cut && is.duration < was.duration);
    rank(is) < before || shorter
}

type Seen<'a> = (Option<&'a RunSheetLine>, &'a RunSheet);

/// Says in words what is otherwise.
fn what_changes(
    (was, before): Seen<'_>,
    (is, after): Seen<'_>,
    tree: &ZoneTree,
    tz: Tz,
    lang: Lang,
) -> Vec<String> {
    let reasons = |line: &RunSheetLine, sheet: &RunSheet| -> Vec<String> {
        let told = line.reasons.iter().filter(|reason| {
            !matches!(
                reason,
                Reason::Scheduled { .. } | Reason::Language { .. } | Reason::Outranks { .. }
            )
        });
        told.map(|why| reason(why, sheet, tree, tz, lang)).collect()
    };
    let Some(is) = is else {
        return vec![lang.say("change-gone")];
    };
    let Some(was) = was else {
        let mut said = vec![format!(
            "{}: {}",
            lang.say("change-new"),
            verdict(is.verdict, lang)
        )];
        said.extend(reasons(is, after));
        return said;
    };
    let mut said = Vec::new();
    if was.start != is.start {
        let (from, to) = (
            clock_on(was.start, after.date, tz, lang),
            clock_on(is.start, after.date, tz, lang),
        );
        said.push(lang.say_with("change-moves", &[("from", &from), ("to", &to)]));
    }
    if was.duration != is.duration {
        let (from, to) = (length(was.duration), length(is.duration));
        said.push(lang.say_with("change-lasts", &[("from", &from), ("to", &to)]));
    }
    if was.title != is.title {
        said.push(lang.say_with("change-title", &[("was", &was.title), ("is", &is.title)]));
    }
    if was.verdict != is.verdict {
        let (from, to) = (verdict(was.verdict, lang), verdict(is.verdict, lang));
        said.push(lang.say_with("change-verdict", &[("from", &from), ("to", &to)]));
    }
    let known = reasons(was, before);
    said.extend(reasons(is, after).into_iter().filter(|why| !known.contains(why)));
    said
}

/// Returns the address of the form about a line, if somebody may change it there and it has not begun.
pub(crate) fn link(
    line: &RunSheetLine,
    panel: &Panel,
    user: &User,
    tree: &ZoneTree,
    back: &Back,
) -> Option<String> {
    let zone = tree.get(line.occurrence.zone)?;
    let emergency = line.class == BulletinClass::Emergency;
    must_in(user, &[zone.id], emergency, tree).ok()?;
    if line.end() <= panel.console.now() {
        return None;
    }
    let moved = line.reasons.iter().find_map(|reason| match reason {
        Reason::Moved { from, .. } => Some(*from),
        _ => None,
    });
    let named = crate::plain::local(
        moved.unwrap_or(line.occurrence.start),
        panel.console.station().time_zone,
    );
    Some(format!(
        "/change?slot={}&date={}&time={}&{}",
        line.occurrence.slot,
        named.format("%Y-%m-%d"),
        named.format("%H:%M:%S"),
        back.fields()
    ))
}

impl ChangeForm {
    fn reach(&self) -> Reach {
        match self.reach.as_str() {
            "onward" => Reach::Onward,
            "always" => Reach::Always,
            _ => Reach::Day,
        }
    }
}
