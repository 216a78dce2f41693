//! The commented samples in `schedules/`, the library they name, and golden files to compare with.
//!
//! `UPDATE_GOLDEN=1 cargo test -p loa-plan` writes golden files anew; look at the difference before committing it.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use loa_model::{ContentHash, WallTime, ZoneTree};
use loa_plan::{Diagnostic, Known, KnownLibrary, KnownMedia, Owners, Resolved, read, resolve};

pub(crate) const ZONES: &str = include_str!("../../../../schedules/zones.toml");
pub(crate) const WEEK: &str = include_str!("../../../../schedules/week.toml");

pub(crate) fn library() -> KnownLibrary {
    let files = [
        ("ban-tin-sang.mp3", 1_500),
        ("chuyen-muc-xa.m4a", 1_200),
        ("nhac-chieu.flac", 2_400),
        ("thong-bao.wav", 600),
        ("nhac-tet.mp3", 3_000),
        ("canh-bao-bao.mp3", 300),
        ("suc-khoe-1.mp3", 480),
    ];
    let media = |(i, (name, s)): (usize, &(&str, u64))| KnownMedia {
        hash: ContentHash([u8::try_from(i).unwrap() + 1; 32]),
        title: name.split('.').next().unwrap().to_owned(),
        file_name: (*name).to_owned(),
        duration: Duration::from_secs(*s),
        series: name.starts_with("suc-khoe").then(|| "suc-khoe".to_owned()),
        zone: None,
        added_at: WallTime::from_unix_s(i64::try_from(i).unwrap()),
    };
    KnownLibrary::new(files.iter().enumerate().map(media))
}

pub(crate) fn resolved(files: &[(&str, &str)]) -> Result<Resolved, Vec<Diagnostic>> {
    let named: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let known = Known {
        zones: &ZoneTree::default(),
        library: &library(),
        programmes: &[],
        slots: &[],
        exceptions: &[],
        profiles: &[],
        owners: &Owners::default(),
        tz: Tz::Asia__Ho_Chi_Minh,
        today: "2026-11-30".parse().unwrap(),
    };
    read(&named).and_then(|files| resolve(&files, &known))
}

#[expect(clippy::disallowed_methods, reason = "golden files lie on disk")]
pub(crate) fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} is not what is planned now:\n{text}");
}
