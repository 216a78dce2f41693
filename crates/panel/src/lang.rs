//! Words on the screen: Vietnamese first, English beside it.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    /// Returns a text by a key that need not exist.
    pub(crate) fn try_say(self, key: &str) -> Option<String> {
        LOCALES.try_lookup(&self.id(), key)
    }

    /// Returns a text with values in it.
    pub(crate) fn say_with(self, key: &str, values: &[(&'static str, &str)]) -> String {
        let values = values.iter().map(|(name, value)| {
            let value = FluentValue::from((*value).to_owned());
            (Cow::Borrowed(*name), value)
        });
        let values: HashMap<_, _> = values.collect();
        LOCALES.lookup_with_args(&self.id(), key, &values)
    }

    /// Reads what a request wishes: the address's `?lang=`, else the cookie, else the browser's
    /// languages in their order, else Vietnamese.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let kept = || cookie(headers, LANG_COOKIE).and_then(Self::from_code);
        let wished = || {
            let mut tags = header(ACCEPT_LANGUAGE)
                .split(',')
                .map(|tag| tag.trim().split(['-', ';']).next().unwrap_or(""));
            tags.find_map(Self::from_code)
        };
        Self::asked_for(uri)
            .or_else(kept)
            .or_else(wished)
            .unwrap_or(Self::Vi)
    }

    /// Reads an address's `?lang=`.
    pub(crate) fn asked_for(uri: &Uri) -> Option<Self> {
        let mut pairs = uri.query()?.split('&');
        pairs.find_map(|pair| pair.strip_prefix("lang=").and_then(Self::from_code))
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

/// Returns the `Set-Cookie` value that keeps a choice of language for a year.
pub(crate) fn lang_cookie(lang: Lang) -> String {
    format!(
        "{LANG_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000",
        lang.code()
    )
}

/// Finds one cookie. Over HTTP/2 each may come in a `Cookie` field of its own (RFC 9113 §8.2.3).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(COOKIE).into_iter();
    let texts = fields.filter_map(|field| field.to_str().ok());
    let mut pairs = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Keeps the choice of language.
const LANG_COOKIE: &str = "loa_lang";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    const VI: &str = include_str!("../locales/vi/panel.ftl");
    const EN: &str = include_str!("../locales/en/panel.ftl");

    fn texts(file: &str) -> impl Iterator<Item = (&str, &str)> {
        let lines = file
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        lines.filter_map(|line| line.split_once(" = "))
    }

    /// Returns each key with the names of the values in its text.
    fn keys(file: &str) -> BTreeSet<(&str, BTreeSet<&str>)> {
        texts(file)
            .map(|(key, text)| {
                let values = text.split("{ $").skip(1);
                let values = values.filter_map(|rest| rest.split(" }").next());
                (key, values.collect())
            })
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_values() {
        assert_eq!(keys(VI), keys(EN));
        assert_eq!(texts(VI).count(), keys(VI).len(), "no key stands twice");
    }

    #[test]
    fn every_key_that_is_used_is_a_text_and_every_text_is_used() {
        let mut sources = Vec::new();
        let mut folders: Vec<_> = ["src", "templates"]
            .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
            .into();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with(file!()) {
                    sources.push(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        assert!(sources.len() > 80, "{}", sources.len());
        let known: BTreeSet<_> = texts(VI).map(|(key, _)| key).collect();
        for source in &sources {
            for call in ["say(\"", "say_with(\""] {
                for rest in source.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap_or_default();
                    assert!(known.contains(key), "{key}");
                }
            }
        }
        for key in known {
            let quoted = format!("\"{key}\"");
            // Names of counts, deeds and states are looked up by what receivers and the audit log call them, and titles of
            // the API by what its description does.
            let looked_up = [
                "count-",
                "deed-",
                "setting-",
                "state-",
                "api-op-",
                "api-tag-",
                "api-asks-",
                "api-problem-",
            ]
            .iter()
            .any(|kind| key.starts_with(kind));
            let used = looked_up || sources.iter().any(|source| source.contains(&quoted));
            assert!(used, "{key} is not used");
        }
    }

    #[test]
    fn the_address_goes_before_the_cookie_and_the_cookie_before_the_browser() {
        let rows = [
            ("/", "", "", Lang::Vi),
            ("/", "", "fr, en-GB;q=0.8, vi;q=0.5", Lang::En),
            ("/", "", "vi-VN,en", Lang::Vi),
            ("/", "loa_login=x; loa_lang=vi", "en", Lang::Vi),
            ("/?date=2026-12-04&lang=en", "loa_lang=vi", "", Lang::En),
            ("/?lang=xx", "loa_lang=en", "", Lang::En),
        ];
        for (uri, cookies, wished, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, cookies.parse().unwrap());
            headers.insert(ACCEPT_LANGUAGE, wished.parse().unwrap());
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(Lang::of(&uri, &headers), expected, "{uri} {cookies} {wished}");
        }
    }

    #[test]
    fn cookies_are_found_however_many_fields_they_come_in() {
        for fields in [&["loa_lang=en; loa_login=x"][..], &["loa_lang=en", "loa_login=x"]] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(COOKIE, field.parse().unwrap());
            }
            assert_eq!(cookie(&headers, "loa_login"), Some("x"), "{fields:?}");
            assert_eq!(cookie(&headers, "loa_lang"), Some("en"), "{fields:?}");
        }
    }
}
