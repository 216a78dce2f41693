//! Importing a schedule: all of it or nothing.

use std::collections::BTreeMap;

use loa_model::{
    NewException, NewProfile, NewProgramme, NewSlot, NewZone, ProfileId, ProgrammeId, Schedule, SlotId,
    WallTime, ZoneId, ZoneSettings, ZoneTree,
};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::audit::{AuditRow, append};
use crate::column::{Column, json};
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
    /// Day profiles added or kept.
    pub profiles: usize,
    /// Slots added or kept.
    pub slots: usize,
    /// Exceptions added or kept.
    pub exceptions: usize,
    /// Changes of quiet hours that wait for a second person.
    pub waiting: usize,
    /// Programmes, profiles and slots that an earlier file of the same name declared and this one does not.
    pub removed: usize,
}

impl Store {
    /// Imports a schedule that was checked against this store.
    ///
    /// Programmes, profiles, slots and exceptions of an earlier import of a file of the same name are replaced. Things
    /// keep their row by their code, so what was aired of a slot stays what was aired of it.
    ///
    /// Where a change of quiet hours takes a second person, it waits for one: see [`Store::approve_quiet`].
    ///
    /// # Errors
    ///
    /// See [`ImportError`]; nothing is changed then.
    pub fn import_schedule(
        &mut self,
        schedule: &Schedule,
        by: &str,
        at: WallTime,
    ) -> Result<ImportSummary, ImportError> {
        self.change_planned("import the schedule", |connection| {
            let before = zones(connection)?;
            let mut waiting = 0;
            for zone in &schedule.zones {
                waiting += usize::from(put_zone(connection, &before, zone, by, at)?);
            }
            zones(connection)?;
            let mut summary = ImportSummary {
                zones: schedule.zones.len(),
                programmes: schedule.programmes.len(),
                profiles: schedule.profiles.len(),
                slots: schedule.slots.len(),
                exceptions: schedule.exceptions.len(),
                waiting,
                removed: 0,
            };
            for file in &schedule.files {
                summary.removed += remove_undeclared(connection, schedule, file)?;
            }
            // Things name each other both ways, so each has a row before any says what it is.
            for new in &schedule.programmes {
                claim(connection, "programme", &new.code, &new.file)?;
            }
            for new in &schedule.profiles {
                claim(connection, "profile", &new.code, &new.file)?;
            }
            schedule
                .slots
                .iter()
                .try_for_each(|new| claim_slot(connection, new))?;
            schedule
                .programmes
                .iter()
                .try_for_each(|programme| put_programme(connection, programme))?;
            schedule
                .profiles
                .iter()
                .try_for_each(|profile| put_profile(connection, profile))?;
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
            let row = AuditRow {
                at,
                who: by.to_owned(),
                action: "schedule import".to_owned(),
                detail: schedule.files.join(" "),
                ..AuditRow::default()
            };
            append(connection, &row)?;
            Ok(summary)
        })
    }
}

/// Adds or changes a zone; tells whether a change of its quiet hours waits for a second person.
fn put_zone(
    connection: &Connection,
    before: &ZoneTree,
    zone: &NewZone,
    by: &str,
    at: WallTime,
) -> Result<bool, ImportError> {
    let old = before.by_code(&zone.code);
    let locked = old.filter(|old| {
        let unlocks = old.settings.two_persons && !zone.settings.two_persons;
        let changes = old.settings.quiet != zone.settings.quiet || unlocks;
        changes && before.takes_two_persons(old.id)
    });
    let settings = locked.map_or_else(
        || zone.settings.clone(),
        |old| ZoneSettings {
            quiet: old.settings.quiet.clone(),
            two_persons: old.settings.two_persons,
            ..zone.settings.clone()
        },
    );
    let parent = match &zone.parent {
        Some(parent) => {
            let by = || format!("zone \"{}\"", zone.code);
            Some(row_of(connection, "zone", parent, by)?)
        }
        None => None,
    };
    let query = "insert into zone (code, name, parent, channel, settings)
        values (:code, :name, :parent, :channel, :settings)
        on conflict (code) do update set name = :name, parent = :parent, channel = :channel, settings = :settings";
    let values = named_params! {
        ":code": zone.code, ":name": zone.name, ":parent": parent, ":channel": zone.channel.0,
        ":settings": json(&settings),
    };
    connection.execute(query, values).context("import a zone")?;
    let Some(old) = locked else { return Ok(false) };
    let query = "insert into quiet_change (zone, settings, by_user, at) values (?, ?, ?, ?)
        on conflict (zone) do update set settings = excluded.settings, by_user = excluded.by_user, at = excluded.at";
    let values = params![old.id.0, json(&zone.settings), by, Column(at)];
    connection.execute(query, values).context("import a zone")?;
    Ok(true)
}

/// Removes slots, profiles and exceptions that the file no longer declares.
fn remove_undeclared(connection: &Connection, schedule: &Schedule, file: &str) -> Result<usize, ImportError> {
    connection
        .execute("delete from slot_exception where file = ?", [file])
        .context("import exceptions")?;
    let slots: Vec<_> = schedule.slots.iter().map(|slot| slot.code.as_str()).collect();
    let profiles: Vec<_> = schedule
        .profiles
        .iter()
        .map(|profile| profile.code.as_str())
        .collect();
    let mut removed = 0;
    for (table, kept) in [("slot", slots), ("profile", profiles)] {
        for code in codes_of(connection, table, file)? {
            if !kept.contains(&code.as_str()) {
                removed += connection
                    .execute(&format!("delete from {table} where code = ?"), [&code])
                    .context("import")?;
            }
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
    let gone: Vec<String> = codes_of(connection, "programme", file)?
        .into_iter()
        .filter(|code| !kept.contains(&code.as_str()))
        .collect();
    // Those that go may name each other.
    for code in &gone {
        let query = "delete from programme_part where programme = (select id from programme where code = ?)";
        connection.execute(query, [code]).context("import programmes")?;
    }
    for code in &gone {
        let query =
            "select 'slot \"' || slot.code || '\"' from slot join programme on programme.id = slot.programme
                where programme.code = ?1
            union all select 'programme \"' || whole.code || '\"' from programme_part
                join programme whole on whole.id = programme_part.programme
                join programme on programme.id = programme_part.part where programme.code = ?1";
        let by: Option<String> = connection
            .query_row(query, [code], |row| row.get(0))
            .optional()
            .context("import programmes")?;
        if let Some(by) = by {
            return Err(ImportError::StillAired {
                file: file.to_owned(),
                programme: code.clone(),
                by,
            });
        }
        connection
            .execute("delete from programme where code = ?", [code])
            .context("import programmes")?;
    }
    Ok(gone.len())
}

/// Gives a thing a row, which says nothing yet if it is new.
fn claim(connection: &Connection, table: &'static str, code: &str, file: &str) -> Result<(), ImportError> {
    check_file(connection, table, code, file)?;
    let query =
        format!("insert into {table} (code, spec, file) values (?, '{{}}', ?) on conflict (code) do nothing");
    connection.execute(&query, [code, file]).context("import")?;
    Ok(())
}

fn claim_slot(connection: &Connection, slot: &NewSlot) -> Result<(), ImportError> {
    check_file(connection, "slot", &slot.code, &slot.file)?;
    let by = || format!("slot \"{}\"", slot.code);
    let programme = row_of(connection, "programme", &slot.spec.programme, by)?;
    let query =
        "insert into slot (code, programme, spec, file) values (?, ?, '{}', ?) on conflict (code) do nothing";
    connection
        .execute(query, params![slot.code, programme, slot.file])
        .context("import a slot")?;
    Ok(())
}

fn put_programme(connection: &Connection, new: &NewProgramme) -> Result<(), ImportError> {
    const WHAT: &str = "import a programme";
    let by = || format!("programme \"{}\"", new.code);
    let id = row_of(connection, "programme", &new.code, by)?;
    for media in new.spec.media() {
        let known: Option<i64> = connection
            .query_row("select 1 from media where hash = ?", [media.to_string()], |row| {
                row.get(0)
            })
            .optional()
            .context(WHAT)?;
        if known.is_none() {
            return Err(ImportError::Unknown {
                by: by(),
                what: "media",
                name: media.to_string(),
            });
        }
    }
    let spec = new.spec.clone().try_map(
        |code| row_of(connection, "programme", &code, by).map(ProgrammeId),
        Ok::<_, ImportError>,
    )?;
    connection
        .execute(
            "update programme set spec = ?, file = ? where id = ?",
            params![json(&spec), new.file, id],
        )
        .context(WHAT)?;
    for table in ["programme_media", "programme_part"] {
        connection
            .execute(&format!("delete from {table} where programme = ?"), [id])
            .context(WHAT)?;
    }
    for media in spec.media() {
        let query = "insert or ignore into programme_media (programme, media) values (?, ?)";
        connection
            .execute(query, params![id, media.to_string()])
            .context(WHAT)?;
    }
    for part in spec.others() {
        let query = "insert or ignore into programme_part (programme, part) values (?, ?)";
        connection.execute(query, [id, part.0]).context(WHAT)?;
    }
    Ok(())
}

fn put_profile(connection: &Connection, new: &NewProfile) -> Result<(), ImportError> {
    let by = || format!("day profile \"{}\"", new.code);
    let id = row_of(connection, "profile", &new.code, by)?;
    let spec = new.spec.clone().try_map(
        |code| row_of(connection, "slot", &code, by).map(SlotId),
        |code| row_of(connection, "programme", &code, by).map(ProgrammeId),
        |code| row_of(connection, "zone", &code, by).map(ZoneId),
    )?;
    connection
        .execute(
            "update profile set spec = ?, file = ? where id = ?",
            params![json(&spec), new.file, id],
        )
        .context("import a day profile")?;
    Ok(())
}

fn put_slot(connection: &Connection, new: &NewSlot) -> Result<(), ImportError> {
    const WHAT: &str = "import a slot";
    let by = || format!("slot \"{}\"", new.code);
    let id = row_of(connection, "slot", &new.code, by)?;
    let spec = new.spec.clone().try_map(
        |code| row_of(connection, "programme", &code, by).map(ProgrammeId),
        |code| row_of(connection, "zone", &code, by).map(ZoneId),
        |code| row_of(connection, "profile", &code, by).map(ProfileId),
    )?;
    connection
        .execute(
            "update slot set programme = ?, spec = ?, file = ? where id = ?",
            params![spec.programme.0, json(&spec), new.file, id],
        )
        .context(WHAT)?;
    connection
        .execute("delete from slot_zone where slot = ?", [id])
        .context(WHAT)?;
    for zone in &spec.zones {
        let query = "insert or ignore into slot_zone (slot, zone) values (?, ?)";
        connection.execute(query, [id, zone.0]).context(WHAT)?;
    }
    Ok(())
}

fn put_exception(connection: &Connection, new: &NewException) -> Result<(), ImportError> {
    let by = || format!("the exception on {}", new.exception.date);
    let exception = new.exception.clone().try_map(
        |code| row_of(connection, "slot", &code, by),
        |code| row_of(connection, "programme", &code, by).map(ProgrammeId),
    )?;
    let query = "insert into slot_exception (slot, date, time, change, note, file) values (?, ?, ?, ?, ?, ?)
        on conflict (slot, date, time) do update
            set change = excluded.change, note = excluded.note, file = excluded.file";
    let time = exception
        .time
        .map_or_else(String::new, |time| time.format("%H:%M:%S").to_string());
    let change = json(&exception.change);
    let values = params![
        exception.slot,
        exception.date,
        time,
        change,
        exception.note,
        new.file
    ];
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

/// Returns the row of a thing; `by` says who names it.
fn row_of(
    connection: &Connection,
    table: &'static str,
    code: &str,
    by: impl Fn() -> String,
) -> Result<i64, ImportError> {
    let query = format!("select id from {table} where code = ?");
    let found: Option<i64> = connection
        .query_row(&query, [code], |row| row.get(0))
        .optional()
        .context("import")?;
    found.ok_or_else(|| ImportError::Unknown {
        by: by(),
        what: table,
        name: code.to_owned(),
    })
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
