//! Emergencies that lie ready.

use loa_model::{ContentHash, EmergencyTemplate};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::audit::append;
use crate::column::{from_json, json};
use crate::error::Context as _;
use crate::library::find;
use crate::schedule::rows;
use crate::{AuditRow, Store, StoreError};

/// A template and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// Its number.
    pub number: i64,
    /// What it is.
    pub template: EmergencyTemplate,
    /// Stands for what it is: SHA-256 of it as it is kept.
    pub digest: ContentHash,
}

impl Store {
    /// Reads all templates, in order of title.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        templates(&self.connection)
    }

    /// Keeps a template, new or in the place of another, by its number and its digest as it was seen; `by` is completed
    /// and written in the same transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if another has its title, [`StoreError::Unknown`] if there is none with the number or the
    /// library lacks a recording, [`StoreError::Changed`] if the other is not as it was seen.
    pub fn put_template(
        &mut self,
        instead_of: Option<(i64, ContentHash)>,
        template: &EmergencyTemplate,
        by: &AuditRow,
    ) -> Result<(), StoreError> {
        let after = json(template);
        let number = instead_of.map(|(number, _)| number);
        self.change("keep the template", |connection| {
            let query = "select id from emergency_template where title = ?";
            let same = connection
                .query_row(query, [&template.title], |row| row.get::<_, i64>("id"))
                .optional()
                .context(WHAT)?;
            if same.is_some_and(|id| Some(id) != number) {
                return Err(StoreError::Exists {
                    what: "template",
                    name: template.title.clone(),
                });
            }
            for hash in template.recordings() {
                if find(connection, "hash = ?", &hash.to_string())?.is_none() {
                    return Err(StoreError::Unknown {
                        what: "recording",
                        name: hash.to_string(),
                    });
                }
            }
            let before = match instead_of {
                None => {
                    let query = "insert into emergency_template (title, spec) values (?, ?)";
                    connection
                        .execute(query, params![template.title, after])
                        .context(WHAT)?;
                    String::new()
                }
                Some((number, seen)) => {
                    let before = spec(connection, number)?;
                    if digest(&before) != seen {
                        return Err(StoreError::Changed {
                            what: "template",
                            name: template.title.clone(),
                        });
                    }
                    let query = "update emergency_template set title = ?, spec = ? where id = ?";
                    connection
                        .execute(query, params![template.title, after, number])
                        .context(WHAT)?;
                    before
                }
            };
            let row = AuditRow {
                action: "template-kept".into(),
                detail: template.title.clone(),
                before,
                after: after.clone(),
                ..by.clone()
            };
            append(connection, &row)
        })
    }

    /// Takes a template away; `by` is completed and written in the same transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is none with the number.
    pub fn remove_template(&mut self, number: i64, by: &AuditRow) -> Result<(), StoreError> {
        self.change("remove the template", |connection| {
            let before = spec(connection, number)?;
            connection
                .execute("delete from emergency_template where id = ?", [number])
                .context(WHAT)?;
            let row = AuditRow {
                action: "template-removed".into(),
                detail: number.to_string(),
                before,
                ..by.clone()
            };
            append(connection, &row)
        })
    }
}

pub(crate) fn templates(connection: &Connection) -> Result<Vec<TemplateRow>, StoreError> {
    let query = "select id, spec from emergency_template order by title";
    let read = rows(connection, query, |row| {
        Ok((row.get::<_, i64>("id")?, row.get::<_, String>("spec")?))
    })?;
    let row = |(number, spec): (i64, String)| {
        Ok(TemplateRow {
            number,
            digest: digest(&spec),
            template: from_json(&spec, WHAT)?,
        })
    };
    read.into_iter().map(row).collect()
}

fn spec(connection: &Connection, number: i64) -> Result<String, StoreError> {
    let query = "select spec from emergency_template where id = ?";
    connection
        .query_row(query, [number], |row| row.get("spec"))
        .optional()
        .context(WHAT)?
        .ok_or(StoreError::Unknown {
            what: "template",
            name: number.to_string(),
        })
}

fn digest(spec: &str) -> ContentHash {
    ContentHash(Sha256::digest(spec).into())
}

const WHAT: &str = "emergency template";
