//! What days are planned from, read out of the store once.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::NaiveDate;
use chrono_tz::Tz;
use loa_model::{ApprovalState, ContentHash, WallTime, ZoneTree};
use loa_plan::{DayInputs, Export, HeardMedia, Known, KnownLibrary, KnownMedia, Owners};
use loa_store::{ScheduleRows, Store};

/// Everything that plans, checks and rehearsals look at.
#[derive(Debug)]
pub struct Planning {
    /// Every zone.
    pub tree: ZoneTree,
    /// Programmes, slots, exceptions and day profiles.
    pub rows: ScheduleRows,
    /// The library.
    pub library: KnownLibrary,
    /// What series were heard where.
    pub heard: HeardMedia,
    /// What was decided of each content.
    pub approvals: BTreeMap<ContentHash, ApprovalState>,
    /// Which file declared what.
    pub owners: Owners,
    /// The time zone in which schedules are written.
    pub tz: Tz,
}

impl Planning {
    /// Reads the store; `now` only bounds how far back it looks for what was heard.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn read(store: &Store, tz: Tz, now: WallTime) -> Result<Self> {
        let rows = store.schedule()?;
        let media = store.media()?.into_iter().map(|row| KnownMedia {
            hash: row.media.hash,
            duration: row.media.duration(),
            title: row.media.title,
            file_name: row.file_name,
            series: row.series,
            zone: row.zone,
            added_at: row.added_at,
        });
        let library = KnownLibrary::new(media);
        let mut heard = HeardMedia::default();
        let told = store.heard(now - BEGUN)?;
        heard.first.extend(
            told.first
                .into_iter()
                .map(|(zone, media, at)| ((zone, media), at)),
        );
        for (occurrence, media) in told.aired {
            heard.aired.entry(occurrence).or_default().push(media);
        }
        let mut owners = Owners::default();
        for (kind, code, file) in &rows.owners {
            let of_kind = match *kind {
                "programme" => &mut owners.programmes,
                "slot" => &mut owners.slots,
                _ => &mut owners.profiles,
            };
            of_kind.insert(code.clone(), file.clone());
        }
        for (exception, file) in rows.exceptions.iter().zip(&rows.exception_files) {
            let of = (exception.slot, exception.date, exception.time);
            if !file.is_empty() {
                owners.exceptions.insert(of, file.clone());
            }
        }
        let approvals = store.approvals()?;
        Ok(Self {
            tree: store.zones()?,
            library,
            heard,
            approvals: approvals
                .into_iter()
                .map(|approval| (approval.content, approval.state))
                .collect(),
            owners,
            rows,
            tz,
        })
    }

    /// Returns what a day is planned from.
    pub fn inputs(&self) -> DayInputs<'_> {
        DayInputs {
            tree: &self.tree,
            programmes: &self.rows.programmes,
            library: &self.library,
            slots: &self.rows.slots,
            exceptions: &self.rows.exceptions,
            profiles: &self.rows.profiles,
            heard: &self.heard,
            approvals: Some(&self.approvals),
            tz: self.tz,
        }
    }

    /// Returns what schedule files are checked against.
    pub fn known(&self, today: NaiveDate) -> Known<'_> {
        Known {
            zones: &self.tree,
            library: &self.library,
            programmes: &self.rows.programmes,
            slots: &self.rows.slots,
            exceptions: &self.rows.exceptions,
            profiles: &self.rows.profiles,
            owners: &self.owners,
            tz: self.tz,
            today,
        }
    }

    /// Returns what schedule files are written from.
    pub fn export(&self) -> Export<'_> {
        Export {
            zones: &self.tree,
            library: &self.library,
            programmes: &self.rows.programmes,
            profiles: &self.rows.profiles,
            slots: &self.rows.slots,
            exceptions: &self.rows.exceptions,
            owners: &self.owners,
        }
    }
}

/// An occurrence that began longer ago than this is in no run-sheet that is planned anew.
const BEGUN: std::time::Duration = std::time::Duration::from_secs(3 * 86_400);
