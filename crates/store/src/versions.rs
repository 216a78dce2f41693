//! Versions of a programme in other languages, as people set them by hand.

use loa_model::{
    ContentHash, LANGUAGES_MAX, PANEL_FILE, ProgrammeId, ProgrammeSpec, Source, VersionFault, is_code,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::audit::{AuditRow, append};
use crate::column::{from_json, json};
use crate::error::Context as _;
use crate::import::put_media;
use crate::library::{find, named};
use crate::people::By;
use crate::{Store, StoreError};

impl Store {
    /// Sets the piece that a programme airs in zones of a language, or takes it away.
    ///
    /// The programme becomes the panel's own, as a slot does whose series is changed by hand: a file that still declares
    /// it is refused.
    ///
    /// # Errors
    ///
    /// [`StoreError::Version`]; nothing is changed then.
    pub fn set_version(
        &mut self,
        programme: ProgrammeId,
        language: &str,
        version: Option<ContentHash>,
        by: By<'_>,
    ) -> Result<(), StoreError> {
        self.change_planned(WHAT, |connection| {
            let query = "select code, spec from programme where id = ?";
            let found: Option<(String, String)> = connection
                .query_row(query, [programme.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
                .context(WHAT)?;
            let (code, spec) = found.ok_or(VersionFault::NoProgramme)?;
            let mut spec: ProgrammeSpec<ProgrammeId> = from_json(&spec, "programme")?;
            let before = change(connection, &mut spec, language, version)?;
            let query = "update programme set spec = ?, file = ? where id = ?";
            connection
                .execute(query, params![json(&spec), PANEL_FILE, programme.0])
                .context(WHAT)?;
            put_media(connection, programme, &spec)?;
            let row = AuditRow {
                before: name_of(connection, before)?,
                after: name_of(connection, version)?,
                ..by.row("version set", format!("{} ({code}): {language}", spec.title))
            };
            append(connection, &row)
        })
    }
}

/// Changes what a programme says, if it may be so; returns the version that it had.
fn change(
    connection: &Connection,
    spec: &mut ProgrammeSpec<ProgrammeId>,
    language: &str,
    version: Option<ContentHash>,
) -> Result<Option<ContentHash>, StoreError> {
    let Source::Asset { media, languages } = &mut spec.source else {
        return Err(VersionFault::NotOnePiece.into());
    };
    let before = languages.get(language).copied();
    let Some(version) = version else {
        languages
            .remove(language)
            .ok_or_else(|| VersionFault::NoVersion(language.to_owned()))?;
        return Ok(before);
    };
    // What a file calls a language stays replaceable, however it is written.
    if before.is_none() && !is_code(language) {
        return Err(VersionFault::Language(language.to_owned()).into());
    }
    if version == *media {
        return Err(VersionFault::OwnPiece.into());
    }
    if before == Some(version) {
        return Err(VersionFault::Nothing.into());
    }
    if before.is_none() && languages.len() >= LANGUAGES_MAX {
        return Err(VersionFault::TooMany.into());
    }
    if find(connection, "hash = ?", &version.to_string())?.is_none() {
        return Err(VersionFault::NoPiece.into());
    }
    languages.insert(language.to_owned(), version);
    Ok(before)
}

/// Returns what the audit log calls a version; empty for none.
fn name_of(connection: &Connection, version: Option<ContentHash>) -> Result<String, StoreError> {
    let Some(hash) = version else {
        return Ok(String::new());
    };
    let found = find(connection, "hash = ?", &hash.to_string())?;
    Ok(found.map_or_else(|| hash.to_string(), |row| named(&row.media)))
}

const WHAT: &str = "set a version of a programme";
