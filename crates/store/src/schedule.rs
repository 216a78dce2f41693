//! Zones, programmes, slots, exceptions, day profiles and approvals, as the planner reads them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use loa_model::{
    Approval, ApprovalState, Channel, ContentHash, DaySpan, Profile, ProfileId, Programme, ProgrammeId, Slot,
    SlotException, SlotId, WallTime, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::audit::{AuditRow, append};
use crate::column::{Column, from_json, get, json};
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
    /// The file that declares each of them, in the same order; empty for one that was made by hand.
    pub exception_files: Vec<String>,
    /// Every day profile.
    pub profiles: Vec<Profile>,
    /// Names of the files that declare things: kind of thing, its code, and the file.
    pub owners: Vec<(&'static str, String, String)>,
}

/// A change of quiet hours that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuietChange {
    /// Code of the zone.
    pub zone: String,
    /// What is in force, with the hours of the zone above if it has none of its own.
    pub before: ZoneSettings,
    /// What would be, likewise.
    pub after: ZoneSettings,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// Stands for all of this: whoever approves it tells what they were shown.
    pub digest: String,
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

    /// Reads programmes, slots, exceptions and day profiles.
    ///
    /// # Errors
    ///
    /// If the database fails, or holds what this release does not know.
    pub fn schedule(&self) -> Result<ScheduleRows, StoreError> {
        let connection = &self.connection;
        let mut owners = Vec::new();
        let mut coded = |table: &'static str| -> Result<Vec<(i64, String, String)>, StoreError> {
            let query = format!("select id, code, spec, file from {table} order by id");
            let read = rows(connection, &query, |row| {
                let file: String = row.get("file")?;
                Ok((row.get("id")?, row.get("code")?, row.get("spec")?, file))
            })?;
            let coded = read.into_iter().map(|(id, code, spec, file)| {
                let code: String = code;
                owners.push((table, code.clone(), file));
                (id, code, spec)
            });
            Ok(coded.collect())
        };
        let programmes = coded("programme")?.into_iter().map(|(id, code, spec)| {
            Ok(Programme {
                id: ProgrammeId(id),
                code,
                spec: from_json(&spec, "programme")?,
            })
        });
        let programmes = programmes.collect::<Result<_, StoreError>>()?;
        let slots = coded("slot")?.into_iter().map(|(id, code, spec)| {
            Ok(Slot {
                id: SlotId(id),
                code,
                spec: from_json(&spec, "slot")?,
            })
        });
        let slots = slots.collect::<Result<_, StoreError>>()?;
        let mut days = switched_on(connection)?;
        let profiles = coded("profile")?.into_iter().map(|(id, code, spec)| {
            Ok(Profile {
                id: ProfileId(id),
                code,
                spec: from_json(&spec, "profile")?,
                switched_on: days.remove(&id).unwrap_or_default(),
            })
        });
        let profiles = profiles.collect::<Result<_, StoreError>>()?;
        let query = "select * from slot_exception order by slot, date, time";
        let mut exception_files: Vec<String> = Vec::new();
        let exceptions = rows(connection, query, |row| {
            exception_files.push(row.get("file")?);
            let change: String = row.get("change")?;
            let time: String = row.get("time")?;
            Ok((
                SlotId(row.get("slot")?),
                row.get("date")?,
                time,
                change,
                row.get("note")?,
            ))
        })?;
        let exceptions = exceptions.into_iter().map(|(slot, date, time, change, note)| {
            Ok(SlotException {
                slot,
                date,
                time: time.parse().ok(),
                change: from_json(&change, "slot exception")?,
                note,
            })
        });
        Ok(ScheduleRows {
            programmes,
            slots,
            exceptions: exceptions.collect::<Result<_, StoreError>>()?,
            exception_files,
            profiles,
            owners,
        })
    }

    /// Switches a day profile on for a span of days, besides its own days.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such profile.
    pub fn switch_on(&mut self, code: &str, days: DaySpan, by: &str, at: WallTime) -> Result<(), StoreError> {
        const WHAT: &str = "switch the day profile on";
        self.change_planned(WHAT, |connection| {
            let profile = profile_row(connection, code)?;
            let query = "insert into profile_day (profile, first, last, by_user, at) values (?, ?, ?, ?, ?)
                on conflict (profile, first) do update set last = excluded.last, by_user = excluded.by_user, at = excluded.at";
            let values = params![profile, days.from, days.to, by, Column(at)];
            connection.execute(query, values).context(WHAT)?;
            append(
                connection,
                &AuditRow {
                    at,
                    who: by.to_owned(),
                    action: "profile on".to_owned(),
                    detail: format!("{code} {}..{}", days.from, days.to),
                    ..AuditRow::default()
                },
            )
        })
    }

    /// Takes back every span of days on which people switched a day profile on and that is not over on `from`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such profile.
    pub fn switch_off(
        &mut self,
        code: &str,
        from: NaiveDate,
        by: &str,
        at: WallTime,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "switch the day profile off";
        self.change_planned(WHAT, |connection| {
            let profile = profile_row(connection, code)?;
            let eve = from.pred_opt().unwrap_or(from);
            connection
                .execute(
                    "delete from profile_day where profile = ? and first >= ?",
                    params![profile, from],
                )
                .context(WHAT)?;
            connection
                .execute(
                    "update profile_day set last = ? where profile = ? and last >= ?",
                    params![eve, profile, from],
                )
                .context(WHAT)?;
            append(
                connection,
                &AuditRow {
                    at,
                    who: by.to_owned(),
                    action: "profile off".to_owned(),
                    detail: format!("{code} from {from}"),
                    ..AuditRow::default()
                },
            )
        })
    }

    /// Reads the changes of quiet hours that wait for a second person.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn quiet_changes(&self) -> Result<Vec<QuietChange>, StoreError> {
        quiet_changes(&self.connection)
    }

    /// Puts a change of quiet hours into force, as the second person; `digest` stands for what they were shown.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if none waits, [`StoreError::SamePerson`] if `by` made it, [`StoreError::NotShown`] if
    /// another waits by now.
    pub fn approve_quiet(
        &mut self,
        zone: &str,
        digest: &str,
        by: &str,
        at: WallTime,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "change quiet hours";
        self.change_planned(WHAT, |connection| {
            let waiting = quiet_changes(connection)?
                .into_iter()
                .find(|change| change.zone == zone);
            let waiting = waiting.ok_or_else(|| StoreError::Unknown {
                what: "waiting change of quiet hours in zone",
                name: zone.to_owned(),
            })?;
            if waiting.by == by {
                return Err(StoreError::SamePerson { by: waiting.by });
            }
            if waiting.digest != digest {
                return Err(StoreError::NotShown {
                    zone: zone.to_owned(),
                    digest: digest.to_owned(),
                });
            }
            let query = "update zone set settings = (select quiet_change.settings from quiet_change
                where quiet_change.zone = zone.id) where code = ?";
            connection.execute(query, [zone]).context(WHAT)?;
            let query = "delete from quiet_change where zone = (select id from zone where code = ?)";
            connection.execute(query, [zone]).context(WHAT)?;
            append(
                connection,
                &AuditRow {
                    at,
                    who: by.to_owned(),
                    action: "quiet hours approved".to_owned(),
                    detail: format!("{zone}, changed by {}", waiting.by),
                    ..AuditRow::default()
                },
            )
        })
    }

    /// Reads every decision.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn approvals(&self) -> Result<Vec<Approval>, StoreError> {
        let query = "select * from approval order by content";
        rows(&self.connection, query, |row| {
            let state: String = row.get("state")?;
            let known = ApprovalState::ALL.into_iter().find(|known| known.name() == state);
            Ok(Approval {
                content: get(row, "content")?,
                state: known.unwrap_or_default(),
                by: row.get("by_user")?,
                at: get(row, "at")?,
                note: row.get("note")?,
            })
        })
    }

    /// Writes down decisions and who made them, all or none; each takes the place of an earlier one of the same content.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoWay`] if a content is not where a decision leads from, in the order of the slice; otherwise if
    /// the database fails.
    pub fn decide(&mut self, approvals: &[Approval], audit: &[AuditRow]) -> Result<(), StoreError> {
        const WHAT: &str = "write down the decision";
        self.change_planned(WHAT, |connection| {
            for approval in approvals {
                let query = "insert into approval (content, state, by_user, at, note) values (?, ?, ?, ?, ?)
                    on conflict (content) do update set state = excluded.state, by_user = excluded.by_user,
                        at = excluded.at, note = excluded.note";
                let Approval {
                    content,
                    state,
                    by,
                    at,
                    note,
                } = approval;
                let from = approval_state(connection, *content)?;
                if !from.may_become(*state) {
                    return Err(StoreError::NoWay {
                        content: *content,
                        from,
                        to: *state,
                    });
                }
                let values = params![Column(*content), state.name(), by, Column(*at), note];
                connection.execute(query, values).context(WHAT)?;
            }
            audit.iter().try_for_each(|row| append(connection, row))
        })
    }
}

fn quiet_changes(connection: &Connection) -> Result<Vec<QuietChange>, StoreError> {
    let tree = zones(connection)?;
    let query = "select * from quiet_change order by zone";
    let read = rows(connection, query, |row| {
        let settings: String = row.get("settings")?;
        let by: String = row.get("by_user")?;
        let at: WallTime = get(row, "at")?;
        Ok((ZoneId(row.get("zone")?), settings, by, at))
    })?;
    let change = |(id, settings, by, at): (ZoneId, String, String, WallTime)| {
        let zone = tree.get(id).ok_or(StoreError::Damaged { what: "zone tree" })?;
        let above = zone.parent.and_then(|parent| tree.quiet(parent));
        let whole = |settings: &ZoneSettings| ZoneSettings {
            quiet: settings.quiet.as_ref().or(above).cloned(),
            ..settings.clone()
        };
        let wanted: ZoneSettings = from_json(&settings, "quiet hours")?;
        let (before, after) = (whole(&zone.settings), whole(&wanted));
        let told = json(&(&zone.code, &before, &after, &by, at));
        let mut digest = ContentHash(Sha256::digest(told.as_bytes()).into()).to_string();
        digest.truncate(DIGEST_DIGITS);
        Ok(QuietChange {
            zone: zone.code.clone(),
            before,
            after,
            by,
            at,
            digest,
        })
    };
    read.into_iter().map(change).collect()
}

/// Reads how far a content is; what nobody decided about is a draft.
fn approval_state(connection: &Connection, content: ContentHash) -> Result<ApprovalState, StoreError> {
    let query = "select state from approval where content = ?";
    let state: Option<String> = connection
        .query_row(query, [Column(content)], |row| row.get(0))
        .optional()
        .context("read the decision")?;
    let known = |name: String| ApprovalState::ALL.into_iter().find(|known| known.name() == name);
    Ok(state.and_then(known).unwrap_or_default())
}

fn profile_row(connection: &Connection, code: &str) -> Result<i64, StoreError> {
    let found = connection.query_row("select id from profile where code = ?", [code], |row| row.get(0));
    found
        .optional()
        .context("find the day profile")?
        .ok_or_else(|| StoreError::Unknown {
            what: "day profile",
            name: code.to_owned(),
        })
}

fn switched_on(connection: &Connection) -> Result<BTreeMap<i64, Vec<DaySpan>>, StoreError> {
    let query = "select profile, first, last from profile_day order by profile, first";
    let read = rows(connection, query, |row| {
        let span = DaySpan {
            from: row.get("first")?,
            to: row.get("last")?,
        };
        Ok((row.get("profile")?, span))
    })?;
    let mut days: BTreeMap<i64, Vec<DaySpan>> = BTreeMap::new();
    for (profile, span) in read {
        days.entry(profile).or_default().push(span);
    }
    Ok(days)
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
    let read = rows(connection, "select * from zone order by id", |row| {
        let settings: String = row.get("settings")?;
        let zone = Zone {
            id: ZoneId(row.get("id")?),
            code: row.get("code")?,
            name: row.get("name")?,
            parent: row.get::<_, Option<i64>>("parent")?.map(ZoneId),
            channel: Channel(row.get("channel")?),
            settings: ZoneSettings::default(),
        };
        Ok((zone, settings))
    })?;
    let zones = read.into_iter().map(|(zone, settings)| {
        Ok(Zone {
            settings: from_json(&settings, "zone settings")?,
            ..zone
        })
    });
    ZoneTree::new(zones.collect::<Result<_, StoreError>>()?)
        .map_err(|_| StoreError::Damaged { what: "zone tree" })
}

/// Enough to type; what it stands for holds an instant, which nobody chooses.
const DIGEST_DIGITS: usize = 8;
