//! The as-run log: written as it happens, read by people, and by the head-end when it starts again.

use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, EndReason, OccurrenceId, Origin, PartEnded, PartStarted, SessionId, SlotId,
    WallTime, ZoneId,
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::Serialize;

use crate::column::{Column, from_json, get, json};
use crate::error::Context as _;
use crate::schedule::{rows, rows_with};
use crate::{Store, StoreError};

/// One thing to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalEntry {
    /// What the engine reports.
    AsRun(AsRunEvent),
    /// What was sent of a part, once its last packet was.
    Sent {
        /// Which session.
        session: SessionId,
        /// Which stretch of it.
        part: u32,
        /// RTP packets.
        packets: u64,
        /// Bytes of Opus in them.
        octets: u64,
    },
}

/// One part of the as-run log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AsRunRow {
    /// Its start.
    #[serde(flatten)]
    pub started: PartStarted,
    /// Code of its zone.
    pub zone_code: String,
    /// Its end, if it has one.
    pub ended: Option<PartEnded>,
    /// RTP packets sent; none while it is on air, or if the head-end was lost.
    pub packets: Option<u64>,
}

/// A planned occurrence that never took the air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotAiredRow {
    /// Which.
    pub occurrence: OccurrenceId,
    /// Code of its zone.
    pub zone_code: String,
    /// Name of the programme.
    pub title: String,
    /// When that was certain.
    pub at: WallTime,
    /// Why.
    pub reason: EndReason,
}

/// The newest part of a session, for the engine to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPartRow {
    /// Its start.
    pub started: PartStarted,
    /// Its end, if it has one.
    pub ended: Option<PartEnded>,
}

impl Store {
    /// Writes entries and the head-end's sign of life, all or none. Writing the same entries again does no harm.
    ///
    /// # Errors
    ///
    /// If the database fails; try again later with the same entries.
    pub fn record(&mut self, entries: &[JournalEntry], alive: WallTime) -> Result<(), StoreError> {
        self.change("write the as-run log", |connection| {
            entries.iter().try_for_each(|entry| record(connection, entry))?;
            let query = "insert into heartbeat (only, at) values (1, ?1)
                on conflict (only) do update set at = max(at, ?1)";
            connection
                .execute(query, [Column(alive)])
                .context("write the as-run log")?;
            Ok(())
        })
    }

    /// Ends what a head-end that died left open, at the time it was last known to be sending.
    ///
    /// Returns that time, if there was an earlier run.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn close_lost(&mut self) -> Result<Option<WallTime>, StoreError> {
        self.change("close the as-run log", |connection| {
            let alive = connection
                .query_row("select at from heartbeat", [], |row| get::<WallTime>(row, "at"))
                .optional()
                .context("close the as-run log")?;
            let query = "update as_run
                set ended_at = max(at, min(ends, :alive)),
                    ended_offset = media_offset + max(0, min(ends, :alive) - at),
                    cause = :cause, reason = :reason
                where ended_at is null";
            let reason = EndReason::HeadEndLost;
            // Without a sign of life it is only known to have begun.
            let values = named_params! {
                ":alive": Column(alive.unwrap_or_default()), ":cause": reason.code(), ":reason": json(&reason),
            };
            connection.execute(query, values).context("close the as-run log")?;
            Ok(alive)
        })
    }

    /// Reads the newest part of each session that was on air at or after `since`.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn last_parts(&self, since: WallTime) -> Result<Vec<LastPartRow>, StoreError> {
        let newest = self.as_run_where(
            "coalesce(as_run.ended_at, as_run.ends) >= :from
             and as_run.part = (select max(part) from as_run newer where newer.session = as_run.session)",
            since,
            WallTime::from_unix_ns(i64::MAX),
        )?;
        Ok(newest
            .into_iter()
            .map(|AsRunRow { started, ended, .. }| LastPartRow { started, ended })
            .collect())
    }

    /// Reads the parts that sounded in `from..to`, in order of their start.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn as_run(&self, from: WallTime, to: WallTime) -> Result<Vec<AsRunRow>, StoreError> {
        self.as_run_where(
            "coalesce(as_run.ended_at, as_run.ends) >= :from and as_run.at < :to",
            from,
            to,
        )
    }

    /// Reads the occurrences planned in `from..to` that never took the air.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn not_aired(&self, from: WallTime, to: WallTime) -> Result<Vec<NotAiredRow>, StoreError> {
        let query =
            "select not_aired.*, zone.code as zone_code from not_aired join zone on zone.id = not_aired.zone
            where start >= ? and start < ? order by start, not_aired.zone";
        let read = rows_with(&self.connection, query, [Column(from), Column(to)], |row| {
            let slot = SlotId(row.get("slot")?);
            let occurrence = OccurrenceId {
                slot,
                zone: ZoneId(row.get("zone")?),
                start: get(row, "start")?,
            };
            let reason: String = row.get("reason")?;
            Ok((
                occurrence,
                row.get("zone_code")?,
                row.get("title")?,
                get(row, "at")?,
                reason,
            ))
        })?;
        let row = |(occurrence, zone_code, title, at, reason): (_, _, _, _, String)| {
            Ok(NotAiredRow {
                occurrence,
                zone_code,
                title,
                at,
                reason: from_json(&reason, "as-run row")?,
            })
        };
        read.into_iter().map(row).collect()
    }

    /// Returns the highest epoch that anything in the as-run log belongs to; zero if there is nothing.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn highest_epoch(&self) -> Result<u32, StoreError> {
        let session = self
            .connection
            .query_row("select coalesce(max(id), 0) as id from session", [], |row| {
                get::<SessionId>(row, "id")
            })
            .context("read the as-run log")?;
        Ok(session.epoch())
    }

    fn as_run_where(
        &self,
        condition: &str,
        from: WallTime,
        to: WallTime,
    ) -> Result<Vec<AsRunRow>, StoreError> {
        let query = format!(
            "select as_run.*, session.*, override.by_user, override.first, zone.code as zone_code
             from as_run
             join session on session.id = as_run.session
             join zone on zone.id = session.zone
             left join override on override.session = session.id
             where {condition} and :from <= :to
             order by as_run.at, as_run.session, as_run.part"
        );
        let (from, to) = (Column(from), Column(to));
        let values = named_params! { ":from": from, ":to": to };
        let read = rows_with(&self.connection, &query, values, read_part)?;
        read.into_iter()
            .map(|(row, reason)| finish(row, reason.as_deref()))
            .collect()
    }
}

/// Reads a part; its reason is JSON still.
fn read_part(row: &Row<'_>) -> rusqlite::Result<(AsRunRow, Option<String>)> {
    let (session, part, zone) = (get(row, "session")?, row.get("part")?, ZoneId(row.get("zone")?));
    let origin = match row.get::<_, Option<i64>>("slot")? {
        Some(slot) => Origin::Slot(OccurrenceId {
            slot: SlotId(slot),
            zone,
            start: get(row, "slot_start")?,
        }),
        None => Origin::Override {
            by: row.get("by_user")?,
            first: get(row, "first")?,
        },
    };
    let started = PartStarted {
        session,
        part,
        zone,
        origin,
        title: row.get("title")?,
        media: get(row, "media")?,
        class: get::<BulletinClass>(row, "class")?,
        at: get(row, "at")?,
        media_offset: get::<Duration>(row, "media_offset")?,
        ends: get(row, "ends")?,
        cut: row.get("cut")?,
        pre_emption: get(row, "pre_emption")?,
    };
    let ended = match row.get::<_, Option<i64>>("ended_at")? {
        None => None,
        Some(_) => Some(PartEnded {
            session,
            part,
            at: get(row, "ended_at")?,
            media_offset: get(row, "ended_offset")?,
            // Filled in by the caller, who can say that it is damaged.
            reason: EndReason::HeadEndLost,
        }),
    };
    let packets = row
        .get::<_, Option<i64>>("packets")?
        .and_then(|packets| u64::try_from(packets).ok());
    Ok((
        AsRunRow {
            started,
            zone_code: row.get("zone_code")?,
            ended,
            packets,
        },
        row.get("reason")?,
    ))
}

fn finish(mut row: AsRunRow, reason: Option<&str>) -> Result<AsRunRow, StoreError> {
    if let (Some(ended), Some(reason)) = (&mut row.ended, reason) {
        ended.reason = from_json(reason, "as-run row")?;
    }
    Ok(row)
}

fn record(connection: &Connection, entry: &JournalEntry) -> Result<(), StoreError> {
    const WHAT: &str = "write the as-run log";
    match entry {
        JournalEntry::AsRun(AsRunEvent::Started(part)) => {
            record_session(connection, part)?;
            let query = "insert into as_run (session, part, at, media_offset, ends)
                values (?, ?, ?, ?, ?) on conflict do nothing";
            let (session, at, ends) = (Column(part.session), Column(part.at), Column(part.ends));
            let values = params![session, part.part, at, Column(part.media_offset), ends];
            connection.execute(query, values).context(WHAT)?;
        }
        JournalEntry::AsRun(AsRunEvent::Ended(end)) => {
            let query = "update as_run set ended_at = ?, ended_offset = ?, cause = ?, reason = ?
                where session = ? and part = ? and ended_at is null";
            let (at, offset) = (Column(end.at), Column(end.media_offset));
            let values = params![
                at,
                offset,
                end.reason.code(),
                json(&end.reason),
                Column(end.session),
                end.part
            ];
            connection.execute(query, values).context(WHAT)?;
        }
        JournalEntry::AsRun(AsRunEvent::NotAired {
            occurrence,
            title,
            at,
            reason,
        }) => {
            let query = "insert into not_aired (slot, zone, start, title, at, cause, reason)
                values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing";
            let (slot, zone, start) = (occurrence.slot.0, occurrence.zone.0, Column(occurrence.start));
            let values = params![slot, zone, start, title, Column(*at), reason.code(), json(reason)];
            connection.execute(query, values).context(WHAT)?;
        }
        JournalEntry::Sent {
            session,
            part,
            packets,
            octets,
        } => {
            let query = "update as_run set packets = ?, octets = ? where session = ? and part = ?";
            let count = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
            let values = params![count(packets), count(octets), Column(*session), part];
            connection.execute(query, values).context(WHAT)?;
        }
    }
    Ok(())
}

fn record_session(connection: &Connection, part: &PartStarted) -> Result<(), StoreError> {
    const WHAT: &str = "write the as-run log";
    let (slot, slot_start) = match &part.origin {
        Origin::Slot(occurrence) => (Some(occurrence.slot.0), Some(Column(occurrence.start))),
        Origin::Override { .. } => (None, None),
    };
    let query = "insert into session (id, zone, title, media, class, pre_emption, cut, slot, slot_start)
        values (:id, :zone, :title, :media, :class, :pre_emption, :cut, :slot, :slot_start) on conflict do nothing";
    let values = named_params! {
        ":id": Column(part.session),
        ":zone": part.zone.0,
        ":title": part.title,
        ":media": Column(part.media),
        ":class": Column(part.class),
        ":pre_emption": Column(part.pre_emption),
        ":cut": part.cut,
        ":slot": slot,
        ":slot_start": slot_start,
    };
    connection.execute(query, values).context(WHAT)?;
    if let Origin::Override { by, first } = &part.origin {
        let query = "insert into override (session, by_user, first) values (?, ?, ?) on conflict do nothing";
        connection
            .execute(query, params![Column(part.session), by, Column(*first)])
            .context(WHAT)?;
    }
    Ok(())
}

impl Store {
    /// Returns the sessions, by number, that have a part without an end.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn open_sessions(&self) -> Result<Vec<SessionId>, StoreError> {
        rows(
            &self.connection,
            "select distinct session from as_run where ended_at is null order by session",
            |row| get(row, "session"),
        )
    }
}
