//! Importing a schedule: all of it or nothing.

use loa_model::{
    Mute, NewException, NewProfile, NewProgramme, NewSlot, NewZone, ProfileId, ProfileSpec, ProgrammeId,
    ProgrammeSpec, Schedule, SlotChange, SlotId, SlotSpec, WallTime, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::audit::{AuditRow, append};
use crate::column::{Column, from_json, json};
use crate::error::Context as _;
use crate::schedule::{rows, rows_with, zones};
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
            check_moved(&before, &zones(connection)?)?;
            let mut summary = ImportSummary {
                zones: schedule.zones.len(),
                programmes: schedule.programmes.len(),
                profiles: schedule.profiles.len(),
                slots: schedule.slots.len(),
                exceptions: schedule.exceptions.len(),
                waiting,
                removed: 0,
            };
            let mut gone = Vec::new();
            for file in &schedule.files {
                gone.extend(remove_undeclared(connection, schedule, file)?);
            }
            // Things name each other both ways, so each has a row before any says what it is.
            for new in &schedule.programmes {
                claim(connection, "programme", &new.code, &new.file, &schedule.files)?;
            }
            for new in &schedule.profiles {
                claim(connection, "profile", &new.code, &new.file, &schedule.files)?;
            }
            schedule
                .slots
                .iter()
                .try_for_each(|new| claim_slot(connection, new, &schedule.files))?;
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
                gone.extend(remove_unaired(connection, schedule, file)?);
            }
            refuse_named(connection, &gone)?;
            summary.removed = gone.len();
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
        changes && before.quiet_takes_two_persons(old.id)
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
    let Some(old) = locked else {
        // What waited is not meant any more.
        let query = "delete from quiet_change where zone = (select id from zone where code = ?)";
        connection.execute(query, [&zone.code]).context("import a zone")?;
        return Ok(false);
    };
    let query = "insert into quiet_change (zone, settings, by_user, at) values (?, ?, ?, ?)
        on conflict (zone) do update set settings = excluded.settings, by_user = excluded.by_user, at = excluded.at";
    let values = params![old.id.0, json(&zone.settings), by, Column(at)];
    connection.execute(query, values).context("import a zone")?;
    Ok(true)
}

/// Refuses to move a zone that takes two persons away from the hours, or the second person, that it has from above.
fn check_moved(before: &ZoneTree, after: &ZoneTree) -> Result<(), ImportError> {
    let chain = |tree: &ZoneTree, id: ZoneId| tree.chain(id).map(|zone| zone.id).collect::<Vec<_>>();
    let is_loosened = |zone: &&Zone| {
        let id = zone.id;
        let changes = before.quiet(id) != after.quiet(id) || !after.quiet_takes_two_persons(id);
        changes && before.quiet_takes_two_persons(id) && chain(before, id) != chain(after, id)
    };
    match before.iter().find(is_loosened) {
        Some(zone) => Err(ImportError::MovedAlone {
            zone: zone.code.clone(),
        }),
        None => Ok(()),
    }
}

/// What a file declared and no longer does.
struct Gone {
    table: &'static str,
    id: i64,
    code: String,
    file: String,
}

/// Removes slots, profiles and exceptions that the file no longer declares.
fn remove_undeclared(
    connection: &Connection,
    schedule: &Schedule,
    file: &str,
) -> Result<Vec<Gone>, ImportError> {
    connection
        .execute("delete from slot_exception where file = ?", [file])
        .context("import exceptions")?;
    let slots: Vec<_> = schedule.slots.iter().map(|slot| slot.code.as_str()).collect();
    let profiles: Vec<_> = schedule
        .profiles
        .iter()
        .map(|profile| profile.code.as_str())
        .collect();
    let mut removed = Vec::new();
    for (table, kept) in [("slot", slots), ("profile", profiles)] {
        for gone in undeclared(connection, table, file, &kept)? {
            connection
                .execute(&format!("delete from {table} where id = ?"), [gone.id])
                .context("import")?;
            removed.push(gone);
        }
    }
    Ok(removed)
}

/// Removes programmes that the file no longer declares, unless somebody still airs them.
fn remove_unaired(
    connection: &Connection,
    schedule: &Schedule,
    file: &str,
) -> Result<Vec<Gone>, ImportError> {
    let kept: Vec<_> = schedule
        .programmes
        .iter()
        .map(|programme| programme.code.as_str())
        .collect();
    let gone = undeclared(connection, "programme", file, &kept)?;
    // Those that go may name each other.
    for one in &gone {
        let query = "delete from programme_part where programme = ?";
        connection.execute(query, [one.id]).context("import programmes")?;
    }
    for Gone { id, code, .. } in &gone {
        let query = "select 'slot \"' || code || '\"' from slot where programme = ?1
            union all select 'programme \"' || whole.code || '\"' from programme_part
                join programme whole on whole.id = programme_part.programme where programme_part.part = ?1";
        let by: Option<String> = connection
            .query_row(query, [id], |row| row.get(0))
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
            .execute("delete from programme where id = ?", [id])
            .context("import programmes")?;
    }
    Ok(gone)
}

/// Refuses to leave a name that stands for nothing: what slots, profiles and exceptions name is a number in their JSON,
/// which no foreign key watches.
fn refuse_named(connection: &Connection, gone: &[Gone]) -> Result<(), ImportError> {
    if gone.is_empty() {
        return Ok(());
    }
    let check = |names: &[(&str, i64)], by: String, remedy: String| {
        let named = gone.iter().find(|gone| names.contains(&(gone.table, gone.id)));
        named.map_or(Ok(()), |gone| {
            Err(ImportError::StillNamed {
                file: gone.file.clone(),
                what: gone.table,
                code: gone.code.clone(),
                by,
                remedy,
            })
        })
    };
    let together = |file: &str| {
        format!("take it out of {file} too (`loa schedule export` writes it), and import both files together")
    };
    let coded = |table: &str| {
        let query = format!("select code, spec, file from {table} order by id");
        rows(connection, &query, |row| {
            let code: String = row.get("code")?;
            let spec: String = row.get("spec")?;
            let file: String = row.get("file")?;
            Ok((code, spec, file))
        })
    };
    for (code, spec, file) in coded("profile")? {
        let spec: ProfileSpec<SlotId, ProgrammeId, ZoneId> = from_json(&spec, "profile")?;
        let mut names = Vec::new();
        if let Mute::Slots(slots) = &spec.mute {
            names.extend(slots.iter().map(|slot| ("slot", slot.0)));
        }
        for (slot, programme) in &spec.replace {
            names.extend([("slot", slot.0), ("programme", programme.0)]);
        }
        let by = format!("day profile \"{code}\" of {file}");
        check(&names, by, together(&file))?;
    }
    for (code, spec, file) in coded("slot")? {
        let spec: SlotSpec<ProgrammeId, ZoneId, ProfileId> = from_json(&spec, "slot")?;
        if let Some(profile) = spec.profile {
            let by = format!("slot \"{code}\" of {file}");
            check(&[("profile", profile.0)], by, together(&file))?;
        }
    }
    let query = "select slot.code, date, change, slot_exception.file from slot_exception
        join slot on slot.id = slot_exception.slot order by slot.id, date, time";
    let exceptions = rows(connection, query, |row| {
        let slot: String = row.get(0)?;
        let date: String = row.get(1)?;
        let change: String = row.get(2)?;
        let file: String = row.get(3)?;
        Ok((slot, date, change, file))
    })?;
    for (slot, date, change, file) in exceptions {
        let change: SlotChange<ProgrammeId> = from_json(&change, "slot exception")?;
        let SlotChange::Replace(programme) = change else {
            continue;
        };
        let (by, remedy) = if file.is_empty() {
            let by = format!("a change by hand of slot \"{slot}\" on {date}");
            (by, "take that change back first".to_owned())
        } else {
            let by = format!("the exception of slot \"{slot}\" on {date} in {file}");
            (by, together(&file))
        };
        check(&[("programme", programme.0)], by, remedy)?;
    }
    Ok(())
}

/// Gives a thing a row, which says nothing yet if it is new.
fn claim(
    connection: &Connection,
    table: &'static str,
    code: &str,
    file: &str,
    together: &[String],
) -> Result<(), ImportError> {
    check_file(connection, table, code, file, together)?;
    let query =
        format!("insert into {table} (code, spec, file) values (?, '{{}}', ?) on conflict (code) do nothing");
    connection.execute(&query, [code, file]).context("import")?;
    Ok(())
}

fn claim_slot(connection: &Connection, slot: &NewSlot, together: &[String]) -> Result<(), ImportError> {
    check_file(connection, "slot", &slot.code, &slot.file, together)?;
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
    put_media(connection, ProgrammeId(id), &spec)?;
    connection
        .execute("delete from programme_part where programme = ?", [id])
        .context(WHAT)?;
    for part in spec.others() {
        let query = "insert or ignore into programme_part (programme, part) values (?, ?)";
        connection.execute(query, [id, part.0]).context(WHAT)?;
    }
    Ok(())
}

/// Takes note of the media that a programme names: none of them may be removed.
pub(crate) fn put_media(
    connection: &Connection,
    programme: ProgrammeId,
    spec: &ProgrammeSpec<ProgrammeId>,
) -> Result<(), StoreError> {
    const WHAT: &str = "take note of what a programme names";
    connection
        .execute("delete from programme_media where programme = ?", [programme.0])
        .context(WHAT)?;
    for media in spec.media() {
        let query = "insert or ignore into programme_media (programme, media) values (?, ?)";
        connection
            .execute(query, params![programme.0, media.to_string()])
            .context(WHAT)?;
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
    if exception.time.is_none() {
        // What is said of one of that date's airings is heard before what is said of all, and this is the newer word.
        let query = "delete from slot_exception where slot = ? and date = ? and file = ''";
        connection
            .execute(query, params![exception.slot, exception.date])
            .context("import an exception")?;
    }
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

/// Refuses to take over what another file declares: importing that one again would take it back. Files that are
/// imported together may hand things to each other.
fn check_file(
    connection: &Connection,
    table: &'static str,
    code: &str,
    file: &str,
    together: &[String],
) -> Result<(), ImportError> {
    let query = format!("select file from {table} where code = ?");
    let found: Option<String> = connection
        .query_row(&query, [code], |row| row.get(0))
        .optional()
        .context("import")?;
    match found.filter(|found| found != file && !together.contains(found)) {
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

/// Reads what a file declared, but for what is kept.
fn undeclared(
    connection: &Connection,
    table: &'static str,
    file: &str,
    kept: &[&str],
) -> Result<Vec<Gone>, StoreError> {
    let query = format!("select id, code from {table} where file = ? order by code");
    let mut declared = rows_with(connection, &query, [file], |row| {
        Ok(Gone {
            table,
            id: row.get("id")?,
            code: row.get("code")?,
            file: file.to_owned(),
        })
    })?;
    declared.retain(|one| !kept.contains(&one.code.as_str()));
    Ok(declared)
}
