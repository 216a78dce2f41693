//! The schedule of the station in memory: one day with four slots, of which the second is the eastern commune's and
//! the fourth the western one's. The sixth is the eastern commune's emergency, on another day.

use std::time::Duration;

use chrono::NaiveDate;
use loa_model::{
    BulletinClass, Deed, Edit, EditFault, ProgrammeId, Reason, RunSheet, SlotId, Verdict, ZoneId,
};
use loa_panel::{
    Answer, AsRunDay, ChangedDay, Consequence, Console as _, ConsoleError, ProgrammeItem, RehearsalItem,
    SavedEdit, Schedules, SlotItem,
};

use super::{Memory, at, done};

/// What the station in memory calls every consequence.
pub(crate) const SEEN: &str = "seen";

fn refused<'a, T: Send + 'a>(fault: EditFault) -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(ConsoleError::Edit(fault))))
}

/// The slot of an emergency, and the number of a change to it.
const EMERGENCY: i64 = 6;

/// Returns where a slot airs.
fn zone_of(slot: SlotId) -> ZoneId {
    ZoneId(match slot.0 {
        2 | EMERGENCY => 2,
        4 => 5,
        _ => 1,
    })
}

impl Schedules for Memory {
    fn planned(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>> {
        self.run_sheet(date)
    }

    fn planned_days(&self, first: NaiveDate, days: u8) -> Answer<'_, Vec<RunSheet>> {
        Box::pin(async move {
            let mut sheets = Vec::new();
            for date in first.iter_days().take(usize::from(days)) {
                sheets.extend(self.run_sheet(date).await?);
            }
            Ok(sheets)
        })
    }

    fn slot(&self, id: SlotId) -> Answer<'_, Option<SlotItem>> {
        done([1, 2, 3, 4, EMERGENCY].contains(&id.0).then(|| SlotItem {
            id,
            code: format!("s{id}"),
            title: if id.0 == 4 {
                "Ca nhạc buổi chiều".into()
            } else {
                "Chuyên mục của xã".into()
            },
            zones: vec![zone_of(id)],
            class: if id.0 == EMERGENCY {
                BulletinClass::Emergency
            } else {
                BulletinClass::Normal
            },
            rule: "0 17 * * Mon-Fri".into(),
            once: id.0 == 3,
            max_duration: Duration::from_secs(900),
            file: (id.0 != 4).then(|| "week.toml".into()),
        }))
    }

    fn programmes(&self) -> Answer<'_, Vec<ProgrammeItem>> {
        let item = |id, title: &str, class| ProgrammeItem {
            id: ProgrammeId(id),
            title: title.into(),
            class,
            duration: Some(Duration::from_secs(140)),
        };
        done(vec![
            item(1, "Thông báo họp dân", BulletinClass::Normal),
            item(2, "Cảnh báo lũ", BulletinClass::Emergency),
        ])
    }

    fn foresee<'a>(&'a self, edit: &'a Edit) -> Answer<'a, Consequence> {
        Box::pin(async move {
            let date: NaiveDate = "2026-12-04".parse().expect("a date");
            let before = self.run_sheet(date).await?.expect("there is one");
            let mut after = before.clone();
            let (number, zone) = match edit {
                Edit::Change { slot, .. } => (u32::try_from(slot.0).expect("small"), zone_of(*slot)),
                Edit::Insert { zone, .. } => (2, *zone),
            };
            let line = after
                .lines
                .iter_mut()
                .find(|line| line.number == number)
                .expect("a line");
            let mut clashes = Vec::new();
            match edit {
                Edit::Change { deed: Deed::Skip, .. } => {
                    line.verdict = Verdict::Dropped;
                    line.reasons = vec![Reason::Cancelled { note: String::new() }];
                }
                Edit::Change {
                    deed: Deed::Resize(length),
                    ..
                } if *length > Duration::from_secs(3_600) => clashes.push(number),
                Edit::Change {
                    deed: Deed::Move(to), ..
                } if to.date() < date => return Err(EditFault::Past(*to).into()),
                Edit::Change {
                    deed: Deed::Move(to), ..
                } if to.date() > date => line.start = at(86_400),
                _ => line.start = at(1_050),
            }
            Ok(Consequence {
                days: vec![ChangedDay {
                    before,
                    after,
                    changes: vec![(Some(number), Some(number))],
                    clashes,
                }],
                seen: SEEN.into(),
                zones: vec![zone],
            })
        })
    }

    fn save_edit<'a>(&'a self, edit: &'a Edit, seen: &'a str, by: &'a str) -> Answer<'a, i64> {
        if seen != SEEN {
            return refused(EditFault::Stale);
        }
        let zone = match edit {
            Edit::Change { slot, .. } => zone_of(*slot),
            Edit::Insert { zone, .. } => *zone,
        };
        self.changes
            .lock()
            .expect("no test panics with it")
            .push(format!("{by} {edit:?}"));
        done(zone.0)
    }

    fn saved_edit(&self, number: i64) -> Answer<'_, Option<SavedEdit>> {
        done([1, 2, 5, EMERGENCY].contains(&number).then(|| SavedEdit {
            number,
            zones: vec![ZoneId(if number == EMERGENCY { 2 } else { number })],
            emergency: number == EMERGENCY,
            // The western commune's is of tomorrow.
            until: Some(at(if number == 5 { 86_400 } else { 600 })),
        }))
    }

    fn undo_edit<'a>(&'a self, number: i64, by: &'a str) -> Answer<'a, ()> {
        self.changes
            .lock()
            .expect("no test panics with it")
            .push(format!("{by} undo {number}"));
        done(())
    }

    fn as_run_days(&self, first: NaiveDate, _: NaiveDate) -> Answer<'_, AsRunDay> {
        self.as_run(first)
    }

    fn rehearse<'a>(&'a self, _: NaiveDate, zone: Option<ZoneId>, _: &'a str) -> Answer<'a, RehearsalItem> {
        let zones = self.zones();
        let names: Vec<_> = zones
            .iter()
            .filter(|of| zone.is_none_or(|zone| zones.covers(zone, of.id)))
            .map(|of| {
                (
                    format!("#1 05:00:00 ({})", of.name),
                    "dời cho sát nhau".to_owned(),
                )
            })
            .collect();
        done(RehearsalItem {
            lines: 4,
            findings: names,
            since: vec!["+ #3 17:10:00".into()],
        })
    }
}
