//! Strings that must not be in any file, and dependencies that are declared but not used.

use std::path::Path;

use super::files::TextFile;
use super::metadata::{Kind, Metadata};

/// Returns each file and line with a path of somebody's own machine, or what a merge left behind.
///
/// `root` is where this working copy lies; its path is nobody's business either.
pub(super) fn forbidden(files: &[TextFile], root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path.display(), number + 1);
            if HOMES.iter().any(|home| line.contains(home)) || line.contains(&root) {
                findings.push(format!(
                    "{place} names a directory of one machine; say it relatively"
                ));
            }
            if MERGE_MARKS.iter().any(|mark| line.starts_with(mark)) {
                findings.push(format!("{place} is what a merge left behind"));
            }
        }
    }
    findings
}

/// Returns each entry of `[workspace.dependencies]` that no member uses, and each member's dependency whose version
/// is not taken from there.
pub(super) fn workspace_dependencies(files: &[TextFile], metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let mut section = "";
        for (number, line) in file.text.lines().enumerate() {
            if line.starts_with('[') {
                section = line.trim();
                continue;
            }
            let Some((key, value)) = line
                .split_once('=')
                .filter(|(key, _)| !key.trim().starts_with('#'))
            else {
                continue;
            };
            let name = key.trim().trim_end_matches(".workspace");
            let place = format!("{}:{}", file.path.display(), number + 1);
            let is_used = || {
                metadata
                    .ours()
                    .any(|p| p.dependencies.iter().any(|d| d.name == name))
            };
            if section == "[workspace.dependencies]" && !is_used() {
                findings.push(format!("{place} offers {name}, which no crate uses; remove it"));
            }
            let ours = metadata
                .ours()
                .any(|p| file.path.parent().is_some_and(|dir| p.dir.ends_with(dir)));
            let takes = key.trim().ends_with(".workspace") || value.contains("workspace = true");
            if ours && DEPENDENCY_SECTIONS.contains(&section) && !takes {
                findings.push(format!(
                    "{place} gives {name} a version of its own; write {name}.workspace = true"
                ));
            }
        }
    }
    findings
}

/// Returns each declared dependency whose name its crate's source never mentions.
///
/// A search of the text: it knows nothing of macros, and a mention in a string would satisfy it. Lines that are
/// only comments are not searched. What is shipped must be used by `src` or the build script; `tests/`, whose whole
/// purpose is tests, may use anything anywhere.
pub(super) fn unused(files: &[TextFile], metadata: &Metadata, root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for package in metadata.ours() {
        let dir = package.dir.strip_prefix(root).unwrap_or(&package.dir);
        let sources: Vec<&TextFile> = files
            .iter()
            .filter(|file| file.has_extension("rs") && file.path.starts_with(dir))
            .collect();
        for dependency in &package.dependencies {
            let everywhere = dependency.kind == Kind::Dev || package.name == "loa-tests";
            let shipped =
                |file: &TextFile| file.path.starts_with(dir.join("src")) || file.path == dir.join("build.rs");
            let used = sources
                .iter()
                .filter(|file| everywhere || shipped(file))
                .any(|file| {
                    file.text
                        .lines()
                        .any(|line| mentions(line, &dependency.name.replace('-', "_")))
                });
            if !used {
                findings.push(format!(
                    "{} declares {} and never uses it",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}

/// Returns whether a line of code names the crate `ident`.
fn mentions(line: &str, ident: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with("//") {
        return false;
    }
    line.match_indices(ident).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + ident.len()..];
        let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let in_use =
            line.starts_with("use ") || line.starts_with("pub use ") || line.starts_with("extern crate ");
        whole && (after.starts_with("::") || (in_use && after.starts_with([';', ',', '}', ' '])))
    })
}

const DEPENDENCY_SECTIONS: &[&str] = &["[dependencies]", "[dev-dependencies]", "[build-dependencies]"];

/// Where people's own directories are. In halves, so that this file does not name any.
const HOMES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];

/// Begins of the lines between which a merge shows two versions.
const MERGE_MARKS: &[&str] = &[concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    /// One package of ours, `crates/a` in `/x`, with these dependencies.
    fn metadata(dependencies: &serde_json::Value) -> Metadata {
        let package = json!({
            "name": "loa-a", "version": "1.0.0", "id": "a", "manifest_path": "/x/crates/a/Cargo.toml",
            "dependencies": dependencies, "targets": []
        });
        let made = json!({ "packages": [package], "workspace_members": ["a"], "resolve": { "nodes": [] } });
        Metadata::read(&made).unwrap()
    }

    #[test]
    fn paths_of_one_machine_and_merge_marks_are_found_by_line() {
        let rows = [
            ("see /var/lib/loa", ""),
            ("a\nlet x = \"HOMElan/loa\";", "a.md:2 names a directory"),
            ("/srv/copy/of/loa/target", "a.md:1 names a directory"),
            ("MARK HEAD", "a.md:1 is what a merge left"),
            ("text MARK HEAD", ""),
        ];
        for (text, expected) in rows {
            let text = text.replace("HOME", HOMES[0]).replace("MARK ", MERGE_MARKS[0]);
            let found = forbidden(&[file("a.md", &text)], Path::new("/srv/copy/of/loa")).join("\n");
            let as_expected = if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            };
            assert!(as_expected, "{text}: {found}");
        }
    }

    #[test]
    fn versions_live_in_one_place_and_are_used() {
        let metadata = metadata(&json!([{ "name": "serde", "kind": null }]));
        let root =
            "[workspace.dependencies]\n# hex = \"1\"\nserde = \"1\"\nhex = \"0.4\"\n[lints]\nunused = 1\n";
        let member = "[dependencies]\nserde = \"1\"\nhex.workspace = true\ntoml = { workspace = true }\n";
        let found = workspace_dependencies(
            &[file("Cargo.toml", root), file("crates/a/Cargo.toml", member)],
            &metadata,
        );
        assert_eq!(
            found,
            [
                "Cargo.toml:4 offers hex, which no crate uses; remove it",
                "crates/a/Cargo.toml:2 gives serde a version of its own; write serde.workspace = true",
            ]
        );
    }

    /// Each row: kind of the dependency on `fine-crate`, file, its text, whether that is use.
    #[test]
    fn use_is_seen_where_it_counts() {
        let rows = [
            (None, "crates/a/src/lib.rs", "let x = fine_crate::new();", true),
            (None, "crates/a/src/deep/b.rs", "use fine_crate::{A, B};", true),
            (None, "crates/a/src/lib.rs", "pub use fine_crate;", true),
            (None, "crates/a/src/lib.rs", "    // use fine_crate::A;", false),
            (None, "crates/a/src/lib.rs", "use refine_crate::A;", false),
            (None, "crates/a/src/lib.rs", "let fine_crate = 1;", false),
            (None, "crates/a/tests/t.rs", "use fine_crate::A;", false),
            (Some("dev"), "crates/a/tests/t.rs", "use fine_crate::A;", true),
            (Some("build"), "crates/a/build.rs", "fine_crate::emit();", true),
            (None, "crates/b/src/lib.rs", "use fine_crate::A;", false),
        ];
        for (kind, path, text, expected) in rows {
            let metadata = metadata(&json!([{ "name": "fine-crate", "kind": kind }]));
            let found = unused(&[file(path, text)], &metadata, Path::new("/x"));
            assert_eq!(found.is_empty(), expected, "{kind:?} {path}: {text}");
        }
    }
}
