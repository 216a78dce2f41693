//! Versions of a programme in other languages: set, replaced, taken away, and refused whole.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    BulletinClass, Chime, ContentHash, LANGUAGES_MAX, Media, NewProgramme, PANEL_FILE, PlaylistItem,
    PreEmption, ProgrammeId, ProgrammeSpec, Schedule, Source, VersionFault, WallTime,
};
use loa_store::{AuditRow, By, ImportError, MediaRow, Store, StoreError};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const BY: By<'_> = By { who: "binh", at: T0 };
const FILE: &str = "week.toml";

fn hash(number: u8) -> ContentHash {
    ContentHash([number; 32])
}

fn media(number: u8) -> MediaRow {
    MediaRow {
        media: Media {
            hash: hash(number),
            title: format!("m{number}"),
            format: "mp3".into(),
            samples: 48_000,
            loudness_lufs: None,
            true_peak_dbtp: -3.0,
            gain_db: 0.0,
            bitrate: 32_000,
            encoded_bytes: 4_000,
        },
        file_name: format!("m{number}.mp3"),
        added_at: T0,
        series: None,
        zone: None,
        added_by: "an".into(),
        cut: None,
    }
}

fn programme(code: &str, source: Source<String>) -> NewProgramme {
    NewProgramme {
        file: FILE.into(),
        code: code.into(),
        spec: ProgrammeSpec {
            title: code.to_uppercase(),
            source,
            class: BulletinClass::Normal,
            chime: Chime::default(),
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            topic: None,
            campaign: None,
        },
    }
}

/// A bulletin, which a file gives one version in a language of its own spelling, and a playlist.
fn schedule() -> Schedule {
    let news = Source::Asset {
        media: hash(1),
        languages: BTreeMap::from([("tày".to_owned(), hash(4))]),
    };
    let all = Source::Playlist(vec![PlaylistItem::Programme("news".to_owned())]);
    Schedule {
        files: vec![FILE.into()],
        programmes: vec![programme("news", news), programme("all", all)],
        ..Schedule::default()
    }
}

fn stocked() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
    for number in 1..=4 {
        store.add_media(&media(number)).unwrap();
    }
    store.import_schedule(&schedule(), "an", T0).unwrap();
    (dir, store)
}

fn id(store: &Store, code: &str) -> ProgrammeId {
    let programmes = store.schedule().unwrap().programmes;
    programmes.iter().find(|known| known.code == code).unwrap().id
}

/// Returns the versions of the bulletin, and the file that owns it.
fn versions(store: &Store) -> (Vec<(String, ContentHash)>, String) {
    let rows = store.schedule().unwrap();
    let news = rows
        .programmes
        .into_iter()
        .find(|known| known.code == "news")
        .unwrap();
    let Source::Asset { media, languages } = news.spec.source else {
        panic!("the bulletin is not of one piece any more")
    };
    assert_eq!(media, hash(1));
    let owner = rows
        .owners
        .into_iter()
        .find(|(kind, code, _)| *kind == "programme" && code == "news");
    (languages.into_iter().collect(), owner.unwrap().2)
}

fn audit(store: &Store) -> Vec<AuditRow> {
    store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap()
}

#[test]
fn a_version_is_set_replaced_and_taken_away_and_each_is_written_down() {
    let (_dir, mut store) = stocked();
    let news = id(&store, "news");
    let (m2, m3, tay) = (
        ("mnong".to_owned(), hash(2)),
        ("mnong".to_owned(), hash(3)),
        ("tày".to_owned(), hash(4)),
    );
    let begun = audit(&store).len();
    let steps = [
        (Some(hash(2)), vec![m2, tay.clone()]),
        (Some(hash(3)), vec![m3, tay.clone()]),
        (None, vec![tay]),
    ];
    for (version, expected) in steps {
        let before = store.planning_version().unwrap();
        store.set_version(news, "mnong", version, BY).unwrap();
        assert_eq!(versions(&store), (expected, PANEL_FILE.to_owned()));
        assert!(
            store.planning_version().unwrap() > before,
            "days are planned anew"
        );
    }
    let named = |number: u8| format!("m{number} ({})", hash(number));
    let told: Vec<_> = audit(&store)
        .split_off(begun)
        .into_iter()
        .map(|row| (row.who, row.action, row.detail, row.before, row.after))
        .collect();
    let row = |before: String, after: String| {
        (
            "binh".to_owned(),
            "version set".to_owned(),
            "NEWS (news): mnong".to_owned(),
            before,
            after,
        )
    };
    let expected = [
        row(String::new(), named(2)),
        row(named(2), named(3)),
        row(named(3), String::new()),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_version_stays_in_the_library_for_as_long_as_it_is_one() {
    let (_dir, mut store) = stocked();
    let news = id(&store, "news");
    store.set_version(news, "mnong", Some(hash(2)), BY).unwrap();
    let refused = store.remove_media("m2", BY);
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    store.set_version(news, "mnong", Some(hash(3)), BY).unwrap();
    store.remove_media("m2", BY).unwrap();
    // What the programme named before stays named.
    for title in ["m1", "m3", "m4"] {
        let refused = store.remove_media(title, BY);
        assert!(matches!(refused, Err(StoreError::InUse { .. })), "{title}");
    }
}

/// Each row: what is asked, and why it is refused.
#[test]
fn what_is_refused_leaves_all_as_it_was() {
    let (_dir, mut store) = stocked();
    let (news, all) = (id(&store, "news"), id(&store, "all"));
    store.set_version(news, "mnong", Some(hash(2)), BY).unwrap();
    let before = (versions(&store), audit(&store), store.planning_version().unwrap());
    let rows = [
        (ProgrammeId(77), "ede", Some(hash(2)), VersionFault::NoProgramme),
        (all, "ede", Some(hash(2)), VersionFault::NotOnePiece),
        (all, "ede", None, VersionFault::NotOnePiece),
        (news, "ede", Some(hash(9)), VersionFault::NoPiece),
        (news, "ede", Some(hash(1)), VersionFault::OwnPiece),
        (news, "Ê Đê", Some(hash(3)), VersionFault::Language("Ê Đê".into())),
        (news, "", Some(hash(3)), VersionFault::Language(String::new())),
        (news, "ede", None, VersionFault::NoVersion("ede".into())),
        (news, "mnong", Some(hash(2)), VersionFault::Nothing),
    ];
    for (programme, language, version, expected) in rows {
        let refused = store.set_version(programme, language, version, BY);
        assert!(
            matches!(&refused, Err(StoreError::Version(fault)) if *fault == expected),
            "{expected:?}: {refused:?}"
        );
        let after = (versions(&store), audit(&store), store.planning_version().unwrap());
        assert_eq!(after, before, "{expected:?}");
    }
    // What a file calls a language is replaced and taken away, however it is written.
    store.set_version(news, "tày", Some(hash(3)), BY).unwrap();
    store.set_version(news, "tày", None, BY).unwrap();
    assert_eq!(versions(&store).0, [("mnong".to_owned(), hash(2))]);
}

#[test]
fn one_programme_has_so_many_versions_and_no_more() {
    let (_dir, mut store) = stocked();
    let news = id(&store, "news");
    // One is of the file.
    for number in 1..LANGUAGES_MAX {
        let language = format!("l{number}");
        store.set_version(news, &language, Some(hash(2)), BY).unwrap();
    }
    let refused = store.set_version(news, "more", Some(hash(2)), BY);
    assert!(matches!(refused, Err(StoreError::Version(VersionFault::TooMany))));
    store.set_version(news, "l1", Some(hash(3)), BY).unwrap();
    store.set_version(news, "l1", None, BY).unwrap();
    store.set_version(news, "more", Some(hash(2)), BY).unwrap();
}

#[test]
fn a_file_that_still_declares_the_programme_is_refused_until_it_is_handed_back() {
    let (_dir, mut store) = stocked();
    let news = id(&store, "news");
    store.set_version(news, "mnong", Some(hash(2)), BY).unwrap();
    let before = versions(&store);
    let refused = store.import_schedule(&schedule(), "an", T0);
    assert!(
        matches!(&refused, Err(ImportError::OtherFile { code, file, .. }) if code == "news" && file == PANEL_FILE),
        "{refused:?}"
    );
    assert_eq!(versions(&store), before);
    // Left out of its file, it stays: it is not that file's to remove.
    let mut without = schedule();
    without.programmes.remove(0);
    store.import_schedule(&without, "an", T0).unwrap();
    assert_eq!(versions(&store), before);

    let mut both = schedule();
    both.files.push(PANEL_FILE.into());
    store.import_schedule(&both, "an", T0).unwrap();
    let of_file = (vec![("tày".to_owned(), hash(4))], FILE.to_owned());
    assert_eq!(versions(&store), of_file);
    assert_eq!(id(&store, "news"), news, "what was aired of it stays its own");
}
