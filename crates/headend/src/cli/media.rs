//! `loa media`: the library.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use loa_model::{ContentHash, ZoneId};
use loa_store::{MediaRow, Store};

use super::Doer;
use super::decide::Decision;
use crate::fill;
use crate::installation::Installation;
use crate::library::{Imported, Library, Options};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Imports audio files: measures, normalises and encodes them for air.
    Add {
        /// MP3, AAC/M4A, FLAC, Ogg Vorbis, Opus, WAV or AIFF; of a folder, every such file in it and below.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Name shown to people; only for a single file. The file's name otherwise.
        #[arg(long)]
        title: Option<String>,
        /// Opus bit rate, bit/s; the configured one otherwise.
        #[arg(long)]
        bitrate: Option<u32>,
        /// Encodes as music.
        #[arg(long)]
        music: bool,
        /// Leaves the loudness as it is.
        #[arg(long)]
        as_is: bool,
        /// Makes them episodes of this series.
        #[arg(long)]
        series: Option<String>,
        /// Code of the zone whose people may change and approve them; the whole station's otherwise.
        #[arg(long)]
        zone: Option<String>,
        #[command(flatten)]
        by: Doer,
    },
    /// Lists the library.
    List {
        #[command(flatten)]
        format: super::Format,
    },
    /// Makes a file an episode of a series, or of none.
    Series {
        /// Its title.
        title: String,
        /// Name of the series; none takes it out of its series.
        series: Option<String>,
        #[command(flatten)]
        by: Doer,
    },
    /// Decides about files of the library, as they are now.
    Decide(Decision),
    /// Removes a file by its title, unless something needs it.
    Remove {
        /// Its title.
        title: String,
        #[command(flatten)]
        by: Doer,
    },
}

/// What an import makes of all its files.
struct Belongs<'a> {
    series: Option<&'a str>,
    zone: Option<ZoneId>,
    by: &'a Doer,
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        match self {
            Self::Add {
                files,
                title,
                bitrate,
                music,
                as_is,
                series,
                zone,
                by,
            } => {
                let files = audio_files(files)?;
                if title.is_some() && files.len() > 1 {
                    bail!("--title names one file; import the others by themselves");
                }
                let (library, mut store) = (installation.library()?, installation.store()?);
                let zone = match zone {
                    None => None,
                    Some(code) => {
                        let found = store.zones()?.by_code(&code).map(|zone| zone.id);
                        Some(found.with_context(|| format!("there is no zone \"{code}\""))?)
                    }
                };
                let belongs = Belongs {
                    series: series.as_deref(),
                    zone,
                    by: &by,
                };
                let mut failed = 0;
                for file in &files {
                    let options = Options {
                        title: title.clone(),
                        bitrate,
                        music,
                        normalise: !as_is,
                    };
                    if let Err(error) = add(&library, &mut store, file, &options, &belongs) {
                        // The others may be good.
                        eprintln!("loa: {error:#}");
                        failed += 1;
                    }
                }
                if failed > 0 {
                    bail!("{failed} of {} files were not imported", files.len());
                }
                Ok(())
            }
            Self::Series { title, series, by } => {
                let mut store = installation.store()?;
                let hash = by_title(&store, &title)?.0;
                Ok(store.set_series(hash, series.as_deref(), by.now())?)
            }
            Self::Decide(decision) => {
                let mut store = installation.store()?;
                let contents: Vec<_> = if decision.all {
                    let rows = store.media()?.into_iter();
                    rows.map(|row| (row.media.hash, row.media.title)).collect()
                } else {
                    let named = decision.names.iter().map(|title| by_title(&store, title));
                    named.collect::<Result<_>>()?
                };
                decision.decide(&mut store, &contents)
            }
            Self::List { format } => list(&installation.store()?, format),
            Self::Remove { title, by } => {
                fill::must_stay(installation.config().playout.fill.as_deref(), &title)?;
                // The row first: it must never name files that are gone.
                let media = installation.store()?.remove_media(&title, by.now())?;
                installation
                    .library()?
                    .remove(media.hash)
                    .context("its files cannot be removed")?;
                Ok(())
            }
        }
    }
}

fn by_title(store: &Store, title: &str) -> Result<(ContentHash, String)> {
    let found = store.media_by_title(title)?;
    let row = found
        .with_context(|| format!("the library has no \"{title}\"; `loa media list` shows what there is"))?;
    Ok((row.media.hash, row.media.title))
}

/// Puts in the place of each folder the audio files in it and below, in order of their names.
fn audio_files(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let before = files.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder)
                .with_context(|| format!("cannot read folder {}", folder.display()))?;
            let mut entries: Vec<_> = entries.collect::<std::io::Result<_>>()?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                // Links are not followed: a folder may hold one to itself.
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && is_audio(&entry.path()) {
                    files.push(entry.path());
                }
            }
        }
        if files.len() == before {
            bail!("folder {} holds no audio file", path.display());
        }
    }
    Ok(files)
}

fn is_audio(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| AUDIO_EXTENSIONS.contains(&extension.as_str()))
}

fn add(
    library: &Library,
    store: &mut Store,
    file: &Path,
    options: &Options,
    belongs: &Belongs<'_>,
) -> Result<()> {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bar = progress_bar(&name);
    let Imported { media, already } =
        library.import(file, options, &mut |share| bar.set_position(permille(share)))?;
    bar.finish_and_clear();
    if let Some(row) = store.media_by_hash(media.hash)? {
        if belongs.series.is_some() {
            store.set_series(row.media.hash, belongs.series, belongs.by.now())?;
        }
        println!("{name}: in the library already, as \"{}\"", row.media.title);
        return Ok(());
    }
    let row = MediaRow {
        media,
        file_name: name.clone(),
        added_at: super::now(),
        series: belongs.series.map(str::to_owned),
        zone: belongs.zone,
        added_by: belongs.by.who.clone(),
        cut: None,
    };
    if let Err(error) = store.add_media(&row) {
        // As it was before, unless the files were there before this import.
        if !already {
            library
                .remove(row.media.hash)
                .context("its files cannot be removed again")?;
        }
        return Err(error).context("choose another name with --title");
    }
    let media = &row.media;
    let loudness = media.loudness_lufs.map_or_else(
        || "too quiet to measure".to_owned(),
        |lufs| format!("{lufs:.1} LUFS"),
    );
    println!(
        "{name}: \"{}\", {:.1} s, {loudness}, {:+.1} dB, {} kB",
        media.title,
        media.duration().as_secs_f64(),
        media.gain_db,
        media.encoded_bytes / 1_000
    );
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of 0 to 1"
)]
fn permille(share: f32) -> u64 {
    (share * 1_000.0) as u64
}

fn progress_bar(name: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {bar:40} {percent:>3} % {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1_000)
        .with_style(style)
        .with_message(name.to_owned())
}

fn list(store: &Store, format: super::Format) -> Result<()> {
    let rows = store.media()?;
    if format.json {
        return super::print_json(&rows);
    }
    for row in rows {
        let hash = &row.media.hash.to_string()[..12];
        println!(
            "{hash}  {:>8.1} s  {}  ({})",
            row.media.duration().as_secs_f64(),
            row.media.title,
            row.file_name
        );
    }
    Ok(())
}

/// What files of a folder are taken for; a file that is named by itself is tried whatever it is called.
const AUDIO_EXTENSIONS: [&str; 12] = [
    "mp3", "mp2", "m4a", "mp4", "aac", "flac", "ogg", "oga", "opus", "wav", "aif", "aiff",
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_stands_for_the_audio_files_in_it_and_below() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("thu vien/tập/sâu")).unwrap();
        fs::create_dir(at("khac")).unwrap();
        for name in ["b.MP3", "a.flac", "ghi-chu.txt", "tập/sâu/c.opus", "khong-duoi"] {
            fs::write(at("thu vien").join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("thu vien"), at("thu vien/tập/vong")).unwrap();
        let found = audio_files(vec![at("mot.wav"), at("thu vien")]).unwrap();
        let expected = [
            "mot.wav",
            "thu vien/a.flac",
            "thu vien/b.MP3",
            "thu vien/tập/sâu/c.opus",
        ];
        assert_eq!(found, expected.map(at), "a single file is taken as it is named");
        let error = audio_files(vec![at("khac")]).unwrap_err().to_string();
        assert!(error.contains("khac holds no audio file"), "{error}");
    }
}
