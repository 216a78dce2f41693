//! The rows of the media library. Its files are the head-end's.

use loa_model::{ContentHash, Media, WallTime};
use rusqlite::{OptionalExtension as _, Row, named_params};
use serde::Serialize;

use crate::column::{Column, get};
use crate::error::Context as _;
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
        let query = "select * from media where hash = ?";
        self.connection
            .query_row(query, [Column(hash)], media)
            .optional()
            .context("read the library")
    }

    /// Finds a piece by its title.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn media_by_title(&self, title: &str) -> Result<Option<MediaRow>, StoreError> {
        let query = "select * from media where title = ?";
        self.connection
            .query_row(query, [title], media)
            .optional()
            .context("read the library")
    }

    /// Adds a piece whose files are in place.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if its title is another piece's.
    pub fn add_media(&mut self, row: &MediaRow) -> Result<(), StoreError> {
        let MediaRow {
            media,
            file_name,
            added_at,
            series,
        } = row;
        if self
            .media_by_title(&media.title)?
            .is_some_and(|found| found.media.hash != media.hash)
        {
            return Err(StoreError::Exists {
                what: "media",
                name: media.title.clone(),
            });
        }
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let query =
            "insert into media (hash, title, file_name, format, samples, loudness, true_peak, gain, bitrate,
                encoded_bytes, added_at, series)
            values (:hash, :title, :file_name, :format, :samples, :loudness, :true_peak, :gain, :bitrate,
                :encoded_bytes, :added_at, :series)";
        let values = named_params! {
            ":hash": Column(media.hash),
            ":title": media.title,
            ":file_name": file_name,
            ":format": media.format,
            ":samples": number(media.samples),
            ":loudness": media.loudness_lufs,
            ":true_peak": media.true_peak_dbtp,
            ":gain": media.gain_db,
            ":bitrate": media.bitrate,
            ":encoded_bytes": number(media.encoded_bytes),
            ":added_at": Column(*added_at),
            ":series": series,
        };
        self.change_planned("add to the library", |connection| {
            connection.execute(query, values).context("add to the library")?;
            Ok(())
        })
    }

    /// Makes a piece an episode of a series, or of none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] if there is no such piece.
    pub fn set_series(&mut self, hash: ContentHash, series: Option<&str>) -> Result<(), StoreError> {
        self.change_planned("change the library", |connection| {
            let query = "update media set series = ? where hash = ?";
            let changed = connection
                .execute(query, rusqlite::params![series, Column(hash)])
                .context("change the library")?;
            if changed == 0 {
                return Err(StoreError::Unknown {
                    what: "media",
                    name: hash.to_string(),
                });
            }
            Ok(())
        })
    }

    /// Removes a piece; its files are the caller's to remove afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`], or [`StoreError::InUse`] while a programme airs it.
    pub fn remove_media(&mut self, title: &str) -> Result<Media, StoreError> {
        self.change_planned("remove from the library", |connection| {
            let find = connection.query_row("select * from media where title = ?", [title], media);
            let found = find.optional().context("remove from the library")?;
            let found = found.ok_or_else(|| StoreError::Unknown {
                what: "media",
                name: title.to_owned(),
            })?;
            let hash = found.media.hash;
            let query = "select programme.code from programme_media join programme on programme.id = programme_media.programme
                where programme_media.media = ?";
            let user: Option<String> = connection
                .query_row(query, [Column(hash)], |row| row.get(0))
                .optional()
                .context("remove from the library")?;
            if let Some(code) = user {
                let by = format!("programme \"{code}\"");
                return Err(StoreError::InUse {
                    what: "media",
                    name: title.to_owned(),
                    by,
                });
            }
            connection
                .execute("delete from media where hash = ?", [Column(hash)])
                .context("remove from the library")?;
            Ok(found.media)
        })
    }
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
    })
}
