//! A special shows what it moves before it is saved, and the day after is as it was; a schedule is written out and comes
//! back as itself.

use anyhow::{Result, ensure};
use loa_headend::workbench::Station;
use loa_tests::schedule::{ZONES, local_seconds, now};
use loa_tests::sound::demo_audio;
use std::time::Duration;

#[test]
fn a_special_changes_one_day_and_says_so_first() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    for name in ["xa-b.flac", "thon.ogg"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let week = "[[programme]]\ncode = \"hang-ngay\"\ntitle = \"Hằng ngày\"\nmedia = \"xa-b\"\n\
                [[slot]]\ncode = \"hang-ngay\"\nprogramme = \"hang-ngay\"\nzones = [\"xa-a\"]\ncron = \"0 17 * * *\"\nmax_duration = \"5m\"\n";
    let (zones, week) = (
        station.write("zones.toml", ZONES)?,
        station.write("week.toml", week)?,
    );
    station.loa(&["schedule", "import", &zones, &week])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    let begun = now();
    let day = |ahead: u64| local_seconds(begun + Duration::from_secs(ahead * 86_400))[..10].to_owned();
    let show = |date: &str| station.loa(&["schedule", "show", "--language", "en", "--date", date]);
    let after_before = show(&day(3))?;

    let special = format!(
        "[[programme]]\ncode = \"dac-biet\"\ntitle = \"Đặc biệt\"\nmedia = \"thon\"\n[[slot]]\ncode = \"dac-biet\"\n\
         programme = \"dac-biet\"\nzones = [\"xa-a\"]\nat = {}T17:00:03\nmax_duration = \"5m\"\nmakes_room = \"move\"\n",
        day(2)
    );
    let special = station.write("special.toml", &special)?;
    let told = station.loa(&["schedule", "check", &special])?;
    println!("{told}");
    ensure!(told.contains("+ #") && told.contains("Đặc biệt"), "{told}");
    ensure!(
        told.contains("trước: 17:00:00 \"Hằng ngày\""),
        "what is moved is told before it is saved: {told}"
    );
    let told = station.loa(&["schedule", "check", "--language", "en", &special])?;
    ensure!(
        told.contains("before: 17:00:00 \"Hằng ngày\""),
        "it is told in the language asked for: {told}"
    );
    ensure!(!show(&day(2))?.contains("Đặc biệt"), "a check saves nothing");
    station.loa(&["schedule", "import", &special])?;
    station.loa(&["programme", "decide", "approve", "dac-biet"])?;
    let moved = show(&day(2))?;
    ensure!(
        moved.contains("moved behind #1 \"Đặc biệt\" (planned at 17:00:00)"),
        "{moved}"
    );
    let number_free = |text: &str| {
        text.split_once('\n')
            .map_or(String::new(), |(_, rest)| rest.to_owned())
    };
    ensure!(
        number_free(&show(&day(3))?) == number_free(&after_before),
        "the day after is as it was"
    );

    // Written out, read back, written out again.
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    station.loa(&["schedule", "export", &one.display().to_string()])?;
    let files: Vec<String> = ["zones.toml", "week.toml", "special.toml"]
        .iter()
        .map(|name| one.join(name).display().to_string())
        .collect();
    let mut import = vec!["schedule", "import"];
    import.extend(files.iter().map(String::as_str));
    station.loa(&import)?;
    station.loa(&["schedule", "export", &two.display().to_string()])?;
    for name in ["zones.toml", "week.toml", "special.toml"] {
        let (first, second) = (
            std::fs::read_to_string(one.join(name))?,
            std::fs::read_to_string(two.join(name))?,
        );
        ensure!(first == second, "{name} came back otherwise:\n{first}\n{second}");
    }
    let calendar = station.loa(&["schedule", "ical", "--days", "4"])?;
    ensure!(
        calendar.matches("BEGIN:VEVENT").count() >= 4 && calendar.contains("SUMMARY:Đặc biệt"),
        "{calendar}"
    );
    Ok(())
}
