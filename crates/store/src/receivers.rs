//! Receivers, what they report, and the proof that comes of it.

use std::collections::BTreeMap;

use loa_model::{BulletinClass, Place, Receipt, Receiver, ReceiverId, SessionId, WallTime, ZoneId};
use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;

use crate::column::{Column, get, json};
use crate::error::Context as _;
use crate::receipts::joined;
use crate::schedule::rows;
use crate::{Store, StoreError};

/// A receiver, and its newest report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiverRow {
    /// The receiver.
    #[serde(flatten)]
    pub receiver: Receiver,
    /// When its newest report was made, by its own clock; none until it was first heard from.
    pub report_at: Option<WallTime>,
    /// When that came, by the station's clock.
    pub seen_at: Option<WallTime>,
    /// The JSON of that report.
    pub report: Option<String>,
}

/// A report to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    /// When the receiver started, by its own clock.
    pub started: WallTime,
    /// When the report was made, by the same.
    pub at: WallTime,
    /// When it came, by the station's clock.
    pub seen: WallTime,
    /// The JSON of it.
    pub text: &'a str,
    /// What it says was played.
    pub receipts: &'a [Receipt],
}

/// What a receiver played last, by its own account.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestReceipt {
    /// Name of the programme; none if the log does not know the session.
    pub title: Option<String>,
    /// Its account.
    pub receipt: Receipt,
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
            place: None,
        })
    }

    /// Says where a receiver stands; none where that is not known.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`].
    pub fn place_receiver(&mut self, code: &str, place: Option<Place>) -> Result<(), StoreError> {
        let query = "update receiver set latitude = ?, longitude = ? where code = ?";
        let latitude = place.map(|place| place.latitude_e6);
        let longitude = place.map(|place| place.longitude_e6);
        let placed = self
            .connection
            .execute(query, params![latitude, longitude, code])
            .context("place a receiver")?;
        if placed == 0 {
            return Err(StoreError::Unknown {
                what: "receiver",
                name: code.to_owned(),
            });
        }
        Ok(())
    }

    /// Reads the newest receipt of each receiver, by its row: of which session, and what it says.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn newest_receipts(&self) -> Result<BTreeMap<ReceiverId, NewestReceipt>, StoreError> {
        let read = rows(&self.connection, NEWEST_RECEIPTS, |row| {
            let (id, body): (i64, String) = (row.get("receiver")?, row.get("body")?);
            Ok((ReceiverId(id), body, row.get::<_, Option<String>>("title")?))
        })?;
        let mut runs: BTreeMap<ReceiverId, (Option<String>, Vec<String>)> = BTreeMap::new();
        for (id, body, title) in read {
            let (named, bodies) = runs.entry(id).or_default();
            *named = title;
            bodies.push(body);
        }
        let newest = |(id, (title, bodies)): (ReceiverId, (Option<String>, Vec<String>))| {
            let receipt = joined(&bodies).transpose()?;
            Some(receipt.map(|receipt| (id, NewestReceipt { title, receipt })))
        };
        runs.into_iter().filter_map(newest).collect()
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

    /// Keeps a receiver's report, unless one as new of the same start came before. Tells whether it was kept.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_report(&mut self, receiver: ReceiverId, report: &NewReport<'_>) -> Result<bool, StoreError> {
        const WHAT: &str = "keep a report";
        let NewReport {
            started,
            at,
            seen,
            text,
            receipts,
        } = *report;
        self.change(WHAT, |connection| {
            // A receiver's clock may be years wrong, and set between two starts: reports of one start have an order, starts
            // have none. A start that is not known is new; of one that is, whoever repeats what they caught is too late.
            let values = params![receiver.0, Column(started), Column(at)];
            let query = "update receiver_start set report_at = ?3
                where receiver = ?1 and started = ?2 and report_at < ?3";
            let newer = connection.execute(query, values).context(WHAT)?;
            if newer == 0 {
                let query = "insert or ignore into receiver_start (receiver, started, report_at)
                    select id, ?2, ?3 from receiver where id = ?1";
                if connection.execute(query, values).context(WHAT)? == 0 {
                    return Ok(false);
                }
                // Rows come in order of their numbers.
                let query = "delete from receiver_start where receiver = ?1 and rowid not in
                    (select rowid from receiver_start where receiver = ?1 order by rowid desc limit ?2)";
                let values = params![receiver.0, STARTS_MAX];
                connection.execute(query, values).context(WHAT)?;
            }
            let query = "update receiver set report_at = ?, seen_at = ?, report = ? where id = ?";
            let values = params![Column(at), Column(seen), text, receiver.0];
            connection.execute(query, values).context(WHAT)?;
            for receipt in receipts {
                // Each start counts from zero: it must not take the place of what was played before it.
                let query = "insert into receipt (session, receiver, started, at, body) values (?, ?, ?, ?, ?)
                    on conflict (session, receiver, started) do update set at = excluded.at, body = excluded.body";
                let session = Column(receipt.session);
                let values = params![session, receiver.0, Column(started), Column(at), json(receipt)];
                connection.execute(query, values).context(WHAT)?;
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
        let read = rows(
            &self.connection,
            "select session, receiver, body from receipt order by rowid",
            |row| {
                Ok((
                    (get::<SessionId>(row, "session")?, row.get::<_, i64>("receiver")?),
                    row.get::<_, String>("body")?,
                ))
            },
        )?;
        let mut receipts: BTreeMap<(SessionId, i64), Vec<String>> = BTreeMap::new();
        for (of, body) in read {
            receipts.entry(of).or_default().push(body);
        }
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
                let runs = receipts.get(&(row.session, receiver.id.0));
                let receipt = runs.map_or(Ok(None), |runs| joined(runs))?;
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
        place: row
            .get::<_, Option<i32>>("latitude")?
            .zip(row.get("longitude")?)
            .map(|(latitude_e6, longitude_e6)| Place {
                latitude_e6,
                longitude_e6,
            }),
    };
    let time = |column: &str| -> rusqlite::Result<_> {
        let time: Option<Column<WallTime>> = row.get(column)?;
        Ok(time.map(|time| time.0))
    };
    Ok(ReceiverRow {
        receiver,
        report_at: time("report_at")?,
        seen_at: time("seen_at")?,
        report: row.get("report")?,
    })
}

/// Years of receipts lie there: each receiver's newest is found by itself, which the cross join has SQLite do in that order.
const NEWEST_RECEIPTS: &str = "select receipt.receiver, receipt.body, session.title
    from receiver cross join receipt on receipt.receiver = receiver.id
        and receipt.session = (select max(own.session) from receipt as own where own.receiver = receiver.id)
    left join session on session.id = receipt.session
    order by receipt.rowid";
/// Starts of one receiver that are remembered: years of power cuts.
const STARTS_MAX: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_receiver() -> (tempfile::TempDir, Store, ReceiverId) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
        let query = "insert into zone (id, code, name, channel, settings) values (1, 'xa', 'Xã', 1, ?)";
        let settings = json(&loa_model::ZoneSettings::default());
        store.connection.execute(query, [settings]).unwrap();
        let pole = store.add_receiver("pole", "xa", &[1; 32]).unwrap();
        (dir, store, pole.id)
    }

    #[test]
    fn the_newest_receipts_are_found_without_reading_all() {
        let (_dir, store, _) = with_receiver();
        let query = format!("explain query plan {NEWEST_RECEIPTS}");
        let plan = rows(&store.connection, &query, |row| row.get::<_, String>("detail")).unwrap();
        assert!(
            plan.iter().any(|step| step.starts_with("SEARCH receipt")),
            "{plan:#?}"
        );
        let reads_all = |step: &String| step.starts_with("SCAN") && !step.starts_with("SCAN receiver");
        let finds_newest = |step: &String| step.contains("receipt_receiver (receiver=?)");
        assert!(
            !plan.iter().any(reads_all) && plan.iter().any(finds_newest),
            "{plan:#?}"
        );
    }

    #[test]
    fn starts_that_are_long_past_are_forgotten_and_the_newest_are_not() {
        let (_dir, mut store, pole) = with_receiver();
        let query = "with recursive start (at) as (select 1 union all select at + 1 from start where at < ?)
            insert into receiver_start (receiver, started, report_at) select ?, at, at from start";
        let put = store
            .connection
            .execute(query, params![STARTS_MAX, pole.0])
            .unwrap();
        assert_eq!(i64::try_from(put), Ok(STARTS_MAX));
        let time = WallTime::from_unix_ns(-5);
        let report = NewReport {
            started: time,
            at: time,
            seen: time,
            text: "{}",
            receipts: &[],
        };
        assert!(store.put_report(pole, &report).unwrap());
        assert!(!store.put_report(pole, &report).unwrap());
        let query = "select count(*), min(started), max(started) from receiver_start where started > 0";
        let left = store.connection.query_row(query, [], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        });
        assert_eq!(left.unwrap(), (STARTS_MAX - 1, 2, STARTS_MAX));
    }
}
