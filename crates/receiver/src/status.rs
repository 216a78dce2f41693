//! What a receiver says of itself each second: one JSON line, and the base of its reports.

use std::collections::BTreeMap;

use loa_model::{Channel, WallTime};
use loa_session::{Playing, QuietStatus, Switch};
use loa_wire::{ClockReport, PlayingReport};
use serde::Serialize;

/// One line of statistics.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    pub(crate) at: WallTime,
    pub(crate) receiver: &'a str,
    /// What sounds, and why it and nothing else.
    pub(crate) playing: Option<Playing>,
    /// How quiet hours stand: why it is silent, how loud it is, what sounded today.
    pub(crate) quiet: QuietStatus,
    pub(crate) counters: &'a BTreeMap<String, u64>,
    pub(crate) buffer_ms: f64,
    pub(crate) output_dbfs: f64,
    pub(crate) clock: ClockReport,
    pub(crate) output: OutputStatus,
    /// Seconds since the newest beacon of each channel; a channel without one is missing.
    pub(crate) beacon_age_s: BTreeMap<Channel, f64>,
    pub(crate) faults: &'a [String],
}

/// Where the sound card is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct OutputStatus {
    /// This frame of the card, counted from its opening, sounds at `at`.
    pub(crate) frame: u64,
    pub(crate) at: WallTime,
    pub(crate) generation: u32,
    /// How far what sounds is from where it should be, ms.
    pub(crate) ahead_ms: Option<f64>,
    /// Within a millisecond of it.
    pub(crate) locked: bool,
}

/// One line whenever the air changes hands.
#[derive(Debug, Serialize)]
pub(crate) struct SwitchLine {
    pub(crate) switch: SwitchStatus,
}

/// See [`SwitchLine`].
#[derive(Debug, Serialize)]
pub(crate) struct SwitchStatus {
    at: WallTime,
    from: Option<Playing>,
    to: Option<Playing>,
    why: loa_session::SwitchReason,
    /// Volume at which `to` begins, dB.
    gain_db: i8,
}

impl From<&Switch> for SwitchLine {
    fn from(switch: &Switch) -> Self {
        let Switch {
            at,
            from,
            to,
            why,
            gain_db,
        } = *switch;
        Self {
            switch: SwitchStatus {
                at: at.to_wall(),
                from,
                to,
                why,
                gain_db,
            },
        }
    }
}

/// Returns what a report says of what sounds.
pub(crate) fn playing_report(playing: &Playing) -> PlayingReport {
    PlayingReport {
        session: playing.key.session,
        channel: playing.key.channel,
        class: playing.class,
        drill: playing.drill,
    }
}

/// Returns a structure's numbers by name.
pub(crate) fn by_name(counters: &impl Serialize) -> BTreeMap<String, u64> {
    let Ok(serde_json::Value::Object(map)) = serde_json::to_value(counters) else {
        return BTreeMap::new();
    };
    map.into_iter()
        .filter_map(|(name, value)| Some((name, value.as_u64()?)))
        .collect()
}
