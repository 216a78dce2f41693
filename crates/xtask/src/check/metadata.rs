//! What `cargo metadata` says, reduced to what the rules ask about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::run::cargo;

/// The workspace and everything it depends on.
pub(crate) struct Metadata {
    /// Every package: ours and others', for every platform and feature.
    pub(crate) packages: Vec<Package>,
}

/// One package.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    id: String,
    /// Whether it is a member of the workspace.
    pub(crate) ours: bool,
    /// SPDX expression.
    pub(crate) licence: Option<String>,
    /// Where it was fetched from; `None` for a path.
    pub(crate) source: Option<String>,
    /// Directory of its manifest.
    pub(crate) dir: PathBuf,
    /// Declared dependencies.
    pub(crate) dependencies: Vec<Dependency>,
    /// Names of its benchmarks.
    pub(crate) benches: Vec<String>,
    /// Resolved dependencies that are built into it, by id; those of its tests are left out.
    built_in: Vec<String>,
}

/// One declared dependency.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is shipped.
    Normal,
    /// Tests and benchmarks.
    Dev,
    /// The build script.
    Build,
}

impl Metadata {
    /// Asks cargo, with every feature on.
    pub(crate) fn of_this_workspace() -> Result<Self> {
        let output = cargo(["metadata", "--format-version", "1", "--all-features", "--locked"]).output()?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}(if Cargo.lock is out of date, `cargo metadata --format-version 1 >/dev/null` brings \
             it up; commit it)",
            String::from_utf8_lossy(&output.stderr)
        );
        Self::read(&serde_json::from_slice(&output.stdout)?)
    }

    /// Reads format version 1.
    pub(crate) fn read(metadata: &Value) -> Result<Self> {
        let members: Vec<&str> = list(metadata, "workspace_members")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut built_in = BTreeMap::new();
        for node in list(&metadata["resolve"], "nodes")? {
            built_in.insert(text(node, "id")?, read_built_in(node)?);
        }
        let packages = list(metadata, "packages")?
            .iter()
            .map(|package| {
                let id = text(package, "id")?;
                let ours = members.contains(&id.as_str());
                let built_in = built_in.get(&id).cloned().unwrap_or_default();
                read_package(package, id, ours, built_in)
            })
            .collect::<Result<_>>()?;
        Ok(Self { packages })
    }

    /// Returns our packages.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.ours)
    }

    /// Returns everything that is built into `package`, near and far.
    pub(crate) fn under<'a>(&'a self, package: &'a Package) -> Vec<&'a Package> {
        let by_id: BTreeMap<&str, &Package> = self.packages.iter().map(|p| (p.id.as_str(), p)).collect();
        let mut found: BTreeMap<&str, &Package> = BTreeMap::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            for id in &next.built_in {
                if let Some(below) = by_id.get(id.as_str())
                    && found.insert(id, below).is_none()
                {
                    open.push(below);
                }
            }
        }
        found.into_values().collect()
    }
}

fn read_package(package: &Value, id: String, ours: bool, built_in: Vec<String>) -> Result<Package> {
    let manifest = PathBuf::from(text(package, "manifest_path")?);
    let targets = list(package, "targets")?;
    Ok(Package {
        name: text(package, "name")?,
        version: text(package, "version")?,
        id,
        ours,
        licence: package["license"].as_str().map(str::to_owned),
        source: package["source"].as_str().map(str::to_owned),
        dir: manifest
            .parent()
            .context("a manifest is in a directory")?
            .to_owned(),
        dependencies: list(package, "dependencies")?
            .iter()
            .map(read_dependency)
            .collect::<Result<_>>()?,
        benches: targets
            .iter()
            .filter(|target| target["kind"][0] == "bench")
            .map(|target| text(target, "name"))
            .collect::<Result<_>>()?,
        built_in,
    })
}

fn read_dependency(dependency: &Value) -> Result<Dependency> {
    let kind = match dependency["kind"].as_str() {
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        _ => Kind::Normal,
    };
    Ok(Dependency {
        name: text(dependency, "name")?,
        kind,
    })
}

fn read_built_in(node: &Value) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for dependency in list(node, "deps")? {
        let kinds = list(dependency, "dep_kinds")?;
        if kinds.iter().any(|kind| kind["kind"].as_str() != Some("dev")) {
            ids.push(text(dependency, "pkg")?);
        }
    }
    Ok(ids)
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("cargo metadata without \"{key}\""))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .with_context(|| format!("cargo metadata without \"{key}\""))
}
