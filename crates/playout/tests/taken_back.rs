//! What is decided and then decided anew before it is heard: as if the first decision had never been.

mod common;

use common::script::check;

#[test]
fn what_waits_has_the_air_until_a_planned_start_without_its_chime() {
    let rows = [(
        "the air is free when it is too late for the chime and too early for the programme",
        "0 plan 1:z4@41+5:emergency:chime
         10 override 8 z4 emergency 60
         35 override 9 z1 emergency 4.4
         60 end",
        "10 start 8/1 z4 @10.28+0..70.28
         10.28 began 8/1 @10.28
         35 start 9/1 z1 @35.28+0..39.68
         35 stop 8/1 @35.28
         35.28 ended 8/1 @35.28 pre_empted
         35.28 began 9/1 @35.28
         38.55 start 8/2 z4 @39.68+25..74.68
         39.68 began 8/2 @39.68
         39.68 ended 9/1 @39.68 completed
         39.87 start 1/1 z4 @41+0..46
         39.87 stop 8/2 @41
         41 ended 8/2 @41 pre_empted
         41 began 1/1 @41
         44.87 start 8/3 z4 @46+26.32..79.68
         46 began 8/3 @46
         46 ended 1/1 @46 completed",
    )];
    check(&rows, &["prepare", "release"]);
}

#[test]
fn a_decision_that_is_taken_back_has_never_been() {
    let rows = [
        (
            "what goes on after a crash goes on as if it had run, until it has to wait",
            "0 plan 1:z1@10+60:background
             20 lost 30
             30 plan 1:z1@10+60:background
             30 override 9 z1 normal 5
             100 end",
            "8.87 start 1/1 z1 @10+0..70
             10 began 1/1 @10
             30 start 1/1 z1 @30.68+20.68..70
             30 start 9/1 z1 @30.68+0..35.68
             30 stop 1/1 @30
             30.68 began 9/1 @30.68
             34.55 start 1/1 z1 @35.68+20.68..75
             35.68 began 1/1 @35.68
             35.68 ended 9/1 @35.68 completed
             75 ended 1/1 @75 completed",
        ),
        (
            "a stop before the first sound leaves no silence behind",
            "0 plan 1:z1@10+60:normal
             20 override 8 z1 emergency 30
             30 override 9 z1 emergency 30
             30 stop 9
             60 end",
            "8.87 start 1/1 z1 @10+0..70
             10 began 1/1 @10
             20 start 8/1 z1 @20.28+0..50.28
             20 stop 1/1 @20.28
             20.28 ended 1/1 @20.28 pre_empted
             20.28 began 8/1 @20.28
             30 start 9/1 z1 @30.28+0..60.28
             30 stop 8/1 @30.28
             30 stop 9/1 @30
             30 start 8/2 z1 @30.28+10..50.28
             30.28 ended 8/1 @30.28 pre_empted
             30.28 began 8/2 @30.28
             49.15 start 1/2 z1 @50.68+10.28..100.4
             50.28 ended 8/2 @50.28 completed
             50.68 began 1/2 @50.68",
        ),
        (
            "an item that waits for a second was kept off at its time all the same",
            "0 plan 1:z1@10+10:normal 2:z1@19.5+10:normal
             19.6 lost 20
             20 plan 1:z1@10+10:normal 2:z1@19.5+10:normal
             60 end",
            "8.87 start 1/1 z1 @10+0..20
             10 began 1/1 @10
             18.87 start 2/1 z1 @20+0..30
             19.5 delayed 2
             20 start 2/1 z1 @20.68+0..30.68
             20.68 began 2/1 @20.68
             30.68 ended 2/1 @30.68 completed",
        ),
    ];
    check(&rows, &["prepare", "release"]);
}
