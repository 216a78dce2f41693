//! The repository's own text files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// One text file.
pub(super) struct TextFile {
    /// Its path from the repository's root.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl TextFile {
    /// Returns whether its name ends in `.extension`.
    pub(super) fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }
}

/// Reads every text file under `root`, in the order of their names; files that are not UTF-8 are not text.
///
/// # Errors
///
/// If a directory or a file cannot be read.
pub(super) fn read_all(root: &Path) -> Result<Vec<TextFile>> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let relative = path.strip_prefix(root).expect("found below the root").to_owned();
            if NOT_OURS.iter().any(|skipped| relative == Path::new(skipped)) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                let bytes =
                    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                if let Ok(text) = String::from_utf8(bytes) {
                    files.push(TextFile { path: relative, text });
                }
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Kept out of the repository by `.gitignore`, or not part of its text.
const NOT_OURS: &[&str] = &[
    ".git",
    "target",
    "tests/fuzz/target",
    "tests/fuzz/corpus",
    "tests/fuzz/artifacts",
];
