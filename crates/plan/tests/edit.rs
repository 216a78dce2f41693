//! Changes by hand: what airs afterwards, what is told of it, and what cannot be done.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use loa_model::{
    BulletinClass, Channel, Chime, ContentHash, DayRule, DaySpan, Days, Deed, Edit, EditFault, MakesRoom,
    Mute, ORDER_DEFAULT, Overrun, PreEmption, Profile, ProfileId, ProfileSpec, Programme, ProgrammeId,
    ProgrammeSpec, QuietPolicy, Reach, Recurrence, RowChange, Slot, SlotChange, SlotException, SlotId,
    SlotSpec, Source, Verdict, WallTime, Window, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use loa_plan::{
    DayInputs, Edited, HeardMedia, KnownLibrary, KnownMedia, clashes_of, compare, edit, local, plan_day,
};

const TZ: Tz = Tz::Asia__Ho_Chi_Minh;
const COMMUNE: ZoneId = ZoneId(1);
const VILLAGE: ZoneId = ZoneId(2);
const DAILY: SlotId = SlotId(1);
const WEEKLY: SlotId = SlotId(2);
const TWICE: SlotId = SlotId(3);

struct Station {
    tree: ZoneTree,
    programmes: Vec<Programme>,
    library: KnownLibrary,
    slots: Vec<Slot>,
    exceptions: Vec<SlotException>,
    profiles: Vec<Profile>,
    heard: HeardMedia,
}

/// A commune and its village. Daily news at 05:00, a column on Mondays at 17:00, music twice a day; all is quiet from
/// 21:00 to 04:30. Programme 1 lasts 15 min, 2 lasts 30 min, 3 lasts 10 min and has priority.
fn station() -> Station {
    let zone = |id: i64, parent: Option<i64>, quiet| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Z{id}"),
        parent: parent.map(ZoneId),
        channel: Channel(u16::try_from(id).unwrap()),
        settings: ZoneSettings {
            quiet,
            ..ZoneSettings::default()
        },
    };
    let quiet = QuietPolicy {
        windows: vec![Window {
            days: Days::ALL,
            from: 270,
            to: 1_260,
        }],
        ..QuietPolicy::default()
    };
    let minutes = [15, 30, 10];
    let hash = |id: i64| ContentHash([u8::try_from(id).unwrap(); 32]);
    let classes = [
        BulletinClass::Normal,
        BulletinClass::Normal,
        BulletinClass::Priority,
    ];
    let programmes = (1..=3_i64).zip(classes).map(|(id, class)| Programme {
        id: ProgrammeId(id),
        code: format!("p{id}"),
        spec: ProgrammeSpec {
            title: format!("P{id}"),
            source: Source::Asset {
                media: hash(id),
                languages: BTreeMap::new(),
            },
            class,
            chime: Chime::default(),
            pre_emption: PreEmption::Resume,
            give_up_after: None,
            topic: None,
            campaign: None,
        },
    });
    let media = (1..=3_i64).zip(minutes).map(|(id, minutes)| KnownMedia {
        hash: hash(id),
        title: format!("m{id}"),
        file_name: format!("m{id}.mp3"),
        duration: Duration::from_secs(minutes * 60),
        series: None,
        zone: None,
        added_at: WallTime::default(),
    });
    let slot = |id: SlotId, programme, zone, rule: &str| Slot {
        id,
        code: format!("s{id}"),
        spec: SlotSpec {
            programme: ProgrammeId(programme),
            zones: vec![zone],
            recurrence: Recurrence::Cron(rule.into()),
            every_weeks: None,
            valid_from: None,
            valid_to: None,
            profile: None,
            class: BulletinClass::Normal,
            order: ORDER_DEFAULT,
            max_duration: Duration::from_secs(3_600),
            overrun: Overrun::Stop,
            makes_room: None,
        },
    };
    // On 9 December nothing named here airs.
    let holiday = Profile {
        id: ProfileId(1),
        code: "le".into(),
        spec: ProfileSpec {
            title: "Lễ".into(),
            days: vec![DayRule::Dates(DaySpan {
                from: day("2026-12-09"),
                to: day("2026-12-09"),
            })],
            zones: vec![],
            rank: 1,
            mute: Mute::Slots(vec![DAILY]),
            replace: vec![],
        },
        switched_on: vec![],
    };
    Station {
        tree: ZoneTree::new(vec![zone(1, None, Some(quiet)), zone(2, Some(1), None)]).unwrap(),
        programmes: programmes.collect(),
        library: KnownLibrary::new(media),
        slots: vec![
            slot(DAILY, 1, COMMUNE, "0 5 * * *"),
            slot(WEEKLY, 2, VILLAGE, "0 17 * * Mon"),
            slot(TWICE, 3, VILLAGE, "30 6,18 * * *"),
        ],
        exceptions: vec![],
        profiles: vec![holiday],
        heard: HeardMedia::default(),
    }
}

impl Station {
    fn inputs(&self) -> DayInputs<'_> {
        DayInputs {
            tree: &self.tree,
            programmes: &self.programmes,
            library: &self.library,
            slots: &self.slots,
            exceptions: &self.exceptions,
            profiles: &self.profiles,
            heard: &self.heard,
            approvals: None,
            tz: TZ,
        }
    }

    fn edit(&self, wanted: &Edit) -> Result<Edited, EditFault> {
        // A Monday, 04:00.
        edit(&self.inputs(), wanted, at("2026-11-30T04:00:00"))
    }

    /// Says what airs on a date once it is made: time, slot and, where it is another, what becomes of it.
    fn airs(&self, edited: &Edited, date: &str) -> String {
        let inputs = self.inputs();
        let sheet = plan_day(&edited.inputs(&inputs), day(date)).sheet;
        let lines = sheet.lines.iter().filter(|line| line.verdict != Verdict::Dropped);
        let texts = lines.map(|line| {
            let time = local::to_local(TZ, line.start).format("%H:%M");
            format!("{time} {}", line.slot)
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    /// Says what is told of a date: number before and after.
    fn told(&self, edited: &Edited, date: &str) -> String {
        let inputs = self.inputs();
        let before = plan_day(&inputs, day(date)).sheet;
        let after = plan_day(&edited.inputs(&inputs), day(date)).sheet;
        let name = |sheet: &loa_model::RunSheet, number: Option<u32>| {
            let line = number.and_then(|number| sheet.line(number));
            line.map_or_else(
                || "-".to_owned(),
                |line| {
                    format!("{}{}", local::to_local(TZ, line.start).format("%H:%M"), {
                        if line.verdict == Verdict::Dropped { "x" } else { "" }
                    })
                },
            )
        };
        let changes = compare(&before, &after, &edited.twins);
        let told = changes
            .iter()
            .map(|change| format!("{}>{}", name(&before, change.before), name(&after, change.after)));
        told.collect::<Vec<_>>().join(" ")
    }

    fn clashes(&self, edited: &Edited, date: &str) -> usize {
        let inputs = self.inputs();
        let before = plan_day(&inputs, day(date)).sheet;
        let after = plan_day(&edited.inputs(&inputs), day(date)).sheet;
        clashes_of(&before, &after, &edited.touched, &edited.twins).len()
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

fn moment(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn at(text: &str) -> WallTime {
    local::to_wall(TZ, moment(text)).unwrap()
}

fn change(slot: SlotId, date: &str, at: &str, deed: Deed, reach: Reach) -> Edit {
    Edit::Change {
        slot,
        date: day(date),
        time: time(at),
        deed,
        reach,
        note: String::new(),
    }
}

fn news(date: &str, deed: Deed, reach: Reach) -> Edit {
    change(DAILY, date, "05:00:00", deed, reach)
}

fn to(text: &str) -> Deed {
    Deed::Move(moment(text))
}

/// Each row: a change of the daily news, and what airs in the commune on four days afterwards.
#[test]
fn a_change_reaches_one_day_or_the_days_from_it_on_or_all_that_have_not_begun() {
    let station = station();
    let rows = [
        (
            "skipped once",
            news("2026-12-02", Deed::Skip, Reach::Day),
            ["05:00 s1", "", "05:00 s1", "05:00 s1"],
        ),
        (
            "moved once",
            news("2026-12-02", to("2026-12-02T06:00:00"), Reach::Day),
            ["05:00 s1", "06:00 s1", "05:00 s1", "05:00 s1"],
        ),
        (
            "moved to the next day",
            news("2026-12-02", to("2026-12-03T07:00:00"), Reach::Day),
            ["05:00 s1", "", "05:00 s1, 07:00 s1", "05:00 s1"],
        ),
        (
            "moved from a day on",
            news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Onward),
            ["05:00 s1-until-20261201", "05:45 s1", "05:45 s1", "05:45 s1"],
        ),
        (
            "moved for good",
            news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Always),
            ["05:45 s1", "05:45 s1", "05:45 s1", "05:45 s1"],
        ),
        (
            "ended",
            news("2026-12-02", Deed::Skip, Reach::Onward),
            ["05:00 s1", "", "", ""],
        ),
        (
            "ended at once",
            news("2026-12-02", Deed::Skip, Reach::Always),
            ["", "", "", ""],
        ),
        (
            "copied once",
            news(
                "2026-12-02",
                Deed::Copy {
                    to: moment("2026-12-03T11:00:00"),
                    zone: None,
                },
                Reach::Day,
            ),
            [
                "05:00 s1",
                "05:00 s1",
                "05:00 s1, 11:00 s1-20261203-1100",
                "05:00 s1",
            ],
        ),
        (
            "copied from a day on",
            news(
                "2026-12-02",
                Deed::Copy {
                    to: moment("2026-12-02T11:00:00"),
                    zone: None,
                },
                Reach::Onward,
            ),
            [
                "05:00 s1",
                "05:00 s1, 11:00 s1-copy",
                "05:00 s1, 11:00 s1-copy",
                "05:00 s1, 11:00 s1-copy",
            ],
        ),
    ];
    for (what, wanted, expected) in rows {
        let edited = station.edit(&wanted).unwrap();
        for (date, expected) in ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"]
            .iter()
            .zip(expected)
        {
            let airs = station.airs(&edited, date);
            let commune = airs.split(", ").filter(|one| !one.contains("s3"));
            assert_eq!(commune.collect::<Vec<_>>().join(", "), expected, "{what}, {date}");
        }
    }
}

/// What has begun is not touched by a change of the series: its row, and so its occurrence, stays.
#[test]
fn a_series_changes_from_its_next_airing_on() {
    let station = station();
    let wanted = news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Always);
    let edited = edit(&station.inputs(), &wanted, at("2026-11-30T05:05:00")).unwrap();
    assert_eq!(
        station.airs(&edited, "2026-11-30").split(',').next(),
        Some("05:00 s1-until-20261130")
    );
    let kept = edited.slots.iter().find(|slot| slot.id == DAILY).unwrap();
    assert_eq!(kept.spec.valid_to, Some(day("2026-11-30")));
    let begun = news("2026-11-30", to("2026-11-30T06:00:00"), Reach::Day);
    let refused = edit(&station.inputs(), &begun, at("2026-11-30T05:05:00"));
    assert_eq!(refused.unwrap_err(), EditFault::Begun);
}

#[test]
fn a_series_that_goes_on_as_another_slot_is_meant_where_profiles_name_it() {
    let station = station();
    let wanted = news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Onward);
    let edited = station.edit(&wanted).unwrap();
    assert_eq!(
        station.airs(&edited, "2026-12-09"),
        "06:30 s3, 18:30 s3",
        "muted on that day"
    );
    let twins = edited.changes.iter().filter(|change| {
        matches!(change, RowChange::Slot { before: None, twin: Some(twin), .. } if twin == "s1-until-20261201")
    });
    assert_eq!(twins.count(), 1);
}

#[test]
fn what_was_decided_of_single_days_stays_when_the_series_moves() {
    let mut station = station();
    for (date, change) in [
        ("2026-12-03", SlotChange::Cancel),
        ("2026-12-04", SlotChange::Move(moment("2026-12-04T09:00:00"))),
    ] {
        station.exceptions.push(SlotException {
            slot: DAILY,
            date: day(date),
            time: Some(time("05:00:00")),
            change,
            note: String::new(),
        });
    }
    let first = |edited: &Edited, date| {
        let airs = station.airs(edited, date);
        airs.split(", ").find(|one| one.contains("s1")).map(str::to_owned)
    };
    for reach in [Reach::Onward, Reach::Always] {
        let wanted = news("2026-12-02", to("2026-12-02T05:45:00"), reach);
        let edited = station.edit(&wanted).unwrap();
        assert_eq!(first(&edited, "2026-12-03"), None, "{reach:?}");
        assert_eq!(
            first(&edited, "2026-12-04").as_deref(),
            Some("09:00 s1"),
            "{reach:?}"
        );
        assert_eq!(
            first(&edited, "2026-12-05").as_deref(),
            Some("05:45 s1"),
            "{reach:?}"
        );
    }
    let restored = station
        .edit(&news("2026-12-04", Deed::Restore, Reach::Day))
        .unwrap();
    assert_eq!(first(&restored, "2026-12-04").as_deref(), Some("05:00 s1"));
}

/// Each row: a change, a date, and its lines before and after, `x` for those that do not air.
#[test]
fn the_consequence_is_told_line_by_line() {
    let station = station();
    let rows = [
        (
            news("2026-12-02", Deed::Skip, Reach::Day),
            "2026-12-02",
            "05:00>05:00x",
        ),
        (
            news("2026-12-02", to("2026-12-02T06:00:00"), Reach::Day),
            "2026-12-02",
            "05:00>06:00",
        ),
        (
            news("2026-12-02", to("2026-12-03T07:00:00"), Reach::Day),
            "2026-12-02",
            "05:00>05:00x",
        ),
        (
            news("2026-12-02", to("2026-12-03T07:00:00"), Reach::Day),
            "2026-12-03",
            "->07:00",
        ),
        (
            news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Onward),
            "2026-12-01",
            "",
        ),
        (
            news("2026-12-02", to("2026-12-02T05:45:00"), Reach::Onward),
            "2026-12-02",
            "05:00>05:45",
        ),
        (
            news("2026-12-02", Deed::Skip, Reach::Onward),
            "2026-12-03",
            "05:00>-",
        ),
        (
            news("2026-12-02", Deed::Resize(Duration::from_secs(300)), Reach::Day),
            "2026-12-02",
            "05:00>05:00",
        ),
        // The music yields to the commune's news meanwhile.
        (
            news("2026-12-02", to("2026-12-02T06:25:00"), Reach::Day),
            "2026-12-02",
            "05:00>06:25 06:30>06:30",
        ),
    ];
    for (wanted, date, expected) in rows {
        let edited = station.edit(&wanted).unwrap();
        assert_eq!(station.told(&edited, date), expected, "{wanted:?}");
    }
}

/// Each row: a change, and how many lines of the day an import would refuse.
#[test]
fn what_no_file_may_say_is_found() {
    let station = station();
    let insert = |clock: &str, programme, room| Edit::Insert {
        programme: ProgrammeId(programme),
        zone: VILLAGE,
        at: moment(&format!("2026-12-02T{clock}:00")),
        max_duration: Duration::from_secs(900),
        makes_room: room,
    };
    let rows = [
        (insert("10:00", 1, None), 0),
        (insert("22:00", 1, None), 1),
        (insert("18:35", 1, None), 1),
        (insert("18:35", 1, Some(MakesRoom::Move)), 0),
        (insert("18:35", 3, None), 0),
        (news("2026-12-02", to("2026-12-02T04:00:00"), Reach::Day), 1),
        (news("2026-12-02", to("2026-12-02T04:30:00"), Reach::Day), 0),
    ];
    for (wanted, expected) in rows {
        let edited = station.edit(&wanted).unwrap();
        assert_eq!(station.clashes(&edited, "2026-12-02"), expected, "{wanted:?}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let station = station();
    let length = Duration::from_secs(5 * 3_600);
    let column = |deed, reach| change(WEEKLY, "2026-12-07", "17:00:00", deed, reach);
    let rows = [
        (
            change(SlotId(9), "2026-12-02", "05:00:00", Deed::Skip, Reach::Day),
            EditFault::Gone,
        ),
        (
            change(DAILY, "2026-12-02", "05:01:00", Deed::Skip, Reach::Day),
            EditFault::Gone,
        ),
        (
            change(WEEKLY, "2026-12-02", "17:00:00", Deed::Skip, Reach::Day),
            EditFault::Gone,
        ),
        (news("2026-11-29", Deed::Skip, Reach::Day), EditFault::Begun),
        (
            news("2026-12-02", to("2026-11-30T03:00:00"), Reach::Day),
            EditFault::Past(moment("2026-11-30T03:00:00")),
        ),
        (
            news("2026-12-02", to("2026-12-02T05:00:00"), Reach::Day),
            EditFault::Nothing,
        ),
        (
            news("2026-12-02", to("2026-12-02T05:00:00"), Reach::Always),
            EditFault::Nothing,
        ),
        (news("2026-12-02", Deed::Restore, Reach::Day), EditFault::Nothing),
        (
            news("2026-12-02", Deed::Resize(length), Reach::Day),
            EditFault::Length,
        ),
        (
            news("2026-12-02", Deed::Resize(Duration::ZERO), Reach::Always),
            EditFault::Length,
        ),
        (
            change(TWICE, "2026-12-02", "06:30:00", Deed::Skip, Reach::Always),
            EditFault::SeveralTimes("s3".into()),
        ),
        (
            news("2026-12-02", to("2026-12-03T05:45:00"), Reach::Onward),
            EditFault::SeveralDays("s1".into()),
        ),
        (
            column(
                Deed::Copy {
                    to: moment("2026-12-07T18:00:00"),
                    zone: Some(ZoneId(9)),
                },
                Reach::Day,
            ),
            EditFault::NoZone,
        ),
    ];
    for (wanted, fault) in rows {
        assert_eq!(station.edit(&wanted).unwrap_err(), fault, "{wanted:?}");
    }
    let (later, shorter) = (to("2026-12-02T06:00:00"), Deed::Resize(Duration::from_secs(300)));
    for (first, second) in [(later, shorter), (shorter, later)] {
        let of_the_day = |deed| news("2026-12-02", deed, Reach::Day);
        let changed = Station {
            exceptions: station.edit(&of_the_day(first)).unwrap().exceptions,
            ..self::station()
        };
        let again = changed.edit(&of_the_day(second)).unwrap_err();
        assert_eq!(again, EditFault::ChangedAlready, "{first:?}, {second:?}");
        for deed in [first, Deed::Skip, Deed::Restore] {
            let again = changed.edit(&of_the_day(deed));
            assert_ne!(
                again.err(),
                Some(EditFault::ChangedAlready),
                "{first:?}, {deed:?}"
            );
        }
    }
    // A column of one weekday takes another.
    let moved = station
        .edit(&column(to("2026-12-09T17:30:00"), Reach::Always))
        .unwrap();
    assert!(station.airs(&moved, "2026-12-02").contains("17:30 s2"));
    assert!(!station.airs(&moved, "2026-12-07").contains("s2"));
    assert!(station.airs(&moved, "2026-12-16").contains("17:30 s2"));
}
