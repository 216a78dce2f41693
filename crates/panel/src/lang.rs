//! Words on the screen: Vietnamese first, English beside it.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, langid, static_loader};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "vi",
        // Marks around arguments would show in plain text.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    Vi,
    En,
}

impl Lang {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Vi, Self::En].into_iter().find(|lang| lang.code() == code)
    }

    const fn id(self) -> LanguageIdentifier {
        match self {
            Self::Vi => langid!("vi"),
            Self::En => langid!("en"),
        }
    }

    /// Returns a text by its key.
    pub(crate) fn say(self, key: &str) -> String {
        LOCALES.lookup(&self.id(), key)
    }

    /// Returns a text with one value in it.
    pub(crate) fn say_with(
        self,
        key: &str,
        name: &'static str,
        value: impl Into<FluentValue<'static>>,
    ) -> String {
        let arguments = HashMap::from([(Cow::Borrowed(name), value.into())]);
        LOCALES.lookup_with_args(&self.id(), key, &arguments)
    }
}

/// The cookie's choice, else the browser's wish, else Vietnamese.
impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let chosen = cookie(header(COOKIE), LANG_COOKIE).and_then(Self::from_code);
        let wished = || {
            let tags = header(ACCEPT_LANGUAGE)
                .split(',')
                .map(|tag| tag.trim().split(['-', ';']).next().unwrap_or(""));
            tags.into_iter().find_map(Self::from_code)
        };
        Ok(chosen.or_else(wished).unwrap_or(Self::Vi))
    }
}

/// Finds one cookie in a `Cookie` header.
pub(crate) fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Keeps the choice of language.
pub(crate) const LANG_COOKIE: &str = "loa_lang";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const VI: &str = include_str!("../locales/vi/panel.ftl");
    const EN: &str = include_str!("../locales/en/panel.ftl");

    fn keys(text: &str) -> BTreeSet<&str> {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        lines
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, _)| key)
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(keys(VI), keys(EN));
        assert!(keys(VI).len() > 50);
    }

    #[test]
    fn every_key_in_a_template_is_a_text() {
        let templates = [
            include_str!("../templates/base.html"),
            include_str!("../templates/login.html"),
            include_str!("../templates/on_air.html"),
            include_str!("../templates/air.html"),
            include_str!("../templates/today.html"),
            include_str!("../templates/receivers.html"),
            include_str!("../templates/as_run.html"),
            include_str!("../templates/problem.html"),
        ];
        let known = keys(VI);
        let mut used = 0;
        for template in templates {
            for rest in template.split("say(\"").skip(1) {
                let key = rest.split('"').next().unwrap_or_default();
                assert!(known.contains(key), "{key}");
                used += 1;
            }
        }
        assert!(used > 50);
    }
}
