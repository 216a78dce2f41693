//! Sentences in both languages of the station.

use crate::text::Lang;

/// One sentence, in Vietnamese and in English.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// For operators.
    pub vi: String,
    /// For everyone else.
    pub en: String,
}

impl Said {
    /// Returns it in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Vi => &self.vi,
            Lang::En => &self.en,
        }
    }
}

/// Makes a [`Said`] out of two format strings, Vietnamese first, that share their arguments.
macro_rules! said {
    ($vi:literal, $en:literal $(, $arg:expr)* $(,)?) => {
        $crate::said::Said {
            vi: format!($vi $(, $arg)*),
            en: format!($en $(, $arg)*),
        }
    };
}

pub(crate) use said;
