//! The store as its users meet it: files on disk, two connections, things going wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use loa_model::{
    Approval, ApprovalState, AsRunEvent, BulletinClass, Channel, Chime, Content, ContentHash, DayRule,
    DaySpan, EmergencyTemplate, EndReason, LineName, Media, Message, Mute, NewException, NewProfile,
    NewProgramme, NewSlot, NewZone, ORDER_DEFAULT, OccurrenceId, Origin, Overrun, PartEnded, PartStarted,
    PreEmption, ProfileSpec, ProgrammeSpec, QuietPolicy, Reason, Receipt, Recurrence, RunSheet, RunSheetLine,
    Schedule, SessionId, SlotChange, SlotException, SlotId, SlotSpec, Sound, Source, TieRule, Verdict,
    WallTime, YearDay, ZoneId, ZoneSettings,
};
use loa_store::{
    AuditRow, AuditVerdict, By, Cut, Drill, Finding, ImportError, JournalEntry, MediaRow, NewReport,
    OpenError, Store, StoreError,
};
use proptest::prelude::*;

const T0: WallTime = WallTime::from_unix_s(1_800_000_000);
const BY: By<'_> = By { who: "an", at: T0 };

struct Disk {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn disk() -> (Disk, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("loa.db");
    let store = Store::create(&path).unwrap();
    (Disk { _dir: dir, path }, store)
}

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
            loudness_lufs: Some(-18.2),
            true_peak_dbtp: -3.0,
            gain_db: 2.2,
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

fn zone(code: &str, parent: Option<&str>, channel: u16) -> NewZone {
    NewZone {
        code: code.into(),
        name: code.to_uppercase(),
        parent: parent.map(Into::into),
        channel: Channel(channel),
        settings: ZoneSettings::default(),
    }
}

fn programme(file: &str, code: &str, number: u8) -> NewProgramme {
    NewProgramme {
        file: file.into(),
        code: code.into(),
        spec: ProgrammeSpec {
            title: code.to_uppercase(),
            source: Source::Asset {
                media: hash(number),
                languages: BTreeMap::new(),
            },
            class: BulletinClass::Normal,
            chime: Chime {
                before: true,
                ..Chime::default()
            },
            pre_emption: PreEmption::Rejoin,
            give_up_after: None,
            topic: None,
            campaign: None,
        },
    }
}

fn slot(file: &str, code: &str, programme: &str) -> NewSlot {
    NewSlot {
        file: file.into(),
        code: code.into(),
        spec: SlotSpec {
            programme: programme.into(),
            zones: vec!["xa".into(), "tinh".into()],
            recurrence: Recurrence::Cron("0 5 * * Mon-Fri".into()),
            every_weeks: None,
            valid_from: "2026-01-01".parse().ok(),
            valid_to: None,
            profile: None,
            class: BulletinClass::Priority,
            order: ORDER_DEFAULT,
            max_duration: Duration::from_secs(600),
            overrun: Overrun::Stop,
            makes_room: None,
        },
    }
}

fn schedule() -> Schedule {
    let file = "week.toml";
    Schedule {
        files: vec![file.into()],
        zones: vec![zone("tinh", None, 1), zone("xa", Some("tinh"), 2)],
        programmes: vec![programme(file, "bulletin", 1), programme(file, "music", 2)],
        slots: vec![slot(file, "morning", "bulletin"), slot(file, "evening", "music")],
        profiles: vec![NewProfile {
            file: file.into(),
            code: "tet".into(),
            spec: ProfileSpec {
                title: "Tết".into(),
                days: vec![DayRule::Lunar(
                    YearDay { month: 12, day: 30 },
                    YearDay { month: 1, day: 3 },
                )],
                zones: vec!["xa".into()],
                rank: 10,
                mute: Mute::Slots(vec!["evening".into()]),
                replace: vec![("morning".into(), "music".into())],
            },
        }],
        exceptions: vec![NewException {
            file: file.into(),
            exception: SlotException {
                slot: "morning".into(),
                date: "2026-02-17".parse().unwrap(),
                time: None,
                change: SlotChange::Cancel,
                note: "Tết".into(),
            },
        }],
    }
}

fn stocked() -> (Disk, Store) {
    let (disk, mut store) = disk();
    store.add_media(&media(1)).unwrap();
    store.add_media(&media(2)).unwrap();
    store.import_schedule(&schedule(), "an", T0).unwrap();
    (disk, store)
}

fn started(session: u64, part: u32, at_s: i64) -> PartStarted {
    let start = WallTime::from_unix_s(1_800_000_000);
    PartStarted {
        session: SessionId(session),
        part,
        zone: ZoneId(1),
        origin: Origin::Slot(OccurrenceId {
            slot: SlotId(1),
            zone: ZoneId(1),
            start,
        }),
        title: "Bulletin".into(),
        content: Content::piece(hash(1), Duration::from_secs(65)),
        sound: Sound::Media(hash(1)),
        class: BulletinClass::Normal,
        order: ORDER_DEFAULT,
        at: T0 + Duration::from_secs(at_s.unsigned_abs()),
        media_offset: Duration::from_secs(5),
        ends: T0 + Duration::from_secs(at_s.unsigned_abs() + 60),
        cut: true,
        pre_emption: PreEmption::Resume,
        give_up_after: Some(Duration::from_secs(900)),
        drill: true,
    }
}

fn ended(part: &PartStarted, after_s: u64, reason: EndReason) -> PartEnded {
    PartEnded {
        session: part.session,
        part: part.part,
        at: part.at + Duration::from_secs(after_s),
        media_offset: part.media_offset + Duration::from_secs(after_s),
        reason,
    }
}

fn on(event: AsRunEvent) -> JournalEntry {
    JournalEntry::AsRun(event)
}

fn all() -> (WallTime, WallTime) {
    (WallTime::default(), WallTime::from_unix_s(4_000_000_000))
}

#[test]
fn a_schedule_reads_back_as_it_was_imported() {
    let (_disk, store) = stocked();
    let tree = store.zones().unwrap();
    assert_eq!(
        tree.by_code("xa").unwrap().parent,
        tree.by_code("tinh").map(|zone| zone.id)
    );
    let rows = store.schedule().unwrap();
    assert_eq!(rows.programmes.len(), 2);
    let morning = &rows.slots[0];
    assert_eq!((morning.code.as_str(), morning.spec.zones.len()), ("morning", 2));
    assert_eq!(
        morning.spec.recurrence,
        Recurrence::Cron("0 5 * * Mon-Fri".into())
    );
    assert_eq!(morning.spec.valid_from, "2026-01-01".parse().ok());
    assert_eq!(rows.exceptions[0].note, "Tết");
    assert!(
        rows.owners
            .contains(&("programme", "music".into(), "week.toml".into()))
    );
    let tet = &rows.profiles[0];
    assert_eq!(tet.spec.mute, Mute::Slots(vec![rows.slots[1].id]));
    assert_eq!(tet.spec.replace, [(morning.id, rows.programmes[1].id)]);
}

#[test]
fn a_profile_is_switched_on_and_off_for_days() {
    let (_disk, mut store) = stocked();
    let day = |text: &str| text.parse().unwrap();
    let span = |from: &str, to: &str| DaySpan {
        from: day(from),
        to: day(to),
    };
    store
        .switch_on("tet", span("2026-10-01", "2026-10-09"), "an", T0)
        .unwrap();
    store
        .switch_on("tet", span("2026-11-01", "2026-11-02"), "an", T0)
        .unwrap();
    store.switch_off("tet", day("2026-10-05"), "an", T0).unwrap();
    let profiles = store.schedule().unwrap().profiles;
    assert_eq!(profiles[0].switched_on, [span("2026-10-01", "2026-10-04")]);
    let error = store
        .switch_off("storm", day("2026-10-05"), "an", T0)
        .unwrap_err();
    assert!(error.to_string().contains("no day profile \"storm\""), "{error}");
    // The file that declares it is imported again: what people switched on stays.
    store.import_schedule(&schedule(), "an", T0).unwrap();
    assert_eq!(store.schedule().unwrap().profiles[0].switched_on.len(), 1);
}

fn quiet(minutes: u16) -> Option<QuietPolicy> {
    Some(QuietPolicy {
        minutes_a_day: Some(minutes),
        ..QuietPolicy::default()
    })
}

/// The schedule with quiet hours in its top zone.
fn with(minutes: u16, two_persons: bool) -> Schedule {
    let mut new = schedule();
    new.zones[0].settings.quiet = quiet(minutes);
    new.zones[0].settings.two_persons = two_persons;
    new
}

#[test]
fn quiet_hours_that_take_two_persons_wait_for_the_second() {
    let (_disk, mut store) = stocked();
    assert_eq!(
        store.import_schedule(&with(60, true), "an", T0).unwrap().waiting,
        0
    );
    // Neither other minutes nor one person alone; and nothing below it either.
    let mut below = with(600, false);
    below.zones[1].settings.quiet = quiet(900);
    assert_eq!(store.import_schedule(&below, "an", T0).unwrap().waiting, 2);
    let of = |store: &Store, code: &str| store.zones().unwrap().by_code(code).unwrap().settings.clone();
    assert_eq!(
        (of(&store, "tinh").quiet, of(&store, "tinh").two_persons),
        (quiet(60), true)
    );
    assert_eq!(of(&store, "xa").quiet, None);
    let digest = store.quiet_changes().unwrap()[0].digest.clone();
    let error = store.approve_quiet("tinh", &digest, "an", T0).unwrap_err();
    assert!(error.to_string().contains("takes a second person"), "{error}");
    store.approve_quiet("tinh", &digest, "binh", T0).unwrap();
    assert_eq!(
        (of(&store, "tinh").quiet, of(&store, "tinh").two_persons),
        (quiet(600), false)
    );
    assert_eq!(store.quiet_changes().unwrap().len(), 1);
    let again = store.approve_quiet("tinh", &digest, "binh", T0);
    assert!(again.is_err(), "none waits");
}

#[test]
fn quiet_hours_that_were_withdrawn_wait_no_longer() {
    let (_disk, mut store) = stocked();
    store.import_schedule(&with(60, true), "an", T0).unwrap();
    store.import_schedule(&with(600, true), "an", T0).unwrap();
    let digest = store.quiet_changes().unwrap()[0].digest.clone();
    assert_eq!(
        store.import_schedule(&with(60, true), "an", T0).unwrap().waiting,
        0
    );
    assert_eq!(store.quiet_changes().unwrap(), []);
    let error = store.approve_quiet("tinh", &digest, "binh", T0).unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error}");
}

#[test]
fn the_second_person_approves_the_quiet_hours_that_they_were_shown() {
    let (_disk, mut store) = stocked();
    store.import_schedule(&with(60, true), "an", T0).unwrap();
    // The commune has the hours of the province, and asks for its own.
    let wanted = |minutes| {
        let mut new = with(60, true);
        new.zones[1].settings.quiet = quiet(minutes);
        new
    };
    store.import_schedule(&wanted(90), "an", T0).unwrap();
    let seen = store.quiet_changes().unwrap().remove(0);
    assert_eq!(
        (seen.zone.as_str(), &seen.before.quiet, &seen.after.quiet),
        ("xa", &quiet(60), &quiet(90))
    );
    store.import_schedule(&wanted(900), "an", T0).unwrap();
    let error = store.approve_quiet("xa", &seen.digest, "binh", T0).unwrap_err();
    assert!(matches!(error, StoreError::NotShown { .. }), "{error}");
    let of = |store: &Store| {
        store
            .zones()
            .unwrap()
            .by_code("xa")
            .unwrap()
            .settings
            .quiet
            .clone()
    };
    assert_eq!(of(&store), None);
    let seen = store.quiet_changes().unwrap().remove(0);
    store.approve_quiet("xa", &seen.digest, "binh", T0).unwrap();
    assert_eq!(of(&store), quiet(900));
}

#[test]
fn a_zone_that_takes_two_persons_is_not_moved_to_other_quiet_hours_by_one() {
    let (_disk, mut store) = stocked();
    let with_district = || {
        let mut new = with(60, true);
        new.zones.insert(1, zone("huyen", None, 3));
        new
    };
    store.import_schedule(&with_district(), "an", T0).unwrap();
    let mut moved = with_district();
    moved.zones[2].parent = Some("huyen".into());
    let before = store.zones().unwrap();
    let error = store.import_schedule(&moved, "an", T0).unwrap_err();
    assert!(
        matches!(&error, ImportError::MovedAlone { zone } if zone == "xa"),
        "{error}"
    );
    assert_eq!(store.zones().unwrap(), before);
    // Where the hours are the same and nobody asks for a second person any more, neither.
    moved.zones[1].settings.quiet = quiet(60);
    let error = store.import_schedule(&moved, "an", T0).unwrap_err();
    assert!(matches!(error, ImportError::MovedAlone { .. }), "{error}");

    // It takes its hours along, which a second person has seen.
    let mut own = with_district();
    own.zones[2].settings = own.zones[0].settings.clone();
    assert_eq!(store.import_schedule(&own, "an", T0).unwrap().waiting, 1);
    let digest = store.quiet_changes().unwrap()[0].digest.clone();
    store.approve_quiet("xa", &digest, "binh", T0).unwrap();
    own.zones[2].parent = Some("huyen".into());
    store.import_schedule(&own, "an", T0).unwrap();
    let tree = store.zones().unwrap();
    let id = |code: &str| tree.by_code(code).unwrap().id;
    assert_eq!(tree.get(id("xa")).unwrap().parent, Some(id("huyen")));
    assert_eq!(tree.quiet(id("xa")), quiet(60).as_ref());
}

#[test]
fn the_newest_decision_of_a_content_counts() {
    let (_disk, mut store) = stocked();
    let decision = |state, note: &str| Approval {
        content: hash(1),
        state,
        by: "binh".into(),
        at: T0,
        note: note.into(),
    };
    store
        .decide(
            &[
                decision(ApprovalState::Submitted, ""),
                decision(ApprovalState::Rejected, "giọng đọc nhỏ"),
            ],
            &[],
        )
        .unwrap();
    assert_eq!(
        store.approvals().unwrap(),
        [decision(ApprovalState::Rejected, "giọng đọc nhỏ")]
    );
    // Out of order, none of it is written: not the step before it, nor who took it.
    let rows = |store: &Store| store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap().len();
    let before = rows(&store);
    let audit = AuditRow {
        at: T0,
        who: "binh".into(),
        action: "draft".into(),
        detail: String::new(),
        ..AuditRow::default()
    };
    let refused = store.decide(
        &[
            decision(ApprovalState::Draft, ""),
            decision(ApprovalState::Approved, ""),
        ],
        &[audit],
    );
    let (from, to) = (ApprovalState::Draft, ApprovalState::Approved);
    assert!(
        matches!(&refused, Err(StoreError::NoWay { from: was, to: asked, .. }) if (*was, *asked) == (from, to)),
        "{refused:?}"
    );
    assert_eq!(store.approvals().unwrap()[0].state, ApprovalState::Rejected);
    assert_eq!(rows(&store), before);
}

#[test]
fn an_import_is_all_or_nothing() {
    let (_disk, mut store) = stocked();
    let before = (store.zones().unwrap(), store.schedule().unwrap().slots);
    type Spoil = fn(&mut Schedule);
    let rows: [(Spoil, &str); 7] = [
        (
            |new| new.slots[1].spec.zones.push("nowhere".into()),
            "slot \"evening\" names zone \"nowhere\"",
        ),
        (
            |new| new.slots[1].spec.programme = "lost".into(),
            "slot \"evening\" names programme \"lost\"",
        ),
        (
            |new| {
                let Source::Asset { media, .. } = &mut new.programmes[1].spec.source else {
                    return;
                };
                *media = hash(9);
            },
            "programme \"music\" names media",
        ),
        (|new| new.zones.push(zone("xa-b", None, 2)), "channel"),
        (
            |new| new.zones.push(zone("xa-c", Some("void"), 7)),
            "zone \"xa-c\" names zone \"void\"",
        ),
        (
            |new| new.exceptions[0].exception.slot = "never".into(),
            "names slot \"never\"",
        ),
        (
            |new| {
                new.files = vec!["other.toml".into()];
                new.slots[0].file = "other.toml".into();
            },
            "declared by the file week.toml",
        ),
    ];
    for (spoil, expected) in rows {
        let mut new = schedule();
        new.zones[0].name = "Changed".into();
        new.slots.push(slot("week.toml", "extra", "bulletin"));
        spoil(&mut new);
        let error = store.import_schedule(&new, "an", T0).unwrap_err();
        let text = format!(
            "{error} {:?}",
            std::error::Error::source(&error).map(ToString::to_string)
        );
        assert!(text.contains(expected), "{expected}: {text}");
        assert_eq!(
            (store.zones().unwrap(), store.schedule().unwrap().slots),
            before,
            "{expected}"
        );
    }
}

#[test]
fn a_file_imported_again_replaces_what_it_declared_and_nothing_else() {
    let (_disk, mut store) = stocked();
    let other = Schedule {
        files: vec!["special.toml".into()],
        slots: vec![slot("special.toml", "special", "bulletin")],
        ..Schedule::default()
    };
    store.import_schedule(&other, "an", T0).unwrap();
    let kept = store.schedule().unwrap().slots[0].id;
    let mut smaller = schedule();
    smaller.profiles.clear();
    smaller.slots.pop();
    smaller.programmes.pop();
    smaller.exceptions.clear();
    assert_eq!(store.import_schedule(&smaller, "an", T0).unwrap().removed, 3);
    let rows = store.schedule().unwrap();
    let codes: Vec<_> = rows.slots.iter().map(|slot| slot.code.as_str()).collect();
    assert_eq!(codes, ["morning", "special"]);
    assert_eq!(rows.slots[0].id, kept, "a slot keeps its row");
    assert!(rows.exceptions.is_empty());

    let mut without = schedule();
    without.programmes.remove(0);
    without.slots.clear();
    without.profiles.clear();
    without.exceptions.clear();
    let error = store.import_schedule(&without, "an", T0).unwrap_err();
    assert!(matches!(error, ImportError::StillAired { .. }), "{error}");
    assert_eq!(store.schedule().unwrap().slots.len(), 2);
}

/// Each row: what the week's file no longer declares, and how the import is refused.
#[test]
fn what_another_file_names_does_not_leave_its_own() {
    let (_disk, mut store) = stocked();
    let mut wishes = slot("special.toml", "wishes", "bulletin");
    wishes.spec.profile = Some("tet".into());
    let special = Schedule {
        files: vec!["special.toml".into()],
        profiles: vec![NewProfile {
            file: "special.toml".into(),
            code: "mourning".into(),
            spec: ProfileSpec {
                title: "Quốc tang".into(),
                days: vec![],
                zones: vec![],
                rank: 20,
                mute: Mute::Slots(vec!["evening".into()]),
                replace: vec![("morning".into(), "music".into())],
            },
        }],
        slots: vec![wishes],
        ..Schedule::default()
    };
    store.import_schedule(&special, "an", T0).unwrap();
    let all = |store: &Store| {
        let rows = store.schedule().unwrap();
        (rows.programmes, rows.profiles, rows.slots, rows.exceptions)
    };
    let before = all(&store);
    type Spoil = fn(&mut Schedule);
    let rows: [(Spoil, &str); 3] = [
        (
            |new| {
                new.slots.pop();
                new.profiles[0].spec.mute = Mute::None;
            },
            "slot \"evening\", which day profile \"mourning\" of special.toml still names; take it out of special.toml",
        ),
        (
            |new| new.profiles.clear(),
            "profile \"tet\", which slot \"wishes\" of special.toml still names",
        ),
        (
            |new| {
                new.slots[1].spec.programme = "bulletin".into();
                new.profiles[0].spec.replace.clear();
                new.programmes.pop();
            },
            "programme \"music\", which day profile \"mourning\" of special.toml still names",
        ),
    ];
    for (spoil, expected) in rows {
        let mut new = schedule();
        spoil(&mut new);
        let error = store.import_schedule(&new, "an", T0).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert_eq!(all(&store), before, "{expected}");
    }

    let mut both = schedule();
    both.slots.pop();
    both.profiles[0].spec.mute = Mute::None;
    both.files.extend(special.files);
    both.slots.extend(special.slots);
    both.profiles.extend(special.profiles);
    both.profiles[1].spec.mute = Mute::None;
    assert_eq!(store.import_schedule(&both, "an", T0).unwrap().removed, 1);
}

#[test]
fn media_in_use_stays() {
    let (_disk, mut store) = stocked();
    let error = store.remove_media("m1", BY).unwrap_err();
    assert!(
        error.to_string().contains("used by programme \"bulletin\""),
        "{error}"
    );
    store.add_media(&media(3)).unwrap();
    assert_eq!(store.remove_media("m3", BY).unwrap().hash, hash(3));
    assert!(matches!(
        store.remove_media("m3", BY),
        Err(StoreError::Unknown { .. })
    ));
    let twin = MediaRow {
        media: Media {
            hash: hash(4),
            ..media(1).media
        },
        ..media(1)
    };
    assert!(matches!(store.add_media(&twin), Err(StoreError::Exists { .. })));
    assert_eq!(store.media_by_hash(hash(1)).unwrap(), Some(media(1)));
}

#[test]
fn a_recording_of_an_emergency_stays_and_one_that_is_not_there_is_not_taken() {
    let (_disk, mut store) = stocked();
    for number in [3, 4, 5] {
        store.add_media(&media(number)).unwrap();
    }
    let said = |numbers: &[u8]| Message {
        text: "Nước lên.".into(),
        spoken: numbers.iter().map(|number| hash(*number)).collect(),
    };
    let template = EmergencyTemplate {
        title: "Lũ".into(),
        warning: said(&[3, 4]),
        retraction: said(&[5]),
        zones: vec![ZoneId(1)],
        signal: true,
        repeats: 0,
        minutes: 30,
    };
    let by = AuditRow {
        at: T0,
        who: "an".into(),
        ..AuditRow::default()
    };
    let lacking = EmergencyTemplate {
        retraction: said(&[6]),
        ..template.clone()
    };
    assert!(matches!(
        store.put_template(None, &lacking, &by),
        Err(StoreError::Unknown {
            what: "recording",
            ..
        })
    ));
    store.put_template(None, &template, &by).unwrap();
    for title in ["m3", "m4", "m5"] {
        let error = store.remove_media(title, BY).unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("used by emergency template \"Lũ\""),
            "{title}: {told}"
        );
    }
    let number = store.templates().unwrap()[0].number;
    store.remove_template(number, &by).unwrap();
    store.remove_media("m4", BY).unwrap();
}

#[test]
fn what_is_done_to_the_library_is_written_down_with_it() {
    let (_disk, mut store) = stocked();
    let before = store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap().len();
    let zone = store.zones().unwrap().by_code("xa").unwrap().id;
    let cut = MediaRow {
        zone: Some(zone),
        cut: Some(Cut {
            from: hash(1),
            start: 480,
            end: 24_000,
        }),
        ..media(3)
    };
    store.add_media(&cut).unwrap();
    assert_eq!(store.media_by_hash(hash(3)).unwrap(), Some(cut));
    store.set_series(hash(3), Some("health"), BY).unwrap();
    store.set_title(hash(3), "Tin mới", BY).unwrap();
    store.set_title(hash(3), "Tin mới", BY).unwrap();
    assert!(matches!(
        store.set_title(hash(3), "m1", BY),
        Err(StoreError::Exists { .. })
    ));
    store.remove_media("Tin mới", BY).unwrap();
    let rows = store.audit_rows(T0, T0 + Duration::from_secs(1)).unwrap();
    let told: Vec<_> = rows[before..]
        .iter()
        .map(|row| (row.action.as_str(), row.before.as_str(), row.after.as_str()))
        .collect();
    let expected = [
        ("media added", "", ""),
        ("series set", "", "health"),
        ("title set", "m3", "Tin mới"),
        ("title set", "Tin mới", "Tin mới"),
        ("media removed", "", ""),
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_journal_may_be_written_twice() {
    let (_disk, mut store) = stocked();
    let (one, two) = (started(1 << 32 | 1, 1, 0), started(1 << 32 | 1, 2, 30));
    let by = SessionId(9);
    let entries = [
        on(AsRunEvent::Started(one.clone())),
        on(AsRunEvent::Ended(ended(&one, 10, EndReason::PreEmpted { by }))),
        JournalEntry::Sent {
            session: one.session,
            part: 1,
            packets: 160,
            octets: 40_000,
            first: Some(T0),
        },
        on(AsRunEvent::Started(two.clone())),
    ];
    for _ in 0..2 {
        store.record(&entries, T0).unwrap();
    }
    let rows = store.as_run(all().0, all().1).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].started, one);
    assert_eq!(rows[0].ended, Some(ended(&one, 10, EndReason::PreEmpted { by })));
    assert_eq!((rows[0].packets, rows[0].zone_code.as_str()), (Some(160), "tinh"));
    assert_eq!((&rows[1].started, &rows[1].ended), (&two, &None));
    assert_eq!(store.open_sessions().unwrap(), [one.session]);
    assert_eq!(store.highest_epoch().unwrap(), 1);
    let last = store.last_parts(T0).unwrap();
    assert_eq!(last.iter().map(|part| part.started.part).collect::<Vec<_>>(), [2]);
}

#[test]
fn what_a_lost_head_end_left_open_ends_at_its_last_sign_of_life() {
    let (_disk, mut store) = stocked();
    let (long, short, late) = (started(1, 1, 0), started(2, 1, -100), started(3, 1, 50));
    let short = PartStarted {
        ends: short.at + Duration::from_secs(3),
        ..short
    };
    let entries = [&long, &short, &late].map(|part| on(AsRunEvent::Started(part.clone())));
    store.record(&entries, T0 + Duration::from_secs(20)).unwrap();
    assert_eq!(store.close_lost().unwrap(), Some(T0 + Duration::from_secs(20)));
    assert!(store.open_sessions().unwrap().is_empty());
    let ends: Vec<_> = store
        .as_run(all().0, all().1)
        .unwrap()
        .into_iter()
        .map(|row| row.ended.unwrap())
        .collect();
    let lost = EndReason::HeadEndLost;
    let expected = [
        ended(&long, 20, lost.clone()),
        ended(&late, 0, lost.clone()),
        ended(&short, 0, lost),
    ];
    assert!(expected[..2].iter().all(|end| ends.contains(end)), "{ends:?}");
    assert!(ends.iter().all(|end| end.reason == EndReason::HeadEndLost));
    store.close_lost().unwrap();
    assert_eq!(store.as_run(all().0, all().1).unwrap().len(), 3);
}

#[test]
fn an_override_remembers_who_and_as_what_it_began() {
    let (_disk, mut store) = stocked();
    let origin = Origin::Override {
        by: "officer".into(),
        first: SessionId(77),
    };
    let part = PartStarted {
        origin,
        ..started(78, 1, 0)
    };
    store
        .record(&[on(AsRunEvent::Started(part.clone()))], T0)
        .unwrap();
    assert_eq!(store.as_run(all().0, all().1).unwrap()[0].started, part);
}

#[test]
fn what_never_aired_is_kept_with_its_reason() {
    let (_disk, mut store) = stocked();
    let occurrence = OccurrenceId {
        slot: SlotId(1),
        zone: ZoneId(2),
        start: T0,
    };
    let reason = EndReason::Fault { what: "disk".into() };
    let entry = on(AsRunEvent::NotAired {
        occurrence,
        title: "B".into(),
        at: T0,
        reason: reason.clone(),
    });
    store.record(&[entry.clone(), entry], T0).unwrap();
    let rows = store.not_aired(T0, T0 + Duration::from_secs(1)).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].occurrence, &rows[0].reason), (occurrence, &reason));
}

#[test]
fn run_sheets_are_numbered_and_a_plan_made_again_is_the_same_one() {
    let (_disk, mut store) = stocked();
    let date = "2027-01-15".parse().unwrap();
    let sheet = RunSheet {
        number: 0,
        date,
        lines: vec![],
    };
    let first = store.put_run_sheet(&sheet, T0).unwrap();
    assert_eq!(
        (first.number, store.put_run_sheet(&sheet, T0).unwrap().number),
        (1, 1)
    );
    let next = RunSheet {
        date: "2027-01-16".parse().unwrap(),
        ..sheet
    };
    assert_eq!(store.put_run_sheet(&next, T0).unwrap().number, 2);
    assert_eq!(store.run_sheet(date).unwrap(), Some(first));
}

/// Lines are named by number alone where they are of the same day, as every kept run-sheet has it.
#[test]
fn a_run_sheet_names_lines_of_its_own_day_and_of_the_eve() {
    let (_disk, mut store) = stocked();
    let reasons = |line| {
        vec![Reason::Outranks {
            line,
            rule: TieRule::Class,
        }]
    };
    let date: chrono::NaiveDate = "2027-01-15".parse().unwrap();
    let names = [
        LineName::Here(3),
        LineName::On {
            date: date.pred_opt().unwrap(),
            line: 7,
            title: "Nhạc đêm".into(),
        },
    ];
    let lines = (1..).zip(names).map(|(number, name)| RunSheetLine {
        number,
        occurrence: OccurrenceId {
            slot: SlotId(1),
            zone: ZoneId(1),
            start: T0,
        },
        slot: "s".into(),
        title: "Tin".into(),
        content: Content::Silence,
        duration: Duration::from_secs(60),
        cut: false,
        class: BulletinClass::Normal,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start: T0,
        verdict: Verdict::Airs,
        reasons: reasons(name),
    });
    let sheet = RunSheet {
        number: 1,
        date,
        lines: lines.collect(),
    };
    assert_eq!(store.put_run_sheet(&sheet, T0).unwrap(), sheet);
    assert_eq!(store.run_sheet(date).unwrap(), Some(sheet.clone()));
    let json = serde_json::to_string(&sheet).unwrap();
    assert!(
        json.contains(r#"{"reason":"outranks","line":3,"rule":"class"}"#),
        "{json}"
    );
}

#[test]
fn a_drill_is_heard_where_its_receivers_stood_then_by_the_first_of_its_sessions() {
    let (_disk, mut store) = stocked();
    let (one, two) = (
        store.add_receiver("pole-1", "xa", &[1; 32]).unwrap(),
        store.add_receiver("pole-2", "tinh", &[2; 32]).unwrap(),
    );
    let late = store.add_receiver("pole-3", "xa", &[3; 32]).unwrap();
    let drill = Drill {
        pressed: T0,
        title: "Lũ".into(),
        by: "lan".into(),
        zones: vec![ZoneId(1), ZoneId(2)],
        sessions: vec![SessionId(7), SessionId(8)],
        receivers: vec!["pole-1".into(), "pole-2".into()],
    };
    store.record(&[JournalEntry::Drill(drill.clone())], T0).unwrap();
    let s = Duration::from_secs;
    let receipt = |session, first: u64, sounded: u64| Receipt {
        session: SessionId(session),
        channel: Channel(1),
        class: BulletinClass::Live,
        drill: true,
        first: T0 + s(first),
        last: T0 + s(first + 9),
        sounded: s(sounded),
        concealed: Duration::ZERO,
        packets: 50,
        lost: 0,
        output_dbfs: -20.0,
        over: true,
        silenced: None,
    };
    for (receiver, receipts) in [
        (&one, vec![receipt(7, 5, 3), receipt(8, 2, 3)]),
        (&two, vec![receipt(7, 1, 0)]),
        (&late, vec![receipt(7, 1, 3)]),
    ] {
        assert!(store.put_report(receiver.id, &report(0, 20, &receipts)).unwrap());
    }
    // It starts again while the drill goes on.
    let again = [receipt(8, 7, 3)];
    assert!(store.put_report(one.id, &report(6, 20, &again)).unwrap());
    let rows = store.drills(T0, T0 + s(1)).unwrap();
    assert_eq!((rows.len(), &rows[0].drill), (1, &drill));
    assert_eq!(
        rows[0].first,
        BTreeMap::from([("pole-1".to_owned(), T0 + s(2))]),
        "one sounded, one came and was silent, one was not there then"
    );
    assert!(store.drills(T0 + s(1), T0 + s(9)).unwrap().is_empty());
    let newest = store.newest_receipts().unwrap();
    let newest = [one.id, two.id, late.id].map(|pole| newest[&pole].receipt.session.0);
    assert_eq!(newest, [8, 7, 7], "the newest of each");
}

/// A report by a receiver's own clock, in seconds after `T0`; it comes at `T0`.
fn report(started_s: i64, at_s: i64, receipts: &[Receipt]) -> NewReport<'_> {
    NewReport {
        started: T0.offset_ns(started_s * 1_000_000_000),
        at: T0.offset_ns(at_s * 1_000_000_000),
        seen: T0,
        text: "{}",
        receipts,
    }
}

#[test]
fn a_report_is_judged_by_its_own_start_and_taken_once() {
    const YEAR: i64 = 365 * 86_400;
    let (_disk, mut store) = stocked();
    let pole = store.add_receiver("pole-1", "xa", &[1; 32]).unwrap();
    let rows = [
        (0, 10, true, "the first"),
        (0, 10, false, "the same"),
        (0, 9, false, "older"),
        (0, 11, true, "newer"),
        (5 * YEAR, 5 * YEAR + 1, true, "a start with a clock far ahead"),
        (60, 61, true, "the next, by a clock that was set right"),
        (5 * YEAR, 5 * YEAR + 1, false, "caught before, and sent again"),
        (0, 11, false, "the same of the first start"),
        (
            59,
            60,
            true,
            "a start without a clock, by its time before the last",
        ),
        (59, 60, false, "and that again"),
    ];
    for (started, at, expected, why) in rows {
        let new = NewReport {
            seen: T0 + Duration::from_secs(7),
            ..report(started, at, &[])
        };
        assert_eq!(store.put_report(pole.id, &new).unwrap(), expected, "{why}");
        let row = store.receiver("pole-1").unwrap().unwrap();
        assert_eq!(
            row.seen_at,
            Some(T0 + Duration::from_secs(7)),
            "the station's own time"
        );
    }
    let row = store.receiver("pole-1").unwrap().unwrap();
    assert_eq!(
        row.report_at,
        Some(T0 + Duration::from_secs(60)),
        "the last that was new"
    );
    store.remove_receiver("pole-1").unwrap();
    assert!(
        !store.put_report(pole.id, &report(2_000, 2_000, &[])).unwrap(),
        "struck off"
    );
}

#[test]
fn proof_joins_what_was_sent_with_what_was_heard() {
    let (_disk, mut store) = stocked();
    store.add_receiver("pole-1", "xa", &[1; 32]).unwrap();
    let silent = store.add_receiver("pole-2", "tinh", &[2; 32]).unwrap();
    let pole = store.receiver("pole-1").unwrap().unwrap().receiver;
    let part = started(5, 1, 0);
    let entries = [
        on(AsRunEvent::Started(part.clone())),
        on(AsRunEvent::Ended(ended(&part, 60, EndReason::Completed))),
        JournalEntry::Sent {
            session: part.session,
            part: 1,
            packets: 1_000,
            octets: 9,
            first: Some(T0),
        },
    ];
    store.record(&entries, T0).unwrap();
    let receipt = Receipt {
        session: part.session,
        channel: Channel(1),
        class: BulletinClass::Normal,
        drill: false,
        first: T0,
        last: T0,
        sounded: Duration::from_secs(60),
        concealed: Duration::ZERO,
        packets: 1_000,
        lost: 0,
        output_dbfs: -20.0,
        over: true,
        silenced: None,
    };
    assert!(
        store
            .put_report(pole.id, &report(0, 0, std::slice::from_ref(&receipt)))
            .unwrap()
    );
    assert!(
        !store.put_report(pole.id, &report(0, 0, &[])).unwrap(),
        "not newer"
    );
    let proof = store.proof(all().0, all().1).unwrap();
    let found: Vec<_> = proof
        .iter()
        .map(|row| (row.receiver.as_str(), row.sent, row.receipt.clone()))
        .collect();
    assert_eq!(
        found,
        [
            ("pole-1", Some(1_000), Some(receipt)),
            ("pole-2", Some(1_000), None)
        ]
    );
    assert_eq!(proof[0].aired_ns, 60_000_000_000);
    store.remove_receiver(&silent.code).unwrap();
    assert_eq!(store.proof(all().0, all().1).unwrap().len(), 1);
}

#[test]
fn a_receiver_that_restarts_in_mid_programme_keeps_what_it_had_played() {
    let (_disk, mut store) = stocked();
    let pole = store.add_receiver("pole-1", "xa", &[1; 32]).unwrap();
    let part = started(5, 1, 0);
    let end = on(AsRunEvent::Ended(ended(&part, 1_860, EndReason::Completed)));
    store
        .record(&[on(AsRunEvent::Started(part.clone())), end], T0)
        .unwrap();
    let s = Duration::from_secs;
    let receipt = |first: u64, sounded_min: u64, over| Receipt {
        session: part.session,
        channel: Channel(1),
        class: BulletinClass::Normal,
        drill: false,
        first: T0 + s(first),
        last: T0 + s(first + 60 * sounded_min),
        sounded: s(60 * sounded_min),
        concealed: Duration::ZERO,
        packets: 3_000 * sounded_min,
        lost: 1,
        output_dbfs: -20.0,
        over,
        silenced: None,
    };
    let rows = [
        (1, 1_200, receipt(0, 20, false), 20),
        (2, 1_800, receipt(1_260, 9, false), 29),
        (2, 1_860, receipt(1_260, 10, true), 30),
    ];
    for (started_s, at_s, receipt, minutes) in rows {
        let new = report(started_s, at_s, std::slice::from_ref(&receipt));
        assert!(store.put_report(pole.id, &new).unwrap());
        let proof = store.proof(all().0, all().1).unwrap();
        assert_eq!(proof.len(), 1, "one row, however often it started");
        let found = proof[0].receipt.clone().unwrap();
        assert_eq!(found.sounded, s(60 * minutes));
        assert_eq!((found.packets, found.over), (3_000 * minutes, receipt.over));
        assert_eq!((found.first, found.last), (T0, receipt.last));
        let newest = store.newest_receipts().unwrap();
        assert_eq!(newest[&pole.id].receipt, found, "as the panel shows it");
    }
}

#[test]
fn another_connection_sees_that_what_is_planned_from_changed_and_nothing_else() {
    let (disk, mut store) = stocked();
    let other = Store::open(&disk.path).unwrap();
    let mut before = other.planning_version().unwrap();
    let mut changed = |what: &str, expected: bool| {
        let now = other.planning_version().unwrap();
        assert_eq!(now != before, expected, "{what}");
        before = now;
    };
    store.add_media(&media(3)).unwrap();
    changed("media", true);
    store.record(&[], T0).unwrap();
    changed("a sign of life", false);
    let part = started(1 << 32, 1, 0);
    store
        .record(&[JournalEntry::AsRun(AsRunEvent::Started(part.clone()))], T0)
        .unwrap();
    changed("an airing", false);
    store.set_series(hash(1), Some("health"), BY).unwrap();
    changed("a series", true);
    let second = PartStarted { part: 2, ..part };
    store
        .record(&[JournalEntry::AsRun(AsRunEvent::Started(second))], T0)
        .unwrap();
    changed("an airing of an episode", true);
    let heard = store.heard(T0).unwrap();
    assert_eq!(heard.first, [(ZoneId(1), hash(1), T0)]);
    assert_eq!(heard.aired.len(), 1);
}

#[test]
fn check_names_each_kind_of_damage() {
    let (disk, store) = stocked();
    let files = BTreeSet::from([hash(1), hash(2)]);
    assert_eq!(store.check(&files).unwrap(), []);
    let files = BTreeSet::from([hash(2), hash(9)]);
    let missing = Finding::MissingFile {
        hash: hash(1),
        title: "m1".into(),
    };
    assert_eq!(
        store.check(&files).unwrap(),
        [missing, Finding::OrphanFile { hash: hash(9) }]
    );
    let raw = rusqlite::Connection::open(&disk.path).unwrap();
    raw.execute_batch("pragma foreign_keys = off; insert into receiver (code, zone, public_key) values ('x', 99, zeroblob(32))")
        .unwrap();
    let found = store.check(&BTreeSet::from([hash(1), hash(2)])).unwrap();
    assert_eq!(
        found,
        [Finding::Dangling {
            what: "receiver 1".into()
        }]
    );
}

#[test]
fn a_backup_is_whole_and_never_overwrites() {
    let (disk, store) = stocked();
    let to = disk.path.with_file_name("copy.db");
    store.backup(&to).unwrap();
    let copy = Store::open(&to).unwrap();
    assert_eq!(copy.schedule().unwrap().slots, store.schedule().unwrap().slots);
    assert!(matches!(store.backup(&to), Err(StoreError::Exists { .. })));
}

#[test]
fn a_database_that_another_one_holds_is_an_error_and_nothing_is_lost() {
    let (disk, mut store) = stocked();
    let holder = rusqlite::Connection::open(&disk.path).unwrap();
    holder.execute_batch("begin immediate").unwrap();
    let error = store.add_media(&media(3)).unwrap_err();
    assert!(error.to_string().contains("cannot add to the library"), "{error}");
    assert_eq!(store.media().unwrap().len(), 2, "reading goes on");
    holder.execute_batch("rollback").unwrap();
    store.add_media(&media(3)).unwrap();
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let nowhere = Path::new("/nonexistent/loa.db");
    let error = Store::create(nowhere).unwrap_err().to_string();
    assert!(
        error.contains("cannot open database /nonexistent/loa.db"),
        "{error}"
    );
    let error = Store::open(nowhere).unwrap_err().to_string();
    assert!(
        error.contains("there is no database /nonexistent/loa.db"),
        "{error}"
    );
    let (disk, store) = disk();
    drop(store);
    let empty = disk.path.with_file_name("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(Store::open(&empty), Err(OpenError::Lost { .. })));
    assert_eq!(
        std::fs::metadata(&empty).unwrap().len(),
        0,
        "nothing is made of it"
    );
    rusqlite::Connection::open(&disk.path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        Store::open(&disk.path),
        Err(OpenError::TooNew { found: 99, .. })
    ));
    std::fs::write(
        &disk.path,
        "this is no database, and long enough to be read as a header of one",
    )
    .unwrap();
    for tail in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{tail}", disk.path.display()));
    }
    assert!(matches!(Store::open(&disk.path), Err(OpenError::Open { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn parts_read_back_as_they_were_written(
        session in 1..u64::MAX / 2, part in 1..1_000u32, at_ns in 0..4_000_000_000_000_000_000i64,
        offset_ns in 0..86_400_000_000_000u64, length_ns in 0..86_400_000_000_000u64,
        class in prop::sample::select(BulletinClass::ALL.to_vec()), cut in any::<bool>(),
        title in "\\PC{0,40}", what in "\\PC{0,40}",
    ) {
        let (_disk, mut store) = stocked();
        let at = WallTime::from_unix_ns(at_ns);
        let length = Duration::from_nanos(length_ns);
        let media_offset = Duration::from_nanos(offset_ns);
        let part = PartStarted {
            session: SessionId(session), part, class, cut, title, at, media_offset, ends: at + length,
            ..started(1, 1, 0)
        };
        let end = PartEnded {
            session: part.session, part: part.part, at: at + length, media_offset: media_offset + length,
            reason: EndReason::Fault { what },
        };
        store.record(&[on(AsRunEvent::Started(part.clone())), on(AsRunEvent::Ended(end.clone()))], T0).unwrap();
        let rows = store.as_run(WallTime::default(), WallTime::from_unix_ns(i64::MAX)).unwrap();
        prop_assert_eq!(&rows[0].started, &part);
        prop_assert_eq!(rows[0].ended.as_ref(), Some(&end));
    }
}

/// Each row: what somebody with the file does to it, and what is found.
#[test]
fn tampering_with_the_audit_log_is_found() {
    let rows = [
        (
            "nothing",
            "select 1",
            AuditVerdict::Whole {
                rows: 4,
                head: hash(0),
            },
        ),
        (
            "another name",
            "update audit set who = 'binh' where id = 2",
            AuditVerdict::Broken { row: 2 },
        ),
        (
            "another time",
            "update audit set at = at + 1 where id = 1",
            AuditVerdict::Broken { row: 1 },
        ),
        (
            "a letter from one text to the next",
            "update audit set action = 'sto', detail = 'p3' where id = 3",
            AuditVerdict::Broken { row: 3 },
        ),
        (
            "one taken out",
            "delete from audit where id = 2",
            AuditVerdict::Broken { row: 3 },
        ),
        (
            "two change places",
            "update audit set id = 9 where id = 2; update audit set id = 2 where id = 3; \
             update audit set id = 3 where id = 9",
            AuditVerdict::Broken { row: 2 },
        ),
        (
            "the end cut off",
            "delete from audit where id = 4",
            AuditVerdict::Cut,
        ),
        ("all of it gone", "delete from audit", AuditVerdict::Cut),
    ];
    for (name, tampering, expected) in rows {
        let (disk, mut store) = disk();
        for number in 1..=4 {
            let row = AuditRow {
                at: T0 + Duration::from_secs(number),
                who: "an".into(),
                action: "stop".into(),
                detail: number.to_string(),
                ..AuditRow::default()
            };
            store.audit(&row).unwrap();
        }
        let Ok(AuditVerdict::Whole { rows: 4, head }) = store.verify_audit(None) else {
            panic!("{name}: {:?}", store.verify_audit(None));
        };
        rusqlite::Connection::open(&disk.path)
            .unwrap()
            .execute_batch(tampering)
            .unwrap();
        let found = store.verify_audit(Some(head)).unwrap();
        let expected = match expected {
            AuditVerdict::Whole { rows, .. } => AuditVerdict::Whole { rows, head },
            other => other,
        };
        assert_eq!(found, expected, "{name}");
    }
}
