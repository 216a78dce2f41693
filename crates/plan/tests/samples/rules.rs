//! Rules of a day that a line at a time shows.

use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_model::RunSheetLine;
use loa_plan::{DayInputs, HeardMedia, Planner};

use crate::common::{library, resolved};
use crate::stored::stored;

/// Plans the one slot of [`DAY`] with more in its file.
fn line(slot: &str, more: &str) -> RunSheetLine {
    let file = format!("{DAY}{slot}{more}");
    let stored = stored(&resolved(&[("day.toml", &file)]).unwrap().schedule);
    stored.sheet("2026-12-01", None).lines.remove(0)
}

/// Each row: the ranks of a profile that mutes a slot and of one that replaces it, and the title that airs, if one does.
#[test]
fn of_two_profiles_the_greater_has_its_way() {
    for (mutes, replaces, airs) in [(1, 10, Some("Khác")), (10, 1, None)] {
        let profiles = format!(
            "[[profile]]\ncode = \"im\"\ntitle = \"Im\"\ndays = [\"1/12\"]\nrank = {mutes}\nmute = [\"s\"]\n\
             [[profile]]\ncode = \"doi\"\ntitle = \"Đổi\"\ndays = [\"1/12\"]\nrank = {replaces}\nreplace = {{ s = \"q\" }}\n"
        );
        let line = line("", &profiles);
        let title = line.kept_off().is_none().then_some(line.title.as_str());
        assert_eq!(title, airs, "{:?}", line.reasons);
    }
}

/// Each row: what a programme of 25 minutes may do at the end of a slot of ten, of which one airing is shortened to five.
#[test]
fn what_is_shortened_on_one_day_ends_there() {
    for overrun in ["stop", "until-done", "5m"] {
        let slot = format!(
            "overrun = \"{overrun}\"\nexcept = [{{ date = 2026-12-01, max_duration = \"5m\", note = \"họp\" }}]\n"
        );
        let line = line(&slot, "");
        assert_eq!((line.duration.as_secs(), line.cut), (300, true), "{overrun}");
    }
}

/// One new episode and a slot every day: only the first of the days that count may air it, in whatever order they are planned.
#[test]
fn what_an_earlier_day_takes_of_a_series_is_not_there_for_a_later_one() {
    let file = DAY.replacen("media = \"ban-tin-sang.mp3\"", "series = \"suc-khoe\"", 1);
    let stored = stored(&resolved(&[("day.toml", &file)]).unwrap().schedule);
    let (library, heard) = (library(), HeardMedia::default());
    let inputs = DayInputs {
        tree: &stored.tree,
        programmes: &stored.programmes,
        library: &library,
        slots: &stored.slots,
        exceptions: &stored.exceptions,
        profiles: &stored.profiles,
        heard: &heard,
        approvals: None,
        tz: Tz::Asia__Ho_Chi_Minh,
    };
    let days: [NaiveDate; 4] =
        ["2026-11-30", "2026-12-01", "2026-12-02", "2026-12-04"].map(|day| day.parse().unwrap());
    let airs = |planner: &Planner<'_>, day| planner.day(day).sheet.lines[0].kept_off().is_none();
    let planner = || Planner::new(inputs).counting_from(days[1]);
    let in_order = planner();
    assert_eq!(days.map(|day| airs(&in_order, day)), [true, true, false, false]);
    assert_eq!(days.map(|day| airs(&planner(), day)), [true, true, false, false]);
    let alone = Planner::new(inputs);
    assert_eq!(days.map(|day| airs(&alone, day)), [true; 4]);
}

const DAY: &str = r#"
[[zone]]
code = "xa"
name = "Xã"
channel = 1
[[programme]]
code = "p"
title = "Bản tin"
media = "ban-tin-sang.mp3"
[[programme]]
code = "q"
title = "Khác"
media = "thong-bao.wav"
[[slot]]
code = "s"
programme = "p"
zones = ["xa"]
cron = "0 17 * * *"
max_duration = "10m"
"#;
