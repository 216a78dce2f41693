//! A day on the air, as the as-run log tells it. Times are seconds; `+` is how far into the media.

mod common;

use std::time::Duration;

use common::{Station, at, last_parts, line, media};
use loa_model::BulletinClass::{Emergency, Live, Normal, Priority};
use loa_model::{
    Command, Content, EndReason, PartEnded, PreEmption, Refusal, RunSheetLine, SessionId, ZoneId,
};
use loa_playout::{Action, LastPart};

/// Runs `lines` for 200 s and returns the log.
fn aired(lines: Vec<RunSheetLine>) -> String {
    let mut station = Station::new(1, 0.0);
    station.plan(lines);
    station.run(200.0);
    station.log()
}

fn with(line: RunSheetLine, change: impl FnOnce(&mut RunSheetLine)) -> RunSheetLine {
    let mut line = line;
    change(&mut line);
    line
}

#[test]
fn planned_programmes_air_on_the_second() {
    let rows = [
        (
            "one",
            vec![line(1, 2, 10.0, 20.0, Normal)],
            "p1@10.00+0.00..30.00+20.00 completed",
        ),
        (
            "cut at its limit",
            vec![with(line(1, 2, 10.0, 20.0, Normal), |line| {
                line.cut = true;
            })],
            "p1@10.00+0.00..30.00+20.00 time_limit",
        ),
        (
            "one after another in one zone",
            vec![line(1, 2, 10.0, 20.0, Normal), line(2, 2, 30.0, 5.0, Normal)],
            "p1@10.00+0.00..30.00+20.00 completed\np2@30.00+0.00..35.00+5.00 completed",
        ),
        (
            "side by side in different zones",
            vec![line(1, 2, 10.0, 20.0, Normal), line(2, 4, 15.0, 5.0, Normal)],
            "p1@10.00+0.00..30.00+20.00 completed\np2@15.00+0.00..20.00+5.00 completed",
        ),
        (
            "a stronger one in a zone below takes nothing from the zone above",
            vec![line(1, 1, 10.0, 20.0, Normal), line(2, 3, 15.0, 5.0, Priority)],
            "p1@10.00+0.00..30.00+20.00 completed\np2@15.00+0.00..20.00+5.00 completed",
        ),
    ];
    for (name, lines, expected) in rows {
        assert_eq!(aired(lines), expected, "{name}");
    }
}

#[test]
fn the_weaker_gives_way_and_comes_back_by_its_policy() {
    let weak = |policy| with(line(1, 2, 10.0, 30.0, Normal), |line| line.pre_emption = policy);
    let province = line(2, 1, 20.0, 10.0, Normal);
    let rows = [
        (
            "resumes where it was cut",
            vec![weak(PreEmption::Resume), province.clone()],
            "p1@10.00+0.00..20.00+10.00 pre_empted\np2@20.00+0.00..30.00+10.00 completed\n\
             p1@30.00+10.00..50.00+30.00 completed",
        ),
        (
            "rejoins as if it had run",
            vec![weak(PreEmption::Rejoin), province.clone()],
            "p1@10.00+0.00..20.00+10.00 pre_empted\np2@20.00+0.00..30.00+10.00 completed\n\
             p1@30.00+20.00..40.00+30.00 completed",
        ),
        (
            "ducks, and is back as if it had run",
            vec![weak(PreEmption::Duck), province.clone()],
            "p1@10.00+0.00..20.00+10.00 pre_empted\np2@20.00+0.00..30.00+10.00 completed\n\
             p1@30.00+20.00..40.00+30.00 completed",
        ),
        (
            "is dropped",
            vec![weak(PreEmption::Drop), province.clone()],
            "p1@10.00+0.00..20.00+10.00 pre_empted\np2@20.00+0.00..30.00+10.00 completed",
        ),
        (
            "rejoins nothing when it would be over",
            vec![weak(PreEmption::Rejoin), line(2, 1, 20.0, 40.0, Normal)],
            "p1@10.00+0.00..20.00+10.00 pre_empted\np2@20.00+0.00..60.00+40.00 completed",
        ),
        (
            "waits for its beginning",
            vec![province.clone(), line(3, 2, 25.0, 10.0, Normal)],
            "p2@20.00+0.00..30.00+10.00 completed\np3@30.00+0.00..40.00+10.00 completed",
        ),
        (
            "is missed if it would only have rejoined the end",
            vec![
                province.clone(),
                with(line(3, 2, 22.0, 5.0, Normal), |line| {
                    line.pre_emption = PreEmption::Rejoin;
                }),
            ],
            "p2@20.00+0.00..30.00+10.00 completed\np3 not aired: missed",
        ),
        (
            "never begins if it gives way for good",
            vec![
                province,
                with(line(3, 2, 25.0, 10.0, Normal), |line| {
                    line.pre_emption = PreEmption::Drop;
                }),
            ],
            "p2@20.00+0.00..30.00+10.00 completed\np3 not aired: missed",
        ),
        (
            "three levels deep",
            vec![
                line(1, 3, 10.0, 30.0, Normal),
                line(2, 2, 15.0, 20.0, Normal),
                line(3, 1, 20.0, 5.0, Normal),
            ],
            "p1@10.00+0.00..15.00+5.00 pre_empted\np2@15.00+0.00..20.00+5.00 pre_empted\n\
             p3@20.00+0.00..25.00+5.00 completed\np2@25.00+5.00..40.00+20.00 completed\n\
             p1@40.00+5.00..65.00+30.00 completed",
        ),
    ];
    for (name, lines, expected) in rows {
        assert_eq!(aired(lines), expected, "{name}");
    }
}

/// Each row: what ducks and what comes over it, and what of it lies beneath: from where on, until when.
#[test]
fn what_ducks_lies_beneath_in_its_own_zone_and_under_no_emergency() {
    let music = with(line(1, 2, 10.0, 40.0, Normal), |line| {
        line.pre_emption = PreEmption::Duck;
    });
    let over = |zone, start, class| line(2, zone, start, 15.0, class);
    let rows = [
        (
            "an announcement",
            music.clone(),
            over(2, 20.0, Priority),
            Some((10.0, 35.0)),
        ),
        (
            "it ends beneath",
            music.clone(),
            over(2, 40.0, Priority),
            Some((30.0, 50.0)),
        ),
        ("from the zone above", music.clone(), over(1, 20.0, Normal), None),
        ("in the zone below", music.clone(), over(3, 20.0, Priority), None),
        ("an emergency", music.clone(), over(2, 20.0, Emergency), None),
        (
            "what only rejoins",
            with(music.clone(), |line| line.pre_emption = PreEmption::Rejoin),
            over(2, 20.0, Priority),
            None,
        ),
        (
            "both planned for one second",
            music,
            over(2, 10.0, Priority),
            Some((0.0, 25.0)),
        ),
    ];
    for (name, music, over, expected) in rows {
        let mut station = Station::new(1, 0.0);
        station.plan(vec![music, over]);
        station.run(100.0);
        let beds: Vec<_> = station
            .actions
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Start(start) => start.bed,
                _ => None,
            })
            .map(|bed| {
                (
                    bed.media,
                    bed.offset.as_secs_f64(),
                    bed.ends.ns_after(at(0.0)) as f64 / 1e9,
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .map(|(offset, ends)| (media(1), offset, ends))
            .into_iter()
            .collect();
        assert_eq!(beds, expected, "{name}");
    }
}

#[test]
fn a_chime_sounds_before_and_is_never_cut_into() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        line(1, 2, 5.0, 30.0, Normal),
        with(line(2, 1, 20.0, 10.0, Normal), |line| {
            line.chime.before = true;
        }),
    ]);
    station.run(100.0);
    assert_eq!(
        station.log(),
        "p1@5.00+0.00..18.00+13.00 pre_empted\np2@20.00+0.00..30.00+10.00 completed\n\
         p1@30.00+13.00..47.00+30.00 completed"
    );
    let chimes = station
        .actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::Start(start) if start.chime));
    assert_eq!(chimes.count(), 1);
}

#[test]
fn starts_are_put_out_in_time_to_be_sent_and_media_before() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![with(line(1, 2, 100.0, 20.0, Normal), |line| {
        line.chime.before = true;
    })]);
    station.run(200.0);
    let when = |wanted: fn(&Action) -> bool| {
        station
            .actions
            .iter()
            .find(|(_, action)| wanted(action))
            .map(|(when, _)| common::s(*when))
    };
    assert_eq!(
        when(|action| matches!(action, Action::Prepare { .. })),
        Some(68.0)
    );
    let start = when(|action| matches!(action, Action::Start(_)));
    assert!(start.is_some_and(|start| start <= 98.0 - 0.6), "{start:?}");
    assert!(when(|action| matches!(action, Action::Release { .. })) >= Some(120.0));
}

#[test]
fn an_override_takes_the_air_at_once_and_gives_it_back() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        line(1, 2, 10.0, 60.0, Normal),
        line(2, 4, 10.0, 60.0, Normal),
    ]);
    station.run(30.0);
    station.start_override(2, 9, Emergency, 10.0);
    station.run(100.0);
    assert_eq!(
        station.log(),
        // The programme's media time may not go back on its stream, so it resumes 400 ms later.
        "p1@10.00+0.00..30.28+20.28 pre_empted\np2@10.00+0.00..70.00+60.00 completed\n\
         o9@30.28+0.00..40.28+10.00 completed\np1@40.68+20.28..80.40+60.00 completed"
    );
}

#[test]
fn an_override_that_comes_just_before_a_planned_start_keeps_it_waiting() {
    for pressed in [8.7, 8.95, 9.2, 9.5, 9.71] {
        let mut station = Station::new(1, 0.0);
        station.plan(vec![line(1, 2, 10.0, 20.0, Normal)]);
        station.run(pressed);
        station.start_override(1, 9, Emergency, 5.0);
        station.run(100.0);
        let (from, to) = (pressed + 0.28, pressed + 5.28);
        assert_eq!(
            station.log(),
            format!(
                "o9@{from:.2}+0.00..{to:.2}+5.00 completed\np1@{:.2}+0.00..{:.2}+20.00 completed",
                to,
                to + 20.0
            ),
            "pressed at {pressed}"
        );
    }
}

#[test]
fn an_override_in_the_last_second_of_a_programme_lets_it_end_afterwards() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![line(1, 2, 10.0, 20.0, Normal)]);
    station.run(29.3);
    station.start_override(1, 9, Emergency, 5.0);
    station.run(100.0);
    assert_eq!(
        station.log(),
        "p1@10.00+0.00..29.58+19.58 pre_empted\no9@29.58+0.00..34.58+5.00 completed\n\
         p1@34.58+19.58..35.00+20.00 completed"
    );
}

#[test]
fn of_two_emergencies_the_newest_is_heard_first() {
    let mut station = Station::new(1, 0.0);
    station.start_override(2, 8, Emergency, 20.0);
    station.run(5.0);
    station.start_override(2, 9, Emergency, 5.0);
    station.run(60.0);
    assert_eq!(
        station.log(),
        "o8@0.28+0.00..5.28+5.00 pre_empted\no9@5.28+0.00..10.28+5.00 completed\no8@10.28+5.00..25.28+20.00 completed"
    );
}

#[test]
fn a_weaker_override_waits() {
    let mut station = Station::new(1, 0.0);
    station.start_override(1, 8, Emergency, 10.0);
    station.run(1.0);
    station.start_override(2, 9, Live, 5.0);
    station.run(60.0);
    assert_eq!(
        station.log(),
        "o8@0.28+0.00..10.28+10.00 completed\no9@10.28+0.00..15.28+5.00 completed"
    );
}

#[test]
fn a_person_can_stop_what_sounds_and_what_waits() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        line(1, 2, 10.0, 60.0, Normal),
        line(2, 2, 20.0, 60.0, Normal),
    ]);
    station.run(30.0);
    let [first, second] = [1, 2].map(|count| SessionId::new(1, count));
    station.stop(second);
    station.stop(first);
    station.run(60.0);
    assert_eq!(
        station.log(),
        "p1@10.00+0.00..31.05+21.05 stopped\np2 not aired: stopped by op"
    );
    let again = station.command(Command::Stop {
        session: first,
        by: "op".into(),
    });
    assert_eq!(again, Err(Refusal::UnknownSession(first)));
}

#[test]
fn what_waits_follows_a_session_that_was_stopped() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![line(1, 2, 10.0, 60.0, Normal)]);
    station.run(20.0);
    let emergency = station.start_override(1, 9, Emergency, 60.0);
    station.run(30.0);
    station.stop(emergency);
    station.run(200.0);
    assert_eq!(
        station.log(),
        "p1@10.00+0.00..20.28+10.28 pre_empted\no9@20.28+0.00..30.65+10.37 stopped\np1@30.68+10.28..80.40+60.00 completed"
    );
}

#[test]
fn shut_down_ends_everything_once_and_refuses_more() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        line(1, 2, 10.0, 60.0, Normal),
        line(2, 2, 20.0, 10.0, Normal),
        line(3, 4, 31.0, 10.0, Normal),
    ]);
    station.run(30.0);
    station.command(Command::ShutDown).ok();
    station.run(60.0);
    let refused = station.command(Command::StartOverride {
        zone: ZoneId(1),
        title: "late".into(),
        content: Content::piece(media(9), Duration::from_secs(1)),
        class: Emergency,
        chime: false,
        limit: Duration::from_secs(1),
        drill: false,
        by: "op".into(),
    });
    assert_eq!(refused, Err(Refusal::ShuttingDown));
    let log = station.log();
    assert!(
        log.starts_with("p1@10.00+0.00..31.05+21.05 head_end_stopped\np2 not aired: head_end_stopped"),
        "{log}"
    );
}

#[test]
fn media_that_comes_late_starts_from_its_beginning_and_fails_without_dead_air() {
    let mut station = Station::new(1, 0.0);
    station.slow = [media(1), media(2)].into();
    station.plan(vec![
        line(1, 2, 10.0, 20.0, Priority),
        line(2, 4, 10.0, 20.0, Normal),
        line(3, 2, 5.0, 60.0, Normal),
    ]);
    station.run(15.0);
    station.load(1, Ok(20.0));
    station.load(2, Err("disk gone"));
    station.run(100.0);
    assert_eq!(
        station.log(),
        "p3@5.00+0.00..15.68+10.68 pre_empted\np2 not aired: fault: disk gone\n\
         p1@15.68+0.00..35.68+20.00 completed\np3@35.68+10.68..85.00+60.00 completed"
    );
}

#[test]
fn a_new_run_sheet_changes_what_is_to_come_and_ends_what_is_gone() {
    let mut station = Station::new(1, 0.0);
    let kept = line(1, 2, 10.0, 60.0, Normal);
    station.plan(vec![
        kept.clone(),
        line(2, 4, 10.0, 60.0, Normal),
        line(3, 4, 90.0, 10.0, Normal),
    ]);
    station.run(20.0);
    station.plan(vec![
        kept,
        line(3, 4, 95.0, 10.0, Normal),
        line(4, 2, 5.0, 60.0, Normal),
    ]);
    station.run(200.0);
    assert_eq!(
        station.log(),
        "p1@10.00+0.00..70.00+60.00 completed\np2@10.00+0.00..21.05+11.05 unplanned\np3@95.00+0.00..105.00+10.00 completed"
    );
}

#[test]
fn after_a_crash_it_goes_on_where_it_would_have_been() {
    let lines = || {
        vec![
            line(1, 2, 10.0, 60.0, Normal),
            line(2, 4, 10.0, 5.0, Normal),
            line(3, 4, 31.0, 5.0, Normal),
            line(4, 4, 90.0, 5.0, Normal),
        ]
    };
    let mut before = Station::new(1, 0.0);
    before.plan(lines());
    before.run(30.0);
    let mut after = Station::new(2, 40.0);
    let now = after.now;
    after
        .engine
        .restore(&last_parts(&before.events()), &[], &[], &[], Some(at(30.0)), now);
    after.plan(lines());
    after.run(200.0);
    assert_eq!(
        after.log(),
        "p3 not aired: missed\np1@40.68+30.68..70.00+60.00 completed\np4@90.00+0.00..95.00+5.00 completed"
    );
}

#[test]
fn after_a_crash_what_was_pre_empted_waits_and_what_is_over_stays_over() {
    let lines = || vec![line(1, 2, 10.0, 60.0, Normal), line(2, 2, 5.0, 2.0, Normal)];
    let mut before = Station::new(1, 0.0);
    before.plan(lines());
    before.run(20.0);
    before.start_override(1, 9, Emergency, 100.0);
    before.run(30.0);
    let mut after = Station::new(2, 32.0);
    let now = after.now;
    after
        .engine
        .restore(&last_parts(&before.events()), &[], &[], &[], Some(at(30.0)), now);
    after.plan(lines());
    after.run(300.0);
    assert_eq!(
        after.log(),
        "o9@32.28+12.00..120.28+100.00 completed\np1@120.28+10.28..170.00+60.00 completed"
    );
}

/// A day until 220 s, then a power cut after which the clock shows `now`.
fn after_a_power_cut_at_220(now: f64) -> String {
    let lines = || {
        vec![
            line(1, 2, 200.0, 60.0, Normal),
            line(2, 4, 150.0, 5.0, Normal),
            line(3, 4, 300.0, 5.0, Normal),
        ]
    };
    let mut before = Station::new(1, 0.0);
    before.plan(lines());
    before.run(220.0);
    let mut parts = last_parts(&before.events());
    for LastPart { started, ended } in &mut parts {
        ended.get_or_insert_with(|| PartEnded {
            session: started.session,
            part: started.part,
            at: at(220.0),
            media_offset: at(220.0).since(started.at),
            reason: EndReason::HeadEndLost,
        });
    }
    let mut after = Station::new(2, now);
    after
        .engine
        .restore(&parts, &[], &[], &[], Some(at(220.0)), at(now));
    after.plan(lines());
    after.run(500.0);
    after.log()
}

#[test]
fn a_clock_that_is_set_by_minutes_across_a_power_cut_repeats_nothing() {
    assert_eq!(
        after_a_power_cut_at_220(103.0),
        "p1@103.68+20.00..143.68+60.00 completed\np3@300.00+0.00..305.00+5.00 completed",
        "back: it goes on from where it was"
    );
    assert_eq!(
        after_a_power_cut_at_220(343.0),
        "p3 not aired: missed",
        "forward: it is over"
    );
}

#[test]
fn a_station_that_starts_in_the_middle_of_a_programme_joins_it() {
    let mut station = Station::new(1, 30.0);
    station.plan(vec![line(1, 2, 10.0, 60.0, Normal), line(2, 4, 5.0, 5.0, Normal)]);
    station.run(200.0);
    assert_eq!(station.log(), "p1@30.68+20.68..70.00+60.00 completed");
}

#[test]
fn the_snapshot_tells_what_is_heard_and_what_comes_next() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        line(1, 3, 10.0, 60.0, Normal),
        line(2, 1, 20.0, 10.0, Normal),
        line(3, 2, 90.0, 5.0, Normal),
    ]);
    station.run(25.0);
    let snapshot = station.engine.snapshot(station.now);
    let village = snapshot
        .zones
        .iter()
        .find(|state| state.zone == ZoneId(3))
        .expect("zone 3 exists");
    assert_eq!(village.on_air, None);
    assert_eq!(
        village.heard.as_ref().map(|heard| heard.title.as_str()),
        Some("p2")
    );
    assert_eq!(
        village
            .waiting
            .iter()
            .map(|session| session.title.as_str())
            .collect::<Vec<_>>(),
        ["p1"]
    );
    assert_eq!(village.next.as_ref().map(|next| next.title.as_str()), Some("p3"));
}
