//! How long it took from a pressed button to the loudspeakers.

use std::collections::BTreeMap;

use loa_model::{BulletinClass, Receipt, SessionId, WallTime, ZoneId};
use serde::Serialize;

use crate::column::{Column, get};
use crate::receipts::joined;
use crate::schedule::rows_with;
use crate::{Store, StoreError};

/// A session that somebody asked for, and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StartRow {
    /// Which.
    pub session: SessionId,
    /// Where it was sent.
    pub zone: ZoneId,
    /// Name of it.
    pub title: String,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
    /// Who put it on air.
    pub by: String,
    /// When the button was pressed.
    pub pressed: WallTime,
    /// When the engine had accepted it.
    pub accepted: WallTime,
    /// When its first packet was sent; none while its first part is on the air.
    pub first_packet: Option<WallTime>,
    /// When it first had the air, by the log.
    pub began: WallTime,
    /// What receivers say of it, by their codes.
    pub receipts: Vec<(String, Receipt)>,
}

impl Store {
    /// Reads the sessions that were asked for in `from..to` and had the air, newest first, 500 at most.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn starts(&self, from: WallTime, to: WallTime) -> Result<Vec<StartRow>, StoreError> {
        let query = "select asked.*, session.zone, session.title, session.class, session.drill, override.by_user,
                as_run.at as began, as_run.first_packet
            from asked join session on session.id = asked.session join override on override.session = session.id
                join as_run on as_run.session = session.id and as_run.part = 1
            where asked.pressed >= ? and asked.pressed < ? order by asked.pressed desc limit 500";
        let mut starts = rows_with(&self.connection, query, [Column(from), Column(to)], |row| {
            Ok(StartRow {
                session: get(row, "session")?,
                zone: ZoneId(row.get("zone")?),
                title: row.get("title")?,
                class: get(row, "class")?,
                drill: row.get("drill")?,
                by: row.get("by_user")?,
                pressed: get(row, "pressed")?,
                accepted: get(row, "accepted")?,
                first_packet: row
                    .get::<_, Option<Column<WallTime>>>("first_packet")?
                    .map(|at| at.0),
                began: get(row, "began")?,
                receipts: Vec::new(),
            })
        })?;
        for start in &mut starts {
            start.receipts = self.receipts_of(start.session)?;
        }
        Ok(starts)
    }

    /// Reads what receivers say of a session, by their codes.
    pub(crate) fn receipts_of(&self, session: SessionId) -> Result<Vec<(String, Receipt)>, StoreError> {
        let query = "select receiver.code, receipt.body from receipt
            join receiver on receiver.id = receipt.receiver where receipt.session = ? order by receipt.rowid";
        let read = rows_with(&self.connection, query, [Column(session)], |row| {
            Ok((row.get::<_, String>("code")?, row.get::<_, String>("body")?))
        })?;
        let mut runs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (code, body) in read {
            runs.entry(code).or_default().push(body);
        }
        let told = |(code, bodies): (String, Vec<String>)| {
            let receipt = joined(&bodies).transpose()?;
            Some(receipt.map(|receipt| (code, receipt)))
        };
        runs.into_iter().filter_map(told).collect()
    }
}
