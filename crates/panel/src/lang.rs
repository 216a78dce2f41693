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
        let kept = || cookie(header(COOKIE), LANG_COOKIE).and_then(Self::from_code);
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

/// Finds one cookie in a `Cookie` header.
pub(crate) fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Keeps the choice of language.
const LANG_COOKIE: &str = "loa_lang";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
        let sources = [
            include_str!("../templates/base.html"),
            include_str!("../templates/ca.html"),
            include_str!("../templates/login.html"),
            include_str!("../templates/on_air.html"),
            include_str!("../templates/air.html"),
            include_str!("../templates/day.html"),
            include_str!("../templates/today.html"),
            include_str!("../templates/receivers.html"),
            include_str!("../templates/heard.html"),
            include_str!("../templates/as_run.html"),
            include_str!("../templates/problem.html"),
            include_str!("../templates/code.html"),
            include_str!("../templates/account.html"),
            include_str!("../templates/totp.html"),
            include_str!("../templates/recovery_codes.html"),
            include_str!("../templates/role_form.html"),
            include_str!("../templates/users.html"),
            include_str!("../templates/user.html"),
            include_str!("../templates/one_time_password.html"),
            include_str!("../templates/audit.html"),
            include_str!("error.rs"),
            include_str!("plain.rs"),
            include_str!("router.rs"),
            include_str!("pages/mod.rs"),
            include_str!("pages/login.rs"),
            include_str!("pages/receivers.rs"),
            include_str!("pages/on_air.rs"),
            include_str!("pages/today.rs"),
            include_str!("pages/as_run.rs"),
            include_str!("pages/account.rs"),
            include_str!("pages/users.rs"),
            include_str!("pages/user.rs"),
            include_str!("pages/audit.rs"),
        ];
        let known: BTreeSet<_> = texts(VI).map(|(key, _)| key).collect();
        for source in sources {
            for call in ["say(\"", "say_with(\""] {
                for rest in source.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap_or_default();
                    assert!(known.contains(key), "{key}");
                }
            }
        }
        for key in known {
            let quoted = format!("\"{key}\"");
            // Names of counts, deeds and states are looked up by what receivers and the audit log call them.
            let looked_up = ["count-", "deed-", "state-"]
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
}
