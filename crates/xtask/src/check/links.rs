//! Links between the repository's Markdown files, to files and to headings.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::files::TextFile;

/// Returns each link to a file that does not exist, that lies outside the repository, or to a heading that is not there.
///
/// `exists` is asked for paths from the repository's root. Links to other sites are not followed.
pub(super) fn findings(files: &[TextFile], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let pages: BTreeMap<&Path, Vec<String>> = files
        .iter()
        .filter(|file| file.has_extension("md"))
        .map(|file| (file.path.as_path(), anchors(&file.text)))
        .collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        for (line, target) in links(&file.text) {
            if let Some(problem) = problem(&file.path, &target, &pages, &exists) {
                findings.push(format!(
                    "{}:{line} links to {target}, {problem}",
                    file.path.display()
                ));
            }
        }
    }
    findings
}

fn problem(
    from: &Path,
    target: &str,
    pages: &BTreeMap<&Path, Vec<String>>,
    exists: &impl Fn(&Path) -> bool,
) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = path.replace("%20", " ");
    let Some(found) = resolve(from, &path) else {
        return Some("outside the repository");
    };
    if !exists(&found) {
        return Some("which does not exist");
    }
    let headings = pages.get(found.as_path())?;
    (!anchor.is_empty() && !headings.iter().any(|heading| heading == anchor))
        .then_some("a heading that is not there")
}

/// Returns the path from the root that `path`, written in `from`, means; `None` if it leaves the repository.
fn resolve(from: &Path, path: &str) -> Option<PathBuf> {
    if path.is_empty() {
        return Some(from.to_owned());
    }
    let mut found = from.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !found.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

/// Returns the targets of inline links, images and reference definitions, with their line numbers.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code_spans(line);
        for (at, _) in line.match_indices("](") {
            links.push((number, target(&line[at + 2..])));
        }
        let is_definition = line.starts_with('[') && !line.starts_with("[^");
        if let Some((_, rest)) = line.split_once("]: ").filter(|_| is_definition) {
            links.push((number, target(rest)));
        }
        for attribute in ["src=\"", "href=\""] {
            for (at, _) in line.match_indices(attribute) {
                let rest = &line[at + attribute.len()..];
                links.push((number, rest.split('"').next().unwrap_or_default().to_owned()));
            }
        }
    }
    links
}

/// Takes the target from the text after `](` or `]: `, without a title.
fn target(rest: &str) -> String {
    if let Some(rest) = rest.strip_prefix('<') {
        return rest.split('>').next().unwrap_or_default().to_owned();
    }
    let mut depth = 0;
    let end = rest.find(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c.is_whitespace() || depth < 0
    });
    rest[..end.unwrap_or(rest.len())].to_owned()
}

/// Returns the lines outside fenced code, numbered from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => lines.push((index + 1, line)),
            _ => {}
        }
    }
    lines
}

/// Blanks what stands between backticks.
fn without_code_spans(line: &str) -> String {
    let mut inside = false;
    let blank = |c: char| {
        inside ^= c == '`';
        if inside { ' ' } else { c }
    };
    line.chars().map(blank).collect()
}

/// Returns the anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let twins = anchors.iter().filter(|other| **other == anchor).count();
        anchors.push(if twins == 0 {
            anchor
        } else {
            format!("{anchor}-{twins}")
        });
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str =
        "# Giờ và đồng hồ\n\n## Two `clocks`, one rule\n\n```\n# not a heading\n```\n## Again\n## Again\n";

    /// Each row: a line of docs/a.md, and the findings; docs/time.md is [`TARGET`], docs/images/x.png exists.
    #[test]
    fn only_broken_links_are_found() {
        let rows: &[(&str, &str)] = &[
            ("[t](time.md) and ![i](images/x.png \"title\")", ""),
            ("[t](../docs/time.md#two-clocks-one-rule)", ""),
            ("[t](time.md#giờ-và-đồng-hồ) [t](time.md#again-1)", ""),
            ("[o](https://example.org/x.md) [m](mailto:a@example.org)", ""),
            ("`[t](nowhere.md)`", ""),
            ("[t](nowhere.md)", "nowhere.md, which does not exist"),
            ("[t](<time machine.md>)", "time machine.md, which does not exist"),
            ("[t](wiki_(x).md)", "wiki_(x).md, which does not exist"),
            (
                "[![i](images/none.png)](time.md)",
                "images/none.png, which does not exist",
            ),
            (
                "[t](time.md#not-a-heading)",
                "time.md#not-a-heading, a heading that is not there",
            ),
            ("[t](time.md#three-clocks)", "a heading that is not there"),
            ("[t](#nowhere)", "#nowhere, a heading that is not there"),
            ("[t](../../other/README.md)", "outside the repository"),
            ("[t](/etc/passwd)", "outside the repository"),
            ("[ref]: gone.md", "gone.md, which does not exist"),
            (
                "<img src=\"images/gone.png\">",
                "images/gone.png, which does not exist",
            ),
        ];
        for (line, expected) in rows {
            let files = [("docs/a.md", *line), ("docs/time.md", TARGET)].map(|(path, text)| TextFile {
                path: path.into(),
                text: text.to_owned(),
            });
            let known = ["docs/a.md", "docs/time.md", "docs/images/x.png"];
            let found =
                findings(&files, |path| known.iter().any(|known| path == Path::new(known))).join("\n");
            let as_expected = if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            };
            assert!(as_expected, "{line}: {found}");
        }
    }
}
