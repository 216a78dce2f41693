//! The `clippy.toml` of each pure crate, which forbids clocks, sockets, files, threads and randomness.

use std::path::Path;

use super::files::TextFile;
use crate::rules::CRATES;

/// Returns each pure crate whose fence is missing, has a hole, or differs from the others', and each crate of ours that
/// does not take the workspace's lints.
pub(super) fn findings(files: &[TextFile]) -> Vec<String> {
    let text = |path: &Path| {
        files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
    };
    let mut findings = Vec::new();
    let mut first: Option<(&str, &str)> = None;
    for rule in CRATES.iter().filter(|rule| rule.pure) {
        let path = dir(rule.name).join("clippy.toml");
        let Some(fence) = text(&path) else {
            findings.push(format!("{} is pure but has no {}", rule.name, path.display()));
            continue;
        };
        let (model, of_model) = *first.get_or_insert((rule.name, fence));
        if fence != of_model {
            findings.push(format!(
                "{} differs from the fence of {model}; keep them equal",
                path.display()
            ));
        }
        for fenced in FENCED
            .iter()
            .filter(|fenced| !fence.contains(&format!("\"{fenced}\"")))
        {
            findings.push(format!("{} does not forbid {fenced}", path.display()));
        }
    }
    for rule in CRATES {
        let path = dir(rule.name).join("Cargo.toml");
        if text(&path).is_some_and(|manifest| !manifest.contains("[lints]\nworkspace = true")) {
            findings.push(format!("{} does not take the workspace's lints", path.display()));
        }
    }
    findings
}

fn dir(package: &str) -> std::path::PathBuf {
    match package {
        "loa-tests" => "tests".into(),
        _ => Path::new("crates").join(package.trim_start_matches("loa-")),
    }
}

/// What every fence forbids at least.
const FENCED: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::env::var",
    "std::fs::File",
    "std::net::UdpSocket",
    "std::collections::HashMap",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fence() -> String {
        FENCED
            .iter()
            .map(|path| format!("{{ path = \"{path}\" }}\n"))
            .collect()
    }

    fn all_fences() -> Vec<TextFile> {
        let pure = CRATES.iter().filter(|rule| rule.pure);
        pure.map(|rule| TextFile {
            path: dir(rule.name).join("clippy.toml"),
            text: fence(),
        })
        .collect()
    }

    #[test]
    fn equal_fences_without_holes_pass() {
        assert_eq!(findings(&all_fences()), Vec::<String>::new());
    }

    #[test]
    fn missing_different_and_holed_fences_are_found() {
        let mut files = all_fences();
        files.retain(|file| file.path != Path::new("crates/wire/clippy.toml"));
        for file in &mut files {
            if file.path == Path::new("crates/plan/clippy.toml") {
                file.text = file.text.replace("std::env::var", "std::env::args");
            }
        }
        files.push(TextFile {
            path: "tests/Cargo.toml".into(),
            text: "[package]\n".to_owned(),
        });
        assert_eq!(
            findings(&files),
            [
                "loa-wire is pure but has no crates/wire/clippy.toml",
                "crates/plan/clippy.toml differs from the fence of loa-model; keep them equal",
                "crates/plan/clippy.toml does not forbid std::env::var",
                "tests/Cargo.toml does not take the workspace's lints",
            ]
        );
    }
}
