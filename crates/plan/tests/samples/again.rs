//! Files that are imported again beside others that name what they declare.

use chrono_tz::Tz;
use loa_plan::{Diagnostic, Known, Lang, read, resolve};

use crate::common::{library, resolved};
use crate::stored::{Stored, stored};

fn station(week: &str, others: &str) -> Stored {
    let files = [("week.toml", week), ("others.toml", others)];
    stored(&resolved(&files).unwrap().schedule)
}

/// Checks the week's file again, and tells why it is refused.
fn again(stored: &Stored, week: &str) -> Result<(), String> {
    let known = Known {
        zones: &stored.tree,
        library: &library(),
        programmes: &stored.programmes,
        slots: &stored.slots,
        exceptions: &stored.exceptions,
        profiles: &stored.profiles,
        owners: &stored.owners,
        tz: Tz::Asia__Ho_Chi_Minh,
        today: "2026-11-30".parse().unwrap(),
    };
    let files = read(&[("week.toml".to_owned(), week.to_owned())]).unwrap();
    let told = |faults: Vec<Diagnostic>| faults.iter().map(|fault| fault.say(Lang::En)).collect::<String>();
    resolve(&files, &known).map(drop).map_err(told)
}

/// On 2 December the profile of the other file keeps the music off the air, and its wishes meet nobody.
#[test]
fn what_other_files_say_of_a_slot_holds_when_its_own_is_imported_again() {
    assert_eq!(again(&station(WEEK, HOLIDAY), WEEK), Ok(()));
}

/// On 2 December the music was moved out of the meeting's way.
#[test]
fn a_change_by_hand_holds_when_the_file_of_its_slot_is_imported_again() {
    let mut stored = station(&format!("{WEEK}{MOVED}"), MEETING);
    // The file said it and says it no longer.
    let refused = again(&stored, WEEK).unwrap_err();
    assert!(refused.contains("neither is stronger"), "{refused}");
    // Somebody else said it.
    stored.owners.exceptions.clear();
    assert_eq!(again(&stored, WEEK), Ok(()));
    // The file speaks of all that airs on that date: it has its way.
    let shorter = "except = [{ date = 2026-12-02, max_duration = \"30m\" }]\n";
    let refused = again(&stored, &format!("{WEEK}{shorter}")).unwrap_err();
    assert!(refused.contains("neither is stronger"), "{refused}");
}

const WEEK: &str = r#"
[[zone]]
code = "xa"
name = "Xã"
channel = 1
[[programme]]
code = "nhac"
title = "Ca nhạc"
media = "nhac-chieu.flac"
[[slot]]
code = "nhac"
programme = "nhac"
zones = ["xa"]
cron = "0 17 * * *"
max_duration = "45m"
"#;
const MOVED: &str = "except = [{ date = 2026-12-02, time = \"17:00\", move_to = 2026-12-02T18:00:00 }]\n";
const HOLIDAY: &str = r#"
[[programme]]
code = "chuc"
title = "Lời chúc"
media = "thong-bao.wav"
[[profile]]
code = "le"
title = "Lễ"
days = ["2/12"]
mute = ["nhac"]
[[slot]]
code = "chuc"
programme = "chuc"
zones = ["xa"]
cron = "0 17 * * *"
profile = "le"
max_duration = "15m"
"#;
const MEETING: &str = r#"
[[programme]]
code = "hop"
title = "Mời họp"
media = "thong-bao.wav"
[[slot]]
code = "hop"
programme = "hop"
zones = ["xa"]
at = 2026-12-02T17:10:00
max_duration = "15m"
"#;
