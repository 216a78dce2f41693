//! A day on which something goes wrong while two programmes are on the air, the second over the first; and the proof
//! that nobody heard of it and the as-run log is whole.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use loa_headend::workbench::{Process, Recording, Station};
use loa_model::WallTime;

use crate::schedule::{Airing, import, second_from_now, sleep_until};
use crate::sound::{as_aired, demo_audio, middle_of, parts_in_place};

/// The day, begun.
pub struct TroubledDay {
    /// Its station.
    pub station: Station,
    /// When the first programme begins: in seconds.
    pub start: WallTime,
    /// When the second takes the air from it.
    pub second: WallTime,
    head_end: Process,
    receiver: Process,
    wav: PathBuf,
    sources: [Recording; 2],
}

impl TroubledDay {
    /// Begins in a directory; `second` is the file and the class of the second programme, and what the receiver plays
    /// is recorded in `recordings`.
    ///
    /// # Errors
    ///
    /// If a step fails.
    pub fn begin(dir: &Path, recordings: &Path, second: (&str, &str)) -> Result<Self> {
        const FIRST: &str = "chuyen-muc-xa-a.m4a";
        let (file, class) = second;
        let station = Station::new(dir)?;
        for name in [FIRST, file] {
            station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
        }
        import(&station, &[])?;
        let head_end = station.start()?;
        let wav = recordings.join("thon-1.wav");
        let receiver = station.receiver("loa-1", "thon-1", &format!("wav:{}", wav.display()))?;
        let start = second_from_now(5);
        let second = start + Duration::from_secs(8);
        let title = |file: &str| file.split('.').next().unwrap_or_default().to_owned();
        let (first, other) = (title(FIRST), title(file));
        let airing = |code, media, class, at| Airing {
            code,
            zone: "xa-a",
            media,
            class,
            chime: false,
            at,
            max_duration: "1m",
        };
        import(
            &station,
            &[
                airing("truoc", &*first, "normal", start),
                airing("sau", &*other, class, second),
            ],
        )?;
        let sources = [as_aired(&station, &first)?, as_aired(&station, &other)?];
        sleep_until(start - Duration::from_secs(1));
        Ok(Self {
            station,
            start,
            second,
            head_end,
            receiver,
            wav,
            sources,
        })
    }

    /// Waits until both programmes are over, and ends the day: both were heard as they are, and every part of them
    /// stands in the log. Returns the station, which runs no more.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn end(self) -> Result<Station> {
        let Self { station, sources, .. } = self;
        sleep_until(self.start + Duration::from_secs(40));
        let health = station.health()?;
        ensure!(!health.contains("as-run"), "all is well again: {health}");
        let lines = self.receiver.lines();
        self.receiver.stop()?;
        self.head_end.stop()?;
        let rows = station.as_run()?;
        let causes: Vec<_> = rows
            .iter()
            .map(|row| row["ended"]["reason"]["cause"].as_str().unwrap_or("none"))
            .collect();
        ensure!(
            causes == ["pre_empted", "completed", "completed"],
            "every part is in the log: {rows:#?}"
        );
        let heard = Recording::of_receiver(&self.wav, &lines)?;
        // As many whole seconds as there are of each, all but how it begins.
        for (name, source, at, seconds) in [
            ("first", &sources[0], self.start, 7),
            ("second", &sources[1], self.second, 5),
        ] {
            let source = source.part(24_000, seconds * 48_000);
            let heard = heard.at(at + Duration::from_millis(500), source.len());
            let parts = parts_in_place(source, heard, 48_000);
            let middle = middle_of(&parts)?.envelope;
            println!("the {name} programme: envelope {middle:.3} in the middle of {parts:.3?}");
            ensure!(
                parts.len() == seconds && middle >= 0.95,
                "the {name} programme is heard: {middle}"
            );
        }
        Ok(station)
    }
}
