//! What is found in days that are written down here.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    BulletinClass, Channel, Chime, Content, ContentHash, ORDER_DEFAULT, OccurrenceId, PreEmption,
    QuietPolicy, RunSheet, RunSheetLine, SlotId, Verdict, WallTime, Zone, ZoneId, ZoneSettings, ZoneTree,
};
use loa_plan::PlanFault;
use loa_playout::EngineSettings;

use super::findings::left_out;
use super::{Facts, Finding, air, find};

const START: WallTime = WallTime::from_unix_s(1_800_000_000);
const MEDIA: ContentHash = ContentHash([1; 32]);

/// A province, a commune that may sound ten minutes a day, and its village, which says nothing of its own.
fn tree() -> ZoneTree {
    let zone = |id: i64, parent, minutes_a_day: Option<u16>| Zone {
        id: ZoneId(id),
        code: format!("z{id}"),
        name: format!("Zone {id}"),
        parent,
        channel: Channel(u16::try_from(id).expect("small")),
        settings: ZoneSettings {
            quiet: minutes_a_day.map(|minutes| QuietPolicy {
                minutes_a_day: Some(minutes),
                ..QuietPolicy::default()
            }),
            ..ZoneSettings::default()
        },
    };
    let zones = vec![
        zone(1, None, None),
        zone(2, Some(ZoneId(1)), Some(10)),
        zone(3, Some(ZoneId(2)), None),
    ];
    ZoneTree::new(zones).expect("a tree")
}

/// A line in a zone, some minutes after the start, of some minutes.
fn line(number: u32, zone: i64, after: u64, minutes: u64) -> RunSheetLine {
    let start = START + Duration::from_secs(after * 60);
    let duration = Duration::from_secs(minutes * 60);
    RunSheetLine {
        number,
        occurrence: OccurrenceId {
            slot: SlotId(i64::from(number)),
            zone: ZoneId(zone),
            start,
        },
        slot: format!("s{number}"),
        title: format!("S{number}"),
        content: Content::piece(MEDIA, duration),
        duration,
        cut: false,
        class: BulletinClass::Normal,
        order: ORDER_DEFAULT,
        chime: Chime::default(),
        pre_emption: PreEmption::Resume,
        give_up_after: None,
        start,
        verdict: Verdict::Airs,
        reasons: Vec::new(),
    }
}

/// What is said of minutes that are spent on a day of these lines.
fn minutes_spent(lines: Vec<RunSheetLine>, receivers: Vec<(ZoneId, bool)>) -> Vec<Finding> {
    let (tree, delay) = (tree(), Duration::from_millis(600));
    let sheet = RunSheet {
        number: 1,
        date: "2027-01-15".parse().expect("a date"),
        lines,
    };
    let facts = Facts {
        receivers,
        ..Facts::default()
    };
    let media = BTreeMap::from([(MEDIA, Duration::from_secs(3_600))]);
    let aired = air(
        &tree,
        std::slice::from_ref(&sheet),
        &media,
        &facts,
        EngineSettings::new(None, delay, delay),
        START - Duration::from_secs(60),
        START + Duration::from_secs(6 * 3_600),
    );
    let mut found = find(&sheet, &[], &aired, &tree, &facts);
    found.retain(|finding| matches!(finding, Finding::MinutesSpent { .. }));
    found
}

#[test]
fn a_zone_that_falls_silent_by_the_minutes_of_a_zone_above_is_found() {
    let spent = |line, zone| Finding::MinutesSpent {
        line,
        zone: ZoneId(zone),
        minutes: 10,
    };
    // The village has heard five minutes of its own when the commune's eight begin.
    let found = minutes_spent(vec![line(1, 3, 0, 5), line(2, 2, 60, 8)], Vec::new());
    assert_eq!(found, [spent(2, 3)]);
    // What the province spends of the commune's minutes is told once, whoever hears it.
    let found = minutes_spent(vec![line(1, 1, 0, 8), line(2, 1, 60, 8)], vec![(ZoneId(3), true)]);
    assert_eq!(found, [spent(2, 2)]);
}

#[test]
fn a_day_that_is_too_full_is_found() {
    assert_eq!(
        left_out(&[PlanFault::TooManyLines(7)]),
        [Finding::LeftOut { lines: 7 }]
    );
}
