//! Uploads against a real directory: connections that break, restarts, and what becomes of the bytes.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use loa_panel::UploadState;
use loa_store::Store;

use super::*;
use crate::config::MediaConfig;
use crate::library::Library;

const BYTES_MAX: u64 = 4_000_000;

/// The real time: files have no other.
fn now() -> WallTime {
    WallTime::from_unix_ns(loa_net::read_clocks().wall_ns)
}

struct Desk {
    dir: tempfile::TempDir,
    library: Library,
    uploads: Arc<Uploads>,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Store::create(&dir.path().join("loa.db")).unwrap();
        let library = Library::open(&dir.path().join("media"), MediaConfig::default()).unwrap();
        let uploads = Uploads::open(library.clone(), BYTES_MAX).unwrap();
        Self {
            dir,
            library,
            uploads: Arc::new(uploads),
        }
    }

    /// As after a power cut.
    fn restarted(&mut self) {
        self.library = Library::open(&self.dir.path().join("media"), MediaConfig::default()).unwrap();
        self.uploads = Arc::new(Uploads::open(self.library.clone(), BYTES_MAX).unwrap());
    }

    fn begin(&self, name: &str, key: &str, bytes: usize) -> Result<UploadItem, UploadError> {
        let new = NewUpload {
            key: key.into(),
            file_name: name.into(),
            bytes: bytes as u64,
            zone: None,
            series: None,
            music: false,
        };
        self.uploads.begin(new, "an", now())
    }

    fn send(&self, id: &str, offset: usize, bytes: &[u8]) -> Result<UploadItem, UploadError> {
        let mut writer = self.uploads.write_at(id, offset as u64)?;
        for chunk in bytes.chunks(1_000) {
            writer.write(chunk, now())?;
        }
        writer.finish()
    }

    /// Runs the importer until nothing is under way, and returns what became of each, by file name.
    fn imported(&self) -> Vec<(String, UploadState)> {
        let stop = Arc::new(AtomicBool::new(false));
        start(Importer {
            uploads: Arc::clone(&self.uploads),
            library: self.library.clone(),
            database: self.dir.path().join("loa.db"),
            now: Box::new(now),
            stop: Arc::clone(&stop),
        })
        .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let under_way =
            |item: &UploadItem| matches!(item.state, UploadState::Waiting | UploadState::Importing(_));
        while self.uploads.list().iter().any(under_way) {
            assert!(Instant::now() < deadline, "{:?}", self.uploads.list());
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.uploads
            .list()
            .into_iter()
            .map(|item| (item.file_name, item.state))
            .collect()
    }

    fn titles(&self) -> Vec<String> {
        let store = Store::open(&self.dir.path().join("loa.db")).unwrap();
        store
            .media()
            .unwrap()
            .into_iter()
            .map(|row| row.media.title)
            .collect()
    }

    /// Everything under the media directory but what is on its way.
    fn files(&self) -> usize {
        let entries = fs::read_dir(self.dir.path().join("media")).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().is_file())
            .count()
    }
}

/// A second of a tone, as a WAV file; each pitch is another file.
fn tone(pitch: f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = io::Cursor::new(Vec::new());
    let mut wav = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..16_000u16 {
        let sample = (f32::from(n) * pitch).sin() * 9_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "within 9,000")]
        wav.write_sample(sample as i16).unwrap();
    }
    wav.finalize().unwrap();
    file.into_inner()
}

fn refusal<T>(result: Result<T, UploadError>) -> LibraryRefusal {
    match result {
        Err(UploadError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn what_comes_in_pieces_through_broken_connections_and_a_restart_arrives_once() {
    let mut desk = Desk::new();
    let file = tone(0.1);
    let begun = desk.begin("Ba\u{309}n tin.wav", "k", file.len()).unwrap();
    assert_eq!((begun.file_name.as_str(), begun.received), ("Bản tin.wav", 0));
    desk.send(&begun.id, 0, &file[..10_000]).unwrap();
    // A connection that hangs is ended by the next one, and what it still sends goes nowhere.
    let mut hanging = desk.uploads.write_at(&begun.id, 10_000).unwrap();
    hanging.write(&file[10_000..12_000], now()).unwrap();
    assert_eq!(desk.uploads.take_over(&begun.id).unwrap().received, 12_000);
    assert_eq!(
        refusal(hanging.write(&file[12_000..13_000], now())),
        LibraryRefusal::Offset(12_000)
    );
    assert_eq!(
        refusal(desk.send(&begun.id, 10_000, b"x")),
        LibraryRefusal::Offset(12_000)
    );
    desk.restarted();
    let again = desk.begin("Ba\u{309}n tin.wav", "k", file.len()).unwrap();
    assert_eq!((again.id.as_str(), again.received), (begun.id.as_str(), 12_000));
    let mut writer = desk.uploads.write_at(&begun.id, 12_000).unwrap();
    let too_much = vec![0; file.len()];
    assert_eq!(
        refusal(writer.write(&too_much, now())),
        LibraryRefusal::Offset(12_000)
    );
    desk.send(&begun.id, 12_000, &file[12_000..]).unwrap();
    desk.restarted();
    let ended = desk.imported();
    assert!(
        matches!(&ended[..], [(_, UploadState::Done(arrived))] if !arrived.already),
        "{ended:?}"
    );
    assert_eq!(desk.titles(), ["Bản tin"]);
    let held = desk.library.list().unwrap();
    let hash = *held.keys().next().unwrap();
    assert_eq!(
        fs::read(desk.library.original_path(hash)).unwrap(),
        file,
        "byte for byte"
    );
    // Its bytes have gone from where it arrived; what became of it is told, also after a restart.
    assert!(!desk.library.uploads_path().join(&begun.id).join(DATA).exists());
    desk.restarted();
    assert!(matches!(desk.uploads.list()[0].state, UploadState::Done(_)));
    // The page that sends the same file again learns that nothing is to be sent, until the piece is removed.
    let again = desk.begin("Bản tin.wav", "k", file.len()).unwrap();
    assert_eq!(
        (again.id.as_str(), again.received),
        (begun.id.as_str(), file.len() as u64)
    );
    desk.library.remove(hash).unwrap();
    assert_eq!(desk.begin("Bản tin.wav", "k", file.len()).unwrap().received, 0);
}

#[test]
fn the_same_bytes_find_the_first_and_another_file_of_the_same_name_gets_a_name_of_its_own() {
    let desk = Desk::new();
    for (name, pitch) in [
        ("tin.wav", 0.1),
        ("khác.wav", 0.1),
        ("tin.wav", 0.2),
        ("tin.wav", 0.3),
    ] {
        let file = tone(pitch);
        let begun = desk.begin(name, "", file.len()).unwrap();
        desk.send(&begun.id, 0, &file).unwrap();
        desk.imported();
    }
    assert_eq!(desk.titles(), ["tin", "tin (2)", "tin (3)"]);
    let already = desk.uploads.list().into_iter().filter(
        |item| matches!(&item.state, UploadState::Done(arrived) if arrived.already && arrived.title == "tin"),
    );
    assert_eq!(already.count(), 1);
}

#[test]
fn what_is_no_sound_is_refused_by_name_and_leaves_everything_as_it_was() {
    let desk = Desk::new();
    let good = tone(0.1);
    let rows: [(&str, &[u8], LibraryRefusal); 3] = [
        (
            "tro-choi.mp3",
            b"MZ\x90\0\x03\0\0\0 This program cannot be run in DOS mode.",
            LibraryRefusal::NotAudio,
        ),
        ("../../ghi-chu.wav", b"just text", LibraryRefusal::NotAudio),
        (
            "dut.wav",
            &good[..10_000],
            LibraryRefusal::Truncated(Duration::ZERO),
        ),
    ];
    for (name, bytes, _) in &rows {
        let begun = desk.begin(name, "", bytes.len()).unwrap();
        assert!(!begun.file_name.contains('/'), "{}", begun.file_name);
        desk.send(&begun.id, 0, bytes).unwrap();
    }
    for ((_, state), (name, _, expected)) in desk.imported().iter().zip(rows) {
        let UploadState::Refused(why) = state else {
            panic!("{name}: {state:?}")
        };
        assert_eq!(
            std::mem::discriminant(why),
            std::mem::discriminant(&expected),
            "{name}: {why}"
        );
    }
    assert_eq!(desk.titles(), [""; 0]);
    assert_eq!(desk.files(), 0);
}

#[test]
fn limits_are_told_before_a_byte_is_sent() {
    let desk = Desk::new();
    let limit = usize::try_from(BYTES_MAX).unwrap();
    assert_eq!(
        refusal(desk.begin("to.wav", "", limit + 1)),
        LibraryRefusal::TooLarge(BYTES_MAX)
    );
    assert_eq!(refusal(desk.begin("rong.wav", "", 0)), LibraryRefusal::ZeroLength);
    assert_eq!(
        refusal(desk.begin("\u{200b}/\u{7}", "", 5)),
        LibraryRefusal::NoName
    );
    for number in 0..IN_FLIGHT_MAX {
        desk.begin("tin.wav", &number.to_string(), 1_000).unwrap();
    }
    assert_eq!(
        refusal(desk.begin("tin.wav", "", 5)),
        LibraryRefusal::TooManyUploads(IN_FLIGHT_MAX)
    );
    desk.begin("tin.wav", "3", 1_000).unwrap();
    let new = NewUpload {
        key: "3".into(),
        file_name: "tin.wav".into(),
        bytes: 1_000,
        zone: None,
        series: None,
        music: false,
    };
    // Another person's limit is another person's, and so are the keys.
    let other = desk.uploads.begin(new, "binh", now()).unwrap();
    assert_eq!(desk.uploads.list().len(), IN_FLIGHT_MAX as usize + 1);
    desk.uploads.end(&other.id).unwrap();
    assert!(matches!(desk.uploads.end(&other.id), Err(UploadError::Unknown)));
    assert!(!desk.library.uploads_path().join(&other.id).exists());
}

/// Whoever chooses a file again has looked at where it goes once more.
#[test]
fn what_is_begun_again_for_another_place_goes_there_until_it_is_imported() {
    let mut desk = Desk::new();
    let file = tone(0.1);
    let begin = |desk: &Desk, zone: Option<ZoneId>, series: &str, music: bool| {
        let new = NewUpload {
            key: "k".into(),
            file_name: "tin.wav".into(),
            bytes: file.len() as u64,
            zone,
            series: Some(series.into()),
            music,
        };
        desk.uploads.begin(new, "an", now()).unwrap()
    };
    let kept = |desk: &Desk, id: &str| {
        let upload = desk.uploads.find(id).unwrap();
        let record = upload.state().record.clone();
        (record.zone, record.series, record.music)
    };
    let begun = begin(&desk, Some(ZoneId(7)), "Cũ", false);
    desk.send(&begun.id, 0, &file[..10_000]).unwrap();
    let again = begin(&desk, Some(ZoneId(8)), "Tin", false);
    assert_eq!(
        (again.id.as_str(), again.received, again.zone),
        (begun.id.as_str(), 10_000, Some(ZoneId(8)))
    );
    desk.restarted();
    let expected = (Some(ZoneId(8)), Some("Tin".to_owned()), false);
    assert_eq!(kept(&desk, &begun.id), expected, "it is written down");
    desk.send(&begun.id, 10_000, &file[10_000..]).unwrap();
    begin(&desk, None, "Tin", true);
    let expected = (None, Some("Tin".to_owned()), true);
    assert_eq!(kept(&desk, &begun.id), expected, "whole, and waits");
    let upload = desk.uploads.find(&begun.id).unwrap();
    upload.state().importing = Some(0.5);
    begin(&desk, Some(ZoneId(8)), "Cũ", false);
    assert_eq!(kept(&desk, &begun.id), expected, "it is being imported");
    upload.state().importing = None;
    desk.imported();
    begin(&desk, Some(ZoneId(8)), "Cũ", false);
    assert_eq!(kept(&desk, &begun.id), expected, "it is in the library");
    let store = Store::open(&desk.dir.path().join("loa.db")).unwrap();
    let row = store.media_by_title("tin").unwrap().unwrap();
    assert_eq!((row.zone, row.series.as_deref()), (None, Some("Tin")));
}

#[test]
fn what_nobody_goes_on_with_goes_away_after_a_day() {
    let desk = Desk::new();
    let begun = desk.begin("tin.wav", "", 1_000).unwrap();
    desk.send(&begun.id, 0, b"12345").unwrap();
    desk.uploads.expire(now() + IDLE_MAX - Duration::from_secs(5));
    assert_eq!(desk.uploads.list().len(), 1);
    desk.uploads.expire(now() + IDLE_MAX);
    assert_eq!(desk.uploads.list().len(), 0);
    assert!(!desk.library.uploads_path().join(begun.id).exists());
}

#[test]
fn a_stretch_of_a_piece_becomes_a_piece_of_its_own() {
    let desk = Desk::new();
    let file = tone(0.1);
    let begun = desk.begin("tin.wav", "", file.len()).unwrap();
    desk.send(&begun.id, 0, &file).unwrap();
    desk.imported();
    let hash = *desk.library.list().unwrap().keys().next().unwrap();
    let request = CutRequest {
        hash,
        start: 12_000,
        end: 36_000,
        title: "nửa giây".into(),
        file_name: "tin.wav".into(),
        zone: None,
        series: Some("Tin".into()),
    };
    desk.uploads.begin_cut(&request, "an", now()).unwrap();
    let ended = desk.imported();
    assert!(
        ended
            .iter()
            .all(|(_, state)| matches!(state, UploadState::Done(_))),
        "{ended:?}"
    );
    let store = Store::open(&desk.dir.path().join("loa.db")).unwrap();
    let row = store.media_by_title("nửa giây").unwrap().unwrap();
    assert_eq!((row.media.samples, row.series.as_deref()), (24_000, Some("Tin")));
    let cut = row.cut.unwrap();
    assert_eq!((cut.from, cut.start, cut.end), (hash, 12_000, 36_000));
    let peaks = desk.library.peaks(row.media.hash).unwrap();
    assert_eq!(peaks.len(), 13, "half a second in parts of 1/25 s");
    assert!(peaks[1..12].iter().all(|peak| *peak > 30), "{peaks:?}");
    assert_eq!(
        desk.library.peaks(row.media.hash).unwrap(),
        peaks,
        "as it was kept"
    );
}

/// A locked database costs time, not the file.
#[test]
fn what_the_database_does_not_take_is_brought_in_later() {
    let desk = Desk::new();
    let database = desk.dir.path().join("loa.db");
    let away = desk.dir.path().join("away.db");
    fs::rename(&database, &away).unwrap();
    let file = tone(0.1);
    let begun = desk.begin("tin.wav", "", file.len()).unwrap();
    desk.send(&begun.id, 0, &file).unwrap();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1_500));
        fs::rename(away, database).unwrap();
    });
    let ended = desk.imported();
    back.join().unwrap();
    assert!(
        matches!(&ended[..], [(_, UploadState::Done(arrived))] if !arrived.already),
        "{ended:?}"
    );
    assert_eq!(desk.titles(), ["tin"]);
}
