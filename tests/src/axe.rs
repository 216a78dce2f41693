//! axe-core, which looks in a page for what keeps people from using it: a tool of the tests that no program of ours has.

use std::path::Path;

use anyhow::{Context as _, Result};
use loa_headend::workbench::binary;
use serde_json::Value;

use crate::browser::Browser;

/// The script, as `cargo xtask setup` puts it beside the binaries.
pub struct Axe {
    script: String,
}

impl Axe {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// If it is not there; the message says how to get it.
    pub fn new() -> Result<Self> {
        let loa = binary("loa")?;
        let target = loa.ancestors().find(|dir| dir.join("tools").is_dir());
        let file = target.unwrap_or(Path::new("")).join("tools/axe.min.js");
        let script = std::fs::read_to_string(&file)
            .with_context(|| format!("no {}: run `cargo xtask setup`", file.display()))?;
        Ok(Self { script })
    }

    /// Returns what it finds serious or critical in the page that a browser shows, one line for each element.
    ///
    /// # Errors
    ///
    /// If it does not run there.
    pub fn findings(&self, browser: &Browser) -> Result<Vec<String>> {
        browser.script(&format!(
            "if (!window.axe) {{ {}\n window.axe = axe }}",
            self.script
        ))?;
        let found = browser.script_that_answers(LOOK)?;
        let lines = found
            .as_array()
            .with_context(|| format!("axe-core says {found}"))?;
        Ok(lines
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }
}

const LOOK: &str = "
    const done = arguments[arguments.length - 1];
    const lines = ({ id, impact, nodes }) => nodes.map(({ target, failureSummary }) =>
        `${id} (${impact}) ${target.join(' ')}: ${failureSummary.replaceAll('\\n', ' ')}`);
    axe.run(document, { resultTypes: ['violations'], preload: false })
        .then(({ violations, passes }) => {
            if (!passes.length) throw new Error('it looked at nothing');
            done(violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).flatMap(lines));
        })
        .catch((error) => done(String(error)));";
