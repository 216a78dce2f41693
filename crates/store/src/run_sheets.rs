//! Every plan that was ever in force.

use chrono::NaiveDate;
use loa_model::{RunSheet, WallTime};
use rusqlite::{OptionalExtension as _, params};

use crate::column::{Column, from_json, json};
use crate::error::Context as _;
use crate::{Store, StoreError};

impl Store {
    /// Keeps a plan and returns it with its number; one that is like the newest of its date keeps that one's number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_run_sheet(&mut self, sheet: &RunSheet, made_at: WallTime) -> Result<RunSheet, StoreError> {
        if let Some(newest) = self
            .run_sheet(sheet.date)?
            .filter(|newest| newest.lines == sheet.lines)
        {
            return Ok(newest);
        }
        self.change("keep the run-sheet", |connection| {
            let query = "select coalesce(max(number), 0) + 1 from run_sheet";
            let number = connection
                .query_row(query, [], |row| row.get(0))
                .context("keep the run-sheet")?;
            let sheet = RunSheet {
                number,
                ..sheet.clone()
            };
            let query = "insert into run_sheet (number, date, made_at, body) values (?, ?, ?, ?)";
            let values = params![number, sheet.date, Column(made_at), json(&sheet)];
            connection.execute(query, values).context("keep the run-sheet")?;
            Ok(sheet)
        })
    }

    /// Reads the newest plan of a date.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn run_sheet(&self, date: NaiveDate) -> Result<Option<RunSheet>, StoreError> {
        let query = "select body from run_sheet where date = ? order by number desc limit 1";
        let body: Option<String> = self
            .connection
            .query_row(query, [date], |row| row.get(0))
            .optional()
            .context("read the run-sheet")?;
        body.map(|body| from_json(&body, "run-sheet")).transpose()
    }
}
