//! The rows of the media library. Its files are the head-end's.

use loa_model::{ContentHash, Media, WallTime, ZoneId};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::Serialize;

use crate::audit::{AuditRow, append};
use crate::column::{Column, get};
use crate::emergencies::templates;
use crate::error::Context as _;
use crate::people::By;
use crate::schedule::rows;
use crate::{Store, StoreError};

/// A piece of media, and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MediaRow {
    /// The piece.
    #[serde(flatten)]
    pub media: Media,
    /// Name of the file it was imported from.
    pub file_name: String,
    /// When.
    pub added_at: WallTime,
    /// Name of the series of which it is an episode.
    pub series: Option<String>,
    /// Whose people may change and approve it; none for the whole station's.
    pub zone: Option<ZoneId>,
    /// Who added it.
    pub added_by: String,
    /// What it was cut from; none for a file that was given.
    pub cut: Option<Cut>,
}

/// A stretch of a piece, of which another one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The whole piece.
    pub from: ContentHash,
    /// First sample of it, at 48 kHz.
    pub start: u64,
    /// The first sample that is not of it.
    pub end: u64,
}

impl Store {
    /// Reads all media, in order of their titles.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn media(&self) -> Result<Vec<MediaRow>, StoreError> {
        rows(&self.connection, "select * from media order by title", media)
    }

    /// Finds a piece by its content.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn media_by_hash(&self, hash: ContentHash) -> Result<Option<MediaRow>, StoreError> {
        find(&self.connection, "hash = ?", &hash.to_string())
    }

    /// Finds a piece by its title.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn media_by_title(&self, title: &str) -> Result<Option<MediaRow>, StoreError> {
        find(&self.connection, "title = ?", title)
    }

    /// Adds a piece whose files are in place, and writes down who did.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if its title is another piece's.
    pub fn add_media(&mut self, row: &MediaRow) -> Result<(), StoreError> {
        const WHAT: &str = "add to the library";
        let MediaRow { media, cut, .. } = row;
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let query =
            "insert into media (hash, title, file_name, format, samples, loudness, true_peak, gain, bitrate,
                encoded_bytes, added_at, series, zone, added_by, cut_from, cut_start, cut_end)
            values (:hash, :title, :file_name, :format, :samples, :loudness, :true_peak, :gain, :bitrate,
                :encoded_bytes, :added_at, :series, :zone, :added_by, :cut_from, :cut_start, :cut_end)";
        let values = named_params! {
            ":hash": Column(media.hash),
            ":title": media.title,
            ":file_name": row.file_name,
            ":format": media.format,
            ":samples": number(media.samples),
            ":loudness": media.loudness_lufs,
            ":true_peak": media.true_peak_dbtp,
            ":gain": media.gain_db,
            ":bitrate": media.bitrate,
            ":encoded_bytes": number(media.encoded_bytes),
            ":added_at": Column(row.added_at),
            ":series": row.series,
            ":zone": row.zone.map(|zone| zone.0),
            ":added_by": row.added_by,
            ":cut_from": cut.map(|cut| Column(cut.from)),
            ":cut_start": cut.map(|cut| number(cut.start)),
            ":cut_end": cut.map(|cut| number(cut.end)),
        };
        let by = By {
            who: &row.added_by,
            at: row.added_at,
        };
        self.change_planned(WHAT, |connection| {
            let taken = find(connection, "title = ?", &media.title)?;
            if taken.is_some_and(|found| found.media.hash != media.hash) {
                return Err(StoreError::Exists {
                    what: "media",
                    name: media.title.clone(),
                });
            }
            connection.execute(query, values).context(WHAT)?;
            append(connection, &by.row("media added", named(media)))
        })
    }

    /// Makes a piece an episode of a series, or of none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such piece.
    pub fn set_series(
        &mut self,
        hash: ContentHash,
        series: Option<&str>,
        by: By<'_>,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "change the library";
        self.change_planned(WHAT, |connection| {
            let row = existing(connection, "hash = ?", &hash.to_string())?;
            connection
                .execute(
                    "update media set series = ? where hash = ?",
                    params![series, Column(hash)],
                )
                .context(WHAT)?;
            let row = AuditRow {
                before: row.series.unwrap_or_default(),
                after: series.unwrap_or_default().to_owned(),
                ..by.row("series set", named(&row.media))
            };
            append(connection, &row)
        })
    }

    /// Gives a piece another title.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such piece, [`StoreError::Exists`] if the title is another piece's.
    pub fn set_title(&mut self, hash: ContentHash, title: &str, by: By<'_>) -> Result<(), StoreError> {
        const WHAT: &str = "change the library";
        self.change_planned(WHAT, |connection| {
            let row = existing(connection, "hash = ?", &hash.to_string())?;
            if find(connection, "title = ?", title)?.is_some_and(|found| found.media.hash != hash) {
                return Err(StoreError::Exists {
                    what: "media",
                    name: title.to_owned(),
                });
            }
            connection
                .execute(
                    "update media set title = ? where hash = ?",
                    params![title, Column(hash)],
                )
                .context(WHAT)?;
            let row = AuditRow {
                before: row.media.title.clone(),
                after: title.to_owned(),
                ..by.row("title set", hash.to_string())
            };
            append(connection, &row)
        })
    }

    /// Removes a piece; its files are the caller's to remove afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`], or [`StoreError::InUse`] while a programme airs it or an emergency template names it.
    pub fn remove_media(&mut self, title: &str, by: By<'_>) -> Result<Media, StoreError> {
        const WHAT: &str = "remove from the library";
        self.change_planned(WHAT, |connection| {
            let media = existing(connection, "title = ?", title)?.media;
            let query = "select programme.code from programme_media join programme on programme.id = programme_media.programme
                where programme_media.media = ?";
            let user: Option<String> = connection
                .query_row(query, [Column(media.hash)], |row| row.get(0))
                .optional()
                .context(WHAT)?;
            let user = user.map(|code| format!("programme \"{code}\""));
            let user = match user {
                Some(by) => Some(by),
                None => templates(connection)?
                    .into_iter()
                    .find(|row| row.template.recordings().any(|hash| hash == media.hash))
                    .map(|row| format!("emergency template \"{}\"", row.template.title)),
            };
            if let Some(by) = user {
                return Err(StoreError::InUse {
                    what: "media",
                    name: title.to_owned(),
                    by,
                });
            }
            connection
                .execute("delete from media where hash = ?", [Column(media.hash)])
                .context(WHAT)?;
            append(connection, &by.row("media removed", named(&media)))?;
            Ok(media)
        })
    }
}

/// What the audit log calls a piece.
pub(crate) fn named(media: &Media) -> String {
    format!("{} ({})", media.title, media.hash)
}

fn existing(connection: &Connection, condition: &str, value: &str) -> Result<MediaRow, StoreError> {
    find(connection, condition, value)?.ok_or_else(|| StoreError::Unknown {
        what: "media",
        name: value.to_owned(),
    })
}

pub(crate) fn find(
    connection: &Connection,
    condition: &str,
    value: &str,
) -> Result<Option<MediaRow>, StoreError> {
    let query = format!("select * from media where {condition}");
    connection
        .query_row(&query, [value], media)
        .optional()
        .context("read the library")
}

fn media(row: &Row<'_>) -> rusqlite::Result<MediaRow> {
    let number = |column: &str| {
        row.get::<_, i64>(column)
            .map(|number| u64::try_from(number).unwrap_or(0))
    };
    let media = Media {
        hash: get(row, "hash")?,
        title: row.get("title")?,
        format: row.get("format")?,
        samples: number("samples")?,
        loudness_lufs: row.get("loudness")?,
        true_peak_dbtp: row.get("true_peak")?,
        gain_db: row.get("gain")?,
        bitrate: row.get("bitrate")?,
        encoded_bytes: number("encoded_bytes")?,
    };
    Ok(MediaRow {
        media,
        file_name: row.get("file_name")?,
        added_at: get(row, "added_at")?,
        series: row.get("series")?,
        zone: row.get::<_, Option<i64>>("zone")?.map(ZoneId),
        added_by: row.get("added_by")?,
        cut: match row.get::<_, Option<Column<ContentHash>>>("cut_from")? {
            None => None,
            Some(from) => Some(Cut {
                from: from.0,
                start: number("cut_start")?,
                end: number("cut_end")?,
            }),
        },
    })
}
