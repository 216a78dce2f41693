//! Programmes of one piece: their versions in other languages, and where they air.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use loa_model::{
    BulletinClass, ContentHash, PANEL_FILE, Programme, ProgrammeId, Recurrence, Slot, SlotChange,
    SlotException, Source, ZoneId, ZoneTree,
};
use loa_panel::VersionedItem;
use loa_store::ScheduleRows;

/// Returns the programmes of one piece that air `hash`, as their own or as a version, in order of title.
pub(super) fn of(rows: &ScheduleRows, hash: ContentHash, today: NaiveDate) -> Vec<VersionedItem> {
    let item = |programme: &Programme| {
        let Source::Asset { media, languages } = &programme.spec.source else {
            return None;
        };
        if *media != hash && !languages.values().any(|version| *version == hash) {
            return None;
        }
        let owner = rows
            .owners
            .iter()
            .find(|(kind, code, _)| *kind == "programme" && *code == programme.code);
        let file = owner.map(|(.., file)| file.clone());
        Some(VersionedItem {
            id: programme.id,
            title: programme.spec.title.clone(),
            class: strongest(rows, programme, today),
            media: *media,
            languages: languages.clone(),
            zones: zones_of(rows, programme.id, today),
            file: file.filter(|file| file != PANEL_FILE),
        })
    };
    let mut items: Vec<_> = rows.programmes.iter().filter_map(item).collect();
    items.sort_by(|one, other| one.title.cmp(&other.title));
    items
}

/// Returns the strongest class in which a programme airs: by its own word, that of one that it is a part of, or a slot's.
fn strongest(rows: &ScheduleRows, programme: &Programme, today: NaiveDate) -> BulletinClass {
    let holding = holding(&rows.programmes, programme.id);
    let wholes = rows.programmes.iter().filter(|whole| holding.contains(&whole.id));
    let slots = slots_of(rows, programme.id, today);
    let classes = wholes.map(|whole| whole.spec.class);
    let classes = classes.chain(slots.into_iter().map(|slot| slot.spec.class));
    classes.max().unwrap_or(programme.spec.class)
}

/// Returns the zones in which a programme airs: by itself or as a part of another one, in its slots or in the place of
/// what others air, on some day or on days of a profile. What is over does not count.
fn zones_of(rows: &ScheduleRows, programme: ProgrammeId, today: NaiveDate) -> Vec<ZoneId> {
    let slots = slots_of(rows, programme, today);
    let zones: BTreeSet<_> = slots
        .iter()
        .flat_map(|slot| slot.spec.zones.iter().copied())
        .collect();
    zones.into_iter().collect()
}

/// Tells whether an episode of a zone can air in a programme: somewhere this airs, or it airs nowhere yet. Elsewhere
/// such an episode does not count.
pub(super) fn counts(
    rows: &ScheduleRows,
    tree: &ZoneTree,
    programme: ProgrammeId,
    zone: Option<ZoneId>,
    today: NaiveDate,
) -> bool {
    let Some(of) = zone else { return true };
    let zones = zones_of(rows, programme, today);
    zones.is_empty() || zones.into_iter().any(|zone| tree.covers(of, zone))
}

fn slots_of(rows: &ScheduleRows, programme: ProgrammeId, today: NaiveDate) -> Vec<&Slot> {
    let holding = holding(&rows.programmes, programme);
    let airs = |slot: &&Slot| {
        let mut replaced = rows.profiles.iter().flat_map(|profile| &profile.spec.replace);
        let to_come = |other: &&SlotException| other.slot == slot.id && other.date >= today;
        let mut excepted = rows.exceptions.iter().filter(to_come);
        holding.contains(&slot.spec.programme)
            || replaced.any(|(of, by)| *of == slot.id && holding.contains(by))
            || excepted.any(|other| matches!(&other.change, SlotChange::Replace(by) if holding.contains(by)))
    };
    let slots = rows.slots.iter().filter(airs);
    slots
        .filter(|slot| !is_over(slot, &rows.exceptions, today))
        .collect()
}

/// Returns a programme, and all others that it is a part of, however deep.
fn holding(programmes: &[Programme], part: ProgrammeId) -> BTreeSet<ProgrammeId> {
    let mut found = BTreeSet::from([part]);
    loop {
        let holds = |whole: &&Programme| {
            let mut parts = whole.spec.others().into_iter();
            !found.contains(&whole.id) && parts.any(|part| found.contains(part))
        };
        let more: Vec<_> = programmes.iter().filter(holds).map(|whole| whole.id).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Tells whether a slot airs on no day from `today` on, by its rule or moved there.
fn is_over(slot: &Slot, exceptions: &[SlotException], today: NaiveDate) -> bool {
    let last = match &slot.spec.recurrence {
        Recurrence::Once(at) => Some(at.date()),
        Recurrence::Cron(_) => slot.spec.valid_to,
    };
    let mut moved = exceptions.iter().filter(|other| other.slot == slot.id);
    let moved_on = moved.any(|other| matches!(other.change, SlotChange::Move(to) if to.date() >= today));
    last.is_some_and(|last| last < today) && !moved_on
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use chrono_tz::Tz;
    use loa_model::{Content, Media, VersionFault, WallTime};
    use loa_plan::{Diagnostic, local, read, resolve};
    use loa_store::{By, MediaRow, Store, StoreError};

    use super::*;
    use crate::planner::plan;
    use crate::planning::Planning;

    const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
    /// 17:12:30 on 4 December 2026 there.
    const NOW: WallTime = WallTime::from_unix_s(1_796_379_150);
    const BY: By<'_> = By { who: "an", at: NOW };
    const FILE: &str = "week.toml";

    fn hash(number: u8) -> ContentHash {
        ContentHash([number; 32])
    }

    fn import(store: &mut Store, text: &str) -> Result<(), Vec<Diagnostic>> {
        let planning = Planning::read(store, TZ, NOW).unwrap();
        let files = read(&[(FILE.to_owned(), text.to_owned())])?;
        let resolved = resolve(&files, &planning.known(local::local_date(TZ, NOW)))?;
        store.import_schedule(&resolved.schedule, "an", NOW).unwrap();
        Ok(())
    }

    fn station() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(&dir.path().join("loa.db")).unwrap();
        for (number, title) in [(1, "tin"), (2, "tin-mnong"), (3, "nhac")] {
            let media = Media {
                hash: hash(number),
                title: title.to_owned(),
                format: "mp3".to_owned(),
                samples: 48_000 * 60,
                loudness_lufs: None,
                true_peak_dbtp: -3.0,
                gain_db: 0.0,
                bitrate: 32_000,
                encoded_bytes: 4_000,
            };
            let row = MediaRow {
                media,
                file_name: format!("{title}.mp3"),
                added_at: NOW,
                series: None,
                zone: None,
                added_by: "an".to_owned(),
                cut: None,
            };
            store.add_media(&row).unwrap();
        }
        import(&mut store, SCHEDULE).unwrap();
        (dir, store)
    }

    fn programme(store: &Store, code: &str) -> ProgrammeId {
        let programmes = store.schedule().unwrap().programmes;
        programmes.iter().find(|known| known.code == code).unwrap().id
    }

    /// Returns what is planned for tomorrow: slot, zone, and the numbers of the pieces.
    fn tomorrow(store: &mut Store) -> Vec<(String, String, Vec<u8>)> {
        let sheet = plan(store, TZ, local::local_date(TZ, NOW) + Days::new(1), NOW).unwrap();
        let tree = store.zones().unwrap();
        let line = |line: &loa_model::RunSheetLine| {
            let Content::Pieces(pieces) = &line.content else {
                panic!("{line:?}")
            };
            let zone = tree.get(line.occurrence.zone).unwrap();
            let pieces = pieces.iter().map(|piece| piece.media.0[0]).collect();
            (line.slot.clone(), zone.code.clone(), pieces)
        };
        sheet.lines.iter().map(line).collect()
    }

    fn expected(rows: [(&str, &str, &[u8]); 4]) -> Vec<(String, String, Vec<u8>)> {
        let row =
            |(slot, zone, pieces): (&str, &str, &[u8])| (slot.to_owned(), zone.to_owned(), pieces.to_owned());
        rows.map(row).into()
    }

    #[test]
    fn a_zone_hears_the_version_that_was_set_for_its_language_until_it_is_taken_away() {
        let (_dir, mut store) = station();
        let own: [(&str, &str, &[u8]); 4] = [
            ("sang", "xa-a", &[1]),
            ("sang", "xa-b", &[1]),
            ("trua", "thon-b", &[1, 3]),
            ("trua", "xa-a", &[1, 3]),
        ];
        let sorted = |store: &mut Store| {
            let mut lines = tomorrow(store);
            lines.sort();
            lines
        };
        assert_eq!(sorted(&mut store), expected(own));

        let tin = programme(&store, "tin");
        let version = store.planning_version().unwrap();
        store.set_version(tin, "mnong", Some(hash(2)), BY).unwrap();
        assert!(store.planning_version().unwrap() > version, "the planner notices");
        // The village hears the language of its commune, and a playlist its part's version.
        let with_version: [(&str, &str, &[u8]); 4] = [
            ("sang", "xa-a", &[1]),
            ("sang", "xa-b", &[2]),
            ("trua", "thon-b", &[2, 3]),
            ("trua", "xa-a", &[1, 3]),
        ];
        assert_eq!(sorted(&mut store), expected(with_version));

        store.set_version(tin, "mnong", None, BY).unwrap();
        assert_eq!(sorted(&mut store), expected(own));
    }

    #[test]
    fn what_was_set_by_hand_is_not_taken_by_a_file_unseen_and_is_written_out() {
        let (_dir, mut store) = station();
        let tin = programme(&store, "tin");
        store.set_version(tin, "mnong", Some(hash(2)), BY).unwrap();
        let refused = import(&mut store, SCHEDULE).unwrap_err();
        assert!(format!("{refused:?}").contains(PANEL_FILE), "{refused:?}");
        let planning = Planning::read(&store, TZ, NOW).unwrap();
        let files = planning.export().files();
        let written = &files[PANEL_FILE];
        assert!(
            written.contains("languages = { mnong = \"tin-mnong\" }"),
            "{written}"
        );
        assert!(!files[FILE].contains("code = \"tin\"\n"), "{}", files[FILE]);

        // Moved there and imported with the panel's file, it is the week's again.
        let moved = format!("{}\n{written}", files[FILE]);
        let both = [(FILE.to_owned(), moved), (PANEL_FILE.to_owned(), String::new())];
        let today = local::local_date(TZ, NOW);
        let resolved = read(&both).and_then(|files| resolve(&files, &planning.known(today)));
        store
            .import_schedule(&resolved.unwrap().schedule, "an", NOW)
            .unwrap();
        let items = of(&store.schedule().unwrap(), hash(1), today);
        assert_eq!(items[0].file.as_deref(), Some(FILE));
        assert_eq!(items[0].languages["mnong"], hash(2));
    }

    #[test]
    fn a_programme_airs_where_its_slots_lie_and_those_of_what_holds_it_and_what_is_over_airs_nowhere() {
        let (_dir, mut store) = station();
        let tin = programme(&store, "tin");
        let today = local::local_date(TZ, NOW);
        let codes = |store: &Store, piece: u8| {
            let tree = store.zones().unwrap();
            let items = of(&store.schedule().unwrap(), hash(piece), today);
            let item = |item: &VersionedItem| {
                let codes = item
                    .zones
                    .iter()
                    .map(|zone| tree.get(*zone).unwrap().code.clone());
                (
                    item.title.clone(),
                    item.file.clone(),
                    codes.collect::<Vec<_>>().join(" "),
                )
            };
            items.iter().map(item).collect::<Vec<_>>()
        };
        let class = |store: &Store| of(&store.schedule().unwrap(), hash(1), today)[0].class;
        assert_eq!(
            class(&store),
            BulletinClass::Priority,
            "as the slot at night says"
        );
        let week = Some(FILE.to_owned());
        assert_eq!(
            codes(&store, 1),
            [("Tin".to_owned(), week.clone(), "xa-a xa-b thon-b".to_owned())]
        );
        // A playlist is no programme of one piece.
        assert_eq!(
            codes(&store, 3),
            [("Nhạc".to_owned(), week, "xa-b".to_owned())],
            "on days of a profile"
        );
        assert!(codes(&store, 2).is_empty());
        store.set_version(tin, "mnong", Some(hash(2)), BY).unwrap();
        assert_eq!(
            codes(&store, 2),
            [("Tin".to_owned(), None, "xa-a xa-b thon-b".to_owned())]
        );
        let tuyen_tap = programme(&store, "tuyen-tap");
        let (rows, tree) = (store.schedule().unwrap(), store.zones().unwrap());
        let counts = |code: &str| {
            let zone = tree.by_code(code).map(|zone| zone.id);
            counts(&rows, &tree, tuyen_tap, zone, today)
        };
        let counted = ["", "xa-a", "xa-b", "thon-b", "xa-c"].map(counts);
        assert_eq!(counted, [true, true, true, true, false], "an episode of each");
        let refused = store.set_version(tuyen_tap, "mnong", Some(hash(2)), BY);
        assert!(matches!(
            refused,
            Err(StoreError::Version(VersionFault::NotOnePiece))
        ));
    }

    const SCHEDULE: &str = r#"
[[zone]]
code = "xa-a"
name = "Xã A"
channel = 1
approval = false
[[zone]]
code = "xa-b"
name = "Xã B"
channel = 2
language = "mnong"
approval = false
[[zone]]
code = "thon-b"
name = "Thôn B"
parent = "xa-b"
channel = 3
[[zone]]
code = "xa-c"
name = "Xã C"
channel = 4
[[programme]]
code = "tin"
title = "Tin"
media = "tin"
[[programme]]
code = "nhac"
title = "Nhạc"
media = "nhac"
[[programme]]
code = "tuyen-tap"
title = "Tuyển tập"
playlist = ["tin", "nhac.mp3"]
[[profile]]
code = "bao"
title = "Bão"
rank = 1
replace = { dem = "nhac" }
[[slot]]
code = "sang"
programme = "tin"
zones = ["xa-a", "xa-b"]
cron = "0 5 * * *"
max_duration = "10m"
[[slot]]
code = "trua"
programme = "tuyen-tap"
zones = ["xa-a", "thon-b"]
cron = "0 11 * * *"
max_duration = "10m"
[[slot]]
code = "dem"
programme = "tin"
zones = ["xa-b"]
cron = "0 22 * * *"
class = "priority"
max_duration = "10m"
valid_from = 2027-03-01
[[slot]]
code = "qua-roi"
programme = "tin"
zones = ["xa-c"]
at = 2026-12-01T05:00:00
max_duration = "10m"
"#;
}
