//! Emergencies that lie ready: changed by whoever saw them as they are, and by nobody else.

use std::time::Duration;

use loa_model::{ContentHash, EmergencyTemplate, Media, Message, WallTime, ZoneId};
use loa_store::{AuditRow, MediaRow, Store, StoreError};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);

fn template(title: &str, text: &str) -> EmergencyTemplate {
    let message = |text: &str, number| Message {
        text: text.into(),
        spoken: vec![ContentHash([number; 32])],
    };
    EmergencyTemplate {
        title: title.into(),
        warning: message(text, 1),
        retraction: message("Nước đã rút.", 2),
        zones: vec![ZoneId(1)],
        signal: true,
        repeats: 0,
        minutes: 30,
    }
}

fn recording(number: u8) -> MediaRow {
    MediaRow {
        media: Media {
            hash: ContentHash([number; 32]),
            title: format!("m{number}"),
            format: "wav".into(),
            samples: 48_000,
            loudness_lufs: None,
            true_peak_dbtp: -3.0,
            gain_db: 0.0,
            bitrate: 32_000,
            encoded_bytes: 4_000,
        },
        file_name: format!("m{number}.wav"),
        added_at: T0 - Duration::from_secs(3_600),
        series: None,
        zone: None,
        added_by: "an".into(),
        cut: None,
    }
}

#[test]
fn nobody_overwrites_what_they_have_not_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
    let by = AuditRow {
        at: T0,
        who: "an".into(),
        ..AuditRow::default()
    };
    for number in [1, 2] {
        store.add_media(&recording(number)).unwrap();
    }
    store.put_template(None, &template("Lũ", "một"), &by).unwrap();
    let first = store.templates().unwrap().remove(0);
    let seen = Some((first.number, first.digest));
    store.put_template(seen, &template("Lũ", "hai"), &by).unwrap();

    let refused = store.put_template(seen, &template("Lũ", "ba"), &by).unwrap_err();
    assert!(
        matches!(refused, StoreError::Changed { what: "template", .. }),
        "{refused}"
    );
    let second = store.templates().unwrap().remove(0);
    assert_eq!(second.number, first.number);
    assert_eq!(second.template, template("Lũ", "hai"));
    assert_ne!(second.digest, first.digest);
    let gone = Some((second.number + 1, second.digest));
    let refused = store.put_template(gone, &template("Bão", "ba"), &by).unwrap_err();
    assert!(matches!(refused, StoreError::Unknown { .. }), "{refused}");

    let seen = Some((second.number, second.digest));
    store.put_template(seen, &template("Lũ", "ba"), &by).unwrap();
    let third = store.templates().unwrap().remove(0);
    assert_eq!(third.template, template("Lũ", "ba"));
    let rows = store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap();
    assert_eq!(rows.len(), 3, "what was refused is no deed: {rows:#?}");
}
