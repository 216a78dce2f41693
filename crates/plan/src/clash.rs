//! Slots that want the same air at the same time, found by planning the days to come.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use loa_model::{LineName, PreEmption, Reason, RunSheet, RunSheetLine, TieRule};

use crate::content::HeardMedia;
use crate::day::Planner;
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
    // The day after the last is there to be named.
    let dates = known.today.iter_days();
    let sheets: BTreeMap<NaiveDate, RunSheet> = dates
        .take(DAYS + 1)
        .map(|date| (date, planner.day(date).sheet))
        .collect();
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
