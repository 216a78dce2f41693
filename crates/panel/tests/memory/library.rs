//! The library of the station in memory: four pieces, three of them with versions in other languages, and uploads that
//! hold what they are sent.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use loa_model::{ApprovalState, BulletinClass, ContentHash, ProgrammeId, VersionFault, ZoneId, is_code};
use loa_panel::{
    Answer, Arrived, Body, ConsoleError, CutFrom, Decided, LibraryRefusal, MediaLibrary, NewUpload,
    PieceChange, PieceItem, UploadItem, UploadLimits, UploadState, Use, UsePart, VersionedItem,
};

use super::{Memory, at, done};

/// Largest file that is taken.
pub(crate) const BYTES_MAX: u64 = 2_000_000_000;

fn refuse<'a, T: Send + 'a>(error: impl Into<ConsoleError>) -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(error.into())))
}

/// An upload of the first commune and of the second, to be gone on with.
fn standing() -> Vec<UploadItem> {
    [2, 5]
        .map(|zone| UploadItem {
            id: format!("up-{zone}"),
            key: String::new(),
            file_name: "Bản tin.mp3".into(),
            bytes: 1_000,
            received: 0,
            zone: Some(ZoneId(zone)),
            by: "truc-ban".into(),
            expires: at(3_600),
            state: UploadState::Receiving,
        })
        .into()
}

fn found(uploads: &[UploadItem], id: &str) -> Option<UploadItem> {
    let standing = standing();
    uploads
        .iter()
        .chain(&standing)
        .find(|item| item.id == id)
        .cloned()
}

impl MediaLibrary for Memory {
    fn upload_limits(&self) -> UploadLimits {
        UploadLimits {
            bytes_max: BYTES_MAX,
            in_flight_max: 24,
        }
    }

    fn begin_upload<'a>(&'a self, new: NewUpload, by: &'a str) -> Answer<'a, UploadItem> {
        if new.bytes == 0 {
            return refuse(LibraryRefusal::ZeroLength);
        }
        if new.bytes > BYTES_MAX {
            return refuse(LibraryRefusal::TooLarge(BYTES_MAX));
        }
        let mut uploads = self.uploads.lock().expect("no test panics with it");
        if let Some(same) = uploads
            .iter()
            .find(|item| item.key == new.key && !new.key.is_empty())
        {
            return done(same.clone());
        }
        self.note(format!("{by} {new:?}"));
        let item = UploadItem {
            id: format!("new-{}", uploads.len()),
            key: new.key,
            file_name: new.file_name,
            bytes: new.bytes,
            received: 0,
            zone: new.zone,
            by: by.into(),
            expires: at(3_600),
            state: UploadState::Receiving,
        };
        uploads.push(item.clone());
        done(item)
    }

    fn uploads(&self) -> Answer<'_, Vec<UploadItem>> {
        let mut uploads = self.uploads.lock().expect("no test panics with it").clone();
        uploads.extend(standing());
        done(uploads)
    }

    fn upload<'a>(&'a self, id: &'a str) -> Answer<'a, Option<UploadItem>> {
        done(found(&self.uploads.lock().expect("no test panics with it"), id))
    }

    fn append<'a>(&'a self, id: &'a str, offset: u64, mut body: Body) -> Answer<'a, UploadItem> {
        Box::pin(async move {
            let mut bytes = 0;
            while let Some(Ok(chunk)) = body.next().await {
                bytes += chunk.len() as u64;
            }
            let mut uploads = self.uploads.lock().expect("no test panics with it");
            let mut item = found(&uploads, id).ok_or(ConsoleError::NotFound("upload".into()))?;
            if item.received != offset {
                return Err(LibraryRefusal::Offset(item.received).into());
            }
            item.received += bytes;
            if item.received == item.bytes {
                item.state = if item.file_name.ends_with(".exe") {
                    UploadState::Refused(LibraryRefusal::NotAudio)
                } else {
                    UploadState::Done(Arrived {
                        hash: ContentHash([9; 32]),
                        title: "Bản tin".into(),
                        already: false,
                    })
                };
            }
            if let Some(held) = uploads.iter_mut().find(|held| held.id == id) {
                *held = item.clone();
            }
            Ok(item)
        })
    }

    fn end_upload<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.uploads
            .lock()
            .expect("no test panics with it")
            .retain(|item| item.id != id);
        done(())
    }

    fn pieces(&self) -> Answer<'_, Vec<PieceItem>> {
        if self.library_lost {
            return refuse(ConsoleError::Unavailable("database is locked".into()));
        }
        let piece = |n: u8, title: &str, zone: Option<i64>, state| PieceItem {
            hash: ContentHash([n; 32]),
            title: title.into(),
            file_name: format!("{title}.mp3"),
            format: "mp3".into(),
            duration: Duration::from_secs(65 + 30 * u64::from(n)),
            loudness_lufs: Some(-18.24),
            true_peak_dbtp: -1.02,
            gain_db: 2.24,
            added_at: at(-3_600),
            added_by: "truc-ban".into(),
            zone: zone.map(ZoneId),
            series: None,
            cut: None,
            state,
            decision: None,
            uses: vec![],
        };
        let title = if self.hostile_title {
            self.title()
        } else {
            "Lũ về: việc cần làm".into()
        };
        let flood = PieceItem {
            uses: vec![
                Use {
                    code: "canh-bao".into(),
                    title: "Tin mùa lũ".into(),
                    part: UsePart::Language("tày".into()),
                },
                Use {
                    code: "1".into(),
                    title: "Nước sông lên".into(),
                    part: UsePart::Warning,
                },
            ],
            ..piece(1, &title, Some(1), ApprovalState::Approved)
        };
        let east = PieceItem {
            series: Some("Sức khỏe".into()),
            ..piece(2, "Sức khỏe mùa mưa ở xã Đông", Some(2), ApprovalState::Submitted)
        };
        let west = PieceItem {
            decision: Some(Decided {
                by: "chu-tich".into(),
                at: at(-600),
                note: "đọc lại tên thôn".into(),
            }),
            cut: Some(CutFrom {
                hash: ContentHash([1; 32]),
                title: Some("Lũ về: việc cần làm".into()),
                start: Duration::from_millis(1_500),
                end: Duration::from_secs(20),
            }),
            ..piece(5, "Thông báo họp dân", Some(5), ApprovalState::Rejected)
        };
        done(vec![
            flood,
            east,
            west,
            PieceItem {
                loudness_lufs: None,
                ..piece(9, "Nhạc hiệu", None, ApprovalState::Draft)
            },
        ])
    }

    fn piece(&self, hash: ContentHash) -> Answer<'_, Option<PieceItem>> {
        Box::pin(async move { Ok(self.pieces().await?.into_iter().find(|piece| piece.hash == hash)) })
    }

    fn peaks(&self, hash: ContentHash) -> Answer<'_, Vec<u8>> {
        let wave =
            |n: u32| u8::try_from((n * n * u32::from(hash.0[0] + 3) / 7 + n * 3) % 190).unwrap_or(0) + 20;
        done((0..25 * 95).map(wave).collect())
    }

    fn sound_path(&self, hash: ContentHash) -> PathBuf {
        // Its length is what tests look at.
        let path = std::env::temp_dir().join(format!("loa-panel-test-{}-{hash}.opus", std::process::id()));
        if !path.is_file() {
            let made = std::fs::File::create(&path).and_then(|mut file| file.write_all(&SOUND));
            made.expect("a temporary file can be written");
        }
        path
    }

    fn change_piece<'a>(&'a self, hash: ContentHash, change: PieceChange, by: &'a str) -> Answer<'a, ()> {
        if change == PieceChange::Title("Nhạc hiệu".into()) {
            return refuse(LibraryRefusal::TitleTaken);
        }
        self.note(format!("{by} {change:?} of {}", &hash.to_string()[..2]));
        done(())
    }

    fn versions(&self, hash: ContentHash) -> Answer<'_, Vec<VersionedItem>> {
        let item = |id, title: &str, class, own: u8, (language, version): (&str, u8), zone| VersionedItem {
            id: ProgrammeId(id),
            title: title.into(),
            class,
            media: ContentHash([own; 32]),
            languages: [(language.to_owned(), ContentHash([version; 32]))].into(),
            zones: vec![ZoneId(zone)],
            file: (id != 5).then(|| "week.toml".into()),
        };
        let all = [
            item(2, "Bản tin sức khỏe", BulletinClass::Normal, 2, ("mnong", 9), 2),
            item(5, "Tin họp dân", BulletinClass::Normal, 5, ("ede", 9), 5),
            item(9, "Tin mùa lũ", BulletinClass::Emergency, 9, ("tày", 1), 1),
        ];
        let is_of = |item: &VersionedItem| {
            item.media == hash || item.languages.values().any(|version| *version == hash)
        };
        done(all.into_iter().filter(is_of).collect())
    }

    fn set_version<'a>(
        &'a self,
        programme: ProgrammeId,
        language: &'a str,
        version: Option<ContentHash>,
        by: &'a str,
    ) -> Answer<'a, ()> {
        if version.is_some() && !is_code(language) {
            return refuse(VersionFault::Language(language.into()));
        }
        let version = version.map(|hash| hash.to_string()[..2].to_owned());
        self.note(format!("{by} version {language} of {programme}: {version:?}"));
        done(())
    }
}

/// What every piece sounds like.
pub(crate) const SOUND: [u8; 100] = [7; 100];
