//! Schedules that begin within seconds, as text a person could have written.

use std::fmt::Write as _;

use anyhow::Result;
use loa_model::WallTime;

use loa_headend::workbench::{PASSWORD, Station};

/// Zones of most tests: a province, two communes, three villages.
pub const ZONES: &str = r#"
[[zone]]
code = "tinh"
name = "Tỉnh"
channel = 1
[[zone]]
code = "xa-a"
name = "Xã A"
parent = "tinh"
channel = 2
[[zone]]
code = "xa-b"
name = "Xã B"
parent = "tinh"
channel = 3
[[zone]]
code = "thon-1"
name = "Thôn 1"
parent = "xa-a"
channel = 4
[[zone]]
code = "thon-2"
name = "Thôn 2"
parent = "xa-a"
channel = 5
[[zone]]
code = "thon-3"
name = "Thôn 3"
parent = "xa-b"
channel = 6
"#;

/// One thing to air.
pub struct Airing<'a> {
    /// Code for programme and slot.
    pub code: &'a str,
    /// The zone.
    pub zone: &'a str,
    /// Title of the imported media.
    pub media: &'a str,
    /// Class.
    pub class: &'a str,
    /// Whether the chime sounds before it.
    pub chime: bool,
    /// When.
    pub at: WallTime,
    /// Slot limit.
    pub max_duration: &'a str,
}

/// Imports the test zones and `airings`.
///
/// # Errors
///
/// If the import is refused.
pub fn import(station: &Station, airings: &[Airing<'_>]) -> Result<()> {
    let mut text = String::new();
    for Airing {
        code,
        zone,
        media,
        class,
        chime,
        at,
        max_duration,
    } in airings
    {
        let at = local_seconds(*at);
        write!(
            text,
            "[[programme]]\ncode = \"{code}\"\ntitle = \"{code}\"\nmedia = \"{media}\"\nclass = \"{class}\"\n\
                 chime = {chime}\n[[slot]]\ncode = \"{code}\"\nprogramme = \"{code}\"\nzones = [\"{zone}\"]\n\
                 at = {at}\nmax_duration = \"{max_duration}\"\n"
        )?;
    }
    let zones = station.write("zones.toml", ZONES)?;
    let day = station.write("day.toml", &text)?;
    station.loa(&["schedule", "import", &zones, &day])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    Ok(())
}

/// Returns the zones with one, Xã B, that takes two persons in an emergency, and adds an officer, `lan`, to be the second.
///
/// # Errors
///
/// If the officer cannot be added.
pub fn zones_with_two_persons(station: &Station) -> Result<String> {
    let officer = [
        "user",
        "add",
        "lan",
        "--role",
        "emergency_officer",
        "--password-stdin",
    ];
    station.loa_with_input(&officer, PASSWORD)?;
    Ok(ZONES.replace("name = \"Xã B\"", "name = \"Xã B\"\ntwo_persons = true"))
}

/// Returns the system's time.
pub fn now() -> WallTime {
    WallTime::from_unix_ns(loa_net::read_clocks().wall_ns)
}

/// Waits for an instant.
pub fn sleep_until(at: WallTime) {
    std::thread::sleep(at.since(now()));
}

/// Returns the whole second that lies between `s` and `s + 1` seconds from now.
pub fn second_from_now(s: i64) -> WallTime {
    WallTime::from_unix_s(now().as_unix_ms() / 1_000 + s + 1)
}

/// Prints an instant as a TOML local date-time in Vietnam's zone (UTC+7), in whole seconds.
pub fn local_seconds(at: WallTime) -> String {
    let local = chrono::DateTime::from_timestamp_nanos(at.as_unix_ns()) + chrono::TimeDelta::hours(7);
    local.format("%Y-%m-%dT%H:%M:%S").to_string()
}
