//! The form of a change: what it holds, and which change it asks for.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, TimeDelta, Timelike as _};
use loa_model::{Deed, Edit, EditFault, MakesRoom, ProgrammeId, SlotId, Zone, ZoneTree};
use serde::Deserialize;

use crate::address::escaped;
use crate::api::{date_from, zone};
use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::lang::Lang;
use crate::plain;
use crate::router::Panel;
use crate::schedules::SlotItem;

/// All that the form sends; what does not concern a deed is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChangeForm {
    /// Row of the slot; empty for something new.
    pub(crate) slot: String,
    /// Which of its occurrences.
    pub(crate) date: String,
    pub(crate) time: String,
    /// `skip`, `restore`, `move`, `resize`, `copy` or `insert`; empty before one is chosen.
    pub(crate) deed: String,
    pub(crate) to_date: String,
    pub(crate) to_time: String,
    /// Code of the zone of something new, or of a copy.
    pub(crate) to_zone: String,
    pub(crate) minutes: String,
    /// `day`, `onward` or `always`.
    pub(crate) reach: String,
    pub(crate) note: String,
    /// Row of the programme of something new.
    pub(crate) programme: String,
    /// `trim`, `skip` or `move`; empty for none.
    pub(crate) room: String,
    /// What was seen of the consequence.
    pub(crate) seen: String,
    /// The page that led here: `today` or `week`, and its day and zone.
    pub(crate) page: String,
    pub(crate) day: String,
    pub(crate) zone: String,
}

impl ChangeForm {
    /// Returns the slot that it is about.
    ///
    /// # Errors
    ///
    /// If its number is none.
    pub(crate) fn slot(&self) -> Result<Option<SlotId>, PanelError> {
        if self.slot.is_empty() {
            return Ok(None);
        }
        let id = self.slot.parse().map_err(|_| gone())?;
        Ok(Some(SlotId(id)))
    }

    /// Returns the change that it asks for; none before a deed is chosen.
    ///
    /// # Errors
    ///
    /// If what was typed cannot be read.
    pub(crate) fn edit(&self, slot: Option<&SlotItem>, tree: &ZoneTree) -> Result<Option<Edit>, PanelError> {
        let Some(slot) = slot else {
            return self.insertion(tree);
        };
        let to = || Ok::<_, PanelError>(date_from(&self.to_date)?.and_time(clock_from(&self.to_time)?));
        let deed = match self.deed.as_str() {
            "" => return Ok(None),
            "skip" => Deed::Skip,
            "restore" => Deed::Restore,
            "move" => Deed::Move(to()?),
            "resize" => Deed::Resize(length_from(&self.minutes)?),
            "copy" => Deed::Copy {
                to: to()?,
                zone: self.zone_to(tree)?.map(|zone| zone.id),
            },
            other => return Err(PanelError::NoTime(other.to_owned())),
        };
        Ok(Some(Edit::Change {
            slot: slot.id,
            date: date_from(&self.date)?,
            time: clock_from(&self.time)?,
            deed,
            reach: self.reach(),
            note: self.note.trim().chars().take(NOTE_CHARS_MAX).collect(),
        }))
    }

    fn insertion(&self, tree: &ZoneTree) -> Result<Option<Edit>, PanelError> {
        if self.deed.is_empty() {
            return Ok(None);
        }
        let programme = self.programme.parse().map(ProgrammeId);
        let programme = programme.map_err(|_| ConsoleError::Edit(EditFault::NoProgramme))?;
        let zone = zone(&self.to_zone, tree)?;
        Ok(Some(Edit::Insert {
            programme,
            zone: zone.id,
            at: date_from(&self.to_date)?.and_time(clock_from(&self.to_time)?),
            max_duration: length_from(&self.minutes)?,
            makes_room: match self.room.as_str() {
                "trim" => Some(MakesRoom::Trim),
                "skip" => Some(MakesRoom::Skip),
                "move" => Some(MakesRoom::Move),
                _ => None,
            },
        }))
    }

    fn zone_to<'a>(&self, tree: &'a ZoneTree) -> Result<Option<&'a Zone>, PanelError> {
        if self.to_zone.is_empty() {
            return Ok(None);
        }
        zone(&self.to_zone, tree).map(Some)
    }

    /// Fills in what nobody typed yet, so that only what changes has to be.
    pub(crate) fn fill_in(&mut self, panel: &Panel, slot: Option<&SlotItem>) {
        let fill = |field: &mut String, value: String| {
            if field.is_empty() {
                *field = value;
            }
        };
        let tz = panel.console.station().time_zone;
        // Two minutes are enough to read what will come of it.
        let soon = plain::local(panel.console.now(), tz) + TimeDelta::minutes(3);
        if let Some(slot) = slot {
            fill(&mut self.to_date, self.date.clone());
            fill(&mut self.to_time, as_typed(&self.time));
            fill(&mut self.minutes, plain::length(slot.max_duration));
            fill(&mut self.reach, "day".to_owned());
        } else {
            // The day that was looked at, unless it is over: a week is looked at by its Monday.
            let day = self.day.parse().unwrap_or_default();
            fill(&mut self.to_date, soon.date_naive().max(day).to_string());
            fill(&mut self.to_time, soon.format("%H:%M").to_string());
            fill(&mut self.minutes, "5:00".to_owned());
            let zone = self.zone.clone();
            fill(&mut self.to_zone, zone);
        }
    }

    /// Returns when the occurrence is, in words.
    pub(crate) fn when(&self, lang: Lang) -> String {
        let date = self.date.parse::<NaiveDate>().ok();
        let date = date.map_or_else(
            || self.date.clone(),
            |date| format!("{}, {}", plain::weekday(date, lang), plain::calendar(date, lang)),
        );
        format!("{} · {date}", self.time)
    }

    /// Returns the page that led here.
    pub(crate) fn back(&self) -> Back {
        Back {
            page: self.page.clone(),
            day: self.day.clone(),
            zone: self.zone.clone(),
        }
    }

    /// Returns what follows the page's address, for the same form.
    pub(crate) fn query(&self) -> String {
        let fields = [("slot", &self.slot), ("date", &self.date), ("time", &self.time)];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let own: String = given
            .map(|(name, text)| format!("{name}={}&", escaped(text)))
            .collect();
        format!("{own}{}&", self.back().fields())
    }
}

/// The page that leads to a change, to come back to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    /// `today` or `week`.
    pub(crate) page: String,
    pub(crate) day: String,
    pub(crate) zone: String,
}

impl Back {
    /// Returns its fields, as an address has them.
    pub(crate) fn fields(&self) -> String {
        let Self { page, day, zone } = self;
        format!(
            "page={}&day={}&zone={}",
            escaped(page),
            escaped(day),
            escaped(zone)
        )
    }

    /// Returns its address, with the number of what was saved.
    pub(crate) fn address(&self, saved: Option<i64>) -> String {
        let page = if self.page == "week" { "week" } else { "today" };
        let (day, zone) = (escaped(&self.day), escaped(&self.zone));
        let saved = saved.map_or_else(String::new, |number| format!("&saved={number}"));
        format!("/{page}?date={day}&zone={zone}{saved}")
    }
}

fn gone() -> PanelError {
    ConsoleError::Edit(EditFault::Gone).into()
}

/// Reads a time of day as people write it: `5:00`, `05:00`, `17h30` or with seconds.
///
/// # Errors
///
/// [`PanelError::NoTime`].
pub(crate) fn clock_from(text: &str) -> Result<NaiveTime, PanelError> {
    let plain = text.trim().to_lowercase().replace('h', ":");
    let plain = plain
        .strip_suffix(':')
        .map_or_else(|| plain.clone(), |hour| format!("{hour}:00"));
    let mut parts = plain.split(':').map(|part| part.parse::<u32>().ok());
    let time = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(h)), Some(Some(m)), None, _) => NaiveTime::from_hms_opt(h, m, 0),
        (Some(Some(h)), Some(Some(m)), Some(Some(s)), None) => NaiveTime::from_hms_opt(h, m, s),
        _ => None,
    };
    time.ok_or_else(|| PanelError::NoTime(text.to_owned()))
}

/// Returns a time of day as people write it, without seconds if there are none; what is no time stays as it is.
fn as_typed(text: &str) -> String {
    let Ok(time) = clock_from(text) else {
        return text.to_owned();
    };
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(format).to_string()
}

/// Reads a length as people write it: minutes, `m:ss` or `h:mm:ss`.
fn length_from(text: &str) -> Result<Duration, PanelError> {
    let parts: Option<Vec<u64>> = text
        .trim()
        .split(':')
        .map(|part| part.parse::<u16>().ok().map(u64::from))
        .collect();
    let s = match parts.as_deref() {
        Some([m]) => m * 60,
        Some([m, s]) if *s < 60 => m * 60 + s,
        Some([h, m, s]) if *m < 60 && *s < 60 => h * 3_600 + m * 60 + s,
        _ => return Err(PanelError::NoTime(text.to_owned())),
    };
    Ok(Duration::from_secs(s))
}

const NOTE_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_read_as_people_write_them() {
        let rows = [
            ("5:00", Some("05:00:00")),
            ("17h30", Some("17:30:00")),
            ("17h", Some("17:00:00")),
            (" 05:00:30 ", Some("05:00:30")),
            ("24:00", None),
            ("5", None),
            ("", None),
            ("5:00:00:00", None),
        ];
        for (text, expected) in rows {
            let read = clock_from(text).ok().map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        let rows = [
            ("15", Some(900)),
            ("2:30", Some(150)),
            ("1:00:00", Some(3_600)),
            ("2:60", None),
            ("-1", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(
                length_from(text).ok().map(|span| span.as_secs()),
                expected,
                "{text}"
            );
        }
    }

    /// Each row: the time that an address names, and what the form offers; that is read again as the same time.
    #[test]
    fn a_time_that_is_offered_is_one_that_is_taken() {
        let rows = [
            ("05:00:00", "05:00"),
            ("00:00:00", "00:00"),
            ("17:30:00", "17:30"),
            ("17:00", "17:00"),
            ("05:00:30", "05:00:30"),
            ("05:10:10", "05:10:10"),
        ];
        for (named, offered) in rows {
            assert_eq!(as_typed(named), offered);
            assert_eq!(
                clock_from(offered).unwrap(),
                clock_from(named).unwrap(),
                "{named}"
            );
        }
        assert_eq!(as_typed("never"), "never");
    }

    #[test]
    fn the_way_back_leads_nowhere_else() {
        let back = Back {
            page: "https://elsewhere".into(),
            day: "2026-12-04&x=1".into(),
            zone: String::new(),
        };
        assert_eq!(
            back.address(Some(7)),
            "/today?date=2026-12-04%26x%3D1&zone=&saved=7"
        );
    }
}
