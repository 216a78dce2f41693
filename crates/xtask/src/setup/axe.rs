//! axe-core, to look for what keeps people from using the panel.
//!
//! It is one script that runs in a page (MPL-2.0): a tool of the tests, in none of our programs. Debian has none and npm
//! asks for Node, so it comes out of a package of Python that carries it and is numbered like it; that package's own code
//! is not run, which is why it may ask for a newer Python and for other packages.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::python::Tool;
use crate::run::target_directory;

/// Makes sure that `tools/axe.min.js` is this release for the tests.
///
/// # Errors
///
/// If the package cannot be fetched, or holds another release; the message says what to do.
pub(super) fn install() -> Result<()> {
    let script = PACKAGE.install()?;
    let text = fs::read_to_string(&script).with_context(|| format!("cannot read {}", script.display()))?;
    ensure!(
        text.starts_with(BEGINS),
        "{} does not begin with {BEGINS}",
        script.display()
    );
    let there = target_directory()?.join("tools/axe.min.js");
    fs::write(&there, text).with_context(|| format!("cannot write {}", there.display()))
}

const PACKAGE: Tool = Tool {
    name: "axe",
    requirement: "pytest-playwright-axe==4.14.0 \
                  --hash=sha256:b8eed34ac17e1c1094983eaef97687e65b3e0c5a0de0257b8b34cc05430a07ca",
    options: &[
        "--no-deps",
        "--ignore-requires-python",
        "--only-binary=:all:",
        "--require-hashes",
    ],
    file: "lib/python*/site-packages/pytest_playwright_axe/resources/axe.min.js",
};
const BEGINS: &str = "/*! axe v4.14.0\n";
