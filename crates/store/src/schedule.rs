//! Zones, programmes, slots and exceptions, as the planner reads them.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use loa_model::{
    Channel, Programme, ProgrammeId, Recurrence, Slot, SlotChange, SlotException, SlotId, Source, Zone,
    ZoneId, ZoneTree,
};
use rusqlite::{Connection, Params, Row};

use crate::column::get;
use crate::error::Context as _;
use crate::{Store, StoreError};

/// Everything that a day is planned from, but the media.
#[derive(Clone, Debug, Default)]
pub struct ScheduleRows {
    /// Every programme.
    pub programmes: Vec<Programme>,
    /// Every slot.
    pub slots: Vec<Slot>,
    /// Every exception.
    pub exceptions: Vec<SlotException>,
    /// Names of the files that declare programmes and slots, by code.
    pub files: BTreeMap<String, String>,
}

impl Store {
    /// Reads all zones.
    ///
    /// # Errors
    ///
    /// If the database fails, or holds zones that are no tree.
    pub fn zones(&self) -> Result<ZoneTree, StoreError> {
        zones(&self.connection)
    }

    /// Reads programmes, slots and exceptions.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn schedule(&self) -> Result<ScheduleRows, StoreError> {
        let connection = &self.connection;
        let programmes = rows(connection, "select * from programme order by id", programme)?;
        let mut slots = rows(connection, "select * from slot order by id", slot)?;
        let zones: Vec<(i64, i64)> = rows(
            connection,
            "select slot, zone from slot_zone order by zone",
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for slot in &mut slots {
            let own = zones.iter().filter(|(id, _)| *id == slot.id.0);
            slot.zones = own.map(|(_, zone)| ZoneId(*zone)).collect();
        }
        let exceptions = rows(
            connection,
            "select * from slot_exception order by slot, date",
            exception,
        )?;
        let files = "select code, file from programme union all select code, file from slot";
        let files = rows(connection, files, |row| Ok((row.get(0)?, row.get(1)?)))?
            .into_iter()
            .collect();
        Ok(ScheduleRows {
            programmes,
            slots,
            exceptions,
            files,
        })
    }
}

/// Runs a query without parameters and reads each row.
pub(crate) fn rows<T>(
    connection: &Connection,
    query: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    rows_with(connection, query, [], read)
}

/// Runs a query and reads each row.
pub(crate) fn rows_with<T>(
    connection: &Connection,
    query: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let read_all = || {
        let mut statement = connection.prepare_cached(query)?;
        statement
            .query_map(parameters, read)?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    read_all().context("read")
}

pub(crate) fn zones(connection: &Connection) -> Result<ZoneTree, StoreError> {
    let zones = rows(connection, "select * from zone order by id", |row| {
        Ok(Zone {
            id: ZoneId(row.get("id")?),
            code: row.get("code")?,
            name: row.get("name")?,
            parent: row.get::<_, Option<i64>>("parent")?.map(ZoneId),
            channel: Channel(row.get("channel")?),
        })
    })?;
    ZoneTree::new(zones).map_err(|_| StoreError::Damaged { what: "zone tree" })
}

fn programme(row: &Row<'_>) -> rusqlite::Result<Programme> {
    Ok(Programme {
        id: ProgrammeId(row.get("id")?),
        code: row.get("code")?,
        title: row.get("title")?,
        source: Source::Asset(get(row, "media")?),
        class: get(row, "class")?,
        chime: row.get("chime")?,
        pre_emption: get(row, "pre_emption")?,
    })
}

fn slot(row: &Row<'_>) -> rusqlite::Result<Slot> {
    let once: Option<NaiveDateTime> = row.get("once")?;
    let recurrence = match once {
        Some(once) => Recurrence::Once(once),
        None => Recurrence::Cron(row.get("cron")?),
    };
    Ok(Slot {
        id: SlotId(row.get("id")?),
        code: row.get("code")?,
        programme: ProgrammeId(row.get("programme")?),
        zones: Vec::new(),
        recurrence,
        valid_from: row.get("valid_from")?,
        valid_to: row.get("valid_to")?,
        class: get(row, "class")?,
        max_duration: get(row, "max_duration")?,
    })
}

fn exception(row: &Row<'_>) -> rusqlite::Result<SlotException> {
    let date: NaiveDate = row.get("date")?;
    Ok(SlotException {
        slot: SlotId(row.get("slot")?),
        date,
        change: SlotChange::Cancel,
        note: row.get("note")?,
    })
}
