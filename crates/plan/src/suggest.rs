//! "Did you mean": the nearest known word, and codes made from names.

use loa_model::CODE_LENGTH_MAX;

/// Returns the candidate nearest to `word`, if a slip of the fingers explains the difference.
///
/// At most one slip in words up to four letters, two in longer ones. Of equals the first is taken.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips_max = if word.chars().count() <= 4 { 1 } else { 2 };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let slips = distance(word, candidate);
        if slips <= slips_max && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Turns a Vietnamese name into a code: lower case, no marks, hyphens for all else.
pub(crate) fn code_from(name: &str) -> String {
    let mut code = String::new();
    for letter in name
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|letter| !is_mark(*letter))
    {
        let plain = plain_letter(letter);
        if plain.is_ascii_alphanumeric() {
            code.push(plain);
        } else if !code.is_empty() && !code.ends_with('-') {
            code.push('-');
        }
    }
    code.truncate(CODE_LENGTH_MAX);
    code.trim_end_matches('-').to_owned()
}

/// Tells whether a character combines with the one before it and takes no room of its own.
pub(crate) fn is_mark(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

fn plain_letter(letter: char) -> char {
    let families = [
        ('a', "àáảãạăằắẳẵặâầấẩẫậ"),
        ('e', "èéẻẽẹêềếểễệ"),
        ('i', "ìíỉĩị"),
        ('o', "òóỏõọôồốổỗộơờớởỡợ"),
        ('u', "ùúủũụưừứửữự"),
        ('y', "ỳýỷỹỵ"),
        ('d', "đ"),
    ];
    let family = families.iter().find(|(_, marked)| marked.contains(letter));
    family.map_or(letter, |(plain, _)| *plain)
}

/// Counts slips: a letter too many, too few, wrong, or two swapped (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(CODE_LENGTH_MAX).collect();
    let right: Vec<char> = right.chars().take(CODE_LENGTH_MAX).collect();
    let mut rows: [Vec<usize>; 3] = [vec![], vec![], (0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        rows.rotate_left(1);
        let [before, above, row] = &mut rows;
        row.clear();
        row.push(i + 1);
        for (j, b) in right.iter().enumerate() {
            let mut least = (above[j] + usize::from(a != b))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
    }
    rows[2][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let rows = [
            ("", "", 0),
            ("", "abc", 3),
            ("zone", "zone", 0),
            ("zones", "zone", 1),
            ("zoen", "zone", 1),
            ("xa-an-phu", "xa-an-pha", 1),
            ("thon", "xa", 4),
        ];
        for (left, right, slips) in rows {
            assert_eq!(distance(left, right), slips, "{left} {right}");
            assert_eq!(distance(right, left), slips, "{right} {left}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["zones", "cron", "class", "except"];
        let rows = [
            ("zone", Some("zones")),
            ("corn", Some("cron")),
            ("clas", Some("class")),
            ("expect", Some("except")),
            ("volume", None),
            ("at", None),
        ];
        for (word, expected) in rows {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn names_make_codes() {
        let rows = [
            ("Xã An Phú", "xa-an-phu"),
            ("Thôn Đông (2)", "thon-dong-2"),
            ("XA_A", "xa-a"),
            ("A\u{301}n", "an"),
            ("…", ""),
        ];
        for (name, code) in rows {
            assert_eq!(code_from(name), code, "{name}");
        }
    }
}
