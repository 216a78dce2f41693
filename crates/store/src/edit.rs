//! Changes made by hand: row by row, each only if the row is as it was seen, all of them or none.

use chrono::{NaiveDate, NaiveTime};
use loa_model::{
    BulletinClass, ExceptionRow, Mute, PANEL_FILE, ProfileSpec, ProgrammeId, RowChange, Slot, SlotId,
    SlotRow, WallTime, ZoneId,
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::audit::{AuditRow, append};
use crate::column::{Column, from_json, get, json};
use crate::error::Context as _;
use crate::{Store, StoreError};

/// A change to make.
#[derive(Clone, Debug)]
pub struct NewEdit {
    /// The rows, in this order.
    pub changes: Vec<RowChange>,
    /// What [`Store::planning_version`] was when its consequence was worked out.
    pub version: i64,
    /// The zones that it is about.
    pub zones: Vec<ZoneId>,
    /// It can be taken back until then: the first of what it changes begins.
    pub until: WallTime,
    /// What was done, for the audit log.
    pub detail: String,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRow {
    /// Its number.
    pub number: i64,
    /// When.
    pub at: WallTime,
    /// Who.
    pub who: String,
    /// What.
    pub detail: String,
    /// The zones that it is about.
    pub zones: Vec<ZoneId>,
    /// It can be taken back until then.
    pub until: WallTime,
    /// Whether it was taken back.
    pub undone: bool,
    changes: Vec<RowChange>,
}

impl EditRow {
    /// Tells whether it is about a slot of a class: as it was, as it became, or as it stands among all slots.
    pub fn is_of(&self, class: BulletinClass, slots: &[Slot]) -> bool {
        self.changes.iter().any(|change| match change {
            RowChange::Slot { before, after, .. } => {
                before.iter().chain(after).any(|row| row.spec.class == class)
            }
            RowChange::Exception { slot, .. } => slots
                .iter()
                .any(|known| known.code == *slot && known.spec.class == class),
        })
    }
}

impl Store {
    /// Makes a change to the schedule, and writes down who did it with what was before and after. Returns its number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Stale`] if anything that days are planned from was changed since; nothing is changed then.
    pub fn edit_schedule(&mut self, edit: &NewEdit, by: &str, at: WallTime) -> Result<i64, StoreError> {
        self.change_planned(WHAT, |connection| {
            let query = "select number from planning_version";
            let version: i64 = connection.query_row(query, [], |row| row.get(0)).context(WHAT)?;
            if version != edit.version {
                return Err(StoreError::Stale);
            }
            let made = make(connection, &edit.changes)?;
            let query = "insert into schedule_edit (at, by_user, detail, zones, until, changes)
                values (:at, :by, :detail, :zones, :until, :changes)";
            let values = named_params! {
                ":at": Column(at), ":by": by, ":detail": edit.detail, ":zones": json(&edit.zones),
                ":until": Column(edit.until), ":changes": json(&made),
            };
            connection.execute(query, values).context(WHAT)?;
            let number = connection.last_insert_rowid();
            append(
                connection,
                &audit_row("schedule edit", &edit.detail, &made, by, at),
            )?;
            Ok(number)
        })
    }

    /// Takes a change back, if all that it touched is as it left it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Stale`] if it was changed since, or was taken back already.
    pub fn undo_edit(&mut self, number: i64, by: &str, at: WallTime) -> Result<(), StoreError> {
        self.change_planned(WHAT, |connection| {
            let edit = find(connection, number)?.ok_or_else(|| unknown(number))?;
            if edit.undone {
                return Err(StoreError::Stale);
            }
            let back: Vec<_> = edit.changes.into_iter().rev().map(RowChange::reversed).collect();
            let made = make(connection, &back)?;
            let query = "update schedule_edit set undone_at = ?, undone_by = ? where id = ?";
            connection
                .execute(query, params![Column(at), by, number])
                .context(WHAT)?;
            append(
                connection,
                &audit_row("schedule undo", &edit.detail, &made, by, at),
            )
        })
    }

    /// Finds a change by its number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn schedule_edit(&self, number: i64) -> Result<Option<EditRow>, StoreError> {
        find(&self.connection, number)
    }
}

fn audit_row(action: &str, detail: &str, changes: &[RowChange], by: &str, at: WallTime) -> AuditRow {
    let (before, after): (Vec<_>, Vec<_>) = changes.iter().map(RowChange::texts).unzip();
    let joined = |texts: Vec<String>| {
        let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        texts.join("; ")
    };
    AuditRow {
        at,
        who: by.to_owned(),
        action: action.to_owned(),
        detail: detail.to_owned(),
        before: joined(before),
        after: joined(after),
    }
}

fn find(connection: &Connection, number: i64) -> Result<Option<EditRow>, StoreError> {
    let read = |row: &Row<'_>| {
        let row_as_text = (row.get::<_, String>("zones")?, row.get::<_, String>("changes")?);
        let edit = EditRow {
            number: row.get("id")?,
            at: get(row, "at")?,
            who: row.get("by_user")?,
            detail: row.get("detail")?,
            zones: Vec::new(),
            until: get(row, "until")?,
            undone: row.get::<_, Option<i64>>("undone_at")?.is_some(),
            changes: Vec::new(),
        };
        Ok((edit, row_as_text))
    };
    let query = "select * from schedule_edit where id = ?";
    let found = connection
        .query_row(query, [number], read)
        .optional()
        .context(WHAT)?;
    let Some((edit, (zones, changes))) = found else {
        return Ok(None);
    };
    Ok(Some(EditRow {
        zones: from_json(&zones, WHAT_ROW)?,
        changes: from_json(&changes, WHAT_ROW)?,
        ..edit
    }))
}

fn unknown(number: i64) -> StoreError {
    StoreError::Unknown {
        what: "change of the schedule",
        name: number.to_string(),
    }
}

/// Changes rows, and returns the changes with the files that declared what was there.
fn make(connection: &Connection, changes: &[RowChange]) -> Result<Vec<RowChange>, StoreError> {
    let one = |change: &RowChange| match change {
        RowChange::Slot { before, after, twin } => {
            let before = before
                .as_ref()
                .map(|row| slot_there(connection, row))
                .transpose()?;
            let after = after.as_ref().map(|row| SlotRow {
                file: Some(row.file.clone().unwrap_or_else(|| PANEL_FILE.to_owned())),
                ..row.clone()
            });
            change_slot(connection, before.as_ref(), after.as_ref(), twin.as_deref())?;
            Ok(RowChange::Slot {
                before: before.map(|(_, row)| row),
                after,
                twin: twin.clone(),
            })
        }
        RowChange::Exception {
            slot,
            date,
            time,
            before,
            after,
        } => {
            let id = slot_id(connection, slot)?;
            let there = exception_there(connection, id, *date, *time)?;
            let same = |there: &ExceptionRow, before: &ExceptionRow| {
                let file = before.file.is_none() || there.file == before.file;
                there.change == before.change && there.note == before.note && file
            };
            let is_seen = match (&there, before) {
                (None, None) => true,
                (Some(there), Some(before)) => same(there, before),
                _ => false,
            };
            if !is_seen {
                return Err(StoreError::Stale);
            }
            let after = after.as_ref().map(|row| ExceptionRow {
                file: Some(row.file.clone().unwrap_or_default()),
                ..row.clone()
            });
            put_exception(connection, id, *date, *time, after.as_ref())?;
            Ok(RowChange::Exception {
                slot: slot.clone(),
                date: *date,
                time: *time,
                before: there,
                after,
            })
        }
    };
    changes.iter().map(one).collect()
}

/// Returns a slot with its row's number and its file, if it is as it was seen.
fn slot_there(connection: &Connection, seen: &SlotRow) -> Result<(i64, SlotRow), StoreError> {
    let query = "select id, spec, file from slot where code = ?";
    let found: Option<(i64, String, String)> = connection
        .query_row(query, [&seen.code], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .context(WHAT)?;
    let (id, spec, file) = found.ok_or(StoreError::Stale)?;
    let row = SlotRow {
        code: seen.code.clone(),
        spec: from_json(&spec, "slot")?,
        file: Some(file),
    };
    if row.spec != seen.spec || (seen.file.is_some() && seen.file != row.file) {
        return Err(StoreError::Stale);
    }
    Ok((id, row))
}

fn change_slot(
    connection: &Connection,
    before: Option<&(i64, SlotRow)>,
    after: Option<&SlotRow>,
    twin: Option<&str>,
) -> Result<(), StoreError> {
    match (before, after) {
        (Some((id, _)), Some(after)) => {
            let query = "update slot set code = ?, programme = ?, spec = ?, file = ? where id = ?";
            let (programme, spec) = (after.spec.programme.0, json(&after.spec));
            connection
                .execute(query, params![after.code, programme, spec, after.file, id])
                .context(WHAT)?;
            put_zones(connection, *id, &after.spec.zones)
        }
        (None, Some(after)) => {
            let query =
                "insert into slot (code, programme, spec, file) values (?, ?, ?, ?) on conflict do nothing";
            let (programme, spec) = (after.spec.programme.0, json(&after.spec));
            let added = connection
                .execute(query, params![after.code, programme, spec, after.file])
                .context(WHAT)?;
            if added == 0 {
                return Err(StoreError::Stale);
            }
            let id = connection.last_insert_rowid();
            put_zones(connection, id, &after.spec.zones)?;
            let Some(twin) = twin else { return Ok(()) };
            let twin = slot_id(connection, twin)?;
            change_profiles(connection, |spec| name_twin(spec, twin, SlotId(id)))
        }
        (Some((id, _)), None) => {
            let id = *id;
            change_profiles(connection, |spec| forget(spec, SlotId(id)))?;
            connection
                .execute("delete from slot where id = ?", [id])
                .context(WHAT)
                .map(drop)
        }
        (None, None) => Ok(()),
    }
}

fn put_zones(connection: &Connection, slot: i64, zones: &[ZoneId]) -> Result<(), StoreError> {
    connection
        .execute("delete from slot_zone where slot = ?", [slot])
        .context(WHAT)?;
    for zone in zones {
        let query = "insert or ignore into slot_zone (slot, zone) values (?, ?)";
        connection.execute(query, [slot, zone.0]).context(WHAT)?;
    }
    Ok(())
}

type Spec = ProfileSpec<SlotId, ProgrammeId, ZoneId>;

fn change_profiles(connection: &Connection, change: impl Fn(&mut Spec)) -> Result<(), StoreError> {
    let profiles = crate::schedule::rows(connection, "select id, spec from profile order by id", |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    for (id, text) in profiles {
        let before: Spec = from_json(&text, "profile")?;
        let mut spec = before.clone();
        change(&mut spec);
        if spec != before {
            connection
                .execute(
                    "update profile set spec = ? where id = ?",
                    params![json(&spec), id],
                )
                .context(WHAT)?;
        }
    }
    Ok(())
}

fn name_twin(spec: &mut Spec, of: SlotId, twin: SlotId) {
    if let Mute::Slots(slots) = &mut spec.mute
        && slots.contains(&of)
    {
        slots.push(twin);
    }
    if let Some(by) = spec
        .replace
        .iter()
        .find(|(slot, _)| *slot == of)
        .map(|(_, by)| *by)
    {
        spec.replace.push((twin, by));
    }
}

fn forget(spec: &mut Spec, gone: SlotId) {
    if let Mute::Slots(slots) = &mut spec.mute {
        slots.retain(|slot| *slot != gone);
    }
    spec.replace.retain(|(slot, _)| *slot != gone);
}

fn slot_id(connection: &Connection, code: &str) -> Result<SlotId, StoreError> {
    let found = connection.query_row("select id from slot where code = ?", [code], |row| row.get(0));
    found
        .optional()
        .context(WHAT)?
        .map(SlotId)
        .ok_or(StoreError::Stale)
}

fn time_text(time: Option<NaiveTime>) -> String {
    time.map_or_else(String::new, |time| time.format("%H:%M:%S").to_string())
}

fn exception_there(
    connection: &Connection,
    slot: SlotId,
    date: NaiveDate,
    time: Option<NaiveTime>,
) -> Result<Option<ExceptionRow>, StoreError> {
    let query = "select change, note, file from slot_exception where slot = ? and date = ? and time = ?";
    let found: Option<(String, String, String)> = connection
        .query_row(query, params![slot.0, date, time_text(time)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .context(WHAT)?;
    let row = |(change, note, file): (String, String, String)| {
        Ok(ExceptionRow {
            change: from_json(&change, "slot exception")?,
            note,
            file: Some(file),
        })
    };
    found.map(row).transpose()
}

fn put_exception(
    connection: &Connection,
    slot: SlotId,
    date: NaiveDate,
    time: Option<NaiveTime>,
    row: Option<&ExceptionRow>,
) -> Result<(), StoreError> {
    let query = "delete from slot_exception where slot = ? and date = ? and time = ?";
    connection
        .execute(query, params![slot.0, date, time_text(time)])
        .context(WHAT)?;
    let Some(row) = row else { return Ok(()) };
    let query = "insert into slot_exception (slot, date, time, change, note, file) values (?, ?, ?, ?, ?, ?)";
    let values = params![
        slot.0,
        date,
        time_text(time),
        json(&row.change),
        row.note,
        row.file
    ];
    connection.execute(query, values).context(WHAT).map(drop)
}

const WHAT: &str = "change the schedule";
const WHAT_ROW: &str = "change of the schedule";
