//! Names that people give files, made into names that can be shown and typed again.

use unicode_normalization::UnicodeNormalization as _;

/// Returns the last part of a path, whichever system wrote it, without what cannot be seen; empty if nothing is left.
///
/// Composed (NFC): a Mac gives `e`, a circumflex and a dot below as three characters where others give one, and both
/// look the same to who searches for the name.
pub fn clean_file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = clean_title(last);
    if name.chars().all(|c| c == '.') {
        String::new()
    } else {
        name
    }
}

/// Returns a title without what cannot be seen, composed, each run of blanks as one; empty if nothing is left.
pub fn clean_title(given: &str) -> String {
    let seen: String = given
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_hidden(*c))
        .collect();
    let composed: String = seen.nfc().collect();
    let words: Vec<_> = composed.split(' ').filter(|word| !word.is_empty()).collect();
    let title: String = words.join(" ").chars().take(TITLE_CHARS_MAX).collect();
    title.trim().to_owned()
}

/// Returns the title that a file gets by its name: without its ending.
pub fn title_of(file_name: &str) -> String {
    let name = clean_file_name(file_name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.trim().is_empty() => stem.trim().to_owned(),
        _ => name,
    }
}

/// Control characters, and those that turn the direction of what follows or have no width: with them one name can be
/// made to look like another.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

const TITLE_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_people_see() {
        let rows = [
            ("Bản tin sáng.mp3", "Bản tin sáng.mp3", "Bản tin sáng"),
            (
                "Ba\u{309}n tin a\u{323}\u{302}m.mp3",
                "Bản tin ậm.mp3",
                "Bản tin ậm",
            ),
            ("../../etc/passwd", "passwd", "passwd"),
            ("..\\..\\Windows\\tin.wav", "tin.wav", "tin"),
            ("..", "", ""),
            ("a/...", "", ""),
            ("a\u{0}b\u{7}\r\nc.mp3", "ab c.mp3", "ab c"),
            ("tin\u{202e}3pm.exe", "tin3pm.exe", "tin3pm"),
            (
                "  nhiều   chỗ  trống .flac",
                "nhiều chỗ trống .flac",
                "nhiều chỗ trống",
            ),
            (".mp3", ".mp3", ".mp3"),
            ("\u{200b}\u{1}", "", ""),
        ];
        for (given, file, title) in rows {
            assert_eq!(clean_file_name(given), file, "{given:?}");
            assert_eq!(title_of(given), title, "{given:?}");
        }
        assert_eq!(clean_title(&"ô".repeat(5_000)).chars().count(), 200);
    }
}
