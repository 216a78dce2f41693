//! Changes of the schedule by hand: made, written down and taken back, row by row.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Chime, ContentHash, ExceptionRow, Media, Mute, NewException, NewProfile,
    NewProgramme, NewSlot, NewZone, ORDER_DEFAULT, Overrun, PANEL_FILE, PreEmption, ProfileSpec,
    ProgrammeSpec, Recurrence, RowChange, Schedule, Slot, SlotChange, SlotException, SlotRow, SlotSpec,
    Source, WallTime, ZoneId, ZoneSettings,
};
use loa_store::{ImportError, MediaRow, NewEdit, ScheduleRows, Store, StoreError};

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const FILE: &str = "week.toml";

fn schedule(except: Option<SlotChange<String>>) -> Schedule {
    let programme = NewProgramme {
        file: FILE.into(),
        code: "news".into(),
        spec: ProgrammeSpec {
            title: "News".into(),
            source: Source::Asset {
                media: ContentHash([1; 32]),
                languages: BTreeMap::new(),
            },
            class: BulletinClass::Normal,
            chime: Chime::default(),
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            topic: None,
            campaign: None,
        },
    };
    let slot = NewSlot {
        file: FILE.into(),
        code: "morning".into(),
        spec: SlotSpec {
            programme: "news".into(),
            zones: vec!["xa".into()],
            recurrence: Recurrence::Cron("0 5 * * *".into()),
            every_weeks: None,
            valid_from: None,
            valid_to: None,
            profile: None,
            class: BulletinClass::Normal,
            order: ORDER_DEFAULT,
            max_duration: Duration::from_secs(600),
            overrun: Overrun::Stop,
            makes_room: None,
        },
    };
    Schedule {
        files: vec![FILE.into()],
        zones: vec![NewZone {
            code: "xa".into(),
            name: "Xã".into(),
            parent: None,
            channel: Channel(1),
            settings: ZoneSettings::default(),
        }],
        programmes: vec![programme],
        profiles: vec![NewProfile {
            file: FILE.into(),
            code: "holiday".into(),
            spec: ProfileSpec {
                title: "Holiday".into(),
                days: vec![],
                zones: vec![],
                rank: 1,
                mute: Mute::Slots(vec!["morning".into()]),
                replace: vec![("morning".into(), "news".into())],
            },
        }],
        slots: vec![slot],
        exceptions: except
            .into_iter()
            .map(|change| NewException {
                file: FILE.into(),
                exception: SlotException {
                    slot: "morning".into(),
                    date: "2026-12-04".parse().unwrap(),
                    time: "05:00:00".parse().ok(),
                    change,
                    note: "of the file".into(),
                },
            })
            .collect(),
    }
}

fn store(except: Option<SlotChange<String>>) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
    let media = MediaRow {
        media: Media {
            hash: ContentHash([1; 32]),
            title: "m1".into(),
            format: "mp3".into(),
            samples: 48_000,
            loudness_lufs: None,
            true_peak_dbtp: -3.0,
            gain_db: 0.0,
            bitrate: 32_000,
            encoded_bytes: 4_000,
        },
        file_name: "m1.mp3".into(),
        added_at: T0,
        series: None,
        zone: None,
        added_by: "an".into(),
        cut: None,
    };
    store.add_media(&media).unwrap();
    store.import_schedule(&schedule(except), "an", T0).unwrap();
    (dir, store)
}

fn exception(
    before: Option<SlotChange<loa_model::ProgrammeId>>,
    after: Option<SlotChange<loa_model::ProgrammeId>>,
) -> RowChange {
    let row = |note: &str| {
        let note = note.to_owned();
        move |change| ExceptionRow {
            change,
            note,
            file: None,
        }
    };
    RowChange::Exception {
        slot: "morning".into(),
        date: "2026-12-04".parse().unwrap(),
        time: "05:00:00".parse().ok(),
        before: before.map(row("of the file")),
        after: after.map(row("by hand")),
    }
}

fn new_edit(store: &Store, changes: Vec<RowChange>) -> NewEdit {
    NewEdit {
        changes,
        version: store.planning_version().unwrap(),
        zones: vec![ZoneId(1)],
        until: T0 + Duration::from_secs(60),
        detail: "morning 2026-12-04 05:00:00".into(),
    }
}

fn rows(store: &Store) -> ScheduleRows {
    store.schedule().unwrap()
}

fn same(one: &ScheduleRows, other: &ScheduleRows) -> bool {
    one.slots == other.slots
        && one.exceptions == other.exceptions
        && one.profiles == other.profiles
        && one.owners == other.owners
}

#[test]
fn a_change_of_one_day_is_made_written_down_and_taken_back() {
    let (_dir, mut store) = store(Some(SlotChange::Cancel));
    let before = rows(&store);
    let changes = vec![exception(
        Some(SlotChange::Cancel),
        Some(SlotChange::Trim(Duration::from_secs(300))),
    )];
    let edit = new_edit(&store, changes);
    let number = store.edit_schedule(&edit, "binh", T0).unwrap();
    assert_eq!(rows(&store).exceptions[0].note, "by hand");
    assert!(store.planning_version().unwrap() > edit.version);
    let audit = store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap();
    let row = audit.last().unwrap();
    assert_eq!(
        (
            row.who.as_str(),
            row.action.as_str(),
            row.before.as_str(),
            row.after.as_str()
        ),
        (
            "binh",
            "schedule edit",
            "morning 2026-12-04 05:00:00: does not air (of the file)",
            "morning 2026-12-04 05:00:00: at most 300 s (by hand)"
        )
    );

    // An import of the same file takes its own exceptions away and leaves this one; it had one of its own there.
    store.import_schedule(&schedule(None), "an", T0).unwrap();
    assert_eq!(rows(&store).exceptions[0].note, "by hand");

    store.undo_edit(number, "chi", T0).unwrap();
    assert!(same(&rows(&store), &before));
    // With the file that declared it: importing that one again removes it.
    store.import_schedule(&schedule(None), "an", T0).unwrap();
    assert_eq!(rows(&store).exceptions, []);
    assert!(matches!(
        store.undo_edit(number, "chi", T0),
        Err(StoreError::Stale)
    ));
    let kept = store.schedule_edit(number).unwrap().unwrap();
    let mut slots = rows(&store).slots;
    assert!(!kept.is_of(BulletinClass::Emergency, &slots));
    slots[0].spec.class = BulletinClass::Emergency;
    assert!(kept.is_of(BulletinClass::Emergency, &slots));
    assert!(kept.undone && kept.zones == [ZoneId(1)] && kept.who == "binh");
    assert!(matches!(
        store.undo_edit(99, "chi", T0),
        Err(StoreError::Unknown { .. })
    ));
}

#[test]
fn a_file_that_speaks_of_a_whole_date_has_its_way_with_what_was_changed_on_it() {
    let (_dir, mut store) = store(None);
    let on = |date: &str| {
        let RowChange::Exception {
            slot, time, after, ..
        } = exception(None, Some(SlotChange::Trim(Duration::from_secs(300))))
        else {
            panic!("an exception")
        };
        RowChange::Exception {
            slot,
            date: date.parse().unwrap(),
            time,
            before: None,
            after,
        }
    };
    let edit = new_edit(&store, vec![on("2026-12-04"), on("2026-12-05")]);
    let number = store.edit_schedule(&edit, "binh", T0).unwrap();
    let mut whole = schedule(Some(SlotChange::Cancel));
    whole.exceptions[0].exception.time = None;
    store.import_schedule(&whole, "an", T0).unwrap();
    let left = rows(&store).exceptions;
    let left: Vec<_> = left
        .iter()
        .map(|row| (row.date.to_string(), row.time.is_none(), row.note.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("2026-12-04".to_owned(), true, "of the file"),
            ("2026-12-05".to_owned(), false, "by hand")
        ]
    );
    assert!(matches!(
        store.undo_edit(number, "binh", T0),
        Err(StoreError::Stale)
    ));
}

#[test]
fn what_is_not_as_it_was_seen_is_not_changed() {
    let (_dir, mut store) = store(None);
    let before = rows(&store);
    let cancel = || exception(None, Some(SlotChange::Cancel));
    let mut old = new_edit(&store, vec![cancel()]);
    old.version -= 1;
    assert!(matches!(
        store.edit_schedule(&old, "binh", T0),
        Err(StoreError::Stale)
    ));
    // All or nothing: the second of these finds the row changed.
    let twice = new_edit(&store, vec![cancel(), cancel()]);
    assert!(matches!(
        store.edit_schedule(&twice, "binh", T0),
        Err(StoreError::Stale)
    ));
    assert!(same(&rows(&store), &before));

    let number = store
        .edit_schedule(&new_edit(&store, vec![cancel()]), "binh", T0)
        .unwrap();
    // Somebody else goes on from there; what the first one did is no longer to be taken back.
    let on = RowChange::Exception {
        slot: "morning".into(),
        date: "2026-12-04".parse().unwrap(),
        time: "05:00:00".parse().ok(),
        before: Some(ExceptionRow {
            change: SlotChange::Cancel,
            note: "by hand".into(),
            file: None,
        }),
        after: None,
    };
    store
        .edit_schedule(&new_edit(&store, vec![on]), "chi", T0)
        .unwrap();
    assert!(matches!(
        store.undo_edit(number, "binh", T0),
        Err(StoreError::Stale)
    ));
}

fn row_of(slot: &Slot, code: &str, change: impl FnOnce(&mut SlotRow)) -> SlotRow {
    let mut row = SlotRow {
        code: code.into(),
        spec: slot.spec.clone(),
        file: None,
    };
    change(&mut row);
    row
}

#[test]
fn a_series_goes_on_as_another_slot_and_comes_back_as_it_was() {
    let (_dir, mut store) = store(None);
    let before = rows(&store);
    let slot = before.slots[0].clone();
    let changes = vec![
        RowChange::Slot {
            before: Some(row_of(&slot, "morning", |_| {})),
            after: Some(row_of(&slot, "morning-until-20261203", |row| {
                row.spec.valid_to = "2026-12-03".parse().ok();
            })),
            twin: None,
        },
        RowChange::Slot {
            before: None,
            after: Some(row_of(&slot, "morning", |row| {
                row.spec.recurrence = Recurrence::Cron("30 5 * * *".into());
                row.spec.valid_from = "2026-12-04".parse().ok();
            })),
            twin: Some("morning-until-20261203".into()),
        },
    ];
    let number = store
        .edit_schedule(&new_edit(&store, changes), "binh", T0)
        .unwrap();
    let after = rows(&store);
    let codes: Vec<_> = after.slots.iter().map(|slot| slot.code.as_str()).collect();
    assert_eq!(codes, ["morning-until-20261203", "morning"]);
    assert_eq!(after.slots[0].id, slot.id, "what was aired of it stays its own");
    let onward = after.slots[1].id;
    let spec = &after.profiles[0].spec;
    assert_eq!(spec.mute, Mute::Slots(vec![slot.id, onward]));
    assert_eq!(spec.replace.len(), 2);
    let owners: Vec<_> = after.owners.iter().filter(|(kind, ..)| *kind == "slot").collect();
    assert!(owners.iter().all(|(.., file)| file == PANEL_FILE), "{owners:?}");

    // The file still declares it: it does not take it back unseen, but together with the panel's it may.
    let refused = store.import_schedule(&schedule(None), "an", T0);
    assert!(matches!(refused, Err(ImportError::OtherFile { file, .. }) if file == PANEL_FILE));
    assert!(same(&rows(&store), &after));

    let made = store.schedule_edit(number).unwrap().unwrap();
    assert!(made.is_of(BulletinClass::Normal, &[]) && !made.is_of(BulletinClass::Emergency, &[]));

    store.undo_edit(number, "binh", T0).unwrap();
    assert!(same(&rows(&store), &before));
    let audit = store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap();
    assert_eq!(audit.last().unwrap().action, "schedule undo");
}

#[test]
fn a_programme_that_a_change_by_hand_airs_does_not_leave_its_file() {
    let (_dir, mut store) = store(None);
    let mut more = schedule(None);
    let mut music = more.programmes[0].clone();
    music.code = "music".into();
    more.programmes.push(music);
    store.import_schedule(&more, "an", T0).unwrap();
    let music = rows(&store).programmes[1].id;
    let change = exception(None, Some(SlotChange::Replace(music)));
    store
        .edit_schedule(&new_edit(&store, vec![change]), "binh", T0)
        .unwrap();
    let before = rows(&store);
    let refused = store.import_schedule(&schedule(None), "an", T0).unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains(
            "programme \"music\", which a change by hand of slot \"morning\" on 2026-12-04 still names"
        ),
        "{told}"
    );
    assert!(same(&rows(&store), &before));
}

#[test]
fn files_that_are_imported_together_hand_a_slot_to_each_other() {
    let (_dir, mut store) = store(None);
    let slot = rows(&store).slots[0].clone();
    let change = RowChange::Slot {
        before: Some(row_of(&slot, "morning", |_| {})),
        after: Some(row_of(&slot, "morning", |row| {
            row.spec.max_duration = Duration::from_secs(300);
        })),
        twin: None,
    };
    store
        .edit_schedule(&new_edit(&store, vec![change]), "binh", T0)
        .unwrap();
    let mut both = schedule(None);
    both.files.push(PANEL_FILE.into());
    store.import_schedule(&both, "an", T0).unwrap();
    let after = rows(&store);
    assert_eq!(after.slots[0].id, slot.id);
    assert!(after.owners.contains(&("slot", "morning".into(), FILE.into())));
}
