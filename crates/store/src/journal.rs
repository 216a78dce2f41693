//! The as-run log: written as it happens, read by people, and by the head-end when it starts again.

use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Content, ContentHash, EndReason, OccurrenceId, Origin, PartEnded, PartStarted,
    SessionId, SlotId, Sound, WallTime, ZoneId,
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::Serialize;

use crate::column::{Column, from_json, get, json};
use crate::drills::Drill;
use crate::error::Context as _;
use crate::schedule::{rows, rows_with};
use crate::store::planning_changed;
use crate::{AuditRow, Store, StoreError};

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
        /// When the first of them was; none if there was none.
        first: Option<WallTime>,
    },
    /// Somebody asked for a session: when a button was pressed, and when the engine had accepted it.
    Asked {
        /// Which session.
        session: SessionId,
        /// When it was pressed.
        pressed: WallTime,
        /// When it was accepted.
        accepted: WallTime,
    },
    /// A drill was put on the air.
    Drill(Drill),
    /// Somebody did something.
    Audit(AuditRow),
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

    /// Reads the occurrences planned at or after `since` that could not begin at their time, and have not begun nor
    /// been given up since.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn still_delayed(&self, since: WallTime) -> Result<Vec<OccurrenceId>, StoreError> {
        let query = "select slot, zone, start from delayed where start >= ?
            and not exists (select 1 from session where session.slot = delayed.slot and session.zone = delayed.zone
                and session.slot_start = delayed.start)
            and not exists (select 1 from not_aired where not_aired.slot = delayed.slot
                and not_aired.zone = delayed.zone and not_aired.start = delayed.start)
            order by start";
        rows_with(&self.connection, query, [Column(since)], |row| {
            Ok(OccurrenceId {
                slot: SlotId(row.get("slot")?),
                zone: ZoneId(row.get("zone")?),
                start: get(row, "start")?,
            })
        })
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
        read.into_iter().map(|(row, json)| finish(row, &json)).collect()
    }
}

/// What a part holds as JSON.
struct PartJson {
    content: String,
    sound: String,
    reason: Option<String>,
}

/// Reads a part, but for what it holds as JSON.
fn read_part(row: &Row<'_>) -> rusqlite::Result<(AsRunRow, PartJson)> {
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
        // Filled in by the caller, who can say that they are damaged.
        content: Content::Silence,
        sound: Sound::Silence,
        class: get::<BulletinClass>(row, "class")?,
        order: row.get("place")?,
        at: get(row, "at")?,
        media_offset: get::<Duration>(row, "media_offset")?,
        ends: get(row, "ends")?,
        cut: row.get("cut")?,
        pre_emption: get(row, "pre_emption")?,
        give_up_after: row
            .get::<_, Option<Column<Duration>>>("give_up_after")?
            .map(|span| span.0),
        drill: row.get("drill")?,
    };
    let ended = match row.get::<_, Option<i64>>("ended_at")? {
        None => None,
        Some(_) => Some(PartEnded {
            session,
            part,
            at: get(row, "ended_at")?,
            media_offset: get(row, "ended_offset")?,
            // Filled in by the caller too.
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
        PartJson {
            content: row.get("content")?,
            sound: row.get("sound")?,
            reason: row.get("reason")?,
        },
    ))
}

fn finish(mut row: AsRunRow, json: &PartJson) -> Result<AsRunRow, StoreError> {
    const WHAT: &str = "as-run row";
    row.started.content = from_json(&json.content, WHAT)?;
    row.started.sound = from_json(&json.sound, WHAT)?;
    if let (Some(ended), Some(reason)) = (&mut row.ended, &json.reason) {
        ended.reason = from_json(reason, WHAT)?;
    }
    Ok(row)
}

fn record(connection: &Connection, entry: &JournalEntry) -> Result<(), StoreError> {
    const WHAT: &str = "write the as-run log";
    match entry {
        JournalEntry::AsRun(AsRunEvent::Started(part)) => {
            record_session(connection, part)?;
            let query = "insert into as_run (session, part, sound, media, at, media_offset, ends)
                values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing";
            let (session, at, ends) = (Column(part.session), Column(part.at), Column(part.ends));
            let media = match &part.sound {
                Sound::Media(media) | Sound::Fill(Some(media)) => Some(Column(*media)),
                Sound::Source(_) | Sound::Fill(None) | Sound::Voice | Sound::Silence => None,
            };
            let sound = json(&part.sound);
            let values = params![
                session,
                part.part,
                sound,
                media,
                at,
                Column(part.media_offset),
                ends
            ];
            connection.execute(query, values).context(WHAT)?;
            // What was heard of a series decides what the next occurrence airs.
            if let Sound::Media(media) = &part.sound {
                let query = "select 1 from media where hash = ? and series is not null";
                let of_series = connection
                    .prepare_cached(query)
                    .and_then(|mut query| query.exists([Column(*media)]));
                if of_series.context(WHAT)? {
                    planning_changed(connection).context(WHAT)?;
                }
            }
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
        JournalEntry::AsRun(AsRunEvent::Delayed { occurrence, at, by }) => {
            let query = "insert into delayed (slot, zone, start, at, by) values (?, ?, ?, ?, ?) on conflict do nothing";
            let (slot, zone, start) = (occurrence.slot.0, occurrence.zone.0, Column(occurrence.start));
            let values = params![slot, zone, start, Column(*at), Column(*by)];
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
            first,
        } => {
            let query =
                "update as_run set packets = ?, octets = ?, first_packet = ? where session = ? and part = ?";
            let count = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
            let first = first.map(Column);
            let values = params![count(packets), count(octets), first, Column(*session), part];
            connection.execute(query, values).context(WHAT)?;
        }
        JournalEntry::Asked {
            session,
            pressed,
            accepted,
        } => {
            let query =
                "insert into asked (session, pressed, accepted) values (?, ?, ?) on conflict do nothing";
            let values = params![Column(*session), Column(*pressed), Column(*accepted)];
            connection.execute(query, values).context(WHAT)?;
        }
        JournalEntry::Drill(drill) => drill.insert(connection)?,
        JournalEntry::Audit(row) => crate::audit::append(connection, row)?,
    }
    Ok(())
}

fn record_session(connection: &Connection, part: &PartStarted) -> Result<(), StoreError> {
    const WHAT: &str = "write the as-run log";
    let (slot, slot_start) = match &part.origin {
        Origin::Slot(occurrence) => (Some(occurrence.slot.0), Some(Column(occurrence.start))),
        Origin::Override { .. } => (None, None),
    };
    // What fails on the air is taken out of the content: a restart goes on with the rest.
    let query = "insert into session
            (id, zone, title, content, class, place, pre_emption, give_up_after, cut, drill, slot, slot_start)
        values
            (:id, :zone, :title, :content, :class, :place, :pre_emption, :give_up_after, :cut, :drill, :slot, :slot_start)
        on conflict do update set content = excluded.content";
    let values = named_params! {
        ":id": Column(part.session),
        ":zone": part.zone.0,
        ":title": part.title,
        ":content": json(&part.content),
        ":place": part.order,
        ":give_up_after": part.give_up_after.map(Column),
        ":class": Column(part.class),
        ":pre_emption": Column(part.pre_emption),
        ":cut": part.cut,
        ":drill": part.drill,
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

/// What series were heard where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardRows {
    /// When each episode first aired in each zone.
    pub first: Vec<(ZoneId, ContentHash, WallTime)>,
    /// Which episodes each planned occurrence that has begun aired.
    pub aired: Vec<(OccurrenceId, ContentHash)>,
}

impl Store {
    /// Reads which episodes of series were heard where; occurrences only from `since` on.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn heard(&self, since: WallTime) -> Result<HeardRows, StoreError> {
        let connection = &self.connection;
        let query = "select session.zone, as_run.media, min(as_run.at) as at from as_run
            join session on session.id = as_run.session
            join media on media.hash = as_run.media and media.series is not null
            group by session.zone, as_run.media";
        let first = rows(connection, query, |row| {
            Ok((ZoneId(row.get("zone")?), get(row, "media")?, get(row, "at")?))
        })?;
        let query = "select distinct session.slot, session.zone, session.slot_start, as_run.media from as_run
            join session on session.id = as_run.session
            join media on media.hash = as_run.media and media.series is not null
            where session.slot is not null and session.slot_start >= ?
            order by as_run.at";
        let aired = rows_with(connection, query, [Column(since)], |row| {
            let occurrence = OccurrenceId {
                slot: SlotId(row.get("slot")?),
                zone: ZoneId(row.get("zone")?),
                start: get(row, "slot_start")?,
            };
            Ok((occurrence, get(row, "media")?))
        })?;
        Ok(HeardRows { first, aired })
    }

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
