//! The configuration as a list of keys and values, for people to read.

use loa_panel::Setting;
use serde_json::Value;

use crate::config::Config;

impl Config {
    /// Lists every key with what is in force, in order of their names, and what `in_file` has of it that is something
    /// else. Nothing of it is a secret: of keys it names the files.
    pub fn settings(&self, in_file: Option<&Self>) -> Vec<Setting> {
        let in_file = in_file.map(Self::keys);
        let standard = Self::standard().keys();
        self.keys()
            .into_iter()
            .enumerate()
            .map(|(index, (section, key, value))| Setting {
                is_default: standard[index].2 == value,
                in_file: in_file
                    .as_ref()
                    .map(|keys| keys[index].2.clone())
                    .filter(|other| *other != value),
                section,
                key,
                value,
            })
            .collect()
    }

    /// Returns table, key and value of everything, always as many and in the same order.
    fn keys(&self) -> Vec<(String, String, String)> {
        // Over text, so that 0.1 stays 0.1.
        let text = serde_json::to_string(self).unwrap_or_default();
        let Ok(Value::Object(all)) = serde_json::from_str(&text) else {
            return Vec::new();
        };
        let (tables, plain): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, value)| value.is_object());
        let plain = plain
            .into_iter()
            .map(|(key, value)| (String::new(), key, written(&value)));
        let tables = tables.into_iter().flat_map(|(section, table)| {
            let Value::Object(table) = table else {
                return Vec::new();
            };
            table
                .into_iter()
                .map(|(key, value)| (section.clone(), key, written(&value)))
                .collect()
        });
        plain.chain(tables).collect()
    }
}

/// Writes a value as people read it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(text: &str) -> Config {
        Config::parse(&format!("data_dir = \"d\"\n{text}"), Path::new("loa.toml")).unwrap()
    }

    fn one(settings: &[Setting], section: &str, key: &str) -> Setting {
        let is = |setting: &&Setting| setting.section == section && setting.key == key;
        settings.iter().find(is).unwrap().clone()
    }

    #[test]
    fn every_key_is_told_with_what_is_in_force_and_what_waits_for_a_restart() {
        let running = config("[playout]\ndead_air_dbfs = -45.3\nchime = false");
        let later =
            config("[playout]\ndead_air_dbfs = -45.3\nchime = true\n[panel]\nnames = [\"loa.lan\", \"loa\"]");
        let settings = running.settings(Some(&later));
        let level = one(&settings, "playout", "dead_air_dbfs");
        assert_eq!(
            (&*level.value, level.is_default, level.in_file),
            ("-45.3", false, None)
        );
        let chime = one(&settings, "playout", "chime");
        assert_eq!((&*chime.value, chime.in_file.as_deref()), ("false", Some("true")));
        let names = one(&settings, "panel", "names");
        assert_eq!(
            (names.is_default, names.in_file.as_deref()),
            (true, Some("loa.lan, loa"))
        );
        assert_eq!(one(&settings, "", "data_dir").value, "d");
        assert!(!one(&settings, "", "data_dir").is_default);
    }

    #[test]
    fn the_documented_file_and_the_page_know_the_same_keys_and_both_languages_say_what_each_is() {
        let documented = include_str!("../../../firmware-config/headend.toml");
        for Setting { section, key, .. } in config("").settings(None) {
            let written = documented.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.strip_prefix(key.as_str())
                    .is_some_and(|rest| rest.trim_start().starts_with('='))
            });
            assert!(written, "{section}.{key} is not in firmware-config/headend.toml");
            let name = if section.is_empty() {
                key
            } else {
                format!("{section}-{key}")
            };
            let text = format!("\nsetting-{} = ", name.replace('_', "-"));
            for words in [
                include_str!("../../panel/locales/vi/panel.ftl"),
                include_str!("../../panel/locales/en/panel.ftl"),
            ] {
                assert!(words.contains(&text), "{text}");
            }
        }
    }
}
