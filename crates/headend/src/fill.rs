//! What sounds in the place of dead air: a piece of the library that the configuration names by its title.

use loa_model::Piece;
use loa_store::{Store, StoreError};

/// Finds the piece with this title; none if the library does not hold it.
pub(crate) fn find(store: &Store, title: &str) -> Result<Option<Piece>, StoreError> {
    let row = store.media_by_title(title)?;
    Ok(row.map(|row| Piece {
        media: row.media.hash,
        duration: row.media.duration(),
    }))
}

/// Refuses to remove or rename the piece with this title while `fill`, the configured one, is it.
pub(crate) fn must_stay(fill: Option<&str>, title: &str) -> Result<(), StoreError> {
    if fill == Some(title) {
        return Err(StoreError::InUse {
            what: "media",
            name: title.to_owned(),
            by: "playout.fill".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use loa_model::{ContentHash, Media, WallTime};
    use loa_store::MediaRow;

    use super::*;

    #[test]
    fn a_fill_that_is_not_there_is_none_and_one_that_is_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
        assert_eq!(find(&store, "nhac-nen").unwrap(), None);
        let media = Media {
            hash: ContentHash([1; 32]),
            title: "nhac-nen".into(),
            format: "mp3".into(),
            samples: 48_000,
            loudness_lufs: None,
            true_peak_dbtp: -3.0,
            gain_db: 0.0,
            bitrate: 32_000,
            encoded_bytes: 4_000,
        };
        let row = MediaRow {
            media,
            file_name: "nhac-nen.mp3".into(),
            added_at: WallTime::from_unix_s(1),
            series: None,
            zone: None,
            added_by: "an".into(),
            cut: None,
        };
        store.add_media(&row).unwrap();
        let found = find(&store, "nhac-nen").unwrap().unwrap();
        assert_eq!((found.media, found.duration.as_secs()), (row.media.hash, 1));
        let refused = must_stay(Some("nhac-nen"), "nhac-nen").unwrap_err();
        assert!(refused.to_string().contains("used by playout.fill"), "{refused}");
        assert!(must_stay(Some("nhac-nen"), "tin").is_ok());
        assert!(must_stay(None, "nhac-nen").is_ok());
    }
}
