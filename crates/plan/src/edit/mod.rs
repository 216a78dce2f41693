//! A change by hand: which rows it touches, and what the days are planned from once it is made.

mod consequence;
mod rule;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use loa_model::{
    CODE_LENGTH_MAX, Deed, Edit, EditFault, ExceptionRow, LENGTH_MAX, Mute, Overrun, Profile, Reach,
    Recurrence, RowChange, Slot, SlotChange, SlotException, SlotId, SlotRow, SlotSpec, WallTime,
};

use crate::day::DayInputs;
use crate::local::{local_date, to_wall};
use crate::occurrence::Calendar;

pub use consequence::{LineChange, clashes_of, compare};

/// What an edit comes to.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The rows to change, in this order.
    pub changes: Vec<RowChange>,
    /// Every slot as it would be; new ones have numbers that mean nothing in the store.
    pub slots: Vec<Slot>,
    /// Every exception as it would be.
    pub exceptions: Vec<SlotException>,
    /// Every day profile as it would be.
    pub profiles: Vec<Profile>,
    /// The days to compare, earliest first.
    pub dates: Vec<NaiveDate>,
    /// The slots that it is about: as they are, and as they would be.
    pub touched: Vec<SlotId>,
    /// Slots that go on as another: the new one, and the one it goes on from.
    pub twins: BTreeMap<SlotId, SlotId>,
}

impl Edited {
    /// Returns what days are planned from as they would be.
    pub fn inputs<'a>(&'a self, inputs: &DayInputs<'a>) -> DayInputs<'a> {
        DayInputs {
            slots: &self.slots,
            exceptions: &self.exceptions,
            profiles: &self.profiles,
            ..*inputs
        }
    }
}

/// Works out what an edit comes to; changes nothing.
///
/// # Errors
///
/// See [`EditFault`].
pub fn edit(inputs: &DayInputs<'_>, edit: &Edit, now: WallTime) -> Result<Edited, EditFault> {
    let today = local_date(inputs.tz, now);
    let mut desk = Desk {
        inputs,
        now,
        today,
        edited: Edited {
            changes: Vec::new(),
            slots: inputs.slots.to_vec(),
            exceptions: inputs.exceptions.to_vec(),
            profiles: inputs.profiles.to_vec(),
            dates: Vec::new(),
            touched: Vec::new(),
            twins: BTreeMap::new(),
        },
    };
    match edit {
        Edit::Insert {
            programme,
            zone,
            at,
            max_duration,
            makes_room,
        } => {
            let programme = inputs.programmes.iter().find(|known| known.id == *programme);
            let programme = programme.ok_or(EditFault::NoProgramme)?;
            inputs.tree.get(*zone).ok_or(EditFault::NoZone)?;
            let spec = SlotSpec {
                programme: programme.id,
                zones: vec![*zone],
                recurrence: Recurrence::Once(*at),
                every_weeks: None,
                valid_from: None,
                valid_to: None,
                profile: None,
                class: programme.spec.class,
                order: loa_model::ORDER_DEFAULT,
                max_duration: in_bounds(*max_duration)?,
                overrun: Overrun::Stop,
                makes_room: *makes_room,
            };
            desk.ahead(*at)?;
            desk.add(&programme.code, spec, None);
            desk.look_around(at.date(), 0);
        }
        Edit::Change {
            slot,
            date,
            time,
            deed,
            reach,
            note,
        } => desk.change(*slot, *date, *time, *deed, *reach, note)?,
    }
    let mut edited = desk.edited;
    if edited.changes.is_empty() {
        return Err(EditFault::Nothing);
    }
    edited.dates.retain(|date| *date >= today);
    edited.dates.sort_unstable();
    edited.dates.dedup();
    Ok(edited)
}

/// What is there, and what came of it so far.
struct Desk<'a> {
    inputs: &'a DayInputs<'a>,
    now: WallTime,
    today: NaiveDate,
    edited: Edited,
}

impl Desk<'_> {
    fn change(
        &mut self,
        id: SlotId,
        date: NaiveDate,
        time: NaiveTime,
        deed: Deed,
        reach: Reach,
        note: &str,
    ) -> Result<(), EditFault> {
        let slot = self.inputs.slots.iter().find(|slot| slot.id == id);
        let slot = slot.ok_or(EditFault::Gone)?;
        let calendar = Calendar::new(&slot.spec).map_err(|_| EditFault::Gone)?;
        if !calendar.names(date) || !calendar.times().contains(&time) {
            return Err(EditFault::Gone);
        }
        self.edited.touched.push(id);
        if let Deed::Copy { to, zone } = deed {
            return self.copy(slot, &calendar, to, zone, reach);
        }
        if self.start_of(slot, date, time) <= self.now && !self.is_off(slot, date, time) {
            return Err(EditFault::Begun);
        }
        match deed {
            Deed::Move(to) => self.ahead(to)?,
            Deed::Resize(length) => drop(in_bounds(length)?),
            Deed::Restore => self.ahead(date.and_time(time))?,
            Deed::Skip | Deed::Copy { .. } => {}
        }
        // What airs once has no series, and a date is restored by itself.
        let once = matches!(slot.spec.recurrence, Recurrence::Once(_));
        if reach == Reach::Day || once || deed == Deed::Restore {
            return self.change_day(slot, &calendar, date, time, deed, note);
        }
        if calendar.times().len() > 1 {
            return Err(EditFault::SeveralTimes(slot.code.clone()));
        }
        self.change_series(slot, &calendar, date, time, deed, reach)
    }

    fn change_day(
        &mut self,
        slot: &Slot,
        calendar: &Calendar,
        date: NaiveDate,
        time: NaiveTime,
        deed: Deed,
        note: &str,
    ) -> Result<(), EditFault> {
        // Of one airing one thing is said; a second would silently take the first away.
        let said = self.in_force(slot, date, time).map(|exception| exception.change);
        match (deed, said) {
            (Deed::Move(_), Some(SlotChange::Trim(_) | SlotChange::Replace(_)))
            | (Deed::Resize(_), Some(SlotChange::Move(_) | SlotChange::Replace(_))) => {
                return Err(EditFault::ChangedAlready);
            }
            _ => {}
        }
        let rule_at = date.and_time(time);
        let change = match deed {
            Deed::Skip => Some(SlotChange::Cancel),
            Deed::Move(to) => (to != rule_at).then_some(SlotChange::Move(to)),
            Deed::Resize(length) => (length != slot.spec.max_duration).then_some(SlotChange::Trim(length)),
            Deed::Restore | Deed::Copy { .. } => None,
        };
        for seen in [Some(rule_at), self.moved_to(slot, date, time)] {
            self.look_around_all(seen.map(|at| at.date()));
        }
        if let Some(SlotChange::Move(to)) = change {
            self.look_around(to.date(), 0);
        }
        // One that stands for the whole date stands for its only occurrence.
        let whole = self.exception(slot.id, date, None).is_some();
        let key = if whole && calendar.times().len() == 1 {
            None
        } else {
            Some(time)
        };
        self.put_exception(
            slot,
            date,
            key,
            change.map(|change| ExceptionRow {
                change,
                note: note.to_owned(),
                file: None,
            }),
        );
        Ok(())
    }

    fn change_series(
        &mut self,
        slot: &Slot,
        calendar: &Calendar,
        date: NaiveDate,
        time: NaiveTime,
        deed: Deed,
        reach: Reach,
    ) -> Result<(), EditFault> {
        let old = &slot.spec;
        let shift = match deed {
            Deed::Move(to) => to.date() - date,
            _ => chrono::TimeDelta::zero(),
        };
        let spec = match deed {
            Deed::Skip => old.clone(),
            Deed::Move(to) => SlotSpec {
                recurrence: self.moved_rule(slot, date, to)?,
                ..old.clone()
            },
            Deed::Resize(max_duration) => SlotSpec {
                max_duration,
                ..old.clone()
            },
            Deed::Restore | Deed::Copy { .. } => return Err(EditFault::Nothing),
        };
        let changed_time = match deed {
            Deed::Move(to) => to.time(),
            _ => time,
        };
        let ahead = |date: NaiveDate| {
            let old = to_wall(self.inputs.tz, date.and_time(time));
            let new = to_wall(self.inputs.tz, (date + shift).and_time(changed_time));
            old.is_some_and(|at| at > self.now) && new.is_some_and(|at| at > self.now)
        };
        let named_from = |first: NaiveDate| {
            let mut dates = first.iter_days().take(LOOK_AHEAD_DAYS);
            dates.find(|date| calendar.names(*date) && ahead(*date))
        };
        let from = match reach {
            Reach::Always => named_from(self.today).ok_or(EditFault::Gone)?,
            _ => date,
        };
        if !ahead(from) {
            return Err(EditFault::Begun);
        }
        self.look_around(from, WEEK_DAYS);
        self.look_around(from + shift, WEEK_DAYS);
        let eve = from.pred_opt().ok_or(EditFault::Gone)?;
        if deed == Deed::Skip {
            let until = SlotSpec {
                valid_to: Some(eve),
                ..spec
            };
            self.put_slot(slot, &slot.code, &until);
            return Ok(());
        }
        if spec == *old {
            return Err(EditFault::Nothing);
        }
        // The date itself is said anew.
        for key in [None, Some(time)] {
            self.put_exception(slot, date, key, None);
        }
        let kept: Vec<_> = self
            .edited
            .exceptions
            .iter()
            .filter(|exception| exception.slot == slot.id && exception.date >= from)
            .cloned()
            .collect();
        for exception in &kept {
            self.put_exception(slot, exception.date, exception.time, None);
        }
        let mut before = self.today.iter_days().take_while(|date| *date < from);
        let goes_on = if before.any(|date| calendar.names(date)) {
            let until = SlotSpec {
                valid_to: Some(eve),
                ..old.clone()
            };
            let ended = self.free_code(&format!("{}-until-{}", slot.code, eve.format("%Y%m%d")));
            self.put_slot(slot, &ended, &until);
            let onward = SlotSpec {
                valid_from: Some(from.min(from + shift)),
                ..spec
            };
            self.add_as(slot.code.clone(), onward, Some((slot.id, &ended)))
        } else {
            let onward = SlotSpec {
                valid_from: spec.valid_from.map(|from| from.min(from + shift)),
                ..spec
            };
            self.put_slot(slot, &slot.code, &onward);
            Slot {
                spec: onward,
                ..slot.clone()
            }
        };
        for exception in kept {
            let time = exception.time.map(|_| changed_time);
            self.put_exception(
                &goes_on,
                exception.date + shift,
                time,
                Some(ExceptionRow {
                    change: exception.change,
                    note: exception.note,
                    file: None,
                }),
            );
        }
        Ok(())
    }

    fn copy(
        &mut self,
        slot: &Slot,
        calendar: &Calendar,
        to: NaiveDateTime,
        zone: Option<loa_model::ZoneId>,
        reach: Reach,
    ) -> Result<(), EditFault> {
        self.ahead(to)?;
        if let Some(zone) = zone {
            self.inputs.tree.get(zone).ok_or(EditFault::NoZone)?;
        }
        let once = reach == Reach::Day || matches!(slot.spec.recurrence, Recurrence::Once(_));
        if !once && calendar.times().len() > 1 {
            return Err(EditFault::SeveralTimes(slot.code.clone()));
        }
        let zones = zone.map_or_else(|| slot.spec.zones.clone(), |zone| vec![zone]);
        let spec = if once {
            SlotSpec {
                zones,
                recurrence: Recurrence::Once(to),
                every_weeks: None,
                valid_from: None,
                valid_to: None,
                profile: None,
                ..slot.spec.clone()
            }
        } else {
            // A copy of the series begins where it was put, on a day of its own.
            let from = self.named_near(calendar, to.date());
            SlotSpec {
                zones,
                recurrence: self.moved_rule(slot, from, to)?,
                valid_from: (reach == Reach::Onward || slot.spec.every_weeks.is_some())
                    .then_some(to.date())
                    .or(slot.spec.valid_from),
                ..slot.spec.clone()
            }
        };
        let days = if once { 0 } else { WEEK_DAYS };
        self.look_around(
            if reach == Reach::Always {
                self.today
            } else {
                to.date()
            },
            days,
        );
        self.add(&slot.code, spec, None);
        Ok(())
    }

    /// Returns the date itself if the rule names it, else one that it names in the same week.
    fn named_near(&self, calendar: &Calendar, date: NaiveDate) -> NaiveDate {
        if calendar.names(date) {
            return date;
        }
        let week = date.week(chrono::Weekday::Mon).first_day();
        let found = week.iter_days().take(7).find(|date| calendar.names(*date));
        found.unwrap_or(date)
    }

    /// Returns a slot's rule for another time of day and, if it airs on one day of the week, for another such day.
    fn moved_rule(&self, slot: &Slot, from: NaiveDate, to: NaiveDateTime) -> Result<Recurrence, EditFault> {
        let Recurrence::Cron(line) = &slot.spec.recurrence else {
            return Ok(Recurrence::Once(to));
        };
        let several = || EditFault::SeveralDays(slot.code.clone());
        let line = rule::at_time(line, to.time()).ok_or_else(several)?;
        if from == to.date() {
            return Ok(Recurrence::Cron(line));
        }
        let week = |date: NaiveDate| date.week(chrono::Weekday::Mon).first_day();
        if slot.spec.every_weeks.is_some() && week(from) != week(to.date()) {
            return Err(several());
        }
        let line = rule::on_weekday(&line, from, to.date()).ok_or_else(several)?;
        Ok(Recurrence::Cron(line))
    }

    /// Returns when an occurrence begins, as it stands.
    fn start_of(&self, slot: &Slot, date: NaiveDate, time: NaiveTime) -> WallTime {
        let at = self
            .moved_to(slot, date, time)
            .unwrap_or_else(|| date.and_time(time));
        to_wall(self.inputs.tz, at).unwrap_or_default()
    }

    fn moved_to(&self, slot: &Slot, date: NaiveDate, time: NaiveTime) -> Option<NaiveDateTime> {
        match self.in_force(slot, date, time)?.change {
            SlotChange::Move(to) => Some(to),
            _ => None,
        }
    }

    fn is_off(&self, slot: &Slot, date: NaiveDate, time: NaiveTime) -> bool {
        let found = self.in_force(slot, date, time);
        found.is_some_and(|exception| exception.change == SlotChange::Cancel)
    }

    fn in_force(&self, slot: &Slot, date: NaiveDate, time: NaiveTime) -> Option<&SlotException> {
        let exact = self.exception(slot.id, date, Some(time));
        exact.or_else(|| self.exception(slot.id, date, None))
    }

    fn exception(&self, slot: SlotId, date: NaiveDate, time: Option<NaiveTime>) -> Option<&SlotException> {
        let mut all = self.edited.exceptions.iter();
        all.find(|exception| (exception.slot, exception.date, exception.time) == (slot, date, time))
    }

    fn ahead(&self, at: NaiveDateTime) -> Result<(), EditFault> {
        let ahead = to_wall(self.inputs.tz, at).is_some_and(|at| at > self.now);
        if ahead { Ok(()) } else { Err(EditFault::Past(at)) }
    }

    fn look_around_all(&mut self, dates: impl IntoIterator<Item = NaiveDate>) {
        for date in dates {
            self.look_around(date, 0);
        }
    }

    /// What runs over midnight meets the days beside.
    fn look_around(&mut self, date: NaiveDate, more: u64) {
        let eve = date.checked_sub_days(Days::new(1)).unwrap_or(date);
        let days = usize::try_from(more).unwrap_or(0) + 3;
        self.edited.dates.extend(eve.iter_days().take(days));
    }

    fn put_exception(
        &mut self,
        slot: &Slot,
        date: NaiveDate,
        time: Option<NaiveTime>,
        after: Option<ExceptionRow>,
    ) {
        let before = self.exception(slot.id, date, time).map(|old| ExceptionRow {
            change: old.change,
            note: old.note.clone(),
            file: None,
        });
        if before == after {
            return;
        }
        let key = (slot.id, date, time);
        self.edited
            .exceptions
            .retain(|old| (old.slot, old.date, old.time) != key);
        self.edited
            .exceptions
            .extend(after.as_ref().map(|row| SlotException {
                slot: slot.id,
                date,
                time,
                change: row.change,
                note: row.note.clone(),
            }));
        self.edited.changes.push(RowChange::Exception {
            slot: slot.code.clone(),
            date,
            time,
            before,
            after,
        });
    }

    fn put_slot(&mut self, slot: &Slot, code: &str, spec: &SlotSpecOfRows) {
        let row = |code: &str, spec: &SlotSpecOfRows| SlotRow {
            code: code.to_owned(),
            spec: spec.clone(),
            file: None,
        };
        self.edited.changes.push(RowChange::Slot {
            before: Some(row(&slot.code, &slot.spec)),
            after: Some(row(code, spec)),
            twin: None,
        });
        for known in self.edited.slots.iter_mut().filter(|known| known.id == slot.id) {
            code.clone_into(&mut known.code);
            known.spec = spec.clone();
        }
    }

    fn add(&mut self, code: &str, spec: SlotSpecOfRows, twin: Option<(SlotId, &str)>) -> Slot {
        let at = match &spec.recurrence {
            Recurrence::Once(at) => at.format("-%Y%m%d-%H%M").to_string(),
            Recurrence::Cron(_) => "-copy".to_owned(),
        };
        let code = self.free_code(&format!("{code}{at}"));
        self.add_as(code, spec, twin)
    }

    fn add_as(&mut self, code: String, spec: SlotSpecOfRows, twin: Option<(SlotId, &str)>) -> Slot {
        let highest = self.edited.slots.iter().map(|slot| slot.id.0).max();
        let id = SlotId(highest.unwrap_or(0) + 1);
        let slot = Slot {
            id,
            code: code.clone(),
            spec: spec.clone(),
        };
        self.edited.slots.push(slot.clone());
        self.edited.touched.push(id);
        self.edited.changes.push(RowChange::Slot {
            before: None,
            after: Some(SlotRow {
                code,
                spec,
                file: None,
            }),
            twin: twin.map(|(_, code)| code.to_owned()),
        });
        if let Some((of, _)) = twin {
            self.edited.twins.insert(id, of);
            for profile in &mut self.edited.profiles {
                if let Mute::Slots(slots) = &mut profile.spec.mute
                    && slots.contains(&of)
                {
                    slots.push(id);
                }
                let replaced = &mut profile.spec.replace;
                if let Some(by) = replaced.iter().find(|(slot, _)| *slot == of).map(|(_, by)| *by) {
                    replaced.push((id, by));
                }
            }
        }
        slot
    }

    fn free_code(&self, wanted: &str) -> String {
        let taken = |code: &str| self.edited.slots.iter().any(|slot| slot.code == code);
        let mut number = 1_u32;
        loop {
            let tail = if number > 1 {
                format!("-{number}")
            } else {
                String::new()
            };
            // What tells it from the others is at its end.
            let over = (wanted.len() + tail.len()).saturating_sub(CODE_LENGTH_MAX);
            let code = format!("{}{tail}", wanted[over..].trim_start_matches('-'));
            if !taken(&code) {
                return code;
            }
            number += 1;
        }
    }
}

type SlotSpecOfRows = SlotSpec<loa_model::ProgrammeId, loa_model::ZoneId, loa_model::ProfileId>;

fn in_bounds(length: std::time::Duration) -> Result<std::time::Duration, EditFault> {
    let least = std::time::Duration::from_secs(1);
    if (least..=LENGTH_MAX).contains(&length) {
        Ok(length)
    } else {
        Err(EditFault::Length)
    }
}

/// Of a series, a week is looked at.
const WEEK_DAYS: u64 = 7;
/// As far as calendars take to repeat.
const LOOK_AHEAD_DAYS: usize = 8 * 366;
