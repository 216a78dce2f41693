//! SPDX licence expressions, as far as crates use them.

/// Returns whether a work under `expression` may be had under licences that `allowed` accepts.
///
/// Understands `AND`, `OR`, the old `/` for `OR`, parentheses, and `WITH`, whose exception only ever permits more
/// and is therefore not asked about. What it does not understand is not allowed.
pub(super) fn is_allowed(expression: &str, allowed: impl Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = Words {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let answer = words.either();
    answer == Some(true) && words.next == words.words.len()
}

/// A descent over the words; `None` where the expression is malformed.
struct Words<'a, F> {
    words: Vec<&'a str>,
    next: usize,
    allowed: F,
}

impl<F: Fn(&str) -> bool> Words<'_, F> {
    fn either(&mut self) -> Option<bool> {
        let mut answer = self.both()?;
        while self.take("OR") {
            answer |= self.both()?;
        }
        Some(answer)
    }

    fn both(&mut self) -> Option<bool> {
        let mut answer = self.one()?;
        while self.take("AND") {
            answer &= self.one()?;
        }
        Some(answer)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let answer = self.either()?;
            return self.take(")").then_some(answer);
        }
        let name = *self.words.get(self.next)?;
        if ["AND", "OR", "WITH", ")"].contains(&name) {
            return None;
        }
        self.next += 1;
        if self.take("WITH") {
            self.words.get(self.next)?;
            self.next += 1;
        }
        Some((self.allowed)(name))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.next) == Some(&word);
        self.next += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_way_through_is_enough_and_every_part_of_it_counts() {
        let rows = [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND Apache-2.0", true),
            ("(MIT OR GPL-3.0-only) AND Apache-2.0", true),
            ("MIT OR GPL-3.0-only AND LGPL-2.1-only", true),
            ("(MIT OR GPL-3.0-only) AND LGPL-2.1-only", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT)", false),
            ("MIT Apache-2.0", false),
            ("MIT WITH", false),
        ];
        for (expression, expected) in rows {
            let found = is_allowed(expression, |name| ["MIT", "Apache-2.0"].contains(&name));
            assert_eq!(found, expected, "{expression}");
        }
    }
}
