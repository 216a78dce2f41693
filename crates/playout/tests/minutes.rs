//! Minutes a day: how long a zone has sounded, and from when on it is silent.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Station, line, tree};
use loa_model::{BulletinClass, PreEmption, QuietPolicy, RunSheetLine, ZoneId, ZoneTree};

/// Zone 2 and below may sound for a minute a day.
fn a_minute() -> ZoneTree {
    let all = tree();
    let zones = all.iter().cloned().map(|mut zone| {
        if zone.id == ZoneId(2) {
            zone.settings.quiet = Some(QuietPolicy {
                minutes_a_day: Some(1),
                ..QuietPolicy::default()
            });
        }
        zone
    });
    ZoneTree::new(zones.collect()).unwrap()
}

/// Airs lines until 400 seconds; midnight is at `midnight` minutes.
fn aired(lines: Vec<RunSheetLine>, midnight: i16) -> String {
    let mut station = Station::new(1, 0.0);
    let now = station.now;
    // Time zero is 08:00, UTC.
    station.engine.handle_zones(a_minute(), 16 * 60 - midnight, now);
    station.plan(lines);
    station.run(400.0);
    station.log()
}

fn normal(slot: i64, zone: i64, start: f64, duration: f64) -> RunSheetLine {
    line(slot, zone, start, duration, BulletinClass::Normal)
}

/// Each row: what is planned, and what is heard. Midnight is far, but for the last rows.
#[test]
fn a_zone_sounds_for_its_minutes_and_no_longer() {
    let priority = line(2, 2, 20.0, 20.0, BulletinClass::Priority);
    let dropped = RunSheetLine {
        pre_emption: PreEmption::Drop,
        ..normal(3, 3, 70.0, 20.0)
    };
    let rows = [
        (
            "one right after another",
            vec![normal(1, 2, 10.0, 40.0), normal(2, 2, 50.0, 40.0)],
            480,
            "p1@10.00+0.00..50.00+40.00 completed\np2@50.00+0.00..70.00+20.00 minutes_spent",
        ),
        (
            "two at once sound once",
            vec![normal(1, 1, 10.0, 40.0), priority, normal(3, 2, 60.0, 40.0)],
            480,
            "p1@10.00+0.00..50.00+40.00 completed\np2@20.00+0.00..40.00+20.00 completed\n\
             p3@60.00+0.00..80.00+20.00 minutes_spent",
        ),
        (
            "what has no minutes left takes the air from nothing",
            vec![
                normal(1, 1, 5.0, 60.0),
                line(2, 2, 60.0, 30.0, BulletinClass::Background),
                dropped,
            ],
            480,
            "p1@5.00+0.00..65.00+60.00 completed\np2 not aired: minutes_spent\np3 not aired: minutes_spent",
        ),
        (
            "across midnight each day has its own part",
            vec![normal(1, 2, 80.0, 70.0), normal(2, 2, 200.0, 60.0)],
            2,
            "p1@80.00+0.00..150.00+70.00 completed\np2@200.00+0.00..230.00+30.00 minutes_spent",
        ),
        (
            "a day that begins with a programme has all of its minutes",
            vec![normal(1, 2, 10.0, 50.0), normal(2, 2, 110.0, 90.0)],
            2,
            "p1@10.00+0.00..60.00+50.00 completed\np2@110.00+0.00..180.00+70.00 minutes_spent",
        ),
    ];
    for (name, lines, midnight, expected) in rows {
        assert_eq!(aired(lines, midnight), expected, "{name}");
    }
}
