//! Slots that want the same air at the same time, found by planning the days to come.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use loa_model::{LineName, PreEmption, Reason, RunSheet, RunSheetLine, TieRule};

use crate::content::HeardMedia;
use crate::day::{DayPlan, LINES_MAX, PlanFault, Planner};
use crate::diagnostic::{Diagnostic, Place};
use crate::local::to_local;
use crate::merge::Merged;
use crate::resolve::Known;
use crate::said::{Said, said};

/// Plans the next days and tells, for each pair of slots of which one is new, who gives way to whom.
///
/// Nothing decides between two slots of one class in zones of one level but which came first: that is never meant,
/// and refused. `places` says where the new slots are written.
pub(crate) fn clashes(
    merged: &Merged,
    known: &Known<'_>,
    places: &BTreeMap<&str, &Place>,
) -> Vec<Diagnostic> {
    let heard = HeardMedia::default();
    let planner = Planner::new(merged.inputs(known, &heard));
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    let mut sheets: BTreeMap<NaiveDate, RunSheet> = BTreeMap::new();
    let mut is_full = false;
    // The day after the last is there to be named.
    for date in known.today.iter_days().take(DAYS + 1) {
        let DayPlan { sheet, mut faults } = planner.day(date);
        // One such day is enough to be told of.
        faults.retain(|fault| {
            !matches!(fault, PlanFault::TooManyLines(_)) || !std::mem::replace(&mut is_full, true)
        });
        found.extend(
            faults
                .iter()
                .filter_map(|fault| left_out(merged, date, fault, places)),
        );
        sheets.insert(date, sheet);
    }
    for sheet in sheets.values().take(DAYS) {
        for line in &sheet.lines {
            let place = places.get(line.slot.as_str());
            if let Some((place, fault)) = place.zip(refused(merged, known, line)) {
                let silent = (line.slot.clone(), String::new());
                found.extend(
                    told.insert(silent)
                        .then(|| Diagnostic::error(place, fault.0, fault.1)),
                );
            }
            for (winner, rule, then) in yields(&sheets, sheet, line) {
                let pair = (line.slot.clone(), winner.slot.clone());
                let place = places
                    .get(line.slot.as_str())
                    .or_else(|| places.get(winner.slot.as_str()));
                if let Some(place) = place.filter(|_| told.insert(pair)) {
                    found.push(told_as(merged, known, place, line, winner, rule, then));
                }
            }
        }
    }
    found
}

/// Tells of a part of the new slots that a day's plan leaves out.
fn left_out(
    merged: &Merged,
    date: NaiveDate,
    fault: &PlanFault,
    places: &BTreeMap<&str, &Place>,
) -> Option<Diagnostic> {
    let of = |slot: &String| places.get(slot.as_str()).copied();
    let (place, message, remedy) = match fault {
        PlanFault::Rule { slot, fault } => (of(slot)?, fault.message.clone(), fault.remedy.clone()),
        PlanFault::UnknownProgramme { slot, .. } => (
            of(slot)?,
            said!(
                "khung giờ \"{slot}\" nêu một chương trình không có",
                "slot \"{slot}\" names a programme that does not exist"
            ),
            said!("khai chương trình đó", "declare that programme"),
        ),
        PlanFault::UnknownZone { slot, .. } => (
            of(slot)?,
            said!(
                "khung giờ \"{slot}\" nêu một địa bàn không có",
                "slot \"{slot}\" names a zone that does not exist"
            ),
            said!("khai địa bàn đó", "declare that zone"),
        ),
        PlanFault::CoveredZone { slot, zone } => {
            let zone = merged.tree.get(*zone).map_or("?", |zone| zone.code.as_str());
            let message = said!(
                "khung giờ \"{slot}\" kể địa bàn \"{zone}\", mà một địa bàn khác của nó đã gồm cả nơi ấy",
                "slot \"{slot}\" names zone \"{zone}\", which another of its zones covers"
            );
            let remedy = said!("bỏ địa bàn \"{zone}\" đi", "leave zone \"{zone}\" out");
            (of(slot)?, message, remedy)
        }
        PlanFault::TooManyLines(lines) => {
            let lines = LINES_MAX + lines;
            let message = said!(
                "ngày {date} có {lines} lượt phát mà một ngày chỉ giữ được {LINES_MAX}, những lượt sau cùng sẽ không phát",
                "{date} has {lines} airings and a run-sheet holds {LINES_MAX}: the latest would not air"
            );
            let remedy = said!(
                "bớt lượt phát, hoặc phát ở địa bàn cấp trên thay vì ở từng nơi bên dưới",
                "air less often, or in the zone above instead of in each below it"
            );
            (places.values().copied().min()?, message, remedy)
        }
    };
    Some(Diagnostic::error(place, message, remedy))
}

/// Returns what is wrong with a line that its zone's quiet hours refuse, and the remedy.
fn refused(merged: &Merged, known: &Known<'_>, line: &RunSheetLine) -> Option<(Said, Said)> {
    let local = |at| to_local(known.tz, at).format("%Y-%m-%d %H:%M");
    let code = |zone| merged.tree.get(zone).map_or("?", |zone| zone.code.as_str());
    line.reasons.iter().find_map(|reason| match reason {
        Reason::QuietHours { zone, until, .. } => {
            let message = said!(
                "khung giờ \"{}\" sẽ kêu lúc {} trong giờ yên tĩnh của địa bàn \"{}\"",
                "slot \"{}\" would sound at {} in the quiet hours of zone \"{}\"",
                line.slot,
                local(line.start),
                code(*zone)
            );
            let remedy = until.map_or_else(
                || {
                    said!(
                        "địa bàn đó không bao giờ được kêu; sửa lại giờ yên tĩnh",
                        "the zone never sounds; mend its quiet hours"
                    )
                },
                |until| {
                    said!(
                        "chọn giờ từ {} trở đi, hoặc xin đổi giờ yên tĩnh",
                        "choose a time from {} on, or have the zone's quiet hours changed",
                        local(until)
                    )
                },
            );
            Some((message, remedy))
        }
        Reason::MinutesSpent { zone, minutes } => {
            let message = said!(
                "khung giờ \"{}\" ngày {} vượt quá {minutes} phút mỗi ngày của địa bàn \"{}\"",
                "slot \"{}\" on {} goes beyond the {minutes} minutes a day of zone \"{}\"",
                line.slot,
                local(line.start),
                code(*zone)
            );
            Some((
                message,
                said!(
                    "rút ngắn, bỏ bớt lượt khác, hoặc xin đổi số phút",
                    "shorten it, leave out another, or have the zone's minutes changed"
                ),
            ))
        }
        _ => None,
    })
}

/// Walks the lines that a line gives way to.
fn yields<'a>(
    sheets: &'a BTreeMap<NaiveDate, RunSheet>,
    sheet: &'a RunSheet,
    line: &'a RunSheetLine,
) -> impl Iterator<Item = (&'a RunSheetLine, TieRule, PreEmption)> {
    let find = move |name: &LineName| match name {
        LineName::Here(number) => sheet.line(*number),
        LineName::On { date, line, .. } => sheets.get(date)?.line(*line),
    };
    line.reasons.iter().filter_map(move |reason| match reason {
        Reason::YieldsTo { line, rule, then } => Some((find(line)?, *rule, *then)),
        _ => None,
    })
}

fn told_as(
    merged: &Merged,
    known: &Known<'_>,
    place: &Place,
    line: &RunSheetLine,
    winner: &RunSheetLine,
    rule: TieRule,
    then: PreEmption,
) -> Diagnostic {
    let local = |at| to_local(known.tz, at).format("%Y-%m-%d %H:%M:%S");
    let zone = |line: &RunSheetLine| {
        merged
            .tree
            .get(line.occurrence.zone)
            .map_or("?", |zone| &zone.code)
    };
    let span = |line: &RunSheetLine| {
        let (slot, zone) = (&line.slot, zone(line));
        let (from, to) = (local(line.start), local(line.end()));
        said!(
            "\"{slot}\" ở địa bàn \"{zone}\" ({from} đến {to})",
            "\"{slot}\" in zone \"{zone}\" ({from} to {to})"
        )
    };
    let (line, winner) = (span(line), span(winner));
    if rule == TieRule::FirstCome {
        let message = Said {
            vi: format!(
                "khung giờ {} trùng với {}, không bên nào mạnh hơn",
                line.vi, winner.vi
            ),
            en: format!(
                "slot {} overlaps slot {}, and neither is stronger",
                line.en, winner.en
            ),
        };
        let remedy = said!(
            "dời một trong hai, giảm max_duration, hoặc cho một bên loại mạnh hơn",
            "move one of them, shorten its max_duration, or give one a stronger class"
        );
        return Diagnostic::error(place, message, remedy);
    }
    let becomes = match then {
        PreEmption::Resume => said!(
            "sau đó phát tiếp từ chỗ bị cắt",
            "goes on afterwards from where it was cut"
        ),
        PreEmption::Rejoin => said!(
            "sau đó vào lại như thể vẫn chạy",
            "goes on afterwards as if it had run"
        ),
        PreEmption::Duck => said!("phát nhỏ bên dưới", "plays on quietly beneath it"),
        PreEmption::Drop => said!("rồi bỏ", "is dropped"),
    };
    let message = Said {
        vi: format!("khung giờ {} nhường {}, {}", line.vi, winner.vi, becomes.vi),
        en: format!(
            "slot {} gives way to slot {} and {}",
            line.en, winner.en, becomes.en
        ),
    };
    Diagnostic::warning(
        place,
        message,
        said!(
            "không cần gì nếu đúng ý; `loa schedule show` để xem cả ngày",
            "nothing, if that is meant; `loa schedule show` has the day"
        ),
    )
}

/// A week, and the day after.
const DAYS: usize = 8;
