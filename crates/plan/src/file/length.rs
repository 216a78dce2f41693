//! Lengths of time, as schedule files write them.

use std::time::Duration;

use super::fields::{Entry, Reader};
use crate::diagnostic::{Diagnostic, Placed};
use crate::said::said;

impl<'a> Reader<'a> {
    /// Reads a length of time such as "15m", "90s" or "1h30m".
    pub(super) fn span(
        &mut self,
        entry: &Entry<'_, 'a>,
        key: &str,
        max: Duration,
    ) -> Option<Placed<Duration>> {
        let example = if key == "silence_after" { "10s" } else { "15m" };
        let text = self.text(entry, key, &format!("\"{example}\""))?;
        let max_text = span_text(max);
        let (message, remedy) = match parse_span(&text.value) {
            Some(span) if span.is_zero() => (
                said!("{key} bằng không", "{key} is zero"),
                said!("viết {key} = \"{example}\"", "write {key} = \"{example}\""),
            ),
            Some(span) if span > max => {
                let message = said!(
                    "{key} \"{}\" dài hơn {max_text}",
                    "{key} \"{}\" is more than {max_text}",
                    text.value
                );
                let remedy = if key == "max_duration" {
                    said!(
                        "nhiều nhất là \"{max_text}\"; cần dài hơn thì thêm khung giờ",
                        "use at most \"{max_text}\", and more slots for a longer day"
                    )
                } else {
                    said!("nhiều nhất là \"{max_text}\"", "use at most \"{max_text}\"")
                };
                (message, remedy)
            }
            Some(span) => {
                let place = text.place;
                return Some(Placed { value: span, place });
            }
            None => {
                let message = said!(
                    "{key} \"{}\" không phải độ dài thời gian",
                    "{key} \"{}\" is not a length of time",
                    text.value
                );
                (
                    message,
                    said!(
                        "viết {key} = \"{example}\", \"90s\" hoặc \"1h30m\"",
                        "write {key} = \"{example}\", \"90s\" or \"1h30m\""
                    ),
                )
            }
        };
        self.faults.push(Diagnostic::error(&text.place, message, remedy));
        None
    }
}

/// Prints a length of time as schedule files write it.
pub(crate) fn span_text(span: Duration) -> String {
    let s = span.as_secs();
    let parts = [(s / 3_600, "h"), (s / 60 % 60, "m"), (s % 60, "s")];
    let text: String = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads hours, minutes and seconds, each at most once and in this order.
fn parse_span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut units = [('h', 3_600), ('m', 60), ('s', 1)].into_iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, s) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(s)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_printed() {
        let rows = [
            ("15m", Some(900), "15m"),
            ("90s", Some(90), "1m30s"),
            ("1h30m", Some(5_400), "1h30m"),
            ("4h", Some(14_400), "4h"),
            ("0s", Some(0), "0s"),
            ("1h0m5s", Some(3_605), "1h5s"),
            ("15", None, ""),
            ("m", None, ""),
            ("15m15m", None, ""),
            ("1m1h", None, ""),
            ("15 m", None, ""),
            ("-1m", None, ""),
            ("99999999999999999999h", None, ""),
            ("9999999999999999h", None, ""),
            ("1é", None, ""),
        ];
        for (text, s, printed) in rows {
            let span = parse_span(text);
            assert_eq!(span.map(|span| span.as_secs()), s, "{text}");
            assert_eq!(span.map(span_text).unwrap_or_default(), printed, "{text}");
        }
    }
}
