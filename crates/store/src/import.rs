//! Importing a schedule: all of it or nothing.

use std::collections::BTreeMap;

use loa_model::{NewException, NewProgramme, NewSlot, NewZone, Recurrence, Schedule, SlotChange};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::column::Column;
use crate::error::Context as _;
use crate::schedule::{rows, zones};
use crate::{ImportError, Store, StoreError};

/// What an import changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Zones added or kept.
    pub zones: usize,
    /// Programmes added or kept.
    pub programmes: usize,
    /// Slots added or kept.
    pub slots: usize,
    /// Exceptions added or kept.
    pub exceptions: usize,
    /// Programmes and slots that an earlier file of the same name declared and this one does not.
    pub removed: usize,
}

impl Store {
    /// Imports a schedule that was checked against this store.
    ///
    /// Programmes, slots and exceptions of an earlier import of a file of the same name are replaced. Things keep
    /// their row by their code, so what was aired of a slot stays what was aired of it.
    ///
    /// # Errors
    ///
    /// See [`ImportError`]; nothing is changed then.
    pub fn import_schedule(&mut self, schedule: &Schedule) -> Result<ImportSummary, ImportError> {
        self.change("import the schedule", |connection| {
            schedule
                .zones
                .iter()
                .try_for_each(|zone| put_zone(connection, zone))?;
            zones(connection)?;
            let mut summary = ImportSummary {
                zones: schedule.zones.len(),
                ..ImportSummary::default()
            };
            for file in &schedule.files {
                summary.removed += remove_undeclared(connection, schedule, file)?;
            }
            schedule
                .programmes
                .iter()
                .try_for_each(|programme| put_programme(connection, programme))?;
            schedule
                .slots
                .iter()
                .try_for_each(|slot| put_slot(connection, slot))?;
            schedule
                .exceptions
                .iter()
                .try_for_each(|exception| put_exception(connection, exception))?;
            for file in &schedule.files {
                summary.removed += remove_unaired(connection, schedule, file)?;
            }
            summary.programmes = schedule.programmes.len();
            summary.slots = schedule.slots.len();
            summary.exceptions = schedule.exceptions.len();
            Ok(summary)
        })
    }
}

fn put_zone(connection: &Connection, zone: &NewZone) -> Result<(), ImportError> {
    let parent = match &zone.parent {
        Some(parent) => Some(
            row_of(connection, "zone", parent)?.ok_or_else(|| ImportError::Unknown {
                by: format!("zone \"{}\"", zone.code),
                what: "zone",
                name: parent.clone(),
            })?,
        ),
        None => None,
    };
    let query = "insert into zone (code, name, parent, channel) values (:code, :name, :parent, :channel)
        on conflict (code) do update set name = :name, parent = :parent, channel = :channel";
    let values = named_params! {
        ":code": zone.code, ":name": zone.name, ":parent": parent, ":channel": zone.channel.0,
    };
    connection.execute(query, values).context("import a zone")?;
    Ok(())
}

/// Removes slots and exceptions that the file no longer declares.
fn remove_undeclared(connection: &Connection, schedule: &Schedule, file: &str) -> Result<usize, ImportError> {
    connection
        .execute("delete from slot_exception where file = ?", [file])
        .context("import exceptions")?;
    let kept: Vec<_> = schedule.slots.iter().map(|slot| slot.code.as_str()).collect();
    let mut removed = 0;
    for code in codes_of(connection, "slot", file)? {
        if !kept.contains(&code.as_str()) {
            removed += connection
                .execute("delete from slot where code = ?", [&code])
                .context("import slots")?;
        }
    }
    Ok(removed)
}

/// Removes programmes that the file no longer declares, unless somebody still airs them.
fn remove_unaired(connection: &Connection, schedule: &Schedule, file: &str) -> Result<usize, ImportError> {
    let kept: Vec<_> = schedule
        .programmes
        .iter()
        .map(|programme| programme.code.as_str())
        .collect();
    let mut removed = 0;
    for code in codes_of(connection, "programme", file)? {
        if kept.contains(&code.as_str()) {
            continue;
        }
        let query = "select slot.code from slot join programme on programme.id = slot.programme where programme.code = ?";
        let slot: Option<String> = connection
            .query_row(query, [&code], |row| row.get(0))
            .optional()
            .context("import programmes")?;
        if let Some(slot) = slot {
            return Err(ImportError::StillAired {
                file: file.to_owned(),
                programme: code,
                slot,
            });
        }
        removed += connection
            .execute("delete from programme where code = ?", [&code])
            .context("import programmes")?;
    }
    Ok(removed)
}

fn put_programme(connection: &Connection, programme: &NewProgramme) -> Result<(), ImportError> {
    check_file(connection, "programme", &programme.code, &programme.file)?;
    let hash = programme.media.to_string();
    let known: Option<i64> = connection
        .query_row("select 1 from media where hash = ?", [&hash], |row| row.get(0))
        .optional()
        .context("import a programme")?;
    if known.is_none() {
        let by = format!("programme \"{}\"", programme.code);
        return Err(ImportError::Unknown {
            by,
            what: "media",
            name: hash,
        });
    }
    let query = "insert into programme (code, title, media, class, chime, pre_emption, file)
        values (:code, :title, :media, :class, :chime, :pre_emption, :file)
        on conflict (code) do update set title = :title, media = :media, class = :class, chime = :chime,
            pre_emption = :pre_emption, file = :file";
    let values = named_params! {
        ":code": programme.code,
        ":title": programme.title,
        ":media": hash,
        ":class": Column(programme.class),
        ":chime": programme.chime,
        ":pre_emption": Column(programme.pre_emption),
        ":file": programme.file,
    };
    connection.execute(query, values).context("import a programme")?;
    Ok(())
}

fn put_slot(connection: &Connection, slot: &NewSlot) -> Result<(), ImportError> {
    check_file(connection, "slot", &slot.code, &slot.file)?;
    let by = || format!("slot \"{}\"", slot.code);
    let unknown = |what, name: &str| ImportError::Unknown {
        by: by(),
        what,
        name: name.to_owned(),
    };
    let programme = row_of(connection, "programme", &slot.programme)?
        .ok_or_else(|| unknown("programme", &slot.programme))?;
    let (cron, once) = match &slot.recurrence {
        Recurrence::Cron(line) => (Some(line), None),
        Recurrence::Once(at) => (None, Some(*at)),
    };
    let query =
        "insert into slot (code, programme, cron, once, valid_from, valid_to, class, max_duration, file)
        values (:code, :programme, :cron, :once, :valid_from, :valid_to, :class, :max_duration, :file)
        on conflict (code) do update set programme = :programme, cron = :cron, once = :once,
            valid_from = :valid_from, valid_to = :valid_to, class = :class, max_duration = :max_duration,
            file = :file";
    let values = named_params! {
        ":code": slot.code,
        ":programme": programme,
        ":cron": cron,
        ":once": once,
        ":valid_from": slot.valid_from,
        ":valid_to": slot.valid_to,
        ":class": Column(slot.class),
        ":max_duration": Column(slot.max_duration),
        ":file": slot.file,
    };
    connection.execute(query, values).context("import a slot")?;
    let id = row_of(connection, "slot", &slot.code)?;
    connection
        .execute("delete from slot_zone where slot = ?", [id])
        .context("import a slot")?;
    for code in &slot.zones {
        let zone = row_of(connection, "zone", code)?.ok_or_else(|| unknown("zone", code))?;
        connection
            .execute(
                "insert or ignore into slot_zone (slot, zone) values (?, ?)",
                params![id, zone],
            )
            .context("import a slot")?;
    }
    Ok(())
}

fn put_exception(connection: &Connection, exception: &NewException) -> Result<(), ImportError> {
    let slot = row_of(connection, "slot", &exception.slot)?.ok_or_else(|| ImportError::Unknown {
        by: format!("the exception on {}", exception.date),
        what: "slot",
        name: exception.slot.clone(),
    })?;
    let change = match exception.change {
        SlotChange::Cancel => "cancel",
        _ => return Err(StoreError::Damaged { what: "exception" }.into()),
    };
    let query = "insert into slot_exception (slot, date, change, note, file) values (?, ?, ?, ?, ?)
        on conflict (slot, date) do update set change = excluded.change, note = excluded.note, file = excluded.file";
    let values = params![slot, exception.date, change, exception.note, exception.file];
    connection.execute(query, values).context("import an exception")?;
    Ok(())
}

/// Refuses to take over what another file declares: importing that one again would take it back.
fn check_file(
    connection: &Connection,
    table: &'static str,
    code: &str,
    file: &str,
) -> Result<(), ImportError> {
    let query = format!("select file from {table} where code = ?");
    let found: Option<String> = connection
        .query_row(&query, [code], |row| row.get(0))
        .optional()
        .context("import")?;
    match found.filter(|found| found != file) {
        Some(found) => Err(ImportError::OtherFile {
            what: table,
            code: code.to_owned(),
            file: found,
        }),
        None => Ok(()),
    }
}

fn row_of(connection: &Connection, table: &str, code: &str) -> Result<Option<i64>, StoreError> {
    let query = format!("select id from {table} where code = ?");
    connection
        .query_row(&query, [code], |row| row.get(0))
        .optional()
        .context("import")
}

fn codes_of(connection: &Connection, table: &str, file: &str) -> Result<Vec<String>, StoreError> {
    let all = rows(connection, &format!("select code, file from {table}"), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let files: BTreeMap<String, String> = all.into_iter().collect();
    Ok(files
        .into_iter()
        .filter(|(_, found)| found == file)
        .map(|(code, _)| code)
        .collect())
}
