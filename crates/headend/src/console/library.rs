//! The library as the panel sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::StreamExt as _;
use loa_model::{
    Approval, ApprovalState, ContentHash, PlaylistItem, Programme, ProgrammeId, Source, ZoneTree,
    duration_to_samples, samples_to_duration,
};
use loa_panel::{
    Answer, Body, Console as _, ConsoleError, CutFrom, Decided, LibraryRefusal, MediaLibrary, NewUpload,
    PieceChange, PieceItem, UploadItem, UploadLimits, Use, UsePart, VersionedItem,
};
use loa_plan::local;
use loa_store::{AuditRow, By, MediaRow, ScheduleRows, Store, StoreError, TemplateRow};

use super::{StationConsole, unavailable, versions};
use crate::fill;
use crate::library::clean_title;
use crate::uploads::{CutRequest, UploadError, Uploads};

impl MediaLibrary for StationConsole {
    fn upload_limits(&self) -> UploadLimits {
        self.uploads.limits()
    }

    fn begin_upload<'a>(&'a self, new: NewUpload, by: &'a str) -> Answer<'a, UploadItem> {
        let (by, now) = (by.to_owned(), self.now());
        self.with_uploads(move |uploads| uploads.begin(new, &by, now))
    }

    fn uploads(&self) -> Answer<'_, Vec<UploadItem>> {
        self.with_uploads(|uploads| Ok(uploads.list()))
    }

    fn upload<'a>(&'a self, id: &'a str) -> Answer<'a, Option<UploadItem>> {
        let id = id.to_owned();
        self.with_uploads(move |uploads| Ok(uploads.take_over(&id)))
    }

    fn append<'a>(&'a self, id: &'a str, offset: u64, mut body: Body) -> Answer<'a, UploadItem> {
        Box::pin(async move {
            let id = id.to_owned();
            let mut writer = self
                .with_uploads(move |uploads| uploads.write_at(&id, offset))
                .await?;
            // A connection that breaks ends it where it is: what came is there.
            while let Some(Ok(bytes)) = body.next().await {
                let now = self.now();
                let written = tokio::task::spawn_blocking(move || {
                    writer.write(&bytes, now)?;
                    Ok(writer)
                });
                writer = written
                    .await
                    .map_err(|error| unavailable(&error))?
                    .map_err(not_uploaded)?;
            }
            let finished = tokio::task::spawn_blocking(move || writer.finish());
            finished
                .await
                .map_err(|error| unavailable(&error))?
                .map_err(not_uploaded)
        })
    }

    fn end_upload<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        let id = id.to_owned();
        self.with_uploads(move |uploads| uploads.end(&id))
    }

    fn pieces(&self) -> Answer<'_, Vec<PieceItem>> {
        let (today, fill) = (self.today(), self.fill());
        self.with_store(move |store| {
            let known = Known::read(store, today, fill)?;
            let mut pieces: Vec<_> = store.media()?.into_iter().map(|row| known.item(row)).collect();
            pieces.sort_by(|one, other| (other.added_at, &one.title).cmp(&(one.added_at, &other.title)));
            Ok(pieces)
        })
    }

    fn piece(&self, hash: ContentHash) -> Answer<'_, Option<PieceItem>> {
        let (today, fill) = (self.today(), self.fill());
        self.with_store(move |store| {
            let Some(row) = store.media_by_hash(hash)? else {
                return Ok(None);
            };
            Ok(Some(Known::read(store, today, fill)?.item(row)))
        })
    }

    fn peaks(&self, hash: ContentHash) -> Answer<'_, Vec<u8>> {
        let library = self.library.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || library.peaks(hash));
            read.await
                .map_err(|error| unavailable(&error))?
                .map_err(|error| unavailable(&error))
        })
    }

    fn sound_path(&self, hash: ContentHash) -> PathBuf {
        self.library.encoded_path(hash)
    }

    fn change_piece<'a>(&'a self, hash: ContentHash, change: PieceChange, by: &'a str) -> Answer<'a, ()> {
        let (who, at) = (by.to_owned(), self.now());
        match change {
            PieceChange::Title(title) => {
                let title = clean_title(&title);
                if title.is_empty() {
                    return refuse(LibraryRefusal::NoName);
                }
                let fill = self.fill();
                self.with_store(move |store| {
                    let before = existing(store, hash)?.media.title;
                    if before != title {
                        fill::must_stay(fill.as_deref(), &before)?;
                    }
                    store.set_title(hash, &title, By { who: &who, at })
                })
            }
            PieceChange::Series(series) => {
                let series = series
                    .map(|series| clean_title(&series))
                    .filter(|series| !series.is_empty());
                self.with_store(move |store| store.set_series(hash, series.as_deref(), By { who: &who, at }))
            }
            PieceChange::Decide(to, note) => self
                .with_store(move |store| decide(store, hash, to, &clean_title(&note), By { who: &who, at })),
            PieceChange::Cut(start, end, title) => Box::pin(self.cut(hash, (start, end), title, who)),
            PieceChange::Remove => Box::pin(async move {
                let fill = self.fill();
                // The row first: it must never name files that are gone.
                self.with_store(move |store| {
                    let title = existing(store, hash)?.media.title;
                    fill::must_stay(fill.as_deref(), &title)?;
                    store.remove_media(&title, By { who: &who, at })
                })
                .await?;
                let library = self.library.clone();
                let removed = tokio::task::spawn_blocking(move || library.remove(hash));
                removed
                    .await
                    .map_err(|error| unavailable(&error))?
                    .map_err(|error| unavailable(&error))
            }),
        }
    }

    fn versions(&self, hash: ContentHash) -> Answer<'_, Vec<VersionedItem>> {
        let today = self.today();
        self.with_store(move |store| Ok(versions::of(&store.schedule()?, hash, today)))
    }

    fn set_version<'a>(
        &'a self,
        programme: ProgrammeId,
        language: &'a str,
        version: Option<ContentHash>,
        by: &'a str,
    ) -> Answer<'a, ()> {
        let (language, who, at) = (language.to_owned(), by.to_owned(), self.now());
        self.with_store(move |store| store.set_version(programme, &language, version, By { who: &who, at }))
    }
}

impl StationConsole {
    /// Returns the title of what sounds in the place of dead air.
    fn fill(&self) -> Option<String> {
        self.keeper.config.playout.fill.clone()
    }

    fn today(&self) -> NaiveDate {
        local::local_date(self.station.time_zone, self.now())
    }

    /// Runs something with the uploads, away from the threads that serve pages.
    fn with_uploads<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Uploads>) -> Result<T, UploadError> + Send + 'static,
    ) -> Answer<'static, T> {
        let uploads = Arc::clone(&self.uploads);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&uploads));
            done.await
                .map_err(|error| unavailable(&error))?
                .map_err(not_uploaded)
        })
    }

    async fn cut(
        &self,
        hash: ContentHash,
        (start, end): (Duration, Duration),
        title: String,
        who: String,
    ) -> Result<(), ConsoleError> {
        let title = clean_title(&title);
        if title.is_empty() {
            return Err(LibraryRefusal::NoName.into());
        }
        let wanted = title.clone();
        let (row, taken) = self
            .with_store(move |store| Ok((existing(store, hash)?, store.media_by_title(&wanted)?.is_some())))
            .await?;
        if taken {
            return Err(LibraryRefusal::TitleTaken.into());
        }
        let (start, end) = (
            duration_to_samples(start),
            duration_to_samples(end).min(row.media.samples),
        );
        if end < start + CUT_SAMPLES_MIN {
            return Err(LibraryRefusal::BadCut.into());
        }
        let request = CutRequest {
            hash,
            start,
            end,
            title,
            file_name: row.file_name,
            zone: row.zone,
            series: row.series,
        };
        let now = self.now();
        self.with_uploads(move |uploads| uploads.begin_cut(&request, &who, now))
            .await
    }
}

/// Writes a decision down, with the steps that lead to it.
fn decide(
    store: &mut Store,
    hash: ContentHash,
    to: ApprovalState,
    note: &str,
    by: By<'_>,
) -> Result<(), StoreError> {
    let title = existing(store, hash)?.media.title;
    let approvals = store.approvals()?.into_iter();
    let before = approvals.into_iter().find(|approval| approval.content == hash);
    let before = before.map_or(ApprovalState::default(), |approval| approval.state);
    let way = before.way_to(to).ok_or(StoreError::NoWay {
        content: hash,
        from: before,
        to,
    })?;
    let step = |state: &ApprovalState| Approval {
        content: hash,
        state: *state,
        by: by.who.to_owned(),
        at: by.at,
        note: note.to_owned(),
    };
    let steps: Vec<_> = way.iter().map(step).collect();
    let from = std::iter::once(before).chain(way.iter().copied());
    let said = if note.is_empty() {
        String::new()
    } else {
        format!(": {note}")
    };
    let audit: Vec<_> = from
        .zip(way)
        .map(|(from, to)| AuditRow {
            at: by.at,
            who: by.who.to_owned(),
            action: to.name().to_owned(),
            detail: format!("{title} ({hash}){said}"),
            before: from.name().to_owned(),
            after: to.name().to_owned(),
        })
        .collect();
    store.decide(&steps, &audit)
}

fn existing(store: &Store, hash: ContentHash) -> Result<MediaRow, StoreError> {
    store.media_by_hash(hash)?.ok_or_else(|| StoreError::Unknown {
        what: "media",
        name: hash.to_string(),
    })
}

/// What else is known of pieces: decisions, programmes and where they air, emergencies that lie ready, titles of others.
struct Known {
    approvals: BTreeMap<ContentHash, Approval>,
    rows: ScheduleRows,
    tree: ZoneTree,
    today: NaiveDate,
    templates: Vec<TemplateRow>,
    /// Title of what sounds in the place of dead air.
    fill: Option<String>,
    titles: BTreeMap<ContentHash, String>,
}

impl Known {
    fn read(store: &Store, today: NaiveDate, fill: Option<String>) -> Result<Self, StoreError> {
        let approvals = store.approvals()?.into_iter();
        Ok(Self {
            approvals: approvals.map(|approval| (approval.content, approval)).collect(),
            rows: store.schedule()?,
            tree: store.zones()?,
            today,
            templates: store.templates()?,
            fill,
            titles: store
                .media()?
                .into_iter()
                .map(|row| (row.media.hash, row.media.title))
                .collect(),
        })
    }

    fn item(&self, row: MediaRow) -> PieceItem {
        let duration = row.media.duration();
        let approval = self.approvals.get(&row.media.hash);
        let mut uses: Vec<_> = self
            .rows
            .programmes
            .iter()
            .filter_map(|programme| {
                Some(Use {
                    code: programme.code.clone(),
                    title: programme.spec.title.clone(),
                    part: self.part_of(programme, &row)?,
                })
            })
            .collect();
        uses.extend(
            self.templates
                .iter()
                .flat_map(|said| said_in(said, row.media.hash)),
        );
        if self.fill.as_ref() == Some(&row.media.title) {
            uses.push(Use {
                code: "playout.fill".to_owned(),
                title: "playout.fill".to_owned(),
                part: UsePart::DeadAir,
            });
        }
        PieceItem {
            uses,
            hash: row.media.hash,
            title: row.media.title,
            file_name: row.file_name,
            format: row.media.format,
            duration,
            loudness_lufs: row.media.loudness_lufs,
            true_peak_dbtp: row.media.true_peak_dbtp,
            gain_db: row.media.gain_db,
            added_at: row.added_at,
            added_by: row.added_by,
            zone: row.zone,
            series: row.series,
            cut: row.cut.map(|cut| CutFrom {
                hash: cut.from,
                title: self.titles.get(&cut.from).cloned(),
                start: samples_to_duration(cut.start),
                end: samples_to_duration(cut.end),
            }),
            state: approval.map_or(ApprovalState::default(), |approval| approval.state),
            decision: approval.map(|approval| Decided {
                by: approval.by.clone(),
                at: approval.at,
                note: approval.note.clone(),
            }),
        }
    }

    /// Returns as what a programme airs a piece, if it does.
    fn part_of(&self, programme: &Programme, row: &MediaRow) -> Option<UsePart> {
        let hash = row.media.hash;
        match &programme.spec.source {
            Source::Asset { media, languages } => {
                let version = languages.iter().find(|(_, version)| **version == hash);
                match version {
                    _ if *media == hash => Some(UsePart::Sound),
                    Some((language, _)) => Some(UsePart::Language(language.clone())),
                    None => None,
                }
            }
            Source::Playlist(items) => {
                let is_in = items
                    .iter()
                    .any(|item| matches!(item, PlaylistItem::Media(media) if *media == hash));
                is_in.then_some(UsePart::Sound)
            }
            Source::Series { name, .. } => {
                let counts = || versions::counts(&self.rows, &self.tree, programme.id, row.zone, self.today);
                (row.series.as_ref() == Some(name) && counts()).then_some(UsePart::Episode)
            }
            Source::Relay(relay) => (relay.fill == Some(hash)).then_some(UsePart::Fill),
            Source::Silence => None,
        }
    }
}

/// Returns as what an emergency template has a piece said.
fn said_in(row: &TemplateRow, hash: ContentHash) -> impl Iterator<Item = Use> {
    let TemplateRow { number, template, .. } = row;
    let said = [
        (&template.warning, UsePart::Warning),
        (&template.retraction, UsePart::Retraction),
    ];
    said.into_iter()
        .filter(move |(message, _)| message.spoken.contains(&hash))
        .map(move |(_, part)| Use {
            code: number.to_string(),
            title: template.title.clone(),
            part,
        })
}

fn not_uploaded(error: UploadError) -> ConsoleError {
    match error {
        UploadError::Refused(refusal) => refusal.into(),
        UploadError::Unknown => ConsoleError::NotFound("upload".to_owned()),
        error @ UploadError::Disk(_) => unavailable(&error),
    }
}

fn refuse<T: Send + 'static>(refusal: LibraryRefusal) -> Answer<'static, T> {
    Box::pin(std::future::ready(Err(refusal.into())))
}

/// Half a second: what is shorter is a slip of the hand.
const CUT_SAMPLES_MIN: u64 = 24_000;
