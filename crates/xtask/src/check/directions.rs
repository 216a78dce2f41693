//! Holds `cargo metadata` against the table in [`crate::rules`].

use super::licence;
use super::metadata::{Dependency, Kind, Metadata, Package};
use crate::rules::{
    CRATES, CrateRule, LICENCES, NEVER_UNDER_PURE, PURE_MAY_NAME, RESERVED, SOURCE, TEST_TOOLS,
};

/// Returns each breach of the table, as a sentence that says what to do.
pub(super) fn findings(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in metadata.ours() {
        match CRATES.iter().find(|rule| rule.name == package.name) {
            None => findings.push(format!(
                "{} is not in the table of crates; add it with its reasons",
                package.name
            )),
            Some(rule) => check_ours(metadata, package, rule, &mut findings),
        }
    }
    for package in metadata.packages.iter().filter(|package| !package.ours) {
        check_theirs(package, &mut findings);
    }
    findings
}

/// Returns lines of the table that no longer speak of anything.
pub(super) fn stale_lines(metadata: &Metadata) -> Vec<String> {
    let named = |name: &str| {
        metadata
            .ours()
            .any(|package| package.dependencies.iter().any(|d| d.name == name))
    };
    let crates = CRATES
        .iter()
        .filter(|rule| !metadata.ours().any(|package| package.name == rule.name));
    let crates = crates.map(|rule| format!("the table names {}, which is not in the workspace", rule.name));
    let reserved = RESERVED.iter().filter(|reserved| !named(reserved.name));
    let reserved =
        reserved.map(|reserved| format!("the table reserves {}, which nobody uses", reserved.name));
    crates.chain(reserved).collect()
}

fn check_ours(metadata: &Metadata, package: &Package, rule: &CrateRule, findings: &mut Vec<String>) {
    for dependency in &package.dependencies {
        if CRATES.iter().any(|known| known.name == dependency.name) {
            findings.extend(direction(rule, dependency));
        } else {
            findings.extend(reservation(rule, dependency));
            findings.extend(purity(rule, dependency));
            findings.extend(test_tool(rule, dependency));
        }
    }
    if rule.pure {
        for below in metadata
            .under(package)
            .iter()
            .filter(|below| NEVER_UNDER_PURE.contains(&below.name.as_str()))
        {
            findings.push(format!(
                "{} is pure, but something it uses brings in {}",
                rule.name, below.name
            ));
        }
    }
}

fn direction(rule: &CrateRule, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    let allowed =
        rule.uses.contains(&name) || (dependency.kind == Kind::Dev && rule.tests_with.contains(&name));
    (!allowed).then(|| format!("{} may not use {name}; see crates/xtask/src/rules.rs", rule.name))
}

fn reservation(rule: &CrateRule, dependency: &Dependency) -> Option<String> {
    let reserved = RESERVED
        .iter()
        .find(|reserved| reserved.name == dependency.name)?;
    (!reserved.to.contains(&rule.name)).then(|| {
        format!(
            "{} may not use {}, kept for {}: {}",
            rule.name,
            reserved.name,
            reserved.to.join(", "),
            reserved.why
        )
    })
}

fn purity(rule: &CrateRule, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    let allowed = !rule.pure || dependency.kind == Kind::Dev || PURE_MAY_NAME.contains(&name);
    (!allowed).then(|| {
        format!(
            "{} is pure and may not use {name}; if {name} has no clock, socket, file or randomness, add it to PURE_MAY_NAME",
            rule.name
        )
    })
}

fn test_tool(rule: &CrateRule, dependency: &Dependency) -> Option<String> {
    let shipped = dependency.kind != Kind::Dev && rule.name != "loa-tests";
    (shipped && TEST_TOOLS.contains(&dependency.name.as_str())).then(|| {
        format!(
            "{} ships {}; make it a development dependency",
            rule.name, dependency.name
        )
    })
}

fn check_theirs(package: &Package, findings: &mut Vec<String>) {
    let Package { name, version, .. } = package;
    match &package.licence {
        None => findings.push(format!("{name} {version} names no licence")),
        Some(expression) if !licence::is_allowed(expression, is_known_licence) => {
            findings.push(format!(
                "{name} {version} is under \"{expression}\", which rules.rs does not allow"
            ));
        }
        Some(_) => {}
    }
    if package.source.as_deref() != Some(SOURCE) {
        let source = package
            .source
            .as_deref()
            .unwrap_or("a path outside the workspace");
        findings.push(format!(
            "{name} {version} comes from {source}, not from crates.io"
        ));
    }
}

fn is_known_licence(name: &str) -> bool {
    LICENCES.iter().any(|(allowed, _)| *allowed == name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Name and kind of a dependency, as cargo writes them.
    type Declared = (&'static str, Option<&'static str>);

    /// Made-up metadata: packages of ours with what they declare, packages of others, and who is built into whom.
    struct Made {
        ours: Vec<(&'static str, Vec<Declared>)>,
        theirs: Vec<Value>,
        below: Vec<(&'static str, &'static str)>,
    }

    impl Made {
        fn read(&self) -> Metadata {
            let ours = self.ours.iter().map(|(name, dependencies)| {
                let dependencies: Vec<Value> = dependencies
                    .iter()
                    .map(|(name, kind)| json!({ "name": name, "kind": kind }))
                    .collect();
                let mut package = package(name, "MIT", None);
                package["dependencies"] = json!(dependencies);
                package
            });
            let packages: Vec<Value> = ours.chain(self.theirs.iter().cloned()).collect();
            let nodes: Vec<Value> = packages
                .iter()
                .map(|package| {
                    let name = package["id"].as_str().unwrap();
                    let below = self.below.iter().filter(|(above, _)| *above == name);
                    let deps: Vec<Value> = below
                        .map(|(_, pkg)| json!({ "pkg": pkg, "dep_kinds": [{ "kind": null }] }))
                        .collect();
                    json!({ "id": name, "deps": deps })
                })
                .collect();
            let members: Vec<&str> = self.ours.iter().map(|(name, _)| *name).collect();
            let made =
                json!({ "packages": packages, "workspace_members": members, "resolve": { "nodes": nodes } });
            Metadata::read(&made).unwrap()
        }
    }

    fn package(name: &str, licence: &str, source: Option<&str>) -> Value {
        json!({
            "name": name, "version": "1.0.0", "id": name, "license": licence, "source": source,
            "manifest_path": format!("/x/{name}/Cargo.toml"), "dependencies": [], "targets": []
        })
    }

    fn ours(name: &'static str, dependencies: &[Declared]) -> Vec<String> {
        findings(
            &Made {
                ours: vec![(name, dependencies.to_vec())],
                theirs: vec![],
                below: vec![],
            }
            .read(),
        )
    }

    fn theirs(package: Value) -> Vec<String> {
        findings(
            &Made {
                ours: vec![],
                theirs: vec![package],
                below: vec![],
            }
            .read(),
        )
    }

    /// Each row: a crate, what it depends on and for what, and the finding; an empty one means none.
    #[test]
    fn each_rule_finds_its_breach() {
        let rows: &[(&'static str, &'static str, Option<&'static str>, &str)] = &[
            ("loa-wire", "loa-model", None, ""),
            ("loa-model", "loa-wire", None, "loa-model may not use loa-wire"),
            (
                "loa-plan",
                "loa-playout",
                None,
                "loa-plan may not use loa-playout",
            ),
            (
                "loa-playout",
                "loa-store",
                None,
                "loa-playout may not use loa-store",
            ),
            ("loa-net", "loa-wire", None, "loa-net may not use loa-wire"),
            (
                "loa-headend",
                "loa-receiver",
                None,
                "loa-headend may not use loa-receiver",
            ),
            (
                "loa-receiver",
                "loa-store",
                None,
                "loa-receiver may not use loa-store",
            ),
            (
                "loa-dsp",
                "loa-codec",
                Some("dev"),
                "loa-dsp may not use loa-codec",
            ),
            ("xtask", "loa-model", None, "xtask may not use loa-model"),
            ("loa-store", "rusqlite", None, ""),
            (
                "loa-headend",
                "rusqlite",
                None,
                "loa-headend may not use rusqlite, kept for loa-store: the day",
            ),
            ("loa-headend", "rusqlite", Some("dev"), "may not use rusqlite"),
            (
                "loa-headend",
                "opus",
                None,
                "may not use opus, kept for loa-codec",
            ),
            (
                "loa-receiver",
                "symphonia",
                None,
                "may not use symphonia, kept for loa-codec",
            ),
            (
                "loa-receiver",
                "axum",
                None,
                "may not use axum, kept for loa-panel, loa-headend",
            ),
            (
                "loa-receiver",
                "socket2",
                None,
                "may not use socket2, kept for loa-net",
            ),
            (
                "loa-receiver",
                "alsa",
                None,
                "may not use alsa, kept for loa-sound",
            ),
            ("loa-receiver", "tokio", None, "may not use tokio"),
            ("loa-panel", "anyhow", None, "may not use anyhow"),
            ("loa-model", "serde", None, ""),
            (
                "loa-model",
                "rayon",
                None,
                "loa-model is pure and may not use rayon",
            ),
            ("loa-model", "rayon", Some("dev"), ""),
            (
                "loa-model",
                "rayon",
                Some("build"),
                "loa-model is pure and may not use rayon",
            ),
            ("loa-codec", "rayon", None, ""),
            ("loa-store", "tempfile", None, "loa-store ships tempfile"),
            ("loa-store", "tempfile", Some("dev"), ""),
            ("loa-tests", "tempfile", None, ""),
            (
                "loa-extra",
                "serde",
                None,
                "loa-extra is not in the table of crates",
            ),
        ];
        for &(name, dependency, kind, expected) in rows {
            let found = ours(name, &[(dependency, kind)]).join("\n");
            let as_expected = if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            };
            assert!(as_expected, "{name} → {dependency} ({kind:?}): \"{found}\"");
        }
    }

    #[test]
    fn what_a_pure_crate_brings_in_is_found_however_deep() {
        let deep = Made {
            ours: vec![("loa-model", vec![("serde", None)]), ("loa-codec", vec![])],
            theirs: ["serde", "middle", "tokio"]
                .map(|name| package(name, "MIT", Some(SOURCE)))
                .into(),
            below: vec![
                ("loa-model", "serde"),
                ("serde", "middle"),
                ("middle", "tokio"),
                ("loa-codec", "tokio"),
            ],
        };
        assert_eq!(
            findings(&deep.read()),
            ["loa-model is pure, but something it uses brings in tokio"]
        );
    }

    #[test]
    fn licences_and_sources_of_others_are_checked() {
        assert_eq!(
            theirs(package("good", "MIT OR GPL-3.0-only", Some(SOURCE))),
            Vec::<String>::new()
        );
        let copyleft = theirs(package("strict", "AGPL-3.0-only", Some(SOURCE)));
        assert!(
            copyleft[0].contains("strict 1.0.0 is under \"AGPL-3.0-only\""),
            "{copyleft:?}"
        );
        let git = theirs(package("fork", "MIT", Some("git+https://example.org/fork")));
        assert!(
            git[0].contains("comes from git+https://example.org/fork"),
            "{git:?}"
        );
        let path = theirs(package("beside", "MIT", None));
        assert!(path[0].contains("comes from a path"), "{path:?}");
        let mut nothing = package("silent", "", Some(SOURCE));
        nothing["license"] = Value::Null;
        assert_eq!(theirs(nothing), ["silent 1.0.0 names no licence"]);
    }

    #[test]
    fn lines_of_the_table_that_speak_of_nothing_are_found() {
        let one = Made {
            ours: vec![("loa-store", vec![("rusqlite", None)])],
            theirs: vec![],
            below: vec![],
        };
        let stale = stale_lines(&one.read());
        assert!(
            stale
                .iter()
                .any(|line| line.contains("loa-wire, which is not in the workspace")),
            "{stale:?}"
        );
        assert!(
            stale
                .iter()
                .any(|line| line.contains("reserves axum, which nobody uses")),
            "{stale:?}"
        );
        assert!(
            !stale
                .iter()
                .any(|line| line.contains("rusqlite") || line.contains("loa-store,")),
            "{stale:?}"
        );
    }
}
