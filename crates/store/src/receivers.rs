//! Receivers, what they report, and the proof that comes of it.

use loa_model::{BulletinClass, Receipt, Receiver, ReceiverId, SessionId, WallTime, ZoneId};
use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;

use crate::column::{Column, from_json, get, json};
use crate::error::Context as _;
use crate::schedule::rows;
use crate::{Store, StoreError};

/// A receiver, and its newest report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiverRow {
    /// The receiver.
    #[serde(flatten)]
    pub receiver: Receiver,
    /// When its newest report was made; none until it was first heard from.
    pub report_at: Option<WallTime>,
    /// The JSON of that report.
    pub report: Option<String>,
}

/// What is known of one session at one receiver that should have played it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProofRow {
    /// The session.
    pub session: SessionId,
    /// Name of the programme.
    pub title: String,
    /// Code of the zone it was sent to.
    pub zone: String,
    /// Its class.
    pub class: BulletinClass,
    /// When it began.
    pub at: WallTime,
    /// How much of the media was on air, in all its parts, ns.
    pub aired_ns: i64,
    /// RTP packets sent; none while that is not known.
    pub sent: Option<u64>,
    /// Code of the receiver.
    pub receiver: String,
    /// What the receiver says; none if it said nothing.
    pub receipt: Option<Receipt>,
}

impl Store {
    /// Reads all receivers, in order of their codes.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn receivers(&self) -> Result<Vec<ReceiverRow>, StoreError> {
        rows(&self.connection, "select * from receiver order by code", receiver)
    }

    /// Finds a receiver by its code.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn receiver(&self, code: &str) -> Result<Option<ReceiverRow>, StoreError> {
        let query = "select * from receiver where code = ?";
        self.connection
            .query_row(query, [code], receiver)
            .optional()
            .context("read receivers")
    }

    /// Registers a receiver.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] or, for the zone, [`StoreError::Unknown`].
    pub fn add_receiver(
        &mut self,
        code: &str,
        zone: &str,
        public_key: &[u8; 32],
    ) -> Result<Receiver, StoreError> {
        let tree = self.zones()?;
        let zone = tree.by_code(zone).ok_or_else(|| StoreError::Unknown {
            what: "zone",
            name: zone.to_owned(),
        })?;
        if self.receiver(code)?.is_some() {
            return Err(StoreError::Exists {
                what: "receiver",
                name: code.to_owned(),
            });
        }
        let query = "insert into receiver (code, zone, public_key) values (?, ?, ?)";
        self.connection
            .execute(query, params![code, zone.id.0, public_key])
            .context("register a receiver")?;
        let id = ReceiverId(self.connection.last_insert_rowid());
        Ok(Receiver {
            id,
            code: code.to_owned(),
            zone: zone.id,
            public_key: *public_key,
        })
    }

    /// Strikes a receiver off; what it reported goes with it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn remove_receiver(&mut self, code: &str) -> Result<(), StoreError> {
        let removed = self
            .connection
            .execute("delete from receiver where code = ?", [code])
            .context("remove a receiver")?;
        if removed == 0 {
            return Err(StoreError::Unknown {
                what: "receiver",
                name: code.to_owned(),
            });
        }
        Ok(())
    }

    /// Keeps a receiver's report, unless one as new is there already. Tells whether it was kept.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_report(
        &mut self,
        receiver: ReceiverId,
        at: WallTime,
        report: &str,
        receipts: &[Receipt],
    ) -> Result<bool, StoreError> {
        self.change("keep a report", |connection| {
            let query = "update receiver set report_at = ?1, report = ?2
                where id = ?3 and coalesce(report_at, 0) < ?1";
            let kept = connection
                .execute(query, params![Column(at), report, receiver.0])
                .context("keep a report")?;
            if kept == 0 {
                return Ok(false);
            }
            for receipt in receipts {
                let query = "insert into receipt (session, receiver, at, body) values (?, ?, ?, ?)
                    on conflict (session, receiver) do update set at = excluded.at, body = excluded.body";
                let values = params![Column(receipt.session), receiver.0, Column(at), json(receipt)];
                connection.execute(query, values).context("keep a report")?;
            }
            Ok(true)
        })
    }

    /// Reads, for each session that was on air in `from..to` and each receiver in its zone or under it, what is known.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn proof(&self, from: WallTime, to: WallTime) -> Result<Vec<ProofRow>, StoreError> {
        let tree = self.zones()?;
        let receivers = self.receivers()?;
        let receipts = rows(
            &self.connection,
            "select session, receiver, body from receipt",
            |row| {
                Ok((
                    (get::<SessionId>(row, "session")?, row.get::<_, i64>("receiver")?),
                    row.get::<_, String>("body")?,
                ))
            },
        )?;
        let receipts: std::collections::BTreeMap<_, _> = receipts.into_iter().collect();
        let mut sessions: Vec<(ZoneId, ProofRow)> = Vec::new();
        for part in self.as_run(from, to)? {
            let started = part.started;
            let aired = part.ended.map_or(0, |ended| {
                i64::try_from(ended.media_offset.saturating_sub(started.media_offset).as_nanos())
                    .unwrap_or(i64::MAX)
            });
            if let Some((_, row)) = sessions
                .iter_mut()
                .find(|(_, row)| row.session == started.session)
            {
                row.aired_ns += aired;
                row.sent = row.sent.zip(part.packets).map(|(before, now)| before + now);
                continue;
            }
            let row = ProofRow {
                session: started.session,
                title: started.title,
                zone: part.zone_code,
                class: started.class,
                at: started.at,
                aired_ns: aired,
                sent: part.packets,
                receiver: String::new(),
                receipt: None,
            };
            sessions.push((started.zone, row));
        }
        let mut proof = Vec::new();
        for (zone, row) in sessions {
            for ReceiverRow { receiver, .. } in receivers
                .iter()
                .filter(|row| tree.covers(zone, row.receiver.zone))
            {
                let body = receipts.get(&(row.session, receiver.id.0));
                let receipt = body.map(|body| from_json(body, "receipt")).transpose()?;
                proof.push(ProofRow {
                    receiver: receiver.code.clone(),
                    receipt,
                    ..row.clone()
                });
            }
        }
        Ok(proof)
    }
}

fn receiver(row: &Row<'_>) -> rusqlite::Result<ReceiverRow> {
    let receiver = Receiver {
        id: ReceiverId(row.get("id")?),
        code: row.get("code")?,
        zone: ZoneId(row.get("zone")?),
        public_key: row.get("public_key")?,
    };
    let report_at = row
        .get::<_, Option<Column<WallTime>>>("report_at")?
        .map(|at| at.0);
    Ok(ReceiverRow {
        receiver,
        report_at,
        report: row.get("report")?,
    })
}
