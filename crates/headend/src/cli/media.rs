//! `loa media`: the library.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use loa_store::{MediaRow, Store};

use crate::installation::Installation;
use crate::library::{Imported, Library, Options};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Imports audio files: measures, normalises and encodes them for air.
    Add {
        /// MP3, AAC/M4A, FLAC, Ogg Vorbis, Opus, WAV or AIFF.
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
    },
    /// Lists the library.
    List {
        #[command(flatten)]
        format: super::Format,
    },
    /// Removes a file by its title, unless a programme airs it.
    Remove {
        /// Its title.
        title: String,
    },
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
            } => {
                if title.is_some() && files.len() > 1 {
                    bail!("--title names one file; import the others by themselves");
                }
                let (library, mut store) = (installation.library()?, installation.store()?);
                let mut failed = 0;
                for file in &files {
                    let options = Options {
                        title: title.clone(),
                        bitrate,
                        music,
                        normalise: !as_is,
                    };
                    if let Err(error) = add(&library, &mut store, file, &options) {
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
            Self::List { format } => list(&installation.store()?, format),
            Self::Remove { title } => {
                // The row first: it must never name files that are gone.
                let media = installation.store()?.remove_media(&title)?;
                installation
                    .library()?
                    .remove(media.hash)
                    .context("its files cannot be removed")?;
                Ok(())
            }
        }
    }
}

fn add(library: &Library, store: &mut Store, file: &Path, options: &Options) -> Result<()> {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bar = progress_bar(&name);
    let Imported { media, already } =
        library.import(file, options, &mut |share| bar.set_position(permille(share)))?;
    bar.finish_and_clear();
    if let Some(row) = store.media_by_hash(media.hash)? {
        println!("{name}: in the library already, as \"{}\"", row.media.title);
        return Ok(());
    }
    let row = MediaRow {
        media,
        file_name: name.clone(),
        added_at: super::now(),
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
