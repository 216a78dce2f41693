//! What a zone's receivers hear at an instant, and why.

use std::time::Duration;

use chrono::NaiveDate;
use loa_model::{LineName, PreEmption, Reason, RunSheet, RunSheetLine, WallTime, ZoneId};
use loa_plan::{Lang, RunSheetText, local, quiet_hours};

use super::day::Aired;

/// Tells what a zone's receivers hear at an instant, and why: the line's own reasons, and who waits.
///
/// Over midnight either may be of another day's run-sheet; each sheet is shown with the lines that it has.
pub fn heard_at(
    text: RunSheetText<'_>,
    sheets: &[RunSheet],
    aired: &Aired,
    zone: ZoneId,
    at: WallTime,
) -> String {
    if let Some(silent) = silent(&text, aired, zone, at) {
        return silent;
    }
    let sounding = aired
        .parts
        .iter()
        .filter(|(part, ended)| text.tree.covers(part.zone, zone) && part.at <= at && at < ended.at);
    // The newest of those that sound is the one that took the air.
    let strongest = sounding.max_by_key(|(part, _)| {
        (
            part.class,
            std::cmp::Reverse(text.tree.depth(part.zone)),
            part.session,
        )
    });
    let occurrence = strongest.and_then(|(part, _)| aired.occurrence(part.session));
    let found = occurrence.and_then(|occurrence| {
        sheets.iter().find_map(|sheet| {
            let line = sheet.lines.iter().find(|line| line.occurrence == occurrence)?;
            Some((sheet.date, line.number))
        })
    });
    let Some((date, number)) = found else {
        return match text.lang {
            Lang::Vi => "Không phát gì.\n".to_owned(),
            Lang::En => "Nothing is heard.\n".to_owned(),
        };
    };
    let (of_its_day, others): (Vec<_>, Vec<_>) = sheets.iter().partition(|sheet| sheet.date == date);
    let shown = of_its_day.into_iter().chain(others).filter_map(|sheet| {
        let is_heard = |line: &RunSheetLine| sheet.date == date && line.number == number;
        let heard = sheet.lines.iter().filter(|line| is_heard(line));
        let waiting = sheet
            .lines
            .iter()
            .filter(|line| waits_for(line, sheet.date, date, number));
        let lines: Vec<_> = heard.chain(waiting).cloned().collect();
        let shown = RunSheet {
            lines,
            ..sheet.clone()
        };
        (!shown.lines.is_empty()).then(|| text.render(&shown))
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Tells why receivers of a zone are silent at an instant whatever is sent, if they are: by their own quiet hours.
fn silent(text: &RunSheetText<'_>, aired: &Aired, zone: ZoneId, at: WallTime) -> Option<String> {
    let (owner, hours) = quiet_hours(text.tree, text.tz, zone, at)?;
    let owner = text.tree.get(owner).map_or("?", |zone| &zone.name);
    if !hours.permits(at) {
        return Some(match text.lang {
            Lang::Vi => format!("Im lặng: giờ yên tĩnh của {owner}.\n"),
            Lang::En => format!("Silent: quiet hours of {owner}.\n"),
        });
    }
    let minutes = hours.policy.minutes_a_day?;
    let date = local::local_date(text.tz, at).and_hms_opt(0, 0, 0)?;
    let heard = aired.heard(text.tree, zone, local::to_wall(text.tz, date)?, at);
    let heard: Duration = heard.map(|(_, heard)| heard).sum();
    (heard >= Duration::from_secs(u64::from(minutes) * 60)).then(|| match text.lang {
        Lang::Vi => format!("Im lặng: {owner} đã phát đủ {minutes} phút của ngày.\n"),
        Lang::En => format!("Silent: the {minutes} minutes a day of {owner} are used up.\n"),
    })
}

/// Tells whether a line of one date's run-sheet comes back after the line of a number in another's.
fn waits_for(line: &RunSheetLine, of: NaiveDate, date: NaiveDate, number: u32) -> bool {
    let named = |name: &LineName| match name {
        LineName::Here(line) => of == date && *line == number,
        LineName::On { date: on, line, .. } => *on == date && *line == number,
    };
    line.reasons.iter().any(|reason| match reason {
        Reason::YieldsTo { line, then, .. } => named(line) && *then != PreEmption::Drop,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use chrono_tz::Tz;
    use loa_model::{
        BulletinClass, Channel, Chime, ContentHash, ORDER_DEFAULT, Overrun, Programme, ProgrammeId,
        ProgrammeSpec, Recurrence, Slot, SlotId, SlotSpec, Source, Zone, ZoneSettings, ZoneTree,
    };
    use loa_plan::{DayInputs, HeardMedia, KnownLibrary, KnownMedia, local, plan_day};
    use loa_playout::EngineSettings;

    use crate::rehearse::{Facts, Finding, air, find};

    const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
    const VILLAGE: ZoneId = ZoneId(2);

    fn tree() -> ZoneTree {
        let zone = |id, code: &str, parent: Option<i64>| Zone {
            id: ZoneId(id),
            code: code.to_owned(),
            name: code.to_owned(),
            parent: parent.map(ZoneId),
            channel: Channel(u16::try_from(id).unwrap()),
            settings: ZoneSettings::default(),
        };
        ZoneTree::new(vec![zone(1, "xa", None), zone(2, "thon", Some(1))]).unwrap()
    }

    /// Each of its own media, zone, time, minutes and class.
    fn sheets(lines: &[(&str, i64, &str, u64, BulletinClass)]) -> [RunSheet; 3] {
        let numbered = || (1_i64..).zip(lines);
        let hash = |number: i64| ContentHash([u8::try_from(number).unwrap(); 32]);
        let programmes: Vec<_> = numbered()
            .map(|(number, (title, ..))| Programme {
                id: ProgrammeId(number),
                code: format!("p{number}"),
                spec: ProgrammeSpec {
                    title: (*title).to_owned(),
                    source: Source::Asset {
                        media: hash(number),
                        languages: BTreeMap::new(),
                    },
                    class: BulletinClass::Normal,
                    chime: Chime::default(),
                    pre_emption: PreEmption::Resume,
                    give_up_after: None,
                    topic: None,
                    campaign: None,
                },
            })
            .collect();
        let slots: Vec<_> = numbered()
            .map(|(number, (_, zone, at, minutes, class))| Slot {
                id: SlotId(number),
                code: format!("s{number}"),
                spec: SlotSpec {
                    programme: ProgrammeId(number),
                    zones: vec![ZoneId(*zone)],
                    recurrence: Recurrence::Once(at.parse().unwrap()),
                    every_weeks: None,
                    valid_from: None,
                    valid_to: None,
                    profile: None,
                    class: *class,
                    order: ORDER_DEFAULT,
                    max_duration: Duration::from_secs(minutes * 60),
                    overrun: Overrun::Stop,
                    makes_room: None,
                },
            })
            .collect();
        let library = KnownLibrary::new(numbered().map(|(number, (title, _, _, minutes, _))| KnownMedia {
            hash: hash(number),
            title: (*title).to_owned(),
            file_name: format!("{number}.mp3"),
            duration: Duration::from_secs(minutes * 60),
            series: None,
            zone: None,
            added_at: WallTime::default(),
        }));
        let tree = tree();
        let inputs = DayInputs {
            tree: &tree,
            programmes: &programmes,
            library: &library,
            slots: &slots,
            exceptions: &[],
            profiles: &[],
            heard: &HeardMedia::default(),
            approvals: None,
            tz: TZ,
        };
        ["2026-12-02", "2026-12-03", "2026-12-04"].map(|date| plan_day(&inputs, date.parse().unwrap()).sheet)
    }

    fn rehearsed(sheets: &[RunSheet]) -> Aired {
        let media = sheets
            .iter()
            .flat_map(|sheet| &sheet.lines)
            .flat_map(|line| line.content.media().map(|media| (media, line.duration)));
        let delay = Duration::from_millis(600);
        air(
            &tree(),
            sheets,
            &media.collect(),
            &Facts::default(),
            EngineSettings::new(None, delay, delay),
            at("2026-12-02T20:00:00"),
            at("2026-12-04T04:00:00"),
        )
    }

    fn at(local: &str) -> WallTime {
        local::to_wall(TZ, local.parse().unwrap()).unwrap()
    }

    /// The eve's bulletin keeps the new day's first one waiting, and the day's last one goes on into the day after.
    #[test]
    fn what_runs_past_midnight_is_found_and_heard_on_both_sides() {
        use BulletinClass::{Normal, Priority};
        let all = sheets(&[
            ("Tin khuya", 1, "2026-12-02T23:50:00", 20, Priority),
            ("Tin không giờ", 2, "2026-12-03T00:00:00", 5, Normal),
            ("Nhạc", 2, "2026-12-03T23:50:00", 20, Normal),
            ("Tin sớm", 1, "2026-12-04T00:00:00", 5, Priority),
        ]);
        let aired = rehearsed(&all);
        let [eve, day, morrow] = &all;

        let tree = tree();
        let around = [eve.clone(), morrow.clone()];
        let found = find(day, &around, &aired, &tree, &Facts::default());
        let overlaps: BTreeSet<_> = found
            .into_iter()
            .filter(|finding| matches!(finding, Finding::Overlap { .. }))
            .collect();
        let on = |date: &str, title: &str| LineName::On {
            date: date.parse().unwrap(),
            line: 1,
            title: title.to_owned(),
        };
        let expected = [
            Finding::Overlap {
                line: 1,
                to: on("2026-12-02", "Tin khuya"),
                off_air_s: 600,
            },
            Finding::Overlap {
                line: 2,
                to: on("2026-12-04", "Tin sớm"),
                off_air_s: 300,
            },
        ];
        assert_eq!(overlaps, expected.into());

        let text = RunSheetText {
            lang: Lang::En,
            tz: TZ,
            tree: &tree,
            zone: Some(VILLAGE),
        };
        let sheets = [day.clone(), eve.clone(), morrow.clone()];
        let rows = [
            ("2026-12-03T00:05:00", "2026-12-02", "Tin khuya", "Tin không giờ"),
            ("2026-12-04T00:02:00", "2026-12-04", "Tin sớm", "Nhạc"),
        ];
        for (when, date, heard, waits) in rows {
            let told = heard_at(text, &sheets, &aired, VILLAGE, at(when));
            let (first, then) = told.split_once("\nRun-sheet").unwrap_or_else(|| panic!("{told}"));
            assert!(first.contains(date) && first.contains(heard), "{told}");
            assert!(then.contains(waits) && then.contains("yields to #1"), "{told}");
        }
        let told = heard_at(text, &sheets, &aired, VILLAGE, at("2026-12-03T00:12:00"));
        assert!(
            told.contains("Tin không giờ") && !told.contains("Tin khuya\n"),
            "{told}"
        );
    }
}
