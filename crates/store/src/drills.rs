//! Drills, and what became of them at the loudspeakers.

use std::collections::BTreeMap;

use loa_model::{SessionId, WallTime, ZoneId};
use rusqlite::{Connection, params};

use crate::column::{Column, from_json, get, json};
use crate::error::Context as _;
use crate::schedule::rows_with;
use crate::{Store, StoreError};

/// A drill as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// When the button was pressed.
    pub pressed: WallTime,
    /// Name of it.
    pub title: String,
    /// Who put it on the air.
    pub by: String,
    /// Where it was asked for, also where it was refused.
    pub zones: Vec<ZoneId>,
    /// What came of it.
    pub sessions: Vec<SessionId>,
    /// Codes of the receivers that stood there.
    pub receivers: Vec<String>,
}

/// A drill, and when it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillRow {
    /// As it was asked for.
    pub drill: Drill,
    /// When its first sample sounded at each of its receivers that say so.
    pub first: BTreeMap<String, WallTime>,
}

impl Drill {
    pub(crate) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let query = "insert into drill (pressed, title, by_user, zones, sessions, receivers) values (?, ?, ?, ?, ?, ?)";
        let values = params![
            Column(self.pressed),
            self.title,
            self.by,
            json(&self.zones),
            json(&self.sessions),
            json(&self.receivers)
        ];
        connection.execute(query, values).context("write down a drill")?;
        Ok(())
    }
}

impl Store {
    /// Reads the drills of `from..to`, newest first, 100 at most.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn drills(&self, from: WallTime, to: WallTime) -> Result<Vec<DrillRow>, StoreError> {
        let query = "select * from drill where pressed >= ? and pressed < ? order by pressed desc limit 100";
        let rows = rows_with(&self.connection, query, [Column(from), Column(to)], |row| {
            let drill = Drill {
                pressed: get(row, "pressed")?,
                title: row.get("title")?,
                by: row.get("by_user")?,
                zones: Vec::new(),
                sessions: Vec::new(),
                receivers: Vec::new(),
            };
            let lists = ["zones", "sessions", "receivers"].map(|name| row.get::<_, String>(name));
            let [zones, sessions, receivers] = lists;
            Ok((drill, zones?, sessions?, receivers?))
        })?;
        let read = |(drill, zones, sessions, receivers): (Drill, String, String, String)| {
            let drill = Drill {
                zones: from_json(&zones, "drill")?,
                sessions: from_json(&sessions, "drill")?,
                receivers: from_json(&receivers, "drill")?,
                ..drill
            };
            let first = self.first_heard(&drill)?;
            Ok(DrillRow { drill, first })
        };
        rows.into_iter().map(read).collect()
    }

    fn first_heard(&self, drill: &Drill) -> Result<BTreeMap<String, WallTime>, StoreError> {
        let mut first: BTreeMap<String, WallTime> = BTreeMap::new();
        for session in &drill.sessions {
            for (code, receipt) in self.receipts_of(*session)? {
                if receipt.sounded.is_zero() || !drill.receivers.contains(&code) {
                    continue;
                }
                let at = first.entry(code).or_insert(receipt.first);
                *at = receipt.first.min(*at);
            }
        }
        Ok(first)
    }
}
