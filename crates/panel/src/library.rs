//! What the panel may ask of the station about its library: files on their way in, and what lies there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use loa_model::{ApprovalState, BulletinClass, ContentHash, ProgrammeId, WallTime, ZoneId};
use serde::{Deserialize, Serialize};

use crate::console::Answer;

/// The library as the panel sees it; a part of [`Console`](crate::Console).
///
/// Whether somebody may do a thing in a zone is decided by the panel before it asks.
pub trait MediaLibrary: Send + Sync + 'static {
    /// Returns what is taken.
    fn upload_limits(&self) -> UploadLimits;
    /// Begins an upload, or finds the one that `by` began with the same key, unless what came of it is not there.
    fn begin_upload<'a>(&'a self, new: NewUpload, by: &'a str) -> Answer<'a, UploadItem>;
    /// Returns every upload that is known, oldest first: those under way, and what became of the last ones.
    fn uploads(&self) -> Answer<'_, Vec<UploadItem>>;
    /// Returns an upload, and ends whatever still writes to it: how much there is stays as told.
    fn upload<'a>(&'a self, id: &'a str) -> Answer<'a, Option<UploadItem>>;
    /// Writes `body` behind the `offset` bytes that are there, as far as it comes; the last byte begins the import.
    fn append<'a>(&'a self, id: &'a str, offset: u64, body: Body) -> Answer<'a, UploadItem>;
    /// Takes an upload away, unless it is being imported.
    fn end_upload<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Returns all that lies in the library, newest first.
    fn pieces(&self) -> Answer<'_, Vec<PieceItem>>;
    /// Returns one piece.
    fn piece(&self, hash: ContentHash) -> Answer<'_, Option<PieceItem>>;
    /// Returns the height of its wave, 255 for full scale, [`PEAKS_PER_S`] times a second.
    fn peaks(&self, hash: ContentHash) -> Answer<'_, Vec<u8>>;
    /// Returns where its sound lies, an Ogg Opus file.
    fn sound_path(&self, hash: ContentHash) -> PathBuf;
    /// Changes something of a piece.
    fn change_piece<'a>(&'a self, hash: ContentHash, change: PieceChange, by: &'a str) -> Answer<'a, ()>;
    /// Returns the programmes of one piece that air this one, as their own or as a version in another language, in order
    /// of title.
    fn versions(&self, hash: ContentHash) -> Answer<'_, Vec<VersionedItem>>;
    /// Sets the piece that a programme airs in zones of a language, or takes it away; refused with a
    /// [`VersionFault`](loa_model::VersionFault).
    fn set_version<'a>(
        &'a self,
        programme: ProgrammeId,
        language: &'a str,
        version: Option<ContentHash>,
        by: &'a str,
    ) -> Answer<'a, ()>;
}

/// Heights of a wave for each second of sound.
pub const PEAKS_PER_S: u32 = 25;

/// The bytes of an upload as they come; an error ends it where it is.
pub type Body = BoxStream<'static, std::io::Result<Bytes>>;

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// Largest file, bytes.
    pub bytes_max: u64,
    /// Uploads of one person that are under way at a time.
    pub in_flight_max: u32,
}

/// An upload to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// What tells this file from others of the same person; empty for nothing.
    pub key: String,
    /// Name of the file, as the browser gave it.
    pub file_name: String,
    /// Its size, bytes.
    pub bytes: u64,
    /// Whose piece it becomes; none for the whole station's.
    pub zone: Option<ZoneId>,
    /// The series of which it becomes an episode.
    pub series: Option<String>,
    /// Whether it is encoded as music.
    pub music: bool,
}

/// A file on its way in, or what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadItem {
    /// Names it in addresses; nobody guesses it.
    pub id: String,
    /// As it was begun.
    pub key: String,
    /// Name of the file, made safe to show.
    pub file_name: String,
    /// Its size, bytes.
    pub bytes: u64,
    /// Bytes that are there.
    pub received: u64,
    /// Whose piece it becomes; none for the whole station's.
    pub zone: Option<ZoneId>,
    /// Who began it.
    pub by: String,
    /// When it goes away if nothing happens.
    pub expires: WallTime,
    /// How far it is.
    pub state: UploadState,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq)]
pub enum UploadState {
    /// Bytes are missing.
    Receiving,
    /// It is whole, and waits its turn.
    Waiting,
    /// It is being measured and encoded; the share that is done, 0 to 1.
    Importing(f32),
    /// It lies in the library.
    Done(Arrived),
    /// It is not taken.
    Refused(LibraryRefusal),
}

/// What an upload became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Its content.
    pub hash: ContentHash,
    /// Its title there.
    pub title: String,
    /// The same bytes lay there before.
    pub already: bool,
}

/// A piece of the library, with all that people want to know of it.
#[derive(Clone, Debug, Serialize)]
pub struct PieceItem {
    /// Its content.
    pub hash: ContentHash,
    /// Its title.
    pub title: String,
    /// Name of the file it came as.
    pub file_name: String,
    /// Such as `mp3`.
    pub format: String,
    /// How long it sounds.
    pub duration: Duration,
    /// Integrated loudness as it came, LUFS; none when too quiet to measure.
    pub loudness_lufs: Option<f64>,
    /// True peak as it came, dBTP.
    pub true_peak_dbtp: f64,
    /// Gain that brought it to the station's loudness, dB.
    pub gain_db: f64,
    /// When it came.
    pub added_at: WallTime,
    /// Who brought it.
    pub added_by: String,
    /// Whose people may change and approve it; none for the whole station's.
    pub zone: Option<ZoneId>,
    /// The series of which it is an episode.
    pub series: Option<String>,
    /// What it was cut from.
    pub cut: Option<CutFrom>,
    /// How far it is on its way to the air.
    pub state: ApprovalState,
    /// Who decided that, when and why; none for what nobody decided about.
    pub decision: Option<Decided>,
    /// Programmes that air it, and what else cannot do without it.
    pub uses: Vec<Use>,
}

impl PieceItem {
    /// Returns the title of what would lack it; an episode of a series may go.
    pub(crate) fn keeper(&self) -> Option<&str> {
        let mut uses = self.uses.iter();
        uses.find(|one| one.part != UsePart::Episode)
            .map(|one| one.title.as_str())
    }
}

/// A stretch of another piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutFrom {
    /// The whole piece.
    pub hash: ContentHash,
    /// Its title; none if it is gone.
    pub title: Option<String>,
    /// Where the stretch begins in it.
    pub start: Duration,
    /// Where it ends.
    pub end: Duration,
}

/// A decision about a piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// Why, in words; may be empty.
    pub note: String,
}

/// A programme that airs a piece, or something else that has it sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Its code, or what stands in for one.
    pub code: String,
    /// Its title.
    pub title: String,
    /// As which part of it.
    pub part: UsePart,
}

/// As what a piece sounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UsePart {
    /// Its sound, or one of a list.
    Sound,
    /// Its version in a language.
    Language(String),
    /// An episode of its series: the piece may go, the programme stays.
    Episode,
    /// What sounds while a relay does not.
    Fill,
    /// A recording of an emergency template's warning.
    Warning,
    /// The same of its retraction.
    Retraction,
    /// What the configuration names for the place of dead air.
    DeadAir,
}

/// A programme of one piece, and the same in other languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedItem {
    /// Which programme.
    pub id: ProgrammeId,
    /// Its title.
    pub title: String,
    /// The strongest class in which it airs.
    pub class: BulletinClass,
    /// Its own piece.
    pub media: ContentHash,
    /// The same in other languages, by the name that zones choose a language by.
    pub languages: BTreeMap<String, ContentHash>,
    /// Where it airs, by itself or as a part of something else.
    pub zones: Vec<ZoneId>,
    /// Name of the schedule file that declares it; none if it was changed in the panel.
    pub file: Option<String>,
}

/// What may be changed of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceChange {
    /// Another title.
    Title(String),
    /// Makes it an episode of a series, or of none.
    Series(Option<String>),
    /// Decides whether it may air, and says why.
    Decide(ApprovalState, String),
    /// Makes a piece of its own of the stretch from the first to the second, under a title.
    Cut(Duration, Duration, String),
    /// Takes it out of the library.
    Remove,
}

/// Why something about the library was not done. The library is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LibraryRefusal {
    /// More bytes than are taken.
    #[error("the file is larger than the limit of {} MB; convert it to MP3 or cut it into parts", .0 / 1_000_000)]
    TooLarge(u64),
    /// There is nothing in it.
    #[error("the file is empty, 0 bytes")]
    ZeroLength,
    /// As many uploads of one person are under way as may be.
    #[error("{0} uploads are under way; wait for them, or remove those that will not go on")]
    TooManyUploads(u32),
    /// The disk would be too full.
    #[error("no room left on the station's disk; free some and try again")]
    NoRoom,
    /// The bytes do not follow those that are there.
    #[error("{0} bytes are there; go on from there")]
    Offset(u64),
    /// It is being imported, and cannot be taken away in the middle.
    #[error("it is being imported; wait until that is done")]
    Importing,
    /// The name is empty, or holds nothing that can be seen.
    #[error("the name is empty")]
    NoName,
    /// Another piece has this title.
    #[error("another piece has this title; choose another one")]
    TitleTaken,
    /// Something needs it.
    #[error("it is used by {0}; take it out of there first")]
    InUse(String),
    /// Somebody decided otherwise meanwhile, or another decision comes first.
    #[error("it is {} and cannot become {}", .0.name(), .1.name())]
    NoWay(ApprovalState, ApprovalState),
    /// The ends of a cut are not in order, or not in the piece, or too near.
    #[error("choose a beginning and an end inside the piece, at least half a second apart")]
    BadCut,
    /// No audio format that is known, whatever its name says.
    #[error("not an audio file that can be played (MP3, AAC/M4A, FLAC, Ogg Vorbis, Opus, WAV or AIFF)")]
    NotAudio,
    /// It says it holds more than it does.
    #[error("the sound is cut off after {} s: a broken copy or download; copy it again", .0.as_secs())]
    Truncated(Duration),
    /// There is nothing to hear in it.
    #[error("there is no sound in it")]
    NoSound,
    /// HE-AAC.
    #[error("HE-AAC (AAC+) is not supported; convert it to MP3 or AAC-LC")]
    HeAac,
    /// Copy-protected.
    #[error("copy-protected (DRM); export an unprotected file")]
    Drm,
    /// Longer than this station accepts.
    #[error("longer than the limit of {} minutes", .0.as_secs() / 60)]
    TooLong(Duration),
    /// A known format with a coding inside that is not.
    #[error("{0} is not supported; convert it to MP3 or FLAC")]
    Unsupported(String),
    /// Too much of it does not decode.
    #[error("damaged after {} s: it does not decode", .0.as_secs())]
    Corrupt(Duration),
    /// The station failed at it.
    #[error("the station could not import it: {0}")]
    Failed(String),
}
