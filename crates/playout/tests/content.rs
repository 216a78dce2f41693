//! Playlists, relays, silence, fills, quiet hours: what a day is made of besides single files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{CHIME, Station, at, last_parts, line, media, settings, tree};
use loa_model::{
    ApprovalState, BulletinClass, Chime, Command, Content, Days, Piece, PreEmption, QuietPolicy, Reason,
    Refusal, Relay, RelayId, RunSheetLine, Sound, Window, ZoneId, ZoneTree,
};
use loa_playout::{Action, EngineSettings, Feed};

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A line of pieces, named by the numbers of their media, with their lengths in seconds.
fn playlist(slot: i64, start: f64, pieces: &[(i64, f64)]) -> RunSheetLine {
    let content = pieces.iter().map(|(number, duration)| Piece {
        media: media(*number),
        duration: s(*duration),
    });
    let content = Content::Pieces(content.collect());
    let duration = content.duration().unwrap();
    RunSheetLine {
        content,
        duration,
        ..line(slot, 1, start, 1.0, BulletinClass::Normal)
    }
}

fn relay(slot: i64, start: f64, duration: f64) -> RunSheetLine {
    RunSheetLine {
        content: Content::Relay(Relay {
            sources: vec!["http://one".into(), "http://two".into()],
            fill: None,
            silence: s(10.0),
            studio: false,
        }),
        cut: true,
        pre_emption: PreEmption::Rejoin,
        ..line(slot, 1, start, duration, BulletinClass::Normal)
    }
}

/// What was put out for the sender: when it sounds, and what.
fn feeds(station: &Station) -> String {
    let starts = station.actions.iter().filter_map(|(_, action)| match action {
        Action::Start(start) => Some(start),
        _ => None,
    });
    let texts = starts.map(|start| {
        let what = match start.feed {
            Feed::Media { media, offset } => format!("{}+{}", media.0[0], offset.as_secs_f64()),
            Feed::Relay(relay) => format!("relay {relay}"),
            Feed::Voice | Feed::Silence => "silence".to_owned(),
        };
        let cut = if start.cut { " cut" } else { "" };
        format!("{}..{} {what}{cut}", common::s(start.at), common::s(start.ends))
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn opened(station: &Station) -> Vec<(f64, bool)> {
    let told = station.actions.iter().filter_map(|(when, action)| match action {
        Action::OpenRelay { .. } => Some((common::s(*when), true)),
        Action::CloseRelay { .. } => Some((common::s(*when), false)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_playlist_airs_piece_after_piece_without_a_hole() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![playlist(1, 60.0, &[(1, 10.0), (2, 20.0), (3, 5.0)])]);
    station.run(120.0);
    assert_eq!(feeds(&station), "60..70 1+0\n70..90 2+0\n90..95 3+0");
    let log = "p1@60.00+0.00..70.00+10.00 completed\np1@70.00+10.00..90.00+30.00 completed\n\
               p1@90.00+30.00..95.00+35.00 completed";
    assert_eq!(station.log(), log);
}

/// Its next piece is decided, and nothing of it is sent.
#[test]
fn a_playlist_that_is_archived_on_the_air_stays_there_between_two_pieces() {
    let mut station = Station::new(1, 0.0);
    let line = playlist(1, 10.0, &[(1, 10.0), (2, 20.0)]);
    station.plan(vec![line.clone()]);
    station.run(19.0);
    let archived = Reason::NotApproved {
        state: ApprovalState::Archived,
        what: "1".into(),
    };
    station.plan(vec![RunSheetLine {
        reasons: vec![archived],
        ..line
    }]);
    station.run(60.0);
    let log = "p1@10.00+0.00..20.00+10.00 completed\np1@20.00+10.00..40.00+30.00 completed";
    assert_eq!(station.log(), log);
}

#[test]
fn what_is_interrupted_goes_on_within_its_piece_and_then_with_the_next() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        playlist(1, 10.0, &[(1, 10.0), (2, 20.0)]),
        line(9, 1, 25.0, 5.0, BulletinClass::Priority),
    ]);
    station.run(90.0);
    assert_eq!(feeds(&station), "10..20 1+0\n20..40 2+0\n25..30 9+0\n30..45 2+5");
}

#[test]
fn a_piece_that_cannot_be_had_is_passed_over_and_told() {
    let mut station = Station::new(1, 0.0);
    station.slow.insert(media(2));
    station.plan(vec![playlist(1, 40.0, &[(1, 10.0), (2, 20.0), (3, 5.0)])]);
    station.run(45.0);
    station.load(2, Err("its file is gone"));
    station.run(90.0);
    assert_eq!(feeds(&station), "40..50 1+0\n50..55 3+0");
    assert!(station.log().contains("source_failed"), "{}", station.log());
}

/// A playlist that goes on while something stronger sounds, from 15 to 25; its second piece is slow to load.
fn rejoining() -> Station {
    let mut station = Station::new(1, 0.0);
    station.slow.insert(media(2));
    let playlist = playlist(1, 10.0, &[(1, 10.0), (2, 20.0), (3, 20.0)]);
    station.plan(vec![
        RunSheetLine {
            pre_emption: PreEmption::Rejoin,
            ..playlist
        },
        line(9, 1, 15.0, 10.0, BulletinClass::Priority),
    ]);
    station
}

#[test]
fn a_piece_that_fails_while_it_is_waited_for_gives_way_to_the_next() {
    let mut station = rejoining();
    station.run(32.0);
    station.load(2, Err("its file is gone"));
    station.run(90.0);
    assert_eq!(feeds(&station), "10..20 1+0\n15..25 9+0\n32.68..52 3+0.68");
}

#[test]
fn what_waits_for_a_piece_goes_on_with_the_next_when_its_time_comes() {
    let mut station = rejoining();
    station.run(90.0);
    assert_eq!(feeds(&station), "10..20 1+0\n15..25 9+0\n40.68..60 3+0.68");
}

#[test]
fn a_limit_cuts_a_playlist_inside_a_piece() {
    let mut station = Station::new(1, 0.0);
    let whole = playlist(1, 10.0, &[(1, 10.0), (2, 20.0)]);
    station.plan(vec![RunSheetLine {
        duration: s(15.0),
        cut: true,
        ..whole
    }]);
    station.run(60.0);
    assert_eq!(feeds(&station), "10..20 1+0\n20..25 2+0 cut");
    assert!(station.log().ends_with("time_limit"), "{}", station.log());
}

#[test]
fn the_chime_sounds_after_a_programme_even_if_it_is_cut() {
    let mut station = Station::new(1, 0.0);
    let after = Chime {
        after: true,
        gain_db: -6,
        ..Chime::default()
    };
    station.plan(vec![RunSheetLine {
        chime: after,
        content: Content::piece(media(1), s(30.0)),
        duration: s(20.0),
        cut: true,
        ..line(1, 1, 10.0, 20.0, BulletinClass::Normal)
    }]);
    station.run(60.0);
    assert_eq!(feeds(&station), format!("10..30 1+0\n30..32 {CHIME}+0 cut"));
}

#[test]
fn a_crash_between_two_pieces_goes_on_with_the_next() {
    let mut before = Station::new(1, 0.0);
    let day = vec![playlist(1, 10.0, &[(1, 10.0), (2, 20.0)])];
    before.plan(day.clone());
    before.run(20.05);
    let log = before.events();
    let mut station = Station::new(2, 23.0);
    let now = station.now;
    station
        .engine
        .restore(&last_parts(&log), &[], &[], &[], Some(at(20.0)), now);
    station.drain();
    station.plan(day);
    station.run(60.0);
    let back = feeds(&station);
    assert!(back.starts_with("23.68..40 2+3.68"), "{back}");
}

#[test]
fn a_relay_is_connected_before_it_is_due_and_let_go_after() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![relay(1, 100.0, 30.0)]);
    station.run(200.0);
    assert_eq!(feeds(&station), "100..130 relay 1 cut");
    let told = opened(&station);
    let (open, close) = (told[0], told[1]);
    assert!((100.0 - 22.0..=80.0).contains(&open.0) && open.1, "{told:?}");
    assert!((130.0..131.0).contains(&close.0) && !close.1, "{told:?}");
}

#[test]
fn every_change_of_source_is_a_part_of_its_own() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![relay(1, 50.0, 60.0)]);
    station.run(40.0);
    let tell = |station: &mut Station, sound, failed: Option<&str>| {
        let now = station.now;
        station
            .engine
            .handle_relay(RelayId(1), sound, failed.map(str::to_owned), now);
        station.drain();
    };
    tell(&mut station, Sound::Source(0), None);
    station.run(60.0);
    tell(&mut station, Sound::Source(1), Some("stalled"));
    station.run(70.0);
    tell(&mut station, Sound::Fill(None), Some("silent"));
    station.run(80.0);
    tell(&mut station, Sound::Source(0), None);
    station.run(150.0);
    let log = "p1@50.00+0.00..60.00+10.00 source_failed\np1@60.00+10.00..70.00+20.00 source_failed\n\
               p1@70.00+20.00..80.00+30.00 source_back\np1@80.00+30.00..110.00+60.00 time_limit";
    assert_eq!(station.log(), log);
    assert_eq!(
        feeds(&station),
        "50..110 relay 1 cut",
        "one stretch to the sender"
    );
}

#[test]
fn a_relay_that_is_interrupted_is_taken_off_as_one_and_comes_back_inside_its_window() {
    let mut station = Station::new(1, 0.0);
    station.plan(vec![
        relay(1, 50.0, 60.0),
        line(9, 1, 80.0, 10.0, BulletinClass::Priority),
    ]);
    station.run(60.0);
    let now = station.now;
    station
        .engine
        .handle_relay(RelayId(1), Sound::Source(1), Some("stalled".into()), now);
    station.run(150.0);
    assert_eq!(
        feeds(&station),
        "50..110 relay 1 cut\n80..90 9+0\n90..110 relay 1 cut"
    );
    let stops = station.actions.iter().filter_map(|(_, action)| match action {
        Action::Stop { part, at, .. } => Some((*part, common::s(*at))),
        _ => None,
    });
    assert_eq!(
        stops.collect::<Vec<_>>(),
        [(1, 80.0)],
        "by the number it was started with"
    );
}

#[test]
fn silence_holds_the_air_against_what_is_weaker() {
    let mut station = Station::new(1, 0.0);
    let quiet = RunSheetLine {
        content: Content::Silence,
        cut: true,
        ..line(1, 2, 10.0, 20.0, BulletinClass::Normal)
    };
    station.plan(vec![line(2, 2, 15.0, 30.0, BulletinClass::Background), quiet]);
    station.run(90.0);
    assert_eq!(feeds(&station), "10..30 silence cut\n30..60 2+0");
}

#[test]
fn dead_air_gives_way_to_the_fill_until_the_piece_would_have_ended() {
    let fill = Piece {
        media: media(50),
        duration: s(8.0),
    };
    let settings = EngineSettings {
        fill: Some(fill),
        ..settings()
    };
    let mut station = Station::with(settings, 1, 0.0);
    station.plan(vec![playlist(1, 10.0, &[(1, 30.0), (2, 10.0)])]);
    station.run(20.0);
    let session = station.engine.snapshot(station.now).zones[0]
        .on_air
        .clone()
        .unwrap()
        .session;
    let now = station.now;
    assert_eq!(
        station.engine.handle_dead_air(session, false, now).as_deref(),
        Some("p1")
    );
    station.drain();
    station.run(90.0);
    let expected = "10..40 1+0\n21.05..29.05 50+0\n29.05..37.05 50+0\n37.05..40 50+0 cut\n40..50 2+0";
    assert_eq!(feeds(&station), expected);
    assert!(
        station
            .log()
            .starts_with("p1@10.00+0.00..21.05+11.05 source_failed"),
        "{}",
        station.log()
    );
}

/// A station with eight seconds of fill, a relay on its air, and the session that carries it.
fn relaying() -> (Station, loa_model::SessionId) {
    let fill = Piece {
        media: media(50),
        duration: s(8.0),
    };
    let settings = EngineSettings {
        fill: Some(fill),
        ..settings()
    };
    let mut station = Station::with(settings, 1, 0.0);
    station.plan(vec![relay(1, 50.0, 30.0)]);
    station.run(60.0);
    let on_air = station.engine.snapshot(station.now).zones[0].on_air.clone();
    (station, on_air.unwrap().session)
}

#[test]
fn a_relay_without_a_fill_of_its_own_has_the_stations_and_a_studio_has_none() {
    let filled = |spec: &Relay| {
        let mut station = relaying().0;
        let studio = Content::Relay(spec.clone());
        station.plan(vec![RunSheetLine {
            content: studio,
            ..relay(2, 200.0, 30.0)
        }]);
        station.run(190.0);
        let opened = station.actions.iter().filter_map(|(_, action)| match action {
            Action::OpenRelay { spec, .. } => Some(spec.fill),
            _ => None,
        });
        opened.collect::<Vec<_>>()
    };
    let spec = |fill, studio| Relay {
        sources: vec!["rtp://239.1.1.1:5004".into()],
        fill,
        silence: s(10.0),
        studio,
    };
    let of_station = Some(media(50));
    assert_eq!(filled(&spec(None, false)), [of_station, of_station]);
    assert_eq!(filled(&spec(Some(media(7)), false)), [of_station, Some(media(7))]);
    assert_eq!(filled(&spec(None, true)), [of_station, None]);
}

#[test]
fn a_relay_of_which_no_packet_comes_gives_way_to_the_fill_until_its_end() {
    let (mut station, session) = relaying();
    let (now, source) = (station.now, Sound::Source(0));
    station.engine.handle_relay(RelayId(1), source, None, now);
    station.engine.handle_dead_air(session, false, now);
    station.run(61.0);
    assert_eq!(
        feeds(&station),
        "50..80 relay 1 cut",
        "its source is silent, and it watches"
    );
    station.engine.handle_dead_air(session, true, station.now);
    station.run(120.0);
    let expected = "50..80 relay 1 cut\n62.05..70.05 50+0\n70.05..78.05 50+0\n78.05..80 50+0 cut";
    assert_eq!(feeds(&station), expected);
    assert_eq!(opened(&station).len(), 2, "and is let go");
    assert!(
        station
            .log()
            .contains("p1@60.00+10.00..62.05+12.05 source_failed"),
        "{}",
        station.log()
    );
}

#[test]
fn what_waits_too_long_gives_up_and_is_not_taken_up_again() {
    let mut station = Station::new(1, 0.0);
    let patient = RunSheetLine {
        give_up_after: Some(s(5.0)),
        ..line(1, 1, 10.0, 20.0, BulletinClass::Normal)
    };
    let day = vec![patient, line(2, 1, 15.0, 10.0, BulletinClass::Priority)];
    station.plan(day.clone());
    station.run(90.0);
    assert_eq!(feeds(&station), "10..30 1+0\n15..25 2+0");
    assert!(station.log().contains("gave_up"), "{}", station.log());
    let mut again = Station::new(2, 22.0);
    let now = again.now;
    again
        .engine
        .restore(&last_parts(&station.events()), &[], &[], &[], Some(at(21.0)), now);
    again.plan(day);
    again.run(90.0);
    assert_eq!(feeds(&again), "");
}

#[test]
fn the_communes_order_decides_between_items_of_one_class() {
    let mut station = Station::new(1, 0.0);
    let first = RunSheetLine {
        order: 1,
        ..line(2, 1, 10.0, 5.0, BulletinClass::Priority)
    };
    station.plan(vec![line(1, 1, 10.0, 5.0, BulletinClass::Priority), first]);
    station.run(60.0);
    assert_eq!(
        station.log(),
        "p2@10.00+0.00..15.00+5.00 completed\np1@15.00+0.00..20.00+5.00 completed"
    );
}

/// Zone 2 and below may sound from `from` to `to` seconds, for at most `minutes`. Time zero is 08:00 on a Friday, UTC.
fn quiet(from: u16, to: u16, minutes: Option<u16>) -> ZoneTree {
    let window = Window {
        days: Days::ALL,
        from: 480 + from,
        to: 480 + to,
    };
    let all = tree();
    let zones = all.iter().cloned().map(|mut zone| {
        if zone.id == ZoneId(2) {
            zone.settings.quiet = Some(QuietPolicy {
                windows: vec![window],
                minutes_a_day: minutes,
                volume: Vec::new(),
            });
        }
        zone
    });
    ZoneTree::new(zones.collect()).unwrap()
}

#[test]
fn nothing_normal_sounds_in_quiet_hours() {
    let mut station = Station::new(1, 0.0);
    let now = station.now;
    station.engine.handle_zones(quiet(1, 2, None), 0, now);
    station.plan(vec![
        line(1, 2, 30.0, 60.0, BulletinClass::Normal),
        line(2, 3, 100.0, 60.0, BulletinClass::Priority),
        line(3, 3, 130.0, 5.0, BulletinClass::Emergency),
        line(4, 4, 130.0, 5.0, BulletinClass::Normal),
    ]);
    station.run(125.0);
    let refused = station.command(Command::StartOverride {
        zone: ZoneId(3),
        title: "o".into(),
        content: Content::piece(media(8), s(5.0)),
        class: BulletinClass::Live,
        chime: false,
        limit: s(5.0),
        drill: false,
        by: "op".into(),
    });
    assert_eq!(refused, Err(Refusal::QuietHours(ZoneId(3))));
    station.start_override(3, 9, BulletinClass::Emergency, 5.0);
    station.run(200.0);
    let log = "p1 not aired: quiet_hours\np2@100.00+0.00..120.00+20.00 quiet_hours\n\
               o9@125.28+0.00..130.28+5.00 completed\np3 not aired: quiet_hours\np4@130.00+0.00..135.00+5.00 completed";
    assert_eq!(station.log(), log);
}

/// Each row: when a live voice is asked for, and whether it may sound. It is heard 280 ms later at the earliest, and the
/// zone may sound from 60 to 120 seconds.
#[test]
fn an_override_may_sound_when_it_can_first_be_heard() {
    for (when, may) in [(59.71, false), (59.73, true), (118.0, true), (119.73, false)] {
        let mut station = Station::new(1, 0.0);
        let now = station.now;
        station.engine.handle_zones(quiet(1, 2, None), 0, now);
        station.run(when);
        let answer = station.command(Command::StartOverride {
            zone: ZoneId(3),
            title: "o".into(),
            content: Content::piece(media(8), s(0.1)),
            class: BulletinClass::Live,
            chime: false,
            limit: s(5.0),
            drill: false,
            by: "op".into(),
        });
        assert_eq!(answer.is_ok(), may, "asked at {when}: {answer:?}");
        station.run(200.0);
        assert_eq!(!station.log().is_empty(), may, "asked at {when}");
    }
}

#[test]
fn minutes_of_a_day_are_counted_across_programmes_and_restarts() {
    let mut station = Station::new(1, 0.0);
    let now = station.now;
    station.engine.handle_zones(quiet(0, 600, Some(1)), 0, now);
    // What airs above is heard here too.
    let day = vec![
        line(1, 1, 10.0, 25.0, BulletinClass::Normal),
        line(2, 2, 50.0, 60.0, BulletinClass::Normal),
        line(3, 2, 200.0, 10.0, BulletinClass::Normal),
    ];
    station.plan(day.clone());
    station.run(300.0);
    let log = "p1@10.00+0.00..35.00+25.00 completed\np2@50.00+0.00..85.00+35.00 minutes_spent\np3 not aired: minutes_spent";
    assert_eq!(station.log(), log);

    let mut again = Station::new(2, 150.0);
    let now = again.now;
    again.engine.handle_zones(quiet(0, 600, Some(1)), 0, now);
    let heard = loa_playout::Stretch {
        zone: ZoneId(2),
        from: at(50.0),
        to: at(110.0),
    };
    again
        .engine
        .restore(&[], &[], &[], &[heard], Some(at(140.0)), now);
    again.plan(day);
    again.run(300.0);
    assert!(
        again.log().contains("p3 not aired: minutes_spent"),
        "{}",
        again.log()
    );
}
