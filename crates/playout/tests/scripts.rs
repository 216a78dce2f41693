//! Day-to-day trouble, action by action. The language is explained in `common/script.rs`.

mod common;

use common::script::check;
use common::{Station, line, media};
use loa_model::BulletinClass::{Background, Emergency, Normal, Priority};
use loa_model::{Command, CommandDone, Content, Refusal, SESSIONS_PER_ZONE_MAX, ZoneId};
use std::time::Duration;

#[test]
fn a_planned_programme_is_prepared_started_ahead_of_time_logged_and_released() {
    let rows = [
        (
            "with a chime, cut at its limit",
            "0 plan 1:z2@100+20:normal:chime:cut
         200 end",
            "68 prepare 1
         96.87 start 1/1 z2 @100+0..120 chime cut
         98 began 1/1 @100
         120 ended 1/1 @120 time_limit
         120 release 1",
        ),
        (
            "what failed is asked for again when a person wants it",
            "0 slow 1
             0 plan 1:z2@20+20:normal
             5 fail 1
             6 override 1 z4 live 5
             7 load 1
             60 end",
            "0 prepare 1
             6 prepare 1
             7 start 1/1 z4 @7.28+0..12.28
             7.28 began 1/1 @7.28
             12.28 ended 1/1 @12.28 completed
             18.87 start 1/1 z2 @20+0..40
             20 began 1/1 @20
             40 ended 1/1 @40 completed
             40 release 1",
        ),
    ];
    check(&rows, &[]);
}

#[test]
fn somebody_speaks_and_what_was_interrupted_goes_on() {
    let rows = [
        (
            "until the button is let go",
            "0 plan 1:z2@10+60:normal
             20 speak 9 z1 live 0/600
             30 over 9
             90 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             20 start 251/1 z1 @20.28+0..620.28 cut
             20 stop 1/1 @20.28
             20.28 ended 1/1 @20.28 pre_empted
             20.28 began 251/1 @20.28
             30 stop 251/1 @30.65
             30 start 1/2 z2 @30.68+10.28..80.4
             30.65 ended 251/1 @30.65 completed
             30.65 hush 251
             30.68 began 1/2 @30.68
             80.4 ended 1/2 @80.4 completed",
        ),
        (
            "until the connection is lost, or the head-end is: nobody speaks again by himself",
            "0 plan
             20 speak 9 z1 live 0/600
             30 vanish 9
             40 speak 8 z1 live 0/600
             50 lost 55
             90 end",
            "20 start 251/1 z1 @20.28+0..620.28 cut
             20.28 began 251/1 @20.28
             30 stop 251/1 @30.65
             30.65 ended 251/1 @30.65 speaker_lost
             30.65 hush 251
             40 start 251/1 z1 @40.28+0..640.28 cut
             40.28 began 251/1 @40.28",
        ),
        (
            "and a stronger one is in between: what is said meanwhile is gone, and the limit goes on",
            "0 plan
             20 speak 9 z1 live 0/60
             30 override 8 z1 emergency 5
             90 end",
            "20 start 251/1 z1 @20.28+0..80.28 cut
             20.28 began 251/1 @20.28
             30 start 8/1 z1 @30.28+0..35.28
             30 stop 251/1 @30.28
             30.28 ended 251/1 @30.28 pre_empted
             30.28 began 8/1 @30.28
             34.15 start 251/2 z1 @35.28+0..80.28 cut
             35.28 began 251/2 @35.28
             35.28 ended 8/1 @35.28 completed
             80.28 ended 251/2 @80.28 time_limit
             80.28 hush 251",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_drill_never_takes_the_air_from_an_emergency() {
    let rows = [(
        "whatever class it asks for, and though it is newer",
        "0 plan
         10 override 8 z1 emergency 20
         15 override 9 z1 emergency 5 drill
         60 end",
        "10 start 8/1 z1 @10.28+0..30.28
         10.28 began 8/1 @10.28
         29.15 start 9/1 z1 @30.28+0..35.28
         30.28 ended 8/1 @30.28 completed
         30.28 began 9/1 @30.28
         35.28 ended 9/1 @35.28 completed",
    )];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_stop_is_the_last_word() {
    let rows = [
        (
            "a person stops what is on its way already",
            "0 plan 1:z2@10+60:normal
             9.35 stop 1
             60 end",
            "8.87 start 1/1 z2 @10+0..70
             9.35 stop 1/1 @10.4
             10 began 1/1 @10
             10.4 ended 1/1 @10.4 stopped",
        ),
        (
            "a person stops it, then an emergency comes before it has faded",
            "0 plan 1:z2@10+60:normal
             30 stop 1
             30.1 override 9 z1 emergency 5
             60 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             30 stop 1/1 @31.05
             30.1 start 9/1 z1 @30.38+0..35.38
             30.1 stop 1/1 @30.38
             30.38 ended 1/1 @30.38 stopped
             30.38 began 9/1 @30.38
             35.38 ended 9/1 @35.38 completed",
        ),
        (
            "a person stops what waits after it was on the air, and the head-end crashes",
            "0 plan 1:z2@10+60:normal
             20 override 9 z1 emergency 60
             30 stop 1
             40 lost 41
             41 plan 1:z2@10+60:normal
             200 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             20 start 9/1 z1 @20.28+0..80.28
             20 stop 1/1 @20.28
             20.28 ended 1/1 @20.28 pre_empted
             20.28 began 9/1 @20.28
             30 began 1/2 @30
             30 ended 1/2 @30 stopped
             41 start 9/1 z1 @41.28+21..80.28
             41.28 began 9/1 @41.28
             80.28 ended 9/1 @80.28 completed",
        ),
        (
            "a person stops what waits and never was on the air",
            "0 override 8 z1 emergency 20
             1 override 9 z1 normal 5
             5 plan 1:z1@10+60:normal
             12 stop 1
             12 stop 9
             60 end",
            "0 start 8/1 z1 @0.28+0..20.28
             0.28 began 8/1 @0.28
             10 delayed 1
             12 never 1: stopped by op
             20.28 ended 8/1 @20.28 completed",
        ),
        (
            "a person stops what is about to begin",
            "0 plan 1:z2@10+60:normal
             9 stop 1
             60 end",
            "8.87 start 1/1 z2 @10+0..70
             9 stop 1/1 @9
             9 never 1: stopped by op",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_chime_never_makes_a_programme_late() {
    let rows = [
        (
            "there is no time for it, and the one before ends meanwhile",
            "0 plan 1:z4@13+12:background 2:z4@26+4:normal:chime
             14 lost 23.8
             23.8 plan 1:z4@13+12:background 2:z4@26+4:normal:chime
             60 end",
            "11.87 start 1/1 z4 @13+0..25
             13 began 1/1 @13
             23.8 start 1/1 z4 @24.48+11.48..25
             24.48 began 1/1 @24.48
             24.87 start 2/1 z4 @26+0..30
             25 ended 1/1 @25 completed
             26 began 2/1 @26
             30 ended 2/1 @30 completed",
        ),
        (
            "the programme before it ends as the next begins",
            "0 plan 1:z2@10+20:normal 2:z2@30+20:normal:chime
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             28.87 start 2/1 z2 @30+0..50
             30 ended 1/1 @30 completed
             30 began 2/1 @30
             50 ended 2/1 @50 completed",
        ),
        (
            "the same, and it would give way for good",
            "0 plan 1:z2@10+20:normal 2:z2@30+20:normal:chime:drop
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             28.87 start 2/1 z2 @30+0..50
             30 ended 1/1 @30 completed
             30 began 2/1 @30
             50 ended 2/1 @50 completed",
        ),
        (
            "the same, and it would rejoin",
            "0 plan 1:z2@10+20:normal 2:z2@30+20:normal:chime:rejoin
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             28.87 start 2/1 z2 @30+0..50
             30 ended 1/1 @30 completed
             30 began 2/1 @30
             50 ended 2/1 @50 completed",
        ),
        (
            "the run-sheet comes when there is no time for the chime",
            "0 end
             8.9 plan 2:z2@10+20:normal:chime
             60 end",
            "8.9 start 2/1 z2 @10+0..30
             10 began 2/1 @10
             30 ended 2/1 @30 completed",
        ),
        (
            "it begins much later, and has its chime then",
            "0 plan 1:z2@10+30:normal 2:z2@30+20:normal:chime
             70 end",
            "8.87 start 1/1 z2 @10+0..40
             10 began 1/1 @10
             30 delayed 2
             38.87 start 2/1 z2 @42+0..62 chime
             40 ended 1/1 @40 completed
             40 began 2/1 @42
             62 ended 2/1 @62 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn nothing_planned_begins_before_its_time() {
    let rows = [
        (
            "an emergency is over just before",
            "0 plan 1:z2@10+20:normal
             9.1 override 9 z1 emergency 0.3
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             9.1 start 9/1 z1 @9.38+0..9.68
             9.1 stop 1/1 @9.1
             9.1 start 1/1 z2 @10+0..30
             9.38 began 9/1 @9.38
             9.68 ended 9/1 @9.68 completed
             10 began 1/1 @10
             30 ended 1/1 @30 completed",
        ),
        (
            "an emergency is stopped just before",
            "0 plan 1:z2@10+20:normal
             8.5 override 9 z1 emergency 60
             9.2 stop 9
             60 end",
            "8.5 start 9/1 z1 @8.78+0..68.78
             8.78 began 9/1 @8.78
             9.2 stop 9/1 @9.85
             9.2 start 1/1 z2 @10+0..30
             9.85 ended 9/1 @9.85 stopped
             10 began 1/1 @10
             30 ended 1/1 @30 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn what_gives_way_comes_back_in_order() {
    let rows = [
        (
            "three deep, one of which rejoins",
            "0 plan 1:z3@10+60:normal 2:z2@20+40:normal:rejoin 3:z1@30+10:normal
             120 end",
            "8.87 start 1/1 z3 @10+0..70
             10 began 1/1 @10
             18.87 start 2/1 z2 @20+0..60
             18.87 stop 1/1 @20
             20 ended 1/1 @20 pre_empted
             20 began 2/1 @20
             28.87 start 3/1 z1 @30+0..40
             28.87 stop 2/1 @30
             30 ended 2/1 @30 pre_empted
             30 began 3/1 @30
             38.87 start 2/2 z2 @40+20..60
             40 began 2/2 @40
             40 ended 3/1 @40 completed
             58.87 start 1/2 z3 @60+10..110
             60 began 1/2 @60
             60 ended 2/2 @60 completed
             110 ended 1/2 @110 completed",
        ),
        (
            "two emergencies, the newest first",
            "0 override 8 z2 emergency 20
             5 override 9 z2 emergency 5
             60 end",
            "0 start 8/1 z2 @0.28+0..20.28
             0.28 began 8/1 @0.28
             5 start 9/1 z2 @5.28+0..10.28
             5 stop 8/1 @5.28
             5.28 ended 8/1 @5.28 pre_empted
             5.28 began 9/1 @5.28
             9.15 start 8/2 z2 @10.28+5..25.28
             10.28 began 8/2 @10.28
             10.28 ended 9/1 @10.28 completed
             25.28 ended 8/2 @25.28 completed",
        ),
        (
            "a stronger one in a zone below takes nothing from above",
            "0 plan 1:z1@10+20:normal 2:z3@15+5:priority
             60 end",
            "8.87 start 1/1 z1 @10+0..30
             10 began 1/1 @10
             13.87 start 2/1 z3 @15+0..20
             15 began 2/1 @15
             20 ended 2/1 @20 completed
             30 ended 1/1 @30 completed",
        ),
        (
            "an override that its limit cuts",
            "0 plan 1:z2@1+60:normal
             10 override 9 z2 live 60/10 chime
             80 end",
            "0 start 1/1 z2 @1+0..61
             1 began 1/1 @1
             10 start 9/1 z2 @12.28+0..22.28 chime cut
             10 stop 1/1 @10.28
             10.28 ended 1/1 @10.28 pre_empted
             10.28 began 9/1 @12.28
             21.15 start 1/2 z2 @22.68+9.28..73.4
             22.28 ended 9/1 @22.28 time_limit
             22.68 began 1/2 @22.68
             73.4 ended 1/2 @73.4 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn media_may_come_late_or_never() {
    let rows = [
        (
            "late: it begins at its beginning",
            "0 slow 1
             0 plan 1:z2@10+20:normal
             15 load 1
             60 end",
            "15 start 1/1 z2 @15.68+0..35.68
             15.68 began 1/1 @15.68
             35.68 ended 1/1 @35.68 completed",
        ),
        (
            "late, after something stronger began, and it gives way for good",
            "0 slow 1
             0 plan 1:z2@10+60:normal:drop
             15 override 9 z1 emergency 20
             16 load 1
             60 end",
            "15 start 9/1 z1 @15.28+0..35.28
             15.28 began 9/1 @15.28
             16 never 1: missed
             35.28 ended 9/1 @35.28 completed",
        ),
        (
            "never: the next goes on",
            "0 slow 1
             0 plan 1:z2@10+20:normal 2:z2@15+5:normal
             5 fail 1
             60 end",
            "8.87 never 1: fault: no disk
             13.87 start 2/1 z2 @15+0..20
             15 began 2/1 @15
             20 ended 2/1 @20 completed",
        ),
        (
            "the library lacks it",
            "0 plan 1:z2@10+20:normal:missing 2:z2@15+5:normal
             60 end",
            "8.87 never 1: fault: the library does not hold its media
             13.87 start 2/1 z2 @15+0..20
             15 began 2/1 @15
             20 ended 2/1 @20 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

/// Nothing airs that is not approved by the time it has the air.
#[test]
fn what_waits_and_is_archived_does_not_air() {
    let rows = [
        (
            "before it began",
            "0 plan 1:z1@10+20:normal
             5 override 9 z1 emergency 30
             15 plan 1:z1@10+20:normal:archived
             60 end",
            "5 start 9/1 z1 @5.28+0..35.28
             5.28 began 9/1 @5.28
             10 delayed 1
             15 never 1: refused: \"p1\" is not approved
             35.28 ended 9/1 @35.28 completed",
        ),
        (
            "when it was interrupted",
            "0 plan 1:z1@10+20:normal
             15 override 9 z1 emergency 20
             25 plan 1:z1@10+20:normal:archived
             60 end",
            "8.87 start 1/1 z1 @10+0..30
             10 began 1/1 @10
             15 start 9/1 z1 @15.28+0..35.28
             15 stop 1/1 @15.28
             15.28 ended 1/1 @15.28 pre_empted
             15.28 began 9/1 @15.28
             25 began 1/2 @25
             25 ended 1/2 @25 refused
             35.28 ended 9/1 @35.28 completed",
        ),
        (
            "after a crash",
            "0 plan 1:z1@10+40:normal
             20 lost 25
             25 plan 1:z1@10+40:normal:archived
             60 end",
            "8.87 start 1/1 z1 @10+0..50
             10 began 1/1 @10
             25 start 1/1 z1 @25.68+15.68..50
             25 stop 1/1 @25
             25 began 1/1 @25
             25 ended 1/1 @25 refused",
        ),
        (
            "what is on the air stays",
            "0 plan 1:z1@10+20:normal
             15 plan 1:z1@10+20:normal:archived
             60 end",
            "8.87 start 1/1 z1 @10+0..30
             10 began 1/1 @10
             30 ended 1/1 @30 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_new_run_sheet_while_on_air() {
    let rows = [
        (
            "the line stays",
            "0 plan 1:z2@10+20:normal
             15 plan 1:z2@10+20:normal 2:z2@40+5:normal
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             30 ended 1/1 @30 completed
             38.87 start 2/1 z2 @40+0..45
             40 began 2/1 @40
             45 ended 2/1 @45 completed",
        ),
        (
            "the line is moved",
            "0 plan 1:z2@10+20:normal
             15 plan 1:z2@20+20:normal
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             15 stop 1/1 @16.05
             16.05 ended 1/1 @16.05 unplanned
             18.87 start 1/1 z2 @20+0..40
             20 began 1/1 @20
             40 ended 1/1 @40 completed",
        ),
        (
            "the line is gone",
            "0 plan 1:z2@10+20:normal
             15 plan 2:z4@40+5:normal
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             15 stop 1/1 @16.05
             16.05 ended 1/1 @16.05 unplanned
             38.87 start 2/1 z4 @40+0..45
             40 began 2/1 @40
             45 ended 2/1 @45 completed",
        ),
        (
            "the line is cancelled",
            "0 plan 1:z2@10+20:normal
             15 plan 1:z2@10+20:normal:cancelled
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             15 stop 1/1 @16.05
             16.05 ended 1/1 @16.05 unplanned",
        ),
        (
            "the line is gone just before it begins, and back in time",
            "0 plan 1:z2@10+20:normal
             9 plan 2:z4@40+5:normal
             9.2 plan 1:z2@10+20:normal 2:z4@40+5:normal
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             9 stop 1/1 @9
             9.2 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             30 ended 1/1 @30 completed
             38.87 start 2/1 z4 @40+0..45
             40 began 2/1 @40
             45 ended 2/1 @45 completed",
        ),
        (
            "a line comes after its time",
            "0 plan 1:z2@10+20:normal
             15 plan 1:z2@10+20:normal 2:z4@12+20:normal
             60 end",
            "8.87 start 1/1 z2 @10+0..30
             10 began 1/1 @10
             30 ended 1/1 @30 completed",
        ),
        (
            "its zone is gone",
            "0 plan 1:z4@10+20:normal 2:z4@40+5:normal
             15 zones z1 z2 z3
             60 end",
            "8.87 start 1/1 z4 @10+0..30
             10 began 1/1 @10
             15 stop 1/1 @16.05
             16.05 ended 1/1 @16.05 unplanned
             38.87 never 2: fault: zone 4 does not exist",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_restart_goes_on_with_what_is_not_over() {
    let rows = [
        (
            "in the middle of a programme",
            "0 plan 1:z2@10+60:normal 2:z4@10+5:normal
             30 lost 33
             33 plan 1:z2@10+60:normal 2:z4@10+5:normal
             100 end",
            "8.87 start 1/1 z2 @10+0..70
             8.87 start 2/1 z4 @10+0..15
             10 began 1/1 @10
             10 began 2/1 @10
             15 ended 2/1 @15 completed
             33 start 1/1 z2 @33.68+23.68..70
             33.68 began 1/1 @33.68
             70 ended 1/1 @70 completed",
        ),
        (
            "while it had given way",
            "0 plan 1:z2@10+60:normal
             20 override 9 z1 emergency 30
             25 lost 28
             28 plan 1:z2@10+60:normal
             150 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             20 start 9/1 z1 @20.28+0..50.28
             20 stop 1/1 @20.28
             20.28 ended 1/1 @20.28 pre_empted
             20.28 began 9/1 @20.28
             28 start 1/1 z2 @28.68+10.28..78.4
             28 start 9/1 z1 @28.28+8..50.28
             28 stop 1/1 @28
             28.28 began 9/1 @28.28
             49.15 start 1/1 z2 @50.28+10.28..100
             50.28 began 1/1 @50.28
             50.28 ended 9/1 @50.28 completed
             100 ended 1/1 @100 completed",
        ),
        (
            "while its line was taken out of the plan",
            "0 plan 1:z2@10+60:normal 2:z4@5+1:normal 3:z4@80+5:normal
             30 lost 33
             33 plan 2:z4@5+1:normal 3:z4@80+5:normal
             100 end",
            "3.87 start 2/1 z4 @5+0..6
             5 began 2/1 @5
             6 ended 2/1 @6 completed
             8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             33 start 1/1 z2 @33.68+23.68..70
             33 stop 1/1 @33
             33 began 1/1 @33
             33 ended 1/1 @33 unplanned
             78.87 start 3/1 z4 @80+0..85
             80 began 3/1 @80
             85 ended 3/1 @85 completed",
        ),
        (
            "while its line was cancelled",
            "0 plan 1:z2@10+60:normal
             30 lost 33
             33 plan 1:z2@10+60:normal:cancelled
             100 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             33 start 1/1 z2 @33.68+23.68..70
             33 stop 1/1 @33
             33 began 1/1 @33
             33 ended 1/1 @33 unplanned",
        ),
        (
            "what was to begin meanwhile is joined, or was missed",
            "0 plan 1:z2@31+60:normal 2:z4@31+1:normal
             30 lost 33
             33 plan 1:z2@31+60:normal 2:z4@31+1:normal
             100 end",
            "29.87 start 1/1 z2 @31+0..91
             29.87 start 2/1 z4 @31+0..32
             33 never 2: missed
             33 start 1/1 z2 @33.68+2.68..91
             33.68 began 1/1 @33.68
             91 ended 1/1 @91 completed",
        ),
        (
            "what waited waits again, and begins at its beginning",
            "0 plan 1:z2@10+25:normal 2:z4@10+60:normal
             5 override 9 z1 emergency 25
             20 lost 36
             36 plan 1:z2@10+25:normal 2:z4@10+60:normal
             100 end",
            "5 start 9/1 z1 @5.28+0..30.28
             5.28 began 9/1 @5.28
             10 delayed 1
             10 delayed 2
             36 start 1/1 z2 @36.68+0..61.68
             36 start 2/1 z4 @36.68+0..96.68
             36.68 began 1/1 @36.68
             36.68 began 2/1 @36.68
             61.68 ended 1/1 @61.68 completed
             96.68 ended 2/1 @96.68 completed",
        ),
        (
            "in order: what was about to begin is joined",
            "0 plan 1:z2@10+60:normal 2:z4@31+60:normal
             30 down
             32 lost 34
             34 plan 1:z2@10+60:normal 2:z4@31+60:normal
             100 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             29.87 start 2/1 z4 @31+0..91
             30 stop 1/1 @31.05
             30 stop 2/1 @30
             31.05 ended 1/1 @31.05 head_end_stopped
             34 start 1/1 z2 @34.68+24.68..70
             34 start 2/1 z4 @34.68+3.68..91
             34.68 began 1/1 @34.68
             34.68 began 2/1 @34.68
             70 ended 1/1 @70 completed
             91 ended 2/1 @91 completed",
        ),
        (
            "in order: what waited waits again, and what waited in vain does not",
            "0 plan 1:z2@10+60:normal 2:z2@12+2:normal 3:z2@25+60:normal
             30 down
             32 lost 34
             34 plan 1:z2@10+60:normal 2:z2@12+2:normal 3:z2@25+60:normal
             100 end",
            "8.87 start 1/1 z2 @10+0..70
             10 began 1/1 @10
             12 delayed 2
             25 delayed 3
             30 stop 1/1 @31.05
             30 never 2: head_end_stopped
             31.05 ended 1/1 @31.05 head_end_stopped
             34 start 1/1 z2 @34.68+24.68..70
             34.68 began 1/1 @34.68
             68.87 start 3/1 z2 @70+0..130
             70 ended 1/1 @70 completed
             70 began 3/1 @70",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_full_zone_makes_room_for_what_is_stronger_and_refuses_the_rest() {
    let mut station = Station::new(1, 0.0);
    let mut put = |zone, class| {
        let command = Command::StartOverride {
            zone: ZoneId(zone),
            title: "piece".into(),
            content: Content::piece(media(9), Duration::from_secs(60)),
            class,
            chime: false,
            limit: Duration::from_secs(60),
            drill: false,
            by: "op".into(),
        };
        station.command(command)
    };
    for count in 0..SESSIONS_PER_ZONE_MAX {
        assert!(put(1, Background).is_ok(), "number {count}");
    }
    let full = Err(Refusal::TooManySessions(ZoneId(1)));
    assert_eq!(put(1, Background), full);
    assert!(put(2, Background).is_ok(), "another zone has room of its own");
    for class in [Normal, Priority, Emergency] {
        let done = put(1, class);
        assert!(
            matches!(done, Ok(CommandDone::OverrideStarted { on_air: true, .. })),
            "{class}: {done:?}"
        );
    }
    assert_eq!(put(1, Background), full);
    station.plan(vec![
        line(1, 1, 5.0, 10.0, Background),
        line(2, 1, 5.0, 10.0, Normal),
    ]);
    station.run(5.0);
    let state = station.engine.snapshot(station.now).zones.swap_remove(0);
    assert_eq!(state.waiting.len() + 1, SESSIONS_PER_ZONE_MAX);
    assert!(state.waiting.iter().any(|session| session.title == "p2"));
    assert_eq!(
        station.log().lines().find(|line| line.starts_with("p1")),
        Some("p1 not aired: fault: zone 1 already holds 32 sessions; stop one first")
    );
}
